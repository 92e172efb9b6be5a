package table

import (
	"cmp"
	"fmt"
	"slices"

	"petuum/consistency"
	"petuum/table/kernel"
)

// replica is one held set of a client, of any element type. The client calls it
// with its lock held.
type replica interface {
	hold() (table int, id uint32)
	keys() int
	lease() uint64                 // as in a message
	segment(shard int) (Set, bool) // the keys a shard has of it
	ready() bool                   // every shard has sent its values
	readyAt(shard int) bool
	unready(shard int) // the shard forgot it: it will be declared and sent anew
	deliver(shard int, first bool, r *reader) error
	take(shard int, clock consistency.Clock, known, exactly bool, b []byte) (out []byte, took bool)
	taken() // by all shards
	owes() bool
	layered() bool // some shard has not answered an update of it
	credit(shard int, clock consistency.Clock)
	seen(shard int, clock consistency.Clock)
	refreshAhead(shard int)
	retiredAt() (consistency.Clock, bool)
}

// heldSet is the replica of one held set: the values as last answered, what its
// parts deposited for the next update, and the updates sent that no answer
// includes yet, a layer each.
type heldSet[T Elem] struct {
	c     *Client
	table int
	id    uint32
	spec  Spec
	set   Set
	turn  uint64 // 1 + turn of a lease, 0: shared
	mute  bool   // only written: the shards send no values
	width int

	base   []T // as last answered
	acc    []T // deposited, where touched
	marks  bitset
	marked bool         // a bit of marks may be set
	segs   []segment[T] // by shard
	views  []*View[T]
	room   lent[T]
	lent   bool // acc and marks are the memory of the only view
	layers bool // an update can be on its way while a view is refreshed

	retired   bool
	retiredBy consistency.Clock // the last update that can name it, once retired

	// Of a lossy table.
	owed    []T               // taken from acc, not sent
	kept    bitset            // where a filter kept it back
	keeps   bool              // a bit of kept may be set
	exactBy consistency.Clock // updates up to this clock pay all that is owed

	positions []int32    // scratch
	buf       []T        // scratch
	exactly   []T        // scratch
	spare     []layer[T] // layers that are no more, for their memory
}

// segment is the part of a held set that one shard has: positions [lo, hi).
type segment[T Elem] struct {
	lo, hi int
	here   bool
	layers []layer[T]
}

// layer is an update that was sent: its deltas at positions of the held set,
// which are those of its segment where none are listed.
type layer[T Elem] struct {
	clock     consistency.Clock
	passed    bool // sent of another held set
	credit    bool // added to base once the shard has it
	positions []int32
	deltas    []T
}

// at is the position of the i-th delta of a layer in segment s.
func (l *layer[T]) at(s *segment[T], i int) int {
	if l.positions == nil {
		return s.lo + i
	}
	return int(l.positions[i])
}

func newHeldSet[T Elem](c *Client, table int, id uint32, set Set, turn uint64) *heldSet[T] {
	spec, h := c.specs[table], recycled[T](c, table)
	h.c, h.table, h.id, h.spec, h.set, h.turn, h.width, h.exactBy = c, table, id, spec, set, turn, spec.width(), consistency.Beginning
	n := set.Len()
	h.base = resized(h.base, n*h.width)
	if !spec.Init.zero() {
		for i := range n {
			fillInit(spec.Init, set.Key(i), h.base[i*h.width:(i+1)*h.width])
		}
	}
	h.layers = !c.o.Policy.Synchronous() && spec.Rule.preview()
	if spec.Lossy() {
		h.owed = resized(h.owed, len(h.base))
		h.kept = resized(h.kept, (n+63)/64)
	}
	if h.segs == nil {
		h.segs = make([]segment[T], c.o.Shards)
	}
	for k := range h.segs {
		s := &h.segs[k]
		s.lo, s.hi = set.clip(ShardRange(spec.Keys, k, c.o.Shards))
		s.here = s.lo == s.hi
	}
	return h
}

