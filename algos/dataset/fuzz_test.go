package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// fuzzDivided checks that no bytes make a panic, and that of parts give what one
// part gives, rows, facts and whether there is an error.
func fuzzDivided(t *testing.T, name string, data []byte, o Options, of int) {
	whole, err := load(name, data, o, 1)
	o.chunk = int64(3*of - 2) // a few bytes at a time; numbers at the end of a chunk are read otherwise
	divided, dividedErr := load(name, data, o, of)
	o.chunk = 0
	if (err == nil) != (dividedErr == nil) {
		t.Fatalf("1 part: %v\n%d parts: %v", err, of, dividedErr)
	}
	if err != nil {
		var one, many *SyntaxError
		if errors.As(err, &one) && errors.As(dividedErr, &many) && *one != *many {
			t.Fatalf("1 part: %v\n%d parts: %v", err, of, dividedErr)
		}
		return
	}
	checkParts(t, whole)
	checkParts(t, divided)
	checkWeights(t, whole)
	checkWeights(t, divided)
	if d := cmp.Diff(whole.rows(), divided.rows()); d != "" {
		t.Fatalf("rows (-1 part +%d parts):\n%s", of, d)
	}
	if d := cmp.Diff(whole.info, divided.info, cmpopts.IgnoreFields(Info{}, "PartRows"), cmpopts.EquateApprox(1e-9, 1e-9)); d != "" {
		t.Fatalf("info (-1 part +%d parts):\n%s", of, d)
	}
	info := throughJSON(t, whole.info)
	if d := cmp.Diff(whole.info, *info); d != "" {
		t.Fatalf("info (-before +after JSON):\n%s", d)
	}
	o.Like = info
	again, err := load(name, data, o, of)
	if err != nil {
		t.Fatalf("like itself: %v", err)
	}
	if d := cmp.Diff(whole.rows(), again.rows()); d != "" {
		t.Fatalf("rows (-itself +like itself):\n%s", d)
	}
}

func FuzzLIBSVM(f *testing.F) {
	for name, text := range texts() {
		if len(text) < 1000 {
			f.Add([]byte(text), uint8(3))
		}
		_ = name
	}
	f.Fuzz(func(t *testing.T, data []byte, of uint8) {
		o := Defaults()
		o.Format = LIBSVM
		fuzzDivided(t, "x", data, o, 1+int(of%16))
	})
}

func FuzzCSV(f *testing.F) {
	for _, text := range texts() {
		if len(text) < 1000 {
			f.Add([]byte(text), uint8(3), "", uint8(0), "")
			f.Add([]byte(text), uint8(200), "#0", uint8(2), "")
		}
	}
	f.Add([]byte("w,y,a\n0.5,1,2\n1,2,3\n\"0\",2,3\n 3 ,x,1\n"), uint8(3), "", uint8(0), "w")
	f.Add([]byte("1,2,0.5\n3,4,1e-3\n3,4,-0\n"), uint8(3), "#0", uint8(0), "#2")
	f.Fuzz(func(t *testing.T, data []byte, of uint8, label string, header uint8, weight string) {
		o := Options{Format: CSV, Label: label, Weight: weight, Header: []string{"auto", "yes", "no"}[header%3]}
		fuzzDivided(t, "x", data, o, 1+int(of%16))
	})
}

// FuzzCategorical reads columns of categories.
func FuzzCategorical(f *testing.F) {
	f.Add([]byte("y,a,b\n1,u,2\n2,v,NA\n1,,3\n"), uint8(3), "a", uint8(0), false)
	f.Add([]byte("y;a;b\n1;u;2\n2;v;x\n"), uint8(2), "*", uint8(1), true)
	f.Add([]byte("1,u,2\n2,v,x\n"), uint8(2), "#1", uint8(2), true)
	f.Fuzz(func(t *testing.T, data []byte, of uint8, column string, header uint8, bare bool) {
		o := Options{Format: CSV, Categorical: []string{column, "*"}, Header: []string{"auto", "yes", "no"}[header%3], Unlabelled: bare}
		fuzzDivided(t, "x", data, o, 1+int(of%16))
		o.Categorical = o.Categorical[:1]
		fuzzDivided(t, "x", data, o, 1+int(of%16))
	})
}

