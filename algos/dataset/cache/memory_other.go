//go:build !unix

package cache

import (
	"io"
	"os"
)

// Map reads size bytes of a file from a byte on. They take memory of their own.
func Map(f *os.File, from int64, size int) ([]byte, error) {
	b := make([]byte, size)
	if _, err := io.ReadFull(io.NewSectionReader(f, from, int64(size)), b); err != nil {
		return nil, err
	}
	return b, nil
}

// Unmap does nothing: the memory is an ordinary one.
func Unmap([]byte) error { return nil }

// syncDir does nothing: a directory is no file to sync here.
func syncDir(string) error { return nil }
