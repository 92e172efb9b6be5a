package algos_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"petuum/algos"
	"petuum/consistency"
)

func at(objective float64) *float64 { return &objective }

// script is a job as a director sees it: what the settings are, what the job
// measures, and the barriers that have to come of it.
type script struct {
	name            string
	stop            algos.Stop
	start           consistency.Clock
	perEpoch, every int
	pace            float64                                        // seconds that a clock takes
	objective       func(c consistency.Clock) float64              // nil: falls by half each clock, from 1
	gap             func(c consistency.Clock) (gap, scale float64) // nil: unknown
	want            string                                         // barriers; "!" where there was an evaluation; why it stopped
}

func halving(c consistency.Clock) float64  { return math.Pow(0.5, float64(c)) }
func constant(consistency.Clock) float64   { return 2 }
func negative(c consistency.Clock) float64 { return -2 - halving(c) }

// gapOf is a gap that halves each clock, relative to scale.
func gapOf(scale float64) func(consistency.Clock) (float64, float64) {
	return func(c consistency.Clock) (float64, float64) { return halving(c), scale }
}

// play does what the scheduler does, and writes down the barriers.
func (s script) play(t *testing.T) (barriers string, d *algos.Director) {
	t.Helper()
	d = algos.NewDirector(s.stop, s.start, s.perEpoch, s.every)
	var b strings.Builder
	clock, seconds := s.start, 0.0
	evaluate := func() string {
		e := algos.NewEval(clock)
		e.Objective = halving(clock)
		if s.objective != nil {
			e.Objective = s.objective(clock)
		}
		if s.gap != nil {
			e.Gap, e.Scale = s.gap(clock)
		}
		reason, err := d.Evaluated(e, seconds)
		if err != nil {
			t.Fatalf("at clock %d: %v", clock, err)
		}
		fmt.Fprintf(&b, "%d! ", clock)
		return reason
	}
	reason := evaluate()
	for n := 0; reason == ""; n++ {
		pace := 0.0
		if clock > s.start {
			pace = s.pace
		}
		until := d.Until(clock, pace, seconds)
		if until <= clock || n > 5000 {
			t.Fatalf("at clock %d, barrier %d, the next is %d", clock, n, until)
		}
		seconds += s.pace * float64(until-clock)
		clock = until
		if d.Due(clock, seconds) {
			reason = evaluate()
		} else {
			fmt.Fprintf(&b, "%d ", clock)
		}
	}
	return b.String() + reason, d
}

