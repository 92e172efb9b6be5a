package dataset

import (
	"math"
	"slices"
	"testing"
)

func TestWiden(t *testing.T) {
	matrix := func() Matrix {
		return Matrix{Ptr: []int64{0, 2, 3}, Cols: []uint32{0, 1, 1}, Vals: []float64{2, 3, 4}, NCols: 2}
	}
	p := &Part{X: matrix(), Keys: []uint64{1, 4}}
	if err := p.Widen(6); err != nil {
		t.Fatal(err)
	}
	if want := []uint32{1, 4, 4}; !slices.Equal(p.X.Cols, want) || p.X.NCols != 6 || !slices.Equal(p.Keys, []uint64{0, 1, 2, 3, 4, 5}) {
		t.Errorf("got columns %v of %d and keys %v, want columns %v of 6 and all keys", p.X.Cols, p.X.NCols, p.Keys, want)
	}
	v := []float64{1, 10, 100, 1000, 10000, 100000}
	if got := p.X.Dot(0, v); got != 2*10+3*10000 {
		t.Errorf("row 0: got a product of %v, want 30020", got)
	}
	if p.X.AddTo(1, 0.5, v); v[4] != 10002 {
		t.Errorf("row 1 added half: got %v, want 10002", v[4])
	}
	for _, features := range []uint64{4, math.MaxUint64} {
		p := &Part{X: matrix(), Keys: []uint64{1, 4}}
		if err := p.Widen(features); err == nil || p.X.NCols != 2 {
			t.Errorf("%d features: got %v and %d columns, want an error and the part as it was", features, err, p.X.NCols)
		}
	}
}
