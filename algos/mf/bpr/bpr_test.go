package bpr

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func randomValues(rng *rand.Rand, n int, positive bool) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64()) * 0.5
		if positive {
			x[i] = max(x[i], -x[i])
		}
	}
	return x
}

// offset is where rows have factors in these tests, behind the bias.
const offset = 2

func rowsOf(rng *rand.Rand, n, rank int, positive bool) Rows {
	return Rows{randomValues(rng, n*(rank+offset), positive), rank + offset, offset, 1}
}

// objective of one pair, as it is written.
func objective(s Settings, p, i, j []float32) float64 {
	x, squares := 0.0, 0.0
	for k := range s.Rank {
		a, b, u := float64(i[k+offset]), float64(j[k+offset]), float64(p[k])
		x += u * (a - b)
		squares += a*a + b*b + u*u
	}
	if s.Biases {
		a, b := float64(i[1]), float64(j[1])
		x += a - b
		squares += a*a + b*b
	}
	return math.Log1p(math.Exp(-x)) + s.Lambda/2*squares
}

func TestStepIsDownTheSlope(t *testing.T) {
	for _, s := range []Settings{{Rank: 5, Lambda: 0.3}, {Rank: 9, Biases: true, Lambda: 0.1}, {Rank: 1}} {
		rng := rand.New(rand.NewPCG(1, 2))
		const rate, h = 1e-3, 1e-3
		items := rowsOf(rng, 2, s.Rank, false)
		rows := [3][]float32{randomValues(rng, s.Rank, false), items.row(0), items.row(1)}
		changed := items
		changed.Values = slices.Clone(items.Values)
		after := [3][]float32{slices.Clone(rows[0]), changed.row(0), changed.row(1)}
		s.step(after[0], changed, 0, 1, rate)
		for r, row := range rows {
			for k := range row {
				was := row[k]
				row[k] = was + h
				up := objective(s, rows[0], rows[1], rows[2])
				row[k] = was - h
				down := objective(s, rows[0], rows[1], rows[2])
				row[k] = was
				got, want := float64(after[r][k]-was)/rate, -(up-down)/(2*h)
				if math.Abs(got-want) > 2e-3*(1+math.Abs(want)) {
					t.Errorf("%+v row %d value %d: got a step of %v, want %v", s, r, k, got, want)
				}
			}
		}
	}
}

func TestNegativesAreThoseTheUserDoesNotHave(t *testing.T) {
	has, draw := []uint32{20, 23, 24, 29}, Draw(5)
	seen := map[uint32]int{}
	for range 6000 {
		if j, ok := draw.negative(has, 20, 30); ok {
			seen[j]++
		}
	}
	for j := uint32(20); j < 30; j++ {
		got, want := seen[j], 1000
		if slices.Contains(has, j) {
			want = 0
		}
		if math.Abs(float64(got-want)) > 150 {
			t.Errorf("item %d: drawn %d times, want %d", j, got, want)
		}
	}
	if j, ok := draw.negative([]uint32{0, 1}, 0, 2); ok {
		t.Errorf("a user that has all items: got %d", j)
	}
}

// Users of either half take items of theirs: half of those are held out, and score above
// the others' in the end.
func TestLearnsWhoTakesWhat(t *testing.T) {
	for _, s := range []Settings{{Rank: 4, Lambda: 0.01}, {Rank: 4, Biases: true, Lambda: 0.01}, {Rank: 4, Lambda: 0.01, NonNegative: true}} {
		rng := rand.New(rand.NewPCG(3, 4))
		const n, most = 40, 30
		items := rowsOf(rng, n, s.Rank, s.NonNegative)
		users := randomValues(rng, most*s.Rank, s.NonNegative)
		has := make([][]uint32, most)
		for u := range has {
			for i := range uint32(n / 2) {
				if rng.IntN(2) == 0 {
					has[u] = append(has[u], i+uint32(u%2*n/2))
				}
			}
		}
		draw := Draw(7)
		for range 200 {
			for u := range has {
				s.Step(users[u*s.Rank:][:s.Rank], has[u], items, 0, n, 0.05, &draw)
			}
		}
		above, pairs := 0, 0
		for u := range has {
			for i := range uint32(n / 2) {
				mine, other := i+uint32(u%2*n/2), i+uint32((u+1)%2*n/2)
				if !slices.Contains(has[u], mine) {
					pairs++
					if s.difference(users[u*s.Rank:], items, mine, other) > 0 {
						above++
					}
				}
			}
		}
		if got := float64(above) / float64(pairs); got < 0.95 {
			t.Errorf("%+v: %.3f of the held-out items score above others, want 0.95", s, got)
		}
		for _, v := range append(users, items.Values...) {
			if s.NonNegative && !s.Biases && v < 0 {
				t.Fatalf("a factor is %v", v)
			}
		}
	}
}

func TestLossOfPairs(t *testing.T) {
	s := Settings{Rank: 1}
	items := Rows{Values: []float32{2, 1}, Stride: 1}
	draw := Draw(1)
	loss, pairs, right := s.Loss([]float32{3}, []uint32{0}, items, 0, 2, &draw)
	if want := math.Log1p(math.Exp(-3)); math.Abs(loss-want) > 1e-6 || pairs != 1 || right != 1 {
		t.Errorf("got %v %d %d, want %v 1 1", loss, pairs, right, want)
	}
	loss, pairs, right = s.Loss([]float32{3}, []uint32{1}, items, 0, 2, &draw)
	if want := math.Log1p(math.Exp(3)); math.Abs(loss-want) > 1e-6 || pairs != 1 || right != 0 {
		t.Errorf("the other way: got %v %d %d, want %v 1 0", loss, pairs, right, want)
	}
	if loss, pairs, _ = s.Loss([]float32{3}, []uint32{0, 1}, items, 0, 2, &draw); loss != 0 || pairs != 0 {
		t.Errorf("a user that has all: got %v %d, want 0", loss, pairs)
	}
}

func TestStepDoesNotAllocate(t *testing.T) {
	s, draw := Settings{Rank: 8, Biases: true}, Draw(1)
	items, user := Rows{make([]float32, 90), 9, 1, 0}, make([]float32, 8)
	if got := testing.AllocsPerRun(20, func() { s.Step(user, []uint32{1, 2, 5}, items, 0, 10, 0.1, &draw) }); got >= 1 {
		t.Errorf("got %v allocations, want 0", got)
	}
}
