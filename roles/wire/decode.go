package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"time"

	"github.com/klauspost/compress/zstd"
)

const (
	readBuffer = 64 << 10 // of the socket; a frame that fits is handled where it lies
	growStep   = 1 << 20  // most that is allocated before a byte of a body has come
	keepBuffer = 16 << 20 // larger buffers are given back after use
	timedFrom  = 4 << 10  // shorter frames are decoded without looking at the clock

	// A block of zstd holds at most 128 KiB and takes at least 4 bytes, so
	// that no honest frame announces more than this many bytes for each one.
	maxRatio = 128 << 10 / 4
)

// A decoder reads frames. It belongs to the goroutine of Serve.
type decoder struct {
	br   *bufio.Reader
	max  int             // longest body, as sent and decoded
	know func(Kind) bool // which of the application's kinds are accepted; nil: all

	body []byte // of a frame longer than br's buffer
	raw  []byte // decompressed
	held int    // bytes of br that the last frame still occupies
	zstd *zstd.Decoder

	moving, coding, unpacking time.Duration // of the last frame; unpacking is part of coding
}

// A frame is one as received. Its body is valid until the next call of next.
type frame struct {
	kind    Kind
	body    []byte // decoded
	encoded int    // length of the body as sent
	size    int    // and of the header
	packed  bool   // it was compressed
}

// next reads, checks and decodes one frame. Its error wraps one of the
// package's.
func (d *decoder) next() (frame, error) {
	if err := d.release(); err != nil {
		return frame{}, readError(err, false)
	}
	d.moving, d.coding, d.unpacking = 0, 0, 0
	h, err := d.header()
	if err != nil {
		return frame{}, err
	}
	body, err := d.read(h)
	if err != nil {
		return frame{}, err
	}
	if err := d.check(h); err != nil {
		return frame{}, err
	}
	f := frame{kind: h.kind, body: body, encoded: len(body), size: h.size() + len(body), packed: h.flags&flagZstd != 0}
	if f.packed {
		start := time.Now()
		f.body, err = d.unpack(body, int(h.raw))
		d.unpacking = time.Since(start)
		d.coding += d.unpacking
	}
	return f, err
}

// release gives up what the last frame occupied.
func (d *decoder) release() error {
	held := d.held
	d.held = 0
	if cap(d.body) > keepBuffer {
		d.body = nil
	}
	if cap(d.raw) > keepBuffer {
		d.raw = nil
	}
	_, err := d.br.Discard(held)
	return err
}

// header reads a header and leaves it in br. It checks the lengths, for they
// are used before the checksum can be known; the rest is left to check.
func (d *decoder) header() (header, error) {
	if _, err := d.br.Peek(1); err != nil { // here a connection idles
		return header{}, readError(err, false)
	}
	b, err := d.peek(plainHeader)
	if err != nil {
		return header{}, readError(err, true)
	}
	h := parseHeader(b)
	if int64(h.length) > int64(d.max) {
		return h, fmt.Errorf("%w: %d bytes of kind %d are announced, at most %d are accepted", ErrTooLarge, h.length, h.kind, d.max)
	}
	if h.flags&flagZstd == 0 {
		return h, nil
	}
	if b, err = d.peek(zstdHeader); err != nil {
		return h, readError(err, true)
	}
	h.raw = binary.LittleEndian.Uint32(b[atRaw:])
	if int64(h.raw) > int64(d.max) {
		return h, fmt.Errorf("%w: %d bytes decoded of kind %d are announced, at most %d are accepted", ErrTooLarge, h.raw, h.kind, d.max)
	}
	return h, nil
}

// peek is br.Peek, timed if it has to wait.
func (d *decoder) peek(n int) ([]byte, error) {
	if d.br.Buffered() >= n {
		return d.br.Peek(n)
	}
	start := time.Now()
	b, err := d.br.Peek(n)
	d.moving += time.Since(start)
	return b, err
}

