package table

import "math/bits"

// bitset is a set of positions, a bit each.
type bitset []uint64

func newBitset(n int) bitset { return make(bitset, (n+63)/64) }

func (b bitset) has(i int) bool { return b[i>>6]&(1<<(i&63)) != 0 }
func (b bitset) set(i int)      { b[i>>6] |= 1 << (i & 63) }
func (b bitset) clear(i int)    { b[i>>6] &^= 1 << (i & 63) }

// setRange sets the bits [lo, hi).
func (b bitset) setRange(lo, hi int) {
	for i := lo; i < hi; {
		if i&63 == 0 && hi-i >= 64 {
			b[i>>6] = ^uint64(0)
			i += 64
			continue
		}
		b.set(i)
		i++
	}
}

// appendTo appends the positions set in [lo, hi), less base.
func (b bitset) appendTo(positions []int32, lo, hi, base int) []int32 {
	if lo >= hi {
		return positions
	}
	first, last := lo>>6, (hi-1)>>6
	for w := first; w <= last; w++ {
		word := b[w]
		if w == first {
			word &= ^uint64(0) << (lo & 63)
		}
		if w == last && hi&63 != 0 {
			word &= 1<<(hi&63) - 1
		}
		for ; word != 0; word &= word - 1 {
			positions = append(positions, int32(w<<6+bits.TrailingZeros64(word)-base))
		}
	}
	return positions
}

// run returns the next bits [i, j) that are all set, at or after from and below n;
// n, n where there are none.
func (b bitset) run(from, n int) (i, j int) {
	i = b.next(from, n, 0)
	return i, b.next(i, n, ^uint64(0))
}

// next is the first bit at or after from and below n that differs from those of
// flip; n if there is none.
func (b bitset) next(from, n int, flip uint64) int {
	if from >= n {
		return n
	}
	w := from >> 6
	word := (b[w] ^ flip) &^ (1<<(from&63) - 1)
	for word == 0 {
		if w++; w<<6 >= n {
			return n
		}
		word = b[w] ^ flip
	}
	return min(n, w<<6+bits.TrailingZeros64(word))
}

// full reports whether all of [lo, hi) are set.
func (b bitset) full(lo, hi int) bool {
	for i := lo; i < hi; {
		if i&63 == 0 && hi-i >= 64 {
			if b[i>>6] != ^uint64(0) {
				return false
			}
			i += 64
			continue
		}
		if !b.has(i) {
			return false
		}
		i++
	}
	return true
}

// any reports whether one of [lo, hi) is set.
func (b bitset) any(lo, hi int) bool {
	for i := lo; i < hi; {
		if i&63 == 0 && hi-i >= 64 {
			if b[i>>6] != 0 {
				return true
			}
			i += 64
			continue
		}
		if b.has(i) {
			return true
		}
		i++
	}
	return false
}

// clearRange clears the bits [lo, hi).
func (b bitset) clearRange(lo, hi int) {
	for i := lo; i < hi; {
		if i&63 == 0 && hi-i >= 64 {
			b[i>>6] = 0
			i += 64
			continue
		}
		b.clear(i)
		i++
	}
}
