package dataset

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	cmpdiff "github.com/google/go-cmp/cmp"
)

// streamed is an input of which each part is a stream.
type streamed struct {
	info  Info
	parts []*Part
}

// openStreams samples files held in memory, each part in a process of its own.
func openStreams(t testing.TB, sources func() []*source, o Options, of int) (s streamed, err error) {
	t.Helper()
	o.Stream = true
	if o, err = o.resolved(); err != nil {
		return s, err
	}
	var each []*Scanned
	for p := range of {
		scanned, err := scan(sources(), o, []int{p}, of)
		if err != nil {
			return s, err
		}
		if s.info, err = s.info.Merge(scanned.Info(p)); err != nil {
			return s, err
		}
		each = append(each, scanned)
	}
	for _, scanned := range each {
		parts, err := scanned.Parts(s.info)
		if err != nil {
			return s, err
		}
		t.Cleanup(parts[0].Stream.Close)
		s.parts = append(s.parts, parts...)
	}
	return s, nil
}

// pass reads the next pass of a stream: the rows of each slice.
func pass(t testing.TB, s *Stream, slices int) (rows [][]string) {
	t.Helper()
	for range slices {
		b := s.Next()
		if err := s.Err(); err != nil {
			t.Fatal(err)
		}
		var of []string
		for i := range b.Rows() {
			of = append(of, b.print(i))
		}
		rows = append(rows, of)
	}
	return rows
}

func (b *Batch) print(i int) string {
	var s strings.Builder
	if len(b.Labels) == 0 {
		s.WriteString("?")
	} else {
		fmt.Fprint(&s, b.Labels[i])
	}
	if b.Class != nil {
		fmt.Fprintf(&s, "/%d", b.Class[i])
	}
	cols, values := b.Row(i)
	for k, j := range cols {
		id := uint64(j)
		if b.coding == Local {
			id = b.Keys[j]
		}
		fmt.Fprintf(&s, " %d:%v", id, values[k])
	}
	return s.String()
}

func anyOrder(rows []string) []string {
	rows = slices.Clone(rows)
	slices.Sort(rows)
	return rows
}

// someText makes rows of both formats, with comments, blank lines and long rows.
func someText(rng *rand.Rand, format string, rows int) string {
	var s strings.Builder
	if format == CSV {
		s.WriteString("a,kind,y,\"c c\"\n")
	}
	for i := range rows {
		switch {
		case rng.IntN(9) == 0:
			s.WriteString("# between\n")
		case rng.IntN(9) == 0:
			s.WriteString("\r\n")
		}
		if format == CSV {
			fmt.Fprintf(&s, "%g,k%d,%d,%g", float64(rng.IntN(5)), rng.IntN(20), rng.IntN(3), float64(rng.IntN(9))/4)
		} else {
			fmt.Fprintf(&s, "%+d", 2*rng.IntN(2)-1)
			id := 1
			for range rng.IntN(6) + 100*(rng.IntN(30)/29) {
				id += 1 + rng.IntN(40)
				fmt.Fprintf(&s, " %d:%g", id, float64(rng.IntN(7)-3)/4)
			}
		}
		if i < rows-1 || rng.IntN(2) == 0 {
			s.WriteString("\n")
		}
	}
	return s.String()
}

// TestStreamOnce holds what streams give against what the parts of a loaded job have:
// every row once a pass, in the same slices in every pass of plain files.
func TestStreamOnce(t *testing.T) {
	const seed = 7
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	for _, format := range []string{LIBSVM, CSV} {
		for _, rows := range []int{3, 40, 1200} {
			texts := []string{someText(rng, format, rows), someText(rng, format, 1+rows/3)}
			ext := map[string]string{LIBSVM: "svm", CSV: "csv"}[format]
			plain := []file{{"a." + ext, []byte(texts[0])}, {"b." + ext, []byte(texts[1])}}
			gz := []file{{"a." + ext + ".gz", gzipped(t, texts[0])}, {"b." + ext + ".gz", gzipped(t, texts[1])}}
			zst := []file{{"a." + ext + ".zst", zstded(t, texts[0])}, {"b." + ext + ".zst", zstded(t, texts[1])}}
			for _, files := range [][]file{plain, plain[:1], gz, zst, {plain[0], zst[1]}} {
				o := Defaults()
				o.Hash = 6
				if format == CSV {
					o.Categorical = []string{"kind"}
				}
				for _, of := range []int{1, 2, 3, 7} {
					all, err := loadFiles(files, o, of)
					if err != nil {
						t.Fatal(err)
					}
					for _, coding := range []Coding{Global, Local} {
						t.Run(fmt.Sprintf("%s-%d-%s-%d-files-%d-parts-coding-%d", format, rows, files[0].name, len(files), of, coding), func(t *testing.T) {
							var want []string
							for _, p := range all.parts {
								for i := range p.X.Rows() {
									want = append(want, fmt.Sprintf("part %d: %s", p.Index, printRow(p, i)))
								}
							}
							got := streamPasses(t, files, o, of, 5, coding)
							for k, rows := range got {
								if d := cmpdiff.Diff(anyOrder(want), anyOrder(rows)); d != "" {
									t.Errorf("pass %d: rows are others than those of a loaded job (-want +got):\n%s", k, d)
								}
							}
						})
					}
				}
			}
		}
	}
}

