package algotest

import "math"

// Penalised is a small dense problem with a penalty that has corners, to hold solvers
// against: a sum of losses of the rows, plus L1 |b|_1 + L2 |b|^2 / 2, where groups
// have the root of their size times |b_g| in place of |b_g|_1.
type Penalised struct {
	X         [][]float64 // by column, as the penalty sees it
	Y         []float64
	Logistic  bool  // log(1 + exp(f)) - y f in place of (y - f)^2 / 2
	Intercept bool  // one more column, of ones, without penalty
	Groups    []int // ends of groups of columns; nil: each by itself
	L1, L2    float64
}

// Slopes is the negative gradient of the losses: of each column, and of the intercept.
func (p Penalised) Slopes(b []float64, b0 float64) (slopes []float64, of0 float64) {
	r := p.residuals(p.Predict(b, b0))
	for _, x := range p.X {
		slopes = append(slopes, along(x, r))
	}
	for _, v := range r {
		of0 += v
	}
	return slopes, of0
}

// Predict is b0 + X b.
func (p Penalised) Predict(b []float64, b0 float64) []float64 {
	f := make([]float64, len(p.Y))
	for i := range f {
		f[i] = b0
		for j, x := range p.X {
			f[i] += x[i] * b[j]
		}
	}
	return f
}

func (p Penalised) residuals(f []float64) []float64 {
	r := make([]float64, len(f))
	for i, v := range f {
		if r[i] = p.Y[i] - v; p.Logistic {
			r[i] = p.Y[i] - 1/(1+math.Exp(-v))
		}
	}
	return r
}

// Objective is what is minimised.
func (p Penalised) Objective(b []float64, b0 float64) (sum float64) {
	for i, f := range p.Predict(b, b0) {
		if p.Logistic {
			sum += math.Log1p(math.Exp(-math.Abs(f))) + max(f, 0) - p.Y[i]*f
		} else {
			sum += (p.Y[i] - f) * (p.Y[i] - f) / 2
		}
	}
	lo := 0
	for _, hi := range p.ends() {
		squares := along(b[lo:hi], b[lo:hi])
		sum += p.L1*math.Sqrt(float64(hi-lo)*squares) + p.L2/2*squares
		lo = hi
	}
	return sum
}

func (p Penalised) ends() []int {
	if p.Groups != nil {
		return p.Groups
	}
	ends := make([]int, len(p.X))
	for j := range ends {
		ends[j] = j + 1
	}
	return ends
}

// Minimise takes proximal steps, of one group after the other, until nothing moves.
func (p Penalised) Minimise() (b []float64, b0 float64) {
	curve := 1.0
	if p.Logistic {
		curve = 0.25
	}
	b = make([]float64, len(p.X))
	f := make([]float64, len(p.Y))
	add := func(step float64, x []float64) {
		for i, v := range x {
			f[i] += step * v
		}
	}
	ones := make([]float64, len(p.Y))
	for i := range ones {
		ones[i] = 1
	}
	scale := math.Sqrt(along(p.Y, p.Y))
	for range 300_000 {
		moved := 0.0
		if p.Intercept {
			step := along(ones, p.residuals(f)) / (curve * float64(len(p.Y)))
			b0 += step
			add(step, ones)
			moved = math.Abs(step) * math.Sqrt(float64(len(p.Y)))
		}
		lo := 0
		for _, hi := range p.ends() {
			bound := p.L2 // of the curvature of the group: its trace
			for _, x := range p.X[lo:hi] {
				bound += curve * along(x, x)
			}
			if bound > 0 {
				r := p.residuals(f)
				to := make([]float64, hi-lo)
				for a := range to {
					to[a] = b[lo+a] + (along(p.X[lo+a], r)-p.L2*b[lo+a])/bound
				}
				length, shrink := math.Sqrt(along(to, to)), p.L1*math.Sqrt(float64(hi-lo))/bound
				for a := range to {
					step := -b[lo+a]
					if length > shrink {
						step += to[a] * (1 - shrink/length)
					}
					b[lo+a] += step
					add(step, p.X[lo+a])
					moved = max(moved, math.Abs(step)*math.Sqrt(bound))
				}
			}
			lo = hi
		}
		if moved <= 1e-13*scale {
			break
		}
	}
	return b, b0
}

// Violation is how far the slopes of the worst group are from what the penalty can
// balance, in units of L1 times the root of the group's size.
func (p Penalised) Violation(b []float64, b0 float64) (worst float64) {
	slopes, _ := p.Slopes(b, b0)
	lo := 0
	for _, hi := range p.ends() {
		l1, length := p.L1*math.Sqrt(float64(hi-lo)), math.Sqrt(along(b[lo:hi], b[lo:hi]))
		sum := 0.0
		for j := lo; j < hi; j++ {
			d := slopes[j] - p.L2*b[j]
			if length > 0 {
				d -= l1 * b[j] / length
			}
			sum += d * d
		}
		if sum = math.Sqrt(sum); length == 0 {
			sum -= l1
		}
		worst = max(worst, sum/math.Sqrt(float64(hi-lo)))
		lo = hi
	}
	return worst
}

func along(x, y []float64) (sum float64) {
	for i, v := range x {
		sum += v * y[i]
	}
	return sum
}
