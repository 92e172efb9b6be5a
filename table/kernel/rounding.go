package kernel

import "math"

// Largest is the largest magnitude of x, not a number where one of x is none.
func Largest[T Elem](x []T) float64 {
	done, most := largestFast(x)
	return max(most, largestGo(x[done:]))
}

func largestGo[T Elem](x []T) float64 {
	most := 0.0
	for _, v := range x {
		if a := math.Abs(float64(v)); !(a <= most) {
			if a != a {
				return a
			}
			most = a
		}
	}
	return most
}

// RoundSingle rounds x to float32.
func RoundSingle[T Elem](x []T) {
	roundSingleGo(x[roundSingleFast(x):])
}

func roundSingleGo[T Elem](x []T) {
	for i, v := range x {
		x[i] = T(float32(v))
	}
}

// RoundBFloat16 rounds x, which is finite, to float32 and that to its upper half,
// each to even.
func RoundBFloat16[T Elem](x []T) {
	roundBFloat16Go(x[roundBFloat16Fast(x):])
}

func roundBFloat16Go[T Elem](x []T) {
	for i, v := range x {
		b := math.Float32bits(float32(v))
		x[i] = T(math.Float32frombits((b + 0x7fff + b>>16&1) &^ 0xffff))
	}
}

// RoundFixed rounds x to whole multiples of 2^unit, to even. No magnitude may be
// more than 2^24 units.
func RoundFixed[T Elem](x []T, unit int) {
	roundFixedGo(x[roundFixedFast(x, unit):], unit)
}

func roundFixedGo[T Elem](x []T, unit int) {
	one, per := math.Ldexp(1, unit), math.Ldexp(1, -unit)
	for i, v := range x {
		x[i] = T(math.RoundToEven(float64(v)*per) * one)
	}
}
