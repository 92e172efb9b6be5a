package newton

import (
	"math"
	"slices"
	"strings"
	"testing"

	"petuum/algos/linear"
	"petuum/algos/linear/plain"
)

// A step after which P seems to have risen is halved again and again and in the end
// taken back, by all parts, and what they keep stays right.
func TestHalve(t *testing.T) {
	const lambda = 1e-3
	info, data := read(t, plain.Text(2, 200, 15, true, plain.Sign), 3, false)
	p := plain.Of(info, data, linear.Logistic, lambda, false)
	h := play(t, info, data, logistic(lambda))
	s := h.solvers[0]
	for s.iteration < 4 {
		h.Push(1)
	}
	h.Push(2) // up to products, H may have been made anew
	if s.found {
		h.Push(1)
	}
	after, step := h.values()[0], make([]float64, info.Features)
	for _, s := range h.solvers {
		s.best = -1
		for j, x := range s.dirs[1].cols {
			step[s.Keys.Key(j)] = x
		}
	}
	for n := 1; n <= mostHalvings+1; n++ {
		h.Push(1)
		h.together(p)
		if s.halved != n {
			t.Fatalf("clock %d: got %d halvings", n, s.halved)
		}
		left := math.Pow(0.5, float64(n))
		if n > mostHalvings {
			left = 0
		}
		for j, w := range h.values()[0] {
			if want := after[j] - (1-left)*step[j]; !(math.Abs(w-want) <= 1e-12) {
				t.Fatalf("%d halvings: w[%d]: got %v, want %v", n, j, w, want)
			}
		}
		if e := h.Evaluate(linear.Weights); !e.Unsettled {
			t.Fatalf("%d halvings: the evaluation is settled", n)
		}
	}
	h.Push(30)
	h.together(p)
	if e := h.Evaluate(linear.Weights); s.halved > mostHalvings || !(e.Gap <= 1e-9*e.Objective) {
		t.Errorf("afterwards: got a gap of %v of %v, %d halvings", e.Gap, e.Objective, s.halved)
	}
}

// A step that is too long is noticed.
func TestRise(t *testing.T) {
	info, data := read(t, plain.Text(2, 200, 15, true, plain.Sign), 3, false)
	h := play(t, info, data, logistic(1e-3))
	h.Push(10)
	for !h.solvers[0].found {
		h.Push(1)
	}
	before := h.Evaluate(linear.Weights).Objective
	for n, s := range h.solvers { // A is 1/100 of what it is
		row := slices.Clone(s.share)
		for i := range matrixSize {
			row[groupsAt+i] /= 100
		}
		s.sums.Put(n, row)
	}
	h.Clock(func(int) {}) // all see it
	h.Push(1)
	if e := h.Evaluate(linear.Weights); !(e.Objective > before) {
		t.Fatalf("the step is not too long: P went from %v to %v", before, e.Objective)
	}
	for range mostHalvings {
		h.Push(1)
		if h.Evaluate(linear.Weights).Objective <= before {
			return
		}
	}
	t.Errorf("P is still %v, it was %v", h.Evaluate(linear.Weights).Objective, before)
}

// Weights of classes are rows that are there more often.
func TestClassWeights(t *testing.T) {
	text := plain.Text(31, 120, 10, false, plain.Sign)
	var more strings.Builder
	for line := range strings.Lines(text) {
		more.WriteString(line)
		if strings.HasPrefix(line, "+1") {
			more.WriteString(line + line)
		}
	}
	var rows []float64
	var w [][][]float64
	for _, c := range []struct {
		text    string
		weights []string
	}{{text, []string{"1:3"}}, {more.String(), nil}} {
		info, data := read(t, c.text, 2, false)
		rows = append(rows, float64(info.Rows))
		lambda := 1.0 / float64(info.Rows) // the same penalty beside the sum of the losses
		h := play(t, info, data, func(m *linear.Model) { m.Lambda, m.ClassWeight = &lambda, c.weights })
		h.Push(60)
		w = append(w, h.values())
	}
	if !(rows[1] > 1.5*rows[0]) {
		t.Fatalf("%v rows", rows)
	}
	for j, x := range w[0][0] {
		if !plain.Near(x, w[1][0][j], 1e-7) {
			t.Errorf("w[%d]: got %v weighted, %v repeated", j, x, w[1][0][j])
		}
	}
}

