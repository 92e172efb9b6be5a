package algotest

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/configs"
	"petuum/consistency"
)

func newRidge(count int) func() algos.Algorithm {
	return func() algos.Algorithm {
		a := NewRidge()
		a.Count = count
		return a
	}
}

func newApart(count int) func() algos.Algorithm {
	return func() algos.Algorithm {
		a := NewApart()
		a.Count = count
		return a
	}
}

// TestRidge: what tests others must itself be right.
func TestRidge(t *testing.T) {
	path := writeData(t, 60)
	info, parts, err := Job{New: newRidge(1)}.read(path, dataset.Options{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	all := parts[0]
	if err := all.Widen(info.Features); err != nil {
		t.Fatal(err)
	}
	w, want, n := make([]float64, info.Features), 0.0, float64(info.Rows)
	for range 1000 {
		g := make([]float64, len(w))
		want = 0
		for j, v := range w {
			g[j] = -v // the first penalty is 1
			want += v * v / 2
		}
		for i, y := range all.Labels {
			r := y - all.X.Dot(i, w)
			all.X.AddTo(i, r/n, g)
			want += r * r / (2 * n)
		}
		for j := range w {
			w[j] += 0.1 * g[j]
		}
	}
	for _, parts := range []int{1, 3} {
		r := Train(t, Job{New: newRidge(1), Path: path, Parts: parts, Shards: 2, Stop: algos.Stop{Clocks: 300}})
		if got := r.Eval.Objective; math.Abs(got-want) > 1e-9*want {
			t.Errorf("%d parts: got the objective %.12g, want %.12g", parts, got, want)
		}
	}
}

// TestSuiteResumes runs what the suite asks of algorithms that resume and explain.
func TestSuiteResumes(t *testing.T) {
	s := Suite{New: newRidge(1), Path: writeData(t, 60)}
	t.Run("resume", s.resume)
	t.Run("explain", s.explain)
}

// TestStages follows a path: each stage ends where a job with its penalty alone ends,
// whatever the policy, with all parts at the same stage.
func TestStages(t *testing.T) {
	path := writeData(t, 60)
	for _, c := range []struct {
		name string
		make func(count int) func() algos.Algorithm
		stop algos.Stop
	}{
		{"ridge", newRidge, algos.Stop{Clocks: 1200}},
		{"apart", newApart, algos.Stop{Epochs: 1}},
	} {
		for _, policy := range []consistency.Policy{consistency.BSP(), consistency.SSP(3), consistency.ASP()} {
			t.Run(fmt.Sprint(c.name, " ", policy), func(t *testing.T) {
				job := Job{New: c.make(3), Path: path, Parts: 3, Group: 2, Shards: 2, Policy: policy, Eager: policy.Eager(), Delay: 3, Stop: c.stop}
				r := Train(t, job)
				if len(r.Path) != 3 || r.Reason != r.Path[2].StopReason {
					t.Fatalf("got %d stages and %q, want 3 and the reason of the last", len(r.Path), r.Reason)
				}
				for s, stage := range r.Path {
					alone := job
					alone.New = func() algos.Algorithm {
						a := c.make(1)()
						first := math.Pow(0.1, float64(s))
						switch a := a.(type) {
						case *Ridge:
							a.First = first
						case *Apart:
							a.First = first
						}
						return a
					}
					want := Train(t, alone)
					if got, want := stage.Objective, want.Eval.Objective; math.Abs(got-want) > 1e-6*want {
						t.Errorf("stage %d: got the objective %.9g, want %.9g", s, got, want)
					}
					if want.Path != nil || want.Curve[0].Stage != nil {
						t.Errorf("a job of one problem has the stages %v", want.Path)
					}
					if stage.Stage != s || stage.Metrics["apart"] != 0 || stage.Metrics["lambda"] != math.Pow(0.1, float64(s)) {
						t.Errorf("stage %d: got %+v", s, stage.StageResult)
					}
					got, err := stage.Model.Values("w", []uint64{0, 1, 2, 3, 4})
					if err != nil {
						t.Fatal(err)
					}
					for j, v := range valuesOf(t, want) {
						if math.Abs(got[j]-v) > 1e-3 {
							t.Errorf("stage %d: got w %v, want %v", s, got, valuesOf(t, want))
							break
						}
					}
				}
			})
		}
	}
}

func valuesOf(t *testing.T, r Result) []float64 {
	t.Helper()
	w, err := r.Model.Values("w", []uint64{0, 1, 2, 3, 4})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestStagesLossy: of each stage all is paid before it ends.
func TestStagesLossy(t *testing.T) {
	r := Train(t, Job{New: newRidge(2), Path: writeData(t, 60), Parts: 2, Shards: 2, Encoding: 3, Stop: algos.Stop{Clocks: 50}})
	for s, stage := range r.Path {
		if stage.Epochs != 50 || stage.Clock != consistency.Clock(51*(s+1)) {
			t.Errorf("stage %d: %v epochs up to clock %d, want 50 up to %d", s, stage.Epochs, stage.Clock, 51*(s+1))
		}
	}
}

// TestStart goes on from where another job stopped.
func TestStart(t *testing.T) {
	path := writeData(t, 60)
	for _, shards := range []int{1, 3} {
		early := Train(t, Job{New: newRidge(1), Path: path, Parts: 2, Shards: 2, Stop: algos.Stop{Clocks: 5}})
		r := Train(t, Job{New: newRidge(1), Path: path, Parts: 3, Shards: shards, Start: &early, Stop: algos.Stop{Clocks: 300}})
		if got, want := r.Curve[0].Objective, early.Eval.Objective; math.Abs(got-want) > 1e-12*want {
			t.Errorf("%d shards: it begins at %.15g, want %.15g", shards, got, want)
		}
		whole := Train(t, Job{New: newRidge(1), Path: path, Stop: algos.Stop{Clocks: 300}})
		if got, want := r.Eval.Objective, whole.Eval.Objective; math.Abs(got-want) > 1e-9*want {
			t.Errorf("%d shards: it ends at %.15g, want %.15g", shards, got, want)
		}
	}
	early := Train(t, Job{New: newApart(1), Path: path, Stop: algos.Stop{Clocks: 5}})
	if _, err := train(t.Context(), Job{New: newApart(1), Path: path, Start: &early}); err == nil || !strings.Contains(err.Error(), "does not resume") {
		t.Errorf("got error %v, want that it does not resume", err)
	}
}

// TestPenalties asserts that the parameters of the path are settings.
func TestPenalties(t *testing.T) {
	for _, a := range []algos.Algorithm{NewRidge(), NewApart()} {
		if n := len(configs.Describe(a)); n < 3 {
			t.Errorf("%T: %d parameters", a, n)
		}
	}
}
