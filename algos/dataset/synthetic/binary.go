package synthetic

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"

	"petuum/algos/dataset/columnar"
)

// WriteBinary writes a set by columns, in parts that have the rows from rows*p/parts to
// rows*(p+1)/parts, or else, by features, such ranges of the columns: the same numbers as
// Write. It returns the bytes of the file. For parts by rows columns are made twice, the
// first time without values, to know how many each part has: no more of them is held than
// some MB on the way from the processors to the file. Beside that a row takes up to 40
// bytes, and a part 1 MiB. Progress is told the columns that are done; it may be nil.
func WriteBinary(ctx context.Context, f io.WriterAt, c Columns, set Set, parts int, byFeatures bool, progress func(columns uint64)) (int64, error) {
	labels, err := c.labels(ctx, set)
	if err != nil {
		return 0, err
	}
	b := &binaryWriter{c: c, set: set, header: columnar.Header{Columns: c.Features, Base: 1, Parts: make([]columnar.Facts, parts), ByColumns: byFeatures}}
	header, rows := &b.header, c.Size(set)
	if byFeatures {
		b.ends = []uint64{rows}
		for p := range parts {
			first, end := header.Range(p)
			header.Parts[p] = columnar.Facts{Rows: rows, Values: (end - first) * c.sheet(set).count}
		}
	} else {
		for p := range uint64(parts) {
			b.ends = append(b.ends, rows*(p+1)/uint64(parts))
			header.Parts[p].Rows = b.ends[p] - rows*p/uint64(parts)
		}
		if err := b.count(ctx, header.Parts); err != nil {
			return 0, err
		}
	}
	if b.w, err = columnar.NewWriter(f, *header); err != nil {
		return 0, err
	}
	row := uint64(0)
	for p, end := range b.ends {
		for row < end {
			n := min(end-row, 1<<16)
			y := make([]float64, n)
			for i := range y {
				y[i] = float64(labels[row+uint64(i)]) / LabelUnit
			}
			if err := b.w.Labels(p, y); err != nil {
				return 0, err
			}
			row += n
		}
	}
	if err := b.columns(ctx, progress); err != nil {
		return 0, err
	}
	return b.w.Finish()
}

// CheckBinary reports a problem that cannot be written by columns in so many parts.
func CheckBinary(p Problem, parts int, byFeatures bool) (Columns, error) {
	c, ok := p.(Columns)
	switch rows := p.Common().Rows; {
	case ok && byFeatures && parts >= 1 && parts <= columnar.MaxParts:
		if features := p.Common().Features; uint64(parts) > features {
			return c, fmt.Errorf("parts %d: want no more than the %d features", parts, features)
		}
	case !ok:
		return c, fmt.Errorf("this problem is made row by row, and binary files have columns: want libsvm")
	case parts < 1 || parts > columnar.MaxParts || uint64(parts) > rows:
		return c, fmt.Errorf("parts %d: want 1 to %d, and no more than rows", parts, columnar.MaxParts)
	case rows/uint64(parts) >= 1<<32-2:
		return c, fmt.Errorf("parts %d: more than 2^32-2 rows in one", parts)
	}
	return c, nil
}

// binaryWriter makes the columns of a set on all processors.
type binaryWriter struct {
	c    Columns
	set  Set
	ends []uint64 // of each part by rows: the row behind its last

	header columnar.Header
	w      *columnar.Writer
}

// pieceValues and pieceColumns are about how much a piece holds.
const (
	pieceValues  = 1 << 18
	pieceColumns = 1 << 14
)

// piece is some columns that follow each other, cut into parts.
type piece struct {
	columns uint64
	parts   []pieceOf
}

// pieceOf is what a part has of a piece.
type pieceOf struct {
	counts []uint32 // values of each column
	rows   []uint32 // from the first of the part
	values []float32
}

func (p *piece) clear() {
	p.columns = 0
	for k := range p.parts {
		o := &p.parts[k]
		o.counts, o.rows, o.values = o.counts[:0], o.rows[:0], o.values[:0]
	}
}