// attach gives the replica its views. With one view of the whole set, of the only
// part, what the view gathers is what the replica sends: they share the memory.
// With more parts an update may be sent while this one works on.
func (h *heldSet[T]) attach(views ...*View[T]) {
	h.views = append(h.views, views...)
	h.lent = len(views) == 1 && !views[0].inPlace && len(views[0].c.parts) == 1
	if h.lent {
		h.acc, h.marks = views[0].delta, views[0].dirty
		return
	}
	h.acc = resized(h.room.acc, len(h.base))
	h.marks = resized(h.room.marks, (h.set.Len()+63)/64)
	h.room = lent[T]{}
}

func (h *heldSet[T]) keys() int               { return h.set.Len() }
func (h *heldSet[T]) hold() (int, uint32)     { return h.table, h.id }
func (h *heldSet[T]) lease() uint64           { return h.turn<<1 | flag(h.mute) }
func (h *heldSet[T]) readyAt(k int) bool      { return h.segs[k].here }
func (h *heldSet[T]) row(vals []T, i int) []T { return vals[i*h.width : (i+1)*h.width] }

func (h *heldSet[T]) retiredAt() (consistency.Clock, bool) { return h.retiredBy, h.retired }

func (h *heldSet[T]) segment(k int) (Set, bool) {
	s := &h.segs[k]
	return h.set.sub(s.lo, s.hi), s.lo < s.hi
}

func (h *heldSet[T]) ready() bool {
	for k := range h.segs {
		if !h.segs[k].here {
			return false
		}
	}
	return true
}

func (h *heldSet[T]) unready(k int) {
	s := &h.segs[k]
	s.here = s.lo == s.hi
	if !h.spec.shadowed() {
		return // else it gets differences from what it has, which is the beginning again
	}
	for p := s.lo; p < s.hi; p++ {
		fillInit(h.spec.Init, h.set.Key(p), h.row(h.base, p))
	}
	h.stale(s, nil)
}

// deliver takes in the values that a shard answered.
func (h *heldSet[T]) deliver(k int, first bool, r *reader) error {
	s := &h.segs[k]
	p := r.places(s.hi-s.lo, h.spec.rowsIn(len(r.b)), &h.positions)
	if h.spec.Lossy() {
		return h.deliverLossy(s, p, first, r)
	}
	values := r.wire(h.spec, p.n*h.width)
	if err := h.ended(r); err != nil {
		return err
	}
	if p.all {
		loadWire(h.base[s.lo*h.width:s.hi*h.width], values)
		h.stale(s, nil)
	} else {
		u := wireValues(values, p.n*h.width, &h.buf)
		for i, q := range p.list {
			p.list[i] += int32(s.lo)
			if h.width == 1 {
				h.base[p.list[i]] = u[i]
				continue
			}
			copy(h.row(h.base, s.lo+int(q)), u[i*h.width:(i+1)*h.width])
		}
		h.stale(s, p.list)
	}
	s.here = s.here || first
	return nil
}

// ended reports what is wrong with a block that was read.
func (h *heldSet[T]) ended(r *reader) error {
	if r.err == nil && len(r.b) > 0 {
		r.fail(fmt.Errorf("%d bytes too many in a block of %q", len(r.b), h.spec.Name))
	}
	return r.err
}

// stale tells the views that they have other values than were answered at some
// positions; nil are all of the segment.
func (h *heldSet[T]) stale(s *segment[T], positions []int32) {
	for _, v := range h.views {
		if positions == nil {
			v.staleRange(s.lo, s.hi)
			continue
		}
		for _, p := range positions {
			v.stale(int(p))
		}
	}
}

