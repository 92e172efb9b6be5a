package mf

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"petuum/algos"
	"petuum/algos/algotest"
	"petuum/algos/dataset"
	"petuum/algos/mf/sgd"
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
				tolerance := 0.4 // of many parts, slices are a few items
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
			s := algotest.Suite{New: func() algos.Algorithm { return New() }, Set: func(a algos.Algorithm) {
				a.(*MF).Rank = 5
				c.set(a.(*MF))
			}, Path: "testdata/tiny.train.tsv", Options: options()}
			s.Allocations(t)
			t.Run("state", s.Stateful)
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

func TestImplicitRatingsAreRefused(t *testing.T) {
	for _, c := range []struct{ solver, rating string }{{"als", "-2"}, {"bpr", "-2"}, {"bpr", "0"}} {
		path := filepath.Join(t.TempDir(), "ratings.tsv")
		if err := os.WriteFile(path, []byte("a\tx\t1\nb\ty\t"+c.rating+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := dataset.Scan([]string{path}, options(), []int{0}, 1)
		if err != nil {
			t.Fatal(err)
		}
		parts, err := s.Parts(s.Info(0))
		if err != nil {
			t.Fatal(err)
		}
		a := New()
		a.Solver, a.Feedback = c.solver, "implicit"
		err = a.took(listed(&parts[0].X), algos.NewWorker(3, 4, s.Info(0), 1, nil, 0))
		if err == nil || !strings.Contains(err.Error(), "part 3: rating "+c.rating+" of item 1") {
			t.Errorf("%s: got %v, want a refusal of rating %s", c.solver, err, c.rating)
		}
	}
}

// The best items of users are those whose ratings are predicted to be the highest.
func TestBest(t *testing.T) {
	for _, c := range others {
		job := tiny(t, 2, "bsp", c.set)
		job.Stop.Epochs = 3
		r := algotest.Train(t, job)
		a := job.New().(*MF)
		of := []uint64{59, 0, Unknown, 7, 7}
		skip := [][]uint32{{0, 1, 39}, nil, {5}, nil, {2}}
		found, err := a.Best(r.Info, r.Model, of, 6, func(k int) []uint32 { return skip[k] })
		if err != nil {
			t.Fatal(err)
		}
		for k, best := range found {
			var pairs []Pair
			for j := range r.Info.Features {
				pairs = append(pairs, Pair{of[k], j})
			}
			score, err := a.Ratings(r.Info, unbounded{r.Model}, pairs)
			if err != nil {
				t.Fatal(err)
			}
			order := make([]uint32, 0, len(score))
			for j := range score {
				if !slices.Contains(skip[k], uint32(j)) {
					order = append(order, uint32(j))
				}
			}
			slices.SortStableFunc(order, func(i, j uint32) int { return cmp.Compare(score[j], score[i]) })
			for i, s := range best {
				if math.Abs(score[order[i]]-float64(s.Score)) > 1e-4 || math.Abs(score[s.Item]-float64(s.Score)) > 1e-4 || slices.Contains(skip[k], s.Item) {
					t.Errorf("%s: user %d place %d: got item %d of %v, want item %d of %v", c.name, of[k], i, s.Item, s.Score, order[i], score[order[i]])
				}
			}
			if len(best) != 6 {
				t.Errorf("%s: got %d items, want 6", c.name, len(best))
			}
		}
		if _, err := a.Best(r.Info, r.Model, []uint64{60}, 6, func(int) []uint32 { return nil }); err == nil {
			t.Errorf("%s: user 60 of 60 is taken", c.name)
		}
	}
}

// unbounded is a model whose ratings have no least and no largest.
type unbounded struct{ algos.Model }

func (u unbounded) Values(name string, keys []uint64) ([]float64, error) {
	v, err := u.Model.Values(name, keys)
	if name == scale && err == nil {
		v = []float64{v[0], math.Inf(-1), math.Inf(1)}
	}
	return v, err
}

func TestWeightsOfPenalties(t *testing.T) {
	for _, c := range []struct {
		penalty, feedback string
		lambda            *float64
		factor, bias      float64 // of a row of 9 ratings that deviate by 2
	}{
		{"plain", "explicit", new(0.5), 1, 0.03},
		{"sqrt", "explicit", new(0.5), 3, 0.27},
		{"ratings", "explicit", new(0.5), 9, 0.27},
		{"auto", "explicit", nil, 1.8, 0.27},
		{"sqrt", "explicit", nil, 5.1, 0.27},
		{"plain", "explicit", nil, 2, 0.03},
		{"auto", "implicit", nil, 20, 0.03},
	} {
		a := New()
		a.Solver, a.Penalty, a.Feedback, a.Lambda, a.deviation = "als", c.penalty, c.feedback, c.lambda, 2
		if factor, bias := a.weights(9); math.Abs(factor-c.factor) > 1e-12 || math.Abs(bias-c.bias) > 1e-12 {
			t.Errorf("%s, %s: got %v and %v, want %v and %v", c.penalty, c.feedback, factor, bias, c.factor, c.bias)
		}
	}
}

// A part that has a slice leaves the rows of all other items alone.
func TestPairsStayInTheirSlice(t *testing.T) {
	job := tiny(t, 1, "bsp", func(a *MF) { a.Solver, a.Feedback = "bpr", "implicit" })
	l := lockstep(t, job)
	l.Push(1)
	a, w := l.Algorithms[0].(*MF), l.Workers[0]
	was := slices.Clone(a.items)
	a.train = sgd.NewRatings(matrix(10, 20), []uint64{0, 40})
	a.items = slices.Clone(was)
	a.rank(0, 10, 20, w)
	changed := 0
	for j := range a.perItem {
		same := slices.Equal(a.items[j*a.stride:][:a.stride], was[j*a.stride:][:a.stride])
		if inside := j >= 10 && j < 20; !inside && !same {
			t.Errorf("item %d of another slice has changed", j)
		}
		if !same {
			changed++
		}
	}
	if changed < 5 {
		t.Errorf("%d rows have changed, want those of 5 items and some others", changed)
	}
}

// matrix is one user who took every other item of [lo, hi).
func matrix(lo, hi uint32) *dataset.Matrix {
	var items []uint32
	for j := lo; j < hi; j += 2 {
		items = append(items, j)
	}
	m := dataset.NewMatrix(40, []int64{0, int64(len(items))}, items, nil)
	return &m
}