// FuzzMatrixMarket reads matrices without labels, and bytes as labels of a matrix.
func FuzzMatrixMarket(f *testing.F) {
	for _, text := range []string{
		"coordinate real general\n3 4 2\n1 2 0.5\n3 1 -1\n", "coordinate pattern symmetric\n2 2 1\n2 1\n", "array integer skew-symmetric\n2 2\n5\n",
		"array real general\n2 2\n1 2\n3\n4\n", "coordinate real general\n2 2 3\n1 2 1\n1 1 1\n1 2 0\n",
	} {
		f.Add([]byte(banner+" matrix "+text), uint8(3))
	}
	f.Fuzz(func(t *testing.T, data []byte, of uint8) {
		o := unlabelled()
		o.Format = MM
		if m, err := readMatrixHeader("x", bytes.NewReader(data)); err == nil && m.rows > 1<<16 {
			t.Skip("takes memory for its empty rows")
		}
		fuzzDivided(t, "x", data, o, 1+int(of%16))
		p := &matrixPart{builder: newBuilder(&layout{options: o, format: MM}, nil), end: 3}
		src := newSource("y", bytes.NewReader(data), int64(len(data)))
		if err := src.readVector(3, labelColumn, []*matrixPart{p}); err == nil && len(p.labels.values) != 3 {
			t.Errorf("got %d labels, want 3", len(p.labels.values))
		}
		if err := src.readVector(3, weightColumn, []*matrixPart{p}); err == nil && (len(p.rowWeights) != 3 || slices.Min(p.rowWeights) < 0) {
			t.Errorf("got weights %v, want 3 from 0 on", p.rowWeights)
		}
	})
}

// FuzzReader compares batches with a scan.
func FuzzReader(f *testing.F) {
	for _, text := range texts() {
		if len(text) < 1000 {
			f.Add([]byte(text), uint8(3), true)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, rows uint8, bare bool) {
		o := Defaults()
		o.Unlabelled = bare
		want, err := load("x", data, o, 1)
		if err == nil {
			o.Like = throughJSON(t, want.info)
		}
		r, openErr := OpenStream("x", bytes.NewReader(data), o)
		if openErr != nil {
			if err == nil {
				t.Fatalf("scan: no error, reader: %v", openErr)
			}
			return
		}
		defer r.Close()
		if err == nil {
			if d := cmp.Diff(want.rows(), drain(t, r, 1+int(rows))); d != "" {
				t.Fatalf("(-scan +reader):\n%s", d)
			}
			return
		}
		for openErr == nil {
			_, openErr = r.Next(1 + int(rows))
		}
		if openErr == io.EOF {
			t.Fatalf("scan: %v, reader: no error", err)
		}
	})
}

// FuzzCompressed reads bytes as compressed files: an error at most.
func FuzzCompressed(f *testing.F) {
	text := "y,a\n1,2\n3,4\n"
	f.Add(gzipped(f, text), false)
	f.Add(zstded(f, text), true)
	f.Fuzz(func(t *testing.T, data []byte, zst bool) {
		name := map[bool]string{false: "x.csv.gz", true: "x.csv.zst"}[zst]
		if got, err := load(name, data, Defaults(), 2); err == nil {
			checkParts(t, got)
		}
	})
}

// FuzzMerge merges infos that a peer might send.
func FuzzMerge(f *testing.F) {
	f.Add(uint64(3), uint64(2), 1, 2.0, "a", uint64(1), "b", uint64(2), true, 0.5)
	f.Fuzz(func(t *testing.T, features, seen uint64, base int, sum float64, class string, n uint64, other string, m uint64, numeric bool, weight float64) {
		a := Info{Format: LIBSVM, Features: features, Seen: seen, Base: base, LabelSum: sum, Rows: n, Numeric: numeric,
			Classes: []string{class}, Counts: []uint64{n}}
		b := Info{Format: LIBSVM, Features: features, Seen: seen, Rows: m, Numeric: !numeric,
			Classes: []string{other}, Counts: []uint64{m}, Weighted: true, Weight: weight, ClassWeights: []float64{weight}}
		for _, pair := range [][2]Info{{a, b}, {a, a}, {b, b}} {
			if got, err := pair[0].Merge(pair[1]); err == nil && (got.Rows != pair[0].Rows+pair[1].Rows || got.Weighted != (pair[0].Weighted || pair[1].Weighted) || len(got.ClassWeights) > len(got.Classes)) {
				t.Errorf("got %d rows, weighted %v, from %s", got.Rows, got.Weighted, fmt.Sprint(pair))
			}
		}
	})
}
