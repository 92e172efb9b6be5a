package dataset

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// scanFiles reads files in so many parts, as a job does.
func scanText(t *testing.T, paths []string, o Options, of int) loaded {
	t.Helper()
	var all []int
	for p := range of {
		all = append(all, p)
	}
	s, err := Scan(paths, o, all, of)
	if err != nil {
		t.Fatal(err)
	}
	var got loaded
	for _, p := range all {
		if got.info, err = got.info.Merge(*throughJSON(t, s.Info(p))); err != nil {
			t.Fatal(err)
		}
	}
	if got.info, err = got.info.Settled(); err != nil {
		t.Fatal(err)
	}
	if got.parts, err = s.Parts(got.info); err != nil {
		t.Fatal(err)
	}
	return got
}

// wordsOf is the vocabulary.
func wordsOf(t *testing.T, info Info) string {
	t.Helper()
	named, err := info.WithNames(nil, "")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(named.Names, " ")
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestWordLimits: words of too few or too many documents, or of a file, are left out,
// whatever the number of parts and whether the parts are cached.
func TestWordLimits(t *testing.T) {
	dir := t.TempDir()
	text := write(t, filepath.Join(dir, "a.txt"), "one two two three\none two\none four four\n\none five\n")
	stop := write(t, filepath.Join(dir, "stop"), "Two  three\n\nFIVE\n")
	for _, c := range []struct {
		name     string
		rows     uint64
		share    float64
		stop     string
		words    string
		want     []string
		sums     Sums
		nonZeros uint64
	}{
		{"all", 1, 1, "", "five four one three two", []string{"? 2:1 3:1 4:2", "? 2:1 4:1", "? 1:2 2:1", "?", "? 0:1 2:1"}, Sums{1, 2, 4, 1, 3}, 9},
		{"rare", 2, 0, "", "one two", []string{"? 0:1 1:2", "? 0:1 1:1", "? 0:1", "?", "? 0:1"}, Sums{4, 3}, 6},
		{"common", 1, 0.5, "", "five four three two", []string{"? 2:1 3:2", "? 3:1", "? 1:2", "?", "? 0:1"}, Sums{1, 2, 1, 3}, 5},
		{"both", 2, 0.4, "", "two", []string{"? 0:2", "? 0:1", "?", "?", "?"}, Sums{3}, 2},
		{"share at the bound", 2, 0.8, "", "one two", []string{"? 0:1 1:2", "? 0:1 1:1", "? 0:1", "?", "? 0:1"}, Sums{4, 3}, 6},
		{"stop words", 1, 1, stop, "four one", []string{"? 1:1", "? 1:1", "? 0:2 1:1", "?", "? 1:1"}, Sums{2, 4}, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, of := range []int{1, 2, 5} {
				o := listedOptions(Text)
				o.MinRows, o.MaxShare, o.StopWords, o.Sums, o.Cache = c.rows, c.share, c.stop, true, t.TempDir()
				for range 2 { // the second one is of the cache
					got := scanText(t, []string{text}, o, of)
					checkParts(t, got)
					if d := cmp.Diff(c.want, got.rows()); d != "" {
						t.Errorf("%d parts (-want +got):\n%s", of, d)
					}
					if words := wordsOf(t, got.info); words != c.words || got.info.NonZeros != c.nonZeros {
						t.Errorf("%d parts: got words %q, %d values, want %q, %d", of, words, got.info.NonZeros, c.words, c.nonZeros)
					}
					if !slices.Equal(got.info.Sums, c.sums) {
						t.Errorf("%d parts: got sums %v, want %v", of, got.info.Sums, c.sums)
					}
					like := o
					like.Like, like.Cache, like.Sums = throughJSON(t, got.info), "", false
					if d := cmp.Diff(c.want, scanText(t, []string{text}, like, of).rows()); d != "" {
						t.Errorf("%d parts, like itself (-want +got):\n%s", of, d)
					}
				}
				o.Cache = ""
				stats, err := Stat([]string{text}, o)
				if err != nil || strings.Join(stats.Info.Names, " ") != c.words || stats.Info.NonZeros != c.nonZeros {
					t.Errorf("stat: got %v, %d values, %v", stats.Info.Names, stats.Info.NonZeros, err)
				}
			}
		})
	}
	o := listedOptions(Text)
	o.MinRows = 6
	if _, err := Stat([]string{text}, o); err == nil || !strings.Contains(err.Error(), "none of 5 words is in at least 6") {
		t.Errorf("no word is left: got %v", err)
	}
	o.MinRows, o.StopWords = 1, filepath.Join(dir, "none")
	if _, err := Stat([]string{text}, o); err == nil || !strings.Contains(err.Error(), "stop words") {
		t.Errorf("no stop words: got %v", err)
	}
	o.StopWords = write(t, filepath.Join(dir, "bad"), "a\nb\xff\n")
	if _, err := Stat([]string{text}, o); err == nil || !strings.Contains(err.Error(), "bad:2:1: this is not UTF-8") {
		t.Errorf("bad stop words: got %v", err)
	}
	o.MaxShare = 1.5
	if err := o.Validate(); err == nil || !strings.Contains(err.Error(), "max_share 1.5") {
		t.Errorf("bad share: got %v", err)
	}
}

