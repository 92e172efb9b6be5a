package table

import (
	"slices"
	"testing"
)

// What a model says of a key that nobody wrote is what a shard would have said.
func TestInitialRow(t *testing.T) {
	random := Init{Value: 0.1, Spread: 3, Seed: 7}
	for _, spec := range []Spec{
		{Type: Float32}, {Type: Float32, Init: random},
		{Type: Float64, Init: Init{Value: -2.5}}, {Type: Float64, Init: random},
		{Type: Int32, Init: Init{Value: -3}},
	} {
		for _, key := range []uint64{0, 1, 1 << 63} {
			got, want := make([]float64, 3), make([]float64, 3)
			spec.InitialRow(key, got)
			switch spec.Type {
			case Float32:
				initial[float32](spec.Init, key, want)
			case Float64:
				initial[float64](spec.Init, key, want)
			case Int32:
				initial[int32](spec.Init, key, want)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%v %+v key %d: got %v, want %v", spec.Type, spec.Init, key, got, want)
			}
		}
	}
}

// initial is the initial row as a store of T has it.
func initial[T Elem](i Init, key uint64, row []float64) {
	typed := make([]T, len(row))
	fillInit(i, key, typed)
	for j, v := range typed {
		row[j] = float64(v)
	}
}
