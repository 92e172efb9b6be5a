package lda

import (
	"math"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/algos/lda/gibbs"
)

// Evaluate adds up the part's share of the joint log-likelihood of words and topics,
//
//	sum over d of G(A) - G(n_d + A) + sum over k of G(n_dk + alpha_k) - G(alpha_k)
//	+ sum over k of G(V beta) - G(n_k + V beta) + sum over w of G(n_wk + beta) - G(beta)
//
// where G is the logarithm of the gamma function and A the sum of alpha: of its documents; of the
// words of the slices that it had last, or its share of those that others have, too; and,
// of the first part, of the totals. It counts the tokens in each of these places.
func (a *LDA) Evaluate(w *algos.Worker, e *algos.Eval) {
	if a.step%a.plan.slices() == 0 {
		if err := a.state.SetAlpha(a.alpha.Values()); err != nil {
			w.Fail(err)
		}
	}
	e.Add("documents", a.state.DocumentLikelihood())
	e.Add("tokens", float64(a.state.Tokens()))
	e.Add("assigned", a.assigned())
	words, counted, from, form := 0.0, 0.0, a.rising(), a.state.Form()
	if a.plan.rotates {
		for s, last := range a.rotation.last {
			if last == int64(w.Part) {
				words += a.rotation.term[s]
				counted += a.rotation.counted[s]
			}
		}
	} else {
		a.shares(func(row []int32, share float64) { words += share * form.WordLikelihood(row, from) })
	}
	e.Add("words", words)
	e.Add("counted", counted)
	if w.Part > 0 {
		return
	}
	beta, totals, alpha := a.beta.Values()[0], 0.0, 0.0
	if b := a.rotation.beta[0]; b > 0 { // of the words, which are given back: it may have changed since
		beta = b
	}
	for k, n := range a.topics.Values() {
		totals += float64(n)
		alpha += a.alpha.Values()[k]
	}
	e.Add("topics", gibbs.TotalsLikelihood(a.topics.Values(), beta*float64(w.Info.Features)))
	e.Add("totals", totals)
	e.Add("alpha", alpha)
	e.Add("beta", beta)
}

// assigned is how many tokens of the part have a topic: all, from the first sweep on.
func (a *LDA) assigned() (sum float64) {
	if a.step >= a.plan.slices() {
		return float64(a.state.Tokens())
	}
	a.state.EachDocument(func(_ int, _ []uint32, counts []int32) {
		for _, n := range counts {
			sum += float64(n)
		}
	})
	return sum
}

// shares calls f with the row of each word of the part and the part's share of its tokens: over all parts
// they add up to 1.
func (a *LDA) shares(f func(row []int32, share float64)) {
	values := a.words.Values()
	for i := range a.words.Len() {
		clear(a.row)
		a.state.Counts(i, a.row)
		mine, all := 0, 0
		row := values[i*a.Topics : (i+1)*a.Topics]
		for k, n := range row {
			mine, all = mine+int(a.row[k]), all+int(n)
		}
		if all > 0 {
			f(row, float64(mine)/float64(all))
		}
	}
}

// settle takes down what the slice at hand comes to, before it is given back.
func (a *LDA) settle(slice, words int, rows gibbs.Rows) {
	r, from, form := &a.rotation, a.rising(), a.state.Form()
	r.term[slice], r.counted[slice], r.beta[0] = 0, 0, a.beta.Values()[0]
	for i := range words {
		row := a.rowOf(rows, i)
		r.term[slice] += form.WordLikelihood(row, from)
		r.counted[slice] += tokens(form, row, a.Topics)
	}
}

// tokens is how many tokens a row has.
func tokens(form gibbs.Form, row []int32, topics int) (sum float64) {
	packed := len(row) != topics
	for _, n := range row {
		if packed {
			_, n = form.Unpack(n)
		}
		sum += float64(n)
	}
	return sum
}

// Conclude makes minus the log-likelihood of a token of the sums. Before each token has a topic,
// those that have none count as if all words and topics were alike. Tokens that are lost or
// counted twice make it no number, which ends the job.
func (a *LDA) Conclude(d dataset.Info, e *algos.Eval) {
	tokens, assigned := e.Sum("tokens"), e.Sum("assigned")
	loglik := e.Sum("documents") + e.Sum("words") + e.Sum("topics")
	loglik -= (tokens - assigned) * (math.Log(float64(a.Topics)) + math.Log(float64(d.Features)))
	e.Objective = -loglik / tokens
	e.Metrics["tokens"], e.Metrics["loglik"], e.Metrics["loglik_per_token"] = tokens, loglik, loglik/tokens
	e.Metrics["alpha"], e.Metrics["beta"] = e.Sum("alpha"), e.Sum("beta")
	counted := e.Sum("counted")
	if p, err := a.newPlan(d); err == nil && !p.packed() {
		counted = e.Norms("words").Sum
	}
	if lost := math.Abs(assigned-counted) + math.Abs(assigned-e.Sum("totals")); lost != 0 {
		e.Metrics["miscounted"] = lost
		e.Objective = math.NaN()
	}
}
