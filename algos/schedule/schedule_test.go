package schedule

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// all makes a schedule of every kind there is.
func all(t testing.TB, n, block int, seed uint64) map[string]Schedule {
	t.Helper()
	got := map[string]Schedule{}
	add := func(name string, s Schedule, err error) {
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got[name] = s
	}
	for _, kind := range Kinds {
		for _, priority := range Priorities {
			s, err := New(Options{Kind: kind, Variables: n, Block: block, Priority: priority, Seed: seed})
			add(kind+"/"+priority, s, err)
		}
	}
	s, err := New(Options{Variables: n, Block: block, Exact: true, Seed: seed})
	add("auto/exact", s, err)
	classes, err := Colour(ring(n), Edge)
	if err != nil {
		t.Fatal(err)
	}
	s, err = classes.Schedule(block)
	add("classes", s, err)
	for _, kind := range []string{"auto", "checked", "working-set"} {
		r, err := NewRanges(Options{Kind: kind, Variables: n, Block: block, Seed: seed}, 3, true)
		add("ranges/"+kind, r, err)
	}
	return got
}

// most is the most variables of a round of block.
func mostOf(name string, block int) int {
	if strings.Contains(name, "checked") || strings.Contains(name, "auto") {
		return max(oversampled*block, wanted)
	}
	return block
}

// play drives a schedule with rounds of random outcomes, up to window of them under
// way, and returns all it gave. check is told of each round.
func play(s Schedule, n, window, rounds int, rng *rand.Rand, surveys bool, check func(round []int)) (given [][]int) {
	var under [][]int
	promise := make([]float64, n)
	for range rounds {
		if surveys && rng.IntN(20) == 0 {
			for j := range promise {
				promise[j] = max(0, rng.Float64()-0.5)
			}
			s.Renew(promise)
		}
		round := s.Next(nil)
		if len(round) > 0 {
			given = append(given, round)
			check(round)
			under = append(under, round)
		}
		for len(under) > 0 && (len(under) >= window || len(round) == 0 || rng.IntN(3) == 0) {
			i := rng.IntN(len(under))
			s.Done(outcome(under[i], rng))
			under = slices.Delete(under, i, i+1)
			if len(round) == 0 {
				break
			}
		}
	}
	return given
}

// outcome is any: the first is never left out, as of candidates that are checked.
func outcome(round []int, rng *rand.Rand) Outcome {
	o := Outcome{Variables: round, Correlation: func(i, k int) float64 { return float64((i*7+k*3)%10) / 10 }}
	for i := range round {
		change := rng.ExpFloat64()
		if rng.IntN(3) == 0 {
			change = 0
		}
		o.Change = append(o.Change, change)
		o.Value = append(o.Value, float64(rng.IntN(3)-1))
		o.Left = append(o.Left, i > 0 && rng.IntN(3) == 0)
		o.Promised += change
	}
	o.Gained = o.Promised * (1.5 - rng.Float64())
	return o
}

// TestInFlight: rounds under way share no variable, and none has one twice.
func TestInFlight(t *testing.T) {
	for seed := range uint64(4) {
		for window := 1; window <= 8; window++ {
			n, block := 1+int(seed)*67+window*5, 1+int(seed)*4
			if n < 3 {
				n = 3
			}
			for name, s := range all(t, n, block, seed) {
				flight := map[int]bool{}
				rng := rand.New(rand.NewPCG(seed, uint64(window)))
				tracked := &tracker{Schedule: s, flight: flight}
				given := play(tracked, n, window, 300, rng, seed%2 == 1, func(round []int) {
					if most := mostOf(name, block); len(round) > most {
						t.Fatalf("%s, seed %d, window %d: a round of %d variables, want at most %d", name, seed, window, len(round), most)
					}
				})
				if tracked.wrong != "" {
					t.Fatalf("%s, seed %d, window %d, %d variables in blocks of %d: %s", name, seed, window, n, block, tracked.wrong)
				}
				if len(given) == 0 {
					t.Fatalf("%s, seed %d, window %d: no round", name, seed, window)
				}
			}
		}
	}
}

// tracker watches what is in flight.
type tracker struct {
	Schedule
	flight map[int]bool
	wrong  string
}

func (k *tracker) Next(dst []int) []int {
	dst = k.Schedule.Next(dst)
	for _, j := range dst {
		if k.flight[j] {
			k.wrong = fmt.Sprintf("variable %d was given while in flight", j)
		}
		k.flight[j] = true
	}
	return dst
}

