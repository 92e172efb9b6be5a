package algotest

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"petuum/consistency"
	"petuum/table"
)

// node is a process with the client of one origin, and its parts.
type node struct {
	c           *cluster
	origin      consistency.Origin
	generation  uint32
	incarnation int
	client      *table.Client
	port        *port
	links       []*link // by shard
	parts       []*part
	clock       consistency.Clock // of the last update sent
	redo        []consistency.Clock
	deposited   []*log
	started     bool
	dead        bool // died silently
	closed      bool // off the roster after it had finished
}

// state is what a part does next.
type state int

const (
	opening state = iota // waits for Start
	working
	worked // ready to end its clock
	clocking
	peeking // waits for a Sync in the middle of its work
	syncing // waits for the Sync of a barrier
	finished
	closing // finished, waits for a last Sync
)

func (s state) String() string {
	return [...]string{"opening", "working", "worked", "clocking", "peeking", "syncing", "finished", "closing"}[s]
}

// part is one part of an origin.
type part struct {
	node    *node
	index   int
	slot    int
	state   state
	clock   consistency.Clock
	final   consistency.Clock
	synced  consistency.Clock // the last barrier it has seen everything at
	wake    int64
	slow    int64 // time between two of its steps, on average
	windows []window
	rotor   *rotor
	touched []*log // written to since its last Clock
	ticket  uint64
	floor   consistency.Clock
}

// newNode starts the process of an origin from clock start. redo tells, of an
// origin taken over, the clock up to which each shard has its updates.
func (c *cluster) newNode(o consistency.Origin, generation uint32, start consistency.Clock, redo []consistency.Clock) *node {
	n := &node{c: c, origin: o, generation: generation, clock: start, redo: redo, links: make([]*link, c.cfg.Shards)}
	n.port = &port{n}
	client, err := table.NewClient(c.specs, table.ClientOptions{Origin: o, Generation: generation, Policy: c.cfg.Policy,
		Shards: c.cfg.Shards, Parts: c.partsOf[o], Start: start, Deterministic: c.cfg.Deterministic})
	if err != nil {
		c.failf("protocol", "%v", err)
		return n
	}
	n.client = client
	if redo != nil {
		n.incarnation = c.died[o]
	}
	if c.cfg.Deterministic {
		n.incarnation = 0 // the updates must not depend on who sends them
	}
	for i := range c.partsOf[o] {
		p := &part{node: n, index: i, slot: c.slotOf[o] + i, clock: start, synced: -1, slow: 1 + c.rng.Int64N(30)}
		if c.rng.IntN(4) == 0 {
			p.slow *= 8
		}
		p.final = c.final[o]
		if !c.cfg.Leases && i > 0 { // a rotation needs all its parts to the end
			p.final -= consistency.Clock(c.work(p.slot, 0, 400).IntN(3))
		}
		p.wake = c.now + c.rng.Int64N(50)
		p.openWindows()
		n.parts = append(n.parts, p)
	}
	c.nodes = append(c.nodes, n)
	c.carriers[o] = n
	for k := range c.hosts {
		c.after(c.rng.Int64N(60), func() { c.connect(n, k) })
	}
	c.after(c.rng.Int64N(60), func() {
		if !n.dead {
			n.client.Steps().BeginStart()
			n.started = true
		}
	})
	return n
}

func (p *part) openWindows() {
	c := p.node.c
	for i, t := range c.tabs {
		w, err := openWindow(p, t, c.work(p.slot, 0, i), c.heldAt(p.slot, p.clock, i))
		if err != nil {
			p.failf("protocol", "%v", err)
			continue
		}
		p.windows = append(p.windows, w)
	}
	if c.rotation != nil && p.slot < c.rotation.slices {
		r, err := c.rotation.join(p)
		if err != nil {
			p.failf("protocol", "%v", err)
		}
		p.rotor = r
	}
}

// work is the generator for what a slot does at a clock: it depends on the job's
// seed, not on the network.
func (c *cluster) work(slot int, clock consistency.Clock, salt int) *rand.Rand {
	return rand.New(rand.NewPCG(c.cfg.Seed, uint64(slot)<<48^uint64(clock)<<16^uint64(salt)))
}

// reholds returns the generator of the working set that a slot asks for at a
// clock, nil if it asks for none.
func (c *cluster) reholds(slot int, clock consistency.Clock, window int) *rand.Rand {
	r := c.work(slot, clock, 200+window)
	if !c.holds || r.IntN(3) > 0 {
		return nil
	}
	return r
}

// heldAt returns the generator of the working set that a slot has at a clock,
// whoever carries it.
func (c *cluster) heldAt(slot int, clock consistency.Clock, window int) *rand.Rand {
	for clock > 0 {
		clock--
		if r := c.reholds(slot, clock, window); r != nil {
			return r
		}
	}
	return c.work(slot, 0, 300+window)
}

