package model

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"petuum/algos"
	"petuum/algos/calibration"
	"petuum/table"
)

// A calibration comes, is replaced and goes, and nothing else of the model changes.
func TestCalibrate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "model")
	save(t, dir, example(), small(true))
	before := tree(t, dir)
	of := mustOpen(t, dir).Manifest()
	for _, c := range []*calibration.Map{
		{Method: calibration.Sigmoid, Slope: 0.1, Offset: -1.0 / 3, Rows: 12, Data: []string{"held \"out\".csv"}},
		{Method: calibration.Isotonic, Scores: []float64{-1e-300, 5}, Probabilities: []float64{0.1, 0.9}, Rows: 1 << 60},
		{Method: calibration.Temperature, Temperature: 1.5},
	} {
		if err := Calibrate(dir, of, c); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(c, mustOpen(t, dir).Manifest().Calibration); d != "" {
			t.Errorf("-saved +read:\n%s", d)
		}
		after := tree(t, dir)
		after["manifest.json"] = before["manifest.json"]
		if d := cmp.Diff(before, after); d != "" {
			t.Errorf("-before +after:\n%s", d)
		}
	}
	path := filepath.Join(dir, manifestName)
	good := contents(t, path)
	put(t, path, []byte(strings.Replace(string(good), "1.5", "1.25", 1)))
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), advice) {
		t.Errorf("a damaged calibration: got error %v, want one that names %s", err, path)
	}
	put(t, path, good)
	if err := Calibrate(dir, of, nil); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(before, tree(t, dir)); d != "" {
		t.Errorf("-before +once it is gone:\n%s", d)
	}
	if left := strays(dir, "tmp"); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

func TestCalibrateRefuses(t *testing.T) {
	parent := t.TempDir()
	dir, other := filepath.Join(parent, "model"), filepath.Join(parent, "other")
	save(t, dir, example(), small(false))
	changed := small(false)
	changed.rows[3] = []float64{0.2}
	save(t, other, example(), changed)
	before := tree(t, parent)
	sigmoid := &calibration.Map{Method: calibration.Sigmoid, Slope: 1}
	mine := mustOpen(t, dir).Manifest()
	others := mine
	others.Parameters += "lambda = 1\n"
	for name, c := range map[string]struct {
		dir  string
		of   Manifest
		m    *calibration.Map
		want string
	}{
		"another model":    {other, mine, sigmoid, "another model took its place"},
		"other parameters": {dir, others, sigmoid, "another model took its place"},
		"impossible":       {dir, mine, &calibration.Map{Method: "beta"}, "impossible"},
		"nothing there":    {filepath.Join(parent, "none"), mine, sigmoid, "no such file"},
	} {
		if err := Calibrate(c.dir, c.of, c.m); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want %q", name, err, c.want)
		}
	}
	if d := cmp.Diff(before, tree(t, parent)); d != "" {
		t.Errorf("-before +after:\n%s", d)
	}
	if err := os.Chmod(parent, 0o555); err == nil && os.Getuid() != 0 {
		if err := Calibrate(dir, mine, sigmoid); err == nil {
			t.Error("a calibration was written where nothing can be")
		}
		_ = os.Chmod(parent, 0o755)
	}
}

// The values of a key have names if the algorithm has them.
func TestColumns(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "model")
	tab := rowsOf{spec: table.Spec{Name: "weights", Keys: 5, Width: 2}, rows: map[uint64][]float64{1: {1, 2}}, names: algos.KeyNames{Columns: []string{"ham", "spam"}}}
	save(t, dir, Manifest{Data: named()}, tab)
	if got := mustOpen(t, dir).Manifest().Tables[0].Columns; cmp.Diff([]string{"ham", "spam"}, got) != "" {
		t.Errorf("got columns %v", got)
	}
	var out bytes.Buffer
	if err := mustOpen(t, dir).WriteNPZ(&out, []string{"weights"}); err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if f, err := z.Open("weights.columns.npy"); err != nil {
		t.Errorf("the names of the columns are not exported: %v", err)
	} else if b, err := io.ReadAll(f); err != nil || !bytes.Contains(b, []byte("'descr': '<U4', 'fortran_order': False, 'shape': (2,)")) || !bytes.Contains(b, []byte("h\x00\x00\x00a\x00\x00\x00m\x00\x00\x00\x00")) {
		t.Errorf("got columns %q: %v", b, err)
	}
	tab.names.Columns = []string{"ham"}
	w := create(t, filepath.Join(t.TempDir(), "model"), Manifest{Data: named()}, tab)
	if err := w.Close(); err == nil || !strings.Contains(err.Error(), "1 names for 2 values") {
		t.Errorf("got error %v", err)
	}
}
