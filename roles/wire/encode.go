package wire

import (
	"fmt"

	"github.com/klauspost/compress/zstd"
)

const (
	patience = 4  // frames in a row that did not shrink before compression is mostly given up
	retry    = 16 // then every how many frames it is tried again
)

// An encoder turns bodies into frames. It belongs to the writer's goroutine.
// Whether bodies shrink is remembered for each kind by itself, for one kind's
// are often all alike and another's all different.
type encoder struct {
	above  int // compress bodies longer than this; negative: never
	zstd   *zstd.Encoder
	whole  []byte // a body of two pieces
	habits [256]habit
}

// A habit is what is remembered of the bodies of one kind.
type habit struct {
	misses uint8 // tries in a row that did not shrink, up to patience
	passed uint8 // frames let pass since the last try, when misses == patience
}

// tries says whether the next body is to be compressed.
func (h *habit) tries() bool {
	if h.misses < patience {
		return true
	}
	h.passed++
	if h.passed < retry {
		return false
	}
	h.passed = 0
	return true
}

// learn remembers how the try went.
func (h *habit) learn(shrunk bool) {
	switch {
	case shrunk:
		*h = habit{}
	case h.misses < patience:
		h.misses++
	}
}

// shrinks says whether a body that zstd made this long is worth sending so: the
// peer's work of decoding must buy at least one part in 32.
func shrinks(packed, raw int) bool { return packed < raw-raw/32 }

// appendZstd appends the frame of a body in two pieces to dst if it is worth
// compressing, and returns dst as it was with false otherwise.
func (e *encoder) appendZstd(dst []byte, kind Kind, body, tail []byte) ([]byte, bool, error) {
	if e.above < 0 || len(body)+len(tail) <= e.above || !e.habits[kind].tries() {
		return dst, false, nil
	}
	if len(tail) > 0 {
		e.whole = append(append(e.whole[:0], body...), tail...)
		body = e.whole
	}
	if e.zstd == nil {
		z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest),
			zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false), zstd.WithSingleSegment(true))
		if err != nil {
			return dst, false, fmt.Errorf("zstd: %w", err)
		}
		e.zstd = z
	}
	start := len(dst)
	dst = append(dst, make([]byte, zstdHeader)...)
	dst = e.zstd.EncodeAll(body, dst)
	packed := dst[start+zstdHeader:]
	shrunk := shrinks(len(packed), len(body))
	e.habits[kind].learn(shrunk)
	if !shrunk {
		return dst[:start], false, nil
	}
	putZstd(dst[start:start+zstdHeader], kind, packed, len(body))
	return dst, true, nil
}
