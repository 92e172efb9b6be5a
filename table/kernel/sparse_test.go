package kernel

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

// row is n distinct indices below width, in order; shift moves its address.
func row[I Index](r *rand.Rand, n, width, shift int) []I {
	list := make([]I, shift, shift+n)
	for _, i := range r.Perm(width)[:n] {
		list = append(list, I(i))
	}
	slices.Sort(list[shift:])
	return list[shift:]
}

func compareRows[I Index, V, T Float](t *testing.T, a T, idx []I, x []V, y []T) {
	t.Helper()
	compare(t, fmt.Sprintf("%d of %T of %d, a = %v", len(idx), idx, len(y), a), func(r *results[T]) {
		_, x := strip(x, len(idx)%5)
		for shift := range 2 {
			all, y := strip(y, shift)
			r.note("Gather", Gather(idx, y))
			r.note(fmt.Sprintf("GatherDot with %T", x), GatherDot(idx, x, y))
			ScatterAdd(a, idx, y)
			r.note("ScatterAdd", all...)
			ScatterAxpy(a, idx, x, y)
			r.note(fmt.Sprintf("ScatterAxpy with %T", x), all...)
		}
	})
}

func compareAllRows[I Index](t *testing.T, r *rand.Rand, n, width, kind int) {
	t.Helper()
	idx := row[I](r, n, width, r.IntN(8))
	a := factors[r.IntN(len(factors))]
	x, y := floats[float32](r, n+kind%2, kind), floats[float32](r, width, kind)
	x64, y64 := floats[float64](r, n, kind), floats[float64](r, width, kind)
	compareRows(t, float32(a), idx, x, y)
	compareRows(t, float32(a), idx, x64, y)
	compareRows(t, a, idx, x, y64)
	compareRows(t, a, idx, x64, y64)
}

func TestSparsePaths(t *testing.T) {
	const seed = 31
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for n := range 301 {
		for kind := range 4 {
			compareAllRows[uint16](t, r, n, n+1+r.IntN(300), kind)
			compareAllRows[uint32](t, r, n, n+1+r.IntN(300), kind)
		}
	}
	compareAllRows[uint16](t, r, 65536, 65536, 1)
	compareAllRows[uint32](t, r, 2<<16+13, 3<<16, 1)
}

// inFour is the definition of a sum over a row, one term after the other.
func inFour[T Float](terms []T) (sum T) {
	for len(terms) > 0 {
		var lanes [4]T
		n := min(len(terms), 65536)
		for k, v := range terms[:n] {
			if k < n&^3 {
				lanes[k%4] += v
			} else {
				lanes[4-(n-k)] += v
			}
		}
		sum += (lanes[0] + lanes[2]) + (lanes[1] + lanes[3])
		terms = terms[n:]
	}
	return sum
}

func checkRow[I Index, V, T Float](t *testing.T, name string, a T, idx []I, x []V, y []T) {
	t.Helper()
	values, products, added, stepped := make([]T, len(idx)), make([]T, len(idx)), slices.Clone(y), slices.Clone(y)
	for k, i := range idx {
		values[k] = y[i]
		products[k] = T(T(x[k]) * y[i]) // a conversion keeps compilers from fusing
		added[i] += a
		stepped[i] += T(a * T(x[k]))
	}
	check := func(what string, got, want []T) {
		if !sameValues(got, want) {
			k := firstDifference(got, want)
			t.Errorf("%s, %d of %T, %T: %s: value %d: got %v, want %v", name, len(idx), idx, y, what, k, got[k], want[k])
		}
	}
	check("Gather", []T{Gather(idx, y)}, []T{inFour(values)})
	check("GatherDot", []T{GatherDot(idx, x, y)}, []T{inFour(products)})
	to := slices.Clone(y)
	ScatterAdd(a, idx, to)
	check("ScatterAdd", to, added)
	copy(to, y)
	ScatterAxpy(a, idx, x, to)
	check("ScatterAxpy", to, stepped)
}

