package table

import "math/bits"

// touch returns the row number of a key in a sparse store, made when it is new.
func (s *store[T]) touch(key uint64) uint32 {
	if uint64(s.rows)+1 > uint64(len(s.index))*4/5 {
		s.grow()
	}
	for i := s.slot(key); ; i++ {
		if i == len(s.index) {
			i = 0
		}
		switch at := s.index[i]; {
		case at == 0:
			s.index[i] = s.rows + 1
			return s.insert(key)
		case s.key(at-1) == key:
			return at - 1
		}
	}
}

func (s *store[T]) slot(key uint64) int {
	hi, _ := bits.Mul64(mix(key), uint64(len(s.index)))
	return int(hi)
}

// touchAll is touch for the keys of a set. What decides is not the work but the
// misses of the cache, so the keys go in batches, whose misses overlap: first all
// slots are looked at, then all keys that are found there.
func (s *store[T]) touchAll(set Set, rows []uint32) {
	if s.rows == 0 {
		s.reserve(len(rows)) // later nobody knows how many of the keys are there
	}
	const batch = 32
	var slots [batch]int
	var rowAt [batch]uint32
	var keyAt [batch]uint64
	for first := 0; first < len(rows); first += batch {
		n := min(batch, len(rows)-first)
		for i := range n {
			slots[i] = s.slot(set.Key(first + i))
		}
		for i := range n {
			rowAt[i] = s.index[slots[i]]
		}
		for i := range n {
			if rowAt[i] > 0 {
				keyAt[i] = s.key(rowAt[i] - 1)
			}
		}
		for i := range n {
			if key := set.Key(first + i); rowAt[i] > 0 && keyAt[i] == key {
				rows[first+i] = rowAt[i] - 1
			} else {
				rows[first+i] = s.touch(key)
			}
		}
	}
}

// reserve makes the index large enough for n more rows.
func (s *store[T]) reserve(n int) {
	slots := max(64, len(s.index))
	for uint64(s.rows)+uint64(n)+1 > uint64(slots)*4/5 {
		slots += slots / 2
	}
	if slots > len(s.index) {
		s.rehash(slots)
	}
}

func (s *store[T]) grow() { s.rehash(max(64, len(s.index)+len(s.index)/2)) }

// rehash makes an index of so many slots.
func (s *store[T]) rehash(slots int) {
	s.index = make([]uint32, slots)
	for row := range s.rows {
		i := s.slot(s.key(row))
		for s.index[i] != 0 {
			if i++; i == len(s.index) {
				i = 0
			}
		}
		s.index[i] = row + 1
	}
}

func (s *store[T]) insert(key uint64) uint32 {
	row := s.rows
	s.rows++
	if int(row>>pageBits) == len(s.pages) {
		s.pages = append(s.pages, s.newPage(len(s.pages), pageRows))
	}
	p, i := s.pages[row>>pageBits], int(row&pageMask)
	if s.wide {
		p.far[i] = key
	} else {
		p.near[i] = uint32(key - s.rng.Begin)
	}
	if !s.spec.Init.zero() {
		fillInit(s.spec.Init, key, p.vals[i*s.width:(i+1)*s.width])
	}
	return row
}