// streamPasses returns the rows of three passes.
func streamPasses(t *testing.T, files []file, o Options, of, count int, coding Coding) (passes [3][]string) {
	t.Helper()
	s, err := openStreams(t, func() []*source { return sourcesOf(files) }, o, of)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range s.parts {
		if err := p.Stream.Start(count, coding); err != nil {
			t.Fatal(err)
		}
		var first [][]string
		for k := range passes {
			rows := pass(t, p.Stream, count)
			if k == 0 {
				first = rows
			} else if strings.Contains("svm csv", files[0].name[2:]) && len(files) == 1 {
				if d := cmpdiff.Diff(first, rows); d != "" {
					t.Errorf("part %d: slices of pass %d are others than those of the first:\n%s", p.Index, k, d)
				}
			}
			for _, row := range slices.Concat(rows...) {
				passes[k] = append(passes[k], fmt.Sprintf("part %d: %s", p.Index, row))
			}
		}
		p.Stream.Close()
	}
	return passes
}

// Slices are about equally long where rows are, compressed or not.
func TestStreamSlices(t *testing.T) {
	var text strings.Builder
	for i := range 60000 {
		fmt.Fprintf(&text, "%d 1:%d 2:0.%d\n", i%2, i%1000+1, i*7919%100003)
	}
	for _, f := range []file{{"a.svm", []byte(text.String())}, {"a.svm.gz", gzipped(t, text.String())}, {"a.svm.zst", zstded(t, text.String())}} {
		for _, of := range []int{1, 2} {
			o := Defaults()
			o.Features = 2
			s, err := openStreams(t, func() []*source { return sourcesOf([]file{f}) }, o, of)
			if err != nil {
				t.Fatal(err)
			}
			if n := float64(s.info.Rows); n < 54000 || n > 66000 {
				t.Errorf("%s: got an estimate of %v rows, want about 60000", f.name, n)
			}
			const slices = 10
			for _, p := range s.parts {
				if err := p.Stream.Start(slices, Global); err != nil {
					t.Fatal(err)
				}
				for k := range 2 {
					for i, rows := range pass(t, p.Stream, slices) {
						want := 60000 / slices / of
						if n := len(rows); n < want*3/4 || n > want*5/4 {
							t.Errorf("%s, part %d of %d, pass %d: slice %d has %d rows, want about %d", f.name, p.Index, of, k, i, n, want)
						}
					}
				}
			}
		}
	}
}

