package model

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"petuum/algos"
	"petuum/table"
)

// savePath writes a model with those of some stages.
func savePath(t *testing.T, dir string, stages int) {
	t.Helper()
	p, err := NewPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Abort()
	for range stages {
		save(t, p.Next(), Manifest{Job: "stage"}, small(true))
	}
	w := create(t, dir, Manifest{Job: "last", Path: 77}, small(true))
	if err := w.Take(p); err != nil {
		t.Fatal(err)
	}
	p.Abort()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestPath: the models of stages come and go with that of the job.
func TestPath(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "model")
	savePath(t, dir, 3)
	if got := mustOpen(t, dir).Manifest(); got.Job != "last" || got.Path != 3 {
		t.Errorf("got job %q with %d models of stages, want last with 3", got.Job, got.Path)
	}
	for stage := range 3 {
		if got := mustOpen(t, StageDir(dir, stage)).Manifest(); got.Job != "stage" || got.Path != 0 {
			t.Errorf("stage %d: got job %q, path %d", stage, got.Job, got.Path)
		}
	}
	if err := AddMetrics(dir, map[string]float64{"x": 1}); err != nil {
		t.Error(err)
	}
	savePath(t, dir, 1)
	if entries, err := os.ReadDir(filepath.Join(dir, "path")); err != nil || len(entries) != 1 {
		t.Errorf("got %v, %v, want the path of the new model", entries, err)
	}
	save(t, dir, Manifest{Job: "alone"}, small(false))
	if got := tree(t, parent); len(got) != 4 { // ".", "model" and its two files
		t.Errorf("left over: %v", got)
	}
}

// TestPathAborted: a job that fails leaves nothing.
func TestPathAborted(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "model")
	for name, fail := range map[string]func(p *Path){
		"before any stage": func(*Path) {},
		"after a stage":    func(p *Path) { save(t, p.Next(), Manifest{}, small(true)) },
		"in a stage":       func(p *Path) { create(t, p.Next(), Manifest{}, small(true)).Abort() },
		"in the model": func(p *Path) {
			save(t, p.Next(), Manifest{}, small(true))
			w := create(t, dir, Manifest{}, small(true))
			if err := w.Take(p); err != nil {
				t.Fatal(err)
			}
			w.Abort()
		},
	} {
		p, err := NewPath(dir)
		if err != nil {
			t.Fatal(err)
		}
		fail(p)
		p.Abort()
		if got := tree(t, parent); len(got) != 1 {
			t.Errorf("%s: left over: %v", name, got)
		}
	}
}

// TestPathPlaces: a model is only replaced if all below it is of models.
func TestPathPlaces(t *testing.T) {
	for _, c := range []struct{ name, file, want string }{
		{"beside the models", "path/notes", `holds "path/notes"`},
		{"in a model", "path/001/notes", `holds "path/001/notes"`},
		{"another stage", "path/002/manifest.json", `holds "path/002"`},
		{"a broken model", "path/000/manifest.json", "not the manifest of a model"},
	} {
		t.Run(c.name, func(t *testing.T) {
			parent := t.TempDir()
			dir := filepath.Join(parent, "model")
			savePath(t, dir, 2)
			put(t, filepath.Join(dir, c.file), []byte("{}"))
			before := tree(t, parent)
			if err := Check(dir); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want %q", err, c.want)
			}
			m := mustOpen(t, dir).Manifest()
			if d := cmp.Diff(before, tree(t, parent)); d != "" {
				t.Errorf("something changed:\n%s", d)
			}
			remove(dir, &m)
			if _, err := os.Stat(filepath.Join(dir, c.file)); err != nil && c.name != "a broken model" {
				t.Errorf("a foreign file was deleted: %v", err)
			}
		})
	}
	dir := filepath.Join(t.TempDir(), "model")
	save(t, dir, Manifest{}, small(true))
	put(t, filepath.Join(dir, "path", "notes"), nil)
	if err := Check(dir); err == nil || !strings.Contains(err.Error(), `holds "path"`) {
		t.Errorf("a directory path beside a model without stages: got error %v", err)
	}
}

// TestRows reads a table as another type, written keys or all.
func TestRows(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "model")
	save(t, dir, Manifest{}, rowsOf{table.Spec{Name: "a", Keys: 4, Width: 2, Init: table.Init{Value: 0.5}}, map[uint64][]float64{1: {0.25, -2}}, false, algos.KeyNames{}},
		rowsOf{table.Spec{Name: "n", Keys: 4, Type: table.Int32}, map[uint64][]float64{3: {7}}, false, algos.KeyNames{}})
	r := mustOpen(t, dir)
	for _, c := range []struct {
		table string
		as    table.Type
		all   bool
		want  map[uint64][]float64
		err   string
	}{
		{"a", table.Float32, false, map[uint64][]float64{1: {0.25, -2}}, ""},
		{"a", table.Float64, false, map[uint64][]float64{1: {0.25, -2}}, ""},
		{"a", table.Float64, true, map[uint64][]float64{0: {0.5, 0.5}, 1: {0.25, -2}, 2: {0.5, 0.5}, 3: {0.5, 0.5}}, ""},
		{"n", table.Int32, false, map[uint64][]float64{3: {7}}, ""},
		{"n", table.Float64, false, map[uint64][]float64{}, "is of int32, not float64"},
		{"a", table.Int32, false, map[uint64][]float64{}, "is of float32, not int32"},
		{"b", table.Int32, false, map[uint64][]float64{}, `no table "b"`},
	} {
		got := map[uint64][]float64{}
		err := r.Rows(c.table, c.as, c.all, func(key uint64, values []byte) error {
			row := make([]float64, len(values)/c.as.Size())
			layout{typ: c.as}.decode(row, values)
			got[key] = row
			return nil
		})
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s as %s: got error %v, want %q", c.table, c.as, err, c.err)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s as %s, all %t: (-want +got)\n%s", c.table, c.as, c.all, d)
		}
	}
	if err := r.Rows("a", table.Float32, true, func(uint64, []byte) error { return os.ErrClosed }); err != os.ErrClosed {
		t.Errorf("got error %v, want that of the caller", err)
	}
}
