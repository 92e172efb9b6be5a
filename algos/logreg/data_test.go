package logreg

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"petuum/algos"
	"petuum/algos/algotest"
	"petuum/algos/dataset"
	"petuum/consistency"
)

func TestConformance(t *testing.T) {
	path := filepath.Join(t.TempDir(), "train.libsvm")
	writeFile(t, path, text(11, 300, 20, false))
	const lambda = 1e-2
	for _, c := range []struct {
		name string
		set  func(*Regression)
		s    algotest.Suite
	}{
		{"auto", func(r *Regression) {}, algotest.Suite{
			Stop: algos.Stop{Epochs: 100}, Tolerance: 1e-4}},
		{"newton", func(r *Regression) { r.Solver = "newton" }, algotest.Suite{
			Stop: algos.Stop{Epochs: 20}, Tolerance: 1e-7}},
		{"newton with intercept", func(r *Regression) { r.Solver, r.Intercept = "newton", true }, algotest.Suite{
			Stop: algos.Stop{Epochs: 20}, Tolerance: 1e-7}},
		{"dual", func(r *Regression) { r.Solver = "dual" }, algotest.Suite{
			Stop: algos.Stop{Epochs: 100}, Tolerance: 1e-4}},
		{"adagrad", func(r *Regression) { r.Solver, r.Batch = "adagrad", 20 }, algotest.Suite{
			Stop: algos.Stop{Epochs: 100}, Tolerance: 1e-4, Every: 150}},
		{"dual with intercept", func(r *Regression) { r.Solver, r.Intercept = "dual", true }, algotest.Suite{
			Stop: algos.Stop{Epochs: 100}, Tolerance: 1e-4}},
		{"adagrad with intercept", func(r *Regression) { r.Solver, r.Batch, r.Intercept = "adagrad", 20, true }, algotest.Suite{
			Stop: algos.Stop{Epochs: 100}, Tolerance: 1e-4, Every: 150}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.s.New = func() algos.Algorithm { return New() }
			c.s.Set = func(a algos.Algorithm) {
				r := a.(*Regression)
				r.Lambda = new(lambda)
				c.set(r)
			}
			c.s.Path = path
			c.s.Reference = func(t testing.TB, d dataset.Info, all *dataset.Part) float64 {
				one := *all
				if r := New(); strings.Contains(c.name, "intercept") {
					c.set(r)
					if err := one.Append(d.Features, 1); err != nil || !r.Intercept {
						t.Fatalf("got intercept %t and %v, want one", r.Intercept, err)
					}
					d.Features++
				}
				return plain(d, []*dataset.Part{&one}, lambda).optimum(t, int(d.Features))
			}
			c.s.Refused = []string{"lambda = -1", "lambda = nan", "lambda = 0", "lambda = 1\nC = 1", "C = -1", "penalty = 'l1'",
				"solver = 'sgd'", "solver = 'newton'\nlambda = 0", "solver = 'adagrad'\nbatch = -1", "solver = 'adagrad'\nstep = 0"}
			algotest.Conformance(t, c.s)
		})
	}
}

// The reference objectives are those of L-BFGS and LIBLINEAR, lambda = 1e-4.
func TestRealData(t *testing.T) {
	const embedded, shared = "../../configs/data/", "../../../shared/data/sparse-binary/"
	dual := func(r *Regression) { r.Solver = "dual" }
	for n, c := range []struct {
		dir, name string
		parts     int
		policy    string
		set       func(*Regression)
		epochs    int
		want, tol float64
		accuracy  float64 // of the test data, to half a percent
	}{
		{embedded, "a9a", 2, "bsp", nil, 12, 0.32450692, 1e-6, 0.84995},
		{embedded, "a9a", 2, "bsp", dual, 30, 0.32450692, 1e-4, 0.84995},
		{embedded, "a9a", 6, "ssp:3", nil, 100, 0.32450692, 1e-3, 0.84995},
		{embedded, "a9a", 2, "bsp", func(r *Regression) { r.Lambda, r.C = nil, 1 }, 12, 0.32337958, 1e-6, 0.84989},
		{embedded, "a9a", 2, "bsp", func(r *Regression) { r.Solver = "adagrad" }, 40, 0.32450692, 2e-4, 0.84995},
		{embedded, "a9a", 2, "bsp", func(r *Regression) { r.Solver, r.Memory = "adagrad", false }, 40, 0.32450692, 3e-3, 0.84995},
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
					r := New()
					if c.set != nil {
						c.set(r)
					}
					return r
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
	var first []byte
	for _, solver := range []string{"newton", "dual"} {
		first = nil
		for _, shards := range []int{1, 5} {
			r := algotest.Train(t, algotest.Job{New: func() algos.Algorithm { r := New(); r.Solver = solver; return r }, Path: "../../configs/data/a9a.train.libsvm.gz",
				Parts: 3, Shards: shards, Deterministic: true, Seed: 1, Delay: uint64(shards), Stop: algos.Stop{Epochs: 3}})
			if first == nil {
				first = r.Tables
			} else if !bytes.Equal(first, r.Tables) {
				t.Errorf("%s, %d shards: other bytes than with one", solver, shards)
			}
		}
	}
}
