package algos

import (
	"errors"
	"fmt"
	"io"
	"math"

	"petuum/algos/dataset"
	"petuum/consistency"
	"petuum/table"
)

// Part takes one instance through the phases of a job. All methods are for one
// goroutine; those that return an error may wait for other parts.
type Part struct {
	alg    Algorithm
	w      *Worker
	client *table.Client
	now    func() int64
	stream *dataset.Stream // nil where the data is in memory

	detached bool              // rounds end no clock of the tables
	settled  consistency.Clock // up to which rounds are in a clock of the tables
	stood    consistency.Clock // where the last barrier was
	eval     *Eval             // the last one

	// The nanoseconds spent in Push, in Evaluate and at barriers; zero without a
	// clock. The client keeps the times of Clock.
	Compute, Evaluating, Barrier int64
}

// NewPart pairs an instance with its worker. now reads a monotonic clock in
// nanoseconds; nil keeps no times.
func NewPart(alg Algorithm, w *Worker, now func() int64) *Part {
	if now == nil {
		now = func() int64 { return 0 }
	}
	return &Part{alg: alg, w: w, client: w.client, now: now, detached: isDetached(alg), stood: -1, eval: NewEval(0)}
}

// Number is the part's.
func (p *Part) Number() int { return p.w.Part }

// At is the clock the part has reached.
func (p *Part) At() consistency.Clock { return p.w.Clock }

// Detached reports whether its rounds end no clock of the tables.
func (p *Part) Detached() bool { return p.detached }

// Load gives the instance its data.
func (p *Part) Load(data *dataset.Part) error {
	if data != nil {
		p.stream = data.Stream
	}
	if err := p.alg.Load(data, p.w); err != nil {
		return fmt.Errorf("part %d: %w", p.w.Part, err)
	}
	return nil
}

// LoadTest gives the instance its share of the test data. It must be [Tested].
func (p *Part) LoadTest(data *dataset.Part) error {
	if err := p.alg.(Tested).LoadTest(data, p.w); err != nil {
		return fmt.Errorf("part %d: test data: %w", p.w.Part, err)
	}
	return nil
}

// Prepare runs the instance's Prepare, if it has one, up to the barrier after it.
// What is gathered there once is not rounded, nor kept back.
func (p *Part) Prepare() error {
	a, ok := p.alg.(Preparer)
	if !ok {
		return nil
	}
	a.Prepare(p.w)
	return p.Settle()
}

// From has the part begin at the clock of a checkpoint, before Load.
func (p *Part) From(start consistency.Clock) {
	p.w.Clock, p.w.Start, p.settled = start, start, start
}

// Save writes the state of the part, behind an evaluation.
func (p *Part) Save(w io.Writer) error {
	a, ok := p.alg.(Stateful)
	if !ok {
		return fmt.Errorf("algos: part %d: the state of an algorithm that has none is to be saved", p.w.Part)
	}
	if err := a.Save(w); err != nil {
		return fmt.Errorf("part %d: %w", p.w.Part, err)
	}
	return nil
}

// Restore is Prepare of a part that goes on from a checkpoint. It reads all of r.
func (p *Part) Restore(r io.Reader) error {
	a, ok := p.alg.(Stateful)
	if !ok {
		return fmt.Errorf("algos: part %d: the state of an algorithm that has none is to be restored", p.w.Part)
	}
	err := a.Restore(r)
	if err == nil {
		err = atEnd(r)
	}
	if err != nil {
		return fmt.Errorf("part %d: %w", p.w.Part, err)
	}
	return nil
}

// atEnd is an error if something of a state was not read.
func atEnd(r io.Reader) error {
	if n, err := io.ReadFull(r, make([]byte, 1)); n > 0 {
		return errors.New("the state has more than was restored")
	} else if err != io.EOF {
		return err
	}
	return nil
}

// Stage begins a problem of an algorithm that is Staged. All parts have come to the
// same clock and been evaluated there.
func (p *Part) Stage(s int) error {
	a, ok := p.alg.(Staged)
	if !ok {
		return fmt.Errorf("algos: part %d: stage %d of an algorithm that has none", p.w.Part, s)
	}
	a.Stage(s)
	return nil
}

