package checkpoint

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/consistency"
	"petuum/table"
)

var spec = table.Spec{Name: "w", Keys: 1000, Width: 2, Rule: table.AdaGrad(0.1, 1e-3), Init: table.Init{Spread: 0.5, Seed: 1}}

// manifest is one of clock n.
func manifest(n int) Manifest {
	return Manifest{Petuum: "1.2.3", Start: 1, Clock: consistency.Clock(n), Seconds: 0.5, Curve: []algos.Point{{Clock: 1, Objective: 3}, {Clock: consistency.Clock(n), Objective: 2}},
		Job: Job{Algorithm: "tally", Parameters: "bins = 5\nstep = 0.1", Seed: 1, Parts: 2, Tables: []Table{TableOf(spec)},
			Data: dataset.Info{Format: "csv", Rows: 60, Files: []dataset.File{{Name: "a.csv", Bytes: 10, Digest: 5}}}}}
}

// rowsOf are rows of the table, which depend on n.
func rowsOf(n int) map[uint64]string {
	rows := map[uint64]string{}
	for k := range 100 {
		rows[uint64(7*k)] = strings.Repeat(string(rune('a'+(k+n)%26)), spec.WholeBytes())
	}
	return rows
}

// keep writes a checkpoint of clock n. step, unless nil, is called before each step.
func keep(path string, n int, step func(string)) error {
	w := &Writer{path: path, step: func(string) {}}
	if step != nil {
		w.step = step
	}
	if err := w.begin(); err != nil {
		return err
	}
	write := func(name, text string) error {
		f, err := w.File(name)
		if err != nil {
			return err
		}
		_, err = io.WriteString(f, text)
		return errors.Join(err, f.Close())
	}
	var rows strings.Builder
	for key, row := range rowsOf(n) {
		rows.Write(binary.AppendUvarint(nil, key))
		rows.WriteString(row)
	}
	err := errors.Join(write(TableFile("w"), rows.String()), write(PartFile(0), fmt.Sprint("state ", n)), write(PartFile(1), ""))
	if err != nil {
		return err
	}
	return w.Close(manifest(n))
}

