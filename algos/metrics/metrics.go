// Package metrics measures predictions against labels: rows are added part by
// part to an [Accumulator], which then says how good the predictions were.
//
//	task        metric    formula over the n rows; y label, s score
//	Binary      logloss   mean of log(1 + exp(-y s)), y = +1 for the later class, else -1
//	            accuracy  share of rows with y s > 0; a score of 0 is wrong
//	            auc       share of pairs (later class, earlier class) whose scores
//	                      are in this order; a tie counts half
//	Regression  mse       mean of (y - s)^2
//	            rmse      its square root
//	            mae       mean of |y - s|
//	            r2        1 - mse / (mean of (y - mean of y)^2)
//
// A metric without a value is absent: all of them without rows, auc with one
// class only, r2 where all labels are equal. Sums stop at the largest float64,
// so that a metric is always finite. All sums are float64 in the order in which
// rows are added.
package metrics

import (
	"fmt"
	"math"

	"petuum/algos"
	"petuum/algos/dataset"
)

// Accumulator gathers predictions. It is for one goroutine at a time.
type Accumulator interface {
	// Add takes the scores of the rows of a part, in order. It refuses scores that
	// are not finite and rows without the labels that the task needs, and has then
	// added none of them. It keeps neither of its arguments.
	Add(scores []float64, part *dataset.Part) error
	// Metrics returns the metrics of all rows so far, by name. More may be added
	// afterwards.
	Metrics() map[string]float64
}

// Of makes an empty accumulator for a task: [*Binary] or [*Regression].
func Of(task algos.Task) Accumulator {
	if task == algos.Binary {
		return new(Binary)
	}
	return new(Regression)
}

// check refuses scores that do not belong to the rows of part or are no numbers.
func check(scores []float64, part *dataset.Part) error {
	if n := len(part.Labels); len(scores) != n {
		return fmt.Errorf("metrics: part %d: %d scores for %d rows", part.Index, len(scores), n)
	}
	for i, s := range scores {
		if math.IsNaN(s) || math.IsInf(s, 0) {
			return fmt.Errorf("metrics: part %d: the score of row %d (from 0) is %v: the model diverged or the data does not fit it", part.Index, i, s)
		}
	}
	return nil
}

// finite is x, or the largest float64 in place of +Inf.
func finite(x float64) float64 { return min(x, math.MaxFloat64) }
