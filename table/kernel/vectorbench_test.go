package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// twoPaths runs do by plain Go and by AVX2; the kernels have no third.
func twoPaths(do func(name string)) {
	paths(func(name string) {
		if name != pathNames[len(pathNames)-1] {
			do(name)
		}
	})
}

// benchVectors times do over three vectors. It counts the bytes of so many of them:
// what a call reads and writes.
func benchVectors[T Float](b *testing.B, vectors int, do func(x, y, z []T)) {
	var v T
	size := int(unsafe.Sizeof(v))
	for _, n := range []int{8, 50, 1 << 10, 1 << 16 / size, 1 << 22 / size, 1 << 26 / size} {
		x, y, z := make([]T, n), make([]T, n), make([]T, n)
		for i := range x {
			x[i], y[i], z[i] = 1, 0.5, 0.25
		}
		twoPaths(func(name string) {
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

// benchMixed times do over float32s and float64s; bytes counts an element's.
func benchMixed(b *testing.B, bytes int, do func(x []float32, y, z []float64)) {
	for _, n := range []int{8, 50, 1 << 10, 1 << 13, 1 << 19, 1 << 23} {
		x, y, z := make([]float32, n), make([]float64, n), make([]float64, n)
		for i := range x {
			x[i], y[i], z[i] = 1, 0.5, 0.25
		}
		twoPaths(func(name string) {
			b.Run(fmt.Sprintf("mixed/%s/%d", name, n), func(b *testing.B) {
				b.SetBytes(int64(bytes * n))
				for b.Loop() {
					do(x, y, z)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/value")
			})
		})
	}
}

func BenchmarkMixed(b *testing.B) {
	b.Run("Dot", func(b *testing.B) { benchMixed(b, 12, func(x []float32, y, _ []float64) { sink += Dot(x, y) }) })
	b.Run("Square", func(b *testing.B) { benchMixed(b, 4, func(x []float32, _, _ []float64) { sink += Square(x) }) })
	b.Run("Axpy", func(b *testing.B) { benchMixed(b, 20, func(x []float32, y, _ []float64) { Axpy(1e-9, x, y) }) })
	b.Run("AxpyDot", func(b *testing.B) {
		benchMixed(b, 28, func(x []float32, y, z []float64) { sink += AxpyDot(1e-9, x, y, z) })
	})
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

// A matrix is sparse rows and the weights of their columns.
type matrix[I Index, V, T Float] struct {
	ends []int // row k is from ends[k] on, and before ends[k+1]
	idx  []I
	x    []V
	y    []T
}

func (m *matrix[I, V, T]) row(k int) ([]I, []V) {
	from, to := m.ends[k], m.ends[k+1]
	return m.idx[from:to], m.x[from:to]
}

// newMatrix is one of so many values, in rows of least to twice as many.
func newMatrix[I Index, V, T Float](values, least, width int) *matrix[I, V, T] {
	r := rand.New(rand.NewPCG(5, 0))
	m := &matrix[I, V, T]{[]int{0}, make([]I, values), make([]V, values), make([]T, width)}
	for k := range m.idx {
		m.idx[k], m.x[k] = I(r.IntN(width)), 1
	}
	for k := range m.y {
		m.y[k] = 1
	}
	for end := 0; end+2*least < values; m.ends = append(m.ends, end) {
		end += least + r.IntN(least+1)
	}
	return m
}

// benchRows times do over all rows of matrices, whose weights are of 16 KiB to
// 64 MiB.
func benchRows[I Index, V, T Float](b *testing.B, do func(m *matrix[I, V, T])) {
	var i I
	var x V
	var v T
	for _, size := range []int{1 << 14, 1 << 16, 1 << 22, 1 << 26} {
		width, values := size/int(unsafe.Sizeof(v)), 100_000
		if unsafe.Sizeof(i) == 2 && width > 1<<16 {
			continue
		}
		if size > 1<<16 {
			values = 2_000_000
		}
		for _, least := range []int{5, 10, 50, 200} {
			m := newMatrix[I, V, T](values, least, width)
			n := m.ends[len(m.ends)-1]
			twoPaths(func(name string) {
				b.Run(fmt.Sprintf("%T,%T,%T/%s/%dK/rows of %d-%d", i, x, v, name, size>>10, least, 2*least), func(b *testing.B) {
					b.SetBytes(int64(n) * int64(unsafe.Sizeof(i)+unsafe.Sizeof(x)+unsafe.Sizeof(v)))
					for b.Loop() {
						do(m)
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/value")
				})
			})
		}
	}
}

// The loops over the rows are those of users: the types are known.

func BenchmarkGather(b *testing.B) {
	benchRows(b, func(m *matrix[uint16, float32, float64]) {
		s := 0.0
		for k := range m.ends[1:] {
			idx, _ := m.row(k)
			s += Gather(idx, m.y)
		}
		sink += s
	})
	benchRows(b, func(m *matrix[uint32, float32, float64]) {
		s := 0.0
		for k := range m.ends[1:] {
			idx, _ := m.row(k)
			s += Gather(idx, m.y)
		}
		sink += s
	})
}

func BenchmarkScatterAdd(b *testing.B) {
	benchRows(b, func(m *matrix[uint16, float32, float64]) {
		for k := range m.ends[1:] {
			idx, _ := m.row(k)
			ScatterAdd(1e-9, idx, m.y)
		}
	})
	benchRows(b, func(m *matrix[uint32, float32, float64]) {
		for k := range m.ends[1:] {
			idx, _ := m.row(k)
			ScatterAdd(1e-9, idx, m.y)
		}
	})
}

func BenchmarkGatherDot(b *testing.B) {
	benchRows(b, func(m *matrix[uint16, float32, float64]) {
		s := float64(0)
		for k := range m.ends[1:] {
			idx, x := m.row(k)
			s += GatherDot(idx, x, m.y)
		}
		sink += float64(s)
	})
	benchRows(b, func(m *matrix[uint32, float32, float64]) {
		s := float64(0)
		for k := range m.ends[1:] {
			idx, x := m.row(k)
			s += GatherDot(idx, x, m.y)
		}
		sink += float64(s)
	})
	benchRows(b, func(m *matrix[uint32, float32, float32]) {
		s := float32(0)
		for k := range m.ends[1:] {
			idx, x := m.row(k)
			s += GatherDot(idx, x, m.y)
		}
		sink += float64(s)
	})
	benchRows(b, func(m *matrix[uint32, float64, float64]) {
		s := float64(0)
		for k := range m.ends[1:] {
			idx, x := m.row(k)
			s += GatherDot(idx, x, m.y)
		}
		sink += float64(s)
	})
}

func BenchmarkScatterAxpy(b *testing.B) {
	benchRows(b, func(m *matrix[uint16, float32, float64]) {
		for k := range m.ends[1:] {
			idx, x := m.row(k)
			ScatterAxpy(1e-9, idx, x, m.y)
		}
	})
	benchRows(b, func(m *matrix[uint32, float32, float64]) {
		for k := range m.ends[1:] {
			idx, x := m.row(k)
			ScatterAxpy(1e-9, idx, x, m.y)
		}
	})
	benchRows(b, func(m *matrix[uint32, float32, float32]) {
		for k := range m.ends[1:] {
			idx, x := m.row(k)
			ScatterAxpy(1e-9, idx, x, m.y)
		}
	})
	benchRows(b, func(m *matrix[uint32, float64, float64]) {
		for k := range m.ends[1:] {
			idx, x := m.row(k)
			ScatterAxpy(1e-9, idx, x, m.y)
		}
	})
}
