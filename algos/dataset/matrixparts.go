package dataset

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// matrixPart collects the rows [begin, end) of a matrix, which come in any order.
type matrixPart struct {
	*builder
	read       *assembly
	begin, end uint64
	at         []uint32 // row of each entry, less begin
	cols       []uint64
	vals       []float64
	rowWeights []float32 // of each row; nil without a file of weights
}

// errTwice stops a search.
var errTwice = errors.New("found")

// matrix reads the parts of a MatrixMarket file: part p has the rows
// [rows·p/of, rows·(p+1)/of). Every process reads all of the file.
func (in *input) matrix(numbers []int, read []*assembly) error {
	src, done, err := in.sources[0].open()
	if err != nil {
		return err
	}
	defer done()
	m, free, err := src.matrixFile()
	if err != nil {
		return err
	}
	defer free()
	m.data = !in.options.Float64
	parts := make([]*matrixPart, len(numbers))
	for i, p := range numbers {
		begin, end := uint64(cut(int64(m.rows), p, in.of)), uint64(cut(int64(m.rows), p+1, in.of))
		if end-begin >= 1<<32-1 {
			return fmt.Errorf("dataset: %s: %d rows in one part: use more parts", src.path, end-begin)
		}
		b := newBuilder(in.layouts[0], in.files)
		read[i].builders = []*builder{b}
		parts[i] = &matrixPart{builder: b, read: read[i], begin: begin, end: end}
	}
	slices.SortFunc(parts, func(a, b *matrixPart) int { return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end)) })
	o := in.options
	if err := m.fits(o); err != nil {
		return err
	}
	if o.Labels != "" {
		if err := readColumn(o.Labels, m.rows, labelColumn, parts); err != nil {
			return err
		}
	} else if !o.Unlabelled {
		return fmt.Errorf("dataset: %s: MatrixMarket data has no labels of its own: name the file of its labels (data.labels)", src.path)
	}
	if o.Weights != "" {
		if err := readColumn(o.Weights, m.rows, weightColumn, parts); err != nil {
			return err
		}
	}
	err = m.each(func(i, j uint64, v float64) error {
		if part := partOf(parts, i); part != nil {
			part.at = append(part.at, uint32(i-part.begin))
			part.cols = append(part.cols, j)
			part.vals = append(part.vals, v)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, part := range parts {
		if err := part.build(src, m); err != nil {
			return err
		}
	}
	return nil
}

// matrixFile opens the matrix of a source.
func (s *source) matrixFile() (*matrixFile, func(), error) {
	r, free, err := s.stream()
	if err != nil {
		return nil, nil, err
	}
	m, err := readMatrixHeader(s.path, r)
	if err != nil {
		free()
		return nil, nil, err
	}
	return m, free, nil
}

// fits refuses a matrix with more columns than the options allow.
func (m *matrixFile) fits(o Options) error {
	if o.Like == nil && o.Features > 0 && m.cols > o.Features {
		return m.fault(0, "there are %d columns, but features = %d", m.cols, o.Features)
	}
	return nil
}

// partOf returns the part that has a row, nil if none has it.
func partOf(parts []*matrixPart, row uint64) *matrixPart {
	k, found := slices.BinarySearchFunc(parts, row, func(p *matrixPart, row uint64) int {
		switch {
		case p.end <= row:
			return -1
		case p.begin > row:
			return 1
		}
		return 0
	})
	if !found {
		return nil
	}
	return parts[k]
}

// build makes rows of the entries.
func (p *matrixPart) build(src *source, m *matrixFile) error {
	next := make([]int64, p.end-p.begin+1) // where the next entry of each row goes
	for _, i := range p.at {
		next[i+1]++
	}
	for i := range p.end - p.begin {
		next[i+1] += next[i]
	}
	sorted := make([]int64, len(p.at))
	for k, i := range p.at {
		sorted[next[i]] = int64(k)
		next[i]++
	}
	limit := m.cols
	if like := p.layout.options.Like; like != nil {
		limit = like.Features
	}
	p.top = m.cols
	begin := int64(0)
	for i := range p.end - p.begin {
		row := sorted[begin:next[i]]
		begin = next[i]
		slices.SortFunc(row, func(a, b int64) int { return cmp.Compare(p.cols[a], p.cols[b]) })
		for n, k := range row {
			j := p.cols[k]
			if n > 0 && p.cols[row[n-1]] == j {
				return src.twice(p.begin+i, j)
			}
			if j >= limit {
				if p.vals[k] != 0 {
					p.dropped++
				}
				continue
			}
			v, narrow := long.single(p.vals[k])
			if f := p.put(j, v, !narrow, 0); f != nil {
				return m.fault(0, "%s", f.what)
			}
		}
		if p.rowWeights != nil {
			p.weigh(p.rowWeights[i])
		}
		if f := p.endRow(); f != nil {
			return m.fault(0, "%s", f.what)
		}
	}
	p.at, p.cols, p.vals, p.rowWeights = nil, nil, nil, nil
	p.read.pieces = []*piece{p.piece(order{})}
	return nil
}

// twice returns the error of an entry that a matrix has twice. It looks for the
// second one, so that entries need not remember their lines.
func (s *source) twice(row, col uint64) error {
	m, free, err := s.matrixFile()
	if err != nil {
		return err
	}
	defer free()
	seen := 0
	err = m.each(func(i, j uint64, _ float64) error {
		if i == row && j == col {
			seen++
		}
		if seen == 2 {
			return errTwice
		}
		return nil
	})
	if err != nil && err != errTwice {
		return err
	}
	return m.fault(0, "entry %d %d is there twice", row+1, col+1)
}

// column is what a file beside a matrix has for each row.
type column struct {
	name   string                                       // in messages, plural
	token  func(p *matrixPart, s []byte, at int) *fault // adds what the next row has
	number func(p *matrixPart, v float64) *fault
}

var (
	labelColumn = column{"labels",
		func(p *matrixPart, s []byte, at int) *fault { return p.labels.token(s, at) },
		func(p *matrixPart, v float64) *fault { return p.labels.number(v, 0) }}

	weightColumn = column{"weights",
		func(p *matrixPart, s []byte, at int) *fault {
			w, f := weightOf(s, at)
			p.rowWeights = append(p.rowWeights, w)
			return f
		},
		func(p *matrixPart, v float64) *fault {
			w, f := toWeight(v, strconv.AppendFloat(nil, v, 'g', -1, 64), 0)
			p.rowWeights = append(p.rowWeights, w)
			return f
		}}
)

// readColumn gives the parts the labels, or the weights, of their rows.
func readColumn(path string, rows uint64, c column, parts []*matrixPart) error {
	src, done, err := openChecked(path)
	if err != nil {
		return err
	}
	defer done()
	matrix, err := src.isMatrix()
	if err != nil {
		return err
	}
	if matrix {
		return src.readVector(rows, c, parts)
	}
	n := uint64(0)
	err = eachLine(path, func(line []byte) error {
		begin := skipBlanks(line, 0)
		end := len(line)
		for end > begin && (line[end-1] == ' ' || line[end-1] == '\t') {
			end--
		}
		if begin == end || line[begin] == '#' {
			return nil
		}
		n++
		if p := partOf(parts, n-1); p != nil {
			if f := c.token(p, line[begin:end], begin); f != nil {
				return faultAt(f)
			}
		}
		return nil
	})
	if err == nil && n != rows {
		return fmt.Errorf("dataset: %s has %d %s, the matrix %d rows", path, n, c.name, rows)
	}
	return err
}

// readVector reads a column that is a matrix of one column or one row.
func (s *source) readVector(rows uint64, c column, parts []*matrixPart) error {
	m, free, err := s.matrixFile()
	if err != nil {
		return err
	}
	defer free()
	upright := m.cols == 1 && m.rows == rows
	if !upright && (m.rows != 1 || m.cols != rows) {
		return m.fault(0, "%d x %d is no vector of the %d rows of the matrix", m.rows, m.cols, rows)
	}
	values := make([][]float64, len(parts))
	seen := make([][]bool, len(parts))
	for k, p := range parts {
		values[k], seen[k] = make([]float64, p.end-p.begin), make([]bool, p.end-p.begin)
	}
	err = m.each(func(i, j uint64, v float64) error {
		row := i
		if !upright {
			row = j
		}
		for k, p := range parts {
			if row < p.begin || row >= p.end {
				continue
			}
			if seen[k][row-p.begin] {
				return m.fault(0, "entry %d %d is there twice", i+1, j+1)
			}
			values[k][row-p.begin], seen[k][row-p.begin] = v, true
		}
		return nil
	})
	if err != nil {
		return err
	}
	for k, p := range parts {
		for _, v := range values[k] {
			if f := c.number(p, v); f != nil {
				return m.fault(0, "%s", f.what)
			}
		}
	}
	return nil
}
