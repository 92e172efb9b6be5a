// Package schedule chooses which variables of a model are updated together: the
// schedule of a model-parallel program (Lee et al., "On Model Parallelization and
// Scheduling Strategies for Distributed Machine Learning", NIPS 2014). It knows
// numbers of variables and what rounds came to, nothing of data, tables or time.
//
//	s, err := schedule.New(schedule.Options{Variables: p, Seed: seed})
//	for vars := s.Next(nil); len(vars) > 0; vars = s.Next(vars[:0]) {
//		... update them ...
//		s.Done(schedule.Outcome{Variables: vars, Change: change, Promised: promised, Gained: gained})
//	}
//
// # The rules
//
// A variable is ready, in flight (given and not yet Done) or asleep. A schedule gives
// what is ready, so rounds may be pipelined: whatever the window, none of two rounds
// under way has a variable in common. One goroutine calls a schedule at a time. The
// same options and the same calls give the same rounds. Next and Done do not allocate
// once they have seen their largest round. A change that is no number counts as none.
//
// Variables sleep only where surveys (Renew) are made: what promises nothing and is
// not in use, until the next survey. Without surveys, no variables means that all were
// visited since the last change.
//
// # The kinds
//
//	round-robin  in order
//	random       each once a pass, in a new random order each pass
//	priority     drawn without replacement by |b'-b|, its square, or b^2
//	checked      priority, 4 candidates a place; Independent drops what interferes
//	exact        priority, for programs that solve the block: nothing interferes
//	working-set  all in use and the best promises, room for twice what is in use
//	auto         passes in blocks as large as the interference that rounds report
//	             permits, checked where that pays; working sets if blocks are solved
//
// Beside these: [Colour] and [Classes] for dependencies that are known as a graph (Low
// et al., "Distributed GraphLab", PVLDB 5, 2012), [Rotation] for keys that parts own
// in turn, and [Ranges] for several schedulers.
//
// # Why blocks have limits
//
// Updates of one round do not see each other. With columns of length 1 and steps s,
// each promises s_j^2/2, and together they gain
//
//	sum_j s_j^2/2 - sum_{j<k} s_j s_k x_j.x_k
//
// Random blocks of P of d variables converge while P < d/r + 1, r the largest
// eigenvalue of X'X (Bradley et al., "Parallel Coordinate Descent for L1-Regularized
// Loss Minimization", ICML 2011). Equicorrelated columns have r of about d, so that
// even blocks of 3 diverge; a check, or an exact solution, allows more.
//
// # Nothing starves
//
// The papers add epsilon to each priority. Here, one draw of 16 goes by turn instead,
// which gives a bound and not an expectation: of n variables, each that stays ready
// comes within
//
//	round-robin, random   2 passes; those left out come first in the next block
//	priority, exact       16 (n + 64) draws
//	checked, auto         as above, and at worst n rounds more: what came by turn and
//	                      was left out heads the next block, where it is accepted
//	working-set           n + 64 rounds, as one of each goes by turn; or as exact
//	Classes               2 rounds of all colours
//
// # Memory
//
// Six bits a variable say what it is about. Passes, also random ones, need no more;
// the kinds that draw by priority keep weights and their sums, 9.3 bytes a variable in
// all. Next of a working set looks at all that moves, other kinds at what they give.
package schedule

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// Schedule chooses the variables of rounds.
type Schedule interface {
	// Next appends the variables of the next round to dst: distinct, none in flight.
	// None, while rounds are in flight: wait until one is Done. None, while nothing is:
	// no variable promises a change.
	Next(dst []int) []int
	// Done ends a round, in any order of rounds. It keeps nothing of o.
	Done(o Outcome)
	// Renew takes what each variable promises to change, as a survey of all of them
	// measured it, in the units of Outcome.Change: len(promise) is Variables. What
	// promises 0 sleeps until the next survey, unless it is in use.
	Renew(promise []float64)
}

// Checker is a Schedule whose rounds are candidates, of which some are to be left out
// by what they have to do with each other. It is asked when a round is pulled.
type Checker interface {
	Schedule
	// Check is what to give to [Independent] for a round. rho is +Inf where nothing is
	// to be left out for its correlations.
	Check(round []int) (rho float64, most int)
}

// Screener is a Schedule that can be told of variables which will never move, as safe
// screening proves it. All schedules of [New] are.
type Screener interface {
	Schedule
	// Screen takes j out. A round in flight may still come back with it.
	Screen(j int)
	// Reset takes all of them in again.
	Reset()
}

// Explainer is a Schedule that chooses something by itself.
type Explainer interface {
	Schedule
	// Explain says what it chose so far and why, a sentence each.
	Explain() []string
}

