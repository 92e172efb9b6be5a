package algos

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"petuum/consistency"
	"petuum/table"
	"petuum/table/kernel"
)

// Eval gathers one evaluation: sums over the parts, norms of the tables, and
// what the algorithm concludes from them. Everything is float64 and over all the
// data.
type Eval struct {
	Clock  consistency.Clock
	sums   map[string][]float64
	maxima map[string]float64
	tables map[string]table.Norms
	spare  map[string][]float64 // the memory of sums

	Objective float64            // what the algorithm minimises
	Gap       float64            // a bound on how far above the optimum it is; NaN: unknown
	Scale     float64            // what Gap is relative to when it is held against a tolerance; 0: the objective
	Unsettled bool               // that the objective has not changed says nothing
	Before    float64            // the objective that this one is to be held against for its change; NaN: that of the last evaluation
	Metrics   map[string]float64 // by name, as the summary prints them

	Held     float64 // what the model is off on data held out; NaN: not known
	Patience int     // evaluations without a smaller Held after which the job stops; 0: it goes on
}

// NewEval makes an empty evaluation.
func NewEval(clock consistency.Clock) *Eval {
	return &Eval{Clock: clock, Gap: math.NaN(), Before: math.NaN(), Held: math.NaN(), sums: map[string][]float64{},
		maxima: map[string]float64{}, tables: map[string]table.Norms{}, Metrics: map[string]float64{}}
}

// Add adds values to the named sum, element by element. An algorithm gives the
// same number of them each time; anything else is a mistake in it, and panics.
func (e *Eval) Add(name string, values ...float64) {
	sum, ok := e.sums[name]
	if !ok {
		e.sums[name] = append(e.spare[name][:0], values...)
		return
	}
	if len(sum) != len(values) {
		panic(fmt.Sprintf("algos: evaluation: %q has %d elements and then %d", name, len(sum), len(values)))
	}
	for i, v := range values {
		sum[i] += v
	}
}

// Into returns the named sum of n elements to add to in place, which begins with zeros:
// Add of what need not be copied. It is good during Evaluate.
func (e *Eval) Into(name string, n int) []float64 {
	sum, ok := e.sums[name]
	if !ok {
		sum = slices.Grow(e.spare[name][:0], n)[:n] // nobody else has it
		clear(sum)
		e.sums[name] = sum
	}
	if len(sum) != n {
		panic(fmt.Sprintf("algos: evaluation: %q has %d elements and then %d", name, len(sum), n))
	}
	return sum
}

// reset begins another evaluation in the memory of this one.
func (e *Eval) reset(clock consistency.Clock) *Eval {
	next := NewEval(clock)
	next.spare = e.sums
	return next
}

// Max raises the named maximum. What is not a number stays.
func (e *Eval) Max(name string, v float64) { e.maxima[name] = max(v, e.Maximum(name)) }

// Sum is a sum over the parts with one element; 0 if no part added to it.
func (e *Eval) Sum(name string) float64 {
	if s := e.sums[name]; len(s) > 0 {
		return s[0]
	}
	return 0
}

// Sums is a sum over the parts with any number of elements.
func (e *Eval) Sums(name string) []float64 { return e.sums[name] }

// Maximum is a maximum over the parts; -Inf if no part gave one.
func (e *Eval) Maximum(name string) float64 {
	if m, ok := e.maxima[name]; ok {
		return m
	}
	return math.Inf(-1)
}

// Norms are those of a table's values, taken at the barrier where the values
// are; zero for a table that is scratch.
func (e *Eval) Norms(name string) table.Norms { return e.tables[name] }

// AddNorms adds the norms of some shards of a table.
func (e *Eval) AddNorms(name string, n table.Norms) { e.tables[name] = e.tables[name].Plus(n) }

// Merge adds the sums and maxima of another part; merge in the order of parts.
func (e *Eval) Merge(o *Eval) error {
	for name, v := range o.sums {
		if sum, ok := e.sums[name]; ok && len(sum) != len(v) {
			return lengths(name, len(sum), len(v))
		}
		if _, ok := e.sums[name]; ok {
			kernel.Add(e.sums[name], v)
		} else {
			e.Add(name, v...)
		}
	}
	for name, v := range o.maxima {
		e.Max(name, v)
	}
	return nil
}

// Parts returns the sums and maxima, for a codec.
func (e *Eval) Parts() (sums map[string][]float64, maxima map[string]float64) {
	return maps.Clone(e.sums), maps.Clone(e.maxima)
}
