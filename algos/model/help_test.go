package model

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/table"
)

// rowsOf is a table to write: its rows by key.
type rowsOf struct {
	spec table.Spec
	rows map[uint64][]float64
	text bool

	names algos.KeyNames
}

// encode is a row as a shard exports it.
func encode(typ table.Type, row []float64) []byte {
	var b []byte
	for _, v := range row {
		switch typ {
		case table.Float64:
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		case table.Int32:
			b = binary.LittleEndian.AppendUint32(b, uint32(int32(v)))
		default:
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(v)))
		}
	}
	return b
}

// keysOf are the keys of a table in order.
func (t rowsOf) keys() []uint64 {
	var keys []uint64
	for key := range t.rows {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// appendAll writes the rows of a table.
func appendAll(t testing.TB, w *Writer, tab rowsOf) {
	t.Helper()
	tw, err := w.Table(tab.spec, tab.names, tab.text)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range tab.keys() {
		if err := tw.Append(key, encode(tab.spec.Type, tab.rows[key])); err != nil {
			t.Fatal(err)
		}
	}
}

// create writes a model but for Close.
func create(t testing.TB, dir string, m Manifest, tables ...rowsOf) *Writer {
	t.Helper()
	w, err := Create(dir, m)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Abort)
	for _, tab := range tables {
		appendAll(t, w, tab)
	}
	return w
}

// save writes a model.
func save(t testing.TB, dir string, m Manifest, tables ...rowsOf) {
	t.Helper()
	if err := create(t, dir, m, tables...).Close(); err != nil {
		t.Fatal(err)
	}
}

// mustOpen opens a model for the time of the test.
func mustOpen(t testing.TB, dir string) *Reader {
	t.Helper()
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// small is a table of three rows, two of them consecutive.
func small(text bool) rowsOf {
	return rowsOf{table.Spec{Name: "weights", Keys: 1000}, map[uint64][]float64{3: {0.1}, 4: {-2}, 900: {1e-7}}, text, algos.KeyNames{}}
}

// example is a manifest with something in every field.
func example() Manifest {
	objective := 0.25
	return Manifest{
		Petuum: "1.0", Job: "spam <2>", Algorithm: "logreg", Parameters: "lambda = 1e-4\n",
		Data: dataset.Info{Format: dataset.CSV, Files: []dataset.File{{Name: "a.csv", Bytes: 100}}, Rows: 4, NonZeros: 7, Features: 2, Seen: 2,
			LabelMin: -1, LabelMax: 1, LabelSumSq: 4, Classes: []string{"ham", "spam"}, Counts: []uint64{2, 2},
			Label: "y", Names: []string{"ä", "b\"\t"}},
		Clock: 40, Objective: &objective, Metrics: map[string]float64{"train_logloss": 0.125},
	}
}

// tree is the content of a directory and all below.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		if !d.Type().IsRegular() {
			files[name] = d.Type().String()
			return nil
		}
		b, err := os.ReadFile(path)
		files[name] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// put writes a file, and the directories above it.
func put(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// contents reads a file.
func contents(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
