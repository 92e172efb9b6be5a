package scheduler

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

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
	closed  bool
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
	case ps.closed:
		return nil, errors.New("the job is over")
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
		return cmp.Or(strings.Compare(a.role, b.role), cmp.Compare(a.seat, b.seat))
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

// settled reports whether the job has begun, so that nobody can go any more.
func (ps *peers) settled() bool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return ps.begun
}

// over reports whether the job has ended.
func (ps *peers) over() bool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return ps.closed
}

// close admits nobody any more and returns who is there.
func (ps *peers) close() []*peer {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.closed = true
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
		case <-time.After(plainEvery): // the line may have been held back
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// assign deals the parts to the workers in runs of nearly equal length. In
// deterministic mode each part is an origin; else the parts of a worker are one.
// It returns the number of origins; a worker without parts has none.
func assign(workers []*peer, parts int, deterministic bool) (origins int) {
	for i, w := range workers {
		lo, hi := parts*i/len(workers), parts*(i+1)/len(workers)
		w.groups = nil
		for p := lo; p < hi; p++ {
			if p == lo || deterministic {
				w.groups = append(w.groups, control.Group{Origin: consistency.Origin(origins)})
				origins++
			}
			g := &w.groups[len(w.groups)-1]
			g.Parts = append(g.Parts, p)
		}
	}
	return origins
}

// serve reads a peer's connection until it ends.
func (s *scheduler) serve(c *wire.Conn) {
	p, err := s.peers.admit(c)
	if err != nil {
		s.log.Warn("refused", "role", c.Peer().Role, "name", c.Peer().Name, "error", err)
		_ = c.Send(control.KindStop, control.Encode(control.Stop{Reason: "refused: " + err.Error(), Failed: true}))
		c.Close()
		return
	}
	var scratch []control.Message
	var why string // it went before the job began
	err = c.Serve(func(kind wire.Kind, body []byte) error {
		if kind == control.KindBatch {
			l := s.links.Load()
			if l == nil {
				return errors.New("scheduler: a batch before the tables are there")
			}
			return l.Deliver(body, &scratch)
		}
		if !s.peers.settled() {
			if f, err := control.Decode[control.Failed](body); kind == control.KindFailed && err == nil {
				why = f.Error
			}
			return nil
		}
		s.box.Put(control.Event{From: s.peers.nameOf(p), Kind: kind, Body: append([]byte(nil), body...)})
		return nil
	})
	if why != "" {
		err = errors.New(why)
	}
	switch lost := s.peers.leave(p); {
	case s.peers.over(), s.settling.Load() && errors.Is(err, wire.ErrBye):
		return // nothing more was to come
	case !lost:
		s.log.Warn("left before the job began", "role", p.role, "name", c.Peer().Name, "reason", err)
		return
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
