package metrics

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"petuum/algos"
	"petuum/algos/dataset"
)

// part makes a part of rows with the given labels; classes may be nil.
func part(labels []float64, classes []int32) *dataset.Part {
	return &dataset.Part{Index: 3, Of: 4, Labels: labels, Class: classes}
}

// near compares metrics to 12 digits.
func near(t *testing.T, got, want map[string]float64) {
	t.Helper()
	if !slices.Equal(slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want))) {
		t.Fatalf("got metrics %v, want %v", got, want)
	}
	for name, w := range want {
		if g := got[name]; !(math.Abs(g-w) <= 1e-12*math.Max(1, math.Abs(w))) {
			t.Errorf("%s: got %v, want %v", name, g, w)
		}
	}
}

func TestBinary(t *testing.T) {
	log3 := math.Log(3)
	for _, c := range []struct {
		name    string
		scores  []float64
		classes []int32
		want    map[string]float64
	}{
		{"no rows", nil, nil, map[string]float64{}},
		{"all scores 0", []float64{0, 0, 0}, []int32{1, 0, 1},
			map[string]float64{"logloss": math.Ln2, "accuracy": 0, "auc": 0.5}},
		{"odds of 3", []float64{log3, -log3, -log3, log3}, []int32{1, 1, 0, 0},
			map[string]float64{"logloss": (2*math.Log(4.0/3) + 2*math.Log(4)) / 4, "accuracy": 0.5, "auc": 0.5}},
		{"later class only", []float64{log3}, []int32{1},
			map[string]float64{"logloss": math.Log(4.0 / 3), "accuracy": 1}},
		{"earlier class only", []float64{log3}, []int32{0},
			map[string]float64{"logloss": math.Log(4), "accuracy": 0}},
		{"in order", []float64{-2, -1, 1, 2}, []int32{0, 0, 1, 1},
			map[string]float64{"logloss": (2*math.Log1p(math.Exp(-2)) + 2*math.Log1p(math.Exp(-1))) / 4, "accuracy": 1, "auc": 1}},
		{"against the order", []float64{800, -800}, []int32{0, 1},
			map[string]float64{"logloss": 800, "accuracy": 0, "auc": 0}},
		{"sure and right", []float64{800, -800}, []int32{1, 0},
			map[string]float64{"logloss": 0, "accuracy": 1, "auc": 1}},
		{"one tie in four pairs", []float64{1, 3, 3, 4}, []int32{0, 0, 1, 1},
			map[string]float64{"logloss": (1 + math.Log1p(math.Exp(-1)) + 3 + 2*math.Log1p(math.Exp(-3)) + math.Log1p(math.Exp(-4))) / 4, "accuracy": 0.5, "auc": 3.5 / 4}},
		{"sums stop at the largest number", []float64{math.MaxFloat64, math.MaxFloat64}, []int32{0, 0},
			map[string]float64{"logloss": math.MaxFloat64 / 2, "accuracy": 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for k, v := range probabilitiesOf(c.scores, c.classes) {
				c.want[k] = v
			}
			b := Of(algos.Binary, 2)
			if err := b.Add(c.scores, part(make([]float64, len(c.scores)), c.classes)); err != nil {
				t.Fatal(err)
			}
			near(t, b.Metrics(), c.want)
			m := Of(algos.Margin, 2)
			if err := m.Add(c.scores, part(make([]float64, len(c.scores)), c.classes)); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"logloss", "brier", "ece"} {
				delete(c.want, name)
			}
			near(t, m.Metrics(), c.want)
		})
	}
}

// A logloss far from 0 keeps its digits, and so does one next to 0.
func TestLossKeepsDigits(t *testing.T) {
	for _, c := range []struct{ margin, want float64 }{
		{0, math.Ln2}, {-1e300, 1e300}, {1e300, 0}, {-1000, 1000}, {40, 4.248354255291589e-18}, {-40, 40},
	} {
		var p Probabilities
		p.Add(c.margin, 0, 1)
		if got := p.loss; math.Abs(got-c.want) > 1e-15*c.want {
			t.Errorf("margin %v: got %v, want %v", c.margin, got, c.want)
		}
	}
}

// The sorted count of pairs is that of the definition, however rows are divided
// into parts and whenever somebody looks.
func TestAUCIsOverPairs(t *testing.T) {
	const seed = 11
	r := rand.New(rand.NewPCG(seed, 0))
	for round := range 50 {
		n := 2 + r.IntN(60)
		scores, classes := make([]float64, n), make([]int32, n)
		for i := range scores {
			scores[i] = float64(r.IntN(12) - 6) // many ties
			classes[i] = int32(r.IntN(2))
		}
		classes[0], classes[1] = 0, 1
		pairs, wins := 0.0, 0.0
		for i, s := range scores {
			for j, o := range scores {
				if classes[i] == 1 && classes[j] == 0 {
					pairs++
					switch {
					case s > o:
						wins++
					case s == o:
						wins += 0.5
					}
				}
			}
		}
		var b Binary
		for at := 0; at < n; {
			to := min(n, at+1+r.IntN(20))
			if err := b.Add(scores[at:to], part(make([]float64, to-at), classes[at:to])); err != nil {
				t.Fatal(err)
			}
			b.Metrics()
			at = to
		}
		if got, want := b.Metrics()["auc"], wins/pairs; got != want {
			t.Fatalf("seed %d round %d: got auc %v, want %v of %v %v", seed, round, got, want, scores, classes)
		}
	}
}

