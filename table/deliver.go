package table

import (
	"errors"
	"fmt"
	"slices"

	"petuum/consistency"
)

// Deliver takes a message of a shard. Any goroutine may call it; it never waits.
// An error means that the message was not what a shard sends: close the
// connection.
func (c *Client) Deliver(shard int, msg []byte) error {
	return c.DeliverAll([]Message{{Shard: shard, Body: msg}})
}

// Message is an encoded message for or from a shard.
type Message struct {
	Shard int
	Body  []byte
}

// DeliverAll is Deliver for messages that came together: whoever waits is woken
// once. It stops at the first error.
func (c *Client) DeliverAll(list []Message) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.changed.Broadcast()
	start := c.now()
	var err error
	var a answerHead
	for i := 0; i < len(list) && err == nil; i++ {
		m := list[i]
		if i == 0 || !m.Again(list[i-1].Body) || m.Shard < 0 || m.Shard >= len(c.shards) {
			a.empty = false
		}
		if !a.empty {
			err = c.deliver(m.Shard, m.Body, &a)
			continue
		}
		c.answered(m.Shard, &a)
	}
	c.dropRetired()
	c.stats.Decode += c.now() - start
	return err
}

func (c *Client) deliver(shard int, msg []byte, a *answerHead) error {
	if shard < 0 || shard >= len(c.shards) {
		return fmt.Errorf("table: message of shard %d of %d", shard, len(c.shards))
	}
	c.reader = reader{b: msg}
	r := &c.reader
	k, gen, _ := r.header()
	var err error
	switch {
	case r.err != nil:
		err = r.err
	case gen < c.gen && (k == kindAnswer || k == kindReset):
		// It crossed the hello of our generation, which began another session.
	case k == kindAnswer:
		err = c.answer(shard, r, a)
	case k == kindRefuse:
		c.refused = max(c.refused, gen)
	case k == kindReset:
		c.shards[shard].life = 0
		for _, rep := range c.replicas {
			rep.unready(shard)
		}
		c.introduce(shard)
	default:
		err = errors.New("not a message for a client")
	}
	if err != nil {
		return fmt.Errorf("table: %s of shard %d: %w", k, shard, err)
	}
	return nil
}

// answerHead is what an answer says apart from values.
type answerHead struct {
	life, stamp          uint32
	version, clock, seen consistency.Clock
	ticket               uint64
	by                   consistency.Origin
	newest               consistency.Clock // see Late
	// Of an answer that was taken in, for those of other shards that say the same:
	empty   bool // it brings no values
	layered bool // a replica has an update of which answers tell
}

// answer takes an answer in. Its head is read first and nothing happens when it
// is broken; a block that is broken fails the client, since part of it is in.
func (c *Client) answer(k int, r *reader, a *answerHead) error {
	a.life, a.stamp = r.u32v(), r.u32v()
	a.version, a.clock = consistency.Clock(r.varint()), consistency.Clock(r.varint())
	a.ticket = r.uvarint()
	a.seen = consistency.Clock(r.varint())
	r.u32v() // sub: a client sends whole clocks
	a.by = consistency.Origin(r.u32v())
	if c.late {
		a.newest = consistency.Clock(r.varint())
	}
	n := r.u32n(6)
	if r.err != nil {
		return r.err
	}
	for _, rep := range c.replicas {
		rep.credit(k, a.seen)
	}
	if err := c.answerBlocks(k, n, r); err != nil {
		c.fail(fmt.Errorf("table: answer of shard %d: %w", k, err))
		return err
	}
	c.answered(k, a)
	a.empty = n == 0
	a.layered = slices.ContainsFunc(c.replicas, replica.layered)
	return nil
}

// answered is what an answer that brings no values changes, and any other once they
// are in.
func (c *Client) answered(k int, a *answerHead) {
	if a.empty && a.layered {
		for _, rep := range c.replicas {
			rep.credit(k, a.seen)
		}
	}
	sh := &c.shards[k]
	sh.life, sh.stamp, sh.by, sh.newest = a.life, a.stamp, a.by, a.newest
	sh.version = max(sh.version, a.version)
	sh.seen = max(sh.seen, a.seen)
	sh.answered = max(sh.answered, a.clock)
	sh.ticket = max(sh.ticket, a.ticket)
	for len(sh.sent) > 0 && sh.sent[0].clock <= sh.answered {
		sh.sent[0].msg.Release()
		sh.sent = append(sh.sent[:0], sh.sent[1:]...) // a few: those of the window
	}
	if len(sh.asks) > 0 {
		sh.asks = slices.DeleteFunc(sh.asks, func(a sentAsk) bool { // a later one with a lower floor may be answered first
			return a.ticket <= sh.ticket && a.floor <= sh.version
		})
	}
	if !a.empty || a.layered {
		for _, rep := range c.replicas {
			rep.seen(k, sh.seen)
			rep.refreshAhead(k)
		}
	}
}

func (c *Client) answerBlocks(k int, n uint32, r *reader) error {
	for range n {
		first := r.flag()
		c.block = reader{b: r.bytes(int(r.u32()))}
		body := &c.block
		table, id := int(body.upTo(uint64(len(c.specs)-1), "table")), body.u32v()
		if r.err != nil || body.err != nil {
			return errors.Join(r.err, body.err)
		}
		if rep := c.replica(table, id); rep != nil {
			if err := rep.deliver(k, first, body); err != nil {
				return err
			}
		}
	}
	if len(r.b) > 0 {
		return fmt.Errorf("%d bytes too many", len(r.b))
	}
	return nil
}

func (c *Client) replica(table int, id uint32) replica {
	for _, r := range c.replicas {
		if t, i := r.hold(); t == table && i == id {
			return r
		}
	}
	return nil
}
