package roles_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// promised is within what a job ends when one of its roles dies; a busy machine
// gets patience times as long.
const (
	promised = 5 * time.Second
	patience = 4
)

// gossipPort is the scheduler's in a rack: every rack has a network of its own.
const gossipPort = "7946"

// A rack is machines that are network namespaces, each with an address of its own
// on a switch, which is another namespace with a bridge. Nothing of it is in the
// namespace of the test, so that deleting the namespaces deletes all of it.
type rack struct {
	t        testing.TB
	prefix   string
	machines []*machine
}

// machine is one namespace. Its addresses are 10.77.0.N and fd77::N.
type machine struct {
	rack  *rack
	space string // name of the namespace
	port  string // its port on the switch
	n     int
	dir   string // working directory of its programs
}

// rackPrefix begins the names of all namespaces of this test; the id of the
// process that made them and a number follow.
const rackPrefix = "petuum-test-"

var racks atomic.Int32

// mayNest skips t where network namespaces cannot be made, or fails it where
// CI=true says that it must run.
func mayNest(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts processes: skipped with -short")
	}
	need := t.Skipf
	if os.Getenv("CI") == "true" {
		need = t.Fatalf
	}
	if os.Getuid() != 0 {
		need("needs root to make network namespaces")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		need("needs the program ip, of the package iproute2: %v", err)
	}
	probe := fmt.Sprintf("%s%d-probe", rackPrefix, os.Getpid())
	if out, err := exec.Command("ip", "netns", "add", probe).CombinedOutput(); err != nil {
		need("may not make a network namespace: ip netns add: %v: %s", err, out)
	}
	defer demolish(t, probe)
	if out, err := exec.Command("ip", "-n", probe, "link", "add", "name", "br0", "type", "bridge").CombinedOutput(); err != nil {
		need("may not make a bridge: ip link add: %v: %s", err, out)
	}
}

// newRack makes n machines.
func newRack(t testing.TB, n int) *rack {
	t.Helper()
	sweep(t)
	r := &rack{t: t, prefix: fmt.Sprintf("%s%d-%d", rackPrefix, os.Getpid(), racks.Add(1))}
	sw := r.prefix + "-switch"
	ip(t, "netns", "add", sw)
	t.Cleanup(func() { demolish(t, sw) })
	ip(t, "-n", sw, "link", "add", "name", "br0", "type", "bridge")
	ip(t, "-n", sw, "link", "set", "br0", "up")
	for i := 1; i <= n; i++ {
		m := &machine{rack: r, space: fmt.Sprintf("%s-%d", r.prefix, i), port: fmt.Sprintf("port%d", i), n: i, dir: t.TempDir()}
		ip(t, "netns", "add", m.space)
		t.Cleanup(func() { demolish(t, m.space) })
		ip(t, "-n", sw, "link", "add", "name", m.port, "type", "veth", "peer", "name", "eth0", "netns", m.space)
		ip(t, "-n", sw, "link", "set", m.port, "master", "br0", "up")
		ip(t, "-n", m.space, "link", "set", "lo", "up")
		ip(t, "-n", m.space, "addr", "add", m.addr()+"/24", "dev", "eth0")
		ip(t, "-n", m.space, "link", "set", "eth0", "up")
		r.machines = append(r.machines, m)
	}
	return r
}

