package roles_test

import (
	"os"
	"path/filepath"
	"strings"
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
