package table

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"petuum/consistency"
	"petuum/table/placement"
)

// wholeRows are those of the second table of shards, by key.
func wholeRows(shards []*Shard) map[uint64]string {
	rows := map[uint64]string{}
	for _, s := range shards {
		s.ExportWhole(1, func(key uint64, row []byte) { rows[key] = string(row) })
	}
	return rows
}

// TestWhole moves a table with the state of its rule into another number of shards,
// where it goes on as in its own: values, state and norms are the same to the bit.
func TestWhole(t *testing.T) {
	const seed = 11
	for _, spec := range []Spec{
		{Name: "t", Keys: 5000, Width: 2, Type: Float64, Init: Init{Value: 7}},
		{Name: "t", Keys: 5000, Width: 3, Rule: AdaGrad(0.5, 1e-3), Init: Init{Spread: 1, Seed: 3}},
		{Name: "t", Keys: 1 << 40, Rule: FTRL(0.3, 1, 0.1, 0.2)},
		{Name: "t", Keys: 1 << 40, Type: Int32, Store: StoreSparse},
		{Name: "t", Keys: 5000, Type: Float64, Rule: Aggregate(0.1, 1e-3)},
		{Name: "t", Keys: 5000, Encoding: BFloat16},
	} {
		t.Run(fmt.Sprint(spec.Rule, spec.Keys, spec.Type), func(t *testing.T) {
			make := func(of int) (shards []*Shard) {
				for k := range of {
					s, err := NewShard(k, of, []Spec{{Name: "other", Keys: 4}, spec}, placement.NewRoster(1).From(9), Options{Life: 1})
					if err != nil {
						t.Fatal(err)
					}
					shards = append(shards, s)
				}
				return shards
			}
			load := func(to []*Shard, key uint64, row []byte) error {
				for k, s := range to {
					if ShardRange(spec.Keys, k, len(to)).Contains(key) {
						return s.LoadWhole(1, key, row)
					}
				}
				return fmt.Errorf("no shard has key %d", key)
			}
			r := rand.New(rand.NewPCG(seed, 1))
			one, three, again := make(1), make(3), make(1)
			if c, ok := one[0].vector.Clock(consistency.Origin(0)); !ok || c != 9 {
				t.Fatalf("the origin begins at clock %d, want 9", c)
			}
			step := func(s *Shard, key uint64, clock consistency.Clock) {
				s.stores[1].begin(clock)
				row := uint32(key)
				at := rowSet{n: 1, begin: row}
				if spec.sparse() {
					h := &hold{}
					s.stores[1].resolve(h, Keys([]uint64{key}))
					at = h.rows
				}
				update := bytes.Repeat([]byte{0, 0, 0x80, 0x3f}, spec.valueBytes()/4)
				s.stores[1].apply(at, update, s.stamp)
			}
			keys := []uint64{0, 1, 4999}
			for range 40 {
				keys = append(keys, r.Uint64N(spec.Keys))
			}
			for i, key := range keys {
				step(one[0], key, consistency.Clock(i))
			}
			for _, to := range [][]*Shard{three, again} {
				one[0].ExportWhole(1, func(key uint64, row []byte) {
					if len(row) != spec.WholeBytes() {
						t.Fatalf("seed %d: a row of %d bytes, want %d", seed, len(row), spec.WholeBytes())
					}
					if err := load(to, key, row); err != nil {
						t.Fatal(err)
					}
				})
			}
			want := wholeRows(one)
			if got := wholeRows(three); len(want) < len(keys)/2 || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("seed %d: three shards have %d rows, want the same %d", seed, len(got), len(want))
			}
			for _, key := range keys[:20] {
				step(one[0], key, 60)
				step(again[0], key, 60)
			}
			if got, want := wholeRows(again), wholeRows(one); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("seed %d: after more updates the rows differ", seed)
			}
			if got, want := again[0].Norms(1), one[0].Norms(1); got != want {
				t.Errorf("seed %d: norms %+v, want %+v", seed, got, want)
			}
			if err := again[0].LoadWhole(1, 0, []byte{1}); err == nil {
				t.Error("a short row is not refused")
			}
		})
	}
}
