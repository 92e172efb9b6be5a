package descent

import (
	"math"

	"petuum/algos/dataset"
)

// store is what the scheduler knows of the columns of the last block: their products,
// or the columns where these are fewer numbers.
type store struct {
	kind    uint64
	last    []int
	gram    []float64 // by rows
	grown   []float64
	columns []column
	rows    int // of all parts
}

// column is a column's values, rows numbered through the parts.
type column struct {
	rows []uint32
	vals []float64
}

// arrange makes m.block of the units in m.ranked. Columns whose products, or which, are
// known stand first; but groups must not be torn apart, so with them nothing is known.
func (s *store) arrange(m *Model) {
	s.last, m.block = m.block, s.last[:0]
	kind, _ := m.kindOf()
	keep := kind == s.kind && m.Groups == nil && (kind == keyColumns || m.Loss == Squared) && !m.forget
	m.forget = false
	if keep {
		for i, j := range s.last {
			m.place[j] = int32(i + 1)
		}
		for _, c := range m.ranked {
			if m.place[c.unit] > 0 {
				m.block = append(m.block, c.unit)
			}
		}
	}
	m.known = len(m.block)
	for _, c := range m.ranked {
		if lo, hi := m.unit(c.unit); m.place[lo] == 0 {
			for j := lo; j < hi; j++ {
				m.block = append(m.block, j)
			}
		}
	}
	s.kind = kind
	if kind == keyGram {
		s.takeGram(m)
	} else {
		kept := make([]column, m.known, len(m.block))
		for i, j := range m.block[:m.known] {
			kept[i] = s.columns[m.place[j]-1]
		}
		s.columns = kept
	}
	for _, j := range s.last {
		m.place[j] = 0
	}
}

// kindOf is the form in which the block takes the least room, and how many numbers that
// is: products of its columns or the columns.
func (m *Model) kindOf() (kind uint64, numbers float64) {
	k, values := 0.0, 0.0
	for _, c := range m.ranked {
		lo, hi := m.unit(c.unit)
		k += float64(hi - lo)
		for j := lo; j < hi; j++ {
			values += m.count[j]
		}
	}
	if m.predicted == nil && (k*k/2 < values*2 || k*k <= 64*64) {
		return keyGram, k * k / 2
	}
	return keyColumns, 2 * values
}

// takeGram takes the products of the last block over that are still of use.
func (s *store) takeGram(m *Model) {
	k, old := len(m.block), len(s.last)
	if cap(s.grown) < k*k { // what is there is of no use, so Grow would copy it for nothing
		s.grown = make([]float64, k*k*3/2)
	}
	s.grown = s.grown[:k*k]
	for i, j := range m.block[:m.known] {
		from := s.gram[int(m.place[j]-1)*old:]
		for l, c := range m.block[:m.known] {
			s.grown[i*k+l] = from[m.place[c]-1]
		}
	}
	s.gram, s.grown = s.grown, s.gram
}

// quadratic makes the block's problem of what the parts emitted.
func (s *store) quadratic(m *Model, emitted [][]float64, mass float64, z, center []float64) Quadratic {
	scale := make([]float64, len(m.block))
	for i, j := range m.block {
		scale[i] = m.scale[j]
	}
	skip := m.head()
	if s.kind == keyGram {
		s.addGram(m, emitted, skip, mass, center, scale)
		return NewGram(s.gram, z)
	}
	u := s.addColumns(m, emitted, skip)
	return NewColumns(s.matrix(m, u), mass, center, scale, z)
}

// addGram adds up the products of new columns.
func (s *store) addGram(m *Model, emitted [][]float64, skip int, mass float64, center, scale []float64) {
	k := len(m.block)
	total := make([]float64, offset(m.known, k))
	for _, part := range emitted {
		if len(part) >= skip+len(total) {
			for i, v := range part[skip : skip+len(total)] {
				total[i] += v
			}
		}
	}
	for i := m.known; i < k; i++ {
		for l := range i + 1 {
			g := (total[l] - mass*center[i]*center[l]) / (scale[i] * scale[l])
			if m.square[m.block[i]] == 0 || m.square[m.block[l]] == 0 {
				g = 0 // a column that is constant up to rounding is one of zeros
			}
			s.gram[i*k+l], s.gram[l*k+i] = g, g
		}
		total = total[i+1:]
	}
}

// addColumns takes new columns in and returns the square roots of the rows' curvatures,
// nil where they are 1.
func (s *store) addColumns(m *Model, emitted [][]float64, skip int) (u []float64) {
	k := len(m.block)
	s.columns = s.columns[:m.known]
	for range k - m.known {
		s.columns = append(s.columns, column{})
	}
	s.rows = 0
	for number, part := range emitted {
		p := part[min(skip, len(part)):]
		if len(p) == 0 {
			continue
		}
		first := s.rows
		if m.predicted != nil {
			first = 0
		}
		n := min(max(0, int(p[0])), m.all-first)
		p = p[1:]
		if m.Loss != Squared && (number == 0 || m.predicted == nil) {
			for _, h := range p[:min(n, len(p))] {
				u = append(u, math.Sqrt(h))
			}
			p = p[min(n, len(p)):]
		}
		for i := m.known; i < k && len(p) > 0; i++ {
			values := min(int(p[0]), (len(p)-1)/2)
			p = p[1:]
			c := &s.columns[i]
			for ; values > 0; values-- {
				if row := int(p[0]); row >= 0 && row < n && (m.predicted != nil || m.square[m.block[i]] > 0) {
					c.rows, c.vals = append(c.rows, uint32(first+row)), append(c.vals, p[1])
				}
				p = p[2:]
			}
		}
		s.rows = first + n
	}
	if m.Loss != Squared {
		u = exactly(u, s.rows)
	}
	return u
}

// matrix is the columns as rows, times u.
func (s *store) matrix(m *Model, u []float64) dataset.Matrix {
	ptr := make([]int64, 1, len(s.columns)+1)
	var rows []uint32
	var vals []float64
	for i, c := range s.columns {
		if m.predicted != nil {
			c = m.predicted.counted(m, i, c)
		}
		rows, vals = append(rows, c.rows...), append(vals, c.vals...)
		ptr = append(ptr, int64(len(rows)))
	}
	if u != nil {
		for i, r := range rows {
			vals[i] *= u[r]
		}
	}
	return dataset.NewMatrix(s.rows, ptr, rows, vals)
}
