package topics

import (
	"fmt"
	"math"
)

// mostPairs bounds the counters of a Coherence: 512 MiB.
const mostPairs = 1 << 27

// Coherence measures how often the words of a topic meet in documents: the mean, over
// the pairs of its first words, of
//
//	NPMI(a, b) = log(P(a,b) / (P(a) P(b))) / -log P(a,b)
//
// where P is the share of documents that have a word, or both (Bouma 2009; Lau, Newman
// and Baldwin 2014; Röder, Both and Hinneburg 2015 with documents as windows). It is 1
// where words come only together, 0 where they come independently, -1 where never
// together. A word that no document has says nothing: its pairs are left out.
//
// A document after the other is added. Memory is of the pairs within topics, time of a
// document of those of its words that are in lists.
type Coherence struct {
	documents int64
	words     map[uint64]int // place in has and in
	has       []int64        // documents that have a word
	in        [][]seat       // the lists that have it
	lists     [][]int        // the words of each list, as places in has
	pairs     [][]uint32     // documents that have words i and j < i of a list: at i (i-1) / 2 + j

	found   [][]int32 // of each list: its words in this document
	touched []int32   // lists that have some
}

// seat is a place of a word in a list.
type seat struct{ list, at int32 }

// Score is the coherence of a list.
type Score struct {
	NPMI    float64 // NaN where there are no pairs
	Pairs   int     // it is the mean of
	Missing int     // words that no document has
}

// NewCoherence begins the count for lists of different words.
func NewCoherence(lists [][]uint64) (*Coherence, error) {
	all := 0
	for _, l := range lists {
		all += len(l) * max(len(l)-1, 0) / 2
	}
	if all > mostPairs {
		return nil, fmt.Errorf("topics: coherence of %d lists needs %d pairs of words, more than %d: take fewer words", len(lists), all, mostPairs)
	}
	c := &Coherence{words: map[uint64]int{}, lists: make([][]int, len(lists)), pairs: make([][]uint32, len(lists)), found: make([][]int32, len(lists))}
	for l, words := range lists {
		c.pairs[l] = make([]uint32, len(words)*max(len(words)-1, 0)/2)
		for at, word := range words {
			i, ok := c.words[word]
			if !ok {
				i = len(c.has)
				c.words[word], c.has, c.in = i, append(c.has, 0), append(c.in, nil)
			}
			c.in[i] = append(c.in[i], seat{int32(l), int32(at)})
			c.lists[l] = append(c.lists[l], i)
		}
	}
	return c, nil
}

// Begin begins a document.
func (c *Coherence) Begin() { c.documents++ }

// Has says that the document has a word. It is told of each word once.
func (c *Coherence) Has(word uint64) {
	i, ok := c.words[word]
	if !ok {
		return
	}
	c.has[i]++
	for _, s := range c.in[i] {
		if len(c.found[s.list]) == 0 {
			c.touched = append(c.touched, s.list)
		}
		c.found[s.list] = append(c.found[s.list], s.at)
	}
}

// End ends a document.
func (c *Coherence) End() {
	for _, l := range c.touched {
		found := c.found[l]
		for a := range found {
			for _, b := range found[:a] {
				i, j := int(max(found[a], b)), int(min(found[a], b))
				c.pairs[l][i*(i-1)/2+j]++
			}
		}
		c.found[l] = found[:0]
	}
	c.touched = c.touched[:0]
}

// Documents is how many there were.
func (c *Coherence) Documents() int64 { return c.documents }

// Scores is the coherence of each list.
func (c *Coherence) Scores() []Score {
	scores := make([]Score, len(c.lists))
	for l, words := range c.lists {
		s, sum := &scores[l], 0.0
		for i, a := range words {
			if c.has[a] == 0 {
				s.Missing++
				continue
			}
			for j, b := range words[:i] {
				if c.has[b] > 0 {
					sum += NPMI(c.documents, c.has[a], c.has[b], int64(c.pairs[l][i*(i-1)/2+j]))
					s.Pairs++
				}
			}
		}
		s.NPMI = sum / float64(s.Pairs) // 0/0 is what the comment says
	}
	return scores
}

// NPMI is the normalised pointwise mutual information of two words of which a and b of
// so many documents, both above 0, have one, and both of them have both. Words that all
// documents have are as those that come only together.
func NPMI(documents, a, b, both int64) float64 {
	switch {
	case both == 0:
		return -1
	case both == documents:
		return 1
	}
	n := float64(documents)
	return math.Log(float64(both)*n/(float64(a)*float64(b))) / -math.Log(float64(both)/n)
}

// Mean is the mean coherence of the lists that have one, NaN if none has.
func Mean(scores []Score) float64 {
	sum, n := 0.0, 0
	for _, s := range scores {
		if s.Pairs > 0 {
			sum, n = sum+s.NPMI, n+1
		}
	}
	return sum / float64(n)
}