// Balanced weights have the classes count alike.
func TestBalanced(t *testing.T) {
	text := strings.Replace(plain.Text(31, 120, 10, false, plain.Sign), "-1 ", "+1 ", 30)
	info, data := read(t, text, 2, false)
	lambda := 0.01
	list := func(set func(*linear.Model)) [][]float64 {
		h := play(t, info, data, func(m *linear.Model) { m.Lambda = &lambda; set(m) })
		h.Push(60)
		return h.values()
	}
	balanced := list(func(m *linear.Model) { m.Balanced = true })
	p := plain.Of(info, data, linear.Logistic, lambda, false)
	p.Weight = make([]float64, len(p.Y))
	for i, y := range p.Y {
		p.Weight[i] = float64(info.Rows) / 2 / float64(info.Counts[int(y)])
	}
	if got := p.Violation(balanced); !(got <= 1e-8) {
		t.Errorf("violation: got %v", got)
	}
	if other := list(func(*linear.Model) {}); !(p.Violation(other) > 1e-3) {
		t.Errorf("without weights the optimum is the same: the test has no use")
	}
}

// Data that a line tells apart has no minimum without a penalty: weights grow, and
// nothing becomes of them that is not a number.
func TestSeparable(t *testing.T) {
	text := strings.Repeat("-1 1:-1 2:0.5\n+1 1:1 2:1\n+1 1:2\n-1 1:-3 2:1\n", 10)
	three := strings.Repeat("1 1:1\n2 2:1\n3 3:1\n", 10)
	for _, c := range []struct {
		name, text string
		set        func(*linear.Model)
	}{
		{"none", text, func(m *linear.Model) { m.Penalty = "none" }},
		{"none, intercept", text, func(m *linear.Model) { m.Penalty, m.Intercept, m.Unpenalised = "none", true, true }},
		{"squared hinge", text, func(m *linear.Model) { m.Penalty, m.Loss = "none", "squared_hinge" }},
		{"hardly any l1", text, func(m *linear.Model) { m.Penalty, m.Lambda = "l1", new(1e-12) }},
		{"softmax", three, func(m *linear.Model) { m.Penalty = "none" }},
		{"one-vs-rest", three, func(m *linear.Model) { m.Penalty, m.Multi = "none", "ovr" }},
	} {
		for _, of := range []int{1, 3} {
			info, data := read(t, c.text, of, false)
			h := play(t, info, data, c.set)
			last := h.Evaluate(linear.Weights).Objective
			for range 50 {
				h.Push(8)
				e := h.Evaluate(linear.Weights)
				if !(e.Objective <= last*(1+1e-9) || e.Objective < 1e-12) { // below, sums are rounding
					t.Fatalf("%s, %d parts: the objective went from %v to %v at clock %d", c.name, of, last, e.Objective, h.Workers[0].Clock)
				}
				last = e.Objective
			}
			if !(last < 1e-6) {
				t.Errorf("%s, %d parts: objective: got %v, want next to nothing", c.name, of, last)
			}
			for _, w := range h.values() {
				for j, x := range w {
					if math.IsNaN(x) || math.IsInf(x, 0) {
						t.Errorf("%s, %d parts: w[%d]: got %v", c.name, of, j, x)
					}
				}
			}
		}
	}
}

// Sums of float32, as large models have them, come as close to the optimum.
func TestSingle(t *testing.T) {
	defer func(was uint64) { large = was }(large)
	large = 1
	for _, c := range problems() {
		info, data := read(t, c.text, 3, c.quantity)
		m := linear.New(linear.Family{Losses: losses})
		c.set(m)
		p := plain.Of(info, data, m.Loss, 0, m.Intercept)
		c.plain(&p)
		best, err := p.Minimum(100000, 1e-8)
		if err != nil {
			t.Fatal(err)
		}
		h := play(t, info, data, c.set)
		if n := h.solvers[0].gradient.Values(); len(n) > 0 && n[0] != float64(float32(n[0])) {
			t.Errorf("%s: g is %v, want float32", c.name, n[0])
		}
		for range max(c.clocks, 60) / 4 {
			h.Push(4)
			h.alike(p)
		}
		if got, want := p.Objective(h.values()), p.Objective(best); !plain.Near(got, want, 1e-8) {
			t.Errorf("%s: got %.12g, want %.12g", c.name, got, want)
		}
	}
}

// Slopes of data that is not scaled may be so much larger than L1 that it is lost beside
// them; columns leave 0 all the same.
func TestLargeSlopes(t *testing.T) {
	info, data := read(t, "3000000 1:10000000 2:1\n5000000 1:20000000 2:1\n9000000 1:30000000 2:2\n", 2, true)
	h := play(t, info, data, func(m *linear.Model) { m.Loss, m.Lambda, m.Penalty = linear.Squared, new(1e-4), "l1" })
	h.Push(100)
	p := plain.Of(info, data, linear.Squared, 0, false)
	p.L1 = 1e-4
	w := [][]float64{{0.2, 4e6 / 3}} // of least squares: 1e-4 moves neither by a millionth
	if got, want := p.Objective(h.values()), p.Objective(w); !plain.Near(got, want, 1e-6) {
		t.Errorf("objective: got %v of %v, want %v", got, h.values(), want)
	}
}
