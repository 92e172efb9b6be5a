package dataset

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"

	"petuum/algos/dataset/cache"
)

// order is where a piece stands among those of its part.
type order struct {
	dealt  bool  // of a file that is dealt out in blocks; those come last
	file   int32 // in Info.Files
	number int32 // of the Block
	at     int64 // ascending within the block
}

func (o order) compare(u order) int {
	if o.dealt != u.dealt {
		if u.dealt {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(o.file, u.file), cmp.Compare(o.number, u.number), cmp.Compare(o.at, u.at))
}

// assembly is one part as it was read: the pieces of its builders.
type assembly struct {
	builders []*builder
	pieces   []*piece               // in the order of the input
	blocks   bool                   // Part.Blocks is needed
	digests  map[int][]cache.Digest // of what was read, by file; nil without a cache
	made     *Part                  // of listed entries: the part itself, and no pieces
	info     Info
}

// finish puts the pieces in order and the facts together. name is the input's, for
// messages.
func (a *assembly) finish(l *layout, files []File) error {
	slices.SortFunc(a.pieces, func(p, q *piece) int { return p.order.compare(q.order) })
	if len(a.builders) == 0 {
		a.builders = []*builder{newBuilder(l, files)}
	}
	for _, b := range a.builders {
		info := b.info()
		if err := info.checkFeatures(); err != nil {
			return err
		}
		var err error
		if a.info, err = a.info.Merge(info); err != nil {
			return err
		}
	}
	if a.info.Classes == nil && !a.info.Unlabelled {
		// Added up in the order of the rows, as who reads what is left to chance.
		var m moments
		for _, p := range a.pieces {
			for _, y := range p.labels {
				m.add(y)
			}
		}
		m.fillIn(&a.info)
	}
	a.weigh()
	if err := a.info.checkFeatures(); err != nil || !l.options.Sums {
		return err
	}
	return a.sum()
}

// fits says whether info can be the merged info of this part and others.
func (a *assembly) fits(info Info) bool {
	return !slices.ContainsFunc(a.builders, func(b *builder) bool { return !b.fits(info) })
}

// part makes part p under an info that fits. It takes the assembly's memory.
func (a *assembly) part(p, of int, info Info) (*Part, error) {
	if a.made != nil {
		return a.made, nil
	}
	rows := int(a.info.Rows)
	if uint64(rows) >= 1<<32-1 {
		return nil, fmt.Errorf("dataset: %s: more than 2^32-2 samples in one part: use more parts", info.input())
	}
	part := &Part{Index: p, Of: of, Blocks: a.listBlocks()}
	if !info.Unlabelled {
		part.Labels = make([]float64, 0, rows)
		if info.Classes != nil {
			part.Class = make([]int32, 0, rows)
		}
		for _, piece := range a.pieces {
			a.builders[piece.from].labels.resolve(info, piece, part)
		}
	}
	if info.Weighted {
		part.Weight = a.weights(rows)
	}
	place := a.places(info)
	part.Keys = place.keys
	part.X = a.matrix(rows, place)
	a.builders, a.pieces = nil, nil
	return part, nil
}

// listBlocks returns the blocks of Part.Blocks.
func (a *assembly) listBlocks() (blocks []Block) {
	if !a.blocks {
		return nil
	}
	for _, p := range a.pieces {
		b := Block{p.order.file, p.order.number, int32(len(p.ends))}
		if n := len(blocks) - 1; n >= 0 && blocks[n].File == b.File && blocks[n].Number == b.Number {
			blocks[n].Rows += b.Rows
		} else {
			blocks = append(blocks, b)
		}
	}
	return blocks
}

// places tells which column a code of a builder stands for.
type places struct {
	*positions
	unordered bool       // the codes of a row are not in the order of their columns
	table     [][]uint32 // by builder: of each code; nil where positions tells
	base      uint32     // subtract this from a small code, unless it is none
}

// places numbers the ids of all builders; keys become feature ids.
func (a *assembly) places(info Info) places {
	sets := make([]*idSet, len(a.builders))
	for k, b := range a.builders {
		sets[k] = &b.ids
	}
	if !a.builders[0].named() {
		p := orderIDs(sets)
		for i := range p.keys {
			p.keys[i] -= uint64(info.Base)
		}
		for k := range sets {
			*sets[k] = idSet{}
		}
		return places{positions: p, base: p.first}
	}
	// Categories: what a builder calls them says nothing of their order in all parts.
	first := firstFeatures(info.Columns)
	features := make([]idSet, len(a.builders))
	for k, b := range a.builders {
		for id := range b.ids.each {
			feature, _ := b.cats.place(id, info.Columns, first)
			features[k].code(feature)
			sets[k] = &features[k]
		}
	}
	p := places{positions: orderIDs(sets), unordered: info.Format == Text, table: make([][]uint32, len(a.builders)), base: none}
	for k, b := range a.builders {
		for id, code := range b.ids.each {
			feature, _ := b.cats.place(id, info.Columns, first)
			at, _ := slices.BinarySearch(p.keys, feature)
			p.table[k] = append(p.table[k], make([]uint32, max(0, int(code)+1-len(p.table[k])))...)
			p.table[k][code] = uint32(at)
		}
	}
	return p
}

// freeing is how much of the pieces' memory is given back at a time, at least.
const freeing = 16 << 20

// matrix puts the pieces together, on all processors. Pieces are let go as they
// are copied, and their memory is given back to the system now and then: there is
// never much more than one of the data.
func (a *assembly) matrix(rows int, place places) Matrix {
	nnz, kind := 0, ones
	starts := make([]start, len(a.pieces))
	row := 0
	for i, p := range a.pieces {
		starts[i] = start{row, nnz}
		row, nnz = row+len(p.ends), nnz+p.len()
		kind = max(kind, p.kind())
	}
	m := newMatrix(rows, len(place.keys), nnz, form(rows, len(place.keys), nnz, kind), kind)
	var (
		wg    sync.WaitGroup
		next  atomic.Int64
		freed atomic.Int64
	)
	batch := max(freeing, m.Bytes()/8)
	for range min(runtime.GOMAXPROCS(0), len(a.pieces)) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(a.pieces) {
					return
				}
				p := a.pieces[i]
				a.pieces[i] = nil
				switch m.index {
				case dense:
					p.scatter(&m, place, starts[i])
				case index16:
					copyPiece(&m, m.idx16, p, place, starts[i])
				default:
					copyPiece(&m, m.idx32, p, place, starts[i])
				}
				bytes := int64(p.bytes())
				if n := freed.Add(bytes); n/int64(batch) != (n-bytes)/int64(batch) {
					debug.FreeOSMemory()
				}
			}
		})
	}
	wg.Wait()
	return m
}

