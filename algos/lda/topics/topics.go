// Package topics describes the topics of a model that counts words: how large each is,
// which words stand for it, how far they go together in documents, and how near topics
// are to one another.
//
// [Gather] passes twice over the words of a model and holds no row but the one it is
// given, so that neither many topics nor many words need their product in memory. With
// n_wk tokens of word w in topic k, n_k in all, V words and N tokens,
//
//	p(w|k) = (n_wk + beta) / (n_k + V beta)     p(w) = n_w / N
//	relevance = lambda log p(w|k) + (1 - lambda) log(p(w|k) / p(w))
//
// (Sievert and Shirley, "LDAvis", 2014): lambda = 1 lists the words that are frequent in
// a topic, lower ones those that are frequent nowhere else. Only words that have tokens in
// a topic are listed. The distance of two topics is the Jensen-Shannon divergence of n_wk
// / n_k in bits, between 0 and 1, and [Plane] puts them in a plane by it. [Coherence]
// measures how often their words meet.
package topics

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Model is the counts of a topic model.
type Model struct {
	Words  uint64  // size of the vocabulary
	Topics int     // how many
	Beta   float64 // what is added to each count, at least 0

	// Rows calls each with the words that have tokens, in ascending order: the topics that
	// have some of them, ascending, and how many. It is called twice and gives the same
	// each time. What each is given, it does not keep; its error ends the pass.
	Rows func(each func(word uint64, topics []int32, counts []int32) error) error
}

// Options says how much is wanted.
type Options struct {
	Top     int       // words of a list, from 1
	Lambdas []float64 // a list for each, in [0, 1]
	Drawn   int       // so many topics at most, the largest, have a place; time and memory are of its square
	Further []float64 // as Lambdas: further lists of the topics that have a place
}

// Summary is what [Gather] finds.
type Summary struct {
	Tokens int64 // of all words
	Seen   int   // words that have tokens
	Topics []Topic
	Drawn  []int     // the topics that have a place, the largest first
	Apart  Distances // of these
	// Explained is the share of what sets the drawn topics apart that the plane shows, in
	// [0, 1].
	Explained float64
}

// Topic is one topic. Without tokens it has no words, and no place.
type Topic struct {
	Tokens int64
	Share  float64  // of all tokens
	Lists  [][]Word // for each lambda, and each further one if it is drawn; the most relevant first; of equal ones that of the lower number
	Place  Point    // if it is drawn
}

// Word is a word of a list.
type Word struct {
	Word      uint64
	Count     int32   // its tokens in the topic
	All       int64   // its tokens
	Given     float64 // p(w|k)
	Overall   float64 // p(w)
	Relevance float64
}

// gathering is the state of Gather.
type gathering struct {
	m       Model
	o       Options
	s       *Summary
	all     []float64 // the lambdas of drawn topics
	tops    [][]best  // of each topic and lambda
	slot    []int32   // of each topic in s.Drawn, -1 if it is not
	entropy []float64 // p log p of the drawn topics of a row
	shares  []float64 // p of these
	at      []int32   // their slots
}

// Gather describes the topics of a model.
func Gather(m Model, o Options) (*Summary, error) {
	if m.Topics < 1 || m.Words < 1 || o.Top < 1 || !(m.Beta >= 0) || math.IsInf(m.Beta, 1) {
		return nil, fmt.Errorf("topics: %d topics of %d words, %d of each, beta %g: want 1 or more, and a number", m.Topics, m.Words, o.Top, m.Beta)
	}
	for _, l := range slices.Concat(o.Lambdas, o.Further) {
		if !(l >= 0 && l <= 1) {
			return nil, fmt.Errorf("topics: lambda %g: want 0 to 1", l)
		}
	}
	g := &gathering{m: m, o: o, all: slices.Concat(o.Lambdas, o.Further), s: &Summary{Topics: make([]Topic, m.Topics)}}
	if err := m.Rows(g.count); err != nil {
		return nil, err
	}
	if g.s.Tokens == 0 {
		return nil, errors.New("topics: no word has a token")
	}
	g.choose()
	if err := m.Rows(g.rank); err != nil {
		return nil, err
	}
	g.finish()
	return g.s, nil
}

// count adds a word to the totals, and checks it.
func (g *gathering) count(word uint64, topics, counts []int32) error {
	if word >= g.m.Words || len(topics) != len(counts) {
		return fmt.Errorf("topics: word %d of %d with %d counts in %d topics", word, g.m.Words, len(counts), len(topics))
	}
	for i, k := range topics {
		if k < 0 || int(k) >= g.m.Topics || i > 0 && k <= topics[i-1] || counts[i] < 1 {
			return fmt.Errorf("topics: word %d has %d tokens in topic %d of %d: want 1 or more, and ascending topics", word, counts[i], k, g.m.Topics)
		}
		g.s.Topics[k].Tokens += int64(counts[i])
		g.s.Tokens += int64(counts[i])
	}
	if len(topics) > 0 {
		g.s.Seen++
	}
	return nil
}

