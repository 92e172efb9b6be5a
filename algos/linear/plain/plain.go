// Package plain is the linear models in their plainest form, dense and in one piece, to
// hold solvers against in tests. It shares no code with what it judges.
package plain

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"petuum/algos/dataset"
	"petuum/table"
)

// Problem is, over weights w[c][j] of output c and column j,
//
//	P(w) = sum over rows of Weight loss / N + L1 |w|_1 + L2/2 |w|^2
//
// without penalties of column Free.
type Problem struct {
	X       [][]float64
	Y       []float64 // the quantity, or the number of the class
	Weight  []float64 // of the rows; nil: 1
	N       float64   // the weights are divided by
	Outputs int
	Softmax bool
	Loss    string // as the parameter of that name
	Delta   float64
	L1, L2  float64
	Free    int // -1: none
}

// Of is the problem of all parts, with one penalty: that of all columns, L2. With an
// intercept X gets a column of ones.
func Of(d dataset.Info, parts []*dataset.Part, loss string, l2 float64, intercept bool) Problem {
	p := Problem{N: float64(d.Rows), Outputs: 1, Loss: loss, Delta: 1, L2: l2, Free: -1}
	for _, part := range parts {
		for i := range part.X.Rows() {
			row := make([]float64, d.Features)
			for c, v := range part.X.Row(i) {
				row[part.Keys[c]] = v
			}
			if intercept {
				row = append(row, 1)
			}
			p.X = append(p.X, row)
			if part.Class != nil {
				p.Y = append(p.Y, float64(part.Class[i]))
			} else {
				p.Y = append(p.Y, part.Labels[i])
			}
		}
	}
	return p
}

// Scores are w.x of every output of a row.
func (p Problem) Scores(i int, w [][]float64) []float64 {
	m := make([]float64, len(w))
	for c := range w {
		for j, x := range p.X[i] {
			m[c] += x * w[c][j]
		}
	}
	return m
}

// Cost is the loss of row i with scores m, and its derivatives by them.
func (p Problem) Cost(i int, m []float64) (loss float64, slope []float64) {
	slope = make([]float64, len(m))
	if p.Softmax {
		most, sum := slices.Max(m), 0.0
		for _, x := range m {
			sum += math.Exp(x - most)
		}
		for c, x := range m {
			slope[c] = math.Exp(x-most) / sum
		}
		y := int(p.Y[i])
		slope[y]--
		return math.Log(sum) + most - m[y], slope
	}
	for c, x := range m {
		y := p.Y[i]
		switch p.Loss {
		case "logistic", "hinge", "squared_hinge":
			if y = -1; len(m) == 1 && p.Y[i] == 1 || len(m) > 1 && int(p.Y[i]) == c {
				y = 1
			}
		}
		l, s := p.cost(x, y)
		loss += l
		slope[c] = s
	}
	return loss, slope
}

func (p Problem) cost(m, y float64) (loss, slope float64) {
	switch p.Loss {
	case "logistic":
		if u := -y * m; u < 30 {
			return math.Log(1 + math.Exp(u)), -y / (1 + math.Exp(-u))
		}
		return -y * m, -y
	case "hinge":
		if y*m < 1 {
			return 1 - y*m, -y
		}
		return 0, 0
	case "squared_hinge":
		u := math.Max(0, 1-y*m)
		return u * u, -2 * y * u
	case "squared":
		return (m - y) * (m - y) / 2, m - y
	case "huber":
		if r := math.Abs(m - y); r > p.Delta {
			return p.Delta * (r - p.Delta/2), math.Copysign(p.Delta, m-y)
		}
		return (m - y) * (m - y) / 2, m - y
	case "poisson":
		return math.Exp(m) - y*m, math.Exp(m) - y
	}
	panic("plain: no loss is called " + p.Loss)
}

func (p Problem) weight(i int) float64 {
	if p.Weight == nil {
		return 1 / p.N
	}
	return p.Weight[i] / p.N
}

// Smooth is P without L1, and its gradient.
func (p Problem) Smooth(w [][]float64) (sum float64, g [][]float64) {
	g = zeros(len(w), len(w[0]))
	for i, row := range p.X {
		loss, slope := p.Cost(i, p.Scores(i, w))
		sum += p.weight(i) * loss
		for c, k := range slope {
			for j, x := range row {
				g[c][j] += p.weight(i) * k * x
			}
		}
	}
	for c := range w {
		for j, x := range w[c] {
			if j != p.Free {
				sum += p.L2 / 2 * x * x
				g[c][j] += p.L2 * x
			}
		}
	}
	return sum, g
}

// Objective is P.
func (p Problem) Objective(w [][]float64) float64 {
	sum, _ := p.Smooth(w)
	return sum + p.abs(w)
}

func (p Problem) abs(w [][]float64) (sum float64) {
	for c := range w {
		for j, x := range w[c] {
			if j != p.Free {
				sum += p.L1 * math.Abs(x)
			}
		}
	}
	return sum
}

