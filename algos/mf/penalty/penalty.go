// Package penalty is what the rows of a factor model cost, whatever solves it.
package penalty

import "petuum/table/kernel"

// Weights say what the square of a factor costs in a row of so many ratings, and that of
// a bias.
type Weights func(ratings float64) (factor, bias float64)

// Cost is the penalty of a row of so many ratings, whose values are rank factors and, with
// biases, a bias behind them.
func (w Weights) Cost(row []float32, rank int, biases bool, ratings int) float64 {
	factor, bias := w(float64(ratings))
	cost := factor * kernel.Square(row[:rank])
	if biases {
		cost += bias * float64(row[rank]) * float64(row[rank])
	}
	return cost
}
