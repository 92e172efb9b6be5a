package kernels

import (
	"iter"

	"petuum/table/kernel"
)

var denseGroup = group{
	name: "dense", unit: "GB/s", about: "vectors that together take this much memory",
	kernels: []string{"dot", "sum", "square", "axpy", "axpydot", "scale", "add"},
	columns: func(s sizes) (list []string) {
		for _, size := range s.levels {
			list = append(list, binary(size))
		}
		return list
	},
	tasks: func(b *bench) iter.Seq[task] {
		return func(yield func(task) bool) {
			defer func() { b.narrow, b.wide = nil, nil }()
			narrow, wide := cutter(&b.narrow, b, 0), cutter(&b.wide, b, 64*5)
			for _, size := range b.o.sizes.levels {
				if !dense(b, size, narrow, narrow, yield) || !dense(b, size, wide, wide, yield) || !dense(b, size, narrow, wide, yield) {
					return
				}
			}
		}
	},
}

// A cut is the k-th vector of n values in the memory that all share.
type cut[T kernel.Float] func(k, n int) []T

// cutter makes vectors that are some lines of the cache more than their length
// apart: those that begin whole pages apart would be in each other's way. The first
// begins skew values from the memory's beginning.
func cutter[T kernel.Float](memory *[]T, b *bench, skew int) cut[T] {
	const apart = 64 * 17
	return func(k, n int) []T {
		if *memory == nil {
			*memory = filled[T](b.o.sizes.levels[3]/sizeOf[T]() + 4*apart)
		}
		from := skew + k*(n+apart)
		return (*memory)[from:][:n:n]
	}
}

// filled are n values that are not zero: memory that nobody has written is but a
// page.
func filled[T kernel.Float](n int) []T {
	x := make([]T, n)
	for i := range x {
		x[i] = 1
	}
	return x
}

// dense yields what works on size bytes of x, of type V, and of y and z, of type T.
func dense[V, T kernel.Float](b *bench, size int, first cut[V], more cut[T], yield func(task) bool) bool {
	const tiny = 1e-9
	v, w := sizeOf[V](), sizeOf[T]()
	second := 1
	if v != w {
		second = 0 // of a memory of its own
	}
	of := func(name string, bytes, work int, t traffic, do func(n int) func()) bool {
		n := size / bytes &^ 15
		return yield(task{kernel: name, types: typesOf[V, T](), at: binary(size), elements: float64(n), work: float64(n * work),
			limit: limit{t, size}, do: do(n)})
	}
	mixed := of("dot", v+w, v+w, reads, func(n int) func() {
		x, y := first(0, n), more(second, n)
		return func() { b.sink += float64(kernel.Dot(x, y)) }
	}) && of("axpy", v+w, v+2*w, updates, func(n int) func() {
		x, y := first(0, n), more(second, n)
		return func() { kernel.Axpy(tiny, x, y) }
	}) && of("axpydot", v+2*w, v+3*w, updates, func(n int) func() {
		x, y, z := first(0, n), more(second, n), more(second+1, n)
		return func() { b.sink += float64(kernel.AxpyDot(tiny, x, y, z)) }
	})
	if !mixed || v != w {
		return mixed && of("square", v, v, reads, func(n int) func() {
			x := first(0, n)
			return func() { b.sink += kernel.Square(x) }
		})
	}
	return of("sum", w, w, reads, func(n int) func() {
		x := more(0, n)
		return func() { b.sink += float64(kernel.Sum(x)) }
	}) && of("scale", w, 2*w, updates, func(n int) func() {
		x := more(0, n)
		return func() { kernel.Scale(1, x) }
	}) && of("add", 2*w, 3*w, updates, func(n int) func() {
		x, y := more(0, n), more(second, n)
		return func() { kernel.Add(x, y) }
	}) && (w == 4 || of("square", w, w, reads, func(n int) func() {
		x := more(0, n)
		return func() { b.sink += kernel.Square(x) }
	}))
}
