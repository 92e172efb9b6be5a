package linear

import (
	"math"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/consistency"
	"petuum/table"
)

// Problem is what a job minimises, and in an instance that has loaded its data the
// rows of its part: over weights w of F columns and K outputs
//
//	P(w) = sum over rows of w_i loss(w.x_i, y_i) / N + L1 |w|_1 + L2/2 |w|^2
//
// with w_i the weight of row i times that of its class and N the weight of all rows.
// L1 and L2 may change between two clocks.
type Problem struct {
	Parameters      // what the job says
	Outputs    int  // K: scores of a row
	Coupled    bool // softmax: the outputs share a loss, else each has its own
	L1, L2     float64
	N          float64
	Columns    uint64 // of all the data, with the intercept's
	FreeKey    uint64 // of the column that is not penalised, NoKey if all are
	Policy     consistency.Policy
	Exact      bool // tables travel as they are

	X          dataset.Matrix
	Keys       table.Set       // of the columns of X
	Labels     []float64       // quantities
	Class      []int32         // classes
	Free       int             // where X has the column of FreeKey; -1: nowhere
	Stream     *dataset.Stream // of a method that streams, else nil
	W          *table.View[float64]
	importance []float32 // of the rows; nil if they are alike
	classes    []float64 // weight of each class; nil if they are alike
}

// Unsettled is the sum that is above 0 where an evaluation shows no progress for
// another reason than that there is none to be made.
const Unsettled = "unsettled"

// Before is the maximum that is the objective some steps ago, against which the change is
// to be held that a tolerance is about.
const Before = "before"

// Filtered is what a filter does, as four sums: the columns that it leaves alone, all
// columns, the values in the former, all values.
const Filtered = "filtered"

// NoKey is no key of any table.
const NoKey = math.MaxUint64

// Weights is the name of the table of w: K values a key.
const Weights = "weights"

// Place is where W, and any table of as many values a key, has element i of a vector of
// columns, which holds one output after the other.
func (p *Problem) Place(i int) int { return i%p.X.Cols()*p.Outputs + i/p.X.Cols() }

// Target is y of row i for output c.
func (p *Problem) Target(i, c int) float64 {
	switch {
	case p.Class == nil:
		return p.Labels[i]
	case p.Outputs == 1:
		return float64(2*p.Class[i] - 1)
	case int(p.Class[i]) == c:
		return 1
	}
	return -1
}

// Weight is w_i / N.
func (p *Problem) Weight(i int) float64 {
	r := 1 / p.N
	if p.importance != nil {
		r *= float64(p.importance[i])
	}
	if p.classes != nil {
		r *= p.classes[p.Class[i]]
	}
	return r
}

// Factor is the weight of a class; of no class it is 1.
func (p *Problem) Factor(class int32) float64 {
	if p.classes == nil || class < 0 {
		return 1
	}
	return p.classes[class]
}

// Penalty is the penalties of column j: none for the one that is free.
func (p *Problem) Penalty(j int) (l1, l2 float64) {
	if j == p.Free {
		return 0, 0
	}
	return p.L1, p.L2
}

// Scores computes e.x of all rows: vectors of columns and of rows hold one output
// after the other.
func (p *Problem) Scores(e, scores []float64) {
	n, f := p.X.Rows(), p.X.Cols()
	for c := range p.Outputs {
		col := e[c*f : (c+1)*f]
		for i := range n {
			scores[c*n+i] = p.X.Dot(i, col)
		}
	}
}

// A Solver minimises a Problem, as the instance of one part.
type Solver interface {
	Prepare()                   // at clock 0
	Push(now consistency.Clock) // a clock
	Evaluate(e *algos.Eval)     // at a barrier, see Report
}

// Method is a way to solve problems.
type Method struct {
	Name string
	// Suits says why the method does not work on the problem, "" if it does. What it
	// needs of the tables is the caller's to know: see Lockstep.
	Suits    func(p *Problem) string
	Streams  bool // its parts have a Stream, and no rows or view
	Resumes  bool // it can start from any weights
	Lockstep bool // it needs BSP and tables that travel exactly
	Tables   func(p *Problem, d dataset.Info) []table.Spec
	Clocks   func(p *Problem, d dataset.Info) int // of a pass over the data
	Open     func(p *Problem, w *algos.Worker) (Solver, error)
	// Gap bounds how far P is above its minimum, given what the parts reported; nil: unknown.
	Gap func(p *Problem, d dataset.Info, e *algos.Eval) float64
}

// Report adds to an evaluation what the part has of the mean loss, as Measure says, and
// of the guesses, by the weights of the rows.
func (p *Problem) Report(e *algos.Eval, loss float64, scores []float64) {
	var g Guesses
	row, n := make([]float64, p.Outputs), p.X.Rows()
	for i := range n {
		for c := range row {
			row[c] = scores[c*n+i]
		}
		w := 1.0
		if p.importance != nil {
			w = float64(p.importance[i])
		}
		class, label := int32(-1), 0.0
		if p.Class == nil {
			label = p.Labels[i]
		} else {
			class = p.Class[i]
		}
		p.Guess(&g, w/p.N, row, class, label)
	}
	g.Loss = loss
	g.Add(e)
}

// Guesses adds up how good the scores of rows are.
type Guesses struct{ Weight, Loss, Correct, Squares, Absolute float64 }

// Guess takes in the scores of a row of a class, or with a label if class is negative.
func (p *Problem) Guess(g *Guesses, weight float64, scores []float64, class int32, label float64) {
	g.Weight += weight
	switch {
	case class < 0:
		r := p.Mean(scores[0]) - label
		g.Squares += weight * r * r
		g.Absolute += weight * math.Abs(r)
	case p.Outputs == 1:
		if float64(2*class-1)*scores[0] > 0 { // a score of 0 decides nothing
			g.Correct += weight
		}
	default:
		if first(scores) == int(class) {
			g.Correct += weight
		}
	}
}

// first is the class with the largest score, the first of equals.
func first(scores []float64) (best int) {
	for c, m := range scores {
		if m > scores[best] {
			best = c
		}
	}
	return best
}

// Add adds the sums to an evaluation, and begins anew.
func (g *Guesses) Add(e *algos.Eval) {
	e.Add("weight", g.Weight)
	e.Add("loss", g.Loss)
	e.Add("correct", g.Correct)
	e.Add("squares", g.Squares)
	e.Add("absolute", g.Absolute)
	*g = Guesses{}
}

// guesses is what Add has added to an evaluation.
func guesses(e *algos.Eval) Guesses {
	return Guesses{e.Sum("weight"), e.Sum("loss"), e.Sum("correct"), e.Sum("squares"), e.Sum("absolute")}
}

// Mean is the expected quantity of a score.
func (p *Problem) Mean(score float64) float64 {
	if p.Loss == Poisson {
		return math.Exp(score)
	}
	return score
}
