package roles_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	ossignal "os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// deadline bounds every wait for a process.
const deadline = 2 * time.Minute

var build struct {
	once sync.Once
	path string
	err  error
}

// binary builds the program once for all tests of this package.
func binary(t testing.TB) string {
	t.Helper()
	if testing.Short() {
		t.Skip("starts processes: skipped with -short")
	}
	build.once.Do(func() {
		dir, err := os.MkdirTemp("", "petuum-test")
		if err != nil {
			build.err = err
			return
		}
		build.path = filepath.Join(dir, "petuum")
		out, err := exec.Command("go", "build", "-o", build.path, "petuum").CombinedOutput()
		if err != nil {
			build.err = fmt.Errorf("go build: %w\n%s", err, out)
		}
	})
	if build.err != nil {
		t.Fatal(build.err)
	}
	return build.path
}

func TestMain(m *testing.M) {
	if os.Getenv(toysEnv) != "" {
		os.Exit(toys())
	}
	code := m.Run()
	if build.path != "" {
		os.RemoveAll(filepath.Dir(build.path))
	}
	os.Exit(code)
}

// program is a running command whose stderr is read line by line. Its children
// inherit stderr, so that its end means that all of them are gone.
type program struct {
	t      testing.TB
	cmd    *exec.Cmd
	stdout bytes.Buffer
	lines  chan string

	mu  sync.Mutex
	all []string
}

func start(t testing.TB, dir string, args ...string) *program {
	t.Helper()
	return launch(t, dir, exec.Command(binary(t), args...))
}

func launch(t testing.TB, dir string, cmd *exec.Cmd) *program {
	t.Helper()
	p := &program{t: t, cmd: cmd, lines: make(chan string, 1<<16)}
	p.cmd.Dir, p.cmd.Stdout = dir, &p.stdout
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stderr = w
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	go func() {
		defer close(p.lines)
		defer r.Close()
		for s := bufio.NewScanner(r); s.Scan(); {
			p.mu.Lock()
			p.all = append(p.all, s.Text())
			p.mu.Unlock()
			p.lines <- s.Text()
		}
	}()
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		p.cmd.Wait()
	})
	return p
}

func (p *program) stderr() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.all, "\n")
}

// until waits for a line of stderr that contains text.
func (p *program) until(text string) string {
	p.t.Helper()
	after := time.After(deadline)
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				p.t.Fatalf("%v ended before it said %q:\n%s", p.cmd.Args, text, p.stderr())
			}
			if strings.Contains(line, text) {
				return line
			}
		case <-after:
			p.t.Fatalf("%v did not say %q within %s:\n%s", p.cmd.Args, text, deadline, p.stderr())
		}
	}
}

// gone waits until the program and all its children have ended.
func (p *program) gone() {
	p.t.Helper()
	after := time.After(deadline)
	for {
		select {
		case _, ok := <-p.lines:
			if !ok {
				return
			}
		case <-after:
			p.t.Fatalf("%v: something still runs after %s:\n%s", p.cmd.Args, deadline, p.stderr())
		}
	}
}

// status waits for the program's end and returns its exit status.
func (p *program) status() int {
	p.t.Helper()
	p.gone()
	err := p.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	return p.cmd.ProcessState.ExitCode()
}

// children are the process ids of the program's children by role.
func (p *program) children() map[string][]int {
	p.t.Helper()
	found := map[string][]int{}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(stats) == 0 {
		p.t.Skip("needs /proc")
	}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it ended meanwhile
		}
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		if fields[1] != strconv.Itoa(p.cmd.Process.Pid) {
			continue
		}
		line, err := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		args := strings.Split(string(line), "\x00")
		if err != nil || len(args) < 2 {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			p.t.Fatal(err)
		}
		found[args[1]] = append(found[args[1]], pid)
	}
	return found
}

