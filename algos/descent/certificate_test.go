package descent

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"petuum/algos"
	"petuum/algos/algotest"
)

// learner is a problem as the scheduler has it at an evaluation, made by plain sums.
type learner struct {
	algotest.Penalised // columns as the penalty sees them, but centred only in their slopes
	raw                [][]float64
	means              []float64
}

// settle draws a problem.
func settle(rng *rand.Rand, loss Loss, intercept, elastic, groups bool) (l learner) {
	n, k := 12+rng.IntN(20), 2+rng.IntN(14)
	l.Logistic, l.Intercept = loss == Logistic, intercept && loss == Logistic
	l.Y = make([]float64, n)
	common, far := rng.Float64(), 3*rng.NormFloat64()
	for j := range k {
		x := make([]float64, n)
		for i := range x {
			x[i] = rng.NormFloat64()
			if j > 0 {
				x[i] = common*(l.raw[j-1][i]-far) + (1-common)*x[i]
			}
			l.Y[i] += x[i] * float64(j%3-1)
			x[i] += far
		}
		l.raw, l.means = append(l.raw, x), append(l.means, 0)
	}
	mean := 0.0
	for i := range l.Y {
		l.Y[i] += rng.NormFloat64()
		if loss == Logistic {
			l.Y[i] = float64(rng.IntN(2))
			if rng.IntN(3) > 0 {
				l.Y[i] = l.Y[0]
			}
		}
		mean += l.Y[i] / float64(n)
	}
	l.Y[0], l.Y[1] = 1, 0
	for _, raw := range l.raw {
		x, m := make([]float64, n), 0.0
		for i, v := range raw {
			m += v / float64(n)
			x[i] = v
		}
		if intercept {
			l.means[len(l.X)] = m
			for i := range x {
				x[i] -= m
			}
		}
		l.X = append(l.X, x)
	}
	if intercept && loss == Squared {
		mean = 0
		for _, y := range l.Y {
			mean += y / float64(n)
		}
		for i := range l.Y {
			l.Y[i] -= mean
		}
	}
	if groups {
		l.Groups = ends(rng, k)
	}
	ratio := []float64{0.9, 0.5, 0.1, 0.01}[rng.IntN(4)]
	b := make([]float64, k)
	l.L1 = ratio * l.Violation(b, 0)
	if elastic {
		l.L2 = l.L1 * 0.7 / 0.3
	}
	return l
}

// model is what the scheduler has when coefficients are b, and the evaluation.
func (l learner) model(loss Loss, intercept bool, b []float64, b0 float64) (*Model, *algos.Eval) {
	n, k := float64(len(l.Y)), len(b)
	share := l.L1 / (l.L1 + l.L2)
	m := &Model{Settings: Settings{Loss: loss, L1Ratio: share, Intercept: intercept, Groups: l.Groups},
		n: n, b: b, mean: l.means, asleep: make([]bool, k)}
	slopes, r1 := l.Slopes(b, b0)
	m.z = slopes
	m.b0 = b0
	for j, x := range l.X {
		m.b0 -= l.means[j] * b[j]
		m.z[j] = slopes[j]
		m.scale, m.square = append(m.scale, 1), append(m.square, dot(x, x))
	}
	m.tally()
	f := l.Predict(b, b0)
	r, h := make([]float64, len(f)), make([]float64, len(f))
	loss.rows(f, l.Y, r, h)
	m.rows = rowSums{loss: loss.sum(f, l.Y, r), rr: dot(r, r), ry: dot(r, l.Y), r1: r1}
	e := algos.NewEval(0)
	if loss == Logistic {
		p := Part{loss: loss, y: l.Y, r: r}
		e.Add("entropy", p.entropies()...)
	}
	return m, e
}

