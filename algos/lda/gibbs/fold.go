package gibbs

import (
	"iter"
	"math"

	"petuum/table/kernel"
)

// Fold finds the shares of topics in documents that were not trained on, by
// expectation and maximisation. phi returns how probable a word is in each topic; what
// it returns is read until the next call.
type Fold struct {
	alpha  []float32
	sum    float64
	phi    func(word int) []float32
	rounds int
	theta  []float32
	next   []float32
}

// NewFold returns a fold for topics with the prior alpha, of so many rounds a document.
func NewFold(alpha []float64, rounds int, phi func(word int) []float32) *Fold {
	f := &Fold{phi: phi, rounds: rounds, alpha: make([]float32, len(alpha)), theta: make([]float32, len(alpha)), next: make([]float32, len(alpha))}
	for k, a := range alpha {
		f.alpha[k] = float32(a)
		f.sum += a
	}
	return f
}

// Shares returns the shares of topics in a document of words and how often they are
// there. They are valid until the next call.
func (f *Fold) Shares(words iter.Seq2[int, float64]) []float32 {
	for k := range f.theta {
		f.theta[k] = 1 / float32(len(f.theta))
	}
	for range f.rounds {
		clear(f.next)
		total := f.sum
		for w, n := range words {
			phi := f.phi(w)
			if p := kernel.Dot(f.theta, phi); p > 0 {
				kernel.Axpy(float32(n)/p, phi, f.next)
				total += n
			}
		}
		scale := float32(1 / total)
		for k, a := range f.alpha {
			f.theta[k] = (a + f.theta[k]*f.next[k]) * scale
		}
	}
	return f.theta
}

// Complete finds the shares of topics from every other word of a document, from the
// first on, and returns the logarithm of the probability of the others, and how many
// tokens they are. Their perplexity is exp(-logp/tokens).
func (f *Fold) Complete(words iter.Seq2[int, float64]) (logp, tokens float64) {
	theta := f.Shares(every2nd(words, 0))
	for w, n := range every2nd(words, 1) {
		logp += n * math.Log(max(float64(kernel.Dot(theta, f.phi(w))), math.SmallestNonzeroFloat32))
		tokens += n
	}
	return logp, tokens
}

// every2nd yields the words at even or odd places.
func every2nd(words iter.Seq2[int, float64], odd int) iter.Seq2[int, float64] {
	return func(yield func(int, float64) bool) {
		i := 0
		for w, n := range words {
			if i++; (i-1)%2 == odd && !yield(w, n) {
				return
			}
		}
	}
}
