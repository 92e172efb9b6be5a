package cluster

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// refuses starts c, which must fail with an error that matches is and says want, and checks that the
// member that was asked has logged one warning and no join; witness is let in after it.
func refuses(t *testing.T, by *Cluster, log *journal, c, witness Config, is error, want string) {
	t.Helper()
	cl, err := Start(deadline(t), c)
	if err == nil {
		cl.Shutdown()
		t.Fatal("got no error")
	}
	if !errors.Is(err, is) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %q, want %q in it", err, want)
	}
	log.await(t, "level=WARN") // it may learn of the refusal after the joiner
	w := mustStart(t, witness)
	expect(t, by, Joined, w.Self())
	if got := log.lines("level=WARN"); len(got) != 1 {
		t.Errorf("warnings: got %d, want 1: %s", len(got), got)
	}
	if got := log.lines("member joined"); len(got) != 1 {
		t.Errorf("joins: got %d, want 1 (the witness): %s", len(got), got)
	}
}

func TestRefuseVersion(t *testing.T) {
	var log journal
	cs := conf("scheduler", Scheduler, NoSeat)
	cs.Logger = log.logger()
	s := mustStart(t, cs)
	c := conf("worker", Worker, NoSeat, s)
	c.Version = "2.0.0"
	refuses(t, s, &log, c, conf("witness", Worker, NoSeat, s), ErrVersion, "another major version: scheduler runs 1.2.3, this process 2.0.0")
	if got := log.lines("worker runs 2.0.0, this process 1.2.3"); len(got) != 1 {
		t.Errorf("reason in the log: got %d lines, want 1", len(got))
	}
	c.Version = "1.9.0-rc1" // another minor version is welcome
	w := mustStart(t, c)
	expect(t, s, Joined, w.Self())
}

func TestRefuseKey(t *testing.T) {
	for _, tc := range []struct{ name, ours, theirs string }{
		{"another", "0123456789abcdef", "fedcba9876543210"},
		{"none", "0123456789abcdef", ""},
		{"unasked", "", "fedcba9876543210"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			key := func(s string) []byte {
				if s == "" {
					return nil
				}
				return []byte(s)
			}
			var log journal
			cs := conf("scheduler", Scheduler, NoSeat)
			cs.Logger, cs.Key = log.logger(), key(tc.ours)
			s := mustStart(t, cs)
			c := conf("worker", Worker, NoSeat, s)
			c.Key = key(tc.theirs)
			witness := conf("witness", Worker, NoSeat, s)
			witness.Key = key(tc.ours)
			refuses(t, s, &log, c, witness, ErrForeign, "join "+s.Addr()+": does not answer to our gossip key, or is not a petuum member")
		})
	}
}

func TestRefuseSeat(t *testing.T) {
	var log journal
	cs := conf("scheduler", Scheduler, NoSeat)
	cs.Logger = log.logger()
	s := mustStart(t, cs)
	data, _ := dataListener(t)
	c := conf("server-0", Server, 7, s)
	c.Data = data
	holder := mustStart(t, c)
	expect(t, s, Joined, holder.Self())

	c = conf("second", Server, 7, s)
	c.Logger = log.logger()
	if cl, err := Start(deadline(t), c); err == nil {
		cl.Shutdown()
		t.Fatal("second server for seat 7: got no error")
	} else if want := "seat taken: seat 7 is held by server-0 at " + holder.Addr(); !errors.Is(err, ErrSeat) || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %q, want %q at its end", err, want)
	}
	log.await(t, "level=WARN")
	nothingMore(t, s)
	if got := log.lines("level=WARN"); len(got) != 1 || !strings.Contains(got[0], "name=second") || !strings.Contains(got[0], "holder=server-0") {
		t.Errorf("warnings: got %q, want one on second and server-0", got)
	}
	next := mustStart(t, conf("server-1", Server, 8, s))
	expect(t, s, Joined, next.Self())
}

// A server that starts again before anybody has noticed its crash waits, and gets its seat.
func TestRestartBeforeTheDeathIsKnown(t *testing.T) {
	s := mustStart(t, conf("scheduler", Scheduler, NoSeat))
	data, stop := dataListener(t)
	c := conf("server-0", Server, 0, s)
	c.Data = data
	first := mustStart(t, c)
	expect(t, s, Joined, first.Self())
	stop()
	first.Shutdown()
	again, _ := dataListener(t)
	c.Data = again
	second := mustStart(t, c)
	expect(t, s, Failed, first.Self())
	expect(t, s, Joined, second.Self())
	if got := s.Members(); len(got) != 2 || got[1].Node != second.Self().Node {
		t.Errorf("members: got %v, want the second incarnation", got)
	}
	if first.Self().Node == second.Self().Node {
		t.Errorf("both incarnations are %s", first.Self().Node)
	}
}

// A seat whose holder neither answers nor is known to be dead is not waited for without end.
func TestStaleSeat(t *testing.T) {
	s := mustStart(t, conf("scheduler", Scheduler, NoSeat))
	holder := mustStart(t, conf("server-0", Server, 0, s)) // gossips on
	expect(t, s, Joined, holder.Self())
	c := conf("second", Server, 0, s)
	c.Alive = func(context.Context, Member) bool { return false }
	tm := defaultTiming
	tm.stale = tm.settle
	cl, err := start(deadline(t), c, tm)
	if err == nil {
		cl.Shutdown()
		t.Fatal("got no error")
	}
	if want := "is not known to be dead"; !errors.Is(err, ErrSeat) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %q, want %q in it", err, want)
	}
}

