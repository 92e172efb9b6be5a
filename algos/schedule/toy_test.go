package schedule

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// toy is least squares |y - X b|^2 / 2 by coordinate descent, Jacobi within a block,
// on the Gram matrix of columns of length 1.
type toy struct {
	d          int
	gram       []float64
	b, best    []float64
	grad       []float64 // G (b - best)
	gap, first float64   // f - f*, and where it began
	radius     float64   // the largest eigenvalue
}

var designs = []string{"independent", "AR(0.9)", "equicorrelated 0.9", "duplicated"}

// column j of a design, given those before it.
func column(design string, x [][]float64, common []float64, rng *rand.Rand) []float64 {
	j, c := len(x), make([]float64, len(common))
	for i := range c {
		e := rng.NormFloat64()
		switch {
		case design == "AR(0.9)" && j > 0:
			e = 0.9*x[j-1][i] + math.Sqrt(1-0.81)*e
		case design == "equicorrelated 0.9":
			e = math.Sqrt(0.9)*common[i] + math.Sqrt(0.1)*e
		case design == "duplicated" && j%3 != 0:
			e = x[j-1][i]
		}
		c[i] = e
	}
	return c
}

func newToy(design string, d int, seed uint64) *toy {
	rng := rand.New(rand.NewPCG(seed, 99))
	common := make([]float64, 2*d)
	for i := range common {
		common[i] = rng.NormFloat64()
	}
	var x [][]float64
	for range d {
		x = append(x, column(design, x, common, rng))
	}
	if design == "duplicated" { // copies are not neighbours
		rng.Shuffle(d, func(i, k int) { x[i], x[k] = x[k], x[i] })
	}
	t := &toy{d: d, gram: make([]float64, d*d), b: make([]float64, d), best: make([]float64, d), grad: make([]float64, d)}
	for j := range d {
		for k := range d {
			t.gram[j*d+k] = dot(x[j], x[k]) / math.Sqrt(dot(x[j], x[j])*dot(x[k], x[k]))
		}
		if rng.IntN(4) == 0 {
			t.best[j] = rng.NormFloat64()
		}
	}
	for j := range d {
		t.grad[j] = -dot(t.gram[j*d:(j+1)*d], t.best)
	}
	t.gap = t.value()
	t.first = t.gap
	v, u := make([]float64, d), make([]float64, d)
	v[0] = 1
	for range 200 {
		for j := range u {
			u[j] = dot(t.gram[j*d:(j+1)*d], v)
		}
		t.radius = math.Sqrt(dot(u, u))
		for j := range v {
			v[j] = u[j] / t.radius
		}
	}
	return t
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

// value is f - f* = (b - best)'G(b - best)/2.
func (t *toy) value() float64 {
	sum := 0.0
	for j := range t.d {
		sum += (t.b[j] - t.best[j]) * t.grad[j]
	}
	return sum / 2
}

// push is the steps of a round.
func (t *toy) push(vars []int) (steps []float64) {
	for _, j := range vars {
		steps = append(steps, -t.grad[j])
	}
	return steps
}

// pull leaves out what the schedule's check drops and makes the other steps.
func (t *toy) pull(s Schedule, vars []int, steps []float64, correlations bool) Outcome {
	o := Outcome{Variables: vars, Left: make([]bool, len(vars))}
	corr := func(i, k int) float64 { return t.gram[vars[i]*t.d+vars[k]] }
	if correlations {
		o.Correlation = corr
	}
	if c, ok := s.(Checker); ok {
		rho, most := c.Check(vars)
		for i, keep := range Independent(nil, len(vars), most, rho, corr) {
			o.Left[i] = !keep
		}
	}
	for i, j := range vars {
		o.Change = append(o.Change, math.Abs(steps[i]))
		o.Value = append(o.Value, t.b[j])
	}
	for i, j := range vars {
		if !o.Left[i] {
			o.Promised += o.Change[i] * o.Change[i] / 2
			t.b[j] += steps[i]
			o.Value[i] = t.b[j]
			for k, g := range t.gram[j*t.d : (j+1)*t.d] {
				t.grad[k] += steps[i] * g
			}
		}
	}
	gap := t.value()
	o.Gained = t.gap - gap
	t.gap = gap
	return o
}

// tally is what a run took to a gap of 1e-6 of what it was at first.
type tally struct {
	updates, given, rounds int
	reached                bool
	worse                  int // most rounds in a row that made the objective worse
}

// run works, with window rounds under way, until the gap is closed, most updates are
// made or all hope is lost.
func (t *toy) run(s Schedule, most, window int, correlations bool) (got tally) {
	type pushed struct {
		vars  []int
		steps []float64
	}
	var under []pushed
	row := 0
	for got.updates < most && t.gap < 1e6*t.first {
		if vars := s.Next(nil); len(vars) > 0 {
			under = append(under, pushed{vars, t.push(vars)})
			if len(under) < window {
				continue
			}
		}
		if len(under) == 0 {
			return got
		}
		o := t.pull(s, under[0].vars, under[0].steps, correlations)
		under = under[1:]
		got.rounds++
		got.given += len(o.Variables)
		for _, left := range o.Left {
			if !left {
				got.updates++
			}
		}
		if row++; o.Gained >= 0 {
			row = 0
		}
		got.worse = max(got.worse, row)
		if t.gap <= 1e-6*t.first {
			got.reached = true
			return got
		}
		s.Done(o)
	}
	return got
}

// TestInterference: blocks beyond Shotgun's limit do not converge; auto needs at most
// 1.1 times the updates of random ones one by one, and a pass.
func TestInterference(t *testing.T) {
	if testing.Short() {
		t.Skip("computes for seconds")
	}
	const d = 64
	for _, design := range designs {
		for seed := uint64(1); seed <= 5; seed++ {
			make := func(o Options) Schedule {
				o.Variables, o.Seed = d, seed
				s, err := New(o)
				if err != nil {
					t.Fatal(err)
				}
				return s
			}
			p := newToy(design, d, seed)
			limit := float64(d) / p.radius
			base := p.run(make(Options{Kind: "random", Block: 1}), 10000*d, 1, false)
			if !base.reached {
				t.Fatalf("%s, seed %d: random one by one came to %.2g of the gap in %d updates", design, seed, p.gap/p.first, base.updates)
			}
			beyond := min(d, int(4*limit)+2)
			p = newToy(design, d, seed)
			if got := p.run(make(Options{Kind: "random", Block: beyond}), 4*base.updates, 1, false); got.reached {
				t.Errorf("%s, seed %d: random blocks of %d reached the gap in %d updates, want none beyond Shotgun's limit of %.1f", design, seed, beyond, got.updates, limit)
			}
			line := fmt.Sprintf("%-18s seed %d: random/1 %6d updates; /%d none (limit %.1f)", design, seed, base.updates, beyond, limit)
			for _, o := range []Options{{Kind: "round-robin", Block: 1}, {Kind: "priority", Block: 1}, {Kind: "checked", Block: 8}} {
				p = newToy(design, d, seed)
				got := p.run(make(o), 3*base.updates, 1, true)
				line += fmt.Sprintf("; %s/%d %s", o.Kind, o.Block, got.against(base))
			}
			for _, correlations := range []bool{false, true} {
				p = newToy(design, d, seed)
				s := make(Options{})
				got := p.run(s, 4*base.updates+4*d, 1, correlations)
				line += fmt.Sprintf("; auto (%s) %s", map[bool]string{true: "correlations", false: "gains alone"}[correlations], got.against(base))
				if most := base.updates + base.updates/10 + d; !got.reached || got.updates > most {
					t.Errorf("%s, seed %d, correlations %v: auto took %d updates to %.2g of the gap, want at most %d to 1e-6; %s",
						design, seed, correlations, got.updates, p.gap/p.first, most, strings.Join(s.(Explainer).Explain(), "; "))
				}
				if got.worse > 1 {
					t.Errorf("%s, seed %d: auto made the objective worse %d times in a row, want once", design, seed, got.worse)
				}
			}
			p = newToy(design, d, seed)
			s := make(Options{})
			got := p.run(s, 4*base.updates+4*d, 4, false)
			line += fmt.Sprintf("; in a window of 4 %s", got.against(base))
			if !got.reached {
				t.Errorf("%s, seed %d: auto, 4 rounds at a time, came to %.2g of the gap in %d updates; %s",
					design, seed, p.gap/p.first, got.updates, strings.Join(s.(Explainer).Explain(), "; "))
			}
			t.Log(line)
		}
	}
}

// against is the updates relative to those of another run, and the candidates and
// rounds it took.
func (a tally) against(b tally) string {
	if !a.reached {
		return "none"
	}
	return fmt.Sprintf("%.2f (%.2f given, %.2f rounds)", float64(a.updates)/float64(b.updates), float64(a.given)/float64(b.updates), float64(a.rounds)/float64(b.updates))
}