// summary is what the tests read of --json.
type summary struct {
	Algorithm  string             `json:"algorithm"`
	Objective  float64            `json:"objective"`
	Gap        *float64           `json:"gap"`
	Metrics    map[string]float64 `json:"metrics"`
	Clocks     int                `json:"clocks"`
	Epochs     float64            `json:"epochs"`
	StopReason string             `json:"stop_reason"`
	Seconds    map[string]float64 `json:"seconds"`
	Bytes      wireBytes          `json:"bytes"`
	Wait       struct {
		Sum map[string]any `json:"sum"`
	} `json:"wait"`
	Workers int    `json:"workers"`
	Servers int    `json:"servers"`
	Model   string `json:"model"`
	Curve   []struct {
		Clock     int     `json:"clock"`
		Objective float64 `json:"objective"`
		Stage     *int    `json:"stage"`
	} `json:"curve"`
	Choices []string `json:"choices"`

	Scheduling map[string]float64 `json:"scheduling"`
	Path       []struct {
		Stage      int                `json:"stage"`
		Clock      int                `json:"clock"`
		Epochs     float64            `json:"epochs"`
		Seconds    float64            `json:"seconds"`
		Objective  float64            `json:"objective"`
		Metrics    map[string]float64 `json:"metrics"`
		StopReason string             `json:"stop_reason"`
		Model      string             `json:"model"`
	} `json:"path"`
}

// wireBytes is what the tests read of the bytes in the summary.
type wireBytes struct {
	stages
	Received         int64
	Updates, Answers stages
	Compression      struct {
		Updates, Answers struct{ All, Compressed int64 }
	}
}

// stages are the bytes from what is to be sent to what is.
type stages struct{ Raw, Encoded, Compressed, Sent int64 }

// result waits for a job that must succeed and reads its summary.
func (p *program) result() summary {
	p.t.Helper()
	if code := p.status(); code != 0 {
		p.t.Fatalf("%v: exit status %d:\n%s", p.cmd.Args, code, p.stderr())
	}
	var s summary
	d := json.NewDecoder(&p.stdout)
	if err := d.Decode(&s); err != nil {
		p.t.Fatalf("%v: stdout is not one JSON object: %v", p.cmd.Args, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		p.t.Fatalf("%v: more than one JSON object on stdout", p.cmd.Args)
	}
	return s
}

// train runs a job to its end.
func train(t testing.TB, dir string, args ...string) summary {
	t.Helper()
	return start(t, dir, append([]string{"run", "--json"}, args...)...).result()
}

// config is the absolute path of an example.
func config(t testing.TB, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "configs", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// shared is a file of the shared data, which is not always there.
func shared(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("PETUUM_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "data")
	}
	path, err := filepath.Abs(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no shared data: %v (set PETUUM_DATA to its folder)", err)
	}
	return path
}

func near(t testing.TB, what string, got, want, relative float64) {
	t.Helper()
	if d := got - want; !(d <= relative*want && -d <= relative*want) {
		t.Errorf("%s: got %.10g, want %.10g within %g", what, got, want, relative)
	}
}

// endless is a job that does not end by itself.
func endless(t testing.TB) *program {
	t.Helper()
	p := start(t, t.TempDir(), "run", "--set", "stop.epochs=1000000000", "--set", "stop.tolerance=0", "--set", "output.model=", config(t, "logreg-a9a.toml"))
	p.until("objective")
	return p
}

func TestDeadRoleEndsJob(t *testing.T) {
	for _, role := range []string{"worker", "server", "scheduler"} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			p := endless(t)
			pids := p.children()[role]
			if len(pids) == 0 {
				t.Fatalf("no child is a %s: %v", role, p.children())
			}
			killed := time.Now()
			if err := syscall.Kill(pids[0], syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			if code := p.status(); code != 1 {
				t.Errorf("exit status %d, want 1", code)
			}
			t.Logf("all processes were gone after %s", time.Since(killed))
			if text := p.stderr(); !strings.Contains(text, role) || !strings.Contains(text, "died") {
				t.Errorf("the %s's death is not named:\n%s", role, text)
			}
		})
	}
}

// A role that is gone before the job begins would be waited for for ever.
func TestDeadRoleBeforeJobBegins(t *testing.T) {
	for _, role := range []string{"worker", "server"} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			p := start(t, t.TempDir(), "run", "--set", "cluster.workers=6", "--set", "stop.epochs=1000000000", "--set", "stop.tolerance=0", "--set", "output.model=", config(t, "logreg-a9a.toml"))
			var pids []int
			for end := time.Now().Add(deadline); len(pids) == 0; pids = p.children()[role] {
				if time.Now().After(end) {
					t.Fatalf("no %s started within %s", role, deadline)
				}
			}
			if err := syscall.Kill(pids[0], syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			if code := p.status(); code != 1 {
				t.Errorf("exit status %d, want 1", code)
			}
			if n := strings.Count(p.stderr(), "petuum: "+role); n != 1 {
				t.Errorf("the %s's death is named %d times, want once:\n%s", role, n, p.stderr())
			}
		})
	}
}

