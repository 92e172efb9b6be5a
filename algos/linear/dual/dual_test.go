package dual

import (
	"math"
	"math/rand/v2"
	"testing"

	"petuum/algos"
	"petuum/algos/algotest"
	"petuum/algos/dataset"
	"petuum/algos/linear"
	"petuum/algos/linear/plain"
	"petuum/consistency"
	"petuum/table"
)

var losses = []string{linear.Logistic, linear.Hinge, linear.SquaredHinge, linear.Squared, linear.Huber}

// host is a job whose solvers a test can look into.
type host struct {
	*algotest.Lockstep
	solvers []*solver
}

func play(t *testing.T, policy consistency.Policy, info dataset.Info, parts []*dataset.Part, set func(*linear.Model)) *host {
	t.Helper()
	h := &host{}
	method := Method
	method.Open = func(p *linear.Problem, w *algos.Worker) (linear.Solver, error) {
		s, err := open(p, w)
		if err == nil {
			h.solvers = append(h.solvers, s.(*solver))
		}
		return s, err
	}
	h.Lockstep = algotest.Play(t, policy, info, parts, func() algos.Algorithm {
		m := linear.New(linear.Family{Name: "test", Losses: losses, Methods: []linear.Method{method}})
		set(m)
		return m
	}, nil)
	return h
}

// values is w, of every column that any part has.
func (h *host) values() [][]float64 {
	views := make([]*table.View[float64], len(h.solvers))
	for n, s := range h.solvers {
		views[n] = s.W
	}
	return plain.Gather(h.solvers[0].Outputs, h.solvers[0].Columns, views)
}

// entropy is C of a row, from the definition: minus the conjugate of its loss at -b, the
// least over scores m of loss(m) + b m. It is where b is a value that ascend may give.
func entropy(loss string, delta, y, b float64) float64 {
	least := func(f func(m float64) float64) float64 { // of a convex function
		lo, hi := -1e3, 1e3
		for range 300 {
			a, c := lo+(hi-lo)/3, hi-(hi-lo)/3
			if f(a) <= f(c) {
				hi = c
			} else {
				lo = a
			}
		}
		return f(lo)
	}
	p := plain.Problem{Loss: loss, Delta: delta, X: [][]float64{{1}}, Y: []float64{y}}
	if loss == linear.Logistic || loss == linear.Hinge || loss == linear.SquaredHinge {
		p.Y[0] = (y + 1) / 2
	}
	return least(func(m float64) float64 {
		l, _ := p.Cost(0, []float64{m})
		return l + b*m
	})
}

// domain is the values that b may have.
func domain(loss string, delta, y float64) (lo, hi float64) {
	switch loss {
	case linear.Logistic, linear.Hinge:
		return min(0, y), max(0, y)
	case linear.SquaredHinge:
		if y > 0 {
			return 0, 50
		}
		return -50, 0
	case linear.Huber:
		return -delta, delta
	}
	return -50, 50
}

// C is minus the conjugate of the loss.
func TestConjugate(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine computes for long")
	}
	r := rand.New(rand.NewPCG(1, 2))
	for _, loss := range losses {
		for range 100 {
			y := float64(2*r.IntN(2) - 1)
			if loss == linear.Squared || loss == linear.Huber {
				y = 5 * r.NormFloat64()
			}
			const delta = 1.5
			lo, hi := domain(loss, delta, y)
			s := solver{Problem: &linear.Problem{Parameters: linear.Parameters{Loss: loss, Delta: delta}}}
			b := lo + (hi-lo)*(0.01+0.98*r.Float64())
			if got, want := s.conjugate(y, b), entropy(loss, delta, y, b); !plain.Near(got, want, 1e-6) {
				t.Errorf("%s, y = %v, b = %v: got %v, want %v", loss, y, b, got, want)
			}
		}
	}
}

