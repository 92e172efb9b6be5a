package lda

import (
	"math"

	"petuum/algos"
	"petuum/table"
)

// prior is how alpha and beta are fitted: by Minka's fixed point (Estimating a Dirichlet
// distribution, 2000),
//
//	alpha_k *= sum over d of F(n_dk, alpha_k) / sum over d of F(n_d, A)
//	beta    *= sum over k, w of F(n_wk, beta) / (V sum over k of F(n_k, V beta))
//
// where F(n, x) = 1/x + 1/(x+1) + ... + 1/(x+n-1). Every part adds what its numerators and
// denominators differ by from those that it told before, so that the table has the sum of
// the latest ones of all parts. The first part makes new priors of them, some sweeps
// later: until then all have told theirs, and of the same priors, unless they are staler than that.
type prior struct {
	table *table.View[float64]
	told  []float64
	now   []float64
}

// statistics is the number of sums: K numerators of alpha, their denominator, the numerator of beta.
func statistics(topics int) int { return topics + 2 }

// cycle is how many sweeps come between two of the same: parts tell in the first, and
// priors change in the third.
const cycle = 4

func (p *prior) open(w *algos.Worker, topics int) (err error) {
	n := statistics(topics)
	p.told, p.now = make([]float64, n), make([]float64, n)
	mode := table.WriteOnly
	if w.Part == 0 {
		mode = table.Increments
	}
	p.table, err = algos.View[float64](w, "statistics", table.Span(0, uint64(n)), mode)
	return err
}

// fit does what is to be done for the priors behind a sweep.
func (a *LDA) fit(w *algos.Worker, sweep int) {
	if !a.OptimizeAlpha && !a.OptimizeBeta || sweep < a.BurnIn {
		return
	}
	switch (sweep - a.BurnIn) % cycle {
	case 0:
		a.tell()
	case 2:
		if w.Part == 0 {
			a.renew(w)
		}
	}
}

// tell adds up the part's statistics and writes by how much they have changed.
func (a *LDA) tell() {
	p, alpha := &a.prior, a.state.Alpha()
	clear(p.now)
	if a.OptimizeAlpha {
		sum := 0.0
		for _, v := range alpha {
			sum += v
		}
		a.state.EachDocument(func(_ int, topics []uint32, counts []int32) {
			n := int32(0)
			for i, k := range topics {
				p.now[k] += harmonic(counts[i], alpha[k])
				n += counts[i]
			}
			p.now[a.Topics] += harmonic(n, sum)
		})
	}
	for i, v := range p.now {
		if v != p.told[i] {
			p.table.Inc(i, v-p.told[i])
		}
	}
	copy(p.told, p.now)
}

// renew makes new priors.
func (a *LDA) renew(w *algos.Worker) {
	p := a.prior.table.Values()
	if below := p[a.Topics]; a.OptimizeAlpha && below > 0 {
		for k, v := range a.alpha.Values() {
			to := math.Max(leastPrior, v*p[k]/below)
			if to < 1e6 {
				a.alpha.Inc(k, to-v)
			}
		}
	}
}

// leastPrior is the least that a prior becomes: one that is 0 stays so for ever.
const leastPrior = 1e-5

// harmonic is F(n, x): up to some terms their sum, then the difference of digammas.
func harmonic(n int32, x float64) (sum float64) {
	if n > 32 {
		return digamma(x+float64(n)) - digamma(x)
	}
	for i := range n {
		sum += 1 / (x + float64(i))
	}
	return sum
}

// digamma is the derivative of log gamma, for x > 0 (Abramowitz and Stegun 6.3.5 and 6.3.18).
func digamma(x float64) (y float64) {
	for ; x < 8; x++ {
		y -= 1 / x
	}
	s := 1 / (x * x)
	return y + math.Log(x) - 0.5/x - s*(1./12-s*(1./120-s*(1./252-s*(1./240-s/132))))
}
