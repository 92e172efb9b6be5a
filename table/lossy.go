package table

import (
	"fmt"
	"slices"

	"petuum/consistency"
	"petuum/table/kernel"
)

// How the values of a lossy table travel, both ways. A client owes its shards
// what it was given by its parts and has not sent; a shard owes a client the
// difference between its values and those that the client has.
//
//	client   owed + deposited ── filter ── round ──► sent, applied as it arrives
//	           ▲                    │         │
//	           └────────────────────┴─────────┘ what stays
//	shard    value - known     ── filter ── round ──► sent, and added to known
//
// Invariants:
//
//   - value(shard) + sum of owed(clients) is the sum of all updates, whatever was
//     rounded and kept back: nothing is lost.
//   - known(shard, hold) is what the client has, to the bit: both add the same
//     decoded values in the same order. A hello makes it unknown, and the values
//     are sent anew.
//   - A part sees its own updates exactly: its view shows what its client owes
//     besides what was answered, and under rule Add a client's updates reach its
//     own values without a detour: the shard credits them to known as it applies
//     them, the client as it learns that they were, and answers bring what others
//     did. Only where a shard folds clocks (Options.Deterministic) do own updates
//     come back rounded; and what a part did just before it turned to another set of
//     keys comes back there as what others did.
//   - What is owed is paid, exactly: when a set is held no more, when an origin
//     leaves, and by [Client.Exactly].
//
// In a message the values of a lossy table follow a byte that says how they are
// encoded: formExact, where answers have values and not differences; or
// formEncoded, as the table's encoding says.
const (
	formExact = iota
	formEncoded
)

// credits reports whether a client's own updates count as known to it.
func (s Spec) credits(deterministic bool) bool {
	return s.shadowed() && s.Rule == Add && !deterministic
}

// shadowed reports whether a shard remembers what a client was sent.
func (s Spec) shadowed() bool { return s.Encoding != Exact || s.Filter.Significant > 0 }

// rowBytes is the least that the values of a row take in a message.
func (s Spec) rowBytes() int {
	size := s.Type.Size()
	if s.Lossy() {
		size = min(size, s.Encoding.size(s.Type))
	}
	return size * s.width()
}

// sieve holds back rows that a filter says are not to be sent in clock t.
type sieve struct {
	Filter
	seed uint64
	t    consistency.Clock
}

func (f Filter) at(t consistency.Clock, seed uint64) sieve { return sieve{f, mix(seed + uint64(t)), t} }

func keeps[T Elem](f sieve, key uint64, row []T) bool {
	if f.Skip > 0 && float64(mix(f.seed^mix(key))>>11)*(1.0/(1<<53)) < f.Skip {
		return true
	}
	if f.Significant == 0 {
		return false
	}
	least := f.Significant / float64(max(f.t, 1))
	for _, v := range row {
		if x := float64(v); x >= least || -x >= least || x != x {
			return false
		}
	}
	return true
}

// takeLossy is take for a lossy table. exact sends all that is owed, as it is.
func (h *heldSet[T]) takeLossy(k int, clock consistency.Clock, exact, keep, credit bool, b []byte) ([]byte, bool) {
	s, w := &h.segs[k], h.width
	list := h.due(s, exact)
	x := h.buf[:0]
	for _, p := range list {
		for i := int(p) * w; i < int(p+1)*w; i++ {
			x = append(x, h.acc[i]+h.owed[i])
			h.acc[i], h.owed[i] = 0, 0
		}
	}
	h.buf = x
	h.c.stats.Saved += int64(len(x) * h.spec.Type.Size())
	if f := h.spec.Filter.at(clock, uint64(h.c.o.Origin)<<32|uint64(h.table)); !exact && f.Filter != (Filter{}) {
		n := 0
		for i, p := range list {
			row := x[i*w : (i+1)*w]
			if keeps(f, h.set.Key(int(p)), row) {
				copy(h.row(h.owed, int(p)), row)
				h.kept.set(int(p))
				h.keeps = true
				h.cancelled(p) // it may have been refreshed without what was deposited
				continue
			}
			list[n] = p
			copy(x[n*w:(n+1)*w], row)
			n++
		}
		list, x = list[:n], x[:n*w]
	}
	pack := packer[T]{enc: h.spec.Encoding}
	if exact {
		pack.enc = Exact
	}
	h.round(&pack, list, x)
	if h.spec.Rule.skipsZero() {
		list, x = dropZeros(list, x, w, s.hi-s.lo, pack.enc.size(h.spec.Type), h.cancelled)
	}
	if len(list) == 0 {
		return b, false
	}
	for i := range list {
		list[i] -= int32(s.lo)
	}
	b = appendPlaces(appendUints(b, uint64(h.table), uint64(h.id)), listed(list), s.hi-s.lo)
	before := len(b)
	b = pack.appendForm(b, x)
	h.c.stats.Saved -= int64(len(b) - before)
	if keep || credit {
		h.keepLayer(s, clock, list, x)
		s.layers[len(s.layers)-1].credit = credit
	}
	return b, true
}

