package doctor

import (
	"context"
	"fmt"
	"sync"
	"time"

	"petuum/algos"
	"petuum/roles/control"
	"petuum/roles/enlist"
	"petuum/roles/muster"
	"petuum/roles/wire"
)

// findFor bounds how long roles take to report: reading a sample and bounded dials.
const findFor = time.Minute

// lead is the scheduler of a check-up.
type lead struct {
	o      Options
	place  *enlist.Place
	alg    algos.Algorithm
	peers  *muster.Muster
	box    *control.Mailbox
	here   sync.Map // Here by connection, before the peer is admitted
	report Report
	own    list // of the scheduler

	mu    sync.Mutex
	conns []*wire.Conn // guarded by mu; all that were accepted
	over  bool         // guarded by mu
}

// Lead checks a cluster as its scheduler. The error is why there is no report: ctx
// ended.
func Lead(ctx context.Context, o Options) (Report, error) {
	s := &lead{o: o, box: control.NewMailbox(), own: list{process: control.Scheduler},
		peers: muster.New(o.Config.Cluster.Servers, o.Config.Cluster.Workers)}
	if s.alg = checkConfig(&s.own, o); s.alg == nil {
		return Report{s.own.checks}, nil
	}
	if !o.Among {
		checkPlace(ctx, &s.own, o.Options, o.Machine, control.Scheduler)
	}
	if s.own.failed() {
		return Report{s.own.checks}, ctx.Err()
	}
	var err error
	if s.place, err = enlist.Open(ctx, o.Options, control.Scheduler, "scheduler", -1, o.NewJob()); err == nil {
		defer s.place.Close()
		err = s.place.Alone()
	}
	if err != nil {
		s.own.fail("cluster", "end the other scheduler, or start this one without --join: it is the first to come", "%s", plain(err))
		return Report{s.own.checks}, ctx.Err()
	}
	var serving sync.WaitGroup
	serving.Go(func() { s.place.Accept(nil, s.serve) })
	if o.Joined != nil {
		o.Joined(s.place.Cluster.Addr())
	}
	err = s.lead(ctx)
	s.place.Listener.Close()
	s.peers.Close()
	s.mu.Lock()
	s.over = true
	conns := s.conns
	s.mu.Unlock()
	enlist.Part(conns...)
	s.place.Close()
	serving.Wait()
	return s.report, err
}

// serve reads a connection until it ends.
func (s *lead) serve(c *wire.Conn) {
	s.mu.Lock()
	if s.over {
		s.mu.Unlock()
		c.Abort()
		return
	}
	s.conns = append(s.conns, c)
	s.mu.Unlock()
	var p *muster.Peer
	err := c.Serve(func(kind wire.Kind, body []byte) error {
		received := time.Now().UnixNano()
		switch {
		case kind == control.KindHere && p == nil:
			h, err := control.Decode[Here](body)
			if err != nil {
				return err
			}
			s.here.Store(c, h)
			if p, err = s.peers.Admit(c); err != nil {
				_ = c.Send(control.KindStop, control.Encode(control.Stop{Reason: err.Error(), Failed: true}))
				return c.Close()
			}
		case p == nil:
			return fmt.Errorf("doctor: %s sent a frame of kind %d before it said who it is", c.Peer().Name, kind)
		case kind == control.KindProbe:
			asked, err := control.Decode[Probe](body)
			if err != nil {
				return err
			}
			return c.Send(control.KindProbed, control.Encode(Probed{asked, received, time.Now().UnixNano()}))
		default:
			s.box.Put(control.Event{From: s.peers.NameOf(p), Kind: kind, Body: append([]byte(nil), body...)})
		}
		return nil
	})
	if p != nil && s.peers.Leave(p) {
		s.box.Put(control.Event{From: s.peers.NameOf(p), Err: err})
	}
}

