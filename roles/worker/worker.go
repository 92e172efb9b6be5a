// Package worker is the role that computes: it reads its parts of the data and
// runs an instance of the algorithm on each, in a goroutine of its own.
package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/configs"
	"petuum/roles/bench"
	"petuum/roles/control"
	"petuum/roles/enlist"
	"petuum/roles/links"
	"petuum/roles/wire"
	"petuum/table"
)

var errStopped = errors.New("stopped by the scheduler")

// worker is one process with this role.
type worker struct {
	place *enlist.Place
	log   *slog.Logger
	box   *control.Mailbox
	sched *wire.Conn

	cfg     *configs.Config
	job     control.Job
	scanned *dataset.Scanned
	streams []*dataset.Stream // of the parts that read while they learn
	links   *links.Links
	runners map[int]*runner // by part
	rounds  atomic.Pointer[rounds]
	running sync.WaitGroup

	bench *bench.Worker

	over      chan struct{} // closed when the scheduler's connection has ended
	abandoned bool          // an act goes on although nobody waits for it
}

// endFor bounds how long a worker that must end waits for what its parts compute.
const endFor = 2 * time.Second

// Run takes part in a job as a worker until it ends.
func Run(ctx context.Context, o enlist.Options) error {
	place, err := enlist.Open(ctx, o, control.Worker, "", -1, "")
	if err != nil {
		return err
	}
	defer place.Close()
	w := &worker{place: place, log: o.Log, box: control.NewMailbox(), runners: make(map[int]*runner), over: make(chan struct{})}
	if w.sched, err = place.FindScheduler(ctx); err != nil {
		return err
	}
	var reading sync.WaitGroup
	reading.Go(w.read)
	err = w.run(ctx)
	if !errors.Is(err, errStopped) {
		_ = w.sched.Send(control.KindFailed, control.Encode(control.Failed{Error: err.Error()}))
	}
	w.end(err)
	enlist.Part(w.sched)
	reading.Wait()
	if errors.Is(err, errStopped) {
		return nil
	}
	if !errors.Is(err, control.ErrSchedulerDied) {
		place.Leave()
	}
	if ctx.Err() != nil {
		return err
	}
	return &control.Ended{Reason: err.Error()} // the scheduler tells it too
}

// end ends the parts and the connections to the servers. What computes for too
// long, or reads, goes on until the process ends, which is next.
func (w *worker) end(err error) {
	if w.abandoned {
		return
	}
	if w.bench != nil {
		w.bench.Close()
	}
	w.fail(err)
	ended := make(chan struct{})
	go func() {
		for _, s := range w.streams {
			s.Close()
		}
		w.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(endFor):
	}
	if w.links != nil {
		w.links.Close()
	}
}

// read reads the scheduler's connection until it ends.
func (w *worker) read() {
	name := w.sched.Peer().Name
	err := w.sched.Serve(func(kind wire.Kind, body []byte) error {
		if r := w.rounds.Load(); r != nil && kind == control.KindBlocks {
			if err := r.deal(body); err != nil {
				w.box.Put(control.Event{Err: err})
			}
			return nil
		}
		w.box.Put(control.Event{From: name, Kind: kind, Body: append([]byte(nil), body...)})
		return nil
	})
	w.box.Put(control.Event{From: name, Err: fmt.Errorf("%w: %w", control.ErrSchedulerDied, err)})
	close(w.over)
}

// fail ends the waits of all parts and lets their goroutines end.
func (w *worker) fail(err error) {
	if w.links != nil {
		w.links.Fail(err)
	}
	for _, r := range w.runners {
		r.orders.close()
	}
}

// run does what the scheduler says until an error, of which errStopped is the
// good one, ends it.
func (w *worker) run(ctx context.Context) error {
	for {
		e, err := w.box.Next(ctx)
		if err == nil {
			err = e.Err
		}
		if err == nil {
			err = w.interruptible(ctx, e)
		}
		if err != nil {
			return err
		}
	}
}

// interruptible acts on an event, but does not wait for data to be read and
// tables to be made when the job is over meanwhile.
func (w *worker) interruptible(ctx context.Context, e control.Event) error {
	if e.Kind != control.KindJob && e.Kind != control.KindSetup && e.Kind != control.KindBench {
		return w.act(ctx, e)
	}
	acted := make(chan error, 1)
	go func() { acted <- w.act(ctx, e) }()
	select {
	case err := <-acted:
		return err
	case <-ctx.Done():
		w.abandoned = true
		return context.Cause(ctx)
	case <-w.over:
		w.abandoned = true
		return w.why()
	}
}