// take encodes what was deposited for a shard as a block of the update that ends
// clock, and keeps it as a layer until an answer includes it. When the shard has
// that clock already, from a client that carried the origin before, it will not
// apply it, and the layer is forgotten at once.
func (h *heldSet[T]) take(k int, clock consistency.Clock, known, exactly bool, b []byte) ([]byte, bool) {
	s := &h.segs[k]
	exactly = h.owed != nil && (exactly || h.leaving(clock))
	if !h.marked && !h.keeps && !exactly || h.marks == nil || h.retired && h.retiredBy < clock || s.lo == s.hi {
		return b, false // not in use yet, any more, or here
	}
	keep := (h.layers || known) && !h.mute
	if h.owed != nil {
		credit := !known && !h.mute && h.spec.credits(h.c.o.Deterministic)
		return h.takeLossy(k, clock, exactly, keep, credit, b)
	}
	if out, took := h.takeWhole(s, clock, keep, b); took {
		return out, true
	}
	sent := h.nonZero(s)
	if len(sent) == 0 {
		return b, false
	}
	b = appendUints(b, uint64(h.table), uint64(h.id))
	for i := range sent {
		sent[i] -= int32(s.lo)
	}
	b = appendPlaces(b, listed(sent), s.hi-s.lo)
	h.buf = h.buf[:0]
	for _, p := range sent {
		at := s.lo + int(p)
		if h.width == 1 {
			h.buf = append(h.buf, h.acc[at])
			h.acc[at] = 0
			continue
		}
		h.buf = append(h.buf, h.row(h.acc, at)...)
		clear(h.row(h.acc, at))
	}
	if keep {
		h.keepLayer(s, clock, sent, h.buf)
	}
	return appendWire(b, h.buf), true
}

// takeWhole is take for a segment all of which is to be sent: marked, and without
// a row of zeros that the rule skips. What is sent decides which keys count as
// written, so it must not depend on how keys are cut in segments. Zeros show once
// the values have been moved to the message: then they are put back.
func (h *heldSet[T]) takeWhole(s *segment[T], clock consistency.Clock, keep bool, b []byte) ([]byte, bool) {
	acc := h.acc[s.lo*h.width : s.hi*h.width]
	if !h.marks.full(s.lo, s.hi) || h.spec.Rule.skipsZero() && kernel.Zero(acc[:h.width]) {
		return b, false
	}
	b = appendPlaces(appendUints(b, uint64(h.table), uint64(h.id)), allOf(s.hi-s.lo), s.hi-s.lo)
	before := len(b)
	b, zeros := takeWire(b, acc)
	if zeros && h.spec.Rule.skipsZero() && h.zeroRow(wireValues(b[before:], len(acc), &h.buf)) {
		loadWire(acc, b[before:])
		return b, false
	}
	if keep {
		l := h.newLayer(clock, true)
		l.deltas = append(l.deltas, wireValues(b[before:], len(acc), &h.buf)...)
		s.layers = append(s.layers, l)
	}
	h.marks.clearRange(s.lo, s.hi)
	return b, true
}

// zeroRow reports whether all of some row is zero, where some value is.
func (h *heldSet[T]) zeroRow(values []T) bool {
	if h.width == 1 {
		return true
	}
	for at := 0; at < len(values); at += h.width {
		if kernel.Zero(values[at : at+h.width]) {
			return true
		}
	}
	return false
}

// keepLayer keeps what was sent at some positions of a segment.
func (h *heldSet[T]) keepLayer(s *segment[T], clock consistency.Clock, sent []int32, deltas []T) {
	l := h.newLayer(clock, false)
	for _, p := range sent {
		l.positions = append(l.positions, int32(s.lo)+p)
	}
	l.deltas = append(l.deltas, deltas...)
	s.layers = append(s.layers, l)
}

// newLayer makes an empty layer out of the memory of an earlier one of its kind: a
// whole segment or listed positions.
func (h *heldSet[T]) newLayer(clock consistency.Clock, whole bool) layer[T] {
	i := slices.IndexFunc(h.spare, func(l layer[T]) bool { return (l.positions == nil) == whole })
	if i < 0 {
		l := layer[T]{clock: clock}
		if !whole {
			l.positions = []int32{}
		}
		return l
	}
	l := h.spare[i]
	h.spare = append(h.spare[:i], h.spare[i+1:]...)
	l.clock, l.passed, l.credit, l.positions, l.deltas = clock, false, false, l.positions[:0], l.deltas[:0]
	return l
}

// taken says that what was deposited has gone to every shard.
func (h *heldSet[T]) taken() {
	h.marked = false
	if h.keeps {
		h.keeps = h.kept.any(0, h.set.Len())
	}
}

