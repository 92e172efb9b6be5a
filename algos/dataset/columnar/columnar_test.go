package columnar

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is a file in memory.
type memory struct{ b []byte }

func (m *memory) WriteAt(p []byte, at int64) (int, error) {
	if n := int(at) + len(p); n > len(m.b) {
		m.b = append(m.b, make([]byte, n-len(m.b))...)
	}
	return copy(m.b[at:], p), nil
}

// table is the content of a file.
type table struct {
	header Header
	labels [][]float64
	counts [][]uint32
	rows   [][]uint32
	values [][]float32
}

// random is a table of parts with so many rows, in which a row has a value in a column with
// probability share.
func random(seed uint64, columns int, share float64, rows ...int) *table {
	r := rand.New(rand.NewPCG(seed, 1))
	t := &table{header: Header{Columns: uint64(columns), Base: 1, Parts: make([]Facts, len(rows))}}
	for p, n := range rows {
		var labels []float64
		var counts, places []uint32
		var values []float32
		for range n {
			labels = append(labels, r.NormFloat64())
		}
		for range columns {
			count := uint32(0)
			for i := 0; i < n; i++ {
				if i += int(r.ExpFloat64() / share); i < n {
					places, values = append(places, uint32(i)), append(values, float32(r.NormFloat64()))
					count++
				}
			}
			counts = append(counts, count)
		}
		t.labels, t.counts, t.rows, t.values = append(t.labels, labels), append(t.counts, counts), append(t.rows, places), append(t.values, values)
		t.header.Parts[p] = Facts{Rows: uint64(n), Values: uint64(len(values))}
	}
	return t
}

// write writes all parts, step columns at a time.
func (t *table) write(f io.WriterAt, step int) error {
	w, err := NewWriter(f, t.header)
	if err != nil {
		return err
	}
	for p := range t.header.Parts {
		if err := w.Labels(p, t.labels[p]); err != nil {
			return err
		}
		rows, values := t.rows[p], t.values[p]
		for j := 0; j < len(t.counts[p]); j += step {
			counts := t.counts[p][j:min(j+step, len(t.counts[p]))]
			n := uint32(0)
			for _, c := range counts {
				n += c
			}
			if err := w.Columns(p, counts, rows[:n], values[:n]); err != nil {
				return err
			}
			rows, values = rows[n:], values[n:]
		}
	}
	_, err = w.Finish()
	return err
}

func (t *table) image(tb testing.TB, step int) []byte {
	tb.Helper()
	var m memory
	if err := t.write(&m, step); err != nil {
		tb.Fatal(err)
	}
	return m.b
}

// all reads everything that a file of these bytes has.
func all(t testing.TB, path string, b []byte) (*table, error) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	got := &table{header: f.Header}
	for p, facts := range f.Parts {
		y, err := f.Labels(p)
		if err != nil {
			return nil, err
		}
		part, err := f.Map(p)
		if err != nil {
			return nil, err
		}
		if part.Rows != int(facts.Rows) || len(part.Begins) != int(f.Columns)+1 {
			t.Fatalf("part %d: got %d rows and %d begins", p, part.Rows, len(part.Begins))
		}
		var counts, rows []uint32
		for j := range f.Columns {
			counts = append(counts, uint32(part.Begins[j+1]-part.Begins[j]))
		}
		for _, r := range part.Rows16 {
			rows = append(rows, uint32(r))
		}
		rows = append(rows, part.Rows32...)
		got.labels, got.counts, got.rows = append(got.labels, y), append(got.counts, counts), append(got.rows, rows)
		got.values = append(got.values, append([]float32(nil), part.Values...))
		if err := part.Free(); err != nil {
			t.Fatal(err)
		}
	}
	return got, nil
}

// facts counts what a part of the header says, the slow way.
func (t *table) facts(p int) Facts {
	f := t.header.Parts[p]
	perRow := make([]uint64, f.Rows)
	for k, r := range t.rows[p] {
		perRow[r]++
		v := float64(t.values[p][k])
		if k == 0 {
			f.ValueMin, f.ValueMax = v, v
		}
		f.ValueMin, f.ValueMax = min(f.ValueMin, v), max(f.ValueMax, v)
	}
	for i, n := range perRow {
		if n == 0 {
			f.EmptyRows++
		}
		if i == 0 {
			f.RowMin = n
		}
		f.RowMin, f.RowMax = min(f.RowMin, n), max(f.RowMax, n)
	}
	return f
}

