// Package newton minimises smooth losses with any penalty by Newton steps within a
// subspace: that of a direction made of the gradient g and the diagonal of the Hessian,
// some recent steps, and perhaps a Newton step on a block of columns (sequential
// subspace optimization: Narkiss and Zibulevsky, 2005).
//
// Each part keeps the scores of its rows and the product of X and every direction, so
// that what a step does to the rows takes no pass over the data. With k and D the
// derivatives of the rows' losses, H = diag(X'DX) and L2 = l, two clocks are an iteration:
//
//	products   the direction z and Xz; of all directions e the part's share of
//	           A = E'(X'DX + l)E and b = -E'(g + l w)
//	step       A a = b, w += E a; the part's share of g = X'k and of P
//
// A clock of its own goes before products where it is needed: half the last step is
// taken back if P has risen, H is made anew if D has changed. Where the block is of
// several outputs its step is z.
//
// Without L1, z = -(g + l w)/(H + l). With it (orthant-wise: Andrew and Gao, 2007)
//
//	z   = S(w - (g + l w)/(H + l), L1/(H + l)) - w, S soft thresholding
//	xi  = L1 sign(w), of z where w = 0; a column with w = z = 0 is not free
//
// steps are of free columns only, b has g + l w + xi in place of g + l w, and a weight
// that would change its sign becomes 0. The product of X and that step takes a pass.
//
// Parts never say what to do next: all decide alike, by sums that are the same bits
// for all of them. That takes BSP and exact tables. Outputs that are not coupled are
// problems side by side, each with an A of its own.
package newton

import (
	"fmt"
	"math"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/algos/linear"
	"petuum/consistency"
	"petuum/table"
	"petuum/table/kernel"
)

// Method is this solver.
var Method = linear.Method{
	Name: "newton", Lockstep: true, Resumes: true, Tables: tables, Open: open, Gap: gap,
	Suits: func(p *linear.Problem) string {
		if !p.Smooth() {
			return "needs a loss with a slope everywhere"
		}
		return ""
	},
	Clocks: func(*linear.Problem, dataset.Info) int { return 2 },
}

type solver struct {
	*linear.Problem
	linear.Owners
	number, parts int
	groups        int // problems side by side
	rows, cols    int // of a direction: of all outputs

	gradient, curvature linear.Sum           // g and H
	sums                *table.View[float64] // of each part its share of P, A and b
	block               *block               // nil: there is none
	awake               awake
	share               []float64 // this part's row of sums

	scores, slope, d []float64 // of the rows
	q                []float64 // of the columns: -(g + l w + xi), 0 where not free
	hx               []float64 // of gram
	tx               [][]float64

	dirs      []*direction // the direction to be made, then steps, the last one first
	found     bool         // A and b are in sums
	best      float64      // P before the last step
	renewed   float64      // the sum of D that H was made with
	halved    int          // times that the last step was
	iteration int
	l1, l2    float64         // the penalties that all this is for
	past      [window]float64 // P before the last steps, the last one first
	stepped   bool            // since the last evaluation, and nothing was taken back
	looked    bool            // since the last evaluation there was a gradient of all columns
}

// direction is a vector of the columns and its product with X.
type direction struct{ cols, rows []float64 }

// Names of tables.
const (
	gradients  = "gradient"
	curvatures = "curvature"
	sums       = "sums"
)

const (
	pastSteps    = 5
	directions   = 1 + pastSteps + 1
	mostHalvings = 20
	window       = 5     // iterations over which P has to have stopped falling: one step may be a poor one
	stale        = 0.3   // of ln sum D
	noise        = 1e-12 // of P
	flat         = 1e-3  // of L1: the least curvature of a column

	// What a part's row of sums holds. Of each group it has A, of which it keeps the
	// lower triangle, row by row, and b.
	lossAt, weightAt, absAt, squareAt = 0, 1, 2, 3
	groupsAt                          = 4
	matrixSize                        = directions * (directions + 1) / 2
	groupSize                         = matrixSize + directions
)

func groups(p *linear.Problem) int {
	if p.Coupled {
		return 1
	}
	return p.Outputs
}

// precision is that of g and H: of large models single, which halves what travels.
func precision(p *linear.Problem) table.Type {
	if p.Columns >= large {
		return table.Float32
	}
	return table.Float64
}

// large is how many columns make a large model.
var large uint64 = 1 << 17 // a variable for tests

