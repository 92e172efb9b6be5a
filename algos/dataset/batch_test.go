package dataset

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

// onProcessors runs the test with so many processors.
func onProcessors(t *testing.T, n int) {
	t.Helper()
	before := runtime.GOMAXPROCS(n)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
}

// batches is all that a reader says, a line for each batch and row.
func batches(t *testing.T, r *Reader, rows int) (out []string, end error) {
	t.Helper()
	for {
		part, err := r.Next(rows)
		if err != nil {
			return append(out, fmt.Sprintf("%v %v", r.rows, r.top)), err
		}
		if n := part.X.Rows(); n == 0 || n > rows {
			t.Fatalf("got %d rows, want 1 to %d", n, rows)
		}
		out = append(out, fmt.Sprintf("%d rows: %+v", part.X.Rows(), r.Info()))
		for i := range part.X.Rows() {
			out = append(out, printRow(part, i))
		}
	}
}

// bigInputs are inputs of several blocks, and of files that have several each.
func bigInputs(t *testing.T) map[string][]file {
	const seed = 17
	r := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	svm := func(i int) string {
		switch {
		case i%11 == 0:
			return "# not a row\r\n"
		case i%97 == 0:
			return "\n"
		}
		s := fmt.Sprintf("%g", r.NormFloat64())
		for j := range r.IntN(9) {
			s += fmt.Sprintf(" %d:%g", 1+i/2+j*1000, float32(r.NormFloat64()))
		}
		return s + "\n"
	}
	csv := func(i int) string { return fmt.Sprintf("w%d,%c,%d,%g\n", i%2, 'a'+i%21, i%7, r.Float32()) }
	swapped := func(i int) string { return fmt.Sprintf("%d;w%d;%g;%c\n", i%7, i%2, r.Float32(), 'a'+i%26) }
	return map[string][]file{
		"libsvm": {{"a.svm", []byte(manyLines(9000, svm))}},
		"libsvm files": {{"a.svm", []byte("\xef\xbb\xbf" + manyLines(3000, svm))}, {"b.svm.gz", gzipped(t, manyLines(4000, svm))},
			{"c.svm", []byte(strings.TrimRight(manyLines(3000, svm), "\r\n"))}, {"d.svm.zst", zstded(t, manyLines(4000, svm))}},
		"classes": {{"a.svm", []byte(manyLines(40000, func(i int) string { return fmt.Sprintf("%d %d:1\n", i%5, 1+i%3000) }))}},
		"long lines": {{"a.svm", []byte(manyLines(8, func(i int) string {
			return fmt.Sprintf("%d 1:1 %s7:%d\n", i, strings.Repeat(" ", i*80000), i)
		}))}},
		"csv": {{"a.csv", []byte("y,job,b,c\n" + manyLines(20000, csv))}, {"b.csv", []byte("b;y;c;job\n" + manyLines(20000, swapped))},
			{"c.csv.gz", gzipped(t, manyLines(15000, csv))}},
	}
}

// TestReaderProcessors: whatever the number of processors, the same rows come in the same
// batches with the same facts, and they are those of a scan.
func TestReaderProcessors(t *testing.T) {
	for name, files := range bigInputs(t) {
		paths := writeFiles(t, files)
		for _, like := range []bool{true, false} {
			o := Defaults()
			o.Quantity = strings.HasPrefix(name, "libsvm")
			if name == "csv" {
				o = withCategorical("job")
			}
			want := scanFiles(t, paths, o, 1)
			if like {
				o.Like = &want.info
			}
			for _, rows := range []int{700, 5000, 1 << 20} {
				var first []string
				for _, n := range []int{1, 4} {
					onProcessors(t, n)
					r, err := Open(paths, o)
					if err != nil {
						t.Fatal(err)
					}
					got, end := batches(t, r, rows)
					if end != io.EOF || r.Info().Rows != want.info.Rows {
						t.Errorf("%s: got %v behind %d rows, want %v behind %d", name, end, r.Info().Rows, io.EOF, want.info.Rows)
					}
					r.Close()
					if first == nil {
						first = got
					}
					if d := cmp.Diff(first, got); d != "" {
						t.Fatalf("%s, %d rows at a time (-1 processor +%d):\n%.2000s", name, rows, n, d)
					}
				}
				if like && rows == 5000 {
					r, err := Open(paths, o)
					if err != nil {
						t.Fatal(err)
					}
					if d := cmp.Diff(inOrder(t, paths, o), drain(t, r, rows)); d != "" {
						t.Errorf("%s, %d rows at a time (-scan +reader):\n%.2000s", name, rows, d)
					}
					r.Close()
				}
			}
		}
	}
}

