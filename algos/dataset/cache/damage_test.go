package cache

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestEveryBit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache")
	b := smallImage(t)
	for i := range 8 * len(b) {
		b[i/8] ^= 1 << (i % 8)
		wantDamaged(t, path, b, fmt.Sprintf("bit %d of byte %d flipped", i%8, i/8))
		b[i/8] ^= 1 << (i % 8)
	}
	if _, err := open(t, path, b); err != nil {
		t.Errorf("unchanged: %v", err)
	}
}

func TestEveryLength(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache")
	b := smallImage(t)
	for n := range b {
		wantDamaged(t, path, b[:n], fmt.Sprintf("cut to %d bytes", n))
	}
	for _, more := range []int{1, 64, 4096, blockSize} {
		wantDamaged(t, path, append(bytes.Clone(b), make([]byte, more)...), fmt.Sprintf("%d zeros at the end", more))
	}
	wantDamaged(t, path, append(bytes.Clone(b), b...), "twice")
}

// TestBlocks damages one block of several: the error says which, and of two the
// first.
func TestBlocks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache")
	b := image(t, someKey, []byte("meta"), [][]byte{numbered(2 * blockSize), numbered(2*blockSize + 10)})
	body := len(b) - (4*blockSize + 64 + 10)
	for _, tc := range []struct {
		at   []int
		want string
	}{
		{[]int{0}, "block 0"},
		{[]int{blockSize - 1}, "block 0"},
		{[]int{blockSize}, "block 1"},
		{[]int{4*blockSize + 73}, fmt.Sprintf("block 4, bytes %d to %d,", body+4*blockSize, len(b))},
		{[]int{2 * blockSize, 3 * blockSize, 4 * blockSize}, "block 2"},
		{[]int{4 * blockSize, 3 * blockSize, 2 * blockSize, blockSize, 0}, "block 0"},
	} {
		for _, at := range tc.at {
			b[body+at] ^= 16
		}
		for range 10 { // goroutines find several in any order
			_, err := open(t, path, b)
			var damaged *DamagedError
			if !errors.As(err, &damaged) || !strings.Contains(damaged.What, tc.want) {
				t.Errorf("byte %d: got %v, want %s", tc.at, err, tc.want)
			}
		}
		for _, at := range tc.at {
			b[body+at] ^= 16
		}
	}
}

func TestStale(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache")
	for _, tc := range []struct {
		name   string
		change func(b []byte)
	}{
		{"version", func(b []byte) { binary.LittleEndian.PutUint16(b[8:], version+1) }},
		{"version 0", func(b []byte) { binary.LittleEndian.PutUint16(b[8:], 0) }},
		{"order", func(b []byte) { b[10], b[11] = b[11], b[10] }},
		{"key", func(b []byte) { copy(b[12:], otherKey[:]) }},
		{"key and size", func(b []byte) { copy(b[12:], otherKey[:]); b[48]++ }},
	} {
		b := smallImage(t)
		tc.change(b)
		seal(b)
		f, err := open(t, path, b)
		var stale *StaleError
		if !errors.As(err, &stale) || stale.Path != path || f != nil {
			t.Errorf("%s: got %v, want a StaleError", tc.name, err)
		}
	}
}

