// Package proximal minimises smooth losses with any penalty, under any policy and with
// tables that travel rounded, by delayed block proximal gradient (Li et al., OSDI 2014,
// section 5.1). The columns are dealt out to blocks, which every pass takes in an order
// of its own, the same for all parts. Each part keeps the scores of its rows. For a
// column of the block of a clock, with g its share of the slope, w the weight that its
// scores have, and u its share of a bound of the curvature, a part puts
//
//	z = q u w - g  and  q u      in place of its last ones, into a table that adds up
//	w <- S(z, L1) / (q u + L2)   what the column's owner makes of the sums
//
// once the version of its view has passed the clock: all shares are of that clock or
// later ones then, none is half. S is soft thresholding. As w is in z, parts need not
// have seen the same w, and a step made twice is made once. For logistic and Poisson
// losses u bounds the curvature within a trust region, to which the step is clipped.
//
// Delay: with a slack of s a step is made at most s+1 clocks after its shares and seen
// s+1 clocks later, so a slope misses the steps of at most 2(s+1) blocks, all of them
// other columns. That is as safe as one step on these blocks at once, and q makes it
// so: it is the curvature measured along all that changed in so many clocks, the sum of
// the products of the rows' changes of slope and score, over what u has for them. Where P
// has risen all the same q doubles, up to where u is a bound of the blocks' Hessian
// and P must fall. A fixed point is a minimum, whatever the parts, shards and delays.
//
// Leaps: a pass ends with as many clocks without blocks as it takes to see all steps.
// Then the parts sum up P and its quadratic model on the plane of the last few passes
// (as package newton does, of directions that are here steps of passes), and the
// owners go to its minimum, or back, where P rose after the last leap. Columns that
// would change their sign become 0, and those that are 0 stay. Without leaps, which takes
// several times as many passes, it goes where parts would not all sum up at the same
// point: with tables that round or keep changes back, and under ASP where no barrier
// comes before the end of a pass.
//
// Filter: columns with w = 0 and |g| < L1 - t are asleep: nobody computes or sends
// anything for them until their weight changes or a pass looks at all columns, which
// every fullEvery-th does, and t falls with the largest violation of the pass before. An
// evaluation after blocks that were not looked at in full is unsettled.
package proximal

import (
	"fmt"
	"math"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/algos/linear"
	"petuum/consistency"
	"petuum/table"
)

// Method is this solver.
var Method = linear.Method{
	Name: "proximal", Open: open, Tables: tables,
	Suits: func(p *linear.Problem) string {
		if !p.Smooth() {
			return "needs a loss with a slope everywhere"
		}
		return ""
	},
	Clocks: func(p *linear.Problem, _ dataset.Info) int { return newPass(p).clocks },
}

type solver struct {
	*linear.Problem
	linear.Owners
	pass
	layout
	columns dataset.Matrix // X transposed
	rows
	plane

	shares  linear.Sum           // of each column z of all outputs, then q u
	pace    linear.Sum           // the curvature along recent changes, by slopes and by u
	sums    linear.Sum           // of the plane
	largest *table.View[float64] // magnitude of each column

	visiting, stepping order             // of the blocks: to share next, to step on next
	start, next        consistency.Clock // of the first pass, of the shares to step on next
	made               consistency.Clock // the last steps were
	begun              bool

	// Of the columns, one output after the other.
	w      []float64 // what the scores were made with
	before []float64 // w when it was shared last
	reach  []float64 // how much a step may change scores
	u      []float64 // as it was shared last, without q

	// Of the columns.
	square []float64 // u if all second derivatives were 1
	asleep []bool
	marked []bool  // those in moved
	moved  []int32 // those that this part has changed and not yet taken in

	damping float64 // q, but for caution
	caution float64
	worst   float64 // violation in this pass
	last    float64 // and in the one before; negative: unknown
	partial []bool  // of each block: columns were asleep when it was shared last
	stepped bool    // since the last evaluation
}

// Names of tables.
const (
	shares  = "shares"
	pace    = "pace"
	largest = "largest"
	sums    = "sums"
)

const (
	firstReach, leastReach, mostReach = 1, 0.1, 5

	margin      = 0.1 // of the filter, of the last violation
	mostMargin  = 0.2 // of L1
	mostCaution = 1 << 10
	fading      = 0.9 // of caution, by a pass in which P has fallen
)

func tables(p *linear.Problem, _ dataset.Info) []table.Spec {
	keys := p.Columns
	return []table.Spec{
		{Name: linear.Weights, Keys: keys, Width: p.Outputs, Type: table.Float64},
		{Name: shares, Keys: keys, Width: 2 * p.Outputs, Type: table.Float64, Scratch: true},
		{Name: pace, Keys: 1, Width: 2, Type: table.Float64, Scratch: true},
		{Name: sums, Keys: 1, Width: planeSize, Type: table.Float64, Scratch: true},
		{Name: largest, Keys: keys, Type: table.Float64, Rule: table.Max, Scratch: true},
		linear.OwnersTable(keys),
	}
}

