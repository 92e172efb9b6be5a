package dataset

import (
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/klauspost/compress/gzip"
)

// realFile returns the path of a data set, or skips the test where it is absent.
func realFile(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("PETUUM_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%s is absent: set PETUUM_DATA to the folder of the data sets", name)
	}
	return path
}

// scanAll reads a file in one process.
func scanAll(t testing.TB, path string, o Options, of int) loaded {
	t.Helper()
	return scanFiles(t, []string{path}, o, of)
}

// scanFiles reads files in one process.
func scanFiles(t testing.TB, paths []string, o Options, of int) loaded {
	t.Helper()
	all := make([]int, of)
	for p := range all {
		all[p] = p
	}
	s, err := Scan(paths, o, all, of)
	if err != nil {
		t.Fatal(err)
	}
	var got loaded
	for p := range of {
		if got.info, err = got.info.Merge(s.Info(p)); err != nil {
			t.Fatal(err)
		}
	}
	if got.parts, err = s.Parts(got.info); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestRealData(t *testing.T) {
	if testing.Short() {
		t.Skip("much data")
	}
	for _, c := range []struct {
		file, test              string
		rows, features, nonzero uint64
		classes, counts         string
		ones                    bool
	}{
		{"sparse-binary/a9a.train.libsvm.gz", "sparse-binary/a9a.test.libsvm.gz", 32561, 123, 451592, "-1 1", "24720 7841", true},
		{"sparse-binary/debian-arch.train.libsvm.gz", "sparse-binary/debian-arch.test.libsvm.gz", 50749, 75924, 2731045, "-1 1", "25799 24950", true},
		{"lasso/debian-size.train.libsvm.gz", "", 50749, 75924, 2731045, "", "", true},
		{"lasso/diabetes.csv.gz", "", 442, 10, 4420, "many", "", false},
		{"lasso/riboflavin.csv.gz", "", 71, 4088, 71 * 4088, "many", "", false},
		{"lasso/golub_train.csv.gz", "lasso/golub_test.csv.gz", 38, 7129, 0, "ALL AML", "27 11", false},
		{"lasso/alon.csv.gz", "", 62, 2000, 62 * 2000, "n t", "22 40", false},
	} {
		t.Run(filepath.Base(c.file), func(t *testing.T) {
			path := realFile(t, c.file)
			want := scanAll(t, path, Defaults(), 1)
			checkParts(t, want)
			i := want.info
			if i.Rows != c.rows || i.Features != c.features || i.NonZeros != c.nonzero && c.nonzero > 0 {
				t.Errorf("got %d rows, %d features, %d values, want %d, %d, %d", i.Rows, i.Features, i.NonZeros, c.rows, c.features, c.nonzero)
			}
			if got := strings.Join(i.Classes, " "); got != c.classes && c.classes != "many" {
				t.Errorf("classes: got %q, want %q", got, c.classes)
			}
			if (i.Classes == nil) != (c.classes == "") || i.TooMany != (c.classes == "") {
				t.Errorf("got %d classes, too many %v", len(i.Classes), i.TooMany)
			}
			if (want.parts[0].X.value == ones) != c.ones {
				t.Errorf("all ones: got %v, want %v", want.parts[0].X.value == ones, c.ones)
			}
			got := scanAll(t, path, Defaults(), 6)
			checkParts(t, got)
			if d := cmp.Diff(want.rows(), got.rows()); d != "" {
				t.Errorf("6 parts: other rows than 1 part")
			}
			if c.test == "" {
				return
			}
			o := Defaults()
			o.Like = &i
			test := scanAll(t, realFile(t, c.test), o, 2)
			checkParts(t, test)
			if d := cmp.Diff(i.Classes, test.info.Classes); d != "" || test.info.Features != i.Features || test.info.Dropped > 0 {
				t.Errorf("test data: got classes %v, %d features, %d dropped", test.info.Classes, test.info.Features, test.info.Dropped)
			}
		})
	}
}

// TestRealLabels checks the published mean and variance of a regression's labels.
func TestRealLabels(t *testing.T) {
	i := scanAll(t, realFile(t, "lasso/debian-size.train.libsvm.gz"), Defaults(), 3).info
	n := float64(i.Rows)
	mean := i.LabelSum / n
	variance := i.LabelSumSq/n - mean*mean
	if math.Abs(mean-2.503) > 5e-4 || math.Abs(variance-0.822) > 5e-4 {
		t.Errorf("got mean %.4f, variance %.4f, want 2.503 and 0.822", mean, variance)
	}
}

// TestRealPlain: the parts of a plain file are those of the compressed one.
func TestRealPlain(t *testing.T) {
	from := realFile(t, "sparse-binary/a9a.train.libsvm.gz")
	path := filepath.Join(t.TempDir(), "a9a.libsvm")
	unpack(t, from, path)
	want := scanAll(t, from, Defaults(), 1)
	for _, of := range []int{1, 2, 6, 97} {
		got := scanAll(t, path, Defaults(), of)
		checkParts(t, got)
		if d := cmp.Diff(want.rows(), got.rows()); d != "" {
			t.Errorf("%d parts: other rows than the compressed file", of)
		}
	}
}

// TestRealFiles: a data set cut into files, some compressed, is the one file.
func TestRealFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("much data")
	}
	dir := t.TempDir()
	whole := filepath.Join(dir, "a9a.libsvm")
	unpack(t, realFile(t, "sparse-binary/a9a.train.libsvm.gz"), whole)
	text, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	want := scanAll(t, whole, Defaults(), 1)
	for _, kinds := range []string{"p", "gpz", "g"} {
		paths := writeFiles(t, cutUp(t, rand.New(rand.NewPCG(1, 2)), "a9a.libsvm", string(text), 5, kinds))
		for _, of := range []int{1, 2, 6} {
			got := scanFiles(t, paths, Defaults(), of)
			checkParts(t, got)
			if d := cmp.Diff(want.info, got.info, cmpopts.IgnoreFields(Info{}, "PartRows", "Files")); d != "" || got.info.Files[0].Name != filepath.Base(paths[0]) {
				t.Errorf("%s, %d parts: files %v, info (-whole +files):\n%s", kinds, of, got.info.Files, d)
			}
			if d := cmp.Diff(want.rows(), got.rows()); d != "" {
				t.Errorf("%s, %d parts: other rows than the one file", kinds, of)
			}
		}
	}
}

