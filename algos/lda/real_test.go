package lda

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"petuum/algos"
	"petuum/algos/algotest"
)

// corpus is the path of a file of ../shared; the test is skipped without it.
func corpus(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "data", "lda", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("there is no %s", path)
	}
	return path
}

// Joint log-likelihoods of a token that a plain collapsed Gibbs sampler of another origin comes to, with
// alpha 0.1 and beta 0.01 (../shared/data/lda/README.md), are met within 1 %, and so are those of the
// modes among each other.
func TestCorpora(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute a corpus under the race detector")
	}
	for _, c := range []struct {
		name           string
		topics, epochs int
		want           float64
		tokens         float64
		long           bool
	}{
		{"sotu", 50, 100, 8.619, 758188, false}, {"kos", 50, 100, 8.212, 467714, true}, {"ap", 100, 200, 8.529, 435838, true},
	} {
		for _, mode := range []string{"data", "rotate"} {
			for _, parts := range []int{1, 2, 6} {
				t.Run(fmt.Sprintf("%s/%s/parts=%d", c.name, mode, parts), func(t *testing.T) {
					if testing.Short() && (c.long || parts != 2) {
						t.Skip("it takes some seconds")
					}
					r := algotest.Train(t, algotest.Job{New: func() algos.Algorithm {
						a := New()
						a.Topics, a.Alpha, a.OptimizeAlpha, a.Mode = c.topics, 0.1, false, mode
						return a
					}, Path: corpus(t, "docword."+c.name+".txt.gz"), Parts: parts, Seed: 1, Stop: algos.Stop{Epochs: c.epochs}, Every: 1 << 20})
					got := r.Eval.Objective
					t.Logf("%.4f a token, want %.4f", -got, -c.want)
					if math.Abs(got-c.want) > 0.01*c.want {
						t.Errorf("got a log-likelihood of %.4f a token, want %.4f within 1 %%", -got, -c.want)
					}
					if n := r.Eval.Metrics["tokens"]; n != c.tokens {
						t.Errorf("got %v tokens, want %v", n, c.tokens)
					}
				})
			}
		}
	}
}
