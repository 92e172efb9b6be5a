package doctor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"petuum/algos/registry"
	"petuum/configs"
	"petuum/roles/cluster"
	"petuum/roles/control"
	"petuum/roles/enlist"
	"petuum/roles/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// options of a process of a check-up of nothing but this machine's loopback.
func options(c *configs.Config, wait time.Duration) Options {
	return Options{Options: enlist.Options{Config: c, Algorithms: registry.Algorithms, Log: slog.New(slog.DiscardHandler), Checkup: true},
		Machine: plenty(), Wait: wait}
}

// patience is far longer than anything takes; no test waits for it to pass.
const patience = time.Minute

// checkUp runs a check-up with a server of each list of settings and a worker of each,
// and returns the scheduler's report and those of the roles.
func checkUp(t *testing.T, lead Options, servers, workers [][]string) (Report, []Report) {
	t.Helper()
	joined := make(chan string, 1)
	lead.Joined = func(addr string) { joined <- addr }
	var all sync.WaitGroup
	var report Report
	all.Go(func() {
		var err error
		if report, err = Lead(t.Context(), lead); err != nil {
			t.Errorf("the scheduler: %v", err)
		}
		close(joined)
	})
	addr := <-joined
	reports := make([]Report, len(servers)+len(workers))
	for i, sets := range append(servers, workers...) {
		role := control.Server
		if i >= len(servers) {
			role = control.Worker
		}
		c, err := configs.LoadRole("", append(sets, fmt.Sprintf("cluster.join=[%q]", addr)))
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			var err error
			if reports[i], err = Follow(t.Context(), options(c, patience), role, -1); err != nil {
				t.Errorf("%s %d: %v", role, i, err)
			}
		})
	}
	all.Wait()
	return report, reports
}

// find returns the checks of a process with a name and a result.
func find(r Report, process, name string, result Result) (found []Check) {
	for _, c := range r.Checks {
		if c.Process == process && c.Name == name && c.Result == result {
			found = append(found, c)
		}
	}
	return found
}

func text(r Report) string {
	var b strings.Builder
	_ = r.Text(&b)
	return b.String()
}

func TestHealthy(t *testing.T) {
	c := job(t, file(t, "rows.libsvm", rows(1000)), "cluster.servers=2", "cluster.workers=2")
	r, reports := checkUp(t, options(c, patience), [][]string{nil, nil}, [][]string{nil, nil})
	if r.Count(OK) != len(r.Checks) {
		t.Errorf("not everything is ok:\n%s", text(r))
	}
	for process, names := range map[string][]string{
		control.Scheduler: {"configuration", "data connections", "gossip", "memory", "output", "tables"},
		"server-0":        {"configuration", "data connections", "gossip", "clock", "version"},
		"server-1":        {"data address"},
		"worker-0":        {"training data", "same data", "data connections"},
		"worker-1":        {"clock", "version"},
	} {
		for _, name := range names {
			if len(find(r, process, name, OK)) != 1 {
				t.Errorf("%s: no line, or more than one, about %s:\n%s", process, name, text(r))
			}
		}
	}
	for _, own := range reports {
		if len(own.Checks) == 0 || own.Failed() {
			t.Errorf("a role's own report:\n%s", text(own))
			continue
		}
		name := own.Checks[0].Process
		for _, c := range own.Checks {
			if c.Process != name || len(find(r, name, c.Name, c.Result)) != 1 {
				t.Errorf("%s was told %+v, which the scheduler does not have", name, c)
			}
		}
	}
}

// Who does not come is named; who came is checked.
func TestMissing(t *testing.T) {
	c := job(t, file(t, "rows.libsvm", rows(1000)), "cluster.servers=2", "cluster.workers=2")
	r, _ := checkUp(t, options(c, 2*time.Second), [][]string{nil}, [][]string{nil})
	for _, name := range []string{"server-1", "worker-1"} {
		role, _, _ := strings.Cut(name, "-")
		if g := find(r, name, "presence", Fail); len(g) != 1 || !strings.Contains(g[0].Detail, "did not come within 2s") || !strings.Contains(g[0].Fix, "petuum doctor "+role+" --join 127.0.0.1:") {
			t.Errorf("%s is not named:\n%s", name, text(r))
		}
	}
	if r.Count(Fail) != 2 || len(find(r, "worker-0", "data connections", OK)) != 1 {
		t.Errorf("want two failures, and a check of worker-0:\n%s", text(r))
	}
}

