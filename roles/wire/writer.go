package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

const (
	flushAt  = 256 << 10 // bytes that are gathered for one write
	writeMax = 1 << 20   // most that one write is given, and one deadline covers
	linger   = time.Second

	keepItems = 64 << 10 // a longer list of what is queued is not kept
)

// A writer is the goroutine that encodes and writes what is queued. While it waits,
// SendNow may do so in its place.
type writer struct {
	c     *Conn
	enc   encoder
	items []item // taken from the queue
	out   []byte // frames ready to be written
	vec   [2][]byte
	bufs  net.Buffers // a field, so that a write does not allocate it

	direct *direct // nil: there is none
}

// run ends when the connection has ended or cannot be written to any more. A
// failed write does not end the connection: the peer may have said why before
// it went, and only Serve can know.
func (w *writer) run() {
	c := w.c
	defer close(c.written)
	err := w.loop()
	for _, it := range w.items { // those a failed write left
		it.release()
	}
	c.mu.Lock()
	for _, it := range c.queue.items {
		it.release()
	}
	c.queue = queue{} // nobody will take it
	if c.mute = err; err != nil && c.polite {
		c.flushed = fmt.Errorf("wire: %s: not everything was sent: %w", c.name, err)
	}
	polite, over := c.polite, c.end != nil
	c.mu.Unlock()
	switch {
	case polite:
		if err == nil {
			w.part()
		}
		c.nc.Close()
	case !over && errors.Is(err, ErrStuck):
		c.finish(err, false)
	}
}

// loop writes until the connection has ended, politely or not.
func (w *writer) loop() error {
	var tick <-chan time.Time
	if w.c.opts.PingEvery > 0 {
		t := time.NewTicker(w.c.opts.PingEvery)
		defer t.Stop()
		tick = t.C
	}
	for {
		last, something := w.take()
		if something {
			if err := w.batch(); err != nil {
				return err
			}
		}
		if last {
			return w.bye()
		}
		var due bool
		if something { // there may be more by now; only look whether a ping is due
			select {
			case <-tick:
				due = true
			default:
			}
		} else {
			select {
			case <-w.c.wake:
			case <-tick:
				due = w.rise()
			case <-w.c.gone:
				return nil
			}
		}
		if due {
			if err := w.ping(); err != nil {
				return err
			}
		}
	}
}

// take takes what is queued. last says that nothing more will come; if there
// was nothing, the writer counts as idle and is sent a token with the next.
func (w *writer) take() (last, something bool) {
	c := w.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inline { // it was an old token; SendNow gives another if need be
		return false, false
	}
	something = len(w.out) > 0 // what SendNow could not write
	if c.ponging {
		c.ponging = false
		w.out = append(appendPlain(w.out, kindPong, c.pong[:], nil), c.pong[:]...)
		something = true
	}
	if len(c.queue.items) > 0 {
		w.items = c.queue.swap(w.items[:0])
		something = true
	}
	c.idle = !something && !c.polite
	return c.polite, something
}

// rise ends the wait of the writer, unless SendNow is at work: then no ping is
// needed, since the peer hears of this side right now.
func (w *writer) rise() bool {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	if w.c.inline {
		return false
	}
	w.c.idle = false
	return true
}

// now writes what it can of a small frame and leaves the rest in out, to be written
// before all else.
func (w *writer) now(kind Kind, body []byte) (rest bool, err error) {
	start := time.Now()
	if _, err := w.encode(&item{kind: kind, body: body}); err != nil {
		return false, err
	}
	coded := time.Since(start)
	n := w.direct.write(w.out)
	s := &w.c.count.sent
	s.socket.Add(int64(n))
	s.coding.Add(int64(coded))
	s.moving.Add(int64(time.Since(start) - coded))
	w.out = append(w.out[:0], w.out[n:]...)
	return len(w.out) > 0, nil
}

// batch encodes and writes what was taken.
func (w *writer) batch() error {
	start := time.Now()
	for i := range w.items {
		it := &w.items[i]
		rest, err := w.encode(it)
		if err != nil {
			return err
		}
		if rest != nil || len(w.out) >= flushAt {
			w.c.count.sent.coding.Add(int64(time.Since(start)))
			if err := w.flush(rest); err != nil {
				return err
			}
			start = time.Now()
		}
		if it.done != nil {
			w.c.mu.Lock()
			w.c.queue.recycle(it.done, len(it.body) >= largeBody)
			w.c.mu.Unlock()
		}
		it.release()
		*it = item{}
	}
	w.items = w.items[:0]
	if cap(w.items) > keepItems {
		w.items = nil
	}
	w.c.count.sent.coding.Add(int64(time.Since(start)))
	if len(w.out) == 0 {
		return nil
	}
	return w.flush(nil)
}

