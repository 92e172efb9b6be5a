package metrics

import (
	"maps"

	"petuum/algos/dataset"
)

// Binary measures log-odds of the later of two classes: all that Margin and
// Probabilities do, in as much memory. The zero value is empty.
type Binary struct {
	Margin
	probabilities Probabilities
}

// Add implements [Accumulator].
func (b *Binary) Add(scores []float64, part *dataset.Part) error {
	if err := b.Margin.Add(scores, part); err != nil {
		return err
	}
	for i, s := range scores {
		later := float64(part.Class[i])
		b.probabilities.Add(s, 1-later, later)
	}
	return nil
}

// Metrics implements [Accumulator].
func (b *Binary) Metrics() map[string]float64 {
	m := b.Margin.Metrics()
	maps.Copy(m, b.probabilities.Metrics())
	return m
}
