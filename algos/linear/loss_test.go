package linear

import (
	"math"
	"math/rand/v2"
	"testing"

	"petuum/algos/dataset"
)

var all = []string{Logistic, Hinge, SquaredHinge, Squared, Huber, Poisson}

// formula is the loss as the page of a book has it.
func formula(loss string, delta, m, y float64) float64 {
	switch loss {
	case Logistic:
		return math.Log(1 + math.Exp(-y*m))
	case Hinge:
		return math.Max(0, 1-y*m)
	case SquaredHinge:
		return math.Pow(math.Max(0, 1-y*m), 2)
	case Huber:
		if r := math.Abs(m - y); r > delta {
			return delta*r - delta*delta/2
		}
	case Poisson:
		return math.Exp(m) - y*m
	}
	return (m - y) * (m - y) / 2
}

// Losses are their formulas; slope and curvature their derivatives, by differences.
func TestAt(t *testing.T) {
	const h = 1e-4
	for _, loss := range all {
		p := Problem{Parameters: Parameters{Loss: loss, Delta: 1.5}}
		for _, y := range []float64{-1, 1, 0, 3.7} {
			if !quantities(loss) && math.Abs(y) != 1 || loss == Poisson && y < 0 {
				continue
			}
			for m := -12.03; m <= 12; m += 0.37 {
				edge := math.Abs(y*m-1) < 2*h || math.Abs(math.Abs(m-y)-p.Delta) < 2*h
				got, slope, curvature := p.At(m, y)
				if want := formula(loss, p.Delta, m, y); math.Abs(got-want) > 1e-12*math.Max(1, want) {
					t.Errorf("%s(%v, %v): got %v, want %v", loss, m, y, got, want)
				}
				if edge {
					continue
				}
				up, upward, _ := p.At(m+h, y)
				down, downward, _ := p.At(m-h, y)
				if want := (up - down) / (2 * h); math.Abs(slope-want) > 1e-6*math.Max(1, math.Abs(want)) {
					t.Errorf("%s(%v, %v): slope: got %v, want %v", loss, m, y, slope, want)
				}
				if want := (upward - downward) / (2 * h); math.Abs(curvature-want) > 1e-6*math.Max(1, math.Abs(want)) {
					t.Errorf("%s(%v, %v): curvature: got %v, want %v", loss, m, y, curvature, want)
				}
			}
		}
	}
}

// Far out the values are their limits.
func TestFar(t *testing.T) {
	for _, c := range []struct {
		loss                   string
		m, y                   float64
		want, slope, curvature float64
	}{
		{Logistic, 1e4, 1, 0, 0, 0}, {Logistic, -1e4, 1, 1e4, -1, 0}, {Logistic, 1e4, -1, 1e4, 1, 0}, {Logistic, -1e4, -1, 0, 0, 0},
		{Logistic, 700, 1, math.Exp(-700), -math.Exp(-700), math.Exp(-700)}, {Logistic, 0, 1, math.Ln2, -0.5, 0.25}, {Logistic, 0, -1, math.Ln2, 0.5, 0.25},
		{Hinge, 1e4, 1, 0, 0, 0}, {Hinge, -1e4, 1, 10001, -1, 0}, {Hinge, 1, 1, 0, 0, 0},
		{SquaredHinge, 1e4, 1, 0, 0, 0}, {SquaredHinge, -1e4, 1, 10001 * 10001, -20002, 2}, {SquaredHinge, 1, 1, 0, 0, 0},
		{Squared, 1e4, 0, 5e7, 1e4, 1}, {Squared, -1e4, 0, 5e7, -1e4, 1},
		{Huber, 1e4, 0, 15000 - 1.125, 1.5, 0}, {Huber, -1e4, 0, 15000 - 1.125, -1.5, 0}, {Huber, 1.5, 0, 1.125, 1.5, 1},
		{Poisson, -1e4, 2, 2e4, -2, 0}, {Poisson, -1e4, 0, 0, 0, 0}, {Poisson, 1e4, 2, math.Inf(1), math.Inf(1), math.Inf(1)},
	} {
		p := Problem{Parameters: Parameters{Loss: c.loss, Delta: 1.5}}
		got, slope, curvature := p.At(c.m, c.y)
		for _, v := range [][2]float64{{got, c.want}, {slope, c.slope}, {curvature, c.curvature}} {
			if !(v[0] == v[1] || math.Abs(v[0]-v[1]) <= 1e-14*math.Abs(v[1])) {
				t.Errorf("%s(%v, %v): got %v, %v, %v, want %v, %v, %v", c.loss, c.m, c.y, got, slope, curvature, c.want, c.slope, c.curvature)
			}
		}
	}
}

