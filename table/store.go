package table

import (
	"math/bits"
	"slices"

	"petuum/table/kernel"
)

// A store keeps one table's rows within one shard. Rows are numbered: in a dense
// store by their distance from the begin of the range, in a sparse one in order
// of first touch, so that a held set is a list of row numbers and an update
// needs no look-up. Rows lie in pages, allocated when first written (dense) or
// touched (sparse), and never move.
//
//	page: stamp   uint32 a row      when it last changed, 0 if never written; one
//	                                for all rows where they are written together
//	      values  width a row
//	      state   stateWidth*width  of the rule
//	      keys    uint32 a row      sparse only: distance from the begin of the range
//
// A sparse key with one float32 value and two of state takes 4+4+8+4 bytes and
// what the index takes, and 4 more while clocks of several origins are folded.
type store[T Elem] struct {
	spec   Spec
	rule   Rule // of spec, in the clock that is applied
	rng    Range
	width  int
	states int    // state values a row
	latest uint32 // highest stamp of any row
	pages  []*page[T]
	rows   uint32 // sparse: rows in use
	index  index  // sparse: of the keys
	wide   bool   // sparse: keys need 64 bits
	zero   []T    // scratch: the initial row, for rows that have no page
	buf    []T    // scratch: an update decoded
	rest   []T    // scratch, see run
	scaled []T    // scratch: an update weighted

	rowList  []uint32    // scratch
	gathered gathered[T] // scratch

	fold folder[T]
}

const (
	pageBits = 10
	pageRows = 1 << pageBits
	pageMask = pageRows - 1
)

type page[T Elem] struct {
	latest uint32 // highest of stamps
	all    uint32 // no row has a lower stamp, whatever stamps say
	stamps []uint32
	vals   []T
	state  []T
	near   []uint32 // keys less the begin of the range, when that fits
	far    []uint64
	folded []int32 // while a clock is folded: 1 + position in the folder, 0: not touched
}

func newStore[T Elem](spec Spec, rng Range) *store[T] {
	s := &store[T]{spec: spec, rule: spec.Rule, rng: rng, width: spec.width()}
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
	room := h.rows.list
	h.rows = rowSet{n: set.Len()}
	if h.rows.n == 0 {
		return
	}
	if set.isRange() && !s.spec.sparse() {
		h.rows.begin = uint32(set.r.Begin - s.rng.Begin)
		return
	}
	var list []uint32
	if h.rows.n <= maxReused {
		s.rowList = slices.Grow(s.rowList[:0], h.rows.n)[:h.rows.n]
		list = s.rowList
	} else {
		list = make([]uint32, h.rows.n)
	}
	consecutive := true // as those are that the first holder of sparse keys touches
	if s.spec.sparse() {
		s.touchAll(set, list)
	}
	for i := range list {
		if !s.spec.sparse() {
			list[i] = uint32(set.Key(i) - s.rng.Begin)
		}
		consecutive = consecutive && list[i] == list[0]+uint32(i)
	}
	switch h.rows.begin = list[0]; {
	case consecutive:
	case h.rows.n <= maxReused:
		h.rows.list = append(room[:0], list...)
	default:
		h.rows.list = list
	}
}

// apply folds the updates of some rows, encoded in values, into the store.
func (s *store[T]) apply(at rowSet, values []byte, stamp uint32) {
	if at.n == 0 {
		return
	}
	w := s.width
	s.latest = stamp
	u := kernel.Values(values, at.n*w, &s.buf)
	switch {
	case at.list == nil:
		s.applySpan(at, u, stamp)
	case w == 1 && s.spec.Rule.kind == ruleAdd:
		for i, row := range at.list {
			p, j := s.pages[row>>pageBits], row&pageMask
			if p == nil {
				p = s.writable(row)
			}
			p.vals[j] += u[i]
			p.stamps[j], p.latest = stamp, stamp
		}
	default:
		s.applyListed(at.list, u, stamp)
	}
}

