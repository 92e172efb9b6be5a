package lda

import (
	"fmt"
	"math"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/algos/lda/gibbs"
)

// foldSteps is the steps of expectation and maximisation in which a document's topics are found.
const foldSteps = 50

// Task says that a document is a mixture of topics.
func (a *LDA) Task(dataset.Info) algos.Task { return algos.Mixture }

// Components is the number of topics.
func (a *LDA) Components(dataset.Info) int { return a.Topics }

// Predict finds the shares of the topics of each document, as logarithms. A document without known
// words has those of alpha.
func (a *LDA) Predict(d dataset.Info, m algos.Model, part *dataset.Part, scores []float64) error {
	f, err := a.newFolder(d, m, part.Keys)
	if err != nil {
		return err
	}
	for i := range part.X.Rows() {
		f.document(part.X, i, 1)
		f.fold()
		for k, share := range f.theta {
			scores[i*a.Topics+k] = math.Log(max(share, 1e-300))
		}
	}
	return nil
}

// Measure is how well documents can be completed: topics are found by every second of a document's words,
// those at even positions in the order of their numbers, and with these the others are predicted. It adds
// the logarithms of their probabilities and how many there are.
func (a *LDA) Measure(d dataset.Info, m algos.Model, part *dataset.Part) (sums []float64, err error) {
	f, err := a.newFolder(d, m, part.Keys)
	if err != nil {
		return nil, err
	}
	sums = make([]float64, 2)
	for i := range part.X.Rows() {
		f.document(part.X, i, 2)
		f.fold()
		at, below := 0, f.below()
		for j, n := range part.X.Row(i) {
			if at++; at%2 == 0 {
				sums[0] += n * math.Log(f.probability(j, below))
				sums[1] += n
			}
		}
	}
	return sums, nil
}

// Measured makes the perplexity of the sums, the inverse of the geometric mean of the probabilities.
func (a *LDA) Measured(sums []float64) map[string]float64 {
	if len(sums) < 2 || sums[1] == 0 {
		return nil
	}
	return map[string]float64{"perplexity": math.Exp(-sums[0] / sums[1]), "completed": sums[1]}
}

// folder finds the topics of documents. The probability of word w in topic k is base_k plus, of the topics
// that w has, an excess, so that a step takes as long as there are topics and excesses.
type folder struct {
	alpha  []float64
	sum    float64
	base   []float64
	begin  []int     // of the excesses of each word
	topics []uint32  // of an excess
	excess []float64 // n_wk / (n_k + V beta)

	words  []int // of the document at hand
	counts []float64
	theta  []float64
	next   []float64
}

// newFolder gets what the model says of words, ascending.
func (a *LDA) newFolder(d dataset.Info, m algos.Model, words []uint64) (*folder, error) {
	keys := make([]uint64, a.Topics)
	for k := range keys {
		keys[k] = uint64(k)
	}
	f := &folder{begin: make([]int, 1, len(words)+1), theta: make([]float64, a.Topics), next: make([]float64, a.Topics)}
	var err error
	if f.alpha, err = m.Values("alpha", keys); err != nil {
		return nil, err
	}
	totals, err := m.Values("topics", keys)
	if err != nil {
		return nil, err
	}
	beta, err := m.Values("beta", keys[:1])
	if err != nil {
		return nil, err
	}
	f.base = make([]float64, a.Topics)
	for k, n := range totals {
		f.sum += f.alpha[k]
		totals[k] = n + beta[0]*float64(d.Features)
		f.base[k] = beta[0] / totals[k]
	}
	err = a.Rows(d, m, words, func(topics []uint32, counts []float64) {
		for i, k := range topics {
			f.topics = append(f.topics, k)
			f.excess = append(f.excess, counts[i]/totals[k])
		}
		f.begin = append(f.begin, len(f.topics))
	})
	return f, err
}

