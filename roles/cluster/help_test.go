package cluster

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience ends a test that would hang; no test waits for it to pass.
const patience = time.Minute

func deadline(t *testing.T) context.Context {
	ctx, stop := context.WithTimeout(context.Background(), patience)
	t.Cleanup(stop)
	return ctx
}

// A journal is a logger that a test reads.
type journal struct {
	mu    sync.Mutex
	text  bytes.Buffer
	wrote chan struct{} // closed at the next line
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.wrote != nil {
		close(j.wrote)
		j.wrote = nil
	}
	return j.text.Write(p)
}

// await waits for a line that contains every part.
func (j *journal) await(t *testing.T, parts ...string) {
	t.Helper()
	ctx := deadline(t)
	for {
		j.mu.Lock()
		if j.wrote == nil {
			j.wrote = make(chan struct{})
		}
		wrote := j.wrote
		j.mu.Unlock()
		if j.lines(parts...) != nil {
			return
		}
		select {
		case <-wrote:
		case <-ctx.Done():
			t.Fatalf("no line with %q in the log:\n%s", parts, j.lines(""))
		}
	}
}

func (j *journal) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{Level: slog.LevelInfo}))
}

// lines returns those that contain every part.
func (j *journal) lines(parts ...string) (found []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
next:
	for line := range strings.Lines(j.text.String()) {
		for _, p := range parts {
			if !strings.Contains(line, p) {
				continue next
			}
		}
		found = append(found, line)
	}
	return found
}

// dataListener is a data listener that is alive until the test or stop ends it.
func dataListener(t *testing.T) (addr string, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String(), func() { l.Close() }
}

// conf is a member on loopback that joins the given ones.
func conf(name string, role Role, seat int, join ...*Cluster) Config {
	c := Config{Name: name, Role: role, Seat: seat, Version: "1.2.3", Job: "test"}
	for _, j := range join {
		c.Join = append(c.Join, j.Addr())
	}
	return c
}

func mustStart(t *testing.T, c Config) *Cluster {
	t.Helper()
	return mustStartTimed(t, c, defaultTiming)
}

func mustStartTimed(t *testing.T, c Config, tm timing) *Cluster {
	t.Helper()
	cl, err := start(deadline(t), c, tm)
	if err != nil {
		t.Fatalf("start %s: %v", c.Name, err)
	}
	t.Cleanup(func() { cl.Shutdown() })
	return cl
}

// next is the next event that c sees.
func next(t *testing.T, c *Cluster) Event {
	t.Helper()
	select {
	case e, ok := <-c.Events():
		if !ok {
			t.Fatal("events are closed")
		}
		return e
	case <-deadline(t).Done():
		t.Fatalf("no event at %s; members %v", c.Self().Name, c.Members())
	}
	panic("unreachable")
}

// expect checks that the next event is of this kind and member: nothing came between, nothing twice.
func expect(t *testing.T, c *Cluster, kind EventKind, m Member) Member {
	t.Helper()
	e := next(t, c)
	if e.Kind != kind || e.Member.Node != m.Node {
		t.Fatalf("event at %s: got %v %s, want %v %s", c.Self().Name, e.Kind, e.Member.Node, kind, m.Node)
	}
	return e.Member
}

// nothingMore checks that c has no event waiting or on its way: a new member's join must be the next.
func nothingMore(t *testing.T, c *Cluster) {
	t.Helper()
	last := mustStart(t, conf("last", Worker, NoSeat, c))
	expect(t, c, Joined, last.Self())
}

// until waits for the census of c to change until cond holds.
func until(t *testing.T, c *Cluster, what string, cond func() bool) {
	t.Helper()
	ctx := deadline(t)
	for !cond() {
		select {
		case <-c.changed:
		case <-ctx.Done():
			t.Fatalf("%s: not so; members %v", what, c.Members())
		}
	}
}

func names(ms []Member) string {
	var s []string
	for _, m := range ms {
		s = append(s, m.Name)
	}
	return strings.Join(s, " ")
}

// take receives from ch.
func take[T any](t *testing.T, ch <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case <-deadline(t).Done():
		t.Fatalf("no %s", what)
	}
	return v
}
