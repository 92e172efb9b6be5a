package table

import (
	"math/bits"
	"slices"

	"petuum/table/kernel"
)

// Export calls f with each key of a table that was ever written, in order, and its
// values, encoded little endian. Both are good during the call. Of a sparse table it
// leaves out what is as it began, such as the weights that a penalty makes 0: most of
// a large model, of which a reader would not know the difference.
func (s *Shard) Export(table int, f func(key uint64, values []byte)) {
	var b []byte
	st := s.stores[table]
	st.written(func(key uint64, row uint32) {
		b = st.appendRow(b[:0], row)
		f(key, b)
	})
}

// ExportWhole calls f with each key of a table that was ever written, and its values and
// the state of its rule, encoded little endian: all that LoadWhole needs to go on from
// there, in the same or in another number of shards, at a clock that every origin has
// come to. The order is that of the rows in the shard. A row is good during the call.
func (s *Shard) ExportWhole(table int, f func(key uint64, row []byte)) { s.stores[table].whole(f) }

// WholeBytes is the bytes of a row with the state of its rule.
func (s Spec) WholeBytes() int { return s.valueBytes() * (1 + s.Rule.stateWidth()) }

// valueBytes is the bytes of the values of a row as a shard keeps them.
func (s Spec) valueBytes() int { return s.Type.Size() * s.width() }

func (s *store[T]) whole(f func(key uint64, row []byte)) {
	var b []byte
	for n, p := range s.pages {
		if p == nil {
			continue
		}
		for i := range p.stamps {
			row := uint32(n)<<pageBits + uint32(i)
			if s.spec.sparse() && row >= s.rows {
				return
			}
			if p.stamp(i) > 0 {
				b = kernel.Append(b[:0], p.vals[i*s.width:(i+1)*s.width])
				b = kernel.Append(b, p.state[i*s.states:(i+1)*s.states])
				f(s.key(row), b)
			}
		}
	}
}

func (s *store[T]) appendRow(b []byte, row uint32) []byte { return kernel.Append(b, s.row(row)) }

// written calls f for each row to be exported, by key.
func (s *store[T]) written(f func(key uint64, row uint32)) {
	if s.spec.sparse() {
		s.writtenSparse(f)
		return
	}
	for n, p := range s.pages {
		if p == nil {
			continue
		}
		for i := range p.stamps {
			if row := uint32(n)<<pageBits + uint32(i); p.stamp(i) > 0 {
				f(s.key(row), row)
			}
		}
	}
}

// drawers is into how many runs of keys the rows are dealt before each is sorted by
// itself: of 50 million rows each is small enough for the cache, and no more memory is
// taken than a row number each.
const drawers = 1 << 12

// keyed is a row and its key.
type keyed struct {
	key uint64
	row uint32
}

func (s *store[T]) writtenSparse(f func(key uint64, row uint32)) {
	shift := max(bits.Len64(s.rng.Len())-bits.Len(drawers-1), 0)
	drawer := func(row uint32) uint64 { return min((s.key(row)-s.rng.Begin)>>shift, drawers-1) }
	var ends [drawers]uint32
	s.changedRows(func(row uint32) { ends[drawer(row)]++ })
	n := uint32(0)
	for d, size := range ends {
		ends[d], n = n, n+size
	}
	rows := make([]uint32, n)
	s.changedRows(func(row uint32) {
		d := drawer(row)
		rows[ends[d]] = row
		ends[d]++
	})
	var run []keyed
	begin := uint32(0)
	for _, end := range ends {
		run = run[:0]
		for _, row := range rows[begin:end] {
			run = append(run, keyed{s.key(row), row})
		}
		slices.SortFunc(run, func(a, b keyed) int {
			if a.key < b.key {
				return -1
			}
			return 1
		})
		for _, k := range run {
			f(k.key, k.row)
		}
		begin = end
	}
}

// changedRows calls f for each row of a sparse store that was written and is not as
// it began.
func (s *store[T]) changedRows(f func(row uint32)) {
	for row := range s.rows {
		p, i := s.pages[row>>pageBits], int(row&pageMask)
		if p.stamp(i) == 0 {
			continue
		}
		fillInit(s.spec.Init, s.key(row), s.zero)
		if !slices.Equal(p.vals[i*s.width:(i+1)*s.width], s.zero) {
			f(row)
		}
	}
}
