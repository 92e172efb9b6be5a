package calibration

import "math"

// sigmoid finds slope and offset: the largest likelihood of the targets (Platt,
// "Probabilistic Outputs for Support Vector Machines", 1999) by Newton steps with a
// line search that no score can upset (Lin, Lin and Weng, "A note on Platt's
// probabilistic outputs for support vector machines", 2007). Scores are brought to
// mean 0 and variance 1 first.
func (p *pairs) sigmoid() (slope, offset float64) {
	const (
		ridge    = 1e-12 // keeps the Hessian from being singular, times the rows
		enough   = 1e-12 // gradient a row
		rounds   = 100
		decrease = 1e-4
		shortest = 1e-10
	)
	f := p.standard()
	if f.spread == 0 {
		return 0, 0
	}
	earlier, later := p.targets()
	f.wanted = func(at point) float64 { return at.earlier*earlier + at.later*later }
	n := p.earlier + p.later
	a, b := 0.0, math.Log((p.later+1)/(p.earlier+1))
	loss, g := f.at(a, b)
	for range rounds {
		if max(math.Abs(g.a), math.Abs(g.b)) <= enough*n {
			break
		}
		aa, bb := g.aa+ridge*n, g.bb+ridge*n
		det := aa*bb - g.ab*g.ab
		da, db := -(bb*g.a-g.ab*g.b)/det, -(aa*g.b-g.ab*g.a)/det
		descent, step := g.a*da+g.b*db, 1.0
		for ; step >= shortest; step /= 2 {
			if l, h := f.at(a+step*da, b+step*db); l < loss+decrease*step*descent {
				a, b, loss, g = a+step*da, b+step*db, l, h
				break
			}
		}
		if step < shortest { // rounding is all that is left
			break
		}
	}
	slope = a / f.spread / f.scale
	return slope, b - a*f.mean/f.spread
}

// standard is points on a scale of their own: x = (score/scale - mean) / spread.
type standard struct {
	points              []point
	scale, mean, spread float64
	wanted              func(point) float64 // rows of the later class, as the targets have them
}

// derivatives are the first and second ones of the loss.
type derivatives struct{ a, b, aa, ab, bb float64 }

func (p *pairs) standard() *standard {
	f := &standard{points: p.points}
	for _, at := range p.points {
		f.scale = max(f.scale, math.Abs(at.score))
	}
	if f.scale == 0 {
		return f
	}
	rows, squares := 0.0, 0.0
	for _, at := range p.points { // Welford's recurrence
		n := at.earlier + at.later
		rows += n
		d := at.score/f.scale - f.mean
		f.mean += d * n / rows
		squares += n * d * (at.score/f.scale - f.mean)
	}
	f.spread = math.Sqrt(squares / rows)
	return f
}

// at is the loss and its derivatives where the log-odds are a x + b.
func (f *standard) at(a, b float64) (loss float64, g derivatives) {
	for _, at := range f.points {
		x := (at.score/f.scale - f.mean) / f.spread
		z, n, wanted := a*x+b, at.earlier+at.later, f.wanted(at)
		e := math.Exp(-math.Abs(z))
		p := 1 / (1 + e)
		if z < 0 {
			p = e / (1 + e)
		}
		loss += n*(math.Log1p(e)+max(z, 0)) - wanted*z
		first, second := n*p-wanted, n*e/((1+e)*(1+e))
		g.a += first * x
		g.b += first
		g.aa += second * x * x
		g.ab += second * x
		g.bb += second
	}
	return loss, g
}
