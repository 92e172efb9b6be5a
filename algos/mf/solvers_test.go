package mf

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"petuum/algos"
	"petuum/algos/algotest"
	"petuum/algos/dataset"
	"petuum/consistency"
)

// others are the solvers that are not descent.
var others = []struct {
	name   string
	set    func(*MF)
	exact  bool // any number of parts comes to the same rows
	better string
	least  float64 // of that metric, the more the better; of RMSEs, negative
}{
	{"als", func(a *MF) { a.Solver = "als" }, true, "test_rmse", -0.75},
	{"als plain", func(a *MF) { a.Solver, a.Penalty, a.Biases = "als", "plain", false }, true, "test_rmse", -0.75},
	{"als non-negative", func(a *MF) { a.Solver, a.Nonnegative = "als", true }, true, "test_rmse", -0.85},
	{"ccd", func(a *MF) { a.Solver = "ccd" }, true, "test_rmse", -0.75},
	{"ccd sqrt", func(a *MF) { a.Solver, a.Penalty = "ccd", "sqrt" }, true, "test_rmse", -0.75},
	{"ccd non-negative", func(a *MF) { a.Solver, a.Nonnegative, a.Biases = "ccd", true, false }, true, "test_rmse", -0.85},
	{"implicit als", func(a *MF) { a.Solver, a.Feedback = "als", "implicit" }, true, "test_ndcg_at_10", 0.1},
	{"bpr", func(a *MF) { a.Solver, a.Feedback, a.Step = "bpr", "implicit", 0.1 }, false, "train_auc", 0.7},
	{"bpr non-negative", func(a *MF) { a.Solver, a.Feedback, a.Step, a.Nonnegative = "bpr", "implicit", 0.1, true }, false, "train_auc", 0.7},
}

// One part or several come to the same objective, and better than at the beginning.
func TestOtherSolvers(t *testing.T) {
	for _, c := range others {
		var want algotest.Result
		for _, parts := range []int{1, 2, 6} {
			t.Run(fmt.Sprintf("%s/%d", c.name, parts), func(t *testing.T) {
				r := algotest.Train(t, tiny(t, parts, "bsp", c.set))
				t.Logf("objective %v to %v, %v", r.Curve[0].Objective, r.Eval.Objective, r.Eval.Metrics)
				if parts == 1 {
					want = r
				}
				got, ok := r.Eval.Metrics[c.better]
				if strings.HasSuffix(c.better, "rmse") {
					got = -got
				}
				if !ok || !(got >= c.least) {
					t.Errorf("got %s %v, want %v", c.better, got, c.least)
				}
				tolerance := 0.25 // of many parts, slices are a few items
				if c.exact {
					tolerance = 1e-3
				}
				if off := r.Eval.Objective/want.Eval.Objective - 1; math.Abs(off) > tolerance {
					t.Errorf("got an objective of %v, want that of one part, %v", r.Eval.Objective, want.Eval.Objective)
				}
				for k, p := range r.Curve[1:] {
					if c.exact && p.Objective > r.Curve[k].Objective*(1+1e-5) {
						t.Errorf("evaluation %d: the objective rises from %v to %v", k+1, r.Curve[k].Objective, p.Objective)
					}
				}
			})
		}
	}
}

// The model predicts what the last evaluation says, and has no factor below 0 where none
// may be.
func TestModelOfOtherSolvers(t *testing.T) {
	for _, c := range others {
		if c.better != "test_rmse" {
			continue
		}
		for _, parts := range []int{1, 3} {
			job := tiny(t, parts, "bsp", c.set)
			r := algotest.Train(t, job)
			got, least := measure(t, job, r)
			if want := r.Eval.Metrics["test_rmse"]; math.Abs(got-want) > 1e-4 {
				t.Errorf("%s: %d parts: the model has a test RMSE of %v, want %v", c.name, parts, got, want)
			}
			if strings.Contains(c.name, "non-negative") && least < 0 {
				t.Errorf("%s: a factor is %v", c.name, least)
			}
		}
	}
}

