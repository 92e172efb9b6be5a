package lasso

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"petuum/algos"
	"petuum/algos/algotest"
	"petuum/algos/dataset"
)

// dense is the data with every column as the penalty sees it: centred and scaled.
type dense struct {
	x      [][]float64 // by column
	y      []float64
	mean   []float64
	scale  []float64
	center float64
}

func densify(l *Lasso, part *dataset.Part, features uint64) dense {
	n, columns := len(part.Labels), part.ByColumn()
	d := dense{y: slices.Clone(part.Labels), x: make([][]float64, features),
		mean: make([]float64, features), scale: make([]float64, features)}
	for j := range d.x {
		d.x[j] = make([]float64, n)
	}
	for j := range columns.Rows() {
		for i, v := range columns.Row(j) {
			d.x[part.Key(j)][i] = v
		}
	}
	for j, x := range d.x {
		mean, variance := 0.0, 0.0
		for _, v := range x {
			mean += v / float64(n)
		}
		for _, v := range x {
			variance += (v - mean) * (v - mean) / float64(n)
		}
		d.scale[j] = 1
		if l.Standardize && variance > 1e-20 {
			d.scale[j] = math.Sqrt(variance)
		}
		if l.Intercept {
			d.mean[j] = mean
		}
		for i := range x {
			x[i] = (x[i] - d.mean[j]) / d.scale[j]
			if variance <= 1e-20 && (l.Intercept || l.Standardize) {
				x[i] = 0
			}
		}
	}
	if l.Intercept {
		for _, y := range d.y {
			d.center += y / float64(n)
		}
		for i := range d.y {
			d.y[i] -= d.center
		}
	}
	return d
}

func inner(x, y []float64) (sum float64) {
	for i, v := range x {
		sum += v * y[i]
	}
	return sum
}

// lambdaMax is the largest |x_j.y| / n.
func (d dense) lambdaMax() (most float64) {
	for _, x := range d.x {
		most = max(most, math.Abs(inner(x, d.y))/float64(len(d.y)))
	}
	return most
}

// lasso is coordinate descent, one column after the other, until nothing moves.
func (d dense) lasso(lambda float64) (objective float64, b []float64) {
	n := float64(len(d.y))
	r, b := slices.Clone(d.y), make([]float64, len(d.x))
	for range 200_000 {
		worst := 0.0
		for j, x := range d.x {
			norm := inner(x, x)
			if norm == 0 {
				continue
			}
			u := inner(x, r) + norm*b[j]
			to := math.Copysign(max(math.Abs(u)-n*lambda, 0)/norm, u)
			if step := to - b[j]; step != 0 {
				worst = max(worst, math.Abs(step)*math.Sqrt(norm))
				b[j] = to
				for i, v := range x {
					r[i] -= step * v
				}
			}
		}
		if worst < 1e-11*math.Sqrt(inner(d.y, d.y)) {
			break
		}
	}
	objective = inner(r, r) / (2 * n)
	for _, v := range b {
		objective += lambda * math.Abs(v)
	}
	return objective, b
}

// reference is the optimum for an instance's parameters.
func reference(l *Lasso, part *dataset.Part, features uint64) (float64, []float64, dense) {
	d := densify(l, part, features)
	lambda := l.Lambda
	if lambda == 0 {
		lambda = l.LambdaRatio * d.lambdaMax()
	}
	objective, b := d.lasso(lambda)
	return objective, b, d
}

// shape is random data: correlated columns, of other means and units, sparse or
// not; the last column is constant, and one is the copy of another.
type shape struct {
	rows, features int
	density        float64
	correlation    float64
	ones           bool
	fixed          int  // a column of twos; 0: none
	classes        bool // labels are of two classes
}

func (s shape) write(t testing.TB) string {
	rng := rand.New(rand.NewPCG(uint64(s.rows), uint64(s.features)))
	var b strings.Builder
	for range s.rows {
		common := rng.NormFloat64()
		row := make([]float64, s.features)
		y := 5 + rng.NormFloat64()
		for j := range row {
			if rng.Float64() < s.density {
				row[j] = float64(1+j%5) * (math.Sqrt(s.correlation)*common + math.Sqrt(1-s.correlation)*rng.NormFloat64() + float64(j%3))
				if s.ones {
					row[j] = 1
				}
			}
			if j < 6 {
				y += row[j] * float64(3-j)
			}
		}
		row[4], row[s.features-1] = row[2], 1
		if s.fixed > 0 {
			row[s.fixed] = 2
		}
		switch {
		case !s.classes:
			fmt.Fprintf(&b, "%.5f", y)
		case y > 5+4*rng.NormFloat64():
			b.WriteString("7")
		default:
			b.WriteString("3")
		}
		for j, v := range row {
			if v != 0 {
				fmt.Fprintf(&b, " %d:%.5g", j+1, v)
			}
		}
		b.WriteByte('\n')
	}
	path := filepath.Join(t.TempDir(), "random.libsvm")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t testing.TB, path string) (dataset.Info, *dataset.Part) {
	t.Helper()
	return readWith(t, path, shape{}.options())
}

