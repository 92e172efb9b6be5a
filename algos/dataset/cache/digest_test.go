package cache

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
)

// plain is the digest by its definition.
func plain(b []byte) [32]byte {
	var sums []byte
	for len(b) > 0 {
		n := min(len(b), 1<<20)
		sum := sha256.Sum256(b[:n])
		sums = append(sums, sum[:]...)
		b = b[n:]
	}
	return sha256.Sum256(sums)
}

func TestSum(t *testing.T) {
	content := numbered(5*ChunkSize + 77)
	for _, tc := range []struct{ from, to int }{
		{0, 0}, {0, 1}, {0, ChunkSize - 1}, {0, ChunkSize}, {0, ChunkSize + 1}, {0, len(content)},
		{1, 1}, {3, ChunkSize + 3}, {ChunkSize - 1, 4*ChunkSize + 5}, {len(content), len(content)}, {len(content) - 1, len(content)},
	} {
		b := content[tc.from:tc.to]
		want := plain(b)
		got, err := Sum(bytes.NewReader(content), int64(tc.from), int64(tc.to))
		if err != nil || got != want {
			t.Errorf("Sum of %v: got %x, %v, want %x", tc, got, err, want)
		}
		chunks := (len(b) + ChunkSize - 1) / ChunkSize
		h := NewHasher(chunks)
		var wg sync.WaitGroup
		for _, k := range rand.New(rand.NewPCG(1, 2)).Perm(chunks) {
			wg.Go(func() { h.Put(k, b[k*ChunkSize:min(len(b), (k+1)*ChunkSize)]) })
		}
		wg.Wait()
		if got, err := h.Sum(); err != nil || got != want {
			t.Errorf("Hasher of %v: got %x, %v, want %x", tc, got, err, want)
		}
	}
}

// TestSumFormat pins the digest, which is kept in files.
func TestSumFormat(t *testing.T) {
	for content, want := range map[string]string{
		"":    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", // SHA-256 of nothing
		"abc": "4f8b42c22dd3729b519ba6f68d2da7cc5b2d606d05daed5ad5128cc03e6c6358", // SHA-256 twice
	} {
		got, err := Sum(strings.NewReader(content), 0, int64(len(content)))
		if err != nil || hex.EncodeToString(got[:]) != want {
			t.Errorf("%q: got %x, %v, want %s", content, got, err, want)
		}
	}
}

// TestSumChanges has every change of a content change its digest.
func TestSumChanges(t *testing.T) {
	content := numbered(2*ChunkSize + 5)
	seen := map[[32]byte]string{}
	see := func(what string, b []byte) {
		sum, err := Sum(bytes.NewReader(b), 0, int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		if other, twice := seen[sum]; twice {
			t.Errorf("%s: got the digest of %s", what, other)
		}
		seen[sum] = what
	}
	see("the content", content)
	for _, at := range []int{0, ChunkSize - 1, ChunkSize, 2 * ChunkSize, len(content) - 1} {
		content[at]++
		see("a byte changed", content)
		content[at]--
	}
	see("a byte less", content[:len(content)-1])
	see("a byte more", append(bytes.Clone(content), 0))
	see("chunks exchanged", append(append(bytes.Clone(content[ChunkSize:2*ChunkSize]), content[:ChunkSize]...), content[2*ChunkSize:]...))
	see("a chunk less", content[:2*ChunkSize])
}

type readerAt func(b []byte, at int64) (int, error)

func (r readerAt) ReadAt(b []byte, at int64) (int, error) { return r(b, at) }

func TestSumErrors(t *testing.T) {
	small := bytes.NewReader(make([]byte, 100))
	broken := readerAt(func(b []byte, at int64) (int, error) {
		if at >= 3*ChunkSize && at < 4*ChunkSize {
			return 0, iotest.ErrTimeout
		}
		return len(b), nil
	})
	endless := readerAt(func(b []byte, _ int64) (int, error) { return len(b), nil })
	shrinking := readerAt(func(b []byte, at int64) (int, error) {
		if len(b) == 1 {
			return 1, io.EOF // the last byte is still there
		}
		return len(b) - 1, io.EOF
	})
	for _, tc := range []struct {
		name     string
		r        io.ReaderAt
		from, to int64
		want     error
	}{
		{"short", small, 0, 101, io.ErrUnexpectedEOF},
		{"far too short", small, 0, math.MaxInt64, io.ErrUnexpectedEOF},
		{"shrinking", shrinking, 0, 9 * ChunkSize, io.ErrUnexpectedEOF},
		{"broken", broken, 0, 9 * ChunkSize, iotest.ErrTimeout},
		{"backward", small, 10, 9, nil},
		{"negative", endless, -1, 9, nil},
	} {
		if _, err := Sum(tc.r, tc.from, tc.to); err == nil || tc.want != nil && !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %v", tc.name, err, tc.want)
		}
	}
}

func TestHasherErrors(t *testing.T) {
	for _, tc := range []struct {
		name    string
		lengths []int
	}{
		{"one missing", []int{ChunkSize, 0, 5}},
		{"the last missing", []int{ChunkSize, 0}},
		{"one short", []int{ChunkSize, ChunkSize - 1, 5}},
		{"one long", []int{ChunkSize + 1, 5}},
		{"the last long", []int{ChunkSize, ChunkSize + 1}},
	} {
		h := NewHasher(len(tc.lengths))
		for k, n := range tc.lengths {
			if n > 0 {
				h.Put(k, make([]byte, n))
			}
		}
		if _, err := h.Sum(); err == nil {
			t.Errorf("%s: got no error", tc.name)
		}
	}
}

func TestKeyOf(t *testing.T) {
	type options struct {
		Format string
		Of     int
		Ignore []string
	}
	keyOf := func(v any) Key {
		key, err := KeyOf(v)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	base := keyOf(options{"csv", 2, []string{"a", "b"}})
	if got := keyOf(options{"csv", 2, []string{"a", "b"}}); got != base {
		t.Errorf("equal options: got %x, want %x", got, base)
	}
	for _, other := range []any{options{"csv", 3, []string{"a", "b"}}, options{"csv", 2, []string{"a,b"}}, options{}, nil} {
		if keyOf(other) == base {
			t.Errorf("%v: got the key of other options", other)
		}
	}
	if got, want := keyOf(map[string]int{"b": 1, "a": 2}), sha256.Sum256([]byte(`{"a":2,"b":1}`)); got != want {
		t.Errorf("got %x, want %x", got, want)
	}
	if _, err := KeyOf(math.NaN()); err == nil {
		t.Error("NaN: got no error")
	}
}