func TestRegression(t *testing.T) {
	big := math.MaxFloat64
	for _, c := range []struct {
		name           string
		scores, labels []float64
		want           map[string]float64
	}{
		{"no rows", nil, nil, map[string]float64{}},
		{"one row", []float64{1}, []float64{3}, map[string]float64{"mse": 4, "rmse": 2, "mae": 2}},
		{"equal labels", []float64{1, 2}, []float64{0.1, 0.1}, map[string]float64{"mse": (0.81 + 3.61) / 2, "rmse": math.Sqrt(2.21), "mae": 1.4}},
		{"exact", []float64{1, 2, 4}, []float64{1, 2, 4}, map[string]float64{"mse": 0, "rmse": 0, "mae": 0, "r2": 1}},
		{"the mean", []float64{2, 2, 2}, []float64{1, 2, 3}, map[string]float64{"mse": 2.0 / 3, "rmse": math.Sqrt(2.0 / 3), "mae": 2.0 / 3, "r2": 0}},
		{"worse than the mean", []float64{3, 1}, []float64{1, 3}, map[string]float64{"mse": 4, "rmse": 2, "mae": 2, "r2": -3}},
		{"far from 0", []float64{1e9 + 1, 1e9 + 2}, []float64{1e9 + 1, 1e9 + 3}, map[string]float64{"mse": 0.5, "rmse": math.Sqrt(0.5), "mae": 0.5, "r2": 0.5}},
		{"sums stop at the largest number", []float64{-big, big, -big}, []float64{big, -big, big},
			map[string]float64{"mse": big / 3, "rmse": math.Sqrt(big / 3), "mae": big / 3, "r2": 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := Of(algos.Regression, 0)
			for i := range c.scores { // a row at a time is as good as all at once
				if err := r.Add(c.scores[i:i+1], part(c.labels[i:i+1], nil)); err != nil {
					t.Fatal(err)
				}
			}
			near(t, r.Metrics(), c.want)
		})
	}
}

// What is refused leaves no trace.
func TestRefused(t *testing.T) {
	for _, c := range []struct {
		name    string
		task    algos.Task
		scores  []float64
		classes []int32
		want    string
	}{
		{"NaN", algos.Binary, []float64{1, math.NaN()}, []int32{0, 1}, "part 3: the score of row 1 (from 0) is NaN"},
		{"infinite", algos.Regression, []float64{math.Inf(-1), 1}, nil, "row 0 (from 0) is -Inf"},
		{"too few scores", algos.Regression, []float64{1}, nil, "1 scores for 2 rows of 1"},
		{"quantities", algos.Binary, []float64{1, 2}, nil, "quantities, not classes"},
		{"a third class", algos.Binary, []float64{1, 2}, []int32{0, 2}, "row 1 (from 0) is of class 2"},
		{"many: NaN", algos.Multiclass, []float64{1, 2, 3, math.NaN()}, []int32{0, 1}, "part 3: the score of row 1 (from 0) is NaN"},
		{"many: too few scores", algos.Multiclass, []float64{1, 2, 3}, []int32{0, 1}, "3 scores for 2 rows of 2"},
		{"many: a class beyond", algos.Multiclass, []float64{1, 2, 3, 4}, []int32{0, 2}, "row 1 (from 0) is of class 2, but there are only 0 to 1"},
		{"margin: quantities", algos.Margin, []float64{1, 2}, nil, "quantities, not classes"},
		{"a class below 0", algos.Binary, []float64{1, 2}, []int32{-1, 1}, "row 0 (from 0) is of class -1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := Of(c.task, 2)
			good := part([]float64{1, 2}, []int32{0, 1})
			if err := a.Add([]float64{-1, 4, 2, 3}[:2*c.task.Width(dataset.Info{Classes: []string{"a", "b"}})], good); err != nil {
				t.Fatal(err)
			}
			before := fmt.Sprint(a.Metrics())
			err := a.Add(c.scores, part([]float64{1, 2}, c.classes))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want %q", err, c.want)
			}
			if got := fmt.Sprint(a.Metrics()); got != before {
				t.Errorf("got metrics %s after the refusal, want %s", got, before)
			}
		})
	}
}

// A streaming variance is not that of the sums of squares.
func TestSpreadKeepsDigits(t *testing.T) {
	var r Regression
	labels := []float64{1e8 + 4, 1e8 + 7, 1e8 + 13, 1e8 + 16}
	if err := r.Add([]float64{1e8 + 4, 1e8 + 7, 1e8 + 13, 1e8 + 13}, part(labels, nil)); err != nil {
		t.Fatal(err)
	}
	if got, want := r.Metrics()["r2"], 1-9.0/90; math.Abs(got-want) > 1e-12 {
		t.Errorf("got r2 %v, want %v", got, want)
	}
}
