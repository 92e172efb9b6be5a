package proximal

import (
	"math"

	"petuum/algos/linear"
	"petuum/consistency"
	"petuum/table/kernel"
)

// plane is where recent passes ended, the last one first.
type plane struct {
	points []point
	known  int     // of them
	best   float64 // P of the one before the last
	leapt  bool    // from it
	curved []float64
}

// point is weights, and the scores that they make.
type point struct{ w, scores []float64 }

const (
	past  = 5    // differences of successive points
	ridge = 1e-6 // of the diagonal
	noise = 1e-9 // of P

	// What parts sum up: P, how many of them are late, the lower triangle of A, row by
	// row, and b.
	lossAt, lateAt, matrixAt = 0, 1, 2

	slopesAt  = matrixAt + past*(past+1)/2
	planeSize = slopesAt + past
)

func newPlane(columns, rows int) plane {
	p := plane{points: make([]point, past+1), best: math.Inf(1), curved: make([]float64, rows)}
	for i := range p.points {
		p.points[i] = point{make([]float64, columns), make([]float64, rows)}
	}
	return p
}

// survey sums up what the part has of the plane.
func (s *solver) survey(now consistency.Clock) {
	last := s.points[past]
	copy(s.points[1:], s.points)
	s.points[0] = last
	copy(last.w, s.w)
	copy(last.scores, s.scores)
	s.known = min(s.known+1, past+1)
	t := s.sums.Begin()
	t[lossAt], _ = s.Measure(s.scores, s.curved, nil)
	if s.late(now) {
		t[lateAt] = 1
	}
	f := s.columns.Rows()
	for i, w := range s.w {
		if s.Own[i%f] != 0 {
			l1, l2 := s.Penalty(i % f)
			t[lossAt] += l1*math.Abs(w) + l2/2*w*w
		}
	}
	for k := range s.known - 1 {
		a := t[matrixAt+k*(k+1)/2:][:k+1]
		b := &t[slopesAt+k]
		for r, m := range s.points[k].scores {
			d := m - s.points[k+1].scores[r]
			s.curved[r] = s.curvature[r] * d
			*b -= s.slope[r] * d
		}
		for l := range a {
			a[l] += kernel.Dot(s.curved, s.points[l].scores) - kernel.Dot(s.curved, s.points[l+1].scores)
		}
		for i, w := range s.w {
			d := s.points[k].w[i] - s.points[k+1].w[i]
			if d == 0 || s.Own[i%f] == 0 {
				continue
			}
			l1, l2 := s.Penalty(i % f)
			if *b -= l2 * w * d; w != 0 {
				*b -= math.Copysign(l1, w) * d
			}
			for l := range a {
				a[l] += l2 * d * (s.points[l].w[i] - s.points[l+1].w[i])
			}
		}
	}
	for i, x := range t { // what is no number would stay in the table
		t[i] = min(max(x, -hugeSum), hugeSum)
		if math.IsNaN(x) {
			t[i] = hugeSum
		}
	}
	s.sums.End()
}

// late reports whether the part made its last step of the pass too late for others, or
// has not seen those that others made in time, so that parts would measure different
// points, as they would with tables that keep changes back. A slack that is waited for
// rules it out. Else a barrier has to come before the
// last clock, as it does where an evaluation follows a pass.
func (s *solver) late(now consistency.Clock) bool {
	switch {
	case !s.Exact:
		return true
	case s.lockstep:
		return s.W.Version() < now
	}
	by := now - consistency.Clock(s.flight/2)
	return s.made > by || s.W.Version() <= by
}

// hugeSum is what no P is.
const hugeSum = 1e200

// leap moves the part's own columns to where the model is least, or back to where P was
// less. Without a leap to blame, steps get shorter.
func (s *solver) leap() {
	t := s.sums.Values()
	var a [past]float64
	if t[lateAt] != 0 {
		s.known, s.leapt, s.best = 0, false, math.Inf(1)
		return
	}
	switch rises := t[lossAt] > s.best+noise*math.Abs(s.best); {
	case rises && s.leapt && s.known > 1:
		a[0] = -1
		s.leapt, s.known = false, 1
		s.land(a[:1])
		s.points[0], s.points[1] = s.points[1], s.points[0]
		return
	case rises:
		s.caution = min(2*s.caution, mostCaution)
		s.known = 1
	default:
		s.caution = max(fading*s.caution, 1)
	}
	s.best, s.leapt = t[lossAt], false
	if s.known < 2 || s.Loss == linear.Poisson { // whose model is good for small steps only
		return
	}
	s.leapt = true
	linear.Solve(t[matrixAt:], t[slopesAt:], a[:s.known-1], ridge)
	s.land(a[:s.known-1])
}

// land moves the part's own columns from the last point by differences, each times its a.
func (s *solver) land(a []float64) {
	f := s.columns.Rows()
	for i, w := range s.points[0].w {
		if s.Own[i%f] == 0 {
			continue
		}
		to := w
		for k, x := range a {
			to += x * (s.points[k].w[i] - s.points[k+1].w[i])
		}
		if l1, _ := s.Penalty(i % f); l1 > 0 && to*w <= 0 && s.leapt {
			to = 0
		}
		s.increase(i%f, i/f, to-s.weights(i % f)[i/f])
	}
}
