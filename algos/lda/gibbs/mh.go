package gibbs

import "fmt"

// metropolis draws topics by Metropolis-Hastings, with work for a token that does not
// depend on the number of topics. A sweep has two passes. By documents, each token takes
// or refuses the topic that was proposed by its word; what the word has cancels out of
// the ratio of probabilities, and by words, those proposed by its document:
//
//	by documents   (n_dk + alpha_k) / (n_k + V beta)   proposals ~ n_wk + beta
//	by words       (n_wk + beta) / (n_k + V beta)      proposals ~ n_dk + alpha_k
//
// No count has the token itself, neither in proposals nor in ratios, so that it is only
// the counts of words that are late in the pass by documents, and those of documents in
// the pass by words.
type metropolis struct {
	first  []int32 // of each document its tokens in of, and the end of the last
	of     []int32 // tokens by document: their places by word
	tokens []pair  // by word; State.topic has the topics as the counts of words have them
	word   []int32 // counts of a word
	row    []int32
	counts []float64 // of a document, and alpha; alpha alone between documents
	with   []float64 // 1 / (n_k + V beta), as the totals were when the pass began
	less   []float64 // 1 / (n_k - 1 + V beta)
	topics []uint32
	drafts []uint32
	urn    urn // the counts of a word
	prior  urn // alpha
}

// A pair is the topic of a token, and the one that is proposed to it: they are needed
// together, in an order in which every token is somewhere else in memory.
type pair uint64

func pairOf(topic, proposed uint32) pair { return pair(proposed)<<32 | pair(topic) }

func (p pair) topic() uint32    { return uint32(p) }
func (p pair) proposed() uint32 { return uint32(p >> 32) }

func newMetropolis() sampler { return &metropolis{} }

func (m *metropolis) layout(s *State) ([]uint32, []block) { return oneBlock(s) }

func (m *metropolis) assign(s *State) error {
	m.tokens = m.tokens[:0]
	for _, z := range s.topic {
		m.tokens = append(m.tokens, pairOf(z, z))
	}
	m.word, m.counts = make([]int32, s.topics), make([]float64, s.topics)
	m.with, m.less = make([]float64, s.topics), make([]float64, s.topics)
	m.urn.grow(s.topics)
	m.prior.grow(s.topics)
	if m.of != nil {
		return nil
	}
	m.first, m.of = make([]int32, len(s.length)+1), make([]int32, 0, len(s.topic))
	longest := int32(0)
	for d, n := range s.length {
		m.first[d+1] = m.first[d] + n
		longest = max(longest, n)
	}
	m.topics, m.drafts = make([]uint32, longest), make([]uint32, longest)
	s.inOrder(func(t int32) { m.of = append(m.of, t) })
	return nil
}

// begin is the pass by documents.
func (m *metropolis) begin(s *State, totals []int32) {
	m.invert(s, totals)
	m.prior.empty()
	for k, a := range s.alpha {
		m.prior.add(uint32(k), a)
	}
	m.prior.fill()
	copy(m.counts, s.alpha)
	for d := range s.length {
		tokens := m.of[m.first[d]:m.first[d+1]]
		topics := m.topics[:len(tokens)]
		proposed := m.drafts[:len(tokens)]
		for i, t := range tokens {
			p := m.tokens[t]
			topics[i], proposed[i] = p.topic(), p.proposed()
		}
		m.accept(s, topics, proposed)
		m.propose(s, topics, proposed)
		for i, t := range tokens {
			m.tokens[t] = pairOf(topics[i], proposed[i])
		}
	}
}

// invert notes the totals for a pass.
func (m *metropolis) invert(s *State, totals []int32) {
	for k, n := range totals {
		m.with[k] = 1 / (float64(max(0, n)) + s.vbeta)
		m.less[k] = 1 / (float64(max(0, n-1)) + s.vbeta)
	}
}

// accept gives tokens of a document the topics proposed by their words, or not.
func (m *metropolis) accept(s *State, topics, proposed []uint32) {
	for _, z := range topics {
		if z != unassigned {
			m.counts[z]++
		}
	}
	for i, y := range proposed {
		z := topics[i]
		if z == y || z == unassigned {
			continue
		}
		have := (m.counts[z] - 1) * m.less[z]
		want := m.counts[y] * m.with[y]
		take := z
		if s.random.float()*have < want { // no branch: nobody could foretell it
			take = y
		}
		m.counts[z]--
		m.counts[take]++
		topics[i] = take
	}
	for _, z := range topics {
		if z != unassigned {
			m.counts[z] = s.alpha[z]
		}
	}
}

// propose proposes topics to tokens: each that of another token of the document, or
// one of alpha.
func (m *metropolis) propose(s *State, topics, proposed []uint32) {
	others := float64(len(topics) - 1)
	for i := range proposed {
		u := s.random.float() * (others + s.alphaSum)
		if j := int(u); u < others && j < len(topics)-1 {
			if j >= i {
				j++
			}
			proposed[i] = topics[j]
			continue
		}
		proposed[i] = m.prior.draw(s.random.next())
	}
}

