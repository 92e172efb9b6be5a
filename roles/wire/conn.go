package wire

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// A Conn is one connection to one peer. Its methods may be called from any
// goroutine, Serve only once.
type Conn struct {
	nc   net.Conn
	peer Hello
	opts Options
	name string // the peer's, for errors

	began   time.Time // pings carry the time since then
	src     source    // Serve's
	dec     decoder   // Serve's
	kept    keeper
	serving atomic.Bool
	over    atomic.Bool // as end != nil, without the lock
	count   counters

	pen *writer // its state belongs to the writer's goroutine, or to SendNow while inline

	compression atomic.Uint32 // a Compression
	pace        atomic.Uint64 // what the peer told last: the word of a pace
	telling     atomic.Bool   // a frame of kindPace is queued
	meter       meter         // Serve's

	mu      sync.Mutex
	queue   queue     // protected by mu
	pong    [8]byte   // protected by mu: the answer to the last ping, if ponging
	ponging bool      // protected by mu
	idle    bool      // protected by mu: the writer waits for wake, and nothing is queued
	inline  bool      // protected by mu: SendNow writes, and wakes the writer if there is more
	polite  bool      // protected by mu: Close was called, so the writer flushes and ends the connection
	end     error     // protected by mu: why the connection ended; set once
	mute    error     // protected by mu: why nothing more can be sent, end unknown: a write failed
	flushed error     // protected by mu: what Close reports
	closeBy time.Time // protected by mu: when a polite end must be done

	wake    chan struct{} // one token: there is something to write
	gone    chan struct{} // closed when the connection ended and not politely
	written chan struct{} // closed when the writer has returned
}

// counters are the sums that Stats reports. The writer and Serve add to them.
type counters struct {
	sent, received flow
	roundTrip      atomic.Int64
}

type flow struct {
	frames, compressed, raw, encoded, socket, coding, moving atomic.Int64
}

func (f *flow) load() Flow {
	return Flow{
		Frames: f.frames.Load(), Compressed: f.compressed.Load(),
		Raw: f.raw.Load(), Encoded: f.encoded.Load(), Socket: f.socket.Load(),
		Coding: time.Duration(f.coding.Load()), Moving: time.Duration(f.moving.Load()),
	}
}

// Dial connects to the peer that listens at addr ("host:port") and introduces
// itself. ctx bounds the dialing and the handshake, not the connection. The
// error wraps one of the package's when something answered that will not do.
func Dial(ctx context.Context, addr string, self Hello, o Options) (*Conn, error) {
	var d net.Dialer
	nc, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("wire: %w", err)
	}
	return Client(ctx, nc, self, o)
}

// Client does what Dial does over a connection that has been made already,
// which it owns from then on and closes with an error.
func Client(ctx context.Context, nc net.Conn, self Hello, o Options) (*Conn, error) {
	c := newConn(nc, o)
	stop := context.AfterFunc(ctx, func() { nc.Close() })
	peer, err := c.shake(self, greet)
	if !stop() {
		err = context.Cause(ctx)
	}
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("wire: %s: %w", nc.RemoteAddr(), err)
	}
	c.open(peer)
	return c, nil
}

// Accept greets the peer that has dialed nc, waiting for at most
// Options.HandshakeTimeout: call it in a goroutine of the connection's own. It
// owns nc from then on and, with an error, logs it and closes nc.
func Accept(nc net.Conn, self Hello, o Options) (*Conn, error) {
	c := newConn(nc, o)
	peer, err := c.shake(self, welcomes)
	if err != nil {
		nc.Close()
		c.opts.Logger.Warn("connection refused", "peer", peer.Name, "address", nc.RemoteAddr().String(), "reason", err)
		return nil, fmt.Errorf("wire: %s: %w", nc.RemoteAddr(), err)
	}
	c.open(peer)
	return c, nil
}

// shake runs one side's handshake within its time, and clears the deadline.
func (c *Conn) shake(self Hello, side func(io.Writer, *bufio.Reader, Hello, Options) (Hello, error)) (Hello, error) {
	if err := self.validate(); err != nil {
		return Hello{}, fmt.Errorf("this side's own hello: %w", err)
	}
	if err := c.opts.validate(); err != nil {
		return Hello{}, fmt.Errorf("options: %w", err)
	}
	if err := c.nc.SetDeadline(time.Now().Add(c.opts.HandshakeTimeout)); err != nil {
		return Hello{}, err
	}
	peer, err := side(&c.src, c.dec.br, self, c.opts)
	if err != nil {
		return peer, err
	}
	return peer, c.nc.SetDeadline(time.Time{})
}

