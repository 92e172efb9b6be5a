package gibbs

import "math"

// Rising tells how the logarithm of gamma, and its derivative, grow from a prior on:
// ln gamma(a+n) - ln gamma(a) and psi(a+n) - psi(a) for whole numbers n, from tables
// where n is small. Numbers below 0 count as 0.
type Rising struct {
	a, logA, psiA float64
	log, psi      []float64
}

// NewRising returns the growth from a, which is above 0, with tables for n below size.
func NewRising(a float64, size int) *Rising {
	logA, _ := math.Lgamma(a)
	r := &Rising{a: a, logA: logA, psiA: digamma(a), log: make([]float64, max(1, size)), psi: make([]float64, max(1, size))}
	for n := 1; n < size; n++ {
		x := a + float64(n-1)
		r.log[n] = r.log[n-1] + math.Log(x)
		r.psi[n] = r.psi[n-1] + 1/x
	}
	return r
}

// Log returns ln gamma(a+n) - ln gamma(a).
func (r *Rising) Log(n int32) float64 {
	if n < int32(len(r.log)) {
		return r.log[max(0, n)]
	}
	x, _ := math.Lgamma(r.a + float64(n))
	return x - r.logA
}

// Psi returns psi(a+n) - psi(a), where psi is the derivative of ln gamma.
func (r *Rising) Psi(n int32) float64 {
	if n < int32(len(r.psi)) {
		return r.psi[max(0, n)]
	}
	return digamma(r.a+float64(n)) - r.psiA
}

// digamma is the derivative of ln gamma for x above 0: by psi(x) = psi(x+1) - 1/x until
// the asymptotic series is exact to 1e-14.
func digamma(x float64) float64 {
	y := 0.0
	for ; x < 10; x++ {
		y -= 1 / x
	}
	f := 1 / (x * x)
	return y + math.Log(x) - 0.5/x - f*(1./12-f*(1./120-f*(1./252-f*(1./240-f*(1./132-f*691/32760)))))
}

// small is up to which count of a topic in a document, or of a word in a topic, tables
// go.
const small = 256

// DocumentLikelihood returns ln p(topics | alpha) of the part's tokens:
//
//	sum over d of [ln gamma(A) - ln gamma(A+n_d) + sum over k of (ln gamma(alpha_k+n_dk) - ln gamma(alpha_k))]
//
// where A is the sum of alpha.
func (s *State) DocumentLikelihood() float64 {
	sum := 0.0
	whole := NewRising(s.alphaSum, small)
	s.eachCount(func(k uint32, from *Rising, n int32) { sum += from.Log(n) }, func(n int32) { sum -= whole.Log(n) })
	return sum
}

// AlphaStatistics adds to stats, which has one more number than there are topics, what
// the part's documents tell about alpha: for each topic, and for all, the sum over the
// documents of psi(alpha_k+n_dk) - psi(alpha_k). See NextAlpha.
func (s *State) AlphaStatistics(stats []float64) {
	whole := NewRising(s.alphaSum, small)
	s.eachCount(func(k uint32, from *Rising, n int32) { stats[k] += from.Psi(n) }, func(n int32) { stats[s.topics] += whole.Psi(n) })
}

// eachCount calls topic for each n_dk above 0 and whole for the n_d of each document.
func (s *State) eachCount(topic func(k uint32, from *Rising, n int32), whole func(n int32)) {
	risings := make([]*Rising, s.topics)
	same := true
	for _, a := range s.alpha {
		same = same && a == s.alpha[0]
	}
	for k, a := range s.alpha {
		switch {
		case same && k > 0:
			risings[k] = risings[0]
		case same:
			risings[k] = NewRising(a, small)
		default:
			risings[k] = NewRising(a, small/8)
		}
	}
	s.EachDocument(func(_ int, topics []uint32, counts []int32) {
		n := int32(0)
		for i, k := range topics {
			topic(k, risings[k], counts[i])
			n += counts[i]
		}
		whole(n)
	})
}

// leastPrior is the smallest alpha and beta that statistics lead to.
const leastPrior = 1e-6

// NextAlpha makes alpha more likely by one step of Minka's fixed point, from the
// statistics of all parts: alpha_k grows by the ratio of those of its topic to those of
// all. Without documents it stays.
func NextAlpha(alpha, stats []float64) {
	whole := stats[len(alpha)]
	if !(whole > 0) {
		return
	}
	for k := range alpha {
		if a := alpha[k] * stats[k] / whole; a == a {
			alpha[k] = min(max(a, leastPrior), 1e6)
		}
	}
}

// WordLikelihood returns what a word's row, packed or dense, adds to ln p(words |
// topics): the sum over k of ln gamma(beta+n_wk) - ln gamma(beta). from is the growth
// from beta.
func (f Form) WordLikelihood(row []int32, from *Rising) float64 { return f.sum(row, from.Log) }

// BetaStatistic returns what a word's row tells about beta: the sum over k of
// psi(beta+n_wk) - psi(beta). See NextBeta.
func (f Form) BetaStatistic(row []int32, from *Rising) float64 { return f.sum(row, from.Psi) }

func (f Form) sum(row []int32, grow func(int32) float64) (sum float64) {
	packed := len(row) != f.topics
	for _, n := range row {
		if packed {
			_, n = f.Unpack(n)
		}
		if n > 0 {
			sum += grow(n)
		}
	}
	return sum
}

// TotalsLikelihood returns what the totals add to ln p(words | topics): the sum over k
// of ln gamma(V beta) - ln gamma(V beta+n_k).
func TotalsLikelihood(totals []int32, vbeta float64) (sum float64) {
	from := NewRising(vbeta, 1)
	for _, n := range totals {
		sum -= from.Log(max(0, n))
	}
	return sum
}

// NextBeta returns a beta that is more likely, by one step of Minka's fixed point: words
// is the sum of BetaStatistic over the vocabulary of v words.
func NextBeta(beta, v, words float64, totals []int32) float64 {
	from, whole := NewRising(beta*v, 1), 0.0
	for _, n := range totals {
		whole += from.Psi(max(0, n))
	}
	if next := beta * words / (v * whole); whole > 0 && next == next {
		return min(max(next, leastPrior), 1e6)
	}
	return beta
}
