package dataset

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// A matrix of some columns has the values of these columns, whatever its form.
func TestSelect(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 1))
	for _, c := range []struct {
		rows, cols, every int
		values            bool
	}{{5, 4, 1, true}, {40, 30, 9, true}, {40, 30, 9, false}, {30, 70_000, 500, false}, {30, 70_000, 500, true}, {3, 5, 100, true}, {0, 3, 1, false}} {
		ptr, columns, values := []int64{0}, []uint32(nil), []float64(nil)
		for range c.rows {
			for j := range c.cols {
				if r.IntN(c.every) == 0 {
					columns = append(columns, uint32(j))
					if c.values {
						values = append(values, r.NormFloat64())
					}
				}
			}
			ptr = append(ptr, int64(len(columns)))
		}
		m := NewMatrix(c.cols, ptr, columns, values)
		for _, of := range []int{1, 2, 7} {
			var list []int32
			at := map[int]int{}
			for j := of - 1; j < c.cols; j += of {
				at[j] = len(list)
				list = append(list, int32(j))
			}
			s := m.Select(list)
			if s.Rows() != c.rows || s.Cols() != len(list) {
				t.Fatalf("%v: got %d x %d, want %d x %d", c, s.Rows(), s.Cols(), c.rows, len(list))
			}
			nnz := 0
			for i := range c.rows {
				var want, got []string
				for j, v := range m.Row(i) {
					if k, ok := at[j]; ok {
						want = append(want, fmt.Sprint(k, v))
					}
				}
				for j, v := range s.Row(i) {
					got = append(got, fmt.Sprint(j, v))
				}
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Fatalf("%v, every %d: row %d: got %v, want %v", c, of, i, got, want)
				}
				nnz += len(got)
			}
			if s.NNZ() != nnz {
				t.Errorf("%v, every %d: got %d values, want %d", c, of, s.NNZ(), nnz)
			}
		}
	}
	if m := NewMatrix(3, []int64{0, 2}, []uint32{0, 2}, nil); m.Cols() == 3 {
		if s := m.Select(nil); s.Rows() != 1 || s.Cols() != 0 || s.NNZ() != 0 {
			t.Errorf("no columns: got %d x %d with %d values", s.Rows(), s.Cols(), s.NNZ())
		}
	}
}
