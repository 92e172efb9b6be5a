package model

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
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
	case key < t.Features && key < uint64(len(d.Names)) && d.Names[key] != "":
		return AppendName(b, d.Names[key])
	case key < t.Features && d.Format == dataset.CSV: // as data.label counts columns
		if key >= uint64(d.LabelColumn) {
			key++
		}
		return strconv.AppendUint(append(b, '#'), key, 10)
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

// Row is a key of a table and its values.
type Row struct {
	Key    uint64
	Values []float64
}

// Size is the largest magnitude among the values; what is not a number is
// larger than all numbers.
func (r Row) Size() float64 {
	size := 0.0
	for _, v := range r.Values {
		if math.IsNaN(v) {
			return math.Inf(1)
		}
		size = max(size, math.Abs(v))
	}
	return size
}

// Largest looks at every key of a table that was ever written. It returns how
// many values are not zero, and the n rows of the largest size, in this order and
// that of keys; rows of zeros are not among them.
func (r *Reader) Largest(name string, n int) (nonzeros uint64, rows []Row, err error) {
	t, err := r.table(name)
	if err != nil {
		return 0, nil, err
	}
	if n < 0 {
		return 0, nil, fmt.Errorf("model: the %d largest rows", n)
	}
	top := largest{most: n}
	row := make([]float64, t.l.width)
	err = t.rows(func(key uint64, values []byte) error {
		t.l.decode(row, values)
		for _, v := range row {
			if v != 0 {
				nonzeros++
			}
		}
		top.add(key, row)
		return nil
	})
	return nonzeros, top.sorted(), err
}
