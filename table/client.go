package table

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"petuum/consistency"
)

// Sender takes a client's messages to the server of a shard. The client calls
// it with its lock held: Send must not block and must not call the client back.
// It copies or retains msg before it returns.
type Sender interface {
	Send(shard int, msg *Buffer)
	// Flush ends a group of messages that may travel in one frame.
	Flush()
}

// ClientOptions say whose updates a client carries.
type ClientOptions struct {
	Origin     consistency.Origin
	Generation uint32
	Policy     consistency.Policy
	Window     int // updates left unanswered before Clock blocks; 0: the policy's
	Shards     int
	Parts      int               // parts of the group, numbered from 0
	Start      consistency.Clock // the origin's start clock on the roster
	// Deterministic is what the shards' options say.
	Deterministic bool
	// Now reads a monotonic clock in nanoseconds, for the wait ledger. Nil: no
	// times are kept.
	Now func() int64
}

// Client is the replica of the tables that the parts of one origin share: what
// they hold, as the servers last answered, and what they did that is not
// answered yet.
//
// A part's goroutine works on its views without a lock and calls Clock; whoever
// reads the network calls Deliver. What is delivered goes to the replicas under
// the client's lock and enters a view only inside Clock of its part. All waiting
// is in Clock, Open and Sync; Deliver never waits, nor does Send, so two full
// pipes cannot block each other.
//
// What the views of a part show is, key by key,
//
//	combine(value answered, own updates not in it, in order)
//
// and therefore always holds the part's own updates (read-my-writes) whichever
// way updates and answers cross on the network.
type Client struct {
	specs []Spec
	o     ClientOptions
	names map[string]int

	mu       sync.Mutex
	changed  sync.Cond // something was delivered, or the client failed
	err      error
	gen      uint32
	refused  uint32 // highest generation a shard refused us for
	clock    consistency.Clock
	parts    []partState
	shards   []shardState
	spare    []replica // those dropped, for their memory
	replicas []replica // those in use and those that wait to be dropped
	pending  []declared
	opened   bool
	early    []func() // what views asked for before Start
	left     bool
	late     bool // a table weights late updates
	exactly  bool // the next update pays all that is owed
	nextHold uint32
	ticket   uint64
	releases []replica // leases to give back with the next update
	stats    ClientStats

	buffers buffers // of messages
	reader  reader  // of the message that is delivered
	block   reader  // of its block
}

// ClientStats counts what a client waited for. Times are zero without Now.
type ClientStats struct {
	Clocks   uint64                       // calls of Clock
	Blocked  uint64                       // of them, how many had to wait
	Waited   int64                        // nanoseconds in Clock, Open and Sync
	WaitedOn map[consistency.Origin]int64 // of Waited, by the origin whose message ended the wait
	Encode   int64                        // nanoseconds encoding updates
	Decode   int64                        // nanoseconds decoding answers
	Saved    int64                        // bytes of updates by what lossy tables round and keep back
}

// PartTimes says where the time of a part's Clocks went, in nanoseconds.
type PartTimes struct {
	Send    int64 // handing over and encoding updates
	Wait    int64 // blocked
	Refresh int64 // bringing answers into the views
	Blocked uint64
}

type partState struct {
	clock consistency.Clock
	ended bool // is in Clock: its views turn to what they asked for
	waits bool // is in Clock or Sync: it does not look at its views
	done  bool // finished: counts no longer for the origin's clock
	views []view
	times PartTimes

	newest []consistency.Clock // of a job that weights late updates: of the values of each shard
}

type shardState struct {
	sender   Sender
	life     uint32
	stamp    uint32
	version  consistency.Clock // of the last answer
	seen     consistency.Clock // our last clock that the shard has
	answered consistency.Clock // our last clock that was answered
	newest   consistency.Clock // of the other origins' clocks, the highest that is in the last answer
	ticket   uint64            // last ask that was answered
	by       consistency.Origin
	sent     []sentUpdate // not answered, in order
	asks     []sentAsk    // not answered, in order
}

type sentUpdate struct {
	clock consistency.Clock
	msg   *Buffer
}

