package worker

import (
	"fmt"
	"sync"
	"time"

	"petuum/algos"
	"petuum/consistency"
	"petuum/roles/control"
	"petuum/roles/wire"
	"petuum/table"
)

type clock = consistency.Clock

// command is what the scheduler tells a part.
type command struct {
	kind  wire.Kind
	until clock // Run: up to which clock; Blocks: the round
	best  clock // Run, Publish: of the best evaluation
	block algos.Block

	settled bool   // Evaluate: after Settle
	stage   int    // Stage
	body    []byte // State
}

// runner is the goroutine of one part.
type runner struct {
	w        *worker
	part     *algos.Part
	client   *table.Client
	local    int
	now      func() int64 // since epoch
	epoch    time.Time
	orders   orders
	ledger   chan control.PartLedger
	ended    chan struct{} // closed when an error ended the goroutine
	detached bool          // rounds end no clock of the tables
	resumes  bool          // it begins with Restore, not with Prepare

	l       control.PartLedger
	started int64
	before  table.PartTimes // what was put down so far
	scratch []byte
	lent    lent // of the last evaluation
}

func newRunner(w *worker, part *algos.Part, client *table.Client, local int, epoch time.Time, now func() int64) *runner {
	r := &runner{w: w, part: part, client: client, local: local, epoch: epoch, now: now,
		ledger: make(chan control.PartLedger, 1), ended: make(chan struct{}), detached: part.Detached()}
	r.orders.some.L = &r.orders.mu
	return r
}

// run prepares the part and does what it is told until the worker closes its
// orders. An error goes to the worker, which ends the job.
func (r *runner) run() {
	err := r.prepare()
	for err == nil {
		idle := r.now()
		c, ok := r.orders.next()
		r.l.Scheduler += seconds(r.now() - idle)
		if !ok {
			return
		}
		if c.kind == control.KindStop {
			r.part.Finish()
			r.ledger <- r.settle()
			return
		}
		err = r.do(c)
	}
	r.w.box.Put(control.Event{Err: err})
	close(r.ended)
}

func (r *runner) prepare() error {
	r.started = r.now()
	begin := r.part.Prepare
	if r.resumes {
		begin = r.restore
	}
	if err := begin(); err != nil {
		return err
	}
	r.book()
	return r.w.sched.Send(control.KindReady, control.AppendUints(nil, uint64(r.part.Number()), uint64(r.part.At())))
}

func (r *runner) do(c command) error {
	switch c.kind {
	case control.KindRun:
		r.part.Best(c.best)
		for r.part.At() < c.until {
			err := r.part.Step(c.until)
			r.l.Clocks++
			r.book()
			if err != nil {
				return err
			}
		}
		return r.reached()
	case control.KindPublish:
		r.part.Best(c.best)
		err := r.part.Publish()
		r.book()
		if err != nil {
			return err
		}
		return r.reached()
	case control.KindBlocks:
		if c.until != r.part.At() {
			return fmt.Errorf("part %d is at clock %d and got a block for round %d", r.part.Number(), r.part.At(), c.until)
		}
		emitted := r.part.Push(c.block)
		start := r.now()
		err := r.w.rounds.Load().emitted(r.part.Number(), c.until, emitted, &r.scratch)
		r.l.Scheduler += seconds(r.now() - start)
		if err != nil {
			return err
		}
		return r.clock()
	case control.KindStage:
		return r.part.Stage(c.stage)
	case control.KindSave:
		return r.save()
	case control.KindEvaluate:
		if c.settled {
			err := r.part.Settle()
			r.book()
			if err != nil {
				return err
			}
		}
		return r.evaluate()
	}
	return fmt.Errorf("part %d: command of kind %d", r.part.Number(), c.kind)
}

// reached tells the scheduler that the part has come to the clock that it was to.
func (r *runner) reached() error {
	return r.send(control.KindReached, control.AppendUints(r.scratch[:0], uint64(r.part.Number()), uint64(r.part.At())))
}

func (r *runner) evaluate() error {
	r.lent.Wait() // not for long: the scheduler has had all of it, or it would not ask again
	e, err := r.part.Evaluate()
	if err != nil {
		return err
	}
	if r.detached {
		r.before = r.client.Times(r.local) // it waited at the barrier
	}
	start := r.now()
	r.scratch, err = control.SendEval(r.w.sched, r.part.Number(), e, r.scratch, &r.lent)
	r.l.Scheduler += seconds(r.now() - start)
	return err
}

// lent counts the frames whose memory is an evaluation's.
type lent struct{ sync.WaitGroup }

// Retain says that a frame will be sent.
func (l *lent) Retain() { l.Add(1) }

// Release says that it was.
func (l *lent) Release() { l.Done() }

func (r *runner) send(kind wire.Kind, body []byte) error {
	r.scratch = body[:0]
	start := r.now()
	err := r.w.sched.SendNow(kind, body)
	r.l.Scheduler += seconds(r.now() - start)
	return err
}

func (r *runner) clock() error {
	err := r.part.Clock()
	r.l.Clocks++
	if !r.detached {
		r.book()
	}
	return err
}

// book puts the time that Clock waited down to what it waited for. Until the last
// batch came in: what its server says it held it for the slowest origin, what it
// waited in the server's queue, what the shards took, and else it was on the wire
// (in sockets, on the network, or waiting for a processor). After that: taking it
// in.
func (r *runner) book() {
	t := r.client.Times(r.local)
	wait, refresh := t.Wait-r.before.Wait, t.Refresh-r.before.Refresh
	r.before = t
	last, ok := r.w.links.Last(r.client.Origin())
	if wait <= 0 || !ok {
		return
	}
	done := r.now() - refresh
	out := min(max(int64(last.At.Sub(r.epoch))-(done-wait), 0), wait)
	r.l.Decode += seconds(wait - out)
	take := func(term *float64, ns uint64) {
		d := min(int64(min(ns, 1<<62)), out)
		*term += seconds(d)
		out -= d
	}
	take(&r.l.Slowest, last.Held)
	take(&r.l.Queue, last.Queue)
	take(&r.l.Apply, last.Apply)
	take(&r.l.Wire, 1<<62)
}

// settle closes the ledger of the part.
func (r *runner) settle() control.PartLedger {
	l, t := r.l, r.client.Times(r.local)
	l.Part = r.part.Number()
	l.Wall = seconds(r.now() - r.started)
	l.Compute, l.Evaluate = seconds(r.part.Compute), seconds(r.part.Evaluating)
	l.Encode, l.Decode = seconds(t.Send), l.Decode+seconds(t.Refresh)
	l.Barrier = seconds(r.part.Barrier)
	l.Blocked = t.Blocked
	l.Unaccounted = l.Wall - l.Compute - l.Evaluate - l.Encode - l.Decode - l.Slowest - l.Queue - l.Apply - l.Wire - l.Scheduler - l.Barrier
	l.SlowestBy = map[string]float64{}
	for o, ns := range r.client.Stats().WaitedOn {
		l.SlowestBy[fmt.Sprint(o)] = seconds(ns)
	}
	return l
}

func seconds(ns int64) float64 { return time.Duration(ns).Seconds() }
