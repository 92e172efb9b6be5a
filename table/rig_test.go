package table

import (
	"fmt"
	"slices"
	"testing"

	"petuum/consistency"
	"petuum/table/kernel"
	"petuum/table/placement"
)

// rig is shards and clients joined by queues, one for each direction of each
// pair, that move only when a test says so.
type rig struct {
	t       testing.TB
	specs   []Spec
	options Options
	shards  []*Shard
	clients []*Client
	up      map[pair][][]byte // from client to shard
	down    map[pair][][]byte
}

type pair struct{ client, shard int }

// rigJob says what a rig is made of; the zero values are one shard, one origin of
// one part, and BSP.
type rigJob struct {
	specs         []Spec
	shards        int
	parts         []int // of each origin
	policy        consistency.Policy
	window        int
	eager         bool
	deterministic bool
}

const rigLife = 7

func newRig(t testing.TB, job rigJob) *rig {
	t.Helper()
	if job.parts == nil {
		job.parts = []int{1}
	}
	r := &rig{t: t, specs: job.specs, up: map[pair][][]byte{}, down: map[pair][][]byte{},
		options: Options{Policy: job.policy, Eager: job.eager, Deterministic: job.deterministic, Life: rigLife}}
	shards := max(job.shards, 1)
	for k := range shards {
		s, err := NewShard(k, shards, job.specs, placement.NewRoster(len(job.parts)), r.options)
		if err != nil {
			t.Fatal(err)
		}
		r.shards = append(r.shards, s)
	}
	for o, parts := range job.parts {
		r.newClient(ClientOptions{Origin: consistency.Origin(o), Generation: 1, Policy: job.policy, Window: job.window, Shards: shards, Parts: parts, Deterministic: job.deterministic})
	}
	return r
}

func (r *rig) newClient(o ClientOptions) int {
	r.t.Helper()
	c, err := NewClient(r.specs, o)
	if err != nil {
		r.t.Fatal(err)
	}
	r.clients = append(r.clients, c)
	return len(r.clients) - 1
}

// sender queues what a client sends.
type sender struct {
	r      *rig
	client int
}

func (s sender) Send(shard int, b *Buffer) {
	p := pair{s.client, shard}
	s.r.up[p] = append(s.r.up[p], slices.Clone(b.Bytes))
}

func (s sender) Flush() {}

// cut loses what is on its way between a client and a shard.
func (r *rig) cut(p pair) { delete(r.up, p); delete(r.down, p) }

func (r *rig) connect(o, k int) { r.clients[o].Connect(k, sender{r, o}) }

// handle gives a shard a message and queues its replies.
func (r *rig) handle(k int, msg []byte) error { return r.shards[k].Handle(msg, r.reply(k)) }

func (r *rig) reply(k int) Reply {
	return func(to consistency.Origin, b *Buffer) {
		for o := len(r.clients) - 1; o >= 0; o-- { // the last client of an origin has the connection
			if r.clients[o].Origin() == to {
				p := pair{o, k}
				r.down[p] = append(r.down[p], slices.Clone(b.Bytes))
				return
			}
		}
	}
}

// next takes the first message out of a queue.
func next(queue map[pair][][]byte, p pair) (msg []byte, ok bool) {
	if len(queue[p]) == 0 {
		return nil, false
	}
	msg, queue[p] = queue[p][0], queue[p][1:]
	return msg, true
}

// pump delivers everything, in a fixed order, until nothing is on its way.
func (r *rig) pump() {
	r.t.Helper()
	for moved := true; moved; {
		moved = false
		for o := range r.clients {
			for k := range r.shards {
				p := pair{o, k}
				if msg, ok := next(r.up, p); ok {
					moved = true
					if err := r.handle(k, msg); err != nil {
						r.t.Fatalf("client %d to shard %d: %v", o, k, err)
					}
				}
				if msg, ok := next(r.down, p); ok {
					moved = true
					if err := r.clients[o].Deliver(k, msg); err != nil {
						r.t.Fatalf("shard %d to client %d: %v", k, o, err)
					}
				}
			}
		}
	}
}

func (r *rig) connectAll() {
	for o := range r.clients {
		for k := range r.shards {
			r.connect(o, k)
		}
	}
}

// start connects and starts every client.
func (r *rig) start() {
	r.t.Helper()
	r.connectAll()
	for _, c := range r.clients {
		c.Steps().BeginStart()
	}
	r.pump()
	for o, c := range r.clients {
		if !c.Steps().StartReady() {
			r.t.Fatalf("client %d waits to start", o)
		}
		for p := range c.parts {
			c.Steps().End(p)
		}
	}
}

// clock lets every part of the listed origins, or of all, do a Clock.
func (r *rig) clock(origins ...int) {
	r.t.Helper()
	if len(origins) == 0 {
		for o := range r.clients {
			origins = append(origins, o)
		}
	}
	for _, o := range origins {
		for p := range r.clients[o].parts {
			r.clients[o].Steps().BeginClock(p)
		}
	}
	r.pump()
	for _, o := range origins {
		for p := range r.clients[o].parts {
			r.end(o, p)
		}
	}
}

func (r *rig) end(o, part int) {
	r.t.Helper()
	if !r.clients[o].Steps().ClockReady(part) {
		r.t.Fatalf("part %d of client %d waits in Clock", part, o)
	}
	r.clients[o].Steps().End(part)
}

// sync brings the views of every part up to date.
func (r *rig) sync() { r.t.Helper(); r.syncTo(false) }

func (r *rig) syncTo(exactly bool) {
	r.t.Helper()
	for o, c := range r.clients {
		for p := range c.parts {
			ticket, floor := c.Steps().BeginSync(p, exactly)
			r.pump()
			if !c.Steps().SyncReady(ticket, floor) {
				r.t.Fatalf("part %d of client %d waits in Sync", p, o)
			}
			c.Steps().End(p)
		}
	}
}

func openView[T Elem](r *rig, o, part int, name string, keys Set, mode Mode) *View[T] {
	r.t.Helper()
	v, err := Open[T](r.clients[o], part, name, keys, mode)
	if err != nil {
		r.t.Fatal(err)
	}
	return v
}

func wantValues[T Elem](t testing.TB, what string, got []T, want ...T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func wantError(t testing.TB, what string, err error) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: got no error, want one", what)
	}
}

// stored is what a shard exports of a table, by key.
func stored[T Elem](s *Shard, table int) map[uint64][]T {
	m := map[uint64][]T{}
	s.Export(table, func(key uint64, values []byte) {
		row := make([]T, s.specs[table].width())
		kernel.Load(row, values)
		m[key] = row
	})
	return m
}

func wantEqual(t testing.TB, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprintf("%v", got), fmt.Sprintf("%v", want); g != w {
		t.Errorf("%s: got %s, want %s", what, g, w)
	}
}

// helloMessage is the hello of a client of generation 1 that knows nothing yet.
func helloMessage(origin uint32) []byte {
	b := appendUints(appendHeader(nil, kindHello, 1, origin), 0, 0)
	return appendUint(appendVarint(b, 0), 0)
}

// pipe keeps what a client sends to all shards, in order.
type pipe struct {
	msgs [][]byte
	ks   []int
}

func (p *pipe) Send(k int, m *Buffer) {
	p.msgs, p.ks = append(p.msgs, slices.Clone(m.Bytes)), append(p.ks, k)
}

func (p *pipe) Flush() {}
