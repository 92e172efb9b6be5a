package dataset

import (
	"runtime"
	"sort"
	"sync"
)

// transposed writes a matrix column by column. The columns are cut into blocks, so
// that what a block's columns are written to stays in the cache: as each row is in
// order, a cursor tells where it goes on in the next block. Every processor has a
// range of blocks, and beside the result nothing but cursors.
func transposed(m *Matrix) Matrix {
	if m.index == dense {
		return transposedDense(m)
	}
	index := index32
	if m.rows <= 1<<16 {
		index = index16
	}
	t := newMatrix(m.cols, m.rows, m.nnz, index, m.value)
	if m.index == index16 {
		transposeTo(m, m.idx16, &t)
	} else {
		transposeTo(m, m.idx32, &t)
	}
	return t
}

// transposeTo is transposed by the type of the columns of m.
func transposeTo[I uint16 | uint32](m *Matrix, idx []I, t *Matrix) {
	if t.index == index16 {
		transposeRows(m, idx, t.idx16, t)
	} else {
		transposeRows(m, idx, t.idx32, t)
	}
}

// transposeRows is transposed by the types of both indices.
func transposeRows[I, O uint16 | uint32](m *Matrix, idx []I, rows []O, t *Matrix) {
	workers := min(runtime.GOMAXPROCS(0), 1+m.nnz/100_000)
	ranges := make([]columnRange[I], workers)
	each := func(do func(r *columnRange[I])) {
		var wg sync.WaitGroup
		for w := range ranges {
			wg.Go(func() { do(&ranges[w]) })
		}
		wg.Wait()
	}
	for w := range ranges {
		ranges[w] = columnRange[I]{m: m, idx: idx, begin: m.cols / workers * w, end: m.cols / workers * (w + 1)}
	}
	ranges[workers-1].end = m.cols
	each(func(r *columnRange[I]) {
		r.visit(func(_, lo, hi int) {
			for _, j := range idx[lo:hi] {
				t.ptr[j+1]++ // column m.cols-1 counts at the end of ptr
			}
		})
	})
	for j := range m.cols {
		t.ptr[j+1] += t.ptr[j]
	}
	// ptr[j] runs from the begin of row j to its end, which is where row j+1 begins.
	each(func(r *columnRange[I]) {
		r.visit(func(i, lo, hi int) {
			switch m.value {
			case ones:
				for _, j := range idx[lo:hi] {
					rows[t.ptr[j]] = O(i)
					t.ptr[j]++
				}
			case values32:
				scatterRow(O(i), idx[lo:hi], m.val32[lo:hi], t.ptr, rows, t.val32)
			case values64:
				scatterRow(O(i), idx[lo:hi], m.val64[lo:hi], t.ptr, rows, t.val64)
			}
		})
	})
	copy(t.ptr[1:], t.ptr[:m.cols])
	t.ptr[0] = 0
}

func scatterRow[I, O uint16 | uint32, V float32 | float64](i O, idx []I, vals []V, next []int64, rows []O, to []V) {
	vals = vals[:len(idx)]
	for k, j := range idx {
		at := next[j]
		next[j] = at + 1
		rows[at], to[at] = i, vals[k]
	}
}

// columnRange is the columns [begin, end) of a matrix.
type columnRange[I uint16 | uint32] struct {
	m          *Matrix
	idx        []I
	begin, end int
}

// visit calls do with what each row has in the range: block by block of columns,
// in each block row by row, values [lo, hi).
func (r *columnRange[I]) visit(do func(i, lo, hi int)) {
	const cached = 1 << 13 // columns whose ends of rows fit the cache
	// A row is looked at in each block, which should find values there for a cache line or two.
	perRow := r.m.nnz / max(1, r.m.rows) * (r.end - r.begin) / max(1, r.m.cols)
	blocks := max(1, min((r.end-r.begin)/cached, perRow/32))
	cursor := make([]int64, r.m.rows)
	for i := range cursor {
		lo, hi := r.m.span(i)
		if r.begin > 0 {
			lo += sort.Search(hi-lo, func(k int) bool { return int(r.idx[lo+k]) >= r.begin })
		}
		cursor[i] = int64(lo)
	}
	for b := range blocks {
		end := r.begin + (r.end-r.begin)/blocks*(b+1)
		if b == blocks-1 {
			end = r.end
		}
		for i := range cursor {
			lo := int(cursor[i])
			hi, last := lo, int(r.m.ptr[i+1])
			if end == r.m.cols {
				hi = last
			} else {
				for hi < last && int(r.idx[hi]) < end {
					hi++
				}
			}
			cursor[i] = int64(hi)
			if lo < hi {
				do(i, lo, hi)
			}
		}
	}
}

// transposedDense swaps tiles of values.
func transposedDense(m *Matrix) Matrix {
	t := newMatrix(m.cols, m.rows, m.nnz, dense, m.value)
	if m.value == values32 {
		swapTiles(m.rows, m.cols, m.val32, t.val32)
	} else {
		swapTiles(m.rows, m.cols, m.val64, t.val64)
	}
	return t
}

func swapTiles[V float32 | float64](rows, cols int, from, to []V) {
	const tile = 32
	var wg sync.WaitGroup
	workers := min(runtime.GOMAXPROCS(0), 1+len(from)/100_000)
	for w := range workers {
		wg.Go(func() {
			for j0 := w * tile; j0 < cols; j0 += workers * tile {
				for i0 := 0; i0 < rows; i0 += tile {
					for j := j0; j < min(j0+tile, cols); j++ {
						for i := i0; i < min(i0+tile, rows); i++ {
							to[j*rows+i] = from[i*cols+j]
						}
					}
				}
			}
		})
	}
	wg.Wait()
}
