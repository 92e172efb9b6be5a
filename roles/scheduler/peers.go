package scheduler

import (
	"context"
	"errors"
	"fmt"

	"petuum/consistency"
	"petuum/roles/control"
	"petuum/roles/muster"
	"petuum/roles/wire"
	"petuum/table"
)

// gather waits until everybody is here.
func (s *scheduler) gather(ctx context.Context) error {
	return s.peers.Gather(ctx, func(missing map[string]int) { // the line may have been held back
		s.progress.Waiting(missing[control.Server], missing[control.Worker], s.place.Cluster.Addr())
	})
}

// assign deals the parts to the workers in runs of nearly equal length. In
// deterministic mode each part is an origin; else the parts of a worker are one.
// It returns the number of origins; a worker without parts has none.
func assign(workers []*muster.Peer, parts int, deterministic bool) (origins int) {
	for i, w := range workers {
		lo, hi := parts*i/len(workers), parts*(i+1)/len(workers)
		w.Groups = nil
		for p := lo; p < hi; p++ {
			if p == lo || deterministic {
				w.Groups = append(w.Groups, control.Group{Origin: consistency.Origin(origins)})
				origins++
			}
			g := &w.Groups[len(w.Groups)-1]
			g.Parts = append(g.Parts, p)
		}
	}
	return origins
}

// serve reads a peer's connection until it ends.
func (s *scheduler) serve(c *wire.Conn) {
	p, err := s.peers.Admit(c)
	if err != nil {
		s.log.Warn("refused", "role", c.Peer().Role, "name", c.Peer().Name, "error", err)
		_ = c.Send(control.KindStop, control.Encode(control.Stop{Reason: "refused: " + err.Error(), Failed: true}))
		c.Close()
		return
	}
	var scratch []table.Message
	var floats []float64
	var why string // it went before the job began
	err = c.Serve(func(kind wire.Kind, body []byte) error {
		if kind == control.KindBatch {
			l := s.links.Load()
			if l == nil {
				return errors.New("scheduler: a batch before the tables are there")
			}
			return l.Deliver(body, &scratch)
		}
		if !s.peers.Settled() {
			if f, err := control.Decode[control.Failed](body); kind == control.KindFailed && err == nil {
				why = f.Error
			}
			return nil
		}
		switch kind {
		case control.KindEmitted:
			s.box.PutFrom(c, s.peers.NameOf(p), kind, body)
			return nil
		case control.KindSum:
			if err := s.gathering.piece(body, &floats); err != nil {
				s.box.Put(control.Event{Err: fmt.Errorf("%s: %w", s.peers.NameOf(p), err)})
			}
			return nil
		}
		s.box.Put(control.Event{From: s.peers.NameOf(p), Kind: kind, Body: append([]byte(nil), body...)})
		return nil
	})
	if why != "" {
		err = errors.New(why)
	}
	switch lost := s.peers.Leave(p); {
	case s.peers.Over(), s.settling.Load() && errors.Is(err, wire.ErrBye):
		return // nothing more was to come
	case !lost:
		s.log.Warn("left before the job began", "role", p.Role, "name", c.Peer().Name, "reason", err)
		return
	}
	s.lost(fmt.Errorf("%s died: %w", s.peers.NameOf(p), err))
}

// lost ends the job: somebody it needs is gone.
func (s *scheduler) lost(err error) {
	if l := s.links.Load(); l != nil {
		l.Fail(err)
	}
	s.box.Put(control.Event{Err: err})
}
