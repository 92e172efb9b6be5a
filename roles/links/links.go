// Package links connects the clients of a process, a worker or the scheduler, to
// the servers of the job.
package links

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"petuum/consistency"
	"petuum/roles/control"
	"petuum/roles/enlist"
	"petuum/roles/wire"
	"petuum/table"
)

// redialFor bounds how long a process tries to reach a server whose connection
// broke. A server whose process ended refuses at once.
const redialFor = 2 * time.Second

// Links are a process's connections to the servers of the job, and the clients
// whose messages they carry.
type Links struct {
	place   *enlist.Place
	seats   []int    // seat of each shard
	addrs   []string // data address of each seat
	clients map[consistency.Origin]*client
	failed  func(error)

	mu    sync.Mutex
	conns []*wire.Conn // by seat, guarded by mu
	past  control.WireLedger
	done  bool
	over  chan struct{} // closed with done
	tasks sync.WaitGroup
}

// client is an origin's client and the last batch delivered to it.
type client struct {
	*table.Client
	mu   sync.Mutex
	last Arrival // guarded by mu; At is zero before the first
}

func (c *client) arrived(a Arrival) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = a
}

// Arrival is a batch as it came in.
type Arrival struct {
	control.Timing
	At time.Time
}

// batcher gathers the messages of one client for one server; Flush sends them as
// one frame. The client calls it with its lock held.
//
// A large message goes by itself and is not copied: it is on its way while the
// next one is encoded.
type batcher struct {
	batch  control.Batch
	failed func(error)
}

func (b *batcher) Send(shard int, msg *table.Buffer) { b.check(b.batch.Add(shard, msg)) }

func (b *batcher) Flush() { b.check(b.batch.Flush()) }

// check reports a message that cannot be sent; that the connection has ended its
// reader does.
func (b *batcher) check(err error) {
	if errors.Is(err, wire.ErrTooLarge) {
		go b.failed(fmt.Errorf("the update of one shard is too large: use more shards: %w", err))
	}
}

// New prepares the connections of a process to the servers that setup
// names. failed is told once of a server that cannot be reached.
func New(place *enlist.Place, setup control.Setup, clients []*table.Client, failed func(error)) *Links {
	l := &Links{place: place, seats: setup.Placement.Seats, addrs: setup.Servers, failed: failed,
		clients: make(map[consistency.Origin]*client), conns: make([]*wire.Conn, len(setup.Servers)), over: make(chan struct{})}
	for _, c := range clients {
		l.clients[c.Origin()] = &client{Client: c}
	}
	return l
}

// Connect dials every server.
func (l *Links) Connect(ctx context.Context) error {
	for seat := range l.addrs {
		if err := l.dial(ctx, seat, l.place.Dial); err != nil {
			return err
		}
	}
	return nil
}

func (l *Links) dial(ctx context.Context, seat int, dial func(context.Context, string) (*wire.Conn, error)) error {
	conn, err := dial(ctx, l.addrs[seat])
	if err != nil {
		return fmt.Errorf("server-%d at %s: %w", seat, l.addrs[seat], err)
	}
	return l.Attach(seat, conn, true)
}

// Attach takes a connection to a server into use. With own the links read it
// and dial again when it breaks; else its reader passes batches to Deliver.
func (l *Links) Attach(seat int, conn *wire.Conn, own bool) error {
	l.mu.Lock()
	if l.done {
		l.mu.Unlock()
		conn.Abort()
		return table.ErrClosed
	}
	l.conns[seat] = conn
	if own {
		l.tasks.Go(func() { l.read(seat, conn) })
	}
	l.mu.Unlock()
	for _, c := range l.clients {
		b := &batcher{batch: control.Batch{To: conn}, failed: l.failed}
		for shard, s := range l.seats {
			if s == seat {
				c.Connect(shard, b)
			}
		}
	}
	return nil
}

