package cluster

import (
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/serf/serf"
)

// A gate is asked by Serf before a member enters its list, at a join and at each rumour: it keeps out
// what is no member and what speaks another major version. Serf holds locks while it asks.
type gate struct {
	log     *slog.Logger
	self    string // node
	version string // ours

	mu      sync.Mutex // guards what follows
	joining bool       // refusals are the joiner's own: kept, not logged
	refusal error      // the first one while joining
	warned  once
}

var _ serf.MergeDelegate = (*gate)(nil)

// NotifyMerge implements serf.MergeDelegate.
func (g *gate) NotifyMerge(ms []*serf.Member) error {
	for _, m := range ms {
		if m.Name == g.self || m.Status == serf.StatusLeft {
			continue
		}
		if err := g.check(m); err != nil {
			g.refuse(m, err)
			return err
		}
	}
	return nil
}

func (g *gate) check(m *serf.Member) error {
	a, err := parseClaim(m)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrForeign, err)
	}
	theirs, _ := majorOf(a.Version) // both have been checked
	ours, _ := majorOf(g.version)
	if theirs != ours {
		return fmt.Errorf("%w: %s runs %s, this process %s; run the same on all", ErrVersion, a.Name, a.Version, g.version)
	}
	return nil
}

func (g *gate) refuse(m *serf.Member, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.joining {
		if g.refusal == nil {
			g.refusal = err
		}
		return
	}
	if g.warned.first(m.Name) {
		g.log.Warn("refused a member", "node", m.Name, "role", m.Tags["role"],
			"gossip", net.JoinHostPort(m.Addr.String(), strconv.Itoa(int(m.Port))), "reason", err)
	}
}

// joinEnded returns the first refusal met while joining, if any; from now on refusals are logged.
func (g *gate) joinEnded() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.joining = false
	return g.refusal
}

// A once remembers names for a log line each; the oldest are forgotten, so that a stranger who makes
// names up costs no memory.
type once struct{ names []string }

func (o *once) first(name string) bool {
	if slices.Contains(o.names, name) {
		return false
	}
	if len(o.names) == 256 {
		o.names = slices.Delete(o.names, 0, 128)
	}
	o.names = append(o.names, name)
	return true
}

// lines turns the lines that Serf and memberlist log into slog records, all of them debug: what a
// person should know is logged by this package in its own words. One of those is only to be had from
// here: a peer whose key does not fit is turned away inside memberlist.
type lines struct {
	log *slog.Logger
	now func() time.Time

	mu     sync.Mutex // guards turned
	turned map[string]time.Time
}

// turnedQuiet is how long one host's failures to use the right key are one line.
const turnedQuiet = 10 * time.Second

// Write takes one line, as a log.Logger without flags writes it.
func (l *lines) Write(p []byte) (int, error) {
	text := strings.TrimSpace(string(p))
	l.log.Debug("gossip", "line", text)
	if host, ok := wrongKey(text); ok && l.fresh(host) {
		l.log.Warn("refused a peer: it does not use our gossip key", "from", host)
	}
	return len(p), nil
}

func (l *lines) fresh(host string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if last, ok := l.turned[host]; ok && now.Sub(last) < turnedQuiet {
		return false
	}
	if l.turned == nil || len(l.turned) >= 256 {
		l.turned = map[string]time.Time{}
	}
	l.turned[host] = now
	return true
}

// wrongKey recognises memberlist's line on a stream that it could not decrypt, and that on one which
// should have been encrypted, and returns the peer's host.
func wrongKey(line string) (host string, ok bool) {
	if !strings.Contains(line, "memberlist: failed to receive") || !strings.Contains(line, "crypt") {
		return "", false
	}
	_, from, _ := strings.Cut(line, " from=")
	if host, _, err := net.SplitHostPort(from); err == nil {
		return host, true
	}
	return from, true
}