func (k *tracker) Done(o Outcome) {
	for _, j := range o.Variables {
		delete(k.flight, j)
	}
	k.Schedule.Done(o)
}

// TestRepeats: the same seed gives the same rounds, goroutine or not.
func TestRepeats(t *testing.T) {
	const n, block, window = 200, 6, 3
	play := func(s Schedule) string {
		return fmt.Sprint(play(s, n, window, 200, rand.New(rand.NewPCG(1, 2)), true, func([]int) {}))
	}
	first, second := all(t, n, block, 5), all(t, n, block, 5)
	for name := range first {
		if got, want := play(first[name]), play(second[name]); got != want {
			t.Errorf("%s: two runs of one seed differ", name)
		}
	}
	for _, name := range []string{"random/delta", "priority/delta", "auto/delta"} {
		if play(all(t, n, block, 5)[name]) == play(all(t, n, block, 6)[name]) {
			t.Errorf("%s: runs of two seeds are the same", name)
		}
	}
}

// TestStarvation: where one variable moves far for ever and the others hardly, the
// others come within the bound all the same, even if all but the first of a round are
// left out.
func TestStarvation(t *testing.T) {
	const n, block = 150, 8
	for _, leave := range []bool{false, true} {
		for name, s := range all(t, n, block, 3) {
			bound := turnShare*(n+64)/block + 2*n
			if leave {
				bound += 2 * n * block
			}
			last, waited := make([]int, n), 0
			updated := func(round, j int) {
				waited = max(waited, round-last[j])
				last[j] = round
			}
			for round := range 4 * bound {
				vars := s.Next(nil)
				if len(vars) == 0 {
					t.Fatalf("%s: none in round %d, want some for ever", name, round)
				}
				o := Outcome{Variables: vars, Left: make([]bool, len(vars))}
				for i, j := range vars {
					if o.Left[i] = leave && i > 0; !o.Left[i] {
						updated(round, j)
					}
					change := 1e-12
					if j == 7 {
						change = 1
					}
					o.Change, o.Value = append(o.Change, change), append(o.Value, change)
				}
				s.Done(o)
			}
			for j := range n {
				updated(4*bound, j)
			}
			if waited > bound {
				t.Errorf("%s, leaving out %v: a variable waited for %d rounds, want at most %d", name, leave, waited, bound)
			}
		}
	}
}

// TestNone: without surveys none come only after all were visited since the last
// change; after a survey, what promises nothing sleeps unless it is in use.
func TestNone(t *testing.T) {
	const n = 100
	for name, s := range all(t, n, 7, 1) {
		visits := make([]int, n)
		rounds := 0
		for vars := s.Next(nil); len(vars) > 0; vars = s.Next(nil) {
			o := Outcome{Variables: vars, Change: make([]float64, len(vars)), Value: make([]float64, len(vars))}
			for i, j := range vars {
				visits[j]++
				if j == 40 {
					o.Value[i] = 1
				}
			}
			s.Done(o)
			if rounds++; rounds > 100*n {
				t.Fatalf("%s: no end where nothing moves", name)
			}
		}
		if least := slices.Min(visits); least == 0 {
			t.Errorf("%s: variable %d was never visited, want all", name, slices.Index(visits, 0))
		}
		promise := make([]float64, n)
		s.Renew(promise)
		if got := s.Next(nil); len(got) > 0 {
			t.Errorf("%s: gave %v where nothing promises a change", name, got)
		}
		promise[3], promise[50] = 1, 2
		s.Renew(promise)
		seen := map[int]bool{}
		for range 50 {
			vars := s.Next(nil)
			o := Outcome{Variables: vars}
			for _, j := range vars {
				seen[j] = true
				value := 0.0
				if j == 40 {
					value = 1
				}
				o.Change, o.Value = append(o.Change, 1), append(o.Value, value)
			}
			s.Done(o)
		}
		if len(seen) != 3 || !seen[3] || !seen[40] || !seen[50] {
			t.Errorf("%s: gave %v, want 3 and 50, which promise, and 40, which is in use", name, seen)
		}
		k, ok := s.(Screener)
		if !ok {
			t.Errorf("%s cannot screen", name)
			continue
		}
		k.Screen(50)
		for range 30 {
			vars := s.Next(nil)
			s.Done(Outcome{Variables: vars})
			promise[50] = 2
			s.Renew(promise)
		}
		if vars := s.Next(nil); slices.Contains(vars, 50) {
			t.Errorf("%s: gave 50, which was screened", name)
		} else {
			s.Done(Outcome{Variables: vars})
		}
		k.Reset()
		s.Renew(promise)
		found := false
		for range 30 {
			vars := s.Next(nil)
			found = found || slices.Contains(vars, 50)
			s.Done(Outcome{Variables: vars})
		}
		if !found {
			t.Errorf("%s: never gave 50 after Reset", name)
		}
	}
}