// Faults that only one process has are told of by it.
func TestFaults(t *testing.T) {
	path := file(t, "rows.libsvm", rows(1000))
	c := job(t, path, "cluster.servers=1", "cluster.workers=2")
	lead := options(c, patience)
	lead.Machine.Memory = func() (uint64, string) { return processBytes * 2, "of this machine" }
	r, _ := checkUp(t, lead, [][]string{nil}, [][]string{nil, {"algorithm.lambda=0.5"}})
	if len(find(r, control.Scheduler, "memory", Fail)) != 1 {
		t.Errorf("too little memory for four processes is not told of:\n%s", text(r))
	}
	if n := len(find(r, "worker-0", "configuration", Fail)) + len(find(r, "worker-1", "configuration", Fail)); n != 1 {
		t.Errorf("%d workers have another configuration, want 1:\n%s", n, text(r))
	}
	if r.Count(Fail) != 2 {
		t.Errorf("want two failures:\n%s", text(r))
	}
}

func TestInterrupted(t *testing.T) {
	c := job(t, file(t, "rows.libsvm", rows(1000)))
	ctx, cancel := context.WithCancel(t.Context())
	o := options(c, patience)
	o.Joined = func(string) { cancel() }
	if _, err := Lead(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// A cluster of two kinds: a check-up and a job do not take each other's roles.
func TestPurpose(t *testing.T) {
	for _, c := range []struct {
		name, job string
		want      string
	}{
		{"a job", "0123", "the cluster runs a job, 0123"},
		{"nobody", "", "no scheduler is in the cluster after 100ms"},
	} {
		t.Run(c.name, func(t *testing.T) {
			role := cluster.Scheduler
			if c.job == "" {
				role = cluster.Worker
			}
			m, err := cluster.Start(t.Context(), cluster.Config{Name: "first", Role: role, Version: enlist.Version, Job: c.job, Data: "127.0.0.1:1"})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Shutdown()
			cfg, err := configs.LoadRole("", []string{fmt.Sprintf("cluster.join=[%q]", m.Addr())})
			if err != nil {
				t.Fatal(err)
			}
			r, err := Follow(t.Context(), options(cfg, 100*time.Millisecond), control.Worker, -1)
			if g := find(r, control.Worker, "cluster", Fail); err != nil || len(g) != 1 || !strings.Contains(g[0].Detail, c.want) {
				t.Errorf("got the error %v, want %q:\n%s", err, c.want, text(r))
			}
		})
	}
}

// Whatever is at a server's address, a line says what, and nothing hangs.
func TestCheckReach(t *testing.T) {
	listen := func() net.Listener {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return l
	}
	place := &enlist.Place{Role: control.Worker, Name: "worker-0", Seat: -1, Options: options(configs.Default(), 0).Options}
	closed, silent, stranger, other := listen(), listen(), listen(), listen()
	closed.Close()
	go func() {
		for c, err := stranger.Accept(); err == nil; c, err = stranger.Accept() {
			fmt.Fprintln(c, "HTTP/1.1 400 Bad Request")
			c.Close()
		}
	}()
	var answering sync.WaitGroup
	defer answering.Wait()
	defer other.Close()
	answer := func(l net.Listener, hello wire.Hello) {
		for nc, err := l.Accept(); err == nil; nc, err = l.Accept() {
			if c, err := wire.Accept(nc, hello, wire.Defaults()); err == nil {
				_ = c.Serve(func(wire.Kind, []byte) error { return nil })
			}
		}
	}
	hello := place.Hello()
	hello.Role, hello.Name = control.Server, "server-7"
	answering.Go(func() { answer(other, hello) })
	newer, next := listen(), hello
	defer newer.Close()
	next.Major++
	answering.Go(func() { answer(newer, next) })
	for _, c := range []struct {
		name   string
		at     net.Listener
		detail string
		fix    string
	}{
		{"nobody", closed, "connection refused", "correct its --advertise"},
		{"somebody who says nothing", silent, "no answer within 3s", "firewall"},
		{"another program", stranger, "not a petuum peer", "correct its --advertise"},
		{"another server", other, "server-7 answers there, not server-0", "correct its --advertise"},
		{"another version", newer, "another protocol version", "same version"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := list{process: "worker-0"}
			server := Process{"server-0", control.Server, cluster.Member{Name: "server-0", Data: c.at.Addr().String()}}
			checkReach(t.Context(), &l, place, []Process{server})
			if len(l.checks) != 1 {
				t.Fatalf("got %+v, want one line", l.checks)
			}
			if g := l.checks[0]; g.Result != Fail || !strings.Contains(g.Detail, "server-0 at "+c.at.Addr().String()) || !strings.Contains(g.Detail, c.detail) || !strings.Contains(g.Fix, c.fix) {
				t.Errorf("got %+v, want a failure with %q and the fix %q", g, c.detail, c.fix)
			}
		})
	}
}

// A check of this machine alone.
func TestLocal(t *testing.T) {
	path := file(t, "rows.libsvm", rows(1000))
	if r := Local(t.Context(), options(job(t, path), 0)); r.Count(OK) != len(r.Checks) || len(find(r, ThisMachine, "memory", OK)) != 1 {
		t.Errorf("not everything is ok:\n%s", text(r))
	}
	bad := job(t, filepath.Join(t.TempDir(), "none"))
	if r := Local(t.Context(), options(bad, 0)); r.Count(Fail) != 1 || len(find(r, ThisMachine, "training data", Fail)) != 1 {
		t.Errorf("the missing data is not all that failed:\n%s", text(r))
	}
}

// Who does not answer a ping is told of.
func TestCheckGossip(t *testing.T) {
	alone := func(name string) *cluster.Cluster {
		c, err := cluster.Start(t.Context(), cluster.Config{Name: name, Role: cluster.Worker, Version: enlist.Version})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Shutdown() })
		return c
	}
	self, stranger, gone := alone("worker-0"), alone("worker-1"), alone("worker-2")
	all := []Process{{"worker-0", control.Worker, self.Self()}, {"worker-1", control.Worker, stranger.Self()}, {"worker-2", control.Worker, gone.Self()}}
	gone.Shutdown()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond) // one ping, and no wait for gossip
	defer cancel()
	l := list{process: "worker-0"}
	checkGossip(ctx, &l, self, all)
	got := Report{l.checks}
	for _, want := range []struct {
		result Result
		detail string
	}{{OK, "1 of 2 answer, the slowest worker-1"}, {Fail, "no answer over UDP from worker-2 at " + all[2].Member.Gossip}} {
		if g := find(got, "worker-0", "gossip", want.result); len(g) != 1 || !strings.Contains(g[0].Detail, want.detail) {
			t.Errorf("want %s with %q:\n%s", want.result, want.detail, text(got))
		}
	}
	l = list{process: "worker-0"}
	judgeSeen(&l, all[1:], map[string]bool{all[2].Member.Node: true})
	if len(l.checks) != 1 || l.checks[0].Result != Warn || !strings.Contains(l.checks[0].Detail, "worker-1 answers, but is no live member here") {
		t.Errorf("one is no member: got\n%s", text(Report{l.checks}))
	}
	l = list{process: "worker-0"}
	stranger.Shutdown()
	checkGossip(ctx, &l, self, all)
	if len(l.checks) != 1 || !strings.Contains(l.checks[0].Detail, "none of 2 processes answers over UDP to "+self.Addr()) {
		t.Errorf("nobody answers: got\n%s", text(Report{l.checks}))
	}
}

