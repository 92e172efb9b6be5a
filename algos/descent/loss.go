package descent

import (
	"math"

	"petuum/table/kernel"
)

// Loss is the loss of a row.
type Loss uint8

// The losses, with f what is predicted and y the label.
const (
	Squared  Loss = iota // (y-f)^2 / 2
	Logistic             // log(1 + exp(f)) - y f, y 0 or 1; f are log-odds
)

// leastCurve keeps rows that are certain from having no curvature at all.
const leastCurve = 1e-5

// rows sets r, the negative slope of each row, and h, its curvature, from what is
// predicted.
func (l Loss) rows(f, y, r, h []float64) {
	if l == Squared {
		for i := range r {
			r[i], h[i] = y[i]-f[i], 1
		}
		return
	}
	kernel.Sigmoid(h, f)
	for i, p := range h {
		r[i], h[i] = y[i]-p, max(p*(1-p), leastCurve)
	}
}

// sum is the losses of rows with slopes r.
func (l Loss) sum(f, y, r []float64) (sum float64) {
	for i, v := range r {
		if l == Squared {
			sum += v * v / 2
		} else {
			// Of the two forms the one that does not cancel.
			sum += math.Log1p(math.Exp(-math.Abs(f[i]))) + max(f[i], 0) - y[i]*f[i]
		}
	}
	return sum
}

// smooth is the largest curvature of a row.
func (l Loss) smooth() float64 {
	if l == Logistic {
		return 0.25
	}
	return 1
}

// dual is the sum over the rows of the negative conjugate at a times the slopes.
func (l Loss) dual(y, r []float64, a float64) (sum float64) {
	for i, v := range r {
		if l == Squared {
			sum += a*y[i]*v - a*a*v*v/2
			continue
		}
		if p := y[i] - a*v; p > 0 && p < 1 {
			sum -= p*math.Log(p) + (1-p)*math.Log1p(-p)
		}
	}
	return sum
}
