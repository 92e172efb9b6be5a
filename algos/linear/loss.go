package linear

import (
	"math"
	"slices"

	"petuum/table/kernel"
)

// The losses, of a row with score m and target y: a class, which is +1 or -1, or a
// quantity. In one-vs-rest every class has a score of its own, and is +1 for it alone.
const (
	Logistic     = "logistic"      // log(1 + e^(-y m)); softmax: log(sum over classes of e^m_c) - m_y
	Hinge        = "hinge"         // max(0, 1 - y m)
	SquaredHinge = "squared_hinge" // max(0, 1 - y m)^2
	Squared      = "squared"       // (m - y)^2 / 2
	Huber        = "huber"         // (m - y)^2 / 2 where |m - y| <= delta, else delta |m - y| - delta^2/2 (Huber, 1964)
	Poisson      = "poisson"       // e^m - y m, of a count y with mean e^m
)

// Smooth reports whether the loss has a slope everywhere.
func (p *Problem) Smooth() bool { return p.Loss != Hinge }

// quantities reports whether targets are numbers, not classes.
func quantities(loss string) bool {
	return slices.Contains([]string{Squared, Huber, Poisson}, loss)
}

// At is the loss of a score and its first and second derivative.
func (p *Problem) At(m, y float64) (loss, slope, curvature float64) {
	switch p.Loss {
	case Logistic:
		u := y * m
		e := math.Exp(-math.Abs(u))
		r := 1 / (1 + e) // sigmoid(|u|)
		loss, slope = math.Log1p(e), e*r
		curvature = slope * r
		if u < 0 {
			loss, slope = loss-u, r
		}
		return loss, -y * slope, curvature
	case Hinge:
		if u := 1 - y*m; u > 0 {
			return u, -y, 0
		}
		return 0, 0, 0
	case SquaredHinge:
		if u := 1 - y*m; u > 0 {
			return u * u, -2 * y * u, 2
		}
		return 0, 0, 0
	case Huber:
		switch r := m - y; {
		case r > p.Delta:
			return p.Delta*r - p.Delta*p.Delta/2, p.Delta, 0
		case r < -p.Delta:
			return -p.Delta*r - p.Delta*p.Delta/2, -p.Delta, 0
		}
	case Poisson:
		e := math.Exp(m)
		return e - y*m, e - y, e
	}
	r := m - y
	return r * r / 2, r, 1
}

// Quantities reports whether targets are numbers, not classes.
func (p *Problem) Quantities() bool { return quantities(p.Loss) }

// Row is the loss of one row, of a class or with a label, by its scores; it sets slope
// to the derivatives by them.
func (p *Problem) Row(scores, slope []float64, class int32, label float64) (loss float64) {
	if p.Outputs == 1 {
		y := label
		if class >= 0 {
			y = float64(2*class - 1)
		}
		loss, slope[0], _ = p.At(scores[0], y)
		return loss
	}
	if !p.Coupled {
		for c, m := range scores {
			y := -1.0
			if int(class) == c {
				y = 1
			}
			l, k, _ := p.At(m, y)
			loss += l
			slope[c] = k
		}
		return loss
	}
	most, sum := scores[first(scores)], 0.0
	for c, m := range scores {
		slope[c] = math.Exp(m - most)
		sum += slope[c]
	}
	for c := range slope {
		slope[c] /= sum
	}
	slope[class]--
	return math.Log(sum) + most - scores[class]
}

// Measure computes, for scores of all rows (that of output c and row i at c*rows+i),
// this part's share of the mean loss and of its derivatives by each score. Coupled
// outputs get w p as their curvature, w the weight of the row and p the probability
// of the class: their second derivatives are w p_c (1 if c = d, else 0) - w p_c p_d.
// curvature may be nil. total is the sum of the curvatures.
func (p *Problem) Measure(scores, slope, curvature []float64) (loss, total float64) {
	n := p.X.Rows()
	if p.Coupled {
		return p.measureCoupled(scores, slope, curvature)
	}
	if p.Loss == Logistic && p.Outputs == 1 {
		return p.measureLogistic(scores, slope, curvature)
	}
	for c := range p.Outputs {
		for i := range n {
			l, k, d := p.At(scores[c*n+i], p.Target(i, c))
			r := p.Weight(i)
			loss += r * l
			total += r * d
			slope[c*n+i] = r * k
			if curvature != nil {
				curvature[c*n+i] = r * d
			}
		}
	}
	return loss, total
}

// measureLogistic is Measure for two classes, with exponentials by vectors.
func (p *Problem) measureLogistic(scores, slope, curvature []float64) (loss, total float64) {
	var exp, log [256]float64
	for lo := 0; lo < len(scores); lo += len(exp) {
		part := scores[lo:min(lo+len(exp), len(scores))]
		for i, m := range part {
			exp[i] = -math.Abs(m)
		}
		kernel.Exp(exp[:len(part)], exp[:len(part)])
		kernel.Log1p(log[:len(part)], exp[:len(part)])
		for i, m := range part {
			at := lo + i
			y, r := float64(2*p.Class[at]-1), 1/(1+exp[i]) // r is sigmoid(|m|)
			l, k := log[i], exp[i]*r
			d := k * r
			if y*m < 0 {
				l, k = l-y*m, r
			}
			w := p.Weight(at)
			loss += w * l
			total += w * d
			slope[at] = -y * w * k
			if curvature != nil {
				curvature[at] = w * d
			}
		}
	}
	return loss, total
}

func (p *Problem) measureCoupled(scores, slope, curvature []float64) (loss, total float64) {
	n := p.X.Rows()
	for i := range n {
		most := math.Inf(-1)
		for at := i; at < len(scores); at += n {
			most = max(most, scores[at])
		}
		sum := 0.0
		for at := i; at < len(scores); at += n {
			slope[at] = math.Exp(scores[at] - most)
			sum += slope[at]
		}
		r, y := p.Weight(i), int(p.Class[i])*n+i
		loss += r * (math.Log(sum) + most - scores[y])
		for at := i; at < len(scores); at += n {
			slope[at] *= r / sum
			total += slope[at] - slope[at]*slope[at]/max(r, math.SmallestNonzeroFloat64)
			if curvature != nil {
				curvature[at] = slope[at]
			}
		}
		slope[y] -= r
	}
	return loss, total
}
