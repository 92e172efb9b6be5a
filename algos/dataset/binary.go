package dataset

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"petuum/algos/dataset/columnar"
)

// Binary is the format of package columnar: one file of columns, whose parts were fixed
// when it was made, and are mapped.
const Binary = "binary"

// isBinary says whether a file is read as such.
func isBinary(path string, o Options) bool {
	name, ending := Compressed(path)
	return o.Format == Binary || o.Format == auto && ending == "" && FormatOfName(name) == Binary
}

// binaryFile is a file that is read by columns.
type binaryFile struct {
	file    *columnar.File
	source  *source
	files   []File // itself
	options Options
}

// openBinary reads the header of the file.
func openBinary(sources []*source, o Options) (*binaryFile, error) {
	path := sources[0].path
	if len(sources) > 1 {
		return nil, fmt.Errorf("dataset: %s: binary data is one file, but %d are named", path, len(sources))
	}
	f, err := columnar.Open(path)
	if err != nil {
		return nil, fmt.Errorf("dataset: %w", err)
	}
	b := &binaryFile{file: f, source: sources[0], options: o}
	if err := b.suits(); err != nil {
		return nil, fmt.Errorf("dataset: %s: %w", path, err)
	}
	file, err := sources[0].file()
	b.files = []File{file}
	return b, err
}

// suits refuses options that the file does not go with.
func (b *binaryFile) suits() error {
	o, h := &b.options, &b.file.Header
	if err := o.suits(Binary); err != nil {
		return err
	}
	switch like := o.Like; {
	case like == nil && o.Float64:
		return errors.New("binary data is float32: leave data.float64 out")
	case like == nil && o.Features != 0 && o.Features != h.Columns:
		return fmt.Errorf("it has %d features, but data.features is %d: leave that out", h.Columns, o.Features)
	case like == nil:
	case like.Format != Binary && like.Format != LIBSVM:
		return fmt.Errorf("the format is %s, that of the training data is %s", Binary, like.Format)
	case like.Features != h.Columns || like.Base != h.Base:
		return fmt.Errorf("it has %d features, indices from %d, and the training data %d, indices from %d: a binary file must have the same",
			h.Columns, h.Base, like.Features, like.Base)
	}
	return nil
}

// labels reads the labels of part p, and what is to be known of the part.
func (b *binaryFile) labels(p int) (*labelSet, Info, error) {
	o, h := &b.options, &b.file.Header
	info := Info{Format: Binary, Files: b.files, NonZeros: h.Parts[p].Values, Features: h.Columns, Seen: h.Columns,
		Fixed: o.Features > 0, Base: h.Base, Positive: o.Positive, ByFeatures: h.ByColumns}
	y, err := b.file.Labels(p)
	if err != nil {
		return nil, info, fmt.Errorf("dataset: %w", err)
	}
	l := newLabelSet(*o)
	if o.Unsupervised {
		info.Unlabelled, info.Numeric, info.Rows, info.Weight = true, true, uint64(len(y)), float64(len(y))
		return l, info, nil
	}
	for i, v := range y {
		f := &fault{what: "the label is not finite"}
		if isFinite(v) {
			f = l.number(v, 0)
		}
		if f != nil {
			return nil, info, fmt.Errorf("dataset: %s: row %d of part %d: %s", b.source.path, i, p, f.what)
		}
	}
	l.fillIn(&info)
	info.Weight = float64(info.Rows)
	if info.Classes == nil {
		var m moments
		for _, v := range l.values {
			m.add(v)
		}
		m.fillIn(&info)
	}
	return l, info, nil
}

// scan reads the labels of some parts.
func (b *binaryFile) scan(parts []int, of int) (*Scanned, error) {
	if n := len(b.file.Parts); n != of {
		return nil, fmt.Errorf("dataset: %s has %d parts, and the job %d: set cluster.parts = %d, or make the file again in %d parts (petuum data convert %s --parts %d -o NEW.petuum)",
			b.source.path, n, of, n, of, b.source.path, of)
	}
	if b.file.ByColumns && !b.options.ByFeatures {
		return nil, fmt.Errorf("dataset: %s has parts that are ranges of features, but each part of this job needs whole rows: make it again by rows (petuum data convert %s --partition rows --parts %d -o NEW.petuum)",
			b.source.path, b.source.path, of)
	}
	s := &Scanned{in: &input{sources: []*source{b.source}, files: b.files, options: b.options, of: of}, binary: b, parts: parts, infos: make([]Info, len(parts))}
	for i, p := range parts {
		var err error
		if _, s.infos[i], err = b.labels(p); err != nil {
			return nil, err
		}
		if b.options.Sums {
			if err := b.sum(p, &s.infos[i]); err != nil {
				return nil, err
			}
		}
		if !b.file.ByColumns {
			s.infos[i].PartRows = []uint64{s.infos[i].Rows}
		}
	}
	return s, nil
}

// part maps part p. Without Options.Columns its rows are made, and the mapping is freed.
func (b *binaryFile) part(p int, info Info) (*Part, error) {
	l, own, err := b.labels(p)
	if err != nil {
		return nil, err
	}
	_, fits := l.places(info)
	if !fits || own.sameFiles(info) != nil {
		return nil, fmt.Errorf("dataset: %s: the merged info is not of this input", b.source.path)
	}
	part := &Part{Index: p, Of: len(b.file.Parts), Labels: []float64{}}
	piece := &piece{}
	if piece.labels, piece.class = l.take(); info.Unlabelled {
		part.Labels = nil
	} else {
		l.resolve(info, piece, part)
	}
	first, _ := b.file.Range(p)
	x, m, err := b.columns(p)
	if err != nil {
		return nil, err
	}
	if b.options.Columns {
		part.Columns, part.First = &x, first
		return part, nil
	}
	part.X = x.Transpose()
	part.Keys = make([]uint64, x.rows)
	for j := range part.Keys {
		part.Keys[j] = first + uint64(j)
	}
	return part, m.Free()
}

