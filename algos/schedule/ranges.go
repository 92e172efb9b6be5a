package schedule

import (
	"fmt"
	"math"
	"sync"
)

// Ranges is several schedules that take turns, each over a range of the variables, as
// the schedulers of STRADS do: what is drawn together is of one range. With ahead, the
// next round of the one whose turn comes is prepared while the last round is worked on.
// Which Done a prepared round has seen depends on the order of calls alone, so runs
// repeat.
type Ranges struct {
	parts     []rangeOf
	turn      int
	ahead     int // whose round is being prepared, or is; -1: nobody's
	prepare   func()
	preparing sync.WaitGroup // the goroutine that does, which ends by itself
	local     []int          // positions of an outcome in its range
}

type rangeOf struct {
	Schedule
	begin, end int
	prepared   []int
}

// NewRanges makes parts schedules of the same options, of ranges whose sizes differ by
// at most 1. With ahead, rounds are prepared by a goroutine.
func NewRanges(o Options, parts int, ahead bool) (*Ranges, error) {
	if parts < 1 || parts > o.Variables {
		return nil, fmt.Errorf("schedule: %d schedulers of %d variables: one is the least, and each has a variable", parts, o.Variables)
	}
	r := &Ranges{ahead: -1, parts: make([]rangeOf, parts)}
	whole, err := NewRotation(0, uint64(o.Variables), parts)
	if err != nil {
		return nil, err
	}
	for p := range r.parts {
		begin, end := whole.Slice(p, 0)
		own := o
		own.Variables, own.Seed = int(end-begin), mix(o.Seed+uint64(p))
		s, err := New(own)
		if err != nil {
			return nil, err
		}
		r.parts[p] = rangeOf{Schedule: s, begin: int(begin), end: int(end)}
	}
	if ahead && parts > 1 {
		r.prepare = func() {
			defer r.preparing.Done()
			part := &r.parts[r.ahead]
			part.prepared = part.Next(part.prepared[:0])
		}
	}
	return r, nil
}

// join waits for the round that is being prepared, so that its schedule may be used.
func (r *Ranges) join() {
	if r.ahead >= 0 {
		r.preparing.Wait()
		r.ahead = -1
	}
}

// Next is the round of the range whose turn it is, or of the first after it that has
// one.
func (r *Ranges) Next(dst []int) []int {
	r.join()
	start := len(dst)
	for range r.parts {
		part := &r.parts[r.turn]
		r.turn = (r.turn + 1) % len(r.parts)
		if len(part.prepared) > 0 {
			dst = append(dst, part.prepared...)
			part.prepared = part.prepared[:0]
		} else {
			dst = part.Next(dst)
		}
		if len(dst) > start {
			for i := range dst[start:] {
				dst[start+i] += part.begin
			}
			break
		}
	}
	if len(dst) > start && r.prepare != nil {
		r.ahead = r.turn
		r.preparing.Add(1)
		go r.prepare()
	}
	return dst
}

// Done ends a round in its range.
func (r *Ranges) Done(o Outcome) {
	if len(o.Variables) == 0 {
		return
	}
	p := r.of(o.Variables[0])
	if p == r.ahead {
		r.join()
	}
	part := &r.parts[p]
	r.local = r.local[:0]
	for _, j := range o.Variables {
		r.local = append(r.local, j-part.begin)
	}
	o.Variables = r.local
	part.Done(o)
}

// Check is what the range of a round says.
func (r *Ranges) Check(round []int) (rho float64, most int) {
	if len(round) > 0 {
		p := r.of(round[0])
		if p == r.ahead {
			r.join()
		}
		if c, ok := r.parts[p].Schedule.(Checker); ok {
			return c.Check(nil)
		}
	}
	return math.Inf(1), len(round)
}

// of is the range of a variable.
func (r *Ranges) of(j int) int {
	for p := range r.parts {
		if j < r.parts[p].end {
			return p
		}
	}
	return len(r.parts) - 1
}

// Renew gives every range its part of a survey. A round that was prepared before it
// is still given.
func (r *Ranges) Renew(promise []float64) {
	r.join()
	for _, part := range r.parts {
		part.Renew(promise[part.begin:part.end])
	}
}

// Screen says that j will never move.
func (r *Ranges) Screen(j int) {
	r.join()
	part := &r.parts[r.of(j)]
	part.Schedule.(Screener).Screen(j - part.begin)
}

// Reset takes in again what was screened.
func (r *Ranges) Reset() {
	r.join()
	for _, part := range r.parts {
		part.Schedule.(Screener).Reset()
	}
}

// Explain is what the ranges say, in their order.
func (r *Ranges) Explain() []string {
	r.join()
	var says []string
	for _, part := range r.parts {
		if e, ok := part.Schedule.(Explainer); ok {
			for _, s := range e.Explain() {
				says = append(says, fmt.Sprintf("variables %d to %d: %s", part.begin, part.end-1, s))
			}
		}
	}
	return says
}

var (
	_ Screener  = (*Ranges)(nil)
	_ Checker   = (*Ranges)(nil)
	_ Explainer = (*Ranges)(nil)
)
