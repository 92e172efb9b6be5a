package roles_test

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// checks is what the tests read of petuum doctor --json.
type checks struct {
	OK     bool `json:"ok"`
	Failed int  `json:"failed"`
	Checks []struct {
		Process string `json:"process"`
		Name    string `json:"check"`
		Result  string `json:"result"`
		Detail  string `json:"detail"`
		Fix     string `json:"fix"`
	} `json:"checks"`
}

// examined waits for a check-up with an exit status and reads its report.
func (p *program) examined(status int) (c checks) {
	p.t.Helper()
	if code := p.status(); code != status {
		p.t.Errorf("%v: exit status %d, want %d:\n%s%s", p.cmd.Args, code, status, p.stdout.String(), p.stderr())
	}
	if err := json.Unmarshal(p.stdout.Bytes(), &c); err != nil {
		p.t.Fatalf("%v: stdout is not one JSON object: %v\n%s%s", p.cmd.Args, err, p.stdout.String(), p.stderr())
	}
	if c.OK != (status == 0) || c.OK != (c.Failed == 0) {
		p.t.Errorf("%v: ok %t with %d failures and status %d", p.cmd.Args, c.OK, c.Failed, status)
	}
	return c
}

// results are the results of a process's checks of a name.
func (c checks) results(process, name string) (results []string, details string) {
	for _, k := range c.Checks {
		if k.Process == process && k.Name == name {
			results, details = append(results, k.Result), details+k.Detail+"\n"
		}
	}
	return results, details
}

func (c checks) expect(t *testing.T, process, name, want, detail string) {
	t.Helper()
	if got, details := c.results(process, name); strings.Join(got, " ") != want || !strings.Contains(details, detail) {
		t.Errorf("%s of %s: got %q with %q, want %q with %q", name, process, got, details, want, detail)
	}
}

// One command examines this machine and the roles among each other, and leaves
// nothing behind.
func TestDoctor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := start(t, dir, "doctor", "--json", config(t, "logreg-a9a.toml")).examined(0)
	c.expect(t, "this machine", "training data", "ok", "32,561 rows")
	c.expect(t, "this machine", "memory", "ok", "all 5 processes")
	c.expect(t, "scheduler", "data connections", "ok", "2 of 2 answer")
	for _, name := range []string{"server-0", "server-1", "worker-0", "worker-1"} {
		c.expect(t, name, "gossip", "ok", "4 of 4 answer")
		c.expect(t, name, "version", "ok", "as the scheduler")
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("%v is left behind (%v)", left, err)
	}
}

// What fails on this machine is said, and no process is started.
func TestDoctorFindsFaults(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"rows": "+1 1:1\n-1 2:x\n", "file": "",
		"job.toml": "[job]\nalgorithm = \"logreg\"\n[data]\ntrain = \"rows\"\nformat = \"libsvm\"\n[output]\nmodel = \"file/model\"\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	c := start(t, dir, "doctor", "job.toml", "--json", "--set", "cluster.data="+taken.Addr().String()).examined(1)
	c.expect(t, "this machine", "training data", "FAIL", "rows:2:")
	c.expect(t, "this machine", "data address", "FAIL", taken.Addr().String()+" is taken")
	c.expect(t, "this machine", "output", "FAIL", "is no directory")
	c.expect(t, "this machine", "processes", "warn", "not started")

	c = start(t, dir, "doctor", "job.toml", "--json", "--set", "cluster.servrs=1").examined(1)
	c.expect(t, "this machine", "configuration", "FAIL", "servers")

	p := start(t, dir, "doctor", "job.toml", "other.toml")
	if code := p.status(); code != 2 {
		t.Errorf("two files: exit status %d, want 2:\n%s", code, p.stderr())
	}
}

// doctorScheduler starts the scheduler of a check-up and returns where others join it.
func doctorScheduler(t *testing.T, dir string, args ...string) (p *program, addr string) {
	t.Helper()
	p = start(t, dir, append([]string{"doctor", "scheduler", "--json", "--config", config(t, "logreg-a9a.toml")}, args...)...)
	line := p.until("to join ")
	return p, line[strings.LastIndex(line, " ")+1:]
}

