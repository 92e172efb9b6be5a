package algotest

import (
	"fmt"
	"math/rand/v2"

	"petuum/consistency"
	"petuum/table"
)

// window is a part's view of one table, of any element type.
type window interface {
	// write writes to some of the part's cells and checks that it sees it.
	write(r *rand.Rand)
	// rehold asks for another working set, from the next Clock on.
	rehold(r *rand.Rand)
	// ended notes the values that the part leaves to its Clock.
	ended()
	// check checks every value against the floor.
	check(floor consistency.Clock, synced bool)
}

type frame[T table.Elem] struct {
	part   *part
	tab    *tab
	view   *table.View[T]
	mode   table.Mode
	cells  []int // of the view's positions
	next   []int // of the working set asked for
	before []T
	read   map[int]float64 // the level of a cell when last read
}

// openWindow opens the view of a part on t; how it writes is by r, its first
// working set by set.
func openWindow(p *part, t *tab, r, set *rand.Rand) (window, error) {
	switch t.spec.Type {
	case table.Float64:
		return openFrame[float64](p, t, r, set)
	case table.Int32:
		return openFrame[int32](p, t, r, set)
	}
	return openFrame[float32](p, t, r, set)
}

func openFrame[T table.Elem](p *part, t *tab, r, held *rand.Rand) (window, error) {
	f := &frame[T]{part: p, tab: t, read: make(map[int]float64)}
	if t.spec.Rule == table.Add && r.IntN(4) == 0 {
		f.mode = table.InPlace
	}
	var set table.Set
	f.cells, set = t.draw(held, p.slot)
	var err error
	f.view, err = table.Open[T](p.node.client, p.index, t.spec.Name, set, f.mode)
	return f, err
}

// draw makes a working set: a range or a list, most often with the slot's own
// cells.
func (t *tab) draw(r *rand.Rand, slot int) ([]int, table.Set) {
	ranges := t.spec.Keys == uint64(t.cells())
	lo, hi := 0, t.cells()
	if form := r.IntN(10); ranges && form < 4 {
		if form > 0 {
			lo = r.IntN(hi)
			hi = lo + r.IntN(hi-lo+1)
		}
		cells := make([]int, 0, hi-lo)
		for cell := lo; cell < hi; cell++ {
			cells = append(cells, cell)
		}
		return cells, table.Span(uint64(lo), uint64(hi))
	}
	often := 0.2 + 0.6*r.Float64()
	cells, keys := []int{}, []uint64{}
	for cell := range hi {
		p := often
		if !t.shared(cell) && t.log(cell, slot) != nil {
			p = 0.85
		}
		if r.Float64() < p {
			cells, keys = append(cells, cell), append(keys, t.key(cell))
		}
	}
	return cells, table.Keys(keys)
}

func (f *frame[T]) rehold(r *rand.Rand) {
	var set table.Set
	f.next, set = f.tab.draw(r, f.part.slot)
	f.view.Hold(set)
}

func (f *frame[T]) write(r *rand.Rand) {
	for i, cell := range f.cells {
		l := f.tab.log(cell, f.part.slot)
		if l == nil || r.IntN(4) == 0 {
			continue
		}
		if f.tab.kind == fractions {
			f.view.Inc(i, T(r.NormFloat64()))
			continue
		}
		x := l.write(float64(1 + (r.IntN(3)+f.part.node.incarnation)%3))
		f.part.wrote(l)
		before, _ := f.level(i)
		want := before + x
		switch f.tab.kind {
		case sums, rounded:
			f.add(r, i, T(x))
		case gradients:
			f.view.Inc(i, T(x))
			want = before
		case lowest:
			f.view.Put(i, []T{T(f.tab.init - x)})
			want = max(before, x)
		case highest:
			f.view.Put(i, []T{T(f.tab.init + x)})
			want = max(before, x)
		default:
			f.view.Put(i, []T{T(f.tab.init + x)})
			want = x
		}
		if got, ok := f.level(i); got != want || !ok {
			f.part.failf("read-my-writes", "%s cell %d after writing %v on %v: got %v, want %v", f.tab.spec.Name, cell, x, before, f.view.Row(i), want)
		}
	}
}

