package dataset

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"

	"petuum/algos/dataset/columnar"
)

// How the parts of a binary file are cut.
const (
	PartitionAuto    = "auto"
	PartitionRows    = "rows"
	PartitionColumns = "columns"
)

// wide is how many features to a row make parts by features the better ones: the numbers
// that parts then share are those of rows.
const wide = 16

// ByFeatures says whether data is to be cut by features: as partition says, or by its
// shape where that is auto. classes is the number of them, 0 of quantities: what learns
// more than two wants whole rows.
func ByFeatures(partition string, rows, features uint64, classes, parts int) (bool, error) {
	switch partition {
	case PartitionRows:
		return false, nil
	case PartitionColumns:
		return true, nil
	case PartitionAuto:
		return parts > 1 && classes <= 2 && features/wide >= max(rows, 1), nil
	}
	return false, fmt.Errorf("partition %q: want rows, columns or auto", partition)
}

// Converted is what Convert wrote.
type Converted struct {
	Info       Info // of what was read
	ByFeatures bool
	Rounded    bool // numbers that are no float32 were rounded to the next
	Bytes      int64
}

// Convert reads data that has labels and writes it as a binary file in so many parts. A
// binary file is mapped meanwhile, and any other is held in memory by columns (see the
// package comment). Labels are written as they stand in Part.Labels; names of features
// and categories are not kept. progress is told how many columns are done, of how many; it may be nil.
func Convert(ctx context.Context, paths []string, o Options, f io.WriterAt, parts int, partition string, progress func(done, columns uint64)) (Converted, error) {
	c := &converter{}
	if err := c.open(paths, o); err != nil {
		return c.done, err
	}
	i := &c.done.Info
	var err error
	words := 0
	if !i.Numeric { // numbers may be quantities
		words = len(i.Classes)
	}
	if c.done.ByFeatures, err = ByFeatures(partition, i.Rows, i.Features, words, parts); err != nil {
		return c.done, fmt.Errorf("dataset: %w", err)
	}
	most := i.Rows
	if c.done.ByFeatures {
		most = i.Features
	}
	switch {
	case i.Weighted:
		return c.done, fmt.Errorf("dataset: %s: rows have weights, which a binary file cannot keep", c.path)
	case parts < 1 || parts > columnar.MaxParts || uint64(parts) > most:
		return c.done, fmt.Errorf("dataset: %s: %d parts: want 1 to %d, and no more than the %d %s", c.path, parts, columnar.MaxParts, most,
			map[bool]string{true: "features", false: "rows"}[c.done.ByFeatures])
	}
	c.out = columnar.Header{Columns: i.Features, Base: i.Base, Parts: make([]columnar.Facts, parts), ByColumns: c.done.ByFeatures}
	return c.done, c.write(ctx, f, progress)
}

// converter writes blocks of the input, which are those of a binary file or one.
type converter struct {
	path   string
	labels []float64
	blocks []inBlock
	out    columnar.Header
	ends   []uint64 // of each part: the row or feature behind its last
	pieces []outPiece
	done   Converted
}

// inBlock is columns of some rows, by features or of all.
type inBlock struct {
	*Part
	row int // its first
}

// outPiece is what is to be written of a part.
type outPiece struct {
	counts []uint32
	rows   []uint32
	values []float32
}

// open reads the labels, and all else that cannot be mapped.
func (c *converter) open(paths []string, o Options) error {
	o, err := o.resolved()
	if err != nil {
		return err
	}
	o.Columns, o.ByFeatures, o.Unlabelled, o.Stream = true, true, false, false
	of := 1
	if len(paths) > 0 {
		c.path = paths[0]
	}
	if len(paths) > 0 && isBinary(c.path, o) {
		f, err := columnar.Open(c.path)
		if err != nil {
			return fmt.Errorf("dataset: %w", err)
		}
		of = len(f.Parts)
	}
	all := make([]int, of)
	for p := range all {
		all[p] = p
	}
	s, err := Scan(paths, o, all, of)
	if err != nil {
		return err
	}
	i := &c.done.Info
	for p := range all {
		if *i, err = i.Merge(s.Info(p)); err != nil {
			return err
		}
	}
	data, err := s.Parts(*i)
	if err != nil {
		return err
	}
	for _, p := range data {
		b := inBlock{Part: p, row: len(c.labels)}
		if i.ByFeatures {
			b.row = 0
		}
		if p.Index == 0 || !i.ByFeatures {
			c.labels = append(c.labels, p.Labels...)
		}
		c.blocks = append(c.blocks, b)
	}
	return nil
}

