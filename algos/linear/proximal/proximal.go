// Package proximal minimises smooth losses with any penalty, under any policy, by
// delayed block proximal gradient (Li et al., OSDI 2014, section 5.1).
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
	Clocks: func(p *linear.Problem, _ dataset.Info) int { return period(p) },
}

type solver struct {
	*linear.Problem
	linear.Owners
	columns dataset.Matrix // X transposed
	shares  linear.Sum     // of each column and output z, then u
	pace    linear.Sum     // the curvature along recent changes, by X'DX and by u
	sums    linear.Sum
	largest *table.View[float64]

	layout
	plane
	start              consistency.Clock
	caution            float64
	visiting, stepping order             // of the blocks: which to share now, which to step on next
	next               consistency.Clock // of the shares to step on next
	begun              bool

	// Of the columns, one output after the other.
	w      []float64 // what the scores were made with
	before []float64 // w at the last visit
	reach  []float64 // the trust region, as a change of scores
	u      []float64 // what was shared last, without the damping
	square []float64 // sum of w_i x^2
	asleep []bool
	moved  []int32 // columns of the view of w that this part has stepped on

	rows
	damping   float64
	threshold float64 // of the filter
	worst     float64 // violation in this pass, and in the one before
	last      float64
	partial   []bool // of each block: columns were asleep at its last visit
	stepped   bool   // since the last evaluation
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
	fullEvery                         = 4
)

func tables(p *linear.Problem, _ dataset.Info) []table.Spec {
	keys := p.Columns
	return []table.Spec{
		{Name: linear.Weights, Keys: keys, Width: p.Outputs, Type: table.Float64},
		{Name: shares, Keys: keys, Width: 2 * p.Outputs, Type: table.Float64, Scratch: true},
		{Name: sums, Keys: 1, Width: planeSize, Type: table.Float64, Scratch: true},
		{Name: pace, Keys: 1, Width: 2, Type: table.Float64, Scratch: true},
		{Name: largest, Keys: keys, Type: table.Float64, Rule: table.Max, Scratch: true},
		linear.OwnersTable(keys),
	}
}

func open(p *linear.Problem, w *algos.Worker) (linear.Solver, error) {
	if w.Parts > linear.MostParts {
		return nil, fmt.Errorf("proximal: works with %d parts at most: set another solver", linear.MostParts)
	}
	s := &solver{Problem: p, columns: p.X.Transpose(), layout: newLayout(p, w.Seed)}
	n, f := p.X.Rows(), p.Keys.Len()
	vectors := []*[]float64{&s.w, &s.before, &s.reach, &s.u}
	for _, v := range vectors {
		*v = make([]float64, f*p.Outputs)
	}
	s.square, s.asleep, s.moved = make([]float64, f), make([]bool, f), make([]int32, 0, f)
	s.partial = make([]bool, s.blocks)
	s.visiting.init(s.blocks, w.Seed)
	s.stepping.init(s.blocks, w.Seed)
	s.rows.init(p, w)
	s.points, s.hx = make([]point, past+1), make([]float64, n*p.Outputs)
	for i := range s.points {
		s.points[i] = point{make([]float64, f*p.Outputs), make([]float64, n*p.Outputs)}
	}
	s.best, s.caution = math.Inf(1), 1
	for i := range s.reach {
		s.reach[i] = firstReach
	}
	weights := make([]float64, n)
	for i := range weights {
		weights[i] = p.Weight(i)
	}
	for j := range f {
		s.square[j] = s.columns.DotSquares(j, weights)
	}
	s.last, s.threshold = math.Inf(1), math.Inf(1)
	s.damping = 1 + float64(w.Info.NonZeros)/p.N*float64(s.window)/float64(s.blocks)
	var err error
	if err = s.shares.Open(w, shares, p.Keys, 2*p.Outputs); err != nil {
		return nil, err
	}
	if err = s.pace.Open(w, pace, table.Span(0, 1), 2); err != nil {
		return nil, err
	}
	if err = s.sums.Open(w, sums, table.Span(0, 1), planeSize); err != nil {
		return nil, err
	}
	if s.largest, err = algos.View[float64](w, largest, p.Keys, table.Increments); err != nil {
		return nil, err
	}
	return s, s.Owners.Open(w, p.Keys)
}

// Prepare finds out whose the columns are, and the largest magnitude in each.
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
	s.rows.measure()
}

// Push steps on the blocks whose shares are complete, takes in how w has changed, and
// shares what it has of the next block.
func (s *solver) Push(now consistency.Clock) {
	s.Learn()
	if !s.begun {
		s.begun, s.start, s.next = true, now, now
	}
	at := s.at(now)
	s.take()
	for ; s.next < s.W.Version(); s.next++ {
		switch t := s.at(s.next); {
		case t < s.blocks:
			b, full := s.stepping.turn()
			s.step(b, full)
		case t == s.planeAt:
			s.leap()
		}
	}
	s.adapt(at)
	switch {
	case at < s.blocks:
		b, full := s.visiting.turn()
		s.share(b, full)
	case at == s.planeAt:
		s.look()
	}
}

