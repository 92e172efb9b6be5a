//go:build !purego

package kernel

import "unsafe"

// The kernels of this file do all of a row of at most 64K elements; nothing is left
// to plain Go. Those for AVX2 serve AVX-512 too.

func isUint16[I Index]() bool {
	var i I
	return unsafe.Sizeof(i) == 2
}

func u16[I Index](i *I) *uint16 { return (*uint16)(unsafe.Pointer(i)) }
func u32[I Index](i *I) *uint32 { return (*uint32)(unsafe.Pointer(i)) }

func gatherFast[I Index, T Float](idx []I, y []T) T {
	if path == plain || uint(len(idx)-1) >= stretch {
		return gatherSlow(idx, y)
	}
	n, i, y0 := len(idx), &idx[0], &y[0]
	switch double := kind[T]() == isFloat64; {
	case isUint16[I]() && double:
		return T(gatherUint16Float64AVX2(u16(i), f64(y0), n))
	case isUint16[I]():
		return T(gatherUint16Float32AVX2(u16(i), f32(y0), n))
	case double:
		return T(gatherUint32Float64AVX2(u32(i), f64(y0), n))
	}
	return T(gatherUint32Float32AVX2(u32(i), f32(y0), n))
}

func scatterAddFast[I Index, T Float](a T, idx []I, y []T) {
	if path == plain || uint(len(idx)-1) >= stretch {
		scatterAddSlow(a, idx, y)
		return
	}
	n, i, y0 := len(idx), &idx[0], &y[0]
	switch double := kind[T]() == isFloat64; {
	case isUint16[I]() && double:
		scatterAddUint16Float64AVX2(float64(a), u16(i), f64(y0), n)
	case isUint16[I]():
		scatterAddUint16Float32AVX2(float32(a), u16(i), f32(y0), n)
	case double:
		scatterAddUint32Float64AVX2(float64(a), u32(i), f64(y0), n)
	default:
		scatterAddUint32Float32AVX2(float32(a), u32(i), f32(y0), n)
	}
}

func gatherDotFast[I Index, V, T Float](idx []I, x []V, y []T) T {
	if path == plain || uint(len(idx)-1) >= stretch || narrows[V, T]() {
		return gatherDotSlow(idx, x, y)
	}
	x = x[:len(idx)]
	n, i, x0, y0 := len(idx), &idx[0], &x[0], &y[0]
	if kind[T]() == isFloat32 {
		if isUint16[I]() {
			return T(gatherDotUint16Float32Float32AVX2(u16(i), f32(x0), f32(y0), n))
		}
		return T(gatherDotUint32Float32Float32AVX2(u32(i), f32(x0), f32(y0), n))
	}
	switch double := kind[V]() == isFloat64; {
	case isUint16[I]() && double:
		return T(gatherDotUint16Float64Float64AVX2(u16(i), f64(x0), f64(y0), n))
	case isUint16[I]():
		return T(gatherDotUint16Float32Float64AVX2(u16(i), f32(x0), f64(y0), n))
	case double:
		return T(gatherDotUint32Float64Float64AVX2(u32(i), f64(x0), f64(y0), n))
	}
	return T(gatherDotUint32Float32Float64AVX2(u32(i), f32(x0), f64(y0), n))
}

func scatterAxpyFast[I Index, V, T Float](a T, idx []I, x []V, y []T) {
	if path == plain || uint(len(idx)-1) >= stretch || narrows[V, T]() {
		scatterAxpySlow(a, idx, x, y)
		return
	}
	x = x[:len(idx)]
	n, i, x0, y0 := len(idx), &idx[0], &x[0], &y[0]
	if kind[T]() == isFloat32 {
		if isUint16[I]() {
			scatterAxpyUint16Float32Float32AVX2(float32(a), u16(i), f32(x0), f32(y0), n)
		} else {
			scatterAxpyUint32Float32Float32AVX2(float32(a), u32(i), f32(x0), f32(y0), n)
		}
		return
	}
	switch double := kind[V]() == isFloat64; {
	case isUint16[I]() && double:
		scatterAxpyUint16Float64Float64AVX2(float64(a), u16(i), f64(x0), f64(y0), n)
	case isUint16[I]():
		scatterAxpyUint16Float32Float64AVX2(float64(a), u16(i), f32(x0), f64(y0), n)
	case double:
		scatterAxpyUint32Float64Float64AVX2(float64(a), u32(i), f64(x0), f64(y0), n)
	default:
		scatterAxpyUint32Float32Float64AVX2(float64(a), u32(i), f32(x0), f64(y0), n)
	}
}
