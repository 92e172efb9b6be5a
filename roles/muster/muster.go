// Package muster is who takes part in a job: it admits servers and workers as they
// come, lets them go until the job begins, and then gives each its name and seat.
package muster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"petuum/roles/control"
	"petuum/roles/wire"
)

// Peer is a server or worker that enlisted. Name and Seat may change until the
// job begins.
type Peer struct {
	Conn   *wire.Conn
	Role   string
	Name   string // as the job calls it once it began: worker-0
	Seat   int
	Groups []control.Group // workers: what the scheduler deals out to them
}

// Muster are those who take part. Until the job begins they come and go. Its
// methods may be called from any goroutine.
type Muster struct {
	mu      sync.Mutex
	need    map[string]int // by role
	list    []*Peer
	begun   bool
	closed  bool
	changed chan struct{} // see Changed
}

// New is nobody yet, of a job that needs so many.
func New(servers, workers int) *Muster {
	return &Muster{changed: make(chan struct{}, 1), need: map[string]int{control.Server: servers, control.Worker: workers}}
}

// Admit takes the process on a connection, unless the job has all it needs or its seat is taken.
func (m *Muster) Admit(c *wire.Conn) (*Peer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	h := c.Peer()
	p := &Peer{Conn: c, Role: h.Role, Name: h.Name, Seat: int(h.Seat)}
	n := 0
	for _, q := range m.list {
		if q.Role != p.Role {
			continue
		}
		n++
		if p.Role == control.Server && p.Seat >= 0 && q.Seat == p.Seat {
			return nil, fmt.Errorf("seat %d is taken by %s", p.Seat, q.Name)
		}
	}
	need, ok := m.need[p.Role]
	switch {
	case m.closed:
		return nil, errors.New("the job is over")
	case !ok:
		return nil, fmt.Errorf("a %s cannot take part in a job", p.Role)
	case m.begun || n >= need:
		return nil, fmt.Errorf("the job has all its %d %ss: raise cluster.%ss to use more", need, p.Role, p.Role)
	case p.Role == control.Server && p.Seat >= need:
		return nil, fmt.Errorf("seat %d does not exist: the job has %d servers, seats 0 to %d", p.Seat, need, need-1)
	}
	m.list = append(m.list, p)
	m.signal()
	return p, nil
}

// Changed holds one token after somebody came or left before the job began.
func (m *Muster) Changed() <-chan struct{} { return m.changed }

func (m *Muster) signal() {
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

// Leave forgets a peer that went before the job began; afterwards it reports
// that the job has lost it.
func (m *Muster) Leave(p *Peer) (lost bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.begun {
		return true
	}
	m.list = slices.DeleteFunc(m.list, func(q *Peer) bool { return q == p })
	m.signal()
	return false
}

// Complete begins the job if everybody needed is here; else it says how many of
// each role are missing.
func (m *Muster) Complete() (missing map[string]int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if missing = m.missing(); len(missing) == 0 {
		m.begin()
	}
	return missing
}

// Begin begins with those who are here and says how many are missing.
func (m *Muster) Begin() (missing map[string]int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.begin()
	return m.missing()
}

func (m *Muster) begin() {
	m.begun = true
	m.name()
}

func (m *Muster) missing() map[string]int {
	missing := map[string]int{}
	for role, n := range m.need {
		for _, p := range m.list {
			if p.Role == role {
				n--
			}
		}
		if n > 0 {
			missing[role] = n
		}
	}
	return missing
}

// name gives every server its seat and every peer its name in the job.
func (m *Muster) name() {
	taken := map[int]bool{}
	for _, p := range m.list {
		if p.Role == control.Server && p.Seat >= 0 {
			taken[p.Seat] = true
		}
	}
	workers, seat := 0, 0
	for _, p := range m.list {
		switch {
		case p.Role == control.Worker:
			p.Name = fmt.Sprintf("worker-%d", workers)
			workers++
			continue
		case p.Seat < 0:
			for taken[seat] {
				seat++
			}
			p.Seat, taken[seat] = seat, true
		}
		p.Name = fmt.Sprintf("server-%d", p.Seat)
	}
	slices.SortStableFunc(m.list, func(a, b *Peer) int {
		return cmp.Or(strings.Compare(a.Role, b.Role), cmp.Compare(a.Seat, b.Seat))
	})
}

// NameOf is what the job calls a peer.
func (m *Muster) NameOf(p *Peer) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return p.Name
}

// Of lists the peers of a role: servers by seat.
func (m *Muster) Of(role string) []*Peer {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []*Peer
	for _, p := range m.list {
		if p.Role == role {
			list = append(list, p)
		}
	}
	return list
}

// All lists the peers: servers by seat, then workers, once the job began.
func (m *Muster) All() []*Peer {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.list)
}

// Settled reports whether the job has begun, so that nobody can go any more.
func (m *Muster) Settled() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.begun
}

// Over reports whether the job has ended.
func (m *Muster) Over() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.closed
}

// Close admits nobody any more and returns who is there.
func (m *Muster) Close() []*Peer {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return slices.Clone(m.list)
}

// tellEvery is the longest time between two calls of the function given to Gather.
const tellEvery = time.Second

// Gather waits until everybody needed is here and begins the job. Meanwhile it
// tells waiting how many of each role are missing, at every change and now and then.
func (m *Muster) Gather(ctx context.Context, waiting func(missing map[string]int)) error {
	for {
		missing := m.Complete()
		if len(missing) == 0 {
			return nil
		}
		waiting(missing)
		select {
		case <-m.changed:
		case <-time.After(tellEvery):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Await takes one event of a kind from each of the peers out of a mailbox, in any
// order, and handles it with the peer's place among them.
func Await(ctx context.Context, box *control.Mailbox, due wire.Kind, peers []*Peer, handle func(i int, e control.Event) error) error {
	missing := make(map[string]int, len(peers))
	for i, p := range peers {
		missing[p.Name] = i
	}
	return box.Await(ctx, due, len(peers), func(e control.Event) error {
		i, ok := missing[e.From]
		if !ok {
			return fmt.Errorf("muster: a frame of kind %d that is not due from it", e.Kind)
		}
		delete(missing, e.From)
		return handle(i, e)
	})
}
