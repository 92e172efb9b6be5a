package algotest

import (
	"petuum/consistency"
	"petuum/table"
)

// rotation is a table whose slices go round the first slots, held exclusively:
// at step t slot r has slice r+t, and its turn on it is t.
type rotation struct {
	c      *cluster
	spec   table.Spec
	slices int
	holder []*part // by slice
	turn   []uint64
	sums   []int // what was added to each key of a slice
}

const sliceKeys = 3

func newRotation(c *cluster, slices int) *rotation {
	return &rotation{c: c, slices: slices,
		spec:   table.Spec{Name: "slices", Keys: uint64(slices * sliceKeys), Type: table.Int32},
		holder: make([]*part, slices), turn: make([]uint64, slices), sums: make([]int, slices)}
}

// rotor is a part's place in the rotation.
type rotor struct {
	of    *rotation
	part  *part
	view  *table.View[int32]
	slice int // held, -1: none
	next  int // asked for, -1: none
	step  uint64
}

func (r *rotation) join(p *part) (*rotor, error) {
	v, err := table.Open[int32](p.node.client, p.index, r.spec.Name, table.Keys(nil), table.Increments)
	return &rotor{of: r, part: p, view: v, slice: -1, next: -1}, err
}

// work writes to the slice held, and asks for the next one.
func (r *rotor) work() {
	if r.slice >= 0 {
		for i := range sliceKeys {
			r.view.Inc(i, 1)
		}
		r.of.sums[r.slice]++
		r.see()
	}
	if r.part.clock+1 >= r.part.final {
		if r.slice >= 0 {
			r.view.Release()
		}
		return
	}
	r.next = (r.part.slot + int(r.step)) % r.of.slices
	begin := uint64(r.next * sliceKeys)
	r.view.Acquire(table.Range{Begin: begin, End: begin + sliceKeys}, r.step)
	r.step++
}

// release gives the slice back with the Clock that follows.
func (r *rotor) release() {
	if r.slice >= 0 {
		r.of.holder[r.slice] = nil
		r.of.turn[r.slice]++
		r.slice = -1
	}
}

// rotate takes the slice asked for after a Clock.
func (p *part) rotate() {
	r := p.rotor
	if r == nil || r.next < 0 {
		return
	}
	r.slice, r.next = r.next, -1
	switch by, turn := r.of.holder[r.slice], r.of.turn[r.slice]; {
	case by != nil:
		p.failf("lease", "slice %d is granted while origin %d part %d holds it", r.slice, by.node.origin, by.index)
	case turn != r.step-1:
		p.failf("lease", "slice %d is granted for turn %d, and it is turn %d", r.slice, r.step-1, turn)
	}
	r.of.holder[r.slice] = p
	r.see()
}

func (r *rotor) see() {
	if r.view.Len() != sliceKeys {
		r.part.failf("lease", "slice %d has %d keys", r.slice, r.view.Len())
		return
	}
	for i, got := range r.view.Values() {
		if want := int32(r.of.sums[r.slice]); got != want {
			r.part.failf("lease", "slice %d key %d: got %d, want %d by all holders so far", r.slice, i, got, want)
		}
	}
}

// passed reports whether every barrier up to clock is behind all origins.
func (c *cluster) passed(clock consistency.Clock) bool {
	if c.barrier == 0 || clock < c.barrier {
		return true
	}
	at := clock - clock%c.barrier
	if c.replacing {
		return false
	}
	for _, n := range c.carriers {
		if n == nil {
			continue
		}
		for _, p := range n.parts {
			if p.state != finished && p.state != closing && p.clock <= at && p.synced < at {
				return false
			}
		}
	}
	return true
}
