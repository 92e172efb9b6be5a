package model

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Check and Create accept and refuse the same places, and touch nothing.
func TestPlaces(t *testing.T) {
	model := func(t *testing.T, dir string) { save(t, dir, Manifest{Job: "old"}, small(true)) }
	link := func(t *testing.T, to, from string) {
		if err := os.Symlink(to, from); err != nil {
			t.Skip(err)
		}
	}
	for _, c := range []struct {
		name string
		make func(t *testing.T, dir string)
		want string // in the error; "": none
	}{
		{"absent", func(*testing.T, string) {}, ""},
		{"empty", func(t *testing.T, dir string) { _ = os.Mkdir(dir, 0o755) }, ""},
		{"a model", model, ""},
		{"a model without its text", func(t *testing.T, dir string) {
			model(t, dir)
			_ = os.Remove(filepath.Join(dir, "weights.txt"))
		}, ""},
		{"a link to a model", func(t *testing.T, dir string) {
			model(t, dir+".real")
			link(t, dir+".real", dir)
		}, ""},
		{"a file", func(t *testing.T, dir string) { put(t, dir, nil) }, "is not a directory: move it away or name another"},
		{"a link to nowhere", func(t *testing.T, dir string) { link(t, dir+".none", dir) }, "link to nowhere"},
		{"foreign files", func(t *testing.T, dir string) { put(t, filepath.Join(dir, "thesis.tex"), nil) }, `neither empty nor a model (there is "thesis.tex")`},
		{"a foreign manifest", func(t *testing.T, dir string) { put(t, filepath.Join(dir, manifestName), []byte("{}")) }, "not the manifest of a model"},
		{"a manifest that is a directory", func(t *testing.T, dir string) { put(t, filepath.Join(dir, manifestName, "x"), nil) }, "not a file"},
		{"a model and a foreign file", func(t *testing.T, dir string) {
			model(t, dir)
			put(t, filepath.Join(dir, "predictions.txt"), nil)
		}, `holds "predictions.txt", which is not of the model there`},
		{"a model with a directory for a file", func(t *testing.T, dir string) {
			model(t, dir)
			_ = os.Remove(filepath.Join(dir, "weights.txt"))
			put(t, filepath.Join(dir, "weights.txt", "x"), nil)
		}, `holds "weights.txt"`},
		{"a model of a later version", func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, manifestName), []byte(`{"format": "petuum model", "version": 3, "petuum": "9.1"}`))
		}, `version 3 of the format, but this program reads 2: use the petuum that wrote it ("9.1")`},
	} {
		t.Run(c.name, func(t *testing.T) {
			parent := t.TempDir()
			dir := filepath.Join(parent, "model")
			c.make(t, dir)
			before := tree(t, parent)
			errs := map[string]error{"Check": Check(dir)}
			w, err := Create(dir, Manifest{})
			if errs["Create"] = err; err == nil {
				w.Abort()
			}
			for f, err := range errs {
				if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
					t.Errorf("%s: got error %v, want %q", f, err, c.want)
				}
			}
			if d := cmp.Diff(before, tree(t, parent)); d != "" {
				t.Errorf("something changed:\n%s", d)
			}
			if c.want == "" {
				save(t, dir, Manifest{Job: "new"}, small(false))
				if got := mustOpen(t, dir).Manifest().Job; got != "new" {
					t.Errorf("got job %q", got)
				}
			}
		})
	}
}

func TestParents(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "file"), nil)
	if err := os.Mkdir(filepath.Join(dir, "locked"), 0o555); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, path, want string }{
		{"no name", "", "no name"},
		{"missing", filepath.Join(dir, "none", "model"), "no such file or directory"},
		{"a file", filepath.Join(dir, "file", "model"), "not a directory"},
		{"not writable", filepath.Join(dir, "locked", "model"), "permission denied"},
		{"not writable for anybody", "/proc/model", "make its parent a directory that you can write to"},
		{"the root", "/", "name a directory below it"},
		{"too long a name", filepath.Join(dir, strings.Repeat("x", 240)), "file name too long"},
		{"where a file system is mounted", "/proc", "where a file system is mounted"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := os.Stat("/proc/self"); err != nil && strings.HasPrefix(c.path, "/proc") {
				t.Skip("no /proc")
			}
			if c.want == "permission denied" && os.Geteuid() == 0 {
				t.Skip("root may write anywhere")
			}
			if err := Check(c.path); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Check: got error %v, want %q", err, c.want)
			}
			if w, err := Create(c.path, Manifest{}); err == nil {
				w.Abort()
				t.Error("Create: got no error")
			}
		})
	}
}