func TestOtherSolversConform(t *testing.T) {
	for _, c := range others {
		t.Run(c.name, func(t *testing.T) {
			algotest.Suite{New: func() algos.Algorithm { return New() }, Set: func(a algos.Algorithm) {
				a.(*MF).Rank = 5
				c.set(a.(*MF))
			}, Path: "testdata/tiny.train.tsv", Options: options()}.Allocations(t)
		})
	}
}

func TestWhatDoesNotGoTogether(t *testing.T) {
	for _, c := range []struct {
		set  func(*MF)
		keys string // of the first refusal; "": none
	}{
		{func(a *MF) {}, ""},
		{func(a *MF) { a.Solver, a.Feedback = "bpr", "implicit" }, ""},
		{func(a *MF) { a.Solver, a.Penalty = "ccd", "plain" }, ""},
		{func(a *MF) { a.Feedback = "implicit" }, "solver"},
		{func(a *MF) { a.Solver, a.Feedback = "ccd", "implicit" }, "solver"},
		{func(a *MF) { a.Solver = "bpr" }, "feedback"},
		{func(a *MF) { a.Penalty = "plain" }, "penalty"},
		{func(a *MF) { a.Solver, a.Feedback, a.Penalty = "bpr", "implicit", "ratings" }, "penalty"},
		{func(a *MF) { a.Step = 0 }, "step"},
		{func(a *MF) { a.Step = math.NaN() }, "step"},
	} {
		a := New()
		c.set(a)
		got := ""
		for _, err := range a.together() {
			got = err.(*algos.ParameterError).Keys[0]
			break
		}
		if got != c.keys {
			t.Errorf("%s, %s, %s: got a refusal of %q, want %q", a.Solver, a.Feedback, a.Penalty, got, c.keys)
		}
	}
	for _, c := range []struct {
		solver, policy string
		exact, refused bool
	}{{"als", "bsp", true, false}, {"als", "ssp:1", true, true}, {"ccd", "asp", true, true}, {"ccd", "bsp", false, true}, {"sgd", "asp", false, false}} {
		p, err := consistency.ParsePolicy(c.policy)
		if err != nil {
			t.Fatal(err)
		}
		a := New()
		a.Solver = c.solver
		if err := a.Under(p, c.exact); (err != nil) != c.refused {
			t.Errorf("%s under %s, exact %v: got %v", c.solver, c.policy, c.exact, err)
		}
	}
}

// A part goes on from the state of another as that does.
func TestStateOfOtherSolvers(t *testing.T) {
	for _, c := range others {
		if !c.exact {
			continue
		}
		job := tiny(t, 1, "bsp", c.set)
		from, to := lockstep(t, job), lockstep(t, job)
		from.Push(7)
		from.Evaluate(items)
		var b bytes.Buffer
		if err := from.Algorithms[0].(*MF).Save(&b); err != nil {
			t.Fatal(err)
		}
		state := slices.Clone(b.Bytes())
		if err := to.Algorithms[0].(*MF).Restore(&b); err != nil {
			t.Fatal(err)
		}
		from.Push(9)
		to.Push(9)
		got, want := to.Evaluate(items).Objective, from.Evaluate(items).Objective
		if math.Abs(got/want-1) > 1e-5 {
			t.Errorf("%s: got an objective of %v, want %v", c.name, got, want)
		}
		if err := lockstep(t, job).Algorithms[0].(*MF).Restore(bytes.NewReader(state[:len(state)-3])); err == nil {
			t.Errorf("%s: a state that ends early is taken", c.name)
		}
	}
}

// lockstep plays a job of one part.
func lockstep(t *testing.T, job algotest.Job) *algotest.Lockstep {
	t.Helper()
	s, err := dataset.Scan([]string{job.Path}, job.Options, []int{0}, 1)
	if err != nil {
		t.Fatal(err)
	}
	info, err := dataset.Info{}.Merge(s.Info(0))
	if err != nil {
		t.Fatal(err)
	}
	parts, err := s.Parts(info)
	if err != nil {
		t.Fatal(err)
	}
	return algotest.Play(t, job.Policy, info, parts, job.New, nil)
}
