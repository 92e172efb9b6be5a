package table

import (
	"encoding/binary"
	"math"
	"slices"

	"petuum/consistency"
)

// Start declares the views opened so far and waits until each has its values,
// as old as the policy allows at the start clock. Views opened later declare
// themselves with Hold.
func (c *Client) Start() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.startOpen()
	if err := c.wait(c.openReady); err != nil {
		return err
	}
	for p := range c.parts {
		c.refresh(p)
	}
	return nil
}

// startOpen makes one replica for each table that has views, on the keys of all
// of them, so that a key held by several parts travels once.
func (c *Client) startOpen() {
	c.opened = true
	for table := range c.specs {
		var views []view
		for _, d := range c.pending {
			if d.table == table {
				views = append(views, d.view)
			}
		}
		if len(views) > 0 {
			c.add(views[0].share(views, c.newHold()))
		}
	}
	c.pending = nil
	for _, ask := range c.early {
		ask()
	}
	c.early = nil
	c.ask(c.o.Policy.Floor(c.o.Start), false)
	c.flushSenders()
}

func (c *Client) openReady() bool {
	floor := c.o.Policy.Floor(c.o.Start)
	for k := range c.shards {
		if c.shards[k].version < floor || c.shards[k].ticket == 0 {
			return false
		}
	}
	return c.replicasReady()
}

func (c *Client) replicasReady() bool {
	for _, r := range c.replicas {
		if _, retired := r.retiredAt(); !retired && !r.ready() {
			return false
		}
	}
	return true
}

func (c *Client) newHold() uint32 {
	c.nextHold++
	return c.nextHold
}

func (c *Client) add(r replica) {
	c.replicas = append(c.replicas, r)
	for k := range c.shards {
		c.sendHold(k, r)
	}
}

// Clock ends an iteration of a part: its updates go out with those of its group,
// once all parts of the group have ended the iteration, and its views take in
// what has been answered. It returns when the views are as fresh as the policy
// demands at the part's new clock. Only the part's own goroutine may call it.
func (c *Client) Clock(part int) error {
	start := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return c.err
	}
	c.beginClock(part)
	t := &c.parts[part].times
	begun := c.now()
	t.Send += begun - start
	ready := func() bool { return c.clockReady(part) }
	if !ready() {
		c.stats.Blocked++
		t.Blocked++
	}
	if err := c.wait(ready); err != nil {
		c.parts[part].waits = false
		return err
	}
	waited := c.now()
	t.Wait += waited - begun
	c.refresh(part)
	t.Refresh += c.now() - waited
	return nil
}

func (c *Client) beginClock(part int) {
	c.stats.Clocks++
	p := &c.parts[part]
	for _, v := range p.views {
		v.deposit()
	}
	p.clock++
	p.ended, p.waits = true, true
	c.advance()
}

// advance sends an update for each clock that the slowest part of the group has
// finished, and when all parts are done, for what the last of them did. Everything
// deposited goes with the first: sent early is allowed.
func (c *Client) advance() {
	least, most, any := consistency.Clock(0), c.clock, false
	for _, p := range c.parts {
		most = max(most, p.clock)
		if !p.done && (!any || p.clock < least) {
			least, any = p.clock, true
		}
	}
	if !any {
		least = most
	}
	for c.clock < least {
		c.clock++
		c.flush()
	}
}

// flush sends every shard the update that ends clock c.clock.
func (c *Client) flush() {
	start := c.now()
	var u updates
	for k := range c.shards {
		sh := &c.shards[k]
		msg := c.update(k, &u)
		if c.clock <= sh.seen {
			for _, r := range c.replicas {
				r.seen(k, sh.seen)
			}
		}
		sh.sent = append(sh.sent, sentUpdate{c.clock, msg})
		msg.Retain() // until it is answered
		c.send(k, msg)
	}
	u.release()
	for _, r := range c.replicas {
		r.taken()
	}
	c.releases, c.exactly = c.releases[:0], false
	c.stats.Encode += c.now() - start
	c.flushSenders()
}

// updates are what the updates of one clock share: how they begin, and the message
// of those that hold nothing else.
type updates struct {
	based consistency.Clock
	newer consistency.Clock // see updateHead
	head  *Buffer           // nil: none was made yet
	empty *Buffer           // of the same version; nil: none was made yet
	room  *Buffer           // for the next that holds something
}

