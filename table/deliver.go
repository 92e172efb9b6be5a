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
	for i := 0; i < len(list) && err == nil; i++ {
		err = c.deliver(list[i].Shard, list[i].Body)
	}
	c.stats.Decode += c.now() - start
	return err
}

func (c *Client) deliver(shard int, msg []byte) error {
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
		err = c.answer(shard, r)
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

// answer takes an answer in. Its head is read first and nothing happens when it
// is broken; a block that is broken fails the client, since part of it is in.
func (c *Client) answer(k int, r *reader) error {
	life, stamp := r.u32v(), r.u32v()
	version, clock := consistency.Clock(r.varint()), consistency.Clock(r.varint())
	ticket := r.uvarint()
	seen := consistency.Clock(r.varint())
	r.u32v() // sub: a client sends whole clocks
	by := consistency.Origin(r.u32v())
	n := r.u32n(6)
	if r.err != nil {
		return r.err
	}
	for _, rep := range c.replicas {
		rep.credit(k, seen)
	}
	if err := c.answerBlocks(k, n, r); err != nil {
		c.fail(fmt.Errorf("table: answer of shard %d: %w", k, err))
		return err
	}
	sh := &c.shards[k]
	sh.life, sh.stamp, sh.by = life, stamp, by
	sh.version = max(sh.version, version)
	sh.seen = max(sh.seen, seen)
	sh.answered = max(sh.answered, clock)
	sh.ticket = max(sh.ticket, ticket)
	for len(sh.sent) > 0 && sh.sent[0].clock <= sh.answered {
		sh.sent[0].msg.Release()
		sh.sent = append(sh.sent[:0], sh.sent[1:]...) // a few: those of the window
	}
	sh.asks = slices.DeleteFunc(sh.asks, func(a sentAsk) bool { // a later one with a lower floor may be answered first
		return a.ticket <= sh.ticket && a.floor <= sh.version
	})
	for _, rep := range c.replicas {
		rep.seen(k, sh.seen)
		rep.refreshAhead(k)
	}
	c.dropRetired()
	return nil
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