// start is where a piece begins in the matrix.
type start struct{ row, at int }

// bytes is the memory that a piece takes.
func (p *piece) bytes() int {
	return 8*len(p.labels) + 4*len(p.class) + 4*len(p.ends) + 4*len(p.codes) + 2*len(p.narrow) + 4*len(p.val32) + 8*len(p.val64) + 4*len(p.weights)
}

// copyPiece copies a piece to a sparse matrix.
func copyPiece[I uint16 | uint32](m *Matrix, idx []I, p *piece, place places, s start) {
	for i, end := range p.ends {
		m.ptr[s.row+i+1] = int64(s.at) + int64(end)
	}
	if p.width > 0 {
		p.gather(m, func(k int, j uint32) { idx[k] = I(j) }, place, s.at)
		return
	}
	whole := idx
	idx = idx[s.at:][:p.len()]
	if p.narrow != nil {
		placeCodes(idx, p.narrow, place, p.from)
	} else {
		placeCodes(idx, p.codes, place, p.from)
	}
	switch m.value {
	case values32:
		p.values32(m.val32[s.at:][:len(idx)])
	case values64:
		to := m.val64[s.at:][:len(idx)]
		for k := range to {
			to[k] = p.at(k)
		}
	}
	if place.unordered {
		sortRows(m, whole, s.row, s.row+len(p.ends), &sparseRow{})
	}
}

// placeCodes turns codes of builder from into columns.
func placeCodes[I, C uint16 | uint32](idx []I, codes []C, place places, from int) {
	idx = idx[:len(codes)]
	switch {
	case place.table != nil:
		table := place.table[from]
		for k, code := range codes {
			idx[k] = I(table[code])
		}
	case place.base != none:
		for k, code := range codes {
			if uint32(code) >= smallIDs {
				idx[k] = I(place.of(from, uint32(code)))
			} else {
				idx[k] = I(uint32(code) - place.base)
			}
		}
	default:
		for k, code := range codes {
			idx[k] = I(place.of(from, uint32(code)))
		}
	}
}

// column returns the column of a code of builder from.
func (p places) column(from int, code uint32) int {
	if p.table != nil {
		return int(p.table[from][code])
	}
	return int(p.of(from, code))
}

// code is that of value k of a sparse piece.
func (p *piece) code(k int) uint32 {
	if p.narrow != nil {
		return uint32(p.narrow[k])
	}
	return p.codes[k]
}

// values32 copies the values of a piece that has none of float64.
func (p *piece) values32(to []float32) {
	if p.val32 != nil {
		copy(to, p.val32)
		return
	}
	for k := range to {
		to[k] = 1
	}
}

// at is value k of the piece.
func (p *piece) at(k int) float64 {
	switch {
	case p.val64 != nil:
		return p.val64[k]
	case p.val32 != nil:
		return float64(p.val32[k])
	}
	return 1
}

// gather copies a dense piece to a sparse matrix, from value at on.
func (p *piece) gather(m *Matrix, column func(k int, j uint32), place places, at int) {
	for i := range p.ends {
		for t := range p.width {
			v := p.at(i*p.width + t)
			if v == 0 {
				continue
			}
			column(at, place.of(p.from, uint32(t)))
			m.set(at, v)
			at++
		}
	}
}

// set makes v the stored value k.
func (m *Matrix) set(k int, v float64) {
	switch m.value {
	case values32:
		m.val32[k] = float32(v)
	case values64:
		m.val64[k] = v
	}
}

// scatter copies a piece to a dense matrix.
func (p *piece) scatter(m *Matrix, place places, s start) {
	if p.width > 0 {
		p.copyDense(m, place, s)
		return
	}
	k := 0
	for i, end := range p.ends {
		row := (s.row + i) * m.cols
		for ; k < int(end); k++ {
			m.set(row+place.column(p.from, p.code(k)), p.at(k))
		}
	}
}

// copyDense copies a dense piece to a dense matrix, whose columns are those of the
// piece that have a value somewhere.
func (p *piece) copyDense(m *Matrix, place places, s start) {
	if m.cols == p.width && m.value == values32 && p.val32 != nil {
		copy(m.val32[s.row*m.cols:], p.val32)
		return
	}
	for i := range p.ends {
		for t := range p.width {
			if v := p.at(i*p.width + t); v != 0 {
				m.set((s.row+i)*m.cols+int(place.of(p.from, uint32(t))), v)
			}
		}
	}
}
