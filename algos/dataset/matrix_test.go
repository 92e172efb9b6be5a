package dataset

import (
	gocmp "cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// randomMatrix returns a matrix and the same with its zeros.
func randomMatrix(r *rand.Rand, rows, cols int, density float64, kind valueKind) (Matrix, [][]float64) {
	full := make([][]float64, rows)
	ptr, columns, values := []int64{0}, []uint32(nil), []float64(nil)
	for i := range full {
		full[i] = make([]float64, cols)
		for j := range full[i] {
			if r.Float64() >= density {
				continue
			}
			full[i][j] = 1
			switch kind {
			case values32:
				full[i][j] = float64(float32(r.NormFloat64()))
			case values64:
				full[i][j] = r.NormFloat64()
			}
			columns, values = append(columns, uint32(j)), append(values, full[i][j])
		}
		ptr = append(ptr, int64(len(columns)))
	}
	if kind == ones {
		values = nil
	}
	return NewMatrix(cols, ptr, columns, values), full
}

// TestMatrix holds every form of a matrix against the values with their zeros.
func TestMatrix(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	forms := map[string]int{}
	sizes := [][2]int{{0, 5}, {7, 0}, {1, 1}, {40, 30}, {2, 66_000}}
	if !testing.Short() {
		sizes = append(sizes, [2]int{66_000, 2})
	}
	for _, size := range sizes {
		for _, kind := range []valueKind{ones, values32, values64} {
			for _, density := range []float64{0.1, 0.9, 1} {
				m, full := randomMatrix(r, size[0], size[1], density, kind)
				forms[fmt.Sprint(m.index, m.value)]++
				checkMatrix(t, &m, full)
				x := m.Transpose()
				turned := make([][]float64, size[1])
				for j := range turned {
					for i := range full {
						turned[j] = append(turned[j], full[i][j])
					}
				}
				checkMatrix(t, &x, turned)
				again := x.Transpose()
				if d := cmp.Diff(m, again, cmp.AllowUnexported(Matrix{})); d != "" {
					t.Fatalf("%v, density %g, kind %d: transposed twice:\n%s", size, density, kind, d)
				}
			}
		}
	}
	for _, index := range []indexKind{index16, index32, dense} {
		for _, kind := range []valueKind{ones, values32, values64} {
			if forms[fmt.Sprint(index, kind)] == 0 && !(index == dense && kind == ones) {
				t.Errorf("no matrix of columns %d and values %d was tried", index, kind)
			}
		}
	}
	var none Matrix
	if none.Rows() != 0 || none.NNZ() != 0 || none.Bytes() != 0 {
		t.Error("the zero matrix has rows or values")
	}
}

func checkMatrix(t *testing.T, m *Matrix, full [][]float64) {
	t.Helper()
	nnz := 0
	v := make([]float64, m.Cols())
	for j := range v {
		v[j] = float64(j%7) - 2.5
	}
	for i, row := range full {
		var want []cell
		dot, square := 0.0, 0.0
		for j, x := range row {
			if x != 0 {
				want = append(want, cell{j, x})
				dot += x * v[j]
				square += x * x
			}
		}
		nnz += len(want)
		if got := rowOf(m, i); !slices.Equal(got, want) || m.Len(i) != len(want) {
			t.Fatalf("row %d: got %v of length %d, want %v", i, got, m.Len(i), want)
		}
		if got := m.Dot(i, v); math.Abs(got-dot) > 1e-9*(1+float64(len(want))) {
			t.Fatalf("row %d: got a product of %v, want %v", i, got, dot)
		}
		if got := m.Square(i); math.Abs(got-square) > 1e-9*(1+square) {
			t.Fatalf("row %d: got a square of %v, want %v", i, got, square)
		}
		products := 0.0
		for j, x := range row {
			products += x * x * v[j]
		}
		if got := m.DotSquares(i, v); !(math.Abs(got-products) <= 1e-9*(1+square)) {
			t.Fatalf("row %d: got squares times a vector of %v, want %v", i, got, products)
		}
		sum := slices.Clone(v)
		m.AddTo(i, 0.5, sum)
		for j, x := range row {
			if got, want := sum[j], v[j]+0.5*x; math.Abs(got-want) > 1e-12*(1+math.Abs(want)) {
				t.Fatalf("row %d added: column %d: got %v, want %v", i, j, got, want)
			}
		}
		copy(sum, v)
		m.AddSquares(i, 0.5, sum)
		for j, x := range row {
			if got, want := sum[j], v[j]+0.5*x*x; math.Abs(got-want) > 1e-12*(1+math.Abs(want)) {
				t.Fatalf("squares of row %d added: column %d: got %v, want %v", i, j, got, want)
			}
		}
	}
	if m.Rows() != len(full) || m.NNZ() != nnz {
		t.Fatalf("got %d rows, %d values, want %d and %d", m.Rows(), m.NNZ(), len(full), nnz)
	}
}

// TestForm: a matrix takes the form that takes least memory.
func TestForm(t *testing.T) {
	for _, c := range []struct {
		rows, cols, nnz int
		value           valueKind
		want            indexKind
	}{
		{100, 100, 100 * 100, ones, index16},
		{100, 100, 100 * 100, values32, dense},
		{100, 100, 100 * 68, values32, dense}, // 40,000 bytes against 6*6,800+808
		{100, 100, 100 * 60, values32, index16},
		{100, 100, 100 * 60, values64, index16},
		{100, 100_000, 5_100_000, values32, dense},
		{100, 100_000, 4_900_000, values32, index32},
		{100, 65_536, 100, ones, index16},
		{100, 65_537, 100, ones, index32},
		{math.MaxInt, math.MaxInt, 100, values32, index32},
	} {
		if got := form(c.rows, c.cols, c.nnz, c.value); got != c.want {
			t.Errorf("%d x %d with %d values of kind %d: got %d, want %d", c.rows, c.cols, c.nnz, c.value, got, c.want)
		}
	}
}

// A vector that is too short is refused before anything is read or written, as is
// a column that is too high.
func TestShortVector(t *testing.T) {
	m := NewMatrix(3, []int64{0, 1}, []uint32{0}, nil)
	for name, call := range map[string]func(){
		"dot":         func() { m.Dot(0, make([]float64, 2)) },
		"add":         func() { m.AddTo(0, 1, make([]float64, 2)) },
		"dot squares": func() { m.DotSquares(0, make([]float64, 2)) },
		"squares":     func() { m.AddSquares(0, 1, make([]float64, 2)) },
		"scale":       func() { m.ScaleColumns(make([]float64, 2)) },
		"made":        func() { NewMatrix(3, []int64{0, 1}, []uint32{3}, nil) }, // as kernels would not see it
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			call()
		}()
	}
}

