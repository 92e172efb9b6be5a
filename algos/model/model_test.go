package model

import (
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"petuum/algos"
	"petuum/table"
)

// random makes rows of a table: share of the keys if the key space is small,
// else 3,000 of them, some in runs.
func random(r *rand.Rand, spec table.Spec, share float64) rowsOf {
	t := rowsOf{spec: spec, rows: map[uint64][]float64{}, text: true}
	row := func(key uint64) {
		v := make([]float64, max(1, spec.Width))
		for j := range v {
			if v[j] = r.NormFloat64() * 100; spec.Type == table.Int32 {
				v[j] = float64(int32(v[j]))
			} else if spec.Type == table.Float32 {
				v[j] = float64(float32(v[j]))
			}
		}
		t.rows[key] = v
	}
	if spec.Keys <= 1<<17 {
		for key := range spec.Keys {
			if r.Float64() < share {
				row(key)
			}
		}
		return t
	}
	for range 1000 {
		key := r.Uint64N(spec.Keys-3) >> r.IntN(60)
		for range 1 + r.IntN(3) {
			row(key)
			key++
		}
	}
	row(spec.Keys - 1)
	return t
}

// What was written is read, for keys that were and were not written.
func TestRoundTrip(t *testing.T) {
	const seed = 3
	for _, c := range []struct {
		name  string
		spec  table.Spec
		share float64
	}{
		{"dense, every key", table.Spec{Keys: 40_000}, 1},
		{"dense, gaps", table.Spec{Keys: 100_000, Type: table.Float64, Init: table.Init{Value: 3.5}}, 0.7},
		{"dense, few", table.Spec{Keys: 100_000, Type: table.Int32, Rule: table.Max, Init: table.Init{Value: -7}}, 0.01},
		{"no rows", table.Spec{Keys: 10, Width: 2, Init: table.Init{Value: 0.1, Spread: 1, Seed: 5}}, 0},
		{"one key", table.Spec{Keys: 1}, 1},
		{"hashed", table.Spec{Keys: 1 << 62, Width: 3, Init: table.Init{Spread: 1, Seed: 5}}, 1},
		{"every key there is", table.Spec{Keys: math.MaxUint64, Type: table.Float64}, 1},
		{"rows of a block each", table.Spec{Keys: 50, Width: 20_000}, 0.3},
		{"rule with parameters", table.Spec{Keys: 300, Rule: table.AdaGrad(0.1, 1e-9)}, 0.5},
		{"initial infinity", table.Spec{Keys: 300, Rule: table.Min, Init: table.Init{Value: math.Inf(1)}}, 0.5},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			c.spec.Name = "t"
			want := random(r, c.spec, c.share)
			dir := filepath.Join(t.TempDir(), "model")
			save(t, dir, Manifest{}, want)
			m := mustOpen(t, dir)
			if got := m.Manifest().Tables[0]; got.Written != uint64(len(want.rows)) || got.Rule != c.spec.Rule.String() {
				t.Errorf("got %d keys, rule %q; want %d, %q", got.Written, got.Rule, len(want.rows), c.spec.Rule)
			}
			ask := map[uint64]bool{}
			for key := range want.rows {
				ask[key], ask[max(key, 1)-1], ask[min(key+1, c.spec.Keys-1)] = true, true, true
			}
			for range 100 {
				ask[r.Uint64N(c.spec.Keys)] = true
			}
			all := slices.Sorted(maps.Keys(ask))
			checkValues(t, m, want, all)
			checkValues(t, m, want, want.keys())
			checkValues(t, m, want, all[len(all)/2:len(all)/2+1])
			checkValues(t, m, want, nil)
			checkLines(t, dir, want)
		})
	}
}

func checkValues(t *testing.T, m *Reader, want rowsOf, keys []uint64) {
	t.Helper()
	got, err := m.Values("t", keys)
	if err != nil {
		t.Fatal(err)
	}
	w := max(1, want.spec.Width)
	if len(got) != len(keys)*w {
		t.Fatalf("got %d values for %d keys", len(got), len(keys))
	}
	initial := make([]float64, w)
	for i, key := range keys {
		row, ok := want.rows[key]
		if !ok {
			want.spec.InitialRow(key, initial)
			row = initial
		}
		if g := got[i*w : (i+1)*w]; !slices.Equal(g, row) {
			t.Fatalf("key %d: got %v, want %v (written: %v)", key, g[:min(w, 5)], row[:min(w, 5)], ok)
		}
	}
}

