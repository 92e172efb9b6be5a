//go:build unix

package cache

import (
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/sys/unix"
)

// Stat returns the identity of a regular file.
func Stat(path string) (Identity, error) {
	var st unix.Stat_t
	err := unix.Stat(path, &st)
	for errors.Is(err, unix.EINTR) { // network file systems
		err = unix.Stat(path, &st)
	}
	if err != nil {
		return Identity{}, fmt.Errorf("cache: %w", &fs.PathError{Op: "stat", Path: path, Err: err})
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return Identity{}, fmt.Errorf("cache: %s is not a regular file", path)
	}
	return Identity{
		Size:     st.Size,
		Modified: st.Mtim.Nano(),
		Changed:  st.Ctim.Nano(),
		Inode:    uint64(st.Ino),
		Device:   uint64(st.Dev),
	}, nil
}
