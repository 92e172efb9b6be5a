package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"

	"petuum/roles/cluster"
	"petuum/roles/control"
	"petuum/roles/enlist"
	"petuum/roles/wire"
)

const (
	reachFor  = 3 * time.Second // a dial with its handshake
	gossipFor = 5 * time.Second // until gossip has told everybody of everybody, as a job waits
	atOnce    = 16              // dials or pings
)

// dialed is how one peer could be reached.
type dialed struct {
	to   Process
	took time.Duration
	err  error
}

// each does something with every process, some at a time, and keeps the order.
func each(to []Process, do func(Process) (time.Duration, error)) []dialed {
	found := make([]dialed, len(to))
	slots := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for i, p := range to {
		slots <- struct{}{}
		all.Go(func() {
			took, err := do(p)
			found[i] = dialed{p, took, err}
			<-slots
		})
	}
	all.Wait()
	return found
}

// errSilent is why a dial ends when its time is over.
var errSilent = errors.New("no answer")

// checkReach dials the data listener of every server but this process.
func checkReach(ctx context.Context, l *list, place *enlist.Place, all []Process) {
	var servers []Process
	for _, p := range all {
		if p.Role == control.Server && p.Member.Data != "" && p.Name != l.process {
			servers = append(servers, p)
		}
	}
	found := each(servers, func(p Process) (time.Duration, error) {
		ctx, cancel := context.WithTimeoutCause(ctx, reachFor, errSilent)
		defer cancel()
		began := time.Now()
		c, err := wire.Dial(ctx, p.Member.Data, place.Hello(), place.Wire(func(peer wire.Hello) error {
			if peer.Name != p.Name && peer.Name != p.Member.Name {
				return fmt.Errorf("%s answers there, not %s", peer.Name, p.Name)
			}
			return nil
		}))
		took := time.Since(began)
		if err != nil {
			return 0, err
		}
		c.Abort() // nothing was said that must arrive
		return took, nil
	})
	report(l, "data connections", found, func(d dialed) (string, string) {
		return fmt.Sprintf("cannot reach %s at %s: %s", d.to.Name, d.to.Member.Data, cause(d.err)), fixReach(l.process, d)
	})
}

// report makes a line of all that worked, and one of each that did not.
func report(l *list, name string, found []dialed, failed func(dialed) (detail, fix string)) {
	var slowest dialed
	good := 0
	for _, d := range found {
		if d.err != nil {
			detail, fix := failed(d)
			l.fail(name, fix, "%s", detail)
			continue
		}
		good++
		if d.took >= slowest.took {
			slowest = d
		}
	}
	if good > 0 {
		l.ok(name, "%d of %d answer, the slowest %s after %s", good, len(found), slowest.to.Name, short(slowest.took))
	}
}

// short is a time as people read it.
func short(d time.Duration) string {
	if d < 0 {
		return "-" + short(-d)
	}
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/1e6)
	case d < time.Second:
		return fmt.Sprintf("%.0f ms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.3g s", d.Seconds())
}

// cause is what went wrong in a dial, without the addresses, which the line has.
func cause(err error) string {
	var op *net.OpError
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, errSilent), errors.As(err, &op) && op.Timeout():
		return fmt.Sprintf("no answer within %s", reachFor)
	}
	return plain(err)
}

// fixReach is what to do about a server that cannot be reached from a process.
func fixReach(from string, d dialed) string {
	switch err := d.err; {
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, wire.ErrNotPeer), errors.Is(err, wire.ErrRefused):
		return fmt.Sprintf("%s does not listen there: correct its --advertise, or bind it to that address (--bind, cluster.data)", d.to.Name)
	case errors.Is(err, wire.ErrVersion):
		return "run the same version of petuum everywhere"
	}
	_, port, _ := net.SplitHostPort(d.to.Member.Data)
	return fmt.Sprintf("correct %s's --advertise, or let TCP from %s to port %s through the firewall (cluster.data fixes the port)", d.to.Name, from, port)
}

// checkGossip looks whether every process answers over UDP, and is a live member to
// this one.
func checkGossip(ctx context.Context, l *list, c *cluster.Cluster, all []Process) {
	others := slices.DeleteFunc(slices.Clone(all), func(p Process) bool { return p.Name == l.process })
	found := each(others, func(p Process) (time.Duration, error) { return c.Ping(ctx, p.Member) })
	if len(found) > 1 && !slices.ContainsFunc(found, func(d dialed) bool { return d.err == nil }) {
		l.fail("gossip", fmt.Sprintf("correct --advertise of %s, or let UDP to its gossip port through the firewall", l.process),
			"none of %d processes answers over UDP to %s", len(found), c.Addr())
		return
	}
	report(l, "gossip", found, func(d dialed) (string, string) {
		return fmt.Sprintf("no answer over UDP from %s at %s to %s", d.to.Name, d.to.Member.Gossip, c.Addr()),
			fmt.Sprintf("correct --advertise of %s or %s, or let UDP through the firewall between their gossip ports, both ways", d.to.Name, l.process)
	})
	var answered []Process
	for _, d := range found {
		if d.err == nil {
			answered = append(answered, d.to)
		}
	}
	judgeSeen(l, answered, membersOf(ctx, c, answered))
}

// judgeSeen warns of processes that answer and are no members.
func judgeSeen(l *list, answered []Process, seen map[string]bool) {
	for _, p := range answered {
		if !seen[p.Member.Node] {
			l.warn("gossip", "look at the load of the machines, and whether the network loses packets",
				"%s answers, but is no live member here after %s", p.Name, gossipFor)
		}
	}
}

// membersOf waits for gossip to tell of these processes, but not for long, and says
// by node who is here.
func membersOf(ctx context.Context, c *cluster.Cluster, all []Process) map[string]bool {
	ctx, cancel := context.WithTimeout(ctx, gossipFor)
	defer cancel()
	for {
		seen := map[string]bool{}
		for _, m := range c.Members() {
			seen[m.Node] = true
		}
		if !slices.ContainsFunc(all, func(p Process) bool { return !seen[p.Member.Node] }) {
			return seen
		}
		select {
		case _, ok := <-c.Events():
			if !ok {
				return seen
			}
		case <-ctx.Done():
			return seen
		}
	}
}
