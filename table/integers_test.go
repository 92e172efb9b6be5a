package table

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"petuum/table/kernel"
)

// What a store sends of whole numbers is the same whether they come from pages, of which
// some do not exist, or in one piece.
func TestIntegerRuns(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	for _, width := range []int{1, 3, 100} {
		const keys = 5*pageRows + 7
		s := newStore[int32](Spec{Name: "w", Keys: keys, Width: width, Type: Int32, Init: Init{Value: 5}}, Range{0, keys})
		want := slices.Repeat([]int32{5}, keys*width)
		for range 2 * pageRows {
			row := r.IntN(2 * pageRows)
			if row >= pageRows {
				row += 2 * pageRows
			}
			v := make([]int32, width)
			v[r.IntN(width)] = int32(r.Uint32() >> r.IntN(32))
			s.load(uint64(row), kernel.Append(nil, v), nil, 1)
			copy(want[row*width:], v)
		}
		for _, span := range []Range{{0, keys}, {1, keys - 1}, {pageRows - 1, 3*pageRows + 1}, {40, 45}} {
			at := rowSet{begin: uint32(span.Begin), n: int(span.Len())}
			got := s.appendValues(nil, at, allOf(at.n))
			if whole := kernel.AppendInts(nil, want[span.Begin*uint64(width):span.End*uint64(width)]); !bytes.Equal(got, whole) {
				t.Errorf("seed %d: width %d, keys %v: got %d bytes, want %d, or others", seed, width, span, len(got), len(whole))
			}
		}
	}
}
