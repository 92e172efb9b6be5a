package kernels

import (
	"iter"
	"math"
	"math/rand/v2"

	"petuum/table/kernel"
)

var functionGroup = group{
	name: "functions", unit: "GB/s", about: "slices that together take this much memory; m: times as fast as a loop of package math",
	kernels: []string{"exp", "log1p", "sigmoid", "softmax", "logsumexp"},
	columns: func(s sizes) []string { return []string{binary(s.levels[0]), binary(s.levels[2])} },
	tasks: func(b *bench) iter.Seq[task] {
		return func(yield func(task) bool) {
			for _, size := range []int{b.o.sizes.levels[0], b.o.sizes.levels[2]} {
				if !functions[float32](b, size, yield) || !functions[float64](b, size, yield) {
					return
				}
			}
		}
	},
}

func functions[T kernel.Float](b *bench, size int, yield func(task) bool) bool {
	w := sizeOf[T]()
	n := size / 2 / w
	x, positive, dst := make([]T, n), make([]T, n), filled[T](n)
	r := rand.New(rand.NewPCG(1, 0))
	for i := range x {
		x[i] = T(3 * r.NormFloat64())
		positive[i] = max(x[i], -x[i])
	}
	of := func(name string, work int, t traffic, do, loop func()) bool {
		return yield(task{kernel: name, types: typesOf[T, T](), at: binary(size), elements: float64(n), work: float64(n * work),
			limit: limit{t, size}, do: do, math: loop})
	}
	each := func(x []T, f func(float64) float64) func() {
		return func() {
			for i, v := range x {
				dst[i] = T(f(float64(v)))
			}
		}
	}
	return of("exp", 2*w, copies, func() { kernel.Exp(dst, x) }, func() {
		for i, v := range x { // the call is known: the fastest loop of its kind
			dst[i] = T(math.Exp(float64(v)))
		}
	}) && of("log1p", 2*w, copies, func() { kernel.Log1p(dst, positive) }, each(positive, math.Log1p)) &&
		of("sigmoid", 2*w, copies, func() { kernel.Sigmoid(dst, x) }, each(x, func(v float64) float64 { return 1 / (1 + math.Exp(-v)) })) &&
		of("softmax", 2*w, copies, func() { kernel.Softmax(dst, x) }, func() { softmax(dst, x) }) &&
		of("logsumexp", w, reads, func() { b.sink += float64(kernel.LogSumExp(x)) }, func() { b.sink += math.Log(expSum(nil, x)) })
}

// softmax and expSum are loops of package math.
func softmax[T kernel.Float](dst, x []T) {
	by := 1 / expSum(dst, x)
	for i := range dst {
		dst[i] = T(float64(dst[i]) * by)
	}
}

func expSum[T kernel.Float](dst, x []T) (sum float64) {
	top := T(math.Inf(-1))
	for _, v := range x {
		top = max(top, v)
	}
	for i, v := range x {
		e := math.Exp(float64(v - top))
		sum += e
		if dst != nil {
			dst[i] = T(e)
		}
	}
	return sum
}
