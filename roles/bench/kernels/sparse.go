package kernels

import (
	"fmt"
	"iter"
	"math/rand/v2"

	"petuum/table/kernel"
)

var sparseGroup = group{
	name: "sparse", unit: "GB/s", about: "rows of so many values that pick from this much memory, by indices of uint16 or uint32",
	kernels: []string{"gather", "gatherdot", "scatteradd", "scatteraxpy"},
	columns: func(s sizes) []string {
		return []string{pickedAt(s.picked[0], 2), pickedAt(s.picked[0], 4), pickedAt(s.picked[1], 4), pickedAt(s.picked[2], 4)}
	},
	tasks: func(b *bench) iter.Seq[task] {
		return func(yield func(task) bool) {
			if !pick[uint16](b, 0, yield) {
				return
			}
			for level := range b.o.sizes.picked {
				if !pick[uint32](b, level, yield) {
					return
				}
			}
		}
	},
}

// lengths of sparse rows.
var lengths = []int{10, 33, 128, 1000}

func pickedAt(size, index int) string { return fmt.Sprintf("%s, u%d", binary(size), 8*index) }

// pick yields the kernels that pick from memory of a level.
func pick[I kernel.Index](b *bench, level int, yield func(task) bool) bool {
	narrow, wide := filled[float32](b.o.sizes.picked[level]/4), filled[float64](b.o.sizes.picked[level]/8)
	x, x64 := filled[float32](b.o.sizes.values[level]), filled[float64](b.o.sizes.values[level])
	for _, length := range lengths {
		idx := indices[I](len(x)/length, length, len(narrow))
		p := picker[I]{b: b, level: level, length: length, idx: idx, yield: yield}
		if !pickOnly(p, narrow) || !pickTimes(p, x, narrow) {
			return false
		}
		p.idx = indices[I](len(x)/length, length, len(wide))
		if !pickOnly(p, wide) || !pickTimes(p, x, wide) || !pickTimes(p, x64, wide) {
			return false
		}
	}
	return true
}

// indices of rows, of which each has one of every equal part of the width: they
// are in order and distinct.
func indices[I kernel.Index](rows, length, width int) []I {
	r := rand.New(rand.NewPCG(1, uint64(length)))
	list := make([]I, 0, rows*length)
	for range rows {
		for k := range length {
			from, to := k*width/length, (k+1)*width/length
			list = append(list, I(from+r.IntN(to-from)))
		}
	}
	return list
}

// picker is rows of one length.
type picker[I kernel.Index] struct {
	b             *bench
	level, length int
	idx           []I
	yield         func(task) bool
}

// task of a kernel that moves so many bytes with an element beside its index.
func (p picker[I]) task(name, types string, bytes int, t traffic, do func()) bool {
	var i I
	index := 4
	if _, ok := any(i).(uint16); ok {
		index = 2
	}
	size := p.b.o.sizes.picked[p.level]
	return p.yield(task{kernel: name, types: types, row: fmt.Sprintf("rows of %d", p.length), at: pickedAt(size, index),
		elements: float64(len(p.idx)), work: float64(len(p.idx) * (index + bytes)), limit: limit{t, size}, do: do})
}

func pickOnly[I kernel.Index, T kernel.Float](p picker[I], y []T) bool {
	n, idx, b := p.length, p.idx, p.b
	return p.task("gather", typesOf[T, T](), sizeOf[T](), reads, func() {
		var s T
		for k := 0; k < len(idx); k += n {
			s += kernel.Gather(idx[k:k+n], y)
		}
		b.sink += float64(s)
	}) && p.task("scatteradd", typesOf[T, T](), 2*sizeOf[T](), updates, func() {
		for k := 0; k < len(idx); k += n {
			kernel.ScatterAdd(1, idx[k:k+n], y)
		}
	})
}

func pickTimes[I kernel.Index, V, T kernel.Float](p picker[I], x []V, y []T) bool {
	n, idx, b := p.length, p.idx, p.b
	return p.task("gatherdot", typesOf[V, T](), sizeOf[V]()+sizeOf[T](), reads, func() {
		var s T
		for k := 0; k < len(idx); k += n {
			s += kernel.GatherDot(idx[k:k+n], x[k:k+n], y)
		}
		b.sink += float64(s)
	}) && p.task("scatteraxpy", typesOf[V, T](), sizeOf[V]()+2*sizeOf[T](), updates, func() {
		for k := 0; k < len(idx); k += n {
			kernel.ScatterAxpy(1, idx[k:k+n], x[k:k+n], y)
		}
	})
}
