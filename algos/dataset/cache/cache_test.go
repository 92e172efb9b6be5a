package cache

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"unsafe"
)

func TestRoundTrip(t *testing.T) {
	meta, sections := small()
	many := make([][]byte, 1000)
	for i := range many {
		many[i] = numbered(i)
	}
	for _, tc := range []struct {
		name     string
		meta     []byte
		sections [][]byte
	}{
		{"nothing", nil, nil},
		{"meta only", []byte("m"), nil},
		{"empty section", nil, [][]byte{nil}},
		{"small", meta, sections},
		{"many", nil, many},
		{"a block less one byte", nil, [][]byte{numbered(blockSize - 1)}},
		{"a block", nil, [][]byte{numbered(blockSize)}},
		{"a block and one byte", nil, [][]byte{numbered(blockSize + 1)}},
		{"blocks across sections", numbered(100), [][]byte{numbered(blockSize), numbered(5), numbered(3*blockSize + 17), numbered(blockSize / 2)}},
		{"meta larger than a block", numbered(blockSize + 3), [][]byte{numbered(1)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a", "b", "cache") // directories that are not there
			if err := Write(path, someKey, tc.meta, tc.sections); err != nil {
				t.Fatal(err)
			}
			f, err := Open(path, someKey)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			wantContent(t, f, tc.meta, tc.sections)
			for i, s := range f.Sections() {
				if at := uintptr(unsafe.Pointer(unsafe.SliceData(s))); len(s) > 0 && at%alignment != 0 && runtime.GOOS == "linux" {
					t.Errorf("section %d: got %#x, want a multiple of %d", i, at, alignment)
				}
			}
			if got := names(t, filepath.Dir(path)); !slices.Equal(got, []string{"cache"}) {
				t.Errorf("got files %q, want one", got)
			}
		})
	}
}

// TestFormat pins the bytes of version 1: what was written must remain readable, or
// be called by another version.
func TestFormat(t *testing.T) {
	zeros := func(n int) string { return strings.Repeat("00", n) }
	want := "70746d6361636865" + "0100" + "0201" + "010203" + zeros(29) + // magic, version, order, key
		"02000000" + "c200000000000000" + "9d39ff30" + "2cd104c9" + // sections, size, checksums of index and header
		"0100000000000000" + "0200000000000000" + "a9d6327a" + zeros(44) + // lengths, checksum of the block
		"6d" + zeros(63) + "6162"
	b := image(t, someKey, []byte("m"), [][]byte{[]byte("ab")})
	if got := hex.EncodeToString(b); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache")
	first, second := numbered(3*blockSize), bytes.Repeat([]byte{9}, 2*blockSize)
	if err := Write(path, someKey, nil, [][]byte{first}); err != nil {
		t.Fatal(err)
	}
	old, err := Open(path, someKey)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	if err := Write(path, someKey, []byte("2"), [][]byte{second}); err != nil {
		t.Fatal(err)
	}
	wantContent(t, old, nil, [][]byte{first})
	now, err := Open(path, someKey)
	if err != nil {
		t.Fatal(err)
	}
	defer now.Close()
	wantContent(t, now, []byte("2"), [][]byte{second})
	if err := os.Remove(path); err != nil && runtime.GOOS != "windows" {
		t.Fatal(err)
	}
	wantContent(t, now, []byte("2"), [][]byte{second})
}

// TestChanged changes what a File gives: the file and other Files do not.
func TestChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache")
	section := numbered(2 * blockSize)
	if err := Write(path, someKey, []byte("meta"), [][]byte{section}); err != nil {
		t.Fatal(err)
	}
	var files [2]*File
	for i := range files {
		var err error
		if files[i], err = Open(path, someKey); err != nil {
			t.Fatal(err)
		}
		defer files[i].Close()
	}
	clear(files[0].Sections()[0])
	clear(files[0].Meta())
	wantContent(t, files[0], make([]byte, 4), [][]byte{make([]byte, len(section))})
	wantContent(t, files[1], []byte("meta"), [][]byte{section})
	if err := files[0].Close(); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path, someKey)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	wantContent(t, f, []byte("meta"), [][]byte{section})
}

