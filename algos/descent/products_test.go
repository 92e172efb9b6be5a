package descent

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"petuum/algos/dataset"
)

// partOf is a part with random columns: every third full, others of all densities, and
// curvatures, of which some are 0 as those of rows that are held out.
func partOf(rng *rand.Rand, rows, columns int, curved, ones bool) *Part {
	ptr, at, vals := []int64{0}, []uint32{}, []float64{}
	for j := range columns {
		density := rng.Float64() * rng.Float64()
		if j%3 == 0 {
			density = 1
		}
		for i := range rows {
			if rng.Float64() < density {
				at = append(at, uint32(i))
				if v := rng.NormFloat64(); !ones {
					vals = append(vals, v)
				}
			}
		}
		ptr = append(ptr, int64(len(at)))
	}
	if ones {
		vals = nil
	}
	p := &Part{x: dataset.NewMatrix(rows, ptr, at, vals), y: make([]float64, rows), h: make([]float64, rows)}
	for i := range p.h {
		if p.h[i] = 1; curved {
			p.h[i] = max(0, rng.Float64()-0.2)
		}
	}
	return p
}

// Products of new columns with all others are plain sums over the rows, whatever is
// known already and wherever columns have no value.
func TestProducts(t *testing.T) {
	for kind := range 8 {
		curved, ones, wide := kind&1 != 0, kind&2 != 0, kind&4 != 0
		t.Run(fmt.Sprintf("curved=%v/ones=%v/wide=%v", curved, ones, wide), func(t *testing.T) {
			for seed := range uint64(12) {
				rng := rand.New(rand.NewPCG(seed, uint64(kind)))
				rows, columns := 1+rng.IntN(150), 1+rng.IntN(20)
				if wide {
					columns += 60
				}
				p := partOf(rng, rows, columns, curved, ones)
				for range 3 { // room is used again
					k := rng.IntN(columns + 1)
					p.columns = append([]int(nil), rng.Perm(columns)[:k]...)
					for q := range p.columns {
						if rng.IntN(7) == 0 {
							p.columns[q] = -1
						}
					}
					p.checkProducts(t, seed, rng.IntN(k+1))
				}
			}
		})
	}
}

func (p *Part) checkProducts(t *testing.T, seed uint64, known int) {
	t.Helper()
	got, at := p.products.of(p, known), 0
	dense := func(j int) []float64 {
		x := make([]float64, len(p.y))
		if j >= 0 {
			for i, v := range p.x.Row(j) {
				x[i] = v
			}
		}
		return x
	}
	for q := known; q < len(p.columns); q++ {
		x := dense(p.columns[q])
		for i := range x {
			x[i] *= p.h[i]
		}
		for c := range q + 1 {
			want := dot(x, dense(p.columns[c]))
			if at >= len(got) || apart(got[at], want, 1) {
				t.Fatalf("seed %d, %d known of %d: the product of places %d and %d is not %v but %v", seed, known, len(p.columns), q, c, want, got[min(at, len(got)-1)])
			}
			at++
		}
	}
	if at != len(got) {
		t.Errorf("seed %d: %d products, want %d", seed, len(got), at)
	}
}

// Columns as those of words in texts: 1,500 of 50,000 rows, a few in a tenth of them.
func BenchmarkProducts(b *testing.B) {
	for _, curved := range []bool{false, true} {
		b.Run(fmt.Sprintf("curved=%v", curved), func(b *testing.B) {
			const rows, columns = 25_000, 1500
			rng := rand.New(rand.NewPCG(1, 2))
			ptr, at := []int64{0}, []uint32{}
			for j := range columns {
				density := min(0.3, 3/float64(j+8))
				for i := range rows {
					if rng.Float64() < density {
						at = append(at, uint32(i))
					}
				}
				ptr = append(ptr, int64(len(at)))
			}
			p := &Part{x: dataset.NewMatrix(rows, ptr, at, nil), y: make([]float64, rows), h: make([]float64, rows)}
			for i := range p.h {
				if p.h[i] = 1; curved {
					p.h[i] = rng.Float64()
				}
			}
			p.columns = rng.Perm(columns)
			for b.Loop() {
				p.products.of(p, 0)
			}
			b.ReportMetric(float64(len(at)), "values")
		})
	}
}

// The block of a large sparse problem: 8,000 columns of 25 values in 10,000 rows.
func BenchmarkColumns(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	const rows, k = 10_000, 8000
	ptr, at, vals := []int64{0}, []uint32{}, []float64{}
	for range k {
		for n := range 25 {
			at, vals = append(at, uint32(n*400+rng.IntN(400))), append(vals, float64(float32(rng.NormFloat64())))
		}
		ptr = append(ptr, int64(len(at)))
	}
	c, s := make([]float64, k), make([]float64, k)
	for i := range s {
		s[i] = 1
	}
	q := NewColumns(dataset.NewMatrix(rows, ptr, at, vals), rows, c, s, make([]float64, k))
	d, out := make([]float64, k), make([]float64, k)
	for i := range d {
		d[i] = rng.NormFloat64()
	}
	b.Run("Product", func(b *testing.B) {
		for b.Loop() {
			q.Product(all(k), d, out)
		}
	})
	b.Run("sweep", func(b *testing.B) {
		for b.Loop() {
			for i := range k {
				if v := q.Slope(i); v < 1e300 {
					q.Step(i, 1e-3*d[i])
				}
			}
		}
	})
}
