package newton

import (
	"math"

	"petuum/algos/linear"
	"petuum/table"
	"petuum/table/kernel"
)

// products makes the directions and what A and b have of this part.
func (s *solver) products() {
	z := s.dirs[0]
	s.descend(z.cols)
	all := s.span()
	if e := s.block.direction(s, z.cols); e != nil {
		s.multiply(e.cols, e.rows)
		all = append(all, e) // behind the steps, for this clock
	}
	s.multiply(z.cols, z.rows)
	s.gram(all)
	s.sums.Put(s.number, s.share)
	s.found = true
}

// span is the directions to combine. With L1, the step on a block of all columns is as
// good as the model gets; past steps lead away from it.
func (s *solver) span() []*direction {
	if s.L1 > 0 && s.block.exact(s) {
		return s.dirs[:1]
	}
	return s.dirs
}

// descend makes the direction z and q.
func (s *solver) descend(z []float64) {
	g, h, w := s.gradient.Values(), s.curvature.Values(), s.W.Values()
	scale := 1.0
	if s.iteration == 0 {
		scale = firstScale
	}
	f := s.X.Cols()
	for i := range z {
		if s.awake.sleeps(i % f) {
			s.q[i], z[i] = 0, 0
			continue
		}
		v := s.Place(i)
		l1, l2 := s.Penalty(i % f)
		slope, curvature := g[v]+l2*w[v], max(h[v], 0)+l2
		switch {
		case l1 == 0:
			s.q[i], z[i] = -slope, 0
			if curvature > 0 {
				z[i] = -slope / curvature
			}
		default:
			curvature = max(curvature*scale, flat*l1)
			z[i] = within(w[v], table.SoftThreshold(w[v]-slope/curvature, l1/curvature)) - w[v]
			s.q[i] = s.facing(slope, l1, w[v], z[i])
		}
	}
}

// within is where a weight gets on its way from w to x without leaving its orthant.
func within(w, x float64) float64 {
	if w*x < 0 {
		return 0
	}
	return x
}

// firstScale shortens the first step with L1, which is from where all weights are 0.
const firstScale = 4

// facing is -(slope + xi) of a column with weight w that is to change by z.
func (s *solver) facing(slope, l1, w, z float64) float64 {
	if w == 0 {
		w = z
	}
	switch {
	case w > 0:
		return -slope - l1
	case w < 0:
		return -slope + l1
	}
	return 0
}

// stretch is how many elements of all vectors fit a cache.
const stretch = 2048

// gram sums up A and b of each group: rows weigh D, columns L2 if they are this part's.
func (s *solver) gram(all []*direction) {
	clear(s.share[groupsAt:])
	n, f := s.X.Rows(), s.X.Cols()
	for c := range s.Outputs {
		share := s.share[groupsAt+c%s.groups*groupSize:][:groupSize]
		for lo := 0; lo < n; lo += stretch {
			hi := min(lo+stretch, n)
			s.plane(share, all, s.d[c*n+lo:c*n+hi], 1, c*n+lo, true)
		}
		for lo := 0; lo < f; lo += stretch {
			hi := min(lo+stretch, f)
			s.plane(share, all, s.Own[lo:hi], s.L2, c*f+lo, false)
		}
	}
	if s.Coupled {
		s.couple(s.share[groupsAt:], all)
	}
	if s.Free < 0 || s.Own[s.Free] == 0 {
		return
	}
	for c := range s.Outputs { // the free column has no L2
		share, k := s.share[groupsAt+c%s.groups*groupSize:], 0
		for i, e := range all {
			for _, o := range all[:i+1] {
				share[k] -= s.L2 * e.cols[c*f+s.Free] * o.cols[c*f+s.Free]
				k++
			}
		}
	}
}

// plane adds what a stretch of the rows, or of the columns, has of A and b.
func (s *solver) plane(share []float64, all []*direction, weight []float64, scale float64, at int, rows bool) {
	vector := func(e *direction) []float64 {
		if rows {
			return e.rows[at : at+len(weight)]
		}
		return e.cols[at : at+len(weight)]
	}
	hx, k := s.hx[:len(weight)], 0
	for i, e := range all {
		for r, x := range vector(e) {
			hx[r] = weight[r] * x
		}
		if scale != 0 {
			for _, o := range all[:i+1] {
				share[k] += scale * float64(kernel.Dot(hx, vector(o)))
				k++
			}
		}
		if !rows {
			share[matrixSize+i] += float64(kernel.Dot(hx, s.q[at:at+len(weight)]))
		}
	}
}

