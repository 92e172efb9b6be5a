package table

import (
	"fmt"
	"slices"

	"petuum/consistency"
	"petuum/table/kernel"
)

// view is a View of any element type, as its client sees it.
type view interface {
	deposit()
	refresh()
	turn()
	ready(ended bool) bool
	share(views []view, id uint32) replica
}

type declared struct {
	table int
	view  view
}

// View is one part's window on a table: the keys it works on, flat and in key
// order, Width values a key. Its methods belong to the part's goroutine.
//
// Values shows the state at the last Clock and the part's own updates since.
// Under a rule without a preview (an optimiser) own updates do not show before
// the shard has applied them.
type View[T Elem] struct {
	c       *Client
	part    int
	table   int
	width   int
	preview bool
	inPlace bool
	mute    bool // WriteOnly

	set   Set
	held  *heldSet[T]
	next  *heldSet[T] // asked for, in use from the next Clock
	off   int         // position in held of position 0, where at is nil
	at    []int32     // position in held of each position; nil: off + position
	from  []int32     // the reverse: -1 where this view has not the key
	vals  []T
	delta []T    // updates since the last Clock; in place: the values before them
	dirty bitset // keys with a delta
	fresh bitset // keys whose answered value is not in vals yet; under the client's lock
	news  bitset // keys refreshed since Changed

	// Whether any bit of the three may be set: most clocks leave most views alone, and
	// to find that out bit by bit takes longer than the clock.
	touched, stirred, renewed bool

	version consistency.Clock // see Version
	changed []int32
}

// Mode says how a part writes to a view.
type Mode uint8

const (
	// Increments is the usual mode: Inc, AddTo and Put.
	Increments Mode = iota
	// InPlace lets the part write to Values itself and say so with Written; what
	// it did is taken by difference. For rule Add only.
	InPlace
	// WriteOnly is for what a part adds to and does not read: what others do to it
	// is not sent, and Values are of no meaning. Where another view of the same
	// origin reads the table the values come for that one.
	WriteOnly
)

// Open opens a view of a part on a table. All views opened before Start share
// what they have in common. It reports a table that does not exist or is of
// another type, and keys out of order or out of the table.
func Open[T Elem](c *Client, part int, name string, keys Set, mode Mode) (*View[T], error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	table, ok := c.names[name]
	if !ok {
		return nil, fmt.Errorf("table: no table is called %q", name)
	}
	spec := c.specs[table]
	if spec.Type != typeOf[T]() {
		return nil, fmt.Errorf("table: %q holds %s, not %s", name, spec.Type, typeOf[T]())
	}
	if mode == InPlace && spec.Rule != Add {
		return nil, fmt.Errorf("table: %q: only rule add can be written in place, not %s", name, spec.Rule)
	}
	if err := keys.check(spec.Keys); err != nil {
		return nil, fmt.Errorf("table: %q: %w", name, err)
	}
	if part < 0 || part >= len(c.parts) {
		return nil, fmt.Errorf("table: part %d of %d", part, len(c.parts))
	}
	v := &View[T]{c: c, part: part, table: table, width: spec.width(), set: keys,
		preview: spec.Rule.preview(), inPlace: mode == InPlace, mute: mode == WriteOnly}
	if c.opened {
		return nil, fmt.Errorf("table: %q: a view is opened after Start", name)
	}
	v.layOut()
	c.pending = append(c.pending, declared{table, v})
	c.parts[part].views = append(c.parts[part].views, v)
	return v, nil
}

// layOut makes room for the view's set.
func (v *View[T]) layOut() {
	n := v.set.Len()
	v.vals = resized(v.vals, n*v.width)
	v.delta = resized(v.delta, n*v.width)
	for _, b := range []*bitset{&v.dirty, &v.fresh, &v.news} {
		*b = resized(*b, (n+63)/64)
	}
	v.fresh.setRange(0, n)
	v.stirred, v.touched, v.renewed = true, false, false
}

func resized[S ~[]E, E any](s S, n int) S {
	if cap(s) < n {
		return make(S, n)
	}
	s = s[:n]
	clear(s)
	return s
}

// share makes the replica of all views on this view's table.
func (v *View[T]) share(views []view, id uint32) replica {
	typed := make([]*View[T], len(views))
	sets := make([]Set, len(views))
	for i, w := range views {
		typed[i] = w.(*View[T])
		sets[i] = typed[i].set
	}
	h := newHeldSet[T](v.c, v.table, id, union(sets), 0)
	h.mute = true
	for _, w := range typed {
		w.place(h)
		h.mute = h.mute && w.mute
	}
	h.attach(typed...)
	return h
}

