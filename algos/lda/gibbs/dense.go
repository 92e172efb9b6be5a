package gibbs

// near is up to how many bytes of counts of documents are in a block: what a word's
// tokens meet of them is still near when its next token does.
const near = 16 << 20

// newDense returns the exact sampler that keeps a count of each topic for each
// document. A token costs a pass over them all, 16 at a time: the best for up to some
// hundred topics.
func newDense() sampler { return &visits{arrange: denseRows, turns: true} }

// denseRows gives documents of at most 255 tokens bytes, others 16 bits, and the
// longest lists.
func denseRows(s *State) (order []uint32, blocks []block, stores []store) {
	stride := padded(s.topics)
	limits := []int32{0, 1<<8 - 1, 1<<16 - 1, 1<<31 - 1}
	for kind := range 3 {
		docs := between(s.length, limits[kind], limits[kind+1], kind == 0)
		if kind == 2 {
			o, b, st := lists(s, docs, len(order))
			return append(order, o...), append(blocks, b...), append(stores, st...)
		}
		each := max(1, near/(stride<<kind))
		for at := 0; at < len(docs); at += each {
			some := docs[at:min(len(docs), at+each)]
			st := store{stride: stride}
			if kind == 0 {
				st.rows8 = make([]uint8, len(some)*stride)
			} else {
				st.rows16 = make([]uint16, len(some)*stride)
			}
			blocks = append(blocks, block{uint32(len(order)), uint32(len(order) + len(some))})
			order, stores = append(order, some...), append(stores, st)
		}
	}
	return order, blocks, stores
}

// between are the documents with more than lo and at most hi tokens, or with lo.
func between(length []int32, lo, hi int32, atLeast bool) (docs []uint32) {
	for d, n := range length {
		if n > lo && n <= hi || atLeast && n == lo {
			docs = append(docs, uint32(d))
		}
	}
	return docs
}