// Wherever the coefficients are the gap bounds how far the objective is above its
// least, and no unit is screened out that the optimum uses.
func TestCertificate(t *testing.T) {
	for _, loss := range []Loss{Squared, Logistic} {
		for kind := range 8 {
			intercept, elastic, groups := kind&1 != 0, kind&2 != 0, kind&4 != 0
			t.Run(fmt.Sprintf("loss=%d/intercept=%v/elastic=%v/groups=%v", loss, intercept, elastic, groups), func(t *testing.T) {
				screened, tight := 0, 0
				for seed := range uint64(25) {
					if testing.Short() && seed > 0 {
						break
					}
					rng := rand.New(rand.NewPCG(seed, uint64(kind)))
					l := settle(rng, loss, intercept, elastic, groups)
					best, best0 := l.Minimise()
					least := l.Objective(best, best0)
					for _, away := range []float64{0, 1e-8, 1e-5, 1e-3, 0.05, 0.5, 3} {
						b, b0 := make([]float64, len(best)), best0
						for j, v := range best {
							if b[j] = v * (1 + away*rng.NormFloat64()); rng.Float64() < away {
								b[j] = away * rng.NormFloat64()
							}
							if away >= 0.05 && rng.IntN(2) == 0 {
								b[j] = 0 // which the optimum may use
							}
						}
						if l.Intercept {
							b0 += away * rng.NormFloat64()
						}
						s, ok := l.certified(t, seed, away, loss, intercept, b, b0, best, least)
						screened += s
						if ok {
							tight++
						}
					}
				}
				t.Logf("%d units screened, %d gaps below 1e-5", screened, tight)
				if !testing.Short() && (screened < 20 || tight < 25) {
					t.Errorf("%d units are screened and %d gaps are below 1e-5, want 20 and 25 at least", screened, tight)
				}
			})
		}
	}
}

// certified checks the certificate of one point, and returns how many units it screens
// and whether the gap is small.
func (l learner) certified(t *testing.T, seed uint64, away float64, loss Loss, intercept bool, b []float64, b0 float64, best []float64, least float64) (screened int, tight bool) {
	t.Helper()
	m, e := l.model(loss, intercept, b, b0)
	lambda := (l.L1 + l.L2) / m.n
	c := m.certify(lambda, e)
	objective := l.Objective(b, b0) / m.n
	if off := c.objective - objective; !(math.Abs(off) <= 1e-10*(1+objective)) {
		t.Errorf("seed %d, %v away: the objective is %.12g, want %.12g", seed, away, c.objective, objective)
	}
	if above := objective - least/m.n; !(above <= c.gap+1e-10*(1+objective)) {
		t.Errorf("seed %d, %v away: the objective is %.6g above its least, the gap %.6g", seed, away, above, c.gap)
	}
	m.screen(c)
	for j, asleep := range m.asleep {
		if !asleep {
			continue
		}
		screened++
		if math.Abs(best[j]) > 1e-6 {
			t.Errorf("seed %d, %v away: column %d is asleep with a gap of %.3g, but %v at the optimum", seed, away, j, c.gap, best[j])
		}
	}
	return screened, c.gap < 1e-5*objective
}

// The intercept that counts is that of centred columns, however far that is from the
// one of columns as they are.
func TestCertificateFarIntercept(t *testing.T) {
	const n = 20_000
	l := learner{Penalised: algotest.Penalised{Logistic: true, Intercept: true, L1: 1, X: [][]float64{make([]float64, n)}, Y: make([]float64, n)}, means: []float64{50}}
	l.Y[0] = 1
	for i := range n {
		l.X[0][i] = 1e-4 * float64(1-i%2*2)
	}
	b0 := math.Log(1e-4)
	best := math.Log(1. / (n - 1))
	m, e := l.model(Logistic, true, []float64{b0 / 50}, b0)
	if math.Abs(m.b0) > 0.01 {
		t.Fatalf("the intercept is %v, want 0", m.b0)
	}
	c := m.certify(l.L1/n, e)
	if above := (l.Objective(m.b, b0) - l.Objective([]float64{0}, best)) / n; above > c.gap {
		t.Errorf("the objective is %.6g above that without a coefficient, the gap %.6g", above, c.gap)
	}
}
