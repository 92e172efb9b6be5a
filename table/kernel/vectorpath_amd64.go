//go:build !purego

package kernel

// The kernels of this file do all of a slice of at most 64K elements; nothing is
// left to plain Go. Those for AVX2 serve AVX-512 too.

// narrows reports whether values of x would lose bits as a T: only plain Go does
// that.
func narrows[V, T Float]() bool { return kind[V]() == isFloat64 && kind[T]() == isFloat32 }

func dotFast[V, T Float](x []V, y []T) T {
	if path == plain || uint(len(x)-1) >= stretch || narrows[V, T]() {
		return dotSlow(x, y)
	}
	y = y[:len(x)]
	switch {
	case kind[T]() == isFloat32:
		return T(dotFloat32AVX2(f32(&x[0]), f32(&y[0]), len(x)))
	case kind[V]() == isFloat32:
		return T(dotFloat32Float64AVX2(f32(&x[0]), f64(&y[0]), len(x)))
	}
	return T(dotFloat64AVX2(f64(&x[0]), f64(&y[0]), len(x)))
}

func squareFast[V Float](x []V) float64 {
	if path == plain || uint(len(x)-1) >= stretch {
		return squareSlow(x)
	}
	if kind[V]() == isFloat32 {
		return squareFloat32AVX2(f32(&x[0]), len(x))
	}
	return dotFloat64AVX2(f64(&x[0]), f64(&x[0]), len(x))
}

func sumFast[T Float](x []T) T {
	if path == plain || uint(len(x)-1) >= stretch {
		return sumSlow(x)
	}
	if kind[T]() == isFloat64 {
		return T(sumFloat64AVX2(f64(&x[0]), len(x)))
	}
	return T(sumFloat32AVX2(f32(&x[0]), len(x)))
}

func axpyFast[V, T Float](a T, x []V, y []T) {
	if path == plain || uint(len(x)-1) >= stretch || narrows[V, T]() {
		axpySlow(a, x, y)
		return
	}
	y = y[:len(x)]
	switch {
	case kind[T]() == isFloat32:
		axpyFloat32AVX2(float32(a), f32(&x[0]), f32(&y[0]), len(x))
	case kind[V]() == isFloat32:
		axpyFloat32Float64AVX2(float64(a), f32(&x[0]), f64(&y[0]), len(x))
	default:
		axpyFloat64AVX2(float64(a), f64(&x[0]), f64(&y[0]), len(x))
	}
}

func scaleFast[T Float](a T, x []T) {
	if path == plain || uint(len(x)-1) >= stretch {
		scaleSlow(a, x)
		return
	}
	if kind[T]() == isFloat64 {
		timesFloat64AVX2(float64(a), f64(&x[0]), len(x))
	} else {
		timesFloat32AVX2(float32(a), f32(&x[0]), len(x))
	}
}

func axpyDotFast[V, T Float](a T, x []V, y, z []T) T {
	if path == plain || uint(len(x)-1) >= stretch || narrows[V, T]() {
		return axpyDotSlow(a, x, y, z)
	}
	y, z = y[:len(x)], z[:len(x)]
	if &y[0] == &z[0] { // the kernels read z before they write y
		axpyFast(a, x, y)
		return dotFast(y, y)
	}
	switch {
	case kind[T]() == isFloat32:
		return T(axpyDotFloat32AVX2(float32(a), f32(&x[0]), f32(&y[0]), f32(&z[0]), len(x)))
	case kind[V]() == isFloat32:
		return T(axpyDotFloat32Float64AVX2(float64(a), f32(&x[0]), f64(&y[0]), f64(&z[0]), len(x)))
	}
	return T(axpyDotFloat64AVX2(float64(a), f64(&x[0]), f64(&y[0]), f64(&z[0]), len(x)))
}
