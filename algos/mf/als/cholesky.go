package als

import (
	"math"

	"petuum/table/kernel"
)

const (
	panel  = 32    // columns that are eliminated at a time
	pivots = 1e-10 // least pivot, relative to what stood there: equal rows leave none
)

// factoring is room for a Cholesky factorisation.
type factoring struct {
	size   int
	least  []float64
	row    []float64 // of the panel, negative
	column []float64
	above  []float64 // rows of the panel, negative
}

func newFactoring(size int) factoring {
	return factoring{size, make([]float64, size), make([]float64, panel), make([]float64, size), make([]float64, panel*panel)}
}

// factor replaces the lower half of a symmetric matrix by its Cholesky factor. A pivot
// that is not positive by rounding is made so.
func (f *factoring) factor(m []float64) {
	k := f.size
	for i := range k {
		f.least[i] = max(pivots*m[i*k+i], 1e-300)
	}
	for lo := 0; lo < k; lo += panel {
		hi := min(lo+panel, k)
		f.eliminate(m, lo, hi)
		for r := hi; r < k; r += panel {
			end := min(r+panel, k)
			above := f.above[:0]
			for i := r; i < end; i++ {
				for _, v := range m[i*k+lo : i*k+hi] {
					above = append(above, -v)
				}
			}
			kernel.GemmNT(end-r, end-hi, hi-lo, above, hi-lo, m[hi*k+lo:], k, m[r*k+hi:], k)
		}
	}
}

// eliminate makes columns [lo, hi) those of the factor. A product of a matrix and a
// vector is faster than as many products of vectors, which are short.
func (f *factoring) eliminate(m []float64, lo, hi int) {
	k := f.size
	for j := lo; j < hi; j++ {
		column, left := f.column[:k-j], j-lo
		for i := range column {
			column[i] = m[(j+i)*k+j]
		}
		if left > 0 {
			for i, v := range m[j*k+lo : j*k+j] {
				f.row[i] = -v
			}
			kernel.Gemv(k-j, left, m[j*k+lo:], k, f.row, column)
		}
		pivot := math.Sqrt(max(column[0], f.least[j]))
		m[j*k+j] = pivot
		by := 1 / pivot
		for i := 1; i < len(column); i++ {
			m[(j+i)*k+j] = column[i] * by
		}
	}
}

// solve replaces x by the solution of m y = x, and m by its factor.
func (f *factoring) solve(m, x []float64) {
	f.factor(m)
	k := f.size
	for i := range k {
		x[i] = (x[i] - kernel.Dot(m[i*k:i*k+i], x[:i])) / m[i*k+i]
	}
	for i := k - 1; i >= 0; i-- {
		x[i] /= m[i*k+i]
		kernel.Axpy(-x[i], m[i*k:i*k+i], x[:i])
	}
}

func sqrt(v float32) float32 { return float32(math.Sqrt(float64(v))) }
