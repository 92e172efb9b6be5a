package ranking

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"petuum/algos/algotest"
)

// sorted is what Find gives for a user, by scoring and sorting all.
func sorted(it Items, row []float32, skip []uint32, most int) (all []Scored) {
	for i := range it.Len() {
		q, score := it.Values[i*it.Stride:], 0.0
		for k := range it.Rank {
			score += float64(q[it.Factors+k]) * float64(row[k])
		}
		if it.Biases {
			score += float64(q[it.Bias])
		}
		if !slices.Contains(skip, uint32(i)) && score == score {
			all = append(all, Scored{uint32(i), float32(score)})
		}
	}
	slices.SortStableFunc(all, func(a, b Scored) int {
		switch {
		case a.Score > b.Score:
			return -1
		case a.Score < b.Score:
			return 1
		}
		return 0
	})
	return all[:min(most, len(all))]
}

func TestFindIsSorting(t *testing.T) {
	for _, c := range []struct {
		name               string
		n, items, size, by int // by: items are alike in so many
		most               int
		biases             bool
	}{
		{"one", 1, 1, 1, 1, 3, false},
		{"ties", 30, 1300, 3, 7, 20, false},
		{"biases", 25, 600, 9, 600, 10, true},
		{"all", 3, 50, 4, 50, 50, true},
		{"more than there are", 3, 50, 4, 50, 80, true},
		{"none asked for", 3, 50, 4, 50, 0, true},
		{"no items", 3, 0, 4, 1, 5, false},
		{"no users", 0, 10, 4, 1, 5, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			it := Items{Stride: c.size + 3, Rank: c.size, Factors: 2, Bias: 1, Biases: c.biases}
			for i := range c.items {
				for k := range it.Stride {
					if i >= c.by {
						it.Values = append(it.Values, it.Values[(i%c.by)*it.Stride+k])
						continue
					}
					it.Values = append(it.Values, float32(rng.IntN(9)-4)) // whole numbers: sums are exact
				}
			}
			rows, skips := make([][]float32, c.n), make([][]uint32, c.n)
			for u := range rows {
				for range c.size {
					rows[u] = append(rows[u], float32(rng.IntN(9)-4))
				}
				for i := range c.items {
					if rng.IntN(4) == 0 {
						skips[u] = append(skips[u], uint32(i))
					}
				}
			}
			next := 0
			NewFinder(it, c.most).Find(c.n, func(u int) []float32 { return rows[u] }, func(u int) []uint32 { return skips[u] },
				func(u int, best []Scored) {
					if u != next {
						t.Errorf("got user %d, want %d", u, next)
					}
					next++
					if want := sorted(it, rows[u], skips[u], c.most); !slices.Equal(best, want) {
						t.Errorf("user %d: got %v, want %v", u, best, want)
					}
				})
			if next != c.n {
				t.Errorf("got %d users, want %d", next, c.n)
			}
		})
	}
}

func TestNotANumberIsNobodys(t *testing.T) {
	nan := float32(math.NaN())
	it := Items{Values: []float32{1, nan, 3, nan, 2}, Stride: 1, Rank: 1}
	NewFinder(it, 4).Find(1, func(int) []float32 { return []float32{1} }, func(int) []uint32 { return nil },
		func(_ int, best []Scored) {
			if want := []Scored{{2, 3}, {4, 2}, {0, 1}}; !slices.Equal(best, want) {
				t.Errorf("got %v, want %v", best, want)
			}
		})
}

func TestQuality(t *testing.T) {
	best := []Scored{{7, 9}, {1, 8}, {4, 7}, {2, 6}}
	third := 1 / math.Log2(3)
	for _, c := range []struct {
		name                    string
		k                       int
		best                    []Scored
		held                    []uint32
		precision, recall, ndcg float64
	}{
		{"all hit", 2, best, []uint32{1, 7}, 1, 1, 1},
		{"first only", 2, best, []uint32{7, 9, 10}, 0.5, 1.0 / 3, 1 / (1 + third)},
		{"second only", 2, best, []uint32{1}, 0.5, 1, third},
		{"behind the list", 2, best, []uint32{4}, 0, 0, 0},
		{"short list", 5, best[:1], []uint32{7}, 0.2, 1, 1},
	} {
		q := Quality{K: c.k}
		q.Add(c.best, c.held)
		q.Add(c.best, nil) // not counted
		for _, v := range []struct {
			name      string
			got, want float64
		}{{"users", q.Users, 1}, {"precision", q.Precision, c.precision}, {"recall", q.Recall, c.recall}, {"ndcg", q.NDCG, c.ndcg}} {
			if math.Abs(v.got-v.want) > 1e-12 {
				t.Errorf("%s: %s: got %v, want %v", c.name, v.name, v.got, v.want)
			}
		}
	}
}

func TestFindDoesNotAllocate(t *testing.T) {
	it := Items{Values: make([]float32, 4000), Stride: 4, Rank: 4}
	row := make([]float32, 4)
	f := NewFinder(it, 10)
	find := func() {
		f.Find(30, func(int) []float32 { return row }, func(int) []uint32 { return nil }, func(int, []Scored) {})
	}
	if find(); testing.AllocsPerRun(10, find) >= 1 && !algotest.Raced {
		t.Errorf("got %v allocations, want 0", testing.AllocsPerRun(10, find))
	}
}

func BenchmarkFind(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	it := Items{Values: make([]float32, 20000*33), Stride: 33, Rank: 32, Bias: 32, Biases: true}
	for k := range it.Values {
		it.Values[k] = float32(rng.NormFloat64())
	}
	f := NewFinder(it, 10)
	for range b.N {
		f.Find(96, func(u int) []float32 { return it.Values[u*33:] }, func(int) []uint32 { return nil }, func(int, []Scored) {})
	}
	b.ReportMetric(96*float64(b.N)/b.Elapsed().Seconds(), "users/s")
}
