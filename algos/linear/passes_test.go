package linear

import (
	"slices"
	"testing"
)

func TestPasses(t *testing.T) {
	for _, c := range []struct{ rows, clocks int }{{0, 3}, {1, 10}, {7, 10}, {10, 10}, {1003, 10}, {50, 1}} {
		p := NewPasses(c.rows, c.clocks, 5, 1)
		var orders [][]uint32
		for range 3 {
			var seen []uint32
			for range c.clocks {
				slice := p.Next()
				if least, most := c.rows/c.clocks, (c.rows+c.clocks-1)/c.clocks; len(slice) < least || len(slice) > most {
					t.Errorf("%v: a slice of %d rows, want %d to %d", c, len(slice), least, most)
				}
				seen = append(seen, slice...)
			}
			orders = append(orders, slices.Clone(seen))
			slices.Sort(seen)
			for i, r := range seen {
				if r != uint32(i) {
					t.Fatalf("%v: row %d comes as number %d", c, r, i)
				}
			}
			if len(seen) != c.rows {
				t.Errorf("%v: a pass has %d rows", c, len(seen))
			}
		}
		if c.rows > 20 && slices.Equal(orders[0], orders[1]) {
			t.Errorf("%v: two passes in the same order", c)
		}
		same, other := NewPasses(c.rows, 1, 5, 1), NewPasses(c.rows, 1, 5, 2)
		if !slices.Equal(same.Next(), orders[0]) {
			t.Errorf("%v: the order is not that of seed and part", c)
		}
		if c.rows > 20 && slices.Equal(other.Next(), orders[0]) {
			t.Errorf("%v: two parts have the same order", c)
		}
	}
}
