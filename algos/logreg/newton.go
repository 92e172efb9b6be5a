package logreg

import (
	"fmt"
	"math"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/consistency"
	"petuum/table"
	"petuum/table/kernel"
)

// newton makes Newton steps of P within a subspace: that of a direction made of the
// gradient g, some recent steps, and perhaps a Newton step on a block of columns
// (sequential subspace optimization: Narkiss and Zibulevsky, 2005).
//
// Each part keeps the margins m = Xw of its rows and the product of X and every
// direction, so that what a step does to the rows takes no pass over the data. With
// k and D the derivatives of the rows' losses and M = lambda + diag(X'DX)/n, two
// clocks are an iteration and a pass:
//
//	products   z = -(g + lambda w)/M and Xz; of all directions e the part's share of
//	           A = E'(X'DX/n + lambda)E and b = -E'(g + lambda w)
//	step       A a = b, w += E a, m += XE a; the part's share of g = X'k/n and of P
//
// A clock of its own goes before products where it is needed: half the last step is
// taken back if P has risen, M is made anew if D has changed.
//
// Parts never say what to do next: all decide alike, by sums that are the same bits
// for all of them. That takes BSP and exact tables.
type newton struct {
	*samples
	columns       uint64 // of all data
	number, parts int

	gradient, curvature sum                  // g and diag(X'DX)/n
	sums                *table.View[float64] // of each part its share of P, A and b
	owners              *table.View[int32]
	block               block
	own                 []float64 // of each column: 1 if it is counted by this part, else 0
	share               []float64 // this part's row of sums

	m  []float64 // margins
	d  []float64 // D of the rows
	q  []float64 // -(g + lambda w)
	hx []float64 // of gram

	dirs      []*direction // the direction to be made, then steps, the last one first
	found     bool         // A and b are in sums
	best      float64      // P before the last step
	renewed   float64      // the sum of D that M was made with
	halved    int          // times that the last step was
	iteration int
}

// direction is a vector of the columns and its product with X.
type direction struct{ cols, rows []float64 }

// Names of tables.
const (
	gradients  = "gradient"
	curvatures = "curvature"
	sums       = "sums"
	owners     = "owners"
)

const (
	newtonClocks = 2
	pastSteps    = 5
	directions   = 1 + pastSteps + 1
	mostHalvings = 20
	exactEvery   = 32    // iterations between two computations of m
	stale        = 0.3   // of ln sum D
	noise        = 1e-12 // of P
	mostParts    = 1 << 12

	// What a part's row of sums holds; A is its lower triangle, row by row.
	lossAt, weightAt, squareAt = 0, 1, 2
	matrixAt                   = 3
	vectorAt                   = matrixAt + directions*(directions+1)/2
	shares                     = vectorAt + directions
)

func newtonTables(keys uint64, d dataset.Info) []table.Spec {
	return append([]table.Spec{
		{Name: weights, Keys: keys, Type: table.Float64},
		{Name: gradients, Keys: keys, Type: table.Float64, Scratch: true},
		{Name: curvatures, Keys: keys, Type: table.Float64, Scratch: true},
		{Name: sums, Keys: mostParts, Width: shares, Type: table.Float64, Rule: table.Replace, Scratch: true},
		{Name: owners, Keys: keys, Type: table.Int32, Rule: table.Min, Init: table.Init{Value: mostParts}, Scratch: true},
	}, blockTables(keys, d)...)
}

func (s *newton) open(w *algos.Worker) (err error) {
	if s.number, s.parts = w.Part, w.Parts; s.parts > mostParts {
		return fmt.Errorf("logreg: solver newton works with %d parts at most: set solver = \"dual\"", mostParts)
	}
	rows, cols := s.x.Rows(), s.keys.Len()
	s.share, s.own = make([]float64, shares), make([]float64, cols)
	s.m, s.d = make([]float64, rows), make([]float64, rows)
	s.q, s.hx = make([]float64, cols), make([]float64, stretch)
	s.dirs = make([]*direction, 1, directions)
	s.dirs[0] = s.direction()
	s.best = math.Inf(1)
	if err = s.gradient.open(w, gradients, s.keys); err != nil {
		return err
	}
	if err = s.curvature.open(w, curvatures, s.keys); err != nil {
		return err
	}
	if s.sums, err = algos.View[float64](w, sums, table.Span(0, uint64(s.parts)), table.Increments); err != nil {
		return err
	}
	if s.owners, err = algos.View[int32](w, owners, s.keys, table.Increments); err != nil {
		return err
	}
	return s.block.open(s, w, blockTables(s.columns, w.Info))
}

