package dataset

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestSparseIDs: what a set takes depends on how many ids it has, not on how large
// they are.
func TestSparseIDs(t *testing.T) {
	var s idSet
	for _, id := range []uint64{0, smallIDs - 1, smallIDs, 1 << 62} {
		if _, ok := s.code(id); !ok {
			t.Fatalf("id %d has no code", id)
		}
	}
	pages := 0
	for _, p := range s.pages {
		if p != nil {
			pages++
		}
	}
	if pages != 2 || len(s.pages) > 4096 || len(s.large) != 2 {
		t.Errorf("got %d pages of %d and %d large ids, want 2 of at most 4096 and 2", pages, len(s.pages), len(s.large))
	}
	if p := orderIDs([]*idSet{&s}); !slices.Equal(p.keys, []uint64{0, smallIDs - 1, smallIDs, 1 << 62}) {
		t.Errorf("got keys %d", p.keys)
	}
}

// TestLongBlocks: a block of a compressed file is cut where its lines are long.
func TestLongBlocks(t *testing.T) {
	var text strings.Builder
	for i := range 600 {
		fmt.Fprintf(&text, "%d %d:1 # %s\n", i%2, 1+i, strings.Repeat("long ", 4000))
	}
	o, err := Defaults().resolved()
	if err != nil {
		t.Fatal(err)
	}
	want := mustLoad(t, "a.svm", text.String(), Defaults(), 1).rows()
	for _, of := range []int{1, 2} {
		s, err := scan(sourcesOf([]file{{"a.svm.gz", gzipped(t, text.String())}}), o, []int{0}, of)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range s.read[0].pieces {
			if len(p.ends) > 60 { // of 20 KB each
				t.Errorf("%d parts: %d rows were read at a time", of, len(p.ends))
			}
		}
		got, err := load("a.svm.gz", gzipped(t, text.String()), Defaults(), of)
		if err != nil || !slices.Equal(got.rows(), want) {
			t.Errorf("%d parts: %v, or other rows than those of the plain file", of, err)
		}
	}
}

// TestReplaced: a file that is another one when the scan ends is refused, as rows may
// be of both.
func TestReplaced(t *testing.T) {
	dir := t.TempDir()
	path, other := filepath.Join(dir, "a.svm"), filepath.Join(dir, "b.svm")
	rewrite(t, path, "1 1:1\n0 1:1\n")
	rewrite(t, other, "0 1:1\n1 1:1\n")
	old(t, path)
	old(t, other)
	sources, err := findSources([]string{path}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	o, err := Defaults().resolved()
	if err != nil {
		t.Fatal(err)
	}
	in, err := newInput(sources, o, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := in.unchanged(); err != nil {
		t.Error(err)
	}
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	if err := in.unchanged(); err == nil || !strings.Contains(err.Error(), path+" changed while it was read") {
		t.Errorf("got %v", err)
	}
}

// TestMatrixFromCache: with a cache a matrix is not read at all.
func TestMatrixFromCache(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.mtx")
	rewrite(t, path, "%%MatrixMarket matrix array real general\n2 2\n1\n2\n3\n4\n")
	old(t, path)
	o := unlabelled()
	o.Cache = filepath.Join(t.TempDir(), "cache")
	cached{t, []string{path}, o, 2}.want(nil, made, made)
	s, err := Scan([]string{path}, o, []int{0, 1}, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	info, err := s.Info(0).Merge(s.Info(1))
	if err != nil {
		t.Fatal(err)
	}
	if parts, err := s.Parts(info); err != nil || len(parts) != 2 || s.Cached() != 2 {
		t.Errorf("got %d parts, %d of them mapped, %v", len(parts), s.Cached(), err)
	}
}

// TestFixedFeatures: an index beyond the features is refused alike, whoever reads it.
func TestFixedFeatures(t *testing.T) {
	o := Defaults()
	o.Features = 10
	text := "1 0:1 10:1\n" + strings.Repeat("1 1:1\n", 500)
	for _, chunk := range []int64{0, 50} {
		o.chunk = chunk
		_, err := load("a.svm", []byte(text), o, 1)
		if want := "index 10 occurs, but features is fixed at 10 and indices start at 0"; err == nil || !strings.Contains(err.Error(), want) || strings.Count(err.Error(), "dataset") != 1 {
			t.Errorf("%d bytes at a time: got %v, want %q once", chunk, err, want)
		}
	}
}