// choose says which topics are drawn, and makes room.
func (g *gathering) choose() {
	s := g.s
	for k := range s.Topics {
		s.Topics[k].Share = float64(s.Topics[k].Tokens) / float64(s.Tokens)
		if s.Topics[k].Tokens > 0 {
			s.Drawn = append(s.Drawn, k)
		}
	}
	slices.SortFunc(s.Drawn, func(a, b int) int {
		return cmp.Or(cmp.Compare(s.Topics[b].Tokens, s.Topics[a].Tokens), cmp.Compare(a, b))
	})
	s.Drawn = s.Drawn[:min(len(s.Drawn), max(g.o.Drawn, 0))]
	s.Apart = newDistances(len(s.Drawn))
	g.slot = make([]int32, g.m.Topics)
	for k := range g.slot {
		g.slot[k] = -1
	}
	for i, k := range s.Drawn {
		g.slot[k] = int32(i)
	}
	g.tops = make([][]best, g.m.Topics)
	for k := range g.tops {
		g.tops[k] = make([]best, len(g.lambdas(k)))
	}
}

// lambdas are those of the lists of topic k.
func (g *gathering) lambdas(k int) []float64 {
	if g.slot[k] >= 0 {
		return g.all
	}
	return g.o.Lambdas
}

// rank adds a word to the lists of its topics, and to the distances of these.
func (g *gathering) rank(word uint64, topics, counts []int32) error {
	all := int64(0)
	for _, n := range counts {
		all += int64(n)
	}
	overall := math.Log(float64(all) / float64(g.s.Tokens))
	g.at, g.shares, g.entropy = g.at[:0], g.shares[:0], g.entropy[:0]
	for i, k := range topics {
		total := float64(g.s.Topics[k].Tokens)
		given := math.Log((float64(counts[i]) + g.m.Beta) / (total + float64(g.m.Words)*g.m.Beta))
		for l, lambda := range g.lambdas(int(k)) {
			// Equal to the formula, and exact where lambda is 1 or 0.
			g.tops[k][l].offer(entry{word, all, counts[i], given - (1-lambda)*overall}, g.o.Top)
		}
		if s := g.slot[k]; s >= 0 {
			p := float64(counts[i]) / total
			g.at, g.shares, g.entropy = append(g.at, s), append(g.shares, p), append(g.entropy, p*math.Log(p))
		}
	}
	g.s.Apart.meet(g.at, g.shares, g.entropy)
	return nil
}

// finish makes lists of what was ranked, and places of distances.
func (g *gathering) finish() {
	s := g.s
	for k := range s.Topics {
		t := &s.Topics[k]
		t.Lists = make([][]Word, len(g.tops[k]))
		for l := range t.Lists {
			for _, e := range g.tops[k][l].sorted() {
				t.Lists[l] = append(t.Lists[l], Word{e.word, e.count, e.all,
					(float64(e.count) + g.m.Beta) / (float64(t.Tokens) + float64(g.m.Words)*g.m.Beta),
					float64(e.all) / float64(s.Tokens), e.relevance})
			}
		}
		g.tops[k] = nil
	}
	var places []Point
	places, s.Explained = Plane(s.Apart)
	for i, k := range s.Drawn {
		s.Topics[k].Place = places[i]
	}
}

// entry is a word among the best of a topic.
type entry struct {
	word      uint64
	all       int64
	count     int32
	relevance float64
}

// before orders entries, the best first.
func before(a, b entry) int {
	return cmp.Or(cmp.Compare(b.relevance, a.relevance), cmp.Compare(a.word, b.word))
}

// best is a heap of the best entries, the worst of them at the root.
type best []entry

// offer takes an entry if it is among the n best.
func (b *best) offer(e entry, n int) {
	h := *b
	if len(h) < n {
		h = append(h, e)
		*b = h
		for i := len(h) - 1; i > 0; {
			up := (i - 1) / 2
			if before(h[i], h[up]) <= 0 {
				break
			}
			h[i], h[up] = h[up], h[i]
			i = up
		}
		return
	}
	if before(e, h[0]) >= 0 {
		return
	}
	h[0] = e
	for i := 0; ; {
		worst := i
		for c := 2*i + 1; c <= 2*i+2 && c < len(h); c++ {
			if before(h[c], h[worst]) > 0 {
				worst = c
			}
		}
		if worst == i {
			return
		}
		h[i], h[worst] = h[worst], h[i]
		i = worst
	}
}

// sorted is the entries, the best first.
func (b best) sorted() []entry {
	slices.SortFunc(b, before)
	return b
}

// Diversity is the share of different words among the first n of all topics, in the
// lists of one lambda: 1 where no two topics have one in common (Dieng, Ruiz and Blei,
// "Topic Modeling in Embedding Spaces", 2020).
func (s *Summary) Diversity(list, n int) float64 {
	words, all := map[uint64]bool{}, 0
	for _, t := range s.Topics {
		for _, w := range t.Lists[list][:min(n, len(t.Lists[list]))] {
			words[w.Word], all = true, all+1
		}
	}
	return float64(len(words)) / float64(max(all, 1))
}
