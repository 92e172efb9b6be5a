package model

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"petuum/algos"
	"petuum/algos/durable"
	"petuum/table"
)

// Writer writes a model. It is for one goroutine at a time, and so are its
// tables, of which several may be open at once.
//
//	w, err := model.Create(dir, manifest)
//	defer w.Abort() // nothing after Close
//	t, err := w.Table(spec, names, true)
//	for each written key, ascending:
//		err = t.Append(key, values)
//	err = w.Close()
type Writer struct {
	m      Manifest
	path   string // where the model will be
	tmp    string // where it is until then; "" once it is not ours to remove
	tables []*TableWriter
	closed bool
	err    error // what Close said
}

// Create begins a model that Close will put at dir. It refuses what Check
// refuses, and a manifest that JSON cannot hold; it ignores m.Tables and m.Path.
func Create(dir string, m Manifest) (*Writer, error) {
	path, err := resolve(dir)
	if err != nil {
		return nil, err
	}
	if _, _, err := inspect(path); err != nil {
		return nil, err
	}
	m.Tables, m.Path = nil, 0
	if _, err := m.encode(); err != nil {
		return nil, fmt.Errorf("model: %s: the manifest: %w", dir, err)
	}
	w := &Writer{m: m, path: path, tmp: sibling(path, "tmp")}
	if err := os.Mkdir(w.tmp, 0o777); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	return w, nil
}

// Table begins a table whose keys are what names says, as readable text too if
// text is set.
func (w *Writer) Table(spec table.Spec, names algos.KeyNames, text bool) (*TableWriter, error) {
	if w.closed {
		return nil, errors.New("model: a table for a writer that is closed")
	}
	if err := spec.Validate(); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	for _, t := range w.tables {
		if t.about.Name == spec.Name {
			return nil, fmt.Errorf("model: table %q twice", spec.Name)
		}
	}
	t := &TableWriter{about: describe(spec, names), l: layoutOf(spec), data: &w.m.Data}
	if _, err := t.about.spec(); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	w.tables = append(w.tables, t)
	if t.binary, t.err = createFile(filepath.Join(w.tmp, spec.Name+".bin")); t.err != nil {
		return nil, t.err
	}
	if text {
		if t.text, t.err = createFile(filepath.Join(w.tmp, spec.Name+".txt")); t.err != nil {
			return nil, t.err
		}
	}
	if t.write(t.binary, t.l.appendHeader(nil)); t.err != nil {
		return nil, t.err
	}
	return t, nil
}

// Close completes the model, on disk, and puts it in its place. If something of
// the writing failed it removes all and says so. If only the place has become
// impossible, the model is complete, and stays where the error says. A second
// Close does nothing and says the same.
func (w *Writer) Close() error {
	if w.closed {
		return w.err
	}
	if w.err = w.finish(); w.err != nil {
		w.Abort()
		return w.err
	}
	w.closed = true
	if err := publish(w.tmp, w.path); err != nil {
		w.err = err
		if _, gone := os.Lstat(w.tmp); gone == nil {
			w.err = fmt.Errorf("%w; the model is complete, in %s: move it where you want it", err, w.tmp)
		}
	}
	w.tmp = ""
	return w.err
}

// finish writes all but the name.
func (w *Writer) finish() error {
	w.m.Tables = nil
	for _, t := range w.tables {
		about, err := t.finish()
		if err != nil {
			return err
		}
		w.m.Tables = append(w.m.Tables, about)
	}
	b, err := w.m.encode()
	if err != nil {
		return fmt.Errorf("model: %s: the manifest: %w", w.path, err)
	}
	if err := writeFile(filepath.Join(w.tmp, manifestName), b); err != nil {
		return err
	}
	if err := durable.SyncDir(w.tmp); err != nil {
		return fmt.Errorf("model: %w", err)
	}
	return nil
}

// writeFile writes a new file and brings it to disk.
func writeFile(path string, b []byte) error {
	f, err := createFile(path)
	if err != nil {
		return err
	}
	if _, err = f.buf.Write(b); err == nil {
		_, err = f.finish()
	}
	if err = errors.Join(err, f.close()); err != nil {
		return fmt.Errorf("model: %w", err)
	}
	return nil
}

// Abort gives up a model and removes what was written of it. After Close it
// does nothing.
func (w *Writer) Abort() {
	if w.closed {
		return
	}
	w.closed = true
	if w.err == nil {
		w.err = errors.New("model: the writer was aborted")
	}
	for _, t := range w.tables {
		t.abort(w.err)
	}
	_ = os.RemoveAll(w.tmp) // made by us, under a name nobody else knows
	w.tmp = ""
}
