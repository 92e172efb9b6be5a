package table

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"petuum/table/kernel"
)

// TestStoreAgainstMap does random updates to stores of every layout and to a map.
func TestStoreAgainstMap(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for _, c := range []struct {
		name string
		spec Spec
		rng  Range
		n    int // distinct keys
	}{
		{"dense", Spec{Keys: 5000, Store: StoreDense, Width: 3}, Range{1000, 4500}, 3000},
		{"sparse", Spec{Keys: 5000, Store: StoreSparse, Width: 3, Rule: Aggregate(0.1, 1e-3)}, Range{1000, 4500}, 3000},
		{"sparse, initial values", Spec{Keys: 1 << 32, Width: 2, Init: Init{Spread: 1}}, Range{0, 1 << 32}, 5000},
		{"sparse, every key", Spec{Keys: math.MaxUint64, Rule: AdaGrad(0.1, 1e-3)}, Range{0, math.MaxUint64}, 5000},
		{"sparse, the upper half", Spec{Keys: math.MaxUint64, Width: 4}, Range{math.MaxUint64 / 2, math.MaxUint64}, 500},
		{"sparse, one key", Spec{Keys: 1, Store: StoreSparse}, Range{0, 1}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			c.spec.Type = Float64
			testStore(t, c.spec, c.rng, c.n, rnd)
		})
	}
}

type modelRow struct{ v, state []float64 }

