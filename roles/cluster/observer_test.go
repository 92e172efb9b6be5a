package cluster

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// An observer sees the members; they do not see it, not when it comes and not when it goes.
func TestObserver(t *testing.T) {
	var log journal
	cs := conf("scheduler", Scheduler, NoSeat)
	cs.Logger = log.logger()
	s := mustStart(t, cs)
	w := mustStart(t, conf("worker-0", Worker, NoSeat, s))
	expect(t, s, Joined, w.Self())
	o := mustStart(t, conf("observer", Observer, NoSeat, w))
	until(t, o, "everybody is here", func() bool { return names(o.Members()) == "scheduler worker-0" })
	for _, m := range o.Members() {
		if took, err := o.Ping(t.Context(), m); err != nil || took <= 0 {
			t.Errorf("ping of %s: got %v and %v, want an answer", m.Name, took, err)
		}
	}
	if got := names(s.Members()); got != "scheduler worker-0" {
		t.Errorf("members at the scheduler: got %s, want no observer", got)
	}
	if err := o.Leave(t.Context()); err != nil {
		t.Error(err)
	}
	o.Shutdown()
	dead := mustStart(t, conf("observer", Observer, NoSeat, s))
	dead.Shutdown() // without a goodbye
	nothingMore(t, s)
	if got := log.lines("observer"); got != nil {
		t.Errorf("the scheduler tells of observers: %s", got)
	}
}

func TestPingNobody(t *testing.T) {
	s := mustStart(t, conf("scheduler", Scheduler, NoSeat))
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // one try
	gone := Member{Name: "worker-0", Node: "worker-0-1-abc", Gossip: s.Addr()}
	if _, err := s.Ping(ctx, gone); err == nil || !strings.Contains(err.Error(), "worker-0: no answer over UDP from "+s.Addr()) {
		t.Errorf("got %v, want that worker-0 does not answer", err)
	}
	s.Shutdown()
	if _, err := s.Ping(t.Context(), gone); err != ErrClosed {
		t.Errorf("after the end: got %v, want %v", err, ErrClosed)
	}
}

// Whoever joins in the moment in which a member begins to listen is not a stranger to it.
func TestJoinAtFirstMoment(t *testing.T) {
	s := mustStart(t, conf("scheduler", Scheduler, NoSeat))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var forwarding sync.WaitGroup
	defer forwarding.Wait()
	defer l.Close()
	forwarding.Go(func() {
		for n := 0; ; n++ {
			from, err := l.Accept()
			if err != nil {
				return
			}
			if n == 0 { // as if nobody listened yet
				from.Close()
				continue
			}
			to, err := net.Dial("tcp", s.Addr())
			if err != nil {
				t.Error(err)
				from.Close()
				return
			}
			forwarding.Go(func() { io.Copy(to, from); to.(*net.TCPConn).CloseWrite() })
			forwarding.Go(func() { io.Copy(from, to); from.Close(); to.Close() })
		}
	})
	c := conf("worker-0", Worker, NoSeat)
	c.Join = []string{l.Addr().String()}
	w := mustStart(t, c)
	expect(t, s, Joined, w.Self())
}
