package proximal_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"petuum/algos"
	"petuum/algos/algotest"
	"petuum/algos/dataset"
	"petuum/algos/linear"
	"petuum/algos/logreg"
	"petuum/algos/regression"
	"petuum/algos/svm"
	"petuum/consistency"
	"petuum/table"
)

// write makes data whose labels follow some of the features. label makes one of a score.
func write(t testing.TB, seed uint64, rows, features int, label func(score float64, r *rand.Rand) float64) string {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 0))
	var b strings.Builder
	for range rows {
		score, line := 0.0, ""
		for j := range features {
			if r.Float64() < 0.4 {
				x := math.Round(100*r.NormFloat64()) / 100
				score += x * float64(j%5-2) / 2
				line += fmt.Sprintf(" %d:%g", j+1, x)
			}
		}
		fmt.Fprintf(&b, "%g%s\n", label(score, r), line)
	}
	path := filepath.Join(t.TempDir(), "train.libsvm")
	if err := os.WriteFile(path, []byte(b.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func sign(score float64, r *rand.Rand) float64 {
	if score+r.NormFloat64() > 0 {
		return 1
	}
	return -1
}

func quantity(score float64, r *rand.Rand) float64 { return score + r.NormFloat64() }

func count(score float64, r *rand.Rand) float64 {
	return math.Floor(math.Exp(min(score, 4)/3) + r.Float64())
}

// optimum is coordinate descent with one column after the other, on steps that a bound
// of the curvature makes safe, until nothing moves: loss gives the value, slope and
// bound of a row's loss.
func optimum(all *dataset.Part, l1, l2 float64, free int, loss func(m float64, i int) (value, slope, bound float64)) float64 {
	n := all.X.Rows()
	x := make([][]float64, all.X.Cols())
	for j := range x {
		x[j] = make([]float64, n)
	}
	for i := range n {
		for j, v := range all.X.Row(i) {
			x[j][i] = v
		}
	}
	m, w := make([]float64, n), make([]float64, len(x))
	penalty := func(j int) (float64, float64) {
		if j == free {
			return 0, 0
		}
		return l1, l2
	}
	for range 20_000 {
		most := 0.0
		for j, col := range x {
			g, h := 0.0, 0.0
			for i, v := range col {
				_, k, d := loss(m[i], i)
				g, h = g+k*v/float64(n), h+d*v*v/float64(n)
			}
			l1, l2 := penalty(j)
			d := table.SoftThreshold(h*w[j]-g, l1)/(h+l2) - w[j]
			w[j] += d
			for i, v := range col {
				m[i] += d * v
			}
			most = max(most, math.Abs(d))
		}
		if most < 1e-11 {
			break
		}
	}
	p := 0.0
	for i, s := range m {
		v, _, _ := loss(s, i)
		p += v / float64(n)
	}
	for j, v := range w {
		l1, l2 := penalty(j)
		p += l1*math.Abs(v) + l2/2*v*v
	}
	return p
}

// logloss is the logistic loss of classes that are 0 and 1.
func logloss(all *dataset.Part) func(float64, int) (float64, float64, float64) {
	return func(m float64, i int) (float64, float64, float64) {
		y := float64(2*all.Class[i] - 1)
		return math.Log1p(math.Exp(-y * m)), -y / (1 + math.Exp(y*m)), 0.25
	}
}

func with(m *linear.Model, penalty string, lambda float64) *linear.Model {
	m.Solver, m.Penalty, m.Lambda, m.Blocks = "proximal", penalty, &lambda, 8
	return m
}

func TestConformance(t *testing.T) {
	const lambda = 0.01
	algotest.Conformance(t, algotest.Suite{
		New:       func() algos.Algorithm { return logreg.New() },
		Set:       func(a algos.Algorithm) { with(a.(*linear.Model), "l1", lambda) },
		Path:      write(t, 1, 200, 20, sign),
		Stop:      algos.Stop{Epochs: 600},
		Window:    1,
		Tolerance: 1e-6,
		Reference: func(_ testing.TB, _ dataset.Info, all *dataset.Part) float64 {
			return optimum(all, lambda, 0, -1, logloss(all))
		},
		Refused: []string{"solver = \"proximal\"\nblocks = -1", "blocks = 100000", "solver = \"proximall\""},
	})
}

// Losses, penalties and outputs, against independent optima.
func TestOptimum(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine computes for long")
	}
	const lambda = 0.02
	labels := func(all *dataset.Part, f func(m, y float64) (float64, float64, float64)) func(float64, int) (float64, float64, float64) {
		return func(m float64, i int) (float64, float64, float64) {
			if all.Labels != nil && all.Class == nil {
				return f(m, all.Labels[i])
			}
			return f(m, float64(2*all.Class[i]-1))
		}
	}
	squared := func(m, y float64) (float64, float64, float64) { return (m - y) * (m - y) / 2, m - y, 1 }
	hinge := func(m, y float64) (float64, float64, float64) {
		u := max(0, 1-y*m)
		return u * u, -2 * y * u, 2
	}
	huber := func(m, y float64) (float64, float64, float64) {
		r := m - y
		if math.Abs(r) > 1 {
			return math.Abs(r) - 0.5, math.Copysign(1, r), 1
		}
		return r * r / 2, r, 1
	}
	poisson := func(m, y float64) (float64, float64, float64) {
		return math.Exp(m) - y*m, math.Exp(m) - y, 4 * math.Exp(m)
	}
	for _, c := range []struct {
		name, loss, penalty string
		make                func() *linear.Model
		label               func(float64, *rand.Rand) float64
		row                 func(m, y float64) (float64, float64, float64)
		l1, l2              float64
		free                bool
	}{
		{"squared", "squared", "l1", regression.New, quantity, squared, lambda, 0, false},
		{"squared, none", "squared", "none", regression.New, quantity, squared, 0, 0, false},
		{"huber", "huber", "elastic", regression.New, quantity, huber, lambda / 2, lambda / 2, false},
		{"poisson", "poisson", "l1", regression.New, count, poisson, lambda, 0, false},
		{"poisson, free intercept", "poisson", "l2", regression.New, count, poisson, 0, lambda, true},
		{"hinge", "squared_hinge", "l1", svm.New, sign, hinge, lambda, 0, false},
		{"squared, free intercept", "squared", "l1", regression.New, quantity, squared, lambda, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := write(t, 3, 150, 15, c.label)
			for _, policy := range []consistency.Policy{consistency.BSP(), consistency.SSP(2)} {
				var want float64
				r := algotest.Train(t, algotest.Job{New: func() algos.Algorithm {
					m := with(c.make(), c.penalty, lambda)
					m.Loss, m.Intercept, m.Unpenalised = c.loss, c.free, c.free
					return m
				}, Path: path, Parts: 3, Shards: 2, Policy: policy, Seed: 5, Delay: 5, Stop: algos.Stop{Epochs: 150}})
				o := dataset.Defaults()
				o.Quantity = c.loss != "squared_hinge"
				scan, err := dataset.Scan([]string{path}, o, []int{0}, 1)
				if err != nil {
					t.Fatal(err)
				}
				info := scan.Info(0)
				parts, err := scan.Parts(info)
				if err != nil {
					t.Fatal(err)
				}
				free := -1
				if c.free {
					if err := parts[0].Append(info.Features, 1); err != nil {
						t.Fatal(err)
					}
					free = parts[0].X.Cols() - 1
				}
				want = optimum(parts[0], c.l1, c.l2, free, labels(parts[0], c.row))
				if got := r.Eval.Objective; !(math.Abs(got-want) <= 1e-6*math.Abs(want)) {
					t.Errorf("%s: got an objective of %.10g, want %.10g", policy, got, want)
				}
			}
		})
	}
}

