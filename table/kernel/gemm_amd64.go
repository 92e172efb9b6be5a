//go:build !purego

package kernel

import "sync"

// The product is made in tiles that fit the registers. Of A and B, blocks are
// copied so that a tile reads them in order: a block of B to as many columns as
// fit the outer cache, of A to as many rows as fit the inner one. What a panel
// lacks at an edge only gets into sums that are not looked at; it is 0, because
// what was left there might be subnormal numbers, which are slow. A product of 512
// by 512 runs at 0.85 to 0.9 of [Peak], one of 32 by 32 at half of it.
const (
	blockRows  = 192 // whole tiles of every path
	blockCols  = 1024
	blockDepth = 256
	tileRows   = 12 // of the largest tile
	tileBytes  = 128
	vectorRoom = 8 // behind a block, for what is written of a vector beyond its end
)

// Panels are the copied blocks, and a tile for where C has less.
type panels[T Float] struct {
	a, b []T
	tile [tileRows * tileBytes / 4]T
}

var panels32, panels64 sync.Pool

func newPanels[T Float](a, b int) (*panels[T], *sync.Pool) {
	pool := &panels32
	if kind[T]() == isFloat64 {
		pool = &panels64
	}
	p, ok := pool.Get().(*panels[T])
	if !ok {
		p = new(panels[T])
	}
	p.a, p.b = grown(p.a, a+vectorRoom), grown(p.b, b+vectorRoom)
	return p, pool
}

// grown is at least n elements, at the beginning of a page.
func grown[T Float](b []T, n int) []T {
	if len(b) < n {
		return make([]T, max(n, 1<<13))
	}
	return b
}

// evenly is the size of parts of n that are alike and at most so large, each of
// whole steps.
func evenly(n, most, step int) int {
	parts := (n + most - 1) / most
	size := (n + parts - 1) / parts
	return (size + step - 1) / step * step
}

// A tile is the form of those of a path.
type tile struct{ path, rows, cols int }

// tileFor is that of AVX2 also where AVX-512's would be half empty.
func tileFor[T Float](m, n int) tile {
	wide := tile{avx512, tileRows, 2 * blockOf[T]()}
	if path == avx2 || m <= wide.rows/2 || n <= wide.cols/2 {
		return tile{avx2, wide.rows / 2, wide.cols / 2}
	}
	return wide
}

func gemmFast[T Float](m, n, k int, a, b operand[T], c []T, stride int) bool {
	switch {
	case path == plain, m < thin && n < thin && b.col == 1:
		return false
	case m < thin || n < thin:
		gemmThin(m, n, k, a, b, c, stride)
		return true
	}
	t := tileFor[T](m, n)
	high, wide, deep := evenly(m, blockRows, t.rows), evenly(n, blockCols, t.cols), evenly(k, blockDepth, 1)
	p, pool := newPanels[T](high*deep, wide*deep)
	for j := 0; j < n; j += wide {
		w := min(wide, n-j)
		for l := 0; l < k; l += deep {
			d := min(deep, k-l)
			pack(p.b, t.cols, b.values[l*b.row+j*b.col:], w, d, b.col, b.row)
			for i := 0; i < m; i += high {
				h := min(high, m-i)
				pack(p.a, t.rows, a.values[i*a.row+l*a.col:], h, d, a.row, a.col)
				p.multiply(t, h, w, d, c[i*stride+j:], stride)
			}
		}
	}
	pool.Put(p)
	return true
}

// multiply adds the product of the panels to c.
func (p *panels[T]) multiply(t tile, m, n, k int, c []T, stride int) {
	for j := 0; j < n; j += t.cols {
		b := &p.b[j*k]
		for i := 0; i < m; i += t.rows {
			a := &p.a[i*k]
			h, w := min(t.rows, m-i), min(t.cols, n-j)
			if h == t.rows && w == t.cols {
				gemmTile(t.path, k, a, b, &c[i*stride+j], stride)
				continue
			}
			clear(p.tile[:t.rows*t.cols])
			gemmTile(t.path, k, a, b, &p.tile[0], t.cols)
			for y := range h {
				to := c[(i+y)*stride+j:][:w]
				for x, v := range p.tile[y*t.cols:][:w] {
					to[x] += v
				}
			}
		}
	}
}

