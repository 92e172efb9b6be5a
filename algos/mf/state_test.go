package mf

import (
	"fmt"
	"math"
	"testing"

	"petuum/algos"
	"petuum/algos/algotest"
)

// A job that is stopped behind its best evaluation and goes on, has the model of that
// evaluation all the same, whoever keeps rows.
func TestBestGoesOn(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(*MF)
	}{
		{"sgd", func(a *MF) { a.Patience, a.Lambda, a.Decay, a.Rate = 3, new(0.0), 0, 0.4 }},
		{"ccd", func(a *MF) { a.Solver, a.Patience, a.Lambda, a.Rank = "ccd", 3, new(0.0), 10 }},
	} {
		for _, parts := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s/%d", c.name, parts), func(t *testing.T) {
				job := tiny(t, parts, "bsp", c.set)
				job.Keep, job.Deterministic = true, true
				want := algotest.Train(t, job)
				last := len(want.Curve) - 1
				best := int(want.Eval.Clock / (want.Curve[last].Clock - want.Curve[last-1].Clock))
				if want.Reason != algos.ReasonPatience {
					t.Fatalf("stopped by %s, want patience", want.Reason)
				}
				for _, stop := range []int{best, best + 1} {
					early := job
					early.Stop = algos.Stop{Epochs: stop}
					late := job
					late.From = algotest.Train(t, early).Kept
					r := algotest.Train(t, late)
					got, _ := measure(t, job, r)
					if w := want.Eval.Metrics["test_rmse"]; math.Abs(got-w) > 1e-5 {
						t.Errorf("stopped behind sweep %d: the model has a test RMSE of %v, want that of the best evaluation, %v", stop, got, w)
					}
				}
			})
		}
	}
}
