package linear

import (
	"fmt"
	"math"
	"slices"

	"petuum/algos"
	"petuum/algos/dataset"
)

// Task is to tell classes apart or to guess a quantity.
func (m *Model) Task(d dataset.Info) algos.Task {
	switch {
	case quantities(m.Loss):
		return algos.Regression
	case len(d.Classes) > 2:
		return algos.Multiclass
	case m.Loss == Logistic:
		return algos.Binary
	}
	return algos.Margin
}

// SolverType is what LIBLINEAR calls a solver of such models.
func (m *Model) SolverType(d dataset.Info) string {
	switch {
	case m.Loss == Hinge:
		return "L2R_L1LOSS_SVC_DUAL"
	case m.Loss == SquaredHinge:
		return "L2R_L2LOSS_SVC"
	case quantities(m.Loss):
		return "L2R_L2LOSS_SVR"
	case len(d.Classes) > 2 && m.multi() == softmax:
		return "MCSVM_CS"
	}
	return "L2R_LR"
}

// Predict scores rows: by the log-odds or the margin of the later of two classes, the
// logarithms of the probabilities of more, or the expected quantity.
func (m *Model) Predict(d dataset.Info, model algos.Model, part *dataset.Part, scores []float64) error {
	keys := slices.Clone(part.Keys)
	if m.Intercept {
		keys = append(keys, d.Features)
	}
	w, err := model.Values(Weights, keys)
	if err != nil {
		return fmt.Errorf("%s: %w", m.name, err)
	}
	p := m.describe(d)
	k, cols := p.Outputs, len(part.Keys)
	one := w
	for c := range k {
		if k > 1 {
			one = make([]float64, len(keys))
			for j := range one {
				one[j] = w[j*k+c]
			}
		}
		b := 0.0
		if m.Intercept {
			b = one[cols]
		}
		for i := range part.X.Rows() {
			scores[i*k+c] = p.guess(part.X.Dot(i, one) + b)
		}
	}
	return nil
}

// guess is what a score says: an expected quantity or the logarithm of a probability.
func (p *Problem) guess(score float64) float64 {
	if p.Outputs == 1 || p.Coupled {
		return p.Mean(score)
	}
	return min(score, 0) - math.Log1p(math.Exp(-math.Abs(score))) // log sigmoid
}
