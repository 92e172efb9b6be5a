package cache

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"
)

var (
	someKey  = Key{1, 2, 3}
	otherKey = Key{1, 2, 4}
)

// small is a file of 4 sections, two of which are empty.
func small() (meta []byte, sections [][]byte) {
	return []byte("meta"), [][]byte{[]byte("abc"), {}, bytes.Repeat([]byte{7}, 65), {}}
}

// image is a file as Write makes it.
func image(t testing.TB, key Key, meta []byte, sections [][]byte) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cache")
	if err := Write(path, key, meta, sections); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func smallImage(t testing.TB) []byte {
	meta, sections := small()
	return image(t, someKey, meta, sections)
}

// open opens b as a file.
func open(t testing.TB, path string, b []byte) (*File, error) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return Open(path, someKey)
}

// wantDamaged wants b refused as damaged.
func wantDamaged(t *testing.T, path string, b []byte, what string) {
	t.Helper()
	f, err := open(t, path, b)
	var damaged *DamagedError
	if !errors.As(err, &damaged) || damaged.Path != path {
		t.Errorf("%s: got %v, want a DamagedError of %s", what, err, path)
	}
	if f != nil {
		t.Errorf("%s: got a file with error %v", what, err)
	}
}

// wantContent wants a file of that meta and these sections.
func wantContent(t *testing.T, f *File, meta []byte, sections [][]byte) {
	t.Helper()
	if !bytes.Equal(f.Meta(), meta) {
		t.Errorf("meta: got %.20q, want %.20q", f.Meta(), meta)
	}
	if len(f.Sections()) != len(sections) {
		t.Fatalf("got %d sections, want %d", len(f.Sections()), len(sections))
	}
	for i, s := range f.Sections() {
		if !bytes.Equal(s, sections[i]) {
			t.Errorf("section %d: got %d bytes %.20q, want %d bytes %.20q", i, len(s), s, len(sections[i]), sections[i])
		}
		if cap(s) != len(s) {
			t.Errorf("section %d: got room for %d bytes in %d: appending would change the next", i, len(s), cap(s))
		}
	}
}

// seal makes the checksums of b right where that can be: those of the blocks too if
// the lengths of sections make a file.
func seal(b []byte) {
	if len(b) < headerSize {
		return
	}
	n := int64(binary.LittleEndian.Uint32(b[44:]))
	if n <= int64(len(b)-headerSize)/8 {
		lengths := make([]int64, n)
		for i := range lengths {
			lengths[i] = int64(binary.LittleEndian.Uint64(b[headerSize+8*i:]))
		}
		if l, ok := layoutOf(lengths); ok && l.size == int64(len(b)) {
			for k := range l.blocks {
				from, to := l.block(k)
				binary.LittleEndian.PutUint32(b[headerSize+8*n+4*k:], crc32.Checksum(b[from:to], castagnoli))
			}
			binary.LittleEndian.PutUint32(b[56:], crc32.Checksum(b[headerSize:l.body], castagnoli))
		}
	}
	binary.LittleEndian.PutUint32(b[60:], crc32.Checksum(b[:60], castagnoli))
}

// names are those of the files in dir.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
