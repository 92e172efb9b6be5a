package algos_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/consistency"
	"petuum/table"
)

// planner schedules what a test draws and checks, as an algorithm sees them, the rounds
// in flight.
type planner struct {
	tally
	t        *testing.T
	detached bool
	window   int
	next     func(round consistency.Clock, blocks []algos.Block)

	scheduled, pulled consistency.Clock
	sent              map[consistency.Clock]string
	total             *table.View[int32]
}

func (p *planner) Begin(s *algos.Scheduler) (err error) {
	p.total, err = algos.SchedulerView[int32](s, "sums", table.Span(0, 1), table.Increments)
	return err
}

func (p *planner) Window() int    { return p.window }
func (p *planner) Detached() bool { return p.detached }

func (p *planner) Schedule(s *algos.Scheduler, blocks []algos.Block) {
	if flying := int(p.scheduled - p.pulled); s.Round != p.scheduled || s.InFlight != flying || flying >= s.Window {
		p.t.Errorf("Schedule of round %d with %d in flight in a window of %d, want round %d with %d", s.Round, s.InFlight, s.Window, p.scheduled, flying)
	}
	p.next(s.Round, blocks)
	empty := !slices.ContainsFunc(blocks, func(b algos.Block) bool { return len(b.Keys) > 0 })
	if s.InFlight == 0 || !empty {
		p.sent[s.Round] = fmt.Sprint(blocks)
		p.scheduled++
	}
}

func (p *planner) Pull(s *algos.Scheduler, round consistency.Clock, blocks []algos.Block, emitted [][]float64) {
	p.pulled++
	if round != p.pulled-1 || s.Round != round || s.InFlight != int(p.scheduled-p.pulled) {
		p.t.Errorf("Pull of round %d (%d) with %d in flight, want %d with %d", round, s.Round, s.InFlight, p.pulled-1, p.scheduled-p.pulled)
	}
	if got := fmt.Sprint(blocks); got != p.sent[round] {
		p.t.Errorf("Pull of round %d got blocks %s, want %s", round, got, p.sent[round])
	}
	for part, e := range emitted {
		if len(e) != 1+part || slices.ContainsFunc(e, func(v float64) bool { return v != float64(int(round)*10+part) }) {
			p.t.Errorf("Pull of round %d got %v of part %d", round, e, part)
		}
	}
	p.total.Inc(0, 1)
}

var (
	_ algos.Windowed = (*planner)(nil)
	_ algos.Detached = (*planner)(nil)
)

// TestWindow has parts emit in random orders, each its rounds in order, and checks that
// the window is kept full and never exceeded, that rounds are pulled in order, as soon
// as they are complete, with the blocks that were sent, and that barriers drain it.
func TestWindow(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 1))
		policy := []consistency.Policy{consistency.BSP(), consistency.SSP(1), consistency.SSP(4), consistency.ASP()}[rng.IntN(4)]
		p := &planner{t: t, detached: rng.IntN(2) == 0 || policy.Synchronous(), window: 1 + rng.IntN(9), sent: map[consistency.Clock]string{}}
		t.Run(fmt.Sprintf("seed=%d/%v/most=%d/detached=%t", seed, policy, p.window, p.detached), func(t *testing.T) {
			p.t = t
			runWindow(t, rng, policy, p)
		})
	}
}

const windowParts = 3

func runWindow(t *testing.T, rng *rand.Rand, policy consistency.Policy, p *planner) {
	specs, _ := (&tally{parts: 1}).Tables(dataset.Info{})
	j := newJob(t, policy, specs, 1)
	s := algos.NewScheduler(windowParts, dataset.Info{}, 1, j.clients[0])
	r := algos.NewRounds(p, s, nil)
	if want := min(p.window, policy.Window()); s.Window != want {
		t.Fatalf("window %d, want %d", s.Window, want)
	}
	if err := r.Begin(); err != nil {
		t.Fatal(err)
	}
	j.start()
	keys, values := make([]uint64, 8), make([]float64, 8) // one memory for all blocks, as algorithms have it
	p.next = func(round consistency.Clock, blocks []algos.Block) {
		for i := range keys {
			keys[i], values[i] = rng.Uint64N(100), float64(rng.IntN(100))
		}
		n := rng.IntN(4) // 0: nothing to ask for
		for part := range blocks {
			blocks[part] = algos.Block{Keys: keys[:2*n], Values: values[:n]}
		}
		if n > 0 && rng.IntN(2) == 0 {
			blocks[1] = algos.Block{Keys: keys[n : 2*n]}
		}
	}
	var emitted [windowParts]consistency.Clock // rounds of which each part emitted
	most, starved := 0, false                  // since the last Pull
	for barrier := consistency.Clock(0); barrier < 40; {
		barrier += 1 + consistency.Clock(rng.IntN(12))
		for due := r.Next(barrier); due != algos.Drained; due = r.Next(barrier) {
			complete := slices.Min(emitted[:])
			if full := int(p.scheduled-p.pulled) == s.Window; (due == algos.DuePull) != (complete > p.pulled) || due == algos.DueSchedule && full {
				t.Fatalf("due is %d with rounds %d to %d in flight, of which those below %d are complete", due, p.pulled, p.scheduled, complete)
			}
			switch due {
			case algos.DuePull:
				if err := r.Pull(); err != nil {
					t.Fatal(err)
				}
				starved = false
			case algos.DueSchedule:
				if starved {
					t.Fatal("asked again without a Pull")
				}
				round, _, ok := r.Schedule()
				starved = !ok
				if ok && round != p.scheduled-1 || !ok && p.scheduled == p.pulled {
					t.Fatalf("round %d, %t after %d rounds of which %d have ended", round, ok, p.scheduled, p.pulled)
				}
				most = max(most, int(p.scheduled-p.pulled))
				if p.scheduled > barrier {
					t.Fatalf("round %d is scheduled before the barrier at %d", round, barrier)
				}
			case algos.DueEmitted:
				part := rng.IntN(windowParts)
				if emitted[part] == p.scheduled {
					continue
				}
				at := emitted[part]
				if err := r.Collect(part, at, slices.Repeat([]float64{float64(int(at)*10 + part)}, 1+part)); err != nil {
					t.Fatal(err)
				}
				emitted[part]++
			}
		}
		if r.Round() != barrier || p.pulled != barrier || p.scheduled != barrier {
			t.Fatalf("drained at %d with %d scheduled and %d pulled, want %d", r.Round(), p.scheduled, p.pulled, barrier)
		}
		if err := r.Barrier(); err != nil {
			t.Fatal(err)
		}
	}
	if most != s.Window {
		t.Errorf("at most %d rounds were in flight, want %d", most, s.Window)
	}
	if got := p.total.Values()[0]; got != int32(p.pulled) {
		t.Errorf("%d pulls in the table, want %d", got, p.pulled)
	}
}

