package mf

import (
	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/algos/mf/sgd"
	"petuum/algos/schedule"
	"petuum/table"
)

// rotation is descent on slices of the items that go round the parts. There are twice as
// many slices as parts: at clock c part p has slice 2p + c, and the one that comes next is
// nobody's meanwhile, so that it travels while the part works.
//
//	clock      slice 0   1   2   3
//	  0       part 0   .   1   .
//	  1            .   0   .   1
//	  2            1   .   0   .
//
// One part has all items to itself, and nothing travels.
type rotation struct {
	parts  int
	cuts   []uint64 // of the slices
	slice  *table.View[float32]
	all    *table.View[float32] // at barriers: every item
	whole  bool                 // all has them
	alone  bool
	late   bool // the first clock after a checkpoint: without a lease
	pushes int  // since turns count
}

// slicesOf is how many slices there are for so many parts.
func slicesOf(parts int) int {
	if parts == 1 {
		return 1
	}
	return 2 * parts
}

func (r *rotation) tables(*MF, dataset.Info) []table.Spec { return nil }

func (r *rotation) clocks(_ *MF, d dataset.Info) int { return slicesOf(max(1, len(d.PartRows))) }

func (r *rotation) load(a *MF, data *dataset.Part, w *algos.Worker) (err error) {
	r.parts, r.alone = w.Parts, w.Parts == 1
	r.cuts = cutsOf(w.Info.Features, w.Info.Sums, slicesOf(w.Parts))
	a.train = sgd.NewRatings(&data.X, r.cuts)
	if a.implicit() {
		if err := a.took(listed(&data.X), w); err != nil {
			return err
		}
	}
	none, every := table.Keys(nil), table.Span(0, w.Info.Features)
	if r.alone {
		r.whole = true
		r.all, err = algos.View[float32](w, items, every, table.Increments)
		return err
	}
	held := none
	if w.Start > 0 {
		r.whole, held = true, every
	}
	if r.all, err = algos.View[float32](w, items, held, table.Increments); err != nil {
		return err
	}
	r.slice, err = algos.View[float32](w, items, none, table.InPlace)
	return err
}

// cutsOf cuts n items into slices whose ratings, as far as sums tell, add up to about the
// same; some may have no items.
func cutsOf(n uint64, sums []float64, slices int) []uint64 {
	total := 0.0
	for _, v := range sums {
		if v < 0 {
			return even(n, slices)
		}
		total += v
	}
	if total == 0 || uint64(len(sums)) != n {
		return even(n, slices)
	}
	cuts := make([]uint64, slices+1)
	s, sum := 1, 0.0
	for j, v := range sums {
		sum += v
		for target := 0.0; s < slices; s++ {
			if target = total * float64(s) / float64(slices); sum < target {
				break
			}
			if cuts[s] = uint64(j); target-(sum-v) >= sum-target { // which is nearer
				cuts[s]++
			}
		}
	}
	for ; s <= slices; s++ {
		cuts[s] = n
	}
	return cuts
}

// even cuts n items into slices of about as many each.
func even(n uint64, slices int) []uint64 {
	cuts := make([]uint64, slices+1)
	for s := range cuts {
		cuts[s] = n / uint64(slices) * uint64(s)
		cuts[s] += min(n%uint64(slices), uint64(s))
	}
	return cuts
}

// at is the slice of a part at the clock that follows so many pushes.
func (r *rotation) at(part, pushes int) int {
	return schedule.Turn(part, r.parts, len(r.cuts)-1, pushes)
}

// acquire asks for the slice of the clock after so many pushes, which is the clock-th in
// which slices have holders: each has one in every other clock.
func (r *rotation) acquire(w *algos.Worker, pushes, clock int) {
	s := r.at(w.Part, pushes)
	r.slice.Acquire(table.Range{Begin: r.cuts[s], End: r.cuts[s+1]}, uint64(clock/2))
}

func (r *rotation) prepare(a *MF, w *algos.Worker) {
	if !r.alone {
		r.acquire(w, 0, 0)
	}
}

// restore has the slice of the next clock be worked on without a lease, which nobody could
// have yet: turns are counted from the clock after it.
func (r *rotation) restore(*MF) { r.late, r.pushes = true, -1 }

func (r *rotation) travels() bool { return !r.alone }

func (r *rotation) push(a *MF, w *algos.Worker) {
	s := r.at(w.Part, a.pushes)
	if r.alone {
		s = 0
	}
	lo, hi := int(r.cuts[s]), int(r.cuts[s+1])
	if !r.alone {
		r.acquire(w, a.pushes+1, r.pushes+1)
		r.take(a, w, lo, hi)
	}
	if a.Solver == "bpr" {
		a.rank(s, lo, hi, w)
	} else {
		r.learn(a, s, lo, hi)
	}
	if !r.alone {
		if r.late {
			r.publish(a, lo, hi)
		} else {
			r.give(a, lo, hi)
		}
		r.hold(w)
	}
	r.late = false
	r.pushes++
}

// learn goes a step towards each rating of slice s, the items [lo, hi).
func (r *rotation) learn(a *MF, s, lo, hi int) {
	d, slices := a.descent(), len(r.cuts)-1
	epoch := a.pushes / slices
	if a.pushes%slices == 0 || r.late {
		for u, n := range a.perUser {
			d.Set(a.users[u*a.stride:], float64(n), epoch)
		}
	}
	for j := lo; j < hi; j++ {
		d.Set(a.items[j*a.stride:], a.perItem[j], epoch)
	}
	d.Pass(a.train, s, a.users, a.items, a.stride)
}

// take makes the part's rows of items [lo, hi) those of the slice that it holds; who has
// the slice first begins with rows of its own.
func (r *rotation) take(a *MF, w *algos.Worker, lo, hi int) {
	if a.pushes <= 1 {
		return
	}
	width, values := 1+a.Rank, r.slice.Values()
	if r.late {
		values = r.all.Values()[lo*width:]
	}
	for j := lo; j < hi; j++ {
		a.pack(j, a.items, values[(j-lo)*width:][:width])
	}
}

// give writes the rows of items [lo, hi) to the slice.
func (r *rotation) give(a *MF, lo, hi int) {
	width, values := 1+a.Rank, r.slice.Values()
	for j := lo; j < hi; j++ {
		a.unpack(values[(j-lo)*width:][:width], j, a.items)
	}
	r.slice.Written(0, hi-lo)
}

// hold asks for all items where a barrier comes next, and lets them go after it.
func (r *rotation) hold(w *algos.Worker) {
	switch next := w.Clock+1 == w.Barrier; {
	case next && !r.whole:
		r.all.Hold(table.Span(0, r.cuts[len(r.cuts)-1]))
		r.whole = true
	case !next && r.whole:
		r.all.Hold(table.Keys(nil))
		r.whole = false
	}
}

func (r *rotation) collect(a *MF, w *algos.Worker) {
	if r.alone || !r.whole {
		return
	}
	width, values := 1+a.Rank, r.all.Values()
	for s := range len(r.cuts) - 1 {
		if a.pushes == 1 && s%2 == 1 {
			continue // nobody had it yet
		}
		for j := int(r.cuts[s]); j < int(r.cuts[s+1]); j++ {
			a.pack(j, a.items, values[j*width:][:width])
		}
	}
}

func (r *rotation) publish(a *MF, lo, hi int) {
	row := make([]float32, 1+a.Rank)
	for j := lo; j < hi; j++ {
		a.unpack(row, j, a.items)
		for k, v := range r.all.Row(j) {
			row[k] -= v
		}
		r.all.AddTo(j, 1, row)
	}
}