// A step goes where C(b) - m (b - beta) - q/2 (b - beta)^2 is largest, as a search of the
// whole domain finds.
func TestAscend(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine computes for long")
	}
	r := rand.New(rand.NewPCG(3, 4))
	const delta = 1.5
	for _, loss := range losses {
		s := solver{Problem: &linear.Problem{Parameters: linear.Parameters{Loss: loss, Delta: delta}}}
		for n := range 3000 {
			y := float64(2*r.IntN(2) - 1)
			if loss == linear.Squared || loss == linear.Huber {
				y = 5 * r.NormFloat64()
			}
			lo, hi := domain(loss, delta, y)
			m, q, beta := 4*r.NormFloat64(), math.Exp(2*r.NormFloat64()), lo+(hi-lo)*r.Float64()
			switch n % 6 {
			case 0:
				beta = lo
			case 1:
				beta = hi
			case 2:
				q = 0
			}
			gain := func(b float64) float64 { return s.conjugate(y, b) - m*(b-beta) - q/2*(b-beta)*(b-beta) }
			got := s.ascend(m, y, q, beta)
			if !(got >= lo && got <= hi) && loss != linear.SquaredHinge && loss != linear.Squared {
				t.Fatalf("%s: ascend(%v, %v, %v, %v): got %v, which is not in [%v, %v]", loss, m, y, q, beta, got, lo, hi)
			}
			if loss == linear.Hinge && q == 0 {
				// A row without values has m = 0 always.
				m = 0
				got = s.ascend(m, y, q, beta)
			}
			best := math.Inf(-1)
			for i := range 2001 {
				best = max(best, gain(lo+(hi-lo)*float64(i)/2000))
			}
			if !(gain(got) >= best-1e-9*(1+math.Abs(best))) {
				t.Fatalf("%s: ascend(%v, %v, %v, %v): got %v with %v, the best seen is %v", loss, m, y, q, beta, got, gain(got), best)
			}
		}
		for _, c := range [][4]float64{{1e9, 1, 1e9, 0.5}, {-1e300, 1, 1, 0}, {0, -1, 1e300, -1}, {1e5, 1, 1e-300, 0.5}, {-1e5, -1, 0, 0}} {
			if b := s.ascend(c[0], c[1], c[2], c[3]); math.IsNaN(b) || math.IsInf(b, 0) && c[0] != -1e300 {
				t.Errorf("%s: ascend(%v): got %v", loss, c, b)
			}
		}
	}
}

// problems are of every loss.
func problems() []struct {
	name, text string
	quantity   bool
	set        func(*linear.Model)
	plain      func(*plain.Problem)
} {
	class := plain.Text(2, 40, 15, false, plain.Sign)
	return []struct {
		name, text string
		quantity   bool
		set        func(*linear.Model)
		plain      func(*plain.Problem)
	}{
		{"logistic", class, false, func(m *linear.Model) {}, func(*plain.Problem) {}},
		{"hinge", class, false, func(m *linear.Model) { m.Loss = "hinge" }, func(*plain.Problem) {}},
		{"squared hinge", class, false, func(m *linear.Model) { m.Loss = "squared_hinge" }, func(*plain.Problem) {}},
		{"squared", plain.Text(3, 40, 15, false, plain.Quantity), true, func(m *linear.Model) { m.Loss = "squared" }, func(*plain.Problem) {}},
		{"huber", plain.Text(3, 40, 15, false, plain.Quantity), true, func(m *linear.Model) { m.Loss, m.Delta = "huber", 1.5 }, func(p *plain.Problem) { p.Delta = 1.5 }},
		{"class weights and intercept", class, false, func(m *linear.Model) { m.ClassWeight, m.Intercept = []string{"-1:2.5", "1:0"}, true },
			func(p *plain.Problem) {
				p.Weight = make([]float64, len(p.Y))
				for i, y := range p.Y {
					p.Weight[i] = 2.5 * (1 - y)
				}
			}},
		{"one-vs-rest", plain.Text(4, 60, 10, false, plain.Three), false, func(m *linear.Model) { m.Multi = "ovr" }, func(p *plain.Problem) { p.Outputs = 3 }},
		{"one-vs-rest hinge", plain.Text(4, 60, 10, false, plain.Three), false, func(m *linear.Model) { m.Loss = "hinge" }, func(p *plain.Problem) { p.Outputs = 3 }},
	}
}

// The table is the sum that the coefficients say, the gap is P - D of the definition,
// the dual never descends, and the optimum is reached.
func TestDual(t *testing.T) {
	const lambda = 0.05
	for _, c := range problems() {
		t.Run(c.name, func(t *testing.T) {
			for _, of := range []int{1, 3, 45} {
				o := dataset.Defaults()
				o.Quantity = c.quantity
				info, data := algotest.Read(t, c.text, o, of)
				set := func(m *linear.Model) { m.Lambda = new(lambda); c.set(m) }
				m := linear.New(linear.Family{Losses: losses})
				set(m)
				p := plain.Of(info, data, m.Loss, lambda, m.Intercept)
				c.plain(&p)
				h := play(t, consistency.BSP(), info, data, set)
				before, gap, tol := math.Inf(-1), math.Inf(1), 1e-5
				if m.Loss == linear.Hinge && of > 3 {
					tol = 1e-3 // a part of one row hardly moves
				}
				for epoch := 0; gap > tol; epoch++ {
					if epoch == 1500 {
						t.Fatalf("%d parts: gap after %d epochs: got %v", of, epoch, gap)
					}
					h.Push(1 + 9*min(epoch, 1)) // the first clock by itself
					e := h.Evaluate(linear.Weights)
					if got := e.Objective - e.Gap; got < before-1e-9 {
						t.Fatalf("%d parts, epoch %d: the dual fell from %v to %v", of, epoch, before, got)
					}
					before, gap = e.Objective-e.Gap, e.Gap
					if epoch < 3 || gap <= tol {
						h.check(t, p, e)
					}
				}
				if m.Loss == "hinge" {
					continue // has no slope to descend along: the gap is the proof
				}
				best, err := p.Minimum(50000, 1e-7)
				if want := p.Objective(best); err != nil || before > want+1e-9 || before+gap < want-1e-9 {
					t.Errorf("%d parts: the optimum %v is not in [%v, %v], %v", of, want, before, before+gap, err)
				}
			}
		})
	}
}

