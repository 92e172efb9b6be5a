package descent

import (
	"math"

	"petuum/algos"
	"petuum/algos/dataset"
)

// Path is a sequence of penalties, and perhaps cross-validation of them. Its problems
// are the stages of a job:
//
//	Lambdas > 1   from lambda_max down to lambda, each from the solution before it
//	Folds > 0     lambda_max, to know it; the path without the rows of fold 0, without
//	              those of fold 1, ...; the path of all rows; the lambda that is chosen
//
// so that the errors of held-out rows are known when the path of all rows is followed.
// All of it is read from the data once.
type Path struct {
	Lambdas int
	Folds   int
	OneSE   bool // choose the largest lambda whose error is within a standard error of the least
}

// Stages is the number of problems.
func (p Path) Stages() int {
	if p.Folds == 0 {
		return max(1, p.Lambdas)
	}
	return 2 + p.Lambdas*(p.Folds+1)
}

// Rehearses says whether a problem is not on the path of all rows.
func (p Path) Rehearses(stage int) bool {
	return p.Folds > 0 && (stage <= p.Lambdas*p.Folds || stage == p.Stages()-1)
}

// problem is what a stage is about: the fold that is held out, -1 for none, and the
// number of the lambda, -1 for the one that is chosen.
func (p Path) problem(stage int) (fold, lambda int) {
	switch {
	case p.Folds == 0:
		return -1, stage
	case stage == 0:
		return -1, 0
	case stage == p.Stages()-1:
		return -1, -1
	}
	fold, lambda = (stage-1)/p.Lambdas, (stage-1)%p.Lambdas
	if fold == p.Folds {
		fold = -1
	}
	return fold, lambda
}

// lambdaOf is the k-th lambda, in geometric progression.
func (m *Model) lambdaOf(k int) float64 {
	if m.Lambdas < 2 || m.lambdaMax == 0 {
		return m.end
	}
	return m.lambdaMax * math.Pow(m.end/m.lambdaMax, float64(k)/float64(m.Lambdas-1))
}

// Stage begins a problem.
func (m *Model) Stage(stage int) {
	fold, k := m.problem(stage)
	if fold != m.fold {
		m.fold, m.forget = fold, true
	}
	m.at = k
	if k < 0 {
		least, one := m.selected()
		if k = least; m.OneSE {
			k = one
		}
	}
	m.goal = m.lambdaOf(k)
	m.lambda = max(m.lambda, m.goal)
	m.last = math.Inf(1)
	clear(m.asleep)
	m.alive = nil
}

// Stage begins a problem.
func (p *Part) Stage(path Path, stage int) {
	fold, _ := path.problem(stage)
	p.holdOut(fold)
	p.alive = nil
}

// held is the error of the rows of a fold at a lambda.
type held struct{ rows, sum float64 }

// holdOut takes the errors of held-out rows in, as they are at this evaluation.
func (m *Model) holdOut(e *algos.Eval) {
	sums := e.Sums("held")
	if len(sums) != 4 || m.fold < 0 {
		return
	}
	if m.errors == nil {
		m.errors = make([]held, m.Lambdas*m.Folds)
	}
	n, r1, rr, loss := sums[0], sums[1], sums[2], sums[3]
	if m.Loss == Squared {
		by := 0.0
		if m.Intercept {
			by = m.rows.r1 / m.n
		}
		loss = rr - 2*by*r1 + n*by*by
	}
	m.errors[m.at*m.Folds+m.fold] = held{n, loss}
	e.Metrics["held_out_error"] = loss / max(n, 1)
}

// validated is the mean error of held-out rows at a lambda: squared, or the loss where
// it is another; and its standard error, from how the folds differ.
func (m *Model) validated(k int) (mean, se float64) {
	rows, sum, folds := 0.0, 0.0, 0.0
	at := m.errors[k*m.Folds : (k+1)*m.Folds]
	for _, h := range at {
		if h.rows > 0 {
			rows, sum, folds = rows+h.rows, sum+h.sum, folds+1
		}
	}
	if mean = sum / max(rows, 1); folds < 2 {
		return mean, 0
	}
	for _, h := range at {
		if h.rows > 0 {
			d := h.sum/h.rows - mean
			se += h.rows / rows * d * d
		}
	}
	return mean, math.Sqrt(se / (folds - 1))
}

// selected is the lambda of the least error, and the largest within a standard error.
func (m *Model) selected() (least, one int) {
	best, se := m.validated(0)
	for k := range m.Lambdas {
		if mean, s := m.validated(k); mean < best {
			best, se, least = mean, s, k
		}
	}
	for one = 0; one < least; one++ {
		if mean, _ := m.validated(one); mean <= best+se {
			break
		}
	}
	return least, one
}

// reportPath adds what cross-validation says of the lambda under way.
func (m *Model) reportPath(e *algos.Eval) {
	if m.Folds == 0 || m.errors == nil || m.fold >= 0 {
		return
	}
	least, one := m.selected()
	k := m.at
	if k < 0 {
		if k = least; m.OneSE {
			k = one
		}
	}
	e.Metrics["cv_error"], e.Metrics["cv_se"] = m.validated(k)
	e.Metrics["cv_lambda_min"], e.Metrics["cv_lambda_1se"] = m.lambdaOf(least), m.lambdaOf(one)
}

// deal gives each row a fold by what it holds, whatever part it is in; rows that are
// equal are in one fold.
func deal(part *dataset.Part, x dataset.Matrix, folds int, seed uint64) []uint8 {
	sums := make([]uint64, len(part.Labels))
	for i, y := range part.Labels {
		sums[i] = mix(seed, math.Float64bits(y))
	}
	for j := range x.Rows() {
		key := mix(seed, part.Key(j))
		for i, v := range x.Row(j) {
			sums[i] += mix(key, math.Float64bits(v))
		}
	}
	of := make([]uint8, len(sums))
	for i, sum := range sums {
		of[i] = uint8(mix(0, sum) % uint64(folds))
	}
	return of
}

// mix is a step of a hash (the finaliser of SplitMix64).
func mix(sum, v uint64) uint64 {
	sum = (sum ^ v) + 0x9e3779b97f4a7c15
	sum = (sum ^ sum>>30) * 0xbf58476d1ce4e5b9
	sum = (sum ^ sum>>27) * 0x94d049bb133111eb
	return sum ^ sum>>31
}
