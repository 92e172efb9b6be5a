package lasso

import (
	"os"
	"path/filepath"
	"testing"

	"petuum/algos"
	"petuum/algos/algotest"
)

// Where no coefficient is of use, as all labels are equal or all columns constant, a
// path with or without folds ends with a model of the intercept alone.
func TestNothingToLearn(t *testing.T) {
	for name, rows := range map[string]string{
		"equal labels":     "7 1:1 2:2\n7 1:3 2:-1\n7 1:2 2:5\n7 1:-4 2:1\n7 1:8 2:3\n7 2:9\n7 1:6\n7 1:5 2:5\n",
		"constant columns": "1 1:2 2:3\n2 1:2 2:3\n3 1:2 2:3\n4 1:2 2:3\n5 1:2 2:3\n6 1:2 2:3\n7 1:2 2:3\n8 1:2 2:3\n",
	} {
		path := filepath.Join(t.TempDir(), "data.svm")
		if err := os.WriteFile(path, []byte(rows), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, folds := range []int{0, 2} {
			for _, kind := range []string{"auto", "random"} {
				set := with(func(l *Lasso) { l.Path, l.Folds, l.LambdaRatio, l.Kind = 3, folds, 0.1, kind })
				o := shape{}.options()
				r := algotest.Train(t, algotest.Job{New: set, Path: path, Options: o, Parts: 2, Stop: algos.Stop{Epochs: 5, Tolerance: 1e-6}})
				if got := r.Eval.Metrics["nonzeros"]; got != 0 || len(r.Path) == 0 || r.Reason != algos.ReasonTolerance {
					t.Errorf("%s, %d folds, schedule %s: got %v coefficients after %d stages (%s), want 0 and tolerance", name, folds, kind, got, len(r.Path), r.Reason)
				}
			}
		}
	}
}