// release gives what an item borrowed back.
func (it *item) release() {
	if it.owner != nil {
		it.owner.Release()
	}
}

// encode appends a frame to out, or all but the end of its body, which it returns
// then, if copying it would be a waste.
func (w *writer) encode(it *item) (rest []byte, err error) {
	s := &w.c.count.sent
	before := len(w.out)
	var packed bool
	if it.kind < FirstKind { // wire's own, of which nothing is counted
		w.c.telling.Store(false)
		w.out = append(appendPlain(w.out, it.kind, it.body, nil), it.body...)
		return nil, nil
	}
	if it.sealed {
		w.out = append(w.out, it.header[:]...)
		return w.plain(it), nil
	}
	w.out, packed, err = w.enc.appendZstd(w.out, Compression(w.c.compression.Load()), paceOf(w.c.pace.Load()), it.kind, it.body, it.tail)
	if err != nil {
		return nil, err
	}
	if packed {
		s.frames.Add(1)
		s.raw.Add(int64(len(it.body) + len(it.tail)))
		s.compressed.Add(1)
		s.encoded.Add(int64(len(w.out) - before - zstdHeader))
		return nil, nil
	}
	w.out = appendPlain(w.out, it.kind, it.body, it.tail)
	return w.plain(it), nil
}

// plain appends a body to out, whose header is there, or all but its end, which it
// returns then.
func (w *writer) plain(it *item) (rest []byte) {
	s, n := &w.c.count.sent, int64(len(it.body)+len(it.tail))
	s.frames.Add(1)
	s.raw.Add(n)
	s.encoded.Add(n)
	if len(it.body) >= largeBody {
		return it.body
	}
	w.out = append(w.out, it.body...)
	if len(it.tail) >= largeBody {
		return it.tail
	}
	w.out = append(w.out, it.tail...)
	return nil
}

// flush writes out and then body, which may be nil.
func (w *writer) flush(body []byte) error {
	start := time.Now()
	defer func() { w.c.count.sent.moving.Add(int64(time.Since(start))) }()
	out := w.out
	w.out = w.out[:0]
	if cap(w.out) > keepBuffer {
		w.out = nil
	}
	for len(out)+len(body) > writeMax { // each write has a time of its own: a slow network is not a stuck peer
		n := min(len(out), writeMax)
		m := min(len(body), writeMax-n)
		if err := w.write(out[:n], body[:m]); err != nil {
			return err
		}
		out, body = out[n:], body[m:]
	}
	return w.write(out, body)
}

// write writes a and b with one system call if the socket takes them at once.
func (w *writer) write(a, b []byte) (err error) {
	if err := w.c.nc.SetWriteDeadline(w.deadline()); err != nil {
		return writeError(err)
	}
	var n int64
	switch {
	case len(b) == 0:
		n, err = one(w.c.nc.Write(a))
	case len(a) == 0:
		n, err = one(w.c.nc.Write(b))
	default:
		w.vec[0], w.vec[1] = a, b
		w.bufs = w.vec[:]
		n, err = w.bufs.WriteTo(w.c.nc)
		w.vec[0], w.vec[1] = nil, nil
	}
	w.c.count.sent.socket.Add(n)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("%w: no progress for %v", ErrStuck, w.c.opts.WriteTimeout)
	}
	return writeError(err)
}

func one(n int, err error) (int64, error) { return int64(n), err }

// deadline is that of the next write.
func (w *writer) deadline() time.Time {
	d := time.Now().Add(w.c.opts.WriteTimeout)
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	if by := w.c.closeBy; w.c.polite && by.Before(d) {
		return by
	}
	return d
}

// ping writes a ping with the time of now.
func (w *writer) ping() error {
	var body [8]byte
	binary.LittleEndian.PutUint64(body[:], uint64(time.Since(w.c.began)))
	w.out = append(appendPlain(w.out, kindPing, body[:], nil), body[:]...)
	return w.flush(nil)
}

// bye writes the last frame.
func (w *writer) bye() error {
	w.out = appendPlain(w.out, kindBye, nil, nil)
	return w.flush(nil)
}

// part waits after the bye until the peer has closed its side, for a second at
// most, and drops what it sends: to close with bytes unread would reset the
// connection, and the peer could lose what it has not read yet.
func (w *writer) part() {
	half, ok := w.c.nc.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	t := time.AfterFunc(linger, func() { w.c.nc.Close() })
	defer t.Stop()
	io.Copy(io.Discard, w.c.nc)
}

// writeError turns an error of the stream into one of the package's.
func writeError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return ErrStuck
	}
	return fmt.Errorf("%w: %w", ErrLost, err)
}
