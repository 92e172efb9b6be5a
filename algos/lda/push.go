package lda

import (
	"petuum/algos"
	"petuum/algos/lda/gibbs"
)

// Push draws a topic for each token of the part, or for those of the words of a slice.
func (a *LDA) Push(w *algos.Worker, _ algos.Block) {
	n := a.plan.slices() // steps of a sweep
	totals := a.topics.Values()
	var err error
	if a.step%n == 0 {
		err = a.begin(w, totals)
	}
	if a.plan.rotates {
		a.rotation.ask(a.words, a.step+1)
	}
	if err == nil {
		err = a.slice(w, totals)
	}
	a.topics.Written(0, a.Topics)
	if a.step++; err == nil && a.step%n == 0 {
		if err = a.state.End(); err == nil {
			a.fit(w, a.step/n)
		}
	}
	if err != nil {
		w.Fail(err)
	}
}

// begin begins a sweep with the priors as they are known.
func (a *LDA) begin(w *algos.Worker, totals []int32) error {
	beta := a.beta.Values()[0]
	if err := a.state.SetAlpha(a.alpha.Values()); err != nil {
		return err
	}
	if err := a.state.SetBeta(beta, beta*float64(w.Info.Features)); err != nil {
		return err
	}
	a.prior.words = 0
	a.state.Seed(w.Seed ^ uint64(w.Part+1)<<40 ^ uint64(a.step+1)) // so that a job that goes on draws the same
	return a.state.Begin(totals)
}

// slice draws topics for the words of the slice of a step, and takes down what the slice comes to if that is
// its state at the next barrier.
func (a *LDA) slice(w *algos.Worker, totals []int32) error {
	r := &a.rotation
	s := r.slice(r.part, a.step)
	lo, hi := a.cuts[s], a.cuts[s+1]
	if !a.plan.rotates {
		if w.Parts > 1 {
			a.words.Written(lo, hi)
		} else if w.Barrier <= w.Clock+1 { // before that nobody looks
			a.words.Written(0, a.words.Len())
		}
		return a.state.Words(lo, hi, gibbs.Rows{Values: a.words.Values()[lo*a.Topics : hi*a.Topics]}, totals)
	}
	rows := a.rowsOf(lo, hi)
	if err := a.state.Words(lo, hi, rows, totals); err != nil {
		return err
	}
	a.words.Written(0, a.words.Len())
	r.held(a.step)
	if left := w.Barrier - (w.Clock + 1); left < 0 || int(left) < r.again() {
		a.settle(s, hi-lo, rows)
	}
	if n := a.plan.slices(); a.OptimizeBeta && a.tells(a.step/n+1) && r.lastOfSweep(s, a.step) {
		a.prior.words += a.betaStatistic(hi-lo, rows)
	}
	return nil
}

// rowsOf are the rows of the words [lo, hi), which the view holds and nothing else.
func (a *LDA) rowsOf(lo, hi int) gibbs.Rows {
	rows := gibbs.Rows{Values: a.words.Values()}
	if a.plan.packed() {
		rows.Offsets = a.offsets[:hi-lo+1]
		for i := range rows.Offsets {
			rows.Offsets[i] = int(a.plan.offsets[lo+i] - a.plan.offsets[lo])
		}
	}
	return rows
}

// rowOf is the row of the i-th word of rows.
func (a *LDA) rowOf(rows gibbs.Rows, i int) []int32 {
	if rows.Offsets == nil {
		return rows.Values[i*a.Topics : (i+1)*a.Topics]
	}
	return rows.Values[rows.Offsets[i]:rows.Offsets[i+1]]
}
