package gibbs

// plain is collapsed Gibbs sampling as in the books: the reference of the others.
type plain struct {
	docs   []int32 // counts of topics, document by document
	counts []int32 // of the word
	weight []float64
}

func (p *plain) layout(s *State) ([]uint32, []block) { return oneBlock(s) }

// oneBlock keeps the order of documents, in one block.
func oneBlock(s *State) ([]uint32, []block) {
	order := make([]uint32, len(s.length))
	for i := range order {
		order[i] = uint32(i)
	}
	return order, []block{{0, uint32(len(order))}}
}

func (p *plain) assign(s *State) error {
	p.docs = make([]int32, len(s.length)*s.topics)
	p.counts, p.weight = make([]int32, s.topics), make([]float64, s.topics)
	for t, k := range s.topic {
		if k != unassigned {
			p.docs[int(s.doc[t])*s.topics+int(k)]++
		}
	}
	return nil
}

func (p *plain) begin(*State, []int32) {}

func (p *plain) run(s *State, lo, hi int, rows Rows, totals []int32) error {
	first := s.starts(0)
	for w := lo; w < hi; w++ {
		if first[w] == first[w+1] {
			continue
		}
		row := rows.row(w-lo, s.topics)
		clear(p.counts)
		if err := s.form.Add(p.counts, row); err != nil {
			return err
		}
		for t := first[w]; t < first[w+1]; t++ {
			s.topic[t] = uint32(p.draw(s, s.doc[t], s.topic[t], totals))
		}
		if err := s.form.Put(row, p.counts); err != nil {
			return err
		}
	}
	return nil
}

// draw returns a new topic of a token, and changes the counts.
func (p *plain) draw(s *State, doc, old uint32, totals []int32) int {
	row := p.docs[int(doc)*s.topics:][:s.topics]
	if old == unassigned {
		k := int(s.random.below(uint32(s.topics)))
		row[k]++
		p.counts[k]++
		totals[k]++
		return k
	}
	row[old]--
	p.counts[old]--
	totals[old]--
	sum := 0.0
	for k, n := range row {
		sum += (float64(n) + s.alpha[k]) * (float64(max(0, p.counts[k])) + s.beta) / (float64(max(0, totals[k])) + s.vbeta)
		p.weight[k] = sum
	}
	u := s.random.float() * sum
	topic := 0
	for topic < s.topics-1 && p.weight[topic] <= u {
		topic++
	}
	row[topic]++
	p.counts[topic]++
	totals[topic]++
	return topic
}

func (p *plain) document(s *State, place uint32, topics []uint32, counts []int32) ([]uint32, []int32) {
	for k, n := range p.docs[int(place)*s.topics:][:s.topics] {
		if n > 0 {
			topics, counts = append(topics, uint32(k)), append(counts, n)
		}
	}
	return topics, counts
}
