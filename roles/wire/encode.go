package wire

import (
	"fmt"
	"time"

	"github.com/klauspost/compress/zstd"
)

// An encoder turns bodies into frames. It belongs to the writer's goroutine.
// Whether compressing pays is decided for each kind by itself, for one kind's
// bodies are often all alike and another's all different.
type encoder struct {
	above  int // compress bodies longer than this; negative: never
	zstd   *zstd.Encoder
	whole  []byte // a body of two pieces
	probed []byte // what came of a probe
	habits [256]habit
}

// shrinks says whether a body that zstd made this long is worth sending so: the
// peer's work of decoding must buy at least one part in 32.
func shrinks(packed, raw int) bool { return packed < raw-raw/32 }

// mayCompress says whether a body of n bytes could go compressed.
func mayCompress(above int, how Compression, pace pace, n int) bool {
	return above >= 0 && n > above && (how == Zstd || how == Auto && pace.slow())
}

// appendZstd appends the frame of a body in two pieces to dst if it is to be
// compressed and shrinks, and returns dst as it was with false otherwise. pace is
// what the peer has told.
func (e *encoder) appendZstd(dst []byte, how Compression, pace pace, kind Kind, body, tail []byte) ([]byte, bool, error) {
	if !mayCompress(e.above, how, pace, len(body)+len(tail)) {
		return dst, false, nil
	}
	if err := e.begin(); err != nil {
		return dst, false, err
	}
	h := &e.habits[kind]
	if how == Auto && !e.wants(h, pace, body, tail) {
		return dst, false, nil
	}
	began := time.Now()
	if len(tail) > 0 {
		e.whole = append(append(e.whole[:0], body...), tail...)
		body = e.whole
	}
	start := len(dst)
	dst = append(dst, make([]byte, zstdHeader)...)
	dst = e.zstd.EncodeAll(body, dst)
	packed := dst[start+zstdHeader:]
	shrunk := shrinks(len(packed), len(body))
	if shrunk {
		putZstd(dst[start:start+zstdHeader], kind, packed, len(body))
	} else {
		dst, packed = dst[:start], body
	}
	if how == Auto {
		h.learn(pace, trial{int64(len(body)), int64(len(packed)), int64(time.Since(began))})
	}
	if cap(e.whole) > keepBuffer {
		e.whole = nil
	}
	return dst, shrunk, nil
}

// begin makes the compressor when it is needed first.
//
// Literals are entropy coded even where zstd finds no matches, which is what the
// bytes of numbers are like: skewed and without repetition. Of 1 MiB it makes, of
// bytes of a 1-byte quantised Gaussian 0.89 and of varint gaps 0.73 where the
// fastest level makes 1.00 by itself, and 0.93 of float32 noise; it costs 1.5 to 2.5
// ns a byte more to encode, 1 ns to decode, and 0.8 ns for bytes that are evenly
// spread. The high bytes of bfloat16 shrink to 0.41 either way. See BenchmarkZstd.
func (e *encoder) begin() error {
	if e.zstd != nil {
		return nil
	}
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithAllLitEntropyCompression(true),
		zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false), zstd.WithSingleSegment(true))
	if err != nil {
		return fmt.Errorf("zstd: %w", err)
	}
	z.EncodeAll(make([]byte, 1<<10), nil) // the first time makes its tables, which is not to be measured
	e.zstd = z
	return nil
}

// A probe compresses pieces that are spread evenly over a body, for a body may hold
// one plane of bytes after the other. The fastest piece says what it costs: in the
// middle of another this process may not have run.
const (
	probePieces = 4
	probePiece  = 8 << 10
)

// wants says whether the next body of a kind is to be compressed, and probes it if
// that is due.
func (e *encoder) wants(h *habit, p pace, body, tail []byte) bool {
	if h.packing {
		return h.goesOn(p)
	}
	if !h.due(p, int64(len(body)+len(tail))) {
		return false
	}
	if len(tail) > len(body) {
		body = tail
	}
	size, pieces := len(body), 1
	if size > probePieces*probePiece {
		size, pieces = probePiece, probePieces
	}
	t := trial{raw: int64(size * pieces)}
	for i := range pieces {
		from := (len(body) - size) * i / max(1, pieces-1)
		began := time.Now()
		e.probed = e.zstd.EncodeAll(body[from:from+size], e.probed[:0])
		took := int64(time.Since(began)) * int64(pieces)
		t.packed += int64(len(e.probed))
		if i == 0 || took < t.nanos {
			t.nanos = took
		}
	}
	return h.probe(p, t)
}
