package metrics

import (
	"math"

	"petuum/algos/dataset"
)

// Regression measures expected labels: mse, rmse, mae and r2. It takes the same
// memory for any number of rows. The zero value is empty.
type Regression struct {
	rows    float64
	abs     float64 // sum of |y - s|
	squares float64 // sum of (y - s)^2
	mean    float64 // of y
	spread  float64 // sum of (y - mean)^2, by Welford's recurrence
}

// Add implements [Accumulator]. The labels are those of part.Labels.
func (r *Regression) Add(scores []float64, part *dataset.Part) error {
	if err := check(scores, part, 1); err != nil {
		return err
	}
	for i, y := range part.Labels {
		e := y - scores[i]
		r.abs = finite(r.abs + math.Abs(e))
		r.squares = finite(r.squares + e*e)
		r.rows++
		// Halves, because the difference of two labels may overflow; the recurrence
		// moves the mean between itself and y, so it stays finite.
		half := y/2 - r.mean/2
		r.mean += 2 * (half / r.rows)
		r.spread = finite(r.spread + 4*(half*(y/2-r.mean/2)))
	}
	return nil
}

// Metrics implements [Accumulator].
func (r *Regression) Metrics() map[string]float64 {
	if r.rows == 0 {
		return map[string]float64{}
	}
	mse := r.squares / r.rows
	m := map[string]float64{"mse": mse, "rmse": math.Sqrt(mse), "mae": r.abs / r.rows}
	if r.spread > 0 {
		m["r2"] = max(1-r.squares/r.spread, -math.MaxFloat64)
	}
	return m
}
