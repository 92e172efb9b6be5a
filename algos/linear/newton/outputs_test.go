package newton

import (
	"math"
	"strconv"
	"testing"

	"petuum/algos/linear"
	"petuum/algos/linear/plain"
)

// outputs are blocks of several outputs: of all together, or of each.
var outputs = []struct {
	name              string
	classes, features int
	multi             string
	joint             bool
}{
	{"softmax", 3, 12, "softmax", true},
	{"softmax of many classes", 26, 24, "softmax", false},
	{"one-vs-rest", 3, 12, "ovr", false},
}

// classes makes a label of one of k classes of a score.
func classes(k int) func(score, noise float64) string {
	return func(score, noise float64) string {
		return strconv.Itoa(int(math.Floor(3*(score+noise))+1e3*float64(k)) % k)
	}
}

// The first step on the block is the Newton step: of all outputs together, or of each.
func TestBlockOfOutputs(t *testing.T) {
	const lambda = 1e-3
	for _, c := range outputs {
		info, data := read(t, plain.Text(22, 200, c.features, false, classes(c.classes)), 3, false)
		h := play(t, info, data, func(m *linear.Model) { m.Lambda, m.Multi = new(lambda), c.multi })
		first := h.solvers[0]
		if first.block == nil || first.block.joint() != c.joint {
			t.Fatalf("%s: no block, or another than is wanted", c.name)
		}
		for !first.found {
			h.Push(1)
		}
		p := plain.Of(info, data, linear.Logistic, lambda, false)
		p.Outputs, p.Softmax = c.classes, c.multi == "softmax"
		_, g := p.Smooth(h.values())
		x := make([][]float64, c.classes)
		for k := range x {
			x[k] = make([]float64, info.Features)
			for _, s := range h.solvers {
				for j := range s.X.Cols() {
					x[k][s.Keys.Key(j)] = s.dirs[0].cols[k*s.X.Cols()+j]
				}
			}
		}
		// At weights of 0 all classes are as likely.
		likely := 1 / float64(c.classes)
		same, other := 1.0/4, 0.0
		if p.Softmax {
			same = likely * (1 - likely)
		}
		if c.joint {
			other = -likely * likely
		}
		off, size := 0.0, 0.0
		for k := range x {
			left := make([]float64, info.Features)
			for j := range left {
				left[j] = g[k][j] + lambda*x[k][j]
			}
			for _, row := range p.X {
				d := 0.0
				for o := range x {
					by := other
					if o == k {
						by = same
					}
					for j, v := range row {
						d += by * v * x[o][j] / p.N
					}
				}
				for j, v := range row {
					left[j] += d * v
				}
			}
			for j := range left {
				off += left[j] * left[j]
				size += g[k][j] * g[k][j]
			}
		}
		if off = math.Sqrt(off / size); !(off <= 1e-9) {
			t.Errorf("%s: H x is off by %.2g of the slope", c.name, off)
		}
	}
}

// Blocks of several outputs lead to the optimum, with every penalty, and the parts agree.
func TestOptimumOfOutputs(t *testing.T) {
	for _, c := range outputs {
		for _, l := range []struct {
			penalty string
			l1, l2  float64
			clocks  int
		}{{"l2", 0, 1e-3, 120}, {"l1", 5e-3, 0, 200}, {"elastic", 3e-3, 3e-3, 200}} {
			t.Run(c.name+" "+l.penalty, func(t *testing.T) {
				info, data := read(t, plain.Text(22, 200, c.features, false, classes(c.classes)), 3, false)
				p := plain.Of(info, data, linear.Logistic, l.l2, true)
				p.Outputs, p.Softmax, p.L1, p.Free = c.classes, c.multi == "softmax", l.l1, len(p.X[0])-1
				h := play(t, info, data, func(m *linear.Model) {
					m.Lambda, m.Penalty, m.Multi = new(l.l1+l.l2), l.penalty, c.multi
					m.Intercept, m.Unpenalised = true, true
				})
				for range l.clocks / 10 {
					h.Push(10)
					h.alike(p)
				}
				if got := p.Violation(h.values()); !(got <= 1e-7) {
					t.Errorf("violation after %d clocks: got %.3g, want 1e-7", l.clocks, got)
				}
				if b := h.solvers[0].block; b == nil || !b.made {
					t.Error("there is no block")
				}
			})
		}
	}
}

// What unlikely pairs are left out of stays positive: the step is one downhill where
// some rows are sure of their class and others are not.
func TestUnlikelyPairs(t *testing.T) {
	info, data := read(t, plain.Text(22, 300, 12, false, plain.Three), 2, false)
	h := play(t, info, data, func(m *linear.Model) { m.Lambda, m.Multi = new(1e-7), "softmax" })
	s := h.solvers[0]
	for range 40 {
		h.Push(1)
		if !s.found {
			continue
		}
		down := 0.0
		for i, x := range s.dirs[0].cols {
			down += x * s.q[i]
		}
		if !(down >= 0) {
			t.Fatalf("clock %d: the slope along the step is %v", h.Workers[0].Clock, -down)
		}
	}
}
