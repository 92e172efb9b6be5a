package model

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"

	"petuum/algos"
	"petuum/table"
)

// advice is what to do about a file that is not as it was written.
const advice = "the model is damaged: restore it from a copy or train it again"

var _ algos.Model = (*Reader)(nil)

// Reader is a model that was written. Any number of goroutines may ask for
// values.
type Reader struct {
	dir    string
	m      *Manifest
	tables []*tableReader // as in m.Tables
}

type tableReader struct {
	about *Table
	spec  table.Spec
	l     layout
	f     *os.File
	x     index
	kept  []block // all of them, if they were to be kept
}

// Open checks the model in dir and opens it. It reads every file once; then it
// keeps files open and 16 bytes in memory for each 64 KiB of values. The text of
// a table may be missing.
func Open(dir string) (*Reader, error) {
	m, err := readManifest(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, absent(dir, err)
	}
	if errors.Is(err, errChecksum) {
		return nil, fmt.Errorf("model: %w: it was changed after it was written; %s", err, advice)
	}
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	r := &Reader{dir: dir, m: m}
	for i := range m.Tables {
		about := &m.Tables[i]
		t, err := openTable(dir, about)
		if err == nil {
			r.tables = append(r.tables, t)
			err = checkText(dir, about.Text)
		}
		if err != nil {
			_ = r.Close()
			return nil, fmt.Errorf("model: %w", err)
		}
	}
	return r, nil
}

// absent says that there is no model in dir, and where there may be one.
func absent(dir string, err error) error {
	if path, e := resolve(dir); e == nil {
		if _, e := os.Lstat(path); errors.Is(e, fs.ErrNotExist) {
			if old := strays(path, "old"); len(old) > 0 {
				return fmt.Errorf("model: there is nothing at %s, but the model of before is in %s, which a job that was killed was about to replace: rename it", dir, old[0])
			}
		}
	}
	if fi, e := os.Stat(dir); e == nil && !fi.IsDir() {
		return fmt.Errorf("model: %s is a file: name the directory of a model", dir)
	}
	return fmt.Errorf("model: there is none in %s: %w", dir, err)
}

// openTable opens and checks the binary form of a table.
func openTable(dir string, about *Table) (*tableReader, error) {
	spec, err := about.spec()
	if err != nil {
		return nil, err
	}
	f, err := openSized(dir, about.Binary)
	if err != nil {
		return nil, err
	}
	t := &tableReader{about: about, spec: spec, f: f}
	digest := sha256.New()
	t.l, t.x, err = readIndex(bufio.NewReaderSize(io.TeeReader(f, digest), 1<<18))
	switch {
	case err != nil:
	case hex.EncodeToString(digest.Sum(nil)) != about.Binary.SHA256:
		err = errors.New("its sha256 is not that of the manifest")
	case t.l != layoutOf(spec) || t.x.rows != about.Written:
		err = errors.New("the manifest describes another table")
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%s: %w; %s", f.Name(), err, advice)
	}
	return t, nil
}

