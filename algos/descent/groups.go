package descent

import "math"

// group calls do with what each group has: its coordinates [lo, hi).
func (s *Solver) group(do func(lo, hi int)) {
	lo := 0
	for _, hi := range s.units {
		do(lo, hi)
		lo = hi
	}
}

// sweepGroups visits the groups: of each, proximal steps down its own quadratic, which
// is small and known.
func (s *Solver) sweepGroups(inUse bool) (worst float64) {
	s.group(func(lo, hi int) {
		b := s.b[lo:hi]
		length := norm(b)
		if inUse && length == 0 {
			return
		}
		k := hi - lo
		at, g, slope, from := make([]int, k), make([]float64, k*k), make([]float64, k), make([]float64, k)
		for a := range k {
			at[a] = lo + a
			slope[a] = s.q.Slope(lo+a) - s.pen.L2*b[a]
		}
		s.q.Dense(at, g)
		curve := s.pen.L2
		for a := range k {
			curve += g[a*k+a] // the trace is at least the largest eigenvalue
		}
		if curve <= 0 {
			return
		}
		s.Steps += int64(k)
		copy(from, b)
		l1 := s.pen.L1 * math.Sqrt(float64(k))
		worst = max(worst, groupViolation(slope, b, l1))
		s.descendGroup(g, slope, b, curve, l1)
		for a := range k {
			if b[a] != from[a] {
				s.q.Step(lo+a, b[a]-from[a])
			}
		}
	})
	return worst
}

// mostProximal bounds the proximal steps on a group in one visit.
const mostProximal = 30

// descendGroup takes proximal steps of length 1/curve and keeps slope up to date.
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

// inGroups calls do with the places in s.at of each group in use, its coefficients
// and its share of L1. A group is in use as a whole or not at all, but for single
// coefficients that are 0 by chance, which stay.
func (s *Solver) inGroups(do func(places []int, length, l1 float64)) {
	if s.units == nil {
		return
	}
	a := 0
	var places []int
	s.group(func(lo, hi int) {
		places = places[:0]
		for a < len(s.at) && s.at[a] < hi {
			places = append(places, a)
			a++
		}
		if len(places) > 0 {
			do(places, norm(s.b[lo:hi]), s.pen.L1*math.Sqrt(float64(hi-lo)))
		}
	})
}

// groupSlopes takes the slopes of the groups' norms off g.
func (s *Solver) groupSlopes(g []float64) {
	s.inGroups(func(places []int, length, l1 float64) {
		for _, a := range places {
			g[a] -= l1 * s.b[s.at[a]] / length
		}
	})
}

// groupCurves adds the curvature of the groups' norms times p to out: l1/|b| (I - bb'/|b|^2).
func (s *Solver) groupCurves(p, out []float64) {
	s.inGroups(func(places []int, length, l1 float64) {
		along := 0.0
		for _, a := range places {
			along += s.b[s.at[a]] * p[a]
		}
		for _, a := range places {
			out[a] += l1 / length * (p[a] - s.b[s.at[a]]*along/(length*length))
		}
	})
}

// stopGroups lets groups that would turn round stop at 0.
func (s *Solver) stopGroups(change []float64) {
	s.inGroups(func(places []int, _, _ float64) {
		along := 0.0
		for _, a := range places {
			b := s.b[s.at[a]]
			along += b * (b + change[a])
		}
		if along <= 0 {
			for _, a := range places {
				change[a] = -s.b[s.at[a]]
			}
		}
	})
}

// groupChange is what the sum of the groups' norms, each times the root of its size,
// grows by.
func (s *Solver) groupChange(change []float64) (by float64) {
	s.inGroups(func(places []int, length, l1 float64) {
		sum := 0.0
		for _, a := range places {
			to := s.b[s.at[a]] + change[a]
			sum += to * to
		}
		by += l1 * (math.Sqrt(sum) - length)
	})
	if s.pen.L1 > 0 {
		by /= s.pen.L1
	}
	return by
}
