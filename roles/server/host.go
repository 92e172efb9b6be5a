package server

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
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
	specs []table.Spec

	shards []*hosted // by number, nil: not here; not changed after newHost
	began  time.Time

	errands chan errand
	free    atomic.Int32 // helpers that have nothing to do
	helping sync.WaitGroup

	mu     sync.Mutex
	routes map[consistency.Origin]*route // guarded by mu; a route stays for ever
}

// A route is where the replies for an origin go.
type route struct {
	origin  consistency.Origin
	out     atomic.Pointer[outbox] // of the connection it last said hello by; nil: it has not
	arrived atomic.Int64           // when its last batch came, by the host's clock: to know how long an answer was held
}

// hosted is a shard with its lock and what its messages waited for.
type hosted struct {
	mu    sync.Mutex
	shard *table.Shard
	queue time.Duration
	apply time.Duration
}

// outbox gathers what goes to one connection until flush.
type outbox struct {
	mu    sync.Mutex
	batch control.Batch // guarded by mu
	err   error         // guarded by mu: the first of sending
}

func newOutbox(to control.Frames) *outbox { return &outbox{batch: control.Batch{To: to}} }

// newHost makes the host of some shards; close ends its helpers.
func newHost(specs []table.Spec, of int, shards []*table.Shard, numbers []int) *host {
	h := &host{specs: specs, shards: make([]*hosted, of), began: time.Now(), routes: make(map[consistency.Origin]*route)}
	for i, n := range numbers {
		h.shards[n] = &hosted{shard: shards[i]}
	}
	h.startHelpers()
	return h
}

// shard returns one by its number, nil if it is not here.
func (h *host) shard(number int) *hosted {
	if number < 0 || number >= len(h.shards) {
		return nil
	}
	return h.shards[number]
}

// clock is the time since the host began.
func (h *host) clock() time.Duration { return time.Since(h.began) }

func (h *host) route(o consistency.Origin) *route {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.routes[o]
	if r == nil {
		r = &route{origin: o}
		h.routes[o] = r
	}
	return r
}

func (o *outbox) add(shard int, msg *table.Buffer, queue, apply, held time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	t := &o.batch.Timing
	t.Queue = max(t.Queue, uint64(max(queue, 0)))
	t.Apply = max(t.Apply, uint64(max(apply, 0)))
	t.Held = max(t.Held, uint64(max(held, 0)))
	if err := o.batch.Add(shard, msg); o.err == nil {
		o.err = err
	}
}

// flush sends what was gathered. It is an error if a message was too large to be
// sent; that the connection has ended its reader reports.
func (o *outbox) flush() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.batch.Flush(); o.err == nil {
		o.err = err
	}
	if errors.Is(o.err, wire.ErrTooLarge) {
		return fmt.Errorf("the answer of one shard is too large: use more shards: %w", o.err)
	}
	return nil
}

// norms measures the tables of the model over the shards that are here.
func (h *host) norms() []table.Norms {
	all := make([]table.Norms, len(h.specs))
	for _, s := range h.shards { // in order, for the sums to come out the same
		if s == nil {
			continue
		}
		s.mu.Lock()
		for t, spec := range h.specs {
			if !spec.Scratch {
				all[t] = all[t].Plus(s.shard.Norms(t))
			}
		}
		s.mu.Unlock()
	}
	return all
}

// export sends the written rows of a table in a shard, in chunks; the last one
// says so. Whole rows have the state of their rule.
func (h *host) export(tableNo, shard int, whole bool, send func(body []byte) error) error {
	s := h.shard(shard)
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
	each := s.shard.Export
	if whole {
		each = s.shard.ExportWhole
	}
	each(tableNo, func(key uint64, values []byte) {
		rows = append(control.AppendUints(rows, key), values...)
		if len(rows) >= chunk {
			flush(0)
		}
	})
	flush(1)
	return err
}

// load has a table of a shard begin with some rows.
func (h *host) load(body []byte) error {
	tableNo, shard, whole, rows, err := control.ReadLoad(body)
	if err != nil {
		return err
	}
	s := h.shard(shard)
	if s == nil || tableNo >= len(h.specs) {
		return fmt.Errorf("server: table %d of shard %d is not here", tableNo, shard)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	spec := h.specs[tableNo]
	size, load := spec.Type.Size()*max(spec.Width, 1), s.shard.Load
	if whole {
		size, load = spec.WholeBytes(), s.shard.LoadWhole
	}
	return control.EachRow(rows, size, func(key uint64, row []byte) error { return load(tableNo, key, row) })
}

// ledger sums up the shards.
func (h *host) ledger() *control.ServerLedger {
	l := &control.ServerLedger{}
	for _, s := range h.shards {
		if s == nil {
			continue
		}
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
