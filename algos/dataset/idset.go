package dataset

import (
	"errors"
	"math"
	"math/bits"
)

// smallIDs is the number of ids of which a set keeps a bit each, at most 8 MiB of
// them. Larger ids are looked up by hash.
const smallIDs = 1 << 26

var errTooManyIDs = errors.New("more than 4 billion distinct features in one part: use more parts")

// idSet is the feature ids that a builder met. Each has a code of 32 bits: a small
// id is its own, others are numbered from smallIDs on as they are met.
type idSet struct {
	bits  []uint64 // of the small ids
	large []uint64 // by their numbers
	slots []slot   // a power of two of them, less than 5/8 full; nil without large ids
}

// slot is a large id and its number. An id is never 0.
type slot struct {
	id     uint64
	number uint32
}

// code returns the code of an id, which is in the set from now on. ok is false if
// there are too many ids.
func (s *idSet) code(id uint64) (code uint32, ok bool) {
	if w := id / 64; w < uint64(len(s.bits)) {
		s.bits[w] |= 1 << (id % 64)
		return uint32(id), true
	}
	return s.slowCode(id)
}

func (s *idSet) slowCode(id uint64) (code uint32, ok bool) {
	if id < smallIDs {
		words := max(64, 2*len(s.bits))
		for uint64(words)*64 <= id {
			words *= 2
		}
		s.bits = append(s.bits, make([]uint64, words-len(s.bits))...)
		s.bits[id/64] |= 1 << (id % 64)
		return uint32(id), true
	}
	if 8*len(s.large) >= 5*len(s.slots) {
		s.grow()
	}
	at := s.find(id)
	if s.slots[at].id != id {
		if len(s.large) == math.MaxUint32-smallIDs {
			return 0, false
		}
		s.slots[at] = slot{id, uint32(len(s.large))}
		s.large = append(s.large, id)
	}
	return smallIDs + s.slots[at].number, true
}

// find returns where a large id is, or is to go.
func (s *idSet) find(id uint64) int {
	mask := len(s.slots) - 1
	at := int(id * 0x9e3779b97f4a7c15 >> (64 - uint(bits.Len(uint(mask)))))
	for s.slots[at].id != id && s.slots[at].id != 0 {
		at = (at + 1) & mask
	}
	return at
}

// grow makes room for more large ids.
func (s *idSet) grow() {
	s.slots = make([]slot, max(1024, 2*len(s.slots)))
	for n, id := range s.large {
		s.slots[s.find(id)] = slot{id, uint32(n)}
	}
}

// limits returns the smallest and the largest id. ok is false if there is none.
func (s *idSet) limits() (low, high uint64, ok bool) {
	low = math.MaxUint64
	for w, word := range s.bits {
		if word != 0 {
			low = min(low, uint64(64*w+bits.TrailingZeros64(word)))
			high = uint64(64*w + 63 - bits.LeadingZeros64(word))
		}
	}
	for _, id := range s.large {
		low, high = min(low, id), max(high, id)
	}
	return low, high, low <= high
}

// each yields the small ids in ascending order, then the large ones as numbered,
// with their codes.
func (s *idSet) each(yield func(id uint64, code uint32) bool) {
	for w, word := range s.bits {
		for ; word != 0; word &= word - 1 {
			id := 64*w + bits.TrailingZeros64(word)
			if !yield(uint64(id), uint32(id)) {
				return
			}
		}
	}
	for n, id := range s.large {
		if !yield(id, smallIDs+uint32(n)) {
			return
		}
	}
}

// positions tells the places that the ids of several sets have in the ascending
// order of all.
type positions struct {
	keys []uint64 // all ids
	// Of the small ids: their bits, and for each word how many ids are before it.
	bits   []uint64
	before []uint32
	first  uint32 // the smallest one, if none is missing up to the largest; else none
	large  [][]uint32
}

// none is a first id that no set has.
const none = math.MaxUint32

// orderIDs makes the positions of the ids of sets.
func orderIDs(sets []*idSet) *positions {
	p := &positions{large: make([][]uint32, len(sets)), first: none}
	for _, s := range sets {
		if len(s.bits) > len(p.bits) {
			p.bits = append(p.bits, make([]uint64, len(s.bits)-len(p.bits))...)
		}
		for w, word := range s.bits {
			p.bits[w] |= word
		}
	}
	count := 0
	p.before = make([]uint32, len(p.bits))
	for w, word := range p.bits {
		p.before[w] = uint32(count)
		count += bits.OnesCount64(word)
	}
	p.keys = make([]uint64, 0, count)
	for w, word := range p.bits {
		for ; word != 0; word &= word - 1 {
			p.keys = append(p.keys, uint64(64*w+bits.TrailingZeros64(word)))
		}
	}
	if count > 0 && p.keys[count-1]-p.keys[0] == uint64(count-1) {
		p.first = uint32(p.keys[0])
	}
	p.orderLarge(sets)
	return p
}

// occurrence is a large id and its number in a set.
type occurrence struct {
	id     uint64
	set    uint32
	number uint32
}

// orderLarge places the large ids behind the small ones.
func (p *positions) orderLarge(sets []*idSet) {
	n := 0
	for _, s := range sets {
		n += len(s.large)
	}
	all := make([]occurrence, 0, n)
	for k, s := range sets {
		p.large[k] = make([]uint32, len(s.large))
		for number, id := range s.large {
			all = append(all, occurrence{id, uint32(k), uint32(number)})
		}
	}
	all = sorted(all)
	for i, o := range all {
		if i == 0 || all[i-1].id != o.id {
			p.keys = append(p.keys, o.id)
		}
		p.large[o.set][o.number] = uint32(len(p.keys) - 1)
	}
}

// sorted returns x sorted by id, in its own memory or in as much again: by radix, the
// least digit first; digits that all ids share take no pass.
func sorted(x []occurrence) []occurrence {
	const digit, passes = 11, 6
	var counts [passes][1 << digit]uint32
	for _, o := range x {
		for d := range passes {
			counts[d][o.id>>(digit*d)%(1<<digit)]++
		}
	}
	y := make([]occurrence, len(x))
	for d := range passes {
		c := &counts[d]
		if len(x) == 0 || c[x[0].id>>(digit*d)%(1<<digit)] == uint32(len(x)) {
			continue
		}
		at := uint32(0)
		for k, n := range c {
			c[k], at = at, at+n
		}
		for _, o := range x {
			k := o.id >> (digit * d) % (1 << digit)
			y[c[k]] = o
			c[k]++
		}
		x, y = y, x
	}
	return x
}

// of returns the position of a code of set k.
func (p *positions) of(k int, code uint32) uint32 {
	if code >= smallIDs {
		return p.large[k][code-smallIDs]
	}
	w := code / 64
	return p.before[w] + uint32(bits.OnesCount64(p.bits[w]&(1<<(code%64)-1)))
}
