package newton

import (
	"math"

	"petuum/table"
	"petuum/table/kernel"
)

// problem is B number c, its rows, and the vectors that go with it.
func (b *block) problem(c int) (matrix [][]float64, x, bx []float64) {
	lo, hi := c*b.side, (c+1)*b.side
	return b.matrix[lo:hi], b.x[lo:hi], b.bx[lo:hi]
}

// penalty is that of element i of x.
func (b *block) penalty(s *solver, i int) (l1, l2 float64) {
	if i%b.size == b.free {
		return 0, 0
	}
	return s.L1, s.L2
}

// factorize is Cholesky's method. For L1 it only writes B in full.
func (b *block) factorize(s *solver) {
	all, each := b.products.Values(), triangle(b.side)
	for c := range len(b.x) / b.side {
		l, _, _ := b.problem(c)
		for i, full := range l {
			row := full[:i+1]
			copy(row, all[c*each+triangle(i):])
			_, l2 := b.penalty(s, i)
			row[i] += l2
			if s.L1 > 0 {
				for j, x := range row {
					l[j][i] = x
				}
				continue
			}
			most := row[i]
			for j := range i {
				row[j] = (row[j] - kernel.Dot(row[:j], l[j][:j])) / l[j][j]
			}
			row[i] = math.Inf(1) // a column without curvature stays where it is
			if most > 0 {
				row[i] = math.Sqrt(max(most-kernel.Square(row[:i]), 1e-8*most, math.SmallestNonzeroFloat64))
			}
		}
	}
}

// slope is the derivative of the smooth part by element i of x, and its weight.
func (b *block) slope(s *solver, i int) (slope, w float64) {
	v := i%b.size*s.Outputs + i/b.size
	w = b.w.Values()[v]
	_, l2 := b.penalty(s, i)
	return b.g.Values()[v] + l2*w, w
}

// solve makes the Newton step of B number c, by the factor.
func (b *block) solve(s *solver, c int) {
	l, x, _ := b.problem(c)
	for i, row := range l {
		slope, _ := b.slope(s, c*b.side+i)
		x[i] = (-slope - kernel.Dot(row[:i], x)) / row[i]
	}
	for i := len(x) - 1; i >= 0; i-- {
		x[i] /= l[i][i]
		kernel.Axpy(-x[i], l[i][:i], x)
	}
}

// descend minimises the quadratic model of B number c with its penalties by coordinates.
func (b *block) descend(s *solver, c int) {
	rows, x, bx := b.problem(c)
	clear(x)
	for i := range bx {
		bx[i], _ = b.slope(s, c*b.side+i)
	}
	for sweep, first := 0, 0.0; sweep < sweeps; sweep++ {
		change := 0.0
		for i, row := range rows {
			l1, _ := b.penalty(s, i)
			h := row[i]
			if h <= flat*l1 {
				continue
			}
			_, w := b.slope(s, c*b.side+i)
			at := w + x[i]
			to := table.SoftThreshold(at-bx[i]/h, l1/h)
			if l1 > 0 {
				to = within(w, to)
			}
			if d := to - at; d != 0 {
				x[i] += d
				change += h * d * d
				kernel.Axpy(d, row, bx)
			}
		}
		if sweep == 0 {
			first = change
		}
		if change <= 1e-8*first {
			return
		}
	}
}