// TestForged has the checksums of a file right, and something else wrong.
func TestForged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache")
	sections := func(n uint32) func(b []byte) {
		return func(b []byte) { binary.LittleEndian.PutUint32(b[44:], n) }
	}
	size := func(n uint64) func(b []byte) {
		return func(b []byte) { binary.LittleEndian.PutUint64(b[48:], n) }
	}
	lengths := func(n ...uint64) func(b []byte) {
		return func(b []byte) {
			for i, n := range n {
				binary.LittleEndian.PutUint64(b[headerSize+8*i:], n)
			}
		}
	}
	whole := uint64(len(smallImage(t)))
	for _, tc := range []struct {
		name   string
		change func(b []byte)
	}{
		{"magic", func(b []byte) { b[0]++ }},
		{"no section", sections(0)},
		{"a section less", sections(4)},
		{"a section more", sections(6)},
		{"as many sections as fill the file", sections(uint32(whole-headerSize) / 8)},
		{"one more than that", sections(uint32(whole-headerSize)/8 + 1)},
		{"2^31 sections", sections(1 << 31)},
		{"all sections", sections(math.MaxUint32)},
		{"size 0", size(0)},
		{"size less", size(whole - 1)},
		{"size more", size(whole + 1)},
		{"size 2^63", size(1 << 63)},
		{"all size", size(math.MaxUint64)},
		{"meta longer into the next section", lengths(65)},
		{"meta of all the file", lengths(whole)},
		{"last section longer", lengths(4, 3, 0, 65, 1)},
		{"section shorter by its last 2 bytes", lengths(4, 3, 0, 63)},
		{"length 2^63", lengths(1 << 63)},
		{"length 2^63-1", lengths(math.MaxInt64)},
		{"length 2^64-1", lengths(math.MaxUint64)},
		{"length 2^56", lengths(maxSize)},
		{"lengths whose sum comes round to the right one", lengths(4, 1<<63, 1<<63)},
		{"lengths whose sum comes round, less", lengths(math.MaxUint64-63, 68, 3)},
		{"lengths whose sum comes round, none too large", lengths(1<<62, 1<<62, 1<<62, 1<<62, 256)},
		{"lengths that are large together", lengths(maxSize-64, maxSize-64, maxSize-64, maxSize-64, maxSize-64)},
	} {
		b := smallImage(t)
		tc.change(b)
		seal(b)
		wantDamaged(t, path, b, tc.name)
	}
	h := header{version: version, order: order, key: someKey, size: headerSize}
	wantDamaged(t, path, h.append(nil), "a header of no sections, not even meta")
}

// TestForgedMemory has a file claim what would take much memory to believe.
func TestForgedMemory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache")
	b := smallImage(t)
	binary.LittleEndian.PutUint32(b[44:], math.MaxUint32)
	binary.LittleEndian.PutUint64(b[64:], maxSize/2)
	seal(b)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := Open(path, someKey); err == nil {
		t.Error("got no error")
	}
	runtime.ReadMemStats(&after)
	got := after.TotalAlloc - before.TotalAlloc
	if got > 1<<20 {
		t.Errorf("got %d bytes allocated for a file of %d", got, len(b))
	}
}

func TestNotFiles(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(filepath.Join(dir, "none"), someKey); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing there: got %v, want fs.ErrNotExist", err)
	}
	if _, err := Open(dir, someKey); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("a directory: got %v, want an error that names it", err)
	}
	wantDamaged(t, filepath.Join(dir, "cache"), nil, "an empty file")
	wantDamaged(t, filepath.Join(dir, "cache"), bytes.Repeat([]byte("+1 1:1\n"), 100), "a text")
}

// FuzzOpen opens anything, and the same with right checksums. What is accepted is
// what Write makes of it, but for the zeros.
func FuzzOpen(f *testing.F) {
	f.Add(smallImage(f))
	f.Add(image(f, someKey, nil, nil))
	f.Add(image(f, someKey, []byte("m"), [][]byte{numbered(300)}))
	f.Add(image(f, otherKey, []byte("m"), nil))
	f.Add([]byte(magic))
	path := filepath.Join(f.TempDir(), "cache")
	f.Fuzz(func(t *testing.T, b []byte) {
		b = bytes.Clone(b)
		for range 2 {
			file, err := open(t, path, b)
			var stale *StaleError
			var damaged *DamagedError
			switch {
			case errors.As(err, &stale), errors.As(err, &damaged):
			case err != nil:
				t.Fatal(err)
			default:
				again := image(t, someKey, file.Meta(), file.Sections())
				if len(again) != len(b) {
					t.Errorf("got %d bytes accepted, want %d", len(b), len(again))
				}
				g, err := Open(path, someKey)
				if err != nil {
					t.Fatal(err)
				}
				wantContent(t, g, file.Meta(), file.Sections())
				if err := errors.Join(file.Close(), g.Close()); err != nil {
					t.Error(err)
				}
			}
			seal(b)
		}
	})
}
