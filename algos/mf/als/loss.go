package als

import "petuum/table/kernel"

// Score is what two rows of the same size come to.
func (s Settings) Score(u, i []float32, mean float32) float32 {
	dot := kernel.Dot(u[:s.Rank], i)
	if s.Biases {
		dot += mean + u[s.Rank] + i[s.Rank]
	} else if !s.Implicit {
		dot += mean
	}
	return dot
}

// Loss is what a row's ratings add to the objective. Of implicit feedback that is beyond
// the squares of all scores, whose sum is [Squares] of both sides' Gram matrices.
func (s Settings) Loss(row []float32, ids []uint32, ratings []float32, fixed Rows, mean float32) (loss float64) {
	for k, id := range ids {
		score := float64(s.Score(row, fixed.Row(int(id)), mean))
		if !s.Implicit {
			e := float64(ratings[k]) - score
			loss += e * e
			continue
		}
		r := float64(ratings[k])
		e := -score
		if r > 0 {
			e = 1 - score
		}
		loss += (1+s.Alpha*r)*e*e - score*score
	}
	return loss
}

// Squares is the sum of p·q squared over all pairs of a row p of one side and q of the
// other, by the lower halves of their Gram matrices.
func Squares(a, b []float64, size int) (sum float64) {
	for i := range size {
		for j := range i {
			sum += 2 * a[i*size+j] * b[i*size+j]
		}
		sum += a[i*size+i] * b[i*size+i]
	}
	return sum
}
