package descent

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// ends is random groups of k coordinates of sizes 1 to 7.
func ends(rng *rand.Rand, k int) (ends []int) {
	for end := 0; end < k; {
		end = min(k, end+1+rng.IntN(7))
		ends = append(ends, end)
	}
	return ends
}

// penalties of a block with slopes of at most most, and whether it has groups.
type penaltyCase struct {
	name   string
	ratio  float64 // of L1 to the most with which a coefficient is in use
	l2     float64 // relative to the mean curvature
	groups bool
}

var penaltyCases = []penaltyCase{
	{"L1 high", 0.5, 0, false},
	{"L1 low", 0.02, 0, false},
	{"elastic", 0.05, 0.1, false},
	{"L2 alone", 0, 0.3, false},
	{"groups high", 0.4, 0, true},
	{"groups low", 0.02, 0, true},
	{"groups elastic", 0.05, 0.1, true},
}

// penalty is that of the case on a block, and the block with it as a dense problem.
func (c penaltyCase) of(rng *rand.Rand, r *random) plain {
	k := len(r.z)
	p := r.problem()
	if c.groups {
		p.Groups = ends(rng, k)
	}
	curves := 0.0
	for i := range k {
		curves += r.gram[i*k+i] / float64(k)
	}
	p.L1 = c.ratio * p.Violation(make([]float64, k), 0)
	p.L2 = c.l2 * (curves + 1e-3)
	return p
}

// Both forms of a block are solved, however its columns are correlated and from
// wherever the coefficients are, to the accuracy demanded, and to the same result.
func TestSolve(t *testing.T) {
	for i, c := range penaltyCases {
		if testing.Short() && i%3 != 0 {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			most := map[string]Solver{}
			blocks(t, func(t *testing.T, rng *rand.Rand, r *random) {
				p := c.of(rng, r)
				best, _ := p.Minimise()
				want := p.Objective(best, 0)
				at := map[string][]float64{}
				for name, q := range r.forms() {
					for _, eps := range []float64{1e-3, 1e-10} {
						s := Solver{}
						b := slices.Clone(r.start)
						if eps < 1e-3 {
							b = at[name] // goes on from the rough solution, q with it
						}
						s.Solve(q, b, p.Groups, Penalty{p.L1, p.L2}, eps)
						at[name] = b
						p.checkSolved(t, fmt.Sprintf("%s, eps %v", name, eps), b, want, eps)
						m := most[name]
						most[name] = Solver{Sweeps: max(m.Sweeps, s.Sweeps), Steps: max(m.Steps, s.Steps), Products: max(m.Products, s.Products)}
					}
				}
				for i, f := range p.Predict(at["products"], 0) {
					if g := p.Predict(at["columns"], 0)[i]; math.Abs(f-g) > 1e-5*(1+math.Abs(f)) {
						t.Errorf("row %d is %v by products and %v by columns", i, f, g)
					}
				}
			})
			for name, s := range most {
				t.Logf("%s: at most %d sweeps, %d steps and %d products a block", name, s.Sweeps, s.Steps, s.Products)
				if s.Sweeps > 200 || s.Products > 100 {
					t.Errorf("%s: a block took %d sweeps and %d products", name, s.Sweeps, s.Products)
				}
			}
		})
	}
}

// checkSolved holds b against the optimum, and its violation against eps.
func (p plain) checkSolved(t *testing.T, name string, b []float64, want, eps float64) {
	t.Helper()
	for i, v := range b {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			t.Fatalf("%s: coefficient %d is %v", name, i, v)
		}
	}
	scale, rounding := p.L1, 0.0
	slopes, _ := p.Slopes(make([]float64, len(b)), 0)
	for _, v := range slopes {
		rounding = max(rounding, 1e-12*math.Abs(v))
		if p.L1 == 0 {
			scale = max(scale, math.Abs(v))
		}
	}
	if got := p.Violation(b, 0); !(got <= 3*eps*scale+rounding) {
		t.Errorf("%s: a violation of %.3g, want at most %.3g", name, got, eps*scale)
	}
	got := p.Objective(b, 0)
	tolerance := eps * eps * 100
	if eps > 1e-6 {
		tolerance = eps
	}
	if off := got - want; !(off <= tolerance*math.Abs(want)+1e-10*(1+math.Abs(want))) || off < -1e-9*(1+math.Abs(want)) {
		t.Errorf("%s: objective %.12g, want %.12g: off by %.3g", name, got, want, off)
	}
}

