// Package calibration turns the scores of a model into probabilities that can be
// believed, by a [Map] that is fitted to rows of which the class is known and with
// which the model was not trained:
//
//	sigmoid      two classes: 1 / (1 + exp(-(slope s + offset))), Platt's scaling;
//	             good with few rows, and keeps the order of scores
//	isotonic     two classes: the line that rises or stays and fits best; it needs a
//	             thousand rows or more, and makes scores equal that were not
//	temperature  many classes: softmax of s / temperature; classes stay as they are
//
// The rows are gathered by a [Fitter], in memory that is bounded however many there
// are.
package calibration

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"petuum/algos"
)

// The methods.
const (
	Sigmoid     = "sigmoid"
	Isotonic    = "isotonic"
	Temperature = "temperature"
)

// Map turns scores into log-odds of the later class, or into logarithms of the
// probabilities of many classes. It is not changed once made.
type Map struct {
	Method string `json:"method"`

	Slope  float64 `json:"slope,omitempty"` // sigmoid
	Offset float64 `json:"offset,omitempty"`

	Temperature float64 `json:"temperature,omitempty"`

	// Isotonic: the probability at ascending scores. It is on the straight line
	// between two of them, and stays as it is beyond the first and the last.
	Scores        []float64 `json:"scores,omitempty"`
	Probabilities []float64 `json:"probabilities,omitempty"`

	Rows uint64   `json:"rows"`           // it was fitted to
	Data []string `json:"data,omitempty"` // the names of their files, without folders
}

// Methods are those that go with a task, the default one first; nil if it has no
// classes.
func Methods(task algos.Task) []string {
	switch task {
	case algos.Binary, algos.Margin:
		return []string{Sigmoid, Isotonic}
	case algos.Multiclass:
		return []string{Temperature}
	}
	return nil
}

// Check refuses a map that no Fitter makes.
func (m *Map) Check() error {
	ok := false
	switch m.Method {
	case Sigmoid:
		ok = finite(m.Slope) && m.Slope > 0 && finite(m.Offset)
	case Temperature:
		ok = finite(m.Temperature) && m.Temperature > 0
	case Isotonic:
		ok = len(m.Scores) > 0 && len(m.Scores) == len(m.Probabilities)
		for i, p := range m.Probabilities {
			ok = ok && finite(m.Scores[i]) && p > 0 && p < 1
			ok = ok && (i == 0 || m.Scores[i] > m.Scores[i-1] && p >= m.Probabilities[i-1])
		}
	}
	if !ok {
		return fmt.Errorf("the calibration %q is impossible", m.Method)
	}
	return nil
}

// Fits reports whether the map is for scores of a task.
func (m *Map) Fits(task algos.Task) bool { return slices.Contains(Methods(task), m.Method) }

// Apply sets dst, which may be scores, to what the scores are turned into.
func (m *Map) Apply(dst, scores []float64) {
	for i, s := range scores {
		switch m.Method {
		case Sigmoid:
			dst[i] = bounded(m.Slope*s + m.Offset)
		case Temperature:
			dst[i] = bounded(s / m.Temperature)
		default:
			p := m.probability(s)
			dst[i] = math.Log(p / (1 - p))
		}
	}
}

// probability is that of a score on the line of isotonic.
func (m *Map) probability(s float64) float64 {
	i, found := slices.BinarySearch(m.Scores, s)
	switch {
	case found:
		return m.Probabilities[i]
	case i == 0:
		return m.Probabilities[0]
	case i == len(m.Scores):
		return m.Probabilities[i-1]
	}
	lo, hi := m.Scores[i-1], m.Scores[i]
	share := (s/2 - lo/2) / (hi/2 - lo/2) // halves, because the difference may overflow
	return m.Probabilities[i-1] + share*(m.Probabilities[i]-m.Probabilities[i-1])
}

// Fitter gathers scores of rows, and then fits a map to them.
type Fitter interface {
	// Add takes the scores of some rows, which are finite, and their classes.
	Add(scores []float64, class []int32)
	// Fit makes a map by one of the methods for the task.
	Fit(method string) (*Map, error)
	// Measure returns logloss, brier and ece of the rows with a map, or with the
	// scores as they are if it is nil; see package metrics.
	Measure(m *Map) map[string]float64
}

// For makes a Fitter for models of a task with so many classes.
func For(task algos.Task, classes int) (Fitter, error) {
	switch task {
	case algos.Binary, algos.Margin:
		return newPairs(), nil
	case algos.Multiclass:
		return newMany(classes), nil
	}
	return nil, errors.New("calibration: the model predicts a quantity, not a class")
}

var (
	errUseless  = errors.New("calibration: the larger the score, the rarer the class it speaks for: is this the data for this model?")
	errOneClass = errors.New("calibration: want rows of both classes, all are of one")
)

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// bounded is x, or the nearest number to an infinite one.
func bounded(x float64) float64 { return min(math.MaxFloat64, max(-math.MaxFloat64, x)) }
