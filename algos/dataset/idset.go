package dataset

import (
	"cmp"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
)

// directIDs is the number of ids that are looked up in an array. It bounds what
// a part spends on the array to 4 MiB.
const directIDs = 1 << 20

var errTooManyIDs = errors.New("more than 2^32-2 distinct features in one part: use more parts")

// idSet numbers feature ids in the order in which they are first asked for. Small
// ids are looked up in an array, others in an open-addressing hash table, which
// takes a third of the time of a map.
type idSet struct {
	direct []uint32  // 1 + number of the id that is the index; 0: none
	table  []idEntry // length 0 or a power of two, at most three quarters full
	used   int       // entries in table
	seed   uint64    // so that no file can make every id collide
	n      uint32    // ids numbered
}

type idEntry struct {
	id    uint64
	place uint32 // 1 + number; 0: free
}

// number returns the number of id. ok is false if there are too many ids.
func (s *idSet) number(id uint64) (n uint32, ok bool) {
	if id < uint64(len(s.direct)) {
		if place := s.direct[id]; place != 0 {
			return place - 1, true
		}
	}
	return s.numberSlow(id)
}

func (s *idSet) numberSlow(id uint64) (uint32, bool) {
	if s.n == math.MaxUint32-1 {
		return 0, false
	}
	if id < directIDs {
		if id >= uint64(len(s.direct)) {
			size := max(1024, 2*len(s.direct))
			for uint64(size) <= id {
				size *= 2
			}
			larger := make([]uint32, size)
			copy(larger, s.direct)
			s.direct = larger
		}
		s.n++
		s.direct[id] = s.n
		return s.n - 1, true
	}
	if 4*(s.used+1) > 3*len(s.table) {
		s.grow()
	}
	e := s.find(id)
	if e.place == 0 {
		s.n++
		s.used++
		*e = idEntry{id, s.n}
	}
	return e.place - 1, true
}

// find returns the entry of id, or the free one where it belongs.
func (s *idSet) find(id uint64) *idEntry {
	mask := uint64(len(s.table) - 1)
	for i := mix(id ^ s.seed); ; i++ {
		e := &s.table[i&mask]
		if e.place == 0 || e.id == id {
			return e
		}
	}
}

func (s *idSet) grow() {
	old := s.table
	if old == nil {
		s.seed = rand.Uint64()
	}
	s.table = make([]idEntry, max(1024, 2*len(old)))
	for _, e := range old {
		if e.place != 0 {
			*s.find(e.id) = e
		}
	}
}

// mix spreads the bits of x: the finaliser of SplitMix64.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// sorted returns the ids in ascending order, and for each number its id's place
// in that order.
func (s *idSet) sorted() (ids []uint64, rank []uint32) {
	ids = make([]uint64, 0, s.n)
	rank = make([]uint32, s.n)
	for id, place := range s.direct {
		if place != 0 {
			rank[place-1] = uint32(len(ids))
			ids = append(ids, uint64(id))
		}
	}
	large := make([]idEntry, 0, s.used)
	for _, e := range s.table {
		if e.place != 0 {
			large = append(large, e)
		}
	}
	slices.SortFunc(large, func(a, b idEntry) int { return cmp.Compare(a.id, b.id) })
	for _, e := range large {
		rank[e.place-1] = uint32(len(ids))
		ids = append(ids, e.id)
	}
	return ids, rank
}
