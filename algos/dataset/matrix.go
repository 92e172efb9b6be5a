package dataset

import "math"

// Matrix is a sparse matrix in compressed rows: the stored values of row i are
// at Ptr[i] to Ptr[i+1] of Cols and Vals, in ascending order of column.
//
//	     0 1 2 3      Ptr  = 0 2 2 3
//	0  [ a . b . ]    Cols = 0 2 3
//	1  [ . . . . ]    Vals = a b c
//	2  [ . . . c ]    NCols = 4
//
// It is not changed once built, so that any number of goroutines may read it.
type Matrix struct {
	Ptr   []int64   // rows+1 long; nil if there are no rows
	Cols  []uint32  // below NCols
	Vals  []float64 // as long as Cols; nil if all stored values are 1
	NCols int
}

// Rows returns the number of rows.
func (m Matrix) Rows() int { return max(0, len(m.Ptr)-1) }

// NNZ returns the number of stored values.
func (m Matrix) NNZ() int { return len(m.Cols) }

// Row returns the columns and values of row i, which share the matrix's memory;
// vals is nil if all are 1.
func (m Matrix) Row(i int) (cols []uint32, vals []float64) {
	a, b := m.Ptr[i], m.Ptr[i+1]
	cols = m.Cols[a:b:b]
	if m.Vals != nil {
		vals = m.Vals[a:b:b]
	}
	return cols, vals
}

// Transpose returns the transposed matrix: its row j lists the rows of m that
// have column j, in ascending order. m must have less than 2^32 rows, as the
// matrix of a Part does.
func (m Matrix) Transpose() Matrix {
	if uint64(m.Rows()) > math.MaxUint32 {
		panic("dataset: transpose of a matrix of 2^32 rows or more")
	}
	t := Matrix{
		Ptr:   make([]int64, m.NCols+1),
		Cols:  make([]uint32, len(m.Cols)),
		NCols: m.Rows(),
	}
	if m.Vals != nil {
		t.Vals = make([]float64, len(m.Vals))
	}
	for _, j := range m.Cols {
		t.Ptr[j+1]++
	}
	for j := range m.NCols {
		t.Ptr[j+1] += t.Ptr[j]
	}
	// Ptr[j] runs from the begin of row j to its end, which is where row j+1 begins.
	for i := range m.Rows() {
		for k := m.Ptr[i]; k < m.Ptr[i+1]; k++ {
			at := t.Ptr[m.Cols[k]]
			t.Ptr[m.Cols[k]]++
			t.Cols[at] = uint32(i)
			if m.Vals != nil {
				t.Vals[at] = m.Vals[k]
			}
		}
	}
	copy(t.Ptr[1:], t.Ptr[:m.NCols])
	t.Ptr[0] = 0
	return t
}

// Dot returns the product of row i and v, which has a value for each column.
func (m Matrix) Dot(i int, v []float64) (sum float64) {
	cols, vals := m.Row(i)
	if vals == nil {
		for _, j := range cols {
			sum += v[j]
		}
		return sum
	}
	vals = vals[:len(cols)]
	for k, j := range cols {
		sum += vals[k] * v[j]
	}
	return sum
}

// AddTo adds alpha times row i to v, which has a value for each column.
func (m Matrix) AddTo(i int, alpha float64, v []float64) {
	cols, vals := m.Row(i)
	if vals == nil {
		for _, j := range cols {
			v[j] += alpha
		}
		return
	}
	vals = vals[:len(cols)]
	for k, j := range cols {
		v[j] += alpha * vals[k]
	}
}
