package descent

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"petuum/algos/algotest"
	"petuum/algos/dataset"
)

// design is how the columns of a random block are made.
type design struct {
	name              string
	rows, k           int
	density           float64
	ar                float64 // correlation with the column before
	equi              float64 // with all others
	copies, constants bool
}

var designs = []design{
	{name: "independent", rows: 60, k: 20, density: 1},
	{name: "AR .95", rows: 60, k: 24, density: 1, ar: 0.95},
	{name: "equicorrelated .9", rows: 60, k: 24, density: 1, equi: 0.9},
	{name: "copies", rows: 40, k: 16, density: 0.5, copies: true},
	{name: "constant columns", rows: 40, k: 16, density: 1, constants: true},
	{name: "more columns than rows", rows: 15, k: 40, density: 1, ar: 0.5},
	{name: "sparse", rows: 150, k: 40, density: 0.06, ar: 0.8},
	{name: "one column", rows: 9, k: 1, density: 1},
	{name: "no column", rows: 9},
}

// random is a block: its columns as they are, and as the penalty sees them.
type random struct {
	x        [][]float64
	u        []float64
	mass     float64
	c, s     []float64
	seen     [][]float64
	start, y []float64 // coefficients from which on z is, and the labels then
	gram, z  []float64
	kind     string
}

// block makes one, centred or not, with random scales or 1, with curvatures or not.
func (d design) block(rng *rand.Rand, centred, scaled, curved bool) *random {
	r := &random{u: make([]float64, d.rows), kind: fmt.Sprintf("centred=%v/scaled=%v/curved=%v", centred, scaled, curved)}
	for i := range r.u {
		if r.u[i] = 1; curved {
			r.u[i] = 0.05 + rng.Float64()
		}
	}
	r.mass = dot(r.u, r.u)
	common := make([]float64, d.rows)
	for i := range common {
		common[i] = rng.NormFloat64()
	}
	for j := range d.k {
		x := make([]float64, d.rows)
		for i := range x {
			if rng.Float64() < d.density {
				x[i] = math.Sqrt(1-d.equi)*rng.NormFloat64() + math.Sqrt(d.equi)*common[i] + 0.3
			}
			if d.ar > 0 && j > 0 {
				x[i] = d.ar*r.x[j-1][i]/r.u[i] + math.Sqrt(1-d.ar*d.ar)*x[i]
			}
			if d.constants && j%4 == 1 {
				x[i] = 2
			}
			x[i] *= r.u[i]
		}
		if d.copies && j%3 == 2 {
			copy(x, r.x[j-2])
		}
		r.x = append(r.x, x)
	}
	r.see(rng, d, centred, scaled)
	return r
}

// see makes what the penalty sees, and a point from which on a block may begin.
func (r *random) see(rng *rand.Rand, d design, centred, scaled bool) {
	r.start, r.y = make([]float64, d.k), make([]float64, d.rows)
	for i := range r.y {
		r.y[i] = rng.NormFloat64()
	}
	for j, x := range r.x {
		c, s := 0.0, 1.0
		if centred {
			c = dot(x, r.u) / r.mass
		}
		if scaled {
			s = 0.2 + 3*rng.Float64()
		}
		if j%5 == 0 {
			r.start[j] = rng.NormFloat64() / 5
		}
		seen := make([]float64, d.rows)
		for i := range seen {
			seen[i] = (x[i] - c*r.u[i]) / s
			r.y[i] += seen[i] * rng.NormFloat64() * float64(j%3)
		}
		r.c, r.s, r.seen = append(r.c, c), append(r.s, s), append(r.seen, seen)
	}
	left := r.problem().residualsOf(r.start)
	for _, x := range r.seen {
		r.z = append(r.z, dot(x, left))
		for _, v := range r.seen {
			r.gram = append(r.gram, dot(x, v))
		}
	}
}

func (r *random) problem() plain { return plain{algotest.Penalised{X: r.seen, Y: r.y}} }

// plain is a dense problem.
type plain struct{ algotest.Penalised }

func (p plain) residualsOf(b []float64) []float64 {
	f := p.Predict(b, 0)
	for i, y := range p.Y {
		f[i] = y - f[i]
	}
	return f
}

// forms is the block as products and as columns.
func (r *random) forms() map[string]Quadratic {
	ptr, rows, vals := []int64{0}, []uint32{}, []float64{}
	for _, x := range r.x {
		for i, v := range x {
			if v != 0 {
				rows, vals = append(rows, uint32(i)), append(vals, v)
			}
		}
		ptr = append(ptr, int64(len(rows)))
	}
	m := dataset.NewMatrix(len(r.y), ptr, rows, vals)
	return map[string]Quadratic{
		"products": NewGram(append([]float64(nil), r.gram...), append([]float64(nil), r.z...)),
		"columns":  NewColumns(m, r.mass, r.c, r.s, append([]float64(nil), r.z...)),
	}
}