// newConn returns a connection that is not open yet.
func newConn(nc net.Conn, o Options) *Conn {
	c := &Conn{
		nc: nc, opts: o.filled(), began: time.Now(),
		wake: make(chan struct{}, 1), gone: make(chan struct{}), written: make(chan struct{}),
	}
	c.src.c = c
	c.compression.Store(uint32(c.opts.Compression))
	c.dec = decoder{br: bufio.NewReaderSize(&c.src, readBuffer), max: c.opts.MaxFrame, know: c.opts.Kinds}
	return c
}

// open starts the writer.
func (c *Conn) open(peer Hello) {
	c.peer = peer
	c.name = fmt.Sprintf("%s (%s)", peer.Name, c.nc.RemoteAddr())
	c.pen = &writer{c: c, enc: encoder{above: c.opts.CompressAbove}, direct: newDirect(c.nc)}
	go c.pen.run()
}

// Peer returns the hello of the other side.
func (c *Conn) Peer() Hello { return c.peer }

// RemoteAddr returns the address of the other side.
func (c *Conn) RemoteAddr() net.Addr { return c.nc.RemoteAddr() }

// SetCompression changes Options.Compression for what is not encoded yet.
func (c *Conn) SetCompression(how Compression) { c.compression.Store(uint32(how)) }

// Stats returns what the connection has done so far, also after its end.
func (c *Conn) Stats() Stats {
	s := Stats{
		Sent: c.count.sent.load(), Received: c.count.received.load(),
		RoundTrip: time.Duration(c.count.roundTrip.Load()),
	}
	c.mu.Lock()
	s.QueuedFrames, s.QueuedBytes = int64(len(c.queue.items)), c.queue.bytes
	c.mu.Unlock()
	return s
}

// Send queues a frame for the writer, which takes all that is queued at a time.
// It copies body, and does not wait for the network. Its error wraps ErrClosed
// and the reason if the connection has ended or can no longer be written to,
// ErrTooLarge if body is longer than Options.MaxFrame, ErrKind if kind is one
// of wire's own; the frame is then not sent. nil does not mean that it arrives.
func (c *Conn) Send(kind Kind, body []byte) error {
	if err := c.sendable(kind, body); err != nil {
		return err
	}
	var large []byte
	if len(body) >= largeBody { // copied outside the lock
		large = append(c.spare(len(body)), body...)
	}
	c.mu.Lock()
	if err := c.mutedLocked(); err != nil {
		c.mu.Unlock()
		return fmt.Errorf("wire: %s: not sent: %w", c.name, err)
	}
	if large != nil {
		c.queue.pushLarge(kind, large)
	} else {
		c.queue.push(kind, body)
	}
	c.rouseLocked()
	c.mu.Unlock()
	return nil
}

// sendable reports a frame that no connection takes.
func (c *Conn) sendable(kind Kind, body []byte) error {
	switch {
	case kind < FirstKind:
		return fmt.Errorf("wire: %s: %w: %d, an application's begin at %d", c.name, ErrKind, kind, FirstKind)
	case len(body) > c.opts.MaxFrame:
		return fmt.Errorf("wire: %s: %w: %d bytes of kind %d, at most %d can be sent", c.name, ErrTooLarge, len(body), kind, c.opts.MaxFrame)
	}
	return nil
}

// SendNow is Send for the last frame of several, after which the caller has
// nothing more to send for now: a small body that finds nothing queued before it
// is written from the caller's goroutine as far as the socket takes it without
// waiting, and the writer need not be woken. A stream of frames is better served
// by Send, for the writer gathers them.
func (c *Conn) SendNow(kind Kind, body []byte) error {
	if len(body) >= largeBody || c.pen.direct == nil || c.sendable(kind, body) != nil {
		return c.Send(kind, body)
	}
	c.mu.Lock()
	if !c.idle || c.end != nil || c.mute != nil {
		c.mu.Unlock()
		return c.Send(kind, body)
	}
	c.idle, c.inline = false, true
	c.mu.Unlock()
	rest, err := c.pen.now(kind, body)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inline = false
	if rest || c.polite || c.ponging || len(c.queue.items) > 0 {
		c.wakeLocked()
	} else {
		c.idle = true
	}
	return err
}