// A server that advertises an address where it does not listen is found by everybody
// who must reach it, and by itself.
func TestDoctorWrongAdvertise(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs a second loopback address")
	}
	t.Parallel()
	dir := t.TempDir()
	sched, addr := doctorScheduler(t, dir, "--set", "cluster.workers=1", "--wait", "1m")
	good := start(t, dir, "doctor", "server", "--json", "--join", addr, "--shard", "0")
	bad := start(t, dir, "doctor", "server", "--json", "--join", addr, "--shard", "1", "--advertise", "127.0.0.2")
	worker := start(t, dir, "doctor", "worker", "--json", "--join", addr)
	c := sched.examined(1)
	for _, name := range []string{"scheduler", "worker-0"} {
		c.expect(t, name, "data connections", "FAIL ok", "cannot reach server-1 at 127.0.0.2:")
	}
	c.expect(t, "server-0", "data connections", "FAIL", "cannot reach server-1 at 127.0.0.2:")
	c.expect(t, "server-1", "data connections", "ok", "1 of 1 answer") // the way out is open
	c.expect(t, "server-1", "gossip", "FAIL", "answers over UDP to 127.0.0.2:")
	c.expect(t, "worker-0", "training data", "ok", "32,561 rows")
	good.examined(1)
	worker.examined(1)
	for _, k := range bad.examined(1).Checks {
		if k.Process != "server-1" {
			t.Errorf("server-1 tells of %s: %+v", k.Process, k)
		}
	}
}

// A check-up and a job do not take each other's roles.
func TestDoctorIsNoJob(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	sched, addr := doctorScheduler(t, dir, "--wait", "1m")
	real := start(t, dir, "worker", "--join", addr)
	if code := real.status(); code != 1 || !strings.Contains(real.stderr(), "petuum doctor") {
		t.Errorf("a worker in a check-up: exit status %d:\n%s", code, real.stderr())
	}
	if err := sched.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := sched.status(); code != 130 {
		t.Errorf("an interrupted check-up: exit status %d, want 130", code)
	}
}

// Looking at the members of a cluster is no event for them.
func TestMembers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	sched := start(t, dir, "scheduler", "--config", config(t, "logreg-a9a.toml"), "--set", "output.model=")
	line := sched.until("to join ")
	addr := line[strings.LastIndex(line, " ")+1:]
	start(t, dir, "server", "--join", addr, "--shard", "1")
	sched.until("waiting for 1 server")

	p := start(t, dir, "members", "--join", addr)
	if code := p.status(); code != 0 {
		t.Fatalf("exit status %d:\n%s", code, p.stderr())
	}
	lines := strings.Split(strings.TrimSpace(p.stdout.String()), "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[0], "NAME") || strings.Index(lines[1], "alive") != strings.Index(lines[2], "alive") ||
		!strings.HasPrefix(lines[1], "scheduler") || !strings.Contains(lines[1], addr) || !strings.HasPrefix(lines[2], "server-1   server     1") {
		t.Errorf("want a head, the scheduler and server-1, aligned:\n%s", p.stdout.String())
	}
	p = start(t, dir, "members", "--json", "--join", addr)
	var list struct {
		Members []struct {
			Name, State string
			Seat        *int
		} `json:"members"`
	}
	if code := p.status(); code != 0 || json.Unmarshal(p.stdout.Bytes(), &list) != nil || len(list.Members) != 2 || list.Members[1].Seat == nil || *list.Members[1].Seat != 1 {
		t.Errorf("exit status %d, want 2 members as JSON:\n%s%s", code, p.stdout.String(), p.stderr())
	}
	if strings.Contains(sched.stderr(), "observer") {
		t.Errorf("the scheduler tells of who looked:\n%s", sched.stderr())
	}

	key := filepath.Join(dir, "key")
	if err := os.WriteFile(key, []byte("MDEyMzQ1Njc4OWFiY2RlZg==\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"gossip key":      {"members", "--join", addr, "--key-file", key},
		"nobody answers":  {"members", "--join", "127.0.0.1:1"},
		"which cluster?":  {"members"},
		"no such file":    {"members", "--join", addr, "--key-file", "none"},
		`unexpected argu`: {"members", "--join", addr, "me"},
	} {
		p := start(t, dir, args...)
		if code := p.status(); code == 0 || !strings.Contains(p.stderr(), want) || strings.Count(p.stderr(), "\n") > 0 {
			t.Errorf("%v: exit status %d, want one line with %q:\n%s", args, code, want, p.stderr())
		}
	}
}
