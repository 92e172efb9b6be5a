package muster

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"petuum/roles/control"
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

// TestPeers plays who enlists, in order, and checks who is refused, why, and what
// those who are left are called. "-3" is the third one leaving again.
func TestPeers(t *testing.T) {
	for _, c := range []struct {
		name             string
		servers, workers int
		enlist           []string
		refused          map[int]string // by place in enlist
		missing          map[string]int
		servedBy         []int // places in enlist, by seat
		workedBy         []int // places in enlist, by number
	}{
		{name: "nobody", servers: 2, workers: 1, missing: map[string]int{"server": 2, "worker": 1}},
		{name: "in order", servers: 2, workers: 2, enlist: []string{"server", "server", "worker", "worker"}, servedBy: []int{0, 1}, workedBy: []int{2, 3}},
		{name: "mixed", servers: 2, workers: 2, enlist: []string{"worker", "server", "worker", "server"}, servedBy: []int{1, 3}, workedBy: []int{0, 2}},
		{name: "pinned", servers: 3, workers: 1, enlist: []string{"server:2", "server:0", "server:1", "worker"}, servedBy: []int{1, 2, 0}, workedBy: []int{3}},
		{name: "pinned, a worker between them", servers: 2, workers: 1, enlist: []string{"server:1", "worker", "server:0"}, servedBy: []int{2, 0}, workedBy: []int{1}},
		{name: "pinned and given", servers: 4, workers: 1, enlist: []string{"server", "server:0", "worker", "server", "server:2"},
			servedBy: []int{1, 0, 4, 3}, workedBy: []int{2}},
		{name: "some are missing", servers: 2, workers: 3, enlist: []string{"worker", "server"}, missing: map[string]int{"server": 1, "worker": 2}},
		{name: "one role is missing", servers: 1, workers: 1, enlist: []string{"server"}, missing: map[string]int{"worker": 1}},
		{name: "too many", servers: 1, workers: 1, enlist: []string{"server", "server", "worker", "worker"},
			refused:  map[int]string{1: "the job has all its 1 servers: raise cluster.servers", 3: "the job has all its 1 workers: raise cluster.workers"},
			servedBy: []int{0}, workedBy: []int{2}},
		{name: "wrong role", servers: 1, workers: 1, enlist: []string{"scheduler", "", "server", "worker"},
			refused:  map[int]string{0: "a scheduler cannot take part", 1: "cannot take part"},
			servedBy: []int{2}, workedBy: []int{3}},
		{name: "seat that is taken", servers: 2, workers: 1, enlist: []string{"server:1", "server:1", "server", "worker"},
			refused: map[int]string{1: "seat 1 is taken by server-pid0"}, servedBy: []int{2, 0}, workedBy: []int{3}},
		{name: "seat that does not exist", servers: 2, workers: 1, enlist: []string{"server:2", "server:1"},
			refused: map[int]string{0: "seat 2 does not exist: the job has 2 servers, seats 0 to 1"}, missing: map[string]int{"server": 1, "worker": 1}},
		{name: "left again", servers: 1, workers: 1, enlist: []string{"server", "worker", "-0"}, missing: map[string]int{"server": 1}},
		{name: "left, and its seat is free", servers: 2, workers: 1, enlist: []string{"server:1", "-0", "server:1", "worker", "server"},
			servedBy: []int{4, 2}, workedBy: []int{3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := New(c.servers, c.workers)
			admitted := map[int]*Peer{}
			for n, who := range c.enlist {
				if gone, left := strings.CutPrefix(who, "-"); left {
					if m.Leave(admitted[int(gone[0]-'0')]) {
						t.Errorf("number %s is lost to a job that has not begun", gone)
					}
					continue
				}
				p, err := m.Admit(enlisted(t, who, n))
				want, refused := c.refused[n]
				if refused != (err != nil) || refused && !strings.Contains(err.Error(), want) {
					t.Fatalf("%s, number %d: got the error %v, want %q", who, n, err, want)
				}
				admitted[n] = p
			}
			missing := m.Complete()
			if len(c.missing) != len(missing) || len(missing) > 0 && cmp.Diff(c.missing, missing) != "" {
				t.Errorf("missing: got %v, want %v", missing, c.missing)
			}
			if len(missing) > 0 {
				return
			}
			check := func(role string, want []int, seats bool) {
				t.Helper()
				list := m.Of(role)
				if len(list) != len(want) {
					t.Fatalf("%d %ss, want %d", len(list), role, len(want))
				}
				for k, p := range list {
					if p != admitted[want[k]] || m.NameOf(p) != fmt.Sprintf("%s-%d", role, k) || seats && p.Seat != k {
						t.Errorf("%s %d is %s, with the name %s and seat %d, want number %d", role, k, p.Conn.Peer().Name, p.Name, p.Seat, want[k])
					}
				}
			}
			check(control.Server, c.servedBy, true)
			check(control.Worker, c.workedBy, false)
			if n := len(m.All()); n != c.servers+c.workers {
				t.Errorf("%d take part, want %d", n, c.servers+c.workers)
			}
		})
	}
}

