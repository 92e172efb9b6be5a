package dataset

import "math"

// builder collects the rows of one part. Columns are numbers of ids, in the
// order of their occurrence, until finish sorts them.
type builder struct {
	layout *layout
	labels *labelSet

	ptr  []int64
	cols []uint32
	vals []float64 // nil while all are 1
	ids  idSet     // of LIBSVM indices as written, or of CSV feature numbers
	keys []uint64  // after finish: the sorted ids

	top       uint64 // 1 + the largest index seen
	zero      bool   // index 0 was seen
	dropped   uint64
	blocks    []int32   // compressed input: rows of each block of lines of this part
	row       []float64 // CSV: the values of a row, in order of feature
	unescaped []byte    // CSV: a field without its doubled quotes
}

func newBuilder(l *layout) *builder {
	b := &builder{layout: l, labels: newLabelSet(l.options), ptr: []int64{0}}
	if l.format == CSV {
		b.row = make([]float64, l.features)
		b.top = uint64(l.features)
	}
	return b
}

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
	b.row, b.unescaped = nil, nil
}

// info returns the facts of a finished part.
func (b *builder) info() Info {
	l := b.layout
	info := Info{
		Format:      l.format,
		Bytes:       l.bytes,
		NonZeros:    uint64(len(b.cols)),
		Dropped:     b.dropped,
		Features:    l.options.Features,
		Fixed:       l.options.Features > 0,
		Base:        l.options.Base,
		Label:       l.labelName,
		LabelColumn: max(0, l.label),
		Names:       l.names,
	}
	if l.format == CSV {
		info.Base = 0
	} else if info.Base < 0 && b.zero {
		info.Base = 0
	} else if info.Base < 0 {
		info.Base = 1
	}
	if b.top > 0 {
		info.Seen = b.top - uint64(info.Base)
	}
	if l.options.Like != nil {
		info.Features, info.Fixed = l.options.Like.Features, true
	} else if !info.Fixed {
		info.Features = info.Seen
	}
	b.labels.fillIn(&info)
	return info
}

// fits says whether info can be the merged info of this part and others.
func (b *builder) fits(info Info) bool {
	base := uint64(info.Base)
	if n := len(b.keys); n > 0 && (b.keys[0] < base || b.keys[n-1]-base >= info.Features) {
		return false
	}
	_, ok := b.labels.places(info)
	return ok
}

// part makes part p of a finished builder under an info that fits. It takes the
// builder's memory.
func (b *builder) part(p, of int, info Info) *Part {
	for i := range b.keys {
		b.keys[i] -= uint64(info.Base)
	}
	labels, classes := b.labels.resolve(info)
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