func open(p *linear.Problem, w *algos.Worker) (linear.Solver, error) {
	if w.Parts > linear.MostParts {
		return nil, fmt.Errorf("proximal: works with %d parts at most: set another solver", linear.MostParts)
	}
	n, f, k := p.X.Rows(), p.Keys.Len(), p.Outputs
	s := &solver{Problem: p, pass: newPass(p), columns: p.X.Transpose(), last: -1, worst: -1, caution: 1}
	s.layout = newLayout(p, s.blocks, w.Seed)
	s.visiting, s.stepping = newOrder(s.blocks, w.Seed), newOrder(s.blocks, w.Seed)
	s.rows, s.plane = newRows(n*k), newPlane(f*k, n*k)
	s.w, s.before, s.reach, s.u = make([]float64, f*k), make([]float64, f*k), make([]float64, f*k), make([]float64, f*k)
	s.square, s.asleep, s.marked, s.moved = make([]float64, f), make([]bool, f), make([]bool, f), make([]int32, 0, f)
	s.partial = make([]bool, s.blocks)
	for i := range s.reach {
		s.reach[i] = firstReach
	}
	weights := make([]float64, n)
	for i := range weights {
		weights[i] = p.Weight(i)
	}
	for j := range s.square {
		s.square[j] = s.columns.DotSquares(j, weights)
	}
	s.damping = 1 + float64(w.Info.NonZeros)/float64(w.Info.Rows)*float64(s.flight)/float64(s.blocks)
	for _, t := range []struct {
		sum  *linear.Sum
		name string
		keys table.Set
		size int
	}{{&s.shares, shares, p.Keys, 2 * k}, {&s.pace, pace, table.Span(0, 1), 2}, {&s.sums, sums, table.Span(0, 1), planeSize}} {
		if err := t.sum.Open(w, t.name, t.keys, t.size, table.Float64); err != nil {
			return nil, err
		}
	}
	var err error
	if s.largest, err = algos.View[float64](w, largest, p.Keys, table.Increments); err != nil {
		return nil, err
	}
	return s, s.Owners.Open(w, p.Keys)
}

// Prepare finds out whose the columns are, and how large their values.
func (s *solver) Prepare() {
	s.Offer()
	most := make([]float64, 1)
	for j := range s.square {
		most[0] = 0
		for _, x := range s.columns.Row(j) {
			most[0] = max(most[0], math.Abs(x))
		}
		s.largest.Put(j, most)
	}
	s.measure()
}

// Push takes in how w has changed, makes the steps whose shares are complete, and shares
// what the part has of the next block.
func (s *solver) Push(now consistency.Clock) {
	s.Learn()
	if !s.begun {
		s.begun, s.start, s.next = true, now, now
	}
	s.take()
	for ; s.next < s.W.Version(); s.next++ {
		switch s.at(s.next - s.start) {
		case sharing:
			s.step(s.stepping.turn())
			s.made = now
		case surveying:
			s.leap()
		}
	}
	s.adapt()
	switch s.at(now - s.start) {
	case sharing:
		if s.visiting.done() {
			s.restart() // leaps are not steps
		}
		s.share(s.visiting.turn())
	case surveying:
		s.survey(now)
	}
}

// Evaluate reports the part's share of P, what the filter has asleep of columns and of
// values, and the largest violation that steps have met in the last pass.
func (s *solver) Evaluate(e *algos.Eval) {
	s.Learn()
	s.take()
	loss, _ := s.Measure(s.scores, s.curved, nil)
	s.Report(e, loss, s.scores)
	unsettled := !s.stepped
	for _, p := range s.partial {
		unsettled = unsettled || p
	}
	if unsettled {
		e.Add(linear.Unsettled, 1)
	}
	s.stepped = false
	sleeping, columns, kept, values := 0.0, 0.0, 0.0, 0.0
	for j, sleeps := range s.asleep {
		size := float64(s.columns.Len(j))
		columns, values = columns+s.Own[j], values+size
		if sleeps {
			sleeping, kept = sleeping+s.Own[j], kept+size
		}
	}
	e.Add(linear.Filtered, sleeping, columns, kept, values)
	e.Max("violation", max(s.worst, s.last))
	if s.Free >= 0 && s.Own[s.Free] != 0 {
		for _, w := range s.weights(s.Free) {
			e.Add("free_abs", math.Abs(w))
			e.Add("free_squares", w*w)
		}
	}
}

// weights are those of column j.
func (s *solver) weights(j int) []float64 { return s.W.Values()[j*s.Outputs : (j+1)*s.Outputs] }
