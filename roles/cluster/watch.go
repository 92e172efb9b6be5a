package cluster

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"

	"github.com/hashicorp/serf/serf"
)

// run takes what Serf reports and what TCP confirms, one at a time. It never waits for a reader of
// Events, because Serf stands still while its channel is full.
func (c *Cluster) run() {
	defer func() {
		for _, stop := range c.doubts {
			stop()
		}
	}()
	for {
		select {
		case e := <-c.heard:
			if me, ok := e.(serf.MemberEvent); ok {
				for i := range me.Members {
					c.hear(me.Type, &me.Members[i])
				}
			}
		case d := <-c.verdicts:
			c.take(func() outcome { return c.census.dead(d) })
		case <-c.ctx.Done():
			c.drain()
			return
		}
	}
}

// drain empties the channel, so that Serf's sender gets to see that it is over.
func (c *Cluster) drain() {
	for {
		select {
		case <-c.heard:
		default:
			return
		}
	}
}

func (c *Cluster) hear(t serf.EventType, m *serf.Member) {
	if c.quiet.Load() {
		return
	}
	switch t {
	case serf.EventMemberJoin, serf.EventMemberUpdate:
		a, err := parseClaim(m)
		if err != nil { // the gate has refused and logged it
			return
		}
		c.take(func() outcome { return c.census.heard(a) })
	case serf.EventMemberLeave:
		c.take(func() outcome { return c.census.left(m.Name) })
	case serf.EventMemberFailed:
		c.take(func() outcome { return c.census.silent(m.Name) })
	}
}

// take lets step change the census and does what follows. Only run calls it.
func (c *Cluster) take(step func() outcome) {
	c.mu.Lock()
	o := step()
	c.publish(o.events) // under the lock: Start publishes too, and the order of events is the census's
	c.mu.Unlock()
	if stop := c.doubts[o.calm]; stop != nil {
		stop()
		delete(c.doubts, o.calm)
	}
	if d := o.doubt; d != nil {
		ctx, stop := context.WithCancel(c.ctx)
		c.doubts[d.member.Node] = stop
		c.wg.Go(func() { c.ask(ctx, *d) })
	}
	for _, e := range o.events {
		if stop := c.doubts[e.Member.Node]; stop != nil && e.Kind == Failed {
			stop()
			delete(c.doubts, e.Member.Node)
		}
	}
	c.report(o)
	c.contest()
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

func (c *Cluster) publish(events []Event) {
	for _, e := range events {
		m := e.Member
		args := []any{"name", m.Name, "role", string(m.Role), "gossip", m.Gossip}
		if m.Data != "" {
			args = append(args, "data", m.Data)
		}
		if m.Seat != NoSeat {
			args = append(args, "seat", m.Seat)
		}
		if e.Kind == Failed {
			c.log.Warn("member failed", args...)
		} else {
			c.log.Info("member "+e.Kind.String(), args...)
		}
	}
	c.events.put(events...)
}

func (c *Cluster) report(o outcome) {
	if m := o.returned; m != nil {
		c.log.Warn("a member came back after its death was believed: gossip does not count it again, a job goes on while its connections do",
			"name", m.Name, "role", string(m.Role), "gossip", m.Gossip)
	}
	if o.refused != nil && o.holder != nil {
		c.log.Warn("refused a server: its seat is held", "name", o.refused.Name, "gossip", o.refused.Gossip,
			"seat", o.refused.Seat, "holder", o.holder.Name)
	}
}

// ask finds out whether a member that gossip misses is dead. It believes so when the member does not
// answer, and after a bounded number of answers: a process can be stopped while its system still opens
// connections for it. After each answer it exchanges state with the member over TCP: one that lacked the
// processor to answer in time learns that it is missed, and comes back. When gossip hears of the member
// again, or it turns out to have left, ctx ends.
func (c *Cluster) ask(ctx context.Context, d doubt) {
	wait := c.timing.grace
	for range c.timing.asks {
		if !pause(ctx, wait) {
			return
		}
		if !c.answers(ctx, d.member) {
			break
		}
		wait = c.timing.again
		_, err := c.serf.Memberlist().Join([]string{d.member.Gossip})
		c.log.Debug("gossip misses a member that still answers", "name", d.member.Name, "data", d.member.Data, "exchange", err)
	}
	select {
	case c.verdicts <- d:
	case <-ctx.Done():
	}
}

func (c *Cluster) answers(ctx context.Context, m Member) bool {
	ctx, stop := context.WithTimeout(ctx, c.timing.ask)
	defer stop()
	return c.alive(ctx, m)
}

// pause waits for d, and reports false if ctx ends before.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// answers is the default Alive: a TCP connection to the data listener opens. An error of this side,
// out of files or ports, says nothing of the other, and counts as an answer.
func answers(ctx context.Context, m Member) bool {
	addr := m.Data
	if addr == "" {
		addr = m.Gossip
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.EADDRNOTAVAIL)
	}
	defer conn.Close()
	// On one machine a dial to a free port can meet itself.
	return conn.LocalAddr().String() != conn.RemoteAddr().String()
}