type sentAsk struct {
	ticket  uint64
	floor   consistency.Clock
	exactly bool
}

// ErrClosed is the failure of a client whose job has ended.
var ErrClosed = errors.New("table: the client was closed")

// NewClient makes the client of an origin. Open views with Open, connect every
// shard, then call Start.
func NewClient(specs []Spec, o ClientOptions) (*Client, error) {
	if o.Shards <= 0 || o.Parts <= 0 {
		return nil, fmt.Errorf("table: client with %d shards and %d parts", o.Shards, o.Parts)
	}
	if o.Window == 0 {
		o.Window = o.Policy.Window()
	}
	c := &Client{specs: specs, o: o, names: make(map[string]int), gen: o.Generation, clock: o.Start}
	c.changed.L, c.late = &c.mu, countsLate(specs)
	c.stats.WaitedOn = make(map[consistency.Origin]int64)
	for i, s := range specs {
		if err := s.Validate(); err != nil {
			return nil, err
		}
		if _, ok := c.names[s.Name]; ok {
			return nil, fmt.Errorf("table: %q is declared twice", s.Name)
		}
		c.names[s.Name] = i
	}
	c.parts = make([]partState, o.Parts)
	for p := range c.parts {
		if c.parts[p].clock = o.Start; c.late {
			c.parts[p].newest = make([]consistency.Clock, o.Shards)
		}
	}
	c.shards = make([]shardState, o.Shards)
	for k := range c.shards {
		c.shards[k] = shardState{version: consistency.Beginning, seen: o.Start, answered: o.Start, newest: consistency.Beginning}
	}
	return c, nil
}

// Origin is whose updates the client carries.
func (c *Client) Origin() consistency.Origin { return c.o.Origin }

// Sent is the clock of the last update that was sent: that of the group, or one
// more where it left and had something to pay.
func (c *Client) Sent() consistency.Clock {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.clock
}

// Policy is how stale the client's reads may be.
func (c *Client) Policy() consistency.Policy { return c.o.Policy }

// Stats returns the counts so far.
func (c *Client) Stats() ClientStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.WaitedOn = make(map[consistency.Origin]int64, len(c.stats.WaitedOn))
	for o, ns := range c.stats.WaitedOn {
		s.WaitedOn[o] = ns
	}
	return s
}

// Times returns where the time of a part's Clocks went so far.
func (c *Client) Times(part int) PartTimes {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.parts[part].times
}

// Connect gives the way to a shard, the first time and after every loss of the
// connection: the client introduces itself, declares what the shard does not
// know it holds, and resends what was not answered, in this order. Nothing sent
// on an earlier connection may be delivered, either way, once Connect was called.
func (c *Client) Connect(shard int, s Sender) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shards[shard].sender = s
	c.introduce(shard)
}

// SetGeneration follows a new roster: what is sent from now on, again and anew,
// carries its generation.
func (c *Client) SetGeneration(gen uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if gen <= c.gen {
		return
	}
	c.gen = gen
	for k := range c.shards {
		if c.shards[k].sender != nil {
			c.introduce(k)
		}
	}
}

// Refused is the highest generation for which a shard refused this client, 0 if
// none did.
func (c *Client) Refused() uint32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refused
}

