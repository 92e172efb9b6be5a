package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

// A form of a product: which operand lies transposed.
type form struct {
	name   string
	tA, tB bool
}

var forms = []form{{"AB", false, false}, {"A'B", true, false}, {"AB'", false, true}}

func gemmBy[T Float](l form, m, n, k int, a []T, strideA int, b []T, strideB int, c []T, strideC int) {
	switch {
	case l.tA:
		GemmTN(m, n, k, a, strideA, b, strideB, c, strideC)
	case l.tB:
		GemmNT(m, n, k, a, strideA, b, strideB, c, strideC)
	default:
		Gemm(m, n, k, a, strideA, b, strideB, c, strideC)
	}
}

// A shape is a product to compute, with what lies between the rows and before the
// matrices.
type shape struct{ m, n, k, gapA, gapB, gapC, shift int }

func normals[T Float](r *rand.Rand, n int) []T {
	x := make([]T, n)
	for i := range x {
		x[i] = T(r.NormFloat64())
	}
	return x
}

// near reports whether a sum of n products, whose magnitudes sum to size, is right
// however it was added.
func near[T Float](got T, want, size float64, n int) bool {
	epsilon := 0x1p-52
	if kindOf[T]() == 4 {
		epsilon = 0x1p-23
	}
	return math.Abs(float64(got)-want) <= epsilon*(1+float64(n))*size
}

func checkGemm[T Float](t *testing.T, r *rand.Rand, l form, s shape) {
	t.Helper()
	m, n, k := s.m, s.n, s.k
	s.gapC = max(s.gapC, 1-n) // a row has a place
	rowsA, colsA, rowsB, colsB := m, k, k, n
	if l.tA {
		rowsA, colsA = k, m
	}
	if l.tB {
		rowsB, colsB = n, k
	}
	strideA, strideB, strideC := colsA+s.gapA, colsB+s.gapB, n+s.gapC
	// They end with the last value of the last row: nothing behind may be read.
	size := func(rows, cols, stride int) int { return max(0, (rows-1)*stride+cols) }
	a := normals[T](r, s.shift+size(rowsA, colsA, strideA))[s.shift:]
	b := normals[T](r, s.shift+size(rowsB, colsB, strideB))[s.shift:]
	c := normals[T](r, s.shift+m*strideC)
	want, sizes := make([]float64, n*m), make([]float64, n*m)
	for i := range m {
		for j := range n {
			start := float64(c[s.shift+i*strideC+j])
			sum, magnitude := start, math.Abs(start)
			for p := range k {
				at, bt := i*strideA+p, p*strideB+j
				if l.tA {
					at = p*strideA + i
				}
				if l.tB {
					bt = j*strideB + p
				}
				v := float64(a[at]) * float64(b[bt])
				sum += v
				magnitude += math.Abs(v)
			}
			want[i*n+j], sizes[i*n+j] = sum, magnitude
		}
	}
	paths(func(path string) {
		got := slices.Clone(c)
		gemmBy(l, m, n, k, a, strideA, b, strideB, got[s.shift:], strideC)
		for at, g := range got {
			i, j := (at-s.shift)/strideC, (at-s.shift)%strideC
			if at < s.shift || j >= n {
				if g != c[at] {
					t.Fatalf("%s, %T, %s of %+v: wrote outside of C", path, g, l.name, s)
				}
				continue
			}
			if w := want[i*n+j]; !near(g, w, sizes[i*n+j], k) {
				t.Fatalf("%s, %T, %s of %+v: got %v at %d, %d, want %v", path, g, l.name, s, g, i, j, w)
			}
		}
	})
}

func TestGemm(t *testing.T) {
	const seed = 31
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	shapes := []shape{{m: 12, n: 32, k: 7}, {m: 6, n: 16, k: 1}, {m: 193, n: 33, k: 257}, {m: 25, n: 1030, k: 65}, {m: 1, n: 70, k: 300}, {m: 3, n: 1, k: 5000}, {m: 400, n: 3, k: 513, gapC: 5}, {m: 2, n: 5000, k: 9}}
	for range 250 {
		shapes = append(shapes, shape{r.IntN(71), r.IntN(71), r.IntN(71), r.IntN(4), r.IntN(4), r.IntN(4), r.IntN(9)})
	}
	for m := range 14 {
		for n := range 18 {
			shapes = append(shapes, shape{m: m, n: n, k: 1 + r.IntN(9), shift: 1})
		}
	}
	for _, s := range shapes {
		for _, l := range forms {
			checkGemm[float32](t, r, l, s)
			checkGemm[float64](t, r, l, s)
		}
	}
}

