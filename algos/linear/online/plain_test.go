package online_test

import (
	"math"

	"petuum/algos/dataset"
	"petuum/algos/linear"
)

// plain is the algorithms as the papers have them, one number after another: FTRL-Proximal
// as McMahan et al. (2013), Algorithm 1, of sums of gradients; AdaGrad as Duchi, Hazan and
// Singer (2011), with proximal steps.
type plain struct {
	m       *linear.Model
	outputs int
	l1, l2  float64
	classes []float64 // weights; nil: 1

	w, z, n map[[2]int]float64 // by feature and output
	count   map[int]int
}

func newPlain(m *linear.Model, outputs int, l1, l2 float64, classes []float64) *plain {
	return &plain{m: m, outputs: outputs, l1: l1, l2: l2, classes: classes,
		w: map[[2]int]float64{}, z: map[[2]int]float64{}, n: map[[2]int]float64{}, count: map[int]int{}}
}

// slope is the derivative of the loss by score m.
func (p *plain) slope(m, y float64) float64 {
	switch p.m.Loss {
	case linear.Logistic:
		return -y / (1 + math.Exp(y*m))
	case linear.Hinge:
		if y*m < 1 {
			return -y
		}
		return 0
	case linear.SquaredHinge:
		return -2 * y * math.Max(0, 1-y*m)
	case linear.Huber:
		return math.Max(-p.m.Delta, math.Min(p.m.Delta, m-y))
	case linear.Poisson:
		return math.Exp(m) - y
	}
	return m - y
}

// slopes are those of all scores of a row.
func (p *plain) slopes(scores []float64, class int, label float64) []float64 {
	d := make([]float64, len(scores))
	if p.m.Loss == linear.Logistic && len(scores) > 1 && p.m.Multi != "ovr" {
		sum := 0.0
		for _, m := range scores {
			sum += math.Exp(m)
		}
		for c, m := range scores {
			d[c] = math.Exp(m) / sum
		}
		d[class]--
		return d
	}
	for c, m := range scores {
		y := label
		switch {
		case class >= 0 && len(scores) == 1:
			y = float64(2*class - 1)
		case class >= 0 && class == c:
			y = 1
		case class >= 0:
			y = -1
		}
		d[c] = p.slope(m, y)
	}
	return d
}

// learn takes a batch in.
func (p *plain) learn(b *dataset.Batch) {
	sum := map[[2]int]float64{}
	for i := range b.Rows() {
		x := map[int]float64{}
		cols, values := b.Row(i)
		for k, j := range cols {
			if p.count[int(j)]++; p.count[int(j)] >= p.m.Tail {
				x[int(j)] = float64(values[k])
			}
		}
		if p.m.Intercept {
			x[64] = 1
		}
		scores := make([]float64, p.outputs)
		for j, v := range x {
			for c := range scores {
				scores[c] += v * p.w[[2]int{j, c}]
			}
		}
		class, weight := -1, 1.0
		if b.Weight != nil {
			weight = float64(b.Weight[i])
		}
		if b.Class != nil {
			if class = int(b.Class[i]); p.classes != nil {
				weight *= p.classes[class]
			}
		}
		for c, d := range p.slopes(scores, class, b.Labels[i]) {
			for j, v := range x {
				sum[[2]int{j, c}] += weight * d * v
			}
		}
	}
	for at, g := range sum {
		if p.m.Solver == "ftrl" {
			p.ftrl(at, g)
		} else {
			p.adaGrad(at, g)
		}
	}
}

func (p *plain) ftrl(at [2]int, g float64) {
	alpha, beta := 0.25, 1.0
	if p.m.Alpha > 0 {
		alpha = p.m.Alpha
	}
	sigma := (math.Sqrt(p.n[at]+g*g) - math.Sqrt(p.n[at])) / alpha
	p.z[at] += g - sigma*p.w[at]
	p.n[at] += g * g
	p.w[at] = 0
	if z := p.z[at]; math.Abs(z) > p.l1 {
		p.w[at] = -(z - math.Copysign(p.l1, z)) / ((beta+math.Sqrt(p.n[at]))/alpha + p.l2)
	}
}

func (p *plain) adaGrad(at [2]int, g float64) {
	eta := 0.2
	if p.m.Alpha > 0 {
		eta = p.m.Alpha
	}
	p.n[at] += g * g
	h := eta / math.Sqrt(1+p.n[at])
	w := p.w[at] - h*g
	p.w[at] = math.Copysign(math.Max(0, math.Abs(w)-h*p.l1), w) / (1 + h*p.l2)
}
