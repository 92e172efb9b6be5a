package descent

import "slices"

// products makes x_j.H x_k of pairs of columns, with H the curvatures of the rows.
type products struct {
	gram  []float64
	full  []vector // new columns with a value in each row
	first []int32  // the others, by row: the first of the row's cells, -1 if none
	cells []cell
}

// vector is a new column of a block, times H; off is where its products begin in gram.
type vector struct {
	vals []float64
	off  int
}

// of returns the products of the columns of a block from known on with all those
// before them, and with themselves: of the column at place q those with 0 to q. It
// goes backwards: a column meets the new ones after it, sparse ones in the lists of
// their rows.
func (s *products) of(p *Part, known int) []float64 {
	size := offset(known, len(p.columns))
	s.gram = slices.Grow(s.gram[:0], size)[:size]
	clear(s.gram)
	s.full, s.cells = s.full[:0], s.cells[:0]
	if s.first == nil {
		s.first = slices.Repeat([]int32{-1}, len(p.y))
	}
	for q := len(p.columns) - 1; q >= 0; q-- {
		j := p.columns[q]
		if j < 0 {
			continue
		}
		isNew, isFull := q >= known, p.x.Len(j) == len(p.y)
		if isNew && isFull {
			s.addFull(p, j, offset(known, q))
		}
		for _, f := range s.full {
			s.gram[f.off+q] = p.x.Dot(j, f.vals)
		}
		if isNew && isFull && len(s.cells) == 0 {
			continue
		}
		for i, val := range p.x.Row(j) {
			if isNew && !isFull {
				s.cells = append(s.cells, cell{int32(offset(known, q)), s.first[i], val * p.h[i]})
				s.first[i] = int32(len(s.cells) - 1)
			}
			for c := s.first[i]; c >= 0; c = s.cells[c].next {
				s.gram[int(s.cells[c].of)+q] += val * s.cells[c].val
			}
		}
	}
	for _, j := range p.columns[known:] {
		if j >= 0 && len(s.cells) > 0 {
			for i := range p.x.Row(j) {
				s.first[i] = -1
			}
		}
	}
	return s.gram
}

// addFull adds a column to those with a value in each row.
func (s *products) addFull(p *Part, j, off int) {
	n := len(s.full)
	s.full = slices.Grow(s.full, 1)[:n+1]
	f := &s.full[n]
	if f.off = off; len(f.vals) != len(p.y) {
		f.vals = make([]float64, len(p.y))
	}
	for i, v := range p.x.Row(j) {
		f.vals[i] = v * p.h[i]
	}
}

// offset is where the products of the column at place q begin: those before it have
// one with each place up to their own.
func offset(known, q int) int { return (q*(q+1) - known*(known+1)) / 2 }