// document takes every step-th word of a row.
func (f *folder) document(x dataset.Matrix, i, step int) {
	f.words, f.counts = f.words[:0], f.counts[:0]
	at := 0
	for j, n := range x.Row(i) {
		if at%step == 0 {
			f.words, f.counts = append(f.words, j), append(f.counts, n)
		}
		at++
	}
}

// fold finds theta, the shares of the topics of the document.
func (f *folder) fold() {
	tokens := 0.0
	for _, n := range f.counts {
		tokens += n
	}
	for k := range f.theta {
		f.theta[k] = f.alpha[k] / f.sum
	}
	for range foldSteps {
		below := f.below()
		clear(f.next)
		all := 0.0
		for i, w := range f.words {
			p := f.probability(w, below)
			c := f.counts[i] / p
			all += c
			for e := f.begin[w]; e < f.begin[w+1]; e++ {
				f.next[f.topics[e]] += c * f.excess[e]
			}
		}
		for k, share := range f.theta {
			f.theta[k] = (f.alpha[k] + share*(f.next[k]+all*f.base[k])) / (f.sum + tokens)
		}
	}
}

// below is the probability of a word without excesses, by theta.
func (f *folder) below() (p float64) {
	for k, share := range f.theta {
		p += share * f.base[k]
	}
	return p
}

// probability is that of a word by theta, which below was made of.
func (f *folder) probability(w int, below float64) float64 {
	for e := f.begin[w]; e < f.begin[w+1]; e++ {
		below += f.theta[f.topics[e]] * f.excess[e]
	}
	return below
}

// rowValues is about how many values of a model Rows asks for at a time.
const rowValues = 1 << 20

// Rows reads, of a model of data like d, the topics that tokens of each of some words have, and how many:
// each is called with those of one word after another. What it is given is good during the call.
func (a *LDA) Rows(d dataset.Info, m algos.Model, words []uint64, each func(topics []uint32, counts []float64)) error {
	p, err := a.newPlan(d)
	if err != nil {
		return err
	}
	var topics []uint32
	var counts []float64
	form := gibbs.FormOf(a.Topics)
	for len(words) > 0 {
		n, keys, begin := p.some(words)
		values, err := m.Values("words", keys)
		if err != nil {
			return err
		}
		for i := range n {
			topics, counts = topics[:0], counts[:0]
			row := values[begin[i]:begin[i+1]]
			for k, v := range row {
				count := int32(v)
				if len(row) != a.Topics {
					k, count = form.Unpack(count)
				}
				if count > 0 {
					topics, counts = append(topics, uint32(k)), append(counts, float64(count))
				}
			}
			for _, k := range topics {
				if int(k) >= a.Topics {
					return fmt.Errorf("lda: the row of word %d has topic %d, and there are %d: the model is damaged", words[i], k, a.Topics)
				}
			}
			each(topics, counts)
		}
		words = words[n:]
	}
	return nil
}

// some is how many of the words to ask for at once, the keys of their rows, and where each row then
// begins among the values, and where the last ends.
func (p *plan) some(words []uint64) (n int, keys []uint64, begin []int) {
	begin = []int{0}
	for _, w := range words {
		if begin[n] >= rowValues {
			break
		}
		size := p.topics
		if p.packed() {
			size = int(p.offsets[w+1] - p.offsets[w])
			for k := p.offsets[w]; k < p.offsets[w+1]; k++ {
				keys = append(keys, uint64(k))
			}
		} else {
			keys = append(keys, w)
		}
		begin = append(begin, begin[n]+size)
		n++
	}
	return n, keys, begin
}

// KeyNames are the words, and topics as columns.
func (a *LDA) KeyNames(d dataset.Info, name string) algos.KeyNames {
	topics := func() []string {
		names := make([]string, a.Topics)
		for k := range names {
			names[k] = fmt.Sprint("topic ", k)
		}
		return names
	}
	switch p, err := a.newPlan(d); {
	case name == "topics" || name == "alpha":
		return algos.KeyNames{Names: topics()}
	case name == "words" && err == nil && !p.packed():
		return algos.KeyNames{Features: d.Features, Columns: topics()}
	}
	return algos.KeyNames{}
}