// of is a problem with so many rows and outputs, and weights of rows and classes.
func of(loss string, rows, outputs int, coupled bool) *Problem {
	ptr := make([]int64, rows+1)
	p := &Problem{Parameters: Parameters{Loss: loss, Delta: 1}, Outputs: outputs, Coupled: coupled, N: 7, Free: -1, X: dataset.NewMatrix(1, ptr, nil, nil)}
	r := rand.New(rand.NewPCG(5, 6))
	for range rows {
		p.Class = append(p.Class, int32(r.IntN(max(outputs, 2))))
		p.importance = append(p.importance, r.Float32())
	}
	for c := range max(outputs, 2) {
		p.classes = append(p.classes, float64(c)+0.5)
	}
	return p
}

// Softmax is the log of the probability of the class; its derivatives are those by
// differences, and hold far out.
func TestMeasureCoupled(t *testing.T) {
	const rows, outputs, h = 9, 4, 1e-5
	p := of(Logistic, rows, outputs, true)
	r := rand.New(rand.NewPCG(7, 8))
	scores := make([]float64, rows*outputs)
	for i := range scores {
		scores[i] = 3 * r.NormFloat64()
	}
	slope, curvature := make([]float64, len(scores)), make([]float64, len(scores))
	want, trace := 0.0, 0.0
	for i := range rows {
		sum := 0.0
		for c := range outputs {
			sum += math.Exp(scores[c*rows+i])
		}
		w := float64(p.importance[i]) * p.classes[p.Class[i]] / 7
		if got := p.Weight(i); math.Abs(got-w) > 1e-15 {
			t.Errorf("weight of row %d: got %v, want %v", i, got, w)
		}
		want -= w * math.Log(math.Exp(scores[int(p.Class[i])*rows+i])/sum)
		for c := range outputs {
			q := math.Exp(scores[c*rows+i]) / sum
			trace += w * q * (1 - q)
		}
	}
	got, total := p.Measure(scores, slope, curvature)
	if math.Abs(got-want) > 1e-12 || math.Abs(total-trace) > 1e-12 {
		t.Errorf("got %v with curvature %v, want %v with %v", got, total, want, trace)
	}
	spare := make([]float64, len(scores))
	for at := range scores {
		i := at % rows
		x := scores[at]
		scores[at] = x + h
		up, _ := p.Measure(scores, spare, nil)
		k := spare[at]
		scores[at] = x - h
		down, _ := p.Measure(scores, spare, nil)
		scores[at] = x
		if want := (up - down) / (2 * h); math.Abs(slope[at]-want) > 1e-8 {
			t.Errorf("slope %d: got %v, want %v", at, slope[at], want)
		}
		d := curvature[at]
		if got, want := d-d*d/p.Weight(i), (k-spare[at])/(2*h); math.Abs(got-want) > 1e-8 {
			t.Errorf("curvature %d: got %v, want %v", at, got, want)
		}
	}
	for i := range scores {
		scores[i] = 1e4 * float64(i%3-1)
	}
	if got, total := p.Measure(scores, slope, curvature); math.IsNaN(got) || math.IsInf(got, 0) || math.IsNaN(total) {
		t.Errorf("far out: got %v, %v", got, total)
	}
	p.classes = make([]float64, outputs) // rows that weigh nothing
	if got, total := p.Measure(scores, slope, curvature); got != 0 || total != 0 {
		t.Errorf("without weight: got %v, %v, want 0, 0", got, total)
	}
}