// TestSweeps: passes have every variable once; in order or not.
func TestSweeps(t *testing.T) {
	for _, n := range []int{1, 2, 3, 5, 64, 65, 1000} {
		for _, kind := range []string{"round-robin", "random"} {
			s, err := New(Options{Kind: kind, Variables: n, Block: 3, Seed: 4})
			if err != nil {
				t.Fatal(err)
			}
			var got []int
			for len(got) < 4*n {
				vars := s.Next(nil)
				got = append(got, vars...)
				s.Done(Outcome{Variables: vars})
			}
			for pass := range 4 {
				part := slices.Clone(got[pass*n : (pass+1)*n])
				if inOrder := slices.IsSorted(part); inOrder != (kind == "round-robin") && n > 64 {
					t.Errorf("%s of %d: in order is %v", kind, n, inOrder)
				}
				slices.Sort(part)
				for j, v := range part {
					if j != v {
						t.Fatalf("%s of %d, pass %d: got %v, want each once", kind, n, pass, part)
					}
				}
			}
		}
	}
}

// TestDraws: the tree draws by weight; chi squared of 15 degrees of freedom is below
// 44 but for one seed in 10,000.
func TestDraws(t *testing.T) {
	const n, draws = 300, 100000
	tr := newTree(n)
	sum := 0.0
	for j := range n {
		w := float64((j * j) % 17)
		tr.put(j, w)
		sum += w
	}
	if tr.sum() != sum {
		t.Fatalf("sum: got %v, want %v", tr.sum(), sum)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	var got, want [17]float64
	for range draws {
		j := tr.draw(rng.Float64())
		got[(j*j)%17]++
	}
	for j := range n {
		w := (j * j) % 17
		want[w] += draws * float64(w) / sum
	}
	chi := 0.0
	for w := range got {
		if want[w] == 0 {
			if got[w] > 0 {
				t.Errorf("drew %v times what weighs %d, want never", got[w], w)
			}
			continue
		}
		chi += (got[w] - want[w]) * (got[w] - want[w]) / want[w]
	}
	if chi > 44 {
		t.Errorf("chi squared of the draws: got %.1f, want below 44", chi)
	}
}

func TestIndependent(t *testing.T) {
	corr := func(i, k int) float64 { return -[]float64{0, 0.5, 0.05, 0.2, 0}[i-k] }
	for _, c := range []struct {
		n, most int
		rho     float64
		want    string
	}{
		{5, 5, 0.1, "[true false true false true]"},
		{5, 2, 0.1, "[true false true false false]"},
		{5, 5, 0.6, "[true true true true true]"},
		{5, 3, math.Inf(1), "[true true true false false]"},
		{3, 0, 0, "[true false false]"},
		{0, 5, 0.1, "[]"},
	} {
		if got := fmt.Sprint(Independent(nil, c.n, c.most, c.rho, corr)); got != c.want {
			t.Errorf("%d candidates, at most %d below %v: got %v want %v", c.n, c.most, c.rho, got, c.want)
		}
	}
}

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Kind: "best", Variables: 3}, `schedule: there is no schedule "best"`},
		{Options{Variables: 0}, "schedule: 0 variables"},
		{Options{Variables: -1}, "schedule: -1 variables"},
		{Options{Kind: "random", Variables: 3}, "schedule: blocks of 0 variables"},
		{Options{Variables: 3, Block: -1}, "schedule: blocks of -1 variables"},
		{Options{Variables: 3, Rho: math.NaN()}, "schedule: rho is NaN"},
		{Options{Variables: 3, Rho: 1.1}, "schedule: rho is 1.1"},
		{Options{Variables: 3, Priority: "size"}, `schedule: there is no priority "size"`},
		{Options{Variables: math.MaxInt}, "variables"},
	} {
		if _, err := New(c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got %v, want %q", c.o, err, c.want)
		}
	}
	if _, err := NewRanges(Options{Variables: 3}, 4, false); err == nil {
		t.Error("4 schedulers of 3 variables: got no error")
	}
}
