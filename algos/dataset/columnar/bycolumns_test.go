package columnar

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// cutByColumns makes a table of one part one of so many parts by columns.
func (t *table) cutByColumns(parts int) *table {
	c := &table{header: Header{Columns: t.header.Columns, Base: 1, Parts: make([]Facts, parts), ByColumns: true}, labels: t.labels[:1]}
	column, at := uint64(0), uint32(0)
	for p := range parts {
		first, end := c.header.Range(p)
		counts, n := t.counts[0][first:end], uint32(0)
		for _, count := range counts {
			n += count
		}
		c.counts, c.rows, c.values = append(c.counts, counts), append(c.rows, t.rows[0][at:at+n]), append(c.values, t.values[0][at:at+n])
		c.header.Parts[p] = Facts{Rows: t.header.Parts[0].Rows, Values: uint64(n)}
		column, at = end, at+n
	}
	if column != t.header.Columns {
		panic(fmt.Sprint("parts end at column ", column))
	}
	return c
}

// imageByColumns writes parts by columns in an order of parts.
func (t *table) imageByColumns(tb testing.TB, order []int) []byte {
	tb.Helper()
	var m memory
	w, err := NewWriter(&m, t.header)
	if err != nil {
		tb.Fatal(err)
	}
	if err := w.Labels(0, t.labels[0]); err != nil {
		tb.Fatal(err)
	}
	for _, p := range order {
		if err := w.Columns(p, t.counts[p], t.rows[p], t.values[p]); err != nil {
			tb.Fatal(err)
		}
	}
	if _, err := w.Finish(); err != nil {
		tb.Fatal(err)
	}
	return m.b
}

// TestByColumns: parts by columns together are the table, each with all labels and with
// what is said of whole rows.
func TestByColumns(t *testing.T) {
	for _, columns := range []int{0, 1, 2, 50, 3001} {
		for _, rows := range []int{0, 30, 1<<16 + 1} {
			whole := random(9, columns, 0.02, rows)
			facts := whole.facts(0)
			for _, parts := range []int{1, 2, 7} {
				name := fmt.Sprintf("%d columns of %d rows in %d parts", columns, rows, parts)
				cut := whole.cutByColumns(parts)
				order := []int{0, 1, 2, 3, 4, 5, 6}[:parts]
				b := cut.imageByColumns(t, order)
				backwards := slices.Clone(order)
				if slices.Reverse(backwards); !bytes.Equal(b, cut.imageByColumns(t, backwards)) {
					t.Errorf("%s: other bytes in another order of parts", name)
				}
				f, err := read("x", bytes.NewReader(b), int64(len(b)))
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if !f.ByColumns || f.Rows() != uint64(rows) || f.Values() != facts.Values {
					t.Errorf("%s: got %d rows, %d values, by columns: %v", name, f.Rows(), f.Values(), f.ByColumns)
				}
				for p := range parts {
					if got := f.Parts[p]; got.Rows != facts.Rows || got.EmptyRows != facts.EmptyRows || got.RowMin != facts.RowMin || got.RowMax != facts.RowMax {
						t.Errorf("%s: part %d says %+v of rows, want %+v", name, p, got, facts)
					}
				}
			}
		}
	}
	path := filepath.Join(t.TempDir(), "x.petuum")
	whole := random(9, 40, 0.1, 30)
	cut := whole.cutByColumns(3)
	writeFile(t, path, cut.imageByColumns(t, []int{0, 1, 2}))
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	var counts, rows []uint32
	var values []float32
	for p := range 3 {
		y, err := f.Labels(p)
		if err != nil || !slices.Equal(y, whole.labels[0]) {
			t.Errorf("part %d: got labels %v, %v, want %v", p, y, err, whole.labels[0])
		}
		part, err := f.Map(p)
		if err != nil {
			t.Fatal(err)
		}
		for j := range len(part.Begins) - 1 {
			counts = append(counts, uint32(part.Begins[j+1]-part.Begins[j]))
		}
		for _, r := range part.Rows16 {
			rows = append(rows, uint32(r))
		}
		values = append(values, part.Values...)
		if err := part.Free(); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(counts, whole.counts[0]) || !slices.Equal(rows, whole.rows[0]) || !slices.Equal(values, whole.values[0]) {
		t.Error("the columns of the parts are not those of the table")
	}
}

func writeFile(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