// thin is fewer rows or columns than fill enough of a tile: each is a product of
// the other matrix with a vector.
const thin = 4

func gemmThin[T Float](m, n, k int, a, b operand[T], c []T, stride int) {
	p, pool := newPanels[T](k, 0)
	if m < thin {
		for i := range m {
			b.times(n, k, true, line(p.a, a.values[i*a.row:], k, a.col), c[i*stride:][:n])
		}
		pool.Put(p)
		return
	}
	for j := range n {
		x := line(p.a, b.values[j*b.col:], k, b.row)
		for i := 0; i < m; i += len(p.tile) {
			y := p.tile[:min(len(p.tile), m-i)]
			clear(y)
			operand[T]{a.values[i*a.row:], a.row, a.col}.times(len(y), k, false, x, y)
			for r, v := range y {
				c[(i+r)*stride+j] += v
			}
		}
	}
	pool.Put(p)
}

// line is k values, step apart, in buf if they are not together.
func line[T Float](buf, values []T, k, step int) []T {
	if step == 1 {
		return values[:k]
	}
	for p := range buf[:k] {
		buf[p] = values[p*step]
	}
	return buf[:k]
}

// times adds the product with x, of k values, to y, of n: of the matrix, or where
// left is true of x and the matrix.
func (o operand[T]) times(n, k int, left bool, x, y []T) {
	if left {
		o.row, o.col = o.col, o.row
	}
	if o.col == 1 {
		gemvFast(n, k, o.values, o.row, x, y)
	} else {
		gemvTFast(k, n, o.values, o.col, x, y)
	}
}

// pack copies n lines of values to panels of so many. Their values lie behind each
// other there: of all lines of the panel the first, then of all the next. In values,
// lines begin line elements apart, and go on depth elements apart; one is 1.
func pack[T Float](to []T, width int, values []T, n, k, line, depth int) {
	for first := 0; first < n; first += width {
		panel := to[first*k:][:width*k]
		lines := min(width, n-first)
		if lines < width {
			clear(panel)
		}
		if line == 1 {
			packLines(to[first*k:], width, values[first:], depth, lines, k)
			continue
		}
		for i := 0; i < lines; {
			rows := rowsAtOnce(lines - i)
			packRows(panel[i:], width, values[(first+i)*line:], line, k, rows)
			i += rows
		}
	}
}

// packLines copies lines values of each of n rows. It may write to what is behind.
func packLines[T Float](to []T, width int, from []T, stride, lines, n int) {
	from, to = from[:(n-1)*stride+lines], to[:n*width+vectorRoom]
	if kind[T]() == isFloat32 {
		packLinesFloat32AVX2(f32(&to[0]), width, f32(&from[0]), stride, lines, n)
	} else {
		packLinesFloat64AVX2(f64(&to[0]), width, f64(&from[0]), stride, lines, n)
	}
}

func rowsAtOnce(n int) int {
	if n >= 4 {
		return 4
	}
	return max(n&^1, 1)
}

// packRows writes a value of each of 4, 2 or 1 rows, then that behind it.
func packRows[T Float](to []T, width int, from []T, stride, k, rows int) {
	from, to = from[:(rows-1)*stride+k], to[:(k-1)*width+rows]
	done := k &^ 3
	switch {
	case rows == 1 || done == 0:
		done = 0
	case rows == 4 && kind[T]() == isFloat32:
		pack4Float32AVX2(f32(&to[0]), width, f32(&from[0]), stride, done)
	case rows == 4:
		pack4Float64AVX2(f64(&to[0]), width, f64(&from[0]), stride, done)
	case kind[T]() == isFloat32:
		pack2Float32AVX2(f32(&to[0]), width, f32(&from[0]), stride, done)
	default:
		pack2Float64AVX2(f64(&to[0]), width, f64(&from[0]), stride, done)
	}
	for i := range rows {
		for p := done; p < k; p++ {
			to[p*width+i] = from[i*stride+p]
		}
	}
}

