package cache

import (
	"bytes"
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

func BenchmarkSum(b *testing.B) {
	r := bytes.NewReader(numbered(benchBytes))
	b.SetBytes(benchBytes)
	for b.Loop() {
		if _, err := Sum(r, 0, benchBytes); err != nil {
			b.Fatal(err)
		}
	}
}