// TestDocumentsOfFiles: each file below a folder is a document, whichever part has it.
func TestDocumentsOfFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "d/b/2"), "pear\nplum pear\n")
	write(t, filepath.Join(dir, "d/a/1"), mark+"apple\n\npear")
	write(t, filepath.Join(dir, "d/b/3.gz"), string(gzipped(t, "fig\nfig fig\n")))
	write(t, filepath.Join(dir, "d/c"), "")
	write(t, filepath.Join(dir, "d/.hidden"), "lime")
	write(t, filepath.Join(dir, "d/.git/x"), "lime")
	alone := write(t, filepath.Join(dir, "e"), "plum")
	paths := []string{filepath.Join(dir, "d"), alone}
	want := []string{"? 0:1 2:1", "? 2:2 3:1", "? 1:3", "?", "? 3:1"}
	for _, of := range []int{1, 2, 3, 9} {
		o := listedOptions(Text)
		o.Document = OneFile
		got := scanText(t, paths, o, of)
		checkParts(t, got)
		if d := cmp.Diff(want, got.rows()); d != "" {
			t.Errorf("%d parts (-want +got):\n%s", of, d)
		}
		if words := wordsOf(t, got.info); words != "apple fig pear plum" || len(got.info.Files) != 2 {
			t.Errorf("got words %q of %v", words, got.info.Files)
		}
		o.Like = throughJSON(t, got.info)
		test := scanText(t, []string{filepath.Join(dir, "d/b")}, o, of)
		if d := cmp.Diff([]string{"? 2:2 3:1", "? 1:3"}, test.rows()); d != "" {
			t.Errorf("test data (-want +got):\n%s", d)
		}
		r, err := Open(paths, o)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, drain(t, r, 2)); d != "" {
			t.Errorf("in batches (-want +got):\n%s", d)
		}
		r.Close()
	}
}

// TestDocumentErrors: what is wrong with a file that is a document is told with its place.
func TestDocumentErrors(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "bad/x"), "fine")
	write(t, filepath.Join(dir, "bad/y"), "first\nse \xff\n")
	write(t, filepath.Join(dir, "bad/z"), "\xff\n")
	write(t, filepath.Join(dir, "zip/x.gz"), "no such thing")
	for _, c := range []struct{ path, format, want string }{
		{"empty", Text, "there is no file in"},
		{"none", Text, "no such file"},
		{"bad", Text, "y:2:4: this is not UTF-8"},
		{"zip", Text, "x.gz: bad gzip data"},
		{"bad", CSV, "want text"},
	} {
		for _, of := range []int{1, 3} {
			o := listedOptions(c.format)
			o.Document = OneFile
			var all []int
			for p := range of {
				all = append(all, p)
			}
			if _, err := Scan([]string{filepath.Join(dir, c.path)}, o, all, of); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s in %d parts: got %v, want %q", c.path, of, err, c.want)
			}
		}
	}
}

// TestWordsOfManyLines compares counts with a plain count, over chunks and processors.
func TestWordsOfManyLines(t *testing.T) {
	seed := rand.Uint64()
	t.Log("seed", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	var text strings.Builder
	rows := make(map[string]int)
	for range 2000 {
		met := make(map[string]bool)
		for range r.IntN(8) {
			word := strings.Repeat(string(rune('a'+r.IntN(26))), 1+int(r.ExpFloat64()*4))
			text.WriteString(word + " ")
			if !met[word] {
				met[word], rows[word] = true, rows[word]+1
			}
		}
		text.WriteString("\n")
	}
	var want []string
	for word, n := range rows {
		if n >= 3 && float64(n) <= 0.05*2000 {
			want = append(want, word)
		}
	}
	slices.Sort(want)
	o := listedOptions(Text)
	o.MinRows, o.MaxShare, o.chunk = 3, 0.05, 97
	got := mustLoad(t, "a", text.String(), o, 4)
	if d := cmp.Diff(strings.Join(want, " "), wordsOf(t, got.info)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// FuzzText reads documents, a line each and a file each.
func FuzzText(f *testing.F) {
	f.Add([]byte("The Zebra, zebra-like: x2 apple!\n\nÄpfel und ZEBRA\r\n"), uint8(3), uint8(1), uint8(0), uint8(3))
	f.Add([]byte(mark+"one two two\none\none four\n"), uint8(2), uint8(2), uint8(128), uint8(0))
	f.Add([]byte("a\xffb"), uint8(1), uint8(1), uint8(255), uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, of, rows, share, length uint8) {
		o := listedOptions(Text)
		o.MinLength, o.MinRows, o.MaxShare, o.Sums = int(length%8), uint64(rows%8), float64(share)/255, true
		o.StopWords = []string{English, ""}[length/128]
		fuzzDivided(t, "x", data, o, 1+int(of%16))
		w := &worker{reading: &reading{input: &input{}}}
		o.Document, o.Unlabelled = OneFile, true
		l, err := textLayout(o, nil)
		if err != nil {
			t.Fatal(err)
		}
		b := newBuilder(l, nil)
		if err := w.document(b, newSource("x", bytes.NewReader(data), int64(len(data)))); err == nil && len(b.ends) != 1 {
			t.Errorf("got %d rows of a file, want 1", len(b.ends))
		}
	})
}
