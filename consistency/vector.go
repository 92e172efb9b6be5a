package consistency

import (
	"fmt"
	"slices"
)

// Origin names a fixed group of parts with one clock: who an update is from. It
// keeps its number when it moves to another process.
type Origin uint32

// Vector holds the clock of each origin that counts. Min is what the slowest
// has finished; it never goes back while origins only tick and leave.
// The zero value is empty.
type Vector struct {
	origins []Origin // ascending
	clocks  []Clock  // clocks[i] is of origins[i]
	min     Clock    // least of clocks
	atMin   int      // how many clocks equal min
	left    Clock    // highest clock of those that left
}

// Len is the number of origins that count.
func (v *Vector) Len() int { return len(v.origins) }

// Origins lists the origins in ascending order. The slice is the vector's own:
// read it before the next Enter or Leave and do not change it.
func (v *Vector) Origins() []Origin { return v.origins }

// Clock returns the clock of o and whether o counts.
func (v *Vector) Clock(o Origin) (Clock, bool) {
	i, ok := slices.BinarySearch(v.origins, o)
	if !ok {
		return 0, false
	}
	return v.clocks[i], true
}

// Enter makes o count from clock at on; an origin that counts already is set to
// it. A newcomer enters at Min()+1 or later, or a version that readers were
// promised would be taken back.
func (v *Vector) Enter(o Origin, at Clock) {
	i, ok := slices.BinarySearch(v.origins, o)
	if !ok {
		v.origins = slices.Insert(v.origins, i, o)
		v.clocks = slices.Insert(v.clocks, i, at)
	}
	v.clocks[i] = at
	v.recount()
}

// Tick sets the clock of o to c and reports whether Min advanced. It is an
// error if o does not count or its clock would go back.
func (v *Vector) Tick(o Origin, c Clock) (advanced bool, err error) {
	i, ok := slices.BinarySearch(v.origins, o)
	switch {
	case !ok:
		return false, fmt.Errorf("consistency: origin %d is not on the roster", o)
	case c < v.clocks[i]:
		return false, fmt.Errorf("consistency: origin %d went back from clock %d to %d", o, v.clocks[i], c)
	case c == v.clocks[i]:
		return false, nil
	}
	was := v.clocks[i]
	v.clocks[i] = c
	if was != v.min {
		return false, nil
	}
	if v.atMin--; v.atMin > 0 {
		return false, nil
	}
	v.recount()
	return true, nil
}

// Leave makes o count no longer and reports whether Min advanced.
func (v *Vector) Leave(o Origin) (advanced bool) {
	i, ok := slices.BinarySearch(v.origins, o)
	if !ok {
		return false
	}
	v.left = max(v.left, v.clocks[i])
	v.origins = slices.Delete(v.origins, i, i+1)
	v.clocks = slices.Delete(v.clocks, i, i+1)
	was := v.min
	v.recount()
	return v.min > was
}

// Min is the clock of the slowest origin: every update before it is in. With no
// origin left it is the highest clock that any of them had, since nobody can add
// to what is before it any more.
func (v *Vector) Min() Clock { return v.min }

// Slowest is an origin whose clock is Min, the one with the least number.
func (v *Vector) Slowest() (o Origin, ok bool) {
	for i, c := range v.clocks {
		if c == v.min {
			return v.origins[i], true
		}
	}
	return 0, false
}

func (v *Vector) recount() {
	if len(v.clocks) == 0 {
		v.min, v.atMin = max(v.min, v.left), 0
		return
	}
	v.min, v.atMin = slices.Min(v.clocks), 0
	for _, c := range v.clocks {
		if c == v.min {
			v.atMin++
		}
	}
}
