package kernel

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

// A formula is a function with what package math makes of it.
type formula struct {
	name    string
	float32 func(dst, x []float32)
	float64 func(dst, x []float64)
	math    func(x float64) float64
}

var formulas = []formula{
	{"exp", Exp[float32], Exp[float64], func(x float64) float64 {
		if x > 709 && x < 710 { // math.Exp is +Inf somewhat early on some machines
			return math.Exp(x-1) * math.E
		}
		return math.Exp(x)
	}},
	{"log1p", Log1p[float32], Log1p[float64], math.Log1p},
	{"sigmoid", Sigmoid[float32], Sigmoid[float64], func(x float64) float64 {
		if x < 0 {
			return math.Exp(x) / (1 + math.Exp(x))
		}
		return 1 / (1 + math.Exp(-x))
	}},
}

// ulps is how many numbers a and b are apart; all that are none are the same.
func ulps[T Float](a, b T) uint64 {
	if a != a || b != b {
		if a != a && b != b {
			return 0
		}
		return math.MaxUint64
	}
	order := func(v T) int64 {
		if kindOf[T]() == 4 {
			i := int64(math.Float32bits(float32(v)))
			if i >= 1<<31 {
				return 1<<31 - i
			}
			return i
		}
		i := int64(math.Float64bits(float64(v)))
		if i < 0 {
			return math.MinInt64 - i
		}
		return i
	}
	i, j := order(a), order(b)
	return uint64(max(i, j) - min(i, j))
}

func kindOf[T Float]() int {
	var v T
	if _, single := any(v).(float32); single {
		return 4
	}
	return 8
}

// checkFormula compares all paths with math, in steps of a length of its own so
// that values lie in blocks and behind them.
func checkFormula[T Float](t *testing.T, name string, f func(dst, x []T), want func(float64) float64, x []T, length int) (worst uint64) {
	t.Helper()
	const bound = 2
	plainly, fast := make([]T, len(x)), []T(nil)
	paths(func(path string) {
		got := make([]T, len(x)+1)
		got[len(x)] = 77
		for i := 0; i < len(x); i += length {
			j := min(i+length, len(x))
			copy(got[i:], x[i:j])
			f(got[i:j], got[i:j])
		}
		if got[len(x)] != 77 {
			t.Fatalf("%s, %s: wrote behind the end", name, path)
		}
		for i, v := range x {
			w := T(want(float64(v)))
			d := ulps(got[i], w)
			if d > bound || got[i] == 0 && math.Signbit(float64(got[i])) != math.Signbit(float64(w)) {
				t.Fatalf("%s of %v (%T), %s: got %v, want %v: %d ulp", name, v, v, path, got[i], w, d)
			}
			worst = max(worst, d)
		}
		got = got[:len(x)]
		switch {
		case path == pathNames[plain]:
			copy(plainly, got)
			if kindOf[T]() == 8 {
				fast = plainly
			}
		case fast == nil:
			fast = got
		default:
			for i, v := range x {
				if got[i] != fast[i] && ulps(got[i], fast[i]) != 0 {
					t.Fatalf("%s of %v (%T): %s gives %v, another path %v", name, v, v, path, got[i], fast[i])
				}
			}
		}
	})
	return worst
}

// special are arguments of which some function may get the result wrong.
func special() (x []float64) {
	for _, v := range []float64{0, 1, 0.5, math.Ln2, math.Ln2 / 2, math.Sqrt2 - 1, math.Sqrt2, 2, 3, 10, 16.6, 17, 36.7, 37, 38, 87.33, 88.72283, 88.7228, 89, 90, 103.97, 103.98, 104,
		104.5, 105, 708.39, 708.4, 709.782712893384, 709.7827128933841, 710, 744.44, 745.1332191019411, 745.1332191019412, 746, 747, 1000, 1e10, 1e38, 3.4e38, 1e100, 1e300, math.MaxFloat64,
		math.MaxFloat32, 1e-8, 1e-16, 1e-20, 1e-40, 1e-45, 1e-300, 1e-310, 5e-324, math.Inf(1), math.NaN(), 0x1p-1022, 0x1p-126, 0x1p1023, 0x1.7p1023, 0x1p127, 0x1.8p127} {
		x = append(x, v, -v, math.Nextafter(v, 1e9), -math.Nextafter(v, 1e9), math.Nextafter(v, -1e9), -math.Nextafter(v, -1e9))
		s := float32(v)
		for _, to := range []float32{1e9, -1e9} {
			w := float64(math.Nextafter32(s, to))
			x = append(x, w, -w)
		}
	}
	return x
}