// A scheduler that stands still does not end the job, and does not even end.
func TestSchedulerStandsStill(t *testing.T) {
	t.Parallel()
	p := endless(t)
	if err := syscall.Kill(p.children()["scheduler"][0], syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if code := p.status(); code != 1 {
		t.Errorf("exit status %d, want 1", code)
	}
	if !strings.Contains(p.stderr(), "the scheduler stands still") {
		t.Errorf("stderr does not say that the scheduler stands still:\n%s", p.stderr())
	}
}

func TestInterruptedScheduler(t *testing.T) {
	t.Parallel()
	p := endless(t)
	if err := syscall.Kill(p.children()["scheduler"][0], syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := p.status(); code != 130 {
		t.Errorf("exit status %d, want 130", code)
	}
	if n := strings.Count(p.stderr(), "petuum: interrupted"); n != 1 {
		t.Errorf("said %d times that it was interrupted, want once:\n%s", n, p.stderr())
	}
}

func TestNothingSurvives(t *testing.T) {
	p := endless(t)
	if n := len(p.children()); n != 3 {
		t.Fatalf("children of %d roles, want 3", n)
	}
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.gone()
}

func TestInterrupt(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGHUP} { // Ctrl-C, and a terminal that is closed
		t.Run(signal.String(), func(t *testing.T) {
			if ossignal.Ignored(signal) {
				t.Skip("the tests were started with this signal ignored, as by nohup: so are all processes")
			}
			p := endless(t)
			if err := p.cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if code := p.status(); code != 130 {
				t.Errorf("exit status %d, want 130:\n%s", code, p.stderr())
			}
		})
	}
}

func TestSeparateShells(t *testing.T) {
	dir := t.TempDir()
	sched := start(t, dir, "scheduler", "--json", "--config", config(t, "logreg-a9a.toml"), "--set", "output.model=")
	line := sched.until("to join ")
	addr := line[strings.LastIndex(line, " ")+1:]
	one := start(t, dir, "server", "--join", addr, "--shard", "1")
	zero := start(t, dir, "server", "--join", addr, "--shard", "0", "--config", config(t, "logreg-a9a.toml"), "--set", "output.model=")
	workers := []*program{start(t, dir, "worker", "--join", addr), start(t, dir, "worker", "--config", config(t, "logreg-a9a.toml"), "--set", "output.model=", "--join", addr)}
	s := sched.result()
	near(t, "objective", s.Objective, 0.32450692, 1e-4)
	for _, p := range append(workers, zero, one) {
		if code := p.status(); code != 0 {
			t.Errorf("%v: exit status %d:\n%s", p.cmd.Args, code, p.stderr())
		}
	}
}

// Who leaves before the job begins can be replaced, and why it left does not end
// the job later.
func TestReplacedBeforeJobBegins(t *testing.T) {
	dir := t.TempDir()
	sched := start(t, dir, "scheduler", "--json", "--config", config(t, "logreg-a9a.toml"), "--set", "output.model=",
		"--set", "cluster.servers=1", "--set", "cluster.workers=1")
	line := sched.until("to join ")
	addr := line[strings.LastIndex(line, " ")+1:]
	first := start(t, dir, "worker", "--join", addr)
	sched.until("waiting for 1 server to join")
	if err := first.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := first.status(); code != 130 {
		t.Errorf("the worker that was interrupted: exit status %d, want 130:\n%s", code, first.stderr())
	}
	sched.until("left before the job began")
	start(t, dir, "worker", "--join", addr)
	start(t, dir, "server", "--join", addr)
	sched.result()
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	sched := start(t, dir, "scheduler", "--config", config(t, "logreg-a9a.toml"))
	line := sched.until("to join ")
	addr := line[strings.LastIndex(line, " ")+1:]
	first := start(t, dir, "server", "--log-level", "info", "--join", addr, "--shard", "0")
	first.until("member joined")
	for _, c := range []struct {
		name string
		want string
		args []string
	}{
		{"a seat that is taken", "seat", []string{"server", "--join", addr, "--shard", "0"}},
		{"a seat that does not exist", "seat 7", []string{"server", "--join", addr, "--shard", "7"}},
		{"an address to advertise that nobody can reach", "0.0.0.0", []string{"worker", "--join", addr, "--advertise", "0.0.0.0"}},
		{"a second scheduler", "scheduler", []string{"scheduler", "--join", addr, "--config", config(t, "logreg-a9a.toml")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := start(t, dir, c.args...)
			if code := p.status(); code != 1 && code != 2 {
				t.Errorf("exit status %d, want 1 or 2", code)
			}
			if !strings.Contains(p.stderr(), c.want) {
				t.Errorf("stderr does not say %q:\n%s", c.want, p.stderr())
			}
		})
	}
}

func TestUsage(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.toml")
	text := "[job]\nalgorithm = \"logreg\"\n[data]\ntrain = \"rows\"\n[algorithm]\nlamda = 1\n[cluster]\nservrs = 2\n"
	for path, text := range map[string]string{bad: text, filepath.Join(dir, "rows"): "+1 1:1\n-1 2:x\n",
		filepath.Join(dir, "good.toml"): "[job]\nalgorithm = \"logreg\"\n[data]\ntrain = \"rows\"\nformat = \"libsvm\"\n[cluster]\nworkers = 1\nservers = 1\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"run"}, 2, "FILE.toml"},
		{[]string{"run", "good.toml", "bad.toml"}, 2, "one job at a time"},
		{[]string{"run", "none.toml"}, 2, "none.toml"},
		{[]string{"run", "bad.toml"}, 2, `bad.toml:8: cluster.servrs: unknown key; nearest valid name "servers"`},
		{[]string{"run", "--set", "cluster.servrs=1", "good.toml"}, 2, "--set cluster.servrs"},
		{[]string{"run", "--set", "algorithm.lamda=1", "good.toml"}, 2, `"lambda"`},
		{[]string{"run", "--set", "job.algorithm=lasos", "good.toml"}, 2, `nearest valid name "lasso"`},
		{[]string{"run", "good.toml"}, 1, "rows:2:"},
		{[]string{"rnu"}, 2, "rnu"},
		{[]string{"run", "--jsn", "good.toml"}, 2, "jsn"},
		{[]string{"worker"}, 2, "--join"},
		{[]string{"worker", "extra"}, 2, "extra"},
		{[]string{"server", "--join", "127.0.0.1:1"}, 1, "nobody answers"},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			t.Parallel()
			p := start(t, dir, c.args...)
			if code := p.status(); code != c.code {
				t.Errorf("exit status %d, want %d", code, c.code)
			}
			if !strings.Contains(p.stderr(), c.want) {
				t.Errorf("stderr does not say %q:\n%s", c.want, p.stderr())
			}
			if n := strings.Count(p.stderr(), c.want); n > 1 {
				t.Errorf("said %d times:\n%s", n, p.stderr())
			}
		})
	}
}

