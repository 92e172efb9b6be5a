package logreg

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"testing"

	"petuum/algos"
	"petuum/algos/algotest"
	"petuum/algos/dataset"
	"petuum/algos/linear"
	"petuum/algos/linear/plain"
	"petuum/consistency"
)

var (
	_ algos.Preparer   = (*linear.Model)(nil)
	_ algos.Paced      = (*linear.Model)(nil)
	_ algos.Consistent = (*linear.Model)(nil)
	_ algos.Predictor  = (*linear.Model)(nil)
)

func TestConformance(t *testing.T) {
	dir := t.TempDir()
	for name, label := range map[string]func(score, noise float64) string{"two": plain.Sign, "three": plain.Three} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(plain.Text(11, 300, 20, false, label)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const lambda = 1e-2
	refused := []string{"lambda = -1", "lambda = nan", "lambda = 1\nC = 1", "C = -1", "penalty = 'l3'", "loss = 'hinge'", "solver = 'sgd'",
		"solver = 'dual'\nlambda = 0", "solver = 'dual'\npenalty = 'l1'", "l1_ratio = 2", "class_weight = ['none:2']"}
	for _, c := range []struct {
		name, data string
		set        func(*linear.Model)
		plain      func(*plain.Problem)
		s          algotest.Suite
	}{
		{"auto", "two", func(m *linear.Model) {}, nil, algotest.Suite{Stop: algos.Stop{Epochs: 100}, Tolerance: 1e-4}},
		{"newton with intercept", "two", func(m *linear.Model) { m.Solver, m.Intercept = "newton", true }, nil,
			algotest.Suite{Stop: algos.Stop{Epochs: 20}, Tolerance: 1e-7}},
		{"newton l1", "two", func(m *linear.Model) { m.Solver, m.Penalty = "newton", "l1" },
			func(p *plain.Problem) { p.L1, p.L2 = lambda, 0 }, algotest.Suite{Stop: algos.Stop{Epochs: 60}, Tolerance: 1e-7}},
		{"softmax", "three", func(m *linear.Model) { m.Solver, m.Intercept, m.Unpenalised = "newton", true, true },
			func(p *plain.Problem) { p.Outputs, p.Softmax, p.Free = 3, true, len(p.X[0])-1 }, algotest.Suite{Stop: algos.Stop{Epochs: 30}, Tolerance: 1e-7}},
		{"dual, one-vs-rest", "three", func(m *linear.Model) { m.Solver, m.Multi, m.Intercept = "dual", "ovr", true },
			func(p *plain.Problem) { p.Outputs = 3 }, algotest.Suite{Stop: algos.Stop{Epochs: 100}, Tolerance: 1e-4}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.s.New = func() algos.Algorithm { return New() }
			c.s.Set = func(a algos.Algorithm) {
				m := a.(*linear.Model)
				m.Lambda = new(lambda)
				c.set(m)
			}
			c.s.Path = filepath.Join(dir, c.data)
			c.s.Refused = refused
			c.s.Reference = func(t testing.TB, d dataset.Info, all *dataset.Part) float64 {
				m := New()
				c.set(m)
				p := plain.Of(d, []*dataset.Part{all}, m.Loss, lambda, m.Intercept)
				if c.plain != nil {
					c.plain(&p)
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

// The reference objectives are those of L-BFGS and LIBLINEAR, lambda = 1e-4.
func TestRealData(t *testing.T) {
	const embedded, shared = "../../configs/data/", "../../../shared/data/sparse-binary/"
	dual := func(m *linear.Model) { m.Solver = "dual" }
	for n, c := range []struct {
		dir, name string
		parts     int
		policy    string
		set       func(*linear.Model)
		epochs    int
		want, tol float64
		accuracy  float64 // of the test data, to half a percent
	}{
		{embedded, "a9a", 2, "bsp", nil, 12, 0.32450692, 1e-6, 0.84995},
		{embedded, "a9a", 2, "bsp", dual, 30, 0.32450692, 1e-4, 0.84995},
		{embedded, "a9a", 6, "ssp:3", nil, 100, 0.32450692, 1e-3, 0.84995},
		{embedded, "a9a", 2, "bsp", func(m *linear.Model) { m.C = 1 }, 12, 0.32337958, 1e-6, 0.84989},
		{shared, "agaricus", 2, "bsp", dual, 15, 0.01145219, 1e-3, 1},
		{shared, "spamassassin", 2, "bsp", dual, 20, 0.00802580, 1e-3, 0.98511},
		{shared, "debian-arch", 2, "bsp", dual, 15, 0.05974325, 1e-3, 0.98069},
		{shared, "agaricus", 2, "bsp", nil, 18, 0.01145219, 1e-6, 1},
		{shared, "spamassassin", 6, "bsp", nil, 90, 0.00802580, 1e-6, 0.98511},
		{shared, "debian-arch", 2, "bsp", nil, 60, 0.05974325, 1e-6, 0.98069},
	} {
		t.Run(c.name+"/"+c.policy, func(t *testing.T) {
			train := c.dir + c.name + ".train.libsvm.gz"
			if _, err := os.Stat(train); err != nil {
				t.Skip("the data set is not here: ", err)
			}
			if n > 0 && testing.Short() {
				t.Skip("one is enough in short mode")
			}
			policy, err := consistency.ParsePolicy(c.policy)
			if err != nil {
				t.Fatal(err)
			}
			r := algotest.Train(t, algotest.Job{
				New: func() algos.Algorithm {
					m := New()
					if c.set != nil {
						c.set(m)
					}
					return m
				},
				Path: train, Parts: c.parts, Shards: 5, Policy: policy, Eager: policy.Eager(), Seed: 1,
				Stop: algos.Stop{Epochs: c.epochs}})
			if off := r.Eval.Objective/c.want - 1; !(math.Abs(off) <= c.tol) {
				t.Errorf("objective: got %.8f, want %.8f: off by %.2g", r.Eval.Objective, c.want, off)
			}
			if gap := r.Eval.Gap; !math.IsNaN(gap) && r.Eval.Objective-gap > c.want+1e-8 {
				t.Errorf("gap %v is below the distance to the optimum", gap)
			}
			scores, test := r.Predict(t, c.dir+c.name+".test.libsvm.gz")
			right := 0
			for i, s := range scores {
				if (s > 0) == (test.Class[i] == 1) && s != 0 {
					right++
				}
			}
			accuracy := float64(right) / float64(len(scores))
			if math.Abs(accuracy-c.accuracy) > 0.005 {
				t.Errorf("test accuracy: got %.5f, want about %.5f", accuracy, c.accuracy)
			}
			t.Logf("%v epochs: objective %.8f (%.1e), gap %.1e, test accuracy %.5f, %.2f s",
				c.epochs, r.Eval.Objective, r.Eval.Objective/c.want-1, r.Eval.Gap, accuracy, r.Seconds)
		})
	}
}

// The same bytes whatever the shards, on data with parts that differ in size.
func TestDeterministic(t *testing.T) {
	for _, c := range []struct{ solver, penalty string }{{"newton", "l2"}, {"newton", "l1"}, {"dual", "l2"}} {
		var first []byte
		for _, shards := range []int{1, 5} {
			r := algotest.Train(t, algotest.Job{New: func() algos.Algorithm {
				m := New()
				m.Solver, m.Penalty = c.solver, c.penalty
				return m
			}, Path: "../../configs/data/a9a.train.libsvm.gz",
				Parts: 3, Shards: shards, Deterministic: true, Seed: 1, Delay: uint64(shards), Stop: algos.Stop{Epochs: 3}})
			if first == nil {
				first = r.Tables
			} else if !bytes.Equal(first, r.Tables) {
				t.Errorf("%s %s, %d shards: other bytes than with one", c.solver, c.penalty, shards)
			}
		}
	}
}
