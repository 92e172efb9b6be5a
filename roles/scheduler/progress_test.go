package scheduler

import (
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"petuum/algos"
	"petuum/consistency"
)

func TestProgressLive(t *testing.T) {
	var b strings.Builder
	p := newProgress(&b, wide, false)
	p.Status("reading %d parts", 3)
	p.Status("reading %d parts", 3) // says nothing new
	p.Waiting(1, 0, "addr")
	p.Evaluated(algos.NewEval(1), 1, 2)
	p.End()
	p.End()
	p.Status("again")
	p.End()
	const clear = "\r\x1b[K"
	want := clear + "reading 3 parts" + clear + "waiting for 1 server to join addr" +
		clear + "clock 1  epoch 1  2.0 s  objective 0\n" + clear + "again\n"
	if got := b.String(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestProgressStages: the line that ends a stage is told however early it comes.
func TestProgressStages(t *testing.T) {
	var b strings.Builder
	p := newProgress(&b, nil, true)
	p.Stage(0, 2)
	for clock := range 3 {
		p.Evaluated(algos.NewEval(consistency.Clock(clock)), 1, 2)
	}
	p.Ended()
	p.Ended()
	p.Stage(1, 2)
	p.Evaluated(algos.NewEval(2), 1, 2)
	p.Ended()
	want := "stage 1/2  clock 2  epoch 1  2.0 s  objective 0\nstage 2/2  clock 2  epoch 1  2.0 s  objective 0\n"
	if got := b.String(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestProgressPlain checks, with a clock of its own, that phases are always told
// and the rest no more often than once in plainEvery.
func TestProgressPlain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		p := newProgress(&b, nil, false)
		told := func(what string, want bool) {
			t.Helper()
			if got := b.String(); (got != "") != want || want && (!strings.HasSuffix(got, "\n") || strings.Count(got, "\n") != 1 || strings.ContainsAny(got, "\r\x1b")) {
				t.Errorf("%s: got %q, want a plain line: %t", what, got, want)
			}
			b.Reset()
		}
		evaluated := func(objective float64) {
			e := algos.NewEval(1)
			e.Objective = objective
			p.Evaluated(e, 1, 1)
		}
		evaluated(1)
		told("the first line", true)
		evaluated(2)
		told("at once", false)
		time.Sleep(plainEvery - 1)
		evaluated(3)
		told("too early", false)
		p.Status("phase")
		told("a phase", true)
		time.Sleep(plainEvery)
		evaluated(3)
		told("in time", true)
		time.Sleep(plainEvery)
		evaluated(3)
		told("the same again", false)
		p.Status("phase")
		told("a phase once more", true)
		p.Status("phase")
		told("the same phase", false)
		p.End()
		told("the end", false)
	})
}

// TestProgressNarrow: what does not fit is left out, never half a number.
func TestProgressNarrow(t *testing.T) {
	for _, c := range []struct {
		width int
		want  string
	}{
		{0, "clock 1  epoch 1  2.0 s  objective 0.125"}, // unknown
		{41, "clock 1  epoch 1  2.0 s  objective 0.125"},
		{40, "clock 1  epoch 1  2.0 s"},
		{20, "clock 1  epoch 1"},
		{6, "clock"},
	} {
		var b strings.Builder
		e := algos.NewEval(1)
		e.Objective = 0.125
		newProgress(&b, func() int { return c.width }, false).Evaluated(e, 1, 2)
		if got := strings.TrimPrefix(b.String(), "\r\x1b[K"); got != c.want {
			t.Errorf("%d columns: got %q, want %q", c.width, got, c.want)
		}
	}
}

func TestProgressNone(t *testing.T) {
	p := newProgress(nil, wide, false)
	p.Status("nobody reads this")
	p.End()
}

func TestWaiting(t *testing.T) {
	for _, c := range []struct {
		servers, workers int
		want             string
	}{
		{1, 0, "waiting for 1 server to join a:1"},
		{0, 3, "waiting for 3 workers to join a:1"},
		{1, 2, "waiting for 1 server and 2 workers to join a:1"},
		{2, 1, "waiting for 1 worker and 2 servers to join a:1"},
	} {
		var b strings.Builder
		newProgress(&b, nil, false).Waiting(c.servers, c.workers, "a:1")
		if got := strings.TrimSuffix(b.String(), "\n"); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestEvaluated(t *testing.T) {
	for _, c := range []struct {
		gap     float64
		metrics map[string]float64
		want    string
	}{
		{math.NaN(), nil, "clock 12  epoch 2.5  3.1 s  objective 0.12345679"},
		{math.Inf(1), map[string]float64{}, "clock 12  epoch 2.5  3.1 s  objective 0.12345679"},
		{0.001234, map[string]float64{"train_b": 1, "train_a": 0.123456, "nonzeros": 5, "other": 7},
			"clock 12  epoch 2.5  3.1 s  objective 0.12345679  gap 0.0012  nonzeros 5  a 0.12346  b 1"},
	} {
		e := algos.NewEval(12)
		e.Objective, e.Gap, e.Metrics = 0.123456789, c.gap, c.metrics
		var b strings.Builder
		newProgress(&b, nil, false).Evaluated(e, 2.5, 3.14)
		if got := strings.TrimSuffix(b.String(), "\n"); got != c.want {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
	}
}

// wide is a terminal that takes any line.
func wide() int { return 1000 }

func TestNarrow(t *testing.T) {
	var b strings.Builder
	columns := 12
	p := newProgress(&b, func() int { return columns }, false)
	p.Status("exactly eleven")
	columns = 0 // unknown
	p.Status("all of this line")
	if got, want := b.String(), "\r\x1b[Kexactly ele\r\x1b[Kall of this line"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Who starts the others itself is told of those who are missing only after a while.
func TestPatient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		p := newProgress(&b, nil, true)
		p.Waiting(1, 0, "a:1")
		time.Sleep(plainEvery)
		p.Waiting(2, 0, "a:1")
		if got, want := b.String(), "waiting for 2 servers to join a:1\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}
