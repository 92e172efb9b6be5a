//go:build !unix

package cache

import (
	"fmt"
	"os"
)

// Stat returns the identity of a regular file, which is never trusted.
func Stat(path string) (Identity, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Identity{}, fmt.Errorf("cache: %w", err)
	}
	if !info.Mode().IsRegular() {
		return Identity{}, fmt.Errorf("cache: %s is not a regular file", path)
	}
	return Identity{Size: info.Size(), Modified: info.ModTime().UnixNano()}, nil
}
