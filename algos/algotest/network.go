package algotest

import (
	"slices"

	"petuum/consistency"
	"petuum/table"
)

// link is one connection of a node with a host.
type link struct {
	node     *node
	host     *host
	up, down queue
	cut      bool   // nothing more gets in, either way
	awaits   uint32 // the head of up waits for a generation after this one
}

// queue is one direction of a link.
type queue struct {
	packets []packet
	delay   int64 // of a packet, on average
}

type packet struct {
	at  int64 // when it arrives, unless one before it is late
	msg []byte
}

func (c *cluster) newLink(n *node, h *host) *link {
	l := &link{node: n, host: h}
	l.up.delay, l.down.delay = c.drawDelay(), c.drawDelay()
	c.links = append(c.links, l)
	return l
}

// drawDelay makes some directions much slower than others.
func (c *cluster) drawDelay() int64 {
	if c.rng.IntN(6) == 0 {
		return 60
	}
	return 1 + c.rng.Int64N(12)
}

func (c *cluster) push(q *queue, msg []byte) {
	at := c.now + 1 + c.rng.Int64N(2*q.delay)
	if c.rng.IntN(40) == 0 {
		at += 150
	}
	q.packets = append(q.packets, packet{at, slices.Clone(msg)})
	c.report.Messages++
}

// due is when the next packet can be taken.
func (q *queue) due() (at int64, ok bool) {
	if len(q.packets) == 0 {
		return 0, false
	}
	return q.packets[0].at, true
}

// lose drops everything from a random point on.
func (c *cluster) lose(q *queue) { q.packets = q.packets[:c.rng.IntN(len(q.packets)+1)] }

// port is the Sender of a node for one shard, whatever link it has.
type port struct {
	node *node
}

// Send implements table.Sender.
func (p *port) Send(shard int, b *table.Buffer) {
	if l := p.node.links[shard]; l != nil && !l.cut {
		p.node.c.push(&l.up, b.Bytes)
	}
}

// Flush implements table.Sender.
func (p *port) Flush() {}

// connect makes a new link of a node. What was on the way on the old one is gone.
func (c *cluster) connect(n *node, k int) {
	if n.dead || n.closed {
		return
	}
	sender := n.port
	if old := n.links[k]; old != nil {
		c.forget(old)
		if c.rng.IntN(2) == 0 {
			sender = &port{n}
		}
	}
	n.links[k] = c.newLink(n, c.hosts[k])
	n.client.Connect(k, sender)
}

func (c *cluster) forget(l *link) {
	l.cut = true
	c.links = slices.DeleteFunc(c.links, func(x *link) bool { return x == l })
}

// disconnect cuts a link: both directions lose what is after some point.
func (c *cluster) disconnect(l *link) {
	l.cut = true
	c.lose(&l.up)
	c.lose(&l.down)
	c.reconnectLater(l)
}

func (c *cluster) reconnectLater(l *link) {
	n, k := l.node, l.host.k
	c.after(c.rng.Int64N(200), func() {
		if n.links[k] == l {
			c.connect(n, k)
		}
	})
}

// reply takes a shard's message to an origin: what it sends back to the sender of
// a message goes on its link, all else where the origin's session is.
func (c *cluster) reply(h *host, from *link) table.Reply {
	return func(to consistency.Origin, b *table.Buffer) {
		h.witness(to, b)
		l := from
		if l == nil || l.node.origin != to {
			l = h.routes[to]
		}
		if l != nil && !l.cut && !l.node.dead {
			c.push(&l.down, b.Bytes)
		}
	}
}
