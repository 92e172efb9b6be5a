package table

import (
	"math/bits"
	"slices"
)

// A store keeps one table's rows within one shard. Rows are numbered: in a dense
// store by their distance from the begin of the range, in a sparse one in order
// of first touch, so that a held set is a list of row numbers and an update
// needs no look-up. Rows lie in pages, allocated when first written (dense) or
// touched (sparse), and never move.
//
//	page: stamp   uint32 a row      when it last changed, 0 if never written
//	      values  width a row
//	      state   stateWidth*width  of the rule
//	      keys    uint32 a row      sparse only: distance from the begin of the range
//	      index   uint32 a slot     sparse only: row+1 by hash of the key
//
// A sparse key with one float32 value and two of state takes 4+4+8+4 bytes and 5
// to 7.5 for its slot.
type store[T Elem] struct {
	spec   Spec
	rng    Range
	width  int
	states int // state values a row
	pages  []*page[T]
	rows   uint32 // sparse: rows in use
	index  []uint32
	wide   bool // sparse: keys need 64 bits
	zero   []T  // scratch: the initial row, for rows that have no page

	fold folder[T]
}

const (
	pageBits = 10
	pageRows = 1 << pageBits
	pageMask = pageRows - 1
)

type page[T Elem] struct {
	latest uint32 // highest of stamps
	stamps []uint32
	vals   []T
	state  []T
	near   []uint32 // keys less the begin of the range, when that fits
	far    []uint64
	folded []int32 // while a clock is folded: 1 + position in the folder, 0: not touched
}

func newStore[T Elem](spec Spec, rng Range) *store[T] {
	s := &store[T]{spec: spec, rng: rng, width: spec.width()}
	s.states = spec.Rule.stateWidth() * s.width
	s.wide = rng.Len() > 1<<32
	s.zero = make([]T, s.width)
	if !spec.sparse() {
		s.pages = make([]*page[T], (rng.Len()+pageMask)>>pageBits)
	}
	return s
}

func (s *store[T]) newPage(number, rows int) *page[T] {
	p := &page[T]{
		stamps: make([]uint32, rows),
		vals:   make([]T, rows*s.width),
		state:  make([]T, rows*s.states),
	}
	if s.spec.sparse() {
		if s.wide {
			p.far = make([]uint64, rows)
		} else {
			p.near = make([]uint32, rows)
		}
		return p
	}
	if !s.spec.Init.zero() {
		for i := range rows {
			key := s.rng.Begin + uint64(number)<<pageBits + uint64(i)
			fillInit(s.spec.Init, key, p.vals[i*s.width:(i+1)*s.width])
		}
	}
	return p
}

// writable returns the page of row, allocated.
func (s *store[T]) writable(row uint32) *page[T] {
	n := row >> pageBits
	p := s.pages[n]
	if p == nil {
		rows := min(pageRows, int(s.rng.Len()-uint64(n)<<pageBits))
		p = s.newPage(int(n), rows)
		s.pages[n] = p
	}
	return p
}

// touch returns the row number of a key in a sparse store, made when it is new.
func (s *store[T]) touch(key uint64) uint32 {
	if uint64(s.rows)+1 > uint64(len(s.index))*4/5 {
		s.grow()
	}
	for i := s.slot(key); ; i++ {
		if i == len(s.index) {
			i = 0
		}
		switch at := s.index[i]; {
		case at == 0:
			s.index[i] = s.rows + 1
			return s.insert(key)
		case s.key(at-1) == key:
			return at - 1
		}
	}
}

func (s *store[T]) slot(key uint64) int {
	hi, _ := bits.Mul64(mix(key), uint64(len(s.index)))
	return int(hi)
}

func (s *store[T]) grow() {
	s.index = make([]uint32, max(64, len(s.index)+len(s.index)/2))
	for row := range s.rows {
		i := s.slot(s.key(row))
		for s.index[i] != 0 {
			if i++; i == len(s.index) {
				i = 0
			}
		}
		s.index[i] = row + 1
	}
}

func (s *store[T]) insert(key uint64) uint32 {
	row := s.rows
	s.rows++
	if int(row>>pageBits) == len(s.pages) {
		s.pages = append(s.pages, s.newPage(len(s.pages), pageRows))
	}
	p, i := s.pages[row>>pageBits], int(row&pageMask)
	if s.wide {
		p.far[i] = key
	} else {
		p.near[i] = uint32(key - s.rng.Begin)
	}
	if !s.spec.Init.zero() {
		fillInit(s.spec.Init, key, p.vals[i*s.width:(i+1)*s.width])
	}
	return row
}

// key is the key of a row.
func (s *store[T]) key(row uint32) uint64 {
	if !s.spec.sparse() {
		return s.rng.Begin + uint64(row)
	}
	p := s.pages[row>>pageBits]
	if s.wide {
		return p.far[row&pageMask]
	}
	return s.rng.Begin + uint64(p.near[row&pageMask])
}

