package dataset

import (
	"fmt"
	"iter"
	"math"

	"petuum/table/kernel"
)

// Matrix is a matrix of samples, kept as small as its values allow. It is not
// changed once built, so that any number of goroutines may read it.
//
// A sparse matrix is in compressed rows: what is stored of row i is at ptr[i] to
// ptr[i+1] of its columns and values, in ascending order of column.
//
//	     0 1 2 3      ptr     = 0 2 2 3
//	0  [ a . b . ]    columns = 0 2 3
//	1  [ . . . . ]    values  = a b c
//	2  [ . . . c ]
//
// Columns are uint16 where there are at most 2^16 of them, else uint32. Values are
// left out where all are 1, float32 where that holds what the text says (see the
// package comment), else float64. A matrix that takes less so is dense: values only,
// row by row, zeros among them. For finite vectors, which of these it is shows in nothing but speed.
type Matrix struct {
	rows, cols int
	nnz        int
	index      indexKind
	value      valueKind

	ptr   []int64 // rows+1 long; nil if dense
	idx16 []uint16
	idx32 []uint32
	val32 []float32
	val64 []float64
}

// indexKind is how a matrix tells the columns of its values.
type indexKind uint8

const (
	dense indexKind = iota // by their places; the zero Matrix is a dense one without rows
	index16
	index32
)

// valueKind is how a matrix keeps its values.
type valueKind uint8

const (
	ones valueKind = iota // not at all
	values32
	values64
)

// size is the bytes of a value.
func (k valueKind) size() int { return [...]int{0, 4, 8}[k] }

// size is the bytes of a column's number.
func (k indexKind) size() int { return [...]int{0, 2, 4}[k] }

// form returns the smallest form of a matrix with values of a kind.
func form(rows, cols, nnz int, value valueKind) indexKind {
	index := index32
	if cols <= 1<<16 {
		index = index16
	}
	if value == ones || cols > 0 && rows > math.MaxInt/8/cols {
		return index
	}
	if rows*cols*value.size() <= nnz*(value.size()+index.size())+8*(rows+1) {
		return dense
	}
	return index
}

// newMatrix returns a matrix without values, and room for them.
func newMatrix(rows, cols, nnz int, index indexKind, value valueKind) Matrix {
	m := Matrix{rows: rows, cols: cols, nnz: nnz, index: index, value: value}
	stored := nnz
	switch index {
	case dense:
		stored = rows * cols
	case index16:
		m.idx16 = make([]uint16, nnz)
	case index32:
		m.idx32 = make([]uint32, nnz)
	}
	if index != dense {
		m.ptr = make([]int64, rows+1)
	}
	switch value {
	case values32:
		m.val32 = make([]float32, stored)
	case values64:
		m.val64 = make([]float64, stored)
	}
	return m
}

// NewMatrix returns a matrix of compressed rows, which it copies: those of row i are
// at ptr[i] to ptr[i+1] of columns (ascending, below cols) and values, nil if all are 1.
func NewMatrix(cols int, ptr []int64, columns []uint32, values []float64) Matrix {
	rows := max(0, len(ptr)-1)
	b := newFiller(rows, cols, len(columns), valueKindOf(values))
	for i := range rows {
		for k := ptr[i]; k < ptr[i+1]; k++ {
			v := 1.0
			if values != nil {
				v = values[k]
			}
			b.put(int(columns[k]), v)
		}
		b.end()
	}
	return b.m
}

// valueKindOf is the smallest kind that holds values exactly.
func valueKindOf(values []float64) valueKind {
	kind := ones
	for _, v := range values {
		if float64(float32(v)) != v {
			return values64
		}
		if v != 1 {
			kind = values32
		}
	}
	return kind
}

// filler builds a matrix of known size, value by value in order.
type filler struct {
	m       Matrix
	row, at int // at: values stored
}

func newFiller(rows, cols, nnz int, value valueKind) *filler {
	return &filler{m: newMatrix(rows, cols, nnz, form(rows, cols, nnz, value), value)}
}

// put adds a value to the row. It checks the column, as nobody does later.
func (f *filler) put(j int, v float64) {
	if uint(j) >= uint(f.m.cols) {
		panic(fmt.Sprintf("dataset: column %d of a matrix of %d columns", j, f.m.cols))
	}
	at := f.at
	f.at++
	switch m := &f.m; m.index {
	case dense:
		at = f.row*m.cols + j
	case index16:
		m.idx16[at] = uint16(j)
	case index32:
		m.idx32[at] = uint32(j)
	}
	f.m.set(at, v)
}

// end ends the row.
func (f *filler) end() {
	f.row++
	if f.m.index != dense {
		f.m.ptr[f.row] = int64(f.at)
	}
}

// Rows returns the number of rows.
func (m *Matrix) Rows() int { return m.rows }

// Cols returns the number of columns.
func (m *Matrix) Cols() int { return m.cols }

// NNZ returns the number of values that are not zero.
func (m *Matrix) NNZ() int { return m.nnz }

// Bytes returns the memory that the matrix takes.
func (m *Matrix) Bytes() int {
	return 8*len(m.ptr) + 2*len(m.idx16) + 4*len(m.idx32) + 4*len(m.val32) + 8*len(m.val64)
}

// span is where the values of row i are.
func (m *Matrix) span(i int) (lo, hi int) {
	if m.index == dense {
		return i * m.cols, (i + 1) * m.cols
	}
	return int(m.ptr[i]), int(m.ptr[i+1])
}