// checkLines reads the text as anybody would.
func checkLines(t *testing.T, dir string, want rowsOf) {
	t.Helper()
	lines := strings.Split(string(contents(t, filepath.Join(dir, "t.txt"))), "\n")
	if n := len(lines) - 1; n != len(want.rows) || lines[n] != "" {
		t.Fatalf("got %d lines, want %d", n, len(want.rows))
	}
	for i, key := range want.keys() {
		k, values, _ := strings.Cut(lines[i], "\t")
		got := make([]float64, 0, len(want.rows[key]))
		for f := range strings.SplitSeq(values, " ") {
			v, err := strconv.ParseFloat(f, 64)
			if want.spec.Type == table.Float32 {
				v = float64(float32(v))
			}
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, v)
		}
		if k != fmt.Sprint(key) || !slices.Equal(got, want.rows[key]) {
			t.Fatalf("line %d: got %.60s, want key %d", i, lines[i], key)
		}
	}
}

// The format does not change without a new version.
func TestGolden(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "model")
	wide := rowsOf{table.Spec{Name: "z", Keys: 5, Width: 2, Type: table.Float64}, map[uint64][]float64{1: {1, -0.5}, 2: {math.Inf(1), 0.1}}, true, algos.KeyNames{}}
	count := rowsOf{table.Spec{Name: "n", Keys: 5, Type: table.Int32}, map[uint64][]float64{4: {-3}}, true, algos.KeyNames{}}
	save(t, dir, example(), small(true), wide, count)
	for name, want := range map[string]string{
		"weights.txt": "3\t0.1\n4\t-2\n900\t1e-07\n",
		"z.txt":       "1\t1 -0.5\n2\t+Inf 0.1\n",
		"n.txt":       "4\t-3\n",
	} {
		if got := string(contents(t, filepath.Join(dir, name))); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]string{
		"weights.bin": "70746d7461626c65 01 00 0000 01000000 e803000000000000 CRC" +
			" 03000000 03000000 0300000000000000 00 ff06 cdcccc3d 000000c0 95bfd633 CRC" +
			" 00000000 00000000 0300000000000000 CRC",
		"z.bin": "70746d7461626c65 01 01 0000 02000000 0500000000000000 CRC" +
			" 02000000 00000000 0100000000000000 000000000000f03f 000000000000e0bf 000000000000f07f 9a9999999999b93f CRC" +
			" 00000000 00000000 0200000000000000 CRC",
	} {
		var b []byte
		for section := range strings.SplitSeq(strings.ReplaceAll(want, " ", ""), "CRC") {
			s, err := hex.DecodeString(section)
			if err != nil {
				t.Fatal(err)
			}
			if len(s) > 0 {
				b = append(b, appendCRC(s)...)
			}
		}
		if got := contents(t, filepath.Join(dir, name)); string(got) != string(b) {
			t.Errorf("%s:\ngot  %x\nwant %x", name, got, b)
		}
	}
	text := string(contents(t, filepath.Join(dir, manifestName)))
	for _, want := range []string{
		"{\n  \"format\": \"petuum model\",\n  \"version\": 2,\n  \"petuum\": \"1.0\",\n  \"job\": \"spam <2>\",\n",
		"\"parameters\": \"lambda = 1e-4\\n\"", "\"objective\": 0.25", "\"train_logloss\": 0.125",
		"\"name\": \"weights\",\n      \"keys\": 1000,\n      \"width\": 1,\n      \"type\": \"float32\",\n      \"rule\": \"add\",\n",
		"\"written\": 3,\n      \"binary\": {\n        \"name\": \"weights.bin\",\n        \"bytes\": 83,\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the manifest lacks %s:\n%s", want, text)
		}
	}
}

func TestManifest(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "model")
	want := example()
	want.Metrics["gone"] = math.NaN()
	want.Tables = []Table{{Name: "ignored"}}
	save(t, dir, want, small(false))
	got := mustOpen(t, dir).Manifest()
	want.Tables = got.Tables
	delete(want.Metrics, "gone")
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if len(got.Tables) != 1 || got.Tables[0].Text != nil {
		t.Errorf("got tables %+v", got.Tables)
	}
	again := filepath.Join(t.TempDir(), "again")
	save(t, again, want, small(false))
	if d := cmp.Diff(tree(t, dir), tree(t, again)); d != "" {
		t.Errorf("the same model is other bytes:\n%s", d)
	}
	nan := math.Inf(-1)
	want.Objective = &nan
	save(t, dir, want, small(false))
	if got := mustOpen(t, dir).Manifest().Objective; got != nil {
		t.Errorf("got objective %v, want none", *got)
	}
}