// TestRoundTrip: what is read is what was written, whatever came at a time.
func TestRoundTrip(t *testing.T) {
	for _, c := range []struct {
		name    string
		columns int
		share   float64
		rows    []int
	}{
		{"one part", 50, 0.2, []int{30}},
		{"three parts", 1000, 0.1, []int{30, 1, 29}},
		{"parts without rows", 10, 0.5, []int{0, 5, 0}},
		{"no columns", 0, 1, []int{3, 4}},
		{"no values", 20, 1e-9, []int{3, 4}},
		{"several blocks", 40_000, 0.2, []int{40, 30}},
		{"the most narrow rows", 3, 0.1, []int{1 << 16}},
		{"wide rows", 5, 0.5, []int{1<<16 + 1, 200_000}},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := random(7, c.columns, c.share, c.rows...)
			b := want.image(t, 100)
			if !bytes.Equal(b, want.image(t, 7)) {
				t.Errorf("7 columns at a time make other bytes than 100")
			}
			got, err := all(t, filepath.Join(t.TempDir(), "x.petuum"), b)
			if err != nil {
				t.Fatal(err)
			}
			for p := range c.rows {
				want.header.Parts[p] = want.facts(p)
				if len(got.labels[p]) == 0 {
					got.labels[p] = nil
				}
			}
			if !reflect.DeepEqual(want, got) {
				t.Errorf("(-want +got):\n%.2000s", cmp.Diff(want, got, cmp.AllowUnexported(table{})))
			}
		})
	}
}

// wantError says that bytes are refused as a file that is not as it was written.
func wantError(t *testing.T, path string, b []byte, why, want string) {
	t.Helper()
	_, err := all(t, path, b)
	var bad *Error
	if !errors.As(err, &bad) || bad.Path != path || !strings.Contains(bad.What, want) {
		t.Errorf("%s: got %v, want an *Error that says %q", why, err, want)
	}
}

// TestDamage: no changed bit and no other length goes unnoticed, but for the zeros that
// stand between sections.
func TestDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.petuum")
	table := random(3, 12, 0.4, 9, 8)
	b := table.image(t, 100)
	l, _ := layoutOf(&table.header)
	counts := make([]bool, len(b))
	mark := func(from, size int64) {
		for i := from; i < from+size; i++ {
			counts[i] = true
		}
	}
	mark(0, headerSize+l.index)
	for _, part := range l.parts {
		for _, s := range part {
			mark(s.at, s.size)
		}
	}
	for i := range b {
		if !counts[i] {
			continue
		}
		for _, bit := range []byte{1, 128} {
			b[i] ^= bit
			wantError(t, path, b, "a flipped bit", "")
			b[i] ^= bit
		}
	}
	for n := 0; n < len(b); n += 1 + len(b)/300 {
		wantError(t, path, b[:n], "cut", "it ends at byte")
	}
	wantError(t, path, b[:len(b)-1], "a byte less", "it ends at byte")
	wantError(t, path, append(bytes.Clone(b), 0), "a byte more", "1 bytes follow its end")
	if _, err := all(t, path, b); err != nil {
		t.Errorf("unchanged: %v", err)
	}
}

// seal makes the checksums of header, index and blocks right.
func seal(b []byte) []byte {
	var h head
	if len(b) < headerSize {
		return b
	}
	sum := func() { binary.LittleEndian.PutUint32(b[60:], crc32.Checksum(b[:60], castagnoli)) }
	sum()
	if h.parse(b) != "" || headerSize+partSize*int64(h.parts) > int64(len(b)) {
		return b
	}
	_, l, wrong := h.parseParts(b[headerSize:][:partSize*int64(h.parts)])
	if wrong != "" || l.size > int64(len(b)) {
		return b
	}
	sums := b[headerSize+partSize*int64(h.parts):]
	for _, part := range l.parts {
		for _, s := range part {
			for k := int64(0); k*blockSize < s.size; k++ {
				block := b[s.at+k*blockSize : min(s.at+(k+1)*blockSize, s.at+s.size)]
				binary.LittleEndian.PutUint32(sums[4*(s.block+k):], crc32.Checksum(block, castagnoli))
			}
		}
	}
	binary.LittleEndian.PutUint32(b[56:], crc32.Checksum(b[headerSize:headerSize+l.index], castagnoli))
	sum()
	return b
}