// count counts the values of parts.
func (b *binaryWriter) count(ctx context.Context, parts []columnar.Facts) error {
	if len(parts) == 1 {
		parts[0].Values = b.c.Features * b.c.sheet(b.set).count
		return nil
	}
	workers := runtime.GOMAXPROCS(0)
	cuts, err := b.cuts(ctx, uint64(workers))
	if err != nil {
		return err
	}
	errs := make([]error, workers)
	counts := make([][]uint64, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			counts[w] = make([]uint64, len(parts))
			s := b.c.sheet(b.set)
			errs[w] = s.eachRun(ctx, cuts[w], cuts[w+1], func(start, end uint64) error {
				for _, r := range s.pick(start) {
					counts[w][b.part(uint64(r))] += end - start
				}
				return nil
			})
		})
	}
	wg.Wait()
	for w := range workers {
		if errs[w] != nil {
			return errs[w]
		}
		for p, n := range counts[w] {
			parts[p].Values += n
		}
	}
	return nil
}

// part is the part that has a row.
func (b *binaryWriter) part(row uint64) int {
	p, found := slices.BinarySearch(b.ends, row)
	if found { // the row behind the last of p
		p++
		for b.ends[p] == row { // parts without rows
			p++
		}
	}
	return p
}

// cuts are the begins of n shares of the columns, each of whole runs, and the end.
func (b *binaryWriter) cuts(ctx context.Context, n uint64) ([]uint64, error) {
	s, at := b.c.sheet(b.set), uint64(0)
	cuts := []uint64{0}
	for k := uint64(1); k < n; k++ {
		at = max(at, b.c.Features/n*k)
		for ; at < b.c.Features && !s.fresh(at); at++ {
			if err := alive(ctx, at); err != nil {
				return nil, err
			}
		}
		cuts = append(cuts, at)
	}
	return append(cuts, b.c.Features), nil
}