// Whenever a process stops, there is the old model or the new one.
func TestModelIsOldUntilClosed(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "model")
	save(t, dir, Manifest{Job: "old"}, small(true))
	old := tree(t, dir)
	same := func(when string) {
		t.Helper()
		if d := cmp.Diff(old, tree(t, dir)); d != "" {
			t.Fatalf("%s: the model changed:\n%s", when, d)
		}
	}
	w := create(t, dir, Manifest{Job: "new"})
	same("after Create")
	appendAll(t, w, rowsOf{spec: small(true).spec, rows: map[uint64][]float64{0: {1}}})
	same("after Append")
	if err := w.finish(); err != nil {
		t.Fatal(err)
	}
	same("before the renaming")
	unfinished := w.tmp
	w.Abort()
	same("after Abort")
	if _, err := os.Stat(unfinished); err == nil {
		t.Error("Abort left the temporary directory")
	}
	if err := w.Close(); err == nil {
		t.Error("Close after Abort said nothing")
	}
	save(t, dir, Manifest{Job: "new"}, small(false))
	if got := mustOpen(t, dir).Manifest().Job; got != "new" {
		t.Errorf("got job %q, want new", got)
	}
	if got := tree(t, parent); len(got) != 4 { // ".", "model" and its two files
		t.Errorf("left over: %v", got)
	}
}

// A trained model is not thrown away because its place was taken meanwhile.
func TestPlaceTakenMeanwhile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "model")
	w := create(t, dir, Manifest{Job: "new"}, small(true))
	put(t, filepath.Join(dir, "thesis.tex"), []byte("x"))
	err := w.Close()
	if err == nil || !strings.Contains(err.Error(), `there is "thesis.tex"`) {
		t.Fatalf("got error %v", err)
	}
	if again := w.Close(); again != err {
		t.Errorf("got %v from a second Close, want the same", again)
	}
	w.Abort()
	if got := string(contents(t, filepath.Join(dir, "thesis.tex"))); got != "x" {
		t.Error("the foreign file changed")
	}
	left := strays(dir, "tmp")
	if len(left) != 1 || !strings.Contains(err.Error(), "the model is complete, in "+left[0]) {
		t.Fatalf("got error %v, and %v", err, left)
	}
	if got := mustOpen(t, left[0]).Manifest().Job; got != "new" {
		t.Errorf("got job %q", got)
	}
}

// If the new model cannot be put in its place the old one comes back.
func TestOldModelComesBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "model")
	save(t, dir, Manifest{Job: "old"}, small(true))
	before := tree(t, filepath.Dir(dir))
	if err := publish(sibling(dir, "tmp"), dir); err == nil {
		t.Error("nothing was put in place without an error")
	}
	if d := cmp.Diff(before, tree(t, filepath.Dir(dir))); d != "" {
		t.Errorf("something changed:\n%s", d)
	}
}

func TestOpenAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.csv")
	if err := os.WriteFile(path, []byte("a,b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), path+" is a file: name the directory of a model") {
		t.Errorf("got error %v", err)
	}
}

// Open tells where a job that was killed between two renames left the model.
func TestOpenAfterACrashBetweenRenames(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "model")
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "there is none in") {
		t.Errorf("got error %v", err)
	}
	save(t, dir, Manifest{Job: "old"}, small(true))
	away := sibling(dir, "old")
	if err := os.Rename(dir, away); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), away) {
		t.Errorf("got error %v, want one that names %s", err, away)
	}
	mustOpen(t, away)
}

// What came into the old model's directory while it was replaced is kept.
func TestRemoveKeepsForeignFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "model")
	save(t, dir, Manifest{}, small(true))
	m := mustOpen(t, dir).Manifest()
	put(t, filepath.Join(dir, "notes"), nil)
	remove(dir, &m)
	if got := tree(t, dir); len(got) != 2 {
		t.Errorf("got %v, want notes only", got)
	}
}
