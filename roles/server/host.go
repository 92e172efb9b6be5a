package server

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"time"

	"petuum/consistency"
	"petuum/roles/control"
	"petuum/roles/wire"
	"petuum/table"
)

// host runs the shards of one server: it takes batches from connections, hands
// each message to its shard under the shard's lock, and gathers the replies for
// each connection.
//
// Replies of a shard must reach a client in the order the shard made them, so
// they are appended to the connection's outbox while the shard is locked, and an
// outbox is emptied and sent under its own lock. Locks are taken in the order
// shard, routes, outbox; sending never waits.
type host struct {
	specs  []table.Spec
	of     int
	shards map[int]*hosted // by number; not changed after newHost

	mu     sync.Mutex
	routes map[consistency.Origin]*outbox // guarded by mu: where an origin's replies go
}

// hosted is a shard with its lock and what its messages waited for.
type hosted struct {
	mu      sync.Mutex
	shard   *table.Shard
	arrived map[consistency.Origin]time.Time // last message of an origin: to know how long an answer was held
	queue   time.Duration
	apply   time.Duration
}

// outbox gathers what goes to one connection until flush.
type outbox struct {
	mu    sync.Mutex
	batch control.Batch // guarded by mu
	err   error         // guarded by mu: the first of sending
}

func newOutbox(to control.Frames) *outbox { return &outbox{batch: control.Batch{To: to}} }

func newHost(specs []table.Spec, of int, shards []*table.Shard, numbers []int) *host {
	h := &host{specs: specs, of: of, shards: make(map[int]*hosted), routes: make(map[consistency.Origin]*outbox)}
	for i, n := range numbers {
		h.shards[n] = &hosted{shard: shards[i], arrived: make(map[consistency.Origin]time.Time)}
	}
	return h
}

// handle takes one batch of a connection. An error means that the peer broke the
// protocol. scratch is reused between calls of one connection.
func (h *host) handle(from *outbox, body []byte, scratch *[]table.Message) error {
	_, messages, err := control.ReadBatch(body, *scratch)
	if err != nil {
		return err
	}
	*scratch = messages
	came := time.Now()
	touched := map[*outbox]bool{}
	for _, m := range messages {
		s := h.shards[m.Shard]
		if s == nil {
			return fmt.Errorf("server: shard %d is not here", m.Shard)
		}
		origin, hello, err := table.From(m.Body)
		if err != nil {
			return err
		}
		if hello {
			h.mu.Lock()
			h.routes[origin] = from
			h.mu.Unlock()
		}
		if err := h.handleOne(s, m, origin, came, touched); err != nil {
			return err
		}
	}
	for o := range touched {
		if err := o.flush(); err != nil {
			return err
		}
	}
	return nil
}

func (h *host) handleOne(s *hosted, m table.Message, origin consistency.Origin, came time.Time, touched map[*outbox]bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	begin := time.Now()
	s.arrived[origin] = came
	queued := begin.Sub(came)
	err := s.shard.Handle(m.Body, func(to consistency.Origin, msg *table.Buffer) {
		h.mu.Lock()
		o := h.routes[to]
		h.mu.Unlock()
		if o == nil {
			return // it has not said hello here
		}
		var held time.Duration
		if to != origin {
			held = begin.Sub(s.arrived[to])
		}
		o.add(m.Shard, msg, queued, time.Since(begin), held)
		touched[o] = true
	})
	s.queue += queued
	s.apply += time.Since(begin)
	if errors.Is(err, table.ErrNewer) {
		return fmt.Errorf("server: shard %d: %w", m.Shard, err)
	}
	return err
}

func (o *outbox) add(shard int, msg *table.Buffer, queue, apply, held time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	t := &o.batch.Timing
	t.Queue = max(t.Queue, uint64(max(queue, 0)))
	t.Apply = max(t.Apply, uint64(max(apply, 0)))
	t.Held = max(t.Held, uint64(max(held, 0)))
	o.err = cmp.Or(o.err, o.batch.Add(shard, msg))
}

// flush sends what was gathered. It is an error if a message was too large to be
// sent; that the connection has ended its reader reports.
func (o *outbox) flush() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.err = cmp.Or(o.err, o.batch.Flush())
	if errors.Is(o.err, wire.ErrTooLarge) {
		return fmt.Errorf("the answer of one shard is too large: use more shards: %w", o.err)
	}
	return nil
}

// norms measures every table over the shards that are here.
func (h *host) norms() []table.Norms {
	all := make([]table.Norms, len(h.specs))
	for k := range h.of { // in order, for the sums to come out the same
		s := h.shards[k]
		if s == nil {
			continue
		}
		s.mu.Lock()
		for t := range all {
			all[t] = all[t].Plus(s.shard.Norms(t))
		}
		s.mu.Unlock()
	}
	return all
}

// export sends the written rows of a table in a shard, in chunks; the last one
// says so.
func (h *host) export(tableNo, shard int, send func(body []byte) error) error {
	s := h.shards[shard]
	if s == nil || tableNo >= len(h.specs) {
		return fmt.Errorf("server: table %d of shard %d is not here", tableNo, shard)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	const chunk = 1 << 20
	var rows []byte
	var err error
	flush := func(last uint64) {
		if err == nil {
			err = send(append(control.AppendUints(nil, uint64(tableNo), uint64(shard), last, uint64(len(rows))), rows...))
		}
		rows = rows[:0]
	}
	s.shard.Export(tableNo, func(key uint64, values []byte) {
		rows = append(control.AppendUints(rows, key), values...)
		if len(rows) >= chunk {
			flush(0)
		}
	})
	flush(1)
	return err
}

// ledger sums up the shards.
func (h *host) ledger() *control.ServerLedger {
	l := &control.ServerLedger{}
	for _, s := range h.shards {
		s.mu.Lock()
		st := s.shard.Stats()
		l.Updates += st.Updates
		l.Duplicates += st.Duplicates
		l.Answers += st.Answers
		l.Held += st.Held
		l.Stalest = max(l.Stalest, int64(st.Stalest))
		l.Saved += st.Saved
		l.Queue += s.queue.Seconds()
		l.Apply += s.apply.Seconds()
		s.mu.Unlock()
	}
	return l
}