// TestRealMatrix reads the sample of the original Petuum, and its published shape.
func TestRealMatrix(t *testing.T) {
	o := Defaults()
	o.Quantity = true
	o.Labels = realFile(t, "petuum-samples/lasso500by1K.Y.mmt.gz")
	x := realFile(t, "petuum-samples/lasso500by1K.X.mmt.gz")
	want := scanAll(t, x, o, 1)
	checkParts(t, want)
	if i := want.info; i.Rows != 500 || i.Features != 1000 || i.NonZeros != 20000 {
		t.Errorf("got %d rows, %d features, %d values, want 500, 1000, 20000", i.Rows, i.Features, i.NonZeros)
	}
	if got := want.parts[0].Labels[:2]; got[0] != 0.047674 || got[1] != -0.054401 {
		t.Errorf("got labels %v, want 0.047674, -0.054401", got)
	}
	if row := rowOf(&want.parts[0].X, 0); want.parts[0].Keys[row[0].col] != 77 || row[0].val != 0.17737620085317 {
		t.Errorf("first value: got %v, want 77:0.17737620085317", row[0])
	}
	got := scanAll(t, x, o, 7)
	checkParts(t, got)
	if d := cmp.Diff(want.rows(), got.rows()); d != "" {
		t.Errorf("7 parts: other rows than 1 part")
	}
}

// TestRealCategorical reads the column of words of a CSV, and all of one without.
func TestRealCategorical(t *testing.T) {
	o := withCategorical("*")
	o.Label = "lpsa"
	got := scanAll(t, realFile(t, "lasso/prostate.csv.gz"), o, 3)
	checkParts(t, got)
	info, err := got.info.WithNames(nil, "")
	if err != nil {
		t.Fatal(err)
	}
	if names := strings.Join(info.Names, " "); names != "lcavol lweight age lbph svi lcp gleason pgg45 train=FALSE train=TRUE" || info.Rows != 97 {
		t.Errorf("got %d rows of %s", info.Rows, names)
	}
	o.Label = ""
	stats, err := Stat([]string{realFile(t, "lasso/diabetes.csv.gz")}, o)
	if err != nil || stats.Info.Rows != 442 || stats.Info.Features != 10 || stats.Columns != nil || math.Abs(stats.LabelMean-152.133) > 1e-3 {
		t.Errorf("diabetes: got %d rows, %d features, mean label %.3f, categories %v, %v", stats.Info.Rows, stats.Info.Features, stats.LabelMean, stats.Columns, err)
	}
}

func unpack(t testing.TB, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	z, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
