package dataset

import (
	"math"
	"math/bits"
	"slices"
)

// grouped is the entries of a part by rows, in the matrix that they are for.
type grouped struct {
	*entries
	first uint64  // entry of the matrix
	m     *Matrix // whose columns are those of all parts
}

// share is the rows of a part that one goroutine sorts.
type share struct {
	begin, end int
	used       []bool // columns
	kind       valueKind
}

// group collects the rows of a share and sorts them by column.
func (g *grouped) group(s *share) error {
	s.used = make([]bool, g.cols.n)
	if g.m.index == index16 {
		return groupRows(g, g.m.idx16, s)
	}
	return groupRows(g, g.m.idx32, s)
}

// groupRows is group by the type of the columns.
func groupRows[I uint16 | uint32](g *grouped, idx []I, s *share) error {
	next := make([]uint32, s.end-s.begin)
	longest := 0
	for r := range next {
		next[r] = uint32(g.before(s.begin+r) - g.first)
		longest = max(longest, int(g.ends[s.begin+r]-g.before(s.begin+r)))
	}
	for _, p := range g.pieces {
		scatterPiece(p, g.m, idx, next, uint32(s.begin))
	}
	row := rowOrder{make([]uint64, longest), make([]uint64, longest), bits.Len(uint(max(1, g.cols.n-1)))}
	wides := make([]float64, 0, longest)
	for r := s.begin; r < s.end; r++ {
		lo, hi := g.before(r)-g.first, g.ends[r]-g.first
		cols := idx[lo:hi]
		switch g.m.value {
		case ones:
			slices.Sort(cols)
		case values32:
			vals := g.m.val32[lo:hi]
			for k, x := range row.sorted(len(cols), func(k int) (uint32, uint32) { return uint32(cols[k]), math.Float32bits(vals[k]) }) {
				cols[k], vals[k] = I(x>>32), math.Float32frombits(uint32(x))
			}
		case values64:
			vals := g.m.val64[lo:hi]
			wides = append(wides[:0], vals...)
			for k, x := range row.sorted(len(cols), func(k int) (uint32, uint32) { return uint32(cols[k]), uint32(k) }) {
				cols[k], vals[k] = I(x>>32), wides[uint32(x)]
			}
		}
		for k, j := range cols {
			if k > 0 && cols[k-1] == j {
				return errTwice
			}
			s.used[j] = true
		}
		s.kind = max(s.kind, g.m.kindOf(int(lo), int(hi)))
	}
	return nil
}

// kindOf is the smallest kind that holds some of the stored values.
func (m *Matrix) kindOf(lo, hi int) valueKind {
	switch m.value {
	case values64:
		return valueKindOf(m.val64[lo:hi])
	case values32:
		for _, v := range m.val32[lo:hi] {
			if v != 1 {
				return values32
			}
		}
	}
	return ones
}

// scatterPiece puts the entries of a piece at the ends of their rows, of those that begin at
// row begin: next tells where these are.
func scatterPiece[I uint16 | uint32](p *piece, m *Matrix, idx []I, next []uint32, begin uint32) {
	n := uint32(len(next))
	codes := p.codes[:len(p.rowCodes)]
	for k, row := range p.rowCodes {
		r := row - begin
		if r >= n { // also those that have no row
			continue
		}
		at := next[r]
		next[r] = at + 1
		idx[at] = I(codes[k])
		switch {
		case m.value == ones:
		case m.value == values64:
			m.val64[at] = p.at(k)
		case p.val8 != nil:
			m.val32[at] = p.few[p.val8[k]]
		case p.val32 != nil:
			m.val32[at] = p.val32[k]
		default:
			m.val32[at] = 1
		}
	}
}

// rowOrder sorts the entries of a row after the other.
type rowOrder struct {
	x, y []uint64 // as long as the longest row
	bits int      // of a column
}

// sorted is n entries in the order of their columns, up to the next call; each is a column
// and what goes with it. Rows that are long enough are sorted by digits, the least first.
func (o *rowOrder) sorted(n int, entry func(k int) (column, with uint32)) []uint64 {
	x, y := o.x[:n], o.y[:n]
	for k := range x {
		column, with := entry(k)
		x[k] = uint64(column)<<32 | uint64(with)
	}
	const digit, enough = 8, 64
	if n < enough {
		slices.Sort(x)
		return x
	}
	for shift := 32; shift < 32+o.bits; shift += digit {
		var at [1 << digit]uint32
		for _, v := range x {
			at[v>>shift%(1<<digit)]++
		}
		sum := uint32(0)
		for d, c := range at {
			at[d], sum = sum, sum+c
		}
		for _, v := range x {
			d := v >> shift % (1 << digit)
			y[at[d]] = v
			at[d]++
		}
		x, y = y, x
	}
	return x
}

// fewValues is values that are some of at most 256, as their numbers; ok is false of others.
func fewValues(vals []float64) (few []float32, numbers []uint8, ok bool) {
	const slots = 512 // a power of two
	var keys [slots]uint32
	var at [slots]uint16 // 1 + the number
	numbers = make([]uint8, len(vals))
	for k, v := range vals {
		bits := math.Float32bits(float32(v))
		slot := bits * 0x9e3779b1 >> 23
		for at[slot] != 0 && keys[slot] != bits {
			slot = (slot + 1) % slots
		}
		if at[slot] == 0 {
			if len(few) == 256 {
				return nil, nil, false
			}
			few = append(few, float32(v))
			keys[slot], at[slot] = bits, uint16(len(few))
		}
		numbers[k] = uint8(at[slot] - 1)
	}
	return few, numbers, true
}
