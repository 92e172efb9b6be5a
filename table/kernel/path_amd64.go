//go:build !purego

package kernel

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

// The paths, slowest first. A machine that has one has those before it. Kernels
// that only move and add have no form of their own for AVX-512: where memory is
// the limit it gains nothing, and at odd addresses it loses.
const (
	plain = iota
	avx2
	avx512
)

// path is how kernels are computed. Only tests and measurements change it.
var path = best()

func best() int {
	switch x := cpu.X86; {
	case !x.HasAVX2 || !x.HasFMA:
		return plain
	case x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL:
		return avx512
	}
	return avx2
}

// most is how many elements a call has at most.
const most = 1 << 16

// The kinds of elements. Which one T is, is known where a generic function is
// compiled, as every kind has a memory layout of its own.
const (
	isFloat32 = iota
	isFloat64
	isInt32
)

func kind[T Elem]() int {
	var v T
	switch {
	case T(1)/T(2) == 0:
		return isInt32
	case unsafe.Sizeof(v) == 4:
		return isFloat32
	}
	return isFloat64
}

// whole is how many of n elements are in whole blocks of 64 bytes.
func whole[T Elem](n int) int {
	var v T
	return n &^ (64/int(unsafe.Sizeof(v)) - 1)
}

func f32[T Elem](x *T) *float32 { return (*float32)(unsafe.Pointer(x)) }
func f64[T Elem](x *T) *float64 { return (*float64)(unsafe.Pointer(x)) }
func i32[T Elem](x *T) *int32   { return (*int32)(unsafe.Pointer(x)) }

func addFast[T Elem](x, u []T) (done int) {
	if path == plain {
		return 0
	}
	for n := whole[T](len(x)); done < n; {
		x, u, m := &x[done], &u[done], min(n-done, most)
		switch kind[T]() {
		case isFloat32:
			addFloat32AVX2(f32(x), f32(u), m)
		case isFloat64:
			addFloat64AVX2(f64(x), f64(u), m)
		default:
			addInt32AVX2(i32(x), i32(u), m)
		}
		done += m
	}
	return done
}

func newerFast(mask []uint64, x []uint32, since uint32) (done int) {
	if path == plain {
		return 0
	}
	for n := len(x) &^ 63; done < n; {
		m := min(n-done, most)
		newerAVX2(&mask[done/64], &x[done], m, since)
		done += m
	}
	return done
}

func takeFast[T Elem](to []byte, x []T) (done int, zeros bool) {
	if path == plain {
		return 0, false
	}
	var v T
	for n := whole[T](len(x)); done < n; {
		var found bool
		to, x, m := &to[done*int(unsafe.Sizeof(v))], &x[done], min(n-done, most)
		switch kind[T]() {
		case isFloat32:
			found = takeFloat32AVX2(to, f32(x), m)
		case isFloat64:
			found = takeFloat64AVX2(to, f64(x), m)
		default:
			found = takeInt32AVX2(to, i32(x), m)
		}
		zeros = zeros || found
		done += m
	}
	return done, zeros
}

func hasZeroFast[T Elem](x []T) (done int, found bool) {
	if path == plain {
		return 0, false
	}
	for n := whole[T](len(x)); done < n && !found; {
		x, m := &x[done], min(n-done, most)
		switch kind[T]() {
		case isFloat32:
			found = hasZeroFloat32AVX2(f32(x), m)
		case isFloat64:
			found = hasZeroFloat64AVX2(f64(x), m)
		default:
			found = hasZeroInt32AVX2(i32(x), m)
		}
		done += m
	}
	return done, found
}

// zeroFast looks at 4 KiB at a time: it may end early.
func zeroFast[T Elem](x []T) (done int, zero bool) {
	if path == plain {
		return 0, true
	}
	var v T
	size := int(unsafe.Sizeof(v))
	number := ^uint64(0) // the bits that are 0 in a zero
	switch kind[T]() {
	case isFloat32:
		number &^= 1<<63 | 1<<31
	case isFloat64:
		number &^= 1 << 63
	}
	for n := whole[T](len(x)); done < n; {
		m := min(n-done, 4096/size)
		if orAVX2((*uint64)(unsafe.Pointer(&x[done])), m*size/8)&number != 0 {
			return done, false
		}
		done += m
	}
	return done, true
}

func word(x *float32) *uint32 { return (*uint32)(unsafe.Pointer(x)) }
