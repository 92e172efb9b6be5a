package newton

import (
	"math"
	"slices"
	"testing"

	"petuum/algos/dataset"
	"petuum/algos/linear"
	"petuum/algos/linear/plain"
)

// The block is of the columns with the most curvature, whichever parts they are in,
// and its direction is the Newton step of them.
func TestBlock(t *testing.T) {
	const lambda = 1e-4
	for _, features := range []int{30, 400} {
		info, data := read(t, hard(900, features), 3, false)
		p := plain.Of(info, data, linear.Logistic, lambda, false)
		h := play(t, info, data, logistic(lambda))
		first := h.solvers[0]
		for !first.block.made || !first.found {
			h.Push(1)
			if h.Workers[0].Clock > 100 {
				t.Fatalf("%d features: no block after 100 clocks", features)
			}
		}
		for n, s := range h.solvers {
			if len(s.block.x) != first.block.size || !slices.Equal(s.block.x, first.block.x) {
				t.Fatalf("%d features: part %d: another step than part 0", features, n)
			}
		}
		var keys []uint64
		for i := range first.block.w.Len() {
			keys = append(keys, first.block.w.Key(i))
		}
		if want := min(features, blockSize); len(keys) != want {
			t.Fatalf("%d features: a block of %d, want %d", features, len(keys), want)
		}
		// H x = -(g + lambda w), with D at the weights that the block was made at,
		// which are those of now as long as D has hardly changed.
		w := h.values()
		_, g := p.Smooth(w)
		hx, off, size := make([]float64, features), 0.0, 0.0
		curvature := make([]nominee, features)
		for i, row := range p.X {
			s, v := 1/(1+math.Exp(-p.Scores(i, w)[0])), 0.0
			for n, j := range keys {
				v += row[j] * first.block.x[n]
			}
			for j, x := range row {
				hx[j] += s * (1 - s) * v * x / p.N
				curvature[j].key = uint64(j)
				curvature[j].curvature += s * (1 - s) * x * x / p.N
			}
		}
		for n, j := range keys {
			d := hx[j] + lambda*first.block.x[n] + g[0][j]
			off += d * d
			size += g[0][j] * g[0][j]
		}
		if off = math.Sqrt(off / size); !(off <= 0.3) {
			t.Errorf("%d features: H x is off by %.2g of the slope", features, off)
		}
		// Nearly all are the foremost of now.
		here := 0
		for _, n := range foremost(curvature, len(keys)) {
			if slices.Contains(keys, n.key) {
				here++
			}
		}
		if want := len(keys) * 9 / 10; here < want {
			t.Errorf("%d features: %d of the %d foremost columns are in the block, want %d", features, here, len(keys), want)
		}
	}
}

// The block stays small where rows are long; that of several outputs is all columns,
// or there is none.
func TestBlockSize(t *testing.T) {
	for _, c := range []struct {
		outputs            int
		coupled            bool
		keys, rows, values uint64
		want               uint64 // elements of all B
		tables             int
	}{
		{1, false, 5, 10, 20, 15, 1},
		{1, false, 256, 10, 20, 256 * 257 / 2, 1},
		{1, false, 257, 10, 20, 256 * 257 / 2, 2},
		{1, false, 1000, 10, 10000, 32 * 33 / 2, 2},
		{1, false, 90, 10, 900, 90 * 91 / 2, 1},
		{1, false, 100, 10, 1000, 81 * 82 / 2, 2},
		{3, false, 5, 10, 20, 3 * 15, 1},
		{26, false, 17, 16000, 16000 * 16, 26 * 17 * 18 / 2, 1},
		{10, false, 65, 1797, 1797 * 64, 10 * 65 * 66 / 2, 1},
		{26, true, 17, 16000, 16000 * 16, 442 * 443 / 2, 1},
		{10, true, 65, 1797, 1797 * 64, 10 * 65 * 66 / 2, 1},
		{90, true, 27, 6000, 6000 * 26, 90 * 27 * 28 / 2, 1},
		{3, false, 200, 20000, 20000 * 10, 0, 0},
		{3, false, 257, 10, 20, 0, 0},
		{10, false, 256, 10, 2560, 0, 0},
	} {
		p := linear.Problem{Columns: c.keys, Outputs: c.outputs, Coupled: c.coupled}
		specs, got := blockTables(&p, dataset.Info{Rows: c.rows, NonZeros: c.values}), uint64(0)
		if len(specs) > 0 {
			got = specs[0].Keys
		}
		if got != c.want || len(specs) != c.tables {
			t.Errorf("%+v: got %d elements, %d tables", c, got, len(specs))
		}
	}
}

