package logreg

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/consistency"
)

func byNewton(lambda float64) func() *Regression {
	return func() *Regression { r := New(); r.Solver, r.Lambda = "newton", new(lambda); return r }
}

// hard is text with many features, some of which nearly repeat one another.
func hard(rows, features int) string {
	var b strings.Builder
	for i, line := range strings.SplitAfter(text(12, rows, features-3, true), "\n") {
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

// What the parts keep to themselves must not drift apart: the margins are those of
// the table's weights, and what two parts know of a column is the same bits. The gap
// is that of the dual's definition, and the optimum is reached.
func TestNewton(t *testing.T) {
	for _, c := range []struct {
		name, text string
		of         int
		lambda     float64
		clocks     int
	}{
		{"one part", text(2, 40, 15, false), 1, 1e-2, 40},
		{"parts", text(2, 200, 15, true), 3, 1e-3, 40},
		{"empty parts", text(2, 40, 15, false), 45, 1e-2, 40},
		{"more columns than the block", hard(900, 400), 3, 1e-4, 120},
		{"a column for all rows", "-1 1:2\n+1 1:2\n+1 1:2\n-1 1:2\n-1 1:2\n", 2, 1e-2, 20},
		{"one row of a class", "-1 2:1\n" + strings.Repeat("+1 1:1 2:1\n+1 1:3\n", 200), 3, 1e-5, 60},
		{"no values", "-1\n+1\n+1\n-1\n-1 1:0\n", 2, 1e-2, 8},
		{"large values", strings.ReplaceAll(text(3, 60, 8, false), ".", ""), 2, 1e-6, 300},
	} {
		info, data := parts(t, c.text, c.of)
		d := plain(info, data, c.lambda)
		h := play(t, info, data, byNewton(c.lambda), nil)
		for range c.clocks {
			h.push(1)
			h.together(c.name, d)
		}
		e, w := h.evaluate(), h.values()
		if want := d.objective(w); !near(e.Objective, want, 1e-10) {
			t.Errorf("%s: objective: got %v, want %v", c.name, e.Objective, want)
		}
		if !(e.Gap <= 1e-9*e.Objective) {
			t.Errorf("%s: gap after %d clocks: got %v of %v", c.name, c.clocks, e.Gap, e.Objective)
		}
	}
}

// together compares the parts, and the gap with that of the betas of the margins.
func (h *host) together(name string, d dense) {
	h.t.Helper()
	w, row := h.values(), 0
	steps := map[uint64]float64{}
	entropy, dual, square := 0.0, make([]float64, len(w)), 0.0
	first := h.algs[0].solver.(*newton)
	for p, a := range h.algs {
		s := a.solver.(*newton)
		if s.iteration != first.iteration || s.found != first.found || s.halved != first.halved || s.best != first.best {
			h.t.Fatalf("%s: part %d is elsewhere than part 0", name, p)
		}
		for j, x := range s.w.Values() {
			if x != w[s.keys.Key(j)] {
				h.t.Fatalf("%s: part %d: w[%d]: got %v, want %v", name, p, s.keys.Key(j), x, w[s.keys.Key(j)])
			}
		}
		if s.iteration > 0 {
			for j, x := range s.dirs[1].cols {
				if got, ok := steps[s.keys.Key(j)]; ok && got != x {
					h.t.Fatalf("%s: part %d: step of column %d: got %v, want %v", name, p, s.keys.Key(j), x, got)
				}
				steps[s.keys.Key(j)] = x
			}
		}
		for i, m := range s.m {
			want, size := 0.0, 1.0
			for j, x := range d.x[row] {
				want += x * w[j]
				size += math.Abs(x * w[j])
			}
			if !(math.Abs(m-want) <= 1e-11*size*float64(1+s.iteration)) {
				h.t.Fatalf("%s: part %d, clock %d: margin of row %d: got %v, want %v", name, p, h.workers[p].Clock, i, m, want)
			}
			b := sigmoid(-d.y[row] * m)
			if b > 0 && b < 1 {
				entropy -= b*math.Log(b) + (1-b)*math.Log1p(-b)
			}
			for j, x := range d.x[row] {
				dual[j] += b * d.y[row] * x / d.lambda / s.n
			}
			row++
		}
	}
	for _, x := range dual {
		square += x * x
	}
	e := h.evaluate()
	want := e.Objective - (entropy/float64(h.info.Rows) - d.lambda/2*square)
	if !(math.Abs(e.Gap-want) <= 1e-5*(e.Objective+square*d.lambda)) {
		h.t.Fatalf("%s: clock %d: gap: got %v, want %v", name, h.workers[0].Clock, e.Gap, want)
	}
}

// The block is of the columns with the most curvature, whichever parts they are in,
// and its direction is the Newton step of them.
func TestNewtonBlock(t *testing.T) {
	const lambda = 1e-4
	for _, features := range []int{30, 400} {
		info, data := parts(t, hard(900, features), 3)
		d := plain(info, data, lambda)
		h := play(t, info, data, byNewton(lambda), nil)
		first := h.algs[0].solver.(*newton)
		for !first.block.made || !first.found {
			h.push(1)
			if h.workers[0].Clock > 100 {
				t.Fatalf("%d features: no block after 100 clocks", features)
			}
		}
		for p, a := range h.algs {
			s := a.solver.(*newton)
			if len(s.block.x) != first.block.size || !slices.Equal(s.block.x, first.block.x) {
				t.Fatalf("%d features: part %d: another step than part 0", features, p)
			}
		}
		var keys []uint64
		for i := range first.block.g.Len() {
			keys = append(keys, first.block.g.Key(i))
		}
		if want := min(features, blockSize); len(keys) != want {
			t.Fatalf("%d features: a block of %d, want %d", features, len(keys), want)
		}
		// H x = -(g + lambda w), with D at the weights that the block was made at,
		// which are those of now as long as D has hardly changed.
		w := h.values()
		g, hx, size := make([]float64, features), make([]float64, features), 0.0
		for i, row := range d.x {
			m, v := 0.0, 0.0
			for j, x := range row {
				m += x * w[j]
			}
			for i, j := range keys {
				v += row[j] * first.block.x[i]
			}
			s := sigmoid(m)
			for j, x := range row {
				g[j] += (s - (d.y[i]+1)/2) * x / float64(len(d.x))
				hx[j] += s * (1 - s) * v * x / float64(len(d.x))
			}
		}
		off := 0.0
		for i, j := range keys {
			want := -g[j] - lambda*w[j]
			got := hx[j] + lambda*first.block.x[i]
			off += (got - want) * (got - want)
			size += want * want
		}
		if off = math.Sqrt(off / size); !(off <= 0.3) {
			t.Errorf("%d features: H x is off by %.2g of the slope", features, off)
		}
	}
}

func TestUnder(t *testing.T) {
	for _, c := range []struct {
		solver string
		policy string
		exact  bool
		want   string // the solver, or a part of the error
	}{
		{"auto", "bsp", true, "newton"},
		{"auto", "bsp", false, "dual"},
		{"auto", "ssp:2", true, "dual"},
		{"auto", "asp", true, "dual"},
		{"newton", "bsp", true, "newton"},
		{"newton", "ssp:2", true, `needs policy "bsp", not "ssp:2"`},
		{"newton", "asp", true, `needs policy "bsp"`},
		{"newton", "bsp", false, "leave wire.encoding and wire.filter out"},
		{"dual", "bsp", true, "dual"},
		{"adagrad", "asp", false, "adagrad"},
	} {
		policy, err := consistency.ParsePolicy(c.policy)
		if err != nil {
			t.Fatal(err)
		}
		r := New()
		r.Solver = c.solver
		got := r.method
		if err := r.Under(policy, c.exact); err != nil {
			if !strings.Contains(err.Error(), c.want) || c.want == c.solver {
				t.Errorf("%+v: got error %v", c, err)
			}
		} else if got() != c.want {
			t.Errorf("%+v: got %s", c, got())
		}
	}
	var _ algos.Consistent = New()
}

// The block stays small where rows are long.
func TestBlockSize(t *testing.T) {
	for _, c := range []struct {
		keys, rows, values uint64
		want               uint64
		tables             int
	}{{5, 10, 20, 5, 1}, {256, 10, 20, 256, 1}, {257, 10, 20, 256, 2}, {1000, 10, 10000, 32, 2}, {90, 10, 900, 90, 1}, {100, 10, 1000, 81, 2}} {
		specs := blockTables(c.keys, dataset.Info{Rows: c.rows, NonZeros: c.values})
		if got := specs[0].Keys; got != c.want*(c.want+1)/2 || len(specs) != c.tables {
			t.Errorf("%+v: got %+v", c, specs)
		}
	}
}

// A step after which P seems to have risen is halved again and again and in the end
// taken back, by all parts, and what they keep stays right.
func TestHalve(t *testing.T) {
	const lambda = 1e-3
	info, data := parts(t, text(2, 200, 15, true), 3)
	d := plain(info, data, lambda)
	h := play(t, info, data, byNewton(lambda), nil)
	s := h.algs[0].solver.(*newton)
	for s.iteration < 4 {
		h.push(1)
	}
	h.push(2) // up to products, M may have been made anew
	if s.found {
		h.push(1)
	}
	after, step := h.values(), make([]float64, info.Features)
	for _, a := range h.algs {
		s := a.solver.(*newton)
		s.best = -1
		for j, x := range s.dirs[1].cols {
			step[s.keys.Key(j)] = x
		}
	}
	for n := 1; n <= mostHalvings+1; n++ {
		h.push(1)
		h.together("halved", d)
		if s.halved != n {
			t.Fatalf("clock %d: got %d halvings", n, s.halved)
		}
		left := math.Pow(0.5, float64(n))
		if n > mostHalvings {
			left = 0
		}
		for j, w := range h.values() {
			if want := after[j] - (1-left)*step[j]; !(math.Abs(w-want) <= 1e-12) {
				t.Fatalf("%d halvings: w[%d]: got %v, want %v", n, j, w, want)
			}
		}
	}
	h.push(30)
	h.together("goes on", d)
	if e := h.evaluate(); s.halved > mostHalvings || !(e.Gap <= 1e-9*e.Objective) {
		t.Errorf("afterwards: got a gap of %v of %v, %d halvings", e.Gap, e.Objective, s.halved)
	}
}

// A step that is too long is noticed.
func TestRise(t *testing.T) {
	const lambda = 1e-3
	info, data := parts(t, text(2, 200, 15, true), 3)
	h := play(t, info, data, byNewton(lambda), nil)
	h.push(10)
	for !h.algs[0].solver.(*newton).found {
		h.push(1)
	}
	before := h.evaluate().Objective
	s := make([]*newton, len(h.algs))
	for p, a := range h.algs { // A is 1/100 of what it is
		s[p] = a.solver.(*newton)
		row := slices.Clone(s[p].share)
		for i := range row[matrixAt:vectorAt] {
			row[matrixAt+i] /= 100
		}
		s[p].sums.Put(p, row)
	}
	h.clock(func(int) {}) // all see it
	h.push(1)
	if e := h.evaluate(); !(e.Objective > before) {
		t.Fatalf("the step is not too long: P went from %v to %v", before, e.Objective)
	}
	for range mostHalvings {
		h.push(1)
		if h.evaluate().Objective <= before {
			return
		}
	}
	t.Errorf("P is still %v, it was %v", h.evaluate().Objective, before)
}
