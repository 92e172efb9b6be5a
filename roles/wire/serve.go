package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Serve reads frames and calls handle for each of the application's, one at a
// time in the caller's goroutine, until the connection ends. It returns why:
// an error that wraps ErrBye, ErrClosed or another of the package's, or the
// error of handle. body is valid until handle returns. By then the connection
// is closed and its goroutine gone; what was still queued is lost, except that
// Close, called by handle too, sends it.
//
// While handle runs nothing is read, and a peer that keeps sending will at last
// take this side for stuck.
func (c *Conn) Serve(handle func(kind Kind, body []byte) error) error {
	if c.serving.Swap(true) {
		return fmt.Errorf("wire: %s: served already", c.name)
	}
	reason, handled := c.readLoop(handle)
	end := c.finish(reason, false)
	<-c.written
	if handled {
		end = reason // even if handle has called Close before it returned it
	}
	return fmt.Errorf("wire: %s: %w", c.name, end)
}

// readLoop returns the error that ended it, and whether it is handle's.
func (c *Conn) readLoop(handle func(Kind, []byte) error) (reason error, handled bool) {
	for {
		f, err := c.dec.next()
		if err != nil {
			if errors.Is(err, ErrSilent) {
				err = fmt.Errorf("%w: nothing for %v", err, c.opts.Silence)
			}
			return err, false
		}
		if c.over.Load() {
			return ErrClosed, false
		}
		r := &c.count.received
		r.coding.Add(int64(c.dec.coding))
		r.moving.Add(int64(c.dec.moving))
		if f.kind < FirstKind {
			if err := c.own(f); err != nil {
				return err, false
			}
			continue
		}
		r.frames.Add(1)
		r.raw.Add(int64(len(f.body)))
		r.encoded.Add(int64(f.encoded))
		if f.packed {
			r.compressed.Add(1)
		}
		c.measure(f)
		if err := handle(f.kind, f.body); err != nil {
			return err, true
		}
	}
}

// own handles a frame of one of wire's own kinds, whose body is known to have
// the right length.
func (c *Conn) own(f frame) error {
	switch f.kind {
	case kindBye:
		return ErrBye
	case kindPing: // only the last ping is answered, so that pings cannot fill the queue
		c.mu.Lock()
		c.ponging = true
		copy(c.pong[:], f.body)
		c.rouseLocked()
		c.mu.Unlock()
	case kindPong:
		now := time.Since(c.began)
		then := time.Duration(binary.LittleEndian.Uint64(f.body))
		if then < 0 || then > now {
			return fmt.Errorf("%w: a pong to no ping", ErrMalformed)
		}
		c.count.roundTrip.Store(int64(max(1, now-then)))
	case kindPace:
		c.pace.Store(binary.LittleEndian.Uint64(f.body))
	}
	return nil
}

// A source is the socket as the decoder and the handshake see it: it counts
// bytes and keeps the deadline of silence.
type source struct {
	c   *Conn
	set time.Time // when the deadline was last moved
}

// Read moves the deadline only when an eighth of its time is gone, because that
// costs as much as a small read.
func (s *source) Read(p []byte) (int, error) {
	c := s.c
	if silence := c.opts.Silence; silence > 0 && c.serving.Load() {
		if now := time.Now(); now.Sub(s.set) > silence/8 {
			s.set = now
			if err := c.nc.SetReadDeadline(now.Add(silence)); err != nil {
				return 0, err
			}
		}
	}
	n, err := c.nc.Read(p)
	c.count.received.socket.Add(int64(n))
	return n, err
}

// Write is for the handshake only.
func (s *source) Write(p []byte) (int, error) {
	n, err := s.c.nc.Write(p)
	s.c.count.sent.socket.Add(int64(n))
	return n, err
}
