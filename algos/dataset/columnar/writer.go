package columnar

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"

	"petuum/algos/dataset/cache"
)

// Writer writes a file as a stream of columns. It holds 1 MiB a part and 4 bytes a row.
// Parts by columns may come in any order, or side by side.
// One goroutine uses it at a time.
type Writer struct {
	f      io.WriterAt
	header Header
	layout layout
	sums   []uint32
	parts  []partWriter
	err    error // of the disk; it stays
}

// partWriter is the streams of a part.
type partWriter struct {
	facts    *Facts
	sections [sectionCount]sectionWriter
	at       int64    // values so far
	perRow   []uint32 // values of each row so far
}

// sectionWriter collects a section block by block.
type sectionWriter struct {
	section
	buf  []byte // of the block that is not complete
	done int64  // bytes in complete blocks
}

// NewWriter begins a file, of which Rows and Values of each part are known.
func NewWriter(f io.WriterAt, h Header) (*Writer, error) {
	w := &Writer{f: f, header: h}
	w.header.Parts = append([]Facts(nil), h.Parts...)
	var wrong string
	if w.layout, wrong = layoutOf(&w.header); wrong != "" {
		return nil, fmt.Errorf("columnar: %s", wrong)
	}
	w.sums = make([]uint32, w.layout.blocks)
	w.parts = make([]partWriter, len(h.Parts))
	for p := range w.parts {
		part := &w.parts[p]
		*part = partWriter{facts: &w.header.Parts[p]}
		if h.ByColumns && p > 0 {
			part.perRow = w.parts[0].perRow
		} else {
			part.perRow = make([]uint32, h.Parts[p].Rows)
		}
		*part.facts = Facts{Rows: h.Parts[p].Rows, Values: h.Parts[p].Values, ValueMin: math.Inf(1), ValueMax: math.Inf(-1)}
		for s := range part.sections {
			part.sections[s].section = w.layout.parts[p][s]
		}
		w.append(&part.sections[beginSection], make([]byte, 8)) // column 0 begins at 0
	}
	return w, w.err
}

// append adds bytes to a section.
func (w *Writer) append(s *sectionWriter, b []byte) {
	for len(b) > 0 && w.err == nil {
		n := min(len(b), blockSize-len(s.buf))
		s.buf = append(s.buf, b[:n]...)
		if b = b[n:]; len(s.buf) == blockSize {
			w.flush(s)
		}
	}
}

// flush writes what a section has collected.
func (w *Writer) flush(s *sectionWriter) {
	if len(s.buf) == 0 || w.err != nil {
		return
	}
	if s.done+int64(len(s.buf)) > s.size {
		w.err = fmt.Errorf("columnar: more than the %d bytes that were announced of a section", s.size)
		return
	}
	w.sums[s.block+s.done/blockSize] = crc32.Checksum(s.buf, castagnoli)
	_, w.err = w.f.WriteAt(s.buf, s.at+s.done)
	s.done += int64(len(s.buf))
	s.buf = s.buf[:0]
}

// Labels adds the labels of the next rows of a part, of part 0 if parts are by columns.
func (w *Writer) Labels(p int, y []float64) error {
	w.append(&w.parts[p].sections[labelSection], cache.Bytes(y))
	return w.err
}

// Columns adds the next columns of a part: the k-th has as many values as counts[k] says
// of rows, in ascending order and counted from the first row of the part, and values.
func (w *Writer) Columns(p int, counts []uint32, rows []uint32, values []float32) error {
	part := &w.parts[p]
	var number [8]byte
	for _, n := range counts {
		part.at += int64(n)
		binary.LittleEndian.PutUint64(number[:], uint64(part.at))
		w.append(&part.sections[beginSection], number[:])
	}
	f := part.facts
	for k, v := range values {
		f.ValueMin, f.ValueMax = min(f.ValueMin, float64(v)), max(f.ValueMax, float64(v))
		part.perRow[rows[k]]++
	}
	w.append(&part.sections[valueSection], cache.Bytes(values))
	if !f.narrow() {
		w.append(&part.sections[rowSection], cache.Bytes(rows))
		return w.err
	}
	w.narrow(&part.sections[rowSection], rows)
	return w.err
}

// narrow adds row numbers as uint16.
func (w *Writer) narrow(s *sectionWriter, rows []uint32) {
	for len(rows) > 0 && w.err == nil {
		n := min(len(rows), (blockSize-len(s.buf))/2)
		b := s.buf
		for _, r := range rows[:n] {
			b = binary.LittleEndian.AppendUint16(b, uint16(r))
		}
		s.buf, rows = b, rows[n:]
		if len(s.buf) == blockSize {
			w.flush(s)
		}
	}
}

// Finish writes what is left, and then what comes first: without it no file is valid.
// Nothing may be missing of what was announced. It returns the bytes of the file.
func (w *Writer) Finish() (int64, error) {
	for p := range w.parts {
		part := &w.parts[p]
		for s := range part.sections {
			at := &part.sections[s]
			w.flush(at)
			if w.err == nil && at.done != at.size {
				w.err = fmt.Errorf("columnar: %d bytes of section %d of part %d, where %d were announced", at.done, s, p, at.size)
			}
		}
		if w.err != nil {
			return 0, w.err
		}
		part.finish()
	}
	last := w.layout.parts[len(w.parts)-1]
	if begins := last[beginSection]; last[valueSection].size == 0 { // or the file would end before the place of what is empty
		end := begins.at + begins.size
		if _, err := w.f.WriteAt(make([]byte, w.layout.size-end), end); err != nil {
			return 0, err
		}
	}
	index := appendIndex(nil, &w.header, w.sums)
	if _, err := w.f.WriteAt(append(appendHeader(nil, &w.header, w.layout.size, index), index...), 0); err != nil {
		return 0, err
	}
	return w.layout.size, nil
}

// finish counts what rows have.
func (part *partWriter) finish() {
	f := part.facts
	if f.Values == 0 {
		f.ValueMin, f.ValueMax = 0, 0
	}
	if f.Rows > 0 {
		f.RowMin = math.MaxUint64
	}
	for _, n := range part.perRow {
		if n == 0 {
			f.EmptyRows++
		}
		f.RowMin, f.RowMax = min(f.RowMin, uint64(n)), max(f.RowMax, uint64(n))
	}
}
