//go:build unix

package cache

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// Map returns size bytes of a file, from a multiple of MapAlignment on, as memory
// whose changes do not reach the file.
func Map(f *os.File, from int64, size int) ([]byte, error) {
	return unix.Mmap(int(f.Fd()), from, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|mapFlags)
}

// Unmap frees what Map returned.
func Unmap(b []byte) error { return unix.Munmap(b) }

// syncDir makes a rename in dir last.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
