package metrics

import (
	"fmt"
	"math"
	"slices"
	"sync"

	"petuum/algos/dataset"
)

// Binary measures log-odds of the later of two classes: logloss, accuracy, auc.
// It keeps 8 bytes a row, as auc is exact: it sorts all scores. The zero value
// is empty.
type Binary struct {
	loss    float64
	correct int
	scores  [2][]float64 // by class; in no particular order
}

// Add implements [Accumulator]. The classes are those of part.Class: 0 and 1.
func (b *Binary) Add(scores []float64, part *dataset.Part) error {
	if err := check(scores, part); err != nil {
		return err
	}
	if len(part.Class) != len(scores) {
		return fmt.Errorf("metrics: part %d: the labels are quantities, not two classes", part.Index)
	}
	for i, c := range part.Class {
		if c != 0 && c != 1 {
			return fmt.Errorf("metrics: part %d: row %d (from 0) is of class %d, but there are only 0 and 1 in a binary problem", part.Index, i, c)
		}
	}
	for i, s := range scores {
		c := part.Class[i]
		b.scores[c] = append(b.scores[c], s)
		margin := s
		if c == 0 {
			margin = -s
		}
		if margin > 0 {
			b.correct++
		}
		b.loss = finite(b.loss + logistic(margin))
	}
	return nil
}

// Metrics implements [Accumulator].
func (b *Binary) Metrics() map[string]float64 {
	n := float64(len(b.scores[0]) + len(b.scores[1]))
	if n == 0 {
		return map[string]float64{}
	}
	m := map[string]float64{"logloss": b.loss / n, "accuracy": float64(b.correct) / n}
	if len(b.scores[0]) > 0 && len(b.scores[1]) > 0 {
		m["auc"] = b.auc()
	}
	return m
}

// auc counts pairs: a score of the later class wins 2 against each smaller one
// of the earlier class and 1 against an equal one. The count would overflow at
// 2^63 pairs, which take 48 GB of scores.
func (b *Binary) auc() float64 {
	earlier, later := b.scores[0], b.scores[1]
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

// logistic is log(1 + exp(-m)) without overflow, and without loss of digits
// where m is large.
func logistic(m float64) float64 {
	if m < 0 {
		return math.Log1p(math.Exp(m)) - m
	}
	return math.Log1p(math.Exp(-m))
}