func TestDirector(t *testing.T) {
	epochs := func(n int) algos.Stop { return algos.Stop{Epochs: n} }
	for _, s := range []script{
		{name: "epochs of a clock", stop: epochs(3), want: "0! 1! 2! 3! epochs"},
		{name: "epochs of some clocks", stop: epochs(2), perEpoch: 4, want: "0! 4! 8! epochs"},
		{name: "epochs after a prepare", stop: epochs(2), start: 1, perEpoch: 4, want: "1! 5! 9! epochs"},
		{name: "every clock of an epoch", stop: epochs(1), perEpoch: 3, every: 1, want: "0! 1! 2! 3! epochs"},
		{name: "every, past the end", stop: epochs(3), perEpoch: 4, every: 5, want: "0! 5! 10! 12! epochs"},
		{name: "every, longer than the job", stop: epochs(1), perEpoch: 4, every: 100, want: "0! 4! epochs"},
		{name: "every, after a prepare", stop: epochs(1), start: 1, perEpoch: 5, every: 2, want: "1! 3! 5! 6! epochs"},
		{name: "clocks", stop: algos.Stop{Clocks: 5}, perEpoch: 2, want: "0! 2! 4! 5! clocks"},
		{name: "clocks after a prepare", stop: algos.Stop{Clocks: 2}, start: 1, want: "1! 2! 3! clocks"},
		{name: "clocks before epochs", stop: algos.Stop{Epochs: 2, Clocks: 3}, perEpoch: 2, want: "0! 2! 3! clocks"},
		{name: "epochs before clocks", stop: algos.Stop{Epochs: 1, Clocks: 3}, perEpoch: 2, want: "0! 2! epochs"},
		{name: "epochs as many as clocks", stop: algos.Stop{Epochs: 1, Clocks: 2}, perEpoch: 2, want: "0! 2! epochs"},

		{name: "objective", stop: algos.Stop{Objective: at(0.25)}, want: "0! 1! 2! objective"},
		{name: "objective at once", stop: algos.Stop{Objective: at(1)}, want: "0! objective"},
		{name: "objective of zero is one", stop: algos.Stop{Objective: at(0), Epochs: 2}, want: "0! 1! 2! epochs"},
		{name: "objective below zero", stop: algos.Stop{Objective: at(-2.5)}, objective: negative, want: "0! objective"},
		{name: "objective and limit at once", stop: algos.Stop{Objective: at(0.5), Epochs: 1}, want: "0! 1! objective"},

		{name: "relative change", stop: algos.Stop{Tolerance: 1}, want: "0! 1! tolerance"},
		{name: "relative change, not yet", stop: algos.Stop{Tolerance: 0.99, Epochs: 3}, want: "0! 1! 2! 3! epochs"},
		{name: "no change", stop: algos.Stop{Tolerance: 1e-12}, objective: constant, every: 3, want: "0! 3! tolerance"},
		{name: "change of a negative objective", stop: algos.Stop{Tolerance: 0.06}, objective: negative, want: "0! 1! 2! 3! tolerance"},
		{name: "nothing is left", stop: algos.Stop{Tolerance: 1e-12}, objective: func(consistency.Clock) float64 { return 0 }, want: "0! 1! tolerance"},
		{name: "no tolerance", stop: epochs(2), objective: constant, want: "0! 1! 2! epochs"},

		{name: "gap of the objective", stop: algos.Stop{Tolerance: 0.25}, objective: constant, gap: gapOf(0), want: "0! 1! tolerance"},
		{name: "gap of a negative objective", stop: algos.Stop{Tolerance: 0.25}, objective: negative, gap: gapOf(0), want: "0! 1! tolerance"},
		{name: "gap of a scale", stop: algos.Stop{Tolerance: 0.25}, objective: constant, gap: gapOf(1), want: "0! 1! 2! tolerance"},
		{name: "gap at once", stop: algos.Stop{Tolerance: 1}, gap: gapOf(0), want: "0! tolerance"},
		{name: "gap, though nothing changes", stop: algos.Stop{Tolerance: 0.01, Epochs: 3}, objective: constant, gap: gapOf(0), want: "0! 1! 2! 3! epochs"},
		{name: "gap that is no number", stop: algos.Stop{Tolerance: 0.01}, objective: constant,
			gap: func(consistency.Clock) (float64, float64) { return math.Inf(1), 0 }, want: "0! 1! tolerance"},

		{name: "seconds", stop: algos.Stop{Seconds: 3.5}, pace: 1, want: "0! 1! 2! 3! 4! seconds"},
		{name: "seconds, between evaluations", stop: algos.Stop{Seconds: 2.5}, pace: 0.25, every: 100, want: "0! 1 5 9 10! seconds"},
		{name: "seconds, slow clocks", stop: algos.Stop{Seconds: 2}, pace: 10, every: 100, want: "0! 1! seconds"},
		{name: "seconds, then an evaluation", stop: algos.Stop{Seconds: 2.5}, pace: 0.25, every: 6, want: "0! 1 5 6! 10! seconds"},
		{name: "seconds of no pace", stop: algos.Stop{Seconds: 1, Clocks: 3}, every: 100, want: "0! 1 2 3! clocks"},
		{name: "seconds and a limit at once", stop: algos.Stop{Seconds: 3, Clocks: 3}, pace: 1, want: "0! 1! 2! 3! clocks"},

		{name: "more epochs, their product below zero", stop: algos.Stop{Epochs: math.MaxInt, Objective: at(0.25)}, perEpoch: 2, every: 1, want: "0! 1! 2! objective"},
		{name: "more epochs, their product small", stop: algos.Stop{Epochs: math.MaxInt, Objective: at(0.25)}, perEpoch: math.MaxInt, every: 1, want: "0! 1! 2! objective"},
		{name: "more clocks than there are numbers", stop: algos.Stop{Clocks: math.MaxInt, Objective: at(0.25)}, start: 1, want: "1! 2! objective"},
		{name: "evaluations beyond all numbers", stop: algos.Stop{Clocks: 9}, start: 1, every: math.MaxInt, want: "1! 10! clocks"},
	} {
		t.Run(s.name, func(t *testing.T) {
			if got, _ := s.play(t); got != s.want {
				t.Errorf("got  %s\nwant %s", got, s.want)
			}
		})
	}
}

