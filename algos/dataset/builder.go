package dataset

import (
	"math"
	"slices"
)

// A builder collects rows of one part, on one goroutine: text goes in line by line,
// pieces come out. A part may have several builders, whose pieces and Infos are put
// together when all is read (assembly).
type builder struct {
	layout *layout // of the file that is being read
	facts  Info    // that all parts share
	labels *labelSet
	ids    idSet // of LIBSVM indices as written, or of CSV feature numbers
	*rows        // since the last piece

	taken    uint64 // rows in pieces
	top      uint64 // 1 + the largest index seen
	topLine  int64  // where it was seen first, if in the last text: lines of it before
	zero     bool   // index 0 was seen
	nonZeros uint64
	dropped  uint64
	row      []float64   // CSV: the values of a row, in order of column
	wide     bool        // CSV: one of them needs float64
	unseen   []uint32    // CSV without categories: columns that had only zeros so far
	rowIDs   []uint64    // CSV with categories: their ids
	hashes   []uint64    // CSV with hashed categories: of each column
	sparse   sparseRow   // a row of ids
	batch    *Batch      // where rows of a stream go; else nil
	cats     *categories // nil if there are none

	rowNames, colNames nameSet // Ratings
	unescaped          []byte  // CSV: a field without its doubled quotes
}

// rows are rows as they are read: their memory serves one piece after the other.
type rows struct {
	rowCodes []uint32 // of each value, where these are listed entry by entry

	ends  []uint32 // of each row: where its values end
	codes []uint32 // of the ids
	vals  []float64
	kind  valueKind // the smallest that holds vals

	weights []float32 // of the first rows, or more of them; those behind have 1

	full []float64 // CSV without categories: all values of each row, zeros too
}

// piece is rows that stand together in the input, with the codes of their builder.
type piece struct {
	order    order
	rowCodes []uint32 // of entries: the rows of codes and values; nil ends

	labels  []float64 // nil if there are none
	class   []int32
	ends    []uint32
	codes   []uint32  // nil if the piece is dense, or narrow has them
	narrow  []uint16  // codes that are all below 2^16
	weights []float32 // nil if all are 1
	width   int       // of a dense piece: each row has a value for all codes below
	val32   []float32 // val32 and val64 are nil if all values are 1
	val64   []float64
	from    int // number of the builder in its part
}

// newBuilder starts a part of an input whose first file has the layout l.
func newBuilder(l *layout, files []File) *builder { return continued(l, files, nil) }

// continued is newBuilder with the categories that were met before, if any.
func continued(l *layout, files []File, cats *categories) *builder {
	b := &builder{layout: l, facts: l.info(), labels: newLabelSet(l.options), rows: &rows{}}
	b.facts.Files = files
	if l.format == Text {
		if b.cats = cats; cats == nil {
			b.cats = newCategories(b.facts.Columns, l.options.Like != nil)
		}
		return b
	}
	if l.format != CSV {
		return b
	}
	b.row = make([]float64, l.features)
	b.top = uint64(l.features)
	if b.facts.Columns == nil {
		for t := range b.row {
			b.unseen = append(b.unseen, uint32(t))
		}
		return b
	}
	b.rowIDs = make([]uint64, l.features)
	if b.hashes = columnHashes(b.facts); b.hashes != nil {
		return b
	}
	if b.cats = cats; cats == nil {
		b.cats = newCategories(b.facts.Columns, l.options.Like != nil)
	}
	first := firstFeatures(b.facts.Columns)
	for t := range b.rowIDs {
		if b.rowIDs[t] = uint64(t); b.cats.known {
			b.rowIDs[t] = first[t]
		}
	}
	return b
}

// line adds the row that a line holds, if any: text[begin:end]. What is behind it in
// text is not looked at, but if there is something, numbers are read faster.
func (b *builder) line(text []byte, begin, end int) *fault {
	switch b.layout.format {
	case CSV:
		return b.csv(text, begin, end)
	case Text:
		return b.document(text, begin, end)
	case Docword:
		return b.docword(text, begin, end)
	case Ratings:
		return b.rating(text, begin, end)
	}
	return b.libsvm(text, begin, end)
}

// weigh gives a weight to the row that endRow will end.
func (b *builder) weigh(w float32) {
	if b.batch != nil {
		b.batch.weigh(w)
		return
	}
	b.rows.weigh(w)
}

// put adds a value to the row at byte at of its line, as float64 if it needs that.
// Values of a row come in ascending order of id.
func (b *builder) put(id uint64, v float64, wide bool, at int) *fault {
	if v == 0 {
		return nil
	}
	code, ok := b.ids.code(id)
	if !ok {
		return &fault{at, errTooManyIDs.Error()}
	}
	b.codes = append(b.codes, code)
	if v != 1 || b.kind != ones {
		b.value(v, wide)
	}
	return nil
}