func with(set func(*Lasso)) func() algos.Algorithm {
	return func() algos.Algorithm {
		l := New()
		l.LambdaRatio = 0.05
		set(l)
		return l
	}
}

func TestConformance(t *testing.T) {
	set := func(a algos.Algorithm) { a.(*Lasso).LambdaRatio, a.(*Lasso).Block = 0.02, 7 }
	algotest.Conformance(t, algotest.Suite{
		New:       func() algos.Algorithm { return New() },
		Set:       set,
		Path:      shape{rows: 83, features: 40, density: 0.4, correlation: 0.5}.write(t),
		Stop:      algos.Stop{Tolerance: 1e-8, Clocks: 5000},
		Tolerance: 1e-8,
		Clocks:    200,
		Reference: func(_ testing.TB, d dataset.Info, all *dataset.Part) float64 {
			l := New()
			set(l)
			objective, _, _ := reference(l, all, d.Features)
			return objective
		},
		Refused: []string{"", "lambda = 1\nlambda_ratio = 0.1", "lambda = -1", "lambda = inf", "lambda_ratio = 1.5",
			"lambda = 1\nblock = -1", "lambda = 1\nblock = 5000", "lambda = 1\npriority = \"beta\"", "lambda = nan"},
	})
}

// The centring and scaling by statistics is that of the densified columns, in
// every combination, and so are coefficients, intercept and predictions.
func TestAgainstDense(t *testing.T) {
	for _, s := range []shape{
		{rows: 60, features: 25, density: 1, correlation: 0.9},
		{rows: 50, features: 120, density: 1, correlation: 0.3},
		{rows: 200, features: 80, density: 0.1},
		{rows: 150, features: 60, density: 0.2, ones: true},
	} {
		path := s.write(t)
		info, all := read(t, path)
		for _, standardize := range []bool{true, false} {
			for _, intercept := range []bool{true, false} {
				make := with(func(l *Lasso) { l.Standardize, l.Intercept = standardize, intercept })
				want, b, d := reference(make().(*Lasso), all, info.Features)
				for _, block := range []int{0, 2, 9} {
					t.Run(fmt.Sprintf("%+v/standardize=%v/intercept=%v/block=%d", s, standardize, intercept, block), func(t *testing.T) {
						make := with(func(l *Lasso) { l.Standardize, l.Intercept, l.Block = standardize, intercept, block })
						r := algotest.Train(t, algotest.Job{New: make, Path: path, Parts: 3, Shards: 2, Stop: algos.Stop{Tolerance: 1e-9, Clocks: 50000}})
						got := r.Eval.Objective
						if off := math.Abs(got-want) / want; !(off < 1e-9) || r.Reason != algos.ReasonTolerance {
							t.Errorf("after %d rounds (%s) got %.12g, want %.12g: off by %.3g", r.Clocks, r.Reason, got, want, off)
						}
						if lambda := 0.05 * d.lambdaMax(); math.Abs(r.Eval.Metrics["lambda"]-lambda) > 1e-10*lambda {
							t.Errorf("got lambda %v, want %v", r.Eval.Metrics["lambda"], lambda)
						}
						d.checkFit(t, r, path, b)
					})
				}
			}
		}
	}
}

// checkFit compares predictions, which are unique where coefficients are not.
func (d dense) checkFit(t *testing.T, r algotest.Result, path string, b []float64) {
	t.Helper()
	scores, part := r.Predict(t, path)
	b0, err := r.Model.Values("intercept", []uint64{0})
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Eval.Metrics["intercept"]; got != b0[0] {
		t.Errorf("the intercept is %v in the metrics and %v in the model", got, b0[0])
	}
	var rss, tss, mean float64
	for _, y := range part.Labels {
		mean += y / float64(len(part.Labels))
	}
	for i, score := range scores {
		want := d.center
		for j := range b {
			want += d.x[j][i] * b[j]
		}
		if math.Abs(score-want) > 1e-4 {
			t.Fatalf("row %d: predicted %v, want %v", i, score, want)
		}
		rss += (score - part.Labels[i]) * (score - part.Labels[i])
		tss += (part.Labels[i] - mean) * (part.Labels[i] - mean)
	}
	for name, want := range map[string]float64{"train_mse": rss / float64(len(scores)), "train_r2": 1 - rss/tss} {
		if got := r.Eval.Metrics[name]; math.Abs(got-want) > 1e-8 {
			t.Errorf("%s is %v, predictions say %v", name, got, want)
		}
	}
	values, err := r.Model.Values("weights", part.Keys)
	if err != nil {
		t.Fatal(err)
	}
	used := 0
	for _, w := range values {
		if w != 0 {
			used++
		}
	}
	if got := r.Eval.Metrics["nonzeros"]; got != float64(used) {
		t.Errorf("nonzeros is %v, the model has %d", got, used)
	}
}

