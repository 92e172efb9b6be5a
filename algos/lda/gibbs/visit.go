package gibbs

import (
	"fmt"
	"sort"

	"petuum/table/kernel"
)

// visits is what the exact samplers share: the visits of words. They differ in how the
// counts of documents are stored, block by block.
type visits struct {
	arrange func(s *State) (order []uint32, blocks []block, stores []store)

	stores []store
	t      [2]kernel.Topics // two words that are drawn in turns; the first also those alone
	turns  bool             // words may be drawn in turns
	pairs  bool             // they are
	next   int              // the word whose turn is next
	zeros  bool             // phi of the first is that of a word that is nowhere
	word   []int32          // counts of a word whose row is packed, else 0
	old    []uint32         // topics of its tokens before the visit
}

// A store is the counts of the documents of a block: in dense rows of bytes or of 16
// bits, or in lists.
type store struct {
	rows8   []uint8
	rows16  []uint16
	entries []uint32
	head    []uint32
	stride  int
}

func (v *visits) layout(s *State) (order []uint32, blocks []block) {
	order, blocks, v.stores = v.arrange(s)
	return order, blocks
}

// padded is a number of values, rounded up to whole vectors.
func padded(n int) int { return (n + 15) &^ 15 }

// manyTokens is from how many tokens a topic on words are drawn in turns. What one
// changes of the totals the other learns at its next visit, as it does of other parts:
// with that many it makes no difference.
const manyTokens = 500

func (v *visits) assign(s *State) error {
	k, stride := s.topics, padded(s.topics)
	longest := stride
	for _, st := range v.stores {
		longest = max(longest, st.stride)
	}
	inverse, alpha := make([]float32, stride), make([]float32, stride)
	for i := range v.t {
		v.t[i] = kernel.Topics{
			Phi: make([]float32, stride), Inverse: inverse, Alpha: alpha,
			Sums: make([]float32, longest+48), Shift: int(s.form.shift),
		}
	}
	v.pairs = v.turns && len(s.topic)/k >= manyTokens
	v.word = make([]int32, k)
	for b := range v.stores {
		st := &v.stores[b]
		clear(st.rows8)
		clear(st.rows16)
		clear(st.entries)
		for i := 1; i < len(st.head); i += 2 {
			st.head[i] = 0
		}
		first := s.starts(b)
		for t := first[0]; t < first[s.words]; t++ {
			if z := s.topic[t]; z != unassigned {
				st.add(s, s.doc[t], z)
			}
		}
	}
	return nil
}

// add counts a topic of a document.
func (st *store) add(s *State, doc, topic uint32) {
	switch {
	case st.rows8 != nil:
		st.rows8[int(doc)*st.stride+int(topic)]++
	case st.rows16 != nil:
		st.rows16[int(doc)*st.stride+int(topic)]++
	default:
		first := st.head[2*doc]
		list := st.entries[first : first+st.head[2*doc+1]]
		for i, e := range list {
			if k, n := s.form.Unpack(int32(e)); k == int(topic) && n < s.form.Most() {
				list[i]++
				return
			}
		}
		st.entries[first+st.head[2*doc+1]] = uint32(s.form.Pack(int(topic), 1))
		st.head[2*doc+1]++
	}
}

func (v *visits) begin(s *State, _ []int32) {
	for k, a := range s.alpha {
		v.t[0].Alpha[k] = float32(a)
	}
	for i := range v.t {
		v.t[i].Beta, v.t[i].VBeta, v.t[i].Random = float32(s.beta), float32(s.vbeta), s.random.next()
	}
}

func (v *visits) run(s *State, lo, hi int, rows Rows, totals []int32) error {
	inverse := v.t[0].Inverse
	for k, n := range totals {
		inverse[k] = 1 / (float32(max(0, n)) + float32(s.vbeta))
	}
	v.zeros = false
	packed := false
	for b, st := range v.stores {
		for i := range v.t {
			t := &v.t[i]
			t.Totals, t.Rows8, t.Rows16, t.Entries, t.Head, t.Stride = totals, st.rows8, st.rows16, st.entries, st.head, st.stride
		}
		packed = v.dense(s, s.starts(b), lo, hi, rows) || packed
	}
	if !packed {
		return nil
	}
	for b, st := range v.stores {
		t := &v.t[0]
		t.Rows8, t.Rows16, t.Entries, t.Head, t.Stride = st.rows8, st.rows16, st.entries, st.head, st.stride
		first := s.starts(b)
		for w := lo; w < hi; w++ {
			row := rows.row(w-lo, s.topics)
			if len(row) == s.topics || first[w] == first[w+1] {
				continue
			}
			v.turn(s, t, first, w)
			if err := v.packed(s, row); err != nil {
				return fmt.Errorf("gibbs: word %d: %w", w, err)
			}
		}
	}
	return nil
}

// turn makes it a word's turn.
func (v *visits) turn(s *State, t *kernel.Topics, first []int32, w int) {
	t.Doc, t.Topic, t.At = s.doc[first[w]:first[w+1]], s.topic[first[w]:first[w+1]], 0
}