// samples are n numbers: evenly over what matters to the functions, by magnitude,
// and of any bits.
func samples(r *rand.Rand, n int) (x []float64) {
	for i := range n {
		switch i % 4 {
		case 0:
			x = append(x, 1500*r.Float64()-750)
		case 1:
			x = append(x, 220*r.Float64()-110)
		case 2:
			x = append(x, math.Copysign(math.Exp(80*r.Float64()-60), r.Float64()-0.5))
		default:
			x = append(x, math.Float64frombits(r.Uint64()))
		}
	}
	return append(x, special()...)
}

func singles(x []float64) []float32 {
	s := make([]float32, len(x))
	for i, v := range x {
		s[i] = float32(v)
	}
	return s
}

func TestFunctions(t *testing.T) {
	const seed = 23
	t.Logf("seed %d", seed)
	x := samples(rand.New(rand.NewPCG(seed, 0)), 400_000)
	for _, f := range formulas {
		for _, length := range []int{1, 7, 16, 29, 200, 1<<16 + 9, len(x)} {
			x := x
			if length < 100 {
				x = x[len(x)-5000:]
			}
			a := checkFormula(t, f.name, f.float32, f.math, singles(x), length)
			b := checkFormula(t, f.name, f.float64, f.math, x, length)
			t.Logf("%s, %d at a time: at most %d ulp of float32, %d of float64", f.name, length, a, b)
		}
	}
}

// Every float32, where PETUUM_EXHAUSTIVE is set: some minutes.
func TestFunctionsOfEveryFloat32(t *testing.T) {
	if os.Getenv("PETUUM_EXHAUSTIVE") == "" {
		t.Skip("PETUUM_EXHAUSTIVE is not set")
	}
	const at = 1 << 20
	x := make([]float32, at)
	for _, f := range formulas {
		worst := uint64(0)
		for first := uint64(0); first < 1<<32; first += at {
			for i := range x {
				x[i] = math.Float32frombits(uint32(first + uint64(i)))
			}
			worst = max(worst, checkFormula(t, f.name, f.float32, f.math, x, len(x)))
		}
		t.Logf("%s: at most %d ulp", f.name, worst)
	}
}

