// Package metrics measures predictions against labels: rows are added part by
// part to an [Accumulator], which then says how good the predictions were.
//
//	task        metric    formula over the n rows; y label, s score
//	Binary      logloss   mean of log(1 + exp(-y s)), y = +1 for the later class, else -1
//	            accuracy  share of rows with y s > 0; a score of 0 is wrong
//	            auc       share of pairs (later class, earlier class) whose scores
//	                      are in this order; a tie counts half
//	            brier     mean of (p - 1)^2 for rows of the later class and p^2 for
//	                      others, p = 1 / (1 + exp(-s))
//	            ece       expected calibration error: rows are sorted by p into 15
//	                      bins of the same width; mean over the rows of the distance,
//	                      in their bin, between mean p and the share of the later class
//	Margin      accuracy, auc
//	Multiclass  logloss   mean of -log p of the row's class; p is the softmax of its scores
//	            accuracy  share of rows whose class has the largest score, the first of equal ones
//	            f1        macro F1: the mean over the classes that rows have or were given
//	                      of 2 right / (rows of the class + rows given to it)
//	            brier     mean of the sum over the classes of (p - 1)^2 or p^2; for two
//	                      classes it is twice that of Binary
//	            ece       as above, of the class with the largest score and its p
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

// Of makes an empty accumulator for a task: [*Binary], [*Margin], [*Multiclass] or
// [*Regression]. classes is the number of classes.
func Of(task algos.Task, classes int) Accumulator {
	switch task {
	case algos.Binary:
		return new(Binary)
	case algos.Margin:
		return new(Margin)
	case algos.Multiclass:
		return NewMulticlass(classes)
	}
	return new(Regression)
}

// check refuses scores that do not belong to the rows of part, width for each, or are
// no numbers.
func check(scores []float64, part *dataset.Part, width int) error {
	if n := len(part.Labels); len(scores) != n*width {
		return fmt.Errorf("metrics: part %d: %d scores for %d rows of %d", part.Index, len(scores), n, width)
	}
	for i, s := range scores {
		if math.IsNaN(s) || math.IsInf(s, 0) {
			return fmt.Errorf("metrics: part %d: the score of row %d (from 0) is %v: the model diverged or the data does not fit it", part.Index, i/width, s)
		}
	}
	return nil
}

// finite is x, or the largest float64 in place of +Inf.
func finite(x float64) float64 { return min(x, math.MaxFloat64) }
