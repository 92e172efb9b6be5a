package table

import (
	"errors"
	"fmt"

	"petuum/table/kernel"
)

// Load has a row begin with values, which are encoded as Export has them, in place
// of the initial ones. The row counts as written. Load before any client says hello:
// what they hold is sent to them whole then.
func (s *Shard) Load(table int, key uint64, values []byte) error {
	return s.load(table, key, values, Spec.valueBytes, "values")
}

// LoadWhole is Load of a row as ExportWhole has it: its rule goes on from the state.
func (s *Shard) LoadWhole(table int, key uint64, row []byte) error {
	return s.load(table, key, row, Spec.WholeBytes, "values and state")
}

func (s *Shard) load(table int, key uint64, row []byte, size func(Spec) int, what string) error {
	if table < 0 || table >= len(s.specs) {
		return fmt.Errorf("table: shard %d: a row for table %d of %d", s.index, table, len(s.specs))
	}
	spec := s.specs[table]
	if rng := ShardRange(spec.Keys, s.index, s.of); !rng.Contains(key) {
		return fmt.Errorf("table: shard %d: key %d of %q is not in [%d, %d)", s.index, key, spec.Name, rng.Begin, rng.End)
	}
	if want := size(spec); len(row) != want {
		return fmt.Errorf("table: shard %d: %d bytes of %s for a row of %q, want %d", s.index, len(row), what, spec.Name, want)
	}
	for _, ses := range s.sessions {
		if ses.live {
			return errors.New("table: a row is loaded after a client has said hello")
		}
	}
	s.stores[table].load(key, row[:spec.valueBytes()], row[spec.valueBytes():], s.stamp)
	return nil
}

// load gives a row its first values, and the state of its rule where there is any.
func (s *store[T]) load(key uint64, values, state []byte, stamp uint32) {
	row := uint32(key - s.rng.Begin)
	if s.spec.sparse() {
		row = s.touch(key)
	}
	p, i := s.writable(row), int(row&pageMask)
	vals := p.vals[i*s.width : (i+1)*s.width]
	kernel.Load(vals, values)
	if own := p.state[i*s.states : (i+1)*s.states]; len(state) > 0 {
		kernel.Load(own, state)
	} else {
		resumeRow(s.spec.Rule, vals, own)
	}
	p.stamps[i], p.latest = stamp, stamp
	s.latest = stamp
}
