package descent

import (
	"math"

	"petuum/table/kernel"
)

const (
	panel  = 48   // columns that are eliminated at a time
	pivots = 1e-6 // least pivot, relative to what stood there: equal columns leave none
)

// cholesky replaces the lower half of a symmetric matrix of k rows by its factor. What
// is not positive by rounding, as of equal columns, is made so.
func cholesky(m []float64, k int) {
	least := make([]float64, k)
	for i := range least {
		least[i] = max(pivots*m[i*k+i], 1e-300)
	}
	var above []float64 // rows of the panel, negative
	for lo := 0; lo < k; lo += panel {
		hi := min(lo+panel, k)
		for i := lo; i < k; i++ {
			row := m[i*k : (i+1)*k]
			for j := lo; j < min(i, hi); j++ {
				row[j] = (row[j] - kernel.Dot(row[lo:j], m[j*k+lo:j*k+j])) / m[j*k+j]
			}
			if i < hi {
				row[i] = math.Sqrt(max(row[i]-kernel.Square(row[lo:i]), least[i]))
			}
		}
		for r := hi; r < k; r += panel {
			end := min(r+panel, k)
			above = above[:0]
			for i := r; i < end; i++ {
				for _, v := range m[i*k+lo : i*k+hi] {
					above = append(above, -v)
				}
			}
			kernel.GemmNT(end-r, end-hi, hi-lo, above, hi-lo, m[hi*k+lo:], k, m[r*k+hi:], k)
		}
	}
}

// solve replaces g by the solution of L L' x = g.
func solve(l []float64, k int, x []float64) {
	for i := range k {
		x[i] = (x[i] - kernel.Dot(l[i*k:i*k+i], x[:i])) / l[i*k+i]
	}
	for i := k - 1; i >= 0; i-- {
		x[i] /= l[i*k+i]
		kernel.Axpy(-x[i], l[i*k:i*k+i], x[:i])
	}
}