// TestForged: what would be unsafe to use is refused, although its checksums are right.
func TestForged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.petuum")
	table := random(3, 12, 0.4, 9, 8)
	l, _ := layoutOf(&table.header)
	at := func(p, s int) int64 { return l.parts[p][s].at }
	for _, c := range []struct {
		name   string
		change func(b []byte)
		want   string
	}{
		{"version", func(b []byte) { b[8] = 3 }, "version 3 of the format, this release reads versions 1 and 2"},
		{"the other kind of parts", func(b []byte) { b[8] = 2 }, "want the same in all parts"},
		{"order", func(b []byte) { b[10], b[11] = b[11], b[10] }, "another order of bytes"},
		{"magic", func(b []byte) { b[0] = 'x' }, "does not begin as a binary file"},
		{"no parts", func(b []byte) { b[12] = 0 }, "0 parts"},
		{"many parts", func(b []byte) { b[14] = 255 }, "parts"},
		{"base", func(b []byte) { b[16] = 2 }, "base 2"},
		{"columns", func(b []byte) { b[32]++ }, "contradict themselves"},
		{"size of columns", func(b []byte) { b[33]++ }, "do not make"},
		{"huge columns", func(b []byte) { b[39] = 255 }, "columns: want at most"},
		{"huge rows", func(b []byte) { b[headerSize+7] = 255 }, "rows and"},
		{"size", func(b []byte) { b[48]-- }, "follow its end"},
		{"row beyond the part", func(b []byte) { b[at(1, rowSection)] = 8 }, "name rows that there are not"},
		{"first begin", func(b []byte) { b[at(0, beginSection)] = 1 }, "contradict themselves"},
		{"begin beyond", func(b []byte) { b[at(0, beginSection)+8+7] = 1 }, "contradict themselves"},
		{"negative begin", func(b []byte) { b[at(0, beginSection)+8+7] = 255 }, "contradict themselves"},
	} {
		b := table.image(t, 100)
		c.change(b)
		wantError(t, path, seal(b), c.name, c.want)
	}
}

// TestOther: what is no file at all, or not as large as it was.
func TestOther(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), dir+" is not a regular file") {
		t.Errorf("a folder: got %v", err)
	}
	if _, err := Open(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: got %v", err)
	}
	path := filepath.Join(dir, "x.petuum")
	b := random(3, 12, 0.4, 9, 8).image(t, 100)
	if _, err := all(t, path, b); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, int64(len(b)-1)); err != nil {
		t.Fatal(err)
	}
	var bad *Error
	if _, err := f.Map(1); !errors.As(err, &bad) || !strings.Contains(bad.What, "bytes before") {
		t.Errorf("cut after Open: got %v", err)
	}
	if err := os.Truncate(path, 100); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Labels(1); !errors.As(err, &bad) || !strings.Contains(bad.What, "became shorter") {
		t.Errorf("labels of a file that was cut: got %v", err)
	}
}

// TestWriterRefuses: what does not fit what was announced.
func TestWriterRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(x *table)
		want   string
	}{
		{"a value more", func(x *table) { x.header.Parts[1].Values-- }, "that were announced"},
		{"many values more", func(x *table) { x.header.Parts[1].Values = 1 }, "that were announced"},
		{"a value less", func(x *table) { x.header.Parts[0].Values++ }, "where"},
		{"a column less", func(x *table) { x.header.Columns++ }, "section 1 of part 0"},
		{"a label less", func(x *table) { x.labels[1] = x.labels[1][1:] }, "section 0 of part 1"},
		{"no parts", func(x *table) { x.header.Parts = nil }, "0 parts"},
		{"base", func(x *table) { x.header.Base = -1 }, "base -1"},
	} {
		x := random(3, 40_000, 0.2, 9, 30)
		c.change(x)
		var m memory
		if err := x.write(&m, 100); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		} else if f, err := read("x", bytes.NewReader(m.b), int64(len(m.b))); err == nil {
			t.Errorf("%s: the file is valid: %+v", c.name, f.Header)
		}
	}
}

// FuzzHeader: no bytes make a panic, or take more memory than the file has.
func FuzzHeader(f *testing.F) {
	b := random(3, 12, 0.4, 9, 8).image(f, 100)
	f.Add(b, false)
	f.Add(b[:200], true)
	f.Add(random(1, 0, 1, 0).image(f, 1), true)
	f.Add(random(3, 12, 0.4, 9).cutByColumns(2).imageByColumns(f, []int{0, 1}), true)
	f.Fuzz(func(t *testing.T, b []byte, sealed bool) {
		if sealed {
			b = seal(bytes.Clone(b))
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		file, err := read("x", bytes.NewReader(b), int64(len(b)))
		runtime.ReadMemStats(&after)
		if most := uint64(4*len(b) + 1<<20); after.TotalAlloc-before.TotalAlloc > most {
			t.Fatalf("%d bytes took %d of memory", len(b), after.TotalAlloc-before.TotalAlloc)
		}
		if err == nil && (file.Bytes() != int64(len(b)) || file.Rows() > uint64(len(b)) || file.Values() > uint64(len(b))) {
			t.Fatalf("%d bytes hold %d rows and %d values", len(b), file.Rows(), file.Values())
		}
	})
}