func FuzzFunctions(f *testing.F) {
	for _, v := range special() {
		f.Add(binary.LittleEndian.AppendUint64(nil, math.Float64bits(v)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		x, y := make([]float64, len(b)/8), make([]float32, len(b)/4)
		Load(x, b[:len(b)/8*8])
		Load(y, b[:len(b)/4*4])
		for _, f := range formulas {
			checkFormula(t, f.name, f.float64, f.math, x, max(1, len(x)))
			checkFormula(t, f.name, f.float32, f.math, y, max(1, len(y)))
		}
	})
}

// softmaxOf is the softmax and the logarithm of the sum of x.
func softmaxOf(x []float64) (p []float64, logSum float64) {
	top, sum := slices.Max(x), 0.0
	p = make([]float64, len(x))
	for i, v := range x {
		p[i] = math.Exp(v - top)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p, top + math.Log(sum)
}

func checkSoftmax[T Float](t *testing.T, x []T, epsilon float64) {
	t.Helper()
	wide := make([]float64, len(x))
	for i, v := range x {
		wide[i] = float64(v)
	}
	want, logSum := softmaxOf(wide)
	paths(func(path string) {
		got := append(slices.Clone(x), 77)
		lse := float64(LogSumExp(got[:len(x)]))
		if math.Abs(lse-logSum) > 4*epsilon*max(1, math.Abs(logSum)) {
			t.Errorf("%s, %T: LogSumExp of %d values: got %v, want %v", path, x, len(x), lse, logSum)
		}
		Softmax(got[:len(x)], got[:len(x)])
		if got[len(x)] != 77 {
			t.Fatalf("%s, %T: wrote behind the end of %d values", path, x, len(x))
		}
		sum, top := 0.0, slices.Max(wide)
		for i, w := range want {
			g := float64(got[i])
			// x less the maximum is rounded, which is seen in a value far below it.
			if bound := epsilon * (16 + math.Sqrt(float64(len(x))) + math.Abs(wide[i]-top)); !(math.Abs(g-w) <= bound*w+1e-44) {
				t.Fatalf("%s, %T: Softmax of %d values, of %v: got %v, want %v", path, x, len(x), x[i], g, w)
			}
			sum += g
		}
		if math.Abs(sum-1) > 1e-5 {
			t.Errorf("%s, %T: Softmax of %d values: sum %v", path, x, len(x), sum)
		}
	})
}

func TestSoftmax(t *testing.T) {
	const seed = 29
	r := rand.New(rand.NewPCG(seed, 0))
	for _, n := range []int{1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 255, 256, 257, 1000, 1<<16 + 17} {
		for _, spread := range []float64{0, 1, 30, 1e4, 1e30} {
			x := make([]float64, n)
			for i := range x {
				x[i] = spread * r.NormFloat64()
			}
			checkSoftmax(t, x, 0x1p-52)
			checkSoftmax(t, singles(x), 0x1p-23)
			x[r.IntN(n)] += 1e300
			checkSoftmax(t, x, 0x1p-52)
		}
	}
}

func TestSoftmaxSpecial(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for _, c := range []struct {
		x      []float64
		want   []float64 // repeated, like x
		logSum float64
	}{
		{nil, nil, -inf},
		{[]float64{math.MaxFloat64, -math.MaxFloat64}, []float64{1, 0}, math.MaxFloat64},
		{[]float64{0, -inf}, []float64{1, 0}, 0},
		{[]float64{-inf, -inf}, []float64{nan, nan}, -inf},
		{[]float64{1, inf}, []float64{nan, nan}, inf},
		{[]float64{1, nan}, []float64{nan, nan}, nan},
		{[]float64{inf, nan}, []float64{nan, nan}, nan},
	} {
		for _, times := range []int{1, 20} {
			x := slices.Repeat(c.x, times)
			paths(func(path string) {
				got := make([]float64, len(x))
				Softmax(got, x)
				for i, g := range got {
					if w := c.want[i%2] / float64(times); ulps(g, w) > 2 {
						t.Errorf("%s: Softmax of %v %d times: got %v at %d, want %v", path, c.x, times, g, i, w)
					}
				}
				w := c.logSum
				if w == 0 {
					w = math.Log(float64(times))
				}
				if g := LogSumExp(x); ulps(g, w) > 2 {
					t.Errorf("%s: LogSumExp of %v %d times: got %v, want %v", path, c.x, times, g, w)
				}
			})
		}
	}
}

func TestFunctionsAllocateNothing(t *testing.T) {
	x, y := make([]float32, 1003), make([]float64, 1003)
	paths(func(path string) {
		if n := testing.AllocsPerRun(20, func() {
			Exp(x, x)
			Log1p(y, y)
			Sigmoid(x, x)
			Softmax(y, y)
			LogSumExp(x)
		}); n != 0 {
			t.Errorf("%s: got %v allocations, want none", path, n)
		}
	})
}

func BenchmarkFunctions(b *testing.B) {
	const n = 1 << 14
	x, y := make([]float64, n), make([]float64, n)
	for i := range x {
		x[i] = float64(i%1000)/50 - 10
	}
	s, d := singles(x), make([]float32, n)
	report := func(name string, do func()) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				do()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/value")
		})
	}
	for _, f := range append(formulas, formula{"softmax", Softmax[float32], Softmax[float64], math.Exp}) {
		report(f.name+"/math", func() {
			for i, v := range x {
				y[i] = f.math(v)
			}
		})
		paths(func(path string) {
			report(fmt.Sprintf("%s/float32/%s", f.name, path), func() { f.float32(d, s) })
			report(fmt.Sprintf("%s/float64/%s", f.name, path), func() { f.float64(y, x) })
		})
	}
}
