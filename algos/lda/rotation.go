package lda

import (
	"petuum/algos/schedule"
	"petuum/table"
)

// rotation is a part's account of who is at which slice. All parts know it of each other: at step t
// part p is at slice (p S/P + t) mod S, which is another one for each part if there are so many.
type rotation struct {
	plan  *plan
	part  int
	parts int
	turns []uint64 // of each slice: how many held it so far
	last  []int64  // of each slice: the part that held it last; -1: none

	// Of each slice that this part held last: what it came to when it was given back.
	term    []float64
	counted []float64
	beta    []float64 // one number: the beta of the latest terms; 0 before there are any
}

func newRotation(p *plan, part, parts int) rotation {
	n := p.slices()
	r := rotation{plan: p, part: part, parts: parts, turns: make([]uint64, n), last: make([]int64, n),
		term: make([]float64, n), counted: make([]float64, n), beta: make([]float64, 1)}
	for s := range r.last {
		r.last[s] = -1
	}
	return r
}

// slice is what a part has at a step.
func (r *rotation) slice(part, step int) int {
	return schedule.Turn(part, r.parts, r.plan.slices(), step)
}

// ask has the view turn to the slice of a step with the Clock that follows, and books what all parts
// do then. Steps are asked for in order.
func (r *rotation) ask(v *table.View[int32], step int) {
	s := r.slice(r.part, step)
	v.Acquire(r.plan.keys(s), r.turns[s])
	for p := range r.parts {
		s := r.slice(p, step)
		r.turns[s]++
	}
}

// held books who holds what at a step.
func (r *rotation) held(step int) {
	for p := range r.parts {
		r.last[r.slice(p, step)] = int64(p)
	}
}

// again is in how many steps a slice is held by somebody once more, at most.
func (r *rotation) again() int { return (r.plan.slices() + r.parts - 1) / r.parts }

// lastOfSweep reports whether nobody holds a slice after a step in the sweep of that. Where slices are no
// multiple of the parts, two may have one in the last steps.
func (r *rotation) lastOfSweep(slice, step int) bool {
	n := r.plan.slices()
	if step%n < n-r.again() {
		return false
	}
	for step++; step%n > 0; step++ {
		for p := range r.parts {
			if r.slice(p, step) == slice {
				return false
			}
		}
	}
	return true
}
