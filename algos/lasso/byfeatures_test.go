package lasso

import (
	"fmt"
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

// cut converts a file to a binary one.
func cut(t testing.TB, path string, o dataset.Options, parts int, partition string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "cut.petuum")
	f, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := dataset.Convert(t.Context(), []string{path}, o, f, parts, partition, nil); err != nil {
		t.Fatal(err)
	}
	return to
}

// coefficients are the intercept and the weights, as far as they are unique.
func coefficients(t testing.TB, r algotest.Result) []float64 {
	t.Helper()
	keys := make([]uint64, r.Info.Features)
	for j := range keys {
		keys[j] = uint64(j)
	}
	w, err := r.Model.Values(weights, keys)
	if err != nil {
		t.Fatal(err)
	}
	b0, err := r.Model.Values(intercept, keys[:1])
	if err != nil {
		t.Fatal(err)
	}
	w[2], w[4] = w[2]+w[4], 0 // of columns that are the same, either may be in use
	return append(b0, w...)
}

// Parts that are ranges of features come to the same model as parts that are ranges of
// rows, with every loss and penalty, under every policy.
func TestByFeatures(t *testing.T) {
	ssp, asp := consistency.SSP(2), consistency.ASP()
	for _, c := range []struct {
		name string
		s    shape
		set  func(*Lasso)
	}{
		{"squared", shape{rows: 45, features: 120, density: 0.6, correlation: 0.6, fixed: 12}, func(*Lasso) {}},
		{"plain", shape{rows: 45, features: 120, density: 0.2}, func(l *Lasso) { l.Standardize, l.Intercept = false, false }},
		{"elastic net", shape{rows: 60, features: 90, density: 1, correlation: 0.9}, func(l *Lasso) { l.L1Ratio = 0.5 }},
		{"groups", shape{rows: 45, features: 120, density: 0.6, correlation: 0.3}, func(l *Lasso) { l.Groups = "7" }},
		{"logistic", shape{rows: 150, features: 200, density: 0.2, classes: true}, func(l *Lasso) { l.Loss = "logistic" }},
		{"logistic groups", shape{rows: 150, features: 50, density: 0.5, classes: true, fixed: 6},
			func(l *Lasso) { l.Loss, l.L1Ratio, l.Groups, l.LambdaRatio = "logistic", 0.7, "3", 0.02 }},
		{"path", shape{rows: 45, features: 120, density: 0.6, correlation: 0.6}, func(l *Lasso) { l.Path = 7 }},
		{"logistic path", shape{rows: 150, features: 200, density: 0.2, classes: true}, func(l *Lasso) { l.Loss, l.Path = "logistic", 7 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := c.s.write(t)
			train := func(path string, parts int, policy consistency.Policy, every int) algotest.Result {
				return algotest.Train(t, algotest.Job{New: with(c.set), Path: path, Options: c.s.options(), Parts: parts, Shards: 2, Policy: policy, Every: every, Delay: uint64(every - 1),
					Stop: algos.Stop{Tolerance: 1e-12, Clocks: 600}})
			}
			want := train(cut(t, path, c.s.options(), 2, dataset.PartitionRows), 2, consistency.Policy{}, 1)
			model := coefficients(t, want)
			for _, job := range []struct {
				parts  int
				policy consistency.Policy
				every  int
			}{{1, consistency.Policy{}, 1}, {2, consistency.Policy{}, 1}, {3, consistency.Policy{}, 1}, {3, ssp, 2}, {2, asp, 3}} {
				got := train(cut(t, path, c.s.options(), job.parts, dataset.PartitionColumns), job.parts, job.policy, job.every)
				if off := math.Abs(got.Eval.Objective/want.Eval.Objective - 1); !(off < 1e-9) || got.Reason != want.Reason {
					t.Errorf("%+v: after %d rounds (%s) got %.15g, want %.15g (%s): off by %.3g", job, got.Clocks, got.Reason, got.Eval.Objective, want.Eval.Objective, want.Reason, off)
				}
				for _, name := range []string{"lambda", "lambda_max"} {
					if g, w := got.Eval.Metrics[name], want.Eval.Metrics[name]; !(math.Abs(g-w) <= 1e-9*w) {
						t.Errorf("%+v: got %s %v, want %v", job, name, g, w)
					}
				}
				for j, w := range coefficients(t, got) {
					if !(math.Abs(w-model[j]) < 1e-6*max(1, math.Abs(model[j]))) {
						t.Errorf("%+v: value %d: got %v, want %v", job, j, w, model[j])
					}
				}
				if len(got.Path) != len(want.Path) {
					t.Fatalf("%+v: got %d stages, want %d", job, len(got.Path), len(want.Path))
				}
				if strings.Contains(c.name, "path") && len(got.Path) == 0 {
					t.Error("there are no stages")
				}
			}
		})
	}
}

// Cross-validation leaves out the same rows in every part, however many there are.
func TestFoldsByFeatures(t *testing.T) {
	for _, classes := range []bool{false, true} {
		s := shape{rows: 90, features: 120, density: 0.3, classes: classes}
		path, make := s.write(t), with(func(l *Lasso) {
			if l.Path, l.Folds, l.Select = 6, 4, "1se"; classes {
				l.Loss = "logistic"
			}
		})
		var want algotest.Result
		for _, parts := range []int{1, 2, 3} {
			got := algotest.Train(t, algotest.Job{New: make, Path: cut(t, path, s.options(), parts, dataset.PartitionColumns), Options: s.options(), Parts: parts, Seed: 5,
				Stop: algos.Stop{Tolerance: 1e-11, Clocks: 2000}})
			if parts == 1 {
				want = got
				whole := algotest.Train(t, algotest.Job{New: with(func(l *Lasso) {
					if l.LambdaRatio, l.Lambda = 0, got.Eval.Metrics["lambda"]; classes {
						l.Loss = "logistic"
					}
				}), Path: path, Options: s.options(), Parts: 2, Stop: algos.Stop{Tolerance: 1e-11, Clocks: 2000}})
				if off := math.Abs(got.Eval.Objective/whole.Eval.Objective - 1); !(off < 1e-9) {
					t.Errorf("classes %v: got %.12g of the penalty that was chosen, want %.12g", classes, got.Eval.Objective, whole.Eval.Objective)
				}
			}
			for _, name := range []string{"lambda", "nonzeros", "cv_error", "cv_se", "cv_lambda_min", "cv_lambda_1se"} {
				if g, w := got.Eval.Metrics[name], want.Eval.Metrics[name]; !(math.Abs(g-w) <= 1e-7*w) || w == 0 {
					t.Errorf("classes %v, %d parts: got %s %v, want %v", classes, parts, name, g, w)
				}
			}
		}
	}
}

// Schedules that want whole rows say so.
func TestByFeaturesRefused(t *testing.T) {
	d := dataset.Info{Rows: 5, Features: 9, Numeric: true, ByFeatures: true}
	for _, kind := range schedules {
		l := with(func(l *Lasso) { l.Kind = kind })().(*Lasso)
		specs, err := l.Tables(d)
		if kind == "auto" && (err != nil || len(specs) != 3 || specs[2].Keys != 5 || !specs[2].Scratch) {
			t.Errorf("got tables %+v, %v", specs, err)
		} else if kind != "auto" && (err == nil || !strings.Contains(fmt.Sprint(err), "data convert --partition rows")) {
			t.Errorf("schedule %s: got %v", kind, err)
		}
	}
}
