package schedule

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
)

// loop gives and takes back rounds without end, of changes that fall and rise.
func loop(s Schedule, n, block int) (round func()) {
	var vars []int
	o := Outcome{Correlation: func(i, k int) float64 { return 0.001 }}
	values := make([]float64, 0, 5*block+64)
	at := 0
	return func() {
		vars = s.Next(vars[:0])
		o.Variables, values = vars, values[:0]
		for range vars {
			at++
			values = append(values, 1/float64(1+at%97))
		}
		o.Change, o.Value, o.Promised, o.Gained = values, values, 1, 1.01
		s.Done(o)
	}
}

// TestAllocations: rounds allocate nothing once warm.
func TestAllocations(t *testing.T) {
	const n, block = 5000, 64
	for name, s := range all(t, n, block, 2) {
		round := loop(s, n, block)
		for range 500 {
			round()
		}
		if got := testing.AllocsPerRun(200, round); got > 0 {
			t.Errorf("%s: a round allocates %v times, want 0", name, got)
		}
	}
}

// TestMemory: bytes a variable, on top of what Go gives to any schedule.
func TestMemory(t *testing.T) {
	const n = 1 << 20
	for kind, want := range map[string]float64{"round-robin": 1, "random": 1, "auto": 1, "priority": 10, "checked": 10, "exact": 10, "working-set": 10} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		s, err := New(Options{Kind: kind, Variables: n, Block: 64})
		if err != nil {
			t.Fatal(err)
		}
		round := loop(s, n, 64)
		for range 100 {
			round()
		}
		s.(Screener).Screen(5)
		runtime.GC()
		runtime.ReadMemStats(&after)
		got := float64(after.HeapAlloc-before.HeapAlloc) / n
		if got > want {
			t.Errorf("%s: %.2f bytes a variable, want at most %v", kind, got, want)
		}
		t.Logf("%s: %.2f bytes a variable", kind, got)
		runtime.KeepAlive(s)
	}
}

// TestWorkingSets: sets are those in use, one by turn, the best promises; at least 64
// and twice those in use; where they do not fit, they compete.
func TestWorkingSets(t *testing.T) {
	const n = 1000
	s, err := New(Options{Variables: n, Exact: true, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	promise := make([]float64, n)
	for j := range n / 2 {
		promise[j] = 1 + float64(j)
	}
	s.Renew(promise)
	// done makes a set come back: those below used are in use.
	done := func(vars []int, used int) {
		o := Outcome{Variables: vars}
		for _, j := range vars {
			value := 0.0
			if j >= n/2-used && j < n/2 {
				value = 1
			}
			o.Change, o.Value = append(o.Change, 1e-3), append(o.Value, value)
		}
		s.Done(o)
	}
	vars := s.Next(nil)
	if got := best(vars, n/2-63); len(vars) != 64 || got != 63 {
		t.Fatalf("first set: %d variables with %d of the best 63, want 64 with all", len(vars), got)
	}
	done(vars, 50)
	vars = s.Next(nil)
	if got := best(vars, n/2-50); len(vars) != 100 || got != 50 {
		t.Fatalf("second set: %d variables with %d of the 50 in use, want 100 with all", len(vars), got)
	}
	for _, j := range vars {
		if j >= n/2 {
			t.Errorf("gave %d, which promises nothing", j)
		}
	}
	done(vars, 100)
	seen := map[int]bool{}
	for range 400 {
		vars = s.Next(nil)
		for _, j := range vars {
			seen[j] = true
		}
		done(vars, n)
	}
	if len(seen) != n/2 {
		t.Errorf("%d variables came, want all %d that promised", len(seen), n/2)
	}
	w := s.(*working)
	w.limit = 300 // 500 are in use
	vars = s.Next(nil)
	if got, want := len(vars), 64; got != want {
		t.Errorf("a set of %d where %d in use compete for 300 places, want %d", got, w.uses, want)
	}
}

// best is how many are at least from and below 500.
func best(vars []int, from int) (count int) {
	for _, j := range vars {
		if j >= from && j < 500 {
			count++
		}
	}
	return count
}

// TestPriority: what moved far comes sooner, by each of the forms.
func TestPriority(t *testing.T) {
	const n, block, rounds = 512, 16, 2000
	for _, c := range []struct {
		priority string
		want     float64 // how much more often variables of the higher half come
	}{{"delta", 3}, {"square", 9}, {"value", 4}} {
		for _, kind := range []string{"priority", "exact"} {
			s, err := New(Options{Kind: kind, Variables: n, Block: block, Priority: c.priority, Seed: 1})
			if err != nil {
				t.Fatal(err)
			}
			var halves [2]float64
			for round := range rounds {
				vars := s.Next(nil)
				o := Outcome{Variables: vars}
				for _, j := range vars {
					half := j % 2
					if round > n/block {
						halves[half]++
					}
					o.Change = append(o.Change, []float64{1, 3}[half])
					o.Value = append(o.Value, []float64{-1, 2}[half])
				}
				s.Done(o)
			}
			// One draw of 16 is by turn, whoever's it is.
			share := c.want / (1 + c.want)
			want := (share*15 + 0.5) / ((1-share)*15 + 0.5)
			if got := halves[1] / halves[0]; math.Abs(got/want-1) > 0.1 {
				t.Errorf("%s by %s: the higher half came %.2f times as often, want about %.2f", kind, c.priority, got, want)
			}
		}
	}
}

// TestGolden pins small cases.
func TestGolden(t *testing.T) {
	for _, c := range []struct {
		kind string
		want string
	}{
		{"round-robin", "[0 1 2] [1 3 4] [5 6 0] [1 2 3]"},
		{"random", "[6 0 5] [2 4 3] [1 4 5] [0 3 6]"},
		{"priority", "[6 0 5] [2 4 3] [1 6 4] [2 1 6]"},
	} {
		s, err := New(Options{Kind: c.kind, Variables: 7, Block: 3, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for round := range 4 {
			vars := s.Next(nil)
			got = append(got, fmt.Sprint(vars))
			o := Outcome{Variables: vars, Left: make([]bool, len(vars))}
			for i, j := range vars {
				o.Change = append(o.Change, float64(j))
				o.Left[i] = j == 1 && round == 0
			}
			s.Done(o)
		}
		if got := fmt.Sprint(got); got != "["+c.want+"]" {
			t.Errorf("%s: got %s want %s", c.kind, got, c.want)
		}
	}
}

func BenchmarkRound(b *testing.B) {
	const n = 1 << 20
	for _, kind := range Kinds {
		for _, block := range []int{64, 1024} {
			b.Run(fmt.Sprintf("%s/%d", kind, block), func(b *testing.B) {
				s, err := New(Options{Kind: kind, Variables: n, Block: block, Seed: 1})
				if err != nil {
					b.Fatal(err)
				}
				rng, promise := rand.New(rand.NewPCG(1, 1)), make([]float64, n)
				for j := range promise {
					promise[j] = rng.ExpFloat64()
				}
				s.Renew(promise)
				round := loop(s, n, block)
				for range 50 {
					round()
				}
				b.ReportAllocs()
				b.ResetTimer()
				for range b.N {
					round()
				}
			})
		}
	}
}
