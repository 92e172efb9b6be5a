package dataset

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"petuum/algos/dataset/cache"
)

// cached is an input that is read with a cache, again and again.
type cached struct {
	t     *testing.T
	paths []string
	o     Options
	of    int
}

// load reads the input, all parts in one process, and returns it with the notes.
func (c cached) load() (loaded, []Note) {
	c.t.Helper()
	all := make([]int, c.of)
	for p := range all {
		all[p] = p
	}
	s, err := Scan(c.paths, c.o, all, c.of)
	if err != nil {
		c.t.Fatal(err)
	}
	var l loaded
	for _, p := range all {
		if l.info, err = l.info.Merge(s.Info(p)); err != nil {
			c.t.Fatal(err)
		}
	}
	if l.parts, err = s.Parts(l.info); err != nil {
		c.t.Fatal(err)
	}
	checkParts(c.t, l)
	checkWeights(c.t, l)
	return l, s.Notes()
}

// want loads and holds the rows and the notes against what they are to be: each is
// a piece of the note's text, "!" before it for a problem.
func (c cached) want(rows []string, notes ...string) loaded {
	c.t.Helper()
	l, got := c.load()
	if d := cmp.Diff(rows, l.rows()); d != "" && rows != nil {
		c.t.Fatalf("rows (-want +got):\n%s", d)
	}
	ok := len(got) == len(notes)
	for k := 0; ok && k < len(got); k++ {
		text, problem := strings.CutPrefix(notes[k], "!")
		ok = strings.Contains(got[k].Text, text) && got[k].Problem == problem
	}
	if !ok {
		c.t.Fatalf("got notes %+v, want %q", got, notes)
	}
	return l
}

const (
	made   = "in the cache"
	mapped = "is mapped from the cache"
)

// old makes a file look as if it was there for an hour.
func old(t *testing.T, path string) {
	t.Helper()
	hour := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, hour, hour); err != nil {
		t.Fatal(err)
	}
}

