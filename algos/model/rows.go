package model

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"os"
	"path/filepath"

	"petuum/algos/dataset"
)

// TableWriter takes the rows of a table. Its memory is that of a block.
type TableWriter struct {
	about  Table
	l      layout
	data   *dataset.Info
	binary *file
	text   *file // nil if not asked for
	err    error // the first error; nothing is written after it

	// The block that is being filled.
	rows        int
	first, last uint64
	gaps        []byte
	consecutive bool
	values      []byte

	buf []byte
}

// Append adds a row: a key behind all before it, and its values as table.Shard's
// Export gives them, little endian. It keeps neither. The error is the table's
// first.
func (t *TableWriter) Append(key uint64, values []byte) error {
	if t.err != nil {
		return t.err
	}
	switch {
	case len(values) != t.l.rowBytes():
		return t.fail("key %d has %d bytes of values, want %d", key, len(values), t.l.rowBytes())
	case key >= t.l.keys:
		return t.fail("key %d in a key space of %d", key, t.l.keys)
	case t.about.Written > 0 && key <= t.last:
		return t.fail("key %d after key %d", key, t.last)
	}
	if t.rows == 0 {
		t.first, t.consecutive = key, true
	} else {
		t.gaps = binary.AppendUvarint(t.gaps, key-t.last-1)
		t.consecutive = t.consecutive && key == t.last+1
	}
	t.values = append(t.values, values...)
	t.last = key
	t.rows++
	t.about.Written++
	if t.text != nil {
		t.buf = appendLine(t.buf[:0], t.data, &t.about, t.l, key, values)
		t.write(t.text, t.buf)
	}
	if t.rows == t.l.maxRows() {
		t.flush()
	}
	return t.err
}

func (t *TableWriter) fail(format string, args ...any) error {
	t.err = fmt.Errorf("model: table %q: "+format, append([]any{t.about.Name}, args...)...)
	return t.err
}

// write adds to one of the files.
func (t *TableWriter) write(f *file, b []byte) {
	if t.err == nil {
		if _, err := f.buf.Write(b); err != nil {
			t.err = fmt.Errorf("model: %w", err)
		}
	}
}

// flush writes the block, if it has rows.
func (t *TableWriter) flush() {
	if t.rows == 0 {
		return
	}
	if t.consecutive {
		t.gaps = t.gaps[:0]
	}
	t.buf = appendHead(t.buf[:0], t.rows, len(t.gaps), t.first)
	t.buf = append(append(t.buf, t.gaps...), t.values...)
	t.write(t.binary, appendCRC(t.buf))
	t.rows, t.gaps, t.values = 0, t.gaps[:0], t.values[:0]
}

// finish writes the rest and returns the description of the table.
func (t *TableWriter) finish() (Table, error) {
	t.flush()
	t.write(t.binary, appendCRC(appendHead(nil, 0, 0, t.about.Written)))
	if t.err == nil {
		t.about.Binary, t.err = t.binary.finish()
	}
	if t.err == nil && t.text != nil {
		var f File
		f, t.err = t.text.finish()
		t.about.Text = &f
	}
	err := t.err
	t.abort(errors.New("model: a row after Close"))
	return t.about, err
}

// abort closes the files; Append will answer with err.
func (t *TableWriter) abort(err error) {
	for _, f := range []*file{t.binary, t.text} {
		if f != nil {
			_ = f.close() // was synced if it matters
		}
	}
	t.err = err
}

// file is a new file that knows its length and digest.
type file struct {
	f      *os.File
	buf    *bufio.Writer
	digest hash.Hash
	bytes  int64
}

func createFile(path string) (*file, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	w := &file{f: f, digest: sha256.New()}
	w.buf = bufio.NewWriterSize(w, 1<<16)
	return w, nil
}

// Write is for buf.
func (w *file) Write(b []byte) (int, error) {
	n, err := w.f.Write(b)
	w.digest.Write(b[:n])
	w.bytes += int64(n)
	return n, err
}

// finish brings everything to disk.
func (w *file) finish() (File, error) {
	if err := errors.Join(w.buf.Flush(), w.f.Sync()); err != nil {
		return File{}, fmt.Errorf("model: %w", err)
	}
	return File{filepath.Base(w.f.Name()), w.bytes, hex.EncodeToString(w.digest.Sum(nil))}, nil
}

func (w *file) close() error { return w.f.Close() }
