package sgd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"petuum/algos/dataset"
	"petuum/table/kernel"
)

// some is a matrix of ratings, with users that gave none.
func some(r *rand.Rand, users, items int) dataset.Matrix {
	ptr := []int64{0}
	var columns []uint32
	var values []float64
	for range users {
		share := r.Float64() * float64(r.IntN(3))
		for j := range items {
			if r.Float64() < share {
				columns, values = append(columns, uint32(j)), append(values, float64(1+r.IntN(5)))
			}
		}
		ptr = append(ptr, int64(len(columns)))
	}
	return dataset.NewMatrix(items, ptr, columns, values)
}

// Every rating is in the slice of its item, once, in a run of its user.
func TestRatings(t *testing.T) {
	const seed = 5
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for _, cuts := range [][]uint64{{0, 12}, {0, 4, 12}, {0, 0, 5, 5, 9, 12, 12}} {
		x := some(r, 30, 12)
		got := NewRatings(&x, cuts)
		seen := map[string]float32{}
		for s := range len(cuts) - 1 {
			before := -1
			for _, run := range got.runs[got.first[s]:got.first[s+1]] {
				if int(run.user) <= before || run.begin == run.end {
					t.Errorf("cuts %v, slice %d: run %+v behind user %d", cuts, s, run, before)
				}
				before = int(run.user)
				for k := run.begin; k < run.end; k++ {
					if j := uint64(got.index[k]); j < cuts[s] || j >= cuts[s+1] {
						t.Errorf("cuts %v: item %d is in slice %d", cuts, j, s)
					}
					seen[fmt.Sprint(run.user, got.index[k])] = got.value[k]
				}
			}
		}
		if len(seen) != x.NNZ() || got.Len() != x.NNZ() {
			t.Errorf("cuts %v: got %d ratings, %d of them distinct, want %d", cuts, got.Len(), len(seen), x.NNZ())
		}
		for i := range x.Rows() {
			for j, v := range x.Row(i) {
				if got := seen[fmt.Sprint(i, j)]; float64(got) != v {
					t.Errorf("cuts %v: user %d, item %d: got %v, want %v", cuts, i, j, got, v)
				}
			}
		}
	}
}

// Errors are those of the formula, predictions clamped.
func TestErrors(t *testing.T) {
	const seed, stride, users, items = 7, 24, 20, 9
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	x := some(r, users, items)
	row := func(n int) []float32 {
		v := make([]float32, n*stride)
		for k := range v {
			v[k] = float32(r.NormFloat64())
		}
		return v
	}
	p, q := row(users), row(items)
	squares, sizes := 0.0, 0.0
	for i := range x.Rows() {
		for j, v := range x.Row(i) {
			y := float64(p[i*stride]) + float64(q[j*stride])
			for f := kernel.Header; f < stride; f++ {
				y += float64(p[i*stride+f]) * float64(q[j*stride+f])
			}
			e := v - min(max(y, 1), 5)
			squares, sizes = squares+e*e, sizes+math.Abs(e)
		}
	}
	gotSquares, gotSizes := NewRatings(&x, []uint64{0, 4, items}).Errors(p, q, stride, 1, 5)
	if math.Abs(gotSquares-squares) > 1e-4*squares || math.Abs(gotSizes-sizes) > 1e-4*sizes {
		t.Errorf("got %v and %v, want %v and %v", gotSquares, gotSizes, squares, sizes)
	}
}

// The rate of a row falls with its ratings and with epochs, to a fiftieth.
func TestSet(t *testing.T) {
	d := Descent{Rate: 0.2, BiasRate: 0.1, Decay: 4, Lambda: 1, Deviation: 2}
	for _, c := range []struct {
		n     float64
		epoch int
		f     float64
	}{{0, 0, 1}, {300, 0, 0.5}, {300, 2, 0.25}, {0, 4, 0.02}, {0, 400, 0.02}} {
		row := make([]float32, 16)
		d.Set(row, c.n, c.epoch)
		rate := 0.1 * c.f
		shrink := rate * 2 / math.Sqrt(max(c.n, 1))
		for k, want := range []float64{0, rate, 1 - shrink, 0.1 * c.f, max(0, 1-4*shrink)} {
			if math.Abs(float64(row[k])-want) > 1e-6 {
				t.Errorf("%v ratings, epoch %d: header %d: got %v, want %v", c.n, c.epoch, k, row[k], want)
			}
		}
	}
}
