//go:build !purego

package kernel

// The kernels of this file do all of a slice of at most 64K elements; nothing is
// left to plain Go.

func dotFast[T Float](x, y []T) T {
	if path == plain || uint(len(x)-1) >= stretch {
		return dotSlow(x, y)
	}
	y = y[:len(x)]
	n, x0, y0 := len(x), &x[0], &y[0]
	switch double := kind[T]() == isFloat64; {
	case path == avx512 && double:
		return T(dotFloat64AVX512(f64(x0), f64(y0), n))
	case path == avx512:
		return T(dotFloat32AVX512(f32(x0), f32(y0), n))
	case double:
		return T(dotFloat64AVX2(f64(x0), f64(y0), n))
	}
	return T(dotFloat32AVX2(f32(x0), f32(y0), n))
}

func sumFast[T Float](x []T) T {
	if path == plain || uint(len(x)-1) >= stretch {
		return sumSlow(x)
	}
	n, x0 := len(x), &x[0]
	switch double := kind[T]() == isFloat64; {
	case path == avx512 && double:
		return T(sumFloat64AVX512(f64(x0), n))
	case path == avx512:
		return T(sumFloat32AVX512(f32(x0), n))
	case double:
		return T(sumFloat64AVX2(f64(x0), n))
	}
	return T(sumFloat32AVX2(f32(x0), n))
}

func axpyFast[T Float](a T, x, y []T) {
	if path == plain || uint(len(x)-1) >= stretch {
		axpySlow(a, x, y)
		return
	}
	y = y[:len(x)]
	n, x0, y0 := len(x), &x[0], &y[0]
	switch double := kind[T]() == isFloat64; {
	case path == avx512 && double:
		axpyFloat64AVX512(float64(a), f64(x0), f64(y0), n)
	case path == avx512:
		axpyFloat32AVX512(float32(a), f32(x0), f32(y0), n)
	case double:
		axpyFloat64AVX2(float64(a), f64(x0), f64(y0), n)
	default:
		axpyFloat32AVX2(float32(a), f32(x0), f32(y0), n)
	}
}

func scaleFast[T Float](a T, x []T) {
	if path == plain || uint(len(x)-1) >= stretch {
		scaleSlow(a, x)
		return
	}
	n, x0 := len(x), &x[0]
	switch double := kind[T]() == isFloat64; {
	case path == avx512 && double:
		timesFloat64AVX512(float64(a), f64(x0), n)
	case path == avx512:
		timesFloat32AVX512(float32(a), f32(x0), n)
	case double:
		timesFloat64AVX2(float64(a), f64(x0), n)
	default:
		timesFloat32AVX2(float32(a), f32(x0), n)
	}
}

func axpyDotFast[T Float](a T, x, y, z []T) T {
	if path == plain || uint(len(x)-1) >= stretch {
		return axpyDotSlow(a, x, y, z)
	}
	y, z = y[:len(x)], z[:len(x)]
	n, x0, y0, z0 := len(x), &x[0], &y[0], &z[0]
	if y0 == z0 { // the kernels read z before they write y
		axpyFast(a, x, y)
		return dotFast(y, y)
	}
	switch double := kind[T]() == isFloat64; {
	case path == avx512 && double:
		return T(axpyDotFloat64AVX512(float64(a), f64(x0), f64(y0), f64(z0), n))
	case path == avx512:
		return T(axpyDotFloat32AVX512(float32(a), f32(x0), f32(y0), f32(z0), n))
	case double:
		return T(axpyDotFloat64AVX2(float64(a), f64(x0), f64(y0), f64(z0), n))
	}
	return T(axpyDotFloat32AVX2(float32(a), f32(x0), f32(y0), f32(z0), n))
}