// What cannot be streamed is refused before anything is.
func TestStreamRefused(t *testing.T) {
	const svm, csv = "1 1:1\n-1 2:1\n", "y,k\n1,a\n0,b\n"
	hash := Options{Format: auto, Header: auto, Base: -1, Hash: 4}
	unknown := Defaults()
	words := Defaults()
	words.Categorical = []string{"k"}
	exact := hash
	exact.Float64 = true
	for _, c := range []struct {
		name, text string
		o          Options
		want       string
	}{
		{"a.svm", svm, unknown, "data.hash = 20"},
		{"a.csv", csv, words, "data.hash = 20"},
		{"a.svm", svm, exact, "data.float64"},
		{"a.mtx", "%%MatrixMarket matrix coordinate real general\n1 1 1\n1 1 1\n", unknown, "cannot be streamed"},
		{"a.mtx", "%%MatrixMarket matrix coordinate real general\n1 1 1\n1 1 1\n", hash, "data.hash is for LIBSVM and CSV"},
		{"a.svm", "1 1:1\n-1 2:x\n", hash, "a.svm:2:6: value"},
	} {
		_, err := openStreams(t, func() []*source { return sourcesOf([]file{{c.name, []byte(c.text)}}) }, c.o, 2)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %q: got error %v, want one with %q", c.name, c.text, err, c.want)
		}
	}
	s, err := openStreams(t, func() []*source { return sourcesOf([]file{{"a.svm", []byte(svm)}}) }, Options{Base: -1, Hash: 40}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if n := s.parts[0].Stream.Next().Rows(); n != 0 || s.parts[0].Stream.Err() == nil {
		t.Errorf("before Start: got %d rows and error %v, want none and one", n, s.parts[0].Stream.Err())
	}
	if err := s.parts[0].Stream.Start(0, Local); err == nil || !strings.Contains(err.Error(), "at least 1") {
		t.Errorf("0 slices: got error %v", err)
	}
	if err := s.parts[0].Stream.Start(1, Global); err == nil || !strings.Contains(err.Error(), "2^32") {
		t.Errorf("2^40 features: got error %v", err)
	}
	if err := s.parts[0].Stream.Start(1, Local); err != nil {
		t.Error(err)
	}
	if err := s.parts[0].Stream.Start(1, Local); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("started twice: got error %v", err)
	}
}

// An error in mid-pass names the line, stays, and ends the rows.
func TestStreamErrors(t *testing.T) {
	filler := func(n int) string {
		return strings.Repeat("1 1:1 2:0.5 # a comment that is long enough to take some room\n-1 2:1\n", n)
	}
	const before = 7600 // rows, of 40000: no sample of two parts has it
	for _, c := range []struct{ bad, want string }{
		{"1 1:1 2:q", "9: value \"q\" is not a number"},
		{"1 2:1 1:1", "7: index 1 is not larger"},
		{"2 1:1", "1: label \"2\" does not occur in the sample of the training data (-1, 1): if it is right, set data.positive"},
		{"1 1:1e300", "1: value 1e+300 of feature 1 is beyond float32"},
	} {
		text := filler(before/2) + c.bad + "\n" + filler((40000-before)/2)
		for _, f := range []file{{"a.svm", []byte(text)}, {"a.svm.gz", gzipped(t, text)}} {
			s, err := openStreams(t, func() []*source { return sourcesOf([]file{f}) }, Options{Base: -1, Hash: 8}, 2)
			if err != nil {
				t.Fatal(err)
			}
			var errs []string
			for _, p := range s.parts {
				if err := p.Stream.Start(4, Global); err != nil {
					t.Fatal(err)
				}
				for range 4 {
					if b := p.Stream.Next(); p.Stream.Err() != nil && b.Rows() > 0 {
						t.Errorf("%q: rows behind the error", c.bad)
					}
				}
				if err := p.Stream.Err(); err != nil {
					errs = append(errs, err.Error())
				}
				if n := p.Stream.Next().Rows(); p.Stream.Err() != nil && n > 0 {
					t.Errorf("%q: %d rows behind the error", c.bad, n)
				}
			}
			want := fmt.Sprintf("dataset: %s:%d:%s", f.name, before+1, c.want)
			if len(errs) != 1 || !strings.HasPrefix(errs[0], want) {
				t.Errorf("%s with %q: got errors %q, want one %s", f.name, c.bad, errs, want)
			}
		}
	}
}

// A file that becomes another under a stream is noticed.
func TestStreamChanged(t *testing.T) {
	text := strings.Repeat("1 1:1\n-1 2:1\n", 100000)
	for _, c := range []struct {
		name   string
		change func(path string) error
		want   string
	}{
		{"shorter", func(path string) error { return os.Truncate(path, 300000) }, "became shorter"},
		{"gone", os.Remove, "no such file"},
		{"another", func(path string) error {
			return os.WriteFile(path, []byte(strings.Replace(text, "1:1", "1:2", 1)), 0o600)
		}, "changed while it was read"},
	} {
		path := filepath.Join(t.TempDir(), "a.svm")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := openStreams(t, func() []*source {
			src, err := findSource(path)
			if err != nil {
				t.Fatal(err)
			}
			return []*source{src}
		}, Options{Base: -1, Hash: 8}, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.parts[0].Stream.Start(50, Global); err != nil {
			t.Fatal(err)
		}
		s.parts[0].Stream.Next()
		if err := c.change(path); err != nil {
			t.Fatal(err)
		}
		for range 49 { // to the end of the pass
			s.parts[0].Stream.Next()
		}
		if err := s.parts[0].Stream.Err(); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got error %v, want one with %q", c.name, err, c.want)
		}
	}
}

