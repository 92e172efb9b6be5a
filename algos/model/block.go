package model

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"slices"

	"petuum/table"
)

const (
	magic       = "ptmtable"
	fileVersion = 1
	headerBytes = 28
	headBytes   = 16      // of a block, before its keys
	crcBytes    = 4       // behind a header, block or end mark
	blockValues = 1 << 16 // bytes of values in a block, unless a row is wider
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var (
	errChecksum = errors.New("the checksum does not match")
	errHeader   = errors.New("this is not a table of a model")
)

// appendCRC appends the checksum of b.
func appendCRC(b []byte) []byte {
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// cutCRC returns what is before the checksum at the end of b, if it matches.
func cutCRC(b []byte) ([]byte, error) {
	n := len(b) - crcBytes
	if n < 0 || binary.LittleEndian.Uint32(b[n:]) != crc32.Checksum(b[:n], castagnoli) {
		return nil, errChecksum
	}
	return b[:n], nil
}

// layout is what the binary form of a table depends on.
type layout struct {
	keys  uint64 // key space
	width int
	typ   table.Type
}

func layoutOf(s table.Spec) layout { return layout{s.Keys, max(1, s.Width), s.Type} }

func (l layout) rowBytes() int { return l.width * l.typ.Size() }

// maxRows is the rows of a full block.
func (l layout) maxRows() int { return max(1, blockValues/l.rowBytes()) }

func (l layout) appendHeader(b []byte) []byte {
	b = append(b, magic...)
	b = append(b, fileVersion, byte(l.typ), 0, 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(l.width))
	return appendCRC(binary.LittleEndian.AppendUint64(b, l.keys))
}

// parseHeader reads the header at the begin of a file.
func parseHeader(b []byte) (layout, error) {
	if len(b) != headerBytes || string(b[:len(magic)]) != magic {
		return layout{}, errHeader
	}
	b, err := cutCRC(b)
	if err != nil {
		return layout{}, err
	}
	if b[8] != fileVersion {
		return layout{}, fmt.Errorf("version %d of the format, but this program reads %d", b[8], fileVersion)
	}
	width := binary.LittleEndian.Uint32(b[12:])
	if table.Type(b[9]) > table.Int32 || b[10] != 0 || b[11] != 0 || width == 0 || width > table.MaxWidth {
		return layout{}, errHeader
	}
	return layout{binary.LittleEndian.Uint64(b[16:]), int(width), table.Type(b[9])}, nil
}

// block is some rows of a table.
type block struct {
	first  uint64
	rows   int
	keys   []uint64 // of the rows; empty if they are first, first+1, ...
	values []byte
}

// last is the key of the last row.
func (b *block) last() uint64 {
	if len(b.keys) > 0 {
		return b.keys[b.rows-1]
	}
	return b.first + uint64(b.rows-1)
}

// find returns the row of the key at or behind row from, and whether it is
// there; if not, the row from which on greater keys stand.
func (b *block) find(key uint64, from int) (row int, found bool) {
	if len(b.keys) > 0 {
		// In steps that double, as keys that are asked for together stand together.
		end, step := from, 1
		for end < b.rows && b.keys[end] < key {
			from, end, step = end+1, end+step, 2*step
		}
		row, found = slices.BinarySearch(b.keys[from:min(end+1, b.rows)], key)
		return from + row, found
	}
	if key < b.first {
		return from, false
	}
	if d := key - b.first; d < uint64(b.rows) {
		return int(d), true
	}
	return b.rows, false
}

// copySingles sets values to those of the first keys, and returns of how many: none
// unless the block has consecutive keys and l is of one float64 each, as most models are.
func (b *block) copySingles(values []float64, keys []uint64, l layout) int {
	if len(b.keys) > 0 || l.width != 1 || l.typ != table.Float64 {
		return 0
	}
	for i, key := range keys {
		d := key - b.first // of a smaller key very large
		if d >= uint64(b.rows) {
			return i
		}
		values[i] = math.Float64frombits(binary.LittleEndian.Uint64(b.values[8*d:]))
	}
	return len(keys)
}

// spread gives the block rows of zeros for the keys that it lacks between its first and
// last, unless these are more than it has: find then needs no search.
func (b *block) spread(rowBytes int) {
	n := b.last() - b.first + 1
	if len(b.keys) == 0 || n > 2*uint64(b.rows) {
		return
	}
	values := make([]byte, n*uint64(rowBytes))
	for i, key := range b.keys {
		copy(values[(key-b.first)*uint64(rowBytes):], b.values[i*rowBytes:(i+1)*rowBytes])
	}
	b.rows, b.keys, b.values = int(n), nil, values
}

// head is the first bytes of a block or end mark.
type head struct {
	rows, keyBytes uint32
	first          uint64
}

func appendHead(b []byte, rows, keyBytes int, first uint64) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(rows))
	b = binary.LittleEndian.AppendUint32(b, uint32(keyBytes))
	return binary.LittleEndian.AppendUint64(b, first)
}