// Servers that start at once for one seat, each by another member: exactly one stays.
func TestRaceForSeat(t *testing.T) {
	hasty := defaultTiming
	hasty.settle = 0 // they hold before they have heard of each other
	for _, tc := range []struct {
		name string
		timing
	}{{"settled", defaultTiming}, {"hasty", hasty}} {
		t.Run(tc.name, func(t *testing.T) {
			a := mustStart(t, conf("scheduler", Scheduler, NoSeat))
			b := mustStart(t, conf("worker", Worker, NoSeat, a))
			for range 4 {
				race(t, tc.timing, a, b)
			}
		})
	}
}

func race(t *testing.T, tm timing, meet ...*Cluster) {
	t.Helper()
	ctx := deadline(t)
	up := contend(ctx, t, tm, 3, meet...)
	lost := make(chan *Cluster, len(up))
	for _, c := range up {
		go func() {
			select {
			case err := <-c.Refused():
				if !errors.Is(err, ErrSeat) {
					t.Errorf("refused: got %v, want %v", err, ErrSeat)
				}
				lost <- c
			case <-c.ctx.Done():
			}
		}()
	}
	for range len(up) - 1 {
		take(t, lost, "refusal, and several hold the seat")
	}
	// The others see one server, and when it says goodbye, none: nobody waits behind it.
	servers := func(c *Cluster) (k int) {
		for _, m := range c.Members() {
			if m.Role == Server {
				k++
			}
		}
		return k
	}
	until(t, meet[0], "one server", func() bool { return servers(meet[0]) == 1 })
	select {
	case c := <-lost:
		t.Fatalf("all were refused, %s last", c.Self().Node)
	default:
	}
	for _, c := range up {
		c.Leave(ctx)
		c.Shutdown()
	}
	for _, c := range meet {
		until(t, c, "no server", func() bool { return servers(c) == 0 })
	}
}

// contend starts n servers at once for seat 5 and returns those whose Start succeeds, at least one.
func contend(ctx context.Context, t *testing.T, tm timing, n int, meet ...*Cluster) (up []*Cluster) {
	t.Helper()
	type result struct {
		c   *Cluster
		err error
	}
	results := make(chan result)
	for i := range n {
		go func() {
			c, err := start(ctx, conf("rival", Server, 5, meet[i%len(meet)]), tm)
			results <- result{c, err}
		}()
	}
	for range n {
		switch r := <-results; {
		case r.err == nil:
			t.Cleanup(func() { r.c.Shutdown() })
			up = append(up, r.c)
		case !errors.Is(r.err, ErrSeat):
			t.Errorf("a loser: got %v, want %v", r.err, ErrSeat)
		}
	}
	if len(up) == 0 {
		t.Fatal("none got the seat")
	}
	return up
}

// Two clusters that turn out to be one, each with a holder of the same seat: the later one goes.
func TestRefusedAfterStart(t *testing.T) {
	var log journal
	early := mustStart(t, conf("early", Server, 3))
	c := conf("late", Server, 3)
	c.Logger = log.logger()
	late := mustStart(t, c)
	bridge := mustStart(t, conf("bridge", Worker, NoSeat, early, late))
	select {
	case err := <-late.Refused():
		if want := "seat 3 is held by early at " + early.Addr(); !errors.Is(err, ErrSeat) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %q, want %q in it", err, want)
		}
	case <-deadline(t).Done():
		t.Fatal("late was not refused")
	}
	until(t, bridge, "one server", func() bool { return names(bridge.Members()) == "early bridge" })
	until(t, early, "one server", func() bool { return names(early.Members()) == "early bridge" })
	select {
	case err := <-early.Refused():
		t.Errorf("early was refused too: %v", err)
	default:
	}
	if got := log.lines("this server must go"); len(got) != 1 {
		t.Errorf("log of the refusal: got %d lines, want 1", len(got))
	}
	expect(t, early, Joined, bridge.Self()) // and nothing of late, which never was announced there
	nothingMore(t, early)
}

func TestSetSeat(t *testing.T) {
	s := mustStart(t, conf("scheduler", Scheduler, NoSeat))
	a := mustStart(t, conf("a", Server, NoSeat, s))
	expect(t, s, Joined, a.Self())
	b := mustStart(t, conf("b", Server, NoSeat, s))
	expect(t, s, Joined, b.Self())
	seats := func(c *Cluster) map[string]int {
		m := map[string]int{}
		for _, x := range c.Members() {
			m[x.Name] = x.Seat
		}
		return m
	}
	if err := a.SetSeat(0); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*Cluster{s, b} {
		until(t, c, "a has seat 0", func() bool { return seats(c)["a"] == 0 })
	}
	if err := b.SetSeat(0); !errors.Is(err, ErrSeat) {
		t.Errorf("seat 0 again: got %v, want %v", err, ErrSeat)
	}
	if err := b.SetSeat(1); err != nil {
		t.Fatal(err)
	}
	until(t, s, "b has seat 1", func() bool { return seats(s)["b"] == 1 })
	if err := a.SetSeat(NoSeat); err != nil {
		t.Fatal(err)
	}
	until(t, b, "seat 0 is free", func() bool { return seats(b)["a"] == NoSeat })
	if err := b.SetSeat(0); err != nil {
		t.Error(err)
	}
	for _, bad := range []int{-2, maxSeat + 1} {
		if err := b.SetSeat(bad); err == nil {
			t.Errorf("seat %d: got no error", bad)
		}
	}
	if err := s.SetSeat(2); err == nil || !strings.Contains(err.Error(), "a scheduler has none") {
		t.Errorf("seat of a scheduler: got %v", err)
	}
	nothingMore(t, s) // a change of seats is no event
}
