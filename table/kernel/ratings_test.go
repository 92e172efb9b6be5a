package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// ratingCase is a user, items and ratings of some of these.
type ratingCase struct {
	user, rows []float32
	index      []uint32
	ratings    []float32
}

func newRatingCase(r *rand.Rand, n, rank, items int) ratingCase {
	row := func() []float32 {
		v := []float32{float32(r.NormFloat64()), 0.05, 0.99, 0.03, 0.96, 0, 0, 0}
		for range rank {
			v = append(v, float32(r.NormFloat64()))
		}
		return v
	}
	c := ratingCase{user: row()}
	for range items {
		c.rows = append(c.rows, row()...)
	}
	for range n {
		c.index = append(c.index, uint32(r.IntN(items)))
		c.ratings = append(c.ratings, float32(4*r.NormFloat64()))
	}
	return c
}

func (c ratingCase) clone() ratingCase {
	return ratingCase{slices.Clone(c.user), slices.Clone(c.rows), c.index, c.ratings}
}

// Every path gives the same bits, also where an item comes twice and where indices go on
// behind the ratings.
func TestRatingPaths(t *testing.T) {
	const seed = 43
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for n := range 70 {
		for _, rank := range []int{8, 16, 24, 32, 64, 104} {
			start := newRatingCase(r, n+r.IntN(20), rank, 1+r.IntN(40))
			for _, clip := range []Clip{{3, -math.MaxFloat32}, {1e9, 0}} {
				want, wantOut := start.clone(), make([]float32, n)
				fitGo(want.user, want.rows, want.index, want.ratings[:n], 0.02, clip)
				rateGo(wantOut, want.user, want.rows, want.index[:n])
				paths(func(name string) {
					got, out := start.clone(), make([]float32, n)
					Fit(got.user, got.rows, got.index, got.ratings[:n], 0.02, clip)
					Rate(out, got.user, got.rows, got.index)
					if !slices.Equal(got.user, want.user) || !slices.Equal(got.rows, want.rows) || !slices.Equal(out, wantOut) {
						t.Fatalf("%s: %d ratings of rank %d, %+v: got %v, %v, want %v, %v", name, n, rank, clip, got.user, out, want.user, wantOut)
					}
				})
			}
		}
	}
}

// A step is that of the formula.
func TestFitDefinition(t *testing.T) {
	const seed = 47
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	c := newRatingCase(r, 4, 16, 9)
	c.index = []uint32{7, 0, 8, 3}
	got := c.clone()
	const penalty = 0.02
	Fit(got.user, got.rows, got.index, got.ratings, penalty, Clip{1.5, -10})
	user, bias := make([]float64, 16), float64(c.user[0])
	for j := range user {
		user[j] = 0.96 * float64(c.user[8+j])
	}
	for k, i := range c.index {
		row, now := c.rows[24*i:][:24], got.rows[24*i:][:24]
		dot := 0.0
		for j := range 16 {
			dot += float64(c.user[8+j]) * float64(row[8+j])
		}
		e := min(max(float64(c.ratings[k])-float64(c.user[0])-float64(row[0])-dot, -1.5), 1.5)
		bias += 0.03 * (e - penalty*float64(c.user[0]))
		nearly(t, "item's bias", now[0], float64(row[0])+0.03*(e-penalty*float64(row[0])))
		for j := range 16 {
			user[j] += 0.05 * e * float64(row[8+j])
			nearly(t, "item's factor", now[8+j], 0.99*float64(row[8+j])+0.05*e*float64(c.user[8+j]))
		}
	}
	nearly(t, "user's bias", got.user[0], bias)
	for j, v := range user {
		nearly(t, "user's factor", got.user[8+j], v)
	}
}

func nearly(t *testing.T, what string, got float32, want float64) {
	t.Helper()
	if !(math.Abs(float64(got)-want) <= 1e-5*(1+math.Abs(want))) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func BenchmarkFit(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 0))
	for _, rank := range []int{32, 64} {
		c := newRatingCase(r, 64, rank, 4000)
		paths(func(name string) {
			b.Run(name, func(b *testing.B) {
				for b.Loop() {
					Fit(c.user, c.rows, c.index, c.ratings, 0.02, Clip{1, -10})
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*64), "ns/rating")
			})
		})
	}
}
