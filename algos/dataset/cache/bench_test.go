package cache

import (
	"os"
	"path/filepath"
	"testing"
)

const benchBytes = 128 << 20

// numbered is n bytes that differ from place to place.
func numbered(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i) ^ byte(i>>8)*31 ^ byte(i>>16)*17
	}
	return b
}

func BenchmarkWrite(b *testing.B) {
	path := filepath.Join(b.TempDir(), "cache")
	section := numbered(benchBytes)
	b.SetBytes(benchBytes)
	for b.Loop() {
		if err := Write(path, Key{}, nil, [][]byte{section}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpen opens a file that the system has in memory.
func BenchmarkOpen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "cache")
	if err := Write(path, Key{}, nil, [][]byte{numbered(benchBytes)}); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(benchBytes)
	for b.Loop() {
		f, err := Open(path, Key{})
		if err != nil {
			b.Fatal(err)
		}
		if err := f.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnchanged(b *testing.B) {
	path := filepath.Join(b.TempDir(), "input")
	content := numbered(benchBytes)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		b.Fatal(err)
	}
	var digests []Digest
	for at := 0; at < len(content); at += 1 << 20 {
		digests = append(digests, DigestOf(content[at:at+1<<20], int64(at)))
	}
	b.SetBytes(benchBytes)
	for b.Loop() {
		if err := Unchanged(path, digests); err != nil {
			b.Fatal(err)
		}
	}
}