// TestScaleColumns: each value is multiplied by the factor of its column.
func TestScaleColumns(t *testing.T) {
	for _, kind := range []valueKind{ones, values32, values64} {
		m, full := randomMatrix(rand.New(rand.NewPCG(1, 2)), 9, 4, 0.7, kind)
		factor := []float64{2, 0.1, -3, 7}
		scaled := m.ScaleColumns(factor)
		for i := range full {
			for j := range full[i] {
				full[i][j] *= factor[j]
			}
		}
		checkMatrix(t, &scaled, full)
	}
}

// TestSorted holds the radix sort against another.
func TestSorted(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 100 {
		x := make([]occurrence, r.IntN(3000))
		mask := r.Uint64() >> r.IntN(64)
		for i := range x {
			x[i] = occurrence{r.Uint64() & mask, uint32(r.IntN(3)), uint32(i)}
		}
		want := slices.Clone(x)
		slices.SortStableFunc(want, func(a, b occurrence) int { return gocmp.Compare(a.id, b.id) })
		if got := sorted(x); !slices.Equal(got, want) {
			t.Fatalf("seed %d: %d ids of mask %x are not in order", seed, len(x), mask)
		}
	}
}

// TestIDSet: whatever sets ids come in, their positions are those in the ascending
// order of all.
func TestIDSet(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 30 {
		sets := make([]*idSet, 1+r.IntN(3))
		codes := make([]map[uint64]uint32, len(sets))
		var all []uint64
		size := 1 + r.IntN(63)
		for k := range sets {
			sets[k], codes[k] = &idSet{}, map[uint64]uint32{}
			for range 3000 {
				id := r.Uint64() >> (64 - size)
				if r.IntN(2) == 0 {
					id >>= r.IntN(size) // small ones as well
				}
				code, ok := sets[k].code(id)
				if first, seen := codes[k][id]; !ok || seen && code != first {
					t.Fatalf("seed %d: code of %d: got %d, %v, want %d", seed, id, code, ok, first)
				}
				codes[k][id] = code
				all = append(all, id)
			}
			var each []uint64
			for id, code := range sets[k].each {
				if codes[k][id] != code {
					t.Fatalf("seed %d: each yields %d with code %d, want %d", seed, id, code, codes[k][id])
				}
				each = append(each, id)
			}
			low, high, ok := sets[k].limits()
			if len(each) != len(codes[k]) || !ok || low != slices.Min(each) || high != slices.Max(each) {
				t.Fatalf("seed %d: got %d ids from %d to %d, %v, want %d from %d to %d", seed, len(each), low, high, ok, len(codes[k]), slices.Min(each), slices.Max(each))
			}
		}
		slices.Sort(all)
		all = slices.Compact(all)
		p := orderIDs(sets)
		if !slices.Equal(p.keys, all) {
			t.Fatalf("seed %d: got %d keys, want %d in order", seed, len(p.keys), len(all))
		}
		for k := range sets {
			for id, code := range codes[k] {
				if at := p.of(k, code); all[at] != id {
					t.Fatalf("seed %d: set %d: id %d has position %d, which is of %d", seed, k, id, at, all[at])
				}
				if p.first != none && id < smallIDs && code-p.first != p.of(k, code) {
					t.Fatalf("seed %d: ids without a gap from %d on, but %d is at %d", seed, p.first, code, p.of(k, code))
				}
			}
		}
	}
	if _, _, ok := new(idSet).limits(); ok {
		t.Error("an empty set has limits")
	}
}
