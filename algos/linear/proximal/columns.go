package proximal

import (
	"math"

	"petuum/table"
)

// take brings the scores up to the weights: what others did, and what this part did
// in the clock before.
func (s *solver) take() {
	for _, j := range s.W.Changed() {
		s.move(int(j))
	}
	for _, j := range s.moved {
		s.marked[j] = false
		s.move(int(j))
	}
	s.moved = s.moved[:0]
}

// move takes the weights of a column in.
func (s *solver) move(j int) {
	f, n := s.columns.Rows(), s.columns.Cols()
	for c, w := range s.weights(j) {
		i := c*f + j
		d := w - s.w[i]
		if d == 0 {
			continue
		}
		s.columns.AddTo(j, d, s.scores[c*n:(c+1)*n])
		s.w[i] = w
		s.expected += s.u[i] * d * d
		s.changed = true
		s.asleep[j] = false
	}
}

// increase changes the weight of a column that is the part's own.
func (s *solver) increase(j, c int, d float64) {
	if d == 0 || math.IsNaN(d) || math.IsInf(d, 0) {
		return
	}
	s.W.Inc(j*s.Outputs+c, d)
	if !s.marked[j] {
		s.marked[j] = true
		s.moved = append(s.moved, int32(j))
	}
}

// share replaces what the part has of a block.
func (s *solver) share(b int, full bool) {
	f, n := s.columns.Rows(), s.columns.Cols()
	bend := bendOf(s.Problem)
	s.partial[b] = false
	for _, column := range s.block(b) {
		j := int(column)
		if s.asleep[j] && !full {
			s.partial[b] = true
			continue
		}
		for c := range s.Outputs {
			i := c*f + j
			g := s.columns.Dot(j, s.slope[c*n:(c+1)*n])
			if s.u[i] > 0 {
				s.reach[i] = min(mostReach, 2*math.Abs(s.w[i]-s.before[i])*s.largest.Values()[j]+leastReach)
			}
			s.before[i] = s.w[i]
			u := bend.most * s.square[j]
			if bend.varies {
				near := s.columns.DotSquares(j, s.curvature[c*n:(c+1)*n])
				u = min(u, math.Exp(bend.growth*s.reach[i])*near)
			}
			q := s.damping * s.caution
			if z := q*u*s.w[i] - g; !math.IsNaN(z) && !math.IsInf(z, 0) {
				s.u[i] = u
				s.shares.Set(c, j, z)
				s.shares.Set(s.Outputs+c, j, q*u)
			}
		}
	}
}

// step makes the proximal steps of a block, of columns that are the part's own, and
// decides which of all its columns there are to sleep.
func (s *solver) step(b int, full bool) {
	if s.stepping.first() {
		s.last, s.worst = s.worst, -1
	}
	awake := max(s.L1-margin*s.last, (1-mostMargin)*s.L1)
	if s.last < 0 {
		awake = 0
	}
	s.stepped = true
	f, k := s.columns.Rows(), s.Outputs
	bounded := bendOf(s.Problem).varies
	shares := s.shares.Values()
	for _, column := range s.block(b) {
		j := int(column)
		if s.asleep[j] && !full {
			continue
		}
		sleeps := j != s.Free
		l1, l2 := s.Penalty(j)
		share := shares[j*2*k : (j+1)*2*k]
		for c, w := range s.weights(j) {
			z, u := share[c], share[k+c]
			sleeps = sleeps && w == 0 && math.Abs(z) < awake
			if !(u+l2 > 0) {
				continue
			}
			s.worst = max(s.worst, violation(u*w-z+l2*w, l1, w))
			if s.Own[j] == 0 {
				continue
			}
			d := table.SoftThreshold(z, l1)/(u+l2) - w
			if x := s.largest.Values()[j]; bounded && x > 0 {
				most := s.reach[c*f+j] / x
				d = min(max(d, -most), most)
			}
			s.increase(j, c, d)
		}
		s.asleep[j] = sleeps
	}
}

// violation is how far the slope of a weight is from that of a minimum.
func violation(slope, l1, w float64) float64 {
	if w != 0 {
		return math.Abs(slope + math.Copysign(l1, w))
	}
	return math.Abs(table.SoftThreshold(slope, l1))
}