// place finds the view's positions in the held set.
func (v *View[T]) place(h *heldSet[T]) {
	v.held, v.at, v.from, v.off = h, nil, nil, 0
	n := v.set.Len()
	if n == 0 || n == h.set.Len() {
		return
	}
	if v.set.isRange() && h.set.isRange() {
		v.off, _ = h.set.Position(v.set.Key(0))
		return
	}
	v.at = make([]int32, n)
	v.from = make([]int32, h.set.Len())
	for i := range v.from {
		v.from[i] = -1
	}
	for i := range v.at {
		p, _ := h.set.Position(v.set.Key(i))
		v.at[i], v.from[p] = int32(p), int32(i)
	}
}

// position is where key i of the view lies in the held set.
func (v *View[T]) position(i int) int {
	if v.at != nil {
		return int(v.at[i])
	}
	return v.off + i
}

// index is the reverse of position, negative where the view has not the key.
func (v *View[T]) index(p int) int {
	if v.from != nil {
		return int(v.from[p])
	}
	if i := p - v.off; i < v.set.Len() {
		return i
	}
	return -1
}

// Len is the number of keys.
func (v *View[T]) Len() int { return v.set.Len() }

// Key is the key at a position.
func (v *View[T]) Key(i int) uint64 { return v.set.Key(i) }

// Values are the values, len Len()*Width, that of key i at [i*Width, (i+1)*Width).
// The slice is good until Clock after Hold. Write to it only in mode InPlace.
func (v *View[T]) Values() []T { return v.vals }

// Version is the clock before which every update of every origin is in the
// values; under BSP it is the part's own.
func (v *View[T]) Version() consistency.Clock { return v.version }

// Row is the values of key i.
func (v *View[T]) Row(i int) []T { return v.vals[i*v.width : (i+1)*v.width : (i+1)*v.width] }

// Inc adds d to value i, here and, after Clock, everywhere. Under an optimiser
// d is (a part of) the gradient.
func (v *View[T]) Inc(i int, d T) {
	if v.preview {
		v.vals[i] += d
	}
	if !v.inPlace {
		v.delta[i] += d
	}
	if v.width > 1 {
		i /= v.width
	}
	v.dirty[i>>6] |= 1 << (i & 63)
	v.touched = true
}

// Scatter adds alpha*x[k] to value at[k], as Inc does, for a table of width 1. The
// positions are distinct.
func (v *View[T]) Scatter(at []uint32, alpha T, x []T) {
	n := uint32(v.set.Len())
	for _, i := range at {
		if i >= n {
			panic("table: a position beyond the view")
		}
		v.dirty[i>>6] |= 1 << (i & 63)
	}
	v.touched = v.touched || len(at) > 0
	if v.preview {
		scatterAxpy(alpha, at, x, v.vals)
	}
	if !v.inPlace {
		scatterAxpy(alpha, at, x, v.delta)
	}
}

func scatterAxpy[T Elem](alpha T, at []uint32, x, y []T) {
	switch y := any(y).(type) {
	case []float32:
		kernel.ScatterAxpy(float32(alpha), at, any(x).([]float32), y)
	case []float64:
		kernel.ScatterAxpy(float64(alpha), at, any(x).([]float64), y)
	case []int32:
		for k, i := range at {
			y[i] += int32(alpha * x[k])
		}
	}
}

// AddTo adds alpha*x to the values of key i; len(x) is Width.
func (v *View[T]) AddTo(i int, alpha T, x []T) {
	first := i * v.width
	if v.preview {
		row := v.vals[first : first+len(x)]
		for j, d := range x {
			row[j] += alpha * d
		}
	}
	if !v.inPlace {
		row := v.delta[first : first+len(x)]
		for j, d := range x {
			row[j] += alpha * d
		}
	}
	v.dirty.set(i)
	v.touched = true
}

// Put combines x into the values of key i by a rule that takes whole values:
// Min, Max or Replace.
func (v *View[T]) Put(i int, x []T) {
	v.touched = true
	rule := v.c.specs[v.table].Rule
	row := v.delta[i*v.width : (i+1)*v.width]
	combineRow(rule, v.Row(i), x)
	if v.dirty.has(i) {
		combineRow(rule, row, x)
		return
	}
	copy(row, x)
	v.dirty.set(i)
}

// Written says that the part has written to the values of keys [lo, hi) in place.
func (v *View[T]) Written(lo, hi int) {
	v.dirty.setRange(lo, hi)
	v.touched = true
}

// Changed lists the positions whose value may have changed otherwise than by
// this part's calls since the last call, in order; at first, all. The slice is
// good until the next call of Changed or Clock.
func (v *View[T]) Changed() []int32 {
	v.changed = v.changed[:0]
	if v.renewed {
		v.changed = v.news.appendTo(v.changed, 0, v.set.Len(), 0)
		clear(v.news)
		v.renewed = false
	}
	return v.changed
}

