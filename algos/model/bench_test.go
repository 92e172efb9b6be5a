package model

import (
	"path/filepath"
	"testing"

	"petuum/algos"
	"petuum/table"
)

// BenchmarkAppend writes a dense table of float32; a byte is one of values.
func BenchmarkAppend(b *testing.B) {
	for _, c := range []struct {
		name string
		text bool
	}{{"binary", false}, {"text", true}} {
		b.Run(c.name, func(b *testing.B) {
			w := create(b, filepath.Join(b.TempDir(), "model"), Manifest{})
			tw, err := w.Table(table.Spec{Name: "t", Keys: 1 << 40}, algos.KeyNames{}, c.text)
			if err != nil {
				b.Fatal(err)
			}
			row := []byte{0x12, 0x34, 0x56, 0x3e}
			b.SetBytes(4)
			for key := uint64(0); b.Loop(); key++ {
				if err := tw.Append(key, row); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRead opens a dense table of 4 M values, and asks for every 16th.
func BenchmarkRead(b *testing.B) {
	const keys = 1 << 22
	dir := filepath.Join(b.TempDir(), "model")
	w := create(b, dir, Manifest{})
	tw, err := w.Table(table.Spec{Name: "t", Keys: keys}, algos.KeyNames{}, false)
	if err != nil {
		b.Fatal(err)
	}
	var ask []uint64
	for key := range uint64(keys) {
		if err := tw.Append(key, []byte{0x12, 0x34, 0x56, 0x3e}); err != nil {
			b.Fatal(err)
		}
		if key%16 == 0 {
			ask = append(ask, key)
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	b.Run("open", func(b *testing.B) {
		b.SetBytes(4 * keys)
		for b.Loop() {
			r, err := Open(dir)
			if err != nil {
				b.Fatal(err)
			}
			r.Close()
		}
	})
	b.Run("values", func(b *testing.B) {
		r := mustOpen(b, dir)
		b.SetBytes(4 * keys)
		for b.Loop() {
			if _, err := r.Values("t", ask); err != nil {
				b.Fatal(err)
			}
		}
	})
}