// check holds w and the evaluation against the coefficients.
func (h *host) check(t *testing.T, p plain.Problem, e *algos.Eval) {
	t.Helper()
	want, w := p.Zero(), h.values()
	sum, square, row := 0.0, 0.0, 0
	for _, s := range h.solvers {
		n := s.X.Rows()
		for i := range n {
			weight := 1 / p.N
			if p.Weight != nil {
				weight *= p.Weight[row]
			}
			for c := range s.Outputs {
				b := s.beta[c*n+i]
				sum += weight * entropy(p.Loss, p.Delta, s.Target(i, c), b)
				for j, x := range p.X[row] {
					want[c][j] += weight * b * x / p.L2
				}
			}
			row++
		}
	}
	for c := range w {
		for j, got := range w[c] {
			square += got * got
			if !plain.Near(got, want[c][j], 1e-10) {
				t.Fatalf("%d parts: w[%d][%d]: got %v, want %v", len(h.solvers), c, j, got, want[c][j])
			}
		}
	}
	if got := p.Objective(w); !plain.Near(e.Objective, got, 1e-10) {
		t.Fatalf("%d parts: objective: got %v, want %v", len(h.solvers), e.Objective, got)
	}
	if d := sum - p.L2/2*square; !plain.Near(e.Objective-e.Gap, d, 1e-5) {
		t.Fatalf("%d parts: dual: got %v, want %v", len(h.solvers), e.Objective-e.Gap, d)
	}
}

// Parts that see nothing of each other for several clocks must not run away.
func TestUnseen(t *testing.T) {
	const of, lambda = 6, 1e-2
	info, data := algotest.Read(t, plain.Text(8, 200, 10, true, plain.Sign), dataset.Defaults(), of)
	for _, loss := range []string{linear.Logistic, linear.SquaredHinge} {
		p := plain.Of(info, data, loss, lambda, false)
		w, err := p.Minimum(50000, 1e-7)
		if err != nil {
			t.Fatal(err)
		}
		best := p.Objective(w)
		for _, clocks := range []int{1, 3, 7} {
			h := play(t, consistency.ASP(), info, data, func(m *linear.Model) { m.Lambda, m.Loss = new(lambda), loss })
			for range 3000 / clocks {
				h.Run(clocks, h.PushOf)
				h.Deliver()
			}
			for range 2 { // nothing new: the views come to hold everything
				h.Clock(func(int) {})
			}
			if e := h.Evaluate(linear.Weights); !(e.Objective-best <= 1e-3*best) {
				t.Errorf("%s, %d clocks unseen: got %v, want %v", loss, clocks, e.Objective, best)
			}
		}
	}
}

// What the solver has no steps for is refused.
func TestSuits(t *testing.T) {
	for _, c := range []struct {
		name string
		p    linear.Problem
		want bool
	}{
		{"l2", linear.Problem{L2: 1, FreeKey: linear.NoKey}, true},
		{"l1", linear.Problem{L1: 1, FreeKey: linear.NoKey}, false},
		{"elastic", linear.Problem{L1: 1, L2: 1, FreeKey: linear.NoKey}, false},
		{"none", linear.Problem{FreeKey: linear.NoKey}, false},
		{"a free column", linear.Problem{L2: 1, FreeKey: 4}, false},
		{"softmax", linear.Problem{L2: 1, FreeKey: linear.NoKey, Coupled: true}, false},
		{"poisson", linear.Problem{L2: 1, FreeKey: linear.NoKey, Parameters: linear.Parameters{Loss: linear.Poisson}}, false},
	} {
		if got := Method.Suits(&c.p); (got == "") != c.want {
			t.Errorf("%s: got %q", c.name, got)
		}
	}
}
