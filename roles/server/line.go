package server

import (
	"fmt"
	"runtime"
	"sync"
	"time"

	"petuum/roles/control"
	"petuum/roles/wire"
	"petuum/table"
)

// A message is worth another goroutine's time if it is this large, or small and the
// one before it took this long: to ask for many values is one.
const (
	handFrom  = 64 << 10
	handSmall = 128
	handAfter = 50 * time.Microsecond
)

// conn is a connection as the host sees it.
type conn interface {
	control.Frames
	Keep(body []byte) wire.Owner
	Abort()
}

// A line is a connection's way to the shards. Its reader calls handle, and close
// in the end.
type line struct {
	conn     conn
	out      *outbox
	turn     *turn
	messages []table.Message // room for those of a batch

	helped sync.WaitGroup // for messages that were handed over
	mu     sync.Mutex
	err    error // guarded by mu: the first of a helper
}

func (h *host) newLine(c conn) *line {
	return &line{conn: c, out: newOutbox(c), turn: h.newTurn()}
}

// handle takes one batch. An error means that the peer broke the protocol.
func (l *line) handle(body []byte) error {
	_, messages, err := control.ReadBatch(body, l.messages)
	if err != nil {
		return err
	}
	l.messages = messages
	l.turn.look()
	err = l.handleAll(messages, body)
	if e := l.turn.flush(); err == nil { // others wait for what they were answered, whatever this one did
		err = e
	}
	return err
}

// handleAll takes the messages of a batch, whose body holds them.
func (l *line) handleAll(messages []table.Message, body []byte) error {
	t := l.turn
	came := t.now
	var p table.Parsed
	for i, m := range messages {
		s := t.host.shard(m.Shard)
		if s == nil {
			return fmt.Errorf("server: shard %d is not here", m.Shard)
		}
		if i == 0 || !m.Again(messages[i-1].Body) {
			if err := l.parse(m.Body, &p, came); err != nil {
				return err
			}
		}
		if !s.mu.TryLock() {
			s.mu.Lock()
			t.look()
		}
		large := len(m.Body) >= handFrom && len(messages) == 1
		if large && l.hand(s, m, came, body) || t.took >= handAfter && len(m.Body) <= handSmall && l.hand(s, m, came, nil) {
			continue
		}
		t.final = i == len(messages)-1
		if err := t.handle(s, m, &p, came); err != nil {
			return err
		}
	}
	return nil
}

// parse reads the beginning of a message and finds where its origin's replies go.
func (l *line) parse(msg []byte, p *table.Parsed, came time.Duration) (err error) {
	if *p, err = table.Parse(msg); err != nil {
		return err
	}
	t := l.turn
	if t.from == nil || t.from.origin != p.Origin() {
		t.from = t.host.route(p.Origin())
	}
	if p.Hello() {
		t.from.out.Store(l.out)
	}
	t.from.arrived.Store(int64(came))
	return nil
}

// close waits for the helpers and returns the first error of theirs. Nothing is
// handled any more.
func (l *line) close() error {
	l.helped.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// fail ends the connection for an error of a helper.
func (l *line) fail(err error) {
	l.mu.Lock()
	if l.err == nil {
		l.err = err
	}
	l.mu.Unlock()
	l.conn.Abort()
}

// An errand is a message for a helper, so that the reader can go on. The shard is
// locked already: that is what keeps the messages of a connection in order, and the
// helper unlocks it.
type errand struct {
	line  *line
	shard *hosted
	m     table.Message
	from  *route
	came  time.Duration
	kept  wire.Owner      // of the memory of m; nil: it is a copy
	small [handSmall]byte // room for that
}

// hand gives a message to a helper if one is free. body is the frame that it fills;
// without one it is small.
func (l *line) hand(s *hosted, m table.Message, came time.Duration, body []byte) bool {
	h := l.turn.host
	if !h.reserve() {
		return false
	}
	e := errand{line: l, shard: s, m: m, from: l.turn.from, came: came}
	if body == nil {
		copy(e.small[:], m.Body)
	} else if e.kept = l.conn.Keep(body); e.kept == nil {
		h.free.Add(1)
		return false
	}
	l.helped.Add(1)
	h.errands <- e // there is room for each helper that was free
	return true
}

// reserve takes a helper if one is free.
func (h *host) reserve() bool {
	for {
		n := h.free.Load()
		if n == 0 {
			return false
		}
		if h.free.CompareAndSwap(n, n-1) {
			return true
		}
	}
}

// startHelpers starts one for every processor but the reader's.
func (h *host) startHelpers() {
	n := runtime.GOMAXPROCS(0) - 1
	h.errands = make(chan errand, n)
	h.free.Store(int32(n))
	for range n {
		h.helping.Go(h.help)
	}
}

// help runs errands until the host is closed.
func (h *host) help() {
	t := h.newTurn()
	small := make([]byte, handSmall)
	for e := range h.errands {
		if e.kept == nil {
			e.m.Body = small[:copy(small, e.small[:len(e.m.Body)])]
		}
		t.look()
		t.from, t.final = e.from, true
		err := t.errand(&e)
		if sent := t.flush(); err == nil {
			err = sent
		}
		if e.kept != nil {
			e.kept.Release()
		}
		if err != nil {
			e.line.fail(err)
		}
		h.free.Add(1)
		e.line.helped.Done()
	}
}

// errand has a helper do one.
func (t *turn) errand(e *errand) error {
	p, err := table.Parse(e.m.Body)
	if err != nil {
		e.shard.mu.Unlock()
		return err // unreachable: the reader has parsed it
	}
	return t.handle(e.shard, e.m, &p, e.came)
}

// close ends the helpers. All lines must be closed.
func (h *host) close() {
	close(h.errands)
	h.helping.Wait()
}
