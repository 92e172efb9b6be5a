package roles_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// censusProgram builds the program of testdata/census.
func censusProgram(t *testing.T) func(dir string, args ...string) *program {
	t.Helper()
	if testing.Short() {
		t.Skip("builds a program and starts processes: skipped with -short")
	}
	path := filepath.Join(t.TempDir(), "census")
	if out, err := exec.Command("go", "build", "-o", path, "petuum/roles/testdata/census").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return func(dir string, args ...string) *program {
		t.Helper()
		return launch(t, dir, exec.Command(path, args...))
	}
}

// lines writes rows of four values, of which the one at bad, from 1, is malformed.
func lines(t *testing.T, path string, rows, bad int) {
	t.Helper()
	var s strings.Builder
	for i := range rows {
		if i+1 == bad {
			s.WriteString("1 1:1 2:oops\n")
			continue
		}
		fmt.Fprintf(&s, "%d %d:1 %d:0.5 %d:2 %d:1\n", i%2, 1+i%50, 60+i%40, 1000+i%7, 1<<20+i%1000)
	}
	if err := os.WriteFile(path, []byte(s.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

const censusJob = `
job.algorithm = "census"
data.train = "train.svm"
data.hash = 12
stop.epochs = 3
cluster.workers = 2
cluster.threads = 2
`

// TestStream runs jobs whose parts read while they learn in real processes: each row
// counts once a pass, memory does not grow with the data, and the model that is made
// applies to other data, whose features are hashed in the same way.
func TestStream(t *testing.T) {
	census := censusProgram(t)
	dir := t.TempDir()
	job := filepath.Join(dir, "job.toml")
	if err := os.WriteFile(job, []byte(censusJob), 0o644); err != nil {
		t.Fatal(err)
	}
	lines(t, filepath.Join(dir, "test.svm"), 100, 0)
	var heaps [2]float64
	for i, rows := range []int{30_000, 600_000} {
		lines(t, filepath.Join(dir, "train.svm"), rows, 0)
		p := census(dir, "run", "--json", job, "--set", "algorithm.batch="+fmt.Sprint(rows/100), "--set", "data.test=test.svm", "--set", "output.model=m", "--log-level", "info")
		s := p.result()
		if got, want := s.Metrics["rows"], float64(3*rows); got != want || s.Metrics["values"] != 4*want || s.Epochs != 3 {
			t.Errorf("got %v rows with %v values in %v epochs, want %v with %v in 3", got, s.Metrics["values"], s.Epochs, want, 4*want)
		}
		if got, want := s.Metrics["estimate"], float64(rows); got < 0.9*want || got > 1.1*want {
			t.Errorf("got an estimate of %v rows, want about %v", got, want)
		}
		has(t, outcome{summary: s}, "test_accuracy", true)
		says(t, p.stderr(), "its rows are estimated")
		says(t, p.stderr(), "about ")
		heaps[i] = s.Metrics["heap"]
	}
	if heaps[1] > heaps[0]+24<<20 { // the larger file is one of 17 MB, with batches 20 times as large
		t.Errorf("got %.0f MB of memory for the larger file, %.0f for the smaller one", heaps[1]/(1<<20), heaps[0]/(1<<20))
	}
	for _, args := range [][]string{{"predict", "--model", "m", "test.svm"}, {"data", "stat", "--config", job}, {"doctor", job}} {
		p := census(dir, args...)
		if code := p.status(); code != 0 {
			t.Errorf("%v: exit status %d:\n%s%s", args, code, p.stdout.String(), p.stderr())
		}
	}
}

// TestStreamFails sees jobs fail over their data, and end when they are interrupted in
// mid-pass.
func TestStreamFails(t *testing.T) {
	census := censusProgram(t)
	dir := t.TempDir()
	job := filepath.Join(dir, "job.toml")
	if err := os.WriteFile(job, []byte(censusJob), 0o644); err != nil {
		t.Fatal(err)
	}
	train := filepath.Join(dir, "train.svm")
	lines(t, train, 300_000, 30_000)
	p := census(dir, "run", "--json", job)
	if code := p.status(); code != 1 {
		t.Errorf("a malformed line: exit status %d, want 1", code)
	}
	if want := train + `:30000:9: value "oops" is not a number`; strings.Count(p.stderr(), want) != 1 {
		t.Errorf("a malformed line: stderr does not say %q once:\n%s", want, p.stderr())
	}
	for _, c := range []struct{ set, want string }{
		{"data.hash=0", "set data.hash = 20"},
		{"data.float64=true", "data.float64"},
	} {
		p := census(dir, "run", "--json", job, "--set", c.set)
		if code := p.status(); code == 0 {
			t.Errorf("%s: the job was not refused", c.set)
		}
		says(t, p.stderr(), c.want)
	}
	if err := os.WriteFile(train, []byte(strings.Repeat("1 1:1\n", 1000)), 0o644); err != nil {
		t.Fatal(err)
	}
	p = census(dir, "run", "--json", job)
	is(t, "a job of one class is refused", p.status() != 0, true)
	says(t, p.stderr(), "set data.positive")

	lines(t, train, 100_000, 0)
	p = census(dir, "run", "--json", job, "--set", "stop.epochs=1000000", "--log-level", "info")
	p.until("its rows are estimated")
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := p.status(); code != 130 {
		t.Errorf("interrupted: exit status %d, want 130:\n%s", code, p.stderr())
	}
}
