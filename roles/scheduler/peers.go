package scheduler

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"petuum/consistency"
	"petuum/roles/control"
	"petuum/roles/wire"
)

// peer is a server or worker that enlisted.
type peer struct {
	conn   *wire.Conn
	role   string
	name   string // as the job calls it once it began: worker-0
	seat   int
	groups []control.Group
}

// peers are those who take part. Until the job begins they come and go.
type peers struct {
	mu      sync.Mutex
	need    map[string]int // by role
	list    []*peer
	begun   bool
	changed chan struct{} // one token after a change
}

// admit takes a peer, unless the job has all it needs or its seat is taken.
func (ps *peers) admit(c *wire.Conn) (*peer, error) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	h := c.Peer()
	p := &peer{conn: c, role: h.Role, name: h.Name, seat: int(h.Seat)}
	n := 0
	for _, q := range ps.list {
		if q.role != p.role {
			continue
		}
		n++
		if p.role == control.Server && p.seat >= 0 && q.seat == p.seat {
			return nil, fmt.Errorf("seat %d is taken by %s", p.seat, q.name)
		}
	}
	need, ok := ps.need[p.role]
	switch {
	case !ok:
		return nil, fmt.Errorf("a %s cannot take part in a job", p.role)
	case ps.begun || n >= need:
		return nil, fmt.Errorf("the job has all its %d %ss: raise cluster.%ss to use more", need, p.role, p.role)
	case p.role == control.Server && p.seat >= need:
		return nil, fmt.Errorf("seat %d does not exist: the job has %d servers, seats 0 to %d", p.seat, need, need-1)
	}
	ps.list = append(ps.list, p)
	ps.signal()
	return p, nil
}

func (ps *peers) signal() {
	select {
	case ps.changed <- struct{}{}:
	default:
	}
}

// leave forgets a peer that went before the job began; afterwards it reports
// that the job has lost it.
func (ps *peers) leave(p *peer) (lost bool) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.begun {
		return true
	}
	ps.list = slices.DeleteFunc(ps.list, func(q *peer) bool { return q == p })
	ps.signal()
	return false
}

// complete begins the job if everybody needed is here.
func (ps *peers) complete() (missing map[string]int) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	missing = map[string]int{}
	for role, n := range ps.need {
		for _, p := range ps.list {
			if p.role == role {
				n--
			}
		}
		if n > 0 {
			missing[role] = n
		}
	}
	if len(missing) == 0 {
		ps.begun = true
		ps.name()
	}
	return missing
}

// name gives every server its seat and every peer its name in the job.
func (ps *peers) name() {
	taken := map[int]bool{}
	for _, p := range ps.list {
		if p.role == control.Server && p.seat >= 0 {
			taken[p.seat] = true
		}
	}
	workers, seat := 0, 0
	for _, p := range ps.list {
		switch {
		case p.role == control.Worker:
			p.name = fmt.Sprintf("worker-%d", workers)
			workers++
			continue
		case p.seat < 0:
			for taken[seat] {
				seat++
			}
			p.seat, taken[seat] = seat, true
		}
		p.name = fmt.Sprintf("server-%d", p.seat)
	}
	slices.SortStableFunc(ps.list, func(a, b *peer) int {
		if a.role != b.role {
			return len(a.role) - len(b.role) // any fixed order
		}
		return a.seat - b.seat
	})
}

// nameOf is what the job calls a peer.
func (ps *peers) nameOf(p *peer) string {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return p.name
}

// of lists the peers of a role: servers by seat.
func (ps *peers) of(role string) []*peer {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	var list []*peer
	for _, p := range ps.list {
		if p.role == role {
			list = append(list, p)
		}
	}
	return list
}

func (ps *peers) all() []*peer {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return slices.Clone(ps.list)
}

// gather waits until everybody is here.
func (s *scheduler) gather(ctx context.Context) error {
	for {
		missing := s.peers.complete()
		if len(missing) == 0 {
			return nil
		}
		s.progress.Waiting(missing[control.Server], missing[control.Worker], s.place.Cluster.Addr())
		select {
		case <-s.peers.changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// assign deals the parts to the workers in runs of nearly equal length. In
// deterministic mode each part is an origin; else the parts of a worker are one.
func assign(workers []*peer, parts int, deterministic bool) (origins int) {
	for i, w := range workers {
		lo, hi := parts*i/len(workers), parts*(i+1)/len(workers)
		w.groups = nil
		if !deterministic {
			w.groups = []control.Group{{Origin: consistency.Origin(i)}}
			for p := lo; p < hi; p++ {
				w.groups[0].Parts = append(w.groups[0].Parts, p)
			}
			continue
		}
		for p := lo; p < hi; p++ {
			w.groups = append(w.groups, control.Group{Origin: consistency.Origin(p), Parts: []int{p}})
		}
	}
	if deterministic {
		return parts
	}
	return len(workers)
}

// serve reads a peer's connection until it ends.
func (s *scheduler) serve(c *wire.Conn) {
	p, err := s.peers.admit(c)
	if err != nil {
		s.log.Warn("refused", "role", c.Peer().Role, "name", c.Peer().Name, "error", err)
		_ = c.Send(control.KindStop, control.Encode(control.Stop{Reason: err.Error(), Failed: true}))
		_ = c.Serve(func(wire.Kind, []byte) error { return nil }) // until it has read why
		return
	}
	var scratch []control.Message
	err = c.Serve(func(kind wire.Kind, body []byte) error {
		if kind == control.KindBatch {
			l := s.links.Load()
			if l == nil {
				return errors.New("scheduler: a batch before the tables are there")
			}
			return l.Deliver(body, &scratch)
		}
		s.box.Put(control.Event{From: s.peers.nameOf(p), Kind: kind, Body: append([]byte(nil), body...)})
		return nil
	})
	if !s.peers.leave(p) {
		s.log.Info("left before the job began", "role", p.role, "name", c.Peer().Name)
		return
	}
	if s.settling.Load() && errors.Is(err, wire.ErrBye) {
		return // it has said all it had to say
	}
	s.lost(fmt.Errorf("%s died: %w", s.peers.nameOf(p), err))
}

// lost ends the job: somebody it needs is gone.
func (s *scheduler) lost(err error) {
	if l := s.links.Load(); l != nil {
		l.Fail(err)
	}
	s.box.Put(control.Event{Err: err})
}
