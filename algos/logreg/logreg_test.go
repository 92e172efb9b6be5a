package logreg

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/configs"
	"petuum/consistency"
	"petuum/table"
)

var (
	_ algos.Preparer  = (*Regression)(nil)
	_ algos.Paced     = (*Regression)(nil)
	_ algos.Predictor = (*Regression)(nil)
)

// objective is P(w).
func (d dense) objective(w []float64) float64 {
	loss, norm := 0.0, 0.0
	for i, row := range d.x {
		m := 0.0
		for j, x := range row {
			m += x * w[j]
		}
		loss += math.Log(1 + math.Exp(-d.y[i]*m))
	}
	for _, x := range w {
		norm += x * x
	}
	return loss/float64(len(d.x)) + d.lambda/2*norm
}

// slopes are the derivatives of P by finite differences.
func (d dense) slopes(w []float64) []float64 {
	const h = 1e-5
	g, w := make([]float64, len(w)), slices.Clone(w)
	for j, x := range w {
		w[j] = x + h
		up := d.objective(w)
		w[j] = x - h
		g[j] = (up - d.objective(w)) / (2 * h)
		w[j] = x
	}
	return g
}

// optimum is P* by descent along the gradient with backtracking and restarted
// momentum: nothing that the package does.
func (d dense) optimum(t testing.TB, features int) float64 {
	t.Helper()
	gradient := func(w []float64) []float64 {
		g := make([]float64, features)
		for i, row := range d.x {
			m := 0.0
			for j, x := range row {
				m += x * w[j]
			}
			k := -d.y[i] / (1 + math.Exp(d.y[i]*m)) / float64(len(d.x))
			for j, x := range row {
				g[j] += k * x
			}
		}
		for j := range g {
			g[j] += d.lambda * w[j]
		}
		return g
	}
	w, v, theta, step := make([]float64, features), make([]float64, features), 1.0, 1.0
	for range 20000 {
		g, at, norm := gradient(v), d.objective(v), 0.0
		for _, x := range g {
			norm += x * x
		}
		if norm <= 1e-12*2*d.lambda { // P is strongly convex: at - P* <= norm / (2 lambda)
			return at
		}
		next := make([]float64, features)
		for {
			for j := range next {
				next[j] = v[j] - step*g[j]
			}
			if d.objective(next) <= at-step/2*norm+1e-16 {
				break
			}
			step /= 2
		}
		if d.objective(next) > d.objective(w) {
			v, theta = slices.Clone(w), 1
			continue
		}
		follow := (1 + math.Sqrt(1+4*theta*theta)) / 2
		for j := range v {
			v[j] = next[j] + (theta-1)/follow*(next[j]-w[j])
		}
		w, theta = next, follow
	}
	t.Fatal("the reference did not converge")
	return 0
}

func near(got, want, tol float64) bool {
	return math.Abs(got-want) <= tol*math.Max(1, math.Abs(want))
}

func TestKernels(t *testing.T) {
	for _, binary := range []bool{false, true} {
		info, data := parts(t, text(1, 40, 12, binary), 1)
		d, s := plain(info, data, 0), samples{x: data[0].X, class: data[0].Class}
		w := []float64{3, 1, -4, 1, 5, -9, 2, 6, 5, 3, 5, -8}[:len(data[0].Keys)]
		for i, row := range d.x {
			dot, square, sum := 0.0, 0.0, slices.Clone(w)
			for j, x := range row {
				dot += x * w[j]
				square += x * x
				sum[j] += 0.5 * x
			}
			if got := s.x.Dot(i, w); !near(got, dot, 1e-12) {
				t.Errorf("row %d: dot: got %v, want %v", i, got, dot)
			}
			if got := s.square(i); !near(got, square, 1e-12) {
				t.Errorf("row %d: square: got %v, want %v", i, got, square)
			}
			got := slices.Clone(w)
			s.x.AddTo(i, 0.5, got)
			if !slices.EqualFunc(got, sum, func(a, b float64) bool { return near(a, b, 1e-12) }) {
				t.Errorf("row %d: add: got %v, want %v", i, got, sum)
			}
			if got := s.sign(i); got != d.y[i] {
				t.Errorf("row %d: sign: got %v, want %v", i, got, d.y[i])
			}
		}
	}
}