// TestWarmRounds checks that rounds allocate nothing once they have seen their largest.
func TestWarmRounds(t *testing.T) {
	specs, _ := (&tally{parts: 1}).Tables(dataset.Info{})
	j := newJob(t, consistency.SSP(3), specs, 1)
	c := &still{}
	r := algos.NewRounds(c, algos.NewScheduler(windowParts, dataset.Info{}, 1, j.clients[0]), nil)
	j.start()
	run := func() {
		round, _, _ := r.Schedule()
		for part := range windowParts {
			if err := r.Collect(part, round, c.values); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Pull(); err != nil {
			t.Fatal(err)
		}
	}
	for range 8 {
		run()
	}
	if n := testing.AllocsPerRun(100, run); n != 0 {
		t.Errorf("%v allocations a round, want none", n)
	}
}

// still is a detached algorithm that schedules the same again and again.
type still struct {
	tally
	keys   [16]uint64
	values []float64
}

func (c *still) Begin(*algos.Scheduler) error { return nil }
func (c *still) Detached() bool               { return true }
func (c *still) Schedule(s *algos.Scheduler, blocks []algos.Block) {
	c.values = append(c.values[:0], 1, 2, 3)
	s.All(blocks, algos.Block{Keys: c.keys[:], Values: c.values})
}
func (c *still) Pull(*algos.Scheduler, consistency.Clock, []algos.Block, [][]float64) {}

var _ algos.Detached = (*still)(nil)

// TestDetached checks that rounds of a detached algorithm end no clock of the tables, and
// that the barrier ends one for all of them, with what Pull wrote.
func TestDetached(t *testing.T) {
	specs, _ := (&tally{parts: 1}).Tables(dataset.Info{})
	j := newJob(t, consistency.BSP(), specs, 1, 1)
	worker := &viewer{}
	p := algos.NewPart(worker, algos.NewWorker(0, 1, dataset.Info{}, 1, j.clients[0], 0), nil)
	if err := p.Load(nil); err != nil {
		t.Fatal(err)
	}
	s := &viewer{}
	r := algos.NewRounds(s, algos.NewScheduler(1, dataset.Info{}, 1, j.clients[1]), nil)
	if err := r.Begin(); err != nil {
		t.Fatal(err)
	}
	j.start()
	if !p.Detached() {
		t.Error("the part is not detached")
	}
	for barrier := consistency.Clock(1); barrier <= 3; barrier++ {
		for range 5 {
			round, blocks, _ := r.Schedule()
			if err := r.Collect(0, round, p.Push(blocks[0])); err != nil {
				t.Fatal(err)
			}
			if err := p.Clock(); err != nil {
				t.Fatal(err)
			}
			if err := r.Pull(); err != nil {
				t.Fatal(err)
			}
		}
		for i, c := range j.clients {
			if got := c.Sent(); got != barrier-1 {
				t.Errorf("client %d: %d clocks of the tables before barrier %d, want %d", i, got, barrier, barrier-1)
			}
		}
		pulled := make(chan error, 1)
		go func() { pulled <- r.Barrier() }()
		e, err := p.Evaluate()
		if err := <-pulled; err != nil {
			t.Fatal(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		if e.Clock != 5*barrier || worker.measured != int32(5*barrier) {
			t.Errorf("evaluated at clock %d, where the table has %d pulls, want %d of both", e.Clock, worker.measured, 5*barrier)
		}
		for i, c := range j.clients {
			if got := c.Sent(); got != barrier {
				t.Errorf("client %d: %d clocks of the tables after barrier %d", i, got, barrier)
			}
		}
	}
}

// viewer is a detached algorithm that counts its pulls in the table.
type viewer struct {
	still
	view     *table.View[int32]
	measured int32
}

func (v *viewer) Load(_ *dataset.Part, w *algos.Worker) (err error) {
	v.view, err = algos.View[int32](w, "sums", table.Span(0, 1), table.Increments)
	return err
}

func (v *viewer) Begin(s *algos.Scheduler) (err error) {
	v.view, err = algos.SchedulerView[int32](s, "sums", table.Span(0, 1), table.Increments)
	return err
}

func (v *viewer) Push(w *algos.Worker, b algos.Block) { w.Emit(float64(len(b.Keys))) }
func (v *viewer) Evaluate(*algos.Worker, *algos.Eval) { v.measured = v.view.Values()[0] }
func (v *viewer) Pull(*algos.Scheduler, consistency.Clock, []algos.Block, [][]float64) {
	v.view.Inc(0, 1)
}
