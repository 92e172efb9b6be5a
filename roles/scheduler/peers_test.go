package scheduler

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"petuum/consistency"
	"petuum/roles/control"
	"petuum/roles/muster"
	"petuum/roles/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// connected returns both ends of a connection; ours knows the other by hello.
func connected(t *testing.T, role, name string, seat int) (ours, theirs *wire.Conn) {
	t.Helper()
	a, b := net.Pipe()
	o := wire.Defaults()
	o.Kinds = control.Known
	dialed := make(chan error)
	go func() {
		var err error
		theirs, err = wire.Client(t.Context(), b, wire.Hello{Major: 1, Role: role, Name: name, Seat: int32(seat)}, o)
		dialed <- err
	}()
	ours, err := wire.Accept(a, wire.Hello{Major: 1, Role: control.Scheduler, Name: "scheduler", Seat: -1}, o)
	if err := errors.Join(err, <-dialed); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ours.Abort()
		theirs.Abort()
	})
	return ours, theirs
}

// enlisted says how a process asks to take part: "server:1", "server", "worker".
func enlisted(t *testing.T, who string, n int) *wire.Conn {
	t.Helper()
	role, pinned, found := strings.Cut(who, ":")
	seat := -1
	if found {
		if _, err := fmt.Sscan(pinned, &seat); err != nil {
			t.Fatal(err)
		}
	}
	c, _ := connected(t, role, fmt.Sprintf("%s-pid%d", role, n), seat)
	return c
}

// newScheduler has what gathering needs.
func newScheduler(servers, workers int) *scheduler {
	return &scheduler{peers: muster.New(servers, workers), box: control.NewMailbox(), progress: newProgress(nil, nil, false), log: slog.New(slog.DiscardHandler)}
}

// TestServe is the life of connections: one that is refused reads why; one that
// leaves early is forgotten; frames reach the mailbox under the name of the job;
// one that is lost ends the job.
func TestServe(t *testing.T) {
	s := newScheduler(1, 1)
	serve := func(ours *wire.Conn) <-chan struct{} {
		done := make(chan struct{})
		go func() { defer close(done); s.serve(ours) }()
		return done
	}
	ignore := func(wire.Kind, []byte) error { return nil }

	ours, theirs := connected(t, control.Scheduler, "another", -1)
	done := serve(ours)
	told := make(chan []byte, 1)
	go func() {
		_ = theirs.Serve(func(kind wire.Kind, body []byte) error {
			told <- append([]byte{byte(kind)}, body...)
			return nil
		})
	}()
	why := <-told
	theirs.Close()
	<-done
	stop, err := control.Decode[control.Stop](why[1:])
	if wire.Kind(why[0]) != control.KindStop || err != nil || !stop.Failed || !strings.Contains(stop.Reason, "a scheduler cannot take part") {
		t.Errorf("the refused one read %q, want why: %v", why, err)
	}

	ours, theirs = connected(t, control.Server, "server-pid1", -1)
	done = serve(ours)
	<-s.peers.Changed() // admitted
	go func() { _ = theirs.Serve(ignore) }()
	theirs.Close()
	<-done
	if n := len(s.peers.All()); n != 0 {
		t.Errorf("%d peers after the only one left, want 0", n)
	}
	<-s.peers.Changed()

	var ends []<-chan struct{}
	var conns []*wire.Conn
	for _, role := range []string{control.Server, control.Worker} {
		ours, theirs := connected(t, role, role+"-pid2", -1)
		ends = append(ends, serve(ours))
		conns = append(conns, theirs)
		<-s.peers.Changed()
	}
	if err := s.gather(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := conns[1].Send(control.KindReady, []byte{1, 2}); err != nil {
		t.Fatal(err)
	}
	e, err := s.box.Next(t.Context())
	if err != nil || e.From != "worker-0" || e.Kind != control.KindReady || !slices.Equal(e.Body, []byte{1, 2}) {
		t.Errorf("got %+v and %v, want what the worker sent, from worker-0", e, err)
	}
	if err := conns[1].Send(control.KindBatch, nil); err != nil { // out of turn: ends the connection
		t.Fatal(err)
	}
	<-ends[1]
	if e, err = s.box.Next(t.Context()); err != nil || e.Err == nil || !strings.Contains(e.Err.Error(), "worker-0 died") {
		t.Errorf("got %+v and %v, want the death of worker-0", e, err)
	}
	s.settling.Store(true)
	go func() { _ = conns[0].Serve(ignore) }()
	conns[0].Close()
	<-ends[0]
	nothing(t, s, "a server said goodbye to a job that is done")
}

// nothing fails the test if there is something in the mailbox.
func nothing(t *testing.T, s *scheduler, when string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if e, err := s.box.Next(ctx); err == nil {
		t.Errorf("%s: got %+v, want nothing", when, e)
	}
}

// TestServeEarly has somebody speak, fail and leave before the job begins, which is
// then none of the job's business.
func TestServeEarly(t *testing.T) {
	s := newScheduler(1, 1)
	ours, theirs := connected(t, control.Worker, "worker-pid1", -1)
	go func() { _ = theirs.Serve(func(wire.Kind, []byte) error { return nil }) }()
	for _, kind := range []wire.Kind{control.KindReady, control.KindFailed} {
		if err := theirs.Send(kind, control.Encode(control.Failed{Error: "no memory"})); err != nil {
			t.Fatal(err)
		}
	}
	closed := make(chan error)
	go func() { closed <- theirs.Close() }()
	s.serve(ours)
	<-closed
	nothing(t, s, "before the job began")
	if n := len(s.peers.All()); n != 0 {
		t.Errorf("%d peers after the only one left, want 0", n)
	}
}

// TestServeOver ends connections after the job has ended.
func TestServeOver(t *testing.T) {
	s := newScheduler(1, 0)
	ours, theirs := connected(t, control.Server, "server-pid1", -1)
	done := make(chan struct{})
	go func() { defer close(done); s.serve(ours) }()
	<-s.peers.Changed()
	if err := s.gather(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(s.peers.Close()); n != 1 {
		t.Errorf("%d peers at the end, want 1", n)
	}
	theirs.Abort()
	<-done
	nothing(t, s, "a connection broke when the job was over")
	if _, err := s.peers.Admit(enlisted(t, "server", 2)); err == nil || !strings.Contains(err.Error(), "the job is over") {
		t.Errorf("one came when the job was over: got the error %v", err)
	}
}

// TestRefusedStays has a process that was refused keep its connection, which must
// not keep the scheduler from ending.
func TestRefusedStays(t *testing.T) {
	ours, theirs := connected(t, control.Scheduler, "another", -1)
	go func() { _ = theirs.Serve(func(wire.Kind, []byte) error { return nil }) }()
	newScheduler(1, 1).serve(ours)
}

// TestAwait checks that only what is due is handled, and who is named otherwise.
func TestAwait(t *testing.T) {
	failed := control.Encode(control.Failed{Error: "data:3: no label"})
	for _, c := range []struct {
		name   string
		events []control.Event
		bad    error // of the handler
		want   string
	}{
		{"what is due", []control.Event{{From: "worker-0", Kind: control.KindReady}, {From: "worker-1", Kind: control.KindReady}}, nil, ""},
		{"something else", []control.Event{{From: "worker-0", Kind: control.KindReady}, {From: "server-1", Kind: control.KindNorms}}, nil, "server-1 sent a frame of kind"},
		{"a failure", []control.Event{{From: "worker-1", Kind: control.KindFailed, Body: failed}}, nil, "worker-1: data:3: no label"},
		{"a failure that is garbage", []control.Event{{From: "worker-1", Kind: control.KindFailed, Body: []byte("?")}}, nil, "control.Failed"},
		{"an end", []control.Event{{Err: io.ErrUnexpectedEOF}}, nil, "unexpected EOF"},
		{"an error of the handler", []control.Event{{From: "worker-1", Kind: control.KindReady}}, errors.New("not its part"), "worker-1: not its part"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScheduler(1, 2)
			for _, e := range c.events {
				s.box.Put(e)
			}
			handled := 0
			err := s.box.Await(t.Context(), control.KindReady, 2, func(control.Event) error { handled++; return c.bad })
			if c.want == "" && (err != nil || handled != 2) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("handled %d and got the error %v, want %q", handled, err, c.want)
			}
		})
	}
}