// inOrder scans the files one by one: their rows in the order of the input.
func inOrder(t *testing.T, paths []string, o Options) (rows []string) {
	t.Helper()
	first := o
	for k, path := range paths {
		if k > 0 && strings.Contains(path, "c.csv") { // has no header: columns as in the first file
			first.Header = "no"
			first.Label = "#0"
			first.Like = throughJSON(t, *o.Like)
		}
		rows = append(rows, scanFiles(t, []string{path}, first, 1).rows()...)
	}
	return rows
}

// TestReaderBadLine: rows before a malformed line are given, whatever was parsed at the
// same time, and the error is of the first such line.
func TestReaderBadLine(t *testing.T) {
	good := func(i int) string { return fmt.Sprintf("%d %d:1 %d:0.25\n", i%2, 1+i%50, 60+i%7) }
	words := func(i int) string { return fmt.Sprintf("w%d,1\n", i%1024) }
	for _, c := range []struct {
		name, text string
		rows       int // before
		want       string
	}{
		{"first.svm", "1 1:1\n1 x\n", 1, ":2:3: \"x\" is not index:value"},
		{"middle.svm", manyLines(30000, good) + "1 4:1 3:2\n" + manyLines(30000, good), 30000, ":30001:7: index 3 is not larger"},
		{"two.svm", manyLines(20000, good) + "1 1:1 2:y\n" + manyLines(20000, good) + "1 z\n", 20000, ":20001:9: value \"y\" is not a number"},
		{"last.svm", "# one\n" + manyLines(50000, good) + "1 5:1 6:", 50000, ":50002:9: the value after ':' is missing"},
		{"short.csv", "y,a\n" + manyLines(60000, words) + "w1\n", 60000, ":60002:3: row has 1 fields"},
		{"labels.csv", "y,a\n" + manyLines(60000, words) + "other,1\n" + manyLines(60000, words), 60000, ":60002:1: more than 1024 distinct labels"},
	} {
		for _, n := range []int{1, 4} {
			onProcessors(t, n)
			for _, rows := range []int{1 << 20, 999} {
				o := Defaults()
				if c.name == "labels.csv" && rows == 999 {
					continue // the reader forgets the labels of a batch, but for their merged facts
				}
				r, err := OpenStream(c.name, strings.NewReader(c.text), o)
				if err != nil {
					t.Fatal(err)
				}
				got := 0
				for err == nil {
					var part *Part
					if part, err = r.Next(rows); err == nil {
						got += part.X.Rows()
						if part.X.Row(0) == nil || len(part.Labels) != part.X.Rows() {
							t.Errorf("%s: got %d labels of %d rows", c.name, len(part.Labels), part.X.Rows())
						}
					}
				}
				if got != c.rows || !strings.Contains(err.Error(), c.name+c.want) || r.Info().Rows != uint64(c.rows) {
					t.Errorf("%s on %d processors, %d at a time: got %d rows and %v, want %d and %s", c.name, n, rows, got, err, c.rows, c.want)
				}
				if _, again := r.Next(1); again != err {
					t.Errorf("%s: after the error: got %v, want it again", c.name, again)
				}
				r.Close()
			}
		}
	}
}

// TestReaderSlow: who writes as many lines as a batch has, and waits, is answered. The
// bubble would end in a deadlock if more were wanted.
func TestReaderSlow(t *testing.T) {
	line := "1 " + strings.Repeat("1", 10) + ":1\n"
	for _, n := range []int{1, 4} {
		onProcessors(t, n)
		for _, rows := range []int{1, 3, 40_000} {
			synctest.Test(t, func(t *testing.T) {
				ours, theirs := io.Pipe()
				next := make(chan bool)
				go func() {
					for range next {
						io.WriteString(theirs, strings.Repeat("# x\n"+line, rows))
					}
					io.WriteString(theirs, line)
					theirs.Close()
				}()
				next <- true
				r, err := OpenStream("in", ours, Defaults())
				if err != nil {
					t.Fatal(err)
				}
				for range 3 {
					part, err := r.Next(rows)
					if err != nil || part.X.Rows() != rows {
						t.Fatalf("got %v, want %d rows", err, rows)
					}
					next <- true
				}
				close(next)
				got, end := 0, error(nil)
				for end == nil {
					var part *Part
					if part, end = r.Next(rows); end == nil {
						got += part.X.Rows()
					}
				}
				if got != rows+1 || end != io.EOF {
					t.Errorf("got %d rows and %v, want %d and %v", got, end, rows+1, io.EOF)
				}
				r.Close()
			})
		}
	}
}

