package dataset

import (
	"errors"
	"math"
	"math/bits"
)

// smallIDs is the number of ids of which a set keeps a bit each, in pages: at most
// 2 MiB of them, and no more than ids are met. Larger ids are looked up by hash.
const smallIDs = 1 << 24

// page is the bits of pageIDs ids that follow each other.
type page [pageIDs / 64]uint64

const pageIDs = 4096

var errTooManyIDs = errors.New("more than 4 billion distinct features in one part: use more parts")

// idSet is the feature ids that a builder met. Each has a code of 32 bits: a small
// id is its own, others are numbered from smallIDs on as they are met.
type idSet struct {
	pages []*page  // of the small ids; nil where there is none
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
	if p := id / pageIDs; p < uint64(len(s.pages)) && s.pages[p] != nil {
		s.pages[p][id/64%(pageIDs/64)] |= 1 << (id % 64)
		return uint32(id), true
	}
	return s.slowCode(id)
}

func (s *idSet) slowCode(id uint64) (code uint32, ok bool) {
	if id < smallIDs {
		p := int(id / pageIDs)
		if p >= len(s.pages) {
			s.pages = append(s.pages, make([]*page, p+1-len(s.pages))...)
		}
		s.pages[p] = new(page)
		s.pages[p][id/64%(pageIDs/64)] |= 1 << (id % 64)
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
	for id := range s.each {
		low, high = min(low, id), max(high, id)
	}
	return low, high, low <= high
}

// each yields the small ids in ascending order, then the large ones as numbered,
// with their codes.
func (s *idSet) each(yield func(id uint64, code uint32) bool) {
	for p, page := range s.pages {
		if page != nil && !page.each(uint64(p)*pageIDs, yield) {
			return
		}
	}
	for n, id := range s.large {
		if !yield(id, smallIDs+uint32(n)) {
			return
		}
	}
}

// each yields the ids of a page, of which the first could be first.
func (p *page) each(first uint64, yield func(id uint64, code uint32) bool) bool {
	for w, word := range p {
		for ; word != 0; word &= word - 1 {
			id := first + uint64(64*w+bits.TrailingZeros64(word))
			if !yield(id, uint32(id)) {
				return false
			}
		}
	}
	return true
}

// positions tells the places that the ids of several sets have in the ascending
// order of all.
type positions struct {
	keys  []uint64 // all ids
	pages []*ranks // of the small ids
	first uint32   // the smallest one, if none is missing up to the largest; else none
	large [][]uint32
}

// ranks is a page with the number of ids before each of its words.
type ranks struct {
	page
	before [pageIDs / 64]uint32
}

// none is a first id that no set has.
const none = math.MaxUint32

// orderIDs makes the positions of the ids of sets.
func orderIDs(sets []*idSet) *positions {
	p := &positions{large: make([][]uint32, len(sets)), first: none}
	for _, s := range sets {
		p.pages = append(p.pages, make([]*ranks, max(0, len(s.pages)-len(p.pages)))...)
		for k, page := range s.pages {
			if page == nil {
				continue
			}
			if p.pages[k] == nil {
				p.pages[k] = new(ranks)
			}
			for w, word := range page {
				p.pages[k].page[w] |= word
			}
		}
	}
	count := 0
	for _, r := range p.pages {
		if r == nil {
			continue
		}
		for w, word := range r.page {
			r.before[w] = uint32(count)
			count += bits.OnesCount64(word)
		}
	}
	p.keys = make([]uint64, 0, count)
	for k, r := range p.pages {
		if r != nil {
			r.each(uint64(k)*pageIDs, func(id uint64, _ uint32) bool {
				p.keys = append(p.keys, id)
				return true
			})
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
	r, w := p.pages[code/pageIDs], code/64%(pageIDs/64)
	return r.before[w] + uint32(bits.OnesCount64(r.page[w]&(1<<(code%64)-1)))
}
