package dataset

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// unlabelled are options for a matrix without labels.
func unlabelled() Options { o := Defaults(); o.Unlabelled = true; return o }

func TestMatrixMarket(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
		features   uint64
	}{
		{"coordinate", "matrix coordinate real general\n% comment\n\n3 4 4\n3 1 -1\n1 4 2.5\n% another\n1 2 0.5\n3 2 0\n",
			[]string{"? 1:0.5 3:2.5", "?", "? 0:-1"}, 4},
		{"integer", "matrix coordinate integer general\n2 2 2\n1 1 3\n2 2 -4\n", []string{"? 0:3", "? 1:-4"}, 2},
		{"pattern", "matrix coordinate pattern general\n2 3 3\n2 3\n1 1\n2 1\n", []string{"? 0:1", "? 0:1 2:1"}, 3},
		{"symmetric", "matrix coordinate real symmetric\n3 3 3\n1 1 5\n3 1 2\n3 2 7\n", []string{"? 0:5 2:2", "? 2:7", "? 0:2 1:7"}, 3},
		{"skew", "MATRIX Coordinate Real Skew-Symmetric\n2 2 1\n2 1 3\n", []string{"? 1:-3", "? 0:3"}, 2},
		{"pattern symmetric", "matrix coordinate pattern symmetric\n2 2 1\n2 1\n", []string{"? 1:1", "? 0:1"}, 2},
		{"array", "matrix array real general\n2 3\n1\n2\n0\n3 4\n5\n", []string{"? 0:1 2:4", "? 0:2 1:3 2:5"}, 3},
		{"array symmetric", "matrix array integer symmetric\n2 2\n1\n2\n3\n", []string{"? 0:1 1:2", "? 0:2 1:3"}, 2},
		{"array skew", "matrix array real skew-symmetric\n3 3\n1\n2\n3\n", []string{"? 1:-1 2:-2", "? 0:1 2:-3", "? 0:2 1:3"}, 3},
		{"no entries", "matrix coordinate real general\n2 2 0\n", []string{"?", "?"}, 2},
		{"crlf", "matrix coordinate real general\r\n1 1 1\r\n1 1 2\r\n", []string{"? 0:2"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := banner + " " + c.text
			for file, data := range map[string][]byte{"a.mtx": []byte(text), "a.mmt.gz": gzipped(t, text), "a.txt": []byte(text)} {
				for _, of := range []int{1, 2, 3, 5} {
					got, err := load(file, data, unlabelled(), of)
					if err != nil {
						t.Fatalf("%s in %d parts: %v", file, of, err)
					}
					checkParts(t, got)
					if d := cmp.Diff(c.want, got.rows()); d != "" || got.info.Features != c.features || got.info.Format != MM {
						t.Errorf("%s in %d parts: %d features, %s, rows (-want +got):\n%s", file, of, got.info.Features, got.info.Format, d)
					}
				}
			}
		})
	}
}

