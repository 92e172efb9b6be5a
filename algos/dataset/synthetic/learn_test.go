package synthetic_test

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"petuum/algos"
	"petuum/algos/algotest"
	"petuum/algos/dataset"
	"petuum/algos/dataset/synthetic"
	"petuum/algos/lasso"
	"petuum/algos/logreg"
)

// write writes both sets of p and returns their names, and the true weights.
func write(t *testing.T, p synthetic.Problem) (train, test string, truth []float64) {
	t.Helper()
	names := []string{filepath.Join(t.TempDir(), "train.libsvm"), filepath.Join(t.TempDir(), "test.libsvm")}
	for set, name := range names {
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := synthetic.Write(t.Context(), f, dataset.LIBSVM, p, synthetic.Set(set), nil); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	truth = make([]float64, p.Common().Features)
	err := p.Common().Truth(t.Context(), func(j uint64, w int64) error {
		truth[j] = float64(w) / synthetic.ValueUnit
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names[0], names[1], truth
}

// mean is the mean of f(label, x.w) over the rows of p's training set.
func mean(t *testing.T, p synthetic.Problem, w []float64, f func(label, score float64) float64) (sum float64) {
	t.Helper()
	err := p.Samples(t.Context(), synthetic.Train, func(r *synthetic.Row) error {
		score := 0.0
		for k, j := range r.Index {
			v := 1.0
			if r.Value != nil {
				v = float64(r.Value[k]) / synthetic.ValueUnit
			}
			score += v * w[j]
		}
		sum += f(float64(r.Label)/synthetic.LabelUnit, score) / float64(p.Common().Rows)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// The Lasso gets below the objective of the truth, to which it is close, and
// predicts the test set up to the noise.
func TestLearnLasso(t *testing.T) {
	p := synthetic.Regression()
	p.Rows, p.TestRows, p.Features, p.Density = 2000, 1000, 400, 0.05
	p.Noise = 0.2
	train, test, truth := write(t, p)
	const lambda = 1e-4
	r := algotest.Train(t, algotest.Job{New: func() algos.Algorithm {
		l := lasso.New()
		l.Lambda, l.Standardize, l.Intercept = lambda, false, false
		return l
	}, Path: train, Parts: 2, Shards: 2, Seed: 1, Stop: algos.Stop{Epochs: 2000, Tolerance: 1e-6}})
	want := mean(t, p, truth, func(y, score float64) float64 { return (y - score) * (y - score) / 2 })
	for _, w := range truth {
		want += lambda * math.Abs(w)
	}
	if got := r.Eval.Objective; !(got < want) || got < want/2 {
		t.Errorf("objective: got %.6g, want less than the truth's, %.6g, yet not half of it", got, want)
	}
	scores, rows := r.Predict(t, test)
	rest, all := 0.0, 0.0
	for i, y := range rows.Labels {
		rest += (y - scores[i]) * (y - scores[i])
		all += y * y
	}
	if got := rest / all; !(got < 0.15) {
		t.Errorf("%.3f of the test labels' variance is left, want less than 0.15", got)
	}
	t.Logf("objective %.6g, the truth's %.6g; %.3f of the test variance is left", r.Eval.Objective, want, rest/all)
}

// Logistic regression gets below the objective of the truth.
func TestLearnLogistic(t *testing.T) {
	p := synthetic.Logistic()
	p.Rows, p.TestRows, p.Features, p.NonZeros, p.Density = 4000, 2000, 500, 20, 0.3
	train, test, truth := write(t, p)
	const lambda = 1e-3
	r := algotest.Train(t, algotest.Job{New: func() algos.Algorithm {
		l := logreg.New()
		l.Lambda = new(lambda)
		return l
	}, Path: train, Parts: 2, Shards: 2, Seed: 1, Stop: algos.Stop{Epochs: 30}})
	want := mean(t, p, truth, func(y, score float64) float64 { return math.Log1p(math.Exp(-y * score)) })
	for _, w := range truth {
		want += lambda / 2 * w * w
	}
	if got := r.Eval.Objective; !(got < want) || got < 0.7*want {
		t.Errorf("objective: got %.6g, want less than the truth's, %.6g, yet not far below", got, want)
	}
	scores, rows := r.Predict(t, test)
	right := 0.0
	for i, s := range scores {
		if (s > 0) == (rows.Labels[i] > 0) {
			right++
		}
	}
	if got := right / float64(len(scores)); !(got > 0.65) {
		t.Errorf("test accuracy: got %.3f, want more than 0.65", got)
	}
	t.Logf("objective %.6g, the truth's %.6g; test accuracy %.3f", r.Eval.Objective, want, right/float64(len(scores)))
}
