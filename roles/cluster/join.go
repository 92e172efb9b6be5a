package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/hashicorp/serf/serf"
)

// join meets the members at the given addresses. It reports whether anybody was met, and no error if
// there was nobody to meet: a new cluster.
func (c *Cluster) join(ctx context.Context, targets []target) (joined bool, err error) {
	var missed []target
	mute := map[netip.AddrPort]bool{}  // who took a connection and then all the time there was
	shut := map[netip.AddrPort]error{} // who could not be reached, and why
	for _, t := range targets {
		met, self := false, false
		for _, a := range t.addrs {
			if a == c.addr {
				self = true
				continue
			}
			begun := time.Now()
			ok, err := c.joinOne(ctx, a)
			if err != nil {
				return joined, err
			}
			mute[a] = time.Since(begun) >= patient
			if !ok && !mute[a] {
				// One that can be reached now may have begun to listen a moment ago.
				if shut[a] = reach(ctx, a); shut[a] == nil {
					if ok, err = c.joinOne(ctx, a); err != nil {
						return joined, err
					}
				}
			}
			met = met || ok
		}
		joined = joined || met
		if !met && !self {
			missed = append(missed, t)
		}
	}
	refusal := c.gate.joinEnded()
	if joined {
		c.introduce()
		return true, nil
	}
	return false, explain(missed, mute, shut, refusal)
}

// joinOne meets one member. Serf's join cannot be interrupted, but ends in a few seconds.
func (c *Cluster) joinOne(ctx context.Context, a netip.AddrPort) (bool, error) {
	done := make(chan error, 1)
	go func() {
		_, err := c.serf.Join([]string{a.String()}, true)
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			c.log.Debug("gossip: join", "addr", a, "reason", err)
		}
		return err == nil, nil
	case <-ctx.Done():
		<-done
		return false, fmt.Errorf("cluster: join %s: %w", a, ctx.Err())
	}
}

// introduce puts the members that Serf has learnt from the join into the census, so that they are
// there when Start returns. Serf's events about them may come before or after.
func (c *Cluster) introduce() {
	for _, m := range c.serf.Members() {
		if m.Status != serf.StatusAlive {
			continue
		}
		a, err := parseClaim(&m)
		if err != nil {
			continue
		}
		c.mu.Lock()
		if a.Node != c.census.self.Node {
			c.publish(c.census.introduce(a).events)
		}
		c.mu.Unlock()
	}
}

// explain says why nobody was met. Memberlist's errors are text, so the addresses were dialled again: shut
// is why that failed, if it did. refusal is why this process turned away from those it could talk to.
func explain(missed []target, mute map[netip.AddrPort]bool, shut map[netip.AddrPort]error, refusal error) error {
	var errs []error
	for _, t := range missed {
		cause := ErrForeign
		for _, a := range t.addrs {
			if err := shut[a]; err != nil {
				cause = fmt.Errorf("%w there; is a member running, and is this its gossip address? %w", ErrUnreachable, err)
				continue
			}
			switch cause = ErrForeign; {
			case refusal != nil:
				cause = refusal
			case mute[a]:
				cause = fmt.Errorf("%w there within %v, although the port is open; is it a member's gossip address?", ErrUnreachable, patient)
			}
			break
		}
		errs = append(errs, fmt.Errorf("cluster: join %s: %w", t.text, cause))
	}
	return errors.Join(errs...)
}

func reach(ctx context.Context, a netip.AddrPort) error {
	d := net.Dialer{Timeout: patient}
	conn, err := d.DialContext(ctx, "tcp", a.String())
	if err != nil {
		return err
	}
	return conn.Close()
}

// claimSeat returns when this process holds the seat that it has claimed, or must not have it.
func (c *Cluster) claimSeat(ctx context.Context) error {
	c.mu.Lock()
	self, alone := c.census.self, len(c.census.records) == 0
	c.mu.Unlock()
	if self.Seat == NoSeat {
		return nil
	}
	settle, stale := time.NewTimer(c.timing.settle), time.NewTimer(c.timing.stale)
	defer settle.Stop()
	defer stale.Stop()
	settled := alone
	for {
		c.mu.Lock()
		rival, loses := c.census.loses()
		c.mu.Unlock()
		if loses && c.answers(ctx, rival.Member) && ctx.Err() == nil {
			return seatError(self, rival)
		}
		if !loses && settled {
			c.tagging.Lock()
			defer c.tagging.Unlock()
			self.held = true
			c.setTags(self)
			return nil
		}
		select {
		case <-c.changed:
		case <-settle.C:
			settled = true
		case <-stale.C:
			return fmt.Errorf("%w, which does not answer but is not known to be dead either; try again", seatError(self, rival))
		case <-ctx.Done():
			return fmt.Errorf("cluster: claim of seat %d: %w", self.Seat, ctx.Err())
		}
	}
}
