//go:build !purego

package kernel

import "math"

// A tail holds the values behind the last whole block, so that they are computed
// like the others.
type tail[T Float] [16]T

// blockOf is how many elements are a block of 64 bytes.
func blockOf[T Float]() int {
	if kind[T]() == isFloat32 {
		return 16
	}
	return 8
}

func functionFast[T Float](f function, dst, x []T) bool {
	if path == plain {
		return false
	}
	n := whole[T](len(x))
	for done := 0; done < n; {
		m := min(n-done, most)
		functionBlocks(f, &dst[done], &x[done], m)
		done += m
	}
	if n < len(x) {
		var t tail[T]
		copy(t[:], x[n:])
		functionBlocks(f, &t[0], &t[0], blockOf[T]())
		copy(dst[n:], t[:])
	}
	return true
}

func functionBlocks[T Float](f function, dst, x *T, n int) {
	switch {
	case path == avx512 && kind[T]() == isFloat32:
		dst, x := f32(dst), f32(x)
		switch f {
		case expFunction:
			expFloat32AVX512(dst, x, n)
		case log1pFunction:
			log1pFloat32AVX512(dst, x, n)
		case sigmoidFunction:
			sigmoidFloat32AVX512(dst, x, n)
		}
	case path == avx512:
		dst, x := f64(dst), f64(x)
		switch f {
		case expFunction:
			expFloat64AVX512(dst, x, n)
		case log1pFunction:
			log1pFloat64AVX512(dst, x, n)
		case sigmoidFunction:
			sigmoidFloat64AVX512(dst, x, n)
		}
	case kind[T]() == isFloat32:
		dst, x := f32(dst), f32(x)
		switch f {
		case expFunction:
			expFloat32AVX2(dst, x, n)
		case log1pFunction:
			log1pFloat32AVX2(dst, x, n)
		case sigmoidFunction:
			sigmoidFloat32AVX2(dst, x, n)
		}
	default:
		dst, x := f64(dst), f64(x)
		switch f {
		case expFunction:
			expFloat64AVX2(dst, x, n)
		case log1pFunction:
			log1pFloat64AVX2(dst, x, n)
		case sigmoidFunction:
			sigmoidFloat64AVX2(dst, x, n)
		}
	}
}

func maxFast[T Float](x []T) (done int, top T) {
	top = T(math.Inf(-1))
	if path == plain {
		return 0, top
	}
	for n := whole[T](len(x)); done < n; {
		x, m := &x[done], min(n-done, most)
		var t T
		switch {
		case path == avx512 && kind[T]() == isFloat32:
			t = T(maxFloat32AVX512(f32(x), m))
		case path == avx512:
			t = T(maxFloat64AVX512(f64(x), m))
		case kind[T]() == isFloat32:
			t = T(maxFloat32AVX2(f32(x), m))
		default:
			t = T(maxFloat64AVX2(f64(x), m))
		}
		top = max(top, t)
		done += m
	}
	return done, top
}

func expSumFast[T Float](dst, x []T, shift T) (sum float64, ok bool) {
	if path == plain {
		return 0, false
	}
	n := whole[T](len(x))
	for done := 0; done < n; {
		m := min(n-done, most)
		sum += expSumBlocks(&dst[done], &x[done], m, shift)
		done += m
	}
	if n < len(x) {
		var t tail[T]
		for i := copy(t[:], x[n:]); i < len(t); i++ {
			t[i] = T(math.Inf(-1)) // adds 0 to the sum
		}
		sum += expSumBlocks(&t[0], &t[0], blockOf[T](), shift)
		copy(dst[n:], t[:])
	}
	return sum, true
}

func expSumBlocks[T Float](dst, x *T, n int, shift T) float64 {
	switch {
	case path == avx512 && kind[T]() == isFloat32:
		return float64(expSumFloat32AVX512(f32(dst), f32(x), n, float32(shift)))
	case path == avx512:
		return expSumFloat64AVX512(f64(dst), f64(x), n, float64(shift))
	case kind[T]() == isFloat32:
		return float64(expSumFloat32AVX2(f32(dst), f32(x), n, float32(shift)))
	}
	return expSumFloat64AVX2(f64(dst), f64(x), n, float64(shift))
}
