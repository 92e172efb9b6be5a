package descent

import (
	"math"
	"slices"
)

// Penalty is L1 |b|_1 + L2 |b|^2 / 2, or in place of |b|_1 the sum over groups of
// the root of their size times |b_g|. Both are for sums of losses, not means.
type Penalty struct {
	L1, L2 float64
}

// Solver solves the problem of one block after another. One goroutine.
type Solver struct {
	Sweeps, Steps, Products int64 // so far: over coordinates, of single ones, and G times a vector

	q       Quadratic
	b       []float64
	pen     Penalty
	units   []int // ends of the groups; nil: each coordinate by itself
	at      []int // coordinates in use
	changes []float64
	newton  newton
	spectra []spectrum // of the groups
	slope   []float64  // of a group
	before  []float64
}

// most bounds the work on one block.
const (
	mostPasses = 60
	innerMoves = 4 // sweeps over the coordinates in use, for one over all
)

// Solve minimises q plus the penalty over the coefficients b of the block, from where
// they are, until no coordinate violates its condition by more than eps times L1.
// units are the ends of groups, which follow each other; nil: there are none.
func (s *Solver) Solve(q Quadratic, b []float64, units []int, pen Penalty, eps float64) {
	s.q, s.b, s.pen, s.units = q, b, pen, units
	s.spectra = slices.Grow(s.spectra[:0], len(units))[:len(units)]
	clear(s.spectra)
	bound := eps * s.scale()
	for range mostPasses {
		if s.sweep(false) <= bound {
			return
		}
		worst := 0.0
		for range innerMoves {
			if worst = s.sweep(true); worst <= bound/4 {
				break
			}
		}
		if worst > bound/4 {
			s.improve(bound)
		}
	}
}

// scale is what violations are relative to: L1, or without it the largest slope.
func (s *Solver) scale() float64 {
	if s.pen.L1 > 0 {
		return s.pen.L1
	}
	most := 0.0
	for i := range s.b {
		most = max(most, math.Abs(s.q.Slope(i)))
	}
	return most
}

// sweep visits all coordinates, or those in use, and returns the largest violation met.
func (s *Solver) sweep(inUse bool) (worst float64) {
	s.Sweeps++
	if s.units != nil {
		return s.sweepGroups(inUse)
	}
	l1, l2 := s.pen.L1, s.pen.L2
	for i, b := range s.b {
		if inUse && b == 0 {
			continue
		}
		curve := s.q.Curve(i) + l2
		if curve <= 0 { // a column of zeros
			s.b[i] = 0
			s.q.Step(i, -b)
			continue
		}
		slope := s.q.Slope(i) - l2*b
		s.Steps++
		worst = max(worst, violation(slope, b, l1))
		if to := Soft(slope+curve*b, l1) / curve; to != b {
			s.b[i] = to
			s.q.Step(i, to-b)
		}
	}
	return worst
}

// violation is how far slope is from what the penalty of b can balance.
func violation(slope, b, l1 float64) float64 {
	switch {
	case b > 0:
		return math.Abs(slope - l1)
	case b < 0:
		return math.Abs(slope + l1)
	}
	return max(0, math.Abs(slope)-l1)
}

// Soft is the soft threshold: u moved towards 0 by t.
func Soft(u, t float64) float64 {
	switch {
	case u > t:
		return u - t
	case u < -t:
		return u + t
	}
	return 0
}

// improve takes a step of Newton's method over the coordinates in use.
func (s *Solver) improve(bound float64) {
	s.at = s.at[:0]
	for i, b := range s.b {
		if b != 0 {
			s.at = append(s.at, i)
		}
	}
	if len(s.at) < 2 {
		return
	}
	d, endless := s.newton.direction(s, bound)
	if !endless {
		for step := 1.0; step > 0.1; step /= 2 {
			if s.try(d, step) {
				return
			}
		}
	}
	s.try(d, s.firstTurn(d))
}

// firstTurn is the step along d at which the first coordinate is 0; with groups, which
// do not pass through 0, a short one.
func (s *Solver) firstTurn(d []float64) (step float64) {
	if s.units != nil {
		return 0.05
	}
	step = math.Inf(1)
	for a, i := range s.at {
		if d[a]*s.b[i] < 0 {
			step = min(step, -s.b[i]/d[a])
		}
	}
	return step
}

// try takes a step along d if the objective falls; what would change its sign stops at
// 0. As no sign changes, the penalty is linear: what falls is told without cancellation.
func (s *Solver) try(d []float64, step float64) bool {
	k := len(s.at)
	if math.IsInf(step, 1) {
		return false
	}
	s.changes = slices.Grow(s.changes[:0], 2*k)[:2*k]
	change, product := s.changes[:k], s.changes[k:]
	for a, i := range s.at {
		b := s.b[i]
		change[a] = step * d[a]
		if to := b + change[a]; s.units == nil && (to*b < 0 || math.Abs(to) < 1e-13*math.Abs(b)) {
			change[a] = -b
		}
	}
	s.stopGroups(change)
	s.q.Product(s.at, change, product)
	s.Products++
	by := s.newton.bends(s, change) - dot(s.newton.vectors[slopesAt], change)
	for a, c := range change {
		by += c * (product[a] + s.pen.L2*c) / 2
	}
	if !(by < 0) {
		return false
	}
	for a, i := range s.at {
		s.b[i] += change[a]
	}
	s.q.Move(s.at, change)
	return true
}
