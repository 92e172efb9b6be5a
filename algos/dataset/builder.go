package dataset

import (
	"cmp"
	"math"
	"slices"
)

// builder collects the rows of one part. Columns are numbers of ids, in the
// order of their occurrence, until finish sorts them.
type builder struct {
	layout *layout // of the file that is being read
	facts  Info    // that all parts share
	labels *labelSet

	ptr  []int64
	cols []uint32
	vals []float64 // nil while all are 1
	ids  idSet     // of LIBSVM indices as written, or of CSV feature numbers
	keys []uint64  // after finish: the sorted ids

	top       uint64 // 1 + the largest index seen
	zero      bool   // index 0 was seen
	dropped   uint64
	blocks    []Block
	row       []float64   // CSV: the values of a row, in order of column
	rowIDs    []uint64    // CSV with categories: their ids
	cats      *categories // nil if there are none
	unescaped []byte      // CSV: a field without its doubled quotes
}

// newBuilder starts a part of an input whose first file has the layout l.
func newBuilder(l *layout, files []File) *builder {
	b := &builder{layout: l, facts: l.info(), labels: newLabelSet(l.options), ptr: []int64{0}}
	b.facts.Files = files
	if l.format != CSV {
		return b
	}
	b.row = make([]float64, l.features)
	b.top = uint64(l.features)
	if b.facts.Columns == nil {
		return b
	}
	b.cats = newCategories(b.facts.Columns, l.options.Like != nil)
	b.rowIDs = make([]uint64, l.features)
	first := firstFeatures(b.facts.Columns)
	for t := range b.rowIDs {
		if b.rowIDs[t] = uint64(t); b.cats.known {
			b.rowIDs[t] = first[t]
		}
	}
	return b
}

// rows returns the number of rows so far.
func (b *builder) rows() int { return len(b.ptr) - 1 }

// line adds the row that a line holds, if any.
func (b *builder) line(line []byte) *fault {
	if b.layout.format == CSV {
		return b.csv(line)
	}
	return b.libsvm(line)
}

// put adds a value to the row at byte at of its line. Values of a row come in
// ascending order of id.
func (b *builder) put(id uint64, v float64, at int) *fault {
	if v == 0 {
		return nil
	}
	n, ok := b.ids.number(id)
	if !ok {
		return &fault{at, errTooManyIDs.Error()}
	}
	b.cols = append(b.cols, n)
	if b.vals != nil {
		b.vals = append(b.vals, v)
	} else if v != 1 {
		b.vals = make([]float64, len(b.cols), max(cap(b.cols), 64))
		for i := range b.vals {
			b.vals[i] = 1
		}
		b.vals[len(b.vals)-1] = v
	}
	return nil
}

// endRow ends a row whose label and values are in.
func (b *builder) endRow() *fault {
	b.ptr = append(b.ptr, int64(len(b.cols)))
	if uint64(len(b.ptr)) > math.MaxUint32 {
		return faultf(0, "more than 2^32-2 samples in one part: use more parts")
	}
	return nil
}

// finish turns columns into positions in keys.
func (b *builder) finish() {
	keys, rank := b.ids.sorted()
	for i, n := range b.cols {
		b.cols[i] = rank[n]
	}
	b.keys, b.ids = keys, idSet{}
	b.row, b.rowIDs, b.unescaped = nil, nil, nil
}

// info returns the facts of a finished part.
func (b *builder) info() Info {
	info := b.facts
	info.NonZeros = uint64(len(b.cols))
	info.Dropped = b.dropped
	if info.Base < 0 && b.zero {
		info.Base = 0
	} else if info.Base < 0 {
		info.Base = 1
	}
	if b.top > 0 {
		info.Seen = b.top - uint64(info.Base)
	}
	if b.cats != nil {
		info.Columns = b.cats.fillIn(info.Columns)
		info.Seen = firstFeatures(info.Columns)[len(info.Columns)]
	}
	if like := b.layout.options.Like; like != nil {
		info.Features, info.Fixed = like.Features, true
		info.Seen = min(info.Seen, info.Features)
	} else if !info.Fixed {
		info.Features = info.Seen
	}
	if info.Unlabelled {
		info.Rows, info.Numeric = uint64(b.rows()), true
		return info
	}
	b.labels.fillIn(&info)
	return info
}

// fits says whether info can be the merged info of this part and others.
func (b *builder) fits(info Info) bool {
	if !b.number(info, false) {
		return false
	}
	if info.Unlabelled {
		return true
	}
	_, ok := b.labels.places(info)
	return ok
}

// number turns keys into feature ids as info numbers them, if that is to be applied.
// It is false if info lacks one of them.
func (b *builder) number(info Info, apply bool) bool {
	if b.cats != nil && !b.cats.known {
		return b.place(info, apply)
	}
	base := uint64(info.Base)
	if n := len(b.keys); n > 0 && (b.keys[0] < base || b.keys[n-1]-base >= info.Features) {
		return false
	}
	for i := range b.keys {
		if apply {
			b.keys[i] -= base
		}
	}
	return true
}

// place is number for categories, whose order in this part says nothing of theirs
// in all parts. Values of a row stay in order, as they are of different columns.
func (b *builder) place(info Info, apply bool) bool {
	first := firstFeatures(info.Columns)
	ids := make([]uint64, len(b.keys))
	order := make([]uint32, len(b.keys))
	for i, key := range b.keys {
		id, ok := b.cats.place(key, info.Columns, first)
		if !ok || id >= info.Features {
			return false
		}
		ids[i], order[i] = id, uint32(i)
	}
	if !apply {
		return true
	}
	slices.SortFunc(order, func(i, j uint32) int { return cmp.Compare(ids[i], ids[j]) })
	rank := make([]uint32, len(order))
	for r, i := range order {
		rank[i], b.keys[r] = uint32(r), ids[i]
	}
	for i, j := range b.cols {
		b.cols[i] = rank[j]
	}
	return true
}

// part makes part p of a finished builder under an info that fits. It takes the
// builder's memory.
func (b *builder) part(p, of int, info Info) *Part {
	b.number(info, true)
	labels, classes := []float64(nil), []int32(nil)
	if !info.Unlabelled {
		labels, classes = b.labels.resolve(info)
	}
	return &Part{
		Index:  p,
		Of:     of,
		Labels: labels,
		Class:  classes,
		Keys:   b.keys,
		X:      Matrix{Ptr: b.ptr, Cols: b.cols, Vals: b.vals, NCols: len(b.keys)},
		Blocks: b.blocks,
	}
}
