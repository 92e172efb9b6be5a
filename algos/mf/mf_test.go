package mf

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
	"petuum/consistency"
	"petuum/table"
)

func options() dataset.Options {
	o := dataset.Defaults()
	o.Format, o.Unlabelled = dataset.Ratings, true
	return o
}

// tiny is a job on the 968 ratings of 60 users and 40 items.
func tiny(t *testing.T, parts int, policy string, set func(*MF)) algotest.Job {
	t.Helper()
	p, err := consistency.ParsePolicy(policy)
	if err != nil {
		t.Fatal(err)
	}
	return algotest.Job{Path: "testdata/tiny.train.tsv", Test: "testdata/tiny.test.tsv", Options: options(),
		Parts: parts, Shards: 2, Policy: p, Eager: p.Eager(), Seed: 1, Stop: algos.Stop{Epochs: 25},
		New: func() algos.Algorithm {
			a := New()
			a.Rank = 5
			set(a)
			if err := a.Under(p, true); err != nil {
				t.Fatal(err)
			}
			return a
		}}
}

func TestConformance(t *testing.T) {
	algotest.Conformance(t, algotest.Suite{
		New:       func() algos.Algorithm { return New() },
		Set:       func(a algos.Algorithm) { a.(*MF).Rank, a.(*MF).Decay = 5, 200 },
		Path:      "testdata/tiny.train.tsv",
		Options:   options(),
		Stop:      algos.Stop{Epochs: 250},
		Tolerance: 0.01, // there are many optima, and parts come to others
		Reference: descended,
		Refused:   []string{"rank = 0", "rate = 0", "rate = -1", "spread = 0", "lambda = -1", "solver = \"sdg\"", "patience = -1"},
	})
}

// descended is the objective that plain loops of the formulas in package sgd come to, one
// rating after the other in random order.
func descended(t testing.TB, d dataset.Info, all *dataset.Part) float64 {
	const lambda, penalty, rank = 0.85, 0.03, 5
	const seed = 3
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	type rating struct {
		u, i int
		v    float64
	}
	var list []rating
	mean, square := 0.0, 0.0
	nu, ni := make([]float64, d.Rows), make([]float64, d.Features)
	for u := range all.X.Rows() {
		for j, v := range all.X.Row(u) {
			i := int(all.Keys[j])
			list = append(list, rating{u, i, v})
			mean, square = mean+v, square+v*v
			nu[u]++
			ni[i]++
		}
	}
	n := float64(len(list))
	mean /= n
	deviation := math.Sqrt(square/n - mean*mean)
	per := func(n float64) float64 { return lambda * deviation / math.Sqrt(n) }
	p, q := make([][rank]float64, len(nu)), make([][rank]float64, len(ni))
	bu, bi := make([]float64, len(nu)), make([]float64, len(ni))
	for _, rows := range [][][rank]float64{p, q} {
		for k := range rows {
			for f := range rank {
				rows[k][f] = 0.1 * r.NormFloat64()
			}
		}
	}
	off := func(x rating) float64 {
		e := x.v - mean - bu[x.u] - bi[x.i]
		for f := range rank {
			e -= p[x.u][f] * q[x.i][f]
		}
		return e
	}
	const epochs = 400
	for epoch := range epochs {
		rate := 0.03 * (1 - float64(epoch)/epochs)
		r.Shuffle(len(list), func(a, b int) { list[a], list[b] = list[b], list[a] })
		for _, x := range list {
			e := off(x)
			bu[x.u] += rate * (e - penalty*bu[x.u])
			bi[x.i] += rate * (e - penalty*bi[x.i])
			for f := range rank {
				a, b := p[x.u][f], q[x.i][f]
				p[x.u][f] += rate * (e*b - per(nu[x.u])*a)
				q[x.i][f] += rate * (e*a - per(ni[x.i])*b)
			}
		}
	}
	sum := 0.0
	for _, x := range list {
		e := off(x)
		sum += e * e
	}
	for u, row := range p {
		sum += nu[u] * penalty * bu[u] * bu[u]
		for _, v := range row {
			sum += nu[u] * per(nu[u]) * v * v
		}
	}
	for i, row := range q {
		sum += ni[i] * penalty * bi[i] * bi[i]
		for _, v := range row {
			sum += ni[i] * per(ni[i]) * v * v
		}
	}
	return sum / n
}

