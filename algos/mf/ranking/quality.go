package ranking

import (
	"math"
	"slices"
)

// Quality is how good lists of at most K items are, summed over users that have held-out
// items. Sums of parts can be added up.
type Quality struct {
	K                       int
	Users                   float64
	Precision, Recall, NDCG float64 // sums over the users
}

// Add adds a user's list. held is what the user turned out to take, ascending; a user
// without is not counted.
func (q *Quality) Add(best []Scored, held []uint32) {
	if len(held) == 0 || q.K < 1 {
		return
	}
	hits, gain, ideal := 0.0, 0.0, 0.0
	for i, s := range best[:min(q.K, len(best))] {
		if _, found := slices.BinarySearch(held, s.Item); found {
			hits++
			gain += discount(i)
		}
	}
	for i := range min(q.K, len(held)) {
		ideal += discount(i)
	}
	q.Users++
	q.Precision += hits / float64(q.K)
	q.Recall += hits / float64(len(held))
	q.NDCG += gain / ideal
}

// discount is what an item in place i of a list counts, the first being place 0.
func discount(i int) float64 { return 1 / math.Log2(float64(i+2)) }