// eachRun calls visit for the runs of the columns [low, high), which are whole runs.
func (s *sheet) eachRun(ctx context.Context, low, high uint64, visit func(start, end uint64) error) error {
	for j := low; j < high; {
		start := j
		for j++; j < high && !s.fresh(j); j++ {
			if err := alive(ctx, j); err != nil {
				return err
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := visit(start, j); err != nil {
			return err
		}
	}
	return nil
}

// columns makes all columns. They are cut into shares of whole runs, share k is made by
// goroutine k mod workers, a piece at a time, and written here in order.
func (b *binaryWriter) columns(ctx context.Context, progress func(columns uint64)) error {
	shares := max(1, min(b.c.Features/pieceColumns, 1<<20))
	cuts, err := b.cuts(ctx, shares)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	workers := uint64(runtime.GOMAXPROCS(0))
	made := make([]chan *piece, workers) // nil ends a share
	emptied := make([]chan *piece, workers)
	errs := make([]error, workers)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for w := range workers {
		made[w], emptied[w] = make(chan *piece, 2), make(chan *piece, 4)
		for range cap(emptied[w]) {
			emptied[w] <- &piece{parts: make([]pieceOf, len(b.ends))}
		}
		wg.Go(func() {
			defer close(made[w])
			m := maker{binaryWriter: b, sheet: b.c.sheet(b.set), made: made[w], emptied: emptied[w]}
			for k := w; k < shares && errs[w] == nil; k += workers {
				errs[w] = m.share(ctx, cuts[k], cuts[k+1])
			}
		})
	}
	done := uint64(0)
	for k := range shares {
		w := k % workers
		for {
			p, ok := <-made[w]
			if !ok {
				return errs[w]
			}
			if p == nil {
				break
			}
			if err := b.put(p, done); err != nil {
				return err
			}
			if done += p.columns; progress != nil {
				progress(done)
			}
			p.clear()
			emptied[w] <- p
		}
	}
	return nil
}

// put writes a piece, whose first column is at.
func (b *binaryWriter) put(p *piece, at uint64) error {
	if !b.header.ByColumns {
		for part := range p.parts {
			o := &p.parts[part]
			if err := b.w.Columns(part, o.counts, o.rows, o.values); err != nil {
				return err
			}
		}
		return nil
	}
	o := p.parts[0]
	for part := 0; len(o.counts) > 0; part++ {
		_, end := b.header.Range(part)
		if end <= at {
			continue
		}
		n := min(end-at, uint64(len(o.counts)))
		values := n * uint64(o.counts[0]) // each column has as many
		if err := b.w.Columns(part, o.counts[:n], o.rows[:values], o.values[:values]); err != nil {
			return err
		}
		o.counts, o.rows, o.values, at = o.counts[n:], o.rows[values:], o.values[values:], at+n
	}
	return nil
}

// maker makes columns on one goroutine.
type maker struct {
	*binaryWriter
	sheet         *sheet
	made, emptied chan *piece
	piece         *piece

	rows   []uint32   // of the run, ascending
	bounds []int      // part p has those from bounds[p] to bounds[p+1]
	random []rand.PCG // of each row: the numbers that its next value is made of
	last   []int64    // of each row: the value before
}

// share makes the columns [low, high), which are whole runs.
func (m *maker) share(ctx context.Context, low, high uint64) error {
	if err := m.sheet.eachRun(ctx, low, high, func(start, end uint64) error { return m.run(ctx, start, end) }); err != nil {
		return err
	}
	if m.piece != nil {
		if err := m.send(ctx); err != nil {
			return err
		}
	}
	return give(ctx, m.made, nil)
}

// send hands the piece over.
func (m *maker) send(ctx context.Context) error {
	p := m.piece
	m.piece = nil
	return give(ctx, m.made, p)
}

func give(ctx context.Context, to chan<- *piece, p *piece) error {
	select {
	case to <- p:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run makes the columns [start, end), which share their rows.
func (m *maker) run(ctx context.Context, start, end uint64) error {
	m.rows = append(m.rows[:0], m.sheet.pick(start)...)
	slices.Sort(m.rows)
	m.bounds = append(m.bounds[:0], 0)
	k := 0
	for _, last := range m.ends {
		for k < len(m.rows) && uint64(m.rows[k]) < last {
			k++
		}
		m.bounds = append(m.bounds, k)
	}
	m.random = slices.Grow(m.random[:0], len(m.rows))[:len(m.rows)]
	m.last = slices.Grow(m.last[:0], len(m.rows))[:len(m.rows)]
	for k, r := range m.rows {
		m.last[k] = m.sheet.first(uint64(r), start)
		m.random[k] = m.sheet.values.pcg
	}
	for j := start; j < end; {
		if m.piece == nil {
			select {
			case m.piece = <-m.emptied:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		n := min(end-j, pieceColumns, 1+pieceValues/uint64(len(m.rows)))
		m.fill(n)
		j += n
		if m.piece.columns >= pieceColumns || m.piece.columns*uint64(len(m.rows)) >= pieceValues {
			if err := m.send(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// fill adds the next n columns of the run to the piece.
func (m *maker) fill(n uint64) {
	m.piece.columns += n
	first := uint32(0)
	for p := range m.piece.parts {
		o := &m.piece.parts[p]
		lo, hi := m.bounds[p], m.bounds[p+1]
		width, at := hi-lo, len(o.values)
		size := width * int(n)
		o.rows = slices.Grow(o.rows, size)[:at+size]
		o.values = slices.Grow(o.values, size)[:at+size]
		for range n {
			o.counts = append(o.counts, uint32(width))
		}
		for k := lo; k < hi; k++ {
			m.sheet.values.pcg = m.random[k]
			v, row := m.last[k], m.rows[k]-first
			for i := at + k - lo; i < at+size; i += width {
				o.rows[i], o.values[i] = row, values32[v]
				v = m.sheet.next(v)
			}
			m.last[k], m.random[k] = v, m.sheet.values.pcg
		}
		first = uint32(m.ends[p])
	}
}

// values32 are the values of columns as data has them: the float32 next to each.
var values32 = func() (v [ValueUnit + 1]float32) {
	for i := range v {
		v[i] = float32(float64(i) / ValueUnit)
	}
	return v
}()