// Sorted data shows all of its classes in the sample; a compressed file, whose
// beginning is read, may not, and its first strange label is an error.
func TestSampleOfSorted(t *testing.T) {
	text := strings.Repeat("-1 1:1 # negative\n", 50000) + strings.Repeat("1 2:1 # positive\n", 20000)
	s, err := openStreams(t, func() []*source { return sourcesOf([]file{{"a.svm", []byte(text)}}) }, Options{Base: -1, Hash: 4}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(s.info.Classes), "[-1 1]"; got != want || !s.info.Sampled || s.info.Features != 16 {
		t.Errorf("got classes %s, sampled %v, %d features, want %s, true, 16", got, s.info.Sampled, s.info.Features, want)
	}
	if n := s.info.Rows; n < 60000 || n > 80000 {
		t.Errorf("got an estimate of %d rows, want about 70000", n)
	}
	for _, positive := range []string{"", "1"} {
		s, err := openStreams(t, func() []*source { return sourcesOf([]file{{"a.svm.gz", gzipped(t, text)}}) }, Options{Base: -1, Hash: 4, Positive: positive}, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.parts[0].Stream.Start(1, Global); err != nil {
			t.Fatal(err)
		}
		n := s.parts[0].Stream.Next().Rows()
		if err := s.parts[0].Stream.Err(); positive == "1" && (err != nil || n != 70000) || positive == "" && (err == nil || !strings.Contains(err.Error(), "a.svm.gz:50001:1")) {
			t.Errorf("positive %q: got %d rows and error %v", positive, n, err)
		}
	}
}

// Next allocates nothing once its batches have their sizes, and Close leaves no
// goroutine behind, wherever the stream is: the bubble would not end.
func TestStreamMemory(t *testing.T) { synctest.Test(t, streamMemory) }

func streamMemory(t *testing.T) {
	text := []byte(strings.Repeat("1 1:1 20:0.5 77:2.5\n-1 2:1 33:1\n", 50000))
	for _, coding := range []Coding{Global, Local} {
		s, err := openStreams(t, func() []*source { return sourcesOf([]file{{"a.svm", text}}) }, Options{Base: -1, Hash: 6}, 1)
		if err != nil {
			t.Fatal(err)
		}
		stream := s.parts[0].Stream
		const slices = 20
		if err := stream.Start(slices, coding); err != nil {
			t.Fatal(err)
		}
		pass(t, stream, slices)
		allocs := testing.AllocsPerRun(5, func() {
			for range slices {
				stream.Next()
			}
		})
		if rows := 100000.0; allocs > 50 { // opening a file takes some
			t.Errorf("got %.0f allocations for %.0f rows, want at most 50", allocs, rows)
		}
		stream.Close()
		stream.Close()
		for range 2*batchesAhead + 2 {
			stream.Next()
		}
		if stream.Next().Rows() != 0 || stream.Err() != nil {
			t.Errorf("behind Close: got rows, or error %v", stream.Err())
		}
	}
}

// Local columns of large ids, which do not stand in a word with their places.
func TestCoder(t *testing.T) {
	const seed = 3
	rng := rand.New(rand.NewPCG(seed, 2))
	c := &coder{}
	for _, size := range []int{0, 1, 12, 20, 33, 50, 62} {
		for _, n := range []int{0, 1, 2, 500, 20000} {
			b := &Batch{coding: Local}
			for range n {
				b.ids = append(b.ids, rng.Uint64N(1<<size))
			}
			c.code(b)
			if !slices.IsSorted(b.Keys) || len(slices.Compact(slices.Clone(b.Keys))) != len(b.Keys) {
				t.Fatalf("seed %d: %d ids of %d bits: keys are not sorted, or twice", seed, n, size)
			}
			for k, id := range b.ids {
				if b.Keys[b.Cols[k]] != id {
					t.Fatalf("seed %d: %d ids of %d bits: id %d is %d", seed, n, size, id, b.Keys[b.Cols[k]])
				}
			}
		}
	}
}
