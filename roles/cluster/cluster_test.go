package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/serf/serf"
)

func TestJoinByAnyMember(t *testing.T) {
	key := []byte("0123456789abcdef")
	var log journal
	data, _ := dataListener(t)
	cs := conf("scheduler", Scheduler, NoSeat)
	cs.Key, cs.Logger = key, log.logger()
	s := mustStart(t, cs)
	c1 := conf("server-1", Server, 1, s)
	c1.Key = key
	s1 := mustStart(t, c1)
	c0 := conf("server-0", Server, 0, s1)
	c0.Key, c0.Data = key, data
	s0 := mustStart(t, c0)
	cw := conf("worker-0", Worker, 0, s0) // a worker has no seat, whatever the config says
	cw.Key = key
	w := mustStart(t, cw)

	const want = "scheduler server-0 server-1 worker-0"
	for _, c := range []*Cluster{s, s0, s1, w} {
		until(t, c, "everybody is here", func() bool { return names(c.Members()) == want })
	}
	if got := names(w.Members()); got != want {
		t.Errorf("members: got %s, want %s", got, want)
	}
	expect(t, s, Joined, s1.Self())
	got := expect(t, s, Joined, s0.Self())
	self := Member{Name: "server-0", Node: s0.Self().Node, Role: Server, Seat: 0, Gossip: s0.Addr(), Data: data, Version: "1.2.3", Job: "test"}
	if d := cmp.Diff(self, got); d != "" {
		t.Errorf("member by gossip (-want +got):\n%s", d)
	}
	if d := cmp.Diff(self, s0.Self()); d != "" {
		t.Errorf("self (-want +got):\n%s", d)
	}
	if m := expect(t, s, Joined, w.Self()); m.Seat != NoSeat {
		t.Errorf("seat of a worker: got %d, want %d", m.Seat, NoSeat)
	}
	if host, _, err := net.SplitHostPort(s.Addr()); err != nil || host != "127.0.0.1" {
		t.Errorf("default address: got %s, want a port of 127.0.0.1", s.Addr())
	}
	for _, name := range []string{"server-0", "server-1", "worker-0"} {
		if got := log.lines("level=INFO", `msg="member joined"`, "name="+name, "gossip=127.0.0.1:", "role="); len(got) != 1 {
			t.Errorf("log of the join of %s: got %d lines, want 1", name, len(got))
		}
	}
	if got := log.lines("level=WARN"); got != nil {
		t.Errorf("warnings: %s", got)
	}
}

// The members that were there before are in Members when Start returns, and join in Events.
func TestMembersAtReturn(t *testing.T) {
	s := mustStart(t, conf("scheduler", Scheduler, NoSeat))
	w0 := mustStart(t, conf("worker-0", Worker, NoSeat, s))
	expect(t, s, Joined, w0.Self())
	w1 := mustStart(t, conf("worker-1", Worker, NoSeat, s))
	if got, want := names(w1.Members()), "scheduler worker-0 worker-1"; got != want {
		t.Errorf("members at the return of Start: got %s, want %s", got, want)
	}
	seen := map[string]int{}
	for range 2 {
		e := next(t, w1)
		if e.Kind != Joined {
			t.Errorf("event: got %v, want joined", e)
		}
		seen[e.Member.Name]++
	}
	if d := cmp.Diff(map[string]int{"scheduler": 1, "worker-0": 1}, seen); d != "" {
		t.Errorf("joins seen (-want +got):\n%s", d)
	}
	nothingMore(t, w1)
}

func TestLeaveAndCrash(t *testing.T) {
	var log journal
	cs := conf("scheduler", Scheduler, NoSeat)
	cs.Logger = log.logger()
	s := mustStart(t, cs)
	data, stop := dataListener(t)
	cw := conf("crash", Worker, NoSeat, s)
	cw.Data = data
	crash := mustStart(t, cw)
	expect(t, s, Joined, crash.Self())
	bye := mustStart(t, conf("bye", Worker, NoSeat, s))
	expect(t, s, Joined, bye.Self())

	if err := bye.Leave(deadline(t)); err != nil {
		t.Fatal(err)
	}
	expect(t, s, Left, bye.Self())
	for _, m := range s.serf.Members() {
		if m.Name == bye.Self().Node && m.Tags["bye"] != "1" {
			t.Errorf("it left by Serf's goodbye alone, which can be overtaken: tags %v", m.Tags)
		}
	}
	stop()
	crash.Shutdown()
	expect(t, s, Failed, crash.Self())
	if got := names(s.Members()); got != "scheduler" {
		t.Errorf("members: got %s, want scheduler", got)
	}
	nothingMore(t, s)
	for name, msg := range map[string]string{"crash": `level=WARN msg="member failed"`, "bye": `level=INFO msg="member left"`} {
		if got := log.lines(msg, "name="+name); len(got) != 1 {
			t.Errorf("%s of %s: got %d lines, want 1", msg, name, len(got))
		}
	}
}

