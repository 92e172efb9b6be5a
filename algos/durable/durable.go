// Package durable has what files that must survive a crash need besides the os package.
package durable

import (
	"errors"
	"io/fs"
	"os"
)

// SyncDir makes renames and new files in dir last.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Cause is an error of the os package without its path.
func Cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
