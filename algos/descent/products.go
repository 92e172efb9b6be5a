package descent

import "slices"

// products makes x_j.H x_k of pairs of columns, with H the curvatures of the rows.
type products struct {
	gram  []float64
	full  []vector // new columns with a value in each row
	begin []int32  // the others by row: where the row's cells begin, those of the last columns first
	cells []rowCell
}

// vector is a new column of a block, times H; off is where its products begin in gram.
type vector struct {
	vals []float64
	at   int // place in the block
	off  int
}

// rowCell is a value of a new column, times H, in the list of its row.
type rowCell struct {
	val float64
	off int32 // where the column's products begin
	at  int32 // its place in the block
}

// of returns the products of the columns of a block from known on with all those
// before them, and with themselves: of the column at place q those with 0 to q.
func (s *products) of(p *Part, known int) []float64 {
	k := len(p.columns)
	size := offset(known, k)
	s.gram = slices.Grow(s.gram[:0], size)[:size]
	clear(s.gram)
	s.gather(p, known)
	for q, j := range p.columns {
		if j < 0 {
			continue
		}
		for _, f := range s.full {
			if f.at >= q {
				s.gram[f.off+q] = p.x.Dot(j, f.vals)
			}
		}
		if len(s.cells) == 0 {
			continue
		}
		for i, val := range p.x.Row(j) {
			for _, c := range s.cells[s.begin[i]:s.begin[i+1]] {
				if int(c.at) < q {
					break
				}
				s.gram[int(c.off)+q] += val * c.val
			}
		}
	}
	return s.gram
}

// gather lists the values of the new columns by rows.
func (s *products) gather(p *Part, known int) {
	n := len(p.y)
	s.full = s.full[:0]
	s.begin = slices.Grow(s.begin[:0], n+2)[:n+2]
	clear(s.begin)
	for q, j := range p.columns[known:] {
		switch {
		case j < 0:
		case p.x.Len(j) == n:
			s.addFull(p, j, known+q, offset(known, known+q))
		default:
			for i := range p.x.Row(j) {
				s.begin[i+2]++
			}
		}
	}
	for i := range n {
		s.begin[i+2] += s.begin[i+1]
	}
	s.cells = slices.Grow(s.cells[:0], int(s.begin[n+1]))[:s.begin[n+1]]
	for q := len(p.columns) - 1; q >= known; q-- {
		j := p.columns[q]
		if j < 0 || p.x.Len(j) == n {
			continue
		}
		for i, val := range p.x.Row(j) {
			s.cells[s.begin[i+1]] = rowCell{val * p.h[i], int32(offset(known, q)), int32(q)}
			s.begin[i+1]++
		}
	}
}

// addFull adds a column to those with a value in each row.
func (s *products) addFull(p *Part, j, at, off int) {
	n := len(s.full)
	s.full = slices.Grow(s.full, 1)[:n+1]
	f := &s.full[n]
	if f.at, f.off = at, off; len(f.vals) != len(p.y) {
		f.vals = make([]float64, len(p.y))
	}
	for i, v := range p.x.Row(j) {
		f.vals[i] = v * p.h[i]
	}
}

// offset is where the products of the column at place q begin: those before it have
// one with each place up to their own.
func offset(known, q int) int { return (q*(q+1) - known*(known+1)) / 2 }
