package kernels

import (
	"fmt"
	"iter"

	"petuum/table/kernel"
)

var wireGroup = group{
	name: "wire", unit: "GB/s", about: "what is done to values before and after their way; the values take this much memory",
	kernels: append([]string{"take+load", "zero", "haszero", "largest", "roundsingle", "roundbfloat16", "roundfixed"}, planeNames...),
	columns: func(s sizes) []string { return []string{binary(s.levels[1]), binary(s.levels[2])} },
	tasks: func(b *bench) iter.Seq[task] {
		return func(yield func(task) bool) {
			for _, size := range []int{b.o.sizes.levels[1], b.o.sizes.levels[2]} {
				if !wire[float32](b, size, yield) || !halves(b, size, yield) || !wire[float64](b, size, yield) {
					return
				}
			}
		}
	},
}

// planeNames are kernels that move values to planes of so many bytes, and back.
var planeNames = []string{"appendplanes2", "loadplanes2", "appendplanes4", "loadplanes4", "appendfixed1", "loadfixed1",
	"appendfixed2", "loadfixed2", "appendfixed3", "loadfixed3", "shuffle", "unshuffle", "bfloat16s", "frombfloat16s"}

// ofWire makes the task of a kernel that moves so many bytes with an element.
func ofWire(b *bench, name, types string, size, n, bytes int, t traffic, do func()) task {
	return task{kernel: name, types: types, at: binary(size), elements: float64(n), work: float64(n * bytes), limit: limit{t, size}, do: do}
}

func wire[T kernel.Float](b *bench, size int, yield func(task) bool) bool {
	w := sizeOf[T]()
	n := size / w
	x, zeros, to := filled[T](n), make([]T, n), make([]byte, 0, size)
	for i := range x {
		x[i] = T(1 + i%100)
	}
	clear(zeros) // so that its pages are its own
	yes := 0
	of := func(name string, bytes int, t traffic, do func()) bool {
		return yield(ofWire(b, name, typesOf[T, T](), size, n, bytes, t, do))
	}
	ok := of("take+load", 5*w, copies, func() { // Take leaves zeros, which Load replaces
		to, _ = kernel.Take(to[:0], x)
		kernel.Load(x, to)
	}) && of("zero", w, reads, func() { yes += one(kernel.Zero(zeros)) }) &&
		of("haszero", w, reads, func() { yes += one(kernel.HasZero(x)) }) &&
		of("largest", w, reads, func() { b.sink += kernel.Largest(x) }) &&
		(w == 4 || of("roundsingle", 2*w, updates, func() { kernel.RoundSingle(x) })) &&
		of("roundbfloat16", 2*w, updates, func() { kernel.RoundBFloat16(x) }) &&
		of("roundfixed", 2*w, updates, func() { kernel.RoundFixed(x, -1) })
	b.sink += float64(yes)
	return ok && planes(b, size, x, to, of)
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// planes are the kernels of planes of bytes, and shuffles of all of them.
func planes[T kernel.Float](b *bench, size int, x []T, to []byte, of func(name string, bytes int, t traffic, do func()) bool) bool {
	w := sizeOf[T]()
	n := len(x)
	to = to[:size]
	clear(to)
	back := filled[T](n)
	for _, bytes := range []int{2, 4} {
		if !of(fmt.Sprint("appendplanes", bytes), w+bytes, copies, func() { kernel.AppendPlanes(to[:0], x, bytes) }) ||
			!of(fmt.Sprint("loadplanes", bytes), w+bytes, copies, func() { kernel.LoadPlanes(back, to[:n*bytes], bytes) }) {
			return false
		}
	}
	for bytes := 1; bytes <= 3; bytes++ {
		if !of(fmt.Sprint("appendfixed", bytes), w+bytes, copies, func() { kernel.AppendFixed(to[:0], x, bytes, 0) }) ||
			!of(fmt.Sprint("loadfixed", bytes), w+bytes, copies, func() { kernel.LoadFixed(back, to[:n*bytes], bytes, 0) }) {
			return false
		}
	}
	other := make([]byte, size)
	return of("shuffle", 2*w, copies, func() { kernel.Shuffle(other, to, w) }) &&
		of("unshuffle", 2*w, copies, func() { kernel.Unshuffle(to, other, w) })
}

// halves are kernels of bfloat16s.
func halves(b *bench, size int, yield func(task) bool) bool {
	n := size / 4
	x, half := filled[float32](n), make([]uint16, n)
	return yield(ofWire(b, "bfloat16s", "float32", size, n, 6, copies, func() { kernel.BFloat16s(half, x) })) &&
		yield(ofWire(b, "frombfloat16s", "float32", size, n, 6, copies, func() { kernel.FromBFloat16s(x, half) }))
}