// Every goodbye arrives, however the messages of many overtake each other. On a starved machine some of
// these members fall silent first; here that is not enough for a death.
func TestManyLeave(t *testing.T) {
	cs := conf("scheduler", Scheduler, NoSeat)
	cs.Alive = func(context.Context, Member) bool { return true }
	tm := defaultTiming
	tm.asks = 1 << 30
	s := mustStartTimed(t, cs, tm)
	const n = 8
	var all [n]*Cluster
	for i := range all {
		all[i] = mustStart(t, conf("worker", Worker, NoSeat, s))
		expect(t, s, Joined, all[i].Self())
	}
	errs := make(chan error, n)
	for _, w := range all {
		go func() { errs <- errors.Join(w.Leave(deadline(t)), w.Shutdown()) }()
	}
	for range all {
		if e := next(t, s); e.Kind != Left {
			t.Errorf("got %v of %s, want left", e.Kind, e.Member.Node)
		}
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	nothingMore(t, s)
}

func TestShutdown(t *testing.T) {
	c := mustStart(t, conf("server-0", Server, NoSeat))
	for range 2 {
		if err := c.Shutdown(); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := <-c.Events(); ok {
		t.Error("events are open after Shutdown")
	}
	if err := c.Leave(deadline(t)); !errors.Is(err, ErrClosed) {
		t.Errorf("leave after Shutdown: got %v, want %v", err, ErrClosed)
	}
	if err := c.SetSeat(1); !errors.Is(err, ErrClosed) {
		t.Errorf("SetSeat after Shutdown: got %v, want %v", err, ErrClosed)
	}
}

// Leave and Shutdown may meet: memberlist panics if they do unguarded.
func TestLeaveMeetsShutdown(t *testing.T) {
	s := mustStart(t, conf("scheduler", Scheduler, NoSeat))
	w := mustStart(t, conf("worker", Worker, NoSeat, s))
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	left := make(chan error, 2)
	for range 2 {
		go func() { left <- w.Leave(gone) }()
	}
	w.Shutdown()
	for range 2 {
		if err := <-left; err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	}
}

func TestDeathIsWithheldWhileTCPAnswers(t *testing.T) {
	var answer atomic.Bool
	answer.Store(true)
	asked := make(chan Member, 1)
	cs := conf("scheduler", Scheduler, NoSeat)
	cs.Alive = func(_ context.Context, m Member) bool {
		select {
		case asked <- m:
		default:
		}
		return answer.Load()
	}
	tm := defaultTiming
	tm.again, tm.asks = defaultTiming.again/50, 1<<30
	s := mustStartTimed(t, cs, tm)
	w := mustStart(t, conf("worker", Worker, NoSeat, s))
	expect(t, s, Joined, w.Self())
	w.Shutdown()
	for range 3 {
		if m := take(t, asked, "question"); m.Node != w.Self().Node {
			t.Errorf("asked about %s, want %s", m.Node, w.Self().Node)
		}
	}
	if got, want := names(s.Members()), "scheduler worker"; got != want {
		t.Errorf("members in doubt: got %s, want %s", got, want)
	}
	nothingMore(t, s)
	answer.Store(false)
	expect(t, s, Failed, w.Self())
	if got, want := names(s.Members()), "scheduler last"; got != want {
		t.Errorf("members after the death: got %s, want %s", got, want)
	}
}

func TestSilenceIsBelievedInTheEnd(t *testing.T) {
	var asks atomic.Int64
	cs := conf("scheduler", Scheduler, NoSeat)
	cs.Alive = func(context.Context, Member) bool { asks.Add(1); return true }
	tm := defaultTiming
	tm.again, tm.asks = defaultTiming.again/50, 4
	s := mustStartTimed(t, cs, tm)
	w := mustStart(t, conf("worker", Worker, NoSeat, s))
	expect(t, s, Joined, w.Self())
	w.Shutdown()
	expect(t, s, Failed, w.Self())
	if got := asks.Load(); got != 4 {
		t.Errorf("asked %d times, want 4", got)
	}
}

// A member that gossip hears again in time has had no death; one whose goodbye comes after the
// report of its failure has left.
func TestDoubtEnds(t *testing.T) {
	asked, ended := make(chan struct{}), make(chan struct{})
	cs := conf("scheduler", Scheduler, NoSeat)
	cs.Alive = func(ctx context.Context, _ Member) bool {
		asked <- struct{}{}
		<-ctx.Done()
		ended <- struct{}{}
		return false
	}
	tm := defaultTiming
	tm.ask = patience
	s := mustStartTimed(t, cs, tm)
	m := serf.Member{Name: "w-1", Addr: net.IPv4(127, 0, 0, 1), Port: 9,
		Tags: claim{Member: Member{Name: "w", Role: Worker, Seat: NoSeat, Version: "1.0.0"}}.tags()}
	send := func(e serf.EventType) { s.heard <- serf.MemberEvent{Type: e, Members: []serf.Member{m}} }
	send(serf.EventMemberJoin)
	expect(t, s, Joined, Member{Node: "w-1"})
	for range 2 {
		send(serf.EventMemberFailed)
		take(t, asked, "question")
		send(serf.EventMemberJoin)
		take(t, ended, "end of the doubt")
	}
	send(serf.EventMemberFailed)
	take(t, asked, "question")
	send(serf.EventMemberLeave)
	take(t, ended, "end of the doubt")
	expect(t, s, Left, Member{Node: "w-1"})
	nothingMore(t, s)
}

// A goodbye may come just after the silence, although nobody answers any more.
func TestGoodbyeOvertaken(t *testing.T) {
	cs := conf("scheduler", Scheduler, NoSeat)
	cs.Alive = func(context.Context, Member) bool { return false }
	tm := defaultTiming
	tm.grace = patience
	s := mustStartTimed(t, cs, tm)
	for i := range 10 {
		m := serf.Member{Name: fmt.Sprint("w-", i), Addr: net.IPv4(127, 0, 0, 1), Port: 9,
			Tags: claim{Member: Member{Name: "w", Role: Worker, Seat: NoSeat, Version: "1.0.0"}}.tags()}
		send := func(e serf.EventType) { s.heard <- serf.MemberEvent{Type: e, Members: []serf.Member{m}} }
		send(serf.EventMemberJoin)
		for range 1000 { // the more, the longer a hasty verdict would have
			send(serf.EventMemberFailed)
		}
		send(serf.EventMemberLeave)
		expect(t, s, Joined, Member{Node: m.Name})
		expect(t, s, Left, Member{Node: m.Name})
	}
}

// Who has left hears nothing of the others any more, and would take their silence for death.
func TestQuietAfterLeave(t *testing.T) {
	s := mustStart(t, conf("scheduler", Scheduler, NoSeat))
	w := mustStart(t, conf("worker", Worker, NoSeat, s))
	expect(t, w, Joined, s.Self())
	for range 2 {
		if err := w.Leave(deadline(t)); err != nil {
			t.Fatal(err)
		}
	}
	w.hear(serf.EventMemberLeave, &serf.Member{Name: s.Self().Node})
	if got, want := names(w.Members()), "scheduler worker"; got != want {
		t.Errorf("members after the leave: got %s, want %s", got, want)
	}
	if err := w.SetSeat(1); !errors.Is(err, ErrClosed) {
		t.Errorf("SetSeat after Leave: got %v, want %v", err, ErrClosed)
	}
}

func TestAnswers(t *testing.T) {
	up, stop := dataListener(t)
	ctx := deadline(t)
	if !answers(ctx, Member{Data: up}) || !answers(ctx, Member{Gossip: up}) {
		t.Error("a listener does not answer")
	}
	stop()
	if answers(ctx, Member{Data: up, Gossip: "127.0.0.1:1"}) {
		t.Error("a closed listener answers")
	}
}

func TestStartErrors(t *testing.T) {
	up, stop := dataListener(t)
	stop() // up is a port where nobody listens
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	go func() { // another program's port: it hangs up
		for {
			c, err := mute.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	long := strings.Repeat("x", 500)
	for _, tc := range []struct {
		name string
		mod  func(*Config)
		is   error
		want string
	}{
		{"name", func(c *Config) { c.Name = "a/b" }, nil, `name "a/b"`},
		{"role", func(c *Config) { c.Role = "boss" }, nil, `role "boss": want scheduler, server, worker or observer`},
		{"seat", func(c *Config) { c.Seat = -2 }, nil, "seat -2"},
		{"version", func(c *Config) { c.Version = "1.2" }, nil, `version "1.2": want major.minor.patch`},
		{"data unspecified", func(c *Config) { c.Data = "0.0.0.0:77" }, nil, "no address that others can dial"},
		{"data port", func(c *Config) { c.Data = "10.0.0.1:0" }, nil, "port must be 1 to 65535"},
		{"key", func(c *Config) { c.Key = make([]byte, 10) }, nil, "gossip key has 10 bytes; want 16, 24 or 32"},
		{"empty key", func(c *Config) { c.Key = []byte{} }, nil, "gossip key has 0 bytes"},
		{"tags", func(c *Config) { c.Job = long }, nil, "tags too long: name (8 bytes), job (500)"},
		{"all at once", func(c *Config) { c.Role, c.Key = "boss", make([]byte, 3) }, nil, "gossip key has 3 bytes"},
		{"bind foreign", func(c *Config) { c.Bind = "203.0.113.1" }, nil, "bind 203.0.113.1:0: this machine has no such address"},
		{"bind taken", func(c *Config) { c.Bind = mute.Addr().String() }, nil, "the port is taken"},
		{"bind zone", func(c *Config) { c.Bind = "[fe80::1%lo]:0" }, nil, "zone"},
		{"bind everywhere", func(c *Config) { c.Bind = "0.0.0.0" }, nil, "set advertise"},
		{"bind no host", func(c *Config) { c.Bind = ":7946" }, nil, "names no host"},
		{"advertise unspecified", func(c *Config) { c.Advertise = "0.0.0.0" }, nil, "advertise 0.0.0.0: stands for no particular machine"},
		{"advertise unspecified 6", func(c *Config) { c.Advertise = "[::]:99" }, nil, "advertise [::]:99: stands for no particular machine"},
		{"advertise multicast", func(c *Config) { c.Advertise = "224.0.0.1" }, nil, "is no machine's address"},
		{"advertise beyond bind", func(c *Config) { c.Advertise = "10.1.2.3" }, nil, "set bind as well"},
		{"advertise port", func(c *Config) { c.Advertise = "127.0.0.1:99" }, nil, "give bind a port"},
		{"join port", func(c *Config) { c.Join = []string{"127.0.0.1"} }, nil, "join 127.0.0.1: no port"},
		{"join remote from loopback", func(c *Config) { c.Join = []string{"203.0.113.1:7946"} }, nil, "cannot reach a loopback address"},
		{"join nobody", func(c *Config) { c.Join = []string{up} }, ErrUnreachable, "join " + up + ": nobody answers there"},
		{"join another program", func(c *Config) { c.Join = []string{up, mute.Addr().String()} }, ErrForeign, "join " + mute.Addr().String() + ": does not answer to our gossip key, or is not a petuum member"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := conf("server-0", Server, 0)
			tc.mod(&c)
			cl, err := Start(deadline(t), c)
			if err == nil {
				cl.Shutdown()
				t.Fatal("got no error")
			}
			if !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), "cluster: ") {
				t.Errorf("got %q, want cluster: ... %q", err, tc.want)
			}
			if tc.is != nil && !errors.Is(err, tc.is) {
				t.Errorf("got %v, want it to match %v", err, tc.is)
			}
		})
	}
}

func TestStartEndsWithContext(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // connections open, nobody speaks
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ctx, cancel := context.WithCancel(context.Background())
	over := deadline(t)
	go func() {
		if c, err := silent.Accept(); err == nil {
			cancel()
			<-over.Done()
			c.Close()
		}
	}()
	c := conf("worker", Worker, NoSeat)
	c.Join = []string{silent.Addr().String()}
	if _, err := Start(ctx, c); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// A port that is open but mute is not taken for one with another key.
func TestJoinMutePort(t *testing.T) {
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close() // nobody accepts: the system opens the connections
	c := conf("worker", Worker, NoSeat)
	c.Join = []string{mute.Addr().String()}
	cl, err := Start(deadline(t), c)
	if err == nil {
		cl.Shutdown()
		t.Fatal("got no error")
	}
	if want := "although the port is open"; !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %q, want %q in it", err, want)
	}
}

// Its own address among those to join is skipped: one file serves every role.
func TestJoinSelf(t *testing.T) {
	addr, stop := dataListener(t)
	stop()
	c := conf("server-0", Server, 0)
	c.Bind, c.Join = addr, []string{addr}
	cl, err := Start(deadline(t), c)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Shutdown()
	if got := len(cl.Members()); cl.Addr() != addr || got != 1 {
		t.Errorf("got address %s and %d members, want %s and 1", cl.Addr(), got, addr)
	}
	cl.Shutdown()
	nobody, stop := dataListener(t)
	stop()
	c.Join = append(c.Join, nobody)
	if cl, err := Start(deadline(t), c); !errors.Is(err, ErrUnreachable) {
		t.Errorf("itself and nobody: got %v, want %v", err, ErrUnreachable)
		if err == nil {
			cl.Shutdown()
		}
	}
}