// why is what the scheduler said last, when its connection has ended.
func (w *worker) why() error {
	for {
		e, err := w.box.Next(context.Background())
		switch {
		case err != nil:
			return err
		case e.Err != nil:
			return e.Err
		case e.Kind == control.KindStop:
			return w.stop(e.Body)
		}
	}
}

func (w *worker) act(ctx context.Context, e control.Event) error {
	switch e.Kind {
	case control.KindJob:
		job, err := control.Decode[control.Job](e.Body)
		if err != nil {
			return err
		}
		return w.scan(job)
	case control.KindSetup:
		setup, err := control.Decode[control.Setup](e.Body)
		if err != nil {
			return err
		}
		return w.load(ctx, setup)
	case control.KindRun:
		until, best, err := control.ReadRun(e.Body)
		if err != nil {
			return err
		}
		return w.each(command{kind: e.Kind, until: until, best: best})
	case control.KindEvaluate:
		settled, err := control.ReadEvaluate(e.Body)
		if err != nil {
			return err
		}
		return w.each(command{kind: e.Kind, settled: settled})
	case control.KindStage:
		stage, err := control.ReadStage(e.Body)
		if err != nil {
			return err
		}
		return w.each(command{kind: e.Kind, stage: stage})
	case control.KindPublish:
		best, err := control.ReadPublish(e.Body)
		if err != nil {
			return err
		}
		return w.each(command{kind: e.Kind, best: best})
	case control.KindSave, control.KindMore, control.KindState:
		return w.pass(e)
	case control.KindUsage:
		return w.sched.Send(control.KindUsed, control.Encode(control.Used{CPU: control.CPUSeconds()}))
	case control.KindBench:
		return w.measure(ctx, e.Body)
	case control.KindStop:
		return w.stop(e.Body)
	}
	return fmt.Errorf("worker: a frame of kind %d is not for a worker", e.Kind)
}

// measure does a task of petuum bench.
func (w *worker) measure(ctx context.Context, body []byte) error {
	t, err := control.Decode[bench.Task](body)
	if err != nil {
		return err
	}
	if w.bench == nil {
		w.bench = bench.NewWorker(w.place, func(err error) { w.box.Put(control.Event{Err: err}) })
	}
	m, err := w.bench.Do(ctx, t)
	if err != nil {
		return err
	}
	return w.sched.Send(control.KindBenched, control.Encode(m))
}

// stop ends the job: the ledger goes to the scheduler.
func (w *worker) stop(body []byte) error {
	stop, err := control.Decode[control.Stop](body)
	switch {
	case err != nil:
		return err
	case stop.Failed:
		return errors.New(stop.Reason)
	case stop.Ledger && !w.abandoned:
		w.finish()
	}
	return errStopped
}

// scan reads this worker's parts and reports what is in them.
func (w *worker) scan(job control.Job) error {
	cfg, err := configs.Parse(job.Name, []byte(job.Config), nil)
	if err != nil {
		return err
	}
	if err := w.place.Config.Conflicts(cfg); err != nil {
		return err
	}
	if err := w.place.Adopt(cfg, w.sched); err != nil {
		return err
	}
	w.cfg, w.job = cfg, job
	w.place.Rename(job.Name, job.Seat)
	alg, err := control.NewAlgorithm(w.place.Algorithms, cfg)
	if err != nil {
		return err
	}
	var parts []int
	for _, g := range job.Groups {
		parts = append(parts, g.Parts...)
	}
	start := time.Now()
	o := control.DataOptions(cfg, alg)
	o.Cache = cfg.Data.Cache
	w.scanned, err = dataset.Scan(cfg.Data.Train, o, parts, job.Parts)
	if err != nil {
		return err
	}
	found := control.Scanned{Parts: parts, Seconds: time.Since(start).Seconds()}
	for _, p := range parts {
		found.Infos = append(found.Infos, w.scanned.Info(p))
	}
	for _, note := range w.scanned.Notes() {
		if note.Problem {
			found.Problems = append(found.Problems, note.Text)
		}
	}
	return w.sched.Send(control.KindScanned, control.Encode(found))
}