func TestConflict(t *testing.T) {
	dir := t.TempDir()
	sched := start(t, dir, "scheduler", "--config", config(t, "logreg-a9a.toml"), "--set", "cluster.workers=1", "--set", "cluster.servers=1")
	line := sched.until("to join ")
	addr := line[strings.LastIndex(line, " ")+1:]
	start(t, dir, "server", "--join", addr)
	worker := start(t, dir, "worker", "--join", addr, "--set", "algorithm.lambda=0.5")
	if code := worker.status(); code == 0 || !strings.Contains(worker.stderr(), "algorithm.lambda") {
		t.Errorf("exit status %d, want one that is not 0, naming algorithm.lambda:\n%s", code, worker.stderr())
	}
	if code := sched.status(); code != 1 {
		t.Errorf("the scheduler: exit status %d, want 1", code)
	}
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"run", "--help"}, {"scheduler", "--help"}, {"server", "--help"}, {"worker", "--help"}, {"config", "--help"}, {"config", "show", "--help"},
		{"predict", "--help"}, {"model", "show", "--help"}, {"model", "export", "--help"}, {"version"}} {
		ctx, cancel := context.WithTimeout(t.Context(), deadline)
		defer cancel()
		out, err := exec.CommandContext(ctx, binary(t), args...).Output()
		if err != nil || !strings.Contains(string(out), "petuum") {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
}