// Hold asks for another working set. It is used from the part's next Clock,
// which waits for its values; what was asked for early is here by then.
func (v *View[T]) Hold(keys Set) { v.hold(keys, 0) }

// Acquire asks for the exclusive use of a range from the next Clock on. Holders
// of the same range take turns 0, 1, 2, ...: the Clock waits until the holder of
// the turn before has released it. It releases the range held so far. Before Start it is
// asked for from the beginning on, and Start waits.
func (v *View[T]) Acquire(r Range, turn uint64) {
	if v.early(r, turn) {
		return
	}
	v.hold(Set{r: r}, turn+1)
}

// early keeps what is asked for before Start.
func (v *View[T]) early(r Range, turn uint64) bool {
	v.c.mu.Lock()
	defer v.c.mu.Unlock()
	if v.c.opened {
		return false
	}
	v.c.early = append(v.c.early, func() {
		v.holdLocked(Set{r: r}, turn+1)
		v.c.parts[v.part].ended = true // its views turn in what follows Start
	})
	return true
}

// Release gives a range back with the next Clock and asks for no other.
func (v *View[T]) Release() { v.hold(Keys(nil), 0) }

func (v *View[T]) hold(keys Set, turn uint64) {
	v.c.mu.Lock()
	defer v.c.mu.Unlock()
	v.holdLocked(keys, turn)
}

func (v *View[T]) holdLocked(keys Set, turn uint64) {
	c := v.c
	err := keys.check(c.specs[v.table].Keys)
	if err == nil && v.next != nil {
		err = fmt.Errorf("another working set was asked for already in this clock")
	}
	if err == nil && !c.opened {
		err = fmt.Errorf("a working set is asked for before Start")
	}
	if err != nil {
		c.fail(fmt.Errorf("table: view of %q: %w", c.specs[v.table].Name, err))
		return
	}
	v.next = newHeldSet[T](c, v.table, c.newHold(), keys, turn)
	v.next.mute = v.mute && turn == 0
	c.add(v.next)
	c.ask(c.o.Policy.Floor(c.parts[v.part].clock), false)
	c.flushSenders()
}

// ready reports whether every shard has sent what the view is going to show: the
// set it turns to, where its part has ended a clock. A shard that was restored
// may send answers before it knows all sets again.
func (v *View[T]) ready(ended bool) bool {
	if ended && v.next != nil {
		return v.next.ready()
	}
	return v.held.ready()
}

// stale notes that the held set has another value at p.
func (v *View[T]) stale(p int) {
	if i := v.index(p); i >= 0 {
		v.fresh.set(i)
		v.stirred = true
	}
}

// staleRange is stale for the positions [lo, hi) of the held set.
func (v *View[T]) staleRange(lo, hi int) {
	if v.from == nil {
		v.fresh.setRange(max(lo-v.off, 0), min(hi-v.off, v.set.Len()))
		v.stirred = true
		return
	}
	for p := lo; p < hi; p++ {
		v.stale(p)
	}
}

// deposit hands the part's updates to its group.
func (v *View[T]) deposit() {
	if v.next != nil && v.held.turn > 0 {
		v.c.releases = append(v.c.releases, v.held)
	}
	if !v.touched {
		return
	}
	v.touched, v.held.marked = false, true
	if v.held.lent {
		return
	}
	v.changed = v.dirty.appendTo(v.changed[:0], 0, v.set.Len(), 0)
	for _, i := range v.changed {
		first := int(i) * v.width
		u, vals := v.delta[first:first+v.width], v.vals[first:first+v.width]
		if v.inPlace {
			v.subtract(int(i))
		}
		v.held.deposit(v.position(int(i)), u)
		if v.inPlace {
			copy(u, vals)
		} else {
			clear(u)
		}
	}
	clear(v.dirty)
}

// turn moves the view to the working set it asked for.
func (v *View[T]) turn() {
	if v.next == nil {
		return
	}
	old, c := v.held, v.c
	for _, r := range c.replicas { // also those that views have turned away from
		if h, ok := r.(*heldSet[T]); ok && h.table == v.table {
			h.pass(v.next, c.clock+1)
		}
	}
	old.views = slices.DeleteFunc(old.views, func(w *View[T]) bool { return w == v })
	old.retiredBy = max(old.retiredBy, c.parts[v.part].clock)
	old.exactBy = old.retiredBy
	if len(old.views) == 0 {
		old.retired = true
		if old.lent {
			v.delta, v.dirty = v.next.room.acc, v.next.room.marks // the held set may still have to send its own
			v.next.room = lent[T]{}
		}
	}
	v.set = v.next.set
	v.layOut()
	v.place(v.next)
	v.next.attach(v)
	v.next = nil
}
