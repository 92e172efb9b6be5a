package online

import (
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
	cols   []uint32 // of the row, as long as the longest so far
	values []float32
}

func openTail(p *linear.Problem, w *algos.Worker) (t *tail, err error) {
	t = &tail{least: int32(p.Tail), bits: uint(p.TailBits), exact: p.Columns <= 1<<p.TailBits}
	t.counts, err = algos.View[int32](w, sketch, table.Span(0, 1<<p.TailBits), table.Increments)
	return t, err
}

// frequent returns what of a row is of features seen often enough, this row included.
func (t *tail) frequent(b *dataset.Batch, cols []uint32, values []float32) ([]uint32, []float32) {
	t.cols, t.values = t.cols[:0], t.values[:0]
	for n, j := range cols {
		key := uint64(j)
		if b.Keys != nil {
			key = b.Keys[j]
		}
		if t.count(key) {
			t.cols, t.values = append(t.cols, j), append(t.values, values[n])
		}
	}
	return t.cols, t.values
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