// round rounds x, of the listed rows, and keeps what that takes away. What cannot be
// rounded goes as it is.
func (h *heldSet[T]) round(pack *packer[T], list []int32, x []T) {
	h.exactly = append(h.exactly[:0], x...)
	if !pack.round(x) {
		copy(x, h.exactly)
		pack.enc = Exact
	}
	if pack.enc == Exact {
		return // nothing is owed: not even infinity less itself, which is not a number
	}
	for i, p := range list {
		for j := i * h.width; j < (i+1)*h.width; j++ {
			h.owed[int(p)*h.width+j-i*h.width] = h.exactly[j] - x[j]
		}
	}
}

// credit adds what the shard is known to have applied to what it answered.
func (h *heldSet[T]) credit(k int, clock consistency.Clock) {
	s := &h.segs[k]
	for i := range s.layers {
		l := &s.layers[i]
		if l.clock > clock {
			break
		}
		if !l.credit {
			continue
		}
		for j, p := range l.positions {
			kernel.Add(h.row(h.base, int(p)), l.deltas[j*h.width:(j+1)*h.width])
		}
	}
}

// due lists, and unmarks, the positions of a segment that may be sent: those where
// something was deposited or kept back by a filter; with exact also those with
// what rounding left.
func (h *heldSet[T]) due(s *segment[T], exact bool) []int32 {
	if h.keeps {
		for i, j := h.kept.run(s.lo, s.hi); i < s.hi; i, j = h.kept.run(j, s.hi) {
			h.marks.setRange(i, j)
		}
		h.kept.clearRange(s.lo, s.hi)
	}
	if exact {
		for p := s.lo; p < s.hi; p++ {
			if !kernel.Zero(h.row(h.owed, p)) {
				h.marks.set(p)
			}
		}
	}
	h.positions = h.marks.appendTo(h.positions[:0], s.lo, s.hi, 0)
	h.marks.clearRange(s.lo, s.hi)
	return h.positions
}

// leaving reports whether a part turns to another set with this clock: what is
// owed must not stay behind.
func (h *heldSet[T]) leaving(clock consistency.Clock) bool {
	return clock <= h.exactBy || slices.ContainsFunc(h.views, func(v *View[T]) bool { return v.next != nil })
}

// owes reports whether something is kept for later.
func (h *heldSet[T]) owes() bool { return !kernel.Zero(h.owed) }

// deliverLossy takes in what a shard answered at p, of a lossy table.
func (h *heldSet[T]) deliverLossy(s *segment[T], p places, first bool, r *reader) error {
	if r.err != nil {
		return r.err
	}
	w := h.width
	h.buf = resized(h.buf, p.n*w)
	exact := readForm(r, h.spec.Encoding, h.buf)
	if err := h.ended(r); err != nil {
		return err
	}
	for i := range p.n {
		at := s.lo + i
		if !p.all {
			at = s.lo + int(p.list[i])
			p.list[i] = int32(at)
		}
		if row := h.row(h.base, at); exact {
			copy(row, h.buf[i*w:(i+1)*w])
		} else {
			kernel.Add(row, h.buf[i*w:(i+1)*w])
		}
	}
	if p.all {
		h.stale(s, nil)
	} else {
		h.stale(s, p.list)
	}
	s.here = s.here || first
	return nil
}

