package kernel

import "unsafe"

// Float is what algorithms compute with.
type Float interface{ float32 | float64 }

// stretch is how many elements are added up at a time. The sum of a longer slice is
// that of its stretches, from the first to the last.
const stretch = 1 << 16

// A sum of elements is added up in lanes, so that machines can do many at a time
// and all get the same bits: the k-th element of a stretch goes to lane k mod their
// number, lanes begin as 0, and in the end each lane of the second half is added to
// that of the first, until one is left. Nothing is fused: a product is rounded
// before it is added.
const laneBytes = 256

// Dot returns the dot product of x, each value made a T first, and y, which is at
// least as long as x.
func Dot[V, T Float](x []V, y []T) T {
	return dotFast(x, y)
}

// dotSlow is for what dotFast does not do in one call.
func dotSlow[V, T Float](x []V, y []T) (s T) {
	y = y[:len(x)]
	if len(x) <= stretch {
		return dotGo(x, y)
	}
	for ; len(x) > stretch; x, y = x[stretch:], y[stretch:] {
		s += dotFast(x[:stretch], y[:stretch])
	}
	return s + dotFast(x, y)
}

func dotGo[V, T Float](x []V, y []T) T {
	var all [laneBytes / 4]T
	lanes := all[:laneBytes/unsafe.Sizeof(all[0])]
	n := len(x)
	for len(x) >= len(lanes) {
		a, b := x[:len(lanes)], y[:len(lanes)]
		for k := range lanes {
			lanes[k] += T(T(a[k]) * b[k])
		}
		x, y = x[len(lanes):], y[len(lanes):]
	}
	y = y[:len(x)]
	for k := range x {
		lanes[k] += T(T(x[k]) * y[k])
	}
	return fold(lanes, n)
}

// fold adds up the lanes that n elements went to. The others are +0, and no lane is
// -0: leaving them out changes nothing.
func fold[T Float](lanes []T, n int) T {
	for len(lanes)/2 >= n && len(lanes) > 1 {
		lanes = lanes[:len(lanes)/2]
	}
	for len(lanes) > 1 {
		half := len(lanes) / 2
		high := lanes[half:]
		lanes = lanes[:half]
		for k := range lanes {
			lanes[k] += high[k]
		}
	}
	return lanes[0]
}

// Sum returns the sum of x.
func Sum[T Float](x []T) T {
	return sumFast(x)
}

func sumSlow[T Float](x []T) (s T) {
	if len(x) <= stretch {
		return sumGo(x)
	}
	for ; len(x) > stretch; x = x[stretch:] {
		s += sumFast(x[:stretch])
	}
	return s + sumFast(x)
}

func sumGo[T Float](x []T) T {
	var all [laneBytes / 4]T
	lanes := all[:laneBytes/unsafe.Sizeof(all[0])]
	n := len(x)
	for len(x) >= len(lanes) {
		a := x[:len(lanes)]
		for k := range lanes {
			lanes[k] += a[k]
		}
		x = x[len(lanes):]
	}
	for k := range x {
		lanes[k] += x[k]
	}
	return fold(lanes, n)
}

// Square returns the sum of the squares of x, each value made a float64 first.
func Square[V Float](x []V) float64 {
	return squareFast(x)
}

func squareSlow[V Float](x []V) (s float64) {
	if len(x) <= stretch {
		return squareGo(x)
	}
	for ; len(x) > stretch; x = x[stretch:] {
		s += squareFast(x[:stretch])
	}
	return s + squareFast(x)
}

func squareGo[V Float](x []V) float64 {
	var lanes [laneBytes / 8]float64
	n := len(x)
	for len(x) >= len(lanes) {
		for k, v := range x[:len(lanes)] {
			lanes[k] += float64(float64(v) * float64(v))
		}
		x = x[len(lanes):]
	}
	for k, v := range x {
		lanes[k] += float64(float64(v) * float64(v))
	}
	return fold(lanes[:], n)
}

// Axpy adds a x, each value made a T first, to y, which is at least as long as x.
// They are the same memory or do not overlap.
func Axpy[V, T Float](a T, x []V, y []T) {
	axpyFast(a, x, y)
}

func axpySlow[V, T Float](a T, x []V, y []T) {
	y = y[:len(x)]
	if len(x) <= stretch {
		axpyGo(a, x, y)
		return
	}
	for ; len(x) > stretch; x, y = x[stretch:], y[stretch:] {
		axpyFast(a, x[:stretch], y[:stretch])
	}
	axpyFast(a, x, y)
}

func axpyGo[V, T Float](a T, x []V, y []T) {
	y = y[:len(x)]
	for k, v := range x {
		y[k] += T(a * T(v))
	}
}

// Scale multiplies x by a.
func Scale[T Float](a T, x []T) {
	scaleFast(a, x)
}

func scaleSlow[T Float](a T, x []T) {
	if len(x) <= stretch {
		scaleGo(a, x)
		return
	}
	for ; len(x) > stretch; x = x[stretch:] {
		scaleFast(a, x[:stretch])
	}
	scaleFast(a, x)
}

func scaleGo[T Float](a T, x []T) {
	for k := range x {
		x[k] *= a
	}
}

// AxpyDot adds a x, each value made a T first, to y and returns the dot product of
// that and z, in one pass: a step of coordinate descent changes the residual and
// asks for the next product. y and z are at least as long as x; any two are the
// same memory or do not overlap.
// The result is that of [Axpy] and [Dot] if z is not y.
func AxpyDot[V, T Float](a T, x []V, y, z []T) T {
	return axpyDotFast(a, x, y, z)
}

func axpyDotSlow[V, T Float](a T, x []V, y, z []T) (s T) {
	y, z = y[:len(x)], z[:len(x)]
	if len(x) <= stretch {
		return axpyDotGo(a, x, y, z)
	}
	for ; len(x) > stretch; x, y, z = x[stretch:], y[stretch:], z[stretch:] {
		s += axpyDotFast(a, x[:stretch], y[:stretch], z[:stretch])
	}
	return s + axpyDotFast(a, x, y, z)
}

func axpyDotGo[V, T Float](a T, x []V, y, z []T) T {
	axpyGo(a, x, y)
	return dotGo(y, z)
}