func FuzzGemm(f *testing.F) {
	f.Add(uint16(12), uint16(32), uint16(9), uint8(0), uint8(0))
	f.Add(uint16(100), uint16(33), uint16(300), uint8(1), uint8(77))
	f.Add(uint16(7), uint16(70), uint16(2), uint8(2), uint8(255))
	f.Fuzz(func(t *testing.T, m, n, k uint16, l, gaps uint8) {
		r := rand.New(rand.NewPCG(uint64(m)<<32|uint64(n)<<16|uint64(k), uint64(gaps)))
		s := shape{int(m % 300), int(n % 300), int(k % 300), int(gaps & 3), int(gaps >> 2 & 3), int(gaps >> 4 & 3), int(gaps >> 6)}
		checkGemm[float32](t, r, forms[l%3], s)
		checkGemm[float64](t, r, forms[l%3], s)
	})
}

func checkGemv[T Float](t *testing.T, r *rand.Rand, rows, cols, gap, shift int) {
	t.Helper()
	stride := cols + gap
	a := normals[T](r, shift+max(0, (rows-1)*stride+cols))[shift:]
	for _, transposed := range []bool{false, true} {
		from, to := cols, rows
		if transposed {
			from, to = rows, cols
		}
		x, y := normals[T](r, from+shift)[shift:], normals[T](r, to+3)
		want, sizes := make([]float64, to), make([]float64, to)
		for i := range to {
			want[i] = float64(y[i])
			sizes[i] = math.Abs(want[i])
			for j := range from {
				at := i*stride + j
				if transposed {
					at = j*stride + i
				}
				v := float64(a[at]) * float64(x[j])
				want[i] += v
				sizes[i] += math.Abs(v)
			}
		}
		paths(func(path string) {
			got := slices.Clone(y)
			if transposed {
				GemvT(rows, cols, a, stride, x, got)
			} else {
				Gemv(rows, cols, a, stride, x, got)
			}
			if !slices.Equal(got[to:], y[to:]) {
				t.Fatalf("%s, %T, %d times %d, transposed %t: wrote behind the end", path, a, rows, cols, transposed)
			}
			for i, w := range want {
				if !near(got[i], w, sizes[i], from) {
					t.Fatalf("%s, %T, %d times %d, %d between rows, transposed %t: got %v at %d, want %v", path, a, rows, cols, gap, transposed, got[i], i, w)
				}
			}
		})
	}
}

func TestGemv(t *testing.T) {
	const seed = 37
	r := rand.New(rand.NewPCG(seed, 0))
	for rows := range 12 {
		for cols := range 71 {
			checkGemv[float32](t, r, rows, cols, r.IntN(3), r.IntN(9))
			checkGemv[float64](t, r, rows, cols, r.IntN(3), r.IntN(9))
		}
	}
	for _, s := range [][2]int{{1, 70_001}, {70_001, 1}, {131, 517}, {37, 4099}, {5, 9000}} {
		checkGemv[float32](t, r, s[0], s[1], 3, 1)
		checkGemv[float64](t, r, s[0], s[1], 0, 1)
	}
}

// What is infinite or not a number stays where it belongs: in its row.
func TestProductsOfSpecialValues(t *testing.T) {
	const m, n, k = 15, 35, 21
	paths(func(path string) {
		a, b, c := slices.Repeat([]float64{1}, m*k), slices.Repeat([]float64{1}, k*n), make([]float64, m*n)
		a[3*k+20], a[14*k] = math.Inf(1), math.NaN()
		Gemm(m, n, k, a, k, b, n, c, n)
		y, z := make([]float64, m), make([]float64, k)
		Gemv(m, k, a, k, b[:k], y)
		GemvT(m, k, a, k, b[:m], z)
		for i := range m {
			want := float64(k)
			switch i {
			case 3:
				want = math.Inf(1)
			case 14:
				want = math.NaN()
			}
			for _, g := range append(c[i*n:(i+1)*n:(i+1)*n], y[i]) {
				if ulps(g, want) != 0 {
					t.Fatalf("%s: got %v in row %d, want %v", path, g, i, want)
				}
			}
		}
		for j, g := range z {
			want := float64(m)
			switch j {
			case 20:
				want = math.Inf(1)
			case 0:
				want = math.NaN()
			}
			if ulps(g, want) != 0 {
				t.Fatalf("%s: got %v in column %d, want %v", path, g, j, want)
			}
		}
	})
}