// dropZeros removes the rows of x that are zero, unless naming the others of n
// possible positions, by a bit each, would take more than is saved; a value takes
// size bytes. dropped is told of each.
func dropZeros[T Elem](list []int32, x []T, w, n, size int, dropped func(p int32)) ([]int32, []T) {
	zeros := 0
	for i := range list {
		if kernel.Zero(x[i*w : (i+1)*w]) {
			zeros++
		}
	}
	if len(list) == n && zeros*w*size <= n/8 {
		return list, x
	}
	kept := 0
	for i, p := range list {
		if row := x[i*w : (i+1)*w]; !kernel.Zero(row) {
			list[kept] = p
			copy(x[kept*w:(kept+1)*w], row)
			kept++
		} else {
			dropped(p)
		}
	}
	return list[:kept], x[:kept*w]
}

// appendForm appends x, which was rounded, and how it is encoded.
func (p *packer[T]) appendForm(b []byte, x []T) []byte {
	if p.enc == Exact {
		return kernel.Append(append(b, formExact), x)
	}
	return p.append(append(b, formEncoded), x)
}

// readForm reads what appendForm wrote of len(x) values; exact says that they
// were not encoded.
func readForm[T Elem](r *reader, enc Encoding, x []T) (exact bool) {
	form := r.byte()
	if form > formEncoded || form == formEncoded && enc == Exact {
		r.fail(fmt.Errorf("unknown form %d of values", form))
	}
	if r.err != nil {
		return false
	}
	if form == formExact {
		enc = Exact
	}
	p := packer[T]{enc: enc}
	p.read(r, x)
	return form == formExact
}

// unpack reads the values of n rows of an update of a lossy table, which it
// appends to room as those of others travel.
func (s *store[T]) unpack(r *reader, n int, room []byte) (values, after []byte) {
	n *= s.width
	s.buf = resized(s.buf, n)
	readForm(r, s.spec.Encoding, s.buf)
	if r.err != nil {
		return nil, room
	}
	first := len(room)
	room = kernel.Append(room, s.buf)
	return room[first:len(room):len(room)], room
}

// credit adds what a client did to what it has.
func (s *store[T]) credit(h *hold, at places, values []byte) {
	known, w := s.shadowOf(h).vals, s.width
	u := kernel.Values(values, at.n*w, &s.buf)
	for i := range at.n {
		p := i
		if !at.all {
			p = int(at.list[i])
		}
		kernel.Add(known[p*w:(p+1)*w], u[i*w:(i+1)*w])
	}
}

// shadow is what the client of a hold has.
type shadow[T Elem] struct{ vals []T }

func (s *store[T]) shadowOf(h *hold) *shadow[T] {
	if known, ok := h.known.(*shadow[T]); ok {
		return known
	}
	known := &shadow[T]{make([]T, h.rows.n*s.width)}
	if !s.spec.Init.zero() {
		for i := range h.rows.n {
			fillInit(s.spec.Init, s.key(h.rows.row(i)), known.vals[i*s.width:(i+1)*s.width])
		}
	}
	h.known = known
	return known
}

