package synthetic

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestFunctions(t *testing.T) {
	for _, c := range []struct {
		name      string
		low, high float64
		got, want func(float64) float64
	}{
		{"exp", -500, 500, exp, math.Exp},
		{"exp", -1, 1, exp, math.Exp},
		{"log", 1, 2, log, math.Log},
		{"sigmoid", -40, 40, sigmoid, func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }},
	} {
		for i := range 1000 {
			x := c.low + (c.high-c.low)*float64(i)/999
			got, want := c.got(x), c.want(x)
			if !(math.Abs(got-want) <= 1e-11*math.Abs(want)) {
				t.Errorf("%s(%v): got %v, want %v", c.name, x, got, want)
			}
		}
	}
}

// chiSquare fails if counts, of draws with probabilities p, are less likely than
// 1 in some 10^6.
func chiSquare(t *testing.T, what string, counts []int, p func(k int) float64) {
	t.Helper()
	n, sum := 0, 0.0
	for _, c := range counts {
		n += c
	}
	for k, c := range counts {
		want := float64(n) * p(k)
		sum += (float64(c) - want) * (float64(c) - want) / want
	}
	df := float64(len(counts) - 1)
	if most := df + 5*math.Sqrt(2*df) + 10; sum > most {
		t.Errorf("%s: chi-square %.1f of %d cells, want at most %.1f: %v", what, sum, len(counts), most, counts)
	}
}

// What follows at(n) is uniform, and numbers of neighbours have nothing to do
// with one another.
func TestSource(t *testing.T) {
	for seed := range uint64(4) {
		s := newSource(seed, forValues)
		const n, cells = 200_000, 16
		pairs, bits := make([]int, cells*cells), make([]int, 64)
		before := uint64(0)
		for i := range uint64(n) {
			s.at(i)
			now := s.below(cells)
			pairs[before*cells+now]++
			before = now
			s.at(i << 32)
			for u, b := s.pcg.Uint64(), 0; b < 64; b++ {
				bits[b] += int(u >> b & 1)
			}
		}
		chiSquare(t, "neighbours", pairs, func(int) float64 { return 1.0 / cells / cells })
		for b, ones := range bits {
			if off := math.Abs(float64(ones)-n/2) / math.Sqrt(n/4); off > 5 {
				t.Errorf("seed %d: bit %d of at(n << 32) is 1 in %d of %d", seed, b, ones, n)
			}
		}
	}
}

func TestNormal(t *testing.T) {
	s := newSource(1, forWeights)
	s.at(0)
	const n = 1_000_000
	var moments [5]float64
	for range n {
		x, power := float64(s.normal())/normalUnit, 1.0
		for k := range moments {
			moments[k] += power / n
			power *= x
		}
	}
	for k, want := range []float64{1, 0, 1, 0, 2.9} { // kurtosis of twelve uniforms: 3 - 1.2/12
		if math.Abs(moments[k]-want) > 0.02 {
			t.Errorf("moment %d: got %.4f, want %.1f", k, moments[k], want)
		}
	}
}

// The distribution is k^-s exactly, whether n is a power of two or not.
func TestZipf(t *testing.T) {
	for _, c := range []struct {
		n uint64
		s float64
	}{{1, 1.1}, {2, 0}, {20, 0}, {20, 1}, {33, 1.1}, {64, 1.2}, {100, 2}, {7, 4}} {
		z, r := newZipf(c.n, c.s), rand.NewPCG(7, 7)
		counts, total := make([]int, c.n), 0.0
		for k := range counts {
			total += math.Pow(float64(k+1), -c.s)
		}
		for range 200_000 {
			counts[z.rank(r)-1]++
		}
		chiSquare(t, "ranks", counts, func(k int) float64 { return math.Pow(float64(k+1), -c.s) / total })
	}
}

// Over many ids the slope of log count over log rank is -s, up to the last octave.
func TestZipfSlope(t *testing.T) {
	for _, s := range []float64{1, 1.1, 1.2} {
		const n = 3 << 20
		z, r := newZipf(n, s), rand.NewPCG(1, 2)
		octaves := make([]float64, 22)
		for range 2_000_000 {
			octaves[int(math.Log2(float64(z.rank(r))))]++
		}
		// Octave [2^b, 2^(b+1)) has mass proportional to 2^(b(1-s)), for b that are not small.
		for _, b := range []int{6, 10, 14} {
			got := 1 - math.Log2(octaves[b+6]/octaves[b])/6
			if math.Abs(got-s) > 0.005 {
				t.Errorf("s = %v: slope from 2^%d to 2^%d: got %.4f", s, b, b+6, got)
			}
		}
		if octaves[21] == 0 || octaves[21] >= octaves[20]*0.7 {
			t.Errorf("s = %v: the last octave, half of it below n, has %v draws, the one before %v", s, octaves[21], octaves[20])
		}
	}
}

// A popularity that leaves no choice ends, too, and so does a row of everything.
func TestDistinct(t *testing.T) {
	for _, c := range []struct {
		features, n uint64
		s           float64
	}{{1, 1, 1}, {40, 40, 4}, {1000, 1000, 4}, {1000, 300, 0}, {5000, 10, 1.1}, {5000, 4000, 1.1}} {
		z, r := newZipf(c.features, c.s), newSource(3, forRows)
		for i := range uint64(20) {
			r.at(i)
			got := z.distinct(nil, &r, c.n)
			if uint64(len(got)) != c.n || !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) || got[c.n-1] >= c.features {
				t.Fatalf("%d of %d features, s = %v: got %v", c.n, c.features, c.s, got)
			}
		}
	}
}

// Sorting and placing one by one draw the same features.
func TestDistinctFirstDraws(t *testing.T) {
	const features, n = 500, 200
	z, r := newZipf(features, 1), newSource(5, forRows)
	r.at(9)
	got := z.distinct(nil, &r, n)
	r.at(9)
	var want []uint64
	for len(want) < n {
		want = place(want, z.rank(&r.pcg)-1)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want the first %d that are drawn: %v", got, n, want)
	}
}

func TestScatter(t *testing.T) {
	for _, n := range []uint64{1, 2, 3, 4, 6, 10, 1000, 1 << 12, 6765} {
		seen, a := make([]bool, n), scatter(n)
		for j := range n {
			seen[j*a%n] = true
		}
		if slices.Contains(seen, false) {
			t.Errorf("n = %d: multiples of %d leave an index out", n, a)
		}
	}
}
