package linear

import (
	"fmt"
	"slices"

	"petuum/algos"
	"petuum/algos/dataset"
)

// Task is to tell classes apart or to guess a quantity.
func (m *Model) Task() algos.Task {
	if quantities(m.Loss) {
		return algos.Regression
	}
	return algos.Binary
}

// Predict scores rows: the log-odds of the later of two classes, or the expected
// quantity.
func (m *Model) Predict(d dataset.Info, model algos.Model, part *dataset.Part, scores []float64) error {
	keys := slices.Clone(part.Keys)
	if m.Intercept {
		keys = append(keys, d.Features)
	}
	w, err := model.Values(Weights, keys)
	if err != nil {
		return fmt.Errorf("%s: %w", m.name, err)
	}
	b := 0.0
	if m.Intercept {
		b = w[len(part.Keys)]
	}
	p := m.describe(d)
	for i := range part.X.Rows() {
		scores[i] = p.Mean(part.X.Dot(i, w) + b)
	}
	return nil
}