// applyListed is apply for listed rows of any rule.
func (s *store[T]) applyListed(rows []uint32, u []T, stamp uint32) {
	if s.width == 1 {
		s.applyScattered(rows, u, stamp)
		return
	}
	for i, row := range rows {
		s.applyOne(row, u[i*s.width:(i+1)*s.width], stamp)
	}
}

// applySpan is apply for consecutive rows, a page at a time.
func (s *store[T]) applySpan(at rowSet, u []T, stamp uint32) {
	w := s.width
	for i := 0; i < at.n; {
		row := at.begin + uint32(i)
		p, first := s.writable(row), int(row&pageMask)
		span := min(at.n-i, len(p.stamps)-first)
		if s.states <= w { // rules work element by element, their state beside the values
			applyRow(s.rule, p.vals[first*w:(first+span)*w], p.state[first*s.states:(first+span)*s.states], u[i*w:(i+span)*w])
		} else {
			for k := range span {
				applyRow(s.rule, p.vals[(first+k)*w:(first+k+1)*w], p.state[(first+k)*s.states:(first+k+1)*s.states], u[(i+k)*w:(i+k+1)*w])
			}
		}
		p.touched(first, span, stamp)
		i += span
	}
}

func (s *store[T]) applyOne(row uint32, u []T, stamp uint32) {
	p, i := s.writable(row), int(row&pageMask)
	applyRow(s.rule, p.vals[i*s.width:(i+1)*s.width], p.state[i*s.states:(i+1)*s.states], u)
	p.stamps[i], p.latest = stamp, stamp
}

// stamp is when row i of the page last changed.
func (p *page[T]) stamp(i int) uint32 { return max(p.stamps[i], p.all) }

