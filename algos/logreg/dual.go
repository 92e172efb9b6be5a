package logreg

import (
	"math"

	"petuum/algos"
	"petuum/consistency"
)

// dual ascends the dual of the problem,
//
//	D(beta) = mean of H(beta_i) - lambda/2 |w|^2,  0 <= beta_i <= 1,
//	H(b)    = -b ln b - (1-b) ln(1-b),  w = sum beta_i y_i x_i / (lambda n)
//
// one coordinate at a time (Yu, Huang and Lin, 2011). The second line is an
// invariant of the table: every change of a beta goes with its change of w. At
// the optimum D is P, elsewhere it is below.
//
// The parts change w at the same time, all changes are added, and none sees at
// once what the others do. Each part therefore solves its own subproblem, in
// which changes that it made without having seen the others' of the same clock
// count sigma = P times, for theirs (CoCoA+: Ma et al., "Adding vs. Averaging in
// Distributed Primal-Dual Optimization", ICML 2015). That is safe; P/2 was seen
// to diverge. Under BSP these are the changes of the clock. Under SSP and ASP
// they are all since the version of the view: counted sigma times in their own
// clock only, they were seen to diverge with six parts and a slack of 3.
type dual struct {
	*samples
	sigma  float64
	beta   []float64
	square []float64 // |x_i|^2
	own    []float64 // w as this part's subproblem has it during a clock

	// What this part added to w in clocks [mark, now), and in some before mark:
	// all that is newer than the view's version, and perhaps more, which costs
	// speed only. Two sums are enough whatever the slack.
	recent, before []float64
	mark           consistency.Clock
}

// dualClocks cut a pass: a whole pass between two looks at the others makes for
// a stale w and slow, fragile convergence.
const dualClocks = 10

func (d *dual) open(w *algos.Worker) error {
	d.sigma = float64(w.Parts)
	d.beta = make([]float64, d.x.Rows())
	d.square = make([]float64, d.x.Rows())
	for i := range d.square {
		d.square[i] = d.samples.square(i)
	}
	d.own = make([]float64, d.keys.Len())
	d.recent = make([]float64, d.keys.Len())
	d.before = make([]float64, d.keys.Len())
	return nil
}

func (d *dual) prepare() {}

// push takes one step on each row of the clock. It steps on the copy, where its
// changes count sigma times, and adds to the table what really changed.
func (d *dual) push(now consistency.Clock) {
	d.settle(now)
	w := d.w.Values()
	for j := range d.own {
		d.own[j] = d.start(j, w[j])
	}
	scale := 1 / (d.lambda * d.n)
	for _, r := range d.next() {
		i := int(r)
		y := d.sign(i)
		b := ascend(y*d.x.Dot(i, d.own), d.sigma*d.square[i]*scale, d.beta[i])
		d.x.AddTo(i, d.sigma*scale*(b-d.beta[i])*y, d.own)
		d.beta[i] = b
	}
	for j, x := range d.own {
		if start := d.start(j, w[j]); x != start {
			change := (x - start) / d.sigma
			d.recent[j] += change
			d.w.Inc(j, change)
		}
	}
}

// start is where the subproblem has column j at the start of a clock: the view
// holds this part's changes once already.
func (d *dual) start(j int, w float64) float64 {
	return w + (d.sigma-1)*(d.recent[j]+d.before[j])
}

// settle forgets changes where the view has come to hold the others' of the
// same clocks.
func (d *dual) settle(now consistency.Clock) {
	switch version := d.w.Version(); {
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

// ascend is the new value of a beta whose row has margin a and curvature
// q = sigma |x|^2 / (lambda n): s(u) at the zero of
//
//	f(u) = u + a + q (s(u) - beta),  s(u) = 1 / (1 + e^-u)
//
// f increases by at least 1 for 1, and s lies in (0, 1), which bounds the zero.
// Newton starts at u of the old value. Where a step leaves the bounds or has not
// halved the best |f|, the next one bisects: f is flat on both sides of a steep
// middle, between which Newton alone goes to and fro.
func ascend(a, q, beta float64) (s float64) {
	lo, hi := -a-q*(1-beta), -a+q*beta
	u := math.Log(beta / (1 - beta)) // infinite at 0 and 1
	best := math.Inf(1)
	for range 200 {
		if !(lo < u && u < hi) {
			u = lo + (hi-lo)/2
		}
		s = sigmoid(u)
		f := u + a + q*(s-beta)
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

// entropy is the sum of H(beta_i) over the part.
func (d *dual) entropy() (sum float64) {
	for _, b := range d.beta {
		if b > 0 && b < 1 {
			sum -= b*math.Log(b) + (1-b)*math.Log1p(-b)
		}
	}
	return sum
}
