package checkpoint

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"petuum/algos/durable"
)

const (
	newPrefix = ".new-"
	oldPrefix = ".old-"
)

// Check reports, before a job begins, whether checkpoints can be kept at path, and makes
// the directory.
func Check(path string) error {
	if err := os.MkdirAll(path, 0o777); err != nil {
		return fmt.Errorf("checkpoint: %s: %w", path, durable.Cause(err))
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return fmt.Errorf("checkpoint: %s: %w", path, durable.Cause(err))
	}
	for _, e := range entries {
		if number(e.Name()) == 0 && !stray(e.Name()) {
			return fmt.Errorf("checkpoint: %s holds %q, which is of no checkpoint: name a directory for checkpoints alone", path, e.Name())
		}
	}
	trial, err := os.MkdirTemp(path, newPrefix)
	if err != nil {
		return fmt.Errorf("checkpoint: %s: %w: make it a directory that you can write to", path, durable.Cause(err))
	}
	if err := os.Remove(trial); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}

func stray(name string) bool {
	return strings.HasPrefix(name, newPrefix) || strings.HasPrefix(name, oldPrefix)
}

// number is that of a checkpoint's directory, 0 of anything else.
func number(name string) uint64 {
	n, err := strconv.ParseUint(name, 10, 63)
	if err != nil || n == 0 || fmt.Sprintf("%08d", n) != name {
		return 0
	}
	return n
}

// newest is the highest number at path, 0 if there is none.
func newest(path string) (uint64, error) {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("checkpoint: %s: %w", path, durable.Cause(err))
	}
	last := uint64(0)
	for _, e := range entries {
		last = max(last, number(e.Name()))
	}
	return last, nil
}

// Writer writes a checkpoint, for one goroutine.
//
//	w, err := checkpoint.Create(path)
//	defer w.Abort() // nothing after Close
//	f, err := w.File(checkpoint.PartFile(0))
//	... f.Write, f.Close
//	err = w.Close(manifest)
type Writer struct {
	path string
	tmp  string // "" once it is not ours to remove
	m    Manifest
	open *file

	step func(string) // a test's: called before each step on the disk
}

// Create begins a checkpoint at path.
func Create(path string) (*Writer, error) {
	w := &Writer{path: path, step: func(string) {}}
	return w, w.begin()
}

func (w *Writer) begin() (err error) {
	w.step("make")
	if w.tmp, err = os.MkdirTemp(w.path, newPrefix); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}

// file is one being written.
type file struct {
	w   *Writer
	f   *os.File
	buf *bufio.Writer
	sum hash.Hash
	out File
	err error
}

// File begins a file; only one is open at a time.
func (w *Writer) File(name string) (io.WriteCloser, error) {
	if w.open != nil {
		return nil, fmt.Errorf("checkpoint: %s is begun while %s is open", name, w.open.out.Name)
	}
	w.step("create " + name)
	f, err := os.OpenFile(filepath.Join(w.tmp, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	w.open = &file{w: w, f: f, buf: bufio.NewWriterSize(f, 1<<18), sum: sha256.New(), out: File{Name: name}}
	return w.open, nil
}

// Write appends to the file.
func (f *file) Write(b []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	f.sum.Write(b)
	f.out.Bytes += int64(len(b))
	if _, err := f.buf.Write(b); err != nil {
		f.err = fmt.Errorf("checkpoint: %w", err)
		return 0, f.err
	}
	return len(b), nil
}

// Close brings the file to disk.
func (f *file) Close() error {
	f.w.open = nil
	f.w.step("sync " + f.out.Name)
	err := f.err
	if err == nil {
		err = f.buf.Flush()
	}
	if err == nil {
		err = f.f.Sync()
	}
	if err = errors.Join(err, f.f.Close()); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	f.out.SHA256 = hex.EncodeToString(f.sum.Sum(nil))
	f.w.m.Files = append(f.w.m.Files, f.out)
	return nil
}

// Close completes the checkpoint, on disk, puts it in its place, and removes those before
// it. It ignores m.Files and m.Format. After an error what was there before still is.
func (w *Writer) Close(m Manifest) error {
	defer w.Abort()
	m.Format, m.Files = format, w.m.Files
	text, err := m.encode()
	if err != nil {
		return err
	}
	f, err := w.File(manifestName)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	w.step("sync the directory")
	if err := durable.SyncDir(w.tmp); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	last, err := newest(w.path)
	if err != nil {
		return err
	}
	w.step("rename")
	if err := os.Rename(w.tmp, filepath.Join(w.path, fmt.Sprintf("%08d", last+1))); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	w.tmp = ""
	w.step("sync the parent")
	if err := durable.SyncDir(w.path); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	w.tidy(last)
	return nil
}

// tidy removes checkpoints up to a number, and what crashes left. What cannot be removed
// stays: it is in nobody's way.
func (w *Writer) tidy(last uint64) {
	entries, err := os.ReadDir(w.path)
	if err != nil {
		return
	}
	for _, e := range entries {
		dir := filepath.Join(w.path, e.Name())
		if n := number(e.Name()); n != 0 && n <= last {
			w.step("put away")
			away := filepath.Join(w.path, oldPrefix+e.Name()) // one that is half gone is none
			if os.Rename(dir, away) != nil {
				continue
			}
			dir = away
		} else if !stray(e.Name()) {
			continue
		}
		w.step("remove")
		_ = os.RemoveAll(dir)
	}
}

// Abort gives up a checkpoint and removes what was written of it. After Close it does
// nothing.
func (w *Writer) Abort() {
	if w.open != nil {
		_ = w.open.f.Close()
		w.open = nil
	}
	if w.tmp != "" {
		_ = os.RemoveAll(w.tmp)
		w.tmp = ""
	}
}
