package cluster

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/serf/serf"
)

// A Cluster is this process's membership. Its methods may be called from any goroutine, but not from
// Config.Alive.
type Cluster struct {
	log    *slog.Logger
	timing timing
	alive  func(context.Context, Member) bool
	gate   *gate
	serf   *serf.Serf
	addr   netip.AddrPort

	heard    chan serf.Event // from Serf to run
	verdicts chan doubt      // from the doubts to run: believed dead
	changed  chan struct{}   // one token: the census has changed; for Start's claim of a seat
	events   *queue
	refused  chan error

	ctx    context.Context // of run and the doubts; ends in Shutdown
	cancel context.CancelFunc
	wg     sync.WaitGroup // run, the doubts, the leave after a refusal

	mu     sync.Mutex // guards census
	census *census

	doubts map[string]context.CancelFunc // by node; run's own

	tagging sync.Mutex  // held while the tags change: Serf does not lock them
	leaving sync.Mutex  // held during a leave and while Serf shuts down: memberlist panics at a leave after that
	closed  atomic.Bool // set under leaving
	quiet   atomic.Bool // this process has left: what it sees of others means nothing any more
	expel   sync.Once   // the refusal of this process
	over    sync.Once   // Shutdown
	overErr error
}

// Start joins the cluster, or starts a new one, and returns when this process is a member: a server
// with a seat when it holds it. Its errors match ErrUnreachable, ErrForeign, ErrVersion or ErrSeat where
// that is the cause. It does not retry a join that nobody answers. If the holder of the seat does not
// answer any more, Start waits until its death is known. ctx bounds Start only; on its end Start may take
// some seconds more, the time one exchange over the network may last.
func Start(ctx context.Context, c Config) (*Cluster, error) {
	return start(ctx, c, defaultTiming)
}

func start(ctx context.Context, c Config, t timing) (*Cluster, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	self, err := c.claim()
	if err != nil {
		return nil, err
	}
	p, err := c.resolve(ctx)
	if err != nil {
		return nil, err
	}
	cl, err := create(c, t, self, p)
	if err != nil {
		return nil, err
	}
	joined, err := cl.join(ctx, p.join)
	if err == nil {
		err = cl.claimSeat(ctx)
	}
	if err != nil {
		if joined {
			cl.leave() // the cause is what counts; a leave that fails is a crash to the others
		}
		cl.Shutdown()
		return nil, err
	}
	return cl, nil
}

// claim is who this process is: a new incarnation.
func (c *Config) claim() (claim, error) {
	var digits [4]byte
	if _, err := rand.Read(digits[:]); err != nil {
		return claim{}, fmt.Errorf("cluster: %w", err)
	}
	a := claim{
		Member: Member{
			Name: c.Name, Node: fmt.Sprintf("%s-%d-%s", c.Name, os.Getpid(), hex.EncodeToString(digits[:])),
			Role: c.Role, Seat: NoSeat, Data: c.Data, Version: c.Version, Job: c.Job,
		},
		start: time.Now().UnixNano(),
	}
	if c.Role == Server {
		a.Seat = c.Seat
	}
	return a, checkTags(a)
}

// create starts gossip, with nobody joined yet.
func create(c Config, t timing, self claim, p place) (*Cluster, error) {
	cl := &Cluster{
		log: c.Logger, timing: t, alive: c.Alive,
		heard: make(chan serf.Event, 256), verdicts: make(chan doubt),
		changed: make(chan struct{}, 1), refused: make(chan error, 1),
		doubts: map[string]context.CancelFunc{}, census: newCensus(self),
	}
	if cl.log == nil {
		cl.log = slog.New(slog.DiscardHandler)
	}
	if cl.alive == nil {
		cl.alive = answers
	}
	cl.gate = &gate{log: cl.log, self: self.Node, version: c.Version, joining: len(p.join) > 0}
	out := &lines{log: cl.log, now: time.Now}
	s, err := serf.Create(c.gossipConfig(self, p, cl.gate, out, cl.heard))
	if err != nil {
		return nil, fmt.Errorf("cluster: %w", err)
	}
	cl.serf = s
	local := s.LocalMember()
	ip, _ := netip.AddrFromSlice(local.Addr)
	cl.addr = netip.AddrPortFrom(ip.Unmap(), local.Port)
	cl.census.self.Gossip = cl.addr.String()
	cl.events = newQueue()
	cl.ctx, cl.cancel = context.WithCancel(context.Background())
	cl.wg.Go(cl.run)
	return cl, nil
}