// TestAssign deals parts to workers in every way.
func TestAssign(t *testing.T) {
	for workers := 1; workers <= 9; workers++ {
		for parts := range 20 {
			for _, deterministic := range []bool{false, true} {
				list := make([]*muster.Peer, workers)
				for i := range list {
					list[i] = &muster.Peer{Groups: []control.Group{{Origin: 77}}} // of another time
				}
				name := fmt.Sprintf("%d parts, %d workers, deterministic %t", parts, workers, deterministic)
				origins := assign(list, parts, deterministic)
				want := min(parts, workers)
				if deterministic {
					want = parts
				}
				if origins != want {
					t.Errorf("%s: %d origins, want %d", name, origins, want)
				}
				part, origin := 0, consistency.Origin(0)
				for i, w := range list {
					had := part
					for _, g := range w.Groups {
						if g.Origin != origin || len(g.Parts) == 0 || deterministic && len(g.Parts) != 1 {
							t.Errorf("%s: worker %d has the group %+v, want origin %d with parts", name, i, g, origin)
						}
						origin++
						for _, p := range g.Parts {
							if p != part {
								t.Errorf("%s: worker %d has part %d where %d is due", name, i, p, part)
							}
							part++
						}
					}
					if n := part - had; n != parts/workers && n != (parts+workers-1)/workers {
						t.Errorf("%s: worker %d has %d parts", name, i, n)
					}
					if !deterministic && len(w.Groups) > 1 {
						t.Errorf("%s: worker %d has %d groups, want one at most", name, i, len(w.Groups))
					}
				}
				if part != parts || int(origin) != origins {
					t.Errorf("%s: %d parts dealt to %d origins, want %d and %d", name, part, origin, parts, origins)
				}
			}
		}
	}
}
