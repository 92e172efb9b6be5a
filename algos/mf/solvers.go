package mf

import (
	"math"

	"petuum/algos"
	"petuum/algos/mf/als"
	"petuum/algos/mf/alternate"
	"petuum/algos/mf/ccd"
	"petuum/consistency"
)

// newSolver makes the solver that the parameters ask for.
func (a *MF) newSolver() solver {
	switch a.Solver {
	case "als":
		return &alternating{engine: &alternate.ALS{Room: a.Room << 20, Settings: als.Settings{
			Rank: a.Rank, Biases: a.centred(), Penalty: a.weights, NonNegative: a.Nonnegative,
			Implicit: a.implicit(), Alpha: a.Alpha,
		}}}
	case "ccd":
		return &alternating{engine: &alternate.CCD{Settings: ccd.Settings{
			Rank: a.Rank, Biases: a.centred(), Penalty: a.weights, NonNegative: a.Nonnegative,
		}}}
	}
	return &rotation{}
}

func (a *MF) implicit() bool { return a.Feedback == "implicit" }

// centred says whether ratings are the mean, biases and a product.
func (a *MF) centred() bool { return a.Biases && !a.implicit() }

// together refuses parameters that do not go together.
func (a *MF) together() (errs []error) {
	bad := func(is bool, keys, format string, args ...any) {
		if is {
			errs = append(errs, algos.Refuse(keys, format, args...))
		}
	}
	bad(a.implicit() && (a.Solver == "sgd" || a.Solver == "ccd"), "solver feedback",
		"%s learns from explicit ratings: take als or bpr of implicit feedback", a.Solver)
	bad(!a.implicit() && a.Solver == "bpr", "feedback solver", `bpr ranks what users took: want feedback = "implicit"`)
	of := a.penaltyOf()
	bad(a.Solver == "sgd" && of != "sqrt", "penalty solver", "the penalty of sgd is sqrt")
	bad(a.Solver == "bpr" && of != "plain", "penalty solver", "the penalty of bpr is plain, in every step")
	bad(!(a.Step > 0) || math.IsInf(a.Step, 0), "step", "want a number above 0")
	return errs
}

// adds refuses what a solver that adds up sums of all parts at one clock cannot do.
func (a *MF) adds(p consistency.Policy, exact bool) error {
	if a.Solver != "als" && a.Solver != "ccd" {
		return nil
	}
	if !p.Synchronous() {
		return algos.Refuse("solver", `%s adds up sums of all parts, clock by clock: it wants consistency.policy = "bsp", not %s`, a.Solver, p)
	}
	if !exact {
		return algos.Refuse("solver", "%s adds up sums of all parts: it wants tables that travel as they are", a.Solver)
	}
	return nil
}

// penaltyOf is the penalty that is meant.
func (a *MF) penaltyOf() string {
	switch {
	case a.Penalty != "auto":
		return a.Penalty
	case a.implicit():
		return "plain"
	case a.Solver == "sgd":
		return "sqrt"
	}
	return "ratings"
}

// lambda is the weight of the penalty.
func (a *MF) lambda() float64 {
	switch {
	case a.Lambda != nil:
		return *a.Lambda
	case a.Solver == "bpr":
		return 0.01
	case a.implicit() && a.penaltyOf() == "plain":
		return 10
	}
	return map[string]float64{"sqrt": 0.85, "ratings": 0.1, "plain": 1}[a.penaltyOf()]
}

// weights are what the squares of a factor and of a bias cost in a row of so many ratings.
// They are for when the deviation of the ratings is known.
func (a *MF) weights(n float64) (factor, bias float64) {
	factor = a.lambda() * a.deviation
	switch a.penaltyOf() {
	case "sqrt":
		return factor * math.Sqrt(n), a.BiasLambda * n
	case "ratings":
		return factor * n, a.BiasLambda * n
	}
	return factor, a.BiasLambda
}
