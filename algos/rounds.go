package algos

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"petuum/consistency"
)

// MaxWindow bounds the rounds in flight, whatever the slack: enough to hide any round
// trip, few enough for what each keeps.
const MaxWindow = 64

// Window is how many rounds of an algorithm may be in flight under a policy: one more
// than the slack, or as many as a client leaves updates unanswered under asp, and not
// more than a [Windowed] algorithm can follow.
func Window(a Algorithm, p consistency.Policy) int {
	window := min(p.Window(), MaxWindow)
	if w, ok := a.(Windowed); ok {
		window = min(window, w.Window())
	}
	return max(window, 1)
}

// Rounds drives the scheduler's instance. It keeps a window of rounds in flight, of
// which Pull takes the oldest; whoever carries blocks to the parts, and back what
// they emit, asks Next what is to be done:
//
//	first          next                  until
//	  ├── in flight ──┼─ to be scheduled ───┤ barrier
//	Pull          Schedule
//
// It knows neither how blocks travel nor any time. One goroutine at a time.
type Rounds struct {
	alg      ModelParallel
	s        *Scheduler
	now      func() int64
	detached bool
	settled  consistency.Clock // rounds below it are in a clock of the tables

	first, next consistency.Clock
	starved     bool // Schedule had nothing to ask for: Pull comes first
	blocks      []Block
	flights     []flight // by round modulo the window

	// The nanoseconds in Schedule and in Pull; zero without a clock.
	Scheduling, Pulling int64
}

// flight is a round in flight. Its memory is kept for later ones.
type flight struct {
	blocks  []Block
	keys    []uint64
	values  []float64
	emitted [][]float64
	got     []bool
	missing int
}

// Due is what is to be done next.
type Due uint8

// What Next says.
const (
	Drained     Due = iota // nothing: all rounds up to the barrier have ended
	DuePull                // Pull: the oldest round is complete
	DueSchedule            // Schedule: there is room in the window
	DueEmitted             // wait for what a part emits, for Collect
)

// NewRounds pairs the scheduler's instance with its scheduler. now reads a monotonic
// clock in nanoseconds; nil keeps no times.
func NewRounds(alg ModelParallel, s *Scheduler, now func() int64) *Rounds {
	if now == nil {
		now = func() int64 { return 0 }
	}
	s.Window = Window(alg, s.client.Policy())
	r := &Rounds{alg: alg, s: s, now: now, detached: isDetached(alg), blocks: make([]Block, s.Parts), flights: make([]flight, s.Window)}
	for i := range r.flights {
		r.flights[i] = flight{blocks: make([]Block, s.Parts), emitted: make([][]float64, s.Parts), got: make([]bool, s.Parts)}
	}
	return r
}

// From has the rounds begin at the clock of a checkpoint, before Begin.
func (r *Rounds) From(start consistency.Clock) {
	r.first, r.next, r.settled, r.s.Start = start, start, start, start
}

// Save writes the state of the scheduler's instance, behind an evaluation.
func (r *Rounds) Save(w io.Writer) error {
	a, ok := r.alg.(Stateful)
	if !ok {
		return errors.New("algos: the scheduler's instance has no state to be saved")
	}
	return a.Save(w)
}

// Restore reads it, after Begin and before the first round.
func (r *Rounds) Restore(from io.Reader) error {
	a, ok := r.alg.(Stateful)
	if !ok {
		return errors.New("algos: the scheduler's instance has no state to be restored")
	}
	if err := a.Restore(from); err != nil {
		return err
	}
	return atEnd(from)
}

// Begin opens the scheduler's views.
func (r *Rounds) Begin() error { return r.alg.Begin(r.s) }

// Settle is what the scheduler does while the parts prepare or settle. No round is in
// flight.
func (r *Rounds) Settle() error {
	r.first++
	r.next, r.settled = r.first, r.first
	r.s.client.Exactly()
	return r.s.client.Clock(0)
}

// Barrier is what the scheduler does while the parts come to a barrier, after they
// have been told: rounds that ended no clock of the tables end one together.
func (r *Rounds) Barrier() error {
	if r.settled == r.first {
		return nil
	}
	r.settled = r.first
	return r.s.client.Clock(0)
}

// Round is the oldest round that has not ended: all below it have been pulled.
func (r *Rounds) Round() consistency.Clock { return r.first }