// bodyBytes is the bytes of the block behind its head, with the checksum, or an
// error if that cannot be. Nothing else of the head is checked here.
func (l layout) bodyBytes(h head) (int, error) {
	switch {
	case h.rows == 0 && h.keyBytes == 0:
		return crcBytes, nil
	case uint64(h.rows) > uint64(l.maxRows()):
		return 0, fmt.Errorf("a block of %d rows, where %d fit", h.rows, l.maxRows())
	case uint64(h.keyBytes) > binary.MaxVarintLen64*uint64(max(h.rows, 1)-1):
		return 0, fmt.Errorf("a block with %d bytes of keys for %d rows", h.keyBytes, h.rows)
	}
	return int(h.keyBytes) + int(h.rows)*l.rowBytes() + crcBytes, nil
}

func parseHead(b []byte) head {
	return head{binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint64(b[8:])}
}

// parse reads a whole block into out, whose keys are reused and whose values
// share raw. An end mark is a block of no rows, with first the rows of all.
func (l layout) parse(raw []byte, out *block) error {
	b, err := cutCRC(raw)
	if err != nil {
		return err
	}
	if len(b) < headBytes {
		return errChecksum
	}
	h := parseHead(b)
	n, err := l.bodyBytes(h)
	if err != nil {
		return err
	}
	if len(raw) != headBytes+n {
		return fmt.Errorf("a block of %d bytes where %d are said", len(raw), headBytes+n)
	}
	out.rows, out.first = int(h.rows), h.first
	keys := b[headBytes : headBytes+int(h.keyBytes)]
	out.keys, out.values = out.keys[:0], b[headBytes+len(keys):]
	if h.rows == 0 {
		return nil
	}
	if h.first >= l.keys || len(keys) == 0 && uint64(h.rows) > l.keys-h.first {
		return fmt.Errorf("keys from %d on in a key space of %d", h.first, l.keys)
	}
	if len(keys) == 0 {
		return nil
	}
	return l.parseKeys(keys, out)
}

// parseKeys reads the distances of a block's keys.
func (l layout) parseKeys(b []byte, out *block) error {
	key := out.first
	out.keys = append(out.keys, key)
	for len(out.keys) < out.rows {
		gap, n := binary.Uvarint(b)
		if n <= 0 {
			return errors.New("the keys of a block are malformed")
		}
		if gap >= l.keys-key-1 {
			return fmt.Errorf("a key behind %d is beyond the key space of %d", key, l.keys)
		}
		key += gap + 1
		out.keys, b = append(out.keys, key), b[n:]
	}
	if len(b) > 0 {
		return errors.New("a block has more bytes of keys than rows")
	}
	return nil
}

// index is where the blocks of a file are: 16 bytes each.
type index struct {
	first []uint64 // key of each block
	at    []int64  // byte of each block, and of the end mark
	rows  uint64
}

// find returns the block that may have key; -1 if all keys are greater.
func (x *index) find(key uint64) int {
	k, found := slices.BinarySearch(x.first, key)
	if found {
		return k
	}
	return k - 1
}

// next is the first key of the block after k, or the largest number.
func (x *index) next(k int) uint64 {
	if k+1 < len(x.first) {
		return x.first[k+1]
	}
	return math.MaxUint64
}

// readIndex reads a whole file and checks all of it. Its memory is one block and
// the index, whatever the file says.
func readIndex(r io.Reader) (layout, index, error) {
	buf := make([]byte, headerBytes)
	if _, err := io.ReadFull(r, buf); err != nil {
		return layout{}, index{}, short(err)
	}
	l, err := parseHeader(buf)
	if err != nil {
		return layout{}, index{}, err
	}
	var (
		x    index
		b    block
		last uint64
	)
	for at := int64(headerBytes); ; at += int64(len(buf)) {
		if buf, err = l.readBlock(r, buf); err == nil {
			err = l.parse(buf, &b)
		}
		if err == nil && b.rows > 0 && len(x.first) > 0 && b.first <= last {
			err = fmt.Errorf("key %d comes after key %d", b.first, last)
		}
		if err != nil {
			return layout{}, index{}, fmt.Errorf("byte %d: %w", at, err)
		}
		x.at = append(x.at, at)
		if b.rows == 0 {
			break
		}
		x.first, x.rows, last = append(x.first, b.first), x.rows+uint64(b.rows), b.last()
	}
	if b.first != x.rows {
		return layout{}, index{}, fmt.Errorf("there are %d rows, but the end mark says %d", x.rows, b.first)
	}
	if n, err := io.ReadFull(r, buf[:1]); n > 0 {
		return layout{}, index{}, errors.New("there is more behind the end mark")
	} else if err != io.EOF {
		return layout{}, index{}, err
	}
	return l, x, nil
}

// readBlock reads the next block, not checked, into buf.
func (l layout) readBlock(r io.Reader, buf []byte) ([]byte, error) {
	buf = slices.Grow(buf[:0], headBytes)[:headBytes]
	if _, err := io.ReadFull(r, buf); err != nil {
		return nil, short(err)
	}
	n, err := l.bodyBytes(parseHead(buf))
	if err != nil {
		return nil, err
	}
	buf = slices.Grow(buf, n)[:headBytes+n]
	if _, err := io.ReadFull(r, buf[headBytes:]); err != nil {
		return nil, short(err)
	}
	return buf, nil
}

// short says in words that a file ended in the middle.
func short(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return errors.New("the file is cut short")
	}
	return err
}
