// Package dual ascends the dual of a problem with an L2 penalty, one coordinate at a
// time. With b_i = -k_i, k_i the slope of the loss of row i, and omega_i its weight,
//
//	D(b) = sum omega_i C(b_i) - L2/2 |w|^2,  w = sum omega_i b_i x_i / L2
//
// where C is minus the conjugate of the loss. The second is an invariant of the table:
// every change of a b goes with its change of w. At the optimum D is P, elsewhere it is
// below. In terms of a = y b for classes:
//
//	logistic       0 <= a <= 1   C = -a ln a - (1-a) ln(1-a)   (Yu, Huang and Lin, 2011)
//	hinge          0 <= a <= 1   C = a                         (Hsieh et al., ICML 2008)
//	squared_hinge  0 <= a        C = a - a^2/4
//	squared                      C = b y - b^2/2
//	huber          |b| <= delta  C = b y - b^2/2
//
// The parts change w at the same time, all changes are added, and none sees at
// once what the others do. Each part therefore solves its own subproblem, in
// which changes that it made without having seen the others' of the same clock
// count sigma = P times, for theirs (CoCoA+: Ma et al., "Adding vs. Averaging in
// Distributed Primal-Dual Optimization", ICML 2015). That is safe; P/2 was seen
// to diverge. Under BSP these are the changes of the clock. Under SSP and ASP
// they are all since the version of the view: counted sigma times in their own
// clock only, they were seen to diverge with six parts and a slack of 3.
//
// With several parts the gap trails: w gets within 1e-5 of the optimum in some 30
// passes, which the gap may take hundreds to prove. Prefer a rule on epochs, or a
// tolerance of about 1e-3, there.
package dual

import (
	"math"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/algos/linear"
	"petuum/consistency"
	"petuum/table"
)

// Method is this solver.
var Method = linear.Method{
	Name: "dual", Open: open, Gap: gap,
	Suits: func(p *linear.Problem) string {
		switch {
		case p.L1 > 0 || p.L2 == 0 || p.FreeKey != linear.NoKey:
			return "needs an L2 penalty of all weights, and no other"
		case p.Loss == linear.Poisson:
			return "has no steps for loss poisson"
		case p.Coupled:
			return "needs a score of its own for each class"
		}
		return ""
	},
	Tables: func(p *linear.Problem, _ dataset.Info) []table.Spec {
		return []table.Spec{{Name: linear.Weights, Keys: p.Columns, Width: p.Outputs, Type: table.Float64}}
	},
	Clocks: func(*linear.Problem, dataset.Info) int { return clocks },
}

// clocks cut a pass: a whole pass between two looks at the others makes for a stale w
// and slow, fragile convergence.
const clocks = 10

type solver struct {
	*linear.Problem
	linear.Passes
	sigma  float64
	beta   []float64 // of each row and output
	square []float64 // |x_i|^2
	own    []float64 // w as this part's subproblem has it during a clock, one output after the other

	// What this part added to w in clocks [mark, now), and in some before mark:
	// all that is newer than the view's version, and perhaps more, which costs
	// speed only. Two sums are enough whatever the slack.
	recent, before []float64
	mark           consistency.Clock
}

func open(p *linear.Problem, w *algos.Worker) (linear.Solver, error) {
	rows, cols := p.X.Rows(), p.Keys.Len()*p.Outputs
	d := &solver{Problem: p, Passes: linear.NewPasses(rows, clocks, w.Seed, w.Part), sigma: float64(w.Parts)}
	d.beta, d.square = make([]float64, rows*p.Outputs), make([]float64, rows)
	for i := range d.square {
		d.square[i] = p.X.Square(i)
	}
	d.own, d.recent, d.before = make([]float64, cols), make([]float64, cols), make([]float64, cols)
	return d, nil
}

func (d *solver) Prepare() {}

// Push takes one step on each row of the clock. It steps on the copy, where its
// changes count sigma times, and adds to the table what really changed.
func (d *solver) Push(now consistency.Clock) {
	d.settle(now)
	w, f, n := d.W.Values(), d.X.Cols(), d.X.Rows()
	for i := range d.own {
		d.own[i] = d.start(i, w[d.Place(i)])
	}
	for _, r := range d.Next() {
		i := int(r)
		scale := d.Weight(i) / d.L2
		for c := range d.Outputs {
			own, y, b := d.own[c*f:(c+1)*f], d.Target(i, c), &d.beta[c*n+i]
			to := d.ascend(d.X.Dot(i, own), y, d.sigma*d.square[i]*scale, *b)
			if to != *b {
				d.X.AddTo(i, d.sigma*scale*(to-*b), own)
				*b = to
			}
		}
	}
	for i, x := range d.own {
		if start := d.start(i, w[d.Place(i)]); x != start {
			change := (x - start) / d.sigma
			d.recent[i] += change
			d.W.Inc(d.Place(i), change)
		}
	}
}

