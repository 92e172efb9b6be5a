package algos_test

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"petuum/algos"
	"petuum/table"
)

func TestEvalSums(t *testing.T) {
	e := algos.NewEval(4)
	if e.Clock != 4 || !math.IsNaN(e.Gap) || e.Metrics == nil {
		t.Errorf("a new evaluation is %+v, want clock 4, no gap and room for metrics", e)
	}
	if e.Sum("a") != 0 || e.Sums("a") != nil || !math.IsInf(e.Maximum("a"), -1) || e.Norms("a") != (table.Norms{}) {
		t.Error("there is something in a new evaluation")
	}
	given := []float64{1, 2}
	e.Add("a", given...)
	e.Add("a", 10, 20)
	e.Add("b", 5)
	e.Add("none")
	e.Add("none")
	if given[0] != 1 {
		t.Errorf("adding changed what was given: %v", given)
	}
	if diff := cmp.Diff([]float64{11, 22}, e.Sums("a")); diff != "" {
		t.Errorf("a: (-want +got)\n%s", diff)
	}
	if e.Sum("a") != 11 || e.Sum("b") != 5 || e.Sum("none") != 0 {
		t.Errorf("first elements %v, %v, %v, want 11, 5, 0", e.Sum("a"), e.Sum("b"), e.Sum("none"))
	}
	sums, maxima := e.Parts()
	delete(sums, "a")
	maxima["new"] = 1
	if e.Sum("a") != 11 || !math.IsInf(e.Maximum("new"), -1) {
		t.Error("changing what Parts returned changed the evaluation")
	}
}

// TestEvalLength checks that sums of different lengths never mix, whichever is
// longer and whatever memory lies behind the shorter one.
func TestEvalLength(t *testing.T) {
	long := []float64{1, 2, 3}
	for _, c := range []struct {
		name          string
		first, second []float64
	}{{"longer", long[:2], long}, {"shorter", long, long[:2]}, {"none", long, nil}, {"after none", nil, long}} {
		t.Run(c.name, func(t *testing.T) {
			a, b := algos.NewEval(1), algos.NewEval(1)
			a.Add("x", c.first...)
			b.Add("x", c.second...)
			if err := a.Merge(b); err == nil || !strings.Contains(err.Error(), `"x"`) {
				t.Errorf("merged with the error %v, want one that names x", err)
			}
			defer func() {
				if recover() == nil {
					t.Errorf("added, as %v", a.Sums("x"))
				}
			}()
			a.Add("x", c.second...)
		})
	}
}

func TestEvalMax(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{nil, -inf}, {[]float64{-3}, -3}, {[]float64{-3, -5, -1, -2}, -1}, {[]float64{1, inf, 2}, inf}, {[]float64{-inf}, -inf},
		{[]float64{nan, 1}, nan}, {[]float64{1, nan}, nan}, {[]float64{1, nan, 2}, nan},
	} {
		e, merged := algos.NewEval(0), algos.NewEval(0)
		for _, v := range c.values {
			e.Max("m", v)
			one := algos.NewEval(0)
			one.Max("m", v)
			if err := merged.Merge(one); err != nil {
				t.Fatal(err)
			}
		}
		for how, got := range map[string]float64{"at once": e.Maximum("m"), "merged": merged.Maximum("m")} {
			if got != c.want && !(math.IsNaN(got) && math.IsNaN(c.want)) {
				t.Errorf("maximum of %v, %s: got %v, want %v", c.values, how, got, c.want)
			}
		}
	}
}

func TestEvalMerge(t *testing.T) {
	e := algos.NewEval(9)
	for _, p := range []struct {
		sum, max float64
		only     string
	}{{1, 2, "first"}, {10, -2, "second"}, {100, 1, ""}} {
		part := algos.NewEval(9)
		part.Add("sum", p.sum, -p.sum)
		part.Max("max", p.max)
		if p.only != "" {
			part.Add(p.only, p.sum)
		}
		if err := e.Merge(part); err != nil {
			t.Fatal(err)
		}
		if part.Sum("sum") != p.sum {
			t.Errorf("merging changed what was merged: %v", part.Sums("sum"))
		}
	}
	if diff := cmp.Diff([]float64{111, -111}, e.Sums("sum")); diff != "" {
		t.Errorf("sum: (-want +got)\n%s", diff)
	}
	if e.Maximum("max") != 2 || e.Sum("first") != 1 || e.Sum("second") != 10 || e.Clock != 9 {
		t.Errorf("got %+v, want the maximum 2, first 1, second 10, at clock 9", e)
	}
}

// TestEvalAlone checks that what was merged is not shared: one part's sums must
// not move when another's are added.
func TestEvalAlone(t *testing.T) {
	e, a, b := algos.NewEval(0), algos.NewEval(0), algos.NewEval(0)
	a.Add("x", 1)
	b.Add("x", 2)
	for _, p := range []*algos.Eval{a, b} {
		if err := e.Merge(p); err != nil {
			t.Fatal(err)
		}
	}
	if a.Sum("x") != 1 || b.Sum("x") != 2 || e.Sum("x") != 3 {
		t.Errorf("got %v, %v and %v, want 1, 2 and their sum", a.Sum("x"), b.Sum("x"), e.Sum("x"))
	}
}

func TestEvalNorms(t *testing.T) {
	e := algos.NewEval(0)
	e.AddNorms("w", table.Norms{Sum: 1, Abs: 2, Squares: 3, Max: 9, NonZeros: 5, Keys: 6})
	e.AddNorms("w", table.Norms{Sum: -10, Abs: 20, Squares: 30, Max: 4, NonZeros: 50, Keys: 60})
	e.AddNorms("v", table.Norms{Keys: 1})
	want := table.Norms{Sum: -9, Abs: 22, Squares: 33, Max: 9, NonZeros: 55, Keys: 66}
	if got := e.Norms("w"); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := e.Norms("v"); got != (table.Norms{Keys: 1}) {
		t.Errorf("got %+v, want one key", got)
	}
}