// Addr is host:port of this process's gossip listener as others join it.
func (c *Cluster) Addr() string { return c.addr.String() }

// Members are the live members, sorted by role, seat and name; this process is one of them, unless it
// is an observer. A member whose death is in doubt is live. The slice is the caller's.
func (c *Cluster) Members() []Member {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.census.members()
}

// Self is this process as the others see it.
func (c *Cluster) Self() Member {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.census.self.Member
}

// Events tells of the other members: each join, leave and death once for each incarnation, those from
// before Start's return included. Events wait for the reader without bound. The channel is silent after
// this process leaves and closed by Shutdown, which drops what nobody read.
func (c *Cluster) Events() <-chan Event { return c.events.out }

// Refused delivers one error if this process loses its seat to another server after Start: two that
// started at the same time, or on two sides of a broken network. It matches ErrSeat. This process has
// then left the cluster, and its owner must stop serving and call Shutdown.
func (c *Cluster) Refused() <-chan error { return c.refused }

// pingFor is how long Ping tries: packets get lost, and on a busy machine answers are late.
const pingFor = 3 * time.Second

// Ping sends m packets over UDP, one each tenth of a second, until one is answered in that time, for three
// seconds at most. It returns the round trip. The packet goes to m.Gossip and the answer to this process's
// Addr.
func (c *Cluster) Ping(ctx context.Context, m Member) (time.Duration, error) {
	to, err := net.ResolveUDPAddr("udp", m.Gossip)
	if err != nil {
		return 0, fmt.Errorf("cluster: ping %s: %w", m.Name, err)
	}
	for began := time.Now(); time.Since(began) < pingFor; {
		if c.closed.Load() {
			return 0, ErrClosed
		}
		sent := time.Now() // memberlist's own time begins after the packet has gone, and may be negative
		if _, err := c.serf.Memberlist().Ping(m.Node, to); err == nil {
			return time.Since(sent), nil
		}
		if ctx.Err() != nil {
			break
		}
	}
	return 0, fmt.Errorf("cluster: ping %s: no answer over UDP from %s to %s", m.Name, m.Gossip, c.Addr())
}

// SetSeat gives this process, a server, another seat, or none by NoSeat. It fails with ErrSeat while
// another live server claims that seat. It returns when the news is on its way; others see it in
// Members, without an event.
func (c *Cluster) SetSeat(seat int) error {
	c.tagging.Lock()
	defer c.tagging.Unlock()
	if seat < NoSeat || seat > maxSeat {
		return fmt.Errorf("cluster: seat %d: want 0 to %d, or %d for none", seat, maxSeat, NoSeat)
	}
	c.mu.Lock()
	a := c.census.self
	a.Seat, a.held = seat, seat != NoSeat
	rival, taken := c.census.rival(a)
	c.mu.Unlock()
	switch {
	case c.closed.Load() || c.quiet.Load():
		return ErrClosed
	case a.Role != Server:
		return fmt.Errorf("cluster: seat %d: a %s has none; seats are for servers", seat, a.Role)
	case taken:
		return seatError(a, rival)
	}
	c.setTags(a)
	return nil
}

