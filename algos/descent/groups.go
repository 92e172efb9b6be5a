package descent

import (
	"math"
	"slices"
)

// group calls do with what each group has: its number and its coordinates [lo, hi).
func (s *Solver) group(do func(u, lo, hi int)) {
	lo := 0
	for u, hi := range s.units {
		do(u, lo, hi)
		lo = hi
	}
}

// sweepGroups visits the groups, and solves each by itself.
func (s *Solver) sweepGroups(inUse bool) (worst float64) {
	s.group(func(u, lo, hi int) {
		b, k := s.b[lo:hi], hi-lo
		length := norm(b)
		if inUse && length == 0 {
			return
		}
		s.slope = slices.Grow(s.slope[:0], k)[:k]
		for a := range k {
			s.slope[a] = s.q.Slope(lo+a) - s.pen.L2*b[a]
		}
		s.Steps += int64(k)
		l1 := s.pen.L1 * math.Sqrt(float64(k))
		wrong := groupViolation(s.slope, b, l1)
		if length == 0 && wrong == 0 {
			return
		}
		own := &s.spectra[u]
		if own.gram == nil {
			own.measure(s.q, lo, hi)
		}
		s.before = append(s.before[:0], b...)
		switch {
		case own.trace+s.pen.L2 <= 0: // columns of zeros
			clear(b)
		case own.vectors == nil:
			worst = max(worst, wrong)
			s.descendGroup(own.gram, s.slope, b, own.trace+s.pen.L2, l1)
		default:
			worst = max(worst, wrong)
			own.solve(s.slope, b, l1, s.pen.L2)
		}
		for a, before := range s.before {
			if b[a] != before {
				s.q.Step(lo+a, b[a]-before)
			}
		}
	})
	return worst
}

// mostProximal bounds the proximal steps on a group in one visit.
const mostProximal = 30

// descendGroup takes proximal steps of length 1/curve, as curve is at least the
// largest eigenvalue, and keeps slope up to date.
func (s *Solver) descendGroup(g, slope, b []float64, curve, l1 float64) {
	k := len(b)
	step := make([]float64, k)
	for range mostProximal {
		for a := range k {
			step[a] = b[a] + slope[a]/curve
		}
		shrink := 0.0
		if n := norm(step); n > l1/curve {
			shrink = 1 - l1/curve/n
		}
		moved := 0.0
		for a := range k {
			step[a] = shrink*step[a] - b[a]
			moved = max(moved, math.Abs(step[a]))
			b[a] += step[a]
		}
		if moved <= 1e-9*norm(b) {
			return
		}
		for a := range k {
			slope[a] -= dot(g[a*k:(a+1)*k], step) + s.pen.L2*step[a]
		}
	}
}

// groupViolation is how far the slopes of a group are from what its penalty can
// balance.
func groupViolation(slope, b []float64, l1 float64) float64 {
	length := norm(b)
	if length == 0 {
		return max(0, norm(slope)-l1)
	}
	sum := 0.0
	for a, v := range slope {
		d := v - l1*b[a]/length
		sum += d * d
	}
	return math.Sqrt(sum)
}

func norm(x []float64) float64 { return math.Sqrt(dot(x, x)) }

// bend is what the norm of the group of a coordinate in use has to do with it.
type bend struct {
	group int
	part  float64 // b_j / |b_g|
	l1    float64 // weight of the norm
	curve float64 // l1 / |b_g|
}

// bend fills in those of the coordinates in use. Of a group in use single coefficients
// may be 0 by chance; these stay.
func (n *newton) bend(s *Solver) {
	n.bent = n.bent[:0]
	s.group(func(u, lo, hi int) {
		length, l1 := norm(s.b[lo:hi]), s.pen.L1*math.Sqrt(float64(hi-lo))
		for _, b := range s.b[lo:hi] {
			if b != 0 {
				n.bent = append(n.bent, bend{u, b / length, l1, l1 / length})
			}
		}
	})
}

// curveOf is the curvature of the norms between two coordinates in use:
// l1/|b| (I - bb'/|b|^2).
func (n *newton) curveOf(a, b int) float64 {
	x, y := n.bent[a], n.bent[b]
	switch {
	case a == b:
		return x.curve * max(0, 1-x.part*x.part)
	case x.group == y.group:
		return -x.curve * x.part * y.part
	}
	return 0
}

// curve adds the curvature of the penalty times p to out.
func (n *newton) curve(s *Solver, p, out []float64) {
	for a, v := range p {
		out[a] += s.pen.L2 * v
	}
	n.inGroups(func(lo, hi int) {
		along := 0.0
		for a := lo; a < hi; a++ {
			along += n.bent[a].part * p[a]
		}
		for a := lo; a < hi; a++ {
			out[a] += n.bent[a].curve * (p[a] - n.bent[a].part*along)
		}
	})
}

// inGroups calls do with the places of the coordinates in use of each group.
func (n *newton) inGroups(do func(lo, hi int)) {
	lo := 0
	for a := range n.bent {
		if a+1 == len(n.bent) || n.bent[a+1].group != n.bent[a].group {
			do(lo, a+1)
			lo = a + 1
		}
	}
}

// stopGroups lets groups that would turn round stop at 0.
func (s *Solver) stopGroups(change []float64) {
	s.newton.inGroups(func(lo, hi int) {
		along := 0.0
		for a := lo; a < hi; a++ {
			b := s.b[s.at[a]]
			along += b * (b + change[a])
		}
		if along <= 0 {
			for a := lo; a < hi; a++ {
				change[a] = -s.b[s.at[a]]
			}
		}
	})
}

// bends is how much more than by their slopes the norms of the groups grow:
// |b+c| - |b| - b.c/|b|, in a form that does not cancel.
func (n *newton) bends(s *Solver, change []float64) (by float64) {
	n.inGroups(func(lo, hi int) {
		bb, bc, cc, to := 0.0, 0.0, 0.0, 0.0
		for a := lo; a < hi; a++ {
			b, c := s.b[s.at[a]], change[a]
			bb, bc, cc, to = bb+b*b, bc+b*c, cc+c*c, to+(b+c)*(b+c)
		}
		length := math.Sqrt(bb)
		sum := length + math.Sqrt(to)
		by += n.bent[lo].l1 * (length*cc - bc*(2*bc+cc)/sum) / (length * sum)
	})
	return by
}
