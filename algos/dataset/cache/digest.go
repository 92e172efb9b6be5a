package cache

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
)

// Digest is the SHA-256 of bytes [From, To) of a file.
type Digest struct {
	From, To int64
	Sum      [sha256.Size]byte
}

// DigestOf is the digest of b, which stands at byte from of its file.
func DigestOf(b []byte, from int64) Digest {
	return Digest{from, from + int64(len(b)), sha256.Sum256(b)}
}

// DigestFile is the digest of the first bytes of a file.
func DigestFile(path string, bytes int64) (Digest, error) {
	f, err := os.Open(path)
	if err != nil {
		return Digest{}, fmt.Errorf("cache: %w", err)
	}
	defer f.Close()
	sum, err := sumOf(f, 0, bytes)
	if err != nil {
		return Digest{}, fmt.Errorf("cache: %s: %w", path, err)
	}
	return Digest{0, bytes, sum}, nil
}

// Unchanged returns an error unless a file still has the bytes of all digests, which
// it reads on all processors.
func Unchanged(path string, digests []Digest) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("cache: %w", err)
	}
	defer f.Close()
	var (
		next    atomic.Int64
		changed atomic.Bool
		wg      sync.WaitGroup
	)
	for range min(runtime.GOMAXPROCS(0), len(digests)) {
		wg.Go(func() {
			for !changed.Load() {
				k := int(next.Add(1)) - 1
				if k >= len(digests) {
					return
				}
				d := digests[k]
				if sum, err := sumOf(f, d.From, d.To); err != nil || sum != d.Sum {
					changed.Store(true)
				}
			}
		})
	}
	wg.Wait()
	if changed.Load() {
		return fmt.Errorf("the content of %s is another", path)
	}
	return nil
}

// sumOf is the SHA-256 of bytes [from, to).
func sumOf(r io.ReaderAt, from, to int64) (sum [sha256.Size]byte, err error) {
	if from < 0 || to < from {
		return sum, fmt.Errorf("the digest of bytes %d to %d", from, to)
	}
	h := sha256.New()
	if n, err := io.Copy(h, io.NewSectionReader(r, from, to-from)); err != nil || n != to-from {
		return sum, cmp.Or(err, io.ErrUnexpectedEOF)
	}
	h.Sum(sum[:0])
	return sum, nil
}
