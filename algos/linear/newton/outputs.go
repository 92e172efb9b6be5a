package newton

import "petuum/table/kernel"

const (
	chunk    = 128  // rows that are multiplied at a time
	unlikely = 1e-4 // p_c p_d of two outputs that are taken to have nothing in common
)

// many is what a block of several outputs multiplies rows with: some of them with all
// their columns, and those that count for two outputs, as they are and times a weight.
type many struct{ rows, left, right, weight []float64 }

func (m *many) open(size int) {
	*m = many{make([]float64, chunk*size), make([]float64, chunk*size), make([]float64, chunk*size), make([]float64, chunk)}
}

// multiply sums up B of several outputs, in the place of the matrix that is to be made
// of it: a step is not made before that. Coupled outputs c and d have -w p_c p_d xx' in
// common. Leaving out the pairs that are small keeps B positive, as what they take from
// the diagonal is still w p_c (1 - p_c).
func (b *block) multiply(s *solver, all []float64) {
	clear(b.flat)
	n := s.X.Rows()
	for lo := 0; lo < n; lo += chunk {
		hi := min(lo+chunk, n)
		b.take(s, lo, hi)
		for c := range s.Outputs {
			to := b.flat[c*b.size*b.side:]
			if !b.joint() {
				b.pair(s, lo, hi, c, c, to)
				continue
			}
			for d := range c + 1 {
				b.pair(s, lo, hi, c, d, to[d*b.size:])
			}
		}
	}
	at := 0
	for i, row := range b.matrix {
		at += copy(all[at:], row[:i%b.side+1])
	}
}

// take writes rows from lo to hi with all their columns.
func (b *block) take(s *solver, lo, hi int) {
	clear(b.many.rows)
	for i := lo; i < hi; i++ {
		row := b.many.rows[(i-lo)*b.size:][:b.size]
		for j, x := range s.X.Row(i) {
			row[b.at[j]] = x
		}
		b.many.weight[i-lo] = s.Weight(i)
	}
}

// pair adds what these rows have of the part of B that is of outputs c and d.
func (b *block) pair(s *solver, lo, hi, c, d int, to []float64) {
	n, k, m := s.X.Rows(), 0, &b.many
	for i := lo; i < hi; i++ {
		var by float64
		if c == d {
			by = s.second(i, c*n+i)
		} else if w, p := m.weight[i-lo], s.d[c*n+i]*s.d[d*n+i]; p > unlikely*w*w {
			by = -p / w
		}
		if by == 0 {
			continue
		}
		row, right := m.rows[(i-lo)*b.size:][:b.size], m.right[k*b.size:][:b.size]
		copy(m.left[k*b.size:], row)
		for j, x := range row {
			right[j] = by * x
		}
		k++
	}
	kernel.GemmTN(b.size, b.size, k, m.left, b.size, m.right, b.size, to, b.side)
}