// Newton's steps are what makes blocks of which the optimum is far along correlated
// coordinates cheap: sweeps alone would take thousands.
func TestNewtonMatters(t *testing.T) {
	for _, groups := range []bool{false, true} {
		rng := rand.New(rand.NewPCG(3, 4))
		r := design{rows: 300, k: 120, density: 1, ar: 0.99}.block(rng, true, false, false)
		p := penaltyCase{ratio: 1e-3, groups: groups}.of(rng, r)
		for name, q := range r.forms() {
			s := Solver{}
			b := make([]float64, len(r.z))
			q.Move(all(len(r.z)), negative(r.start)) // from 0 on
			s.Solve(q, b, p.Groups, Penalty{p.L1, 0}, 1e-9)
			t.Logf("groups %v, %s: %d sweeps, %d products", groups, name, s.Sweeps, s.Products)
			if got := p.Violation(b, 0); !(got <= 3e-9*p.L1+1e-10) || s.Sweeps > 200 || s.Products > 250 {
				t.Errorf("groups %v, %s: a violation of %.3g after %d sweeps and %d products, want %.3g within 200 and 250", groups, name, got, s.Sweeps, s.Products, 1e-9*p.L1)
			}
		}
	}
}

func all(k int) (at []int) {
	for i := range k {
		at = append(at, i)
	}
	return at
}

func negative(x []float64) (out []float64) {
	for _, v := range x {
		out = append(out, -v)
	}
	return out
}

// A group is solved in one visit.
func TestSpectrum(t *testing.T) {
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 9))
		k := 1 + rng.IntN(7)
		r := design{rows: 20, k: k, density: 1, ar: 0.9 * float64(seed%2), constants: seed%3 == 0}.block(rng, true, false, false)
		p := r.problem()
		p.Groups = []int{k}
		p.L1, p.L2 = rng.Float64()*p.Violation(make([]float64, k), 0), float64(seed%4)
		b := slices.Clone(r.start)
		e := spectrum{}
		e.measure(r.forms()["products"], 0, k)
		slopes, _ := p.Slopes(b, 0)
		for a := range slopes {
			slopes[a] -= p.L2 * b[a]
		}
		e.solve(slopes, b, p.L1*math.Sqrt(float64(k)), p.L2)
		if got := p.Violation(b, 0); !(got <= 1e-9*(1+p.L1)) {
			t.Errorf("seed %d, %d coordinates: a violation of %.3g, want none", seed, k, got)
		}
	}
}

// The factor times its transpose is the matrix, whatever panels it is cut into; of a
// singular one it is that of a matrix near it.
func TestCholesky(t *testing.T) {
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 9))
		k := 1 + rng.IntN(170)
		rank := k + rng.IntN(5) - rng.IntN(2)*rng.IntN(k)
		x := make([]float64, k*rank)
		for i := range x {
			x[i] = rng.NormFloat64()
		}
		m := make([]float64, k*k)
		for i := range k {
			for j := range k {
				m[i*k+j] = dot(x[i*rank:(i+1)*rank], x[j*rank:(j+1)*rank])
			}
		}
		l := slices.Clone(m)
		cholesky(l, k)
		worst := 0.0
		for i := range k {
			for j := range i + 1 {
				worst = max(worst, math.Abs(dot(l[i*k:i*k+j+1], l[j*k:j*k+j+1])-m[i*k+j])/math.Sqrt(m[i*k+i]*m[j*k+j]))
			}
		}
		if bound := 1e-12 + float64(max(k-rank, 0))*pivots*2; !(worst < bound) {
			t.Errorf("seed %d: %d rows of rank %d: off by %.3g, want below %.3g", seed, k, min(k, rank), worst, bound)
		}
		if rank < k {
			continue
		}
		want, got := make([]float64, k), make([]float64, k)
		for i := range want {
			want[i] = rng.NormFloat64()
		}
		for i := range k {
			got[i] = dot(m[i*k:(i+1)*k], want)
		}
		solve(l, k, got)
		for i, v := range got {
			if d := math.Abs(v - want[i]); d > 1e-4 {
				t.Fatalf("seed %d: %d rows: element %d is off by %.3g", seed, k, i, d)
			}
		}
	}
}
