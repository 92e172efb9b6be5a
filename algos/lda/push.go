package lda

import (
	"petuum/algos"
	"petuum/algos/lda/gibbs"
)

// Prepare asks for the first slice of the part.
func (a *LDA) Prepare(*algos.Worker) {
	if a.plan.rotates() {
		a.rotation.ask(a.words, a.step)
	}
}

// Push draws a topic for each token of the part, or for those of the words of a slice.
func (a *LDA) Push(w *algos.Worker, _ algos.Block) {
	n := a.stepsPerSweep()
	totals := a.topics.Values()
	var err error
	if a.step%n == 0 {
		err = a.begin(w, totals)
	}
	if err == nil && a.plan.rotates() {
		a.rotation.ask(a.words, a.step+1)
		err = a.slice(w, totals)
	} else if err == nil {
		err = a.state.Words(0, a.words.Len(), gibbs.Rows{Values: a.words.Values()}, totals)
		if w.Parts > 1 || w.Barrier <= w.Clock+1 { // else nobody looks
			a.words.Written(0, a.words.Len())
		}
	}
	a.topics.Written(0, a.Topics)
	a.step++
	if err == nil && a.step%n == 0 {
		if err = a.state.End(); err == nil {
			a.fit(w, a.step/n)
		}
	}
	if err != nil {
		w.Fail(err)
	}
}

func (a *LDA) stepsPerSweep() int {
	if a.plan.rotates() {
		return a.plan.slices()
	}
	return 1
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
	return a.state.Begin(totals)
}

// slice does the words of the slice that is held, and takes down what it comes to if that is its state at
// the next barrier.
func (a *LDA) slice(w *algos.Worker, totals []int32) error {
	r := &a.rotation
	r.held(a.step)
	s := r.slice(r.part, a.step)
	lo, hi := a.plan.cuts[s], a.plan.cuts[s+1]
	rows := a.rowsOf(lo, hi)
	if err := a.state.Words(lo, hi, rows, totals); err != nil {
		return err
	}
	a.words.Written(0, a.words.Len())
	if left := w.Barrier - (w.Clock + 1); left < 0 || int(left) < r.again() {
		r.term[s], r.counted[s] = a.likelihood(rows)
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