// read returns the body as sent, with its checksum verified. A frame that fits
// in br's buffer stays there; a longer one is copied to a buffer that grows
// with the bytes that come.
func (d *decoder) read(h header) ([]byte, error) {
	size, length := h.size(), int(h.length)
	if total := size + length; total <= d.br.Size() {
		b, err := d.peek(total)
		if err != nil {
			return nil, readError(err, true)
		}
		d.held = total
		return b[size:], d.verify(h, crc32.Update(0, castagnoli, b[atLength:size]), b[size:])
	}
	b, err := d.peek(size)
	if err != nil {
		return nil, readError(err, true)
	}
	sum := crc32.Update(0, castagnoli, b[atLength:size])
	if _, err := d.br.Discard(size); err != nil {
		return nil, readError(err, true)
	}
	start := time.Now()
	d.body = d.body[:0]
	for len(d.body) < length {
		have := len(d.body)
		end := min(length, have+growStep)
		d.body = grow(d.body, end, length)[:end]
		if _, err := io.ReadFull(d.br, d.body[have:]); err != nil {
			return nil, readError(err, true)
		}
	}
	d.moving += time.Since(start)
	return d.body, d.verify(h, sum, d.body)
}

// grow returns b with room for need bytes. The room doubles, but not beyond
// most, so that what is allocated is at most growStep or twice what is there.
func grow(b []byte, need, most int) []byte {
	if cap(b) >= need {
		return b
	}
	c := make([]byte, len(b), max(need, min(most, 2*cap(b))))
	copy(c, b)
	return c
}

// verify compares the checksum of a frame, given that of its header.
func (d *decoder) verify(h header, sum uint32, body []byte) error {
	if len(body) < timedFrom {
		sum = crc32.Update(sum, castagnoli, body)
	} else {
		start := time.Now()
		sum = crc32.Update(sum, castagnoli, body)
		d.coding += time.Since(start)
	}
	if sum != h.sum {
		return fmt.Errorf("%w: of %d bytes of kind %d: got %08x, announced %08x", ErrChecksum, h.length, h.kind, sum, h.sum)
	}
	return nil
}

// check reports a header that is whole and yet not acceptable.
func (d *decoder) check(h header) error {
	if h.flags&^flagZstd != 0 {
		return fmt.Errorf("%w: kind %d with unknown flags %#x", ErrMalformed, h.kind, h.flags)
	}
	want := uint32(0)
	switch {
	case h.kind >= FirstKind && (d.know == nil || d.know(h.kind)):
		return nil
	case h.kind == kindPing, h.kind == kindPong, h.kind == kindPace:
		want = 8
	case h.kind == kindBye:
	default:
		return fmt.Errorf("%w: %d, with %d bytes", ErrKind, h.kind, h.length)
	}
	if h.flags != 0 || h.length != want {
		return fmt.Errorf("%w: kind %d with %d bytes and flags %#x, want %d bytes", ErrMalformed, h.kind, h.length, h.flags, want)
	}
	return nil
}

// unpack decompresses a body that must come out with exactly raw bytes. The
// buffer is made only after the frame of zstd has said the same length and is
// long enough that it could be true.
func (d *decoder) unpack(packed []byte, raw int) ([]byte, error) {
	var z zstd.Header
	if err := z.Decode(packed); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCompressed, err)
	}
	if !z.HasFCS || z.FrameContentSize != uint64(raw) {
		return nil, fmt.Errorf("%w: %d bytes are announced, zstd says %d", ErrCompressed, raw, z.FrameContentSize)
	}
	if raw/maxRatio > len(packed) {
		return nil, fmt.Errorf("%w: %d bytes cannot hold the %d announced", ErrCompressed, len(packed), raw)
	}
	if d.zstd == nil {
		// The limit on memory comes after those above and is for what they
		// let through; zstd's smallest window is 1 KiB whatever the body.
		limit := uint64(max(d.max, zstd.MinWindowSize))
		dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(limit), zstd.WithDecodeAllCapLimit(true))
		if err != nil {
			return nil, fmt.Errorf("zstd: %w", err)
		}
		d.zstd = dec
	}
	if room := raw + slack; cap(d.raw) < room {
		d.raw = make([]byte, 0, room)
	}
	out, err := d.zstd.DecodeAll(packed, d.raw[:0:raw+slack])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCompressed, err)
	}
	if len(out) != raw {
		return nil, fmt.Errorf("%w: %d bytes are announced, %d came out", ErrCompressed, raw, len(out))
	}
	return out, nil
}

// slack is the room behind a body in which zstd's fastest copies may overshoot.
const slack = 64

// readError turns an error of the stream into one of the package's; within
// says that it came inside a frame.
func readError(err error, within bool) error {
	class := ErrLost
	if within {
		class = ErrTruncated
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return ErrSilent
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return class
	}
	return fmt.Errorf("%w: %w", class, err)
}