// check holds the last checkpoint against one of clock n.
func check(t *testing.T, path string, n int) {
	t.Helper()
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	want := manifest(n)
	want.Format, want.Files = format, r.Files
	if !reflect.DeepEqual(r.Manifest, want) {
		t.Errorf("got the manifest %+v, want %+v", r.Manifest, want)
	}
	got := map[uint64]string{}
	if err := r.Rows(TableOf(spec), func(key uint64, row []byte) error {
		got[key] = string(row)
		return nil
	}); err != nil || !reflect.DeepEqual(got, rowsOf(n)) {
		t.Errorf("got rows %v, %v, want %v", got, err, rowsOf(n))
	}
	if err := r.Read(PartFile(0), func(r io.Reader) error {
		b, err := io.ReadAll(r)
		if want := fmt.Sprint("state ", n); string(b) != want {
			t.Errorf("part 0: got %q, want %q", b, want)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}

func names(t *testing.T, path string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// TestKeep writes one checkpoint after another: the last one is there, alone.
func TestKeep(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "kept")
	if _, err := Last(path); !errors.Is(err, ErrNone) {
		t.Errorf("got error %v, want that there is none", err)
	}
	if err := Check(path); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); !errors.Is(err, ErrNone) {
		t.Errorf("got error %v, want that there is none", err)
	}
	for n := 1; n <= 3; n++ {
		if err := keep(path, n, nil); err != nil {
			t.Fatal(err)
		}
		check(t, path, n)
		if got, want := names(t, path), []string{fmt.Sprintf("%08d", n)}; !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	if err := Check(path); err != nil {
		t.Error(err)
	}
}

// TestCrash ends the process, as kill -9 does, before each step of the second checkpoint:
// the first or the second is there whole, and the next one cleans up.
func TestCrash(t *testing.T) {
	type crash struct{}
	for n := 0; ; n++ {
		path := t.TempDir()
		if err := keep(path, 1, nil); err != nil {
			t.Fatal(err)
		}
		left, at, crashed := n, "", false
		var seen []string
		func() {
			defer func() {
				if r := recover(); r != nil {
					if _, ok := r.(crash); !ok {
						panic(r)
					}
					crashed = true
				}
			}()
			if err := keep(path, 2, func(step string) {
				if at = step; left == 0 {
					w := names(t, path)
					seen = w
					panic(crash{})
				}
				left--
			}); err != nil {
				t.Fatal(err)
			}
		}()
		if !crashed {
			if n < 12 {
				t.Errorf("a checkpoint takes %d steps, want those of 4 files and more", n)
			}
			return
		}
		want := 1
		for _, name := range seen {
			if name == "00000002" {
				want = 2
			}
		}
		t.Logf("before %q there is %v", at, seen)
		check(t, path, want)
		if err := Check(path); err != nil {
			t.Errorf("before %q: %v", at, err)
		}
		if err := keep(path, 3, nil); err != nil {
			t.Fatal(err)
		}
		check(t, path, 3)
		if got := names(t, path); len(got) != 1 {
			t.Errorf("crashed before %q, the next checkpoint leaves %v", at, got)
		}
	}
}

// TestDamage changes each byte of each file, cuts it short at some, and takes it away:
// nothing of it is accepted, and the error names the file.
func TestDamage(t *testing.T) {
	path := t.TempDir()
	if err := keep(path, 1, nil); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(path, "00000001")
	refused := func(file, how string) {
		t.Helper()
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), filepath.Join(dir, file)) {
			t.Errorf("%s, %s: got error %v, want one that names the file", file, how, err)
		}
	}
	for _, name := range names(t, dir) {
		file := filepath.Join(dir, name)
		whole, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		put := func(b []byte) {
			if err := os.WriteFile(file, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for i := 0; i < len(whole); i += 1 + len(whole)/200 {
			b := append([]byte(nil), whole...)
			b[i] ^= 1 << (i % 8)
			put(b)
			refused(name, fmt.Sprint("byte ", i, " is another"))
			put(whole[:i])
			refused(name, fmt.Sprint("cut short at ", i))
		}
		put(append(append([]byte(nil), whole...), 'x'))
		refused(name, "a byte too many")
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		refused(name, "not there")
		put(whole)
	}
	check(t, path, 1)
}

// TestDiffers refuses the checkpoint of another job, and says what differs.
func TestDiffers(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Job)
		want   string
	}{
		{"nothing", func(*Job) {}, ""},
		{"before the data is read", func(j *Job) { j.Data, j.Tables = dataset.Info{}, nil }, ""},
		{"algorithm", func(j *Job) { j.Algorithm = "lda" }, "job.algorithm was tally and is lda"},
		{"parameters", func(j *Job) { j.Parameters = "bins = 6\nstep = 0.1" }, `had "bins = 5" and have "bins = 6"`},
		{"a parameter more", func(j *Job) { j.Parameters += "\nx = 1" }, `had "" and have "x = 1"`},
		{"seed", func(j *Job) { j.Seed = 2 }, "job.seed was 1 and is 2"},
		{"parts", func(j *Job) { j.Parts = 3 }, "set cluster.parts = 2"},
		{"a file's name", func(j *Job) { j.Data.Files = []dataset.File{{Name: "b.csv", Bytes: 10, Digest: 5}} }, "was a.csv and is b.csv"},
		{"a file's length", func(j *Job) { j.Data.Files = []dataset.File{{Name: "a.csv", Bytes: 11, Digest: 5}} }, "a.csv of the training data had 10 bytes and has 11"},
		{"a file's content", func(j *Job) { j.Data.Files = []dataset.File{{Name: "a.csv", Bytes: 10, Digest: 6}} }, "the content of a.csv"},
		{"files", func(j *Job) { j.Data.Files = nil }, "was 1 files and is 0"},
		{"how it is read", func(j *Job) { j.Data.Rows = 61 }, "read in another way"},
		{"tables", func(j *Job) { j.Tables = []Table{TableOf(table.Spec{Name: "w", Keys: 999})} }, "the tables were"},
	} {
		now := manifest(1).Job
		c.change(&now)
		err := manifest(1).Job.Differs(now)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want %q", c.name, err, c.want)
		}
	}
}

func TestRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Check(file); err == nil {
		t.Error("a file is taken for a folder")
	}
	if err := Check(filepath.Dir(file)); err == nil || !strings.Contains(err.Error(), `holds "file"`) {
		t.Errorf("a folder with something else: got error %v, want one that names it", err)
	}
	path := t.TempDir()
	if err := keep(path, 1, nil); err != nil {
		t.Fatal(err)
	}
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Read("part-7", nil); err == nil || !strings.Contains(err.Error(), "does not list it") {
		t.Errorf("a file that is not there: got error %v", err)
	}
	if err := r.Read(PartFile(0), func(io.Reader) error { return nil }); err == nil || !strings.Contains(err.Error(), "more than what was to be read") {
		t.Errorf("half read: got error %v", err)
	}
	for _, table := range []Table{{Name: "w", Keys: 10, Row: 16}, {Name: "w", Keys: 1000, Row: 17}, {Name: "w", Keys: 1000}} {
		if err := r.Rows(table, func(uint64, []byte) error { return nil }); err == nil {
			t.Errorf("rows of %v are read as those of the table", table)
		}
	}
}