func (u *updates) release() {
	for _, b := range []**Buffer{&u.head, &u.empty, &u.room} {
		if *b != nil {
			(*b).Release()
			*b = nil
		}
	}
}

// update encodes what was deposited for a shard. Shards for which there is nothing
// share a buffer.
func (c *Client) update(k int, u *updates) *Buffer {
	sh := &c.shards[k]
	newest := c.newest(k)
	if u.head == nil || u.based != sh.version || u.newer != newest {
		u.release()
		u.head, u.based, u.newer = c.updateHead(sh.version, newest), sh.version, newest
	}
	if u.room == nil {
		u.room = c.buffers.get()
	}
	b := append(u.room.Bytes[:0], u.head.Bytes...)
	n, count := uint32(0), len(b)
	b = append(b, 0, 0, 0, 0)
	for _, r := range c.replicas {
		var took bool
		if b, took = r.take(k, c.clock, c.clock <= sh.seen, c.exactly, b); took {
			n++
		}
	}
	if n == 0 && len(c.releases) == 0 {
		if u.empty == nil {
			u.empty = c.buffers.get()
			u.empty.Bytes = append(append(u.empty.Bytes, u.head.Bytes...), nothing...)
		}
		u.room.Bytes = b
		u.empty.Retain()
		return u.empty
	}
	binary.LittleEndian.PutUint32(b[count:], n)
	msg := u.room
	msg.Bytes, u.room = c.appendReleases(b, k), nil
	return msg
}

// newest is, of a job that weights late updates, the highest clock of other origins
// in the values of a shard that every part of the group worked on.
func (c *Client) newest(k int) consistency.Clock {
	if !c.late {
		return 0
	}
	newest, last := consistency.Clock(math.MaxInt64), consistency.Beginning
	for _, p := range c.parts {
		if last = max(last, p.newest[k]); !p.done {
			newest = min(newest, p.newest[k])
		}
	}
	return min(newest, last) // last where all parts are done
}

// updateHead begins the update that ends clock c.clock, based on a version and on
// values with newest.
func (c *Client) updateHead(based, newest consistency.Clock) *Buffer {
	msg := c.message(kindUpdate)
	b := appendVarint(msg.Bytes, int64(c.clock))
	b = appendUint(b, 0) // sub
	b = appendVarint(b, int64(c.o.Policy.Floor(c.clock)))
	b = appendVarint(b, int64(based))
	if c.late {
		msg.Bytes = appendVarint(appendUint(b, flagLast|flagNewest), int64(newest))
		return msg
	}
	msg.Bytes = appendUint(b, flagLast)
	return msg
}

// appendReleases encodes the leases that are given back to a shard.
func (c *Client) appendReleases(b []byte, k int) []byte {
	n := 0
	for _, r := range c.releases {
		if _, ok := r.segment(k); ok {
			n++
		}
	}
	b = appendUint(b, uint64(n))
	for _, r := range c.releases {
		if _, ok := r.segment(k); ok {
			table, id := r.hold()
			b = appendUints(b, uint64(table), uint64(id))
		}
	}
	return b
}

// clockReady reports whether a part may go on at its clock: its group is not too
// far behind, everything before the floor is in, no more than a window of updates is unanswered, and the
// working set it asked for is here.
func (c *Client) clockReady(part int) bool {
	p := &c.parts[part]
	floor := c.o.Policy.Floor(p.clock)
	if p.clock-c.clock > c.o.Policy.Ahead() {
		return false
	}
	for k := range c.shards {
		sh := &c.shards[k]
		if sh.version < floor || c.clock-sh.answered > consistency.Clock(c.o.Window) {
			return false
		}
	}
	return p.ready()
}

func (p *partState) ready() bool {
	for _, v := range p.views {
		if !v.ready(p.ended) {
			return false
		}
	}
	return true
}

func (c *Client) refresh(part int) {
	p := &c.parts[part]
	for _, v := range p.views {
		if p.ended {
			v.turn()
		}
		v.refresh()
	}
	for k := range p.newest {
		p.newest[k] = c.shards[k].newest
	}
	p.ended, p.waits = false, false
}

// Sync waits, at a barrier, until the part's views hold every update that every
// origin made before the part's clock, whatever the policy.
func (c *Client) Sync(part int) error { return c.sync(part, false) }

// Exactly has the next update of the group carry all that it owes of lossy tables,
// as it is. Any part of it may call this, before its Clock.
func (c *Client) Exactly() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.exactly = true
}

