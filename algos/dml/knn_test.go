package dml

import (
	"math"
	"slices"
	"sync"
	"testing"
)

// TestAccuracies votes by hand: what is near, and what decides where distances or
// votes are equal.
func TestAccuracies(t *testing.T) {
	train := []float64{0, 0, 1, 0, 0, 3, 4, 4, 4, 5}
	class := []int32{1, 0, 0, 2, 2}
	test := []float64{0.1, 0, 0.5, 0, 4, 4.5}
	for _, c := range []struct {
		want []int32
		k    int
		acc  float64
	}{
		{[]int32{1, 1, 2}, 1, 1},       // of equal distances the earlier row
		{[]int32{0, 0, 2}, 1, 1.0 / 3}, // and not the later
		{[]int32{0, 0, 2}, 2, 1},       // of equal votes the smaller class
		{[]int32{0, 0, 2}, 3, 1},
	} {
		if got := accuracies(train, class, test, c.want, 2, c.k); math.Abs(got[0]-c.acc) > 1e-15 {
			t.Errorf("k = %d, classes %v: got %v, want %v", c.k, c.want, got[0], c.acc)
		}
	}
}

// accuracies is, for each of ks, how many of the test rows have the class that
// most of their k nearest training rows have, by Euclid's distance. Among equal
// distances the earlier row is nearer, among equal votes the smaller class wins.
// Rows are dense, of the given width, in one slice.
func accuracies(train []float64, class []int32, test []float64, want []int32, width int, ks ...int) []float64 {
	most := slices.Max(ks)
	right := make([]int, len(ks))
	var mu sync.Mutex
	var wg sync.WaitGroup
	for half := range 2 {
		wg.Go(func() {
			own := make([]int, len(ks))
			near, at := make([]float64, most), make([]int32, most)
			for i := half; i < len(want); i += 2 {
				nearest(train, test[i*width:(i+1)*width], near, at)
				for n, k := range ks {
					if vote(at[:k], class) == want[i] {
						own[n]++
					}
				}
			}
			mu.Lock()
			defer mu.Unlock()
			for n := range ks {
				right[n] += own[n]
			}
		})
	}
	wg.Wait()
	share := make([]float64, len(ks))
	for n := range ks {
		share[n] = float64(right[n]) / float64(len(want))
	}
	return share
}

// nearest leaves the squared distances and the numbers of the rows that are
// nearest to x, in ascending order.
func nearest(rows, x []float64, near []float64, at []int32) {
	for k := range near {
		near[k] = math.Inf(1)
	}
	last := len(near) - 1
	for i := range len(rows) / len(x) {
		d := 0.0
		for j, v := range rows[i*len(x) : (i+1)*len(x)] {
			d += (v - x[j]) * (v - x[j])
		}
		if d >= near[last] {
			continue
		}
		k := last
		for ; k > 0 && d < near[k-1]; k-- {
			near[k], at[k] = near[k-1], at[k-1]
		}
		near[k], at[k] = d, int32(i)
	}
}

// vote is the class of most rows, the smallest of those with equally many.
func vote(rows []int32, class []int32) int32 {
	best, most := int32(-1), 0
	for _, i := range rows {
		votes := 0
		for _, j := range rows {
			if class[j] == class[i] {
				votes++
			}
		}
		if votes > most || votes == most && class[i] < best {
			best, most = class[i], votes
		}
	}
	return best
}
