package dataset

import (
	"math"
	"math/bits"
	"slices"
)

// Coding is how a Batch tells its columns.
type Coding uint8

const (
	// Global columns are feature ids, all of which must be below 2^32: for views on
	// the range of all features.
	Global Coding = iota
	// Local columns are positions in Batch.Keys: for views that hold what a batch has.
	Local
)

// Batch is some rows of a Stream. They belong to the stream, which uses their memory
// again.
type Batch struct {
	Labels []float64 // as Part's
	Class  []int32   // as Part's; nil if classes are not listed
	Weight []float32 // as Part's; nil if all rows are alike as far as is known
	Ends   []int     // of each row: where its columns end, which begin where those before end
	Cols   []uint32  // of each value, ascending within a row
	Values []float32 // none is 0
	Keys   []uint64  // Local: the feature ids of the batch, ascending, in memory of their own, with room for one more, so that a view may hold them

	coding  Coding
	weights []float32 // memory of Weight
	ids     []uint64  // Local: of each value, until they are coded
}

// Rows is the number of rows.
func (b *Batch) Rows() int { return len(b.Ends) }

// Row returns the columns and values of row i.
func (b *Batch) Row(i int) (cols []uint32, values []float32) {
	begin, end := 0, b.Ends[i]
	if i > 0 {
		begin = b.Ends[i-1]
	}
	return b.Cols[begin:end], b.Values[begin:end]
}

func (b *Batch) clear() {
	b.Labels, b.Class, b.Ends, b.Cols, b.Values = b.Labels[:0], b.Class[:0], b.Ends[:0], b.Cols[:0], b.Values[:0]
	b.Keys, b.ids, b.Weight, b.weights = nil, b.ids[:0], nil, b.weights[:0]
}

// weigh gives a weight to the row that is added next. Rows without have 1.
func (b *Batch) weigh(w float32) {
	if w == 1 {
		return
	}
	b.evenOut()
	b.weights = append(b.weights, w)
}

// evenOut gives 1 to the rows that have no weight.
func (b *Batch) evenOut() {
	for len(b.weights) < len(b.Ends) {
		b.weights = append(b.weights, 1)
	}
}

// add ends a row whose ids count from base. Values that are wide may be beyond float32.
func (b *Batch) add(r *sparseRow, base uint64, wide bool) *fault {
	n := len(b.Values)
	b.Values = slices.Grow(b.Values, len(r.ids))[:n+len(r.ids)]
	if b.coding == Global {
		b.Cols = slices.Grow(b.Cols, len(r.ids))[:n+len(r.ids)]
	} else {
		b.ids = slices.Grow(b.ids, len(r.ids))[:n+len(r.ids)]
	}
	for k, v := range r.values {
		f := float32(v)
		if f == 0 { // values that added up, or that float32 does not tell from 0
			continue
		}
		if wide && math.IsInf(float64(f), 0) {
			return faultf(0, "value %g of feature %d is beyond float32, as which streamed values are kept", v, r.ids[k]-base)
		}
		b.Values[n] = f
		if b.coding == Global {
			b.Cols[n] = uint32(r.ids[k] - base)
		} else {
			b.ids[n] = r.ids[k] - base
		}
		n++
	}
	b.Values = b.Values[:n]
	if b.coding == Global {
		b.Cols = b.Cols[:n]
	} else {
		b.ids = b.ids[:n]
	}
	b.Ends = append(b.Ends, n)
	return nil
}

// coder gives the ids of batches local columns.
type coder struct {
	keys   []uint64
	pairs  []uint64 // id<<places | place of the value
	spare  []uint64
	counts [][1 << digitBits]uint32
	slots  []uint32 // 1 + the column of an id that hashes there; 0: free
}

// digitBits is how many bits of an id are sorted at a time, at most.
const digitBits = 11

// code sets Keys and Cols by the ids of a batch.
func (c *coder) code(b *Batch) {
	c.keys = c.keys[:0]
	c.number(b)
	b.Keys = append(make([]uint64, 0, len(c.keys)+1), c.keys...)
}

// number sets Cols, and collects the keys.
func (c *coder) number(b *Batch) {
	all := uint64(0)
	for _, id := range b.ids {
		all |= id
	}
	n := len(b.ids)
	b.Cols = slices.Grow(b.Cols[:0], n)[:n]
	c.pairs, c.spare = slices.Grow(c.pairs[:0], n)[:n], slices.Grow(c.spare[:0], n)[:n]
	size, places := bits.Len64(all), bits.Len(uint(n))
	if size+places > 64 { // ids that do not stand in a word with their places
		copy(c.pairs, b.ids)
		c.sort(size, 0)
		c.keys = slices.Compact(append(c.keys, c.pairs...))
		c.find(b)
		return
	}
	for k, id := range b.ids {
		c.pairs[k] = id<<places | uint64(k)
	}
	c.sort(size, places)
	mask, last := uint64(1)<<places-1, uint64(0)
	for _, p := range c.pairs {
		if id := p >> places; id != last || len(c.keys) == 0 {
			c.keys = append(c.keys, id)
			last = id
		}
		b.Cols[p&mask] = uint32(len(c.keys) - 1)
	}
}

// sort sorts the pairs by ids of so many bits, a digit after the other from the
// lowest. Places are in order before that, and so they stay among equal ids.
func (c *coder) sort(size, places int) {
	digits := (size + digitBits - 1) / digitBits
	if digits == 0 {
		return
	}
	for len(c.counts) < digits {
		c.counts = append(c.counts, [1 << digitBits]uint32{})
	}
	width := (size + digits - 1) / digits
	mask := uint64(1)<<width - 1
	all := c.counts[:digits]
	for d := range all {
		clear(all[d][:mask+1])
	}
	for _, p := range c.pairs {
		p >>= places
		for d := range all {
			all[d][p>>(d*width)&mask]++
		}
	}
	for d := range all {
		counts, shift := &all[d], places+d*width
		at := uint32(0)
		for k := range counts[:mask+1] {
			at, counts[k] = at+counts[k], at
		}
		for _, p := range c.pairs {
			k := p >> shift & mask
			c.spare[counts[k]] = p
			counts[k]++
		}
		c.pairs, c.spare = c.spare, c.pairs
	}
}

// find sets Cols by the keys, in a table of hashes.
func (c *coder) find(b *Batch) {
	size := bits.Len(uint(2 * len(c.keys)))
	c.slots = slices.Grow(c.slots[:0], 1<<size)[:1<<size]
	clear(c.slots)
	slot := func(id uint64) *uint32 {
		at := id * mixPrime >> (64 - size)
		for c.slots[at] != 0 && c.keys[c.slots[at]-1] != id {
			at = (at + 1) & (1<<size - 1)
		}
		return &c.slots[at]
	}
	for j, id := range c.keys {
		*slot(id) = uint32(j + 1)
	}
	for k, id := range b.ids {
		b.Cols[k] = *slot(id) - 1
	}
}
