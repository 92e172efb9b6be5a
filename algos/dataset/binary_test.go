package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"petuum/algos/dataset/columnar"
)

// binaryOf writes the rows of a text as a binary file of so many parts.
func binaryOf(t testing.TB, text string, parts int) string {
	t.Helper()
	o := Defaults()
	o.Quantity = true
	l := mustLoad(t, "a.svm", text, o, 1)
	x, labels, features := &l.parts[0].X, l.parts[0].Labels, l.info.Features
	h := columnar.Header{Columns: features, Base: l.info.Base, Parts: make([]columnar.Facts, parts)}
	bound := func(p int) int { return len(labels) * p / parts }
	for p := range h.Parts {
		h.Parts[p].Rows = uint64(bound(p+1) - bound(p))
		for i := bound(p); i < bound(p+1); i++ {
			h.Parts[p].Values += uint64(x.Len(i))
		}
	}
	path := filepath.Join(t.TempDir(), "a.petuum")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := columnar.NewWriter(f, h)
	for p := range h.Parts {
		if err == nil {
			err = w.Labels(p, labels[bound(p):bound(p+1)])
		}
		counts := make([]uint32, features)
		var rows []uint32
		var values []float32
		for feature := range features {
			for i := bound(p); i < bound(p+1); i++ {
				for j, v := range x.Row(i) {
					if l.parts[0].Keys[j] == feature {
						counts[feature]++
						rows, values = append(rows, uint32(i-bound(p))), append(values, float32(v))
					}
				}
			}
		}
		if err == nil {
			err = w.Columns(p, counts, rows, values)
		}
	}
	if err == nil {
		_, err = w.Finish()
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// few is a text with all that may differ: empty rows and features, classes, values.
const few = "1 1:0.5 3:1\n-1 2:7\n1\n1 3:-2 6:1\n-1 1:3 2:4 6:0.1\n"

// loadPaths reads files in of parts, each in a process of its own.
func loadPaths(paths []string, o Options, of int) (l loaded, err error) {
	var each []*Scanned
	for p := range of {
		s, err := Scan(paths, o, []int{p}, of)
		if err != nil {
			return l, err
		}
		if l.info, err = l.info.Merge(s.Info(p)); err != nil {
			return l, err
		}
		each = append(each, s)
	}
	for _, s := range each {
		parts, err := s.Parts(l.info)
		if err != nil {
			return l, err
		}
		l.parts = append(l.parts, parts...)
	}
	return l, nil
}

// byColumns puts the columns of parts in place of their rows.
func (l loaded) byColumns(t testing.TB) loaded {
	t.Helper()
	for _, p := range l.parts {
		if p.Columns == nil || p.X.Rows() != 0 {
			t.Fatalf("part %d: %d rows and columns %v, want columns alone", p.Index, p.X.Rows(), p.Columns != nil)
		}
		x := p.ByColumn()
		if p.Positions() != x.Rows() || p.Keys != nil && len(p.Keys) != x.Rows() {
			t.Fatalf("part %d: %d columns, %d keys, %d positions", p.Index, x.Rows(), len(p.Keys), p.Positions())
		}
		keys := make([]uint64, p.Positions())
		for j := range keys {
			keys[j] = p.Key(j)
			if at, ok := p.Position(keys[j]); at != j || !ok {
				t.Fatalf("part %d: key %d is at %d, %v, want %d", p.Index, keys[j], at, ok, j)
			}
		}
		if _, ok := p.Position(1 << 40); ok {
			t.Fatalf("part %d has a position of a feature that is none", p.Index)
		}
		p.X, p.Columns, p.Keys = x.Transpose(), nil, keys
	}
	return l
}

// TestBinary: rows, facts and what is told of the file are those of the text, by rows and
// by columns, in any number of parts, for labels of every kind.
func TestBinary(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "a.svm")
	rewrite(t, text, few)
	for _, c := range []struct {
		name   string
		change func(*Options)
	}{
		{"classes", func(*Options) {}},
		{"quantities", func(o *Options) { o.Quantity = true }},
		{"positive", func(o *Options) { o.Positive = "1" }},
		{"features", func(o *Options) { o.Features = 6 }},
		{"format", func(o *Options) { o.Format = Binary }},
	} {
		for _, parts := range []int{1, 2, 7} {
			path := binaryOf(t, few, parts)
			o := Defaults()
			c.change(&o)
			plain := o
			plain.Format = auto
			want, err := loadPaths([]string{text}, plain, 1)
			if err != nil {
				t.Fatal(err)
			}
			for _, columns := range []bool{false, true} {
				o.Columns = columns
				got, err := loadPaths([]string{path}, o, parts)
				if err != nil {
					t.Fatalf("%s in %d parts: %v", c.name, parts, err)
				}
				if columns {
					got = got.byColumns(t)
				}
				if d := cmp.Diff(want.rows(), got.rows()); d != "" {
					t.Errorf("%s in %d parts, columns %v: rows (-text +binary):\n%s", c.name, parts, columns, d)
				}
				if d := cmp.Diff(want.info, got.info, cmpopts.IgnoreFields(Info{}, "PartRows", "Format", "Files"), cmpopts.EquateApprox(1e-12, 0)); d != "" {
					t.Errorf("%s in %d parts: info (-text +binary):\n%s", c.name, parts, d)
				}
			}
			o.Columns = false
			wantStats, err := Stat([]string{text}, plain)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Stat([]string{path}, o)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(wantStats, got, cmpopts.IgnoreFields(Info{}, "PartRows", "Format", "Files"), cmpopts.IgnoreFields(Stats{}, "Files", "LargestIndex", "Parts"), cmpopts.EquateApprox(1e-6, 0)); d != "" {
				t.Errorf("%s in %d parts: stat (-text +binary):\n%s", c.name, parts, d)
			}
			if f := got.Files; len(f) != 1 || f[0].Name != "a.petuum" || f[0].Rows != 5 || f[0].Bytes == 0 {
				t.Errorf("%s: stat: got files %+v", c.name, f)
			}
		}
	}
}

// readAll reads files in batches of rows, as rows prints them.
func readAll(t *testing.T, path string, o Options, batch int) (rows []string, err error) {
	t.Helper()
	r, err := Open([]string{path}, o)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	for {
		part, err := r.Next(batch)
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		for i := range part.X.Rows() {
			rows = append(rows, printRow(part, i))
		}
	}
}

// TestBinaryReader: batches are those of the text; a test file of either format goes with
// training data of the other.
func TestBinaryReader(t *testing.T) {
	text := filepath.Join(t.TempDir(), "a.svm")
	rewrite(t, text, few)
	want, err := readAll(t, text, Defaults(), 100)
	if err != nil {
		t.Fatal(err)
	}
	train := map[string]*Info{}
	for _, path := range []string{text, binaryOf(t, few, 1)} {
		s, err := Stat([]string{path}, Defaults())
		if err != nil {
			t.Fatal(err)
		}
		train[filepath.Base(path)] = &s.Info
	}
	for _, parts := range []int{1, 2, 7} {
		path := binaryOf(t, few, parts)
		for batch := range 6 {
			for _, like := range []string{"", "a.svm", "a.petuum"} {
				o := Defaults()
				o.Like = train[like]
				got, err := readAll(t, path, o, batch+1)
				if d := cmp.Diff(want, got); err != nil || d != "" {
					t.Errorf("%d parts, %d rows at a time, like %q: %v (-want +got):\n%s", parts, batch+1, like, err, d)
				}
			}
		}
	}
	o := Defaults()
	o.Like = train["a.petuum"]
	if got, err := readAll(t, text, o, 2); err != nil || !slices.Equal(got, want) {
		t.Errorf("text like binary data: got %q, %v", got, err)
	}
}

// TestBinaryRefuses: options, parts and files that do not go together.
func TestBinaryRefuses(t *testing.T) {
	path := binaryOf(t, few, 2)
	dir := t.TempDir()
	image, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	place := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		rewrite(t, path, string(b))
		return path
	}
	flipped := bytes.Clone(image)
	flipped[len(flipped)-1] ^= 1
	version := bytes.Clone(image)
	version[8]++
	other := Info{Format: LIBSVM, Features: 9, Seen: 9, Base: 1, Numeric: true}
	for _, c := range []struct {
		name  string
		paths []string
		of    int
		o     func(*Options)
		want  string
	}{
		{"other parts", []string{path}, 3, nil, path + " has 2 parts, and the job 3: set cluster.parts = 2, or make the file again in 3 parts"},
		{"fewer parts", []string{path}, 1, nil, "in 1 parts (petuum data convert " + path + " --parts 1 -o NEW.petuum)"},
		{"two files", []string{path, place("b.petuum", image)}, 2, nil, path + ": binary data is one file, but 2 are named"},
		{"behind text", []string{place("c.svm", []byte(few)), path}, 2, nil, "a.petuum: the format is binary, that of the first file is libsvm"},
		{"cut", []string{place("cut.petuum", image[:len(image)-7])}, 2, nil, "cut.petuum: it ends at byte"},
		{"damaged", []string{place("bit.petuum", flipped)}, 2, nil, "bit.petuum: the checksum of bytes"},
		{"version", []string{place("version.petuum", version)}, 2, nil, "version.petuum: the checksum of the header is wrong: copy the file again, or make it anew"},
		{"text", []string{place("text.petuum", []byte(strings.Repeat(few, 10)))}, 2, nil, "text.petuum: it does not begin as a binary file does"},
		{"empty", []string{place("empty.petuum", nil)}, 2, nil, "empty.petuum: it ends at byte 0, within the header"},
		{"features", []string{path}, 2, func(o *Options) { o.Features = 7 }, "it has 6 features, but data.features is 7"},
		{"float64", []string{path}, 2, func(o *Options) { o.Float64 = true }, "leave data.float64 out"},
		{"hash", []string{path}, 2, func(o *Options) { o.Hash = 3 }, "data.hash is for LIBSVM and CSV, but the format is binary"},
		{"stream", []string{path}, 2, func(o *Options) { o.Stream = true }, "not for algorithms that stream"},
		{"categories", []string{path}, 2, func(o *Options) { o.Categorical = []string{"*"} }, "data.categorical is for columns of CSV, but the format is binary"},
		{"labels", []string{path}, 2, func(o *Options) { o.Labels = path }, "data.labels is for MatrixMarket data"},
		{"like others", []string{path}, 2, func(o *Options) { o.Like = &other }, "6 features, indices from 1, and the training data 9"},
	} {
		o := Defaults()
		if c.o != nil {
			c.o(&o)
		}
		l, err := loadPaths(c.paths, o, c.of)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %d parts, %v, want %q", c.name, len(l.parts), err, c.want)
		}
	}
	if _, err := OpenStream("x.petuum", bytes.NewReader(image), Defaults()); err == nil || !strings.Contains(err.Error(), "cannot be read from a stream") {
		t.Errorf("a stream: got %v", err)
	}
	s, err := Scan([]string{path}, Defaults(), []int{0}, 2)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Parts(Info{Format: Binary, Features: 6, Seen: 6, Base: 1, Numeric: true}); err == nil || !strings.Contains(err.Error(), "not of this input") {
		t.Errorf("an info of other data: got %v", err)
	}
	if _, err := s.Parts(s.Info(0)); err == nil {
		t.Errorf("parts a second time: got no error")
	}
	var bad *columnar.Error
	if _, err := Stat([]string{place("cut2.petuum", image[:100])}, Defaults()); !errors.As(err, &bad) {
		t.Errorf("stat of a file that was cut: got %v", err)
	}
}

