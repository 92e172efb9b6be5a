package proximal

import (
	"math"

	"petuum/algos/linear"
	"petuum/table/kernel"
)

// rows is what a part knows of its rows, one output after the other.
type rows struct {
	scores, slope, curvature []float64
	changed                  bool // scores are newer than the others

	// What has changed since some clocks ago, and what u says about it.
	scores0, slope0 []float64
	expected        float64
	since           int // clocks
	// Both curvatures along the changes of recent times.
	along, by float64
	buffer    []float64
}

func newRows(n int) rows {
	return rows{scores: make([]float64, n), slope: make([]float64, n), curvature: make([]float64, n),
		scores0: make([]float64, n), slope0: make([]float64, n), buffer: make([]float64, stretch)}
}

// bend says how large second derivatives of a loss get, and if they vary, by which power
// of e where the score changes by 1.
type bend struct {
	most, growth float64
	varies       bool
}

func bendOf(p *linear.Problem) bend {
	switch {
	case p.Coupled:
		return bend{0.5, 2, true} // of 2 p (1 - p), see measure
	case p.Loss == linear.Logistic:
		return bend{0.25, 1, true}
	case p.Loss == linear.Poisson:
		return bend{math.MaxFloat64, 1, true}
	case p.Loss == linear.SquaredHinge:
		return bend{most: 2}
	}
	return bend{most: 1}
}

// measure computes slopes and curvatures. Those of softmax are a bound of the Hessian:
// p (1 - p) on the diagonal, and as much in the rest of the row.
func (s *solver) measure() {
	n := s.columns.Cols()
	switch {
	case s.Loss == linear.Logistic && !s.Coupled:
		s.logistic()
	default:
		s.Measure(s.scores, s.slope, s.curvature)
	}
	if s.Coupled {
		for i, d := range s.curvature {
			if w := s.Weight(i % n); w > 0 {
				s.curvature[i] = 2 * (d - d*d/w)
			}
		}
	}
}

// stretch is how many rows fit a cache.
const stretch = 2048

// logistic is Measure by kernels.
func (s *solver) logistic() {
	n := s.columns.Cols()
	for c := range s.Outputs {
		for lo := 0; lo < n; lo += stretch {
			b := s.buffer[:min(stretch, n-lo)]
			at := c*n + lo
			for i := range b {
				b[i] = -s.Target(lo+i, c) * s.scores[at+i]
			}
			kernel.Sigmoid(b, b)
			for i, p := range b {
				k := s.Weight(lo+i) * p
				s.slope[at+i] = -s.Target(lo+i, c) * k
				s.curvature[at+i] = k * (1 - p)
			}
		}
	}
}

const (
	forget       = 0.8 // what is left of measured curvatures when others come
	care         = 1.3 // how much larger q is than they are
	leastDamping = 0.5
)

// adapt brings the slopes up to the scores, measures the curvature along the steps made
// in as many clocks as blocks are under way, and learns from all parts' what q is.
func (s *solver) adapt() {
	if s.changed {
		s.measure()
		s.changed = false
	}
	if s.since++; s.since >= s.flight && s.expected > 0 && !s.visiting.done() {
		along := 0.0
		for i, m := range s.scores {
			along += (m - s.scores0[i]) * (s.slope[i] - s.slope0[i])
		}
		if along < math.MaxFloat64 {
			s.along = forget*s.along + along
			s.by = forget*s.by + s.expected
			s.pace.Set(0, 0, s.along)
			s.pace.Set(1, 0, s.by)
		}
		s.restart()
	}
	if v := s.pace.Values(); v[0] > 0 && v[1] > 0 {
		s.damping = max(care*v[0]/v[1], leastDamping)
	}
}

func (s *solver) restart() {
	copy(s.scores0, s.scores)
	copy(s.slope0, s.slope)
	s.expected, s.since = 0, 0
}
