package model

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"math"
	"strconv"

	"petuum/algos/dataset"
	"petuum/table"
)

// KeyName is what people call a key of one of the model's tables: see "Names" in
// the package documentation.
func (m *Manifest) KeyName(t Table, key uint64) string {
	return string(appendKey(nil, &m.Data, &t, key))
}

// appendKey appends the name of a key as it stands in text.
func appendKey(b []byte, d *dataset.Info, t *Table, key uint64) []byte {
	switch {
	case t.Rows && key < uint64(d.RowNames.Len()):
		return AppendName(b, d.RowNames.At(int(key)))
	case key < t.Features && key < uint64(len(d.Names)) && d.Names[key] != "":
		return AppendName(b, d.Names[key])
	case key < t.Features && d.Format == dataset.CSV: // as data.label counts columns
		return strconv.AppendInt(append(b, '#'), int64(d.FileColumn(int(key))), 10)
	case key < t.Features && d.Format == dataset.MM:
		return strconv.AppendUint(b, key+1, 10)
	case key < t.Features:
		return strconv.AppendUint(b, key+uint64(d.Base), 10)
	case key-t.Features < uint64(len(t.Names)):
		return AppendName(b, t.Names[key-t.Features])
	}
	return strconv.AppendUint(b, key, 10)
}

// AppendName appends a name as it stands between tabs: as it is, or as a JSON
// string if it is empty, begins with a quote or has a control character.
func AppendName(b []byte, name string) []byte {
	odd := name == "" || name[0] == '"'
	for i := 0; i < len(name) && !odd; i++ {
		odd = name[i] < ' ' || name[i] == 0x7f
	}
	if !odd {
		return append(b, name...)
	}
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	_ = e.Encode(name) // a string always can be
	return append(b, bytes.TrimSuffix(buf.Bytes(), []byte("\n"))...)
}

// appendLine appends the line of a row, which is as in the binary form.
func appendLine(b []byte, d *dataset.Info, about *Table, l layout, key uint64, values []byte) []byte {
	b = appendKey(b, d, about, key)
	sep := byte('\t')
	for ; len(values) > 0; sep = ' ' {
		b = append(b, sep)
		switch v := values; l.typ {
		case table.Float64:
			b = strconv.AppendFloat(b, math.Float64frombits(binary.LittleEndian.Uint64(v)), 'g', -1, 64)
		case table.Int32:
			b = strconv.AppendInt(b, int64(int32(binary.LittleEndian.Uint32(v))), 10)
		default:
			b = strconv.AppendFloat(b, float64(math.Float32frombits(binary.LittleEndian.Uint32(v))), 'g', -1, 32)
		}
		values = values[l.typ.Size():]
	}
	return append(b, '\n')
}

// WriteText writes the lines of the named tables, those of NAME.txt. With several
// tables the name of the table and a tab stand before each line.
func (r *Reader) WriteText(w io.Writer, tables []string) error {
	out := bufio.NewWriterSize(w, 1<<16)
	var line []byte
	for _, name := range tables {
		t, err := r.table(name)
		if err != nil {
			return err
		}
		err = t.rows(func(key uint64, values []byte) error {
			line = line[:0]
			if len(tables) > 1 {
				line = append(append(line, name...), '\t')
			}
			line = appendLine(line, &r.m.Data, t.about, t.l, key, values)
			_, err := out.Write(line)
			return err
		})
		if err != nil {
			return err
		}
	}
	return out.Flush()
}