func (c *Client) introduce(k int) {
	sh := &c.shards[k]
	b := c.message(kindHello)
	b.Bytes = appendUints(b.Bytes, uint64(sh.life), uint64(sh.stamp))
	b.Bytes = appendVarint(b.Bytes, int64(sh.seen))
	var kept []replica
	for _, r := range c.replicas {
		if sh.life != 0 && r.readyAt(k) {
			kept = append(kept, r)
		}
	}
	b.Bytes = appendUint(b.Bytes, uint64(len(kept)))
	for _, r := range kept {
		table, id := r.hold()
		b.Bytes = appendUints(b.Bytes, uint64(table), uint64(id))
	}
	c.send(k, b)
	declared := false
	for _, r := range c.replicas {
		if sh.life == 0 || !r.readyAt(k) {
			c.sendHold(k, r)
			declared = true
		}
	}
	soon := func(a sentAsk) bool { return a.floor <= sh.version }
	if declared && sh.version > consistency.Beginning && !slices.ContainsFunc(sh.asks, soon) {
		// Their values are gone from the views, and nothing else may be left to bring them.
		c.ticket++
		sh.asks = append(sh.asks, sentAsk{ticket: c.ticket, floor: consistency.Beginning})
	}
	for _, a := range sh.asks {
		c.sendAsk(k, a)
	}
	for _, u := range sh.sent {
		again := c.buffers.get() // the sender of before may still use the other
		again.Bytes = append(again.Bytes, u.msg.Bytes...)
		setGeneration(again.Bytes, c.gen)
		c.send(k, again)
	}
	if c.left {
		c.sendLeave(k)
	}
	sh.sender.Flush()
}

// message begins a message of the client.
func (c *Client) message(k kind) *Buffer {
	b := c.buffers.get()
	b.Bytes = appendHeader(b.Bytes, k, c.gen, uint32(c.o.Origin))
	return b
}

// send sends a message and releases it.
func (c *Client) send(k int, msg *Buffer) {
	if s := c.shards[k].sender; s != nil {
		s.Send(k, msg)
	}
	msg.Release()
}

func (c *Client) sendLeave(k int) {
	b := c.message(kindLeave)
	b.Bytes = appendVarint(b.Bytes, int64(c.clock))
	c.send(k, b)
}

func (c *Client) flushSenders() {
	for k := range c.shards {
		if s := c.shards[k].sender; s != nil {
			s.Flush()
		}
	}
}

func (c *Client) sendHold(k int, r replica) {
	set, ok := r.segment(k)
	if !ok {
		return
	}
	table, id := r.hold()
	b := c.message(kindHold)
	b.Bytes = appendSet(appendUints(b.Bytes, uint64(table), uint64(id), r.lease()), set)
	c.send(k, b)
}

func (c *Client) sendAsk(k int, a sentAsk) {
	b := c.message(kindAsk)
	b.Bytes = appendVarint(appendUint(b.Bytes, a.ticket), int64(a.floor))
	b.Bytes = appendUint(b.Bytes, flag(a.exactly))
	c.send(k, b)
}

// ask asks every shard for an answer once floor is reached; exactly asks for what
// lossy tables keep back, too.
func (c *Client) ask(floor consistency.Clock, exactly bool) (ticket uint64) {
	c.ticket++
	for k := range c.shards {
		a := sentAsk{c.ticket, floor, exactly}
		c.shards[k].asks = append(c.shards[k].asks, a)
		c.sendAsk(k, a)
	}
	return c.ticket
}

// Fail ends every wait, now and later, with err. The first failure stays.
func (c *Client) Fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fail(err)
}

func (c *Client) fail(err error) {
	if c.err == nil {
		c.err = err
		c.changed.Broadcast()
	}
}

// Err is why the client failed, nil while it has not.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// dropRetired lets go of working sets that no unanswered update names.
func (c *Client) dropRetired() {
	if !slices.ContainsFunc(c.replicas, func(r replica) bool { _, retired := r.retiredAt(); return retired }) {
		return // as nearly always: this is called with each answer, and what follows looks at every shard
	}
	oldest := c.clock
	for k := range c.shards {
		oldest = min(oldest, c.shards[k].answered)
	}
	kept := c.replicas[:0]
	for _, r := range c.replicas {
		if at, retired := r.retiredAt(); !retired || at > oldest {
			kept = append(kept, r)
			continue
		}
		table, id := r.hold()
		for k := range c.shards {
			if _, ok := r.segment(k); ok {
				b := c.message(kindDrop)
				b.Bytes = appendUints(b.Bytes, uint64(table), uint64(id))
				c.send(k, b)
			}
		}
		c.reuse(r, r.keys())
	}
	clear(c.replicas[len(kept):])
	c.replicas = kept
}

func (c *Client) now() int64 {
	if c.o.Now == nil {
		return 0
	}
	return c.o.Now()
}
