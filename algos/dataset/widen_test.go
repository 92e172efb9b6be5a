package dataset

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

func TestWiden(t *testing.T) {
	matrix := func() Matrix {
		return NewMatrix(2, []int64{0, 2, 3}, []uint32{0, 1, 1}, []float64{2, 3, 4})
	}
	p := &Part{X: matrix(), Keys: []uint64{1, 4}}
	if err := p.Widen(6); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(rowOf(&p.X, 0), rowOf(&p.X, 1)), "[1:2 4:3] [4:4]"; got != want || p.X.Cols() != 6 || !slices.Equal(p.Keys, []uint64{0, 1, 2, 3, 4, 5}) {
		t.Errorf("got rows %s of %d columns and keys %v, want %s of 6 and all keys", got, p.X.Cols(), p.Keys, want)
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
		if err := p.Widen(features); err == nil || p.X.Cols() != 2 {
			t.Errorf("%d features: got %v and %d columns, want an error and the part as it was", features, err, p.X.Cols())
		}
	}
}
