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
