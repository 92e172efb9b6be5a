//go:build !purego

package kernel

import "math"

// block is how many values are kept in between two kernels.
const block = 512

// words32 is how many of n values are in whole blocks of 32, 0 where they are too
// few to be worth it.
func words32(n int) int {
	if n < 64 {
		return 0
	}
	return n &^ 31
}

func planesFast[T Elem](planes []byte, x []T, size int) (done int) {
	k := kind[T]()
	if path == plain || k == isInt32 {
		return 0
	}
	for n := words32(len(x)); done < n; {
		m := min(n-done, most)
		if k == isFloat32 {
			splitFloats(&planes[done], len(x), f32(&x[done]), m, size)
			done += m
			continue
		}
		var q [block]float32
		m = min(m, block)
		narrowAVX2(f64(&x[done]), m, &q[0])
		splitFloats(&planes[done], len(x), &q[0], m, size)
		done += m
	}
	return done
}

func splitFloats(planes *byte, stride int, x *float32, n, size int) {
	if size == 2 {
		shuffleHigh2AVX2(planes, stride, word(x), n)
	} else {
		shuffleAll4AVX2(planes, stride, word(x), n)
	}
}

func loadPlanesFast[T Elem](x []T, planes []byte, size int) (done int) {
	k := kind[T]()
	if path == plain || k == isInt32 {
		return 0
	}
	for n := words32(len(x)); done < n; {
		m := min(n-done, most)
		if k == isFloat32 {
			joinFloats(f32(&x[done]), &planes[done], len(x), m, size)
			done += m
			continue
		}
		var q [block]float32
		m = min(m, block)
		joinFloats(&q[0], &planes[done], len(x), m, size)
		widenAVX2(f64(&x[done]), m, &q[0])
		done += m
	}
	return done
}

func joinFloats(x *float32, planes *byte, stride, n, size int) {
	if size == 2 {
		unshuffleHigh2AVX2(word(x), planes, stride, n)
	} else {
		unshuffleAll4AVX2(word(x), planes, stride, n)
	}
}

// normal reports whether 2^unit and 2^-unit are normal numbers of every type.
func normal(unit int) bool { return unit >= -126 && unit <= 126 }

func fixedFast[T Elem](planes []byte, x []T, size, unit int) (done int) {
	k := kind[T]()
	n := words32(len(x))
	if path == plain || k == isInt32 || n == 0 || !normal(unit) {
		return 0
	}
	per := math.Ldexp(1, -unit)
	var q [block]uint32
	for done < n {
		m := min(n-done, block)
		if k == isFloat32 {
			quantizeFloat32AVX2(&q[0], f32(&x[done]), m, float32(per))
		} else {
			quantizeFloat64AVX2(&q[0], f64(&x[done]), m, per)
		}
		switch to := &planes[done]; size {
		case 1:
			shuffleLow1AVX2(to, len(x), &q[0], m)
		case 2:
			shuffleLow2AVX2(to, len(x), &q[0], m)
		case 3:
			shuffleLow3AVX2(to, len(x), &q[0], m)
		}
		done += m
	}
	return done
}

func loadFixedFast[T Elem](x []T, planes []byte, size, unit int) (done int) {
	k := kind[T]()
	n := words32(len(x))
	if path == plain || k == isInt32 || n == 0 || !normal(unit) {
		return 0
	}
	one := math.Ldexp(1, unit)
	var q [block]uint32
	for done < n {
		m := min(n-done, block)
		switch from := &planes[done]; size {
		case 1:
			unshuffleLow1AVX2(&q[0], from, len(x), m)
		case 2:
			unshuffleLow2AVX2(&q[0], from, len(x), m)
		case 3:
			unshuffleLow3AVX2(&q[0], from, len(x), m)
		}
		if k == isFloat32 {
			scaleFloat32AVX2(f32(&x[done]), &q[0], m, float32(one))
		} else {
			scaleFloat64AVX2(f64(&x[done]), &q[0], m, one)
		}
		done += m
	}
	return done
}

func largestFast[T Elem](x []T) (done int, largest float64) {
	k := kind[T]()
	if path == plain || k == isInt32 {
		return 0, 0
	}
	for n := whole[T](len(x)); done < n; {
		x, m := &x[done], min(n-done, most)
		if k == isFloat32 {
			largest = max(largest, float64(math.Float32frombits(largestFloat32AVX2(f32(x), m))))
		} else {
			largest = max(largest, math.Float64frombits(largestFloat64AVX2(f64(x), m)))
		}
		done += m
	}
	return done, largest
}

func roundSingleFast[T Elem](x []T) (done int) {
	switch k := kind[T](); {
	case k == isFloat32:
		return len(x)
	case path == plain || k == isInt32:
		return 0
	}
	for n := whole[T](len(x)); done < n; {
		m := min(n-done, most)
		roundSingleFloat64AVX2(f64(&x[done]), m)
		done += m
	}
	return done
}

func roundBFloat16Fast[T Elem](x []T) (done int) {
	k := kind[T]()
	if path == plain || k == isInt32 {
		return 0
	}
	for n := whole[T](len(x)); done < n; {
		m := min(n-done, most)
		if k == isFloat32 {
			roundBFloat16Float32AVX2(f32(&x[done]), m)
		} else {
			roundBFloat16Float64AVX2(f64(&x[done]), m)
		}
		done += m
	}
	return done
}

func roundFixedFast[T Elem](x []T, unit int) (done int) {
	k := kind[T]()
	if path == plain || k == isInt32 || !normal(unit) {
		return 0
	}
	one, per := math.Ldexp(1, unit), math.Ldexp(1, -unit)
	for n := whole[T](len(x)); done < n; {
		m := min(n-done, most)
		if k == isFloat32 {
			roundFixedFloat32AVX2(f32(&x[done]), m, float32(one), float32(per))
		} else {
			roundFixedFloat64AVX2(f64(&x[done]), m, one, per)
		}
		done += m
	}
	return done
}
