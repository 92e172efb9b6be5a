// Package output writes the file of a result: under its name it is complete or,
// as before, absent or the old one.
package output

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// File is a file that is being written. It is for one goroutine at a time.
//
//	f, err := output.Create(path)
//	defer f.Abort() // nothing after Close
//	... f.Write ...
//	err = f.Close()
type File struct {
	f    *os.File
	buf  *bufio.Writer
	path string
	tmp  string // "" where the file is written in place: a pipe or device
	done bool
}

// Create begins a file that Close will put at path. What is no regular file, such
// as a pipe or /dev/null, is written to directly.
func Create(path string) (*File, error) {
	if path == "" {
		return nil, errors.New("the output has no name")
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%s is a directory: name a file", path)
	case !info.Mode().IsRegular():
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		return &File{f: f, buf: bufio.NewWriterSize(f, 1<<16), path: path}, nil
	}
	if path, err = target(path); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".tmp-*")
	if err != nil {
		return nil, fmt.Errorf("%s cannot be written: %w", path, err)
	}
	return &File{f: f, buf: bufio.NewWriterSize(f, 1<<16), path: path, tmp: f.Name()}, nil
}

// target follows links, so that a link stays one.
func target(path string) (string, error) {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return path, nil
	}
	to, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", fmt.Errorf("%s is a link to nowhere: %w", path, err)
	}
	return to, nil
}

// Write adds to the file.
func (f *File) Write(b []byte) (int, error) { return f.buf.Write(b) }

// Close completes the file, on disk, and puts it in its place. If that fails
// nothing is left of it. A second Close does nothing.
func (f *File) Close() error {
	if f.done {
		return nil
	}
	err := f.buf.Flush()
	if f.tmp == "" {
		f.done = true
		return errors.Join(err, f.f.Close())
	}
	if err == nil {
		err = f.f.Chmod(f.mode())
	}
	if err == nil {
		err = f.f.Sync()
	}
	if err != nil {
		f.Abort()
		return err
	}
	f.done = true
	if err = f.f.Close(); err == nil {
		err = os.Rename(f.tmp, f.path)
	}
	if err != nil {
		_ = os.Remove(f.tmp)
		return err
	}
	d, err := os.Open(filepath.Dir(f.path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// mode is that of the file that is replaced, or readable by all.
func (f *File) mode() fs.FileMode {
	if info, err := os.Stat(f.path); err == nil {
		return info.Mode().Perm()
	}
	return 0o644
}

// Abort gives the file up and removes what was written of it. After Close it
// does nothing.
func (f *File) Abort() {
	if f.done {
		return
	}
	f.done = true
	_ = f.f.Close() // nobody will read it
	if f.tmp != "" {
		_ = os.Remove(f.tmp)
	}
}