// TestReaderClose: no goroutine outlives a batch, so none is left by who stops early.
func TestReaderClose(t *testing.T) {
	onProcessors(t, 4)
	text := manyLines(100_000, func(i int) string { return fmt.Sprintf("%d %d:1\n", i%2, 1+i%50) })
	for name, src := range map[string]io.Reader{
		"plain": strings.NewReader(text), "gzip": bytes.NewReader(gzipped(t, text)), "zstd": bytes.NewReader(zstded(t, text)),
		"malformed": strings.NewReader(strings.Replace(text, "1 34:1", "1 34", 1)),
	} {
		r, err := OpenStream("in.svm", src, Defaults())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Next(60_000); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		r.Close()
		if err := goleak.Find(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := r.Next(1); err == nil {
			t.Errorf("%s: Next of a closed reader: got no error", name)
		}
	}
}

// TestReaderSmall: for less than a block nobody else is woken up.
func TestReaderSmall(t *testing.T) {
	onProcessors(t, 4)
	for lines, others := range map[int]bool{1000: false, 100_000: true} {
		r, err := OpenStream("in", strings.NewReader(strings.Repeat("1 1:1\n", lines)), Defaults())
		if err != nil {
			t.Fatal(err)
		}
		b := r.newBatch()
		if end := b.read(1 << 20); end != io.EOF || b.rows != lines {
			t.Errorf("got %d rows and %v, want %d and %v", b.rows, end, lines, io.EOF)
		}
		sealed := false
		for _, s := range b.passages {
			sealed = sealed || s.sealed != nil
		}
		if sealed != others {
			t.Errorf("%d lines: got passages for others: %v, want %v", lines, sealed, others)
		}
		r.Close()
	}
}

// TestBlocks: passages are the lines of the text, whatever comes at a time and however
// many are taken.
func TestBlocks(t *testing.T) {
	const seed = 5
	r := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	for range 60 {
		var text strings.Builder
		for range r.IntN(40) {
			text.WriteString(strings.Repeat("x", int(1<<r.IntN(18))-1) + "\n")
		}
		text.WriteString(strings.Repeat("y", r.IntN(2)*r.IntN(1<<18)))
		want := text.String()
		var blocks blockReader
		blocks.enter(iotest.HalfReader(strings.NewReader(want)))
		var got strings.Builder
		lines := int64(0)
		for {
			most := 1 + r.IntN(9)
			s, err := blocks.take(most)
			if err != nil {
				if err != io.EOF {
					t.Fatal(err)
				}
				break
			}
			if s.off != int64(got.Len()) || s.before != lines || s.lines < 1 || s.lines > most || len(s.text) != s.n+padding {
				t.Fatalf("got %d lines at %d behind %d lines, want 1 to %d at %d behind %d", s.lines, s.off, s.before, most, got.Len(), lines)
			}
			lines += int64(s.lines)
			got.Write(s.text[:s.n])
			if s.sealed != nil {
				blocks.recycle(s.sealed)
			}
		}
		if got.String() != want {
			t.Errorf("got %d bytes, other than the %d of the text", got.Len(), len(want))
		}
	}
	var blocks blockReader
	blocks.enter(strings.NewReader("1\n" + strings.Repeat(" ", maxLine+1)))
	if s, err := blocks.take(9); err != nil || s.lines != 1 {
		t.Errorf("before a line that is too long: got %v", err)
	}
	if _, err := blocks.take(9); err != errLongLine || blocks.lines != 1 {
		t.Errorf("got %v behind %d lines, want %v", err, blocks.lines, errLongLine)
	}
}

// TestStatProcessors: the same is said on any number of processors.
func TestStatProcessors(t *testing.T) {
	for name, files := range bigInputs(t) {
		paths := writeFiles(t, files)
		o := Defaults()
		o.Quantity = strings.HasPrefix(name, "libsvm")
		onProcessors(t, 1)
		want, err := Stat(paths, o)
		if name == "csv" && err == nil {
			t.Error("a word in a column of numbers: got no error")
		}
		onProcessors(t, 4)
		got, again := Stat(paths, o)
		if fmt.Sprint(err) != fmt.Sprint(again) {
			t.Errorf("%s: got error %v, want %v as on one", name, again, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-1 processor +4):\n%s", name, d)
		}
	}
	ptr, columns, values := []int64{0, 0}, []uint32{}, []float64{}
	for i := range 50_000 {
		for j := range uint32(1 + i%5) {
			columns, values = append(columns, j), append(values, float64(1+i))
		}
		ptr = append(ptr, int64(len(columns)))
	}
	ptr = append(ptr, int64(len(columns))) // like the first row the last one has nothing
	x, s := NewMatrix(5, ptr, columns, values), newStats()
	s.addRows(&x)
	if want := (Stats{EmptyRows: 2, RowMin: 0, RowMax: 5, ValueMin: 1, ValueMax: 50_000}); x.NNZ() < 4*statValues || !cmp.Equal(s, want) {
		t.Errorf("%d values: got %+v, want %+v", x.NNZ(), s, want)
	}
}
