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
	documents, assigned := a.documents()
	e.Add("documents", documents)
	e.Add("assigned", assigned)
	e.Add("tokens", float64(a.state.Tokens()))
	words, counted := 0.0, 0.0
	if a.plan.rotates {
		for s, last := range a.rotation.last {
			if last == w.Part {
				words += a.rotation.term[s]
				counted += a.rotation.counted[s]
			}
		}
	} else {
		words, counted = a.shares()
	}
	e.Add("words", words)
	e.Add("counted", counted)
	if w.Part > 0 {
		return
	}
	beta := a.beta.Values()[0]
	vbeta := beta * float64(w.Info.Features)
	first, _ := math.Lgamma(vbeta)
	topics, totals, sum := 0.0, 0.0, 0.0
	for k, n := range a.topics.Values() {
		g, _ := math.Lgamma(math.Max(0, float64(n)) + vbeta)
		topics += first - g
		totals += float64(n)
		sum += a.alpha.Values()[k]
	}
	e.Add("topics", topics)
	e.Add("totals", totals)
	e.Add("alpha", sum)
	e.Add("beta", beta)
}

// documents is the documents' term, and how many of their tokens have a topic.
func (a *LDA) documents() (term, assigned float64) {
	alpha := a.alpha.Values()
	sum := 0.0
	for _, v := range alpha {
		sum += v
	}
	first, _ := math.Lgamma(sum)
	a.state.EachDocument(func(_ int, topics []uint32, counts []int32) {
		n := 0.0
		for i, k := range topics {
			term += rising(alpha[k], counts[i])
			n += float64(counts[i])
		}
		g, _ := math.Lgamma(n + sum)
		term += first - g
		assigned += n
	})
	return term, assigned
}

// rising is the logarithm of x (x+1) ... (x+n-1), which is G(x+n) - G(x).
func rising(x float64, n int32) float64 {
	if n <= 16 {
		product := 1.0
		for i := range n {
			product *= x + float64(i)
		}
		if product > 1e-300 {
			return math.Log(product)
		}
	}
	g, _ := math.Lgamma(x + float64(n))
	h, _ := math.Lgamma(x)
	return g - h
}

// risings is rising for one x, with what is small looked up.
type risings struct {
	x, g  float64
	small []float64
}

const smallCounts = 1 << 12

// of returns the table for x, in the memory of t.
func (t *risings) of(x float64) *risings {
	if t.x == x {
		return t
	}
	t.x = x
	t.g, _ = math.Lgamma(x)
	t.small = append(t.small[:0], 0)
	for n := range smallCounts - 1 {
		t.small = append(t.small, t.small[n]+math.Log(x+float64(n)))
	}
	return t
}

func (t *risings) at(n int32) float64 {
	if n < 0 {
		return 0 // of a count that is late
	}
	if int(n) < len(t.small) {
		return t.small[n]
	}
	g, _ := math.Lgamma(t.x + float64(n))
	return g - t.g
}

// dense is the term of a row of counts, and their sum.
func (t *risings) dense(row []int32) (term float64, sum int) {
	for _, n := range row {
		if n != 0 {
			term += t.at(n)
			sum += int(n)
		}
	}
	return term, sum
}

// packed is the same of a packed row.
func (t *risings) packed(f gibbs.Form, row []int32) (term float64, sum int) {
	for _, v := range row {
		if _, n := f.Unpack(v); n != 0 {
			term += t.at(n)
			sum += int(n)
		}
	}
	return term, sum
}

// likelihood is the words' term of the words of a slice, and how many tokens their rows have.
func (a *LDA) likelihood(rows gibbs.Rows) (term, counted float64) {
	t := a.risings.of(a.beta.Values()[0])
	form := a.state.Form()
	add := func(one float64, n int) { term, counted = term+one, counted+float64(n) }
	if rows.Offsets == nil {
		add(t.dense(rows.Values))
		return term, counted
	}
	for i, at := range rows.Offsets[1:] {
		if row := rows.Values[rows.Offsets[i]:at]; len(row) == a.Topics {
			add(t.dense(row))
		} else {
			add(t.packed(form, row))
		}
	}
	return term, counted
}

// shares is the part's share of the words' term: of each word, as large as its share of the word's tokens.
func (a *LDA) shares() (term, counted float64) {
	t := a.risings.of(a.beta.Values()[0])
	values := a.words.Values()
	for i := range a.words.Len() {
		mine := 0
		clear(a.row)
		a.state.Counts(i, a.row)
		for _, n := range a.row {
			mine += int(n)
		}
		if one, all := t.dense(values[i*a.Topics : (i+1)*a.Topics]); all > 0 {
			term += one * float64(mine) / float64(all)
			counted += float64(mine)
		}
	}
	return term, counted
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