func rewrite(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestCache: whatever the input is, what is mapped equals what was parsed.
func TestCache(t *testing.T) {
	var sparse strings.Builder
	for i := range 300 {
		fmt.Fprintf(&sparse, "%d %d:1 %d:1\n", i%2, 1+i, 1000+i*7)
	}
	csv := "y,a,b,c\nyes,1,red,0.123456789012\nno,2,blue,0\nno,3,green,5\n"
	matrix := "%%MatrixMarket matrix coordinate real general\n3 4 3\n1 2 0.5\n3 1 -1\n2 4 7\n"
	with := func(edit func(*Options)) Options { o := Defaults(); edit(&o); return o }
	weights := writeFiles(t, []file{{"w.txt", []byte("1\n1\n0.5\n")}})[0]
	for _, c := range []struct {
		name  string
		files []file
		o     Options
	}{
		{"ones", []file{{"a.svm", []byte(sparse.String())}}, Defaults()},
		{"float32", []file{{"a.svm", []byte("1 1:2 9:0.25\n0 70000:3\n")}}, Defaults()},
		{"float64 dense", []file{{"a.csv", []byte("1,2,0.12345678901\n3,4,5\n")}}, with(func(o *Options) { o.Label, o.Quantity = "#0", true })},
		{"categories", []file{{"a.csv", []byte(csv)}}, with(func(o *Options) { o.Categorical = []string{"*"} })},
		{"hashed ids", []file{{"a.svm", []byte("1 5:1 123456789012:1\n0 7:2 99999999999999:0.5\n")}}, Defaults()},
		{"weights", []file{{"a.svm", []byte("1:0.5 1:2\n0:2 2:1\n0 3:1\n1 1:1\n1 1:1\n")}}, Defaults()},
		{"matrix with weights", []file{{"a.mtx", []byte(matrix)}}, with(func(o *Options) { o.Unlabelled, o.Weights = true, weights })},
		{"unlabelled", []file{{"a.csv", []byte("a,b\n1,2\n3,4\n")}}, with(func(o *Options) { o.Unlabelled, o.Header = true, "yes" })},
		{"gzip", []file{{"a.svm.gz", gzipped(t, sparse.String())}}, Defaults()},
		{"mixed", []file{{"a.svm", []byte(sparse.String())}, {"b.svm.zst", zstded(t, sparse.String())}}, Defaults()},
		{"matrix", []file{{"a.mtx", []byte(matrix)}}, with(func(o *Options) { o.Unlabelled = true })},
		{"no rows in a part", []file{{"a.svm", []byte("1 1:1\n")}}, Defaults()},
	} {
		t.Run(c.name, func(t *testing.T) {
			paths := writeFiles(t, c.files)
			for _, path := range paths {
				old(t, path)
			}
			for _, of := range []int{1, 3} {
				plain, _ := cached{t, paths, c.o, of}.load()
				o := c.o
				o.Cache = filepath.Join(t.TempDir(), "new", "folder")
				run := cached{t, paths, o, of}
				first := run.want(plain.rows(), slices.Repeat([]string{made}, of)...)
				again := run.want(plain.rows(), slices.Repeat([]string{mapped}, of)...)
				if d := cmp.Diff(plain.info, again.info); d != "" {
					t.Errorf("%d parts: the info is another:\n%s", of, d)
				}
				for p := range again.parts {
					// Blocks, labels, keys and the form of the matrix, not only what rows print.
					if d := cmp.Diff(first.parts[p], again.parts[p], cmp.AllowUnexported(Matrix{}), cmpopts.EquateEmpty()); d != "" {
						t.Errorf("part %d of %d (-parsed +mapped):\n%s", p, of, d)
					}
				}
				if left, _ := filepath.Glob(filepath.Join(o.Cache, ".*")); left != nil {
					t.Errorf("left behind: %v", left)
				}
			}
		})
	}
}

// TestCacheWeights: a part without weights has them, all 1, when another part gets some.
func TestCacheWeights(t *testing.T) {
	paths := writeFiles(t, []file{{"a.svm", []byte("1:1 1:1\n")}, {"b.svm", []byte("2:1 2:1\n")}})
	o := Defaults()
	o.Cache = t.TempDir()
	run := cached{t, paths, o, 2}
	old(t, paths[0])
	run.want([]string{"1/0 0:1", "2/1 1:1"}, made, made)
	rewrite(t, paths[1], "2:3 2:1\n")
	got := run.want([]string{"1/0 0:1", "2/1*3 1:1"}, "part 1: the cache is made anew", "part 0 is mapped", "part 1 is in the cache")
	if w := got.parts[0].Weight; len(w) != 1 || w[0] != 1 {
		t.Errorf("got weights %v of part 0, want [1]", w)
	}
	run.want([]string{"1/0 0:1", "2/1*3 1:1"}, mapped, mapped)
}

// TestCacheStale: a cache is never used for another input or other options.
func TestCacheStale(t *testing.T) {
	const text = "1 1:1 2:0.5\n0 3:1\n1 2:1\n0 1:1\n"
	dir := t.TempDir()
	path := filepath.Join(dir, "a.svm")
	rewrite(t, path, text)
	old(t, path)
	o := Defaults()
	o.Cache = filepath.Join(dir, "cache")
	run := cached{t, []string{path}, o, 1}
	rows := run.want(nil, made).rows()
	run.want(rows, mapped)

	changed := strings.Replace(text, "0.5", "0.6", 1) // as long
	rewrite(t, path, changed)
	old(t, path) // the time of modification says nothing
	plain := run
	plain.o.Cache = ""
	want, _ := plain.load()
	run.want(want.rows(), "the content of "+path+" is another", made)
	run.want(want.rows(), mapped)

	rewrite(t, path, changed+"1 9:1\n")
	want, _ = plain.load()
	run.want(want.rows(), "had 30 bytes, now 36", made)

	rewrite(t, path, changed+"1 9:1\n") // the same content: touched only
	run.want(want.rows(), mapped)

	other := run
	other.o.Base = 0
	plain.o.Base = 0
	want, _ = plain.load()
	other.want(want.rows(), made)
	other.want(want.rows(), mapped)
	run.want(nil, mapped) // options have caches of their own
	run.of = 2
	run.want(nil, made, made)
	run.want(nil, mapped, mapped)
}

// open returns the valid cache of an input in one part.
func (c cached) open() *partCache {
	c.t.Helper()
	o, err := c.o.resolved()
	if err != nil {
		c.t.Fatal(err)
	}
	sources, err := findSources(c.paths, Options{})
	if err != nil {
		c.t.Fatal(err)
	}
	in, err := newInput(sources, o, 1)
	if err != nil {
		c.t.Fatal(err)
	}
	cache, notes := in.cacheOf(0)
	if cache == nil || cache.file == nil {
		c.t.Fatalf("the cache is not open: %v", notes)
	}
	return cache
}

// TestCacheTrust: a file that the system vouches for is not read. What was found out
// by reading one is kept, so that it need not be read again.
func TestCacheTrust(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.svm")
	rewrite(t, path, "1 1:1\n0 2:1\n")
	o := Defaults()
	o.Cache = filepath.Join(dir, "cache")
	run := cached{t, []string{path}, o, 1}
	later := run
	later.o.clock = int64(time.Hour)
	// forge makes the cache one of another content: whoever reads the file finds out.
	forge := func() {
		t.Helper()
		c := run.open()
		c.meta.Files[0].Digests[0].Sum[0] ^= 1
		meta, err := json.Marshal(c.meta)
		if err != nil {
			t.Fatal(err)
		}
		if err := cache.Write(c.path, c.key, meta, c.file.Sections()); err != nil {
			t.Fatal(err)
		}
	}
	run.want(nil, made) // within two seconds of the file
	forge()
	later.want(nil, "the content of "+path+" is another", made) // an hour after the file
	forge()
	later.want(nil, mapped)
	run.want(nil, mapped)

	rewrite(t, path, "1 1:1\n0 2:1\n") // as it was, but the system cannot know
	run.want(nil, "the content of "+path+" is another", made)
	run.want(nil, mapped)
	later.want(nil, mapped) // read once more
	forge()
	run.want(nil, mapped) // and never again
}

// TestCacheOfOneFile: where one file of several changes, parts of the others stay
// cached, unless their numbers changed.
func TestCacheOfOneFile(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a.svm"), filepath.Join(dir, "b.svm")
	text := strings.Repeat("1 1:1 2:0.5\n0 3:1\n", 50)
	for _, path := range []string{a, b} {
		rewrite(t, path, text)
		old(t, path)
	}
	o := Defaults()
	o.Cache = filepath.Join(dir, "cache")
	run := cached{t, []string{a, b}, o, 2}
	run.want(nil, made, made)
	run.want(nil, mapped, mapped)
	rewrite(t, b, strings.Replace(text, "0.5", "0.7", 1))
	old(t, b)
	l := run.want(nil, "the content of "+b, mapped, made)
	if !slices.Contains(l.rows(), "1/1 0:1 1:0.699999988079071") {
		t.Error("the change is not in the data")
	}
	rewrite(t, b, strings.Replace(text, "1 1:1", "7 1:1", 1)) // another class: labels have other numbers
	old(t, b)
	l = run.want(nil, "the content of "+b, "other parts of the input changed", made, made)
	if len(l.info.Classes) != 3 {
		t.Errorf("got classes %v, want 3", l.info.Classes)
	}
	run.want(l.rows(), mapped, mapped)
}

// TestCacheOfChangedInput: nothing is kept of an input that changed while it was read.
func TestCacheOfChangedInput(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.svm")
	rewrite(t, path, "1 1:1\n0 2:1\n")
	old(t, path)
	o := Defaults()
	o.Cache = filepath.Join(dir, "cache")
	s, err := Scan([]string{path}, o, []int{0}, 1)
	if err != nil {
		t.Fatal(err)
	}
	rewrite(t, path, "1 1:1\n0 3:1\n")
	if _, err := s.Parts(s.Info(0)); err != nil {
		t.Fatal(err)
	}
	if n := s.Notes(); len(n) != 1 || !n[0].Problem || !strings.Contains(n[0].Text, path+" changed while it was read") {
		t.Errorf("got notes %+v", n)
	}
	if left, _ := filepath.Glob(filepath.Join(o.Cache, "*")); left != nil {
		t.Errorf("kept: %v", left)
	}
	cached{t, []string{path}, o, 1}.want([]string{"1/1 0:1", "0/0 2:1"}, made)
}

// TestCacheOfOtherColumns: a header that gives the columns of further files another
// meaning outdates what was made of these, though they are as they were.
func TestCacheOfOtherColumns(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a.csv"), filepath.Join(dir, "b.csv")
	rewrite(t, a, "y,u,v\n1,2,3\n0,4,5\n")
	rewrite(t, b, "u,v,y\n6,7,1\n8,9,0\n")
	o := Defaults()
	o.Cache = filepath.Join(dir, "cache")
	run := cached{t, []string{a, b}, o, 2}
	rows := run.want(nil, made, made).rows()
	run.want(rows, mapped, mapped)
	rewrite(t, a, "y,v,u\n1,2,3\n0,4,5\n")
	want, _ := cached{t, []string{a, b}, Defaults(), 2}.load()
	if l, _ := run.load(); !slices.Equal(l.rows(), want.rows()) || slices.Equal(l.rows(), rows) {
		t.Errorf("got rows %q, want %q", l.rows(), want.rows())
	}
}

// cacheFile is the one cache in a folder.
func cacheFile(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.cache"))
	if err != nil || len(files) != 1 {
		t.Fatalf("got caches %v, %v, want one", files, err)
	}
	return files[0]
}

// TestCacheDamaged: a truncated cache, one with a flipped bit, of another version or
// that is no cache at all is refused with a note, made anew, and good again.
func TestCacheDamaged(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.svm")
	rewrite(t, path, strings.Repeat("1 1:1 2:0.5\n0 3:1\n", 50))
	old(t, path)
	o := Defaults()
	o.Cache = filepath.Join(dir, "cache")
	run := cached{t, []string{path}, o, 1}
	rows := run.want(nil, made).rows()
	name := cacheFile(t, o.Cache)
	good, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	flipped := func(at int) []byte {
		b := slices.Clone(good)
		b[at] ^= 4
		return b
	}
	for what, content := range map[string][]byte{
		"empty": {}, "truncated": good[:len(good)-1], "half": good[:len(good)/2], "longer": append(slices.Clone(good), 0),
		"flipped in the header": flipped(20), "flipped in the middle": flipped(len(good) / 2), "flipped at the end": flipped(len(good) - 5),
		"version": flipped(8), "text": []byte("1 1:1\n"),
	} {
		t.Run(what, func(t *testing.T) {
			run := run
			run.t = t
			rewrite(t, name, string(content))
			run.want(rows, "!the cache is made anew", made)
			run.want(rows, mapped)
		})
	}
}

// TestCacheForged: a cache whose checksums are right but whose numbers would lead
// out of the matrix is refused, too.
func TestCacheForged(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.svm")
	var text strings.Builder
	for i := range 99 {
		fmt.Fprintf(&text, "%d %d:0.5\n", i%2, 1+i)
	}
	rewrite(t, path, text.String())
	old(t, path)
	o := Defaults()
	o.Cache = filepath.Join(dir, "cache")
	run := cached{t, []string{path}, o, 1}
	rows := run.want(nil, made).rows()
	name := cacheFile(t, o.Cache)
	for what, forge := range map[string]func(meta *string, s [][]byte){
		"column beyond":     func(_ *string, s [][]byte) { s[idx16Section][0] = 99 },
		"rows out of order": func(_ *string, s [][]byte) { s[ptrSection][8] = 9 },
		"first row":         func(_ *string, s [][]byte) { s[ptrSection][0] = 1 },
		"end beyond":        func(_ *string, s [][]byte) { s[ptrSection][8*99] = 200 },
		"key beyond":        func(_ *string, s [][]byte) { s[keySection][8*98+3] = 1 },
		"keys not sorted":   func(_ *string, s [][]byte) { s[keySection][8] = 0 },
		"class beyond":      func(_ *string, s [][]byte) { s[classSection][0] = 2 },
		"negative class":    func(_ *string, s [][]byte) { s[classSection][3] = 0x80 },
		"fewer columns":     func(m *string, _ [][]byte) { *m = strings.Replace(*m, `"Cols":99`, `"Cols":98`, 1) },
		"more values":       func(m *string, _ [][]byte) { *m = strings.Replace(*m, `"NNZ":99`, `"NNZ":100`, 1) },
		"another index":     func(m *string, _ [][]byte) { *m = strings.Replace(*m, `"Index":1`, `"Index":7`, 1) },
		"dense":             func(m *string, _ [][]byte) { *m = strings.Replace(*m, `"Index":1`, `"Index":0`, 1) },
		"rows":              func(m *string, _ [][]byte) { *m = strings.Replace(*m, `"Rows":99,"Cols"`, `"Rows":-1,"Cols"`, 1) },
		"no meta":           func(m *string, _ [][]byte) { *m = "{" },
		"bad info":          func(m *string, _ [][]byte) { *m = strings.Replace(*m, `"base":1`, `"base":9`, 1) },
	} {
		t.Run(what, func(t *testing.T) {
			run := run
			run.t = t
			c := run.open()
			meta, sections := string(c.file.Meta()), c.file.Sections()
			before := meta
			forge(&meta, sections)
			if meta == before && slices.Contains([]string{"fewer columns", "more values", "another index", "dense", "rows", "no meta", "bad info"}, what) {
				t.Fatalf("nothing was forged in %s", meta)
			}
			if err := cache.Write(name, c.key, []byte(meta), sections); err != nil {
				t.Fatal(err)
			}
			run.want(rows, "!the cache is made anew", made)
			run.want(rows, mapped)
		})
	}
}

// TestCacheUnwritable: without a cache a job goes on, and says so.
func TestCacheUnwritable(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.svm")
	rewrite(t, path, "1 1:1\n0 2:1\n")
	o := Defaults()
	o.Cache = path // a file
	cached{t, []string{path}, o, 1}.want([]string{"1/1 0:1", "0/0 1:1"}, "!no cache")
}
