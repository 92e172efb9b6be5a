package cluster

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/serf/serf"
)

func TestReadKey(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	got, err := ReadKey(write("good", "\n MDEyMzQ1Njc4OWFiY2RlZg==\r\n"))
	if want := "0123456789abcdef"; err != nil || string(got) != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	for _, tc := range []struct{ name, text, want string }{
		{"empty", " \n", "empty"},
		{"text", "secret words!", "not base64"},
		{"short", "c2hvcnQ=", "gossip key has 5 bytes; want 16, 24 or 32"},
		{"two", "MDEyMzQ1Njc4OWFiY2RlZg==MDEyMzQ1Njc4OWFiY2RlZg==", "not base64"},
		{"long", strings.Repeat("A", maxKeyFile+1), "too long"},
	} {
		path := write(tc.name, tc.text)
		_, err := ReadKey(path)
		if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), makeKey) {
			t.Errorf("%s: got %v, want %s and %q", tc.name, err, path, tc.want)
		}
		if err != nil && strings.TrimSpace(tc.text) != "" && strings.Contains(err.Error(), tc.text) {
			t.Errorf("%s: the error shows the key: %v", tc.name, err)
		}
	}
	pipe := filepath.Join(dir, "pipe") // nobody writes to it
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "none"), dir, pipe} {
		if _, err := ReadKey(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("got %v, want an error that names %s", err, path)
		}
	}
}

func TestSplitHost(t *testing.T) {
	for text, want := range map[string]string{
		"127.0.0.1": "127.0.0.1|0", "127.0.0.1:9": "127.0.0.1|9", "host": "host|0", "host:65535": "host|65535",
		"::1": "::1|0", "[::1]": "::1|0", "[::1]:9": "::1|9", "a:0": "a|0",
	} {
		host, port, err := splitHost(text)
		if got := fmt.Sprintf("%s|%d", host, port); got != want || err != nil {
			t.Errorf("%s: got %s, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", ":", ":9", "a:b", "a:65536", "a:-1", "a:1:2", "[::1", "[::1]:"} {
		if host, port, err := splitHost(text); err == nil {
			t.Errorf("%q: got %s and %d, want an error", text, host, port)
		}
	}
}

func FuzzSplitHost(f *testing.F) {
	for _, s := range []string{"127.0.0.1:9", "[::1]:0", "::1", "a:b:c", "[", "]:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if host, _, err := splitHost(s); err == nil && host == "" {
			t.Errorf("%q: no host and no error", s)
		}
	})
}