func TestLogistic(t *testing.T) {
	for m := -30.0; m <= 30; m += 0.37 {
		if got, want := logistic(m), math.Log(1+math.Exp(-m)); !near(got, want, 1e-12) {
			t.Errorf("logistic(%v): got %v, want %v", m, got, want)
		}
	}
	for m, want := range map[float64]float64{1e4: 0, -1e4: 1e4, 700: math.Exp(-700), -700: 700} {
		if got := logistic(m); got != want {
			t.Errorf("logistic(%v): got %v, want %v", m, got, want)
		}
	}
}

func TestPasses(t *testing.T) {
	for _, c := range []struct{ rows, clocks int }{{0, 3}, {1, 10}, {7, 10}, {10, 10}, {1003, 10}, {50, 1}} {
		p := newPasses(c.rows, c.clocks, 5, 1)
		var orders [][]uint32
		for range 3 {
			var seen []uint32
			for range c.clocks {
				slice := p.next()
				if least, most := c.rows/c.clocks, (c.rows+c.clocks-1)/c.clocks; len(slice) < least || len(slice) > most {
					t.Errorf("%v: a slice of %d rows, want %d to %d", c, len(slice), least, most)
				}
				seen = append(seen, slice...)
			}
			orders = append(orders, slices.Clone(seen))
			slices.Sort(seen)
			for i, r := range seen {
				if r != uint32(i) {
					t.Fatalf("%v: row %d comes as number %d", c, r, i)
				}
			}
			if len(seen) != c.rows {
				t.Errorf("%v: a pass has %d rows", c, len(seen))
			}
		}
		if c.rows > 20 && slices.Equal(orders[0], orders[1]) {
			t.Errorf("%v: two passes in the same order", c)
		}
		same, other := newPasses(c.rows, 1, 5, 1), newPasses(c.rows, 1, 5, 2)
		if !slices.Equal(same.next(), orders[0]) {
			t.Errorf("%v: the order is not that of seed and part", c)
		}
		if c.rows > 20 && slices.Equal(other.next(), orders[0]) {
			t.Errorf("%v: two parts have the same order", c)
		}
	}
}

func TestParameters(t *testing.T) {
	info := dataset.Info{Rows: 200, Features: 5, Classes: []string{"-1", "1"}}
	for _, c := range []struct{ set, want string }{
		{"", ""},
		{"lambda = 0.5", ""},
		{"C = 2", ""},
		{"lambda = 0\nsolver = 'adagrad'", ""},
		{"solver = 'dual'\npenalty = 'l2'\nbatch = 0", ""},
		{"lambda = 1e-4\nC = 1", "give one"},
		{"lambda = 0", "lambda = 0 has no dual"},
		{"lambda = nan", "lambda"},
		{"lambda = -1", "lambda"},
		{"C = inf", "C"},
		{"penalty = 'l1'", `penalty "l1" is not built`},
		{"intercept = true", ""},
		{"solver = 'sgd'", `solver "sgd" is none of`},
		{"solver = 'adagrad'\nstep = 0", "step must be above 0"},
		{"solver = 'adagrad'\nbatch = -1", "batch"},
		{"lamda = 1", "unknown key"},
		{"solver = 'x'\npenalty = 'y'", "penalty"},
	} {
		data := t.TempDir() + "/d"
		writeFile(t, data, "1 1:1\n")
		cfg, err := configs.Parse("job.toml", []byte("[job]\nalgorithm = 'logreg'\n[data]\ntrain = '"+data+"'\n[algorithm]\n"+c.set+"\n"), nil)
		r := New()
		if err == nil {
			err = cfg.Algorithm(r)
		}
		if err == nil {
			_, err = r.Tables(info)
		}
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, want an error with %q", c.set, err, c.want)
		}
	}
	r := New()
	if got := r.weight(200); got != 1e-4 {
		t.Errorf("lambda by default: got %v", got)
	}
	r.C = 2
	if got, want := r.weight(200), 1/400.0; got != want {
		t.Errorf("lambda of C = 2 and 200 rows: got %v, want %v", got, want)
	}
}

