package synthetic

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"petuum/algos/dataset"
)

// maxColumns bounds CSV, which writes every zero.
const maxColumns = 10_000

// CheckFormat reports a format that a problem cannot be written in.
func CheckFormat(p Problem, format string) error {
	switch features := p.Common().Features; {
	case format != dataset.LIBSVM && format != dataset.CSV:
		return fmt.Errorf("format %q: want %s or %s", format, dataset.LIBSVM, dataset.CSV)
	case format == dataset.CSV && features > maxColumns:
		return fmt.Errorf("features %d: CSV, which is dense, takes at most %d: want the format %s", features, maxColumns, dataset.LIBSVM)
	}
	return nil
}

// flushAt is how many bytes are written at a time, at least.
const flushAt = 64 << 10

// Write writes a set as LIBSVM, indices from 1, or as CSV, columns y, x1, x2, ...
// Its first line is a comment with the settings. Progress is told the number of
// rows that are done after every piece of the text; it may be nil.
func Write(ctx context.Context, w io.Writer, format string, p Problem, set Set, progress func(rows uint64)) error {
	if err := CheckFormat(p, format); err != nil {
		return err
	}
	b := append(make([]byte, 0, 2*flushAt), "# petuum data gen "+p.String()+"\n"...)
	if set == Test {
		b = append(b, "# the test set\n"...)
	}
	appendRow, features := appendLIBSVM, p.Common().Features
	if format == dataset.CSV {
		b = append(b, 'y')
		for j := range features {
			b = strconv.AppendUint(append(b, ",x"...), j+1, 10)
		}
		b = append(b, '\n')
		appendRow = func(b []byte, row *Row) []byte { return appendCSV(b, row, features) }
	}
	rows := uint64(0)
	flush := func() error {
		_, err := w.Write(b)
		b = b[:0]
		if err == nil && progress != nil {
			progress(rows)
		}
		return err
	}
	err := p.Samples(ctx, set, func(row *Row) error {
		b = appendRow(b, row)
		rows++
		if len(b) < flushAt {
			return nil
		}
		return flush()
	})
	if err != nil {
		return err
	}
	return flush()
}

func appendLIBSVM(b []byte, row *Row) []byte {
	b = appendFixed(b, row.Label, LabelUnit)
	for k, j := range row.Index {
		b = strconv.AppendUint(append(b, ' '), j+1, 10)
		if row.Value == nil {
			b = append(b, ":1"...)
		} else {
			b = appendFixed(append(b, ':'), row.Value[k], ValueUnit)
		}
	}
	return append(b, '\n')
}

func appendCSV(b []byte, row *Row, features uint64) []byte {
	b = appendFixed(b, row.Label, LabelUnit)
	k := 0
	for j := range features {
		b = append(b, ',')
		switch {
		case k == len(row.Index) || row.Index[k] != j:
			b = append(b, '0')
			continue
		case row.Value == nil:
			b = append(b, '1')
		default:
			b = appendFixed(b, row.Value[k], ValueUnit)
		}
		k++
	}
	return append(b, '\n')
}

// WriteTruth writes the true weights, those that are not 0: index, a tab, and the
// weight on a line, indices as LIBSVM and CSV have them.
func WriteTruth(ctx context.Context, w io.Writer, p Problem) error {
	b := append(make([]byte, 0, 2*flushAt), "# the true weights of petuum data gen "+p.String()+"\n"...)
	err := p.Common().Truth(ctx, func(j uint64, weight int64) (err error) {
		b = strconv.AppendUint(b, j+1, 10)
		b = append(appendFixed(append(b, '\t'), weight, ValueUnit), '\n')
		if len(b) >= flushAt {
			_, err = w.Write(b)
			b = b[:0]
		}
		return err
	})
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

// appendFixed appends v/unit, a power of ten, without needless zeros.
func appendFixed(b []byte, v, unit int64) []byte {
	if v < 0 {
		b, v = append(b, '-'), -v
	}
	whole, rest := v/unit, v%unit
	if whole < 10 {
		b = append(b, '0'+byte(whole))
	} else {
		b = strconv.AppendInt(b, whole, 10)
	}
	if rest == 0 {
		return b
	}
	for b = append(b, '.'); rest > 0; rest %= unit {
		unit /= 10
		b = append(b, '0'+byte(rest/unit))
	}
	return b
}