func TestClose(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache")
	if err := Write(path, someKey, []byte("meta"), [][]byte{{1}}); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path, someKey)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if f.Meta() != nil || len(f.Sections()) != 0 {
			t.Errorf("got %d bytes of meta and %d sections of a closed file, want none", len(f.Meta()), len(f.Sections()))
		}
	}
}

// TestWriters has several write one path while others open it.
func TestWriters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "d", "cache")
	content := func(w int) [][]byte {
		return [][]byte{bytes.Repeat([]byte{byte(w)}, blockSize+w), {byte(w)}}
	}
	var wg sync.WaitGroup
	for w := range 6 {
		wg.Go(func() {
			for range 3 {
				if err := Write(path, someKey, []byte{byte(w)}, content(w)); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for range 20 {
				f, err := Open(path, someKey)
				if errors.Is(err, fs.ErrNotExist) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				for i, s := range content(int(f.Meta()[0])) {
					if !bytes.Equal(f.Sections()[i], s) {
						t.Errorf("section %d is not that of writer %d", i, f.Meta()[0])
					}
				}
				if err := f.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := names(t, filepath.Dir(path)); !slices.Equal(got, []string{"cache"}) {
		t.Errorf("got files %q, want one", got)
	}
}

func TestWriteErrors(t *testing.T) {
	for _, tc := range []struct {
		name string
		make func(t *testing.T, dir string) (path string)
	}{
		{"a file in place of the directory", func(_ *testing.T, dir string) string {
			return filepath.Join(dir, "file", "cache")
		}},
		{"a directory in place of the file", func(_ *testing.T, dir string) string {
			return filepath.Join(dir, "full")
		}},
		{"a directory that is not writable", func(t *testing.T, dir string) string {
			if os.Getuid() == 0 || os.Getuid() == -1 {
				t.Skip("the user may write everywhere")
			}
			if err := os.Chmod(filepath.Join(dir, "full"), 0o500); err != nil {
				t.Fatal(err)
			}
			return filepath.Join(dir, "full", "cache")
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "file"), []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.MkdirAll(filepath.Join(dir, "full", "sub"), 0o700); err != nil {
				t.Fatal(err)
			}
			path := tc.make(t, dir)
			err := Write(path, someKey, nil, [][]byte{numbered(1000)})
			_ = os.Chmod(filepath.Join(dir, "full"), 0o700)
			if err == nil {
				t.Fatal("got no error")
			}
			if !strings.Contains(err.Error(), path) {
				t.Errorf("got %q, want it to name %s", err, path)
			}
			if got := names(t, dir); !slices.Equal(got, []string{"file", "full"}) {
				t.Errorf("got %q left", got)
			}
			if got := names(t, filepath.Join(dir, "full")); !slices.Equal(got, []string{"sub"}) {
				t.Errorf("got %q left", got)
			}
		})
	}
}

// failing is a file whose disk is full after some bytes, and then has room again.
type failing struct{ left int }

func (f *failing) WriteAt(b []byte, _ int64) (int, error) {
	if n := f.left; n < len(b) {
		f.left = math.MaxInt
		return n, errors.New("full")
	}
	f.left -= len(b)
	return len(b), nil
}

// TestFull has the disk full at every length of a file: no error is lost.
func TestFull(t *testing.T) {
	meta, sections := small()
	all := append([][]byte{meta}, sections...)
	size := len(smallImage(t))
	written := 0
	for n := range size + 1 {
		if write(&failing{n}, someKey, all) == nil {
			written++
			if n < size {
				t.Errorf("got no error with room for %d of %d bytes", n, size)
			}
		}
	}
	if written == 0 {
		t.Error("got an error with room for all")
	}
}

func TestModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes are of unix")
	}
	path := filepath.Join(t.TempDir(), "d", "cache")
	if err := Write(path, someKey, nil, nil); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, filepath.Dir(path)} {
		info, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: got mode %v, want it for the user only", p, info.Mode())
		}
	}
}
