package table

import "slices"

// index finds the rows of a sparse store's keys. It is cut in buckets by the upper
// bits of the hash (extendible hashing: Fagin et al., TODS 1979), each an open
// addressing table of its own that grows by a quarter and is split in two when it is
// large: nothing is ever as large as the index, so that growth takes no more
// memory than what it grows by. A tag, 8 bits of the hash, lies beside each row: a
// key is looked at, which is a miss of the cache, nearly only where it is the one.
//
// At 5 bytes a slot and 68 to 88 percent of the slots in use a key takes 5.7 to 7.3.
type index struct {
	buckets []*bucket // 2^depth, by the upper depth bits of the hash
	depth   uint
	rows    []uint32 // scratch: of a bucket that grows
	keys    []uint64 // scratch
}

type bucket struct {
	depth uint     // upper bits of the hash that all its keys have in common
	n     int      // slots in use
	tags  []uint8  // 0: the slot is free
	rows  []uint32 // as many
}

const (
	leastSlots = 64
	splitSlots = 4096 // of each half when a bucket is split
	mostSlots  = splitSlots * 5 / 4 * 5 / 4
)

func newBucket(depth uint, slots int) *bucket {
	return &bucket{depth: depth, tags: make([]uint8, slots), rows: make([]uint32, slots)}
}

// of is the bucket of a hash.
func (x *index) of(hash uint64) *bucket {
	if x.buckets == nil {
		x.buckets = []*bucket{newBucket(0, leastSlots)}
	}
	return x.buckets[hash>>(64-x.depth)]
}

// start is the slot at which the search for a hash begins.
func (b *bucket) start(hash uint64) int { return int(uint64(uint32(hash)) * uint64(len(b.tags)) >> 32) }

// tag is what lies beside the row of a hash: of bits that neither all of a bucket
// nor all of a slot have in common.
func tag(hash uint64) uint8 { return max(uint8(hash>>32), 1) }

// put adds a row whose key is not there; there must be a free slot.
func (b *bucket) put(hash uint64, row uint32) {
	i := b.start(hash)
	for b.tags[i] != 0 {
		if i++; i == len(b.tags) {
			i = 0
		}
	}
	b.tags[i], b.rows[i] = tag(hash), row
	b.n++
}

func (b *bucket) full() bool { return b.n+1 > len(b.tags)*7/8 }

// grow makes room in the full bucket of a hash; keys looks the keys of rows up.
func (x *index) grow(hash uint64, keys func(rows []uint32, to []uint64)) {
	b := x.of(hash)
	slots := min(len(b.tags)*3/2, splitSlots)
	if len(b.tags) >= splitSlots {
		slots = len(b.tags) * 5 / 4
	}
	halves := [2]*bucket{newBucket(b.depth, slots)}
	halves[1] = halves[0]
	if len(b.tags) == mostSlots {
		halves = [2]*bucket{newBucket(b.depth+1, splitSlots), newBucket(b.depth+1, splitSlots)}
	}
	x.rows, x.keys = slices.Grow(x.rows[:0], mostSlots)[:mostSlots], slices.Grow(x.keys[:0], mostSlots)[:mostSlots]
	n := 0
	for i, t := range b.tags {
		x.rows[n] = b.rows[i]
		if t != 0 {
			n++
		}
	}
	keys(x.rows[:n], x.keys[:n])
	for i, key := range x.keys[:n] {
		h := mix(key)
		halves[h>>(63-b.depth)&1].put(h, x.rows[i])
	}
	x.replace(hash, b.depth, halves)
}

// replace puts two halves, which may be the same, in the place of a hash's bucket.
func (x *index) replace(hash uint64, depth uint, halves [2]*bucket) {
	if halves[0].depth > x.depth {
		all := make([]*bucket, 2*len(x.buckets))
		for i := range all {
			all[i] = x.buckets[i/2]
		}
		x.buckets, x.depth = all, x.depth+1
	}
	places := x.buckets[hash>>(64-depth)<<(x.depth-depth):][:1<<(x.depth-depth)]
	for i := range places {
		places[i] = halves[0]
		if i >= len(places)/2 {
			places[i] = halves[1]
		}
	}
}

// slots is how many there are.
func (x *index) slots() (n int) {
	for i, b := range x.buckets {
		if i == 0 || b != x.buckets[i-1] {
			n += len(b.tags)
		}
	}
	return n
}

// touch returns the row number of a key in a sparse store, made when it is new.
func (s *store[T]) touch(key uint64) uint32 { return s.touchHash(key, mix(key)) }

func (s *store[T]) touchHash(key, hash uint64) uint32 {
	b, t := s.index.of(hash), tag(hash)
	for i := b.start(hash); b.tags[i] != 0; {
		if b.tags[i] == t && s.key(b.rows[i]) == key {
			return b.rows[i]
		}
		if i++; i == len(b.tags) {
			i = 0
		}
	}
	for b.full() {
		s.index.grow(hash, s.keysOf)
		b = s.index.of(hash)
	}
	row := s.insert(key)
	b.put(hash, row)
	return row
}

// touchAll is touch for the keys of a set. What decides is not the work but the
// misses of the cache, so the keys go in batches, whose misses overlap: first all
// slots are looked at, then all keys that are found there.
func (s *store[T]) touchAll(set Set, rows []uint32) {
	var hashes [batch]uint64
	var rowAt [batch]uint32
	var there [batch]bool
	for first := 0; first < len(rows); first += batch {
		n := min(batch, len(rows)-first)
		for i := range n {
			hashes[i] = mix(set.Key(first + i))
			b := s.index.of(hashes[i])
			at := b.start(hashes[i])
			rowAt[i], there[i] = b.rows[at], b.tags[at] == tag(hashes[i])
		}
		for i := range n {
			there[i] = there[i] && s.key(rowAt[i]) == set.Key(first+i)
		}
		for i := range n {
			if rows[first+i] = rowAt[i]; !there[i] {
				rows[first+i] = s.touchHash(set.Key(first+i), hashes[i])
			}
		}
	}
}

// keysOf looks up the keys of rows of a sparse store: in batches, one step of all of a
// batch after the other, so that the misses of the cache overlap.
func (s *store[T]) keysOf(rows []uint32, to []uint64) {
	var near [batch][]uint32
	for len(rows) > 0 {
		n := min(len(rows), batch)
		if s.wide {
			for i, row := range rows[:n] {
				to[i] = s.pages[row>>pageBits].far[row&pageMask]
			}
		} else {
			for i, row := range rows[:n] {
				near[i] = s.pages[row>>pageBits].near
			}
			for i, row := range rows[:n] {
				to[i] = s.rng.Begin + uint64(near[i][row&pageMask])
			}
		}
		rows, to = rows[n:], to[n:]
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
