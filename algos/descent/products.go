package descent

import "slices"

// products makes x_j.H x_k of pairs of columns, with H the curvatures of the rows.
// Columns are gone over from the last to the first, each along the rows of those after
// it, which are in lists by row. What is added up lies close together.
type products struct {
	gram   []float64
	full   []vector // new columns with a value in each row
	begin  []int32  // the others by row: where the row's values begin
	end    []int32  // and end so far
	vals   []float64
	places []int32   // of the column of each value
	sums   []float64 // of one column with those after it, by place
}

// vector is a new column of a block, times H; off is where its products begin in gram.
type vector struct {
	vals []float64
	at   int // place in the block
	off  int
}

// of returns the products of the columns of a block from known on with all those
// before them, and with themselves: of the column at place q those with 0 to q.
func (s *products) of(p *Part, known int) []float64 {
	k := len(p.columns)
	size := offset(known, k)
	s.gram = slices.Grow(s.gram[:0], size)[:size]
	clear(s.gram)
	s.arrange(p, known)
	s.sums = slices.Grow(s.sums[:0], k)[:k]
	clear(s.sums)
	for q := k - 1; q >= 0; q-- {
		j := p.columns[q]
		if j < 0 {
			continue
		}
		if q >= known && p.x.Len(j) < len(p.y) {
			s.list(p, j, int32(q))
		}
		s.against(p, j)
		for c, off := max(q, known), offset(known, max(q, known)); c < k; c++ {
			s.gram[off+q] = s.sums[c]
			off += c + 1
		}
		clear(s.sums[q:])
		for _, f := range s.full {
			if f.at >= q {
				s.gram[f.off+q] = p.x.Dot(j, f.vals)
			}
		}
	}
	return s.gram
}

// against adds up the products of column j with those that are listed.
func (s *products) against(p *Part, j int) {
	if len(s.vals) == 0 {
		return
	}
	sums := s.sums
	for i, val := range p.x.Row(j) {
		vals, places := s.vals[s.begin[i]:s.end[i]], s.places[s.begin[i]:s.end[i]]
		for n, at := range places {
			sums[at] += val * vals[n]
		}
	}
}

// list adds the values of column j to the lists of their rows.
func (s *products) list(p *Part, j int, place int32) {
	for i, val := range p.x.Row(j) {
		at := s.end[i]
		s.vals[at], s.places[at] = val*p.h[i], place
		s.end[i]++
	}
}

// arrange makes room for the values of the new columns by rows, and sets full ones apart.
func (s *products) arrange(p *Part, known int) {
	n := len(p.y)
	s.full = s.full[:0]
	s.begin = slices.Grow(s.begin[:0], n+1)[:n+1]
	clear(s.begin)
	for q, j := range p.columns[known:] {
		switch {
		case j < 0:
		case p.x.Len(j) == n:
			s.addFull(p, j, known+q, offset(known, known+q))
		default:
			for i := range p.x.Row(j) {
				s.begin[i+1]++
			}
		}
	}
	for i := range n {
		s.begin[i+1] += s.begin[i]
	}
	s.end = append(s.end[:0], s.begin[:n]...)
	values := int(s.begin[n])
	s.vals, s.places = slices.Grow(s.vals[:0], values)[:values], slices.Grow(s.places[:0], values)[:values]
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
