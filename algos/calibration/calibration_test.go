package calibration

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"petuum/algos"
)

func sigmoid(z float64) float64 { return 1 / (1 + math.Exp(-z)) }

// drawn are n scores, with few digits so that some are equal, and classes of which
// the log-odds are slope score + offset.
func drawn(seed uint64, n int, slope, offset float64) (scores []float64, class []int32) {
	r := rand.New(rand.NewPCG(seed, 0))
	for range n {
		s := math.Round(300*r.NormFloat64()) / 100
		c := int32(0)
		if r.Float64() < sigmoid(slope*s+offset) {
			c = 1
		}
		scores, class = append(scores, s), append(class, c)
	}
	return scores, class
}

// descended is Platt's fit by plain gradient descent.
func descended(scores []float64, class []int32) (slope, offset float64) {
	later := 0.0
	for _, c := range class {
		later += float64(c)
	}
	n := float64(len(class))
	target := [2]float64{1 / (n - later + 2), (later + 1) / (later + 2)}
	for range 60_000 {
		gs, g := 0.0, 0.0
		for i, s := range scores {
			d := sigmoid(slope*s+offset) - target[class[i]]
			gs += d * s
			g += d
		}
		slope -= 0.5 * gs / n
		offset -= 0.5 * g / n
	}
	return slope, offset
}

func fitted(t *testing.T, task algos.Task, classes int, method string, scores []float64, class []int32) (*Map, Fitter) {
	t.Helper()
	f, err := For(task, classes)
	if err != nil {
		t.Fatal(err)
	}
	width := len(scores) / len(class)
	cut := len(class) / 3 // in two lots
	f.Add(scores[:cut*width], class[:cut])
	f.Add(scores[cut*width:], class[cut:])
	m, err := f.Fit(method)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Check(); err != nil || !m.Fits(task) || m.Rows != uint64(len(class)) {
		t.Errorf("got %+v: %v", m, err)
	}
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var again Map
	if err := json.Unmarshal(b, &again); err != nil || cmp.Diff(*m, again) != "" {
		t.Errorf("%s comes back from JSON as %+v: %v", b, again, err)
	}
	return m, f
}

func TestSigmoid(t *testing.T) {
	for _, c := range []struct {
		seed          uint64
		n             int
		slope, offset float64
	}{{1, 400, 1, 0}, {2, 300, 0.3, -1}, {3, 30, 2, 0.5}} {
		t.Logf("seed %d", c.seed)
		scores, class := drawn(c.seed, c.n, c.slope, c.offset)
		slope, offset := descended(scores, class)
		for _, scale := range []float64{1, 1e-150, 1e200} {
			scaled := slices.Clone(scores)
			for i := range scaled {
				scaled[i] *= scale
			}
			m, f := fitted(t, algos.Margin, 2, Sigmoid, scaled, class)
			if math.Abs(m.Slope*scale-slope) > 1e-6*slope || math.Abs(m.Offset-offset) > 1e-6 {
				t.Errorf("scale %g: got %v s + %v, want %v and %v", scale, m.Slope*scale, m.Offset, slope, offset)
			}
			loss := 0.0
			for i, s := range scores {
				loss -= math.Log(sigmoid((slope*s + offset) * float64(2*class[i]-1)))
			}
			if got, want := f.Measure(m)["logloss"], loss/float64(c.n); math.Abs(got-want) > 1e-6 {
				t.Errorf("scale %g: got logloss %v, want %v", scale, got, want)
			}
		}
	}
}

// Classes that scores tell apart without an error have a finite fit, too.
func TestSigmoidSeparated(t *testing.T) {
	scores, class := []float64{-3, -2, -1, 1, 2, 3}, []int32{0, 0, 0, 1, 1, 1}
	m, _ := fitted(t, algos.Binary, 2, Sigmoid, scores, class)
	slope, offset := descended(scores, class)
	if math.Abs(m.Slope-slope) > 1e-6 || math.Abs(m.Offset-offset) > 1e-6 {
		t.Errorf("got %v s + %v, want %v and %v", m.Slope, m.Offset, slope, offset)
	}
}