func testStore(t *testing.T, spec Spec, rng Range, n int, rnd *rand.Rand) {
	s := newStore[float64](spec, rng)
	keys := []uint64{rng.Begin, rng.End - 1} // the first and the last, which may be 2^64-2
	for len(keys) < n {
		keys = append(keys, rng.Begin+rnd.Uint64N(rng.Len()))
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	model, rows := map[uint64]modelRow{}, map[uint64]uint32{}
	for step := range 4 * len(keys) {
		key := keys[rnd.IntN(len(keys))]
		if step < len(keys) {
			key = keys[(step*7919)%len(keys)]
		}
		row := uint32(key - rng.Begin)
		if spec.sparse() {
			if row = s.touch(key); s.touch(key) != row {
				t.Fatalf("key %d has two rows", key)
			}
			if before, ok := rows[key]; ok && before != row {
				t.Fatalf("key %d moved from row %d to %d", key, before, row)
			}
		}
		rows[key] = row
		if got := s.key(row); got != key {
			t.Fatalf("row %d: got key %d, want %d", row, got, key)
		}
		m, ok := model[key]
		if !ok {
			m = modelRow{make([]float64, s.width), make([]float64, s.states)}
			fillInit(spec.Init, key, m.v)
			wantValues(t, "a key that nobody wrote", s.row(row), m.v...)
		}
		u := make([]float64, s.width)
		for j := range u {
			u[j] = float64(rnd.IntN(9) - 4)
		}
		applyRow(spec.Rule, m.v, m.state, u)
		s.apply(rowSet{n: 1, list: []uint32{row}}, kernel.Append(nil, u), uint32(step+1))
		model[key] = m
	}
	if spec.sparse() && int(s.rows) != len(model) {
		t.Errorf("rows: got %d, want %d", s.rows, len(model))
	}
	last := uint64(0)
	seen := 0
	s.written(func(key uint64, row uint32) {
		if seen > 0 && key <= last {
			t.Fatalf("key %d after %d", key, last)
		}
		last = key
		seen++
		m, ok := model[key]
		if !ok {
			t.Fatalf("key %d was never written", key)
		}
		p, i := s.pages[row>>pageBits], int(row&pageMask)
		if !slices.Equal(s.row(row), m.v) || !slices.Equal(p.state[i*s.states:(i+1)*s.states], m.state) {
			t.Fatalf("key %d: got %v, state %v, want %v, state %v", key, s.row(row), p.state[i*s.states:(i+1)*s.states], m.v, m.state)
		}
	})
	if want := len(model); spec.sparse() {
		began := make([]float64, s.width)
		for key, m := range model {
			if fillInit(spec.Init, key, began); slices.Equal(m.v, began) {
				want-- // as if nobody had written it
			}
		}
		if seen != want {
			t.Errorf("keys exported: got %d, want the %d that are not as they began", seen, want)
		}
	} else if seen != want {
		t.Errorf("keys exported: got %d, want %d", seen, want)
	}
}

func TestDensePagesAreMadeWhenWritten(t *testing.T) {
	spec := Spec{Name: "w", Keys: 1 << 20, Type: Float32, Init: Init{Value: 1}}
	s := newStore[float32](spec, Range{5, 1 << 20})
	h := &hold{}
	s.resolve(h, Span(5, 1<<20))
	if got := s.changed(h.rows, 0, new([]int32)); got.n != 0 {
		t.Errorf("changed before any write: got %v", got)
	}
	wantValues(t, "row that nobody wrote", s.row(7777), 1)
	s.apply(rowSet{n: len([]uint32{3 * pageRows, uint32(1<<20 - 6)}), list: []uint32{3 * pageRows, uint32(1<<20 - 6)}}, kernel.Append(nil, []float32{1, 2}), 9)
	var made []int
	for n, p := range s.pages {
		if p != nil {
			made = append(made, n)
		}
	}
	if want := []int{3, 1<<10 - 1}; !slices.Equal(made, want) {
		t.Errorf("pages: got %v, want %v", made, want)
	}
	if got, want := len(s.pages[1<<10-1].vals), pageRows-5; got != want {
		t.Errorf("rows of the last page: got %d, want %d", got, want)
	}
	wantValues(t, "last row", s.row(1<<20-6), 3)
	if got, want := s.changed(h.rows, 8, new([]int32)).list, []int32{3 * pageRows, 1<<20 - 6}; !slices.Equal(got, want) {
		t.Errorf("changed since 8: got %v, want %v", got, want)
	}
	if got := s.changed(h.rows, 9, new([]int32)); got.n != 0 {
		t.Errorf("changed since 9: got %v, want nothing", got)
	}
}

// TestChangedAgainstModel compares what ranges and lists report with a plain
// search of the stamps.
func TestChangedAgainstModel(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for _, store := range []Store{StoreDense, StoreSparse} {
		const keys = 5000
		s := newStore[int32](Spec{Name: "w", Keys: keys, Type: Int32, Store: store}, Range{0, keys})
		stamps := make([]uint32, keys)
		var sets []Set
		var holds []*hold
		for range 20 {
			begin := rnd.Uint64N(keys)
			set := Span(begin, begin+rnd.Uint64N(keys-begin))
			if rnd.IntN(2) == 0 {
				set = randomSet(rnd, keys)
			}
			h := &hold{}
			s.resolve(h, set)
			sets, holds = append(sets, set), append(holds, h)
		}
		for stamp := uint32(1); stamp < 200; stamp++ {
			for range rnd.IntN(4) {
				at := rnd.IntN(len(sets))
				if set, h := sets[at], holds[at]; set.Len() > 0 {
					if rnd.IntN(4) == 0 { // all of it
						s.apply(h.rows, kernel.Append(nil, make([]int32, set.Len())), stamp)
						for i := range set.Len() {
							stamps[set.Key(i)] = stamp
						}
						continue
					}
					i := rnd.IntN(set.Len())
					s.apply(rowSet{n: 1, list: []uint32{h.rows.row(i)}}, kernel.Append(nil, []int32{1}), stamp)
					stamps[set.Key(i)] = stamp
				}
			}
			i, since := rnd.IntN(len(sets)), uint32(rnd.IntN(int(stamp)+1))
			var want []int32
			for p := range sets[i].Len() {
				if stamps[sets[i].Key(p)] > since {
					want = append(want, int32(p))
				}
			}
			if got, want := s.newer(holds[i].rows, since), len(want) > 0; got != want {
				t.Fatalf("store %d: newer than %d: got %v, want %v", store, since, got, want)
			}
			if got := positionsOf(s.changed(holds[i].rows, since, new([]int32))); !slices.Equal(got, want) {
				t.Fatalf("store %d: changed since %d: got %v, want %v", store, since, got, want)
			}
		}
	}
}

// TestApplySpan holds what is done a page at a time against the same row by row.
func TestApplySpan(t *testing.T) {
	rnd := rand.New(rand.NewPCG(6, 0))
	for _, rule := range []Rule{Add, Min, Max, Replace, AdaGrad(0.1, 1e-8), Aggregate(0.1, 1e-8), ProximalL1(0.1, 0.5)} {
		for _, width := range []int{1, 3} {
			spec := Spec{Name: "w", Keys: 3*pageRows + 10, Width: width, Type: Float64, Rule: rule, Init: Init{Value: 0.5}}
			rng := Range{0, spec.Keys}
			spans, single := newStore[float64](spec, rng), newStore[float64](spec, rng)
			for stamp := uint32(1); stamp < 30; stamp++ {
				begin := rnd.IntN(int(spec.Keys))
				at := rowSet{begin: uint32(begin), n: rnd.IntN(int(spec.Keys) - begin + 1)}
				if stamp%5 == 0 {
					at = rowSet{n: int(spec.Keys)}
				}
				u := make([]float64, at.n*width)
				for i := range u {
					u[i] = rnd.NormFloat64()
				}
				spans.apply(at, kernel.Append(nil, u), stamp)
				for i := range at.n {
					single.apply(rowSet{n: 1, list: []uint32{at.row(i)}}, kernel.Append(nil, u[i*width:(i+1)*width]), stamp)
				}
				if !bytes.Equal(spans.appendSnapshot(nil), single.appendSnapshot(nil)) {
					t.Fatalf("%s, width %d, rows %d to %d: spans and single rows differ", rule, width, begin, begin+at.n)
				}
				all := rowSet{n: int(spec.Keys)}
				if a, b := spans.appendValues(nil, all, allOf(all.n)), single.appendValues(nil, all, listed(every(1, all.n))); !bytes.Equal(a, b) {
					t.Fatalf("%s, width %d: values are encoded in two ways", rule, width)
				}
			}
		}
	}
}

func TestNorms(t *testing.T) {
	for _, store := range []Store{StoreDense, StoreSparse} {
		specs := []Spec{{Name: "w", Keys: 3000, Width: 2, Type: Float64, Store: store, Init: Init{Value: 9}}}
		r := newRig(t, rigJob{specs: specs, shards: 2})
		v := openView[float64](r, 0, 0, "w", Keys([]uint64{1, 2, 2999}), Increments)
		r.start()
		v.AddTo(0, 1, []float64{-8, -9}) // 1 0
		v.AddTo(2, 1, []float64{-12, 1}) // -3 10
		r.clock()
		got := r.shards[0].Norms(0).Plus(r.shards[1].Norms(0))
		want := Norms{Sum: 8, Abs: 14, Squares: 110, Max: 10, NonZeros: 3, Keys: 2}
		if got != want {
			t.Errorf("store %d: got %+v, want %+v", store, got, want)
		}
	}
}

// Who holds keys that are there already makes the index no larger.
func TestHoldingAgainTakesNoRoom(t *testing.T) {
	spec := Spec{Name: "w", Keys: 1 << 40}
	s := newStore[float32](spec, ShardRange(spec.Keys, 0, 1))
	keys := make([]uint64, 10_000)
	for i := range keys {
		keys[i] = uint64(i) << 20
	}
	slots := 0
	for n := range 3 {
		var h hold
		s.resolve(&h, Keys(keys))
		if n == 0 {
			slots = s.index.slots()
		}
		if s.index.slots() != slots || int(s.rows) != len(keys) || h.rows.n != len(keys) || h.rows.list != nil {
			t.Errorf("holder %d: %d slots and %d rows, want %d and %d", n, s.index.slots(), s.rows, slots, len(keys))
		}
	}
}
