package kernels

import (
	"fmt"
	"iter"

	"petuum/table/kernel"
)

var matrixGroup = group{
	name: "gemms", unit: "GFLOP/s", about: "products of square matrices; an element is a multiplication and an addition",
	kernels: []string{"gemm", "gemmtn", "gemmnt"},
	columns: squares,
	tasks: func(b *bench) iter.Seq[task] {
		return func(yield func(task) bool) {
			for _, n := range b.o.sizes.square {
				if !gemms[float32](b, n, yield) || !gemms[float64](b, n, yield) {
					return
				}
			}
		}
	},
}

var vectorGroup = group{
	name: "gemvs", unit: "GB/s", about: "products of a square matrix, of whose values each is an element, and a vector",
	kernels: []string{"gemv", "gemvt"},
	columns: squares,
	tasks: func(b *bench) iter.Seq[task] {
		return func(yield func(task) bool) {
			for _, n := range b.o.sizes.square {
				if !gemvs[float32](b, n, yield) || !gemvs[float64](b, n, yield) {
					return
				}
			}
		}
	},
}

func squares(s sizes) (list []string) {
	for _, n := range s.square {
		list = append(list, square(n))
	}
	return list
}

func square(n int) string { return fmt.Sprintf("%d x %[1]d", n) }

func gemms[T kernel.Float](b *bench, n int, yield func(task) bool) bool {
	const few = 32 // rows are enough for plain Go, which does one after the other
	x, y, z := filled[T](n*n), filled[T](n*n), make([]T, n*n)
	some := min(n, few)
	of := func(name string, do func(rows int)) bool {
		pairs := float64(n) * float64(n) * float64(n)
		return yield(task{kernel: name, types: typesOf[T, T](), at: square(n), elements: pairs, work: 2 * pairs, limit: limit{products, sizeOf[T]()},
			do: func() { do(n) }, part: func() { do(some) }, share: float64(some) / float64(n)})
	}
	return of("gemm", func(rows int) { kernel.Gemm(rows, n, n, x, n, y, n, z, n) }) &&
		of("gemmtn", func(rows int) { kernel.GemmTN(rows, n, n, x, n, y, n, z, n) }) &&
		of("gemmnt", func(rows int) { kernel.GemmNT(rows, n, n, x, n, y, n, z, n) })
}

func gemvs[T kernel.Float](b *bench, n int, yield func(task) bool) bool {
	a, x, y := filled[T](n*n), filled[T](n), make([]T, n)
	of := func(name string, do func()) bool {
		bytes := n * n * sizeOf[T]()
		return yield(task{kernel: name, types: typesOf[T, T](), at: square(n), elements: float64(n * n), work: float64(bytes),
			limit: limit{reads, bytes}, do: do})
	}
	return of("gemv", func() { kernel.Gemv(n, n, a, n, x, y) }) && of("gemvt", func() { kernel.GemvT(n, n, a, n, x, y) })
}