func TestData(t *testing.T) {
	for _, c := range []struct {
		info dataset.Info
		want string
	}{
		{dataset.Info{Rows: 3, Features: 1, Classes: []string{"0", "1"}}, ""},
		{dataset.Info{Features: 1}, "no rows"},
		{dataset.Info{Rows: 3, Classes: []string{"0", "1"}}, "no features"},
		{dataset.Info{Rows: 3, Features: 1, Classes: []string{"7"}}, "all rows of the data have the label 7"},
		{dataset.Info{Rows: 3, Features: 1, Classes: []string{"a", "b", "c"}}, "the data has 3 (a, b, c): set data.positive"},
		{dataset.Info{Rows: 99, Features: 1, Classes: strings.Split("123456789", "")}, "the data has 9 (1, 2, 3, 4, 5, 6, 7, 8, ...): set data.positive"},
		{dataset.Info{Rows: 3, Features: 1, TooMany: true}, "quantities"},
		{dataset.Info{Rows: 3, Features: 1}, "quantities"},
	} {
		_, err := New().Tables(c.info)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got %v, want an error with %q", c.info, err, c.want)
		}
	}
}

func TestClocksPerEpoch(t *testing.T) {
	for _, c := range []struct {
		rows        uint64
		batch, want int
	}{{1000, 0, 1}, {1000, 1000, 1}, {1000, 5000, 1}, {1000, 999, 2}, {1000, 64, 16}, {1, 64, 1}} {
		r := New()
		r.Solver, r.Batch = "adagrad", c.batch
		if got := r.ClocksPerEpoch(dataset.Info{Rows: c.rows}); got != c.want {
			t.Errorf("%d rows, batch %d: got %d clocks, want %d", c.rows, c.batch, got, c.want)
		}
	}
}

// ascend must be the zero that bisection finds.
func TestAscend(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for n := range 20000 {
		a, q, beta := 10*r.NormFloat64(), math.Exp(6*r.NormFloat64()), r.Float64()
		switch n % 8 {
		case 0:
			beta = 0
		case 1:
			beta = 1
		case 2:
			q = 0
		case 3:
			beta = sigmoid(20 * r.NormFloat64())
		}
		f := func(u float64) float64 { return u + a + q*(sigmoid(u)-beta) }
		lo, hi := -a-q-1, -a+q+1
		for range 200 {
			if mid := lo + (hi-lo)/2; f(mid) > 0 {
				hi = mid
			} else {
				lo = mid
			}
		}
		if got, want := ascend(a, q, beta), sigmoid(lo); math.Abs(got-want) > 1e-8 {
			t.Fatalf("ascend(%v, %v, %v): got %v, want %v", a, q, beta, got, want)
		}
	}
	for _, c := range [][3]float64{{1e9, 1e9, 0.5}, {-1e300, 1, 0}, {0, 1e300, 1}, {1e5, 1e-300, 0.5}} {
		if b := ascend(c[0], c[1], c[2]); !(b >= 0 && b <= 1) {
			t.Errorf("ascend(%v): got %v", c, b)
		}
	}
}