// load makes the instances, connects their clients, and starts the goroutine of
// each part.
func (w *worker) load(ctx context.Context, setup control.Setup) error {
	if w.scanned == nil || w.links != nil {
		return errors.New("worker: set up out of turn")
	}
	data, err := w.scanned.Parts(setup.Info)
	if err != nil {
		return err
	}
	for _, note := range w.scanned.Notes() {
		level := slog.LevelInfo
		if note.Problem {
			level = slog.LevelWarn
		}
		w.log.Log(ctx, level, "training data: "+note.Text)
	}
	byPart := make(map[int]*dataset.Part, len(data))
	for _, d := range data {
		byPart[d.Index] = d
		if d.Stream != nil {
			w.streams = append(w.streams, d.Stream)
		}
	}
	w.scanned = nil
	tests, err := w.tests(setup.Info)
	if err != nil {
		return err
	}
	begin := time.Now()
	var clients []*table.Client
	for _, g := range w.job.Groups {
		c, runners, err := w.group(g, setup, byPart, tests, begin)
		if err != nil {
			return err
		}
		clients = append(clients, c)
		for _, r := range runners {
			w.runners[r.part.Number()] = r
		}
	}
	alg, err := control.NewAlgorithm(w.place.Algorithms, w.cfg)
	if err != nil {
		return err
	}
	w.rounds.Store(newRounds(w.sched, w.runners, algos.Window(alg, w.cfg.Policy())))
	w.links = links.New(w.place, setup, clients, func(err error) { w.box.Put(control.Event{Err: err}) })
	if err := w.links.Connect(ctx); err != nil {
		return err
	}
	for _, c := range clients {
		w.running.Go(func() { w.begin(c) })
	}
	return nil
}

// group makes the client of an origin and the instances of its parts.
func (w *worker) group(g control.Group, setup control.Setup, data, tests map[int]*dataset.Part, epoch time.Time) (*table.Client, []*runner, error) {
	start, ok := setup.Roster.Has(g.Origin)
	if !ok {
		return nil, nil, fmt.Errorf("worker: origin %d is not on the roster", g.Origin)
	}
	now := func() int64 { return int64(time.Since(epoch)) }
	var client *table.Client
	var runners []*runner
	for local, p := range g.Parts {
		alg, err := control.NewAlgorithm(w.place.Algorithms, w.cfg)
		if err != nil {
			return nil, nil, err
		}
		if client == nil {
			specs, err := control.Tables(w.cfg, alg, setup.Info)
			if err != nil {
				return nil, nil, err
			}
			client, err = table.NewClient(specs, table.ClientOptions{Origin: g.Origin, Generation: setup.Roster.Generation,
				Policy: w.cfg.Policy(), Window: w.cfg.Window(), Shards: len(setup.Placement.Seats), Parts: len(g.Parts), Start: start,
				Deterministic: w.cfg.Consistency.Deterministic, Now: now})
			if err != nil {
				return nil, nil, err
			}
		}
		part := algos.NewPart(alg, algos.NewWorker(p, w.job.Parts, setup.Info, w.cfg.Job.Seed, client, local), now)
		part.From(start)
		if err := part.Load(data[p]); err != nil {
			return nil, nil, err
		}
		if tests != nil {
			if err := part.LoadTest(tests[p]); err != nil {
				return nil, nil, err
			}
		}
		r := newRunner(w, part, client, local, epoch, now)
		r.resumes = setup.Resume
		runners = append(runners, r)
	}
	return client, runners, nil
}

// begin starts a client and then the goroutines of its parts.
func (w *worker) begin(c *table.Client) {
	if err := c.Start(); err != nil {
		w.box.Put(control.Event{Err: err})
		return
	}
	for _, r := range w.runners {
		if r.client == c {
			w.running.Go(r.run)
		}
	}
}

// each gives every part a command.
func (w *worker) each(c command) error {
	if w.links == nil {
		return errors.New("worker: told to run before it was set up")
	}
	for _, r := range w.runners {
		r.orders.put(c)
	}
	return nil
}

// finish ends the parts in good order and reports what they did.
func (w *worker) finish() {
	l := control.Ledger{}
	for _, r := range w.runners {
		r.orders.put(command{kind: control.KindStop})
	}
	for _, r := range w.runners {
		select {
		case p := <-r.ledger:
			l.Parts = append(l.Parts, p)
		case <-r.ended: // with an error, which is in the mailbox
		}
	}
	l.Wire = control.Counted(w.sched)
	if w.links != nil {
		l.Wire = l.Wire.Plus(w.links.Ledger())
	}
	_ = w.sched.Send(control.KindLedger, control.Encode(l))
}
