package online

import (
	"slices"
	"testing"

	"petuum/algos/dataset"
)

// Keys that no row of a batch has any more are not asked for.
func TestRenumber(t *testing.T) {
	b := &dataset.Batch{Keys: []uint64{3, 5, 8, 13, 21}, Cols: []uint32{4, 1, 1, 4}}
	tail := &tail{places: []uint32{0, 1, 0, 0, 1}}
	tail.renumber(b)
	if got, want := b.Keys, []uint64{5, 21}; !slices.Equal(got, want) {
		t.Errorf("keys: got %v, want %v", got, want)
	}
	if got, want := b.Cols, []uint32{1, 0, 0, 1}; !slices.Equal(got, want) {
		t.Errorf("columns: got %v, want %v", got, want)
	}
}

// The two counters of a feature are as good as independent: of pairs of features few
// share one, and next to none share both.
func TestMix(t *testing.T) {
	const bits, features = 8, 2000
	one, both := 0, 0
	for x := range uint64(features) {
		h, g := mix(x), mix(x+features)
		a, b := h>>(64-bits) == g>>(64-bits), h<<32>>(64-bits) == g<<32>>(64-bits)
		if a || b {
			one++
		}
		if a && b {
			both++
		}
	}
	if most := 2*features/(1<<bits) + 25; one > most || one == 0 || both > 2 {
		t.Errorf("of %d pairs, got %d that share a counter and %d that share both, want 1 to %d and at most 2", features, one, both, most)
	}
}