// Products at the same time do not share what they copy to.
func TestGemmAtTheSameTime(t *testing.T) {
	const m, n, k = 50, 70, 300
	r := rand.New(rand.NewPCG(47, 0))
	a, b := normals[float64](r, m*k), normals[float64](r, k*n)
	results := make([][]float64, 4)
	paths(func(path string) {
		var all sync.WaitGroup
		for i := range results {
			results[i] = make([]float64, m*n)
			all.Go(func() {
				for range 10 {
					clear(results[i])
					Gemm(m, n, k, a, k, b, n, results[i], n)
				}
			})
		}
		all.Wait()
		for _, c := range results[1:] {
			if !slices.Equal(c, results[0]) {
				t.Fatalf("%s: got two results of one product", path)
			}
		}
	})
}

func TestProductsAllocateNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("with the race detector a sync.Pool forgets at random")
	}
	const n = 70
	a, b, c := make([]float32, n*n), make([]float32, n*n), make([]float32, n*n)
	paths(func(path string) {
		if allocs := testing.AllocsPerRun(100, func() {
			Gemm(n, n, n, a, n, b, n, c, n)
			GemmTN(n, n, n, a, n, b, n, c, n)
			GemmNT(n, n, n, a, n, b, n, c, n)
			Gemv(n, n, a, n, b, c)
			GemvT(n, n, a, n, b, c)
		}); allocs != 0 {
			t.Errorf("%s: got %v allocations, want none", path, allocs)
		}
	})
}

func TestPeak(t *testing.T) {
	paths(func(path string) {
		for _, rounds := range []int{0, 1, 100_000} {
			if got := Peak[float32](rounds); got < 8*rounds || got%max(rounds, 1) != 0 {
				t.Errorf("%s: Peak of %d rounds: got %d operations", path, rounds, got)
			}
			if a, b := Peak[float32](rounds), Peak[float64](rounds); path != pathNames[plain] && a != 2*b {
				t.Errorf("%s: Peak of %d rounds: got %d operations of float32, %d of float64", path, rounds, a, b)
			}
		}
	})
}

func perSecond(b *testing.B, each int, unit string) {
	b.ReportMetric(float64(each)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), unit)
}

func benchGemm[T Float](b *testing.B, l form, m, n, k int) {
	r := rand.New(rand.NewPCG(1, 0))
	x, y, z := normals[T](r, m*k), normals[T](r, k*n), make([]T, m*n)
	strideX, strideY := k, n
	if l.tA {
		strideX = m
	}
	if l.tB {
		strideY = k
	}
	paths(func(path string) {
		b.Run(fmt.Sprintf("%s/%dx%dx%d/%T/%s", l.name, m, n, k, x[0], path), func(b *testing.B) {
			for b.Loop() {
				gemmBy(l, m, n, k, x, strideX, y, strideY, z, n)
			}
			perSecond(b, 2*m*n*k, "GFLOP/s")
		})
	})
}

func BenchmarkGemm(b *testing.B) {
	for _, s := range [][3]int{{4, 4, 4}, {8, 8, 8}, {32, 32, 32}, {100, 32, 64}, {512, 512, 512}, {1024, 1024, 1024}} {
		for _, l := range forms {
			benchGemm[float32](b, l, s[0], s[1], s[2])
			benchGemm[float64](b, l, s[0], s[1], s[2])
		}
	}
}

func BenchmarkPeak(b *testing.B) {
	paths(func(path string) {
		b.Run("float32/"+path, func(b *testing.B) {
			for b.Loop() {
				Peak[float32](100_000)
			}
			perSecond(b, Peak[float32](100_000), "GFLOP/s")
		})
		b.Run("float64/"+path, func(b *testing.B) {
			for b.Loop() {
				Peak[float64](100_000)
			}
			perSecond(b, Peak[float64](100_000), "GFLOP/s")
		})
	})
}

func BenchmarkGemv(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 0))
	for _, s := range [][2]int{{10, 20}, {64, 64}, {256, 256}, {2048, 2048}, {4096, 8192}} {
		rows, cols := s[0], s[1]
		a, x, y := normals[float32](r, rows*cols), normals[float32](r, rows+cols), make([]float32, rows+cols)
		paths(func(path string) {
			for _, transposed := range []bool{false, true} {
				b.Run(fmt.Sprintf("%dx%d/transposed=%t/%s", rows, cols, transposed, path), func(b *testing.B) {
					for b.Loop() {
						if transposed {
							GemvT(rows, cols, a, cols, x, y)
						} else {
							Gemv(rows, cols, a, cols, x, y)
						}
					}
					perSecond(b, 4*rows*cols, "GB/s")
				})
			}
		})
	}
}