// Violation is the largest derivative of P that is not one of a minimum.
func (p Problem) Violation(w [][]float64) (most float64) {
	_, g := p.Smooth(w)
	for c := range g {
		for j, k := range g[c] {
			l1 := p.L1
			if j == p.Free {
				l1 = 0
			}
			switch x := w[c][j]; {
			case x > 0:
				k += l1
			case x < 0:
				k -= l1
			default:
				k = math.Max(0, math.Abs(k)-l1)
			}
			most = math.Max(most, math.Abs(k))
		}
	}
	return most
}

func zeros(rows, cols int) [][]float64 {
	x := make([][]float64, rows)
	for i := range x {
		x[i] = make([]float64, cols)
	}
	return x
}

// Zero is w = 0.
func (p Problem) Zero() [][]float64 { return zeros(p.Outputs, len(p.X[0])) }

// Minimum finds w where no derivative is off by more than tol: by descent along the
// gradient, with backtracking, soft thresholds and restarted momentum (FISTA: Beck and
// Teboulle, 2009). It errs where steps steps do not get there.
func (p Problem) Minimum(steps int, tol float64) (w [][]float64, err error) {
	w, theta, step := p.Zero(), 1.0, 1.0
	v := p.Zero()
	for n := range steps {
		if n%20 == 0 && p.Violation(w) <= tol {
			return w, nil
		}
		at, g := p.Smooth(v)
		next := p.Zero()
		for step *= 1.1; ; step /= 2 {
			bound := at
			for c := range g {
				for j, k := range g[c] {
					l1 := p.L1
					if j == p.Free {
						l1 = 0
					}
					x := v[c][j] - step*k
					next[c][j] = math.Copysign(math.Max(0, math.Abs(x)-step*l1), x)
					d := next[c][j] - v[c][j]
					bound += k*d + d*d/(2*step)
				}
			}
			if got, _ := p.Smooth(next); got <= bound+1e-14*math.Abs(bound) || step < 1e-12 {
				break
			}
		}
		follow, turn := (1+math.Sqrt(1+4*theta*theta))/2, 0.0
		for c := range next {
			for j := range next[c] {
				turn += (v[c][j] - next[c][j]) * (next[c][j] - w[c][j])
			}
		}
		if turn > 0 { // the momentum leads up
			follow, theta = 1, 1
		}
		for c := range next {
			for j, x := range next[c] {
				v[c][j] = x + (theta-1)/follow*(x-w[c][j])
			}
		}
		w, theta = next, follow
	}
	return w, fmt.Errorf("plain: after %d steps a derivative is off by %.2g, want %.2g", steps, p.Violation(w), tol)
}

// Text is a random problem in LIBSVM: rows of up to 6 of the features with values that
// are 1 if binary is set, one row without any, and a rare feature. label makes the label
// of a score and of noise of variance 1.
func Text(seed uint64, rows, features int, binary bool, label func(score, noise float64) string) string {
	r := rand.New(rand.NewPCG(seed, 1))
	truth := make([]float64, features)
	for j := range truth {
		truth[j] = r.NormFloat64()
	}
	var b strings.Builder
	for i := range rows {
		score, noise, line := 0.0, r.NormFloat64(), ""
		for j := range features {
			if r.IntN(features) >= 6 || i == 3 || j == features-1 && i != 5 {
				continue
			}
			x := 1.0
			if !binary {
				x = r.NormFloat64()
			}
			line += fmt.Sprintf(" %d:%.4f", j+1, x)
			score += x * truth[j]
		}
		b.WriteString(label(score, noise) + line + "\n")
	}
	return b.String()
}

// Sign labels rows +1 or -1.
func Sign(score, noise float64) string {
	if score+noise/2 > 0 {
		return "+1"
	}
	return "-1"
}

// Three labels rows 1, 2 or 3.
func Three(score, noise float64) string {
	return fmt.Sprint(2 + min(max(int(math.Round(score/2+noise/2)), -1), 1))
}

// Quantity labels rows by numbers, some of them far off.
func Quantity(score, noise float64) string {
	if noise > 1.5 {
		score += 10
	}
	return fmt.Sprintf("%.4f", score+noise)
}

// Count labels rows 0, 1, 2 and so on.
func Count(score, noise float64) string {
	return fmt.Sprint(int(math.Exp(min(score/3, 3)) * (1 + noise*noise/2)))
}

// Gather puts together w[c][j] of outputs and columns from the views that parts have of a
// table with so many values a key.
func Gather(outputs int, columns uint64, views []*table.View[float64]) [][]float64 {
	w := make([][]float64, outputs)
	for c := range w {
		w[c] = make([]float64, columns)
		for _, v := range views {
			for j, x := range v.Values() {
				if j%outputs == c {
					w[c][v.Key(j/outputs)] = x
				}
			}
		}
	}
	return w
}

// Near reports whether got is within tol of want, relatively where want is above 1.
func Near(got, want, tol float64) bool {
	return math.Abs(got-want) <= tol*math.Max(1, math.Abs(want))
}