// nonZero unmarks all positions of a segment and lists those to be sent.
func (h *heldSet[T]) nonZero(s *segment[T]) []int32 {
	all := h.marks.appendTo(h.positions[:0], s.lo, s.hi, 0)
	h.positions = all
	sent := all
	if h.spec.Rule.skipsZero() {
		sent = all[:0]
		for _, p := range all {
			if h.width == 1 && h.acc[p] != 0 || h.width > 1 && !kernel.Zero(h.row(h.acc, int(p))) {
				sent = append(sent, p)
			} else {
				h.cancelled(p)
			}
		}
	}
	h.marks.clearRange(s.lo, s.hi)
	return sent
}

// cancelled has the views look anew at a position where what several parts did
// adds up to nothing: no answer will come of it, and each still shows its own half.
func (h *heldSet[T]) cancelled(p int32) {
	if h.lent {
		return
	}
	for _, v := range h.views {
		v.stale(int(p))
	}
}

func (h *heldSet[T]) layered() bool {
	return slices.ContainsFunc(h.segs, func(s segment[T]) bool { return len(s.layers) > 0 })
}

// seen forgets the layers that the shard has: its values include them.
func (h *heldSet[T]) seen(k int, clock consistency.Clock) {
	s := &h.segs[k]
	n := 0
	for n < len(s.layers) && s.layers[n].clock <= clock {
		h.stale(s, s.layers[n].positions)
		h.spare = append(h.spare, s.layers[n])
		n++
	}
	if n > 0 {
		s.layers = append(s.layers[:0], s.layers[n:]...)
	}
}

// refreshAhead brings what a shard answered into the views of parts that wait.
func (h *heldSet[T]) refreshAhead(k int) {
	for _, v := range h.views {
		v.refreshAhead(k)
	}
}

// deposit combines an update of a part into what the next update will carry.
func (h *heldSet[T]) deposit(at int, u []T) {
	acc := h.row(h.acc, at)
	if h.marks.has(at) {
		combineRow(h.spec.Rule, acc, u)
		return
	}
	copy(acc, u)
	h.marks.set(at)
}

// pass hands the updates that no answer includes yet to a set that a view turns
// to, so that the part keeps seeing what it wrote. next is the clock whose update
// will carry what is deposited now.
func (h *heldSet[T]) pass(to *heldSet[T], next consistency.Clock) {
	if !to.layers || h.marks == nil {
		return
	}
	for k := range h.segs {
		s := &h.segs[k]
		for _, l := range s.layers {
			if !l.passed {
				positions := l.positions
				for p := s.lo; l.positions == nil && p < s.hi; p++ {
					positions = append(positions, int32(p))
				}
				to.inherit(k, l.clock, h, positions, l.deltas)
			}
		}
		waiting, deltas := h.waiting(s)
		to.inherit(k, next, h, waiting, deltas)
	}
}

// waiting is what was not sent of a segment.
func (h *heldSet[T]) waiting(s *segment[T]) (positions []int32, deltas []T) {
	if h.owed == nil {
		positions = h.marks.appendTo(nil, s.lo, s.hi, 0)
	} else {
		for p := s.lo; p < s.hi; p++ {
			if h.marks.has(p) || !kernel.Zero(h.row(h.owed, p)) {
				positions = append(positions, int32(p))
			}
		}
	}
	for _, p := range positions {
		deltas = append(deltas, h.row(h.acc, int(p))...)
		if h.owed != nil {
			kernel.Add(deltas[len(deltas)-h.width:], h.row(h.owed, int(p)))
		}
	}
	return positions, deltas
}

func (h *heldSet[T]) inherit(k int, clock consistency.Clock, from *heldSet[T], positions []int32, deltas []T) {
	l := layer[T]{clock: clock, passed: true}
	for i, p := range positions {
		if at, ok := h.set.Position(from.set.Key(int(p))); ok {
			l.positions = append(l.positions, int32(at))
			l.deltas = append(l.deltas, deltas[i*h.width:(i+1)*h.width]...)
		}
	}
	if len(l.positions) == 0 {
		return
	}
	layers := h.segs[k].layers // oldest first; of one clock there may be one of each set
	i, _ := slices.BinarySearchFunc(layers, clock+1, func(l layer[T], c consistency.Clock) int { return cmp.Compare(l.clock, c) })
	h.segs[k].layers = slices.Insert(layers, i, l)
}

var (
	_ replica = (*heldSet[float32])(nil)
	_ view    = (*View[float32])(nil)
)