func TestMatrixMarketErrors(t *testing.T) {
	limited := unlabelled()
	limited.Features = 1
	for _, c := range []struct {
		name, text string
		o          Options
		want       string
	}{
		{"complex", "matrix coordinate complex general\n1 1 0\n", unlabelled(), `a.mtx:1:1: "complex" values are not supported`},
		{"hermitian", "matrix coordinate real hermitian\n1 1 0\n", unlabelled(), `"hermitian" is not supported`},
		{"list", "matrix list real general\n1 1 0\n", unlabelled(), `"list" is not supported: want coordinate or array`},
		{"vector", "vector coordinate real general\n1 1 0\n", unlabelled(), "no MatrixMarket data of this kind"},
		{"array pattern", "matrix array pattern general\n1 1\n", unlabelled(), "no MatrixMarket data of this kind"},
		{"short banner", "matrix array\n1 1\n", unlabelled(), "a.mtx:1:1: want the first line %%MatrixMarket"},
		{"no sizes", "matrix array real general\n% x\n", unlabelled(), "a.mtx:2:1: truncated: there is no line of sizes"},
		{"two sizes", "matrix coordinate real general\n1 1\n", unlabelled(), `a.mtx:2:4: "" is no size: want 3 numbers`},
		{"four sizes", "matrix coordinate real general\n1 1 1 1\n", unlabelled(), `a.mtx:2:7: "1" behind the sizes`},
		{"negative size", "matrix coordinate real general\n-1 1 1\n", unlabelled(), `"-1" is no size`},
		{"not square", "matrix coordinate real symmetric\n2 3 0\n", unlabelled(), "a symmetric matrix of 2 rows and 3 columns"},
		{"many rows", "matrix coordinate real general\n99999999999 3 1\n1 1 1\n", unlabelled(), "99999999999 rows but only 1 entries"},
		{"huge array", "matrix array real general\n9999999999999 9999999999999\n1\n", unlabelled(), "too many values"},
		{"row 0", "matrix coordinate real general\n2 2 1\n0 1 1\n", unlabelled(), "a.mtx:3:1: row 0 is not in the matrix, which has 1 to 2"},
		{"row 3", "matrix coordinate real general\n2 2 1\n3 1 1\n", unlabelled(), "a.mtx:3:1: row 3 is not in the matrix"},
		{"column 3", "matrix coordinate real general\n2 2 1\n1 3 1\n", unlabelled(), "a.mtx:3:3: column 3 is not in the matrix"},
		{"word", "matrix coordinate real general\n2 2 1\n1 x 1\n", unlabelled(), `a.mtx:3:3: "x" is no column`},
		{"half a row", "matrix coordinate real general\n2 2 1\n1.5 1 1\n", unlabelled(), `a.mtx:3:1: "1.5" is no row`},
		{"no value", "matrix coordinate real general\n2 2 1\n1 1\n", unlabelled(), "a.mtx:3:4: the value is missing"},
		{"value", "matrix coordinate real general\n2 2 1\n1 1 x\n", unlabelled(), `a.mtx:3:5: value "x" is not a number`},
		{"nan", "matrix coordinate real general\n2 2 1\n1 1 nan\n", unlabelled(), `value "nan" is not finite`},
		{"no integer", "matrix coordinate integer general\n2 2 1\n1 1 1.5\n", unlabelled(), `value "1.5" is not an integer`},
		{"pattern with value", "matrix coordinate pattern general\n2 2 1\n1 1 1\n", unlabelled(), `a.mtx:3:5: "1" behind the entry`},
		{"truncated", "matrix coordinate real general\n2 2 3\n1 1 1\n2 1 1\n", unlabelled(), "a.mtx:4:1: truncated: 2 of 3 entries"},
		{"too many", "matrix coordinate real general\n2 2 1\n1 1 1\n2 1 1\n", unlabelled(), "a.mtx:4:1: more than the 1 entries"},
		{"twice", "matrix coordinate real general\n2 2 3\n1 2 1\n1 1 1\n1 2 0\n", unlabelled(), "a.mtx:5:1: entry 1 2 is there twice"},
		{"upper triangle", "matrix coordinate real symmetric\n2 2 1\n1 2 1\n", unlabelled(), "a.mtx:3:1: entry 1 2 is not below the diagonal"},
		{"skew diagonal", "matrix coordinate real skew-symmetric\n2 2 1\n1 1 1\n", unlabelled(), "entry 1 1 is not below the diagonal"},
		{"array truncated", "matrix array real general\n2 2\n1\n2\n3\n", unlabelled(), "a.mtx:5:1: truncated: 3 of 4 values"},
		{"array too many", "matrix array real general\n1 1\n1 2\n", unlabelled(), "a.mtx:3:3: more than the 1 values"},
		{"features", "matrix coordinate real general\n2 2 1\n1 1 1\n", limited, "there are 2 columns, but features = 1"},
		{"no labels", "matrix coordinate real general\n2 2 1\n1 1 1\n", Defaults(), "name the file of its labels (data.labels)"},
	} {
		for _, of := range []int{1, 3} {
			if _, err := load("a.mtx", []byte(banner+" "+c.text), c.o, of); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s in %d parts: got %v, want %s", c.name, of, err, c.want)
			}
		}
	}
	if _, err := load("a.mtx", []byte("1 1 1\n"), unlabelled(), 1); err == nil || !strings.Contains(err.Error(), "a.mtx:1:1: want the first line") {
		t.Errorf("no banner: got %v", err)
	}
	o := Defaults()
	o.Labels = "y.txt"
	if _, err := load("a.svm", []byte("1 1:1\n"), o, 1); err == nil || !strings.Contains(err.Error(), "data.labels is for MatrixMarket data") {
		t.Errorf("labels of LIBSVM: got %v", err)
	}
}

