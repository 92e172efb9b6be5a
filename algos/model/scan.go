package model

import (
	"encoding/binary"
	"fmt"
	"math"

	"petuum/table"
)

// maxDense is the values of a table that counts as small: one whose keys may all
// be looked at, written or not.
const maxDense = 1 << 24

func (t *tableReader) small() bool { return t.l.keys <= maxDense/uint64(t.l.width) }

// rows calls each with every key that was written, in ascending order, and its
// values, which are good during the call. Only an error of the file is made to
// name it.
func (t *tableReader) rows(each func(key uint64, values []byte) error) error {
	var (
		raw []byte
		b   block
		err error
	)
	size := t.l.rowBytes()
	for k := range t.x.first {
		if raw, err = t.load(k, raw, &b); err != nil {
			return t.damaged(err)
		}
		for i := range b.rows {
			key := b.first + uint64(i)
			if len(b.keys) > 0 {
				key = b.keys[i]
			}
			if err := each(key, b.values[i*size:(i+1)*size]); err != nil {
				return err
			}
		}
	}
	return nil
}

// Rows calls each with every key of a table that was written, in ascending order, and
// its values as a table of type as has them, which are good during the call. Between
// integers and floats there is no way. With all it is every key of the key space.
func (r *Reader) Rows(name string, as table.Type, all bool, each func(key uint64, values []byte) error) error {
	t, err := r.table(name)
	if err != nil {
		return err
	}
	rows := t.rows
	if all {
		rows = t.all
	}
	to := t.l
	to.typ = as
	switch {
	case t.l.typ == as:
		return rows(each)
	case t.l.typ == table.Int32 || as == table.Int32:
		return fmt.Errorf("model: %s: table %q is of %s, not %s", r.dir, name, t.l.typ, as)
	}
	row, buf := make([]float64, t.l.width), make([]byte, 0, to.rowBytes())
	return rows(func(key uint64, values []byte) error {
		t.l.decode(row, values)
		return each(key, to.encode(buf, row))
	})
}

// all is rows for all keys of the key space.
func (t *tableReader) all(each func(key uint64, values []byte) error) error {
	row, raw, next := make([]float64, t.l.width), []byte(nil), uint64(0)
	initial := func(to uint64) error {
		for ; next < to; next++ {
			t.spec.InitialRow(next, row)
			raw = t.l.encode(raw[:0], row)
			if err := each(next, raw); err != nil {
				return err
			}
		}
		return nil
	}
	err := t.rows(func(key uint64, values []byte) error {
		if err := initial(key); err != nil {
			return err
		}
		next++
		return each(key, values)
	})
	if err != nil {
		return err
	}
	return initial(t.l.keys)
}

// decode reads a row.
func (l layout) decode(to []float64, b []byte) {
	for j := range to {
		switch l.typ {
		case table.Float64:
			to[j] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*j:]))
		case table.Int32:
			to[j] = float64(int32(binary.LittleEndian.Uint32(b[4*j:])))
		default:
			to[j] = float64(math.Float32frombits(binary.LittleEndian.Uint32(b[4*j:])))
		}
	}
}

// encode appends a row.
func (l layout) encode(b []byte, row []float64) []byte {
	for _, v := range row {
		switch l.typ {
		case table.Float64:
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		case table.Int32:
			b = binary.LittleEndian.AppendUint32(b, uint32(int32(v)))
		default:
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(v)))
		}
	}
	return b
}