// Outputs with a loss in common end where Newton's method ends.
func TestSoftmax(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine computes for long")
	}
	path := write(t, 9, 200, 12, func(score float64, r *rand.Rand) float64 {
		return math.Floor(min(max(score+r.NormFloat64(), -1), 2))
	})
	for _, intercept := range []bool{false, true} {
		job := func(solver string, policy consistency.Policy) float64 {
			return algotest.Train(t, algotest.Job{New: func() algos.Algorithm {
				m := with(logreg.New(), "l2", 0.01)
				m.Solver, m.Intercept, m.Unpenalised = solver, intercept, intercept
				return m
			}, Path: path, Parts: 3, Policy: policy, Seed: 2, Stop: algos.Stop{Epochs: 100}}).Eval.Objective
		}
		want := job("newton", consistency.BSP())
		for _, policy := range []consistency.Policy{consistency.BSP(), consistency.SSP(1)} {
			if got := job("proximal", policy); !(math.Abs(got-want) <= 1e-6*want) {
				t.Errorf("%s, intercept %t: got an objective of %.10g, want %.10g", policy, intercept, got, want)
			}
		}
	}
}

// passes is how many passes a job takes to within 1e-6 of want.
func passes(t *testing.T, path string, parts int, policy string, blocks int, penalty string, lambda, want float64) int {
	t.Helper()
	p, err := consistency.ParsePolicy(policy)
	if err != nil {
		t.Fatal(err)
	}
	goal := want * (1 + 1e-6)
	r := algotest.Train(t, algotest.Job{New: func() algos.Algorithm {
		m := with(logreg.New(), penalty, lambda)
		m.Blocks = blocks
		return m
	}, Path: path, Parts: parts, Shards: 2, Policy: p, Eager: p.Eager(), Seed: 1, Stop: algos.Stop{Epochs: 400, Objective: &goal}})
	if r.Reason != algos.ReasonObjective {
		t.Fatalf("%d parts, %s: got an objective of %.9g after 400 passes, want %.9g", parts, policy, r.Eval.Objective, goal)
	}
	t.Logf("%d parts, %s: %d passes, %.3g of the columns asleep", parts, policy, len(r.Curve)-1, r.Eval.Metrics["kkt_filtered"])
	return len(r.Curve) - 1
}