// TestMatrixLabels: labels come from any of their forms, to the part of their row.
func TestMatrixLabels(t *testing.T) {
	const x = banner + " matrix coordinate real general\n3 2 3\n1 1 1\n2 2 1\n3 1 2\n"
	quantity := Defaults()
	quantity.Quantity = true
	for _, c := range []struct {
		name, labels string
		o            Options
		want         string
	}{
		{"text", "# labels\n1\n\n-1 \n 1\n", Defaults(), "1/1 0:1, -1/0 1:1, 1/1 0:2"},
		{"words", "b\na\nb\n", Defaults(), "1/1 0:1, -1/0 1:1, 1/1 0:2"},
		{"array", banner + " matrix array real general\n3 1\n1\n-1\n1\n", Defaults(), "1/1 0:1, -1/0 1:1, 1/1 0:2"},
		{"row", banner + " matrix array real general\n1 3\n1\n-1\n1\n", Defaults(), "1/1 0:1, -1/0 1:1, 1/1 0:2"},
		{"coordinate", banner + " matrix coordinate real general\n3 1 2\n3 1 2.5\n1 1 1\n", quantity, "1 0:1, 0 1:1, 2.5 0:2"},
		{"too few", "1\n2\n", Defaults(), "error: y has 2 labels, the matrix 3 rows"},
		{"too many", "1\n2\n3\n4\n", Defaults(), "error: y has 4 labels, the matrix 3 rows"},
		{"wrong vector", banner + " matrix array real general\n2 1\n1\n1\n", Defaults(), "error: y:2:1: 2 x 1 is no vector of the 3 rows"},
		{"twice", banner + " matrix coordinate real general\n3 1 2\n1 1 2.5\n1 1 1\n", Defaults(), "error: y:4:1: entry 1 1 is there twice"},
		{"word", "1\n tall\n3\n", quantity, `error: y:2:2: label "tall" is not a number`},
		{"empty", "", Defaults(), "error: y is empty"},
	} {
		for _, zip := range []bool{false, true} {
			dir := t.TempDir()
			c.o.Labels = filepath.Join(dir, "y")
			data := []byte(c.labels)
			if zip && c.labels != "" {
				c.o.Labels += ".gz"
				data = gzipped(t, c.labels)
			}
			if err := os.WriteFile(c.o.Labels, data, 0o600); err != nil {
				t.Fatal(err)
			}
			for _, of := range []int{1, 2, 3, 4} {
				got, err := load("x.mtx", []byte(x), c.o, of)
				rows := strings.Join(got.rows(), ", ")
				if err != nil {
					rows = "error: " + strings.ReplaceAll(strings.ReplaceAll(strings.TrimPrefix(err.Error(), "dataset: "), dir+"/", ""), ".gz", "")
				} else {
					checkParts(t, got)
				}
				if !strings.HasPrefix(rows, c.want) {
					t.Errorf("%s in %d parts: got %s, want %s", c.name, of, rows, c.want)
				}
			}
		}
	}
}

// TestMatrixLike: columns that training did not have are dropped.
func TestMatrixLike(t *testing.T) {
	train := mustLoad(t, "a.mtx", banner+" matrix coordinate real general\n1 2 1\n1 1 1\n", unlabelled(), 1).info
	o := unlabelled()
	o.Like = &train
	got := mustLoad(t, "b.mtx", banner+" matrix coordinate real general\n2 4 3\n2 4 1\n1 3 0\n1 2 5\n", o, 2)
	checkParts(t, got)
	if d := cmp.Diff([]string{"? 1:5", "?"}, got.rows()); d != "" || got.info.Dropped != 1 || got.info.Features != 2 {
		t.Errorf("%d dropped, %d features, rows (-want +got):\n%s", got.info.Dropped, got.info.Features, d)
	}
}

// TestMatrixRandom: entries in random order are what LIBSVM says in order.
func TestMatrixRandom(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	const rows, cols = 50, 30
	var entries []string
	var svm strings.Builder
	for i := range rows {
		svm.WriteByte('0')
		for j := range cols {
			if r.IntN(4) == 0 {
				fmt.Fprintf(&svm, " %d:%d", j+1, i+j)
				entries = append(entries, fmt.Sprintf("%d %d %d\n", i+1, j+1, i+j))
			}
		}
		svm.WriteByte('\n')
	}
	want := mustLoad(t, "a.svm", svm.String(), Defaults(), 1).rows()
	r.Shuffle(len(entries), func(a, b int) { entries[a], entries[b] = entries[b], entries[a] })
	mm := fmt.Sprintf("%s matrix coordinate integer general\n%d %d %d\n%s", banner, rows, cols, len(entries), strings.Join(entries, ""))
	for _, of := range []int{1, 7} {
		got := mustLoad(t, "a.mtx", mm, unlabelled(), of)
		checkParts(t, got)
		for i, row := range got.rows() {
			if want := strings.Replace(want[i], "0/0", "?", 1); row != want {
				t.Fatalf("seed %d: row %d of %d parts: got %s, want %s", seed, i, of, row, want)
			}
		}
	}
}
