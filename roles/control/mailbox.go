package control

import (
	"context"
	"sync"

	"petuum/roles/wire"
)

// Event is a frame from a peer, or the end of its connection (Err set).
type Event struct {
	From string // the peer's name
	Kind wire.Kind
	Body []byte
	Err  error
}

// Mailbox queues events without limit, so that whoever reads a connection never
// waits for whoever acts on what was read.
type Mailbox struct {
	mu     sync.Mutex
	queue  []Event
	signal chan struct{} // one token while queue may not be empty
}

// NewMailbox makes an empty mailbox.
func NewMailbox() *Mailbox { return &Mailbox{signal: make(chan struct{}, 1)} }

// Put adds an event; any goroutine may call it. The body is kept.
func (m *Mailbox) Put(e Event) {
	m.mu.Lock()
	m.queue = append(m.queue, e)
	m.mu.Unlock()
	select {
	case m.signal <- struct{}{}:
	default:
	}
}

// Next takes the oldest event out, waiting for one until ctx ends. One goroutine
// at a time may call it.
func (m *Mailbox) Next(ctx context.Context) (Event, error) {
	for {
		m.mu.Lock()
		if len(m.queue) > 0 {
			e := m.queue[0]
			m.queue[0] = Event{}
			m.queue = m.queue[1:]
			m.mu.Unlock()
			return e, nil
		}
		m.mu.Unlock()
		select {
		case <-m.signal:
		case <-ctx.Done():
			return Event{}, context.Cause(ctx)
		}
	}
}
