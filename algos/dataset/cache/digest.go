package cache

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
)

// ChunkSize is the bytes of a chunk of [Sum] and [Hasher]; the last has fewer.
const ChunkSize = 1 << 20

// Hasher makes the digest of a content that is read in chunks, in any order.
type Hasher struct {
	chunks []chunk
}

type chunk struct {
	sum [sha256.Size]byte
	n   int // bytes; 0 until they are put
}

// NewHasher is for a content of that many chunks.
func NewHasher(chunks int) *Hasher { return &Hasher{make([]chunk, chunks)} }

// Put takes the k-th chunk. Goroutines may put different chunks at once.
func (h *Hasher) Put(k int, b []byte) { h.chunks[k] = chunk{sha256.Sum256(b), len(b)} }

// Sum is the digest of the chunks: the SHA-256 of the SHA-256 of each, in order. It
// is an error if one is missing or has not the bytes of a chunk.
func (h *Hasher) Sum() ([sha256.Size]byte, error) {
	whole := sha256.New()
	for k, c := range h.chunks {
		if last := k == len(h.chunks)-1; c.n == 0 || c.n > ChunkSize || c.n < ChunkSize && !last {
			return [sha256.Size]byte{}, fmt.Errorf("cache: chunk %d of %d has %d bytes", k, len(h.chunks), c.n)
		}
		whole.Write(c.sum[:])
	}
	return [sha256.Size]byte(whole.Sum(nil)), nil
}

// Sum is the digest that a [Hasher] makes of bytes [from, to), which are read on all
// processors. A content that ends before is an [io.ErrUnexpectedEOF].
func Sum(r io.ReaderAt, from, to int64) ([sha256.Size]byte, error) {
	none := [sha256.Size]byte{}
	if from < 0 || to < from {
		return none, fmt.Errorf("cache: the digest of bytes %d to %d", from, to)
	}
	if to > from { // before memory is taken for as many chunks
		if err := readFull(r, make([]byte, 1), to-1); err != nil {
			return none, err
		}
	}
	chunks := int((to - from + ChunkSize - 1) / ChunkSize)
	h := NewHasher(chunks)
	var next atomic.Int64
	errs := make([]error, min(runtime.GOMAXPROCS(0), chunks))
	var wg sync.WaitGroup
	for w := range errs {
		wg.Go(func() {
			buf := make([]byte, ChunkSize)
			for k := int(next.Add(1) - 1); k < chunks; k = int(next.Add(1) - 1) {
				at := from + int64(k)*ChunkSize
				b := buf[:min(ChunkSize, to-at)]
				if errs[w] = readFull(r, b, at); errs[w] != nil {
					next.Store(int64(chunks)) // the others need not go on
					return
				}
				h.Put(k, b)
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return none, err
		}
	}
	return h.Sum()
}

// readFull fills b with what r has at that offset.
func readFull(r io.ReaderAt, b []byte, at int64) error {
	n, err := r.ReadAt(b, at)
	switch {
	case n == len(b):
		return nil
	case err == nil || errors.Is(err, io.EOF):
		return fmt.Errorf("cache: it ends at byte %d: %w", at+int64(n), io.ErrUnexpectedEOF)
	}
	return fmt.Errorf("cache: %w", err)
}
