package kernel

import (
	"fmt"
	"testing"
)

// bench times do with n float32s by every path. bytes counts those of x alone.
func bench(b *testing.B, do func(x, u []float32, to []byte)) {
	for _, n := range []int{16, 1 << 10, 1 << 16, 10_000_000} {
		x, u, to := make([]float32, n), make([]float32, n), make([]byte, 0, 4*n)
		for i := range x {
			x[i], u[i] = 1+float32(i%100), 0.5
		}
		paths(func(name string) {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				b.SetBytes(int64(4 * n))
				for b.Loop() {
					do(x, u, to)
				}
			})
		})
	}
}

func BenchmarkAdd(b *testing.B) { bench(b, func(x, u []float32, _ []byte) { Add(x, u) }) }

// With Load, which puts the values back: plain Go stops to look for zeros at the
// first.
func BenchmarkTakeAndLoad(b *testing.B) {
	bench(b, func(x, _ []float32, to []byte) {
		to, _ = Take(to, x)
		Load(x, to)
	})
}

func BenchmarkHasZero(b *testing.B) { bench(b, func(x, _ []float32, _ []byte) { HasZero(x) }) }

func BenchmarkZero(b *testing.B) {
	bench(b, func(x, _ []float32, _ []byte) {
		if x[0] != 0 {
			clear(x)
		}
		Zero(x)
	})
}

func BenchmarkLargest(b *testing.B) { bench(b, func(x, _ []float32, _ []byte) { Largest(x) }) }

func BenchmarkRoundFixed(b *testing.B) {
	bench(b, func(x, _ []float32, _ []byte) { RoundFixed(x, -1) })
}

func BenchmarkRoundBFloat16(b *testing.B) {
	bench(b, func(x, _ []float32, _ []byte) { RoundBFloat16(x) })
}

func BenchmarkAppendPlanes2(b *testing.B) {
	bench(b, func(x, _ []float32, to []byte) { AppendPlanes(to, x, 2) })
}

func BenchmarkLoadPlanes2(b *testing.B) {
	bench(b, func(x, _ []float32, to []byte) { LoadPlanes(x, to[:2*len(x)], 2) })
}

func BenchmarkAppendFixed(b *testing.B) {
	for size := 1; size <= 3; size++ {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			bench(b, func(x, _ []float32, to []byte) { AppendFixed(to, x, size, 0) })
		})
	}
}

func BenchmarkLoadFixed(b *testing.B) {
	for size := 1; size <= 3; size++ {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			bench(b, func(x, _ []float32, to []byte) { LoadFixed(x, to[:size*len(x)], size, 0) })
		})
	}
}