// However many parts there are, and however they wait for each other, slices come to them
// in the same order: the tables are the same under all policies.
func TestPolicies(t *testing.T) {
	for _, parts := range []int{1, 2, 6} {
		want := algotest.Train(t, tiny(t, parts, "bsp", func(*MF) {}))
		for _, policy := range []string{"ssp:2", "asp"} {
			job := tiny(t, parts, policy, func(*MF) {})
			job.Delay = uint64(parts)
			r := algotest.Train(t, job)
			if math.Abs(r.Eval.Objective-want.Eval.Objective) > 1e-6 {
				t.Errorf("%d parts: %s comes to %v, want %v as bsp", parts, policy, r.Eval.Objective, want.Eval.Objective)
			}
		}
	}
}

// An evaluation between any two clocks is of the rows as they are, also of those that
// nobody had yet.
func TestEveryClock(t *testing.T) {
	job := tiny(t, 3, "bsp", func(a *MF) { a.Spread = 1 })
	job.Every = 1
	r := algotest.Train(t, job)
	start, end := r.Curve[0].Objective, r.Curve[len(r.Curve)-1].Objective
	for _, p := range r.Curve[:6] {
		if !(p.Objective > end && p.Objective < 1.02*start) {
			t.Errorf("clock %d: got an objective of %v, want one from %v to %v", p.Clock, p.Objective, end, start)
		}
	}
	if first, second := r.Curve[0].Objective-r.Curve[1].Objective, r.Curve[1].Objective-r.Curve[2].Objective; first > 2*second {
		t.Errorf("the objective falls by %v in the first clock and by %v in the second, want about the same", first, second)
	}
}

// The model predicts the test ratings as the last evaluation says.
func TestModel(t *testing.T) {
	for _, set := range []struct {
		name string
		set  func(*MF)
	}{
		{"biases", func(*MF) {}},
		{"no biases", func(a *MF) { a.Biases = false }},
		{"nonnegative", func(a *MF) { a.Nonnegative = true; a.Rank = 8 }},
		{"patience", func(a *MF) { a.Patience, a.Lambda, a.Decay, a.Rate = 2, new(0.0), 0, 0.4 }},
	} {
		for _, parts := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s/%d", set.name, parts), func(t *testing.T) {
				job := tiny(t, parts, "bsp", set.set)
				r := algotest.Train(t, job)
				got, least := measure(t, job, r)
				want := r.Eval.Metrics["test_rmse"]
				if set.name == "patience" && (r.Reason != algos.ReasonPatience || r.Eval.Clock >= r.Curve[len(r.Curve)-1].Clock) {
					t.Errorf("stopped by %s with the evaluation at %d of %d, want patience, and the best before the last", r.Reason, r.Eval.Clock, r.Clocks)
				}
				if math.Abs(got-want) > 1e-5 {
					t.Errorf("the model has a test RMSE of %v, want %v", got, want)
				}
				if set.name == "nonnegative" && least < 0 {
					t.Errorf("a factor is %v, want none below 0", least)
				}
			})
		}
	}
}