// SyncExactly is Sync after which the views also hold what shards keep back of
// lossy tables: after a clock that all origins ended Exactly, the same values as
// the shards and as every other view.
func (c *Client) SyncExactly(part int) error { return c.sync(part, true) }

func (c *Client) sync(part int, exactly bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	ticket, floor := c.beginSync(part, exactly)
	if err := c.wait(func() bool { return c.syncReady(ticket, floor) }); err != nil {
		c.parts[part].waits = false
		return err
	}
	c.refresh(part)
	return nil
}

func (c *Client) beginSync(part int, exactly bool) (ticket uint64, floor consistency.Clock) {
	floor = c.parts[part].clock
	c.parts[part].waits = true
	ticket = c.ask(floor, exactly)
	c.flushSenders()
	return ticket, floor
}

func (c *Client) syncReady(ticket uint64, floor consistency.Clock) bool {
	for k := range c.shards {
		if c.shards[k].ticket < ticket || c.shards[k].version < floor {
			return false
		}
	}
	for i := range c.parts {
		if p := &c.parts[i]; !p.ended && !p.ready() {
			return false
		}
	}
	return true
}

// Settle waits until the shards have answered every update that the client sent,
// which they have applied then.
func (c *Client) Settle() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wait(func() bool {
		for k := range c.shards {
			if c.shards[k].answered < c.clock {
				return false
			}
		}
		return true
	})
}

// Finish says that a part will write no more; after the last of the group the
// origin pays what it owes and leaves, and nobody waits for it.
func (c *Client) Finish(part int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.parts[part].done = true
	c.advance()
	for _, p := range c.parts {
		if !p.done {
			return
		}
	}
	if c.left {
		return
	}
	if slices.ContainsFunc(c.replicas, replica.owes) {
		c.clock++
		c.exactly = true
		c.flush()
	}
	c.left = true
	for k := range c.shards {
		c.sendLeave(k)
	}
	c.flushSenders()
}

// wait blocks until ready; the caller holds the lock.
func (c *Client) wait(ready func() bool) error {
	if c.err == nil && !ready() {
		start := c.now()
		for c.err == nil && !ready() {
			c.changed.Wait()
		}
		d := c.now() - start
		c.stats.Waited += d
		c.stats.WaitedOn[c.lastBy()] += d
	}
	return c.err
}

// oldest is the oldest version that a shard has answered.
func (c *Client) oldest() consistency.Clock {
	v := c.shards[0].version
	for _, sh := range c.shards[1:] {
		v = min(v, sh.version)
	}
	return v
}

// lastBy is the origin whose message released the oldest version we work with.
func (c *Client) lastBy() consistency.Origin {
	least := 0
	for k := range c.shards {
		if c.shards[k].version < c.shards[least].version {
			least = k
		}
	}
	return c.shards[least].by
}

// Steps are Clock, Start and Sync cut where they wait, for a driver that has no
// goroutine to block: a simulation, or a loop over many parts. Each Begin is
// followed by its Ready until that is true, then by its End.
type Steps struct{ c *Client }

// Steps returns the client's calls in steps.
func (c *Client) Steps() Steps { return Steps{c} }

// BeginStart is Start up to its wait.
func (s Steps) BeginStart() {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.c.startOpen()
}

// StartReady reports whether Start would return.
func (s Steps) StartReady() bool {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	return s.c.openReady()
}

// BeginClock is Clock of a part up to its wait; it reports whether Clock would
// have blocked.
func (s Steps) BeginClock(part int) (blocked bool) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.c.beginClock(part)
	if !s.c.clockReady(part) {
		s.c.stats.Blocked++
		return true
	}
	return false
}

// ClockReady reports whether Clock of the part would return.
func (s Steps) ClockReady(part int) bool {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	return s.c.clockReady(part)
}

// End lets the part's views take in what was answered.
func (s Steps) End(part int) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.c.refresh(part)
}

// BeginSync is Sync or SyncExactly of a part up to its wait; SyncReady takes what
// it returns.
func (s Steps) BeginSync(part int, exactly bool) (ticket uint64, floor consistency.Clock) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	return s.c.beginSync(part, exactly)
}

// SyncReady reports whether Sync would return.
func (s Steps) SyncReady(ticket uint64, floor consistency.Clock) bool {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	return s.c.syncReady(ticket, floor)
}