// appendOwed encodes what the client of a hold on a lossy table lacks, with the
// places where, and returns of how many rows, and how many bytes it saved. Of a
// fresh hold and with exact these are values, exactly.
func (s *store[T]) appendOwed(b []byte, h *hold, t consistency.Clock, exact bool, buf *[]int32) (out []byte, n, saved int) {
	if h.mute {
		return append(appendPlaces(b, places{}, h.rows.n), formExact), 0, 0
	}
	if !s.spec.shadowed() {
		at := s.changed(h.rows, h.sent, buf)
		b = append(appendPlaces(b, at, h.rows.n), formExact)
		return s.appendValues(b, h.rows, at), at.n, 0
	}
	w, whole := s.width, h.fresh || exact
	list := s.lacking(h, exact, buf)
	saved = len(list) * w * s.spec.Type.Size()
	list, x, kept := s.differences(h, list, t, whole)
	if kept > 0 {
		h.behind = true
		saved -= kept * w * s.spec.Type.Size()
	}
	known, pack := s.shadowOf(h).vals, packer[T]{enc: s.spec.Encoding}
	if whole || !pack.round(x) {
		pack.enc = Exact
	}
	if pack.enc == Exact { // values, not differences
		x = x[:0]
		for _, p := range list {
			x = append(x, s.row(h.rows.row(int(p)))...)
			copy(known[int(p)*w:int(p+1)*w], x[len(x)-w:])
		}
		s.buf = x
	} else {
		list, x = dropZeros(list, x, w, h.rows.n, pack.enc.size(s.spec.Type), func(int32) {})
		for i, p := range list {
			kernel.Add(known[int(p)*w:int(p+1)*w], x[i*w:(i+1)*w])
		}
	}
	b = appendPlaces(b, listed(list), h.rows.n)
	saved += len(b)
	b = pack.appendForm(b, x)
	return b, len(list), saved - len(b)
}

// lacking lists the positions where the client of a hold may lack something: those
// changed, and with exact all where it has another value.
func (s *store[T]) lacking(h *hold, exact bool, buf *[]int32) []int32 {
	if exact && !h.fresh {
		return s.differing(h, buf)
	}
	at := s.changed(h.rows, h.sent, buf)
	if at.all {
		at.list = (*buf)[:0]
		for i := range at.n {
			at.list = append(at.list, int32(i))
		}
		*buf = at.list
	}
	return at.list
}

// differences are what the client of a hold lacks at the listed positions, but for
// the rows that the filter keeps back, which it counts. whole keeps none back.
func (s *store[T]) differences(h *hold, list []int32, t consistency.Clock, whole bool) (sent []int32, x []T, kept int) {
	w, known := s.width, s.shadowOf(h).vals
	f := Filter{Significant: s.spec.Filter.Significant}.at(t, 0)
	x, sent = s.buf[:0], list[:0]
	for _, p := range list {
		row, has := s.row(h.rows.row(int(p))), known[int(p)*w:int(p+1)*w]
		first := len(x)
		for j, v := range row {
			x = append(x, v-has[j])
		}
		if whole || f.Significant == 0 || !keeps(f, 0, x[first:]) {
			sent = append(sent, p)
			continue
		}
		if !kernel.Zero(x[first:]) { // to be looked at again
			kept++
		}
		x = x[:first]
	}
	s.buf = x
	return sent, x, kept
}

// differing lists the positions where a client has another value than the shard.
func (s *store[T]) differing(h *hold, buf *[]int32) []int32 {
	known, list := s.shadowOf(h).vals, (*buf)[:0]
	for i := range h.rows.n {
		if !slices.Equal(s.row(h.rows.row(i)), known[i*s.width:(i+1)*s.width]) {
			list = append(list, int32(i))
		}
	}
	*buf = list
	return list
}

// appendKnown writes what the client of a hold has, if that is remembered.
func (s *store[T]) appendKnown(b []byte, h *hold) []byte {
	known, ok := h.known.(*shadow[T])
	if b = appendUint(b, flag(ok)); ok {
		b = kernel.Append(b, known.vals)
	}
	return b
}

func (s *store[T]) restoreKnown(r *reader, h *hold) {
	if !r.flag() {
		return
	}
	size := s.width * s.spec.Type.Size()
	if !s.spec.shadowed() || h.rows.n > len(r.b)/size {
		r.fail(fmt.Errorf("hold %d of %q cannot have %d rows of known values", h.id, s.spec.Name, h.rows.n))
		return
	}
	known := &shadow[T]{make([]T, h.rows.n*s.width)}
	kernel.Load(known.vals, r.bytes(h.rows.n*size))
	h.known = known
}