func (s *newton) direction() *direction {
	return &direction{make([]float64, s.keys.Len()), make([]float64, s.x.Rows())}
}

// prepare offers to count each column, for the part that a turn of the parts gives
// the lowest number to, and begins at w = 0.
func (s *newton) prepare() {
	offer := make([]int32, 1)
	for j := range s.own {
		offer[0] = s.turn(j)
		s.owners.Put(j, offer)
	}
	s.measure()
	s.renew()
}

func (s *newton) turn(j int) int32 {
	return int32((uint64(s.number) + s.keys.Key(j)) % uint64(s.parts))
}

// begin learns which columns are this part's to count.
func (s *newton) begin() {
	if s.owners == nil {
		return
	}
	for j, t := range s.owners.Values() {
		if t == s.turn(j) {
			s.own[j] = 1
		}
	}
	s.owners = nil
	s.renewed = s.total(weightAt)
}

// push does the work of one clock.
func (s *newton) push(consistency.Clock) {
	s.begin()
	s.block.learn(s)
	if s.found {
		s.step()
		return
	}
	p, weight := s.total(lossAt)+float64(s.lambda/2*s.total(squareAt)), s.total(weightAt)
	switch {
	case s.iteration > 0 && s.halved <= mostHalvings && !(p <= s.best*(1+noise)):
		s.halve()
	case s.iteration >= lateness && !s.block.chosen:
		s.block.nominate(s)
	case s.block.chosen && !s.block.made, weight != s.renewed && !(math.Abs(math.Log(weight/s.renewed)) <= stale):
		s.renewed = weight
		s.renew()
	default:
		s.best, s.halved = p, 0
		s.products()
	}
}

// total is the sum over the parts of element i of their rows of sums.
func (s *newton) total(i int) (t float64) {
	for v := s.sums.Values(); i < len(v); i += shares {
		t += v[i]
	}
	return t
}

// measure computes everything that follows from m and w.
func (s *newton) measure() {
	loss, weight := 0.0, 0.0
	c := s.gradient.begin()
	for i, m := range s.m {
		y := s.sign(i)
		e := math.Exp(-math.Abs(m))
		r := 1 / (1 + e) // sigmoid(|m|)
		l, u := math.Log1p(e), e*r
		s.d[i] = u * r
		if y*m < 0 {
			l, u = l-y*m, r
		}
		loss += l
		weight += s.d[i]
		s.x.AddTo(i, -y*u/s.n, c)
	}
	s.gradient.end()
	s.share[lossAt], s.share[weightAt], s.share[squareAt] = loss/s.n, weight, 0
	for j, w := range s.w.Values() {
		if s.own[j] != 0 {
			s.share[squareAt] += w * w
		}
	}
	s.sums.Put(s.number, s.share)
}

// renew computes diag(X'DX)/n, and the same of the block.
func (s *newton) renew() {
	c := s.curvature.begin()
	for i, d := range s.d {
		s.x.AddSquares(i, d/s.n, c)
	}
	s.curvature.end()
	s.block.renew(s)
}

// halve takes half of the last step back, or, if that did not help often enough, all.
func (s *newton) halve() {
	e, back := s.dirs[1], 0.5
	if s.halved++; s.halved > mostHalvings {
		back = 1
	}
	kernel.Scale(-back, e.cols)
	kernel.Scale(-back, e.rows)
	s.move(e)
	kernel.Scale(1-1/back, e.cols) // what is left of the step
	kernel.Scale(1-1/back, e.rows)
	s.measure()
}

// move makes a step.
func (s *newton) move(e *direction) {
	for j, x := range e.cols {
		if s.own[j] != 0 {
			s.w.Inc(j, x)
		}
	}
	kernel.Axpy(1, e.rows, s.m)
}

// evaluate is what the part has of P and of its slope g + lambda w. At every clock
// beta = |k| is a point of the dual, and the gap there is |slope|^2 / (2 lambda).
func (s *newton) evaluate(e *algos.Eval) {
	s.begin()
	correct, slope := 0.0, 0.0
	for i, m := range s.m {
		if s.sign(i)*m > 0 { // a score of 0 decides nothing
			correct++
		}
	}
	w := s.w.Values()
	for j, g := range s.gradient.view.Values() {
		if s.own[j] != 0 {
			slope += (g + s.lambda*w[j]) * (g + s.lambda*w[j])
		}
	}
	e.Add("loss", s.share[lossAt]*s.n)
	e.Add("correct", correct)
	e.Add("slope", slope)
}
