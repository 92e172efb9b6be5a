package proximal

import (
	"math"

	"petuum/table/kernel"
)

// past is how many differences of successive points a leap is made of.
const past = 5

// plane is what the parts sum up for a leap: P, the lower triangle of A, and b.
type plane struct {
	points []point // where recent passes ended, the last one first
	known  int     // of them
	best   float64 // P of the last point
	leapt  bool    // since then
	hx     []float64
}

type point struct{ w, scores []float64 }

const planeSize = 1 + past*(past+1)/2 + past

// look sums up what the part knows about the point where a pass has ended.
func (s *solver) look() {
	last := s.points[past]
	copy(s.points[1:], s.points)
	copy(last.w, s.w)
	copy(last.scores, s.scores)
	s.points[0] = last
	s.known = min(s.known+1, past+1)
	sums := s.sums.Begin()
	loss, _ := s.Measure(s.scores, s.hx, nil)
	f := s.columns.Rows()
	for i, w := range s.w {
		if l1, l2 := s.Penalty(i % f); s.Own[i%f] != 0 {
			loss += l1*math.Abs(w) + l2/2*w*w
		}
	}
	sums[0] = loss
	for k := range s.known - 1 {
		a, b := s.points[k], s.points[k+1]
		at := 1 + k*(k+1)/2
		for r, m := range a.scores {
			d := m - b.scores[r]
			s.hx[r] = s.curvature[r] * d
			sums[1+past*(past+1)/2+k] -= s.slope[r] * d
		}
		for l := range k + 1 {
			sums[at+l] += kernel.Dot(s.hx, s.points[l].scores) - kernel.Dot(s.hx, s.points[l+1].scores)
		}
		for i, w := range s.w {
			j := i % f
			if s.Own[j] == 0 || a.w[i] == b.w[i] {
				continue
			}
			l1, l2 := s.Penalty(j)
			d := a.w[i] - b.w[i]
			slope := l2 * w
			if w != 0 {
				slope += math.Copysign(l1, w)
			}
			sums[1+past*(past+1)/2+k] -= d * slope
			for l := range k + 1 {
				sums[at+l] += l2 * d * (s.points[l].w[i] - s.points[l+1].w[i])
			}
		}
	}
	s.sums.End()
}

// leap moves the part's own columns to where the model of P is least on the plane.
func (s *solver) leap() {
	sums := s.sums.View.Values()
	w, f, k := s.W.Values(), s.columns.Rows(), s.Outputs
	if p := sums[0]; p > s.best+1e-13*math.Abs(s.best) {
		rose++
		if !s.leapt {
			s.caution *= 2
		}
		if s.leapt && s.known > 1 { // back to the point before
			s.goTo(func(i int) float64 { return s.points[1].w[i] })
			s.points[0], s.points[1] = s.points[1], s.points[0]
		} else {
			s.best = p
		}
		s.known, s.leapt = 1, false
		return
	}
	s.best, s.leapt = sums[0], false
	if s.known < 2 {
		return
	}
	var a [past]float64
	solve(sums[1:], sums[1+past*(past+1)/2:], a[:s.known-1])
	s.leapt = true
	_ = w
	_ = k
	_ = f
	s.goTo(func(i int) float64 {
		at := s.points[0].w[i]
		to := at
		for l, x := range a[:s.known-1] {
			to += x * (s.points[l].w[i] - s.points[l+1].w[i])
		}
		if l1, _ := s.Penalty(i % f); l1 > 0 && to*at <= 0 {
			return 0
		}
		return to
	})
}

var rose int

func (s *solver) goTo(target func(i int) float64) {
	f, k := s.columns.Rows(), s.Outputs
	w := s.W.Values()
	for i := range s.w {
		if j := i % f; s.Own[j] != 0 {
			v := j*k + i/f
			if d := target(i) - w[v]; d != 0 {
				s.W.Inc(v, d)
				if i < f {
					s.moved = append(s.moved, int32(j))
				}
			}
		}
	}
}

// solve is Cholesky's method, without the directions that are those before them.
func solve(m, b, a []float64) {
	var l [past][past]float64
	at := 0
	for i := range a {
		for j := range i + 1 {
			t := m[at]
			at++
			most := 1e-9 * t
			if i == j {
				t *= 1 + ridge
			}
			for k := range j {
				t -= float64(l[i][k] * l[j][k])
			}
			switch {
			case j < i && l[j][j] > 0:
				l[i][j] = t / l[j][j]
			case j == i && t > most:
				l[i][i] = math.Sqrt(t)
			}
		}
		if a[i] = 0; l[i][i] > 0 {
			t := b[i]
			for k := range i {
				t -= float64(l[i][k] * a[k])
			}
			a[i] = t / l[i][i]
		}
	}
	for i := len(a) - 1; i >= 0; i-- {
		if l[i][i] == 0 {
			continue
		}
		a[i] /= l[i][i]
		for k := range i {
			a[k] -= float64(l[i][k] * a[i])
		}
	}
}

var ridge = 1e-6
