package dataset

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// cutUp makes files of the lines of a text, each compressed or not as kinds say in
// turn: p, g or z. CSV gets its header in every file.
func cutUp(t testing.TB, r *rand.Rand, name, text string, files int, kinds string) (out []file) {
	t.Helper()
	lines := strings.SplitAfter(text, "\n")
	header := ""
	if strings.HasSuffix(name, ".csv") {
		header, lines = lines[0], lines[1:]
	}
	cuts := []int{0, len(lines)}
	for range files - 1 {
		cuts = append(cuts, 1+r.IntN(len(lines)-1))
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	for i := range len(cuts) - 1 {
		body := strings.Join(lines[cuts[i]:cuts[i+1]], "")
		if i%2 == 1 {
			body = strings.TrimSuffix(body, "\n") // a file need not end with a newline
		}
		if strings.TrimSpace(body) == "" {
			continue
		}
		f := file{fmt.Sprintf("%d-%s", i, name), []byte(header + body)}
		switch kinds[i%len(kinds)] {
		case 'g':
			f = file{f.name + ".gz", gzipped(t, header+body)}
		case 'z':
			f = file{f.name + ".zst", zstded(t, header+body)}
		}
		out = append(out, f)
	}
	return out
}

func manyLines(n int, format func(i int) string) string {
	var s strings.Builder
	for i := range n {
		s.WriteString(format(i))
	}
	return s.String()
}

// TestFiles: a text in several files, however stored, is read like one file.
func TestFiles(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	categorical := Defaults()
	categorical.Categorical = []string{"job"}
	for _, c := range []struct {
		name, text string
		o          Options
	}{
		{"a.svm", manyLines(1200, func(i int) string { return fmt.Sprintf("%d %d:%d\n", i%3, 1+i%17, i+1) }), Defaults()},
		{"a.csv", "y,a,b\n" + manyLines(900, func(i int) string { return fmt.Sprintf("%d,%d,%d\n", i%5, i, i%7) }), Defaults()},
		{"b.csv", "y,job,b\n" + manyLines(900, func(i int) string { return fmt.Sprintf("w%d,%c,%d\n", i%2, 'a'+i*i%23, i%7) }), categorical},
	} {
		want := mustLoad(t, c.name, c.text, c.o, 1)
		for _, kinds := range []string{"p", "g", "pgz", "zzp"} {
			for _, n := range []int{2, 5, 17} {
				files := cutUp(t, r, c.name, c.text, n, kinds)
				for _, of := range []int{1, 2, 3, 8, 40} {
					what := fmt.Sprintf("seed %d: %s in %d files (%s), %d parts", seed, c.name, len(files), kinds, of)
					got, err := loadFiles(files, c.o, of)
					if err != nil {
						t.Fatalf("%s: %v", what, err)
					}
					checkParts(t, got)
					if d := cmp.Diff(want.rows(), got.rows()); d != "" {
						t.Fatalf("%s: rows (-one file +got):\n%s", what, d)
					}
					if d := cmp.Diff(want.info, got.info, cmpopts.IgnoreFields(Info{}, "PartRows", "Files")); d != "" {
						t.Fatalf("%s: info (-one file +got):\n%s", what, d)
					}
				}
			}
		}
	}
}

// TestFilesCounted: the parts divide the bytes of all plain files together.
func TestFilesCounted(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 50 {
		var files []file
		var starts []int // of the lines, which are labelled with them
		size := 0
		for k := range 1 + r.IntN(6) {
			var text strings.Builder
			for range 1 + r.IntN(9) {
				starts = append(starts, size+text.Len())
				fmt.Fprintf(&text, "%d 1:1%s\n", size+text.Len(), strings.Repeat(" ", r.IntN(9)))
			}
			size += text.Len()
			files = append(files, file{fmt.Sprintf("%d.svm", k), []byte(text.String())})
		}
		of := 1 + r.IntN(30)
		got, err := loadFiles(files, Defaults(), of)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for p, part := range got.parts {
			var want []float64
			for _, s := range starts {
				if s >= size*p/of && s < size*(p+1)/of {
					want = append(want, float64(s))
				}
			}
			if !slices.Equal(part.Labels, want) || part.Blocks != nil {
				t.Fatalf("seed %d: part %d of %d of %d files: got rows at %v, want %v", seed, p, of, len(files), part.Labels, want)
			}
		}
	}
}

// TestFilesDealt: whole compressed files are dealt where there are enough of them,
// evenly by size, and a short one in blocks is not always the first part's.
func TestFilesDealt(t *testing.T) {
	var files []file
	for i := range 12 {
		text := manyLines(10+100*(i%4), func(k int) string { return fmt.Sprintf("%d %d:%d\n", i, 1+k%50, k*k%977) })
		files = append(files, file{fmt.Sprintf("%d.svm.gz", i), gzipped(t, text)})
	}
	for _, c := range []struct {
		of    int
		whole bool
	}{{1, false}, {2, true}, {6, true}, {7, false}} {
		o, _ := Defaults().resolved()
		in, err := newInput(sourcesOf(files), o, c.of)
		if err != nil {
			t.Fatal(err)
		}
		load, least, most := make([]int64, c.of), int64(1)<<62, int64(0)
		for i, p := range in.wholes {
			if (p >= 0) != c.whole {
				t.Fatalf("%d parts: file %d is whole of part %d, want whole %v", c.of, i, p, c.whole)
			}
			if c.whole {
				load[p] += in.sources[i].size
			}
		}
		for _, bytes := range load {
			least, most = min(least, bytes), max(most, bytes)
		}
		if c.whole && float64(most) > 1.6*float64(least) {
			t.Errorf("%d parts: got loads %v, want them alike", c.of, load)
		}
		got, err := loadFiles(files, o, c.of)
		if err != nil {
			t.Fatal(err)
		}
		for p, part := range got.parts {
			if part.X.Rows() == 0 {
				t.Errorf("%d parts: part %d got no rows", c.of, p)
			}
		}
	}
}

// TestFilesMatched: columns of later files are matched by name.
func TestFilesMatched(t *testing.T) {
	for _, c := range []struct {
		name    string
		files   []file
		o       Options
		want    []string
		refused string
	}{
		{name: "another order", files: []file{{"1.csv", []byte("y,a,b\n1,2,3\n")}, {"2.csv", []byte("b;a;y\n3;2;1\n")}},
			want: []string{"1/0 0:2 1:3", "1/0 0:2 1:3"}},
		{name: "label by number", files: []file{{"1.csv", []byte("1,2,3\n")}, {"2.csv", []byte("5,6,7\n")}}, o: Options{Label: "#2"},
			want: []string{"3/0 0:1 1:2", "7/1 0:5 1:6"}},
		{name: "no second header", files: []file{{"1.csv", []byte("y,a\n1,2\n")}, {"2.csv", []byte("1,4\n")}},
			want: []string{"1/0 0:2", "1/0 0:4"}},
		{name: "another column", files: []file{{"1.csv", []byte("y,age\n1,2\n")}, {"2.csv", []byte("y,agee\n1,2\n")}},
			refused: `dataset: 2.csv: column "agee" is not in the first file: the nearest is "age"`},
		{name: "a column less", files: []file{{"1.csv", []byte("y,a,b\n1,2,3\n")}, {"2.csv", []byte("y,b\n1,2\n")}},
			refused: `dataset: 2.csv: column "a" of the first file is missing`},
		{name: "no label", files: []file{{"1.csv", []byte("y,a\n1,2\n")}, {"2.csv", []byte("z,a\n1,2\n")}},
			refused: `dataset: 2.csv: there is no column "y", which is the label of the first file`},
		{name: "one column less", files: []file{{"1.csv", []byte("1,2,3\n")}, {"2.csv", []byte("1,2\n")}}, o: Options{Label: "#0"},
			refused: "dataset: 2.csv: there are 1 feature columns, in the first file 2"},
		{name: "another format", files: []file{{"1.csv", []byte("y,a\n1,2\n")}, {"2.svm", []byte("1 1:1\n")}},
			refused: "dataset: 2.svm: the format is libsvm, that of the first file is csv"},
		{name: "an empty file", files: []file{{"1.svm", []byte("1 1:1\n")}, {"2.svm", nil}}, refused: "dataset: 2.svm is empty"},
		{name: "only comments", files: []file{{"1.svm", []byte("1 1:1\n")}, {"2.svm", []byte("# x\n")}}, refused: "dataset: 2.svm: there is no sample"},
		{name: "malformed", files: []file{{"1.svm", []byte("1 1:1\n")}, {"2.svm", []byte("1 1:1\n1 x\n")}}, refused: "dataset: 2.svm:2:3:"},
		{name: "two matrices", files: []file{{"1.mtx", []byte(banner + " matrix array real general\n1 1\n1\n")}, {"2.mtx", []byte(" ")}},
			refused: "a MatrixMarket matrix is one file, but 2 are named"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.o.Base = -1
			for _, of := range []int{1, 2, 3} {
				got, err := loadFiles(c.files, c.o, of)
				if c.refused != "" {
					if err == nil || !strings.Contains(err.Error(), c.refused) {
						t.Errorf("%d parts: got %v, want %s", of, err, c.refused)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				checkParts(t, got)
				if d := cmp.Diff(c.want, got.rows()); d != "" {
					t.Errorf("%d parts: rows (-want +got):\n%s", of, d)
				}
			}
		})
	}
}

func TestFilesTwice(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "a.svm"), filepath.Join(dir, "b.svm")
	if err := os.WriteFile(path, []byte("1 1:1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		paths []string
		want  string
	}{
		{nil, "no file is named"},
		{[]string{path, path}, "a.svm is named twice"},
		{[]string{path, link}, "b.svm is the same file as " + path},
		{[]string{path, dir + "/./a.svm"}, "is the same file as"},
	} {
		if _, err := Scan(c.paths, Defaults(), []int{0}, 1); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Scan %v: got %v, want %q", c.paths, err, c.want)
		}
		if _, err := Open(c.paths, Defaults()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Open %v: got %v, want %q", c.paths, err, c.want)
		}
	}
}

// TestFilesDiffer: parts of other files do not merge, and the error names them.
func TestFilesDiffer(t *testing.T) {
	a := Info{Format: CSV, Numeric: true, Files: []File{{Name: "a.csv", Bytes: 10}, {Name: "b.csv", Bytes: 20}}}
	for _, c := range []struct {
		files []File
		want  string
	}{
		{[]File{{Name: "a.csv", Bytes: 10}, {Name: "b.csv", Bytes: 21}}, "b.csv of 20 bytes and b.csv of 21 bytes"},
		{[]File{{Name: "a.csv", Bytes: 10}, {Name: "c.csv", Bytes: 20}}, "b.csv of 20 bytes and c.csv of 20 bytes"},
		{[]File{{Name: "a.csv", Bytes: 10}, {Name: "b.csv", Bytes: 20, Digest: 1}}, "b.csv is as long in one place as in another, but not the same"},
		{[]File{{Name: "a.csv", Bytes: 10}}, "2 files and 1 files"},
	} {
		b := a
		b.Files = c.files
		if _, err := a.Merge(b); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: got %v, want %q", c.files, err, c.want)
		}
	}
	if got := a.Bytes(); got != 30 {
		t.Errorf("got %d bytes, want 30", got)
	}
}

// A file of another content is another file, wherever it differs if it is short,
// and at its ends if it is long.
func TestFileDigest(t *testing.T) {
	digest := func(text []byte) uint32 {
		f, err := newSource("a.csv", bytes.NewReader(text), int64(len(text))).file()
		if err != nil {
			t.Fatal(err)
		}
		return f.Digest
	}
	for _, n := range []int{1, sampleSize, sampleSize + 1, samples*sampleSize - 1, samples * sampleSize, 3*samples*sampleSize + 7} {
		text := bytes.Repeat([]byte("x"), n)
		same := digest(text)
		for _, at := range []int{0, n / 2, n - 1} {
			if at == n/2 && n > samples*sampleSize {
				continue // between two samples
			}
			text[at] = 'y'
			if digest(text) == same {
				t.Errorf("%d bytes: byte %d changes nothing", n, at)
			}
			text[at] = 'x'
		}
	}
}
