package dataset

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"
)

// maxHash bounds Options.Hash.
const maxHash = 62

// noHash is the mask of ids that stand as they are.
const noHash = math.MaxUint64

// mask is what the ids of features are cut to.
func (o *Options) mask() uint64 {
	if o.Hash == 0 {
		return noHash
	}
	return 1<<o.Hash - 1
}

// hashed settles what Hash says of other options.
func (o Options) hashed() (Options, error) {
	switch {
	case o.Hash < 0 || o.Hash > maxHash:
		return o, fmt.Errorf("hash %d: want 0 (off) to %d bits", o.Hash, maxHash)
	case o.Hash == 0:
		return o, nil
	case o.Like == nil && o.Features != 0 && o.Features != 1<<o.Hash:
		return o, fmt.Errorf("features %d: hash = %d makes 2^%d features: leave data.features out", o.Features, o.Hash, o.Hash)
	}
	o.Features, o.Base = 1<<o.Hash, max(o.Base, 0)
	return o, nil
}

// The category of a column is hashed as the bytes "column=category", by the 64-bit
// FNV-1a, whose result x is mixed by x ^= x>>32, x *= 0x9e3779b97f4a7c15, x ^= x>>32,
// of which the lower Hash bits count.
const (
	fnvOffset = 0xcbf29ce484222325
	fnvPrime  = 0x100000001b3
	mixPrime  = 0x9e3779b97f4a7c15
)

// fnv1a goes on with the hash h of what is before text.
func fnv1a[T string | []byte](h uint64, text T) uint64 {
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * fnvPrime
	}
	return h
}

// mixed ends a hash.
func mixed(h uint64) uint64 {
	h = (h ^ h>>32) * mixPrime
	return h ^ h>>32
}

// hashOf is the feature of a category, before it is cut to the bits that count.
func hashOf(column, category string) uint64 {
	return mixed(fnv1a(fnvOffset, column+"="+category))
}

// columnHashes returns the hash of "column=" for each categorical column of an input
// whose features are hashed; nil if there is none.
func columnHashes(info Info) (hashes []uint64) {
	if info.Columns == nil || info.Hash == 0 {
		return nil
	}
	for t := range info.Columns {
		hashes = append(hashes, fnv1a(fnvOffset, info.columnName(t)+"="))
	}
	return hashes
}

// sparseRow is the ids and values of a row, in ascending order of id.
type sparseRow struct {
	ids    []uint64
	values []float64
	pairs  []pair // for longer rows
}

type pair struct {
	id    uint64
	value float64
}

func (r *sparseRow) clear() { r.ids, r.values = r.ids[:0], r.values[:0] }

func (r *sparseRow) add(id uint64, v float64) {
	r.ids, r.values = append(r.ids, id), append(r.values, v)
}

// fewPairs is the longest row that is sorted by insertion.
const fewPairs = 48

// sort puts the ids in order; the values of equal ids add up, in the order in which
// they stand. A sum is rounded to float32 unless wide; it reports whether one is
// beyond that.
func (r *sparseRow) sort(wide bool) (beyond bool) {
	if len(r.ids) <= fewPairs {
		for i := 1; i < len(r.ids); i++ {
			id, v, k := r.ids[i], r.values[i], i
			for ; k > 0 && r.ids[k-1] > id; k-- {
				r.ids[k], r.values[k] = r.ids[k-1], r.values[k-1]
			}
			r.ids[k], r.values[k] = id, v
		}
	} else {
		r.pairs = r.pairs[:0]
		for k, id := range r.ids {
			r.pairs = append(r.pairs, pair{id, r.values[k]})
		}
		slices.SortStableFunc(r.pairs, func(a, b pair) int { return cmp.Compare(a.id, b.id) })
		for k, p := range r.pairs {
			r.ids[k], r.values[k] = p.id, p.value
		}
	}
	n := 0
	for k, id := range r.ids {
		if n == 0 || r.ids[n-1] != id {
			r.ids[n], r.values[n] = id, r.values[k]
			n++
			continue
		}
		sum := finite(r.values[n-1] + r.values[k])
		if f := float64(float32(sum)); !wide && !math.IsInf(f, 0) {
			sum = f
		} else if !wide {
			beyond = true
		}
		r.values[n-1] = sum
	}
	r.ids, r.values = r.ids[:n], r.values[:n]
	return beyond
}

// putSparse ends a row whose ids and values are in b.sparse, not yet in order.
func (b *builder) putSparse(ordered bool) *fault {
	r := &b.sparse
	if !ordered && r.sort(b.wide) {
		b.wide = true
	}
	if b.batch != nil {
		b.ends = append(b.ends, 0) // counts rows
		return b.batch.add(r, uint64(max(0, b.facts.Base)), b.wide)
	}
	for k, id := range r.ids {
		if f := b.put(id, r.values[k], b.wide, 0); f != nil {
			return f
		}
	}
	return b.endRow()
}

// putColumns ends a CSV row of which not every column is a feature of its own, or
// that goes to a stream.
func (b *builder) putColumns() *fault {
	b.sparse.clear()
	mask := b.layout.mask
	for t, v := range b.row {
		if v == 0 {
			continue
		}
		id := uint64(t)
		if b.hashes != nil && b.layout.categorical[t] {
			id = b.rowIDs[t] & mask
		}
		b.sparse.add(id, v)
	}
	return b.putSparse(b.hashes == nil)
}

// hashCategory sets column t of the row to a category.
func (b *builder) hashCategory(t int, field []byte) {
	if missing(field) {
		field = nil
	}
	b.rowIDs[t], b.row[t] = mixed(fnv1a(b.hashes[t], field)), 1
}

// checkHash returns an error if what a peer says of hashed features contradicts itself.
func (a Info) checkHash() error {
	switch {
	case a.Hash == 0:
		return nil
	case a.Hash < 0 || a.Hash > maxHash || bits.OnesCount64(a.Features) != 1 || bits.Len64(a.Features) != a.Hash+1 || !a.Fixed:
		return fmt.Errorf("dataset: bad info: %d features by a hash of %d bits", a.Features, a.Hash)
	case slices.ContainsFunc(a.Columns, func(c Column) bool { return c.Categories != nil }):
		return errors.New("dataset: bad info: categories are listed, but hashed")
	}
	return nil
}
