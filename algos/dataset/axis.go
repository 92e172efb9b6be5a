package dataset

import (
	"slices"
	"strconv"
)

// axis is the rows or the columns of entries, in order: what the codes of builders stand for.
type axis struct {
	n     int
	names *NameList  // nil of numbers that stand for themselves
	small []uint32   // place of each small id, nil if it is its own
	large [][]uint32 // by builder: place of each large id
}

// at is the place of a code of builder from, none if it has none.
func (a *axis) at(from, code uint32) uint32 {
	switch {
	case code >= smallIDs && a.names != nil:
		return a.large[from][code-smallIDs]
	case a.names != nil:
		return a.small[code]
	case int(code) >= a.n:
		return none
	}
	return code
}

// axisOf puts the names that builders met in order. With like, the places are those of its
// names, and others have none.
func axisOf(sets []*nameSet, like *NameList) axis {
	ids := make([]*idSet, len(sets))
	words := 0
	for k, s := range sets {
		ids[k] = &s.ids
		words += len(s.texts)
	}
	a := axis{names: like, large: make([][]uint32, len(sets))}
	var fast *positions // unless there are words, or places are those of like
	if like == nil && words == 0 {
		fast = orderIDs(ids)
		a.names = &NameList{numbers: fast.keys}
	} else if like == nil {
		a.names = &NameList{texts: textsOf(sets, orderIDs(ids).keys)}
	}
	a.n = a.names.Len()
	largest := uint64(0)
	for _, s := range ids {
		for id := range s.each {
			if id < smallIDs {
				largest = max(largest, id+1)
			}
		}
	}
	a.small = make([]uint32, largest)
	for k, s := range sets {
		a.large[k] = make([]uint32, len(s.ids.large))
		for id, code := range s.ids.each {
			at := uint32(0)
			if fast != nil {
				at = fast.of(k, code)
			} else {
				at = a.names.place(s, id)
			}
			if code < smallIDs {
				a.small[code] = at
			} else {
				a.large[k][code-smallIDs] = at
			}
		}
	}
	return a
}

// place is where the name of an id of s is in the list, none if it is not.
func (l *NameList) place(s *nameSet, id uint64) uint32 {
	i, ok := 0, false
	switch {
	case l.texts != nil:
		i, ok = slices.BinarySearch(l.texts, s.text(id))
	case id < firstWord:
		i, ok = slices.BinarySearch(l.numbers, id)
	}
	if !ok {
		return none
	}
	return uint32(i)
}

// textsOf is the names of several sets, each once, sorted by bytes. keys are all ids.
func textsOf(sets []*nameSet, keys []uint64) []string {
	var all []string
	for _, id := range keys {
		if id < firstWord {
			all = append(all, strconv.FormatUint(id, 10))
		}
	}
	for _, s := range sets {
		all = append(all, s.texts...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
