package schedule

import "fmt"

// Rotation gives each of P parts a slice of a range of keys for a clock, so that every
// part has had every slice after P clocks and no two have the same at one: at clock c
// part p owns slice (p + c) mod P.
type Rotation struct {
	begin, end uint64
	parts      int
}

// NewRotation cuts the keys of [begin, end) into as many slices as there are parts.
// Their sizes differ by at most 1, the larger ones first.
func NewRotation(begin, end uint64, parts int) (Rotation, error) {
	if begin > end {
		return Rotation{}, fmt.Errorf("schedule: rotation of keys %d to %d: the first comes after the last", begin, end)
	}
	if parts < 1 {
		return Rotation{}, fmt.Errorf("schedule: rotation among %d parts: one is the least", parts)
	}
	return Rotation{begin, end, parts}, nil
}

// Turn is which of some slices a part has at a step, where these go round the parts: every
// part has had every slice after as many steps as there are slices, no two have the same at
// one, and where there are twice as many slices as parts, or more, a slice is nobody's for a
// step before its next holder has it.
func Turn(part, parts, slices, step int) int { return (part*slices/parts + step%slices) % slices }

// Slice is the keys [begin, end) that a part owns at a clock. Neither is below 0, and
// the part is one of those there are.
func (r Rotation) Slice(part int, clock int64) (begin, end uint64) {
	p := uint64(r.parts)
	s := uint64(Turn(part, r.parts, r.parts, int(clock%int64(p))))
	size, rest := (r.end-r.begin)/p, (r.end-r.begin)%p
	begin = r.begin + s*size + min(s, rest)
	end = begin + size
	if s < rest {
		end++
	}
	return begin, end
}
