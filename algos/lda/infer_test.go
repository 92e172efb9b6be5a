package lda

import (
	"math"
	"testing"

	"petuum/algos"
	"petuum/algos/algotest"
)

// New documents are completed far better than by the frequencies of words, and alike by models of either
// kind of rows; their topics are shares.
func TestPredict(t *testing.T) {
	perplexity := map[string]float64{}
	for _, rows := range []string{"dense", "packed"} {
		job := algotest.Job{New: made(func(a *LDA) {
			a.Mode, a.RowsKind, a.OptimizeAlpha, a.OptimizeBeta = "rotate", rows, true, true
		}), Path: "testdata/tiny.libsvm", Parts: 2, Shards: 2, Seed: 9, Stop: algos.Stop{Epochs: 100}}
		r := algotest.Train(t, job)
		scores, part := r.Predict(t, "testdata/tiny.test.libsvm")
		for i := range part.X.Rows() {
			sum := 0.0
			for _, s := range scores[i*6 : (i+1)*6] {
				sum += math.Exp(s)
			}
			if math.Abs(sum-1) > 1e-9 {
				t.Fatalf("%s: the shares of document %d are %v together, want 1", rows, i, sum)
			}
		}
		a := job.New().(*LDA)
		sums, err := a.Measure(r.Info, r.Model, part)
		if err != nil {
			t.Fatal(err)
		}
		m := a.Measured(sums)
		perplexity[rows] = m["perplexity"]
		t.Logf("%s: %v, alpha %v, beta %v", rows, m, r.Eval.Metrics["alpha"], r.Eval.Metrics["beta"])
		if p := m["perplexity"]; !(p > 20 && p < 80) { // 20 words a topic; 120 in all
			t.Errorf("%s: got a perplexity of %v, want 20 to 80", rows, p)
		}
	}
	if a, b := perplexity["dense"], perplexity["packed"]; math.Abs(a-b) > 0.1*a {
		t.Errorf("perplexity: got %v of dense rows and %v of packed ones", a, b)
	}
}
