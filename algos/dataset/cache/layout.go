package cache

import (
	"encoding/binary"
	"hash/crc32"
	"math"
)

const (
	magic      = "ptmcache"
	version    = 1      // of the layout: one more for any change to it or to the meaning of a field
	order      = 0x0102 // the numbers in sections are little endian
	headerSize = 64
	alignment  = 64
	blockSize  = 1 << 20

	// maxSize is more than any file has, and sums of a few such numbers are far from
	// overflow.
	maxSize = 1 << 56
)

// castagnoli is the polynomial that processors compute by themselves.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// header is the first 64 bytes of a file.
type header struct {
	version, order uint16
	key            Key
	sections       uint32 // meta among them
	size           uint64 // of the file
	index          uint32 // checksum of what is between the header and the body
}

func (h *header) append(b []byte) []byte {
	at := len(b)
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint16(b, h.version)
	b = binary.LittleEndian.AppendUint16(b, h.order)
	b = append(b, h.key[:]...)
	b = binary.LittleEndian.AppendUint32(b, h.sections)
	b = binary.LittleEndian.AppendUint64(b, h.size)
	b = binary.LittleEndian.AppendUint32(b, h.index)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[at:], castagnoli))
}

// parse reads a header of 64 bytes. It returns what is wrong with it, "" if
// nothing is.
func (h *header) parse(b []byte) (damage string) {
	sum := binary.LittleEndian.Uint32(b[60:])
	switch {
	case string(b[:8]) != magic:
		return "it does not begin as a cache does"
	case crc32.Checksum(b[:60], castagnoli) != sum:
		return "the checksum of the header is wrong"
	}
	h.version = binary.LittleEndian.Uint16(b[8:])
	h.order = binary.LittleEndian.Uint16(b[10:])
	copy(h.key[:], b[12:])
	h.sections = binary.LittleEndian.Uint32(b[44:])
	h.size = binary.LittleEndian.Uint64(b[48:])
	h.index = binary.LittleEndian.Uint32(b[56:])
	return ""
}

// layout is where everything is in a file. It follows from the lengths of the
// sections.
type layout struct {
	lengths []int64 // of the sections, meta first
	at      []int64 // of the file: where each begins
	blocks  int64
	body    int64 // where the blocks begin
	size    int64 // of the file
}

// layoutOf is false where lengths are negative or too large.
func layoutOf(lengths []int64) (layout, bool) {
	l := layout{lengths: lengths, at: make([]int64, len(lengths))}
	if int64(len(lengths)) > math.MaxUint32 {
		return l, false
	}
	n := int64(0) // bytes of the body so far
	for i, length := range lengths {
		l.at[i] = aligned(n)
		if length < 0 || length > maxSize-l.at[i] {
			return l, false
		}
		n = l.at[i] + length
	}
	l.blocks = (n + blockSize - 1) / blockSize
	l.body = aligned(headerSize + 8*int64(len(lengths)) + 4*l.blocks)
	l.size = l.body + n
	for i := range l.at {
		l.at[i] += l.body
	}
	return l, true
}

func aligned(n int64) int64 { return (n + alignment - 1) &^ (alignment - 1) }

// appendIndex appends what is between the header and the body.
func (l *layout) appendIndex(b []byte, sums []uint32) []byte {
	at := len(b)
	for _, length := range l.lengths {
		b = binary.LittleEndian.AppendUint64(b, uint64(length))
	}
	for _, sum := range sums {
		b = binary.LittleEndian.AppendUint32(b, sum)
	}
	return append(b, make([]byte, l.body-headerSize-int64(len(b)-at))...)
}

// block is the bytes [from, to) of the file that are block k.
func (l *layout) block(k int64) (from, to int64) {
	from = l.body + k*blockSize
	return from, min(from+blockSize, l.size)
}

// sum is the checksum of block k that the file b holds.
func (l *layout) sum(b []byte, k int64) uint32 {
	return binary.LittleEndian.Uint32(b[headerSize+8*int64(len(l.lengths))+4*k:])
}
