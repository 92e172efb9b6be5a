package control

import (
	"context"
	"fmt"
	"sync"

	"petuum/roles/wire"
)

// Event is a frame from a peer, or the end of its connection (Err set).
type Event struct {
	From string // the peer's name
	Kind wire.Kind
	Body []byte
	Err  error

	owner wire.Owner // of the body; nil: the mailbox's, or nobody's
}

// Ended is the error with which an event ends the job, if it does.
func (e Event) Ended() error {
	switch {
	case e.Err != nil:
		return e.Err
	case e.Kind == KindFailed:
		f, err := Decode[Failed](e.Body)
		if err != nil {
			return err
		}
		return fmt.Errorf("%s: %s", e.From, f.Error)
	}
	return nil
}

// Mailbox queues events without limit, so that whoever reads a connection never
// waits for whoever acts on what was read.
type Mailbox struct {
	mu     sync.Mutex
	queue  []Event
	head   int // of queue: the oldest
	want   int // so many events are waited for, unless one is urgent
	quiet  wire.Kind
	urgent int // how many in queue are
	spare  [][]byte
	signal chan struct{} // one token while queue may have what is waited for
}

// What is kept of the memory of bodies: so many, and none above so many bytes.
const (
	spareBodies = 64
	spareBytes  = 64 << 10
)

// urgentBytes is the size from which a frame is worth reading while others are waited
// for.
const urgentBytes = 4 << 10

// NewMailbox makes an empty mailbox.
func NewMailbox() *Mailbox { return &Mailbox{signal: make(chan struct{}, 1)} }

// Put adds an event; any goroutine may call it. The body is kept.
func (m *Mailbox) Put(e Event) {
	m.mu.Lock()
	m.queue = append(m.queue, e)
	if m.isUrgent(e) {
		m.urgent++
	}
	some := m.some()
	m.mu.Unlock()
	if !some {
		return
	}
	select {
	case m.signal <- struct{}{}:
	default:
	}
}

func (m *Mailbox) isUrgent(e Event) bool {
	return e.Err != nil || e.Kind != m.quiet || len(e.Body) >= urgentBytes
}

// some reports whether what is waited for is there.
func (m *Mailbox) some() bool {
	return len(m.queue)-m.head >= max(m.want, 1) || m.urgent > 0
}

// Until waits until n events are there, or one that is not a small frame of a kind: to
// wake somebody for each of many frames takes longer than to read them. Next and Try
// take them out.
func (m *Mailbox) Until(ctx context.Context, kind wire.Kind, n int) error {
	m.expect(kind, n)
	defer m.expect(0, 0)
	for {
		m.mu.Lock()
		some := m.some()
		m.mu.Unlock()
		if some {
			return nil
		}
		select {
		case <-m.signal:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (m *Mailbox) expect(kind wire.Kind, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.quiet, m.want, m.urgent = kind, n, 0
	for _, e := range m.queue[m.head:] {
		if m.isUrgent(e) {
			m.urgent++
		}
	}
}

// PutFrom is Put of a frame that the reader of c has just been given. The body is
// copied, or kept where it is if it is large, until Done.
func (m *Mailbox) PutFrom(c *wire.Conn, from string, kind wire.Kind, body []byte) {
	e := Event{From: from, Kind: kind, Body: body}
	if len(body) >= ownedFrom {
		e.owner = c.Keep(body)
	}
	if e.owner == nil {
		e.Body = append(m.room(), body...)
	}
	m.Put(e)
}

func (m *Mailbox) room() []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	last := len(m.spare) - 1
	if last < 0 {
		return nil
	}
	b := m.spare[last]
	m.spare = m.spare[:last]
	return b[:0]
}

// Done gives the memory of an event's body back, which nobody looks at any more.
func (m *Mailbox) Done(e Event) {
	if e.owner != nil {
		e.owner.Release()
		return
	}
	if c := cap(e.Body); c == 0 || c > spareBytes {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.spare) < spareBodies {
		m.spare = append(m.spare, e.Body)
	}
}

// Try takes the oldest event out, if there is one. One goroutine at a time may call
// it or Next.
func (m *Mailbox) Try() (e Event, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.head == len(m.queue) {
		return e, false
	}
	e = m.queue[m.head]
	m.queue[m.head] = Event{}
	if m.head++; m.head == len(m.queue) {
		m.queue, m.head = m.queue[:0], 0
	}
	if m.isUrgent(e) {
		m.urgent--
	}
	return e, true
}

// Next takes the oldest event out, waiting for one until ctx ends. One goroutine
// at a time may call it.
func (m *Mailbox) Next(ctx context.Context) (Event, error) {
	for {
		if e, ok := m.Try(); ok {
			return e, nil
		}
		select {
		case <-m.signal:
		case <-ctx.Done():
			return Event{}, context.Cause(ctx)
		}
	}
}

// Await handles n events of one kind; whatever else comes is an error, as is an
// event that ends the job.
func (m *Mailbox) Await(ctx context.Context, due wire.Kind, n int, handle func(e Event) error) error {
	for range n {
		e, err := m.Next(ctx)
		if err == nil {
			err = e.Ended()
		}
		switch {
		case err != nil:
			return err
		case e.Kind != due:
			return fmt.Errorf("control: %s sent a frame of kind %d while kind %d was due", e.From, e.Kind, due)
		}
		if err := handle(e); err != nil {
			return fmt.Errorf("%s: %w", e.From, err)
		}
	}
	return nil
}
