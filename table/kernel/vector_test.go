package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

// sameBits reports whether two values are the same bits or neither is a number.
func sameBits[T Float](a, b T) bool {
	if a != a || b != b {
		return a != a && b != b
	}
	return a == b && math.Signbit(float64(a)) == math.Signbit(float64(b))
}

func sameValues[T Float](a, b []T) bool { return slices.EqualFunc(a, b, sameBits[T]) }

// firstDifference is where two slices of the same length differ first.
func firstDifference[T Float](a, b []T) (at int) {
	for at < len(a)-1 && sameBits(a[at], b[at]) {
		at++
	}
	return at
}

// results are what kernels returned and left.
type results[T Float] struct {
	what   []string
	values [][]T
}

func (r *results[T]) note(what string, values ...T) {
	r.what, r.values = append(r.what, what), append(r.values, slices.Clone(values))
}

// compare runs do by every path, and expects the results of plain Go.
func compare[T Float](t *testing.T, about string, do func(r *results[T])) {
	t.Helper()
	var want results[T]
	paths(func(name string) {
		var got results[T]
		do(&got)
		if name == pathNames[plain] {
			want = got
			return
		}
		for i, v := range got.values {
			if !sameValues(v, want.values[i]) {
				at := firstDifference(v, want.values[i])
				t.Fatalf("%s, %T, %s: %s: value %d: got %v, want %v", name, v[0], about, got.what[i], at, v[at], want.values[i][at])
			}
		}
	})
}

// A strip is room for n values from an address on that is so many values off a
// page's, between values that nobody may touch.
func strip[T Float](values []T, shift int) (all, x []T) {
	const around = 16
	all = make([]T, around+shift+len(values)+around)
	for i := range all {
		all[i] = T(i) + 0.5
	}
	return all, all[around+shift:][:copy(all[around+shift:], values)]
}

func floats[T Float](r *rand.Rand, n, kind int) []T {
	var v T
	return slices.Clone(Values(randomValues(r, n, int(unsafe.Sizeof(v)), kind), n, new([]T)))
}

// compareMixed is about the kernels that read values of one type and compute with
// another.
func compareMixed[V, T Float](t *testing.T, a T, x []V, y, z []T, shift int) {
	t.Helper()
	compare(t, fmt.Sprintf("%d of %T %d from an even address, a = %v", len(x), x, shift, a), func(r *results[T]) {
		_, x := strip(x, shift)
		_, z := strip(z, shift/3)
		all, yy := strip(y, shift/2)
		r.note("Dot", Dot(x, yy))
		r.note("Square", T(Square(x)))
		Axpy(a, x, yy)
		r.note("Axpy", all...)
		all, yy = strip(y, shift/2)
		r.note("AxpyDot", AxpyDot(a, x, yy, z))
		r.note("AxpyDot's y", all...)
		r.note("AxpyDot with y", AxpyDot(a, x, yy, yy))
		r.note("what was only read", z...)
	})
}

func compareVectors[T Float](t *testing.T, a T, x, y, z []T, shift int) {
	t.Helper()
	compareMixed(t, a, x, y, z, shift)
	compare(t, fmt.Sprintf("%d values %d from an even address, a = %v", len(x), shift, a), func(r *results[T]) {
		allX, x := strip(x, shift)
		_, z := strip(z, shift/3)
		_, yy := strip(y, shift/2)
		r.note("Dot with itself", Dot(x, x))
		r.note("Sum", Sum(x))
		Axpy(a, x, x[:len(x):len(x)])
		r.note("Axpy to itself", allX...)
		r.note("AxpyDot with x", AxpyDot(a, x, yy, x))
		Scale(a, x)
		r.note("Scale", allX...)
		r.note("what was only read", z...)
	})
}

// lengths to try: all short ones, and around where something changes.
func lengths() (list []int) {
	for n := range 301 {
		list = append(list, n)
	}
	return append(list, 511, 512, 513, 1023, 4096+5, 1<<16-1, 1<<16, 1<<16+1, 1<<16+77, 3<<16+40)
}

var factors = []float64{1, -0.3, 0, math.Copysign(0, -1), math.Inf(1), math.NaN(), 1e-40, 3e38}

func TestVectorPaths(t *testing.T) {
	const seed = 23
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for _, n := range lengths() {
		for kind := range 4 {
			a, shift := factors[r.IntN(len(factors))], r.IntN(17)
			x, y, z := floats[float32](r, n, kind), floats[float32](r, n+kind, kind), floats[float32](r, n+1, kind)
			x64, y64, z64 := floats[float64](r, n, kind), floats[float64](r, n+kind, kind), floats[float64](r, n+1, kind)
			compareVectors(t, float32(a), x, y, z, shift)
			compareVectors(t, a, x64, y64, z64, shift)
			compareMixed(t, float32(a), x64, y, z, shift)
			compareMixed(t, a, x, y64, z64, shift)
		}
	}
}

// inLanes is the definition of a sum, one term after the other.
func inLanes[T Float](terms []T) (sum T) {
	count := 64
	if unsafe.Sizeof(sum) == 8 {
		count = 32
	}
	for len(terms) > 0 {
		lanes := make([]T, count)
		n := min(len(terms), 65536)
		for k, v := range terms[:n] {
			lanes[k%count] += v
		}
		for half := count / 2; half > 0; half /= 2 {
			for k := range half {
				lanes[k] += lanes[k+half]
			}
		}
		sum += lanes[0]
		terms = terms[n:]
	}
	return sum
}

