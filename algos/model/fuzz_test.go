package model

import (
	"bytes"
	"path/filepath"
	"slices"
	"testing"

	"petuum/table"
)

// seeds are whole files of some tables.
func seeds(f *testing.F, name func(rowsOf) string) {
	for i, tab := range []rowsOf{
		small(true),
		{spec: table.Spec{Name: "none", Keys: 9, Width: 3}},
		{spec: table.Spec{Name: "far", Keys: 1 << 63, Type: table.Float64}, rows: map[uint64][]float64{0: {1}, 1 << 40: {2}, 1<<63 - 1: {3}}},
		{spec: table.Spec{Name: "wide", Keys: 9, Width: 1 << 15}, rows: map[uint64][]float64{1: make([]float64, 1<<15), 2: make([]float64, 1<<15)}},
	} {
		dir := filepath.Join(f.TempDir(), string(rune('a'+i)))
		save(f, dir, example(), tab)
		f.Add(contents(f, filepath.Join(dir, name(tab))))
	}
}

// FuzzIndex reads anything as the file of a table: what is accepted has blocks
// in order, within the file, with as many rows as counted.
func FuzzIndex(f *testing.F) {
	seeds(f, func(tab rowsOf) string { return tab.spec.Name + ".bin" })
	f.Fuzz(func(t *testing.T, file []byte) {
		l, x, err := readIndex(bytes.NewReader(file))
		if err != nil {
			return
		}
		if len(x.at) != len(x.first)+1 || x.at[len(x.first)]+headBytes+crcBytes != int64(len(file)) {
			t.Fatalf("%d blocks at %v in %d bytes", len(x.first), x.at, len(file))
		}
		rows := uint64(0)
		for k := range x.first {
			var b block
			if err := l.parse(file[x.at[k]:x.at[k+1]], &b); err != nil {
				t.Fatal(err)
			}
			if b.first != x.first[k] || b.last() >= x.next(k) {
				t.Fatalf("block %d: keys %d to %d, the next begins with %d", k, b.first, b.last(), x.next(k))
			}
			rows += uint64(b.rows)
		}
		if rows != x.rows {
			t.Fatalf("%d rows, %d counted", rows, x.rows)
		}
	})
}

// FuzzBlock reads anything as a block whose checksum is right: what is accepted
// has ascending keys within the key space and a row of values for each.
func FuzzBlock(f *testing.F) {
	f.Add(uint64(100), uint32(1), byte(0), append(appendHead(nil, 1, 0, 5), 1, 2, 3, 4))
	f.Add(uint64(100), uint32(1), byte(2), append(appendHead(nil, 2, 1, 7), 91, 1, 2, 3, 4, 5, 6, 7, 8))
	f.Add(^uint64(0), uint32(2), byte(1), append(appendHead(nil, 1, 0, 1<<64-2), make([]byte, 16)...))
	f.Add(uint64(1), uint32(1), byte(1), appendHead(nil, 0, 0, 3))
	f.Fuzz(func(t *testing.T, keys uint64, width uint32, typ byte, content []byte) {
		l := layout{keys, 1 + int(width%table.MaxWidth), table.Type(typ % 3)}
		b := block{keys: []uint64{1, 2, 3}} // of a block before
		if l.parse(appendCRC(slices.Clone(content)), &b) != nil || b.rows == 0 {
			return
		}
		if b.rows > l.maxRows() || len(b.values) != b.rows*l.rowBytes() || b.last() >= keys {
			t.Fatalf("%d rows, %d bytes of values, last key %d of %d", b.rows, len(b.values), b.last(), keys)
		}
		if n := len(b.keys); n != 0 && n != b.rows || n > 0 && b.keys[0] != b.first {
			t.Fatalf("%d keys for %d rows", n, b.rows)
		}
		for i := 1; i < len(b.keys); i++ {
			if b.keys[i] <= b.keys[i-1] {
				t.Fatalf("key %d after %d", b.keys[i], b.keys[i-1])
			}
		}
		if row, found := b.find(b.last(), 0); !found || row != b.rows-1 {
			t.Fatalf("last key %d: got row %d, %v", b.last(), row, found)
		}
	})
}

// FuzzManifest reads anything as a manifest: what is accepted can be written
// again and is the same then.
func FuzzManifest(f *testing.F) {
	seeds(f, func(rowsOf) string { return manifestName })
	f.Fuzz(func(t *testing.T, file []byte) {
		m, err := decode(file)
		if err != nil {
			return
		}
		b, err := m.encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := decode(b)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := again.encode(); err != nil || !bytes.Equal(b, c) {
			t.Fatalf("got %s, %v, want %s", c, err, b)
		}
	})
}
