package gibbs

// newSparse returns the exact sampler that keeps a list of the topics of each document
// and their counts. A token costs a pass over those of its document, whatever the number
// of topics is.
func newSparse() sampler {
	return &visits{arrange: func(s *State) ([]uint32, []block, []store) {
		return lists(s, between(s.length, 0, 1<<31-1, true), 0)
	}}
}

// lists gives documents lists, in blocks whose first place is from.
func lists(s *State, docs []uint32, from int) (order []uint32, blocks []block, stores []store) {
	for at := 0; at < len(docs); {
		st := store{}
		first, begin := 0, at
		for ; at < len(docs) && (at == begin || 4*first < near); at++ {
			n := room(int(s.length[docs[at]]), s.topics, int(s.form.Most()))
			st.head = append(st.head, uint32(first), 0)
			st.stride = max(st.stride, n)
			first += n
		}
		st.entries = make([]uint32, first)
		blocks, stores = append(blocks, block{uint32(from + begin), uint32(from + at)}), append(stores, st)
	}
	return docs, blocks, stores
}

// room is how many entries a document of n tokens takes: one a topic, more where a
// count is larger than an entry holds.
func room(n, topics, most int) int {
	return padded(max(1, min(n, topics+2*(n/most))))
}