func TestSparseDefinition(t *testing.T) {
	const seed = 37
	t.Logf("seed %d", seed)
	paths(func(name string) {
		r := rand.New(rand.NewPCG(seed, 0))
		for n := range 80 {
			kind, width := r.IntN(2), n+1+r.IntN(200)
			short, long := row[uint16](r, n, width, 0), row[uint32](r, n, width, 0)
			x, x64 := floats[float32](r, n, kind), floats[float64](r, n, kind)
			y, y64 := floats[float32](r, width, 0), floats[float64](r, width, 0)
			checkRow(t, name, 0.7, short, x, y)
			checkRow(t, name, 0.7, long, x64, y)
			checkRow(t, name, 0.7, short, x, y64)
			checkRow(t, name, 0.7, long, x64, y64)
		}
		long := row[uint32](r, 65536+30, 70000, 0)
		checkRow(t, name, 0.7, long, floats[float32](r, len(long), 0), floats[float64](r, 70000, 0))
	})
}

// Indices that are at the ends of what their type can say.
func TestLargestIndices(t *testing.T) {
	y := make([]float32, 1<<16)
	y[0], y[1<<16-1] = 2, 3
	idx := []uint16{0, 1<<16 - 1, 5, 6, 7}
	paths(func(name string) {
		if got := Gather(idx, y); got != 5 {
			t.Errorf("%s: got %v, want 5", name, got)
		}
	})
}

func FuzzVectors(f *testing.F) {
	r := rand.New(rand.NewPCG(2, 0))
	for kind := range 4 {
		f.Add(randomValues(r, 80, 8, kind), 0.5, uint8(kind))
	}
	f.Fuzz(func(t *testing.T, b []byte, a float64, shift uint8) {
		fuzzVectors(t, b, float32(a), int(shift%17))
		fuzzVectors(t, b, a, int(shift%17))
	})
}

// fuzzVectors takes values from b, and indices from how they compare.
func fuzzVectors[T Float](t *testing.T, b []byte, a T, shift int) {
	n := len(b) / 3 / int(unsafe.Sizeof(a))
	all := make([]T, 3*n)
	Load(all, b)
	x, y, z := all[:n], all[n:2*n], all[2*n:]
	compareVectors(t, a, x, y, z, shift)
	var short []uint16
	var long []uint32
	for i, v := range y[:min(n, 1<<16)] {
		if !(v < x[i]) {
			short, long = append(short, uint16(i)), append(long, uint32(i))
		}
	}
	compareRows(t, a, short, x, y)
	compareRows(t, a, long, x, y)
	narrow, wide := make([]float32, n), make([]float64, n)
	for i, v := range x {
		narrow[i], wide[i] = float32(v), float64(v)
	}
	compareMixed(t, a, narrow, y, z, shift)
	compareMixed(t, a, wide, y, z, shift)
	compareRows(t, a, short, narrow, y)
	compareRows(t, a, long, wide, y)
}

func TestVectorsDoNotAllocate(t *testing.T) {
	idx, short := []uint32{1, 2, 40, 70, 80}, []uint16{1, 2, 40}
	x, y, z := make([]float32, 100), make([]float64, 100), make([]float64, 100)
	paths(func(name string) {
		if n := testing.AllocsPerRun(100, func() {
			y[0] += Dot(y, z) + Sum(y) + AxpyDot(2, y, y, z) + Gather(idx, y) + GatherDot(short, x, y) + float64(Dot(x, x)) + Dot(x, y) + Square(x) + AxpyDot(2, x, y, z)
			Axpy(0.5, y, z)
			Scale(0.5, y)
			ScatterAdd(0.5, short, y)
			ScatterAxpy(0.5, idx, x, y)
		}); n != 0 {
			t.Errorf("%s: got %v allocations, want none", name, n)
		}
	})
}
