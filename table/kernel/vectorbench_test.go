package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// benchVectors times do over three vectors of values; bytes counts those that one
// call reads and writes, vectors of them.
func benchVectors[T Float](b *testing.B, vectors int, do func(x, y, z []T)) {
	var v T
	size := int(unsafe.Sizeof(v))
	for _, n := range []int{8, 50, 1 << 10, 1 << 16 / size, 1 << 22 / size, 1 << 26 / size} {
		x, y, z := make([]T, n), make([]T, n), make([]T, n)
		for i := range x {
			x[i], y[i], z[i] = 1, 0.5, 0.25
		}
		paths(func(name string) {
			b.Run(fmt.Sprintf("%T/%s/%d", v, name, n), func(b *testing.B) {
				b.SetBytes(int64(vectors * n * size))
				for b.Loop() {
					do(x, y, z)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/value")
			})
		})
	}
}

var sink float64

func BenchmarkDot(b *testing.B) {
	benchVectors(b, 2, func(x, y, _ []float32) { sink += float64(Dot(x, y)) })
	benchVectors(b, 2, func(x, y, _ []float64) { sink += Dot(x, y) })
}

func BenchmarkSum(b *testing.B) {
	benchVectors(b, 1, func(x, _, _ []float32) { sink += float64(Sum(x)) })
	benchVectors(b, 1, func(x, _, _ []float64) { sink += Sum(x) })
}

func BenchmarkAxpy(b *testing.B) {
	benchVectors(b, 3, func(x, y, _ []float32) { Axpy(1e-9, x, y) })
	benchVectors(b, 3, func(x, y, _ []float64) { Axpy(1e-9, x, y) })
}

func BenchmarkScale(b *testing.B) {
	benchVectors(b, 2, func(x, _, _ []float32) { Scale(1, x) })
	benchVectors(b, 2, func(x, _, _ []float64) { Scale(1, x) })
}

func BenchmarkAxpyDot(b *testing.B) {
	benchVectors(b, 4, func(x, y, z []float32) { sink += float64(AxpyDot(1e-9, x, y, z)) })
	benchVectors(b, 4, func(x, y, z []float64) { sink += AxpyDot(1e-9, x, y, z) })
}

// benchRows times do over the rows of a sparse matrix, of least to twice as many
// values each, whose weights are so many bytes.
func benchRows[I Index, V, T Float](b *testing.B, do func(idx []I, x []V, y []T)) {
	var i I
	var x V
	var v T
	for _, bytes := range []int{1 << 14, 1 << 16, 1 << 22, 1 << 26} {
		width := bytes / int(unsafe.Sizeof(v))
		if unsafe.Sizeof(i) == 2 && width > 1<<16 {
			continue
		}
		for _, least := range []int{5, 10, 50, 200} {
			r := rand.New(rand.NewPCG(5, 0))
			total := 100_000
			if bytes > 1<<16 {
				total = 2_000_000
			}
			idx, xs, y := make([]I, total), make([]V, total), make([]T, width)
			for k := range idx {
				idx[k], xs[k] = I(r.IntN(width)), 1
			}
			for k := range y {
				y[k] = 1
			}
			ends := []int{0}
			for ends[len(ends)-1]+2*least < total {
				ends = append(ends, ends[len(ends)-1]+least+r.IntN(least+1))
			}
			paths(func(name string) {
				if name == pathNames[len(pathNames)-1] {
					return // as the one before
				}
				b.Run(fmt.Sprintf("%T,%T,%T/%s/%dK/rows of %d-%d", i, x, v, name, bytes>>10, least, 2*least), func(b *testing.B) {
					b.SetBytes(int64(ends[len(ends)-1]) * int64(unsafe.Sizeof(i)+unsafe.Sizeof(x)+unsafe.Sizeof(v)))
					for b.Loop() {
						for k, end := range ends[1:] {
							do(idx[ends[k]:end], xs[ends[k]:end], y)
						}
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(ends[len(ends)-1]), "ns/value")
				})
			})
		}
	}
}

func BenchmarkGather(b *testing.B) {
	benchRows(b, func(idx []uint16, _ []float32, y []float64) { sink += Gather(idx, y) })
	benchRows(b, func(idx []uint32, _ []float32, y []float64) { sink += Gather(idx, y) })
}

func BenchmarkGatherDot(b *testing.B) {
	benchRows(b, func(idx []uint16, x []float32, y []float64) { sink += GatherDot(idx, x, y) })
	benchRows(b, func(idx []uint32, x []float32, y []float64) { sink += GatherDot(idx, x, y) })
	benchRows(b, func(idx []uint32, x, y []float32) { sink += float64(GatherDot(idx, x, y)) })
	benchRows(b, func(idx []uint32, x, y []float64) { sink += GatherDot(idx, x, y) })
}

func BenchmarkScatterAdd(b *testing.B) {
	benchRows(b, func(idx []uint16, _ []float32, y []float64) { ScatterAdd(1e-9, idx, y) })
	benchRows(b, func(idx []uint32, _ []float32, y []float64) { ScatterAdd(1e-9, idx, y) })
}

func BenchmarkScatterAxpy(b *testing.B) {
	benchRows(b, func(idx []uint16, x []float32, y []float64) { ScatterAxpy(1e-9, idx, x, y) })
	benchRows(b, func(idx []uint32, x []float32, y []float64) { ScatterAxpy(1e-9, idx, x, y) })
	benchRows(b, func(idx []uint32, x, y []float32) { ScatterAxpy(1e-9, idx, x, y) })
	benchRows(b, func(idx []uint32, x, y []float64) { ScatterAxpy(1e-9, idx, x, y) })
}
