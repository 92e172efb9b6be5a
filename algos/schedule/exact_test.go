package schedule

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// lasso solves a block of min b'G b/2 - c'b + lambda |b|_1 exactly, c = G best.
type lasso struct {
	*toy
	lambda float64
}

// best of j alone.
func (l *lasso) alone(j int) float64 {
	u := l.b[j] - l.grad[j]
	return math.Copysign(max(0, math.Abs(u)-l.lambda), u)
}

func (l *lasso) step(j int) float64 {
	d := l.alone(j) - l.b[j]
	if math.Abs(d) < 1e-10 {
		return 0
	}
	l.b[j] += d
	for k, g := range l.gram[j*l.d : (j+1)*l.d] {
		l.grad[k] += d * g
	}
	return math.Abs(d)
}

// solve minimises over a block and is a round's outcome.
func (l *lasso) solve(vars []int) Outcome {
	o := Outcome{Variables: vars, Change: make([]float64, len(vars)), Value: make([]float64, len(vars))}
	for i, j := range vars {
		o.Change[i] = l.b[j]
	}
	for moved := true; moved; {
		moved = false
		for _, j := range vars {
			moved = l.step(j) > 0 || moved
		}
	}
	for i, j := range vars {
		o.Change[i], o.Value[i] = math.Abs(o.Change[i]-l.b[j]), l.b[j]
	}
	return o
}

// TestExact: where blocks are solved, working sets and priority find the optimum,
// whatever the correlations, and what auto chose is said.
func TestExact(t *testing.T) {
	const d = 150
	for _, design := range designs {
		for _, o := range []Options{{Exact: true}, {Kind: "working-set", Block: 20}, {Kind: "exact", Block: 20}} {
			l := &lasso{toy: newToy(design, d, 7)}
			for _, g := range l.grad {
				l.lambda = max(l.lambda, math.Abs(g)/10)
			}
			o.Variables, o.Seed = d, 7
			s, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			promise := make([]float64, d)
			rounds := 0
			for ; rounds < 3000; rounds++ {
				vars := s.Next(nil)
				if len(vars) > 0 {
					s.Done(l.solve(vars))
				}
				if len(vars) > 0 && rounds%4 > 0 {
					continue
				}
				worst := 0.0
				for j := range promise {
					promise[j] = math.Abs(l.alone(j) - l.b[j])
					if worst = max(worst, promise[j]); promise[j] < 1e-9 {
						promise[j] = 0
					}
				}
				if worst < 1e-9 {
					break
				}
				s.Renew(promise)
			}
			t.Logf("%s, %q in blocks of %d: %d rounds", design, o.Kind, o.Block, rounds)
			if most := map[int]int{0: 40, 20: 2999}[o.Block]; rounds > most {
				t.Errorf("%s, %q in blocks of %d: %d rounds, want at most %d", design, o.Kind, o.Block, rounds, most)
			}
			if e, ok := s.(Explainer); ok && !strings.Contains(strings.Join(e.Explain(), " "), "working sets, of") {
				t.Errorf("%s: Explain says %q", design, e.Explain())
			}
		}
	}
}

// TestExplain: what auto says has the numbers that it found.
func TestExplain(t *testing.T) {
	for _, c := range []struct {
		name string
		corr float64
		off  float64 // gained of what was promised
		want []string
	}{
		{"free", 0, 1, []string{"blocks of 500 variables", "which permits blocks of 500"}},
		{"tight", 0, 1.9, []string{"blocks of 1 variables", "which permits blocks of 1"}},
		{"worse", 0, -1, []string{"blocks of 1 variables", "made the objective worse; a single variable went after each"}},
		{"unknown", 0, 0, []string{"blocks of 2 variables", "blocks stay pairs"}},
		{"checked", 0.9, 1, []string{"correlations from 0.02 on are left out"}},
	} {
		s, err := New(Options{Variables: 2000, Block: 500, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(2, 2))
		for range 400 {
			vars := s.Next(nil)
			o := Outcome{Variables: vars}
			if c.off != 0 {
				o.Promised, o.Gained = 1, c.off
				if len(vars) == 1 {
					o.Gained = 1
				}
			}
			if c.corr > 0 { // pairs of a tenth of the variables, each with its own kind
				o.Correlation = func(i, k int) float64 {
					if vars[i]%10 == vars[k]%10 {
						return c.corr
					}
					return 0.001
				}
				rho, most := s.(Checker).Check(vars)
				for _, keep := range Independent(nil, len(vars), most, rho, o.Correlation) {
					o.Left = append(o.Left, !keep)
				}
			}
			for range vars {
				o.Change = append(o.Change, rng.ExpFloat64())
			}
			s.Done(o)
		}
		says := strings.Join(s.(Explainer).Explain(), "; ")
		for _, want := range c.want {
			if !strings.Contains(says, want) {
				t.Errorf("%s: got %q, want %q in it", c.name, says, want)
			}
		}
	}
}