// TestDefaultStop is the rule of a job that sets none.
func TestDefaultStop(t *testing.T) {
	alternating := func(c consistency.Clock) float64 { return 1 + float64(c%2) }
	got, d := script{objective: alternating, perEpoch: 7}.play(t)
	if !strings.HasSuffix(got, " 6993! 7000! epochs") || d.Epochs(7000) != 1000 {
		t.Errorf("a job that does not converge ends with %s, want epochs at clock 7000", got[max(0, len(got)-30):])
	}
	for _, c := range []struct {
		change float64
		want   string
	}{{0.9e-6, "tolerance"}, {1.1e-6, "epochs"}} {
		got, _ := script{objective: func(n consistency.Clock) float64 { return 1 - c.change*float64(n%2) }}.play(t)
		if !strings.HasSuffix(got, "! "+c.want) {
			t.Errorf("changes of %g end with %s, want %s", c.change, got[max(0, len(got)-30):], c.want)
		}
	}
	for _, c := range []struct {
		gap  float64
		want string
	}{{0.9e-6, "0! tolerance"}, {1, "0! 1! tolerance"}} { // of which the second is no change
		got, _ := script{objective: func(consistency.Clock) float64 { return 1 }, gap: func(consistency.Clock) (float64, float64) { return c.gap, 0 }}.play(t)
		if got != c.want {
			t.Errorf("a gap of %g: got %s, want %s", c.gap, got, c.want)
		}
	}
	for _, stop := range []algos.Stop{{Tolerance: 1e-9}, {Objective: at(0)}} {
		if got, _ := (script{stop: stop, objective: alternating, perEpoch: 2, every: 1}).play(t); !strings.HasSuffix(got, " 1999! 2000! epochs") {
			t.Errorf("%+v: a job that never gets there ends with %s, want epochs at clock 2000", stop, got[max(0, len(got)-30):])
		}
	}
	step := func(c consistency.Clock) float64 { return float64(1 - c/3) } // no change until clock 3
	for _, c := range []struct {
		stop algos.Stop
		want string
	}{{algos.Stop{Epochs: 2}, "0! 1! 2! epochs"}, {algos.Stop{Clocks: 2}, "0! 1! 2! clocks"},
		{algos.Stop{Seconds: 2}, "0! 1! 2! seconds"}, {algos.Stop{Objective: at(0)}, "0! 1! 2! 3! objective"}} {
		if got, _ := (script{stop: c.stop, objective: step, pace: 1}).play(t); got != c.want {
			t.Errorf("%+v: got %s, want %s, as no other rule applies", c.stop, got, c.want)
		}
	}
}

// TestUntil holds random jobs against what is promised of barriers.
// rereads is an algorithm that streams if it says so.
type rereads struct {
	algos.Streaming
	streams bool
}

func (a rereads) Streams() bool { return a.streams }

// TestStopOf: only a job that streams and says nothing stops after a pass.
func TestStopOf(t *testing.T) {
	var nothing algos.Stop
	for _, c := range []struct {
		name      string
		a         algos.Algorithm
		set, want algos.Stop
	}{
		{"streams", rereads{streams: true}, nothing, algos.Stop{Epochs: 1}},
		{"could stream", rereads{}, nothing, nothing},
		{"cannot stream", struct{ algos.Algorithm }{}, nothing, nothing},
		{"epochs", rereads{streams: true}, algos.Stop{Epochs: 3}, algos.Stop{Epochs: 3}},
		{"tolerance", rereads{streams: true}, algos.Stop{Tolerance: 0.1}, algos.Stop{Tolerance: 0.1}},
		{"objective", rereads{streams: true}, algos.Stop{Objective: at(0)}, algos.Stop{Objective: at(0)}},
	} {
		got := algos.StopOf(c.a, c.set)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", c.name, diff)
		}
	}
}