// at is how far into its pass a clock is.
func (s *solver) at(t consistency.Clock) int {
	return int((t - s.start) % consistency.Clock(s.period))
}

// step makes the proximal steps of the part's own columns in a block, and decides which
// of all its columns there are to sleep.
func (s *solver) step(b int, full bool) {
	if s.stepping.first() {
		s.last, s.worst = s.worst, 0
		s.threshold = 0.1 * s.last
	}
	s.stepped = true
	sums, k := s.shares.View.Values(), s.Outputs
	for _, j := range s.block(b) {
		if s.asleep[j] && !full {
			continue
		}
		own, sleeps := s.Own[j] != 0, true
		l1, l2 := s.Penalty(int(j))
		for c := range k {
			v := int(j)*k + c
			at := int(j)*2*k + c
			z, u, w := sums[at], sums[at+k], s.W.Values()[v]
			sleeps = sleeps && w == 0 && math.Abs(z) < l1-s.threshold
			if !(u+l2 > 0) {
				continue
			}
			s.worst = max(s.worst, violation(u*w-z+l2*w, l1, w))
			if !own {
				continue
			}
			d := linear.Soft(z, l1)/(u+l2) - w
			if s.bounded {
				most := s.reach[c*s.columns.Rows()+int(j)] / max(s.largest.Values()[j], math.SmallestNonzeroFloat64)
				d = min(max(d, -most), most)
			}
			if d != 0 {
				if w+d != 0 && math.Abs(w+d) < 1e-14*math.Abs(w) {
					d = -w
				}
				s.W.Inc(v, d)
				s.moved = append(s.moved, j)
			}
		}
		s.asleep[j] = sleeps
	}
}

// violation is how far the slope of a weight is from that of a minimum.
func violation(slope, l1, w float64) float64 {
	if w != 0 {
		return math.Abs(slope + math.Copysign(l1, w))
	}
	return math.Abs(linear.Soft(slope, l1))
}

// take brings the scores up to the weights.
func (s *solver) take() {
	for _, j := range s.W.Changed() {
		s.move(int(j))
	}
	for _, j := range s.moved {
		s.move(int(j))
	}
	s.moved = s.moved[:0]
}

// move takes the weights of one column in.
func (s *solver) move(j int) {
	f, n := s.columns.Rows(), s.columns.Cols()
	for c, w := range s.W.Values()[j*s.Outputs : (j+1)*s.Outputs] {
		i := c*f + j
		d := w - s.w[i]
		if d == 0 {
			continue
		}
		s.columns.AddTo(j, d, s.scores[c*n:(c+1)*n])
		s.w[i] = w
		s.by += s.u[i] * d * d
		s.changed = true
		s.asleep[j] = false
	}
}

// share replaces what the part has of a block.
func (s *solver) share(b int, full bool) {
	f, n := s.columns.Rows(), s.columns.Cols()
	s.partial[b] = false
	for _, j := range s.block(b) {
		if s.asleep[j] && !full {
			s.partial[b] = true
			continue
		}
		for c := range s.Outputs {
			i := c*f + int(j)
			g := s.columns.Dot(int(j), s.slope[c*n:(c+1)*n])
			if s.begunAt > 0 {
				s.reach[i] = min(mostReach, 2*math.Abs(s.w[i]-s.before[i])*s.largest.Values()[j]+leastReach)
			}
			s.before[i] = s.w[i]
			u := s.most * s.square[j]
			if s.bounded {
				u = min(u, math.Exp(s.spread*s.reach[i])*s.columns.DotSquares(int(j), s.curvature[c*n:(c+1)*n]))
			}
			s.u[i] = u
			u *= s.damping * s.caution
			s.shares.Set(c, int(j), u*s.w[i]-g)
			s.shares.Set(s.Outputs+c, int(j), u)
		}
	}
}

// Evaluate reports the part's share of P.
func (s *solver) Evaluate(e *algos.Eval) {
	s.Learn()
	s.take()
	s.Report(e, s.scores)
	unsettled := !s.stepped
	for _, p := range s.partial {
		unsettled = unsettled || p
	}
	if unsettled {
		e.Add(linear.Unsettled, 1)
	}
	s.stepped = false
	columns, sleeping, values, kept := 0.0, 0.0, 0.0, 0.0
	for j, sleeps := range s.asleep {
		size := float64(s.columns.Len(j))
		columns, values = columns+s.Own[j], values+size
		if sleeps {
			sleeping, kept = sleeping+s.Own[j], kept+size
		}
		if j == s.Free && s.Own[j] != 0 {
			for _, w := range s.W.Values()[j*s.Outputs : (j+1)*s.Outputs] {
				e.Add("free_abs", math.Abs(w))
				e.Add("free_squares", w*w)
			}
		}
	}
	e.Add("filtered", sleeping, columns, kept, values)
	e.Max("violation", max(s.worst, s.last))
	e.Max("damping", s.damping)
}
