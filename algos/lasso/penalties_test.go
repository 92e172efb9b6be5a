package lasso

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"petuum/algos"
	"petuum/algos/algotest"
	"petuum/algos/dataset"
	"petuum/algos/descent"
)

// problem is what an instance has to minimise, but for the number of rows, and the
// intercept where there is nothing else.
func problem(t testing.TB, l *Lasso, info dataset.Info, part *dataset.Part) (p algotest.Penalised, b0 float64) {
	t.Helper()
	d := densify(l, part, info.Features)
	n := float64(len(d.y))
	p = algotest.Penalised{X: d.x, Y: d.y, Logistic: l.Loss == "logistic"}
	if p.Logistic {
		ones := 0.0
		p.Intercept = l.Intercept
		for i := range p.Y {
			p.Y[i] = float64(part.Class[i])
			ones += p.Y[i]
		}
		if l.Intercept {
			b0 = math.Log(ones / (n - ones))
		}
	}
	groups, err := descent.GroupsOf(l.Groups, info)
	if err != nil {
		t.Fatal(err)
	}
	p.Groups = groups
	lambda := l.Lambda
	if lambda == 0 {
		lambda = l.LambdaRatio * p.Violation(make([]float64, len(p.X)), b0) / n / l.L1Ratio
	}
	p.L1, p.L2 = n*lambda*l.L1Ratio, n*lambda*(1-l.L1Ratio)
	return p, b0
}

// least is the optimum of an instance, and how many coefficients it has.
func least(t testing.TB, l *Lasso, info dataset.Info, part *dataset.Part) (objective float64, used int) {
	p, _ := problem(t, l, info, part)
	b, b0 := p.Minimise()
	for _, v := range b {
		if v != 0 {
			used++
		}
	}
	return p.Objective(b, b0) / float64(len(p.Y)), used
}

// options are those of data of two classes, or with quantities.
func (s shape) options() dataset.Options {
	o := dataset.Defaults()
	o.Quantity = !s.classes
	return o
}

func readWith(t testing.TB, path string, o dataset.Options) (dataset.Info, *dataset.Part) {
	t.Helper()
	s, err := dataset.Scan([]string{path}, o, []int{0}, 1)
	if err != nil {
		t.Fatal(err)
	}
	info := s.Info(0)
	parts, err := s.Parts(info)
	if err != nil {
		t.Fatal(err)
	}
	return info, parts[0]
}

// Elastic nets, groups and both losses reach the optimum of the dense problem, and
// certify it.
func TestPenalties(t *testing.T) {
	for _, classes := range []bool{false, true} {
		for _, s := range []shape{
			{rows: 60, features: 25, density: 1, correlation: 0.9},
			{rows: 45, features: 60, density: 1, correlation: 0.3, fixed: 6},
			{rows: 150, features: 60, density: 0.2, fixed: 12},
			{rows: 150, features: 60, density: 0.2, ones: true},
		} {
			s.classes = classes
			path := s.write(t)
			info, all := readWith(t, path, s.options())
			for _, c := range []struct {
				l1Ratio float64
				groups  string
			}{{1, ""}, {0.5, ""}, {1, "3"}, {0.6, "3"}, {1, fmt.Sprintf("2,5,1,%d", s.features-8)}, {1, fmt.Sprint(s.features)}} {
				for kind := range 4 {
					if testing.Short() && (kind != 3 || s.density == 1) {
						continue
					}
					set := func(l *Lasso) {
						if l.LambdaRatio = 0.08; classes {
							l.Loss, l.LambdaRatio = "logistic", 0.2
						}
						l.L1Ratio, l.Groups, l.Standardize, l.Intercept = c.l1Ratio, c.groups, kind&1 != 0, kind&2 != 0
					}
					t.Run(fmt.Sprintf("%+v/%+v/standardize=%v/intercept=%v", s, c, kind&1 != 0, kind&2 != 0), func(t *testing.T) {
						want, used := least(t, with(set)().(*Lasso), info, all)
						r := algotest.Train(t, algotest.Job{New: with(set), Path: path, Options: s.options(), Parts: 3, Shards: 2, Every: 1, Stop: algos.Stop{Tolerance: 1e-9, Clocks: 500}})
						got := r.Eval.Objective
						if off := math.Abs(got-want) / want; !(off < 1e-8) || r.Reason != algos.ReasonTolerance {
							t.Errorf("after %d rounds (%s) got %.12g with %v nonzeros, want %.12g with %d: off by %.3g", r.Clocks, r.Reason, got, r.Eval.Metrics["nonzeros"], want, used, off)
						}
						for _, p := range r.Curve {
							if above := p.Objective - want; above > *p.Gap+1e-8*want {
								t.Errorf("round %d: the objective is %.6g above the optimum, the gap %.6g", p.Clock, above, *p.Gap)
							}
						}
					})
				}
			}
		}
	}
}

