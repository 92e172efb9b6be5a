package kernel

import "math"

// The functions are computed by the same steps on every path. All results are
// within 1 ulp of the true one for Exp, and within 2 ulp for Log1p and Sigmoid.
// Float64s have the same bits on every path. Plain Go computes float32s as
// float64s and rounds them, so that they may differ by up to 2 ulp from those of
// the other paths, which are alike. Where an element lies makes no difference.

// A function is one of those below, by element.
type function int

const (
	expFunction function = iota
	log1pFunction
	sigmoidFunction
)

// Exp writes e^x to dst, which is as long at least and may be x. What is too large
// is +Inf; subnormal results are rounded like others.
func Exp[T Float](dst, x []T) {
	dst = dst[:len(x)]
	if !functionFast(expFunction, dst, x) {
		functionGo(dst, x, exp)
	}
}

// Log1p writes log(1+x) to dst, which is as long at least and may be x: that of -1
// is -Inf, and of less not a number. A tiny x is its own.
func Log1p[T Float](dst, x []T) {
	dst = dst[:len(x)]
	if !functionFast(log1pFunction, dst, x) {
		functionGo(dst, x, log1p)
	}
}

// Sigmoid writes 1/(1+e^-x) to dst, which is as long at least and may be x. Far
// below 0 it is e^x, down to subnormal numbers.
func Sigmoid[T Float](dst, x []T) {
	dst = dst[:len(x)]
	if !functionFast(sigmoidFunction, dst, x) {
		functionGo(dst, x, sigmoid)
	}
}

// functionGo computes f of float64s. It has blocks, because a conversion of a
// float32 waits for what its register held before: the value before it.
func functionGo[T Float](dst, x []T, f func(float64) float64) {
	var wide [64]float64
	for len(x) > 0 {
		n := min(len(x), len(wide))
		for i, v := range x[:n] {
			wide[i] = float64(v)
		}
		for i, v := range wide[:n] {
			wide[i] = f(v)
		}
		for i, v := range wide[:n] {
			dst[i] = T(v)
		}
		dst, x = dst[n:], x[n:]
	}
}

// The high part of the logarithm of 2 has so few bits that it times an exponent is
// exact.
const (
	ln2High = 0.693147180559663
	ln2Low  = 2.8235290563031577e-13
	magic   = 3 << 51 // added to a number, it leaves its nearest integer in the low bits
	bias    = 1023    // of the exponent of a float64
)

// exp is 2^k e^r with r at most half the logarithm of 2. The polynomial is minimax:
// 0.03 ulp.
func exp(x float64) float64 {
	if x > 710 {
		x = 710
	}
	if x < -746 {
		x = -746
	}
	n := math.FMA(x, math.Log2E, magic)
	k := n - magic
	r := math.FMA(-ln2High, k, x)
	r = math.FMA(-ln2Low, k, r)
	p := math.FMA(2.4999999111571976e-08, r, 2.763033473817982e-07)
	p = math.FMA(p, r, 2.755758700936235e-06)
	p = math.FMA(p, r, 2.4801492876308345e-05)
	p = math.FMA(p, r, 0.00019841269505387489)
	p = math.FMA(p, r, 0.0013888888943823614)
	p = math.FMA(p, r, 0.008333333333495225)
	p = math.FMA(p, r, 0.04166666666652952)
	p = math.FMA(p, r, 0.1666666666666641)
	p = math.FMA(p, r, 0.5000000000000011)
	p = math.FMA(p*r, r, r) + 1
	a, b := halves(int32(math.Float64bits(n)))
	return p * a * b
}

// halves are powers of 2 that multiply to 2^n, for what one factor cannot be: times
// both, a subnormal number is rounded once.
func halves(n int32) (a, b float64) {
	h := n >> 1
	return math.Float64frombits(uint64(h+bias) << 52), math.Float64frombits(uint64(n-h+bias) << 52)
}

// sigmoid needs e^-|x| only, which cannot be too large.
func sigmoid(x float64) float64 {
	e := exp(-math.Abs(x))
	if math.Signbit(x) {
		return e / (e + 1)
	}
	return 1 / (e + 1)
}

// log1p takes 1+x as 2^k(1+f), where f is not rounded from 1+x but from x: so f is
// x where k is 0. Then, with s = f/(2+f), log(1+f) is the logarithm of (1+s)/(1-s),
// which is 2s and a polynomial of s^2, minimax: 0.01 ulp.
func log1p(x float64) float64 {
	const one, root = bias << 52, 0x3fe6a09e667f3bcd // the bits of 1 and of the square root of 1/2
	switch {
	case x < -1:
		return math.NaN()
	case x == -1:
		return math.Inf(-1)
	case x > math.MaxFloat64:
		return x
	}
	e := (math.Float64bits(1+x) + (one - root)) >> 52
	k := float64(int64(e) - bias)
	a, b := halves(int32(bias - int64(e)))
	scale := float64(a * b)
	f := math.FMA(scale, x, scale-1)
	s := f / (2 + f)
	z, half := float64(s*s), float64(0.5*float64(f*f))
	p := math.FMA(0.14797507028861237, z, 0.15313903300005824)
	p = math.FMA(p, z, 0.18183569738419825)
	p = math.FMA(p, z, 0.2222219847599725)
	p = math.FMA(p, z, 0.2857142874326274)
	p = math.FMA(p, z, 0.3999999999941109)
	p = math.FMA(p, z, 0.6666666666666735)
	p = math.FMA(p, z, half)
	p = half - math.FMA(p, s, float64(k*ln2Low)) - f
	y := math.FMA(k, ln2High, -p)
	return math.Float64frombits(math.Float64bits(y) | math.Float64bits(x)&(1<<63)) // -0 is -0
}
