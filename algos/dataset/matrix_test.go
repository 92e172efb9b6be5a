package dataset

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMatrix(t *testing.T) {
	m := Matrix{Ptr: []int64{0, 2, 2, 3}, Cols: []uint32{0, 2, 3}, Vals: []float64{5, 6, 7}, NCols: 4}
	want := Matrix{Ptr: []int64{0, 1, 1, 2, 3}, Cols: []uint32{0, 0, 2}, Vals: []float64{5, 6, 7}, NCols: 3}
	if d := cmp.Diff(want, m.Transpose()); d != "" {
		t.Errorf("transpose (-want +got):\n%s", d)
	}
	if m.Rows() != 3 || m.NNZ() != 3 {
		t.Errorf("got %d rows, %d values, want 3 and 3", m.Rows(), m.NNZ())
	}
	cols, vals := m.Row(0)
	if !slices.Equal(cols, []uint32{0, 2}) || !slices.Equal(vals, []float64{5, 6}) {
		t.Errorf("row 0: got %v %v", cols, vals)
	}
	if cap(cols) != 2 || cap(vals) != 2 {
		t.Error("appending to a row would write into the next one")
	}
	if cols, vals = m.Row(1); len(cols)+len(vals) != 0 {
		t.Errorf("row 1: got %v %v, want none", cols, vals)
	}
	var none Matrix
	if none.Rows() != 0 || none.NNZ() != 0 || none.Transpose().Rows() != 0 {
		t.Error("the zero matrix has rows or values")
	}
}

func TestTransposeTwice(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 200 {
		m := Matrix{Ptr: []int64{0}, Cols: []uint32{}, NCols: r.IntN(20)}
		ones := r.IntN(2) == 0
		if !ones {
			m.Vals = []float64{}
		}
		for range r.IntN(20) {
			for j := range m.NCols {
				if r.IntN(3) == 0 {
					m.Cols = append(m.Cols, uint32(j))
					if !ones {
						m.Vals = append(m.Vals, r.Float64())
					}
				}
			}
			m.Ptr = append(m.Ptr, int64(len(m.Cols)))
		}
		once := m.Transpose()
		for j := range once.Rows() {
			if cols, _ := once.Row(j); !slices.IsSorted(cols) {
				t.Fatalf("seed %d: row %d of the transpose is not sorted: %v", seed, j, cols)
			}
		}
		if d := cmp.Diff(m, once.Transpose()); d != "" {
			t.Fatalf("seed %d: transposed twice:\n%s", seed, d)
		}
	}
}

func TestIDSet(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 20 {
		var s idSet
		want := map[uint64]uint32{}
		bits := 1 + r.IntN(63)
		for range 5000 {
			id := r.Uint64() >> (64 - bits)
			n, ok := s.number(id)
			first, seen := want[id]
			if !seen {
				first = uint32(len(want))
				want[id] = first
			}
			if !ok || n != first {
				t.Fatalf("seed %d: number(%d): got %d, %v, want %d", seed, id, n, ok, first)
			}
		}
		ids, rank := s.sorted()
		if len(ids) != len(want) || !slices.IsSorted(ids) {
			t.Fatalf("seed %d: got %d ids, sorted %v, want %d", seed, len(ids), slices.IsSorted(ids), len(want))
		}
		for id, n := range want {
			if ids[rank[n]] != id {
				t.Fatalf("seed %d: rank of id %d points to id %d", seed, id, ids[rank[n]])
			}
		}
	}
	full := idSet{n: 1<<32 - 2}
	if _, ok := full.number(5); ok {
		t.Error("a full set: got ok")
	}
}
