package dataset

import (
	"bytes"
	"io"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

const banner = "%%MatrixMarket"

// isBanner says whether a line begins MatrixMarket data.
func isBanner(line []byte) bool {
	return len(line) >= len(banner) && strings.EqualFold(string(line[:len(banner)]), banner)
}

// matrixFile reads a MatrixMarket file:
//
//	%%MatrixMarket matrix coordinate real general
//	% any number of comments
//	3 4 2       rows, columns, entries
//	1 2 0.5     row and column from 1, value (none if pattern)
//	3 1 -1
//
// "array" lists all values, a column after the other, without their places.
// "symmetric" and "skew-symmetric" list the lower triangle.
type matrixFile struct {
	path       string
	lines      *lineReader
	array      bool
	pattern    bool // all values are 1
	integer    bool
	data       bool    // values are numbers of data, see the package comment; else labels
	sign       float64 // of the upper triangle, if only the lower one is listed; else 0
	rows, cols uint64
	entries    uint64 // listed
}

// fault is an error about byte at of the line that was read last.
func (m *matrixFile) fault(at int, format string, args ...any) error {
	return &SyntaxError{m.path, max(1, m.lines.lines), at + 1, faultf(0, format, args...).what}
}

// next returns the next line that is neither blank nor a comment.
func (m *matrixFile) next() ([]byte, error) {
	for {
		line, _, err := m.lines.next()
		if err == errLongLine {
			return nil, &SyntaxError{m.path, m.lines.lines + 1, 1, err.Error()}
		}
		if err != nil {
			return nil, err
		}
		if begin := skipBlanks(line, 0); begin < len(line) && line[begin] != '%' {
			return line, nil
		}
	}
}

// readMatrixHeader reads up to the sizes.
func readMatrixHeader(path string, r io.Reader) (*matrixFile, error) {
	m := &matrixFile{path: path, lines: newLineReader(r, 0)}
	line, _, err := m.lines.next()
	if err != nil && err != io.EOF && err != errLongLine {
		return nil, err
	}
	words := strings.Fields(strings.ToLower(string(line[:min(len(line), 200)])))
	if !isBanner(line) || len(words) != 5 || words[0] != strings.ToLower(banner) {
		return nil, m.fault(0, "want the first line %s matrix coordinate real general, or alike", banner)
	}
	switch words[2] {
	case "coordinate":
	case "array":
		m.array = true
	default:
		return nil, m.fault(0, "%q is not supported: want coordinate or array", words[2])
	}
	switch words[3] {
	case "real", "double":
	case "integer":
		m.integer = true
	case "pattern":
		m.pattern = true
	default:
		return nil, m.fault(0, "%q values are not supported: want real, integer or pattern", words[3])
	}
	switch words[4] {
	case "general":
	case "symmetric":
		m.sign = 1
	case "skew-symmetric":
		m.sign = -1
	default:
		return nil, m.fault(0, "%q is not supported: want general, symmetric or skew-symmetric", words[4])
	}
	if words[1] != "matrix" || m.pattern && (m.array || m.sign < 0) {
		return nil, m.fault(0, "there is no MatrixMarket data of this kind: %s", excerpt(line))
	}
	return m, m.readSizes()
}

// readSizes reads the line of rows, columns and, if coordinate, entries.
func (m *matrixFile) readSizes() error {
	line, err := m.next()
	if err == io.EOF {
		return m.fault(0, "truncated: there is no line of sizes")
	}
	if err != nil {
		return err
	}
	sizes := []*uint64{&m.rows, &m.cols, &m.entries}
	if m.array {
		sizes = sizes[:2]
	}
	at := 0
	for _, size := range sizes {
		begin := skipBlanks(line, at)
		at = tokenEnd(line, begin)
		if *size, err = strconv.ParseUint(string(line[begin:at]), 10, 63); err != nil {
			return m.fault(begin, "%s is no size: want %d numbers", excerpt(line[begin:at]), len(sizes))
		}
	}
	if end := skipBlanks(line, at); end < len(line) {
		return m.fault(end, "%s behind the sizes", excerpt(line[end:]))
	}
	if m.sign != 0 && m.rows != m.cols {
		return m.fault(0, "a symmetric matrix of %d rows and %d columns", m.rows, m.cols)
	}
	if m.array {
		return m.countValues()
	}
	if m.rows > 1<<24 && m.rows/256 > m.entries {
		return m.fault(0, "%d rows but only %d entries: are rows and columns swapped?", m.rows, m.entries)
	}
	return nil
}

// countValues sets the number of values that an array lists.
func (m *matrixFile) countValues() error {
	hi, lo := bits.Mul64(m.rows, m.cols)
	switch n := m.rows; {
	case hi > 0 || lo > math.MaxInt64:
		return m.fault(0, "too many values for an array")
	case m.sign > 0:
		lo = (lo-n)/2 + n
	case m.sign < 0:
		lo = (lo - n) / 2
	}
	m.entries = lo
	return nil
}

// each visits the value of each entry, those of the upper triangle too, with its row
// and column from 0. The error is of the file or of visit, without a place.
func (m *matrixFile) each(visit func(i, j uint64, v float64) error) error {
	read := m.coordinates
	if m.array {
		read = m.values
	}
	return read(func(i, j uint64, v float64) error {
		err := visit(i, j, v)
		if err == nil && m.sign != 0 && i != j {
			err = visit(j, i, m.sign*v)
		}
		return err
	})
}

// coordinates visits the entries as listed.
func (m *matrixFile) coordinates(visit func(i, j uint64, v float64) error) error {
	for n := uint64(0); ; n++ {
		line, err := m.next()
		if err == io.EOF && n < m.entries {
			return m.fault(0, "truncated: %d of %d entries", n, m.entries)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if n == m.entries {
			return m.fault(0, "more than the %d entries that the sizes promise", m.entries)
		}
		i, at, err := m.index(line, 0, "row", m.rows)
		if err != nil {
			return err
		}
		j, at, err := m.index(line, at, "column", m.cols)
		if err != nil {
			return err
		}
		v := 1.0
		if !m.pattern {
			if v, at, err = m.value(line, at); err != nil {
				return err
			}
		}
		if end := skipBlanks(line, at); end < len(line) {
			return m.fault(end, "%s behind the entry", excerpt(line[end:]))
		}
		if m.sign != 0 && (i < j || i == j && m.sign < 0) {
			return m.fault(0, "entry %d %d is not below the diagonal, where a symmetric matrix has its entries", i+1, j+1)
		}
		if err := visit(i, j, v); err != nil {
			return err
		}
	}
}

// values visits the values of an array.
func (m *matrixFile) values(visit func(i, j uint64, v float64) error) error {
	i, j, n := uint64(0), uint64(0), uint64(0)
	if m.sign < 0 {
		i = 1
	}
	for {
		line, err := m.next()
		if err == io.EOF && n < m.entries {
			return m.fault(0, "truncated: %d of %d values", n, m.entries)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		for at := skipBlanks(line, 0); at < len(line); at = skipBlanks(line, at) {
			if n == m.entries {
				return m.fault(at, "more than the %d values that the sizes promise", m.entries)
			}
			var v float64
			if v, at, err = m.value(line, at); err != nil {
				return err
			}
			if err := visit(i, j, v); err != nil {
				return err
			}
			n++
			if i++; i < m.rows {
				continue
			}
			j++
			switch i = 0; {
			case m.sign > 0:
				i = j
			case m.sign < 0:
				i = j + 1
			}
		}
	}
}

// index reads a row or column and returns it from 0, and where it ends.
func (m *matrixFile) index(line []byte, at int, what string, most uint64) (uint64, int, error) {
	begin := skipBlanks(line, at)
	at = begin
	n := uint64(0)
	for at < len(line) && line[at]-'0' <= 9 && at-begin < 19 {
		n = n*10 + uint64(line[at]-'0')
		at++
	}
	if end := tokenEnd(line, begin); at == begin || at < end {
		return 0, 0, m.fault(begin, "%s is no %s: want a number from 1 to %d", excerpt(line[begin:end]), what, most)
	}
	if n < 1 || n > most {
		return 0, 0, m.fault(begin, "%s %d is not in the matrix, which has 1 to %d", what, n, most)
	}
	return n - 1, at, nil
}

// value reads a value and returns where it ends.
func (m *matrixFile) value(line []byte, at int) (float64, int, error) {
	begin := skipBlanks(line, at)
	at = tokenEnd(line, begin)
	token := line[begin:at]
	v, d, err := parseDecimal(token)
	if m.data {
		v, _ = d.single(v)
	}
	switch {
	case len(token) == 0:
		return 0, 0, m.fault(begin, "the value is missing")
	case !isFinite(v):
		return 0, 0, m.fault(begin, "value %s is not finite", excerpt(token))
	case err != nil:
		return 0, 0, m.fault(begin, "value %s is not a number", excerpt(token))
	case m.integer && v != math.Trunc(v):
		return 0, 0, m.fault(begin, "value %s is not an integer", excerpt(token))
	}
	return v, at, nil
}

// isMatrix says whether a file begins as MatrixMarket.
func (s *source) isMatrix() (bool, error) {
	r, free, err := s.stream()
	if err != nil {
		return false, err
	}
	defer free()
	head := make([]byte, len(banner))
	n, err := io.ReadFull(r, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return false, err
	}
	return isBanner(bytes.TrimSpace(head[:n])), nil
}
