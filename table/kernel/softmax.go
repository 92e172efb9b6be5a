package kernel

import "math"

// Softmax writes e^x, divided by their sum, to dst, which is as long at least and
// may be x. Finite values give finite ones, however large. -Inf gives 0. If some
// value is +Inf or not a number, or all are -Inf, no result is a number.
func Softmax[T Float](dst, x []T) {
	if len(x) == 0 {
		return
	}
	dst = dst[:len(x)]
	Scale(T(1/expSum(dst, x, largest(x))), dst)
}

// LogSumExp is log(sum e^x): -Inf for no values.
func LogSumExp[T Float](x []T) T {
	top := largest(x)
	if math.IsInf(float64(top), 0) {
		for _, v := range x {
			if v != v {
				return v
			}
		}
		return top
	}
	var buf [256]T
	sum := 0.0
	for rest := x; len(rest) > 0; {
		n := min(len(rest), len(buf))
		sum += expSum(buf[:n], rest[:n], top)
		rest = rest[n:]
	}
	return T(float64(top) + math.Log(sum))
}

// largest may pass over what is not a number.
func largest[T Float](x []T) T {
	done, top := maxFast(x)
	for _, v := range x[done:] {
		if v > top {
			top = v
		}
	}
	return top
}

// expSum writes e^(x-shift) to dst, and returns their sum.
func expSum[T Float](dst, x []T, shift T) float64 {
	if sum, ok := expSumFast(dst, x, shift); ok {
		return sum
	}
	for i, v := range x {
		dst[i] = v - shift
	}
	functionGo(dst[:len(x)], dst[:len(x)], exp)
	sum := 0.0
	for _, v := range dst[:len(x)] {
		sum += float64(v)
	}
	return sum
}
