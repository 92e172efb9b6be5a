// Package kernel holds the loops over flat slices in which the time of a
// training goes. It knows neither tables nor algorithms.
//
// Plain Go is the specification: every kernel has it, in every build, and gives
// the same bits by any other path. But products with matrices are added up in
// another order, and functions of float32s may differ in the last bits. On amd64
// the path is chosen once, by what the machine can do; the build tag purego leaves
// only plain Go. A path does what it can of the beginning of its slices, whole
// vectors of at most 64K elements a call because assembly cannot be interrupted,
// and plain Go does the rest. The kernels that algorithms compute with do all of
// them: rows are short.
//
// The assembly is written by the program in gen, a module of its own:
//
//	go generate ./table/kernel
//
// Elements travel in their memory's form on little-endian machines, which is
// that of messages and files. There a conversion is a copy of memory; elsewhere
// it is a loop.
package kernel

import "unsafe"

//go:generate -command gen go run -C gen . -pkg kernel
//go:generate gen -group bandwidth -out ../bandwidth_amd64.s -stubs ../bandwidth_amd64.go
//go:generate gen -group dense -out ../dense_amd64.s -stubs ../dense_amd64.go
//go:generate gen -group planes -out ../planes_amd64.s -stubs ../planes_amd64.go
//go:generate gen -group rounding -out ../rounding_amd64.s -stubs ../rounding_amd64.go
//go:generate gen -group functions -out ../functions_amd64.s -stubs ../functions_amd64.go
//go:generate gen -group products -out ../products_amd64.s -stubs ../products_amd64.go
//go:generate gen -group ratings -out ../ratings_amd64.s -stubs ../ratings_amd64.go
//go:generate gen -group bytes -out ../bytes_amd64.s -stubs ../bytes_amd64.go
//go:generate gen -group sparse -out ../sparse_amd64.s -stubs ../sparse_amd64.go
//go:generate gen -group topics -out ../topics_amd64.s -stubs ../topics_amd64.go
//go:generate gen -group vector -out ../vector_amd64.s -stubs ../vector_amd64.go
//go:generate gen -group integers -out ../integers_amd64.s -stubs ../integers_amd64.go

// Elem is what the values of a table are made of.
type Elem interface{ float32 | float64 | int32 }

// short is up to how many elements plain Go is as fast as anything.
const short = 16

// Add adds u, which is at least as long, to x. They are the same memory or do not
// overlap.
func Add[T Elem](x, u []T) {
	if len(x) >= short {
		addLong(x, u)
		return
	}
	for i := range x {
		x[i] += u[i]
	}
}

// addLong stands apart so that little more than a loop is between a caller and a
// short row.
func addLong[T Elem](x, u []T) {
	u = u[:len(x)]
	done := addFast(x, u)
	addGo(x[done:], u[done:])
}

func addGo[T Elem](x, u []T) {
	for i := range x {
		x[i] += u[i]
	}
}

// Zero reports whether all of x is 0.
func Zero[T Elem](x []T) bool {
	if len(x) >= short {
		return zeroLong(x)
	}
	for _, v := range x {
		if v != 0 {
			return false
		}
	}
	return true
}

func zeroLong[T Elem](x []T) bool {
	if x[0] != 0 {
		return false
	}
	done, zero := zeroFast(x)
	return zero && zeroGo(x[done:])
}

func zeroGo[T Elem](x []T) bool {
	for _, v := range x {
		if v != 0 {
			return false
		}
	}
	return true
}

// HasZero reports whether some value of x is 0.
func HasZero[T Elem](x []T) bool {
	done := 0
	if len(x) >= short {
		var found bool
		if done, found = hasZeroFast(x); found {
			return true
		}
	}
	return hasZeroGo(x[done:])
}

func hasZeroGo[T Elem](x []T) bool {
	for _, v := range x {
		if v == 0 {
			return true
		}
	}
	return false
}

// Newer sets bit i%64 of mask[i/64] where x[i] is above since, and clears all other bits
// of the words of mask that x has a part in. mask has room for len(x) bits.
func Newer(mask []uint64, x []uint32, since uint32) {
	mask = mask[:(len(x)+63)/64]
	done := newerFast(mask, x, since)
	for k := done / 64; k < len(mask); k++ {
		word := uint64(0)
		for i, v := range x[64*k : min(64*k+64, len(x))] {
			if v > since {
				word |= 1 << i
			}
		}
		mask[k] = word
	}
}

// Take moves the values of x to the end of b, little endian, as [Append] does, and
// reports whether some value was 0. All of x becomes 0. It is one pass where b has
// room.
func Take[T Elem](b []byte, x []T) (out []byte, zeros bool) {
	var v T
	size := int(unsafe.Sizeof(v))
	if len(x) < short || cap(b)-len(b) < len(x)*size {
		return takePasses(b, x)
	}
	done, zeros := takeFast(b[len(b):len(b)+len(x)*size], x)
	out, rest := takePasses(b[:len(b)+done*size], x[done:])
	return out, zeros || rest
}

func takePasses[T Elem](b []byte, x []T) (out []byte, zeros bool) {
	out, zeros = Append(b, x), HasZero(x)
	clear(x)
	return out, zeros
}
