package roles_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// read is the text of a file.
func read(t *testing.T, path ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestPublish: what parts kept to themselves is in the model that real processes write.
func TestPublish(t *testing.T) {
	dir := rows(t)
	startToys(t, dir, staged(dir, "tally", "stop.clocks=7", "cluster.threads=2")...).result()
	counts, own := read(t, dir, "m", "counts.txt"), read(t, dir, "m", "own.txt")
	if counts != own || counts == "" {
		t.Errorf("got the counts\n%s\nand, published,\n%s\nwant the same", counts, own)
	}
}

// TestResume stops jobs of real processes by a rule, and has them go on: what they come to
// is what they come to without the stop, to the bit.
func TestResume(t *testing.T) {
	for _, c := range []struct {
		name string
		args func(dir string) []string
		more []string // of the run that goes on
		same bool     // the servers: else norms are summed in another way
	}{
		{"state of parts", func(dir string) []string { return staged(dir, "tally", "cluster.parts=4") }, []string{"cluster.workers=1", "cluster.servers=1"}, true},
		{"rounds", func(dir string) []string { return staged(dir, "apart", "cluster.parts=2") }, []string{"cluster.workers=1"}, true},
		{"dml", func(string) []string {
			return []string{"run", "--json", "--set", "output.model=m", "--set", "consistency.deterministic=true", config(t, "dml-letter.toml")}
		}, []string{"cluster.servers=1"}, true},
		{"nothing but tables", func(dir string) []string { return staged(dir, "ridge", "consistency.deterministic=true") }, []string{"cluster.servers=3"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := rows(t)
			run := func(dir string, flags []string, sets ...string) summary {
				args := c.args(data)
				args = append([]string{args[0]}, append(flags, args[1:]...)...)
				for _, s := range append([]string{"evaluate.every=1", "checkpoint.seconds=0"}, sets...) {
					args = append(args[:len(args)-1], "--set", s, args[len(args)-1])
				}
				return startToys(t, dir, args...).result()
			}
			whole, cut := t.TempDir(), t.TempDir()
			want := run(whole, nil, "stop.clocks=10")
			run(cut, nil, "stop.clocks=5", "checkpoint.path=kept")
			got := run(cut, []string{"--resume"}, append(c.more, "stop.clocks=10", "checkpoint.path=kept")...)
			is(t, "clocks", got.Clocks, 10)
			is(t, "evaluations", len(got.Curve), len(want.Curve))
			for i, p := range got.Curve {
				is(t, "clock of an evaluation", p.Clock, want.Curve[i].Clock)
				if c.same && p.Objective != want.Curve[i].Objective {
					t.Errorf("objective at clock %d: got %v, want %v", p.Clock, p.Objective, want.Curve[i].Objective)
				}
				near(t, "objective", p.Objective, want.Curve[i].Objective, 1e-12)
			}
			tables := 0
			for _, name := range entries(t, filepath.Join(whole, "m")) {
				if strings.HasSuffix(name, ".txt") {
					tables++
					if read(t, whole, "m", name) != read(t, cut, "m", name) {
						t.Errorf("%s is not as it is without the stop", name)
					}
				}
			}
			if tables == 0 {
				t.Error("no tables to compare")
			}
		})
	}
}

// kept are the arguments of a job of the test kit that keeps a checkpoint at every clock.
func kept(dir, algorithm string, flags []string, sets ...string) []string {
	args := staged(dir, algorithm, append([]string{"evaluate.every=1", "checkpoint.path=kept", "checkpoint.seconds=0", "cluster.parts=3"}, sets...)...)
	return append([]string{args[0]}, append(flags, args[1:]...)...)
}

// TestResumeKilled kills a process of each role while checkpoints are being written, as
// often as the job is started again: it comes to what it comes to undisturbed.
func TestResumeKilled(t *testing.T) {
	const clocks = "stop.clocks=200"
	dir := rows(t)
	want := startToys(t, t.TempDir(), staged(dir, "tally", clocks, "evaluate.every=1", "cluster.parts=3")...).result()
	for i, role := range []string{"scheduler", "server", "worker", "scheduler", "interrupted"} {
		p := startToys(t, dir, kept(dir, "tally", []string{"--resume", "--log-level", "debug"}, clocks)...)
		if i == 0 {
			p.until("there is no checkpoint in " + filepath.Join(dir, "kept") + " yet: the job begins")
		} else {
			p.until("going on from the checkpoint of clock ")
		}
		for range 4 + i {
			p.until("kept a checkpoint")
		}
		signal, code := syscall.SIGKILL, 1
		victim := p.cmd.Process.Pid
		if role == "interrupted" {
			signal, code = syscall.SIGINT, 130
		} else {
			victim = p.children()[role][0]
		}
		if err := syscall.Kill(victim, signal); err != nil {
			t.Fatal(err)
		}
		is(t, "status without the "+role, p.status(), code)
		if role == "interrupted" {
			says(t, p.stderr(), "--resume goes on from there")
		}
	}
	got := startToys(t, dir, kept(dir, "tally", []string{"--resume"}, clocks)...).result()
	if fmt.Sprint(got.Curve) != fmt.Sprint(want.Curve) {
		t.Errorf("got the evaluations\n%v\nwant those of the job that was not killed,\n%v", got.Curve, want.Curve)
	}
	is(t, "rows that are not counted", got.Metrics["apart"], 0.0)
	if found := entries(t, filepath.Join(dir, "kept")); len(found) != 1 {
		t.Errorf("got %v in the folder, want one checkpoint", found)
	}
	again := startToys(t, dir, kept(dir, "tally", []string{"--resume"}, clocks)...).result()
	is(t, "objective of a job that goes on from its end", again.Objective, got.Objective)
	is(t, "why it stops", again.StopReason, "clocks")
	startToys(t, dir, kept(dir, "tally", nil, "stop.clocks=2")...).result() // a finished job's is replaced
}

// TestResumeRefused: a checkpoint that a job cannot go on from is refused, and why, and
// stays as it is.
func TestResumeRefused(t *testing.T) {
	dir := rows(t)
	p := startToys(t, dir, kept(dir, "tally", []string{"--log-level", "debug"}, "stop.clocks=100000")...)
	p.until("kept a checkpoint")
	if err := syscall.Kill(p.cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	is(t, "status", p.status(), 130)
	resume := []string{"--resume"}
	for _, c := range []struct {
		name, algorithm string
		flags, sets     []string
		code            int
		want            string
	}{
		{"it has not ended", "tally", nil, nil, 1, "go on with --resume, or remove the folder"},
		{"nowhere", "tally", resume, []string{"checkpoint.path="}, 2, "checkpoint.path"},
		{"another algorithm", "ridge", resume, nil, 1, "job.algorithm was tally and is ridge"},
		{"other parameters", "tally", resume, []string{"algorithm.bins=6"}, 1, "bins = 6"},
		{"another seed", "tally", resume, []string{"job.seed=2"}, 1, "job.seed was 1 and is 2"},
		{"other parts", "tally", resume, []string{"cluster.parts=4"}, 1, "set cluster.parts = 3"},
		{"other data", "tally", resume, []string{"data.train=" + filepath.Join(dir, "less.csv")}, 1, "was full.csv and is less.csv"},
		{"data read in another way", "tally", resume, []string{"data.label=z"}, 1, "read in another way"},
		{"an algorithm that cannot", "logreg", nil, []string{"checkpoint.path=other"}, 2, "logreg cannot go on from a checkpoint"},
		{"stages", "ridge", nil, []string{"checkpoint.path=other", "algorithm.count=3"}, 2, "a job of several stages keeps no checkpoints"},
		{"a folder of something else", "tally", nil, []string{"checkpoint.path=" + dir}, 1, "is of no checkpoint"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := fmt.Sprint(entries(t, filepath.Join(dir, "kept")))
			p := startToys(t, dir, kept(dir, c.algorithm, c.flags, append([]string{"stop.clocks=5", "output.model=never"}, c.sets...)...)...)
			is(t, "exit status", p.status(), c.code)
			says(t, p.stderr(), c.want)
			is(t, "what is there", fmt.Sprint(entries(t, filepath.Join(dir, "kept"))), before)
			if _, err := os.Stat(filepath.Join(dir, "never")); err == nil {
				t.Error("a model was written")
			}
		})
	}
	damage := filepath.Join(dir, "kept", entries(t, filepath.Join(dir, "kept"))[0], "part-1")
	b := []byte(read(t, damage))
	b[len(b)/2] ^= 1
	if err := os.WriteFile(damage, b, 0o600); err != nil {
		t.Fatal(err)
	}
	p = startToys(t, dir, kept(dir, "tally", resume, "stop.clocks=5")...)
	is(t, "exit status", p.status(), 1)
	says(t, p.stderr(), damage+": its checksum is not the manifest's: it is damaged")
}
