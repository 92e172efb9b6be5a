package online

import (
	"slices"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/algos/linear"
	"petuum/table"
)

// tail keeps rare features out.
type tail struct {
	least  int32
	bits   uint
	exact  bool // there is a counter for each feature
	counts *table.View[int32]
	places []uint32 // scratch: of each key of a batch, among those that are left
}

func openTail(p *linear.Problem, w *algos.Worker) (t *tail, err error) {
	t = &tail{least: int32(p.Tail), bits: uint(p.TailBits), exact: p.Columns <= 1<<p.TailBits}
	t.counts, err = algos.View[int32](w, sketch, table.Span(0, 1<<p.TailBits), table.Increments)
	return t, err
}

// sieve counts the rows of a batch, and leaves of them what is of features seen often
// enough, the row itself included; of local keys those that any row still has.
func (t *tail) sieve(b *dataset.Batch) {
	t.places = slices.Grow(t.places[:0], len(b.Keys))[:len(b.Keys)]
	clear(t.places)
	n, k := 0, 0
	for i, end := range b.Ends {
		for ; k < end; k++ {
			j := b.Cols[k]
			key := uint64(j)
			if b.Keys != nil {
				key = b.Keys[j]
			}
			if !t.count(key) {
				continue
			}
			b.Cols[n], b.Values[n] = j, b.Values[k]
			if n++; b.Keys != nil {
				t.places[j] = 1
			}
		}
		b.Ends[i] = n
	}
	b.Cols, b.Values = b.Cols[:n], b.Values[:n]
	if b.Keys != nil {
		t.renumber(b)
	}
}

// renumber leaves out the keys without a place.
func (t *tail) renumber(b *dataset.Batch) {
	n := 0
	for j, key := range b.Keys {
		if t.places[j] != 0 {
			b.Keys[n], t.places[j] = key, uint32(n)
			n++
		}
	}
	b.Keys = b.Keys[:n]
	for k, j := range b.Cols {
		b.Cols[k] = t.places[j]
	}
}

// count counts a row of a feature, and reports whether there were enough.
func (t *tail) count(key uint64) bool {
	if t.exact {
		return t.one(key)
	}
	h := mix(key)
	a := t.one(h >> (64 - t.bits))
	return t.one(h<<32>>(64-t.bits)) && a
}

// one raises a counter, up to where it no longer matters.
func (t *tail) one(at uint64) bool {
	n := t.counts.Values()[at]
	if n < t.least {
		t.counts.Inc(int(at), 1)
		n++
	}
	return n >= t.least
}

// mix is a bijection whose output bits depend on all input bits (the finaliser of
// SplitMix64: Steele, Lea and Flood, 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
