package enlist

import (
	"context"
	"fmt"
	"sync"
	"time"

	"petuum/roles/cluster"
)

// Addresses are the data addresses of members, as gossip tells of them. They stay
// known when gossip takes a busy member for a dead one.
type Addresses struct{ byName sync.Map }

// Listen learns addresses until ctx ends or the process leaves the cluster.
func (a *Addresses) Listen(ctx context.Context, c *cluster.Cluster) {
	for {
		select {
		case e, ok := <-c.Events():
			if !ok {
				return
			}
			if e.Kind == cluster.Joined && e.Member.Data != "" {
				a.byName.Store(e.Member.Name, e.Member.Data)
			}
		case <-ctx.Done():
			return
		}
	}
}

// Gossip may tell of a server a moment after its connection came.
const (
	gossipFor   = 5 * time.Second
	gossipAgain = 5 * time.Millisecond
)

// Of is the data address of a member, for which it may have to wait a little.
func (a *Addresses) Of(ctx context.Context, name string) (string, error) {
	for began := time.Now(); ; {
		if addr, ok := a.byName.Load(name); ok {
			return addr.(string), nil
		}
		if time.Since(began) > gossipFor {
			return "", fmt.Errorf("gossip does not know the data address of %s", name)
		}
		select {
		case <-time.After(gossipAgain):
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
}
