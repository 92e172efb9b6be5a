package metrics

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"petuum/algos"
)

// probabilitiesOf is brier and ece by their definitions, a bin at a time.
func probabilitiesOf(scores []float64, classes []int32) map[string]float64 {
	if len(scores) == 0 {
		return nil
	}
	brier, ece, n := 0.0, 0.0, float64(len(scores))
	for bin := range 15 {
		said, was := 0.0, 0.0
		for i, s := range scores {
			p := 1 / (1 + math.Exp(-s))
			if int(math.Min(14, math.Floor(15*p))) != bin {
				continue
			}
			brier += math.Pow(float64(classes[i])-p, 2) / n
			said, was = said+p, was+float64(classes[i])
		}
		ece += math.Abs(said-was) / n
	}
	return map[string]float64{"brier": brier, "ece": ece}
}

// Rows that are added together are those that are added one by one.
func TestProbabilitiesOfManyRows(t *testing.T) {
	var one, many Probabilities
	for i, s := range []float64{-30, -2, -0.5, 0, 0.25, 3, 40} {
		for range i {
			one.Add(s, 1, 0)
		}
		one.Add(s, 0, 1)
		many.Add(s, float64(i), 1)
	}
	near(t, many.Metrics(), one.Metrics())
	if many.Metrics()["logloss"] < 1 {
		t.Errorf("got %v, want a large loss", many.Metrics())
	}
}

// classesOf is the metrics of many classes by their definitions.
func classesOf(scores [][]float64, classes []int32) (map[string]float64, [][]uint64) {
	k, n := len(scores[0]), float64(len(scores))
	m := map[string]float64{"logloss": 0, "accuracy": 0, "brier": 0, "ece": 0, "f1": 0}
	confusion := make([][]uint64, k)
	for i := range confusion {
		confusion[i] = make([]uint64, k)
	}
	said, was := make([]float64, 15), make([]float64, 15)
	for i, row := range scores {
		sum, top := 0.0, 0
		for j, s := range row {
			sum += math.Exp(s)
			if s > row[top] {
				top = j
			}
		}
		for j, s := range row {
			y := 0.0
			if j == int(classes[i]) {
				y = 1
				m["logloss"] -= math.Log(math.Exp(s)/sum) / n
			}
			m["brier"] += math.Pow(y-math.Exp(s)/sum, 2) / n
		}
		confusion[classes[i]][top]++
		bin := int(math.Min(14, math.Floor(15*math.Exp(row[top])/sum)))
		said[bin] += math.Exp(row[top]) / sum
		if top == int(classes[i]) {
			was[bin]++
			m["accuracy"] += 1 / n
		}
	}
	for bin := range said {
		m["ece"] += math.Abs(said[bin]-was[bin]) / n
	}
	present := 0.0
	for c := range k {
		row, column := 0.0, 0.0
		for j := range k {
			row, column = row+float64(confusion[c][j]), column+float64(confusion[j][c])
		}
		if row+column == 0 {
			continue
		}
		present++
		if tp := float64(confusion[c][c]); tp > 0 {
			precision, recall := tp/column, tp/row
			m["f1"] += 2 * precision * recall / (precision + recall)
		}
	}
	m["f1"] /= present
	return m, confusion
}

func TestMulticlass(t *testing.T) {
	const seed = 5
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for _, k := range []int{2, 3, 7} {
		const n = 200
		var rows [][]float64
		var flat []float64
		classes := make([]int32, n)
		for i := range n {
			row := make([]float64, k)
			for j := range row {
				row[j] = 2 * r.NormFloat64()
			}
			classes[i] = int32(r.IntN(max(2, k-2))) // with 7, two classes have no rows
			row[classes[i]]++
			if k == 7 {
				row[6] = -50 // and this one is never said
			}
			rows, flat = append(rows, row), append(flat, row...)
		}
		want, confusion := classesOf(rows, classes)
		a := Of(algos.Multiclass, k).(*Multiclass)
		for _, cut := range [][2]int{{0, 50}, {50, 50}, {50, n}} {
			if err := a.Add(flat[cut[0]*k:cut[1]*k], part(make([]float64, cut[1]-cut[0]), classes[cut[0]:cut[1]])); err != nil {
				t.Fatal(err)
			}
		}
		near(t, a.Metrics(), want)
		if d := cmp.Diff(confusion, a.Confusion()); d != "" {
			t.Errorf("%d classes: confusion: -want +got:\n%s", k, d)
		}
		for i := range flat { // what is the same for all classes of a row counts for nothing
			flat[i] += 700 * float64(i/k%3-1)
		}
		shifted := NewMulticlass(k)
		if err := shifted.Add(flat, part(make([]float64, n), classes)); err != nil {
			t.Fatal(err)
		}
		got := shifted.Metrics()
		for name, w := range want {
			if math.Abs(got[name]-w) > 1e-9 {
				t.Errorf("%d classes: %s of shifted scores: got %v, want %v", k, name, got[name], w)
			}
		}
	}
}

// Two classes are the same with one score or with two.
func TestTwoOfMany(t *testing.T) {
	scores, classes := []float64{2, -1, 0.5, -3, 0.1}, []int32{1, 0, 0, 1, 1}
	var both []float64
	for _, s := range scores {
		both = append(both, 5, 5+s)
	}
	one, two := Of(algos.Binary, 2), Of(algos.Multiclass, 2)
	if err := one.Add(scores, part(make([]float64, 5), classes)); err != nil {
		t.Fatal(err)
	}
	if err := two.Add(both, part(make([]float64, 5), classes)); err != nil {
		t.Fatal(err)
	}
	got, want := two.Metrics(), one.Metrics()
	for name, factor := range map[string]float64{"logloss": 1, "accuracy": 1, "brier": 2} {
		if math.Abs(got[name]-factor*want[name]) > 1e-12 {
			t.Errorf("%s: got %v, want %v times %v", name, got[name], factor, want[name])
		}
	}
}

func TestMulticlassEdges(t *testing.T) {
	if got := Of(algos.Multiclass, 3).Metrics(); len(got) != 0 {
		t.Errorf("no rows: got %v", got)
	}
	if NewMulticlass(MaxConfusion+1).Confusion() != nil || len(NewMulticlass(MaxConfusion).Confusion()) != MaxConfusion {
		t.Errorf("confusions are not those of up to %d classes", MaxConfusion)
	}
	m := NewMulticlass(2)
	if err := m.Add([]float64{-math.MaxFloat64, math.MaxFloat64, -1e308, 1e308}, part(make([]float64, 2), []int32{0, 0})); err != nil {
		t.Fatal(err)
	}
	near(t, m.Metrics(), map[string]float64{"logloss": math.MaxFloat64 / 2, "accuracy": 0, "f1": 0, "brier": 2, "ece": 1})
	equal := NewMulticlass(3)
	if err := equal.Add([]float64{1, 1, 1}, part(make([]float64, 1), []int32{0})); err != nil {
		t.Fatal(err)
	}
	near(t, equal.Metrics(), map[string]float64{"logloss": math.Log(3), "accuracy": 1, "f1": 1, "brier": 4.0/9 + 2.0/9, "ece": 2.0 / 3})
}