// Outcome is what a round came to. The slices are by position in Variables.
type Outcome struct {
	Variables []int     // of the round, as Next gave them
	Change    []float64 // how far each moved the fit, |b' - b| |x_j|; for one left out, how far it would have; nil: not known
	Value     []float64 // what each is now, |b| |x_j| with any sign: whether it is in use, and priority by value; nil: not known
	Left      []bool    // left out, so still to be done; nil: none
	// Promised is by how much the changes that were made would have lowered the
	// objective if each had been made alone, Gained by how much they did together.
	// Both 0: not known, or no more than rounding.
	Promised, Gained float64
	// Correlation is that of two variables, by their positions; nil: not measured.
	Correlation func(i, k int) float64
}

func (o *Outcome) left(i int) bool { return o.Left != nil && o.Left[i] }

// Kinds are the names of the schedules that [New] makes.
var Kinds = []string{"auto", "round-robin", "random", "priority", "checked", "exact", "working-set"}

// Priorities are the published forms of priority: the last change, its square, the
// square of the value.
var Priorities = []string{"delta", "square", "value"}

// Options are what [New] makes a schedule of.
type Options struct {
	Kind      string  // one of Kinds; "" is "auto"
	Variables int     // they are 0 to Variables-1
	Block     int     // most variables that a round updates; 0 where Kind chooses: 4096 at most, 1024 in exact blocks
	Priority  string  // one of Priorities; "" is "delta"
	Rho       float64 // of "checked": correlations from that on interfere; 0 is 0.1
	Exact     bool    // the program solves blocks exactly, so that within them nothing interferes
	Seed      uint64
}

const (
	oversampled = 4 // candidates for each place in a checked block
	defaultRho  = 0.1
	freeBlock   = 4096 // largest block that is chosen,
	exactBlock  = 1024 // and that is where it is solved: products of all pairs are needed
	leastBlock  = 64   // least size that a working set is given
	turnShare   = 16   // one draw of so many is by turn
)

// New makes a schedule. All there is wrong with the options is in its error.
func New(o Options) (Schedule, error) {
	if o.Kind == "" {
		o.Kind = "auto"
	}
	if o.Priority == "" {
		o.Priority = "delta"
	}
	if err := o.validate(); err != nil {
		return nil, err
	}
	if o.Rho == 0 {
		o.Rho = defaultRho
	}
	chosen := o.Block == 0
	if chosen {
		o.Block = freeBlock
		if o.Exact || o.Kind == "working-set" {
			o.Block = exactBlock
		}
	}
	o.Block = min(o.Block, o.Variables)
	rng := rand.New(rand.NewPCG(o.Seed, 0))
	switch {
	case o.Kind == "round-robin":
		return newSweep(o, nil), nil
	case o.Kind == "random":
		return newSweep(o, rng), nil
	case o.Kind == "checked":
		return &checked{newSampler(o, rng, oversampled*o.Block), o.Rho, o.Block}, nil
	case o.Kind == "working-set", o.Kind == "auto" && o.Exact:
		return newWorking(o, rng, chosen), nil
	case o.Kind == "auto":
		return newAuto(o, rng), nil
	}
	return newSampler(o, rng, o.Block), nil
}

func (o Options) validate() error {
	var errs []error
	refuse := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("schedule: "+format, args...))
	}
	if !slices.Contains(Kinds, o.Kind) {
		refuse("there is no schedule %q: take one of %s", o.Kind, strings.Join(Kinds, ", "))
	}
	if !slices.Contains(Priorities, o.Priority) {
		refuse("there is no priority %q: take one of %s", o.Priority, strings.Join(Priorities, ", "))
	}
	if o.Variables < 1 || o.Variables > math.MaxInt/oversampled/64 {
		refuse("%d variables: there has to be one", o.Variables)
	}
	if o.Block < 0 || o.Block == 0 && o.Kind != "auto" && o.Kind != "working-set" {
		refuse("blocks of %d variables with schedule %q: one is the least", o.Block, o.Kind)
	}
	if !(o.Rho >= 0 && o.Rho <= 1) {
		refuse("rho is %v: correlations are from 0 to 1", o.Rho)
	}
	return errors.Join(errs...)
}

// Independent appends to keep whether each of n candidates is accepted, as STRADS
// does: greedily in their order, if its correlation with all that are accepted before
// is below rho in size, until there are most. The first always is.
func Independent(keep []bool, n, most int, rho float64, corr func(i, k int) float64) []bool {
	start, accepted := len(keep), 0
	for i := range n {
		ok := accepted < most
		for k := 0; k < i && ok && rho < math.Inf(1); k++ {
			ok = !keep[start+k] || math.Abs(corr(i, k)) < rho
		}
		ok = ok || i == 0
		if ok {
			accepted++
		}
		keep = append(keep, ok)
	}
	return keep
}

var (
	_ Screener  = (*sweep)(nil)
	_ Screener  = (*sampler)(nil)
	_ Checker   = (*checked)(nil)
	_ Screener  = (*working)(nil)
	_ Explainer = (*working)(nil)
	_ Checker   = (*auto)(nil)
	_ Explainer = (*auto)(nil)
)