func TestConformanceLogistic(t *testing.T) {
	set := func(a algos.Algorithm) {
		l := a.(*Lasso)
		l.Loss, l.LambdaRatio, l.L1Ratio, l.Groups = "logistic", 0.1, 0.8, "2"
	}
	s := shape{rows: 83, features: 20, density: 0.4, correlation: 0.5, classes: true}
	algotest.Conformance(t, algotest.Suite{
		New:       func() algos.Algorithm { return New() },
		Set:       set,
		Path:      s.write(t),
		Options:   s.options(),
		Stop:      algos.Stop{Tolerance: 1e-8, Clocks: 1000},
		Tolerance: 1e-8,
		Clocks:    200,
		Reference: func(t testing.TB, d dataset.Info, all *dataset.Part) float64 {
			l := New()
			set(l)
			objective, _ := least(t, l, d, all)
			return objective
		},
		Refused: []string{"lambda = 1\nloss = \"hinge\"", "lambda = 1\nl1_ratio = 0", "lambda = 1\nl1_ratio = 1.1", "lambda = 1\nl1_ratio = nan",
			"lambda = 1\ngroups = \"0\"", "lambda = 1\ngroups = \"-3\"", "lambda = 1\ngroups = \"3,4\"", "lambda = 1\ngroups = \"9223372036854775807,9223372036854775807,22\"", "lambda = 1\ngroups = \"3,,17\"",
			"lambda = 1\ngroups = \"word\"", "lambda = 1\ngroups = \"columns\""},
	})
}

// The categories of a CSV column are one group, and other columns are groups of one;
// labels may be words.
func TestGroupsOfColumns(t *testing.T) {
	for _, loss := range []string{"squared", "logistic"} {
		var b strings.Builder
		b.WriteString("y,size,colour,kind\n")
		for i := range 60 {
			colour := []string{"red", "green", "blue", "red"}[i*7%4]
			y := fmt.Sprint(i*i%17 + 5*len(colour))
			if loss == "logistic" {
				y = []string{"cheap", "dear"}[(i*i%17+5*len(colour))/23]
			}
			fmt.Fprintf(&b, "%s,%d,%s,%s\n", y, i%11, colour, []string{"a", "b"}[i%5/3])
		}
		path := filepath.Join(t.TempDir(), "cars.csv")
		if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		o := dataset.Defaults()
		o.Categorical, o.Quantity = []string{"*"}, loss == "squared"
		info, all := readWith(t, path, o)
		set := func(l *Lasso) { l.Loss, l.Groups, l.LambdaRatio = loss, "columns", 0.3 }
		l := with(set)().(*Lasso)
		ends, err := descent.GroupsOf(l.Groups, info)
		if err != nil || fmt.Sprint(ends) != "[1 4 6]" {
			t.Fatalf("groups end at %v, %v, want [1 4 6]", ends, err)
		}
		want, used := least(t, l, info, all)
		r := algotest.Train(t, algotest.Job{New: with(set), Path: path, Options: o, Parts: 2, Stop: algos.Stop{Tolerance: 1e-10, Clocks: 100}})
		if got := r.Eval.Objective; math.Abs(got-want) > 1e-9*want || r.Eval.Metrics["nonzeros"] != float64(used) || used == 0 {
			t.Errorf("%s: got %.12g with %v nonzeros, want %.12g with %d", loss, got, r.Eval.Metrics["nonzeros"], want, used)
		}
	}
}
