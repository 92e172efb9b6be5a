package columnar

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"

	"petuum/algos/dataset/cache"
)

const (
	magic      = "ptmcolum"
	byRows     = 1 // versions: parts are ranges of rows
	byColumns  = 2 // parts are ranges of columns
	order      = 0x0102
	headerSize = 64
	partSize   = 64 // of a part in the index
	alignment  = 64
	blockSize  = 256 << 10

	// MaxParts bounds the parts of a file.
	MaxParts = 1 << 16
	// MaxColumns bounds its columns, and what it has of values: sums of a few such
	// numbers of bytes are far from overflow.
	MaxColumns = 1 << 40
	maxValues  = 1 << 48
)

// castagnoli is the polynomial that processors compute by themselves.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Header is what a file says of itself.
type Header struct {
	Columns uint64
	Base    int // index of column 0 in LIBSVM, 0 or 1
	Parts   []Facts

	// ByColumns says that part p of P has the columns from Columns*p/P to Columns*(p+1)/P of
	// all rows, and not all columns of some rows.
	ByColumns bool
}

// Range is the columns of part p, from first up to end.
func (h *Header) Range(p int) (first, end uint64) {
	if !h.ByColumns {
		return 0, h.Columns
	}
	parts := uint64(len(h.Parts))
	return h.Columns * uint64(p) / parts, h.Columns * uint64(p+1) / parts // far from overflow
}

// Facts are what a file says of a part. A Writer finds out all but Rows and Values.
type Facts struct {
	Rows, Values       uint64
	EmptyRows          uint64  // without a value; in any part where parts are by columns
	RowMin, RowMax     uint64  // fewest and most values of a row; likewise of all its parts
	ValueMin, ValueMax float64 // 0 without values
}

// Rows is the number of rows of all parts, which are the same ones in each where they are
// by columns.
func (h *Header) Rows() (n uint64) {
	if h.ByColumns && len(h.Parts) > 0 {
		return h.Parts[0].Rows
	}
	for _, p := range h.Parts {
		n += p.Rows
	}
	return n
}

// Values is the number of values of all parts.
func (h *Header) Values() (n uint64) {
	for _, p := range h.Parts {
		n += p.Values
	}
	return n
}

// The sections of a part.
const (
	labelSection = iota
	beginSection
	rowSection
	valueSection
	sectionCount
)

// section is a place in the file.
type section struct {
	at, size int64
	block    int64 // its first block
}

// layout is where everything is. It follows from the header.
type layout struct {
	parts  [][sectionCount]section
	blocks int64
	index  int64 // bytes of the index without its zeros
	size   int64 // of the file
}

// narrow says whether row numbers are uint16.
func (f Facts) narrow() bool { return f.Rows <= 1<<16 }

// layoutOf returns what is wrong with a header, "" if nothing is.
func layoutOf(h *Header) (l layout, wrong string) {
	switch {
	case len(h.Parts) < 1 || len(h.Parts) > MaxParts:
		return l, fmt.Sprintf("%d parts: want 1 to %d", len(h.Parts), MaxParts)
	case h.Columns > MaxColumns:
		return l, fmt.Sprintf("%d columns: want at most %d", h.Columns, uint64(MaxColumns))
	case h.Base != 0 && h.Base != 1:
		return l, fmt.Sprintf("base %d: want 0 or 1", h.Base)
	}
	l.parts = make([][sectionCount]section, len(h.Parts))
	for p, f := range h.Parts {
		if f.Rows >= math.MaxUint32 || f.Values > maxValues {
			return l, fmt.Sprintf("%d rows and %d values in part %d: want less than 2^32-1 and at most 2^48", f.Rows, f.Values, p)
		}
		if h.ByColumns && f.Rows != h.Parts[0].Rows {
			return l, fmt.Sprintf("%d rows in part %d and %d in part 0: want the same in all parts by columns", f.Rows, p, h.Parts[0].Rows)
		}
		width := int64(4)
		if f.narrow() {
			width = 2
		}
		first, end := h.Range(p)
		sizes := [sectionCount]int64{8 * int64(f.Rows), 8 * (int64(end-first) + 1), width * int64(f.Values), 4 * int64(f.Values)}
		if h.ByColumns && p > 0 {
			sizes[labelSection] = 0 // they are those of part 0
		}
		for s, size := range sizes {
			l.parts[p][s] = section{size: size, block: l.blocks}
			l.blocks += (size + blockSize - 1) / blockSize
		}
	}
	l.index = partSize*int64(len(h.Parts)) + 4*l.blocks
	l.size = headerSize + l.index
	for p := range l.parts {
		align := int64(cache.MapAlignment)
		for s := range l.parts[p] {
			at := &l.parts[p][s]
			at.at = aligned(l.size, align)
			l.size = at.at + at.size
			align = alignment
		}
		if l.size > 1<<56 {
			return l, "too large for a file"
		}
	}
	return l, ""
}