// at is stored value k.
func (m *Matrix) at(k int) float64 {
	switch m.value {
	case values32:
		return float64(m.val32[k])
	case values64:
		return m.val64[k]
	}
	return 1
}

// Row yields the columns and values of row i that are not zero, in ascending order
// of column. Where every nanosecond counts, use Dot and AddTo.
func (m *Matrix) Row(i int) iter.Seq2[int, float64] {
	return func(yield func(int, float64) bool) {
		lo, hi := m.span(i)
		for k := lo; k < hi; k++ {
			j, v := k-lo, m.at(k)
			switch m.index {
			case dense:
				if v == 0 {
					continue
				}
			case index16:
				j = int(m.idx16[k])
			case index32:
				j = int(m.idx32[k])
			}
			if !yield(j, v) {
				return
			}
		}
	}
}

// Len returns how many values of row i are not zero.
func (m *Matrix) Len(i int) (n int) {
	lo, hi := m.span(i)
	if m.index != dense {
		return hi - lo
	}
	for k := lo; k < hi; k++ {
		if m.at(k) != 0 {
			n++
		}
	}
	return n
}

// checkColumns panics if a vector has fewer values than the matrix columns.
func (m *Matrix) checkColumns(n int) {
	if n < m.cols {
		panic(fmt.Sprintf("dataset: a vector of %d values for a matrix of %d columns", n, m.cols))
	}
}

// Dot returns the product of row i and v, which has a value for each column.
func (m *Matrix) Dot(i int, v []float64) float64 {
	m.checkColumns(len(v))
	lo, hi := m.span(i)
	switch m.index {
	case index16:
		return gatherDot(m, lo, hi, m.idx16, v)
	case index32:
		return gatherDot(m, lo, hi, m.idx32, v)
	}
	if m.value == values32 {
		return kernel.Dot(m.val32[lo:hi], v)
	}
	return kernel.Dot(m.val64[lo:hi], v)
}

// AddTo adds alpha times row i to v, which has a value for each column.
func (m *Matrix) AddTo(i int, alpha float64, v []float64) {
	m.checkColumns(len(v))
	lo, hi := m.span(i)
	switch {
	case m.index == index16:
		scatterAdd(m, lo, hi, alpha, m.idx16, v)
	case m.index == index32:
		scatterAdd(m, lo, hi, alpha, m.idx32, v)
	case m.value == values32:
		kernel.Axpy(alpha, m.val32[lo:hi], v)
	default:
		kernel.Axpy(alpha, m.val64[lo:hi], v)
	}
}

// gatherDot is the product of y and the row whose columns are those of idx from lo
// to hi. Kernels do not check columns: who makes a matrix does.
func gatherDot[I kernel.Index](m *Matrix, lo, hi int, idx []I, y []float64) float64 {
	switch m.value {
	case values32:
		return kernel.GatherDot(idx[lo:hi], m.val32[lo:hi], y)
	case values64:
		return kernel.GatherDot(idx[lo:hi], m.val64[lo:hi], y)
	}
	return kernel.Gather(idx[lo:hi], y)
}

// scatterAdd adds a times a row to y.
func scatterAdd[I kernel.Index](m *Matrix, lo, hi int, a float64, idx []I, y []float64) {
	switch m.value {
	case values32:
		kernel.ScatterAxpy(a, idx[lo:hi], m.val32[lo:hi], y)
	case values64:
		kernel.ScatterAxpy(a, idx[lo:hi], m.val64[lo:hi], y)
	default:
		kernel.ScatterAdd(a, idx[lo:hi], y)
	}
}

// Square returns the sum of the squares of row i.
func (m *Matrix) Square(i int) float64 {
	lo, hi := m.span(i)
	switch m.value {
	case values32:
		return kernel.Square(m.val32[lo:hi])
	case values64:
		return kernel.Square(m.val64[lo:hi])
	}
	return float64(hi - lo)
}

// DotSquares returns the sum of the squares of row i, each times its column's value of v.
func (m *Matrix) DotSquares(i int, v []float64) (sum float64) {
	if m.value == ones {
		return m.Dot(i, v)
	}
	m.checkColumns(len(v))
	for j, x := range m.Row(i) {
		sum += x * x * v[j]
	}
	return sum
}

// ScaleColumns returns the matrix with each column times its factor, in float64.
func (m *Matrix) ScaleColumns(factor []float64) Matrix {
	m.checkColumns(len(factor))
	f := newFiller(m.rows, m.cols, m.nnz, values64)
	for i := range m.rows {
		for j, v := range m.Row(i) {
			f.put(j, v*factor[j])
		}
		f.end()
	}
	return f.m
}

// Transpose returns the transposed matrix: its row j lists the rows of m that
// have column j, in ascending order. m must have less than 2^32 rows, as the
// matrix of a Part does.
func (m *Matrix) Transpose() Matrix {
	if uint64(m.rows) > math.MaxUint32 {
		panic("dataset: transpose of a matrix of 2^32 rows or more")
	}
	return transposed(m)
}

// AddSquares adds alpha times the squares of row i to v, which has a value for each
// column.
func (m *Matrix) AddSquares(i int, alpha float64, v []float64) {
	if m.value == ones {
		m.AddTo(i, alpha, v)
		return
	}
	m.checkColumns(len(v))
	for j, x := range m.Row(i) {
		v[j] += alpha * x * x
	}
}