// TestBegun checks what is different once the job began.
func TestBegun(t *testing.T) {
	m := New(1, 1)
	var list []*Peer
	for n, who := range []string{"server", "worker"} {
		p, err := m.Admit(enlisted(t, who, n))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	if missing := m.Complete(); len(missing) > 0 {
		t.Fatalf("missing: %v", missing)
	}
	if _, err := m.Admit(enlisted(t, "worker", 2)); err == nil {
		t.Error("a worker was admitted to a job that began")
	}
	for _, p := range list {
		if !m.Leave(p) {
			t.Errorf("%s left a job that needs it, and is not lost", p.Name)
		}
	}
	if n := len(m.All()); n != 2 {
		t.Errorf("%d peers are known after all left, want the 2 that the job has lost", n)
	}
}

// TestLeaveRace has somebody leave at the moment in which the job begins: either it
// left before, and is missing, or the job has lost it. Run it with -race.
func TestLeaveRace(t *testing.T) {
	server, worker := enlisted(t, "server", 0), enlisted(t, "worker", 1)
	for range 200 {
		m := New(1, 1)
		p, err := m.Admit(server)
		_, err2 := m.Admit(worker)
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		lost := make(chan bool)
		go func() { lost <- m.Leave(p) }()
		missing := m.Complete()
		if l := <-lost; l != (len(missing) == 0) || l != slices.Contains(m.All(), p) {
			t.Fatalf("lost %t, missing %v, known %t", l, missing, slices.Contains(m.All(), p))
		}
	}
}

// TestServersBySeat pins servers and lets everybody come in any order.
func TestServersBySeat(t *testing.T) {
	const seed, servers, workers = 31, 5, 4
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	var conns []*wire.Conn
	for k := range servers {
		conns = append(conns, enlisted(t, fmt.Sprintf("server:%d", k), k))
	}
	for k := range workers {
		conns = append(conns, enlisted(t, "worker", k))
	}
	for range 100 {
		r.Shuffle(len(conns), func(i, j int) { conns[i], conns[j] = conns[j], conns[i] })
		m := New(servers, workers)
		for _, c := range conns {
			if _, err := m.Admit(c); err != nil {
				t.Fatal(err)
			}
		}
		m.Complete()
		for k, p := range m.Of(control.Server) {
			if p.Seat != k || p.Conn.Peer().Seat != int32(k) {
				t.Fatalf("server %d has seat %d", k, p.Seat)
			}
		}
	}
}

// TestBegin begins without those who did not come.
func TestBegin(t *testing.T) {
	m := New(2, 2)
	for n, who := range []string{"server:1", "worker"} {
		if _, err := m.Admit(enlisted(t, who, n)); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]int{control.Server: 1, control.Worker: 1}
	if diff := cmp.Diff(want, m.Begin()); diff != "" {
		t.Errorf("missing, -want +got:\n%s", diff)
	}
	var names []string
	for _, p := range m.All() {
		names = append(names, p.Name)
	}
	if diff := cmp.Diff([]string{"server-1", "worker-0"}, names); diff != "" {
		t.Errorf("names, -want +got:\n%s", diff)
	}
	if _, err := m.Admit(enlisted(t, "worker", 2)); err == nil {
		t.Error("a worker was admitted after the beginning")
	}
}