// The table is the sum that the betas say, the gap is what it takes to be, and
// the dual never descends.
func TestDual(t *testing.T) {
	const lambda = 1e-2
	for _, of := range []int{1, 3, 45} {
		info, data := parts(t, text(2, 40, 15, false), of)
		d := plain(info, data, lambda)
		best := d.optimum(t, int(info.Features))
		h := play(t, info, data, func() *Regression { r := New(); r.Lambda = new(lambda); return r }, nil)
		before := math.Inf(-1)
		gap := math.Inf(1)
		for epoch := 0; gap > 1e-6; epoch++ {
			if epoch == 2000 {
				t.Fatalf("%d parts: gap after %d epochs: got %v", of, epoch, gap)
			}
			h.push(1 + 9*min(epoch, 1)) // the first clock by itself
			want := make([]float64, info.Features)
			entropy, n := 0.0, 0
			for p := range h.algs {
				s := h.algs[p].solver.(*dual)
				for _, b := range s.beta {
					for j, x := range d.x[n] {
						want[j] += b * d.y[n] * x / (lambda * 40)
					}
					if b > 0 && b < 1 {
						entropy -= (b*math.Log(b) + (1-b)*math.Log(1-b)) / 40
					}
					n++
				}
			}
			square := 0.0
			for j, got := range h.values() {
				square += want[j] * want[j]
				if !near(got, want[j], 1e-10) {
					t.Fatalf("%d parts, epoch %d: w[%d]: got %v, want %v", of, epoch, j, got, want[j])
				}
			}
			e := h.evaluate()
			if got := d.objective(want); !near(e.Objective, got, 1e-10) {
				t.Fatalf("%d parts: objective: got %v, want %v", of, e.Objective, got)
			}
			bound := entropy - lambda/2*square
			if !near(e.Objective-e.Gap, bound, 1e-10) {
				t.Fatalf("%d parts: dual: got %v, want %v", of, e.Objective-e.Gap, bound)
			}
			if bound > best+1e-9 || e.Objective < best-1e-9 {
				t.Fatalf("%d parts: P* = %v is not in [%v, %v]", of, best, bound, e.Objective)
			}
			if bound < before-1e-9 {
				t.Fatalf("%d parts, epoch %d: the dual fell from %v to %v", of, epoch, before, bound)
			}
			before, gap = bound, e.Gap
		}
	}
}

// Parts that see nothing of each other for several clocks must not run away.
func TestDualUnseen(t *testing.T) {
	const of, lambda = 6, 1e-3
	info, data := parts(t, text(8, 300, 10, true), of)
	d := plain(info, data, lambda)
	best := d.optimum(t, int(info.Features))
	for _, clocks := range []int{1, 3, 7} {
		h := playUnder(t, consistency.ASP(), info, data, func() *Regression { r := New(); r.Lambda = new(lambda); return r }, nil)
		for range 6000 / clocks {
			h.run(clocks, h.pushOf)
			h.deliver()
		}
		for range 2 { // nothing new: the views come to hold everything
			h.clock(func(int) {})
		}
		if e := h.evaluate(); !(e.Objective-best <= 1e-3*best) {
			t.Errorf("%d clocks unseen: got %v, want %v", clocks, e.Objective, best)
		}
	}
}

// What adagrad sends in a pass amounts to the gradient, whatever the parts and
// the batch. The servers hardly move w here, so that it can be measured.
func TestGradient(t *testing.T) {
	const lambda, eta = 0.05, 1e-7
	for _, of := range []int{1, 3, 45} {
		for _, batch := range []int{0, 1, 7} {
			for _, memory := range []bool{false, true} {
				info, data := parts(t, text(4, 40, 15, false), of)
				h := play(t, info, data, func() *Regression {
					r := New()
					r.Lambda, r.Solver, r.Batch, r.Memory = new(lambda), "adagrad", batch, memory
					return r
				}, func(specs []table.Spec) {
					specs[0].Rule = table.ProximalL1(eta, 0)
					specs[0].Init = table.Init{Spread: 1, Seed: 9}
				})
				clocks := h.algs[0].ClocksPerEpoch(info)
				for pass := range 2 {
					before := h.values()
					want := plain(info, data, lambda).slopes(before)
					h.push(clocks)
					if memory && pass == 0 && batch != 0 {
						continue // the mean is being learnt
					}
					for j, w := range h.values() {
						got := (before[j] - w) / eta / float64(clocks)
						if math.Abs(got-want[j]) > 1e-5 {
							t.Errorf("%d parts, batch %d, memory %v, pass %d: g[%d]: got %v, want %v", of, batch, memory, pass, j, got, want[j])
						}
					}
				}
			}
		}
	}
}