// resolve fills in the rows of a held set.
func (s *store[T]) resolve(h *hold, set Set) {
	h.n = set.Len()
	if h.n == 0 {
		return
	}
	if set.isRange() && !s.spec.sparse() {
		h.begin, h.rows = uint32(set.r.Begin-s.rng.Begin), nil
		return
	}
	h.rows = make([]uint32, h.n)
	for i := range h.rows {
		if s.spec.sparse() {
			h.rows[i] = s.touch(set.Key(i))
		} else {
			h.rows[i] = uint32(set.Key(i) - s.rng.Begin)
		}
	}
}

// apply folds the updates of the listed rows, encoded in values, into the store.
func (s *store[T]) apply(rows []uint32, values []byte, stamp uint32) {
	size := s.spec.Type.Size() * s.width
	u := make([]T, s.width)
	for i, row := range rows {
		readRow(values[i*size:], u)
		s.applyOne(row, u, stamp)
	}
}

func (s *store[T]) applyOne(row uint32, u []T, stamp uint32) {
	p, i := s.writable(row), int(row&pageMask)
	applyRow(s.spec.Rule, p.vals[i*s.width:(i+1)*s.width], p.state[i*s.states:(i+1)*s.states], u)
	p.stamps[i], p.latest = stamp, stamp
}

// row returns the values of a row, which are good until the next call.
func (s *store[T]) row(row uint32) []T {
	if p := s.pages[row>>pageBits]; p != nil {
		i := int(row & pageMask)
		return p.vals[i*s.width : (i+1)*s.width]
	}
	fillInit(s.spec.Init, s.key(row), s.zero)
	return s.zero
}

// changed appends the positions of h whose rows have a stamp above since.
func (s *store[T]) changed(h *hold, since uint32, buf []int32) []int32 {
	buf = buf[:0]
	if h.rows != nil {
		for i, row := range h.rows {
			if p := s.pages[row>>pageBits]; p != nil && p.latest > since && p.stamps[row&pageMask] > since {
				buf = append(buf, int32(i))
			}
		}
		return buf
	}
	for i := 0; i < h.n; {
		row := h.begin + uint32(i)
		p, first := s.pages[row>>pageBits], int(row&pageMask)
		span := min(h.n-i, pageRows-first)
		if p != nil && p.latest > since {
			for j, stamp := range p.stamps[first : first+span] {
				if stamp > since {
					buf = append(buf, int32(i+j))
				}
			}
		}
		i += span
	}
	return buf
}

// appendValues encodes the values at the positions of h.
func (s *store[T]) appendValues(b []byte, h *hold, positions []int32) []byte {
	b = slices.Grow(b, len(positions)*s.width*s.spec.Type.Size())
	for _, i := range positions {
		b = appendRow(b, s.row(h.row(int(i))))
	}
	return b
}

func (s *store[T]) appendRow(b []byte, row uint32) []byte { return appendRow(b, s.row(row)) }

// restamp gives every written row the stamp 1.
func (s *store[T]) restamp() {
	for _, p := range s.pages {
		if p == nil {
			continue
		}
		p.latest = 0
		for i, stamp := range p.stamps {
			if stamp > 0 {
				p.stamps[i], p.latest = 1, 1
			}
		}
	}
}

// written calls f for each row that was ever written, by key.
func (s *store[T]) written(f func(key uint64, row uint32)) {
	if !s.spec.sparse() {
		for n, p := range s.pages {
			if p == nil {
				continue
			}
			for i, stamp := range p.stamps {
				if row := uint32(n)<<pageBits + uint32(i); stamp > 0 {
					f(s.key(row), row)
				}
			}
		}
		return
	}
	rows := make([]uint32, 0, s.rows)
	for row := range s.rows {
		if s.pages[row>>pageBits].stamps[row&pageMask] > 0 {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b uint32) int {
		if s.key(a) < s.key(b) {
			return -1
		}
		return 1
	})
	for _, row := range rows {
		f(s.key(row), row)
	}
}

// A folder combines the updates of all origins in one clock before the rule is
// applied, once a key.
type folder[T Elem] struct {
	rows []uint32
	acc  []T
}

// combine adds the updates of one origin; call it in the order of origins.
func (s *store[T]) combine(rows []uint32, values []byte) {
	f, w := &s.fold, s.width
	size := s.spec.Type.Size() * w
	u := make([]T, w)
	for i, row := range rows {
		p := s.writable(row)
		if p.folded == nil {
			p.folded = make([]int32, len(p.stamps))
		}
		readRow(values[i*size:], u)
		at := &p.folded[row&pageMask]
		if *at == 0 {
			f.rows = append(f.rows, row)
			f.acc = append(f.acc, u...)
			*at = int32(len(f.rows))
			continue
		}
		first := int(*at-1) * w
		combineRow(s.spec.Rule, f.acc[first:first+w], u)
	}
}

// flush applies what was combined.
func (s *store[T]) flush(stamp uint32) {
	f := &s.fold
	for i, row := range f.rows {
		s.applyOne(row, f.acc[i*s.width:(i+1)*s.width], stamp)
		s.pages[row>>pageBits].folded[row&pageMask] = 0
	}
	f.rows, f.acc = f.rows[:0], f.acc[:0]
}