// ready reports whether the part can make its next step.
func (p *part) ready() bool {
	n := p.node
	switch p.state {
	case opening:
		return n.started && n.client.Steps().StartReady()
	case working:
		return n.c.passed(p.clock)
	case clocking:
		return n.client.Steps().ClockReady(p.index)
	case peeking, syncing, closing:
		return n.client.Steps().SyncReady(p.ticket, p.floor)
	case finished:
		return false
	}
	return true
}

func (p *part) step() {
	c, steps := p.node.c, p.node.client.Steps()
	p.wake = c.now + 1 + c.rng.Int64N(2*p.slow)
	switch p.state {
	case opening:
		steps.End(p.index)
		p.state = working
		p.check(c.cfg.Policy.Floor(p.clock), false)
		p.barrier()
	case working:
		p.work()
	case worked:
		p.beginClock()
	case clocking:
		steps.End(p.index)
		p.rotate()
		p.check(c.cfg.Policy.Floor(p.clock), false)
		p.state = working
		p.barrier()
	case peeking:
		steps.End(p.index)
		p.check(p.floor, true)
		p.state = worked
	case syncing:
		steps.End(p.index)
		p.check(p.floor, true)
		p.synced = p.clock
		p.state = working
	case closing:
		steps.End(p.index)
		p.check(p.floor, true)
		p.state = finished
	}
	if err := p.node.client.Err(); err != nil {
		p.failf("protocol", "%v", err)
	}
}

// barrier begins a Sync where all parts make one.
func (p *part) barrier() {
	if every := p.node.c.barrier; every > 0 && p.clock > 0 && p.clock%every == 0 {
		p.sync(syncing)
	}
}

func (p *part) sync(s state) {
	p.state = s
	for _, w := range p.windows {
		w.ended()
	}
	p.ticket, p.floor = p.node.client.Steps().BeginSync(p.index, false)
}

// work is what a part does in a clock: it writes, and may ask for other keys.
func (p *part) work() {
	c := p.node.c
	if p.clock >= p.final {
		p.finish()
		return
	}
	for i, w := range p.windows {
		r := c.work(p.slot, p.clock, 100+i)
		set, first := c.reholds(p.slot, p.clock, i), r.IntN(2) == 0
		if set != nil && first {
			w.rehold(set)
		}
		w.write(r)
		if set != nil && !first {
			w.rehold(set)
		}
	}
	if p.rotor != nil {
		p.rotor.work()
	}
	p.state = worked
	if c.rng.IntN(8) == 0 {
		p.sync(peeking) // with updates that are not sent yet
	}
}

func (p *part) beginClock() {
	n := p.node
	for _, w := range p.windows {
		w.ended()
	}
	if p.rotor != nil {
		p.rotor.release()
	}
	p.clock++
	for _, l := range p.touched {
		l.deposited = len(l.pending)
	}
	n.deposited = append(n.deposited, p.touched...)
	p.touched = p.touched[:0]
	n.advance()
	p.state = clocking
	n.c.report.Clocks++
	if n.client.Steps().BeginClock(p.index) {
		n.c.report.Blocked++
	}
}

func (p *part) finish() {
	p.state = finished
	p.node.advance()
	p.node.client.Finish(p.index)
	if p.node.finished() && p.node.c.rng.IntN(2) == 0 {
		p.sync(closing)
	}
}

// wrote notes that what is in l will be sent after the part's next Clock.
func (p *part) wrote(l *log) { p.touched = append(p.touched, l) }

// advance follows the client, which sends an update for each clock that all its
// parts have ended; what they deposited goes with the first.
func (n *node) advance() {
	least, most, any := consistency.Clock(0), consistency.Clock(0), false
	for _, p := range n.parts {
		if most = max(most, p.clock); p.state != finished && (!any || p.clock < least) {
			least, any = p.clock, true
		}
	}
	if !any {
		least = most
	}
	for n.clock < least {
		n.clock++
		for _, l := range n.deposited {
			l.send(n.clock, n.redo == nil || n.clock > n.redo[l.shard])
		}
		n.deposited = n.deposited[:0]
	}
}

func (n *node) finished() bool {
	for _, p := range n.parts {
		if p.state != finished {
			return false
		}
	}
	return true
}

// resumed reports whether the node carries on for one that died: what it redoes
// may show twice until its Clock, where a shard has it already.
func (n *node) resumed() bool { return n.redo != nil }

// redoing reports whether the next update is one that some shard has already: of
// what will be in it, a view may show what the shard ignores, or not.
func (p *part) redoing() bool {
	n := p.node
	return n.resumed() && min(n.clock, p.clock) < slices.Max(n.redo)
}

// exact reports whether the part must see no newer updates than it needs. Nobody
// waits for one that has left.
func (p *part) exact() bool {
	return p.node.c.cfg.Deterministic && !p.node.resumed() && p.state != closing
}

func (p *part) check(floor consistency.Clock, synced bool) {
	for _, w := range p.windows {
		w.check(floor, synced)
	}
}

func (p *part) failf(kind, format string, args ...any) {
	p.node.c.failf(kind, "origin %d part %d (incarnation %d) at clock %d: %s", p.node.origin, p.index, p.node.incarnation, p.clock, fmt.Sprintf(format, args...))
}