func TestResolve(t *testing.T) {
	ctx := deadline(t)
	for _, tc := range []struct {
		c               Config
		bind, advertise string
	}{
		{Config{}, "127.0.0.1:0", "invalid AddrPort"},
		{Config{Bind: "localhost"}, "127.0.0.1:0", "invalid AddrPort"},
		{Config{Bind: "::ffff:127.0.0.1"}, "127.0.0.1:0", "invalid AddrPort"},
		{Config{Bind: "127.0.0.2", Advertise: "127.0.0.3"}, "127.0.0.2:0", "127.0.0.3:0"},
		{Config{Bind: "0.0.0.0", Advertise: "10.1.2.3"}, "0.0.0.0:0", "10.1.2.3:0"},
	} {
		p, err := tc.c.resolve(ctx)
		if err != nil || p.bind.String() != tc.bind || p.advertise.String() != tc.advertise {
			t.Errorf("bind %q, advertise %q: got %v, %v, %v, want %s, %s", tc.c.Bind, tc.c.Advertise, p.bind, p.advertise, err, tc.bind, tc.advertise)
		}
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	c := Config{Join: []string{"no-such-host.invalid:1"}}
	if _, err := c.resolve(gone); err == nil || !strings.Contains(err.Error(), "join no-such-host.invalid:1: ") {
		t.Errorf("unknown host: got %v", err)
	}
}

// What is advertised is what others learn, with the port that was bound.
func TestAdvertise(t *testing.T) {
	c := conf("scheduler", Scheduler, NoSeat)
	c.Bind, c.Advertise = "0.0.0.0", "127.0.0.1"
	s := mustStart(t, c)
	a, err := netip.ParseAddrPort(s.Addr())
	if err != nil || a.Addr().String() != "127.0.0.1" || a.Port() == 0 || a.Port() == 7946 {
		t.Fatalf("address: got %s, want a free port of 127.0.0.1", s.Addr())
	}
	w := mustStart(t, conf("worker", Worker, NoSeat, s))
	expect(t, s, Joined, w.Self())
	if got := w.Members()[0].Gossip; got != s.Addr() {
		t.Errorf("address at the worker: got %s, want %s", got, s.Addr())
	}
	addr, stop := dataListener(t)
	stop()
	_, port, _ := net.SplitHostPort(addr)
	for advertise, want := range map[string]string{"127.0.0.1": addr, "127.0.0.1:77": "127.0.0.1:77"} {
		c.Bind, c.Advertise = "0.0.0.0:"+port, advertise
		f := mustStart(t, c)
		if f.Addr() != want {
			t.Errorf("bind %s, advertise %s: got %s, want %s", c.Bind, advertise, f.Addr(), want)
		}
		f.Shutdown()
	}
}

func TestQueue(t *testing.T) {
	q := newQueue()
	const n = 10000
	for i := range n { // nobody reads yet
		q.put(Event{Joined, Member{Seat: i}})
	}
	for i := range n {
		if e := <-q.out; e.Member.Seat != i {
			t.Fatalf("event %d: got %d", i, e.Member.Seat)
		}
	}
	q.put(Event{Left, Member{}}, Event{Failed, Member{}})
	if e := <-q.out; e.Kind != Left {
		t.Errorf("got %v, want left", e.Kind)
	}
	q.close() // with an event that nobody takes
	if e, ok := <-q.out; ok {
		t.Errorf("got %v after close", e)
	}
	q.put(Event{Joined, Member{}}) // does not block or panic
}

func TestLines(t *testing.T) {
	var j journal
	now := time.Unix(0, 0)
	l := &lines{log: j.logger(), now: func() time.Time { return now }}
	say := func(format string, args ...any) { fmt.Fprintf(l, format+"\n", args...) }
	const turned = "[ERR] memberlist: failed to receive: no installed keys could decrypt the message from=10.0.0.%d:%d"
	say("[WARN] serf: Shutdown without a Leave")
	say("[ERR] memberlist: failed to receive: EOF from=10.0.0.9:1")
	if got := j.lines(""); got != nil {
		t.Errorf("Serf's own lines above debug: %s", got)
	}
	say(turned, 1, 1000)
	say(turned, 1, 1001)
	say(turned, 2, 1000)
	now = now.Add(turnedQuiet)
	say(turned, 1, 1002)
	if got := len(j.lines("level=WARN", "from=10.0.0.1")); got != 2 {
		t.Errorf("warnings on 10.0.0.1: got %d, want 2", got)
	}
	if got := len(j.lines("level=WARN", "from=10.0.0.2")); got != 1 {
		t.Errorf("warnings on 10.0.0.2: got %d, want 1", got)
	}
	for i := range 5000 {
		say(turned, i, 1)
	}
	if got := len(l.turned); got > 256 {
		t.Errorf("hosts remembered: got %d, want at most 256", got)
	}
}

func TestGate(t *testing.T) {
	var j journal
	g := &gate{log: j.logger(), self: "me", version: "1.0.0", joining: true}
	tags := claim{Member: Member{Name: "w", Role: Worker, Seat: NoSeat, Version: "1.5.0"}}.tags()
	old := claim{Member: Member{Name: "w", Role: Worker, Seat: NoSeat, Version: "0.5.0"}}.tags()
	ask := func(ms ...*serf.Member) error { return g.NotifyMerge(ms) }
	if err := ask(tagged("a", tags), tagged("me", nil)); err != nil {
		t.Errorf("a member and myself: got %v", err)
	}
	gone := tagged("b", old)
	gone.Status = serf.StatusLeft
	if err := ask(gone); err != nil {
		t.Errorf("one that has left: got %v", err)
	}
	if err := ask(tagged("a", tags), tagged("b", old)); err == nil {
		t.Error("another version: got no error")
	}
	if err := g.joinEnded(); err == nil || !strings.Contains(err.Error(), "w runs 0.5.0, this process 1.0.0") {
		t.Errorf("refusal while joining: got %v", err)
	}
	if got := j.lines(""); got != nil {
		t.Errorf("logged while joining: %s", got)
	}
	for range 3 {
		ask(tagged("b", old))
	}
	if got := j.lines("level=WARN", "node=b"); len(got) != 1 {
		t.Errorf("warnings: got %d, want 1", len(got))
	}
	for i := range 1000 {
		if err := ask(tagged(fmt.Sprint("x", i), nil)); err == nil {
			t.Fatal("a stranger: got no error")
		}
	}
	if got := len(g.warned.names); got > 256 {
		t.Errorf("names remembered: got %d, want at most 256", got)
	}
}

// No line of Serf's is lost or reaches a person.
func TestSerfLogsAtDebug(t *testing.T) {
	var j journal
	c := conf("scheduler", Scheduler, NoSeat)
	c.Logger = j.logger()
	s := mustStart(t, c)
	s.Shutdown()
	if got := j.lines(""); got != nil {
		t.Errorf("lines above debug: %s", got)
	}
	if bytes.Contains(j.text.Bytes(), []byte("serf")) {
		t.Error("Serf's lines reach people")
	}
}
