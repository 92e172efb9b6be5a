//go:build !unix

package cache

import (
	"io"
	"os"
)

// mapFile reads the first size bytes of a file. They take memory of their own.
func mapFile(f *os.File, size int) ([]byte, error) {
	b := make([]byte, size)
	if _, err := io.ReadFull(f, b); err != nil {
		return nil, err
	}
	return b, nil
}

func unmapFile([]byte) error { return nil }

// syncDir does nothing: a directory is no file to sync here.
func syncDir(string) error { return nil }
