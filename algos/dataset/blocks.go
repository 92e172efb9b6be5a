package dataset

import (
	"bytes"
	"io"
)

const (
	// blockSize is the bytes of a block but the first, if no line needs more. Blocks
	// are parsed on different processors.
	blockSize = 128 << 10

	// freeBlocks is how many blocks are kept to be used again.
	freeBlocks = 4 << 20 / blockSize
)

// blockReader cuts a stream into passages. It reads no more of the stream than the lines
// that are asked for need, so that who types them need not go on to be answered; and
// what it has read is not moved, but for a line that a block has no room for.
type blockReader struct {
	r      io.Reader
	block  []byte // padding bytes longer than what is read into it
	lo, hi int    // block[lo:hi] is read and not yet taken
	off    int64  // stream offset of block[lo]
	lines  int64  // taken
	err    error  // why r gives no more; io.EOF at its end
	free   [][]byte
}

// passage is some whole lines of a file, in a block. The last one may end with the file.
type passage struct {
	text   []byte // the lines, and padding bytes of whatever is behind them
	n      int    // bytes of lines
	lines  int
	off    int64  // of the first line in the file
	before int64  // lines of the file before them
	sealed []byte // the block, if nothing will be written to it any more

	layout *layout // of the file
	path   string
	file   int

	parser   *parser // who has parsed it; what it found:
	piece    *piece  // nil without rows
	top      place   // of the largest LIBSVM index
	fault    *fault  // in the line at byte bad, which has badLines lines of the passage before it
	bad      int
	badLines int64
}

// enter goes on with another stream. What is left of the one before is dropped.
func (b *blockReader) enter(r io.Reader) {
	b.r, b.off, b.lines, b.err = r, 0, 0, nil
	b.lo = b.hi
}

// take returns the next lines, at most most (from 1) of them and no more than are in
// one block. The error is io.EOF after the last line, errLongLine, or the stream's:
// then the part of a line that came before it is not returned.
func (b *blockReader) take(most int) (*passage, error) {
	lines, at, from := 0, b.lo, b.lo // where the lines end, and where to look for the next end
	for {
		for lines < most {
			k := bytes.IndexByte(b.block[from:b.hi], '\n')
			if k < 0 {
				from = b.hi
				break
			}
			from += k + 1
			at = from
			lines++
		}
		switch {
		case lines == most:
			return b.cut(at, lines), nil
		case b.err == io.EOF && at < b.hi:
			b.block[b.hi] = '\n' // in place of what was there before
			return b.cut(b.hi, lines+1), nil
		case lines > 0 && (b.err != nil || b.hi-at > maxLine):
			return b.cut(at, lines), nil
		case b.err != nil:
			return nil, b.err
		case b.hi-at > maxLine:
			return nil, errLongLine
		case b.hi < len(b.block)-padding:
			b.fill()
		case lines > 0:
			s := b.cut(at, lines)
			s.sealed = b.block
			b.renew()
			return s, nil
		default:
			b.renew()
			at, from = 0, b.hi
		}
	}
}

// cut takes the lines up to block[at].
func (b *blockReader) cut(at, lines int) *passage {
	s := &passage{text: b.block[b.lo : at+padding], n: at - b.lo, lines: lines, off: b.off, before: b.lines}
	b.lo = at
	b.off += int64(s.n)
	b.lines += int64(lines)
	return s
}

// renew moves what is not taken yet to another block, which has room behind it.
func (b *blockReader) renew() {
	rest := b.block[b.lo:b.hi]
	size := blockSize
	if b.block == nil {
		size = firstBuffer
	}
	// One byte more than the longest line and its end shows that a line is too long.
	size = max(size, min(2*len(rest), maxLine+2)+padding)
	if n := len(b.free) - 1; n >= 0 && len(b.free[n]) >= size {
		b.block, b.free = b.free[n], b.free[:n]
	} else {
		b.block = make([]byte, size)
	}
	b.lo, b.hi = 0, copy(b.block, rest)
}

// recycle takes a block back whose passages are not needed any more.
func (b *blockReader) recycle(block []byte) {
	if len(block) == blockSize && len(b.free) < freeBlocks {
		b.free = append(b.free, block)
	}
}

// fill reads more bytes to where the block has room, or sets err.
func (b *blockReader) fill() {
	for range 100 {
		n, err := b.r.Read(b.block[b.hi : len(b.block)-padding])
		b.hi += n
		b.err = err
		if n > 0 || err != nil {
			return
		}
	}
	b.err = io.ErrNoProgress
}
