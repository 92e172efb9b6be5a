package model

import (
	"archive/zip"
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"petuum/table"
)

// maxNames bounds the array of names, in bytes: it is as wide as the longest.
const maxNames = 4 << 30

// WriteNPZ writes the named tables as a .npz file for NumPy: arrays of version
// 1.0 of the .npy format, not compressed, under the names of the tables.
//
//	NAME         all keys in order, (keys,) or (keys, width)
//	NAME.keys    where the key space is large and sparsely written: the keys that
//	             were written, as uint64
//	NAME.values  and their values, (written,) or (written, width)
//	NAME.columns the names of the values of a key, if they have some
//	rows         the names of the rows of the data, such as users, if they have some
//	features     the names of the features, if the data has some
//	classes      the classes; of two the later one is the positive one
//
// A table is sparse if it has more than 2^24 values of which fewer than half were
// ever written. A table called rows, features or classes is stored, and that array left out.
func (r *Reader) WriteNPZ(w io.Writer, tables []string) error {
	z := zip.NewWriter(w)
	taken := map[string]bool{}
	for _, name := range tables {
		t, err := r.table(name)
		if err != nil {
			return err
		}
		taken[name] = true
		switch {
		case t.small() || t.full():
			err = array(z, name, t.descr(), t.shape(t.l.keys), t.dense)
		default:
			err = array(z, name+".keys", "<u8", t.shape(t.x.rows)[:1], t.keys)
			if err == nil {
				err = array(z, name+".values", t.descr(), t.shape(t.x.rows), t.values)
			}
		}
		if err == nil && len(t.about.Columns) > 0 {
			err = words(z, name+".columns", t.about.Columns)
		}
		if err != nil {
			return err
		}
	}
	for _, a := range []struct {
		name  string
		words []string
	}{{"rows", r.m.Data.RowNames.All()}, {"features", r.m.features()}, {"classes", r.m.Data.Classes}} {
		if len(a.words) == 0 || taken[a.name] {
			continue
		}
		if err := words(z, a.name, a.words); err != nil {
			return fmt.Errorf("model: %s: %w", r.dir, err)
		}
	}
	return z.Close()
}

// features are the names of the features, nil if the data has none. Where one is
// empty there is what stands for it in text.
func (m *Manifest) features() []string {
	names := slices.Clone(m.Data.Names)
	for id, name := range names {
		if name == "" {
			names[id] = m.KeyName(Table{Features: m.Data.Features}, uint64(id))
		}
	}
	return names
}

// array writes one array.
func array(z *zip.Writer, name, descr string, shape []uint64, fill func(w *bufio.Writer) error) error {
	f, err := z.CreateHeader(&zip.FileHeader{Name: name + ".npy", Method: zip.Store})
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<16)
	if _, err := w.Write(npyHeader(descr, shape)); err != nil {
		return err
	}
	if err := fill(w); err != nil {
		return err
	}
	return w.Flush()
}

// npyHeader is what stands before the values, which begin at a multiple of 64.
func npyHeader(descr string, shape []uint64) []byte {
	var dims strings.Builder
	for i, n := range shape {
		if i > 0 {
			dims.WriteByte(' ')
		}
		fmt.Fprintf(&dims, "%d,", n)
	}
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, dims.String())
	const fixed = 10 // magic, version, length
	text += strings.Repeat(" ", 63-(fixed+len(text))%64) + "\n"
	b := append([]byte("\x93NUMPY\x01\x00"), 0, 0)
	binary.LittleEndian.PutUint16(b[8:], uint16(len(text)))
	return append(b, text...)
}

// descr is NumPy's name of the type of the values.
func (t *tableReader) descr() string {
	switch t.l.typ {
	case table.Float64:
		return "<f8"
	case table.Int32:
		return "<i4"
	}
	return "<f4"
}

// shape is that of the values of so many keys.
func (t *tableReader) shape(keys uint64) []uint64 {
	if t.l.width == 1 {
		return []uint64{keys}
	}
	return []uint64{keys, uint64(t.l.width)}
}

// full reports whether at least half of all keys were written.
func (t *tableReader) full() bool { return t.x.rows >= t.l.keys-t.l.keys/2 }

// dense writes the values of all keys.
func (t *tableReader) dense(w *bufio.Writer) error {
	return t.all(func(_ uint64, values []byte) error {
		_, err := w.Write(values)
		return err
	})
}

// keys writes the keys that were written.
func (t *tableReader) keys(w *bufio.Writer) error {
	var raw [8]byte
	return t.rows(func(key uint64, _ []byte) error {
		binary.LittleEndian.PutUint64(raw[:], key)
		_, err := w.Write(raw[:])
		return err
	})
}

// values writes the values of the keys that were written.
func (t *tableReader) values(w *bufio.Writer) error {
	return t.rows(func(_ uint64, values []byte) error {
		_, err := w.Write(values)
		return err
	})
}

// words writes an array of text: each as wide as the longest, in UTF-32.
func words(z *zip.Writer, name string, list []string) error {
	width := 1
	for _, s := range list {
		width = max(width, utf8.RuneCountInString(s))
	}
	if 4*int64(width)*int64(len(list)) > maxNames {
		return fmt.Errorf("NumPy stores %d names of up to %d characters in more than 4 GiB: export as text", len(list), width)
	}
	return array(z, name, fmt.Sprintf("<U%d", width), []uint64{uint64(len(list))}, func(w *bufio.Writer) error {
		raw := make([]byte, 4*width)
		for _, s := range list {
			clear(raw)
			i := 0
			for _, c := range s {
				binary.LittleEndian.PutUint32(raw[4*i:], uint32(c))
				i++
			}
			if _, err := w.Write(raw); err != nil {
				return err
			}
		}
		return nil
	})
}