// Sums of shares are exact, so that parts do not cost passes.
func TestPasses(t *testing.T) {
	const embedded, want = "../../../configs/data/a9a.train.libsvm.gz", 0.32689896
	if testing.Short() {
		t.Skip("real data in short mode")
	}
	one := passes(t, embedded, 1, "bsp", 32, "l1", 1e-4, want)
	for _, parts := range []int{2, 8} {
		if got := passes(t, embedded, parts, "bsp", 32, "l1", 1e-4, want); 10*got > 13*one {
			t.Errorf("got %d passes with %d parts, want about the %d of one", got, parts, one)
		}
	}
	passes(t, embedded, 2, "ssp:3", 0, "l1", 1e-4, want)
	const shared = "../../../../shared/data/sparse-binary/debian-arch.train.libsvm.gz"
	if _, err := os.Stat(shared); err != nil {
		t.Skip("the data set is not here: ", err)
	}
	passes(t, shared, 2, "ssp:3", 0, "l1", 1e-3, 0.16679019)
}

// Of two columns that are nearly alike the first to move leaves the other asleep, which
// has to wake up: its slope is below L1 only while the first is too large.
func TestAwakening(t *testing.T) {
	const lambda = 0.02
	r := rand.New(rand.NewPCG(7, 7))
	var b strings.Builder
	for range 300 {
		x, y := r.NormFloat64(), r.NormFloat64()
		s := 2*x - y
		fmt.Fprintf(&b, "%g 1:%.4f 2:%.4f", s+0.1*r.NormFloat64(), 3*(x-0.4*y), y)
		for j := range 40 {
			fmt.Fprintf(&b, " %d:%.4f", j+3, r.NormFloat64())
		}
		b.WriteByte('\n')
	}
	path := filepath.Join(t.TempDir(), "train.libsvm")
	if err := os.WriteFile(path, []byte(b.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	o := dataset.Defaults()
	o.Quantity = true
	scan, err := dataset.Scan([]string{path}, o, []int{0}, 1)
	if err != nil {
		t.Fatal(err)
	}
	parts, err := scan.Parts(scan.Info(0))
	if err != nil {
		t.Fatal(err)
	}
	all := parts[0]
	want := optimum(all, lambda, 0, -1, func(m float64, i int) (float64, float64, float64) {
		d := m - all.Labels[i]
		return d * d / 2, d, 1
	})
	for delay := range uint64(4) {
		got := algotest.Train(t, algotest.Job{New: func() algos.Algorithm { return with(regression.New(), "l1", lambda) },
			Path: path, Parts: 2, Shards: 2, Policy: consistency.SSP(1), Seed: delay, Delay: delay, Stop: algos.Stop{Tolerance: 1e-9}})
		if off := math.Abs(got.Eval.Objective - want); !(off <= 1e-6*want) || got.Reason != algos.ReasonTolerance {
			t.Errorf("delays by seed %d: got an objective of %.10g (%s), want %.10g", delay, got.Eval.Objective, got.Reason, want)
		}
		if asleep := got.Eval.Metrics["kkt_filtered"]; !(asleep > 0.2 && asleep < 1) {
			t.Errorf("delays by seed %d: got %g of the columns asleep in the end, want many, not all", delay, asleep)
		}
	}
}