func tables(p *linear.Problem, d dataset.Info) []table.Spec {
	keys, shares := p.Columns, groupsAt+groups(p)*groupSize
	return append([]table.Spec{
		{Name: linear.Weights, Keys: keys, Width: p.Outputs, Type: table.Float64},
		{Name: gradients, Keys: keys, Width: p.Outputs, Type: precision(p), Scratch: true},
		{Name: curvatures, Keys: keys, Width: p.Outputs, Type: precision(p), Scratch: true},
		{Name: sums, Keys: linear.MostParts, Width: shares, Type: table.Float64, Rule: table.Replace, Scratch: true},
		linear.OwnersTable(keys),
	}, blockTables(p, d)...)
}

func open(p *linear.Problem, w *algos.Worker) (linear.Solver, error) {
	s := &solver{Problem: p, l1: p.L1, l2: p.L2, number: w.Part, parts: w.Parts, groups: groups(p), best: math.Inf(1)}
	if s.parts > linear.MostParts {
		return nil, fmt.Errorf("newton: works with %d parts at most: set another solver", linear.MostParts)
	}
	s.forget()
	s.rows, s.cols = p.X.Rows()*p.Outputs, p.Keys.Len()*p.Outputs
	s.share = make([]float64, groupsAt+s.groups*groupSize)
	s.scores, s.slope, s.d = make([]float64, s.rows), make([]float64, s.rows), make([]float64, s.rows)
	s.q, s.hx = make([]float64, s.cols), make([]float64, stretch)
	if p.Coupled {
		s.tx = make([][]float64, directions)
		for i := range s.tx {
			s.tx[i] = make([]float64, stretch)
		}
	}
	s.dirs = append(make([]*direction, 0, directions), s.direction())
	if err := s.gradient.Open(w, gradients, p.Keys, p.Outputs, precision(p)); err != nil {
		return nil, err
	}
	if err := s.curvature.Open(w, curvatures, p.Keys, p.Outputs, precision(p)); err != nil {
		return nil, err
	}
	var err error
	if s.sums, err = algos.View[float64](w, sums, table.Span(0, uint64(s.parts)), table.Increments); err != nil {
		return nil, err
	}
	if err := s.Owners.Open(w, p.Keys); err != nil {
		return nil, err
	}
	s.block, err = openBlock(s, w)
	return s, err
}

func (s *solver) direction() *direction {
	return &direction{make([]float64, s.cols), make([]float64, s.rows)}
}

// Prepare begins at the weights that the table has.
func (s *solver) Prepare() {
	s.Offer()
	for i, w := range s.dirs[0].cols {
		s.dirs[0].cols[i] = w + s.W.Values()[s.Place(i)]
	}
	s.Scores(s.dirs[0].cols, s.scores)
	s.measure()
	s.renew()
}

// Push does the work of one clock.
func (s *solver) Push(consistency.Clock) {
	s.Learn()
	s.block.learn(s)
	if s.l1 != s.L1 || s.l2 != s.L2 {
		s.restart()
		return
	}
	if s.found {
		s.step()
		return
	}
	p := s.total(lossAt) + float64(s.L1*s.total(absAt)) + float64(s.L2/2*s.total(squareAt))
	weight := s.total(weightAt)
	switch {
	case s.iteration == 0 && s.renewed == 0:
		s.renewed = weight // H is of the beginning
		s.norms()
		s.best = math.Inf(1)
		s.products()
	case s.iteration > 0 && s.halved <= mostHalvings && !(p <= s.best*(1+noise)):
		s.halve()
	case s.block.nominates(s):
		s.block.nominate(s)
	case s.block.waits(), weight != s.renewed && !(math.Abs(math.Log(weight/s.renewed)) <= s.block.stale()):
		s.renewed = weight
		s.renew()
	default:
		s.best, s.halved = p, 0
		copy(s.past[1:], s.past[:])
		s.past[0] = p
		s.look() // not before the step is known to stay: columns that it made 0 may sleep
		s.products()
	}
}

// restart begins anew with other penalties, at the weights that there are.
func (s *solver) restart() {
	s.l1, s.l2 = s.L1, s.L2
	s.best, s.halved, s.found, s.stepped = math.Inf(1), 0, false, false
	s.forget()
	s.dirs = s.dirs[:1]
	s.awake.checked = -checkEvery
	s.measure()
}

// forget has the change of P count from here.
func (s *solver) forget() {
	for i := range s.past {
		s.past[i] = math.MaxFloat64
	}
}

// total is the sum over the parts of element i of their rows of sums.
func (s *solver) total(i int) (t float64) {
	for v := s.sums.Values(); i < len(v); i += len(s.share) {
		t += v[i]
	}
	return t
}