// touched gives the rows [first, first+n) a stamp, which is no lower than any.
func (p *page[T]) touched(first, n int, stamp uint32) {
	p.latest = stamp
	if n == len(p.stamps) {
		p.all = stamp
		return
	}
	for i := range p.stamps[first : first+n] {
		p.stamps[first+i] = stamp
	}
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

// changed returns the positions of at whose rows have a stamp above since; where
// they are listed, in *buf.
func (s *store[T]) changed(at rowSet, since uint32, buf *[]int32) places {
	list := (*buf)[:0]
	if s.latest <= since {
		return listed(list)
	}
	if at.list != nil {
		for i, row := range at.list {
			if p := s.pages[row>>pageBits]; p != nil && p.latest > since && (p.all > since || p.stamps[row&pageMask] > since) {
				list = append(list, int32(i))
			}
		}
		*buf = list
		return listed(list)
	}
	all := true // so far: those before i are not listed
	for i := 0; i < at.n; {
		row := at.begin + uint32(i)
		p, first := s.pages[row>>pageBits], int(row&pageMask)
		span := min(at.n-i, pageRows-first)
		whole := p != nil && (p.all > since || all && p.latest > since && above(p.stamps[first:first+span], since))
		if all && !whole {
			all = false
			for k := range i {
				list = append(list, int32(k))
			}
		}
		switch {
		case all, p == nil, p.latest <= since:
		case whole:
			for k := range span {
				list = append(list, int32(i+k))
			}
		default:
			var mask [pageRows / 64]uint64
			kernel.Newer(mask[:], p.stamps[first:first+span], since)
			for k, word := range mask[:(span+63)/64] {
				for ; word != 0; word &= word - 1 {
					list = append(list, int32(i+64*k+bits.TrailingZeros64(word)))
				}
			}
		}
		i += span
	}
	*buf = list
	if all {
		return allOf(at.n)
	}
	return listed(list)
}

// above reports whether all stamps are higher than since.
func above(stamps []uint32, since uint32) bool {
	for _, stamp := range stamps {
		if stamp <= since {
			return false
		}
	}
	return true
}

// newer reports whether changed would return any.
func (s *store[T]) newer(at rowSet, since uint32) bool {
	if s.latest <= since {
		return false
	}
	if at.list != nil {
		for _, row := range at.list {
			if p := s.pages[row>>pageBits]; p != nil && p.latest > since && p.stamp(int(row&pageMask)) > since {
				return true
			}
		}
		return false
	}
	for i := 0; i < at.n; {
		row := at.begin + uint32(i)
		p, first := s.pages[row>>pageBits], int(row&pageMask)
		span := min(at.n-i, pageRows-first)
		if p != nil && p.latest > since {
			if p.all > since || slices.ContainsFunc(p.stamps[first:first+span], func(stamp uint32) bool { return stamp > since }) {
				return true
			}
		}
		i += span
	}
	return false
}

// appendValues encodes the values of the rows at some positions.
func (s *store[T]) appendValues(b []byte, at rowSet, p places) []byte {
	b = slices.Grow(b, p.n*s.width*s.spec.Type.Size())
	if p.all && at.list == nil {
		r := run[T]{b: b, rest: s.rest[:0]}
		for i := 0; i < at.n; {
			row := at.begin + uint32(i)
			page, first := s.pages[row>>pageBits], int(row&pageMask)
			if page == nil {
				r.add(s.row(row))
				i++
				continue
			}
			span := min(at.n-i, len(page.stamps)-first)
			r.add(page.vals[first*s.width : (first+span)*s.width])
			i += span
		}
		s.rest = r.rest
		return r.end()
	}
	rows := s.listed(at, p)
	if s.width > 1 {
		s.buf = s.buf[:0]
		for _, row := range rows {
			s.buf = append(s.buf, s.row(row)...)
		}
		return appendWire(b, s.buf)
	}
	s.buf = slices.Grow(s.buf[:0], len(rows))[:len(rows)]
	for i, row := range rows {
		if page := s.pages[row>>pageBits]; page != nil {
			s.buf[i] = page.vals[row&pageMask]
		} else {
			s.buf[i] = s.row(row)[0]
		}
	}
	return appendWire(b, s.buf)
}

// listed lists the rows at some positions.
func (s *store[T]) listed(at rowSet, p places) []uint32 {
	if p.all && at.list != nil {
		return at.list
	}
	var rows rowSet
	rows, s.rowList = at.at(p, s.rowList[:0])
	return rows.list
}

// restamp gives every written row the stamp 1.
func (s *store[T]) restamp() {
	s.latest = min(s.latest, 1)
	for _, p := range s.pages {
		if p == nil {
			continue
		}
		p.latest = 0
		for i := range p.stamps {
			if p.stamp(i) > 0 {
				p.stamps[i], p.latest = 1, 1
			}
		}
		p.all = 0
	}
}

// A folder combines the updates of all origins in one clock before the rule is
// applied, once a key.
type folder[T Elem] struct {
	rows []uint32
	acc  []T
}

// combine adds the updates of one origin; call it in the order of origins.
func (s *store[T]) combine(at rowSet, values []byte) {
	f, w := &s.fold, s.width
	all := kernel.Values(values, at.n*w, &s.buf)
	for i := range at.n {
		row, u := at.row(i), all[i*w:(i+1)*w]
		p := s.writable(row)
		if p.folded == nil {
			p.folded = make([]int32, len(p.stamps))
		}
		place := &p.folded[row&pageMask]
		if *place == 0 {
			f.rows = append(f.rows, row)
			f.acc = append(f.acc, u...)
			*place = int32(len(f.rows))
			continue
		}
		first := int(*place-1) * w
		combineRow(s.spec.Rule, f.acc[first:first+w], u)
	}
}

// flush applies what was combined.
func (s *store[T]) flush(stamp uint32) {
	f := &s.fold
	if len(f.rows) > 0 {
		s.latest = stamp
	}
	s.applyListed(f.rows, f.acc, stamp)
	for _, row := range f.rows {
		s.pages[row>>pageBits].folded[row&pageMask] = 0
	}
	f.rows, f.acc = f.rows[:0], f.acc[:0]
}
