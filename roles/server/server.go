// Package server is the role that holds shards: it takes the updates of
// workers, answers them, and gives the values away when the job ends.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"petuum/configs"
	"petuum/roles/control"
	"petuum/roles/enlist"
	"petuum/roles/wire"
	"petuum/table"
)

// life is the incarnation of shards that were not restored.
const life = 1

// server is one process with this role.
type server struct {
	place *enlist.Place
	log   *slog.Logger
	box   *control.Mailbox
	sched *wire.Conn

	ready   chan struct{} // closed when host is set
	done    chan struct{} // closed when this server stops
	host    *host
	mu      sync.Mutex
	conns   []*wire.Conn // guarded by mu
	closing bool         // guarded by mu
}

// Run takes part in a job as a server until it ends. seat -1 takes whichever
// seat the scheduler gives.
func Run(ctx context.Context, o enlist.Options, seat int) error {
	name := "" // the scheduler gives one
	if seat >= 0 {
		name = fmt.Sprintf("server-%d", seat)
	}
	place, err := enlist.Open(ctx, o, control.Server, name, seat, "")
	if err != nil {
		return err
	}
	defer place.Close()
	s := &server{place: place, log: o.Log, box: control.NewMailbox(), ready: make(chan struct{}), done: make(chan struct{})}
	if s.sched, err = place.FindScheduler(ctx); err != nil {
		return err
	}
	var serving sync.WaitGroup
	serving.Go(func() { s.serve(s.sched) })
	serving.Go(func() { place.Accept(nil, s.serve) })
	err = s.run(ctx)
	if !errors.Is(err, errStopped) {
		_ = s.sched.Send(control.KindFailed, control.Encode(control.Failed{Error: err.Error()}))
	}
	place.Listener.Close()
	s.closeAll()
	serving.Wait()
	if s.host != nil {
		s.host.close()
	}
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

var errStopped = errors.New("stopped by the scheduler")

// serve reads one connection until it ends.
func (s *server) serve(c *wire.Conn) {
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		c.Abort()
		return
	}
	s.conns = append(s.conns, c)
	s.mu.Unlock()
	var l *line // from the first batch on
	err := c.Serve(func(kind wire.Kind, body []byte) error {
		if kind != control.KindBatch {
			if c != s.sched {
				return fmt.Errorf("server: %s sent a frame of kind %d, which is the scheduler's", c.Peer().Name, kind)
			}
			s.box.Put(control.Event{From: c.Peer().Name, Kind: kind, Body: append([]byte(nil), body...)})
			return nil
		}
		select {
		case <-s.ready:
		case <-s.done:
			return errStopped
		}
		if l == nil {
			l = s.host.newLine(c)
		}
		return s.handled(l.handle(body))
	})
	if l != nil {
		if e := s.handled(l.close()); e != nil {
			err = e
		}
	}
	switch {
	case c == s.sched:
		s.box.Put(control.Event{From: c.Peer().Name, Err: fmt.Errorf("%w: %w", control.ErrSchedulerDied, err)})
	case errors.Is(err, wire.ErrBye), errors.Is(err, wire.ErrClosed), errors.Is(err, wire.ErrLost), errors.Is(err, errStopped):
		// the scheduler tells of a worker that died
	default:
		s.log.Warn("connection to a worker ended", "error", err)
	}
}

// handled passes on what came of a batch.
func (s *server) handled(err error) error {
	if errors.Is(err, wire.ErrTooLarge) { // somebody waits for what cannot be sent
		s.box.Put(control.Event{Err: err})
	}
	return err
}

func (s *server) closeAll() {
	s.mu.Lock()
	s.closing = true
	close(s.done)
	conns := s.conns
	s.mu.Unlock()
	enlist.Part(conns...)
}