// columns maps the matrix of part p, by columns.
func (b *binaryFile) columns(p int) (Matrix, *columnar.Part, error) {
	m, err := b.file.Map(p)
	if err != nil {
		return Matrix{}, nil, fmt.Errorf("dataset: %w", err)
	}
	x := Matrix{rows: len(m.Begins) - 1, cols: m.Rows, nnz: len(m.Values), index: index32, value: values32,
		ptr: m.Begins, idx16: m.Rows16, idx32: m.Rows32, val32: m.Values}
	if m.Rows <= 1<<16 {
		x.index = index16
	}
	return x, m, nil
}

// enterBinary opens the file and reads its labels.
func (r *Reader) enterBinary() (err error) {
	if r.binary, err = openBinary(r.sources[r.next:], r.options); err != nil {
		return err
	}
	r.binary.options.Columns = false
	for p := range r.binary.file.Parts {
		_, info, err := r.binary.labels(p)
		if err == nil {
			r.info, err = r.info.Merge(info)
		}
		if err != nil {
			return err
		}
	}
	r.files, r.next, r.whole = r.binary.files, len(r.sources), &Part{}
	return nil
}

// nextWhole reads the next part that has rows, io.EOF behind the last one.
func (r *Reader) nextWhole() (err error) {
	for r.binary != nil && r.entered < len(r.binary.file.Parts) {
		r.whole, r.at = nil, 0 // lets its memory go
		if r.whole, err = r.binary.part(r.entered, r.info); err != nil {
			return err
		}
		if r.entered++; r.info.ByFeatures {
			r.entered = len(r.binary.file.Parts)
			if err := r.binary.join(r.whole); err != nil {
				return err
			}
		}
		if r.whole.X.Rows() > 0 {
			return nil
		}
	}
	return io.EOF
}

// binaries maps the parts of a binary file.
func (s *Scanned) binaries(info Info) ([]*Part, error) {
	parts := make([]*Part, len(s.parts))
	for i, p := range s.parts {
		var err error
		if parts[i], err = s.binary.part(p, info); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

// stat describes the file by its header and labels.
func (b *binaryFile) stat() (Stats, error) {
	s := newStats()
	var of spread
	for p, f := range b.file.Parts {
		l, info, err := b.labels(p)
		if err != nil {
			return s, err
		}
		if s.Info, err = s.Info.Merge(info); err != nil {
			return s, err
		}
		if p == 0 || !info.ByFeatures {
			for _, y := range l.values {
				of.add(y)
			}
			s.EmptyRows += f.EmptyRows
		}
		if f.Rows > 0 {
			s.RowMin, s.RowMax = min(s.RowMin, f.RowMin), max(s.RowMax, f.RowMax)
		}
		if f.Values > 0 {
			s.ValueMin, s.ValueMax = min(s.ValueMin, f.ValueMin), max(s.ValueMax, f.ValueMax)
		}
	}
	i := &s.Info
	s.Parts = len(b.file.Parts)
	if i.Rows == 0 {
		s.RowMin = 0
	} else {
		s.WeightMin, s.WeightMax = 1, 1
	}
	if i.NonZeros == 0 {
		s.ValueMin, s.ValueMax = 0, 0
	}
	if cells := float64(i.Rows) * float64(i.Features); cells > 0 {
		s.Density = float64(i.NonZeros) / cells
	}
	if i.Numeric {
		s.LabelMean, s.LabelSD = of.mean, of.deviation()
	}
	s.LabelMean, s.LabelSD = finite(s.LabelMean), finite(s.LabelSD)
	s.Files = []FileStats{{b.files[0].Name, b.files[0].Bytes, i.Rows}}
	return s, nil
}

// spread is the mean of numbers and the sum of their squares about it, by Welford's
// update, which does not cancel.
type spread struct {
	n             uint64
	mean, squares float64
}

func (s *spread) add(y float64) {
	s.n++
	d := y - s.mean
	s.mean += d / float64(s.n)
	s.squares += d * (y - s.mean)
}

// deviation is the standard one; the divisor is the number of numbers.
func (s *spread) deviation() float64 { return math.Sqrt(s.squares / float64(max(s.n, 1))) }

// ByColumn returns the part's matrix by columns: its row j lists the rows of the part that
// have a value at position j. It is there already where Options.Columns asked for it, else
// it is made.
func (p *Part) ByColumn() Matrix {
	if p.Columns != nil {
		return *p.Columns
	}
	return p.X.Transpose()
}

// turn leaves nothing of a part but its columns.
func (p *Part) turn() {
	x := p.X.Transpose()
	p.Columns, p.X = &x, Matrix{}
	if n := len(p.Keys); n == 0 || p.Keys[n-1] == uint64(n-1) { // they ascend
		p.Keys = nil
	}
}

// Key is the feature at position j, also where Keys is nil.
func (p *Part) Key(j int) uint64 {
	if p.Keys == nil {
		return p.First + uint64(j)
	}
	return p.Keys[j]
}

// Position is where a feature is, also where Keys is nil; ok is false if the part has no
// place for it.
func (p *Part) Position(key uint64) (j int, ok bool) {
	if p.Keys == nil {
		return int(key - p.First), key-p.First < uint64(p.Positions()) // features before the first wrap
	}
	return slices.BinarySearch(p.Keys, key)
}

// Positions is the number of features that the part has a place for: those of Keys, or
// so many from First on where Keys is nil.
func (p *Part) Positions() int {
	if p.Columns != nil {
		return p.Columns.rows
	}
	return p.X.cols
}
