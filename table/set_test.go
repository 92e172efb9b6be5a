package table

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// randomSet is a set within [0, keys): a range or a list.
func randomSet(rnd *rand.Rand, keys uint64) Set {
	if rnd.IntN(2) == 0 {
		begin := rnd.Uint64N(keys)
		return Span(begin, min(keys, begin+rnd.Uint64N(60)))
	}
	list := make([]uint64, rnd.IntN(40))
	for i := range list {
		list[i] = rnd.Uint64N(min(keys, 200)) // crowded at the begin
		if rnd.IntN(3) == 0 {
			list[i] = rnd.Uint64N(keys)
		}
	}
	slices.Sort(list)
	return Keys(slices.Compact(list))
}

func keysOf(s Set) []uint64 {
	keys := make([]uint64, s.Len())
	for i := range keys {
		keys[i] = s.Key(i)
	}
	return keys
}

func TestSetClipAndPosition(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for i := range 2000 {
		keys := []uint64{1, 100, 1 << 40, math.MaxUint64}[i%4]
		s := randomSet(rnd, keys)
		if err := s.check(keys); err != nil {
			t.Fatalf("%v: %v", s, err)
		}
		begin := rnd.Uint64N(keys)
		if n := s.Len(); n > 0 && rnd.IntN(2) == 0 {
			begin = s.Key(rnd.IntN(n))
		}
		r := Range{begin, begin + min(keys-begin, rnd.Uint64N(80))}
		lo, hi := s.clip(r)
		var want []uint64
		for i, k := range keysOf(s) {
			if r.Contains(k) {
				want = append(want, k)
			}
			if at, ok := s.Position(k); !ok || at != i {
				t.Fatalf("%v: position of %d: got %d, %t, want %d", s, k, at, ok, i)
			}
		}
		if got := keysOf(s)[lo:hi]; !slices.Equal(got, want) {
			t.Fatalf("%v clipped to %v: got %v, want %v", s, r, got, want)
		}
		if got := keysOf(s.sub(lo, hi)); !slices.Equal(got, want) {
			t.Fatalf("sub of %v: got %v, want %v", s, got, want)
		}
		if _, ok := s.Position(begin); ok != slices.Contains(keysOf(s), begin) {
			t.Fatalf("%v: Position(%d): got %t", s, begin, ok)
		}
	}
}

func TestUnion(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for i := range 2000 {
		sets := make([]Set, rnd.IntN(5))
		for j := range sets {
			sets[j] = randomSet(rnd, []uint64{50, 300}[i%2])
			if j > 0 && rnd.IntN(4) == 0 {
				sets[j] = sets[0]
			}
		}
		var want []uint64
		for _, s := range sets {
			want = append(want, keysOf(s)...)
		}
		slices.Sort(want)
		want = slices.Compact(want)
		if got := keysOf(union(sets)); !slices.Equal(got, want) {
			t.Fatalf("%v: got %v, want %v", sets, got, want)
		}
	}
}

func TestUnionKeepsRanges(t *testing.T) {
	for _, c := range []struct {
		name  string
		sets  []Set
		rng   bool
		count int
	}{
		{"one", []Set{Span(3, 9)}, true, 6},
		{"same", []Set{Span(3, 9), Span(3, 9)}, true, 6},
		{"overlap", []Set{Span(5, 12), Span(3, 9)}, true, 9},
		{"touch", []Set{Span(9, 12), Span(3, 9)}, true, 9},
		{"inside", []Set{Span(0, 100), Span(3, 9), Span(50, 60)}, true, 100},
		{"empty between", []Set{Span(0, 4), Span(40, 40), Span(4, 8)}, true, 8},
		{"gap", []Set{Span(0, 4), Span(5, 8)}, false, 7},
		{"list", []Set{Span(0, 4), Keys([]uint64{2, 6})}, false, 5},
		{"same list", []Set{Keys([]uint64{2, 6}), Keys([]uint64{2, 6})}, false, 2},
		{"nothing", nil, false, 0},
	} {
		if u := union(c.sets); u.isRange() != c.rng || u.Len() != c.count {
			t.Errorf("%s: got range %t of %d keys, want %t of %d", c.name, u.isRange(), u.Len(), c.rng, c.count)
		}
	}
}

func TestSetCheck(t *testing.T) {
	for _, c := range []struct {
		name string
		set  Set
		keys uint64
		ok   bool
	}{
		{"no list", Keys(nil), 1, true},
		{"empty range", Span(5, 5), 5, true},
		{"range that ends before it begins", Span(5, 2), 5, true},
		{"whole", Span(0, 5), 5, true},
		{"beyond", Span(0, 6), 5, false},
		{"longest", Span(10, 10+1<<31), 1 << 40, true},
		{"too long", Span(0, 1<<31+1), 1 << 40, false},
		{"endless", Span(0, math.MaxUint64), math.MaxUint64, false},
		{"last key", Keys([]uint64{math.MaxUint64 - 1}), math.MaxUint64, true},
		{"key beyond", Keys([]uint64{1, 5}), 5, false},
		{"twice", Keys([]uint64{1, 1}), 5, false},
		{"descending", Keys([]uint64{2, 1}), 5, false},
	} {
		if err := c.set.check(c.keys); (err == nil) != c.ok {
			t.Errorf("%s: got %v, want ok %t", c.name, err, c.ok)
		}
	}
}

func TestBitset(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		n := 1 + rnd.IntN(300)
		b, model := newBitset(n), make([]bool, n)
		for range 10 {
			lo := rnd.IntN(n)
			hi := lo + rnd.IntN(n-lo+1)
			if rnd.IntN(2) == 0 {
				b.setRange(lo, hi)
				for i := lo; i < hi; i++ {
					model[i] = true
				}
				continue
			}
			b.clear(lo)
			model[lo] = false
		}
		lo := rnd.IntN(n)
		hi := lo + rnd.IntN(n-lo+1)
		var want []int32
		for i := lo; i < hi; i++ {
			if model[i] {
				want = append(want, int32(i-lo))
			}
			if b.has(i) != model[i] {
				t.Fatalf("bit %d: got %t, want %t", i, b.has(i), model[i])
			}
		}
		if got := b.appendTo(nil, lo, hi, lo); !slices.Equal(got, want) {
			t.Fatalf("[%d, %d) of %d: got %v, want %v", lo, hi, n, got, want)
		}
		var runs []int32
		for i, j := b.run(lo, hi); i < hi; i, j = b.run(j, hi) {
			if i > lo && model[i-1] || j < hi && model[j] || i >= j {
				t.Fatalf("run [%d, %d) in [%d, %d): it is longer, or empty", i, j, lo, hi)
			}
			for ; i < j; i++ {
				runs = append(runs, int32(i-lo))
			}
		}
		if !slices.Equal(runs, want) {
			t.Fatalf("runs of [%d, %d) of %d: got %v, want %v", lo, hi, n, runs, want)
		}
	}
}