// couple takes from A what the outputs of a row have in common: with W the weight of a
// row and W p_c its curvatures, the product of the sums of W p_c (Xe)_c, over W.
func (s *solver) couple(share []float64, all []*direction) {
	n := s.X.Rows()
	for lo := 0; lo < n; lo += stretch {
		hi := min(lo+stretch, n)
		for i, e := range all {
			t := s.tx[i][:hi-lo]
			clear(t)
			for c := range s.Outputs {
				for r := range t {
					t[r] += s.d[c*n+lo+r] * e.rows[c*n+lo+r]
				}
			}
			for r := range t {
				if w := s.Weight(lo + r); w > 0 {
					t[r] /= math.Sqrt(w)
				}
			}
		}
		k := 0
		for i := range all {
			for j := range i + 1 {
				share[k] -= float64(kernel.Dot(s.tx[i][:hi-lo], s.tx[j][:hi-lo]))
				k++
			}
		}
	}
}

// step solves A a = b and makes the step, which takes the place of the direction.
func (s *solver) step() {
	all := s.span()
	if s.block.steps() && !s.block.replaces(s) {
		all = append(all, s.block.step)
	}
	z := s.dirs[0]
	n, f := s.X.Rows(), s.X.Cols()
	var a [directions]float64
	for c := range s.Outputs {
		if c < s.groups {
			s.solve(groupsAt+c*groupSize, a[:len(all)])
			if s.L1 > 0 && !(a[0] > shortest && a[0] < 1/shortest) { // what is left of past steps misleads
				clear(a[1:])
				s.solve(groupsAt+c*groupSize, a[:1])
			}
			if s.L1 > 0 && s.block.exact(s) { // z is where the model ends, on the edge of the orthant perhaps
				a[0] = min(a[0], 1)
			}
		}
		if c < s.groups {
			s.shorten(groupsAt+c*groupSize, a[:len(all)])
		}
		combine(a[:], all, func(e *direction) []float64 { return e.cols[c*f : (c+1)*f] })
		if s.L1 == 0 {
			combine(a[:], all, func(e *direction) []float64 { return e.rows[c*n : (c+1)*n] })
		}
	}
	if s.L1 > 0 {
		s.clip(z.cols)
		s.multiply(z.cols, z.rows)
	}
	s.found, s.stepped = false, true
	s.iteration++
	s.move(z)
	s.measure()
	// The oldest step makes room for the next direction.
	var room *direction
	if len(s.dirs) <= pastSteps {
		room = s.direction()
		s.dirs = append(s.dirs, nil)
	} else {
		room = s.dirs[pastSteps]
	}
	copy(s.dirs[1:], s.dirs)
	s.dirs[0] = room
}

// shorten keeps a step from promising more than P, which only loss poisson could give:
// where D is next to nothing, what is left of g may be rounding.
func (s *solver) shorten(at int, a []float64) {
	promised := 0.0
	for i, x := range a {
		promised += float64(s.total(at+matrixSize+i) * x)
	}
	if s.Loss == linear.Poisson || promised <= 2*s.best { // half of it is what the model promises
		return
	}
	for i := range a {
		a[i] *= max(s.best, 0) / (promised / 2)
	}
}

// combine makes the first of the vectors the sum of all, each times its a.
func combine(a []float64, all []*direction, vector func(e *direction) []float64) {
	sum := vector(all[0])
	kernel.Scale(a[0], sum)
	for i, e := range all[1:] {
		kernel.Axpy(a[i+1], vector(e), sum)
	}
}

// clip keeps a step to free columns and to the orthant, the sign that each weight has
// or is to have: q tells it.
func (s *solver) clip(step []float64) {
	w := s.W.Values()
	g := s.gradient.Values()
	f := s.X.Cols()
	for i, x := range step {
		l1, l2 := s.Penalty(i % f)
		if l1 == 0 {
			continue
		}
		v := s.Place(i)
		sign := w[v]
		if sign == 0 && s.q[i] != 0 { // q = -(g + l w) - L1 sign, and 0 where the column is not free
			if sign = -(s.q[i] + g[v] + l2*w[v]); sign == 0 { // L1 was lost in rounding
				sign = s.q[i]
			}
		}
		switch {
		case sign == 0:
			step[i] = 0
		case (w[v]+x)*sign <= 0:
			step[i] = -w[v]
		}
	}
}

// solve solves A a = b of the group whose sums begin at a place.
func (s *solver) solve(at int, a []float64) {
	var sum [groupSize]float64
	for i := range sum {
		sum[i] = s.total(at + i)
	}
	r := 0.0
	if s.L1 > 0 {
		r = ridge
	}
	linear.Solve(sum[:], sum[matrixSize:], a, r)
}

const (
	shortest = 0.2
	ridge    = 1e-6 // of the diagonal, where past steps are not quite those of free columns
)
