package gibbs

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"petuum/algos/dataset"
)

// Options are what a state is made for.
type Options struct {
	Topics  int     // at most MaxTopics
	Beta    float64 // of a word in a topic, above 0
	VBeta   float64 // Beta times the number of words of the whole vocabulary
	Seed    uint64
	Sampler string // "auto", "dense", "sparse", "mh" or "plain"; "" is "auto"
}

// MaxTopics is the largest number of topics.
const MaxTopics = 1 << 20

// unassigned is the topic of a token that no sweep has visited.
const unassigned = math.MaxUint32

// State is the documents of a part and the topics of their tokens. One goroutine uses
// it at a time.
type State struct {
	topics, words int
	alpha         []float64
	alphaSum      float64
	beta, vbeta   float64
	name          string
	form          Form
	x             dataset.Matrix
	length        []int32  // of each document, in tokens
	place         []uint32 // of each document of the matrix, among those of the sampler
	blocks        []block

	// Tokens are in the order of blocks, then of words, then of documents. Those of word
	// w in block b are from start[b*(words+1)+w] to the next.
	start []int32
	doc   []uint32 // the place of its document in the block; some more follow within the capacity
	topic []uint32

	random  random
	sampler sampler
	sweep   bool // between Begin and End
	visited int  // tokens in this sweep
}

// A block is documents whose counts are near each other, [lo, hi) of the places.
type block struct{ lo, hi uint32 }

// A sampler draws topics. It keeps the counts of documents.
type sampler interface {
	// layout orders the documents by place and cuts them in blocks, in each of which they
	// ascend.
	layout(s *State) (order []uint32, blocks []block)
	// assign makes the counts of documents those of the topics of the tokens.
	assign(s *State) error
	// begin begins a sweep.
	begin(s *State, totals []int32)
	// run visits words [lo, hi): all of their tokens, once.
	run(s *State, lo, hi int, rows Rows, totals []int32) error
	// document appends the topics of the document at a place and their counts, above 0.
	document(s *State, place uint32, topics []uint32, counts []int32) ([]uint32, []int32)
}

// New returns the state of documents, the rows of x, whose columns are words below
// words and whose values are how often they are there: whole numbers below 2^31. No
// token has a topic. Alpha is 0.1 for all topics until SetAlpha.
func New(x dataset.Matrix, words int, o Options) (*State, error) {
	if o.Topics < 1 || o.Topics > MaxTopics {
		return nil, fmt.Errorf("gibbs: %d topics: give 1 to %d", o.Topics, MaxTopics)
	}
	if x.Cols() > words {
		return nil, fmt.Errorf("gibbs: documents of %d words, where there are %d", x.Cols(), words)
	}
	s := &State{topics: o.Topics, words: words, form: FormOf(o.Topics), x: x, random: newRandom(o.Seed)}
	if err := s.SetBeta(o.Beta, o.VBeta); err != nil {
		return nil, err
	}
	alpha := make([]float64, o.Topics)
	for k := range alpha {
		alpha[k] = 0.1
	}
	tokens, err := s.measure()
	if err != nil {
		return nil, err
	}
	if s.sampler, s.name, err = choose(o.Sampler, s, tokens); err != nil {
		return nil, err
	}
	s.arrange(tokens)
	if err := s.SetAlpha(alpha); err != nil {
		return nil, err
	}
	return s, s.sampler.assign(s)
}

// measure sets the lengths of documents and returns their sum.
func (s *State) measure() (tokens int, err error) {
	s.length = make([]int32, s.x.Rows())
	for i := range s.length {
		n := 0
		for j, v := range s.x.Row(i) {
			if v != math.Trunc(v) || v < 1 || v >= 1<<31 {
				return 0, fmt.Errorf("gibbs: document %d has word %d %v times: counts are whole numbers from 1 to 2^31-1", i, j, v)
			}
			if n += int(v); tokens+n > math.MaxInt32 {
				return 0, fmt.Errorf("gibbs: more than %d tokens up to document %d: divide the documents among more parts", math.MaxInt32, i)
			}
		}
		s.length[i] = int32(n)
		tokens += n
	}
	return tokens, nil
}

// arrange puts the tokens in order.
func (s *State) arrange(tokens int) {
	order, blocks := s.sampler.layout(s)
	s.blocks, s.place = blocks, make([]uint32, len(order))
	for p, d := range order {
		s.place[d] = uint32(p)
	}
	s.start = make([]int32, len(blocks)*(s.words+1))
	s.doc, s.topic = make([]uint32, tokens, tokens+16), make([]uint32, tokens)
	at := int32(0)
	for b, block := range blocks {
		begin, first := at, s.starts(b)
		for _, d := range order[block.lo:block.hi] {
			for w, v := range s.x.Row(int(d)) {
				first[w] += int32(v)
			}
		}
		for w, n := range first {
			first[w] = at
			at += n
		}
		for p := block.lo; p < block.hi; p++ {
			for w, v := range s.x.Row(int(order[p])) {
				for range int(v) {
					s.doc[first[w]] = p - block.lo
					first[w]++
				}
			}
		}
		copy(first[1:], first[:s.words]) // where a word has ended, the next begins
		first[0] = begin
	}
	for t := range s.topic {
		s.topic[t] = unassigned
	}
}

