package table

import (
	"fmt"
	"slices"
)

// Set is a set of keys, as a view declares it: a range or an ascending list.
type Set struct {
	list []uint64 // nil: the range
	r    Range
}

// Keys is the set of the listed keys, which must ascend strictly. The set keeps
// the slice: do not change it afterwards.
func Keys(list []uint64) Set {
	if list == nil {
		list = []uint64{}
	}
	return Set{list: list}
}

// Span is the set of the keys in [begin, end).
func Span(begin, end uint64) Set { return Set{r: Range{begin, max(begin, end)}} }

// Len is the number of keys.
func (s Set) Len() int {
	if s.list != nil {
		return len(s.list)
	}
	return int(s.r.Len())
}

// Key is the i-th key in order.
func (s Set) Key(i int) uint64 {
	if s.list != nil {
		return s.list[i]
	}
	return s.r.Begin + uint64(i)
}

// Position is the index of key in the set, and whether it is in it.
func (s Set) Position(key uint64) (i int, ok bool) {
	if s.list != nil {
		return slices.BinarySearch(s.list, key)
	}
	return int(key - s.r.Begin), s.r.Contains(key)
}

// isRange reports whether the set is held as a range.
func (s Set) isRange() bool { return s.list == nil }

// clip returns the positions [lo, hi) of the keys that lie in r.
func (s Set) clip(r Range) (lo, hi int) {
	if s.list == nil {
		i := s.r.Intersect(r)
		if i.Len() == 0 {
			return 0, 0
		}
		return int(i.Begin - s.r.Begin), int(i.End - s.r.Begin)
	}
	lo, _ = slices.BinarySearch(s.list, r.Begin)
	hi, _ = slices.BinarySearch(s.list, r.End)
	return lo, hi
}

// sub is the set of the keys at positions [lo, hi).
func (s Set) sub(lo, hi int) Set {
	if s.list != nil {
		return Set{list: s.list[lo:hi:hi]}
	}
	return Span(s.r.Begin+uint64(lo), s.r.Begin+uint64(hi))
}

// check reports whether the set is in order and within a key space.
func (s Set) check(keys uint64) error {
	if s.list == nil {
		if s.r.End > keys {
			return fmt.Errorf("range [%d, %d) is not within [0, %d)", s.r.Begin, s.r.End, keys)
		}
		if s.r.Len() > maxRange {
			return fmt.Errorf("range [%d, %d) is longer than 2^31 keys", s.r.Begin, s.r.End)
		}
		return nil
	}
	for i, k := range s.list {
		if k >= keys {
			return fmt.Errorf("key %d is not within [0, %d)", k, keys)
		}
		if i > 0 && s.list[i-1] >= k {
			return fmt.Errorf("keys do not ascend: %d follows %d", k, s.list[i-1])
		}
	}
	if len(s.list) > 1<<31-1 {
		return fmt.Errorf("more than 2^31 keys in a list")
	}
	return nil
}

// union is the keys of all sets. One range is kept as a range, and so are
// ranges that together leave no gap.
func union(sets []Set) Set {
	if len(sets) == 0 {
		return Keys(nil)
	}
	ranges := true
	for _, s := range sets {
		ranges = ranges && s.isRange()
	}
	if ranges {
		if r, ok := joinRanges(sets); ok {
			return Set{r: r}
		}
	}
	for _, s := range sets {
		if slices.Equal(s.list, sets[0].list) && s.r == sets[0].r {
			continue
		}
		return unionLists(sets)
	}
	return sets[0]
}

func joinRanges(sets []Set) (Range, bool) {
	rs := make([]Range, 0, len(sets))
	for _, s := range sets {
		if s.r.Len() > 0 {
			rs = append(rs, s.r)
		}
	}
	if len(rs) == 0 {
		return Range{}, true
	}
	slices.SortFunc(rs, func(a, b Range) int {
		if a.Begin < b.Begin {
			return -1
		}
		return 1
	})
	all := rs[0]
	for _, r := range rs[1:] {
		if r.Begin > all.End {
			return Range{}, false
		}
		all.End = max(all.End, r.End)
	}
	return all, true
}

func unionLists(sets []Set) Set {
	n := 0
	for _, s := range sets {
		n += s.Len()
	}
	all := make([]uint64, 0, n)
	for _, s := range sets {
		for i := range s.Len() {
			all = append(all, s.Key(i))
		}
	}
	slices.Sort(all)
	return Set{list: slices.Compact(all)}
}
