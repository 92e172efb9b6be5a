package lda

import (
	"fmt"
	"math"
	"testing"

	"petuum/algos"
	"petuum/algos/algotest"
	"petuum/algos/lda/gibbs"
)

// What an evaluation says of words is of one beta, also where beta has changed since slices were
// worked on, which is behind sweep 5 here.
func TestBetaOfEvaluation(t *testing.T) {
	for _, mode := range []string{"data", "rotate"} {
		for _, parts := range []int{1, 3} {
			for epochs := 4; epochs <= 6; epochs++ {
				t.Run(fmt.Sprintf("%s/parts=%d/epochs=%d", mode, parts, epochs), func(t *testing.T) {
					r := algotest.Train(t, algotest.Job{New: made(func(a *LDA) {
						a.Mode, a.OptimizeBeta, a.BurnIn, a.Beta = mode, true, 3, 0.5
					}), Path: "testdata/tiny.libsvm", Parts: parts, Shards: 2, Seed: 3, Stop: algos.Stop{Epochs: epochs}})
					want := likelihoodOfWords(t, r, r.Eval.Metrics["beta"])
					if got := r.Eval.Sum("words") + r.Eval.Sum("topics"); !(math.Abs(got-want) <= 1e-9*math.Abs(want)) {
						t.Errorf("got %v for the words, want %v, which the tables say by beta %v", got, want, r.Eval.Metrics["beta"])
					}
				})
			}
		}
	}
}

// likelihoodOfWords is what the tables of a job of 6 topics say of the words.
func likelihoodOfWords(t *testing.T, r algotest.Result, beta float64) float64 {
	t.Helper()
	keys := make([]uint64, r.Info.Features)
	for w := range keys {
		keys[w] = uint64(w)
	}
	integers := func(name string, keys []uint64) (n []int32) {
		values, err := r.Model.Values(name, keys)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range values {
			n = append(n, int32(v))
		}
		return n
	}
	words, from := integers("words", keys), gibbs.NewRising(beta, 1)
	sum := gibbs.TotalsLikelihood(integers("topics", keys[:6]), beta*float64(len(keys)))
	for w := range keys {
		sum += gibbs.FormOf(6).WordLikelihood(words[6*w:6*w+6], from)
	}
	return sum
}
