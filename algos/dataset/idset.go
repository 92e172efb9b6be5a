package dataset

import (
	"errors"
	"math"
	"slices"
)

// directIDs is the number of ids that are looked up in an array. It bounds what
// a part spends on the array to 4 MiB.
const directIDs = 1 << 20

var errTooManyIDs = errors.New("more than 2^32-2 distinct features in one part: use more parts")

// idSet numbers feature ids in the order in which they are first asked for: small
// ids by an array, which is all that most data needs, others by a map.
type idSet struct {
	direct []uint32 // 1 + number of the id that is the index; 0: none
	large  map[uint64]uint32
	n      uint32 // ids numbered
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
	if id >= directIDs {
		if n, found := s.large[id]; found {
			return n, true
		}
	}
	if s.n == math.MaxUint32-1 {
		return 0, false
	}
	s.n++
	if id >= directIDs {
		if s.large == nil {
			s.large = map[uint64]uint32{}
		}
		s.large[id] = s.n - 1
		return s.n - 1, true
	}
	if id >= uint64(len(s.direct)) {
		size := max(1024, 2*len(s.direct))
		for uint64(size) <= id {
			size *= 2
		}
		larger := make([]uint32, size)
		copy(larger, s.direct)
		s.direct = larger
	}
	s.direct[id] = s.n
	return s.n - 1, true
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
	small := len(ids)
	for id := range s.large {
		ids = append(ids, id)
	}
	slices.Sort(ids[small:])
	for i, id := range ids[small:] {
		rank[s.large[id]] = uint32(small + i)
	}
	return ids, rank
}