// A scheduler whose clock is three seconds ahead shows, whatever the packets take.
func TestCheckClock(t *testing.T) {
	a, b := net.Pipe()
	o := wire.Defaults()
	o.Kinds = control.Known
	dialed := make(chan *wire.Conn, 1)
	go func() {
		c, err := wire.Client(t.Context(), b, wire.Hello{Major: 1, Role: control.Worker, Name: "worker-0", Seat: -1}, o)
		if err != nil {
			t.Error(err)
		}
		dialed <- c
	}()
	sched, err := wire.Accept(a, wire.Hello{Major: 1, Role: control.Scheduler, Name: "scheduler", Seat: -1}, o)
	if err != nil {
		t.Fatal(err)
	}
	f := &follow{list: list{process: "worker-0"}, sched: <-dialed, box: control.NewMailbox(), probed: make(chan arrival, 1)}
	var reading sync.WaitGroup
	reading.Go(f.read)
	reading.Go(func() {
		_ = sched.Serve(func(_ wire.Kind, body []byte) error {
			asked, err := control.Decode[Probe](body)
			if err != nil {
				return err
			}
			now := time.Now().Add(3 * time.Second).UnixNano()
			return sched.Send(control.KindProbed, control.Encode(Probed{asked, now, now}))
		})
	})
	f.checkClock(t.Context())
	f.sched.Abort()
	sched.Abort()
	reading.Wait()
	if g := f.list.checks; len(g) != 1 || g[0].Result != Warn || !strings.Contains(g[0].Detail, "3 s behind the scheduler's") {
		t.Errorf("got %+v, want a warning of 3 s behind", g)
	}
}
