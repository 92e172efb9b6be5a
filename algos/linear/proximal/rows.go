package proximal

import (
	"petuum/algos"
	"petuum/algos/linear"
	"petuum/table/kernel"
)

// rows is the state of the rows of a part, one output after the other.
type rows struct {
	p         *linear.Problem
	scores    []float64
	slope     []float64 // of the losses
	curvature []float64 // of bounded losses
	weight    []float64 // of the rows, times the target for logistic
	changed   bool      // scores are newer than slopes

	// A window: how the slopes have changed along the scores since it began, next to
	// what u had it.
	window, clocks   int
	scores0, slope0  []float64
	by               float64
	along, predicted float64 // of recent windows
	bounded          bool
	most, spread     float64
	begunAt          int
	buffer           []float64
}

const stretch = 2048

func (r *rows) init(p *linear.Problem, w *algos.Worker) {
	n := p.X.Rows() * p.Outputs
	r.p = p
	r.scores, r.slope, r.curvature = make([]float64, n), make([]float64, n), make([]float64, n)
	r.scores0, r.slope0 = make([]float64, n), make([]float64, n)
	r.buffer = make([]float64, stretch)
	r.bounded, r.most, r.spread = bound(p)
	r.window = inFlight(p)
}

// bound says how large the second derivative of a loss gets, and how it grows with a
// change of the score.
func bound(p *linear.Problem) (bounded bool, most, spread float64) {
	switch {
	case p.Coupled:
		return true, 0.5, 2
	case p.Loss == linear.Logistic:
		return true, 0.25, 1
	case p.Loss == linear.Poisson:
		return true, 1e300, 1
	case p.Loss == linear.SquaredHinge:
		return false, 2, 0
	}
	return false, 1, 0
}

// measure computes the slopes.
func (r *rows) measure() {
	p := r.p
	switch {
	case p.Coupled:
		p.Measure(r.scores, r.slope, r.curvature)
		n := p.X.Rows()
		for i, d := range r.curvature {
			if w := p.Weight(i % n); w > 0 {
				r.curvature[i] = 2 * (d - d*d/w)
			}
		}
	case p.Loss == linear.Logistic:
		r.logistic()
	default:
		p.Measure(r.scores, r.slope, r.curvature)
	}
}

func (r *rows) logistic() {
	p, n := r.p, r.p.X.Rows()
	for c := range p.Outputs {
		for lo := 0; lo < n; lo += stretch {
			hi := min(lo+stretch, n)
			b := r.buffer[:hi-lo]
			m, k, d := r.scores[c*n+lo:c*n+hi], r.slope[c*n+lo:c*n+hi], r.curvature[c*n+lo:c*n+hi]
			for i := range b {
				b[i] = -p.Target(lo+i, c) * m[i]
			}
			kernel.Sigmoid(b, b)
			for i, s := range b {
				a := p.Weight(lo+i) * s
				k[i] = -p.Target(lo+i, c) * a
				d[i] = a * (1 - s)
			}
		}
	}
}

// adapt measures.
func (s *solver) adapt(at int) {
	s.begunAt++
	if s.changed {
		s.measure()
		s.changed = false
	}
	if at == 0 {
		s.restart()
	}
	if s.clocks++; s.clocks >= s.window && s.by > 0 && at <= s.planeAt {
		along := 0.0
		for i, m := range s.scores {
			along += (m - s.scores0[i]) * (s.slope[i] - s.slope0[i])
		}
		s.along = forget*s.along + along
		s.predicted = forget*s.predicted + s.by
		s.pace.Set(0, 0, s.along)
		s.pace.Set(1, 0, s.predicted)
		s.restart()
	}
	if v := s.pace.View.Values(); v[1] > 0 && v[0] > 0 {
		s.damping = max(v[0]/v[1], leastDamping)
	}
}

func (s *solver) restart() {
	copy(s.scores0, s.scores)
	copy(s.slope0, s.slope)
	s.by, s.clocks = 0, 0
}

var (
	forget       = 0.5
	leastDamping = 0.5
)