func TestUntil(t *testing.T) {
	const seed = 21
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	some := func(n int) int { return r.IntN(2) * r.IntN(n) }
	for range 20000 {
		stop := algos.Stop{Epochs: some(20), Clocks: some(100), Seconds: float64(some(3)) * r.Float64(), Tolerance: 1e-9}
		start, perEpoch, every := consistency.Clock(r.IntN(2)), some(10), some(10)
		d := algos.NewDirector(stop, start, perEpoch, every)
		limit := consistency.Clock(math.MaxInt64)
		if stop.Epochs > 0 {
			limit = start + consistency.Clock(stop.Epochs*max(perEpoch, 1))
		}
		if stop.Clocks > 0 {
			limit = min(limit, start+consistency.Clock(stop.Clocks))
		}
		clock := start + consistency.Clock(r.IntN(60))
		pace, seconds := float64(some(2))*r.ExpFloat64(), 4*r.Float64()
		until := d.Until(clock, pace, seconds)
		if clock < limit && until <= clock || clock >= limit && until != clock || until > max(clock, limit) {
			t.Fatalf("%+v, start %d, %d an epoch, every %d: barrier %d after %d, limit %d", stop, start, perEpoch, every, until, clock, limit)
		}
		if every == 0 {
			every = max(perEpoch, 1)
		}
		for c := clock + 1; c < until; c++ {
			if (c-start)%consistency.Clock(every) == 0 {
				t.Fatalf("%+v, start %d, every %d: the barrier %d after %d passes the evaluation at %d", stop, start, every, until, clock, c)
			}
		}
		if clock < limit && stop.Seconds > 0 && pace > 0 && float64(until-clock-1)*pace > math.Max(0, math.Min(1, stop.Seconds-seconds)) {
			t.Fatalf("%+v: the barrier %d after %d is more than %g s away at a pace of %g", stop, until, clock, stop.Seconds-seconds, pace)
		}
	}
}

func TestDue(t *testing.T) {
	d := algos.NewDirector(algos.Stop{Clocks: 10, Seconds: 5}, 1, 1, 4)
	var due []consistency.Clock
	for c := consistency.Clock(1); c <= 13; c++ {
		if d.Due(c, 4.9) {
			due = append(due, c)
		}
		if !d.Due(c, 5) {
			t.Errorf("no evaluation at clock %d, though time is up", c)
		}
	}
	if want := []consistency.Clock{1, 5, 9, 11, 12, 13}; !slices.Equal(due, want) {
		t.Errorf("evaluations at %d, want %d", due, want)
	}
}

// TestDiverged checks that an objective that is no number ends the job, and does
// not get on the curve.
func TestDiverged(t *testing.T) {
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		d := algos.NewDirector(algos.Stop{Objective: at(0), Clocks: 1}, 0, 1, 0)
		e := algos.NewEval(7)
		e.Objective = bad
		reason, err := d.Evaluated(e, 0)
		if err == nil || reason != "" || !strings.Contains(err.Error(), fmt.Sprint(bad)) || !strings.Contains(err.Error(), "clock 7") {
			t.Errorf("%v: got %q and the error %v, want one with the value and the clock", bad, reason, err)
		}
		if len(d.Curve()) != 0 {
			t.Errorf("%v is on the curve: %v", bad, d.Curve())
		}
	}
}