// write counts what parts have, and then writes it.
func (c *converter) write(ctx context.Context, f io.WriterAt, progress func(done, columns uint64)) error {
	parts := uint64(len(c.out.Parts))
	for p := range c.out.Parts {
		rows := uint64(len(c.labels))
		first, end := rows*uint64(p)/parts, rows*uint64(p+1)/parts
		c.out.Parts[p].Rows = end - first
		if c.out.ByColumns {
			c.out.Parts[p].Rows = rows
			_, end = c.out.Range(p)
		}
		c.ends = append(c.ends, end)
	}
	c.pieces = make([]outPiece, parts)
	if err := c.count(ctx); err != nil {
		return err
	}
	w, err := columnar.NewWriter(f, c.out)
	if err != nil {
		return fmt.Errorf("dataset: %s: %w", c.path, err)
	}
	for p, y := 0, c.labels; p < len(c.ends) && err == nil; p++ {
		n := c.out.Parts[p].Rows
		if p == 0 || !c.out.ByColumns {
			err = w.Labels(p, y[:n])
		}
		if !c.out.ByColumns {
			y = y[n:]
		}
	}
	if err != nil {
		return err
	}
	if err := c.columns(ctx, w, progress); err != nil {
		return err
	}
	c.done.Bytes, err = w.Finish()
	return err
}

// count counts the values of parts.
func (c *converter) count(ctx context.Context) error {
	for k := range c.blocks {
		b := &c.blocks[k]
		for j := range b.Positions() {
			if err := c.column(b, j); err != nil {
				return err
			}
			if j%countColumns != countColumns-1 && j+1 < b.Positions() {
				continue
			}
			for p := range c.pieces {
				c.out.Parts[p].Values += uint64(len(c.pieces[p].values))
				c.pieces[p].clear()
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	return nil
}

// pieceColumns and pieceValues are how much is written at a time, and countColumns how
// much is counted.
const (
	countColumns = 64
	pieceColumns = 1 << 14
	pieceValues  = 1 << 18
)

// columns writes all columns in their order.
func (c *converter) columns(ctx context.Context, w *columnar.Writer, progress func(done, columns uint64)) error {
	held := 0
	flush := func(done uint64) error {
		held = 0
		for p := range c.pieces {
			o := &c.pieces[p]
			if err := w.Columns(p, o.counts, o.rows, o.values); err != nil {
				return err
			}
			o.clear()
		}
		if progress != nil {
			progress(done, c.out.Columns)
		}
		return ctx.Err()
	}
	part := 0
	before := make([]int, len(c.pieces))
	for j := range c.out.Columns {
		for c.out.ByColumns && j >= c.ends[part] {
			part++
		}
		for k := range c.blocks {
			at, ok := c.blocks[k].Position(j)
			if !ok {
				continue
			}
			if err := c.column(&c.blocks[k], at); err != nil {
				return err
			}
		}
		for p := range c.pieces {
			if o := &c.pieces[p]; !c.out.ByColumns || p == part {
				n := len(o.values) - before[p]
				o.counts = append(o.counts, uint32(n))
				held += n
				before[p] = len(o.values)
			}
		}
		if held++; held >= pieceValues || j%pieceColumns == pieceColumns-1 {
			if err := flush(j + 1); err != nil {
				return err
			}
			clear(before)
		}
	}
	return flush(c.out.Columns)
}

// column adds the values at position j of a block to the pieces.
func (c *converter) column(b *inBlock, j int) error {
	p := 0
	if c.out.ByColumns {
		p, _ = slices.BinarySearch(c.ends, b.Key(j)+1)
	}
	for i, v := range b.Columns.Row(j) {
		row := uint64(b.row + i)
		first := uint64(0)
		if !c.out.ByColumns {
			for row >= c.ends[p] {
				p++
			}
			first = c.ends[p] - c.out.Parts[p].Rows
		}
		narrow := float32(v)
		if float64(narrow) != v {
			c.done.Rounded = true
			if math.IsInf(float64(narrow), 0) {
				return fmt.Errorf("dataset: %s: %g in row %d of feature %d: binary data is float32, and that is beyond", c.path, v, row, b.Key(j))
			}
		}
		if narrow != 0 {
			o := &c.pieces[p]
			o.rows, o.values = append(o.rows, uint32(row-first)), append(o.values, narrow)
		}
	}
	return nil
}

func (o *outPiece) clear() { o.counts, o.rows, o.values = o.counts[:0], o.rows[:0], o.values[:0] }
