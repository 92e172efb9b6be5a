package command

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"petuum/algos/dataset"
)

// output is a file that is there complete or not at all: until publish it has a
// name of its own. What is written is compressed if the path ends in .gz or .zst.
//
//	o, err := create(path, stdout)
//	defer o.abort() // nothing after publish
//	err = o.Write(...)
//	err = o.finish()
//	err = o.publish()
type output struct {
	path  string // as the user gave it
	to    string // links followed
	tmp   string // "" once it is gone, and for stdout
	file  *os.File
	count io.Writer // counts what reaches the file
	enc   io.WriteCloser
	bytes int64
}

// create begins a file, or, for "-", writes to stdout.
func create(path string, stdout io.Writer) (*output, error) {
	o := &output{path: path, to: path}
	if path == "-" {
		o.path, o.count = "stdout", counting{stdout, &o.bytes}
		return o, nil
	}
	if to, err := filepath.EvalSymlinks(path); err == nil {
		o.to = to
	}
	if fi, err := os.Stat(o.to); err == nil && !fi.Mode().IsRegular() {
		return nil, o.wrap(errors.New("it is there and not a regular file: choose another name"))
	}
	o.tmp = filepath.Join(filepath.Dir(o.to), fmt.Sprintf(".%s.tmp-%016x", filepath.Base(o.to), rand.Uint64()))
	var err error
	if o.file, err = os.OpenFile(o.tmp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666); err != nil {
		o.tmp = ""
		return nil, o.wrap(err)
	}
	o.count = counting{o.file, &o.bytes}
	switch _, ending := dataset.Compressed(path); ending {
	case ".gz":
		o.enc = gzip.NewWriter(o.count)
	case ".zst":
		if o.enc, err = zstd.NewWriter(o.count, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest)); err != nil {
			o.abort()
			return nil, o.wrap(err)
		}
	}
	return o, nil
}

// counting counts what it writes.
type counting struct {
	w io.Writer
	n *int64
}

func (c counting) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	*c.n += int64(n)
	return n, err
}

// Write names the file in an error by the name the user knows.
func (o *output) Write(b []byte) (int, error) {
	w := o.count
	if o.enc != nil {
		w = o.enc
	}
	n, err := w.Write(b)
	var path *fs.PathError
	if errors.As(err, &path) && o.tmp != "" {
		err = &fs.PathError{Op: path.Op, Path: o.path, Err: path.Err}
	}
	return n, err
}

// finish brings the bytes to the disk.
func (o *output) finish() error {
	if o.file == nil {
		return nil
	}
	if o.enc != nil {
		if err := o.enc.Close(); err != nil {
			return o.wrap(err)
		}
	}
	err := errors.Join(o.file.Sync(), o.file.Close())
	o.file = nil
	return o.wrap(err)
}

// publish gives a finished file its name.
func (o *output) publish() error {
	if o.tmp == "" {
		return nil
	}
	if err := os.Rename(o.tmp, o.to); err != nil {
		return o.wrap(err)
	}
	o.tmp = ""
	dir, err := os.Open(filepath.Dir(o.to))
	if err != nil {
		return o.wrap(err)
	}
	return o.wrap(errors.Join(dir.Sync(), dir.Close()))
}

// abort removes what has not been published.
func (o *output) abort() {
	if o.file != nil {
		_ = o.file.Close()
		o.file = nil
	}
	if o.tmp != "" {
		_ = os.Remove(o.tmp)
		o.tmp = ""
	}
}

// wrap names the file in an error, by the name the user knows.
func (o *output) wrap(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &path):
		err = path.Err
	case errors.As(err, &link):
		err = link.Err
	}
	return fmt.Errorf("%s: %w", o.path, err)
}
