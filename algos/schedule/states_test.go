package schedule

import (
	"fmt"
	"slices"
	"testing"
)

// zeros is an outcome where nothing moved, and those of used are in use.
func zeros(vars []int, used ...int) Outcome {
	o := Outcome{Variables: vars, Change: make([]float64, len(vars)), Value: make([]float64, len(vars))}
	for i, j := range vars {
		if slices.Contains(used, j) {
			o.Value[i] = 1
		}
	}
	return o
}

// TestScreenInFlight: what is screened while in flight is not given again.
func TestScreenInFlight(t *testing.T) {
	for name, s := range all(t, 40, 40, 1) {
		vars := s.Next(nil)
		j := vars[0]
		s.(Screener).Screen(j)
		s.Done(Outcome{Variables: vars})
		for range 30 {
			vars := s.Next(nil)
			if slices.Contains(vars, j) {
				t.Errorf("%s: gave %d, which was screened in flight", name, j)
				break
			}
			s.Done(Outcome{Variables: vars})
		}
	}
}

// TestAgain: without surveys, what did not move is visited again after another did.
func TestAgain(t *testing.T) {
	const n = 30
	for name, s := range all(t, n, 4, 1) {
		seen, after := map[int]bool{}, map[int]bool{}
		for vars := s.Next(nil); len(vars) > 0 && len(after) < n; vars = s.Next(nil) {
			o := zeros(vars)
			if len(seen) == n && len(after) == 0 {
				o.Change[0] = 1
				after[vars[0]] = true
			} else if len(after) > 0 {
				for _, j := range vars {
					after[j] = true
				}
			}
			for _, j := range vars {
				seen[j] = true
			}
			s.Done(o)
		}
		if len(after) != n {
			t.Errorf("%s: %d of %d variables came after the last change", name, len(after), n)
		}
	}
}

// TestInUse: what is in use is given after a survey, though it did not move.
func TestInUse(t *testing.T) {
	const n = 30
	for name, s := range all(t, n, 10, 1) {
		promise := make([]float64, n)
		promise[4], promise[5] = 1, 1
		s.Renew(promise)
		visits := 0
		for range 60 {
			vars := s.Next(nil)
			o := zeros(vars, 4)
			for i, j := range vars {
				if j == 4 {
					visits++
				}
				if j == 5 {
					o.Change[i] = 1
				}
			}
			s.Done(o)
		}
		if visits < 2 {
			t.Errorf("%s: a variable in use came %d times in 60 rounds, want more", name, visits)
		}
	}
}

// TestPassMeetsFlight: what a pass meets in flight comes before the next pass.
func TestPassMeetsFlight(t *testing.T) {
	s, err := New(Options{Kind: "round-robin", Variables: 5, Block: 2})
	if err != nil {
		t.Fatal(err)
	}
	first, second := s.Next(nil), s.Next(nil)
	s.Done(Outcome{Variables: second})
	third := s.Next(nil) // the next pass meets 0 and 1
	s.Done(Outcome{Variables: first})
	s.Done(Outcome{Variables: third})
	if got, want := fmt.Sprint(first, second, third, s.Next(nil)), "[0 1] [2 3] [4 2] [0 1]"; got != want {
		t.Errorf("got %s want %s", got, want)
	}
}

// TestWorse: after a round of auto that made the objective worse comes one variable,
// once nothing is in flight.
func TestWorse(t *testing.T) {
	s, err := New(Options{Variables: 1000, Block: 100, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	done := func(vars []int, gained float64) {
		s.Done(Outcome{Variables: vars, Promised: 1, Gained: gained})
	}
	for range 300 {
		done(s.Next(nil), 1)
	}
	first, second := s.Next(nil), s.Next(nil)
	if len(first) < 10 || len(second) < 10 {
		t.Fatalf("rounds of %d and %d variables where nothing interferes, want tens", len(first), len(second))
	}
	done(first, -1)
	if got := s.Next(nil); len(got) > 0 {
		t.Errorf("a round of %d variables while one is under way, after one that made things worse", len(got))
	}
	done(second, -1)
	single := s.Next(nil)
	if len(single) != 1 {
		t.Errorf("a round of %d variables after one that made things worse, want 1", len(single))
	}
	done(single, 1)
	if got := s.Next(nil); len(got) < 2 {
		t.Errorf("a round of %d variables after one that made things better, want more", len(got))
	}
}

// TestQuiet: after a survey, a schedule has nothing to give only once each variable in
// use was visited since the last change, of whichever.
func TestQuiet(t *testing.T) {
	const n = 20
	for name, s := range all(t, n, 1, 4) {
		promise := make([]float64, n)
		for j := range promise {
			promise[j] = 1 + float64(j)
		}
		s.Renew(promise)
		changed, visited := make([]bool, n), make([]bool, n)
		rounds := 0
		for vars := s.Next(nil); len(vars) > 0; vars = s.Next(nil) {
			o := Outcome{Variables: vars, Change: make([]float64, len(vars)), Value: make([]float64, len(vars))}
			for i, j := range vars {
				if !changed[j] {
					changed[j], o.Change[i] = true, 1
					clear(visited)
				}
				visited[j], o.Value[i] = true, 1
			}
			s.Done(o)
			if rounds++; rounds > 1000*n {
				t.Fatalf("%s: no end where nothing moves", name)
			}
		}
		if j := slices.Index(visited, false); j >= 0 {
			t.Errorf("%s: none after %d rounds, but variable %d was not visited since another changed", name, rounds, j)
		}
	}
}