// blocks calls do with many random blocks.
func blocks(t *testing.T, do func(t *testing.T, rng *rand.Rand, r *random)) {
	for _, d := range designs {
		for kind := range 8 {
			seed := uint64(kind)
			rng := rand.New(rand.NewPCG(seed, 11))
			r := d.block(rng, kind&1 != 0, kind&2 != 0, kind&4 != 0)
			t.Run(d.name+"/"+r.kind, func(t *testing.T) {
				t.Logf("seed %d", seed)
				do(t, rng, r)
			})
		}
	}
}

func apart(x, y, scale float64) bool { return !(math.Abs(x-y) <= 1e-9*(1+scale)) }

// Whatever steps are taken, slopes are z - Gd, and G is the same for all that ask.
func TestQuadraticLaws(t *testing.T) {
	blocks(t, func(t *testing.T, rng *rand.Rand, r *random) {
		k := len(r.z)
		for name, q := range r.forms() {
			if q.Len() != k {
				t.Fatalf("%s: %d coordinates, want %d", name, q.Len(), k)
			}
			d, scale := make([]float64, k), 0.0
			for range 3 {
				at, step := some(rng, k)
				for a, i := range at {
					if rng.IntN(2) == 0 {
						q.Step(i, step[a])
						d[i] += step[a]
						step[a] = 0
					}
				}
				q.Move(at, step)
				for a, i := range at {
					d[i] += step[a]
				}
			}
			for i := range k {
				want := r.z[i] - dot(r.gram[i*k:(i+1)*k], d)
				scale = max(scale, math.Abs(want), r.gram[i*k+i])
				if got := q.Slope(i); apart(got, want, scale) {
					t.Errorf("%s: slope %d is %v, want %v", name, i, got, want)
				}
				if got, want := q.Curve(i), r.gram[i*k+i]; apart(got, want, scale) {
					t.Errorf("%s: curvature %d is %v, want %v", name, i, got, want)
				}
			}
			r.checkParts(t, rng, name, q, scale)
		}
	})
}

// checkParts holds products, dense parts and close pairs of some coordinates against
// the whole of G.
func (r *random) checkParts(t *testing.T, rng *rand.Rand, name string, q Quadratic, scale float64) {
	k := len(r.z)
	at, s := some(rng, k)
	out, dense := make([]float64, len(at)), make([]float64, len(at)*len(at))
	q.Product(at, s, out)
	q.Dense(at, dense)
	for a, i := range at {
		want := 0.0
		for b, j := range at {
			want += r.gram[i*k+j] * s[b]
			if got := dense[a*len(at)+b]; apart(got, r.gram[i*k+j], scale) {
				t.Errorf("%s: G of %d and %d is %v, want %v", name, i, j, got, r.gram[i*k+j])
			}
		}
		if apart(out[a], want, scale) {
			t.Errorf("%s: product %d is %v, want %v", name, i, out[a], want)
		}
	}
	const rho = 0.3
	near := map[[2]int]bool{}
	for _, p := range q.Close(at, rho) {
		near[[2]int{max(p[0], p[1]), min(p[0], p[1])}] = true
	}
	for a, i := range at {
		for b, j := range at[:a] {
			curves := math.Sqrt(r.gram[i*k+i] * r.gram[j*k+j])
			corr := math.Abs(r.gram[i*k+j]) - rho*curves
			if math.Abs(corr) < 1e-9*scale || !(curves > 1e-9*scale) {
				continue
			}
			want := corr > 0 && (name == "products" || r.share(i, j))
			if near[[2]int{a, b}] != want {
				t.Errorf("%s: %d and %d are close: %v, want %v (%v of %v)", name, i, j, !want, want, r.gram[i*k+j], curves)
			}
		}
	}
}

// share reports whether two columns have values in the same row.
func (r *random) share(i, j int) bool {
	for n, v := range r.x[i] {
		if v*r.x[j][n] != 0 {
			return true
		}
	}
	return false
}

// some is some of k coordinates in order, and a step of each, of which some are 0.
func some(rng *rand.Rand, k int) (at []int, step []float64) {
	for i := range k {
		if rng.IntN(4) > 0 {
			at, step = append(at, i), append(step, float64(rng.IntN(3)-1)*rng.Float64())
		}
	}
	return at, step
}

// Blocks that are large enough are worked at by several goroutines, with the same
// result.
func TestProductLarge(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	r := design{rows: 400, k: 90, density: 0.9}.block(rng, true, true, true)
	q := r.forms()["columns"]
	if values := 400 * 90 * 9 / 10; values < alone {
		t.Fatalf("%d values are not enough", values)
	}
	for range 3 {
		r.checkParts(t, rng, "columns", q, 400)
	}
}