// starts are the first tokens of the words of a block, and the end of the last.
func (s *State) starts(b int) []int32 { return s.start[b*(s.words+1) : (b+1)*(s.words+1)] }

// Tokens returns how many tokens the documents have.
func (s *State) Tokens() int { return len(s.doc) }

// Documents returns how many documents there are.
func (s *State) Documents() int { return len(s.length) }

// Length returns how many tokens a document has.
func (s *State) Length(d int) int { return int(s.length[d]) }

// Topics returns how many topics there are.
func (s *State) Topics() int { return s.topics }

// Sampler returns the name of the sampler, which is not "auto".
func (s *State) Sampler() string { return s.name }

// Form returns how counts are packed.
func (s *State) Form() Form { return s.form }

// Bytes returns the memory that the state takes, without the matrix.
func (s *State) Bytes() int {
	n := 4 * (len(s.length) + len(s.place) + len(s.start) + len(s.doc) + len(s.topic))
	if b, ok := s.sampler.(interface{ bytes() int }); ok {
		n += b.bytes()
	}
	return n
}

// SetAlpha sets the prior of each topic in a document, above 0. It is not called
// within a sweep.
func (s *State) SetAlpha(alpha []float64) error {
	if len(alpha) != s.topics {
		return fmt.Errorf("gibbs: alpha has %d values for %d topics", len(alpha), s.topics)
	}
	sum := 0.0
	for k, a := range alpha {
		if !(a > 1e-30 && a < 1e30) {
			return fmt.Errorf("gibbs: alpha of topic %d is %v: give a number above 0", k, a)
		}
		sum += a
	}
	s.alpha, s.alphaSum = append(s.alpha[:0], alpha...), sum
	return nil
}

// Alpha returns the prior of each topic, which the caller must not change.
func (s *State) Alpha() []float64 { return s.alpha }

// SetBeta sets the prior of a word in a topic and its sum over the vocabulary. It is
// not called within a sweep.
func (s *State) SetBeta(beta, vbeta float64) error {
	if !(beta > 1e-30 && beta < 1e30) || !(vbeta >= beta && vbeta < 1e30) {
		return fmt.Errorf("gibbs: beta %v, %v over the vocabulary: give a number above 0 and its product with the number of words", beta, vbeta)
	}
	s.beta, s.vbeta = beta, vbeta
	return nil
}

// Begin begins a sweep. totals are the counts of each topic, as far as they are known.
func (s *State) Begin(totals []int32) error {
	if s.sweep {
		return errors.New("gibbs: a sweep begins before the last has ended")
	}
	if len(totals) != s.topics {
		return fmt.Errorf("gibbs: %d totals for %d topics", len(totals), s.topics)
	}
	s.sweep, s.visited = true, 0
	s.sampler.begin(s, totals)
	return nil
}

// Words draws a topic for each token of the words [lo, hi), and changes their counts
// and the totals by what it draws. A sweep visits each word once.
func (s *State) Words(lo, hi int, rows Rows, totals []int32) error {
	if !s.sweep {
		return errors.New("gibbs: words are visited outside of a sweep")
	}
	if lo < 0 || hi < lo || hi > s.words {
		return fmt.Errorf("gibbs: words %d to %d of %d", lo, hi, s.words)
	}
	if len(totals) != s.topics {
		return fmt.Errorf("gibbs: %d totals for %d topics", len(totals), s.topics)
	}
	if err := rows.check(hi-lo, s.topics); err != nil {
		return err
	}
	for b := range s.blocks {
		first := s.starts(b)
		s.visited += int(first[hi] - first[lo])
	}
	return s.sampler.run(s, lo, hi, rows, totals)
}

// End ends a sweep.
func (s *State) End() error {
	if !s.sweep {
		return errors.New("gibbs: a sweep ends that has not begun")
	}
	s.sweep = false
	if s.visited != len(s.doc) {
		return fmt.Errorf("gibbs: a sweep has visited %d of %d tokens: visit each word once", s.visited, len(s.doc))
	}
	return nil
}

// EachDocument calls f with the topics of each document that has some, and how often;
// they are f's until it returns.
func (s *State) EachDocument(f func(d int, topics []uint32, counts []int32)) {
	var topics []uint32
	var counts []int32
	for d, p := range s.place {
		topics, counts = s.sampler.document(s, p, topics[:0], counts[:0])
		if len(topics) > 0 {
			f(d, topics, counts)
		}
	}
}

// Counts adds to row how often the part's tokens of a word have each topic.
func (s *State) Counts(word int, row []int32) {
	for b := range s.blocks {
		first := s.starts(b)
		for _, k := range s.topic[first[word]:first[word+1]] {
			if k != unassigned {
				row[k]++
			}
		}
	}
}

// choose returns a sampler by name.
func choose(name string, s *State, tokens int) (sampler, string, error) {
	if name == "" || name == "auto" {
		name = fastest(s, tokens)
	}
	make, ok := samplers[name]
	if !ok {
		return nil, "", fmt.Errorf("gibbs: no sampler %q: give auto or one of %q", name, Samplers())
	}
	return make(), name, nil
}

// Samplers returns the names of the samplers.
func Samplers() []string {
	names := make([]string, 0, len(samplers))
	for name := range samplers {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