func aligned(n, to int64) int64 { return (n + to - 1) / to * to }

// appendHeader appends the first bytes of a file; index is what follows.
func appendHeader(b []byte, h *Header, size int64, index []byte) []byte {
	at := len(b)
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint16(b, h.version())
	b = binary.LittleEndian.AppendUint16(b, order)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(h.Parts)))
	b = binary.LittleEndian.AppendUint32(b, uint32(h.Base))
	b = binary.LittleEndian.AppendUint32(b, 0)
	for _, n := range []uint64{h.Rows(), h.Columns, h.Values(), uint64(size)} {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(index, castagnoli))
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[at:], castagnoli))
}

// version is that of the format. Parts by rows remain what all releases read.
func (h *Header) version() uint16 {
	if h.ByColumns {
		return byColumns
	}
	return byRows
}

// appendIndex appends the parts and the checksums of blocks.
func appendIndex(b []byte, h *Header, sums []uint32) []byte {
	for _, f := range h.Parts {
		for _, n := range []uint64{f.Rows, f.Values, f.EmptyRows, f.RowMin, f.RowMax, math.Float64bits(f.ValueMin), math.Float64bits(f.ValueMax), 0} {
			b = binary.LittleEndian.AppendUint64(b, n)
		}
	}
	for _, sum := range sums {
		b = binary.LittleEndian.AppendUint32(b, sum)
	}
	return b
}

// head is the header as its bytes say it.
type head struct {
	version               uint16
	parts, base           uint32
	rows, columns, values uint64
	size                  uint64
	index                 uint32
}

// parse reads a header of 64 bytes and returns what is wrong with it, "" if nothing
// is.
func (h *head) parse(b []byte) (wrong string) {
	if string(b[:8]) != magic {
		return "it does not begin as a binary file does"
	}
	if crc32.Checksum(b[:60], castagnoli) != binary.LittleEndian.Uint32(b[60:]) {
		return "the checksum of the header is wrong"
	}
	if h.version = binary.LittleEndian.Uint16(b[8:]); h.version != byRows && h.version != byColumns {
		return fmt.Sprintf("it is of version %d of the format, this release reads versions %d and %d", h.version, byRows, byColumns)
	}
	if binary.LittleEndian.Uint16(b[10:]) != order {
		return "its numbers have another order of bytes"
	}
	h.parts, h.base = binary.LittleEndian.Uint32(b[12:]), binary.LittleEndian.Uint32(b[16:])
	for i, n := range []*uint64{&h.rows, &h.columns, &h.values, &h.size} {
		*n = binary.LittleEndian.Uint64(b[24+8*i:])
	}
	h.index = binary.LittleEndian.Uint32(b[56:])
	if h.parts < 1 || h.parts > MaxParts {
		return fmt.Sprintf("it says that it has %d parts", h.parts)
	}
	return ""
}

// parseParts reads the parts of an index, which are parts of h.
func (h *head) parseParts(b []byte) (header Header, l layout, wrong string) {
	header = Header{Columns: h.columns, Base: int(h.base), Parts: make([]Facts, h.parts), ByColumns: h.version == byColumns}
	for p := range header.Parts {
		at := func(i int) uint64 { return binary.LittleEndian.Uint64(b[partSize*p+8*i:]) }
		header.Parts[p] = Facts{at(0), at(1), at(2), at(3), at(4), math.Float64frombits(at(5)), math.Float64frombits(at(6))}
	}
	if l, wrong = layoutOf(&header); wrong != "" {
		return header, l, wrong
	}
	if header.Rows() != h.rows || header.Values() != h.values || uint64(l.size) != h.size {
		return header, l, fmt.Sprintf("its parts do not make %d rows, %d values and %d bytes", h.rows, h.values, h.size)
	}
	return header, l, ""
}