// With memory the mean is the gradient of the loss where every row was last seen.
func TestMean(t *testing.T) {
	info, data := parts(t, text(5, 40, 15, true), 3)
	h := play(t, info, data, func() *Regression {
		r := New()
		r.Solver, r.Batch, r.Memory = "adagrad", 5, true
		return r
	}, nil)
	h.push(37)
	d, n := plain(info, data, 0), 0
	want := make([]float64, info.Features)
	for p := range h.algs {
		for _, k := range h.algs[p].solver.(*adagrad).k {
			for j, x := range d.x[n] {
				want[j] += k * x / 40
			}
			n++
		}
	}
	for p := range h.algs {
		v := h.algs[p].solver.(*adagrad).mean
		for i, got := range v.Values() {
			if j := v.Key(i); !near(got, want[j], 1e-12) {
				t.Errorf("part %d: mean[%d]: got %v, want %v", p, j, got, want[j])
			}
		}
	}
}

func TestPushAllocatesNothing(t *testing.T) {
	info, data := parts(t, text(6, 400, 30, false), 1)
	for _, solver := range []string{"dual", "adagrad"} {
		h := play(t, info, data, func() *Regression { r := New(); r.Solver = solver; return r }, nil)
		got := testing.AllocsPerRun(50, func() { h.algs[0].Push(h.workers[0], algos.Block{}) })
		if got != 0 {
			t.Errorf("%s: got %v allocations a push", solver, got)
		}
	}
}

type model map[uint64]float64

func (m model) Values(_ string, keys []uint64) ([]float64, error) {
	v := make([]float64, len(keys))
	for i, k := range keys {
		v[i] = m[k]
	}
	return v, nil
}

func TestPredict(t *testing.T) {
	info, data := parts(t, "-1 1:2 3:1\n+1 2:1 3:-1\n-1\n", 1)
	scores := make([]float64, 3)
	if err := New().Predict(info, model{0: 0.5, 1: 3, 2: -1}, data[0], scores); err != nil {
		t.Fatal(err)
	}
	if want := []float64{0, 4, 0}; !slices.Equal(scores, want) {
		t.Errorf("scores: got %v, want %v", scores, want)
	}
	with := New()
	with.Intercept = true
	if err := with.Predict(info, model{0: 0.5, 1: 3, 2: -1, 3: 10}, data[0], scores); err != nil {
		t.Fatal(err)
	}
	if want := []float64{10, 14, 10}; !slices.Equal(scores, want) {
		t.Errorf("scores with an intercept of 10: got %v, want %v", scores, want)
	}
	if got := New().Task(); got != algos.Binary {
		t.Errorf("task: got %v", got)
	}
}

// A row whose score is 0 is not a correct one.
func TestAccuracy(t *testing.T) {
	info, data := parts(t, "-1 1:1\n+1 2:1\n-1\n+1 1:1 2:1\n", 1)
	h := play(t, info, data, New, func(s []table.Spec) { s[0].Init = table.Init{} })
	if got := h.evaluate().Metrics["train_accuracy"]; got != 0 {
		t.Errorf("accuracy of w = 0: got %v, want 0", got)
	}
	if got := h.evaluate(); !near(got.Objective, math.Ln2, 1e-12) || !near(got.Gap, math.Ln2, 1e-12) {
		t.Errorf("w = 0: got objective %v and gap %v, want ln 2", got.Objective, got.Gap)
	}
	h.push(300)
	if got := h.evaluate().Metrics["train_accuracy"]; got < 0.5 || got > 0.75 {
		t.Errorf("accuracy: got %v, want 1/2 or 3/4: the empty row is never right", got)
	}
}