// TestColumns: with Options.Columns parts of any format have columns and nothing else,
// parsed or mapped.
func TestColumns(t *testing.T) {
	var sparse strings.Builder
	for i := range 300 {
		fmt.Fprintf(&sparse, "%d %d:2 %d:1\n", i%2, 1+i, 1000+i*7)
	}
	for _, c := range []struct{ name, text string }{
		{"few.svm", few},
		{"all.svm", "1 1:2 2:1\n0 1:1 2:5\n1 1:1 2:1\n"}, // every feature in every part
		{"sparse.svm", sparse.String()},
		{"weights.svm", "1:0.5 1:2\n0:2 2:1\n0 3:1\n1 1:1\n1 1:1\n"},
		{"late weight.svm", "1:1 1:2\n0:1 2:1\n0 3:1\n1 1:1\n1:3 1:1\n"},
		{"dense.csv", "y,a,b\n1,0.12345678901,2\n3,4,5\n5,6,7\n"},
		{"ones.svm", "1 1:1 3:1\n0 2:1\n1 3:1\n"},
		{"one row.svm", "1 1:1\n"},
	} {
		path := filepath.Join(t.TempDir(), c.name)
		rewrite(t, path, c.text)
		old(t, path)
		for _, parts := range []int{1, 3} {
			want, err := loadPaths([]string{path}, Defaults(), parts)
			if err != nil {
				t.Fatal(err)
			}
			o := Defaults()
			o.Columns, o.Cache = true, t.TempDir()
			for _, mapped := range []int{0, 1} {
				s, err := Scan([]string{path}, o, []int{0}, parts)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := s.Parts(want.info); err != nil || s.Cached() != mapped {
					t.Errorf("%s: %d parts are mapped, %v, want %d: %+v", c.name, s.Cached(), err, mapped, s.Notes())
				}
				got, err := loadPaths([]string{path}, o, parts)
				if err != nil {
					t.Fatal(err)
				}
				first := want.parts[0].Keys
				if all := got.parts[0].Keys == nil; all != (first[len(first)-1] == uint64(len(first)-1)) {
					t.Errorf("%s: keys are left out: %v", c.name, all)
				}
				got = got.byColumns(t)
				if d := cmp.Diff(want.rows(), got.rows()); d != "" {
					t.Errorf("%s in %d parts (-rows +columns):\n%s", c.name, parts, d)
				}
				for p := range got.parts {
					if d := cmp.Diff(want.parts[p], got.parts[p], cmp.AllowUnexported(Matrix{}), cmpopts.EquateEmpty()); d != "" {
						t.Errorf("%s: part %d of %d (-rows +columns):\n%s", c.name, p, parts, d)
					}
				}
			}
		}
	}
}