// A few rows of one class, far from all others, take steps shorter than Newton's. The gradient of
// what is found is 0.
func TestSigmoidOutliers(t *testing.T) {
	fits := 0
	for seed := range uint64(80) {
		r := rand.New(rand.NewPCG(seed, 1))
		p := newPairs()
		few, spread := 1+r.IntN(4), math.Exp(2*r.NormFloat64())
		for i := range few + 100 + r.IntN(2000) {
			s, c := r.NormFloat64(), int32(0)
			if i < few {
				s, c = s+20*spread, 1
			} else if i < 2*few {
				s *= 10 * spread
			}
			p.Add([]float64{s}, []int32{c})
		}
		m, err := p.Fit(Sigmoid)
		if err != nil { // one class, or no rule in it
			continue
		}
		fits++
		earlier, later := p.targets()
		gs, g, squares := 0.0, 0.0, 0.0
		for _, at := range p.points {
			n, wanted := at.earlier+at.later, at.earlier*earlier+at.later*later
			d := n*sigmoid(m.Slope*at.score+m.Offset) - wanted
			gs, g, squares = gs+d*at.score, g+d, squares+n*at.score*at.score
		}
		if math.Abs(g) > 1e-5 || math.Abs(gs) > 1e-5*math.Sqrt(squares) {
			t.Errorf("seed %d: got %v s + %v, where the gradient is %v and %v, want 0", seed, m.Slope, m.Offset, gs, g)
		}
	}
	if fits < 60 {
		t.Errorf("only %d fits", fits)
	}
}

// rising is the isotonic fit at each score by its formula: the largest of all means
// from j <= i to the k >= i that makes it smallest.
func rising(scores []float64, class []int32) map[float64]float64 {
	values := slices.Compact(slices.Sorted(slices.Values(scores)))
	rows, later := make([]float64, len(values)), make([]float64, len(values))
	all := 0.0
	for i, s := range scores {
		at, _ := slices.BinarySearch(values, s)
		rows[at]++
		later[at] += float64(class[i])
		all += float64(class[i])
	}
	least, most := 1/(float64(len(scores))-all+2), (all+1)/(all+2)
	fit := map[float64]float64{}
	for i, s := range values {
		best := 0.0
		for j := 0; j <= i; j++ {
			worst, r, l := 1.0, 0.0, 0.0
			for k := j; k < len(values); k++ {
				r, l = r+rows[k], l+later[k]
				if k >= i {
					worst = min(worst, l/r)
				}
			}
			best = max(best, worst)
		}
		fit[s] = min(most, max(least, best))
	}
	return fit
}

func TestIsotonic(t *testing.T) {
	const seed = 7
	t.Logf("seed %d", seed)
	scores, class := drawn(seed, 500, 0.7, 0.2)
	m, _ := fitted(t, algos.Binary, 2, Isotonic, scores, class)
	for s, want := range rising(scores, class) {
		got := []float64{s}
		if m.Apply(got, got); math.Abs(sigmoid(got[0])-want) > 1e-12 {
			t.Errorf("score %v: got probability %v, want %v", s, sigmoid(got[0]), want)
		}
	}
	line := &Map{Method: Isotonic, Scores: []float64{-1, 1, 3}, Probabilities: []float64{0.25, 0.5, 0.5}}
	for s, want := range map[float64]float64{-math.MaxFloat64: 0.25, -1: 0.25, 0: 0.375, 0.5: 0.4375, 1: 0.5, 2: 0.5, 1e300: 0.5} {
		got := []float64{0}
		if line.Apply(got, []float64{s}); math.Abs(sigmoid(got[0])-want) > 1e-15 {
			t.Errorf("score %v: got probability %v, want %v", s, sigmoid(got[0]), want)
		}
	}
}

