package wire

import (
	"encoding/binary"
	"hash/crc32"
)

// Layout of a frame's header; see the picture in the package comment.
const (
	atCRC    = 0
	atLength = 4
	atKind   = 8
	atFlags  = 9
	atRaw    = 10 // only with flagZstd

	plainHeader = 10
	zstdHeader  = 14

	flagZstd = 1
)

// castagnoli is the table that hash/crc32 computes with instructions of the CPU.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendPlain appends the header of an uncompressed frame to dst, whose body is in
// two pieces.
func appendPlain(dst []byte, kind Kind, body, tail []byte) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, plainHeader)...)
	h := dst[start:]
	binary.LittleEndian.PutUint32(h[atLength:], uint32(len(body)+len(tail)))
	h[atKind] = byte(kind)
	seal(h, body, tail)
	return dst
}

// putZstd fills in h, the header of a compressed frame whose body of the given
// raw length has become packed.
func putZstd(h []byte, kind Kind, packed []byte, raw int) {
	binary.LittleEndian.PutUint32(h[atLength:], uint32(len(packed)))
	h[atKind] = byte(kind)
	h[atFlags] = flagZstd
	binary.LittleEndian.PutUint32(h[atRaw:], uint32(raw))
	seal(h, packed, nil)
}

// seal writes the checksum of a header and its body into the header.
func seal(h, body, tail []byte) {
	sum := crc32.Update(0, castagnoli, h[atLength:])
	sum = crc32.Update(sum, castagnoli, body)
	binary.LittleEndian.PutUint32(h[atCRC:], crc32.Update(sum, castagnoli, tail))
}

// A header is a frame's, as announced by the peer and not yet checked.
type header struct {
	sum    uint32
	length uint32 // of the body as sent
	kind   Kind
	flags  uint8
	raw    uint32 // of the body when decoded; set by the caller if flagZstd
}

// parseHeader reads the first plainHeader bytes of b.
func parseHeader(b []byte) header {
	return header{
		sum:    binary.LittleEndian.Uint32(b[atCRC:]),
		length: binary.LittleEndian.Uint32(b[atLength:]),
		kind:   Kind(b[atKind]),
		flags:  b[atFlags],
	}
}

// size is that of the header itself.
func (h header) size() int {
	if h.flags&flagZstd != 0 {
		return zstdHeader
	}
	return plainHeader
}
