package model

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/table"
)

// named is data of three features with difficult names.
func named() dataset.Info {
	return dataset.Info{Format: dataset.CSV, Features: 5, Fixed: true, Seen: 4, LabelColumn: 1, Label: "y",
		Names: []string{"age", "tab\there", "", "\"quoted\" <b>"}}
}

func TestKeyName(t *testing.T) {
	plain := dataset.Info{Format: dataset.CSV, Features: 3, Seen: 3, LabelColumn: 1}
	for _, c := range []struct {
		name  string
		data  dataset.Info
		names algos.KeyNames
		want  []string // of keys 0, 1, ...
	}{
		{"header", named(), algos.KeyNames{Features: 5, Names: []string{"(intercept)"}},
			[]string{"age", `"tab\there"`, "#3", `"\"quoted\" <b>"`, "#5", "(intercept)", "6"}},
		{"no header", plain, algos.KeyNames{Features: 3}, []string{"#0", "#2", "#3", "3"}},
		{"no header, no label", dataset.Info{Format: dataset.CSV, Features: 2, Seen: 2, Unlabelled: true}, algos.KeyNames{Features: 2}, []string{"#0", "#1"}},
		{"libsvm from 1", dataset.Info{Format: dataset.LIBSVM, Base: 1, Features: 2}, algos.KeyNames{Features: 2, Names: []string{"b\n"}}, []string{"1", "2", `"b\n"`, "3"}},
		{"libsvm from 0", dataset.Info{Format: dataset.LIBSVM, Features: 2}, algos.KeyNames{Features: 2}, []string{"0", "1", "2"}},
		{"MatrixMarket", dataset.Info{Format: dataset.MM, Features: 2}, algos.KeyNames{Features: 2}, []string{"1", "2", "2"}},
		{"libsvm with names", dataset.Info{Format: dataset.LIBSVM, Base: 1, Features: 3, Names: []string{"a"}}, algos.KeyNames{Features: 3}, []string{"a", "2", "3"}},
		{"no features", named(), algos.KeyNames{Names: []string{"(intercept)", ""}}, []string{"(intercept)", `""`, "2"}},
		{"nothing said", named(), algos.KeyNames{}, []string{"0", "1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := Manifest{Data: c.data}
			about := describe(table.Spec{Name: "t", Keys: 9}, c.names)
			var got []string
			for key := range c.want {
				got = append(got, m.KeyName(about, uint64(key)))
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

// The text in the directory and what WriteText makes are the same lines.
func TestWriteText(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "model")
	m := Manifest{Data: named()}
	weights := rowsOf{table.Spec{Name: "weights", Keys: 5, Width: 2}, map[uint64][]float64{0: {0.1, 2}, 1: {-3, 0}}, true, algos.KeyNames{Features: 5}}
	offset := rowsOf{table.Spec{Name: "offset", Keys: 1, Type: table.Float64}, map[uint64][]float64{0: {152.5}}, true, algos.KeyNames{Names: []string{"(intercept)"}}}
	save(t, dir, m, weights, offset)
	r := mustOpen(t, dir)
	for _, c := range []struct {
		tables []string
		want   string
	}{
		{[]string{"weights"}, "age\t0.1 2\n\"tab\\there\"\t-3 0\n"},
		{[]string{"offset", "weights"}, "offset\t(intercept)\t152.5\nweights\tage\t0.1 2\nweights\t\"tab\\there\"\t-3 0\n"},
	} {
		var b bytes.Buffer
		if err := r.WriteText(&b, c.tables); err != nil {
			t.Fatal(err)
		}
		if got := b.String(); got != c.want {
			t.Errorf("%v: got %q, want %q", c.tables, got, c.want)
		}
		if len(c.tables) == 1 {
			if got := string(contents(t, filepath.Join(dir, "weights.txt"))); got != c.want {
				t.Errorf("weights.txt: got %q, want %q", got, c.want)
			}
		}
	}
	if err := r.WriteText(&bytes.Buffer{}, []string{"wights"}); err == nil || !strings.Contains(err.Error(), `no table "wights": there are weights, offset`) {
		t.Errorf("got error %v of a table that is not there", err)
	}
}

func TestLargest(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "model")
	rows := map[uint64][]float64{1: {0, 0}, 2: {1, -5}, 3: {5, 0}, 70: {2, 2}, 71: {0, -0.5}, 72: {-7, 1}}
	save(t, dir, Manifest{}, rowsOf{table.Spec{Name: "t", Keys: 100, Width: 2}, rows, false, algos.KeyNames{}})
	r := mustOpen(t, dir)
	order := []uint64{72, 2, 3, 70, 71}
	for n := range 8 {
		nonzeros, top, err := r.Largest("t", n)
		if err != nil {
			t.Fatal(err)
		}
		if nonzeros != 8 {
			t.Errorf("got %d non-zeros, want 8", nonzeros)
		}
		var want []Row
		for _, key := range order[:min(n, len(order))] {
			want = append(want, Row{key, rows[key]})
		}
		if d := cmp.Diff(want, slices.Clip(append([]Row(nil), top...))); d != "" {
			t.Errorf("the %d largest, -want +got:\n%s", n, d)
		}
	}
}

// A manifest with more metrics is that of a model that had them from the start.
func TestAddMetrics(t *testing.T) {
	parent := t.TempDir()
	dir, whole := filepath.Join(parent, "model"), filepath.Join(parent, "whole")
	m := example()
	m.Metrics["nonzeros"] = 3
	save(t, dir, m, small(true))
	if err := AddMetrics(dir, map[string]float64{"test_auc": 0.75, "train_logloss": 0.5}); err != nil {
		t.Fatal(err)
	}
	m.Metrics = map[string]float64{"train_logloss": 0.5, "nonzeros": 3, "test_auc": 0.75}
	save(t, whole, m, small(true))
	if d := cmp.Diff(tree(t, whole), tree(t, dir)); d != "" {
		t.Errorf("-written so +added:\n%s", d)
	}
	mustOpen(t, dir)
	if left := strays(dir, "tmp"); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
	if err := AddMetrics(filepath.Join(parent, "none"), nil); err == nil {
		t.Error("metrics were added to no model")
	}
}

// Names that do not fit the table are not of a Writer.
func TestNamesRefused(t *testing.T) {
	for _, names := range []algos.KeyNames{{Features: 6}, {Features: 5, Names: []string{"a", "b", "c", "d", "e"}}} {
		w := create(t, filepath.Join(t.TempDir(), "model"), Manifest{Data: named()})
		if _, err := w.Table(table.Spec{Name: "t", Keys: 9}, names, true); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%d features and %d names for 9 keys", names.Features, len(names.Names))) {
			t.Errorf("%+v: got error %v", names, err)
		}
	}
}

// Values are the same whether blocks are kept or read each time, and whatever the keys
// that nobody wrote have.
func TestKeep(t *testing.T) {
	for _, c := range []struct {
		init    table.Init
		width   int
		written float64
	}{{table.Init{Value: 3}, 1, 0.9}, {table.Init{}, 1, 0.9}, {table.Init{Seed: 7}, 3, 0.6}, {table.Init{}, 1, 0.4}, {table.Init{Spread: 1}, 2, 0.9}} {
		dir := filepath.Join(t.TempDir(), "model")
		tab := random(rand.New(rand.NewPCG(5, 6)), table.Spec{Name: "t", Keys: 50_000, Width: c.width, Type: table.Float64, Init: c.init}, c.written)
		save(t, dir, Manifest{}, tab)
		bytes := mustOpen(t, dir).Manifest().Tables[0].Binary.Bytes
		keys := make([]uint64, tab.spec.Keys)
		for i := range keys {
			keys[i] = uint64(i)
		}
		for _, limit := range []int64{0, bytes - 1, bytes, 1 << 40} {
			r := mustOpen(t, dir)
			if err := r.Keep(limit); err != nil {
				t.Fatal(err)
			}
			if kept := r.tables[0].kept != nil; kept != (limit >= bytes) {
				t.Errorf("limit %d of %d bytes: kept %v", limit, bytes, kept)
			}
			checkValues(t, r, tab, keys)
		}
	}
}