// Outputs side by side have a loss each, in which their class is +1.
func TestMeasureApart(t *testing.T) {
	const rows, outputs = 9, 4
	for _, loss := range []string{Logistic, SquaredHinge} {
		p := of(loss, rows, outputs, false)
		scores, slope, curvature := make([]float64, rows*outputs), make([]float64, rows*outputs), make([]float64, rows*outputs)
		for i := range scores {
			scores[i] = float64(i%7) - 3.1
		}
		got, total := p.Measure(scores, slope, curvature)
		want, sum := 0.0, 0.0
		for i := range rows {
			for c := range outputs {
				y := -1.0
				if int(p.Class[i]) == c {
					y = 1
				}
				l, k, d := p.At(scores[c*rows+i], y)
				w := p.Weight(i)
				want += w * l
				sum += w * d
				if at := c*rows + i; math.Abs(slope[at]-w*k) > 1e-15 || math.Abs(curvature[at]-w*d) > 1e-15 {
					t.Errorf("%s: row %d, output %d: got %v and %v, want %v and %v", loss, i, c, slope[at], curvature[at], w*k, w*d)
				}
			}
		}
		if math.Abs(got-want) > 1e-12 || math.Abs(total-sum) > 1e-12 {
			t.Errorf("%s: got %v with curvature %v, want %v with %v", loss, got, total, want, sum)
		}
	}
}

// The targets of two classes are -1 and +1, of quantities the labels.
func TestTarget(t *testing.T) {
	two := Problem{Outputs: 1, Class: []int32{0, 1}}
	if got, want := [2]float64{two.Target(0, 0), two.Target(1, 0)}, [2]float64{-1, 1}; got != want {
		t.Errorf("two classes: got %v, want %v", got, want)
	}
	q := Problem{Outputs: 1, Labels: []float64{0, 2.5}}
	if got, want := [2]float64{q.Target(0, 0), q.Target(1, 0)}, [2]float64{0, 2.5}; got != want {
		t.Errorf("quantities: got %v, want %v", got, want)
	}
}

// By vectors or one by one, the loss of two classes is the same.
func TestMeasureLogistic(t *testing.T) {
	p := of(Logistic, 600, 1, false)
	r := rand.New(rand.NewPCG(1, 2))
	scores := make([]float64, 600)
	for i := range scores {
		scores[i] = 20 * r.NormFloat64()
	}
	scores[0], scores[1], scores[2] = 0, 1e4, -1e4
	slope, curvature := make([]float64, 600), make([]float64, 600)
	loss, total := p.Measure(scores, slope, curvature)
	wantLoss, wantTotal := 0.0, 0.0
	for i, m := range scores {
		l, k, d := p.At(m, p.Target(i, 0))
		w := p.Weight(i)
		wantLoss, wantTotal = wantLoss+w*l, wantTotal+w*d
		if math.Abs(slope[i]-w*k) > 1e-15*w || math.Abs(curvature[i]-w*d) > 1e-15*w {
			t.Errorf("score %v: got the derivatives %v and %v, want %v and %v", m, slope[i], curvature[i], w*k, w*d)
		}
	}
	if math.Abs(loss-wantLoss) > 1e-12*wantLoss || math.Abs(total-wantTotal) > 1e-12*wantTotal {
		t.Errorf("got the loss %v and the sum %v, want %v and %v", loss, total, wantLoss, wantTotal)
	}
}

// Vectors that are combinations of others, or zero, are left out; the rest solves A a = b.
func TestSolve(t *testing.T) {
	vectors := [][]float64{{1, 2, 0, 1}, {0, 1, 1, 0}, {1, 3, 1, 1}, {0, 0, 0, 0}, {0, 0, 2, 5}} // the third is the sum of two
	right := []float64{3, -1, 2, 4}
	dot := func(x, y []float64) (t float64) {
		for i, v := range x {
			t += v * y[i]
		}
		return t
	}
	var matrix, b []float64
	for i, x := range vectors {
		for _, y := range vectors[:i+1] {
			matrix = append(matrix, dot(x, y))
		}
		b = append(b, dot(x, right))
	}
	a := make([]float64, len(vectors))
	Solve(matrix, b, a, 0)
	if a[2] != 0 || a[3] != 0 {
		t.Errorf("got %v, want 0 for the third and the fourth", a)
	}
	rest := append([]float64(nil), right...)
	for i, x := range vectors {
		for k, v := range x {
			rest[k] -= a[i] * v
		}
	}
	for i, x := range vectors { // what is left is orthogonal to all of them
		if got := dot(x, rest); math.Abs(got) > 1e-9 {
			t.Errorf("vector %d: got %g, want 0", i, got)
		}
	}
}