// More columns than the block, with every penalty.
func TestBeyondTheBlock(t *testing.T) {
	text := hard(400, 300)
	for _, c := range []struct {
		penalty string
		l1, l2  float64
		clocks  int
	}{{"l2", 0, 2e-3, 150}, {"l1", 2e-3, 0, 400}, {"elastic", 1e-3, 1e-3, 300}} {
		info, data := read(t, text, 3, false)
		p := plain.Of(info, data, linear.Logistic, c.l2, false)
		p.L1 = c.l1
		h := play(t, info, data, func(m *linear.Model) {
			lambda := c.l1 + c.l2
			m.Lambda, m.Penalty = &lambda, c.penalty
		})
		h.Push(c.clocks)
		h.alike(p)
		if !h.solvers[0].block.made || h.solvers[0].block.whole() {
			t.Errorf("%s: there is no block of some columns", c.penalty)
		}
		if got := p.Violation(h.values()); !(got <= 1e-6) {
			t.Errorf("%s: violation after %d clocks: got %.3g, want 1e-6", c.penalty, c.clocks, got)
		}
	}
}

// H is diag(X'DX) with D that of the loss, here where all scores are 0.
func TestCurvature(t *testing.T) {
	for _, c := range []struct {
		loss     string
		text     string
		quantity bool
		want     float64 // D
	}{
		{linear.Logistic, plain.Text(2, 60, 9, false, plain.Sign), false, 1.0 / 4},
		{linear.Logistic, plain.Text(2, 60, 9, false, plain.Three), false, 1.0 / 3 * 2 / 3},
		{linear.SquaredHinge, plain.Text(2, 60, 9, false, plain.Sign), false, 2},
		{linear.Squared, plain.Text(2, 60, 9, false, plain.Quantity), true, 1},
	} {
		info, data := read(t, c.text, 3, c.quantity)
		p := plain.Of(info, data, c.loss, 0, false)
		want := make([]float64, info.Features)
		for _, row := range p.X {
			for j, x := range row {
				want[j] += c.want * x * x / p.N
			}
		}
		h := play(t, info, data, func(m *linear.Model) { m.Loss = c.loss })
		for n, s := range h.solvers {
			for i, got := range s.curvature.Values() {
				if j := s.Keys.Key(i / s.Outputs); !plain.Near(got, want[j], 1e-12) {
					t.Errorf("%s, %d outputs: part %d: H of column %d: got %v, want %v", c.loss, s.Outputs, n, j, got, want[j])
				}
			}
		}
	}
}

// The penalty may change between two clocks: the factor is then another. Of least
// squares a step on the block is the whole way.
func TestPenaltyChanges(t *testing.T) {
	info, data := read(t, plain.Text(23, 150, 18, false, plain.Quantity), 3, true)
	h := play(t, info, data, func(m *linear.Model) { m.Loss, m.Lambda = linear.Squared, new(1.0) })
	for _, l2 := range []float64{1, 0.01, 0.001} {
		for _, s := range h.solvers {
			s.L2 = l2
		}
		h.Push(10)
		p := plain.Of(info, data, linear.Squared, l2, false)
		h.alike(p)
		if got := p.Violation(h.values()); !(got <= 1e-9) {
			t.Errorf("L2 = %v: violation: got %v, want 1e-9", l2, got)
		}
	}
}
