package algotest

import (
	"petuum/consistency"
	"petuum/table/placement"
)

// fault lets something go wrong and sets the time of the next fault.
func (c *cluster) fault() {
	if c.over() || c.budget == 0 {
		return
	}
	c.budget--
	c.after(1+c.rng.Int64N(400), c.fault)
	kind := Fault(1) << c.rng.IntN(7)
	if c.cfg.Faults&kind == 0 {
		return
	}
	happened := false
	h := c.hosts[c.rng.IntN(len(c.hosts))]
	switch kind {
	case Disconnect:
		happened = c.cutSome()
	case Restart:
		h.restart()
		happened = true
	case Replica:
		h.takeover()
		happened = true
	case Newcomer:
		happened = c.newcomer()
	case Leave:
		happened = c.retire()
	case Takeover:
		happened = c.takeOver()
	case Reissue:
		happened = c.reissue()
	}
	if happened {
		c.report.Faults[kind]++
	}
}

// over reports whether every part has finished.
func (c *cluster) over() bool {
	for _, n := range c.nodes {
		if !n.dead && !n.finished() {
			return false
		}
	}
	return !c.replacing
}

func (c *cluster) cutSome() bool {
	var whole []*link
	for _, l := range c.links {
		if !l.cut && !l.node.dead {
			whole = append(whole, l)
		}
	}
	if len(whole) == 0 {
		return false
	}
	c.disconnect(whole[c.rng.IntN(len(whole))])
	return true
}

// spread takes a roster to every shard, each at its time, and calls then when
// the last has it.
func (c *cluster) spread(r placement.Roster, then func()) {
	c.roster = r
	left := len(c.hosts)
	for _, h := range c.hosts {
		c.after(c.rng.Int64N(120), func() {
			h.setRoster(r)
			if left--; left == 0 {
				then()
			}
		})
	}
}

// tell lets clients learn of the roster, each at its time.
func (c *cluster) tell(r placement.Roster) {
	for _, n := range c.nodes {
		if n.dead || n.closed {
			continue
		}
		c.after(c.rng.Int64N(150), func() {
			if n.dead || n.closed {
				return
			}
			n.generation = max(n.generation, r.Generation)
			n.client.SetGeneration(r.Generation)
		})
	}
}

// newcomer lets an origin enter. The clocks of the shards stand still from the
// first roster to the second, which says where it starts.
func (c *cluster) newcomer() bool {
	o := consistency.Origin(len(c.carriers))
	if c.changing || c.cfg.Deterministic || int(o) >= len(c.partsOf) {
		return false
	}
	c.changing = true
	c.spread(c.roster.Move(), func() {
		least := c.hosts[0].shard.Min()
		for _, h := range c.hosts {
			least = max(least, h.shard.Min())
		}
		r, err := c.roster.Enter(o, least)
		if err != nil {
			c.failf("protocol", "%v", err)
			return
		}
		start, _ := r.Has(o)
		c.final[o] = start + 1 + consistency.Clock(c.rng.IntN(c.cfg.Clocks))
		c.spread(r, func() { c.changing = false })
		c.newNode(o, r.Generation, start, nil)
		c.tell(r)
	})
	return true
}

// reissue begins a generation of the same origins; clients may learn of it before
// shards do.
func (c *cluster) reissue() bool {
	if c.changing {
		return false
	}
	c.changing = true
	r := c.roster.Move()
	c.spread(r, func() { c.changing = false })
	c.tell(r)
	return true
}

// retire takes an origin that has finished off the roster, once every shard has
// all of it.
func (c *cluster) retire() bool {
	if c.changing {
		return false
	}
	for _, n := range c.nodes {
		if n.dead || n.closed || !n.finished() || !c.complete(n) {
			continue
		}
		r, err := c.roster.Leave(n.origin)
		if err != nil {
			c.failf("protocol", "%v", err)
			return false
		}
		n.closed = true
		for _, l := range n.links {
			c.forget(l)
		}
		c.changing = true
		c.spread(r, func() {
			c.changing = false
			c.tell(r)
		})
		return true
	}
	return false
}

// complete reports whether every shard has every update of a node.
func (c *cluster) complete(n *node) bool {
	for _, h := range c.hosts {
		if h.shard.Seen(n.origin) < n.client.Sent() {
			return false
		}
	}
	return true
}

// takeOver lets the client of an origin die, and another carry the origin on. Of
// what is on the way from the old one, some is lost and some late.
func (c *cluster) takeOver() bool {
	n := c.nodes[c.rng.IntN(len(c.nodes))]
	if c.changing || n.dead || !n.started || n.finished() || n.parts[0].rotor != nil {
		return false
	}
	for _, p := range n.parts {
		if p.state == finished || p.state == closing {
			return false // it may have left on some shards
		}
	}
	c.changing, c.replacing = true, true
	n.dead = true
	c.died[n.origin]++
	c.carriers[n.origin] = nil
	for _, l := range n.links {
		if l == nil {
			continue
		}
		c.lose(&l.up)
		late := c.rng.Int64N(300)
		for i := range l.up.packets {
			l.up.packets[i].at += late
		}
	}
	r := c.roster.Move()
	c.spread(r, func() {
		c.changing, c.replacing = false, false
		seen := make([]consistency.Clock, len(c.hosts))
		start := c.hosts[0].shard.Seen(n.origin)
		for k, h := range c.hosts {
			seen[k] = h.shard.Seen(n.origin)
			start = min(start, seen[k])
		}
		c.forgetUnseen(n, start, seen)
		c.newNode(n.origin, r.Generation, start, seen)
		c.tell(r)
	})
	return true
}

// forgetUnseen takes out of the ledger what no shard has of a node that died. The
// levels written are other ones from now on, unless updates must be the same
// whoever sends them.
func (c *cluster) forgetUnseen(n *node, start consistency.Clock, seen []consistency.Clock) {
	for _, t := range c.tabs {
		for cell := range t.logs {
			for _, p := range n.parts {
				if l := t.log(cell, p.slot); l != nil {
					l.cut(seen[l.shard])
					if c.cfg.Deterministic {
						l.made = l.at(start)
					}
				}
			}
		}
	}
}