// setTags makes a this process's claim. The caller holds tagging.
func (c *Cluster) setTags(a claim) {
	c.mu.Lock()
	c.census.self = a
	c.mu.Unlock()
	// The size is checked at the start, and news that is not confirmed in time comes with push/pull.
	if err := c.serf.SetTags(a.tags()); err != nil {
		c.log.Debug("gossip: tags", "reason", err)
	}
	c.contest()
}

// Leave says goodbye, so that the others see Left and not Failed, and returns when the news is out or
// ctx ends. Gossip still runs until Shutdown. A second Leave does nothing.
func (c *Cluster) Leave(ctx context.Context) error {
	done := make(chan error, 1)
	go func() { done <- c.leave() }() // ends by itself; Shutdown waits for it
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("cluster: leave: %w", ctx.Err())
	}
}

func (c *Cluster) leave() error {
	c.leaving.Lock()
	defer c.leaving.Unlock()
	if c.closed.Load() {
		return ErrClosed
	}
	if !c.quiet.Swap(true) {
		c.goodbye()
	}
	if err := c.serf.Leave(); err != nil {
		return fmt.Errorf("cluster: leave: %w", err)
	}
	return nil
}

// told is how many members hear a goodbye from the leaver itself, over TCP; gossip tells the rest.
const told = 16

// goodbye tells the others that this process leaves: the scheduler first, then servers, then workers.
// Members that do not answer hold it up for a few seconds at most.
func (c *Cluster) goodbye() {
	c.tagging.Lock()
	defer c.tagging.Unlock()
	c.mu.Lock()
	c.census.self.bye = true
	self := c.census.self
	ms := c.census.members()
	c.mu.Unlock()
	ms = slices.DeleteFunc(ms, func(m Member) bool { return m.Node == self.Node })
	if len(ms) == 0 {
		return
	}
	if err := c.serf.SetTags(self.tags()); err != nil {
		c.log.Debug("gossip: goodbye", "reason", err)
	}
	var wg sync.WaitGroup
	for _, m := range ms[:min(told, len(ms))] {
		wg.Go(func() {
			if _, err := c.serf.Memberlist().Join([]string{m.Gossip}); err != nil {
				c.log.Debug("gossip: goodbye", "name", m.Name, "reason", err)
			}
		})
	}
	wg.Wait()
}

// Shutdown stops gossip, waits for this package's goroutines and closes Events; if a member is just being
// asked whether it lives, that takes up to a few seconds. Without Leave before it the others see a crash.
// It is idempotent.
func (c *Cluster) Shutdown() error {
	c.over.Do(func() {
		c.leaving.Lock()
		c.quiet.Store(true)
		c.closed.Store(true)
		c.tagging.Lock()
		if err := c.serf.Shutdown(); err != nil {
			c.overErr = fmt.Errorf("cluster: shutdown: %w", err)
		}
		c.tagging.Unlock()
		c.leaving.Unlock()
		c.cancel()
		c.wg.Wait()
		c.events.close()
	})
	return c.overErr
}

func seatError(self, rival claim) error {
	verb := "is held"
	if !rival.held {
		verb = "was claimed earlier"
	}
	return fmt.Errorf("cluster: %w: seat %d %s by %s at %s", ErrSeat, self.Seat, verb, rival.Name, rival.Gossip)
}

// contest makes this process go if a rival has a better right to the seat that it holds.
func (c *Cluster) contest() {
	c.mu.Lock()
	self := c.census.self
	rival, loses := c.census.loses()
	c.mu.Unlock()
	if !self.held || !loses || c.quiet.Load() {
		return
	}
	c.expel.Do(func() {
		err := seatError(self, rival)
		c.log.Warn("this server must go", "name", self.Name, "seat", self.Seat, "reason", err)
		c.wg.Go(func() {
			if lerr := c.leave(); lerr != nil && !errors.Is(lerr, ErrClosed) {
				c.log.Debug("gossip: leave", "reason", lerr)
			}
			c.refused <- err // room for one, sent once
		})
	})
}