// At every evaluation the gap bounds the distance to the optimum.
func TestGapIsABound(t *testing.T) {
	path := shape{rows: 80, features: 60, density: 1, correlation: 0.7}.write(t)
	info, all := read(t, path)
	for _, ratio := range []float64{0.5, 0.05, 0.005} {
		make := with(func(l *Lasso) { l.LambdaRatio, l.Block = ratio, 3 })
		want, _, _ := reference(make().(*Lasso), all, info.Features)
		r := algotest.Train(t, algotest.Job{New: make, Path: path, Parts: 2, Stop: algos.Stop{Clocks: 400}, Every: 1})
		for _, p := range r.Curve {
			if above := p.Objective - want; above > *p.Gap+1e-12*want || above < -1e-9*want {
				t.Errorf("lambda_ratio %v, round %d: the objective is %.6g above the optimum, the gap %.6g", ratio, p.Clock, above, *p.Gap)
			}
		}
		if len(r.Curve) != 401 {
			t.Errorf("got %d evaluations, want 401", len(r.Curve))
		}
	}
}

// Whatever gives priority, and however small the block, no coefficient waits for
// ever: here each of them is needed.
func TestNoStarvation(t *testing.T) {
	path := shape{rows: 300, features: 30, density: 1, correlation: 0.2}.write(t)
	info, all := read(t, path)
	for _, priority := range []string{"delta", "square", "value"} {
		make := with(func(l *Lasso) { l.LambdaRatio, l.Block, l.Priority = 1e-4, 2, priority })
		want, _, _ := reference(make().(*Lasso), all, info.Features)
		r := algotest.Train(t, algotest.Job{New: make, Path: path, Stop: algos.Stop{Tolerance: 1e-7, Clocks: 50_000}})
		t.Logf("%s: %d rounds, %v nonzeros", priority, r.Clocks, r.Eval.Metrics["nonzeros"])
		if off := r.Eval.Objective/want - 1; !(off < 1e-7) || r.Eval.Metrics["nonzeros"] < 25 {
			t.Errorf("%s: %d rounds end %.3g above the optimum with %v nonzeros", priority, r.Clocks, off, r.Eval.Metrics["nonzeros"])
		}
	}
}

// Nothing to explain, or too high a price: all coefficients are 0, the intercept
// is the mean, and the job is over at once.
func TestNothingKept(t *testing.T) {
	flat := filepath.Join(t.TempDir(), "flat.libsvm")
	if err := os.WriteFile(flat, []byte("2 1:1\n2 1:3 2:1\n2 2:-1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	varied := shape{rows: 40, features: 10, density: 1}.write(t)
	_, all := read(t, varied)
	mean := 0.0
	for _, y := range all.Labels {
		mean += y / float64(len(all.Labels))
	}
	for _, c := range []struct {
		path   string
		lambda float64
		ratio  float64
		want   float64
	}{{flat, 0, 0.1, 2}, {flat, 0.1, 0, 2}, {varied, 1e6, 0, mean}, {varied, 0, 1, mean}} {
		r := algotest.Train(t, algotest.Job{New: with(func(l *Lasso) { l.Lambda, l.LambdaRatio = c.lambda, c.ratio }),
			Path: c.path, Parts: 2, Stop: algos.Stop{Tolerance: 1e-9, Clocks: 10}})
		b0, err := r.Model.Values("intercept", []uint64{0})
		if err != nil {
			t.Fatal(err)
		}
		if r.Clocks != 0 || r.Reason != algos.ReasonTolerance || r.Eval.Metrics["nonzeros"] != 0 || math.Abs(b0[0]-c.want) > 1e-12 {
			t.Errorf("%s, lambda %v, ratio %v: after %d rounds (%s) %v nonzeros and intercept %v, want 0, %q, 0 and %v", filepath.Base(c.path),
				c.lambda, c.ratio, r.Clocks, r.Reason, r.Eval.Metrics["nonzeros"], b0[0], algos.ReasonTolerance, c.want)
		}
	}
}

func TestTablesRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		info dataset.Info
		want string
	}{
		{"no rows", dataset.Info{Features: 3, Numeric: true}, "0 rows"},
		{"no features", dataset.Info{Rows: 3, Numeric: true}, "0 features"},
		{"words", dataset.Info{Rows: 3, Features: 1, Classes: []string{"a", "b", "c"}}, "labels are words"},
		{"two words", dataset.Info{Rows: 3, Features: 1, Classes: []string{"!a", "a"}}, ""},
	} {
		_, err := with(func(*Lasso) {})().Tables(c.info)
		if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want %q", c.name, err, c.want)
		}
	}
}
