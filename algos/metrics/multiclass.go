package metrics

import (
	"math"
	"slices"

	"petuum/algos/dataset"
)

// MaxConfusion is the largest number of classes whose confusions are counted.
const MaxConfusion = 32

// Multiclass measures logarithms of the probabilities of classes, as they stand in
// algos.Multiclass: logloss, accuracy, f1, brier, ece. Its memory is of the classes.
type Multiclass struct {
	rows          float64
	loss, squares float64
	correct       float64
	are, said     []float64 // rows of each class, and rows that were given to it
	right         []float64 // and rightly
	bins          reliability
	confusion     [][]uint64
	p             []float64 // of a row; for the next one
}

// NewMulticlass makes an empty accumulator for so many classes.
func NewMulticlass(classes int) *Multiclass {
	m := &Multiclass{are: make([]float64, classes), said: make([]float64, classes), right: make([]float64, classes), p: make([]float64, classes)}
	if classes <= MaxConfusion {
		m.confusion = make([][]uint64, classes)
		for k := range m.confusion {
			m.confusion[k] = make([]uint64, classes)
		}
	}
	return m
}

// Add implements [Accumulator].
func (m *Multiclass) Add(scores []float64, part *dataset.Part) error {
	k := len(m.are)
	if err := check(scores, part, k); err != nil {
		return err
	}
	if err := checkClasses(part, k); err != nil {
		return err
	}
	for i, c := range part.Class {
		m.AddRow(scores[i*k:(i+1)*k], int(c))
	}
	return nil
}

// AddRow adds a row of class c. It panics where Add would refuse.
func (m *Multiclass) AddRow(scores []float64, c int) {
	said := Largest(scores)
	top, others := scores[said], 0.0 // in proportion to the probability of the largest
	for k, s := range scores {
		m.p[k] = math.Exp(s - top)
		if k != said {
			others += m.p[k]
		}
	}
	m.rows++
	m.loss = finite(m.loss + (math.Log1p(others) + (top - scores[c])))
	for k := range m.p {
		m.p[k] /= 1 + others
		off := m.p[k]
		if k == c {
			off = 1 - off
		}
		m.squares += off * off
	}
	m.are[c]++
	m.said[said]++
	was := 0.0
	if said == c {
		was = 1
		m.correct++
		m.right[c]++
	}
	m.bins.add(m.p[said], 1, was)
	if m.confusion != nil {
		m.confusion[c][said]++
	}
}

// Largest is the class with the largest of the scores of a row, the first of equal
// ones.
func Largest(scores []float64) int {
	top := 0
	for k, s := range scores {
		if s > scores[top] {
			top = k
		}
	}
	return top
}

// Metrics implements [Accumulator].
func (m *Multiclass) Metrics() map[string]float64 {
	if m.rows == 0 {
		return map[string]float64{}
	}
	sum, present := 0.0, 0.0
	for k, right := range m.right {
		if both := m.are[k] + m.said[k]; both > 0 {
			sum += 2 * right / both
			present++
		}
	}
	return map[string]float64{"logloss": m.loss / m.rows, "accuracy": m.correct / m.rows, "f1": sum / present,
		"brier": m.squares / m.rows, "ece": m.bins.error()}
}

// Confusion returns how many rows of class i were said to be of class j, as [i][j];
// nil with more than MaxConfusion classes.
func (m *Multiclass) Confusion() [][]uint64 {
	all := slices.Clone(m.confusion)
	for k := range all {
		all[k] = slices.Clone(all[k])
	}
	return all
}
