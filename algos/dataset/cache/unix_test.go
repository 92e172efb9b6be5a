//go:build unix

package cache

import (
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestCut cuts a file between its mapping and its verification.
func TestCut(t *testing.T) {
	for _, left := range []int64{0, 4096, 2 * blockSize} {
		path := filepath.Join(t.TempDir(), "cache")
		if err := Write(path, someKey, nil, [][]byte{numbered(3 * blockSize)}); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		memory, err := Map(f, 0, int(info.Size()))
		if err != nil {
			t.Fatal(err)
		}
		file := &File{memory: memory}
		if err := os.Truncate(path, left); err != nil {
			t.Fatal(err)
		}
		var damaged *DamagedError
		err = guarded(path, func() error { return file.verify(path, someKey) })
		if !errors.As(err, &damaged) || !strings.Contains(damaged.What, "cannot be read") {
			t.Errorf("cut to %d bytes: got %v, want a DamagedError", left, err)
		}
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestFileLimit has the system refuse what is beyond 1 MB of a file.
func TestFileLimit(t *testing.T) {
	signal.Ignore(unix.SIGXFSZ)
	defer signal.Reset(unix.SIGXFSZ)
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		t.Skip(err)
	}
	limit := before
	limit.Cur = 1 << 20
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	err := Write(filepath.Join(dir, "cache"), someKey, nil, [][]byte{numbered(3 << 20)})
	if e := unix.Setrlimit(unix.RLIMIT_FSIZE, &before); e != nil {
		t.Fatal(e)
	}
	if !errors.Is(err, unix.EFBIG) {
		t.Errorf("got %v, want %v", err, unix.EFBIG)
	}
	if got := names(t, dir); len(got) != 0 {
		t.Errorf("got %q left", got)
	}
}

// TestPipe opens a pipe that nobody writes to.
func TestPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	if _, err := Open(path, someKey); err == nil {
		t.Error("Open: got no error")
	}
	if _, err := Stat(path); err == nil {
		t.Error("Stat: got no error")
	}
}