// dense visits the words with dense rows, and tells whether there are others.
func (v *visits) dense(s *State, first []int32, lo, hi int, rows Rows) (packed bool) {
	v.next = lo
	find := func(t *kernel.Topics) bool {
		for v.next < hi {
			w := v.next
			v.next++
			if first[w] == first[w+1] {
				continue
			}
			row := rows.row(w-lo, s.topics)
			if len(row) != s.topics {
				packed = true
				continue
			}
			v.zeros = v.zeros && t != &v.t[0]
			v.turn(s, t, first, w)
			t.Word = row
			if t.Topic[0] == unassigned {
				v.scatter(s, t)
				continue
			}
			t.Fill()
			return true
		}
		return false
	}
	a, b := &v.t[0], &v.t[1]
	more := find(a)
	if more && v.pairs && find(b) {
		for {
			last := v.draw(a, b)
			if find(last) {
				continue
			}
			if last == a {
				a = b
			}
			break
		}
	}
	for more {
		v.draw(a, nil)
		more = find(a)
	}
	return packed
}

// scatter gives tokens topics at random.
func (v *visits) scatter(s *State, t *kernel.Topics) {
	for t.At = range t.Topic {
		t.Move(int(s.random.below(uint32(s.topics))))
	}
}

// draw draws the topics of the tokens of a word, or of two in turns until those of one
// are drawn, and returns that.
func (v *visits) draw(t, pair *kernel.Topics) *kernel.Topics {
	for {
		var state int
		var at *kernel.Topics
		switch {
		case t.Rows8 != nil:
			state, at = t.DrawBytes(pair)
		case t.Rows16 != nil:
			state, at = t.DrawShorts(pair)
		default:
			state, at = t.DrawLists(pair)
		}
		switch state {
		case kernel.Drawn:
			return at
		case kernel.FromAlpha:
			at.DrawAlpha()
		case kernel.Full:
			at.Move(at.Chosen)
		}
		at.At++
	}
}

// packed visits a word with a packed row. Phi is that of a word that is nowhere before
// and after: what a visit costs does not depend on the number of topics.
func (v *visits) packed(s *State, row []int32) error {
	t := &v.t[0]
	t.Word = v.word
	if !v.zeros {
		t.Fill()
		v.zeros = true
	}
	for _, e := range row {
		if k, n := s.form.Unpack(e); n > 0 && k >= s.topics {
			return fmt.Errorf("a packed count of topic %d, where there are %d topics", k, s.topics)
		}
	}
	for _, e := range row {
		if k, n := s.form.Unpack(e); n > 0 {
			t.Word[k] += n
			t.Count(k, 0)
		}
	}
	v.old = append(v.old[:0], t.Topic...)
	before := len(v.old)
	for _, e := range row {
		if k, n := s.form.Unpack(e); n > 0 {
			v.old = append(v.old, uint32(k))
		}
	}
	if t.Topic[0] == unassigned {
		v.scatter(s, t)
	} else {
		v.draw(t, nil)
	}
	clear(row)
	at := 0
	for _, topics := range [][]uint32{v.old[before:], t.Topic, v.old[:before]} {
		for _, k := range topics {
			if k == unassigned || t.Word[k] == 0 {
				continue
			}
			n := t.Word[k]
			t.Word[k] = 0
			t.Count(int(k), 0)
			switch {
			case n < 0:
			case at == len(row) || n > s.form.Most():
				return fmt.Errorf("a packed row of %d values has no room for %d of topic %d: it has more tokens than its capacity was made for", len(row), n, k)
			default:
				row[at] = s.form.Pack(int(k), n)
				at++
			}
		}
	}
	return nil
}

func (v *visits) document(s *State, place uint32, topics []uint32, counts []int32) ([]uint32, []int32) {
	b := sort.Search(len(s.blocks), func(b int) bool { return place < s.blocks[b].hi })
	doc, st := int(place-s.blocks[b].lo), v.stores[b]
	switch {
	case st.rows8 != nil:
		return nonzeros(st.rows8[doc*st.stride:][:s.topics], topics, counts)
	case st.rows16 != nil:
		return nonzeros(st.rows16[doc*st.stride:][:s.topics], topics, counts)
	}
	for _, e := range st.entries[st.head[2*doc]:][:st.head[2*doc+1]] {
		k, n := s.form.Unpack(int32(e))
		topics, counts = append(topics, uint32(k)), append(counts, n)
	}
	return topics, counts
}

func nonzeros[T uint8 | uint16](row []T, topics []uint32, counts []int32) ([]uint32, []int32) {
	for k, n := range row {
		if n > 0 {
			topics, counts = append(topics, uint32(k)), append(counts, int32(n))
		}
	}
	return topics, counts
}

func (v *visits) bytes() (n int) {
	for _, st := range v.stores {
		n += len(st.rows8) + 2*len(st.rows16) + 4*len(st.entries) + 4*len(st.head)
	}
	return n
}
