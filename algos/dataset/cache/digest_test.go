package cache

import (
	"crypto/sha256"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// TestDigests: of what is as it was, and of every byte that is not.
func TestDigests(t *testing.T) {
	path := filepath.Join(t.TempDir(), "input")
	content := numbered(3<<20 + 77)
	put := func(b []byte) {
		t.Helper()
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(content)
	var digests []Digest
	for _, r := range [][2]int{{0, 1 << 20}, {1<<20 - 1, 2 << 20}, {2 << 20, len(content)}, {5, 5}} {
		d := DigestOf(content[r[0]:r[1]], int64(r[0]))
		if d.From != int64(r[0]) || d.To != int64(r[1]) || d.Sum != sha256.Sum256(content[r[0]:r[1]]) {
			t.Errorf("got %+v of bytes %v", d, r)
		}
		digests = append(digests, d)
	}
	whole, err := DigestFile(path, int64(len(content)))
	if err != nil || whole != DigestOf(content, 0) {
		t.Errorf("of the file: got %+v, %v", whole, err)
	}
	if err := errors.Join(Unchanged(path, digests), Unchanged(path, []Digest{whole}), Unchanged(path, nil)); err != nil {
		t.Error(err)
	}
	for _, at := range []int{0, 1<<20 - 1, 1 << 20, 2<<20 + 5, len(content) - 1} {
		content[at] ^= 1
		put(content)
		if err := Unchanged(path, digests); err == nil {
			t.Errorf("byte %d is another: got no error", at)
		}
		content[at] ^= 1
	}
	put(content[:len(content)-1])
	if err := Unchanged(path, digests); err == nil {
		t.Error("a byte less: got no error")
	}
	if _, err := DigestFile(path, int64(len(content))); err == nil {
		t.Error("a digest of more than there is: got no error")
	}
	put(content)
	for _, d := range []Digest{{From: -1, To: 5}, {From: 9, To: 3}, {From: 0, To: math.MaxInt64}} {
		if err := Unchanged(path, []Digest{d}); err == nil {
			t.Errorf("bytes %d to %d: got no error", d.From, d.To)
		}
	}
	for _, err := range []error{Unchanged(path+"x", digests), func() error { _, err := DigestFile(path+"x", 1); return err }()} {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("no file: got %v", err)
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
