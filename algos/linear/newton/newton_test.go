package newton

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"petuum/algos"
	"petuum/algos/algotest"
	"petuum/algos/dataset"
	"petuum/algos/linear"
	"petuum/algos/linear/plain"
	"petuum/consistency"
	"petuum/table"
)

// host is a job whose solvers a test can look into.
type host struct {
	*algotest.Lockstep
	t       *testing.T
	solvers []*solver
}

var losses = []string{linear.Logistic, linear.SquaredHinge, linear.Squared, linear.Huber, linear.Poisson}

// play loads the data and prepares.
func play(t *testing.T, info dataset.Info, parts []*dataset.Part, set func(*linear.Model)) *host {
	t.Helper()
	h := &host{t: t}
	method := Method
	method.Open = func(p *linear.Problem, w *algos.Worker) (linear.Solver, error) {
		s, err := open(p, w)
		if err == nil {
			h.solvers = append(h.solvers, s.(*solver))
		}
		return s, err
	}
	h.Lockstep = algotest.Play(t, consistency.BSP(), info, parts, func() algos.Algorithm {
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

// hard is text with many features, some of which nearly repeat one another.
func hard(rows, features int) string {
	var b strings.Builder
	for i, line := range strings.SplitAfter(plain.Text(12, rows, features-3, true, plain.Sign), "\n") {
		if line = strings.TrimSuffix(line, "\n"); line == "" {
			continue
		}
		fmt.Fprintf(&b, "%s %d:5", line, features-2)
		for j := range 2 {
			if i%(20+7*j) > 0 {
				fmt.Fprintf(&b, " %d:%d", features-1+j, 4+j)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func read(t *testing.T, text string, of int, quantity bool) (dataset.Info, []*dataset.Part) {
	t.Helper()
	o := dataset.Defaults()
	o.Quantity = quantity
	return algotest.Read(t, text, o, of)
}

func logistic(lambda float64) func(*linear.Model) {
	return func(m *linear.Model) { m.Lambda = &lambda }
}

// What the parts keep to themselves must not drift apart: the scores are those of the
// table's weights, and what two parts know of a column is the same bits. The gap is that
// of the dual's definition, and the optimum is reached.
func TestNewton(t *testing.T) {
	for _, c := range []struct {
		name, text string
		of         int
		lambda     float64
		clocks     int
	}{
		{"one part", plain.Text(2, 40, 15, false, plain.Sign), 1, 1e-2, 40},
		{"parts", plain.Text(2, 200, 15, true, plain.Sign), 3, 1e-3, 40},
		{"empty parts", plain.Text(2, 40, 15, false, plain.Sign), 45, 1e-2, 40},
		{"more columns than the block", hard(900, 400), 3, 1e-4, 120},
		{"a column for all rows", "-1 1:2\n+1 1:2\n+1 1:2\n-1 1:2\n-1 1:2\n", 2, 1e-2, 20},
		{"one row of a class", "-1 2:1\n" + strings.Repeat("+1 1:1 2:1\n+1 1:3\n", 200), 3, 1e-5, 60},
		{"no values", "-1\n+1\n+1\n-1\n-1 1:0\n", 2, 1e-2, 8},
		{"large values", strings.ReplaceAll(plain.Text(3, 60, 8, false, plain.Sign), ".", ""), 2, 1e-6, 300},
	} {
		t.Run(c.name, func(t *testing.T) {
			info, data := read(t, c.text, c.of, false)
			p := plain.Of(info, data, linear.Logistic, c.lambda, false)
			h := play(t, info, data, logistic(c.lambda))
			for n := range c.clocks {
				h.Push(1)
				if c.clocks <= 60 || n%7 == 0 || n == c.clocks-1 {
					h.together(p)
				}
			}
			e, w := h.Evaluate(linear.Weights), h.values()
			if want := p.Objective(w); !plain.Near(e.Objective, want, 1e-10) {
				t.Errorf("objective: got %v, want %v", e.Objective, want)
			}
			if !(e.Gap <= 1e-9*e.Objective) {
				t.Errorf("gap after %d clocks: got %v of %v", c.clocks, e.Gap, e.Objective)
			}
		})
	}
}

// alike checks what the parts keep: where they are, w, the steps and the scores.
func (h *host) alike(p plain.Problem) {
	h.t.Helper()
	w, first, row := h.values(), h.solvers[0], 0
	type column struct{ output, key int }
	steps := map[column]float64{}
	owned := map[column]int{}
	for n, s := range h.solvers {
		if s.iteration != first.iteration || s.found != first.found || s.halved != first.halved || s.best != first.best || len(s.dirs) != len(first.dirs) {
			h.t.Fatalf("part %d is elsewhere than part 0", n)
		}
		f := s.X.Cols()
		for i := range s.cols {
			at := column{i / f, int(s.Keys.Key(i % f))}
			if x := s.W.Values()[s.Place(i)]; x != w[at.output][at.key] {
				h.t.Fatalf("part %d: w of %v: got %v, want %v", n, at, x, w[at.output][at.key])
			}
			owned[at] += int(s.Own[i%f])
			if len(s.dirs) == 1 {
				continue
			}
			x := s.dirs[1].cols[i]
			if got, ok := steps[at]; ok && got != x {
				h.t.Fatalf("part %d: step of %v: got %v, want %v", n, at, x, got)
			}
			steps[at] = x
		}
		rows := s.X.Rows()
		for i := range rows {
			for c := range s.Outputs {
				want, size := 0.0, 1.0
				for j, x := range p.X[row] {
					want += x * w[c][j]
					size += math.Abs(x * w[c][j])
				}
				if m := s.scores[c*rows+i]; !(math.Abs(m-want) <= 1e-11*size*float64(1+s.iteration)) {
					h.t.Fatalf("part %d, clock %d: score %d of row %d: got %v, want %v", n, h.Workers[n].Clock, c, i, m, want)
				}
			}
			row++
		}
	}
	for at, n := range owned {
		if n != 1 {
			h.t.Fatalf("column %v has %d owners", at, n)
		}
	}
}

// together checks that the parts are alike, and holds the gap against that of the
// coefficients of the dual which the scores give.
func (h *host) together(p plain.Problem) {
	h.t.Helper()
	h.alike(p)
	w := h.values()
	entropy, dual, square := 0.0, make([]float64, len(w[0])), 0.0
	for i, row := range p.X {
		y := 2*p.Y[i] - 1
		b := 1 / (1 + math.Exp(y*p.Scores(i, w)[0]))
		if b > 0 && b < 1 {
			entropy -= (b*math.Log(b) + (1-b)*math.Log1p(-b)) / p.N
		}
		for j, x := range row {
			dual[j] += b * y * x / p.L2 / p.N
		}
	}
	for _, x := range dual {
		square += x * x
	}
	e := h.Evaluate(linear.Weights)
	want := e.Objective - (entropy - p.L2/2*square)
	if !(math.Abs(e.Gap-want) <= 1e-5*(e.Objective+square*p.L2)) {
		h.t.Fatalf("clock %d: gap: got %v, want %v", h.Workers[0].Clock, e.Gap, want)
	}
}

// problems are of every loss with every penalty: of each the plain form and the model's.
type problem struct {
	name     string
	text     string
	quantity bool
	set      func(*linear.Model)
	plain    func(*plain.Problem)
	clocks   int     // 0: 60
	tol      float64 // of derivatives; 0: 1e-7
}

func problems() []problem {
	l := func(x float64) *float64 { return &x }
	class, three := plain.Text(21, 150, 18, false, plain.Sign), plain.Text(22, 200, 12, false, plain.Three)
	quantity, count := plain.Text(23, 150, 18, false, plain.Quantity), plain.Text(24, 150, 12, false, plain.Count)
	return []problem{
		{name: "logistic l1", text: class, clocks: 120,
			set:   func(m *linear.Model) { m.Lambda, m.Penalty = l(0.02), "l1" },
			plain: func(p *plain.Problem) { p.L1 = 0.02 }},
		{name: "logistic elastic", text: class, clocks: 120,
			set:   func(m *linear.Model) { m.Lambda, m.Penalty, m.Ratio = l(0.02), "elastic", 0.7 },
			plain: func(p *plain.Problem) { p.L1, p.L2 = 0.014, 0.006 }},
		{name: "logistic none", text: class, clocks: 120,
			set:   func(m *linear.Model) { m.Penalty = "none" },
			plain: func(p *plain.Problem) {}},
		{name: "free intercept", text: strings.Replace(class, "-1 ", "+1 ", 30), set: func(m *linear.Model) { m.Lambda, m.Intercept, m.Unpenalised = l(0.5), true, true },
			plain: func(p *plain.Problem) { p.L2, p.Free = 0.5, len(p.X[0])-1 }},
		{name: "free intercept l1", text: quantity, quantity: true, clocks: 120,
			set: func(m *linear.Model) {
				m.Loss, m.Lambda, m.Penalty, m.Intercept, m.Unpenalised = "squared", l(0.1), "l1", true, true
			},
			plain: func(p *plain.Problem) { p.L1, p.Free = 0.1, len(p.X[0])-1 }},
		{name: "class weights", text: class, set: func(m *linear.Model) { m.Lambda, m.ClassWeight = l(0.01), []string{"1:3", "-1:0.5"} },
			plain: func(p *plain.Problem) {
				p.L2, p.Weight = 0.01, make([]float64, len(p.Y))
				for i, y := range p.Y {
					p.Weight[i] = []float64{0.5, 3}[int(y)]
				}
			}},
		{name: "squared hinge", text: class, set: func(m *linear.Model) { m.Loss, m.Lambda = "squared_hinge", l(0.01) },
			plain: func(p *plain.Problem) { p.L2 = 0.01 }},
		{name: "squared hinge l1", text: class, clocks: 120, set: func(m *linear.Model) { m.Loss, m.Lambda, m.Penalty = "squared_hinge", l(0.03), "l1" },
			plain: func(p *plain.Problem) { p.L1 = 0.03 }},
		{name: "squared", text: quantity, quantity: true, set: func(m *linear.Model) { m.Loss, m.Lambda = "squared", l(0.01) },
			plain: func(p *plain.Problem) { p.L2 = 0.01 }},
		{name: "huber", text: quantity, quantity: true, clocks: 120, set: func(m *linear.Model) { m.Loss, m.Lambda, m.Delta = "huber", l(0.01), 1.5 },
			plain: func(p *plain.Problem) { p.L2, p.Delta = 0.01, 1.5 }},
		{name: "huber l1", text: quantity, quantity: true, clocks: 160, set: func(m *linear.Model) { m.Loss, m.Lambda, m.Delta, m.Penalty = "huber", l(0.05), 1.5, "l1" },
			plain: func(p *plain.Problem) { p.L1, p.Delta = 0.05, 1.5 }},
		{name: "poisson", text: count, quantity: true, set: func(m *linear.Model) { m.Loss, m.Lambda, m.Intercept = "poisson", l(0.01), true },
			plain: func(p *plain.Problem) { p.L2 = 0.01 }},
		{name: "poisson l1", text: count, quantity: true, clocks: 120, set: func(m *linear.Model) { m.Loss, m.Lambda, m.Penalty = "poisson", l(0.02), "l1" },
			plain: func(p *plain.Problem) { p.L1 = 0.02 }},
		{name: "softmax", text: three, set: func(m *linear.Model) { m.Lambda = l(0.01) },
			plain: func(p *plain.Problem) { p.L2, p.Outputs, p.Softmax = 0.01, 3, true }},
		{name: "softmax l1", text: three, clocks: 160, set: func(m *linear.Model) { m.Lambda, m.Penalty = l(0.01), "l1" },
			plain: func(p *plain.Problem) { p.L1, p.Outputs, p.Softmax = 0.01, 3, true }},
		{name: "softmax with class weights", text: three, set: func(m *linear.Model) {
			m.Lambda, m.ClassWeight, m.Intercept, m.Unpenalised = l(0.01), []string{"2:0.2"}, true, true
		},
			plain: func(p *plain.Problem) {
				p.L2, p.Outputs, p.Softmax, p.Free, p.Weight = 0.01, 3, true, len(p.X[0])-1, make([]float64, len(p.Y))
				for i, y := range p.Y {
					p.Weight[i] = []float64{1, 0.2, 1}[int(y)]
				}
			}},
		{name: "one-vs-rest", text: three, set: func(m *linear.Model) { m.Lambda, m.Multi = l(0.01), "ovr" },
			plain: func(p *plain.Problem) { p.L2, p.Outputs = 0.01, 3 }},
		{name: "one-vs-rest l1", text: three, clocks: 160, set: func(m *linear.Model) { m.Loss, m.Lambda, m.Penalty = "squared_hinge", l(0.02), "l1" },
			plain: func(p *plain.Problem) { p.L1, p.Outputs = 0.02, 3 }},
	}
}

// The optimum of every loss and penalty is that of plain descent, with as many zeros,
// and what the parts keep to themselves does not drift apart.
func TestOptimum(t *testing.T) {
	for _, c := range problems() {
		t.Run(c.name, func(t *testing.T) {
			for _, of := range []int{1, 3} {
				info, data := read(t, c.text, of, c.quantity)
				m := linear.New(linear.Family{Losses: losses})
				c.set(m)
				p := plain.Of(info, data, m.Loss, 0, m.Intercept)
				c.plain(&p)
				best, err := p.Minimum(100000, 1e-8)
				if err != nil {
					t.Fatal(err)
				}
				h := play(t, info, data, c.set)
				for range max(c.clocks, 60) / 4 {
					h.Push(4)
					h.alike(p)
				}
				w := h.values()
				e, want := h.Evaluate(linear.Weights), p.Objective(best)
				if got := p.Objective(w); !plain.Near(e.Objective, got, 1e-10) || !plain.Near(got, want, 1e-9) {
					t.Errorf("%d parts: objective: got %.12g, by the plain form %.12g, want %.12g", of, e.Objective, got, want)
				}
				if got := p.Violation(w); !(got <= max(c.tol, 1e-7)) || !plain.Near(e.Metrics["kkt_violation"], got, 1e-9) {
					t.Errorf("%d parts: violation: got %.3g, evaluated as %.3g", of, got, e.Metrics["kkt_violation"])
				}
				if p.L1 == 0 {
					continue
				}
				zeros := 0
				for k := range w {
					for j, x := range w[k] {
						if x == 0 {
							zeros++
						}
						if (x == 0) != (best[k][j] == 0) {
							t.Errorf("%d parts: w[%d][%d]: got %g, want %g", of, k, j, x, best[k][j])
						}
					}
				}
				if zeros == 0 {
					t.Errorf("%d parts: no weight is zero", of)
				}
			}
		})
	}
}
