package algotest

import (
	"fmt"
	"petuum/consistency"
	"petuum/table"
)

// kind is how writes to a table become values.
type kind int

const (
	sums      kind = iota // value = init + sum of levels
	highest               // value = init + highest level
	lowest                // value = init - highest level
	latest                // value = init + level written last; one writer a key
	gradients             // an optimiser: checked at the end, by replaying it
	fractions             // sums that depend on their order: only their bytes are compared
	rounded               // sums of a lossy table: exact in the end, unless a client died with what it owed
)

// tab is one table of the job. Its keys are cells: in each shard one for each
// slot, which that slot alone writes, and a last one that all write.
type tab struct {
	spec   table.Spec
	kind   kind
	init   float64
	shards int
	slots  int
	logs   [][]*log // by cell, then by writer
}

func newTab(spec table.Spec, kind kind, shards, slots int) *tab {
	t := &tab{spec: spec, kind: kind, init: spec.Init.Value, shards: shards, slots: slots}
	if t.spec.Width == 0 {
		t.spec.Width = 1
	}
	if t.spec.Keys == 0 {
		t.spec.Keys = uint64(shards * (slots + 1))
	}
	for cell := range shards * (slots + 1) {
		writers := make([]*log, 1)
		if cell%(slots+1) == slots {
			writers = make([]*log, slots)
		}
		for i := range writers {
			writers[i] = &log{shard: cell / (slots + 1), adds: kind == sums || kind == gradients || kind == rounded}
		}
		t.logs = append(t.logs, writers)
	}
	return t
}

func (t *tab) cells() int { return len(t.logs) }

// key is the key of a cell. Both ascend together.
func (t *tab) key(cell int) uint64 {
	if t.spec.Keys == uint64(t.cells()) {
		return uint64(cell)
	}
	const stride = 0x100003 // scattered, as a hashed key space is
	begin := table.ShardRange(t.spec.Keys, cell/(t.slots+1), t.shards).Begin
	return begin + uint64(cell%(t.slots+1))*stride
}

func (t *tab) shared(cell int) bool { return cell%(t.slots+1) == t.slots }

// log returns where the writes of slot to cell are kept, nil if it may not write.
func (t *tab) log(cell, slot int) *log {
	switch {
	case t.shared(cell):
		if t.kind == latest {
			return nil
		}
		return t.logs[cell][slot]
	case cell%(t.slots+1) == slot:
		return t.logs[cell][0]
	}
	return nil
}

// bounds are the least and highest level that self may read in a cell when it
// must see every update up to floor, and its own. With exact it may see no
// newer ones of others.
func (t *tab) bounds(cell, self int, floor consistency.Clock, exact bool) (lo, hi float64) {
	for i, l := range t.logs[cell] {
		slot := i
		if !t.shared(cell) {
			slot = cell % (t.slots + 1)
		}
		least, most := l.at(floor), l.total()
		if slot == self {
			least = most
		} else if exact {
			most = least
		}
		if t.kind == sums || t.kind == rounded {
			lo, hi = lo+least, hi+most
		} else {
			lo, hi = max(lo, least), max(hi, most)
		}
	}
	return lo, hi
}

// log is what one slot wrote to one cell, as levels that only grow: for a table
// of sums the sum so far, else the value itself.
type log struct {
	shard     int
	adds      bool
	sent      []entry
	pending   []float64 // written and not sent yet: amounts or levels
	deposited int       // of pending, how many will go with the next update
	made      float64   // highest level ever written, also by a client that died
}

type entry struct {
	update consistency.Clock
	level  float64
}

// write adds amount to the level and returns what to write: an amount to add, or
// the level itself.
func (l *log) write(amount float64) float64 {
	l.made += amount
	x := amount
	if !l.adds {
		x = l.made
	}
	l.pending = append(l.pending, x)
	return x
}

// send moves what was deposited into an update. It is not kept where the shard
// has that update already, from the client that carried the origin before.
func (l *log) send(update consistency.Clock, keep bool) {
	for _, x := range l.pending[:l.deposited] {
		if keep {
			l.sent = append(l.sent, entry{update, l.plus(l.last(), x)})
		}
	}
	l.pending = l.pending[l.deposited:]
	l.deposited = 0
}

// cut forgets what no shard will get any more: all later than the updates seen.
func (l *log) cut(seen consistency.Clock) {
	for len(l.sent) > 0 && l.sent[len(l.sent)-1].update > seen {
		l.sent = l.sent[:len(l.sent)-1]
	}
	l.pending, l.deposited = nil, 0
}

func (l *log) plus(level, x float64) float64 {
	if l.adds {
		return level + x
	}
	return x
}

func (l *log) last() float64 {
	if len(l.sent) == 0 {
		return 0
	}
	return l.sent[len(l.sent)-1].level
}

// total is the level with all that was ever written.
func (l *log) total() float64 {
	level := l.last()
	for _, x := range l.pending {
		level = max(level, l.plus(level, x))
	}
	return level
}

// at is the level with the updates up to floor.
func (l *log) at(floor consistency.Clock) float64 {
	for i := len(l.sent) - 1; i >= 0; i-- {
		if l.sent[i].update <= floor {
			return l.sent[i].level
		}
	}
	return 0
}

// whole reports whether level is one that the cell had between two updates of a
// part's clock, or would have.
func (l *log) whole(level float64) bool {
	if level == 0 {
		return true
	}
	for i := len(l.sent) - 1; i >= 0; i-- {
		if l.sent[i].level == level {
			return true
		}
	}
	at := l.last()
	for _, x := range l.pending {
		if at = l.plus(at, x); at == level {
			return true
		}
	}
	return false
}

// describe lists what each slot wrote to a cell: {update level} of what was
// sent, and what was not.
func (t *tab) describe(cell int) (s string) {
	for _, l := range t.logs[cell] {
		s += fmt.Sprintf("%v+%v ", l.sent, l.pending)
	}
	return s
}
