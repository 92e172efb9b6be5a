package kernel

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// A path is taken until it is restored, and only one that the machine has.
func TestUse(t *testing.T) {
	have, all := path, Paths()
	if all[0] != "plain" || len(all) != have+1 {
		t.Fatalf("got the paths %q on path %d, want plain first and that one last", all, have)
	}
	for i, name := range all {
		restore := Use(name)
		if path != i {
			t.Errorf("%s: got path %d, want %d", name, path, i)
		}
		restore()
		if path != have {
			t.Fatalf("%s: restored path %d, want %d", name, path, have)
		}
	}
	defer func() {
		if recover() == nil || path != have {
			t.Errorf("another name: got no panic, or path %d, want %d", path, have)
		}
	}()
	Use("AVX3")
}

func TestBandwidth(t *testing.T) {
	r := rand.New(rand.NewPCG(41, 0))
	lengths := []int{500, 1<<15 - 1, 1<<15 + 64, 1<<16 + 65}
	for n := range 200 {
		lengths = append(lengths, n)
	}
	for _, n := range lengths {
		x := make([]uint64, n+2)
		for i := range x {
			x[i] = 1 << r.IntN(64) & r.Uint64() // few bits
		}
		var or uint64
		want := slices.Clone(x)
		for i := range n {
			or |= x[i+1]
			want[i+1] = ^x[i+1]
		}
		paths(func(name string) {
			if got := Read(x[1 : n+1]); got != or {
				t.Errorf("%s: Read of %d words: got %x, want %x", name, n, got, or)
			}
			got := slices.Clone(x)
			if Flip(got[1 : n+1]); !slices.Equal(got, want) {
				t.Errorf("%s: Flip of %d words: got others", name, n)
			}
		})
	}
	long := make([]uint64, 64)
	for i := range long { // each word has a bit of its own
		long[i] = 1 << i
	}
	paths(func(name string) {
		if got := Read(long); got != 1<<64-1 {
			t.Errorf("%s: got %x, want all bits", name, got)
		}
	})
}

func BenchmarkRead(b *testing.B) { benchWords(b, 8, func(x []uint64) { Read(x) }) }
func BenchmarkFlip(b *testing.B) { benchWords(b, 16, Flip) }

func benchWords(b *testing.B, bytes int, do func(x []uint64)) {
	x := make([]uint64, 1<<11)
	paths(func(name string) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(bytes * len(x)))
			for b.Loop() {
				do(x)
			}
		})
	})
}
