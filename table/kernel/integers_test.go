package kernel

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// someInts are n numbers, groups of which take 0, 1, 2 or 4 bytes.
func someInts(r *rand.Rand, n int) []int32 {
	x := make([]int32, n)
	for at := 0; at < n; at += 1 + r.IntN(100) {
		shift := []int{32, 25, 24, 17, 16, 1, 0}[r.IntN(7)]
		for i := at; i < min(n, at+groupSize); i++ {
			x[i] = int32(uint64(r.Uint32()) << 32 >> 32 >> shift)
			if r.IntN(2) == 0 {
				x[i] = ^x[i]
			}
		}
	}
	return x
}

func TestInts(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	for _, n := range []int{0, 1, 63, 64, 65, 128, 1000, 1 << 16, 1<<16 + 65} {
		x := someInts(r, n)
		var want []byte
		for _, path := range Paths() {
			restore := Use(path)
			b := AppendInts([]byte("before"), x)
			if !bytes.HasPrefix(b, []byte("before")) || len(b) > 6+MostInts(n) {
				t.Fatalf("seed %d: %s: %d values took %d bytes, want at most %d", seed, path, n, len(b)-6, MostInts(n))
			}
			b = b[6:]
			if want == nil {
				want = b
			}
			if !bytes.Equal(b, want) {
				t.Errorf("seed %d: %s: %d values are written otherwise than by plain Go", seed, path, n)
			}
			size, err := SkimInts(append(slices.Clone(b), 9, 9), n)
			if err != nil || size != len(b) {
				t.Errorf("seed %d: %s: skimming %d values got %d, %v, want %d bytes", seed, path, n, size, err, len(b))
			}
			got := make([]int32, n)
			if LoadInts(got, b); !slices.Equal(got, x) {
				t.Errorf("seed %d: %s: %d values came back otherwise", seed, path, n)
			}
			restore()
		}
		if n > 0 {
			for _, cut := range []int{0, len(want) - 1} {
				if _, err := SkimInts(want[:cut], n); err == nil && n > groupSize {
					t.Errorf("seed %d: %d values in %d of %d bytes are not refused", seed, n, cut, len(want))
				}
			}
		}
	}
}

func TestIntsSizes(t *testing.T) {
	for _, c := range []struct {
		x    []int32
		want []byte
	}{
		{[]int32{0, 0, 0}, []byte{0}},
		{[]int32{127, -128, 0}, []byte{1, 127, 128, 0}},
		{[]int32{128}, []byte{2, 128, 0}},
		{[]int32{-129}, []byte{2, 127, 255}},
		{[]int32{math.MaxInt16, math.MinInt16}, []byte{2, 255, 127, 0, 128}},
		{[]int32{math.MinInt32, 1}, []byte{4, 0, 0, 0, 128, 1, 0, 0, 0}},
		{append(make([]int32, 64), 7), []byte{0, 1, 7}},
	} {
		if got := AppendInts(nil, c.x); !bytes.Equal(got, c.want) {
			t.Errorf("%v: got % x, want % x", c.x, got, c.want)
		}
	}
	for _, b := range [][]byte{nil, {3, 0, 0, 0}, {5}, {1}, {4, 1, 2, 3}} {
		if n, err := SkimInts(b, 1); err == nil {
			t.Errorf("% x: got %d bytes, want an error", b, n)
		}
	}
}

func BenchmarkInts(b *testing.B) {
	x := make([]int32, 1<<16)
	for i := range x {
		x[i] = int32(i*2654435761) >> 25
	}
	for _, path := range Paths() {
		b.Run("Append/"+path, func(b *testing.B) {
			defer Use(path)()
			b.SetBytes(int64(4 * len(x)))
			to := AppendInts(nil, x)
			for b.Loop() {
				to = AppendInts(to[:0], x)
			}
		})
		b.Run("Load/"+path, func(b *testing.B) {
			defer Use(path)()
			b.SetBytes(int64(4 * len(x)))
			from := AppendInts(nil, x)
			for b.Loop() {
				LoadInts(x, from)
			}
		})
	}
}
