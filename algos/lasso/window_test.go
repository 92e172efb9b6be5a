package lasso

import (
	"testing"

	"petuum/algos"
	"petuum/algos/algotest"
	"petuum/consistency"
)

// With many rounds in flight the intercept of a logistic loss, which is in all of them,
// approaches the optimum as it does with one.
func TestInterceptInWindow(t *testing.T) {
	s := shape{rows: 200, features: 80, density: 1, classes: true}
	path := s.write(t)
	info, all := readWith(t, path, s.options())
	set := with(func(l *Lasso) {
		l.Loss, l.LambdaRatio, l.Kind, l.Block = "logistic", 0.5, "round-robin", 1
	})
	want, _ := least(t, set().(*Lasso), info, all)
	for _, policy := range []consistency.Policy{consistency.BSP(), consistency.SSP(63)} {
		r := algotest.Train(t, algotest.Job{New: set, Path: path, Options: s.options(), Parts: 2, Policy: policy, Delay: 7,
			Stop: algos.Stop{Tolerance: 1e-6, Epochs: 200}})
		if got := r.Eval.Objective; r.Reason != algos.ReasonTolerance || got > want*(1+2e-6) {
			t.Errorf("%v: after %d rounds (%s) got %.9g, want %.9g", policy, r.Clocks, r.Reason, got, want)
		}
	}
}
