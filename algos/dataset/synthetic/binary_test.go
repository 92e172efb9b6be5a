package synthetic

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"petuum/algos/dataset"
)

// binaryFile writes a set as a binary file.
func binaryFile(t testing.TB, c Columns, set Set, parts int, byFeatures bool) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.petuum")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n, err := WriteBinary(t.Context(), f, c, set, parts, byFeatures, nil)
	if err != nil {
		t.Fatalf("%v: %v", c, err)
	}
	if fi, err := f.Stat(); err != nil || fi.Size() != n {
		t.Fatalf("%v: got a file of %d bytes, %v, want %d", c, fi.Size(), err, n)
	}
	return path
}

// matrix reads a file of so many parts by columns and returns its rows.
func matrix(t testing.TB, path string, quantity bool, parts int) (dataset.Info, []Row) {
	t.Helper()
	o := dataset.Defaults()
	o.Quantity, o.Columns, o.ByFeatures = quantity, true, true
	var all []int
	for p := range parts {
		all = append(all, p)
	}
	s, err := dataset.Scan([]string{path}, o, all, parts)
	if err != nil {
		t.Fatal(err)
	}
	var info dataset.Info
	for _, p := range all {
		if info, err = info.Merge(s.Info(p)); err != nil {
			t.Fatal(err)
		}
	}
	data, err := s.Parts(info)
	if err != nil {
		t.Fatal(err)
	}
	var rows []Row
	for _, p := range data {
		from := len(rows)
		if info.ByFeatures {
			from = 0
		}
		rows = append(rows, make([]Row, from+len(p.Labels)-len(rows))...)
		for i, y := range p.Labels {
			rows[from+i].Label = int64(y * 1e9) // as exact as it has to be
		}
		x := p.ByColumn()
		for j := range x.Rows() {
			for i, v := range x.Row(j) {
				r := &rows[from+i]
				r.Index, r.Value = append(r.Index, p.Key(j)), append(r.Value, int64(v*1e9))
			}
		}
	}
	return info, rows
}

// TestBinary: a binary file has the numbers of the text, to the last bit, whatever the
// number of parts.
func TestBinary(t *testing.T) {
	r, m, _ := small()
	sets := []Columns{r, m}
	for _, correlation := range []float64{0, 1} {
		c := r
		c.Correlation = correlation
		sets = append(sets, c)
	}
	long := r // one run of more values than a piece has
	long.Rows, long.TestRows, long.Features, long.NonZeros, long.Correlation = 50, 10, 12_000, 45, 1
	wide := r // more than 2^16 rows in a part, and empty ones
	wide.Rows, wide.Features = 150_000, 30
	cut := r // more shares than processors
	cut.Rows, cut.Features, cut.NonZeros = 40, 100_000, 1
	sets = append(sets, long, wide, cut)
	for _, c := range sets {
		for _, set := range []Set{Train, Test} {
			path := filepath.Join(t.TempDir(), "x.libsvm")
			if err := os.WriteFile(path, text(t, c, dataset.LIBSVM, set), 0o600); err != nil {
				t.Fatal(err)
			}
			wantInfo, want := matrix(t, path, c.Classes == 0, 1)
			for k, parts := range []int{1, 2, 7, 1, 2, 7} {
				info, got := matrix(t, binaryFile(t, c, set, parts, k > 2), c.Classes == 0, parts)
				if !slices.EqualFunc(want, got, func(a, b Row) bool {
					return a.Label == b.Label && slices.Equal(a.Index, b.Index) && slices.Equal(a.Value, b.Value)
				}) {
					t.Errorf("%v, set %d in %d parts, by features %v: the rows are others", c, set, parts, k > 2)
				}
				if info.ByFeatures != (k > 2) || info.Rows != wantInfo.Rows || info.NonZeros != wantInfo.NonZeros || info.Features != c.Features || info.Base != 1 ||
					!slices.Equal(info.Classes, wantInfo.Classes) || !slices.Equal(info.Counts, wantInfo.Counts) || info.LabelMax != wantInfo.LabelMax {
					t.Errorf("%v, set %d in %d parts: got %+v, want what %+v says", c, set, parts, info, wantInfo)
				}
			}
		}
	}
}

// TestBinaryGolden: the same bytes on any number of processors, as ever.
func TestBinaryGolden(t *testing.T) {
	c, _, _ := small()
	c.Features = 100_000
	const want = "3a3b4007c5a29ec1"
	for _, processors := range []int{1, 2, 5} {
		was := runtime.GOMAXPROCS(processors)
		b, err := os.ReadFile(binaryFile(t, c, Train, 3, false))
		runtime.GOMAXPROCS(was)
		if err != nil {
			t.Fatal(err)
		}
		if got := hexOf(b); got != want {
			t.Errorf("%d processors: got %s, want %s", processors, got, want)
		}
	}
}

func hexOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// TestValues32: the values are those that the text is read as.
func TestValues32(t *testing.T) {
	for v, got := range values32 {
		want, err := strconv.ParseFloat(string(appendFixed(nil, int64(v), ValueUnit)), 32)
		if err != nil || got != float32(want) {
			t.Errorf("%d thousandths: got %v, want %v, %v", v, got, want, err)
		}
	}
}

// fullFile is fullDisk for WriteAt.
type fullFile struct{ left int }

func (f *fullFile) WriteAt(b []byte, _ int64) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, errFull
	}
	return len(b), nil
}

// TestBinaryStops: a full disk and an interrupt end everything at once, and no goroutine
// is left.
func TestBinaryStops(t *testing.T) {
	defer goleak.VerifyNone(t)
	c, _, _ := small()
	c.Features = 500_000
	for _, left := range []int{0, 1 << 20, 20 << 20} {
		if _, err := WriteBinary(t.Context(), &fullFile{left}, c, Train, 2, false, nil); !errors.Is(err, errFull) {
			t.Errorf("a disk with %d bytes: got %v", left, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var told []uint64
	_, err := WriteBinary(ctx, &fullFile{1 << 40}, c, Train, 2, true, func(columns uint64) {
		if told = append(told, columns); len(told) == 3 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || len(told) > 20 {
		t.Errorf("interrupted: got %v after %d pieces", err, len(told))
	}
	told = nil
	if _, err := WriteBinary(t.Context(), &fullFile{1 << 40}, c, Train, 2, true, func(columns uint64) { told = append(told, columns) }); err != nil {
		t.Fatal(err)
	}
	if !slices.IsSorted(told) || told[len(told)-1] != c.Features {
		t.Errorf("progress: got %v, want up to %d", told, c.Features)
	}
}

// TestCheckBinary refuses what cannot be written so.
func TestCheckBinary(t *testing.T) {
	r, _, l := small()
	var got []string
	for _, c := range []struct {
		p          Problem
		parts      int
		byFeatures bool
	}{{r, 1, false}, {r, 300, false}, {r, 0, false}, {r, 301, false}, {l, 1, false},
		{r, int(r.Features), true}, {r, int(r.Features) + 1, true}, {r, 0, true}, {l, 1, true}} {
		_, err := CheckBinary(c.p, c.parts, c.byFeatures)
		if got = append(got, "fine"); err != nil {
			got[len(got)-1] = err.Error()[:8]
		}
	}
	if d := cmp.Diff([]string{"fine", "fine", "parts 0:", "parts 30", "this pro", "fine", "parts 40", "parts 0:", "this pro"}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
