package table

import (
	"slices"

	"petuum/consistency"
)

// foldedClock keeps the updates of one clock until every origin has finished it.
type foldedClock struct {
	clock consistency.Clock
	parts []foldedBlock
}

type foldedBlock struct {
	origin consistency.Origin
	table  int
	rows   rowSet
	values []byte
	list   []uint32 // memory of the rows, where they are listed
}

// unused is the memory of folds that are done.
type unused struct {
	clocks [][]foldedBlock
	blocks []foldedBlock
}

// foldsClock reports whether a table is folded a clock at a time.
func (s *Shard) foldsClock(table int) bool {
	return s.o.Policy.Synchronous() && (s.o.Deterministic || s.specs[table].Rule.fold())
}

// keep stores a block until its clock is folded.
func (s *Shard) keep(clock consistency.Clock, o consistency.Origin, b block) {
	i, ok := slices.BinarySearchFunc(s.folds, clock, func(f foldedClock, c consistency.Clock) int { return int(f.clock - c) })
	if !ok {
		f := foldedClock{clock: clock}
		if last := len(s.unused.clocks) - 1; last >= 0 {
			f.parts = s.unused.clocks[last]
			s.unused.clocks = s.unused.clocks[:last]
		}
		s.folds = slices.Insert(s.folds, i, f)
	}
	var kept foldedBlock
	if last := len(s.unused.blocks) - 1; last >= 0 {
		kept = s.unused.blocks[last]
		s.unused.blocks = s.unused.blocks[:last]
	}
	kept.origin, kept.table, kept.rows = o, b.hold.table, b.rows
	kept.values = append(kept.values[:0], b.values...)
	if b.rows.list != nil {
		kept.list = append(kept.list[:0], b.rows.list...)
		kept.rows.list = kept.list
	}
	s.folds[i].parts = append(s.folds[i].parts, kept)
}

// foldUpTo folds every clock up to min: the updates of each origin are combined
// in the order of origins, then the rule is applied once a key.
func (s *Shard) foldUpTo(min consistency.Clock) {
	n := 0
	for n < len(s.folds) && s.folds[n].clock <= min {
		f := s.folds[n]
		slices.SortStableFunc(f.parts, byOrigin)
		for _, st := range s.stores {
			st.begin(f.clock)
		}
		for _, b := range f.parts {
			if f.only(b.table) {
				s.stores[b.table].apply(b.rows, b.values, s.stamp)
				continue
			}
			s.stores[b.table].combine(b.rows, b.values)
		}
		for _, st := range s.stores {
			st.flush(s.stamp)
		}
		s.unused.blocks = append(s.unused.blocks, f.parts...)
		s.unused.clocks = append(s.unused.clocks, f.parts[:0])
		n++
	}
	s.folds = slices.Delete(s.folds, 0, n)
}

// only reports whether a table has a single block, with which nothing is to be
// combined.
func (f *foldedClock) only(table int) bool {
	n := 0
	for _, b := range f.parts {
		if b.table == table {
			n++
		}
	}
	return n == 1
}

func byOrigin(a, b foldedBlock) int { return int(a.origin) - int(b.origin) }
