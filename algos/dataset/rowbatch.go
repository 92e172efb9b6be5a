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
	Ends   []int     // of each row: where its columns end, which begin where those before end
	Cols   []uint32  // of each value, ascending within a row
	Values []float32 // none is 0
	Keys   []uint64  // Local: the feature ids of the batch, ascending; else nil

	coding Coding
	ids    []uint64 // Local: of each value, until they are coded
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
	b.Keys, b.ids = b.Keys[:0], b.ids[:0]
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
	bits   int      // of the largest id
	pairs  []uint64 // id<<places | place of the value
	spare  []uint64
	counts [][1 << digitBits]uint32
}

// digitBits is how many bits of an id are sorted at a time, at most.
const digitBits = 11

// newCoder makes a coder of ids below a number of features.
func newCoder(features uint64) *coder {
	c := &coder{bits: bits.Len64(max(features, 1) - 1)}
	c.counts = make([][1 << digitBits]uint32, (c.bits+digitBits-1)/digitBits)
	return c
}

// code sets Keys and Cols by the ids of a batch, which are below 2^c.bits.
func (c *coder) code(b *Batch) {
	n := len(b.ids)
	b.Cols = slices.Grow(b.Cols[:0], n)[:n]
	places := bits.Len(uint(n))
	if c.bits+places > 64 || uint64(n) > math.MaxUint32 {
		c.search(b)
		return
	}
	c.pairs, c.spare = slices.Grow(c.pairs[:0], n)[:n], slices.Grow(c.spare[:0], n)[:n]
	for k, id := range b.ids {
		c.pairs[k] = id<<places | uint64(k)
	}
	c.sort(places)
	mask, last := uint64(1)<<places-1, uint64(0)
	for _, p := range c.pairs {
		if id := p >> places; id != last || len(b.Keys) == 0 {
			b.Keys = append(b.Keys, id)
			last = id
		}
		b.Cols[p&mask] = uint32(len(b.Keys) - 1)
	}
}

// sort sorts the pairs by their ids, a digit after the other from the lowest. Places
// are in order before that, and so they stay among equal ids.
func (c *coder) sort(places int) {
	if len(c.counts) == 0 {
		return
	}
	width := (c.bits + len(c.counts) - 1) / len(c.counts)
	mask := uint64(1)<<width - 1
	for d := range c.counts {
		clear(c.counts[d][:mask+1])
	}
	for _, p := range c.pairs {
		p >>= places
		for d := range c.counts {
			c.counts[d][p>>(d*width)&mask]++
		}
	}
	for d := range c.counts {
		counts, shift := &c.counts[d], places+d*width
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

// search is code of ids too large to stand in a word with their places.
func (c *coder) search(b *Batch) {
	b.Keys = append(b.Keys[:0], b.ids...)
	slices.Sort(b.Keys)
	b.Keys = slices.Compact(b.Keys)
	for k, id := range b.ids {
		at, _ := slices.BinarySearch(b.Keys, id)
		b.Cols[k] = uint32(at)
	}
}