func TestAppendRefuses(t *testing.T) {
	row := make([]byte, 8)
	for _, c := range []struct {
		name string
		keys []uint64
		last []byte
		want string
	}{
		{"the same key", []uint64{1, 1}, row, "key 1 after key 1"},
		{"a smaller key", []uint64{1, 5, 3}, row, "key 3 after key 5"},
		{"key 0 after a key", []uint64{1, 0}, row, "key 0 after key 1"},
		{"beyond the key space", []uint64{10}, row, "key 10 in a key space of 10"},
		{"too few values", []uint64{1, 2}, row[:4], "key 2 has 4 bytes of values, want 8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "model")
			w := create(t, dir, Manifest{})
			tw, err := w.Table(table.Spec{Name: "t", Keys: 10, Width: 2}, algos.KeyNames{}, false)
			if err != nil {
				t.Fatal(err)
			}
			for i, key := range c.keys {
				values := row
				if i == len(c.keys)-1 {
					values = c.last
				}
				if err != nil {
					t.Fatal(err)
				}
				err = tw.Append(key, values)
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want %q", err, c.want)
			}
			if again := tw.Append(9, row); again != err {
				t.Errorf("got %v after that, want the same", again)
			}
			if closed := w.Close(); closed != err {
				t.Errorf("got %v from Close, want the same", closed)
			}
			if got := tree(t, filepath.Dir(dir)); len(got) != 1 {
				t.Errorf("left over: %v", got)
			}
		})
	}
}

func TestTableRefuses(t *testing.T) {
	w := create(t, filepath.Join(t.TempDir(), "model"), Manifest{}, small(false))
	for _, c := range []struct {
		spec table.Spec
		want string
	}{
		{table.Spec{Name: "weights", Keys: 1}, "twice"},
		{table.Spec{Name: "../w", Keys: 1}, "a name is"},
		{table.Spec{Name: "w"}, "no keys"},
	} {
		if _, err := w.Table(c.spec, algos.KeyNames{}, false); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got error %v, want %q", c.spec, err, c.want)
		}
	}
	tw, err := w.Table(table.Spec{Name: "late", Keys: 1}, algos.KeyNames{}, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := tw.Append(0, make([]byte, 4)); err == nil {
		t.Error("a row after Close was taken")
	}
	if _, err := w.Table(table.Spec{Name: "later", Keys: 1}, algos.KeyNames{}, false); err == nil {
		t.Error("a table after Close was taken")
	}
	if err := w.Close(); err != nil {
		t.Errorf("got %v from the second Close", err)
	}
}

func TestValuesRefuses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "model")
	save(t, dir, Manifest{}, small(false))
	r := mustOpen(t, dir)
	for _, c := range []struct {
		table string
		keys  []uint64
		want  string
	}{
		{"weight", []uint64{1}, `no table "weight"`},
		{"weights", []uint64{1, 1000}, "key 1000 of table \"weights\", whose key space is 1000"},
		{"weights", []uint64{5, 5}, "asked for after 5"},
		{"weights", []uint64{5, 4}, "asked for after 5"},
	} {
		if _, err := r.Values(c.table, c.keys); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: got error %v, want %q", c.keys, err, c.want)
		}
	}
}

// Goroutines do not disturb each other.
func TestValuesConcurrent(t *testing.T) {
	want := random(rand.New(rand.NewPCG(1, 2)), table.Spec{Name: "t", Keys: 60_000}, 0.8)
	dir := filepath.Join(t.TempDir(), "model")
	save(t, dir, Manifest{}, want)
	r := mustOpen(t, dir)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { checkValues(t, r, want, want.keys()) })
	}
	wg.Wait()
}

// A row costs no memory: a model may be larger than that.
func TestAppendAllocatesNothing(t *testing.T) {
	for _, text := range []bool{false, true} {
		w := create(t, filepath.Join(t.TempDir(), "model"), Manifest{})
		tw, err := w.Table(table.Spec{Name: "t", Keys: 1 << 40, Width: 4}, algos.KeyNames{}, text)
		if err != nil {
			t.Fatal(err)
		}
		key, row := uint64(0), make([]byte, 16)
		add := func() {
			for range 10_000 {
				key += 1 + key%3
				_ = tw.Append(key, row)
			}
		}
		add()
		if n := testing.AllocsPerRun(10, add); n != 0 {
			t.Errorf("text %v: got %v allocations in 10,000 rows, want 0", text, n)
		}
		if tw.err != nil {
			t.Error(tw.err)
		}
	}
}