func (l *Links) read(seat int, conn *wire.Conn) {
	var scratch []table.Message
	err := conn.Serve(func(kind wire.Kind, body []byte) error {
		if kind != control.KindBatch {
			return fmt.Errorf("links: server-%d sent a frame of kind %d", seat, kind)
		}
		return l.Deliver(body, &scratch)
	})
	l.mu.Lock()
	done := l.done
	l.past = l.past.Plus(control.CountedLink(conn))
	l.conns[seat] = nil
	l.mu.Unlock()
	if done {
		return
	}
	again := errors.New("it left the job")
	if errors.Is(err, wire.ErrBye) {
		select { // as the whole job may: the scheduler says so
		case <-l.over:
			return
		case <-time.After(redialFor):
		}
	} else {
		l.place.Log.Warn("connection to a server broke; dialling again", "server", seat, "error", err)
		again = l.redial(seat)
	}
	if again != nil && !errors.Is(again, table.ErrClosed) {
		l.failed(fmt.Errorf("server-%d died: its connection ended (%v) and %w", seat, err, again))
	}
}

// redial dials until Close.
func (l *Links) redial(seat int) error {
	ctx, cancel := context.WithTimeout(context.Background(), redialFor)
	defer cancel()
	l.tasks.Go(func() {
		select {
		case <-l.over:
			cancel()
		case <-ctx.Done():
		}
	})
	return l.dial(ctx, seat, func(ctx context.Context, addr string) (*wire.Conn, error) {
		return wire.Dial(ctx, addr, l.place.Hello(), l.place.Wire(nil))
	})
}

// Deliver passes a batch of a server to the clients; scratch is reused between
// calls for one connection.
func (l *Links) Deliver(body []byte, scratch *[]table.Message) error {
	timing, messages, err := control.ReadBatch(body, *scratch)
	if err != nil {
		return err
	}
	*scratch = messages
	arrival := Arrival{timing, time.Now()}
	var to *client // whom messages[first:i] are for
	first := 0
	for i, m := range messages {
		if i > 0 && m.Again(messages[i-1].Body) {
			continue // for the same origin
		}
		origin, err := table.Addressee(m.Body)
		if err != nil {
			return err
		}
		if to != nil && origin == to.Origin() {
			continue
		}
		c := l.clients[origin]
		if c == nil {
			return fmt.Errorf("links: a message for origin %d, which is not here", origin)
		}
		if to != nil {
			if err := to.DeliverAll(messages[first:i]); err != nil {
				return err
			}
			first = i
		}
		c.arrived(arrival) // before whoever waits is woken and asks for it
		to = c
	}
	if to == nil {
		return nil
	}
	return to.DeliverAll(messages[first:])
}

// Last is the batch delivered last to an origin.
func (l *Links) Last(o consistency.Origin) (a Arrival, ok bool) {
	if c := l.clients[o]; c != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.last, !c.last.At.IsZero()
	}
	return a, false
}

// Fail ends every wait of the clients.
func (l *Links) Fail(err error) {
	for _, c := range l.clients {
		c.Fail(err)
	}
}

// Ledger counts the bytes of the connections so far, updates and answers by
// themselves.
func (l *Links) Ledger() control.WireLedger {
	l.mu.Lock()
	defer l.mu.Unlock()
	sum := l.past
	for _, c := range l.conns {
		if c != nil {
			sum = sum.Plus(control.CountedLink(c))
		}
	}
	for _, c := range l.clients {
		sum.Updates.Raw += c.Stats().Saved
	}
	return sum
}

// Close closes the connections that the links opened and waits for their
// readers.
func (l *Links) Close() {
	l.mu.Lock()
	l.done = true
	close(l.over)
	conns := slices.DeleteFunc(slices.Clone(l.conns), func(c *wire.Conn) bool { return c == nil })
	l.mu.Unlock()
	enlist.Part(conns...)
	l.tasks.Wait()
}
