package schedule

import "math/bits"

// set is a set of variables, a bit for each.
type set []uint64

func newSet(n int) set { return make(set, (n+63)/64) }

func (s set) has(j int) bool { return s[j>>6]>>(j&63)&1 != 0 }
func (s set) add(j int)      { s[j>>6] |= 1 << (j & 63) }
func (s set) drop(j int)     { s[j>>6] &^= 1 << (j & 63) }

// put makes j a member or not.
func (s set) put(j int, in bool) {
	if in {
		s.add(j)
	} else {
		s.drop(j)
	}
}

// fill makes 0 to n-1 members.
func (s set) fill(n int) {
	for i := range s {
		s[i] = ^uint64(0)
	}
	if n&63 != 0 {
		s[len(s)-1] = 1<<(n&63) - 1
	}
}

// next is the first member in [from, to), or -1.
func (s set) next(from, to int) int {
	if from >= to {
		return -1
	}
	i := from >> 6
	word := s[i] &^ (1<<(from&63) - 1)
	for word == 0 {
		if i++; i<<6 >= to {
			return -1
		}
		word = s[i]
	}
	if j := i<<6 + bits.TrailingZeros64(word); j < to {
		return j
	}
	return -1
}

// turns goes round the members of a set, of which it knows nothing but the size of
// the whole. It has a hand in each of up to 64 regions and moves them in turn, so
// that what comes together is far apart: neighbours are often alike. In n + 64 turns
// it comes by everything that is a member all the while.
type turns struct {
	n, region int
	hands     []int // where the search in each region goes on
}

func newTurns(n int) turns {
	t := turns{n: n, hands: make([]int, min(n, 64))}
	for r := range t.hands {
		t.hands[r] = t.begin(r)
	}
	return t
}

// begin is the first variable of region r; n x 64 fits where n variables do.
func (t *turns) begin(r int) int { return r * t.n / len(t.hands) }

// next is the member whose turn it is, or -1 if there is none.
func (t *turns) next(of set) int {
	for range t.hands {
		r := t.region
		t.region = (r + 1) % len(t.hands)
		begin, end := t.begin(r), t.begin(r+1)
		j := of.next(t.hands[r], end)
		if j < 0 {
			j = of.next(begin, t.hands[r])
		}
		if j >= 0 {
			if t.hands[r] = j + 1; j+1 == end {
				t.hands[r] = begin
			}
			return j
		}
	}
	return -1
}
