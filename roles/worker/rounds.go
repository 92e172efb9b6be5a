package worker

import (
	"fmt"
	"sync"

	"petuum/roles/control"
	"petuum/roles/wire"
)

// frameFull is the size from which emissions go at once, not with those of the other
// parts: to gather them would only delay them.
const frameFull = 64 << 10

// rounds are those in flight at this worker: one frame with blocks for all of its
// parts comes in for each, and one with what they emitted goes out, sent by the last
// of them. The memory of a round is used again for the one a window later, which the
// scheduler does not begin before it has all that was emitted for the first.
type rounds struct {
	sched   sender
	runners map[int]*runner
	slots   []slot // by round modulo the window
}

// sender is the connection to the scheduler.
type sender interface {
	Send(kind wire.Kind, body []byte) error
	SendNow(kind wire.Kind, body []byte) error
}

type slot struct {
	mu      sync.Mutex
	blocks  control.Blocks // good until missing is 0
	missing int            // parts that have not emitted
	body    []byte         // Emitted, of those that have
	n       int            // of how many
}

func newRounds(sched sender, runners map[int]*runner, window int) *rounds {
	return &rounds{sched: sched, runners: runners, slots: make([]slot, window)}
}

// deal gives each part its block.
func (r *rounds) deal(body []byte) error {
	round, err := control.RoundOf(body)
	if err != nil {
		return err
	}
	s := &r.slots[int(round)%len(r.slots)]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.missing > 0 {
		return fmt.Errorf("worker: round %d begins while %d parts have not emitted for round %d, in a window of %d", round, s.missing, s.blocks.Round, len(r.slots))
	}
	if err := control.ReadBlocks(body, &s.blocks); err != nil {
		return err
	}
	for _, part := range s.blocks.Parts {
		if r.runners[part] == nil {
			return fmt.Errorf("worker: a block for part %d, which is not here", part)
		}
	}
	s.missing, s.n = len(s.blocks.Parts), 0
	s.body = control.BeginEmitted(s.body, round)
	for i, part := range s.blocks.Parts {
		r.runners[part].orders.put(command{kind: control.KindBlocks, until: round, block: s.blocks.Of[i]})
	}
	return nil
}

// emitted takes what a part emitted for the block of a round. The last part of the
// round sends what is there; large emissions go by themselves, by way of scratch, and
// not before the part counts as done: the answer to what goes may be a round that uses
// the memory of this one.
func (r *rounds) emitted(part int, round clock, values []float64, scratch *[]byte) error {
	large := 8*len(values) >= frameFull
	if err := r.gather(part, round, values, large); err != nil || !large {
		return err
	}
	*scratch = control.AppendEmitted(control.BeginEmitted(*scratch, round), part, values)
	return r.sched.Send(control.KindEmitted, control.EndEmitted(*scratch, 1))
}

// gather counts a part as done with a round, and sends what is there if it is enough
// or the part was the last.
func (r *rounds) gather(part int, round clock, values []float64, large bool) error {
	s := &r.slots[int(round)%len(r.slots)]
	s.mu.Lock()
	defer s.mu.Unlock()
	if !large {
		s.body = control.AppendEmitted(s.body, part, values)
		s.n++
	}
	s.missing--
	if s.n == 0 || s.missing > 0 && len(s.body) < frameFull {
		return nil
	}
	err := r.sched.SendNow(control.KindEmitted, control.EndEmitted(s.body, s.n))
	s.body, s.n = control.BeginEmitted(s.body, round), 0
	return err
}

// orders are the commands that wait for a part, in their order.
type orders struct {
	mu     sync.Mutex
	some   sync.Cond
	list   []command
	head   int
	closed bool
}

func (o *orders) put(c command) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return
	}
	o.list = append(o.list, c)
	o.some.Signal()
}

// close ends the part once it has done what it is doing.
func (o *orders) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.some.Signal()
}

// next waits for a command; ok is false once there will be none.
func (o *orders) next() (c command, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.head == len(o.list) && !o.closed {
		o.some.Wait()
	}
	if o.closed {
		return c, false
	}
	c = o.list[o.head]
	o.list[o.head] = command{}
	if o.head++; 2*o.head >= len(o.list) { // the part may be behind for long, so some always wait
		o.list, o.head = append(o.list[:0], o.list[o.head:]...), 0
	}
	return c, true
}
