package regression

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
	dir := t.TempDir()
	for name, label := range map[string]func(score, noise float64) string{"quantity": plain.Quantity, "count": plain.Count} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(plain.Text(11, 300, 20, false, label)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const lambda = 3e-2
	for _, c := range []struct {
		name, data string
		set        func(*linear.Model)
		s          algotest.Suite
	}{
		{"squared", "quantity", func(m *linear.Model) { m.Intercept = true }, algotest.Suite{Stop: algos.Stop{Epochs: 150}, Tolerance: 1e-4}},
		{"huber", "quantity", func(m *linear.Model) { m.Loss, m.Delta = "huber", 1.5 }, algotest.Suite{Stop: algos.Stop{Epochs: 150}, Tolerance: 1e-4}},
		{"poisson", "count", func(m *linear.Model) { m.Loss, m.Intercept, m.Solver = "poisson", true, "newton" }, algotest.Suite{Stop: algos.Stop{Epochs: 40}, Tolerance: 1e-7}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.s.New = func() algos.Algorithm { return New() }
			c.s.Set = func(a algos.Algorithm) {
				m := a.(*linear.Model)
				m.Lambda = new(lambda)
				c.set(m)
			}
			c.s.Path = filepath.Join(dir, c.data)
			c.s.Refused = []string{"loss = 'hinge'", "delta = 0", "loss = 'poisson'\nsolver = 'dual'", "balanced = true"}
			c.s.Reference = func(t testing.TB, d dataset.Info, all *dataset.Part) float64 {
				m := New()
				c.set(m)
				p := plain.Of(d, []*dataset.Part{all}, m.Loss, lambda, m.Intercept)
				p.Delta = m.Delta
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