func (r *Rounds) flight(round consistency.Clock) *flight {
	return &r.flights[int(round)%len(r.flights)]
}

// Next says what is to be done on the way to a barrier at until. A round is pulled as
// soon as it is complete, so that what it found is in all blocks scheduled later.
func (r *Rounds) Next(until consistency.Clock) Due {
	switch flying := r.next - r.first; {
	case flying > 0 && r.flight(r.first).missing == 0:
		return DuePull
	case r.next < until && int(flying) < r.s.Window && !r.starved:
		return DueSchedule
	case flying > 0:
		return DueEmitted
	}
	return Drained
}

// Schedule begins a round and returns its number and the block of each part, good
// until its Pull. Where the algorithm asks for nothing while rounds are in flight no
// round begins, and ok is false: it is asked again after the next Pull.
func (r *Rounds) Schedule() (round consistency.Clock, blocks []Block, ok bool) {
	clear(r.blocks)
	r.s.Round, r.s.InFlight = r.next, int(r.next-r.first)
	start := r.now()
	r.alg.Schedule(r.s, r.blocks)
	r.Scheduling += r.now() - start
	if r.s.InFlight > 0 && !slices.ContainsFunc(r.blocks, func(b Block) bool { return len(b.Keys) > 0 }) {
		r.starved = true
		return 0, nil, false
	}
	f := r.flight(r.next)
	f.keep(r.blocks)
	clear(f.got)
	f.missing = len(f.got)
	r.next++
	return r.next - 1, f.blocks, true
}

// keep copies blocks; what neighbouring parts share is copied once.
func (f *flight) keep(blocks []Block) {
	shares := func(p int) bool { return p > 0 && blocks[p].Shares(blocks[p-1]) }
	keys, values := 0, 0
	for p, b := range blocks {
		if !shares(p) {
			keys, values = keys+len(b.Keys), values+len(b.Values)
		}
	}
	f.keys, f.values = slices.Grow(f.keys[:0], keys), slices.Grow(f.values[:0], values)
	for p, b := range blocks {
		if shares(p) {
			f.blocks[p] = f.blocks[p-1]
			continue
		}
		k, v := len(f.keys), len(f.values)
		f.keys, f.values = append(f.keys, b.Keys...), append(f.values, b.Values...)
		f.blocks[p] = Block{Keys: f.keys[k:len(f.keys):len(f.keys)], Values: f.values[v:len(f.values):len(f.values)]}
	}
}

// Collect takes what a part emitted in a round in flight. It copies values.
func (r *Rounds) Collect(part int, round consistency.Clock, values []float64) error {
	room, err := r.Room(part, round, len(values))
	copy(room, values)
	return err
}

// Room takes what a part emitted in a round in flight: n values, for which it returns
// room that the caller fills before it does anything else with r.
func (r *Rounds) Room(part int, round consistency.Clock, n int) ([]float64, error) {
	if part < 0 || part >= r.s.Parts || round < r.first || round >= r.next || r.flight(round).got[part] {
		return nil, fmt.Errorf("algos: part %d emitted for round %d while it was to emit once for each of the rounds %d to %d", part, round, r.first, r.next-1)
	}
	f := r.flight(round)
	f.emitted[part] = slices.Grow(f.emitted[part][:0], n)[:n]
	f.got[part] = true
	f.missing--
	return f.emitted[part], nil
}

// Awaits reports whether a part is still to emit for the oldest round.
func (r *Rounds) Awaits(part int) bool { return r.first < r.next && !r.flight(r.first).got[part] }

// Pull combines what was emitted in the oldest round and ends it; it may wait for the
// tables. All parts have emitted.
func (r *Rounds) Pull() error {
	f := r.flight(r.first)
	if r.first == r.next || f.missing > 0 {
		return fmt.Errorf("algos: round %d is to be pulled before it is complete", r.first)
	}
	r.s.Round, r.s.InFlight = r.first, int(r.next-r.first-1)
	start := r.now()
	r.alg.Pull(r.s, r.first, f.blocks, f.emitted)
	r.Pulling += r.now() - start
	r.first++
	r.starved = false
	if r.detached {
		return nil
	}
	r.settled = r.first
	return r.s.client.Clock(0)
}
