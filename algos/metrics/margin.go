package metrics

import (
	"fmt"
	"slices"
	"sync"

	"petuum/algos/dataset"
)

// Margin measures scores that are above 0 for the later of two classes: accuracy,
// auc. It keeps 8 bytes a row, as auc is exact: it sorts all scores. The zero value
// is empty.
type Margin struct {
	correct int
	scores  [2][]float64 // by class; in no particular order
}

// Add implements [Accumulator]. The classes are those of part.Class: 0 and 1.
func (m *Margin) Add(scores []float64, part *dataset.Part) error {
	if err := check(scores, part, 1); err != nil {
		return err
	}
	if err := checkClasses(part, 2); err != nil {
		return err
	}
	for i, s := range scores {
		c := part.Class[i]
		m.scores[c] = append(m.scores[c], s)
		if c == 1 && s > 0 || c == 0 && s < 0 {
			m.correct++
		}
	}
	return nil
}

// checkClasses refuses rows that have none of k classes.
func checkClasses(part *dataset.Part, k int) error {
	if len(part.Class) != len(part.Labels) {
		return fmt.Errorf("metrics: part %d: the labels are quantities, not classes", part.Index)
	}
	for i, c := range part.Class {
		if c < 0 || int(c) >= k {
			return fmt.Errorf("metrics: part %d: row %d (from 0) is of class %d, but there are only 0 to %d", part.Index, i, c, k-1)
		}
	}
	return nil
}

// Metrics implements [Accumulator].
func (m *Margin) Metrics() map[string]float64 {
	n := float64(len(m.scores[0]) + len(m.scores[1]))
	if n == 0 {
		return map[string]float64{}
	}
	found := map[string]float64{"accuracy": float64(m.correct) / n}
	if len(m.scores[0]) > 0 && len(m.scores[1]) > 0 {
		found["auc"] = m.auc()
	}
	return found
}

// auc counts pairs: a score of the later class wins 2 against each smaller one
// of the earlier class and 1 against an equal one. The count would overflow at
// 2^63 pairs, which take 48 GB of scores.
func (m *Margin) auc() float64 {
	earlier, later := m.scores[0], m.scores[1]
	var wg sync.WaitGroup
	wg.Go(func() { slices.Sort(earlier) })
	slices.Sort(later)
	wg.Wait()
	var wins uint64
	below, upTo := 0, 0 // scores of the earlier class that are < s, and <= s
	for _, s := range later {
		for below < len(earlier) && earlier[below] < s {
			below++
		}
		for upTo < len(earlier) && earlier[upTo] <= s {
			upTo++
		}
		wins += uint64(below) + uint64(upTo)
	}
	return float64(wins) / (2 * float64(len(earlier)) * float64(len(later)))
}
