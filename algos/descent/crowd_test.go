package descent

import (
	"math/rand/v2"
	"testing"
)

// A block that would take too much room is cut, by chance and not always at the same
// place, and what is left takes less.
func TestCrowd(t *testing.T) {
	const units = 9000 // products of all pairs: 2.4 times as many numbers as there may be
	seen := make([]bool, units)
	m := &Model{rng: rand.New(rand.NewPCG(1, 2)), count: make([]float64, units)}
	for j := range m.count {
		m.count[j] = 1e6
	}
	for range 40 {
		m.ranked = m.ranked[:0]
		for u := range units {
			m.ranked = append(m.ranked, candidate{u, -1})
		}
		m.crowd()
		if _, numbers := m.kindOf(); numbers > mostNumbers || len(m.ranked) < units/3 {
			t.Fatalf("%d units are left, which take %v numbers", len(m.ranked), numbers)
		}
		for _, c := range m.ranked {
			seen[c.unit] = true
		}
	}
	for u, ok := range seen {
		if !ok {
			t.Errorf("unit %d never came", u)
		}
	}
}
