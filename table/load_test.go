package table

import (
	"bytes"
	"strings"
	"testing"

	"petuum/consistency"
	"petuum/table/kernel"
	"petuum/table/placement"
)

// loaded is a shard of 2 with some rows of the table that were loaded.
func loaded(t *testing.T, spec Spec, keys []uint64, values func(key uint64) []float64) *Shard {
	t.Helper()
	s, err := NewShard(1, 2, []Spec{{Name: "other", Keys: 4}, spec}, placement.NewRoster(1), Options{Life: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		if err := s.Load(1, key, kernel.Append(nil, values(key))); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// exported is what a shard has of its second table.
func exported(s *Shard) (keys []uint64, values [][]byte) {
	s.Export(1, func(key uint64, v []byte) {
		keys, values = append(keys, key), append(values, bytes.Clone(v))
	})
	return keys, values
}

// TestLoad gives a shard rows, whose clients then begin with them: all others have
// the initial values, and a rule goes on from the rows with no past.
func TestLoad(t *testing.T) {
	values := func(key uint64) []float64 { return []float64{float64(key) / 8, -1} }
	for _, c := range []struct {
		name string
		spec Spec
		keys []uint64 // in the shard, [5000, 10000) of dense tables
	}{
		{"dense", Spec{Name: "t", Keys: 10000, Width: 2, Type: Float64, Init: Init{Value: 7}}, []uint64{5000, 5001, 7000, 9999}},
		{"sparse", Spec{Name: "t", Keys: 1 << 40, Width: 2, Type: Float64, Store: StoreSparse, Init: Init{Value: 7}}, []uint64{1 << 39, 1<<39 + 5, 1<<40 - 1}},
		{"adagrad", Spec{Name: "t", Keys: 10000, Width: 2, Type: Float64, Rule: AdaGrad(0.5, 0)}, []uint64{5000, 6000}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := loaded(t, c.spec, c.keys, values)
			keys, rows := exported(s)
			for i, key := range keys {
				if want := kernel.Append(nil, values(key)); key != c.keys[i] || !bytes.Equal(rows[i], want) {
					t.Errorf("row %d: got key %d, %x, want key %d, %x", i, key, rows[i], c.keys[i], want)
				}
			}
			if len(keys) != len(c.keys) {
				t.Errorf("got %d rows, want %d", len(keys), len(c.keys))
			}
			again, err := Restore(s.AppendSnapshot(nil), s.specs, s.o)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(again.AppendSnapshot(nil), s.AppendSnapshot(nil)) {
				t.Error("a snapshot restores another shard")
			}
			st := s.stores[1].(*store[float64])
			last := c.keys[len(c.keys)-1]
			row := uint32(last - st.rng.Begin)
			if c.spec.sparse() {
				row = st.touch(last)
			}
			st.applyOne(row, []float64{2, 2}, s.stamp)
			want := values(last)[0] + 2
			if c.spec.Rule.kind == ruleAdaGrad {
				want = values(last)[0] - 0.5 // the first step is eta, whatever the gradient
			}
			if got := st.row(row)[0]; got != want {
				t.Errorf("after an update: got %v, want %v", got, want)
			}
		})
	}
}

func TestLoadRefuses(t *testing.T) {
	spec := Spec{Name: "t", Keys: 10000, Type: Float64}
	for _, c := range []struct {
		name  string
		table int
		key   uint64
		bytes int
		hello bool
		want  string
	}{
		{"another shard's key", 1, 4999, 8, false, `key 4999 of "t" is not in [5000, 10000)`},
		{"a key beyond", 1, 10000, 8, false, "key 10000"},
		{"a short row", 1, 5000, 4, false, `4 bytes of values for a row of "t", want 8`},
		{"no such table", 2, 5000, 8, false, "table 2 of 2"},
		{"too late", 1, 5000, 8, true, "after a client has said hello"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := loaded(t, spec, nil, nil)
			if c.hello {
				s.sessions[consistency.Origin(0)].live = true
			}
			if err := s.Load(c.table, c.key, make([]byte, c.bytes)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want %q", err, c.want)
			}
			if keys, _ := exported(s); len(keys) > 0 {
				t.Errorf("got rows %v, want none", keys)
			}
		})
	}
}