// openSized opens a file of the length that the manifest says.
func openSized(dir string, want File) (*os.File, error) {
	f, err := openFile(filepath.Join(dir, want.Name))
	if err != nil {
		return nil, fmt.Errorf("%w; %s", err, advice)
	}
	fi, err := f.Stat()
	if err == nil && fi.Size() != want.Bytes {
		err = fmt.Errorf("%s: %d bytes, but the manifest says %d; %s", f.Name(), fi.Size(), want.Bytes, advice)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// checkText refuses a text that is not what was written: who changed it might
// believe to have changed the model.
func checkText(dir string, want *File) error {
	if want == nil {
		return nil
	}
	path := filepath.Join(dir, want.Name)
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	f, err := openFile(path)
	if err != nil {
		return err
	}
	defer f.Close()
	digest := sha256.New()
	if _, err := io.Copy(digest, f); err != nil {
		return err
	}
	if hex.EncodeToString(digest.Sum(nil)) != want.SHA256 {
		return fmt.Errorf("%s: its sha256 is not that of the manifest: restore it or delete it, the model does without", path)
	}
	return nil
}

// Manifest says what the model is. Do not change what it refers to.
func (r *Reader) Manifest() Manifest { return *r.m }

// Close closes the files.
func (r *Reader) Close() error {
	var errs []error
	for _, t := range r.tables {
		errs = append(errs, t.f.Close())
	}
	return errors.Join(errs...)
}

// table finds a table by its name.
func (r *Reader) table(name string) (*tableReader, error) {
	var names []string
	for _, t := range r.tables {
		if t.about.Name == name {
			return t, nil
		}
		names = append(names, t.about.Name)
	}
	return nil, fmt.Errorf("model: %s: there is no table %q: there are %s", r.dir, name, strings.Join(names, ", "))
}

// Keep takes all tables into memory if their files have at most limit bytes all
// together, so that Values reads no file. Call it before others ask for values.
func (r *Reader) Keep(limit int64) error {
	for _, t := range r.tables {
		limit -= t.about.Binary.Bytes
	}
	if limit < 0 {
		return nil
	}
	for _, t := range r.tables {
		kept := make([]block, len(t.x.first))
		for k := range kept {
			if _, err := t.load(k, nil, &kept[k]); err != nil {
				return t.damaged(err)
			}
			if t.spec.Init == (table.Init{Seed: t.spec.Init.Seed}) {
				kept[k].spread(t.l.rowBytes())
			}
		}
		t.kept = kept
	}
	return nil
}

// damaged names the file in an error of reading it.
func (t *tableReader) damaged(err error) error {
	return fmt.Errorf("model: %s: %w; %s", t.f.Name(), err, advice)
}

// Values implements [algos.Model]: of each key, which must be in strictly
// ascending order, the width values of the table. It reads each block that may
// have one of the keys once, so ask for many keys at a time.
func (r *Reader) Values(name string, keys []uint64) ([]float64, error) {
	t, err := r.table(name)
	if err != nil {
		return nil, err
	}
	for i, key := range keys {
		if key >= t.l.keys {
			return nil, fmt.Errorf("model: %s: key %d of table %q, whose key space is %d", r.dir, key, name, t.l.keys)
		}
		if i > 0 && key <= keys[i-1] {
			return nil, fmt.Errorf("model: %s: key %d of table %q is asked for after %d", r.dir, key, name, keys[i-1])
		}
	}
	values := make([]float64, len(keys)*t.l.width)
	if err := t.fill(values, keys); err != nil {
		return nil, t.damaged(err)
	}
	return values, nil
}

// fill sets the rows of values to those of ascending keys, a block at a time.
func (t *tableReader) fill(values []float64, keys []uint64) error {
	var (
		raw []byte
		own block
		err error
	)
	w, b := t.l.width, &own
	for len(keys) > 0 {
		k := t.x.find(keys[0])
		next := t.x.next(k)
		n := sort.Search(len(keys), func(i int) bool { return keys[i] >= next })
		if k >= 0 && t.kept != nil {
			b = &t.kept[k]
		} else if k >= 0 { // else b has no rows yet: only the smallest keys are before all blocks
			if raw, err = t.load(k, raw, b); err != nil {
				return err
			}
		}
		row, found := 0, false
		for i := b.copySingles(values, keys[:n], t.l); i < n; i++ {
			to := values[i*w : (i+1)*w]
			if row, found = b.find(keys[i], row); found {
				t.l.decode(to, b.values[row*t.l.rowBytes():])
			} else {
				t.spec.InitialRow(keys[i], to)
			}
		}
		keys, values = keys[n:], values[n*w:]
	}
	return nil
}

// load reads and checks block k into raw and b, which shares it.
func (t *tableReader) load(k int, raw []byte, b *block) ([]byte, error) {
	n := int(t.x.at[k+1] - t.x.at[k])
	if cap(raw) < n {
		raw = make([]byte, n)
	}
	raw = raw[:n]
	if _, err := t.f.ReadAt(raw, t.x.at[k]); err != nil {
		return raw, short(err)
	}
	if err := t.l.parse(raw, b); err != nil {
		return raw, fmt.Errorf("byte %d: %w", t.x.at[k], err)
	}
	if b.rows == 0 || b.first != t.x.first[k] {
		return raw, fmt.Errorf("byte %d: the block was replaced", t.x.at[k])
	}
	return raw, nil
}
