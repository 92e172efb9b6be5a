package descent

import (
	"cmp"
	"math"
	"slices"

	"petuum/table"
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
	units   []int     // ends of the groups; nil: each coordinate by itself
	at      []int     // coordinates in use
	change  []float64 // of those in use
	product []float64
	turns   []turn
	settled bool // the last of Newton's steps was whole
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
	s.settled = false
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
		if to := table.SoftThreshold(slope+curve*b, l1) / curve; to != b {
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
	s.change = slices.Grow(s.change[:0], len(s.at))[:len(s.at)]
	d, endless := s.newton.direction(s, bound)
	far, least := 0.0, 0.0
	if s.units == nil {
		far, least = s.along(d)
	}
	for step := 1.0; step > 1e-3 && !endless && step > far; step /= 2 {
		s.bendTo(d, step)
		if s.growth() < least {
			s.settled = step == 1 && !s.stops()
			s.move()
			return
		}
	}
	s.settled = false
	if least < 0 {
		for a := range s.at {
			s.change[a] = far * d[a]
		}
		s.move()
	}
}

// along returns how far along d the objective is at its least, and how much it grows
// until there. Coordinates that pass through 0 turn, and slow its fall.
func (s *Solver) along(d []float64) (step, by float64) {
	slope, curve := -dot(s.newton.vectors[slopesAt], d), s.newton.curvature
	s.turns = s.turns[:0]
	for a, i := range s.at {
		if d[a]*s.b[i] < 0 {
			s.turns = append(s.turns, turn{-s.b[i] / d[a], 2 * s.pen.L1 * math.Abs(d[a])})
		}
	}
	slices.SortFunc(s.turns, func(x, y turn) int { return cmp.Compare(x.at, y.at) })
	for _, t := range s.turns {
		if slope+curve*(t.at-step) >= 0 {
			break
		}
		by += (t.at - step) * (slope + curve*(t.at-step)/2)
		slope, step = slope+curve*(t.at-step)+t.by, t.at
		if slope >= 0 {
			return step, by
		}
	}
	if !(curve > 0) {
		return step, by
	}
	by -= slope * slope / curve / 2
	return step - slope/curve, by
}

// turn is where along a line a coordinate passes through 0, and what the slope of the
// penalty grows by there.
type turn struct{ at, by float64 }

// bendTo makes the change of a step along d in which what would change its sign stops
// at 0.
func (s *Solver) bendTo(d []float64, step float64) {
	for a, i := range s.at {
		b := s.b[i]
		s.change[a] = step * d[a]
		if to := b + s.change[a]; s.units == nil && to*b <= 0 {
			s.change[a] = -b
		}
	}
	s.stopGroups(s.change)
}

// stops reports whether a coordinate stops at 0 with the change.
func (s *Solver) stops() bool {
	for a, i := range s.at {
		if s.b[i]+s.change[a] == 0 {
			return true
		}
	}
	return false
}

// growth is what the objective grows by with the change. As no sign changes, the
// penalty is linear, so that what falls is told without cancellation.
func (s *Solver) growth() (by float64) {
	s.product = slices.Grow(s.product[:0], len(s.at))[:len(s.at)]
	s.q.Product(s.at, s.change, s.product)
	s.Products++
	by = s.newton.bends(s, s.change) - dot(s.newton.vectors[slopesAt], s.change)
	for a, c := range s.change {
		by += c * (s.product[a] + s.pen.L2*c) / 2
	}
	return by
}

// move makes the change.
func (s *Solver) move() {
	for a, i := range s.at {
		if s.b[i] += s.change[a]; math.Abs(s.b[i]) < 1e-13*math.Abs(s.change[a]) {
			s.change[a] -= s.b[i]
			s.b[i] = 0
		}
	}
	s.q.Move(s.at, s.change)
}
