package algos_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"petuum/algos"
)

// TestGather has pieces of parts come in random orders and compares with a plain sum in
// the order of parts, to the bit.
func TestGather(t *testing.T) {
	before := map[int]*algos.Gather{} // by parts; their memory is used again
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 3))
		parts, long := 1+rng.IntN(5), 1+rng.IntN(40)
		want := algos.NewEval(7)
		left := make([][]func(g *algos.Gather) error, parts) // in the order of each part
		for p := range parts {
			e, whole := algos.NewEval(7), algos.NewEval(7)
			for _, name := range []string{"a", "b"} {
				values := make([]float64, long)
				for i := range values {
					values[i] = rng.NormFloat64()
				}
				if rng.IntN(4) == 0 {
					continue // not every part has every sum
				}
				whole.Add(name, values...)
				if rng.IntN(4) == 0 {
					e.Add(name, values...)
					continue
				}
				for at := 0; at < long; {
					from, to := at, min(long, at+1+rng.IntN(long))
					left[p] = append(left[p], func(g *algos.Gather) error { return g.Piece(p, 7, name, long, from, values[from:to]) })
					at = to
				}
			}
			e.Add("few", float64(p)/3)
			whole.Add("few", float64(p)/3)
			e.Max("most", float64(p))
			whole.Max("most", float64(p))
			left[p] = append(left[p], func(g *algos.Gather) error { return g.End(p, e) })
			if err := want.Merge(whole); err != nil {
				t.Fatal(err)
			}
		}
		g := algos.NewGather(7, parts)
		if last := before[parts]; last != nil {
			g = last.Next(7)
		}
		before[parts] = g
		for n := range len(slices.Concat(left...)) {
			if e, err := g.Total(); err == nil {
				t.Fatalf("seed %d: after %d pieces the total is there: %v", seed, n, e)
			}
			p := rng.IntN(parts)
			for len(left[p]) == 0 {
				p = (p + 1) % parts
			}
			if err := left[p][0](g); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			left[p] = left[p][1:]
		}
		got, err := g.Total()
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		wantSums, wantMaxima := want.Parts()
		sums, maxima := got.Parts()
		if diff := cmp.Diff(wantSums, sums) + cmp.Diff(wantMaxima, maxima); diff != "" {
			t.Fatalf("seed %d: (-want +got)\n%s", seed, diff)
		}
	}
}

func TestGatherRefused(t *testing.T) {
	type step func(g *algos.Gather) error
	piece := func(part, n, at, many int) step {
		return func(g *algos.Gather) error { return g.Piece(part, 7, "a", n, at, make([]float64, many)) }
	}
	end := func(part int, names ...string) step {
		return func(g *algos.Gather) error {
			e := algos.NewEval(7)
			for _, name := range names {
				e.Add(name, 1, 2, 3)
			}
			return g.End(part, e)
		}
	}
	for _, c := range []struct {
		name  string
		steps []step // the last is refused
		want  string
	}{
		{"no such part", []step{piece(2, 3, 0, 1)}, "part 2"},
		{"a part below all", []step{end(-1)}, "part -1"},
		{"another clock", []step{func(g *algos.Gather) error { return g.End(0, algos.NewEval(8)) }}, "clock 8"},
		{"a part twice", []step{end(1), end(1)}, "part 1"},
		{"a piece after the end", []step{end(0), piece(0, 3, 0, 1)}, "part 0"},
		{"a gap", []step{piece(0, 3, 0, 1), piece(0, 3, 2, 1)}, "part 0 sent elements 2 to 3 of 3"},
		{"a piece twice", []step{piece(1, 3, 0, 1), piece(1, 3, 0, 1)}, "elements 0 to 1"},
		{"beyond the end", []step{piece(0, 3, 0, 4)}, "elements 0 to 4 of 3"},
		{"too long", []step{piece(0, algos.MaxSum+1, 0, 1)}, "part 0"},
		{"another length", []step{piece(0, 3, 0, 3), end(0), piece(1, 4, 0, 4)}, `"a" has 3 elements in one part and 4`},
		{"another length, kept", []step{piece(1, 4, 0, 4), end(1), piece(0, 3, 0, 3), end(0)}, `"a" has`},
		{"not all", []step{piece(0, 3, 0, 2), end(0)}, `part 0 sent 2 of 3 elements of "a"`},
		{"not all, kept", []step{piece(1, 3, 0, 2), end(1)}, `part 1 sent 2 of 3 elements of "a"`},
		{"in pieces and whole", []step{piece(1, 3, 0, 3), end(1, "a")}, `part 1 sent "a" in pieces and again`},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := algos.NewGather(7, 2)
			for i, s := range c.steps {
				err := s(g)
				if i < len(c.steps)-1 {
					if err != nil {
						t.Fatal(err)
					}
				} else if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("got the error %v, want one with %s", err, c.want)
				}
			}
		})
	}
}

// TestEvalInto checks that what is added in place is there, and where Into refuses.
func TestEvalInto(t *testing.T) {
	e := algos.NewEval(1)
	e.Into("a", 2)[1] = 3
	e.Add("a", 1, 1)
	e.Into("a", 2)[0]++
	if diff := cmp.Diff([]float64{2, 4}, e.Sums("a")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	defer func() {
		if recover() == nil {
			t.Error("another length is taken")
		}
	}()
	e.Into("a", 3)
}

func BenchmarkGather(b *testing.B) {
	for _, n := range []int{1e6, 1e7} {
		values := make([]float64, n)
		b.Run(fmt.Sprintf("n=%d/parts=2", n), func(b *testing.B) {
			b.SetBytes(int64(16 * n))
			for b.Loop() {
				g := algos.NewGather(1, 2)
				for at := 0; at < n; at += 64 << 10 { // as they come from two workers
					for p := range 2 {
						if err := g.Piece(p, 1, "xr", n, at, values[at:min(n, at+64<<10)]); err != nil {
							b.Fatal(err)
						}
					}
				}
				for p := range 2 {
					if err := g.End(p, algos.NewEval(1)); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// What is kept of parts whose turn has not come is not kept for ever: the memory of
// one evaluation after the other stays what it was.
func TestGatherKeepsNoMore(t *testing.T) {
	const parts, long = 4, 1 << 15
	g := algos.NewGather(0, parts)
	evaluate := func(n int) (bytes uint64) {
		for range n {
			for p := parts - 1; p >= 0; p-- {
				e := algos.NewEval(0)
				e.Add("long", make([]float64, long)...)
				if err := g.End(p, e); err != nil {
					t.Fatal(err)
				}
			}
			g = g.Next(0)
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		runtime.KeepAlive(g)
		return m.HeapAlloc
	}
	before := evaluate(2)
	if after := evaluate(50); after > before+2*parts*8*long {
		t.Errorf("after 50 evaluations %d bytes are in use, want about the %d as after 2", after, before)
	}
}