// measure predicts test ratings from the tables, and finds the least factor.
func measure(t *testing.T, job algotest.Job, r algotest.Result) (rmse, least float64) {
	t.Helper()
	rank := job.New().(*MF).Rank
	keys := func(n uint64) (all []uint64) {
		for k := range n {
			all = append(all, k)
		}
		return all
	}
	value := func(name string, n uint64) []float64 {
		v, err := r.Model.Values(name, keys(n))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	width := 1 + rank
	for i, v := range append(value(users, r.Info.Rows), value(items, r.Info.Features)...) {
		if i%width > 0 {
			least = min(least, v)
		}
	}
	o := options()
	o.Like = &r.Info
	parts, err := dataset.ReadTest([]string{job.Test}, o, []int{0}, 1)
	if err != nil {
		t.Fatal(err)
	}
	var pairs []Pair
	var want []float64
	for u := range parts[0].X.Rows() {
		for j, v := range parts[0].X.Row(u) {
			pairs, want = append(pairs, Pair{uint64(u), parts[0].Keys[j]}), append(want, v)
		}
	}
	if len(parts[0].Strangers) != 3 {
		t.Errorf("got %d ratings of users or items that are not known, want 3", len(parts[0].Strangers))
	}
	for _, s := range parts[0].Strangers {
		pairs, want = append(pairs, Pair{uint64(s.Row), uint64(s.Key)}), append(want, s.Value)
	}
	got, err := job.New().(*MF).Ratings(r.Info, r.Model, pairs)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for k, v := range want {
		sum += (v - got[k]) * (v - got[k])
	}
	return math.Sqrt(sum / float64(len(want))), least
}

// A pair of which one is not known is rated by what is known of the other.
func TestRatings(t *testing.T) {
	job := tiny(t, 2, "bsp", func(*MF) {})
	r := algotest.Train(t, job)
	a := job.New().(*MF)
	got, err := a.Ratings(r.Info, r.Model, []Pair{{Unknown, 3}, {3, 5}, {7, Unknown}, {Unknown, Unknown}, {3, 2}})
	if err != nil {
		t.Fatal(err)
	}
	value := func(name string, key uint64) []float64 {
		v, err := r.Model.Values(name, []uint64{key})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	s := value(scale, 0)
	want := []float64{s[0] + value(items, 3)[0], s[0], s[0] + value(users, 7)[0], s[0], s[0]}
	for k, i := range map[int]uint64{1: 5, 4: 2} {
		p, q := value(users, 3), value(items, i)
		want[k] += p[0] + q[0]
		for f := 1; f < len(p); f++ {
			want[k] += p[f] * q[f]
		}
	}
	for k := range want {
		if w := min(max(want[k], s[1]), s[2]); math.Abs(got[k]-w) > 1e-12 {
			t.Errorf("pair %d: got %v, want %v", k, got[k], w)
		}
	}
	if s[1] != 0.5 || s[2] != 5 {
		t.Errorf("ratings from %v to %v, want 0.5 to 5", s[1], s[2])
	}
	if _, err := a.Ratings(r.Info, r.Model, []Pair{{60, 0}}); err == nil || !strings.Contains(err.Error(), "60 users") {
		t.Errorf("user 60 of 60: got error %v, want one that says so", err)
	}
}

func TestTablesRefuse(t *testing.T) {
	if _, err := New().Tables(dataset.Info{Rows: 3, Features: 4}); err == nil || !strings.Contains(err.Error(), "no ratings") {
		t.Errorf("no ratings: got error %v", err)
	}
}

func TestKeyNames(t *testing.T) {
	a := New()
	a.Rank = 2
	got := algos.KeyNamesOf(a, dataset.Info{Rows: 9, Features: 7}, table.Spec{Name: items, Keys: 7})
	if got.Features != 7 || strings.Join(got.Columns, ",") != "bias,factor 1,factor 2" {
		t.Errorf("got %+v, want 7 features and the columns bias, factor 1, factor 2", got)
	}
}

// Real ratings: at most the test RMSE of other programs.
func TestRealRatings(t *testing.T) {
	for name, want := range map[string]float64{"ml-latest-small": 0.859, "anime": 1.166} {
		path := filepath.Join("..", "..", "..", "shared", "data", "ratings", name)
		if _, err := os.Stat(path + ".train.tsv.gz"); err != nil {
			t.Skipf("no real data: %v", err)
		}
		job := tiny(t, 2, "bsp", func(a *MF) { a.Rank = 32 })
		job.Path, job.Test, job.Stop.Epochs = path+".train.tsv.gz", path+".test.tsv.gz", 6
		r := algotest.Train(t, job)
		got := r.Eval.Metrics["test_rmse"]
		t.Logf("%s: %v", name, got)
		if !(got <= want) {
			t.Errorf("%s: got a test RMSE of %v, want at most %v", name, got, want)
		}
	}
}

// Fewer items and users than parts and slices.
func TestFewItems(t *testing.T) {
	path := filepath.Join(t.TempDir(), "few.tsv")
	if err := os.WriteFile(path, []byte("a\tx\t1\na\ty\t2\nb\ty\t4\nc\tx\t3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, parts := range []int{1, 2, 6} {
		job := tiny(t, parts, "bsp", func(*MF) {})
		job.Path, job.Test = path, ""
		if r := algotest.Train(t, job); !(r.Eval.Metrics["train_rmse"] < 1.2) { // the deviation is 1.1
			t.Errorf("%d parts: got an RMSE of %v, want less than 1.2", parts, r.Eval.Metrics["train_rmse"])
		}
	}
}

// Slices have about as many ratings each.
func TestCuts(t *testing.T) {
	for _, c := range []struct {
		sums   []float64
		slices int
		want   string
	}{
		{[]float64{1, 1, 1, 1}, 2, "[0 2 4]"},
		{[]float64{9, 1, 1, 1, 1, 1, 1, 1, 1, 1}, 2, "[0 1 10]"},
		{[]float64{1, 1, 1, 9}, 2, "[0 3 4]"},
		{[]float64{9, 1, 1}, 4, "[0 0 1 1 3]"},
		{nil, 3, "[0 4 7 10]"},
		{[]float64{1, -1, 3}, 2, "[0 5 10]"},
		{[]float64{0, 0, 0}, 2, "[0 5 10]"},
	} {
		n := uint64(10)
		if c.want[len(c.want)-3:] != "10]" {
			n = uint64(len(c.sums))
		}
		if got := fmt.Sprint(cutsOf(n, c.sums, c.slices)); got != c.want {
			t.Errorf("%d slices of %v: got %v, want %v", c.slices, c.sums, got, c.want)
		}
	}
}
