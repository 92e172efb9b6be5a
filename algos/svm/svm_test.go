package svm

import (
	"os"
	"path/filepath"
	"testing"

	"petuum/algos"
	"petuum/algos/algotest"
	"petuum/algos/dataset"
	"petuum/algos/linear"
	"petuum/algos/linear/plain"
)

func TestConformance(t *testing.T) {
	path := filepath.Join(t.TempDir(), "train")
	if err := os.WriteFile(path, []byte(plain.Text(11, 300, 20, false, plain.Sign)), 0o600); err != nil {
		t.Fatal(err)
	}
	const lambda = 3e-2
	for _, c := range []struct {
		name string
		set  func(*linear.Model)
		s    algotest.Suite
	}{
		{"squared hinge", func(m *linear.Model) {}, algotest.Suite{Stop: algos.Stop{Epochs: 150}, Tolerance: 1e-4}},
		{"hinge", func(m *linear.Model) { m.Loss, m.Intercept = "hinge", true }, algotest.Suite{Stop: algos.Stop{Epochs: 150}, Tolerance: 1e-3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.s.New = func() algos.Algorithm { return New() }
			c.s.Set = func(a algos.Algorithm) {
				m := a.(*linear.Model)
				m.Lambda = new(lambda)
				c.set(m)
			}
			c.s.Path = path
			c.s.Refused = []string{"loss = 'logistic'", "loss = 'hinge'\nsolver = 'newton'", "loss = 'hinge'\npenalty = 'l1'", "multi = 'softmax'"}
			c.s.Reference = func(t testing.TB, d dataset.Info, all *dataset.Part) float64 {
				m := New()
				c.set(m)
				p := plain.Of(d, []*dataset.Part{all}, m.Loss, lambda, m.Intercept)
				if m.Loss == linear.Hinge {
					return optimum(t, p)
				}
				w, err := p.Minimum(100000, 1e-8)
				if err != nil {
					t.Fatal(err)
				}
				return p.Objective(w)
			}
			algotest.Conformance(t, c.s)
		})
	}
}

// optimum is P for the hinge, which has no slope to descend along: by the row-wise ascent
// of its dual, each row in turn, until the gap is next to nothing.
func optimum(t testing.TB, p plain.Problem) float64 {
	w, a := p.Zero(), make([]float64, len(p.Y))
	for range 20000 {
		sum := 0.0
		for i, row := range p.X {
			y, square := 2*p.Y[i]-1, 0.0
			for _, x := range row {
				square += x * x
			}
			if square == 0 {
				a[i] = 1
			} else {
				to := min(max(a[i]+(1-y*p.Scores(i, w)[0])*p.L2*p.N/square, 0), 1)
				for j, x := range row {
					w[0][j] += (to - a[i]) * y * x / (p.L2 * p.N)
				}
				a[i] = to
			}
			sum += a[i] / p.N
		}
		for _, x := range w[0] {
			sum -= p.L2 / 2 * x * x
		}
		if best := p.Objective(w); best-sum <= 1e-7*best {
			return best
		}
	}
	t.Fatal("the reference did not converge")
	return 0
}