// measure computes everything that follows from the scores and w.
func (s *solver) measure() {
	s.share[lossAt], s.share[weightAt] = s.Measure(s.scores, s.slope, s.d)
	all := s.awake.due(s.iteration)
	s.scatter(&s.gradient, all, func(x *dataset.Matrix, i, r int, g []float64) {
		if k := s.slope[r]; k != 0 {
			x.AddTo(i, k, g)
		}
	})
	if s.awake.fresh = all; all {
		s.awake.checked, s.looked = s.iteration, true
	}
	s.norms()
}

// norms sums up the penalties of the part's own columns, and sends what it knows.
func (s *solver) norms() {
	abs, squares := 0.0, 0.0
	for v, w := range s.W.Values() {
		if j := v / s.Outputs; s.Own[j] != 0 && j != s.Free {
			abs += math.Abs(w)
			squares += w * w
		}
	}
	s.share[absAt], s.share[squareAt] = abs, squares
	s.sums.Put(s.number, s.share)
}

// renew computes H, and the same of the block.
func (s *solver) renew() {
	s.scatter(&s.curvature, false, func(x *dataset.Matrix, i, r int, h []float64) {
		x.AddSquares(i, s.second(i, r), h)
	})
	s.block.renew(s)
}

// second is the second derivative of row i's loss by score r, one of that row.
func (s *solver) second(i, r int) float64 {
	d := s.d[r]
	if s.Coupled { // w p (1 - p)
		if w := s.Weight(i); w > 0 {
			d -= d * d / w
		}
	}
	return d
}

// halve takes half of the last step back, or, if that did not help often enough, all,
// and what was remembered with it.
func (s *solver) halve() {
	e, back := s.dirs[1], 0.5
	s.stepped = false
	if s.halved++; s.halved > mostHalvings || s.L1 > 0 && s.halved > 2 && len(s.dirs) > 2 {
		back = 1
		s.dirs = s.dirs[:2]
	}
	kernel.Scale(-back, e.cols)
	kernel.Scale(-back, e.rows)
	s.move(e)
	if back == 1 {
		s.dirs = s.dirs[:1]
	} else {
		kernel.Scale(1-1/back, e.cols) // what is left of the step
		kernel.Scale(1-1/back, e.rows)
	}
	s.measure()
}

// move makes a step.
func (s *solver) move(e *direction) {
	f := s.X.Cols()
	for i, x := range e.cols {
		if x != 0 && s.Own[i%f] != 0 {
			s.W.Inc(s.Place(i), x)
		}
	}
	kernel.Axpy(1, e.rows, s.scores)
}

// Evaluate reports the part's share of P. For L2 it adds what each column has of the gap
// at the point of the dual that the slopes of the losses are,
//
//	g w + L1 |w| + L2/2 w^2 + S(g, L1)^2 / (2 L2),
//
// and always the largest derivative that is not that of a minimum.
func (s *solver) Evaluate(e *algos.Eval) {
	s.Learn()
	s.Report(e, s.share[lossAt], s.scores)
	if !s.stepped || !s.looked {
		e.Add(linear.Unsettled, 1)
	}
	s.stepped, s.looked = false, false
	g, gap, worst, asleep, own := s.gradient.Values(), 0.0, 0.0, 0.0, 0.0
	for v, w := range s.W.Values() {
		j := v / s.Outputs
		if s.Own[j] == 0 {
			continue
		}
		if own++; s.awake.sleeps(j) {
			asleep++
		}
		l1, l2 := s.Penalty(j)
		slope := g[v] + l2*w
		if w != 0 {
			worst = max(worst, math.Abs(slope+math.Copysign(l1, w)))
		} else {
			worst = max(worst, math.Abs(table.SoftThreshold(slope, l1)))
		}
		if l2 > 0 {
			t := table.SoftThreshold(g[v], l1)
			gap += g[v]*w + l1*math.Abs(w) + l2/2*w*w + t*t/(2*l2)
		}
		if j == s.Free {
			e.Add("free", 1)
			e.Add("free_abs", math.Abs(w))
			e.Add("free_squares", w*w)
		}
	}
	e.Add("gap", gap)
	e.Max(linear.Before, s.past[window-1])
	if s.awake.is != nil && s.awake.checked != s.iteration {
		e.Add("stale", 1) // slopes of columns that sleep
	}
	if s.L1 > 0 {
		values := 0.0
		if s.awake.small() {
			values = float64(s.X.NNZ() - s.awake.x.NNZ())
		}
		e.Add(linear.Filtered, asleep, own, values, float64(s.X.NNZ()))
	}
	e.Max("violation", worst)
}

// gap is known where the penalty of all columns is strongly convex, and all slopes are.
func gap(p *linear.Problem, _ dataset.Info, e *algos.Eval) float64 {
	if p.L2 == 0 || e.Sum("free") != 0 || e.Sum("stale") != 0 {
		return math.NaN()
	}
	return e.Sum("gap")
}
