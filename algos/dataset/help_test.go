package dataset

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	cmpdiff "github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// loaded is a whole input as a job sees it.
type loaded struct {
	info  Info
	parts []*Part
}

// load reads a file held in memory in of parts, each in a process of its own.
func load(name string, data []byte, o Options, of int) (loaded, error) {
	return loadFiles([]file{{name, data}}, o, of)
}

// file is a file held in memory.
type file struct {
	name string
	data []byte
}

func sourcesOf(files []file) (sources []*source) {
	for _, f := range files {
		sources = append(sources, newSource(f.name, bytes.NewReader(f.data), int64(len(f.data))))
	}
	return sources
}

// loadFiles reads files held in memory in of parts, each in a process of its own.
func loadFiles(files []file, o Options, of int) (loaded, error) {
	o, err := o.resolved()
	if err != nil {
		return loaded{}, err
	}
	var (
		all  loaded
		each []*Scanned
	)
	for p := range of {
		s, err := scan(sourcesOf(files), o, []int{p}, of)
		if err != nil {
			return loaded{}, err
		}
		if all.info, err = all.info.Merge(s.Info(p)); err != nil {
			return loaded{}, err
		}
		each = append(each, s)
	}
	for _, s := range each {
		parts, err := s.Parts(all.info)
		if err != nil {
			return loaded{}, err
		}
		all.parts = append(all.parts, parts...)
	}
	return all, nil
}

func mustLoad(t testing.TB, name, text string, o Options, of int) loaded {
	t.Helper()
	got, err := load(name, []byte(text), o, of)
	if err != nil {
		t.Fatalf("%s in %d parts: %v", name, of, err)
	}
	checkWeights(t, got)
	o.chunk = 1 + int64(len(text)%17)
	again, err := load(name, []byte(text), o, of)
	if err != nil {
		t.Fatalf("%s in %d parts, %d bytes at a time: %v", name, of, o.chunk, err)
	}
	if d := cmpdiff.Diff(got.info, again.info); d != "" {
		t.Fatalf("%s in %d parts, %d bytes at a time: the info is another:\n%s", name, of, o.chunk, d)
	}
	if d := cmpdiff.Diff(got.rows(), again.rows()); d != "" {
		t.Fatalf("%s in %d parts, %d bytes at a time: rows are others:\n%s", name, of, o.chunk, d)
	}
	return got
}

// rows prints the samples in the order of the file: label/class*weight id:value ..., where
// a weight of 1 is left out.
func (l loaded) rows() []string {
	type block struct {
		Block
		part, from int
	}
	var blocks []block
	for p, part := range l.parts {
		if part.Blocks == nil {
			blocks = append(blocks, block{Block{0, int32(p), int32(part.X.Rows())}, p, 0})
		}
		from := 0
		for _, b := range part.Blocks {
			blocks = append(blocks, block{b, p, from})
			from += int(b.Rows)
		}
	}
	slices.SortFunc(blocks, func(a, b block) int { return cmp.Or(int(a.File-b.File), int(a.Number-b.Number)) })
	var out []string
	for _, b := range blocks {
		for i := range int(b.Rows) {
			out = append(out, printRow(l.parts[b.part], b.from+i))
		}
	}
	return out
}

// cell is a value of a row.
type cell struct {
	col int
	val float64
}

func (c cell) String() string { return fmt.Sprintf("%d:%v", c.col, c.val) }

func rowOf(m *Matrix, i int) (row []cell) {
	for j, v := range m.Row(i) {
		row = append(row, cell{j, v})
	}
	return row
}

func printRow(p *Part, i int) string {
	var s strings.Builder
	if p.Labels == nil {
		s.WriteString("?")
	} else {
		fmt.Fprint(&s, p.Labels[i])
	}
	if p.Class != nil {
		fmt.Fprintf(&s, "/%d", p.Class[i])
	}
	if p.Weight != nil && p.Weight[i] != 1 {
		fmt.Fprintf(&s, "*%v", p.Weight[i])
	}
	for j, v := range p.X.Row(i) {
		fmt.Fprintf(&s, " %d:%v", p.Keys[j], v)
	}
	return s.String()
}

// checkParts checks what must hold of any parts.
func checkParts(t testing.TB, l loaded) {
	t.Helper()
	rows, nonzeros := uint64(0), uint64(0)
	for _, p := range l.parts {
		n := p.X.Rows()
		if p.FirstRow != rows && l.info.PartRows != nil {
			t.Fatalf("part %d begins with row %d, want %d", p.Index, p.FirstRow, rows)
		}
		rows += uint64(n)
		nonzeros += uint64(p.X.NNZ())
		if len(p.Labels) != n && !l.info.Unlabelled || p.Class != nil && len(p.Class) != n || p.X.Cols() != len(p.Keys) {
			t.Fatalf("part %d: %d rows, %d labels, %d classes, %d columns, %d keys",
				p.Index, n, len(p.Labels), len(p.Class), p.X.Cols(), len(p.Keys))
		}
		for k, key := range p.Keys {
			if key >= l.info.Features || k > 0 && p.Keys[k-1] >= key {
				t.Fatalf("part %d: key %d at %d: not ascending or beyond %d features", p.Index, key, k, l.info.Features)
			}
		}
		used := make([]bool, len(p.Keys))
		allOnes := true
		for i := range n {
			last := -1
			for j, v := range p.X.Row(i) {
				used[j] = true
				if last >= j {
					t.Fatalf("part %d row %d: columns not ascending", p.Index, i)
				}
				last = j
				if v == 0 || !isFinite(v) {
					t.Fatalf("part %d row %d: value %v is stored", p.Index, i, v)
				}
				allOnes = allOnes && v == 1
			}
		}
		for k, u := range used {
			if !u {
				t.Fatalf("part %d: key %d does not occur", p.Index, p.Keys[k])
			}
		}
		if allOnes && p.X.value != ones {
			t.Fatalf("part %d: values kept though all are 1", p.Index)
		}
	}
	if l.info.PartRows != nil && len(l.info.PartRows) != len(l.parts) {
		t.Fatalf("rows of %d parts, want %d", len(l.info.PartRows), len(l.parts))
	}
	if rows != l.info.Rows || nonzeros != l.info.NonZeros {
		t.Fatalf("parts have %d rows and %d values, info %d and %d", rows, nonzeros, l.info.Rows, l.info.NonZeros)
	}
}

func gzipped(t testing.TB, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	return closeAfter(t, &out, gzip.NewWriter(&out), text)
}

func zstded(t testing.TB, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	z, err := zstd.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	return closeAfter(t, &out, z, text)
}

func closeAfter(t testing.TB, out *bytes.Buffer, w io.WriteCloser, text string) []byte {
	t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