func gemmTile[T Float](path, k int, a, b, c *T, stride int) {
	switch {
	case path == avx512 && kind[T]() == isFloat32:
		gemmFloat32AVX512(k, f32(a), f32(b), f32(c), stride)
	case path == avx512:
		gemmFloat64AVX512(k, f64(a), f64(b), f64(c), stride)
	case kind[T]() == isFloat32:
		gemmFloat32AVX2(k, f32(a), f32(b), f32(c), stride)
	default:
		gemmFloat64AVX2(k, f64(a), f64(b), f64(c), stride)
	}
}

// sweepCols is how many columns a product with a vector takes at a time: as many
// values of the vector stay in the inner cache.
const sweepCols = 1 << 12

func gemvFast[T Float](rows, cols int, a []T, stride int, x, y []T) bool {
	if path == plain {
		return false
	}
	sweep(rows, cols, func(i, j, h, w int) {
		a, x, y := &a[i*stride+j], &x[j], &y[i]
		switch {
		case path == avx512 && kind[T]() == isFloat32:
			gemvFloat32AVX512(f32(a), stride, h, w, f32(x), f32(y))
		case path == avx512:
			gemvFloat64AVX512(f64(a), stride, h, w, f64(x), f64(y))
		case kind[T]() == isFloat32:
			gemvFloat32AVX2(f32(a), stride, h, w, f32(x), f32(y))
		default:
			gemvFloat64AVX2(f64(a), stride, h, w, f64(x), f64(y))
		}
	})
	return true
}

// sweep calls do with blocks of a matrix, h rows from i and w columns from j.
func sweep(rows, cols int, do func(i, j, h, w int)) {
	for j := 0; j < cols; j += sweepCols {
		w := min(sweepCols, cols-j)
		high := max(4, most/w&^3)
		for i := 0; i < rows; i += high {
			do(i, j, min(high, rows-i), w)
		}
	}
}

func gemvTFast[T Float](rows, cols int, a []T, stride int, x, y []T) bool {
	if path == plain {
		return false
	}
	sweep(rows, cols, func(i, j, h, w int) {
		a, x, y := &a[i*stride+j], &x[i], &y[j]
		switch {
		case path == avx512 && kind[T]() == isFloat32:
			gemvTFloat32AVX512(f32(a), stride, h, w, f32(x), f32(y))
		case path == avx512:
			gemvTFloat64AVX512(f64(a), stride, h, w, f64(x), f64(y))
		case kind[T]() == isFloat32:
			gemvTFloat32AVX2(f32(a), stride, h, w, f32(x), f32(y))
		default:
			gemvTFloat64AVX2(f64(a), stride, h, w, f64(x), f64(y))
		}
	})
	return true
}

// peakFast returns how many numbers it multiplies in a round, 0 for plain Go.
func peakFast[T Float](rounds int) (lanes int) {
	for ; path != plain && rounds > 0; rounds -= most / 16 {
		r := min(rounds, most/16)
		switch {
		case path == avx512 && kind[T]() == isFloat32:
			peakFloat32AVX512(r)
		case path == avx512:
			peakFloat64AVX512(r)
		case kind[T]() == isFloat32:
			peakFloat32AVX2(r)
		default:
			peakFloat64AVX2(r)
		}
	}
	const sums = 12
	switch path {
	case plain:
		return 0
	case avx2:
		return sums * blockOf[T]() / 2
	}
	return sums * blockOf[T]()
}
