package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// drain reads all batches and checks each.
func drain(t testing.TB, r *Reader, rows int) (out []string) {
	t.Helper()
	for {
		part, err := r.Next(rows)
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		info := r.Info()
		info.Rows, info.NonZeros = uint64(part.X.Rows()), uint64(part.X.NNZ())
		checkParts(t, loaded{info, []*Part{part}})
		if n := part.X.Rows(); n == 0 || n > rows || part.Index != 0 || part.Of != 1 || part.Blocks != nil {
			t.Fatalf("got %d rows, part %d of %d, blocks %v, want 1 to %d rows of part 0 of 1", n, part.Index, part.Of, part.Blocks, rows)
		}
		for i := range part.X.Rows() {
			out = append(out, printRow(part, i))
		}
	}
}

func writeFiles(t testing.TB, files []file) (paths []string) {
	t.Helper()
	dir := t.TempDir()
	for _, f := range files {
		path := filepath.Join(dir, f.name)
		if err := os.WriteFile(path, f.data, 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// TestReader: batches of any size, of files or a stream, are the rows of the input
// in its order, and the info at the end is that of a scan.
func TestReader(t *testing.T) {
	for name, text := range texts() {
		want := mustLoad(t, name, text, Defaults(), 1)
		o := Defaults()
		o.Like = &want.info
		for _, rows := range []int{1, 3, 1000} {
			for what, make := range map[string]func() (*Reader, error){
				"file":   func() (*Reader, error) { return Open(writeFiles(t, []file{{name, []byte(text)}}), o) },
				"gzip":   func() (*Reader, error) { return Open(writeFiles(t, []file{{name + ".gz", gzipped(t, text)}}), o) },
				"stream": func() (*Reader, error) { return OpenStream(name, iotest.HalfReader(strings.NewReader(text)), o) },
				"zstd stream": func() (*Reader, error) {
					return OpenStream(name, iotest.OneByteReader(bytes.NewReader(zstded(t, text))), o)
				},
				"first info": func() (*Reader, error) { return OpenStream(name, strings.NewReader(text), Defaults()) },
			} {
				if len(text) > 1000 && (rows == 1 || what == "zstd stream") {
					continue // slow
				}
				reader, err := make()
				if err != nil {
					t.Fatalf("%s, %s: %v", name, what, err)
				}
				got := drain(t, reader, rows)
				if d := cmp.Diff(want.rows(), got); d != "" && what != "first info" {
					t.Errorf("%s, %s, %d rows at a time (-scan +reader):\n%s", name, what, rows, d)
				}
				ignore := cmpopts.IgnoreFields(Info{}, "PartRows", "Files", "Fixed", "Seen", "TooMany")
				if d := cmp.Diff(want.info, reader.Info(), ignore, cmpopts.EquateApprox(1e-12, 0)); d != "" {
					t.Errorf("%s, %s: info (-scan +reader):\n%s", name, what, d)
				}
				if _, err := reader.Next(1); err != io.EOF {
					t.Errorf("%s: Next behind the end: got %v, want %v", name, err, io.EOF)
				}
				reader.Close()
			}
		}
	}
}

// TestReaderFiles reads several files, with categories that only some have.
func TestReaderFiles(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	text := "y,job,b\n" + manyLines(500, func(i int) string { return fmt.Sprintf("w%d,%c,%d\n", i%2, 'a'+i/40, i%7) })
	o := withCategorical("job")
	want := mustLoad(t, "a.csv", text, o, 1)
	paths := writeFiles(t, cutUp(t, r, "a.csv", text, 6, "pgz"))
	for _, like := range []*Info{nil, &want.info} {
		o.Like = like
		reader, err := Open(paths, o)
		if err != nil {
			t.Fatal(err)
		}
		got := drain(t, reader, 64)
		if d := cmp.Diff(want.rows(), got); like != nil && d != "" {
			t.Errorf("rows (-scan +reader):\n%s", d)
		}
		if d := cmp.Diff(want.info, reader.Info(), cmpopts.IgnoreFields(Info{}, "PartRows", "Files", "Fixed")); d != "" {
			t.Errorf("info (-scan +reader):\n%s", d)
		}
		reader.Close()
		if _, err := reader.Next(1); err == nil {
			t.Error("Next of a closed reader: got no error")
		}
	}
}

// TestReaderColumns: a batch that reaches into the next file has its columns.
func TestReaderColumns(t *testing.T) {
	r, err := Open(writeFiles(t, []file{{"1.csv", []byte("y,a,b\n1,2,3\n")}, {"2.csv", []byte("b;a;y\n6;5;4\n")}}), Defaults())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if d := cmp.Diff([]string{"1/0 0:2 1:3", "4/1 0:5 1:6"}, drain(t, r, 10)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestReaderMatrix reads a matrix, which is held whole, in batches.
func TestReaderMatrix(t *testing.T) {
	text := banner + " matrix coordinate real general\n5 4 5\n5 4 2\n1 1 1\n1 3 1\n3 2 1\n4 4 0.5\n"
	want := mustLoad(t, "a.mtx", text, unlabelled(), 1)
	for _, rows := range []int{1, 2, 9} {
		stream, err := OpenStream("stdin", bytes.NewReader(gzipped(t, text)), unlabelled())
		if err != nil {
			t.Fatal(err)
		}
		file, err := Open(writeFiles(t, []file{{"a.mtx.zst", zstded(t, text)}}), unlabelled())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range []*Reader{stream, file} {
			if d := cmp.Diff(want.rows(), drain(t, r, rows)); d != "" {
				t.Errorf("%d at a time (-scan +reader):\n%s", rows, d)
			}
			if d := cmp.Diff(want.info, r.Info(), cmpopts.IgnoreFields(Info{}, "PartRows", "Files")); d != "" {
				t.Errorf("info (-scan +reader):\n%s", d)
			}
			r.Close()
		}
	}
}

func TestReaderErrors(t *testing.T) {
	broken := errors.New("broken pipe")
	for _, c := range []struct {
		name string
		r    io.Reader
		want string
	}{
		{"in", strings.NewReader(""), "dataset: in is empty"},
		{"in", strings.NewReader("# x\n"), "dataset: in: there is no sample in the file"},
		{"in", strings.NewReader("hello\n"), "dataset: in:1:1: this looks neither"},
		{"in.csv", strings.NewReader("y,a\n1,2\n3\n"), "dataset: in.csv:3:2: row has 1 fields"},
		{"in", io.MultiReader(strings.NewReader("1 1:1\n1 2:1\n"), iotest.ErrReader(broken)), "broken pipe"},
		{"in", bytes.NewReader(gzipped(t, strings.Repeat("1 1:1\n", 100))[:30]), "dataset: in: the gzip data is truncated"},
		{"in", strings.NewReader(banner + "\n"), "dataset: in:1:1: want the first line"},
	} {
		r, err := OpenStream(c.name, c.r, Defaults())
		for err == nil {
			_, err = r.Next(10)
		}
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
		if r == nil {
			continue
		}
		if _, again := r.Next(10); again != err {
			t.Errorf("after an error: got %v, want it again: %v", again, err)
		}
		r.Close()
	}
	r, err := OpenStream("in", strings.NewReader("1 1:1\n"), Defaults())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Next(0); err == nil {
		t.Error("Next(0): got no error")
	}
	if part, err := r.Next(1); err != nil || part.X.Rows() != 1 {
		t.Errorf("Next after Next(0): got %v, want a row", err)
	}
}

// TestUnlabelled reads data that has no labels, by itself and like labelled data.
func TestUnlabelled(t *testing.T) {
	svm := mustLoad(t, "a.svm", "1 1:1\n-1 3:1\n", Defaults(), 1).info
	csv := mustLoad(t, "a.csv", "y,a,b\nu,2,3\nv,2,3\n", Defaults(), 1).info
	bare := Defaults()
	bare.Label = "#1"
	plain := mustLoad(t, "a.csv", "1,2,3\n4,5,6\n", bare, 1).info
	for _, c := range []struct {
		name, file, text string
		like             *Info
		want             string
	}{
		{"libsvm", "b.svm", "1:1 3:2\n2:1 # x\n", nil, "? 0:1 2:2, ? 1:1"},
		{"libsvm like", "b.svm", "1:1 4:2\n2:1\n", &svm, "? 0:1, ? 1:1"},
		{"libsvm with labels", "b.svm", "1 1:1\n1 2:1\n", &svm, "1/1 0:1, 1/1 1:1"},
		{"libsvm, labels later", "b.svm", "1:1\n1 2:1\n", nil, `error: b.svm:2:1: label "1", but the first line has none`},
		{"libsvm, no label later", "b.svm", "1 1:1\n2:1\n", nil, `error: b.svm:2:1: label "2:1" is not a number: a line starts with the label`},
		{"csv", "b.csv", "a,b\n1,2\n3,4\n", nil, "? 0:1 1:2, ? 0:3 1:4"},
		{"csv like", "b.csv", "b,a\n1,2\n3,4\n", &csv, "? 0:2 1:1, ? 0:4 1:3"},
		{"csv with labels", "b.csv", "b,y,a\n1,v,2\n", &csv, "1/1 0:2 1:1"},
		{"csv without header", "b.csv", "5,6\n", &csv, "? 0:5 1:6"},
		{"csv like headerless", "b.csv", "5,6\n7,8\n", &plain, "? 0:5 1:6, ? 0:7 1:8"},
		{"csv like headerless, labels", "b.csv", "5,2,6\n", &plain, "2/0 0:5 1:6"},
		{"no option", "b.csv", "a,b\n1,2\n", nil, "error: b.csv: there is no column y, label, class or target"},
	} {
		o := Defaults()
		o.Like, o.Unlabelled = c.like, c.name != "no option"
		for _, of := range []int{1, 2} {
			got, err := load(c.file, []byte(c.text), o, of)
			rows := strings.Join(got.rows(), ", ")
			if err != nil {
				rows = "error: " + strings.TrimPrefix(err.Error(), "dataset: ")
			} else {
				checkParts(t, got)
				if got.info.Unlabelled != (rows[0] == '?') {
					t.Errorf("%s: got unlabelled %v", c.name, got.info.Unlabelled)
				}
			}
			if !strings.HasPrefix(rows, c.want) || err == nil && rows != c.want {
				t.Errorf("%s in %d parts: got %s, want %s", c.name, of, rows, c.want)
			}
		}
	}
	o := Defaults()
	o.Unlabelled = true
	for _, files := range [][]file{
		{{"1.csv", []byte("a,b\n1,2\n")}, {"2.csv", []byte("y,a,b\n1,2,3\n")}},
		{{"1.csv", []byte("y,a,b\n1,2,3\n")}, {"2.csv", []byte("a,b\n1,2\n")}},
	} {
		if _, err := loadFiles(files, o, 1); err == nil || !strings.Contains(err.Error(), "2.csv: either this file or the first one has no label column") {
			t.Errorf("labels in one of two files: got %v", err)
		}
	}
}

func TestStat(t *testing.T) {
	paths := writeFiles(t, []file{
		{"1.svm", []byte("1 1:2 3:-1\n# x\n-1\n")},
		{"2.svm.gz", gzipped(t, "1 4000000000:1\n2 1:1 2:1 3:1\n")},
	})
	got, err := Stat(paths, Defaults())
	if err != nil {
		t.Fatal(err)
	}
	size := got.Info.Files[1].Bytes
	want := Stats{
		Density: 6 / 16e9, EmptyRows: 1, RowMin: 0, RowMax: 3, ValueMin: -1, ValueMax: 2, LabelMean: 0.75, LabelSD: 1.0897247358851685, WeightMin: 1, WeightMax: 1,
		Files:        []FileStats{{"1.svm", 18, 2}, {"2.svm.gz", size, 2}},
		LargestIndex: &IndexPlace{4000000000, paths[1], 1},
	}
	if d := cmp.Diff(want, got, cmpopts.IgnoreFields(Stats{}, "Info"), cmpopts.EquateApprox(1e-12, 0)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if got.Info.Rows != 4 || got.Info.Features != 4000000000 {
		t.Errorf("got %d rows, %d features", got.Info.Rows, got.Info.Features)
	}
	got, err = Stat(writeFiles(t, []file{{"a.csv", []byte("y,a,b\np,u,0\nq,v,0\n")}}), withCategorical("*"))
	if err != nil {
		t.Fatal(err)
	}
	want = Stats{Density: 1.0 / 3, RowMin: 1, RowMax: 1, ValueMin: 1, ValueMax: 1, WeightMin: 1, WeightMax: 1, Files: []FileStats{{"a.csv", 18, 2}}, Columns: []ColumnStats{{"a", 2}}}
	if d := cmp.Diff(want, got, cmpopts.IgnoreFields(Stats{}, "Info"), cmpopts.EquateApprox(1e-12, 0)); d != "" {
		t.Errorf("categories (-want +got):\n%s", d)
	}
	if names := strings.Join(got.Info.Names, " "); names != "a=u a=v b" {
		t.Errorf("got names %s", names)
	}
}

// TestStatConstantMemory: a reader holds a batch, not the input.
func TestStatConstantMemory(t *testing.T) {
	allocated := func(rows int) int64 {
		text := strings.Repeat("1 1:1 2:2 3:3 4:4 5:5 6:6 7:7 8:8\n", rows)
		r, err := OpenStream("in", strings.NewReader(text), Defaults())
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		most := 0
		for {
			part, err := r.Next(100)
			if err != nil {
				return int64(most)
			}
			most = max(most, part.X.NNZ())
		}
	}
	if few, many := allocated(1000), allocated(50000); few != many {
		t.Errorf("got %d and %d values at a time, want as many", few, many)
	}
}

func TestReadNames(t *testing.T) {
	paths := writeFiles(t, []file{{"n.txt", []byte("a\r\nb c\n\nd")}, {"n.gz", gzipped(t, "a\n")}, {"bad", []byte("a\n\xff\n")}, {"empty", nil}})
	for i, want := range []string{"a|b c||d", "a", "error: " + paths[2] + ":2: the name is not UTF-8", "error: " + paths[3] + " is empty"} {
		names, err := ReadNames(paths[i])
		got := strings.Join(names, "|")
		if err != nil {
			got = "error: " + strings.TrimPrefix(err.Error(), "dataset: ")
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", paths[i], got, want)
		}
	}
}