// value keeps the value of the last code.
func (r *rows) value(v float64, wide bool) {
	if r.kind == ones {
		r.kind = values32
		r.vals = r.vals[:0]
		for range len(r.codes) - 1 {
			r.vals = append(r.vals, 1)
		}
	}
	if wide {
		r.kind = values64
	}
	r.vals = append(r.vals, v)
}

// endRow ends a row whose label and values are in.
func (b *builder) endRow() *fault {
	if len(b.codes) > math.MaxUint32 {
		return faultf(0, "more than 2^32-1 values stand together")
	}
	b.ends = append(b.ends, uint32(len(b.codes)))
	return nil
}

// piece takes the rows that were read since the last one, in memory of their own.
func (b *builder) piece(o order) *piece {
	if listsEntries(b.layout.format) {
		return b.entries(o)
	}
	r := b.rows
	p := &piece{order: o, ends: slices.Clone(r.ends)}
	p.labels, p.class = b.labels.take()
	p.weights = r.takeWeights()
	if len(r.full) > 0 && r.dense() {
		p.width = len(b.row)
		r.vals, r.full = r.full, r.vals
	} else if r.gather(len(b.row)); slices.Max(append(r.codes, 0)) < 1<<16 {
		p.narrow = make([]uint16, len(r.codes))
		for k, code := range r.codes {
			p.narrow[k] = uint16(code)
		}
	} else {
		p.codes = slices.Clone(r.codes)
	}
	switch r.kind {
	case values32:
		p.val32 = make([]float32, len(r.vals))
		for k, v := range r.vals {
			p.val32[k] = float32(v)
		}
	case values64:
		p.val64 = slices.Clone(r.vals)
	}
	b.nonZeros += uint64(p.len())
	b.taken += uint64(len(r.ends))
	r.clear()
	return p
}

// clear lets the rows go, but for their memory.
func (r *rows) clear() {
	r.ends, r.codes, r.vals, r.full, r.kind = r.ends[:0], r.codes[:0], r.vals[:0], r.full[:0], ones
	r.weights, r.rowCodes = r.weights[:0], r.rowCodes[:0]
}

// dense says whether full rows take no more memory than their values with codes.
func (r *rows) dense() bool {
	return r.kind != ones && 2*int(r.ends[len(r.ends)-1]) >= len(r.full)
}

// gather takes the values that are not zero from full rows of so many columns.
func (r *rows) gather(width int) {
	for k, v := range r.full {
		if v == 0 {
			continue
		}
		r.codes = append(r.codes, uint32(k%width))
		if r.kind != ones {
			r.vals = append(r.vals, v)
		}
	}
}

// len is how many values of the piece are not zero.
func (p *piece) len() int {
	if len(p.ends) == 0 {
		return 0
	}
	return int(p.ends[len(p.ends)-1])
}

// kind is how the piece keeps its values.
func (p *piece) kind() valueKind {
	switch {
	case p.val64 != nil:
		return values64
	case p.val32 != nil:
		return values32
	}
	return ones
}

// info returns the facts of the pieces that were taken, but for their weights and the
// label sums of labels that are not classes.
func (b *builder) info() Info {
	info := b.facts
	info.NonZeros = b.nonZeros
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
	if b.hashes != nil {
		info.Seen = info.Features
	}
	if like := b.layout.options.Like; like != nil {
		info.Features, info.Fixed = like.Features, true
		info.Seen = min(info.Seen, info.Features)
	} else if !info.Fixed {
		info.Features = info.Seen
	}
	if info.Unlabelled {
		info.Rows, info.Numeric = b.taken, true
	} else {
		b.labels.fillIn(&info)
	}
	info.Weight = float64(info.Rows)
	return info
}

// fits says whether info can be the merged info of this builder's rows and others.
func (b *builder) fits(info Info) bool {
	if b.named() {
		first := firstFeatures(info.Columns)
		for id := range b.ids.each {
			if feature, ok := b.cats.place(id, info.Columns, first); !ok || feature >= info.Features {
				return false
			}
		}
	} else if low, high, some := b.ids.limits(); some {
		base := uint64(info.Base)
		if low < base || high-base >= info.Features {
			return false
		}
	}
	if info.Unlabelled {
		return true
	}
	_, ok := b.labels.places(info)
	return ok
}

// named says whether ids are categories whose features are known only when all
// parts are.
func (b *builder) named() bool { return b.cats != nil && !b.cats.known }