func checkVectors[V, T Float](t *testing.T, name string, a T, in []V, y, z []T) {
	t.Helper()
	n := len(in)
	x, squares := make([]T, n), make([]float64, n)
	products, steps, sums, scaled, after := make([]T, n), make([]T, n), slices.Clone(y), make([]T, n), make([]T, n)
	for k, v := range in {
		x[k], squares[k] = T(v), float64(v)*float64(v)
	}
	for k, v := range x {
		products[k] = T(v * y[k]) // a conversion keeps compilers from fusing
		steps[k] = T(a * v)
		sums[k] = y[k] + steps[k]
		after[k] = T(sums[k] * z[k])
		scaled[k] = v * a
	}
	check := func(what string, got, want []T) {
		if !sameValues(got, want) {
			k := firstDifference(got, want)
			t.Errorf("%s, %T and %d of %T: %s: value %d: got %v, want %v", name, a, n, in, what, k, got[k], want[k])
		}
	}
	check("Dot", []T{Dot(in, y)}, []T{inLanes(products)})
	if got, want := Square(in), inLanes(squares); !sameBits(got, want) {
		t.Errorf("%s, %d of %T: Square: got %v, want %v", name, n, in, got, want)
	}
	check("Sum", []T{Sum(x)}, []T{inLanes(x)})
	y1, y2, x1 := slices.Clone(y), slices.Clone(y), slices.Clone(x)
	Axpy(a, in, y1)
	check("Axpy", y1, sums)
	check("AxpyDot", []T{AxpyDot(a, in, y2, z)}, []T{inLanes(after)})
	check("AxpyDot's y", y2, sums)
	Scale(a, x1)
	check("Scale", x1, scaled)
}

// The specification, in every path.
func TestVectorDefinition(t *testing.T) {
	const seed = 29
	t.Logf("seed %d", seed)
	paths(func(name string) {
		r := rand.New(rand.NewPCG(seed, 0))
		for _, n := range append(lengths()[:140], 2<<16+70) {
			kind := r.IntN(2)
			a := r.NormFloat64()
			x, y, z := floats[float32](r, n, kind), floats[float32](r, n, kind), floats[float32](r, n, 0)
			x64, y64, z64 := floats[float64](r, n, kind), floats[float64](r, n, kind), floats[float64](r, n, 0)
			checkVectors(t, name, float32(a), x, y, z)
			checkVectors(t, name, a, x64, y64, z64)
			checkVectors(t, name, float32(a), x64, y, z)
			checkVectors(t, name, a, x, y64, z64)
		}
	})
}

// A product that is not rounded before it is added gives other bits.
func TestNothingIsFused(t *testing.T) {
	paths(func(name string) {
		for n := 1; n < 80; n++ {
			x, y := make([]float64, n), make([]float64, n)
			x[n-1], y[n-1] = 1+0x1p-30, -1
			Axpy(1+0x1p-30, x, y)
			if got, want := y[n-1], 0x1p-29; got != want {
				t.Errorf("%s: Axpy of %d: got %v, want %v", name, n, got, want)
			}
			y[n-1] = -1
			ScatterAxpy(1+0x1p-30, []uint32{uint32(n) - 1}, x[n-1:], y)
			if got, want := y[n-1], 0x1p-29; got != want {
				t.Errorf("%s: ScatterAxpy to %d: got %v, want %v", name, n-1, got, want)
			}
		}
		x := make([]float64, 33) // the first and the last in the same lane
		x[0], x[32] = 1, 1+0x1p-30
		y := make([]float64, 33)
		y[0], y[32] = -1, 1+0x1p-30
		if got, want := Dot(x, y), 0x1p-29; got != want {
			t.Errorf("%s: Dot: got %v, want %v", name, got, want)
		}
		idx := make([]uint16, 16)
		for k := range idx {
			idx[k] = uint16(k)
		}
		x[4], x[32], y[4], y[32] = 1+0x1p-30, 0, 1+0x1p-30, 0
		if got, want := GatherDot(idx, x, y), 0x1p-29; got != want {
			t.Errorf("%s: GatherDot: got %v, want %v", name, got, want)
		}
	})
}

func TestVectorsOfOtherLengths(t *testing.T) {
	long, short := make([]float32, 20), make([]float32, 19)
	row, fewer := make([]uint32, 20), make([]float32, 19)
	for what, do := range map[string]func(){
		"Dot":                 func() { Dot(long, short[:19:19]) },
		"Axpy":                func() { Axpy(1, long, short[:19:19]) },
		"Dot of two types":    func() { Dot(long, make([]float64, 19)) },
		"Axpy of two types":   func() { Axpy(1, long, make([]float64, 19)) },
		"AxpyDot, y too few":  func() { AxpyDot(1, long, short[:19:19], long) },
		"AxpyDot, z too few":  func() { AxpyDot(1, long, long, short[:19:19]) },
		"GatherDot":           func() { GatherDot(row, fewer[:19:19], long) },
		"ScatterAxpy":         func() { ScatterAxpy(1, row, fewer[:19:19], long) },
		"Gather of nothing":   func() { Gather(row, long[:0]) },
		"ScatterAdd, nothing": func() { ScatterAdd(1, row, long[:0]) },
	} {
		paths(func(name string) {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: %s: got no panic", name, what)
				}
			}()
			do()
		})
	}
}