// Push does the work of one clock and returns what was emitted, good until the
// next Push. Send that before Clock: under BSP, Clock waits for a scheduler
// which waits for it.
func (p *Part) Push(b Block) []float64 {
	start := p.now()
	p.alg.Push(p.w, b)
	p.Compute += p.now() - start
	return p.w.Emitted()
}

// Clock ends the iteration. It fails if the part's stream did: what Push computed then
// is of no use.
func (p *Part) Clock() error {
	if p.stream != nil {
		if err := p.stream.Err(); err != nil {
			return fmt.Errorf("part %d: %w", p.w.Part, err)
		}
	}
	if p.w.Clock++; p.detached {
		return nil
	}
	p.settled = p.w.Clock
	return p.client.Clock(p.w.local)
}

// catchUp ends, at a barrier, one clock of the tables for all rounds that ended none.
func (p *Part) catchUp() error {
	if p.settled == p.w.Clock {
		return nil
	}
	p.settled = p.w.Clock
	return p.client.Clock(p.w.local)
}

// RunTo pushes without a schedule until clock until, where a barrier follows.
func (p *Part) RunTo(until consistency.Clock) error {
	for p.w.Clock < until {
		if err := p.Step(until); err != nil {
			return err
		}
	}
	return nil
}

// Step does one clock on the way to the barrier at until. The last one is in
// lockstep, whatever the policy: the part first waits until it sees all that
// anybody did before. Without this a part that comes to the barrier behind the
// others ends alone, and what it did in answer to them they have not answered
// yet; the objective at barriers then jumps about the optimum instead of
// approaching it. Where a barrier was just now there is no other: by its end others could
// have done what comes after it.
func (p *Part) Step(until consistency.Clock) error {
	if p.w.Clock+1 == until && p.stood != p.w.Clock && !p.client.Policy().Synchronous() {
		if err := p.barrier(); err != nil {
			return err
		}
	}
	p.Until(until)
	p.Push(Block{})
	return p.Clock()
}

// Until tells the instance at which clock the next evaluation is.
func (p *Part) Until(barrier consistency.Clock) { p.w.Barrier = barrier }

// Settle ends a clock with which the part pays all that it owes of lossy tables, and
// waits until all parts have done so: its views then hold the very values of the
// tables.
func (p *Part) Settle() error {
	p.client.Exactly()
	if err := p.Clock(); err != nil {
		return err
	}
	if err := p.catchUp(); err != nil {
		return err
	}
	p.stood = p.w.Clock
	start := p.now()
	err := p.client.SyncExactly(p.w.local)
	p.Barrier += p.now() - start
	return err
}

// Best tells the part which evaluation is the best so far, see [Worker].
func (p *Part) Best(at consistency.Clock) { p.w.Best = at }

// Publish lets the instance write its results, if it has any, up to a barrier after it.
func (p *Part) Publish() error {
	a, ok := p.alg.(Publisher)
	if !ok {
		return nil
	}
	a.Publish(p.w)
	return p.Settle()
}

// Evaluate waits until all parts have come to this clock and evaluates. The result is
// good until the next Evaluate, which uses its memory again.
func (p *Part) Evaluate() (*Eval, error) {
	if err := p.barrier(); err != nil {
		return nil, err
	}
	start := p.now()
	p.eval = p.eval.reset(p.w.Clock)
	p.alg.Evaluate(p.w, p.eval)
	p.Evaluating += p.now() - start
	return p.eval, nil
}

func (p *Part) barrier() error {
	p.stood = p.w.Clock
	start, before := p.now(), p.client.Times(p.w.local)
	err := p.catchUp()
	after := p.client.Times(p.w.local)
	if err == nil {
		err = p.client.Sync(p.w.local)
	}
	// What the client did in the clock it counts itself.
	p.Barrier += p.now() - start - (after.Send - before.Send) - (after.Refresh - before.Refresh)
	return err
}

// Finish says that the part will do no more.
func (p *Part) Finish() { p.client.Finish(p.w.local) }

// finite reports whether x is a number.
func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