// With more different scores than there is room for they are rounded, and nothing
// but the last digits of the fit changes.
func TestManyScoresAreRounded(t *testing.T) {
	const seed, n, room = 9, 20_000, 512
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	exact, small := newPairs(), newPairs()
	small.most = room
	for range n {
		s, c := r.NormFloat64(), int32(0)
		if r.Float64() < sigmoid(2*s-0.5) {
			c = 1
		}
		exact.Add([]float64{s}, []int32{c})
		small.Add([]float64{s}, []int32{c})
	}
	want, err := exact.Fit(Sigmoid)
	if err != nil {
		t.Fatal(err)
	}
	got, err := small.Fit(Sigmoid)
	if err != nil {
		t.Fatal(err)
	}
	if len(small.points) > room || cap(small.points) > 4*room || len(exact.points) != n {
		t.Errorf("got %d and %d points, want at most %d and %d", len(small.points), len(exact.points), room, n)
	}
	if math.Abs(got.Slope-want.Slope) > 0.01*want.Slope || math.Abs(got.Offset-want.Offset) > 0.01 {
		t.Errorf("got %v s + %v, want about %v and %v", got.Slope, got.Offset, want.Slope, want.Offset)
	}
	for x, rounds := range map[float64]float64{1: 1, 1.24: 1.25, -1.26: -1.25, 3: 3, math.MaxFloat64: 0x1.cp1023, math.Copysign(0, -1): 0} {
		if got := rounded(x, 50); got != rounds || math.Signbit(got) != math.Signbit(rounds) {
			t.Errorf("%v with two bits: got %v, want %v", x, got, rounds)
		}
	}
}

func TestTemperature(t *testing.T) {
	const seed, n, k = 11, 400, 4
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	var scores []float64
	var class []int32
	for range n {
		row, sum := make([]float64, k), 0.0
		for j := range row {
			row[j] = 2 * r.NormFloat64()
			sum += math.Exp(row[j] / 2.5)
		}
		u, c := r.Float64()*sum, 0
		for u -= math.Exp(row[0] / 2.5); u > 0 && c < k-1; u -= math.Exp(row[c] / 2.5) {
			c++
		}
		scores, class = append(scores, row...), append(class, int32(c))
	}
	loss := func(temperature float64) float64 {
		sum := 0.0
		for i, c := range class {
			z := 0.0
			for _, s := range scores[i*k : (i+1)*k] {
				z += math.Exp(s / temperature)
			}
			sum -= math.Log(math.Exp(scores[i*k+int(c)]/temperature) / z)
		}
		return sum / n
	}
	lo, hi := 0.5, 20.0 // golden section
	for range 100 {
		a, b := hi-(hi-lo)*(math.Sqrt(5)-1)/2, lo+(hi-lo)*(math.Sqrt(5)-1)/2
		if loss(a) < loss(b) {
			hi = b
		} else {
			lo = a
		}
	}
	m, f := fitted(t, algos.Multiclass, k, Temperature, scores, class)
	if math.Abs(m.Temperature-lo) > 1e-6*lo {
		t.Errorf("got temperature %v, want %v", m.Temperature, lo)
	}
	for name, c := range map[string]struct {
		m    *Map
		want float64
	}{"before": {nil, loss(1)}, "after": {m, loss(lo)}} {
		if got := f.Measure(c.m)["logloss"]; math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s: got logloss %v, want %v", name, got, c.want)
		}
	}
	if before, after := f.Measure(nil), f.Measure(m); after["ece"] > before["ece"] || after["brier"] > before["brier"] || len(after) != 3 {
		t.Errorf("got %v before and %v after", before, after)
	}
	few := newMany(k)
	few.most = 300
	few.Add(scores, class)
	if got, err := few.Fit(Temperature); err != nil || math.Abs(got.Temperature-lo) > 0.5 || len(few.class) != 300 || got.Rows != n {
		t.Errorf("of 300 rows: got %+v of %d rows: %v", got, len(few.class), err)
	}
}