// run is the pass by words.
func (m *metropolis) run(s *State, lo, hi int, rows Rows, totals []int32) error {
	starts := s.starts(0)
	m.invert(s, totals)
	for w := lo; w < hi; w++ {
		from, to := starts[w], starts[w+1]
		if from == to {
			continue
		}
		row := rows.row(w-lo, s.topics)
		m.row = row
		if len(row) != s.topics {
			m.row = m.word
			if err := s.form.Add(m.row, row); err != nil {
				return fmt.Errorf("%w: word %d", err, w)
			}
		}
		tokens, counted := m.tokens[from:to], s.topic[from:to]
		m.count(s, tokens, counted, totals)
		m.acceptWord(s, tokens, totals)
		if err := m.listWord(s, row, tokens, counted); err != nil {
			return fmt.Errorf("gibbs: word %d: %w", w, err)
		}
		m.proposeWord(s, tokens, counted)
		if len(row) != s.topics {
			for _, k := range m.urn.topic[:m.urn.n] {
				m.word[k] = 0
			}
		}
	}
	return nil
}

// count brings the counts of a word, and the totals, to what the pass by documents has
// left. Tokens without a topic get one at random.
func (m *metropolis) count(s *State, tokens []pair, counted []uint32, totals []int32) {
	for i, p := range tokens {
		z, old := p.topic(), counted[i]
		if z == unassigned {
			z = s.random.below(uint32(s.topics))
			tokens[i] = pairOf(z, z)
		}
		if z == old {
			continue
		}
		if old != unassigned {
			m.row[old]--
			totals[old]--
		}
		m.row[z]++
		totals[z]++
	}
}

// acceptWord gives tokens of a word the topics proposed by their documents, or not.
func (m *metropolis) acceptWord(s *State, tokens []pair, totals []int32) {
	row := m.row
	for i, p := range tokens {
		z, y := p.topic(), p.proposed()
		if z == y || y == unassigned {
			continue
		}
		have := (float64(max(0, row[z]-1)) + s.beta) * m.less[z]
		want := (float64(max(0, row[y])) + s.beta) * m.with[y]
		take := z
		if s.random.float()*have < want {
			take = y
		}
		row[z]--
		totals[z]--
		row[take]++
		totals[take]++
		tokens[i] = pairOf(take, y)
	}
}

// listWord puts the topics of a word that have a count in the urn, and in its row if
// that is packed.
func (m *metropolis) listWord(s *State, row []int32, tokens []pair, before []uint32) error {
	m.urn.empty()
	if len(row) == s.topics {
		if m.urn.scatter(row, 4*len(tokens)) {
			return nil
		}
		for k, n := range row {
			if n > 0 {
				m.urn.add(uint32(k), float64(n))
			}
		}
		return nil
	}
	keep := func(k uint32) error {
		n := m.word[k]
		m.word[k] = 0
		if n <= 0 {
			return nil
		}
		if n <= s.form.Most() && m.urn.n < len(row) {
			m.urn.add(k, float64(n))
			return nil
		}
		return fmt.Errorf("a packed row of %d values has no room for %d of topic %d: it has more tokens than its capacity was made for", len(row), n, k)
	}
	for _, e := range row {
		if k, n := s.form.Unpack(e); n > 0 {
			if err := keep(uint32(k)); err != nil {
				return err
			}
		}
	}
	for _, p := range tokens {
		if err := keep(p.topic()); err != nil {
			return err
		}
	}
	for _, k := range before {
		if k != unassigned {
			if err := keep(k); err != nil {
				return err
			}
		}
	}
	clear(row)
	for i, k := range m.urn.topic[:m.urn.n] {
		n := int32(m.urn.weight[i])
		row[i], m.word[k] = s.form.Pack(int(k), n), n
	}
	return nil
}

// proposeWord proposes topics to the tokens of a word: each one of the word's others, of
// whatever part, or any for beta.
func (m *metropolis) proposeWord(s *State, tokens []pair, counted []uint32) {
	m.urn.fill()
	others := max(0, m.urn.sum-1)
	fromUrn := uint64(others / (others + s.beta*float64(s.topics)) * (1 << 32))
	for i, p := range tokens {
		z := p.topic()
		counted[i] = z
		bits := s.random.next()
		if bits>>32 >= fromUrn {
			tokens[i] = pairOf(z, uint32(uint64(uint32(bits))*uint64(s.topics)>>32))
			continue
		}
		for {
			y := m.urn.draw(s.random.next())
			// Of the n tokens with its topic, one is itself.
			if y != z || s.random.below(uint32(max(1, m.row[z]))) > 0 {
				tokens[i] = pairOf(z, y)
				break
			}
		}
	}
}

func (m *metropolis) document(s *State, place uint32, topics []uint32, counts []int32) ([]uint32, []int32) {
	for _, t := range m.of[m.first[place]:m.first[place+1]] {
		z := m.tokens[t].topic()
		if z == unassigned {
			continue
		}
		if m.word[z] == 0 {
			topics = append(topics, z)
		}
		m.word[z]++
	}
	for _, k := range topics {
		counts = append(counts, m.word[k])
		m.word[k] = 0
	}
	return topics, counts
}

func (m *metropolis) bytes() int {
	return 4*(len(m.first)+len(m.of)) + 8*len(m.tokens)
}
