package schedule

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// toy is least squares |y - X b|^2 / 2 by coordinate descent, Jacobi within a block,
// on the Gram matrix of columns of length 1.
type toy struct {
	d       int
	gram    []float64
	b, grad []float64 // grad is X'(X b - y)
	gap, at float64   // f - f*, and where it began
	best    []float64
	radius  float64
}

// designs are made from n samples.
var designs = []string{"independent", "AR(0.9)", "equicorrelated", "duplicated"}

func newToy(design string, d, n int, seed uint64) *toy {
	rng := rand.New(rand.NewPCG(seed, 99))
	x := make([][]float64, d)
	common := make([]float64, n)
	for i := range common {
		common[i] = rng.NormFloat64()
	}
	for j := range x {
		x[j] = make([]float64, n)
		for i := range x[j] {
			e := rng.NormFloat64()
			switch design {
			case "AR(0.9)":
				if j > 0 {
					e = 0.9*x[j-1][i] + math.Sqrt(1-0.81)*e
				}
			case "equicorrelated":
				e = math.Sqrt(0.9)*common[i] + math.Sqrt(0.1)*e
			case "duplicated":
				if j%10 != 0 {
					e = x[j-j%10][i]
				}
			}
			x[j][i] = e
		}
	}
	if design == "duplicated" { // duplicates are not neighbours
		rng.Shuffle(d, func(i, k int) { x[i], x[k] = x[k], x[i] })
	}
	t := &toy{d: d, gram: make([]float64, d*d), b: make([]float64, d), grad: make([]float64, d), best: make([]float64, d)}
	for j := range d {
		for k := range j + 1 {
			s, a, b := 0.0, 0.0, 0.0
			for i := range n {
				s += x[j][i] * x[k][i]
				a += x[j][i] * x[j][i]
				b += x[k][i] * x[k][i]
			}
			t.gram[j*d+k] = s / math.Sqrt(a*b)
			t.gram[k*d+j] = t.gram[j*d+k]
		}
	}
	for j := range d {
		if rng.IntN(4) == 0 {
			t.best[j] = rng.NormFloat64()
		}
	}
	for j := range d {
		for k := range d {
			t.grad[j] -= t.gram[j*d+k] * t.best[k]
		}
	}
	t.gap = t.value()
	t.at = t.gap
	v := make([]float64, d)
	for j := range v {
		v[j] = rng.NormFloat64()
	}
	for range 200 {
		u := make([]float64, d)
		norm := 0.0
		for j := range d {
			for k := range d {
				u[j] += t.gram[j*d+k] * v[k]
			}
			norm += u[j] * u[j]
		}
		t.radius = math.Sqrt(norm)
		for j := range u {
			v[j] = u[j] / t.radius
		}
	}
	return t
}

// value is f - f* = (b - best)'G(b - best)/2 = -(b - best)'(-grad)/2.
func (t *toy) value() float64 {
	s := 0.0
	for j := range t.d {
		s += (t.b[j] - t.best[j]) * t.grad[j]
	}
	return s / 2
}

// run updates until the gap is 1e-6 of what it was, and returns the updates and the
// variables given. It gives up after most updates, or when it diverges.
func (t *toy) run(s Schedule, most int) (updates, given int, ok bool) {
	var vars []int
	worse := 0
	for updates < most {
		vars = s.Next(vars[:0])
		if len(vars) == 0 {
			return updates, given, false
		}
		given += len(vars)
		o := Outcome{Variables: vars, Correlation: func(i, k int) float64 { return t.gram[vars[i]*t.d+vars[k]] }}
		keep := make([]bool, len(vars))
		for i := range keep {
			keep[i] = true
		}
		if c, is := s.(Checker); is {
			rho, size := c.Check()
			keep = Independent(keep[:0], len(vars), size, rho, o.Correlation)
		}
		for i, j := range vars {
			step := -t.grad[j]
			o.Change = append(o.Change, math.Abs(step))
			o.Left = append(o.Left, !keep[i])
			if keep[i] {
				o.Promised += step * step / 2
				updates++
			}
		}
		steps := make([]float64, len(vars))
		for i, j := range vars {
			steps[i] = -t.grad[j]
		}
		for i, j := range vars {
			if keep[i] {
				t.b[j] += steps[i]
				for k := range t.d {
					t.grad[k] += steps[i] * t.gram[j*t.d+k]
				}
			}
		}
		gap := t.value()
		o.Gained = t.gap - gap
		t.gap = gap
		if o.Gained < 0 {
			worse++
			if _, is := s.(*auto); is && worse == 2 {
				return updates, given, false
			}
		} else {
			worse = 0
		}
		for i, j := range vars {
			_ = j
			_ = i
		}
		o.Value = make([]float64, len(vars))
		for i, j := range vars {
			o.Value[i] = t.b[j]
		}
		if !(gap < 1e6*t.at) {
			return updates, given, false
		}
		if gap <= 1e-6*t.at {
			return updates, given, true
		}
		s.Done(o)
	}
	return updates, given, false
}

func TestToy(t *testing.T) {
	const d = 200
	for _, design := range designs {
		for seed := uint64(1); seed <= 5; seed++ {
			line := ""
			base := 0
			for _, kind := range []struct {
				kind  string
				block int
			}{{"random", 1}, {"round-robin", 1}, {"priority", 1}, {"random", 0}, {"checked", 16}, {"auto", 0}} {
				p := newToy(design, d, 2*d, seed)
				block := kind.block
				if kind.kind == "random" && block == 0 {
					block = min(d, int(4*float64(d)/p.radius))
				}
				s, err := New(Options{Kind: kind.kind, Variables: d, Block: block, Seed: seed})
				if err != nil {
					t.Fatal(err)
				}
				u, g, ok := p.run(s, 3000*d)
				if base == 0 {
					base = u
				}
				line += fmt.Sprintf(" %s/%d %.2f(%.2f,%v)", kind.kind, block, float64(u)/float64(base), float64(g)/float64(base), ok)
				if e, is := s.(Explainer); is {
					line += fmt.Sprint(e.Explain())
				}
			}
			t.Logf("%s %d: %d %s", design, seed, base, line)
		}
	}
}