// lead takes the check-up through its phases.
func (s *lead) lead(ctx context.Context) error {
	if err := s.gather(ctx); err != nil {
		return err
	}
	all := s.processes()
	text := string(s.o.Config.Encode())
	peers := map[string]*muster.Peer{}
	for _, p := range s.peers.All() {
		peers[p.Name] = p
		body := control.Encode(Examine{Config: text, Name: p.Name, Seat: p.Seat, Processes: all})
		_ = p.Conn.Send(control.KindExamine, body) // who is gone is missed below
	}
	looked := make(chan struct{})
	go func() {
		defer close(looked)
		checkReach(ctx, &s.own, s.place, all)
		checkGossip(ctx, &s.own, s.place.Cluster, all)
	}()
	samples, err := s.collect(ctx, peers)
	<-looked
	if err != nil {
		return err
	}
	s.compare(all, peers, samples)
	s.report.Add(s.own.checks...)
	for name, p := range peers {
		var v Verdict
		for _, c := range s.report.Checks {
			if c.Process == name {
				v.Checks = append(v.Checks, c)
			}
		}
		_ = p.Conn.Send(control.KindVerdict, control.Encode(v))
	}
	return nil
}

// gather waits for everybody, but not for ever, and names who did not come.
func (s *lead) gather(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, s.o.Wait)
	defer cancel()
	at := s.place.Cluster.Addr()
	err := s.peers.Gather(limited, func(missing map[string]int) {
		if s.o.Waiting != nil {
			s.o.Waiting(missing, at)
		}
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil {
		return nil
	}
	missing := s.peers.Begin()
	taken := map[string]bool{}
	for _, p := range s.peers.All() {
		taken[p.Name] = true
	}
	for role, n := range missing {
		for i := 0; n > 0; i++ {
			name := fmt.Sprintf("%s-%d", role, i)
			if taken[name] {
				continue
			}
			n--
			command := fmt.Sprintf("petuum doctor %s --join %s", role, at)
			if role == control.Server {
				command += fmt.Sprintf(" --shard %d", i)
			}
			l := list{process: name}
			l.fail("presence", "start it, or see what it says: "+command, "did not come within %s", s.o.Wait)
			s.report.Add(l.checks...)
		}
	}
	return nil
}

// processes are the scheduler and all who came.
func (s *lead) processes() []Process {
	all := []Process{{control.Scheduler, control.Scheduler, s.place.Cluster.Self()}}
	for _, p := range s.peers.All() {
		all = append(all, Process{p.Name, p.Role, s.hereOf(p).Member})
	}
	return all
}

func (s *lead) hereOf(p *muster.Peer) Here {
	h, _ := s.here.Load(p.Conn)
	return h.(Here) // stored before it was admitted
}

// collect waits for the findings of all peers, takes their checks into the report,
// and returns what workers found in the data.
func (s *lead) collect(ctx context.Context, peers map[string]*muster.Peer) (map[string]Sample, error) {
	limited, cancel := context.WithTimeout(ctx, findFor)
	defer cancel()
	samples := map[string]Sample{}
	due := map[string]bool{}
	for name := range peers {
		due[name] = true
	}
	lost := func(name, format string, args ...any) {
		l := list{process: name}
		l.fail("presence", "see what it says", format, args...)
		s.report.Add(l.checks...)
		delete(due, name)
	}
	for len(due) > 0 {
		e, err := s.box.Next(limited)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			for name := range due {
				lost(name, "did not report within %s", findFor)
			}
			return samples, nil
		case !due[e.From]:
			continue
		case e.Err != nil:
			lost(e.From, "died before it could report: %v", e.Err)
			continue
		case e.Kind != control.KindFindings:
			f, err := control.Decode[control.Failed](e.Body)
			if e.Kind != control.KindFailed || err != nil {
				f.Error = fmt.Sprintf("a frame of kind %d", e.Kind)
			}
			lost(e.From, "ended before it could report: %s", f.Error)
			continue
		}
		f, err := control.Decode[Findings](e.Body)
		if err != nil {
			lost(e.From, "reported what cannot be read: %v", err)
			continue
		}
		for _, c := range f.Checks {
			c.Process = e.From
			s.report.Add(c)
		}
		if f.Train != nil {
			samples[e.From] = *f.Train
		}
		delete(due, e.From)
	}
	return samples, nil
}

// checkConfig checks the parameters of the algorithm; nil if they are wrong.
func checkConfig(l *list, o Options) algos.Algorithm {
	c := o.Config
	a, err := control.NewAlgorithm(o.Algorithms, c)
	if err != nil {
		l.fail("configuration", "correct the file; docs/settings.md lists every setting", "%v", err)
		return nil
	}
	if !o.Among {
		l.ok("configuration", "job %s: %s, %s, %s, %s", c.Job.Name, c.Job.Algorithm,
			plural(c.Cluster.Servers, "server"), plural(c.Cluster.Workers, "worker"), plural(c.Parts(), "part"))
	}
	return a
}