// add adds x to column 0 of a key, 2x to column 1 and so on, in one of the ways
// there are.
func (f *frame[T]) add(r *rand.Rand, i int, x T) {
	w := f.tab.spec.Width
	switch {
	case f.mode == table.InPlace && r.IntN(2) == 0:
		for j := range w {
			f.view.Values()[i*w+j] += x * T(j+1)
		}
		f.view.Written(i, i+1)
	case r.IntN(2) == 0:
		row := make([]T, w)
		for j := range row {
			row[j] = T(j + 1)
		}
		f.view.AddTo(i, x, row)
	default:
		for j := range w {
			f.view.Inc(i*w+j, x*T(j+1))
		}
	}
}

// level is the level that a value shows, and whether all columns agree.
func (f *frame[T]) level(i int) (float64, bool) {
	row := f.view.Row(i)
	level := float64(row[0]) - f.tab.init
	if f.tab.kind == lowest {
		level = -level
	}
	for j, x := range row {
		if f.tab.kind == sums && float64(x)-f.tab.init != level*float64(j+1) {
			return level, false
		}
	}
	return level, true
}

func (f *frame[T]) ended() { f.before = append(f.before[:0], f.view.Values()...) }

func (f *frame[T]) check(floor consistency.Clock, synced bool) {
	if f.next != nil && !synced {
		f.cells, f.next = f.next, nil
	} else {
		f.checkChanged()
	}
	if got := f.view.Len(); got != len(f.cells) {
		f.part.failf("future", "%s has %d keys, want %d", f.tab.spec.Name, got, len(f.cells))
		return
	}
	if f.tab.kind >= gradients {
		return
	}
	for i, cell := range f.cells {
		f.checkCell(i, cell, floor, synced)
	}
}

func (f *frame[T]) checkCell(i, cell int, floor consistency.Clock, synced bool) {
	c, t := f.part.node.c, f.tab
	level, ok := f.level(i)
	self, redoing := f.part.slot, f.part.redoing()
	if redoing {
		self = -1
	}
	lo, hi := t.bounds(cell, self, floor, f.part.exact())
	alone := !t.shared(cell)
	own := alone && t.log(cell, f.part.slot) != nil
	kind, want := "", ""
	switch {
	case own && !redoing && (level != lo || !ok):
		kind, want = "read-my-writes", fmt.Sprintf("level %v", lo)
	case level < lo:
		kind, want = "bound", fmt.Sprintf("level %v or more", lo)
	case level > hi || !ok:
		kind, want = "future", fmt.Sprintf("level %v or less", hi)
	case alone && !(own && redoing) && !t.logs[cell][0].whole(level):
		kind, want = "future", "no half of an update"
	case level < f.read[cell] && !f.part.node.resumed():
		kind, want = "back", fmt.Sprintf("level %v or more, as read before", f.read[cell])
	}
	if kind != "" {
		f.part.failf(kind, "%s cell %d: got %v, level %v, want %s at floor %d; written %s", t.spec.Name, cell, f.view.Row(i), level, want, floor, t.describe(cell))
	}
	f.read[cell] = level
	c.report.Reads++
	if l := t.logs[cell][0]; synced {
		if lo == hi {
			c.report.Exact++
		}
	} else if alone && !own && level == lo && level < l.last() {
		c.report.AtBound++
	}
}

// checkChanged compares the values with those at the end of the part's work.
func (f *frame[T]) checkChanged() {
	told := make(map[int]bool)
	last := int32(-1)
	for _, i := range f.view.Changed() {
		told[int(i)] = true
		if i <= last || int(i) >= f.view.Len() {
			f.part.failf("changed", "%s: position %d after %d of %d", f.tab.spec.Name, i, last, f.view.Len())
		}
		last = i
	}
	w := f.tab.spec.Width
	for j, x := range f.view.Values() {
		if j < len(f.before) && x != f.before[j] && !told[j/w] {
			f.part.failf("changed", "%s position %d: %v became %v, and Changed does not say so", f.tab.spec.Name, j/w, f.before[j], x)
		}
	}
}