// Rows that are all right would like to be sure.
func TestTemperatureSeparated(t *testing.T) {
	m, f := fitted(t, algos.Multiclass, 3, Temperature, []float64{1, 0, 0, 0, 2, 0, 0, 0, 1}, []int32{0, 1, 2})
	if loss := f.Measure(m)["logloss"]; loss > 0.25 || loss < 0.01 || m.Temperature > 1 {
		t.Errorf("got temperature %v with logloss %v, want below 1 and not nothing", m.Temperature, loss)
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		name, method string
		task         algos.Task
		scores       []float64
		class        []int32
		want         error
	}{
		{"one class", Sigmoid, algos.Binary, []float64{1, 2}, []int32{1, 1}, errOneClass},
		{"no rows", Isotonic, algos.Margin, nil, nil, errOneClass},
		{"wrong way round", Sigmoid, algos.Binary, []float64{1, 2, 3, 4}, []int32{1, 1, 0, 0}, errUseless},
		{"wrong way round, isotonic", Isotonic, algos.Binary, []float64{1, 2, 3, 4}, []int32{1, 1, 0, 0}, errUseless},
		{"all alike", Sigmoid, algos.Binary, []float64{3, 3}, []int32{1, 0}, errUseless},
		{"equal pools", Isotonic, algos.Binary, []float64{1, 1, 2, 2}, []int32{0, 1, 0, 1}, errUseless},
		{"all 0", Sigmoid, algos.Binary, []float64{0, 0}, []int32{1, 0}, errUseless},
		{"many, wrong", Temperature, algos.Multiclass, []float64{1, 0, 0, 1}, []int32{1, 0}, errUseless},
		{"many, all alike", Temperature, algos.Multiclass, []float64{1, 1, 1, 1}, []int32{1, 0}, errUseless},
	} {
		f, err := For(c.task, 2)
		if err != nil {
			t.Fatal(err)
		}
		f.Add(c.scores, c.class)
		if _, err := f.Fit(c.method); !errors.Is(err, c.want) {
			t.Errorf("%s: got error %v, want %v", c.name, err, c.want)
		}
	}
	if _, err := For(algos.Regression, 0); err == nil || Methods(algos.Regression) != nil {
		t.Errorf("quantities: got error %v and methods %v", err, Methods(algos.Regression))
	}
	huge, err := For(algos.Multiclass, 2)
	if err != nil {
		t.Fatal(err)
	}
	huge.Add([]float64{math.MaxFloat64, -math.MaxFloat64, math.MaxFloat64, -math.MaxFloat64}, []int32{0, 1})
	if m, err := huge.Fit(Temperature); err == nil && m.Check() != nil {
		t.Errorf("huge scores: got %+v", m)
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		m  Map
		ok bool
	}{
		{Map{Method: Sigmoid, Slope: 1}, true},
		{Map{Method: Sigmoid}, false},
		{Map{Method: Sigmoid, Slope: 1, Offset: math.Inf(1)}, false},
		{Map{Method: Temperature, Temperature: 2}, true},
		{Map{Method: Temperature, Temperature: -2}, false},
		{Map{Method: Temperature, Temperature: math.NaN()}, false},
		{Map{Method: Isotonic, Scores: []float64{1, 2}, Probabilities: []float64{0.5, 0.5}}, true},
		{Map{Method: Isotonic}, false},
		{Map{Method: Isotonic, Scores: []float64{1, 2}, Probabilities: []float64{0.5}}, false},
		{Map{Method: Isotonic, Scores: []float64{1, 1}, Probabilities: []float64{0.5, 0.6}}, false},
		{Map{Method: Isotonic, Scores: []float64{1, 2}, Probabilities: []float64{0.5, 0.4}}, false},
		{Map{Method: Isotonic, Scores: []float64{1}, Probabilities: []float64{1}}, false},
		{Map{Method: "beta"}, false},
	} {
		err := c.m.Check()
		if (err == nil) != c.ok || err != nil && !strings.Contains(err.Error(), c.m.Method) {
			t.Errorf("%+v: got error %v, want one: %v", c.m, err, !c.ok)
		}
	}
}