func TestCurve(t *testing.T) {
	_, d := script{stop: algos.Stop{Clocks: 2}, start: 1, perEpoch: 4, every: 1, pace: 0.5, gap: gapOf(8)}.play(t)
	want := []algos.Point{{Clock: 1, Objective: 0.5, Gap: at(0.5)}, {Clock: 2, Seconds: 0.5, Objective: 0.25, Gap: at(0.25)},
		{Clock: 3, Seconds: 1, Objective: 0.125, Gap: at(0.125)}}
	if diff := cmp.Diff(want, d.Curve()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := d.Epochs(3); got != 0.5 {
		t.Errorf("%v epochs, want 0.5", got)
	}
	_, d = script{stop: algos.Stop{Clocks: 1}}.play(t)
	if gap := d.Curve()[0].Gap; gap != nil {
		t.Errorf("gap %v, want none as it is unknown", *gap)
	}
}

// TestAgain checks that a second evaluation of one clock does not look like
// convergence.
func TestAgain(t *testing.T) {
	d := algos.NewDirector(algos.Stop{Tolerance: 1e-3}, 0, 1, 0)
	for n, want := range []struct {
		clock  consistency.Clock
		reason string
	}{{3, ""}, {3, ""}, {4, algos.ReasonTolerance}} {
		e := algos.NewEval(want.clock)
		e.Objective = 1
		if reason, err := d.Evaluated(e, 0); reason != want.reason || err != nil {
			t.Errorf("evaluation %d: got %q and %v, want %q", n, reason, err, want.reason)
		}
	}
}

// TestDirectorStages follows a path: every stage has the rules of Stop for itself, but
// for the seconds.
func TestDirectorStages(t *testing.T) {
	for _, c := range []struct {
		name   string
		stop   algos.Stop
		stages int
		pace   float64
		want   string // clocks of each stage's evaluations, why it stopped, and why the job did
	}{
		{"epochs", algos.Stop{Epochs: 2}, 3, 0, "0:[1 2 3] epochs 1:[3 4 5] epochs 2:[5 6 7] epochs, epochs"},
		{"clocks", algos.Stop{Clocks: 1}, 2, 0, "0:[1 2] clocks 1:[2 3] clocks, clocks"},
		{"tolerance", algos.Stop{Tolerance: 0.3}, 2, 0, "0:[1 2 3 4 5] tolerance 1:[5 6] tolerance, tolerance"},
		{"an objective that holds at once", algos.Stop{Objective: at(0.8)}, 2, 0, "0:[1 2 3 4] objective 1:[4] objective, objective"},
		{"seconds in the second", algos.Stop{Epochs: 3, Seconds: 4}, 3, 1, "0:[1 2 3 4] epochs 1:[4 5] seconds, seconds"},
		{"seconds at the end of the first", algos.Stop{Epochs: 3, Seconds: 3}, 3, 1, "0:[1 2 3 4] epochs, seconds"},
		{"one stage", algos.Stop{Epochs: 1}, 1, 0, "0:[1 2] epochs, epochs"},
		{"none", algos.Stop{Epochs: 1}, 0, 0, "0:[1 2] epochs, epochs"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := algos.NewDirector(c.stop, 1, 1, 0)
			d.Staged(c.stages)
			var b strings.Builder
			clock, seconds, stop := consistency.Clock(1), 0.0, ""
			for stage, first := 0, 0; stop == ""; first = len(d.Curve()) {
				reason := ""
				begun := clock
				for reason == "" {
					e := algos.NewEval(clock)
					e.Objective = 3 / float64(clock) // 3, 1.5, 1, 0.75, 0.6, 0.5
					e.Metrics["stage"] = float64(stage)
					var err error
					if reason, err = d.Evaluated(e, seconds); err != nil {
						t.Fatal(err)
					}
					if reason == "" {
						clock, seconds = d.Until(clock, c.pace, seconds), seconds+c.pace
					}
				}
				var clocks []consistency.Clock
				for _, p := range d.Curve()[first:] {
					clocks = append(clocks, p.Clock)
					if (p.Stage != nil) != (c.stages > 1) || p.Stage != nil && *p.Stage != stage {
						t.Errorf("a point of stage %d says %v", stage, p.Stage)
					}
				}
				fmt.Fprintf(&b, "%d:%v %s", stage, clocks, reason)
				got := d.Ended(reason, clock)
				if got.Stage != stage || got.Clock != clock || got.Epochs != float64(clock-begun) || got.Seconds != c.pace*float64(clock-begun) ||
					got.Metrics["stage"] != float64(stage) || got.StopReason != reason {
					t.Errorf("the result of stage %d, clocks %d to %d: got %+v", stage, begun, clock, got)
				}
				if stage, stop = d.Next(reason, seconds); stop == "" {
					b.WriteString(" ")
				}
			}
			if got := b.String() + ", " + stop; got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if got, want := d.Epochs(clock), float64(clock-1); got != want {
				t.Errorf("got %v epochs in all, want %v", got, want)
			}
		})
	}
}

// An evaluation may say that it shows nothing, or what its objective is to be held against.
func TestChange(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(e *algos.Eval)
		want string
	}{
		{"the last evaluation", func(*algos.Eval) {}, algos.ReasonTolerance},
		{"unsettled", func(e *algos.Eval) { e.Unsettled = true }, ""},
		{"another objective", func(e *algos.Eval) { e.Before = 1.1 }, ""},
		{"another one, alike", func(e *algos.Eval) { e.Before = 1 + 1e-6 }, algos.ReasonTolerance},
	} {
		d := algos.NewDirector(algos.Stop{Tolerance: 1e-3}, 1, 1, 1)
		var reason string
		for clock := range consistency.Clock(2) {
			e := algos.NewEval(clock + 1)
			e.Objective = 1
			c.set(e)
			var err error
			if reason, err = d.Evaluated(e, 0); err != nil {
				t.Fatal(err)
			}
		}
		if reason != c.want {
			t.Errorf("%s: stopped by %q, want %q", c.name, reason, c.want)
		}
	}
}