func ip(t testing.TB, args ...string) string {
	t.Helper()
	out, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// demolish kills what runs in a namespace and deletes it, and says so if something did.
func demolish(t testing.TB, space string) {
	t.Helper()
	for _, pid := range strings.Fields(ip(t, "netns", "pids", space)) {
		n, err := strconv.Atoi(pid)
		if err != nil {
			t.Fatal(err)
		}
		t.Errorf("process %d is left in %s", n, space)
		syscall.Kill(n, syscall.SIGKILL)
	}
	ip(t, "netns", "del", space)
}

// sweep removes namespaces of runs of this test that were killed.
func sweep(t testing.TB) {
	t.Helper()
	for line := range strings.Lines(ip(t, "netns", "list")) {
		space := strings.Fields(line)[0]
		rest, ours := strings.CutPrefix(space, rackPrefix)
		owner, _, _ := strings.Cut(rest, "-")
		pid, err := strconv.Atoi(owner)
		if !ours || err != nil || syscall.Kill(pid, 0) == nil {
			continue
		}
		// Another run may sweep at the same time: what is gone is gone. Its programs
		// died with it.
		if err := exec.Command("ip", "netns", "del", space).Run(); err == nil {
			t.Logf("removed %s, which a killed run had left", space)
		}
	}
}

func (m *machine) addr() string  { return fmt.Sprintf("10.77.0.%d", m.n) }
func (m *machine) addr6() string { return fmt.Sprintf("fd77::%d", m.n) }

// run starts the program on the machine. It dies with the test.
func (m *machine) run(args ...string) *program {
	m.rack.t.Helper()
	cmd := exec.Command("ip", append([]string{"netns", "exec", m.space, binary(m.rack.t)}, args...)...) // which becomes the program
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return launch(m.rack.t, m.dir, cmd)
}

// unplug pulls the machine's cable out of the switch.
func (m *machine) unplug() {
	m.rack.t.Helper()
	ip(m.rack.t, "-n", m.rack.prefix+"-switch", "link", "set", m.port, "down")
}

// listeners are the addresses that a program on the machine listens on, TCP over IPv4.
func (m *machine) listeners(p *program) []string {
	m.rack.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/tcp", p.cmd.Process.Pid))
	if err != nil {
		m.rack.t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		var a, b, c, d, port int
		if f[3] != "0A" { // listening
			continue
		}
		if _, err := fmt.Sscanf(f[1], "%2x%2x%2x%2x:%4x", &d, &c, &b, &a, &port); err != nil {
			m.rack.t.Fatal(err)
		}
		found = append(found, fmt.Sprintf("%d.%d.%d.%d:%d", a, b, c, d, port))
	}
	slices.Sort(found)
	return found
}

// key makes a file with a gossip key.
func key(t testing.TB, name, base64 string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(base64+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const (
	ourKey   = "bm90IHNlY3JldDogdGhpcyBpcyBhIHRlc3QncyBrZXk="
	theirKey = "YWxzbyBub3Qgc2VjcmV0OiBhIHRlc3QncyBvdGhlciE="
)

// job is a job in a rack: the scheduler on the first machine, two servers on the
// second and two workers on the third, all with one gossip key.
type job struct {
	*rack
	key     string // file of the gossip key
	sched   *program
	servers []*program
	workers []*program
}

// begin starts the scheduler of a job with settings.
func (r *rack) begin(settings ...string) *job {
	r.t.Helper()
	j := &job{rack: r, key: key(r.t, "gossip.key", ourKey)}
	m := r.machines[0]
	args := []string{"scheduler", "--json", "--config", config(r.t, "logreg-a9a.toml"), "--bind", m.addr(), "--gossip", j.join(),
		"--set", "cluster.key_file=" + j.key, "--set", "output.model="}
	for _, s := range settings {
		args = append(args, "--set", s)
	}
	j.sched = m.run(args...)
	j.sched.until("to join " + j.join())
	return j
}

// join is the address to join.
func (j *job) join() string { return j.machines[0].addr() + ":" + gossipPort }

// role starts a role on a machine with the job's key.
func (j *job) role(m *machine, role string, args ...string) *program {
	j.t.Helper()
	return m.run(append([]string{role, "--join", j.join(), "--bind", m.addr(), "--set", "cluster.key_file=" + j.key}, args...)...)
}

// complete starts the servers and the workers.
func (j *job) complete() *job {
	j.t.Helper()
	for k := range 2 {
		j.servers = append(j.servers, j.role(j.machines[1], "server", "--shard", strconv.Itoa(k)))
	}
	for range 2 {
		j.workers = append(j.workers, j.role(j.machines[2], "worker"))
	}
	return j
}

func (j *job) others() []*program { return append(slices.Clone(j.servers), j.workers...) }

// TestNamespaces runs jobs on several machines, each a network namespace with an
// address of its own. It needs root and the program ip; where CI=true is set it
// must not be skipped.
func TestNamespaces(t *testing.T) {
	mayNest(t)
	t.Run("job", testRackJob)
	t.Run("refusals", testRackRefusals)
	t.Run("conflict", testRackConflict)
	t.Run("unreachable", testRackUnreachable)
	t.Run("any address", testRackAny)
	t.Run("IPv6", testRackSix)
	t.Run("killed", testRackKilled)
	t.Run("unplugged", testRackUnplugged)
}

func testRackJob(t *testing.T) {
	j := newRack(t, 3).begin("cluster.data=10.77.0.1:7947")
	want := []string{"10.77.0.1:7946", "10.77.0.1:7947"}
	if got := j.machines[0].listeners(j.sched); !slices.Equal(got, want) {
		t.Errorf("the scheduler listens on %v, want %v", got, want)
	}
	srv := j.machines[1]
	zero := j.role(srv, "server", "--shard", "0", "--gossip", "10.77.0.2:7946", "--set", "cluster.data=10.77.0.2:7947")
	j.sched.until("name=server-0")
	want = []string{"10.77.0.2:7946", "10.77.0.2:7947"}
	if got := srv.listeners(zero); !slices.Equal(got, want) {
		t.Errorf("the server listens on %v, want %v", got, want)
	}
	worker := j.role(j.machines[2], "worker", "--gossip", "10.77.0.3:7946")
	j.sched.until("role=worker")
	if got, want := j.machines[2].listeners(worker), []string{"10.77.0.3:7946"}; !slices.Equal(got, want) {
		t.Errorf("the worker listens on %v, want %v", got, want)
	}
	j.servers = []*program{zero, j.role(srv, "server", "--shard", "1")}
	j.workers = []*program{worker, j.role(j.machines[2], "worker")}
	s := j.sched.result()
	near(t, "objective", s.Objective, 0.32450692, 1e-4)
	if s.Servers != 2 || s.Workers != 2 {
		t.Errorf("%d servers and %d workers, want 2 and 2", s.Servers, s.Workers)
	}
	for _, p := range j.others() {
		if code := p.status(); code != 0 {
			t.Errorf("%v: exit status %d, want 0:\n%s", p.cmd.Args, code, p.stderr())
		}
	}
	for _, want := range []string{"data=10.77.0.2:", "gossip=10.77.0.3:"} {
		if !strings.Contains(j.sched.stderr(), want) {
			t.Errorf("the scheduler does not say %q:\n%s", want, j.sched.stderr())
		}
	}
}

func testRackRefusals(t *testing.T) {
	j := newRack(t, 3).begin()
	j.role(j.machines[1], "server", "--shard", "0")
	j.sched.until("name=server-0")
	m := j.machines[2]
	wrong := key(t, "wrong.key", theirKey)
	for _, c := range []struct {
		name  string
		args  []string
		wants []string
	}{
		{"a wrong key", []string{"worker", "--bind", m.addr(), "--set", "cluster.key_file=" + wrong}, []string{j.join(), wrong}},
		{"no key", []string{"worker", "--bind", m.addr()}, []string{j.join(), "cluster.key_file"}},
		{"a taken seat", []string{"server", "--bind", m.addr(), "--set", "cluster.key_file=" + j.key, "--shard", "0"},
			[]string{"seat 0", "server-0", j.machines[1].addr()}},
		{"a second scheduler", []string{"scheduler", "--bind", m.addr(), "--set", "cluster.key_file=" + j.key, "--config", config(t, "logreg-a9a.toml")},
			[]string{"scheduler already", j.join()}},
		{"bound to loopback", []string{"server", "--set", "cluster.key_file=" + j.key}, []string{"127.0.0.1", j.join()}},
		{"an address of another machine", []string{"server", "--bind", "10.77.0.1", "--set", "cluster.key_file=" + j.key}, []string{"10.77.0.1", "cluster.bind"}},
		{"every address", []string{"server", "--bind", "0.0.0.0", "--set", "cluster.key_file=" + j.key}, []string{"0.0.0.0", "--advertise"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := m.run(append(c.args, "--join", j.join())...)
			if code := p.status(); code != 1 {
				t.Errorf("exit status %d, want 1", code)
			}
			_, said, _ := strings.Cut(p.stderr(), "petuum: ")
			for _, want := range c.wants {
				if !strings.Contains(said, want) {
					t.Errorf("the error does not say %q:\n%s", want, p.stderr())
				}
			}
		})
	}
	j.sched.until(`msg="member left" name=scheduler`) // no death, which newcomers would meet for seconds
	j.role(j.machines[1], "server", "--shard", "1")
	j.role(m, "worker")
	j.role(m, "worker")
	near(t, "objective after all the refusals", j.sched.result().Objective, 0.32450692, 1e-4)
}

func testRackConflict(t *testing.T) {
	j := newRack(t, 3).begin("cluster.servers=1", "cluster.workers=1")
	j.role(j.machines[1], "server")
	w := j.role(j.machines[2], "worker", "--set", "algorithm.lambda=0.5")
	if code := w.status(); code != 1 || !strings.Contains(w.stderr(), "algorithm.lambda") {
		t.Errorf("the worker: exit status %d, want 1, naming algorithm.lambda:\n%s", code, w.stderr())
	}
	if code := j.sched.status(); code != 1 || !strings.Contains(j.sched.stderr(), "worker-0: ") {
		t.Errorf("the scheduler: exit status %d, want 1, naming worker-0:\n%s", code, j.sched.stderr())
	}
}

// Addresses at which nobody is (no answer at all) or that lead nowhere (packets vanish).
func testRackUnreachable(t *testing.T) {
	t.Run("nobody, a worker", testRackMissedWorker)
	for _, c := range []struct{ name, addr string }{{"nobody", "10.77.0.99"}, {"a black hole", "10.77.0.98"}} {
		t.Run(c.name+", a server", func(t *testing.T) {
			t.Parallel()
			j := newRack(t, 3).begin("cluster.servers=1", "cluster.workers=1")
			for _, m := range j.machines {
				m.blackHole("10.77.0.98")
			}
			srv := j.machines[1].run("server", "--join", j.join(), "--bind", "0.0.0.0", "--advertise", c.addr, "--shard", "0", "--set", "cluster.key_file="+j.key)
			j.role(j.machines[2], "worker")
			if code := j.sched.status(); code != 1 {
				t.Errorf("exit status %d, want 1", code)
			}
			if code := srv.status(); code != 1 {
				t.Errorf("the server: exit status %d, want 1", code)
			}
			if said := j.sched.stderr(); !strings.Contains(said, "server-0 at "+c.addr+":") || !strings.Contains(said, "--advertise") {
				t.Errorf("stderr does not say that server-0 at %s cannot be reached:\n%s", c.addr, said)
			}
		})
		t.Run(c.name+", the scheduler", func(t *testing.T) {
			t.Parallel()
			r := newRack(t, 2)
			sched := r.machines[0].run("scheduler", "--config", config(t, "logreg-a9a.toml"), "--bind", "0.0.0.0", "--advertise", c.addr, "--gossip", "0.0.0.0:"+gossipPort)
			sched.until("to join " + c.addr)
			m := r.machines[1]
			m.blackHole("10.77.0.98")
			p := m.run("server", "--join", r.machines[0].addr()+":"+gossipPort, "--bind", m.addr())
			if code := p.status(); code != 1 || !strings.Contains(p.stderr(), "scheduler at "+c.addr+":") {
				t.Errorf("exit status %d, want 1, naming the scheduler at %s:\n%s", code, c.addr, p.stderr())
			}
		})
	}
}

// Nobody but gossip dials a worker: with a wrong address the job goes on, and gossip
// tells of the worker by name and address.
func testRackMissedWorker(t *testing.T) {
	t.Parallel()
	j := newRack(t, 3).begin("cluster.servers=1", "cluster.workers=1", "stop.epochs=1000000000", "stop.tolerance=0")
	j.servers = []*program{j.role(j.machines[1], "server")}
	j.workers = []*program{j.machines[2].run("worker", "--join", j.join(), "--bind", "0.0.0.0", "--advertise", "10.77.0.99", "--set", "cluster.key_file="+j.key)}
	if line := j.sched.until("member failed"); !strings.Contains(line, "role=worker gossip=10.77.0.99:") {
		t.Errorf("got %q, want the worker's name and address in it", line)
	}
	j.sched.until("objective")
	if err := j.sched.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := j.sched.status(); code != 130 {
		t.Errorf("exit status %d, want 130:\n%s", code, j.sched.stderr())
	}
	for _, p := range j.others() {
		if code := p.status(); code != 1 {
			t.Errorf("%v: exit status %d, want 1:\n%s", p.cmd.Args, code, p.stderr())
		}
	}
}

// blackHole makes packets for addr vanish: they are sent to nobody's hardware address.
func (m *machine) blackHole(addr string) {
	m.rack.t.Helper()
	ip(m.rack.t, "-n", m.space, "neigh", "replace", addr, "lladdr", "02:00:00:00:00:98", "dev", "eth0", "nud", "permanent")
}

// Every role listens everywhere and says where it is reached.
func testRackAny(t *testing.T) {
	r := newRack(t, 3)
	run := func(m *machine, role string, args ...string) *program {
		return m.run(append([]string{role, "--bind", "0.0.0.0", "--advertise", m.addr()}, args...)...)
	}
	sched := run(r.machines[0], "scheduler", "--json", "--config", config(t, "logreg-a9a.toml"), "--gossip", "0.0.0.0:"+gossipPort, "--set", "output.model=")
	addr := r.machines[0].addr() + ":" + gossipPort
	sched.until("to join " + addr)
	for k := range 2 {
		run(r.machines[1], "server", "--join", addr, "--shard", strconv.Itoa(k))
		run(r.machines[2], "worker", "--join", addr)
	}
	near(t, "objective", sched.result().Objective, 0.32450692, 1e-4)
}

func testRackSix(t *testing.T) {
	r := newRack(t, 3)
	if _, err := os.Stat("/proc/sys/net/ipv6"); err != nil {
		t.Skip("this machine has no IPv6")
	}
	for _, m := range r.machines {
		ip(t, "-n", m.space, "addr", "add", m.addr6()+"/64", "dev", "eth0", "nodad")
	}
	m := r.machines[0]
	addr := "[" + m.addr6() + "]:" + gossipPort
	sched := m.run("scheduler", "--json", "--config", config(t, "logreg-a9a.toml"), "--bind", m.addr6(), "--gossip", addr, "--set", "output.model=")
	sched.until("to join " + addr)
	for k := range 2 {
		r.machines[1].run("server", "--join", addr, "--bind", r.machines[1].addr6(), "--shard", strconv.Itoa(k))
		r.machines[2].run("worker", "--join", addr, "--bind", r.machines[2].addr6())
	}
	near(t, "objective", sched.result().Objective, 0.32450692, 1e-4)
}

// TestLoopbackSix needs no root: every role on this machine's IPv6 loopback.
func TestLoopbackSix(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skipf("this machine has no IPv6: %v", err)
	}
	l.Close()
	s := train(t, t.TempDir(), "--set", "cluster.bind=::1", "--set", "output.model=", config(t, "logreg-a9a.toml"))
	near(t, "objective", s.Objective, 0.32450692, 1e-4)
}

// endlessly begins a job that does not end by itself and waits until it trains.
func endlessly(t *testing.T) *job {
	t.Helper()
	j := newRack(t, 3).begin("stop.epochs=1000000000", "stop.tolerance=0").complete()
	j.sched.until("objective")
	return j
}

// ends asserts that the job ends soon, as failed, and that all but the victims say
// why. What becomes of the victims is their exit status.
func (j *job) ends(t *testing.T, since time.Time, names string, status int, victims ...*program) {
	t.Helper()
	all := append(j.others(), j.sched)
	codes := make([]int, len(all))
	for i, p := range all {
		codes[i] = p.status()
	}
	took := time.Since(since)
	t.Logf("all processes were gone after %s", took)
	if took > patience*promised {
		t.Errorf("the job ended after %s, %s are promised", took, promised)
	}
	for i, p := range all {
		want, name := 1, names
		if slices.Contains(victims, p) {
			want, name = status, ""
		}
		_, said, _ := strings.Cut(p.stderr(), "petuum: ")
		if codes[i] != want || !strings.Contains(said, name) {
			t.Errorf("%v: exit status %d, want %d, naming %q:\n%s", p.cmd.Args, codes[i], want, name, p.stderr())
		}
	}
}

func testRackKilled(t *testing.T) {
	for _, c := range []struct {
		names  string
		victim func(j *job) *program
	}{
		{"scheduler", func(j *job) *program { return j.sched }},
		{"server-1", func(j *job) *program { return j.servers[1] }},
		{"worker-", func(j *job) *program { return j.workers[0] }},
	} {
		t.Run(c.names, func(t *testing.T) {
			j := endlessly(t)
			victim := c.victim(j)
			since := time.Now()
			if err := victim.cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			j.ends(t, since, c.names, -1, victim)
		})
	}
}

// A machine that is cut off says nothing, not even that it is gone. Both sides must
// notice: the rest names who is missing, and what was cut off ends as well.
func testRackUnplugged(t *testing.T) {
	for _, c := range []struct {
		names string
		at    int
	}{{"scheduler", 0}, {"server-", 1}, {"worker-", 2}} {
		t.Run(c.names, func(t *testing.T) {
			j := endlessly(t)
			since := time.Now()
			j.machines[c.at].unplug()
			j.ends(t, since, c.names, 1, [][]*program{{j.sched}, j.servers, j.workers}[c.at]...)
		})
	}
}
