package lda

import (
	"petuum/algos"
	"petuum/algos/lda/gibbs"
	"petuum/table"
)

// prior is how alpha and beta are fitted, by steps of Minka's fixed point (Estimating a Dirichlet
// distribution, 2000) on sums over documents and words. Every part adds what its sums differ by from
// those that it told before, so that the table has the sum of the latest ones of all parts. The first
// part makes new priors of them two sweeps later: by then all have told theirs, and of
// the same priors, unless views are staler than that.
type prior struct {
	table *table.View[float64]
	told  []float64
	now   []float64
	alpha []float64
	words float64 // what the slices that the part had last in this sweep tell of beta
}

// statistics is the number of sums: of each topic, of documents' lengths, of words.
func statistics(topics int) int { return topics + 2 }

// cycle is how many sweeps come between two in which parts tell.
const cycle = 4

func (p *prior) open(w *algos.Worker, topics int) (err error) {
	n := statistics(topics)
	p.told, p.now, p.alpha = make([]float64, n), make([]float64, n), make([]float64, topics)
	mode := table.WriteOnly
	if w.Part == 0 {
		mode = table.Increments
	}
	p.table, err = algos.View[float64](w, "statistics", table.Span(0, uint64(n)), mode)
	return err
}

// tells reports whether parts tell their sums behind a sweep, from 1.
func (a *LDA) tells(sweep int) bool { return a.fits(sweep) && (sweep-a.BurnIn)%cycle == 0 }

func (a *LDA) fits(sweep int) bool {
	return (a.OptimizeAlpha || a.OptimizeBeta) && sweep >= a.BurnIn
}

// fit does what is to be done for the priors behind a sweep.
func (a *LDA) fit(w *algos.Worker, sweep int) {
	switch {
	case a.tells(sweep):
		a.tell()
	case a.fits(sweep) && (sweep-a.BurnIn)%cycle == 2 && w.Part == 0:
		a.renew(w)
	}
}

// tell adds up the part's sums and writes by how much they have changed.
func (a *LDA) tell() {
	p := &a.prior
	clear(p.now)
	if a.OptimizeAlpha {
		a.state.AlphaStatistics(p.now[:a.Topics+1])
	}
	if a.OptimizeBeta && !a.plan.rotates {
		from := a.rising()
		p.words = 0
		a.shares(func(row []int32, share float64) { p.words += share * a.state.Form().BetaStatistic(row, from) })
	}
	p.now[a.Topics+1] = p.words
	for i, v := range p.now {
		if v != p.told[i] {
			p.table.Inc(i, v-p.told[i])
		}
	}
	copy(p.told, p.now)
}

// renew makes new priors.
func (a *LDA) renew(w *algos.Worker) {
	sums := a.prior.table.Values()
	if a.OptimizeAlpha {
		copy(a.prior.alpha, a.alpha.Values())
		gibbs.NextAlpha(a.prior.alpha, sums[:a.Topics+1])
		for k, v := range a.prior.alpha {
			a.alpha.Inc(k, v-a.alpha.Values()[k])
		}
	}
	if words := sums[a.Topics+1]; a.OptimizeBeta && words > 0 {
		beta := a.beta.Values()[0]
		a.beta.Inc(0, gibbs.NextBeta(beta, float64(w.Info.Features), words, a.topics.Values())-beta)
	}
}

// betaStatistic is what the first words of rows tell of beta.
func (a *LDA) betaStatistic(words int, rows gibbs.Rows) (sum float64) {
	from, form := a.rising(), a.state.Form()
	for i := range words {
		sum += form.BetaStatistic(a.rowOf(rows, i), from)
	}
	return sum
}

// rising is the table of how likelihoods of counts grow from beta on.
func (a *LDA) rising() *gibbs.Rising {
	if beta := a.beta.Values()[0]; a.grown == nil || a.grownFrom != beta {
		a.grown, a.grownFrom = gibbs.NewRising(beta, 1<<12), beta
	}
	return a.grown
}