// start is where the subproblem has column i at the start of a clock: the view
// holds this part's changes once already.
func (d *solver) start(i int, w float64) float64 {
	return w + (d.sigma-1)*(d.recent[i]+d.before[i])
}

// settle forgets changes where the view has come to hold the others' of the
// same clocks.
func (d *solver) settle(now consistency.Clock) {
	switch version := d.W.Version(); {
	case version >= now:
		clear(d.before)
		clear(d.recent)
	case version >= d.mark:
		d.before, d.recent = d.recent, d.before
		clear(d.recent)
	default:
		return
	}
	d.mark = now
}

// ascend is the b of a row with score m and curvature q = sigma omega |x|^2 / L2 that
// makes the most of C(b) - m (b - beta) - q/2 (b - beta)^2.
func (d *solver) ascend(m, y, q, beta float64) float64 {
	switch d.Loss {
	case linear.Logistic:
		a := min(max(y*beta, 0), 1) // 0 at first
		return y * logistic(y*m, q, max(a, math.SmallestNonzeroFloat64))
	case linear.Hinge:
		if q == 0 {
			return y
		}
		return y * min(max(y*beta+(1-y*m)/q, 0), 1)
	case linear.SquaredHinge:
		return y * max(y*beta+(1-y*m-y*beta/2)/(q+0.5), 0)
	case linear.Huber:
		return min(max(beta+(y-m-beta)/(q+1), -d.Delta), d.Delta)
	}
	return beta + (y-m-beta)/(q+1)
}

// logistic is the new value of a coefficient a whose row has margin m and curvature
// q: s(u) at the zero of
//
//	f(u) = u + m + q (s(u) - a),  s(u) = 1 / (1 + e^-u)
//
// f increases by at least 1 for 1, and s lies in (0, 1), which bounds the zero.
// Newton starts at u of the old value. Where a step leaves the bounds or has not
// halved the best |f|, the next one bisects: f is flat on both sides of a steep
// middle, between which Newton alone goes to and fro.
func logistic(m, q, a float64) (s float64) {
	lo, hi := -m-q*(1-a), -m+q*a
	u := math.Log(a / (1 - a)) // infinite at 1
	best := math.Inf(1)
	for range 200 {
		if !(lo < u && u < hi) {
			u = lo + (hi-lo)/2
		}
		s = 1 / (1 + math.Exp(-u))
		f := u + m + q*(s-a)
		if math.Abs(f) < 1e-9 {
			break
		}
		if f > 0 {
			hi = u
		} else {
			lo = u
		}
		if math.Abs(f) > best/2 {
			u = lo + (hi-lo)/2
			continue
		}
		best = math.Abs(f)
		u -= f / (1 + q*s*(1-s))
	}
	return s
}

// conjugate is C of a row.
func (d *solver) conjugate(y, b float64) float64 {
	switch a := y * b; d.Loss {
	case linear.Logistic:
		if a > 0 && a < 1 {
			return -a*math.Log(a) - (1-a)*math.Log1p(-a)
		}
		return 0
	case linear.Hinge:
		return a
	case linear.SquaredHinge:
		return a - a*a/4
	}
	return b*y - b*b/2
}

// Evaluate reports the part's share of P and of D.
func (d *solver) Evaluate(e *algos.Eval) {
	w, n := d.W.Values(), d.X.Rows()
	for i := range d.own {
		d.own[i] = w[d.Place(i)]
	}
	scores := make([]float64, n*d.Outputs)
	d.Scores(d.own, scores)
	loss, _ := d.Measure(scores, make([]float64, len(scores)), nil)
	d.Report(e, loss, scores)
	sum := 0.0
	for c := range d.Outputs {
		for i := range n {
			sum += d.Weight(i) * d.conjugate(d.Target(i, c), d.beta[c*n+i])
		}
	}
	e.Add("dual", sum)
}

// gap is P - D.
func gap(p *linear.Problem, _ dataset.Info, e *algos.Eval) float64 {
	return e.Objective - (e.Sum("dual") - p.L2/2*e.Norms(linear.Weights).Squares)
}