// run does what the scheduler says.
func (s *server) run(ctx context.Context) error {
	var job control.Job
	var cfg *configs.Config
	for {
		e, err := s.next(ctx)
		if err != nil {
			return err
		}
		switch e.Kind {
		case control.KindJob:
			job, err = control.Decode[control.Job](e.Body)
			if err == nil {
				cfg, err = s.adopt(job)
			}
		case control.KindSetup:
			var setup control.Setup
			if setup, err = control.Decode[control.Setup](e.Body); err == nil {
				err = s.setUp(cfg, job, setup)
			}
		case control.KindMeasure:
			err = s.sched.Send(control.KindNorms, control.AppendNorms(nil, s.host.norms()))
		case control.KindExport:
			var t, shard int
			var whole bool
			if t, shard, whole, err = control.ReadExport(e.Body); err == nil {
				err = s.host.export(t, shard, whole, func(body []byte) error { return s.sched.Send(control.KindRows, body) })
			}
		case control.KindLoad:
			if err = s.host.load(e.Body); err == nil {
				err = s.sched.Send(control.KindLoaded, nil)
			}
		case control.KindUsage:
			err = s.sched.Send(control.KindUsed, control.Encode(control.Used{CPU: control.CPUSeconds()}))
		case control.KindStop:
			return s.stop(e.Body)
		default:
			err = fmt.Errorf("server: a frame of kind %d is not for a server", e.Kind)
		}
		if err != nil {
			return err
		}
	}
}

func (s *server) next(ctx context.Context) (control.Event, error) {
	e, err := s.box.Next(ctx)
	switch {
	case err != nil:
		return e, err
	case e.Err != nil:
		return e, e.Err
	case s.host == nil && (e.Kind == control.KindMeasure || e.Kind == control.KindExport || e.Kind == control.KindLoad):
		return e, errors.New("server: asked for values before the job was set up")
	}
	return e, nil
}

// adopt takes the job's configuration, unless this process was told otherwise.
func (s *server) adopt(job control.Job) (*configs.Config, error) {
	cfg, err := configs.Parse(job.Name, []byte(job.Config), nil)
	if err != nil {
		return nil, err
	}
	if err := s.place.Config.Conflicts(cfg); err != nil {
		return nil, err
	}
	if err := s.place.Adopt(cfg, s.sched); err != nil {
		return nil, err
	}
	if s.place.Seat != job.Seat {
		if err := s.place.Cluster.SetSeat(job.Seat); err != nil {
			return nil, err
		}
	}
	s.place.Rename(job.Name, job.Seat)
	return cfg, nil
}

// setUp makes the shards of this server's seat.
func (s *server) setUp(cfg *configs.Config, job control.Job, setup control.Setup) error {
	if cfg == nil || s.host != nil {
		return errors.New("server: set up out of turn")
	}
	alg, err := control.NewAlgorithm(s.place.Algorithms, cfg)
	if err != nil {
		return err
	}
	specs, err := control.Tables(cfg, alg, setup.Info)
	if err != nil {
		return err
	}
	policy := cfg.Policy()
	o := table.Options{Policy: policy, Deterministic: cfg.Consistency.Deterministic,
		Eager: cfg.Consistency.Eager && policy.Eager(), Life: life}
	of := len(setup.Placement.Seats)
	numbers := setup.Placement.Of(job.Seat)
	shards := make([]*table.Shard, len(numbers))
	for i, n := range numbers {
		if shards[i], err = table.NewShard(n, of, specs, setup.Roster, o); err != nil {
			return err
		}
	}
	s.host = newHost(specs, of, shards, numbers)
	close(s.ready)
	s.log.Info("holding shards", "shards", len(numbers), "of", of)
	return s.sched.Send(control.KindReady, nil)
}

// stop ends the job: the ledger goes to the scheduler.
func (s *server) stop(body []byte) error {
	stop, err := control.Decode[control.Stop](body)
	if err != nil {
		return err
	}
	l := control.Ledger{}
	if s.host != nil {
		l.Server = s.host.ledger()
	}
	s.mu.Lock()
	for _, c := range s.conns {
		l.Wire = l.Wire.Plus(control.Counted(c))
	}
	s.mu.Unlock()
	_ = s.sched.Send(control.KindLedger, control.Encode(l))
	if stop.Failed {
		return errors.New(stop.Reason)
	}
	return errStopped
}