// An Owner keeps bytes: those that are being sent, until they have been written or
// never will be, or those of a frame that came in. Release is called once, from any
// goroutine.
type Owner interface{ Release() }

// SendOwned is Send for a body of two pieces, of which it copies the head only:
// the tail belongs to its owner, must not change until it is released, and is
// released also where SendOwned returns an error. It pays for tails of 64 KiB and
// more.
func (c *Conn) SendOwned(kind Kind, head, tail []byte, owner Owner) error {
	if n := len(head) + len(tail); kind < FirstKind || n > c.opts.MaxFrame || len(head) >= largeBody {
		owner.Release()
		return fmt.Errorf("wire: %s: %w: %d bytes of kind %d with a head of %d, at most %d can be sent", c.name, ErrTooLarge, n, kind, len(head), c.opts.MaxFrame)
	}
	// The checksum is made here, where whoever wrote the tail has it in the cache.
	room := headers.Get().(*[plainHeader]byte)
	defer headers.Put(room)
	header := room[:0]
	if !mayCompress(c.opts.CompressAbove, Compression(c.compression.Load()), paceOf(c.pace.Load()), len(head)+len(tail)) {
		header = appendPlain(header, kind, head, tail)
	}
	c.mu.Lock()
	if err := c.mutedLocked(); err != nil {
		c.mu.Unlock()
		owner.Release()
		return fmt.Errorf("wire: %s: not sent: %w", c.name, err)
	}
	c.queue.pushOwned(kind, head, tail, owner, header)
	c.rouseLocked()
	c.mu.Unlock()
	return nil
}

// headers are room for one: what a checksum is made of does not stay on the stack.
var headers = sync.Pool{New: func() any { return new([plainHeader]byte) }}

// spare returns an empty buffer for n bytes, or nil: then append makes one
// without clearing it first.
func (c *Conn) spare(n int) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.queue.reuse(n)
}

// mutedLocked returns why nothing can be sent, if so. mu must be held.
func (c *Conn) mutedLocked() error {
	switch {
	case c.end != nil && errors.Is(c.end, ErrClosed):
		return c.end
	case c.end != nil:
		return fmt.Errorf("%w: %w", ErrClosed, c.end)
	case c.mute != nil:
		return fmt.Errorf("%w: %w", ErrClosed, c.mute)
	}
	return nil
}

// rouseLocked wakes the writer if it waits. mu must be held.
func (c *Conn) rouseLocked() {
	if c.idle {
		c.idle = false
		c.wakeLocked()
	}
}

// wakeLocked has the writer look at the queue. mu must be held.
func (c *Conn) wakeLocked() {
	select {
	case c.wake <- struct{}{}:
	default: // a tick woke the writer before, and left the token of that time
	}
}

// Close sends what is queued, says bye and closes the connection. It returns
// when that is done, after Options.WriteTimeout and a second at the latest, and
// reports what kept the queue from being sent. It may be called from the
// function given to Serve, and again, and after the connection has ended, when
// it does nothing. Frames that arrive meanwhile are dropped.
func (c *Conn) Close() error {
	c.finish(ErrClosed, true)
	<-c.written
	c.nc.Close() // already closed, unless a write had failed before
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.flushed
}

// Abort closes the connection at once, as a crash of this process would: what
// is queued or half written is lost, and the peer hears no bye.
func (c *Conn) Abort() {
	c.finish(ErrClosed, false)
	c.nc.Close() // also if Close is at work
}

// finish ends the connection for the reason given, unless it has ended or is
// being closed, logs that, and returns the reason that counts. A polite end is
// left to the writer.
func (c *Conn) finish(reason error, polite bool) error {
	c.mu.Lock()
	if end := c.end; end != nil {
		c.mu.Unlock()
		return end
	}
	c.end = reason
	c.over.Store(true)
	if polite {
		c.polite = true
		c.closeBy = time.Now().Add(c.opts.WriteTimeout)
		c.rouseLocked()
	} else {
		close(c.gone)
		c.nc.Close()
	}
	c.mu.Unlock()
	level := slog.LevelWarn
	if errors.Is(reason, ErrClosed) || errors.Is(reason, ErrBye) {
		level = slog.LevelDebug
	}
	c.opts.Logger.Log(context.Background(), level, "connection ended",
		"peer", c.peer.Name, "address", c.nc.RemoteAddr().String(), "reason", reason)
	return reason
}
