package descent

import (
	"math"
	"runtime"
	"slices"
	"sync"

	"petuum/algos/dataset"
	"petuum/table/kernel"
)

// Quadratic is the smooth part of a block's problem, in the steps d of its k
// coordinates: d'Gd/2 - z.d. Slopes are those of its negative: z - Gd.
type Quadratic interface {
	Len() int
	Curve(i int) float64 // G_ii
	Slope(i int) float64
	Step(i int, d float64)                // takes a step of one coordinate
	Move(at []int, d []float64)           // takes those of many
	Product(at []int, s, out []float64)   // out = G s, both of the coordinates at
	Dense(at []int, out []float64)        // out = G of them, by rows
	Close(at []int, rho float64) [][2]int // pairs of places in at that correlate by more than rho
}

// Gram is a Quadratic of which all products are known.
type Gram struct {
	k      int
	g      []float64
	slopes []float64
	packed []float64
}

// NewGram takes G by rows, k of them, and z, which it changes.
func NewGram(g, z []float64) *Gram { return &Gram{k: len(z), g: g, slopes: z} }

// Len is k.
func (q *Gram) Len() int { return q.k }

// Curve is G_ii.
func (q *Gram) Curve(i int) float64 { return q.g[i*q.k+i] }

// Slope is z_i - (Gd)_i.
func (q *Gram) Slope(i int) float64 { return q.slopes[i] }

// Step adds d to d_i.
func (q *Gram) Step(i int, d float64) { kernel.Axpy(-d, q.g[i*q.k:(i+1)*q.k], q.slopes) }

// Move takes a step of each coordinate at.
func (q *Gram) Move(at []int, d []float64) {
	for a, i := range at {
		if d[a] != 0 {
			q.Step(i, d[a])
		}
	}
}

// Product is G s of the coordinates at.
func (q *Gram) Product(at []int, s, out []float64) {
	q.packed = slices.Grow(q.packed[:0], q.k)[:q.k]
	clear(q.packed)
	for a, i := range at {
		q.packed[i] = s[a]
	}
	for a, i := range at {
		out[a] = kernel.Dot(q.g[i*q.k:(i+1)*q.k], q.packed)
	}
}

// Dense is G of the coordinates at.
func (q *Gram) Dense(at []int, out []float64) {
	for a, i := range at {
		for b, j := range at {
			out[a*len(at)+b] = q.g[i*q.k+j]
		}
	}
}

// Close is the pairs that correlate by more than rho.
func (q *Gram) Close(at []int, rho float64) (pairs [][2]int) {
	for a, i := range at {
		row, bound := q.g[i*q.k:(i+1)*q.k], rho*rho*q.Curve(i)
		for b, j := range at[:a] {
			if row[j]*row[j] > bound*q.Curve(j) {
				pairs = append(pairs, [2]int{a, b})
			}
		}
	}
	return pairs
}

// Columns is a Quadratic whose products are not known but in factors: G = C'C, where
// column i of C is (x_i - c_i u) / s_i. With |u|^2 = mass and c_i = x_i.u / mass the
// columns are centred; without centring c is 0.
type Columns struct {
	x     dataset.Matrix // row i is x_i
	mass  float64
	c, s  []float64
	z     []float64
	curve []float64

	q     []float64 // sum of d_i x_i / s_i,
	shift float64   // and of d_i c_i / s_i
	lanes [][]float64
	cells []cell
	first []int32
}

// cell is a value in the list of its row.
type cell struct {
	of   int32
	next int32
	val  float64
}

// NewColumns takes the columns x as rows, and z.
func NewColumns(x dataset.Matrix, mass float64, c, s, z []float64) *Columns {
	q := &Columns{x: x, mass: mass, c: c, s: s, z: z, q: make([]float64, x.Cols()), curve: make([]float64, x.Rows())}
	for i := range q.curve {
		q.curve[i] = (x.Square(i) - c[i]*c[i]*mass) / (s[i] * s[i])
	}
	return q
}

// Len is k.
func (q *Columns) Len() int { return len(q.z) }

// Curve is G_ii.
func (q *Columns) Curve(i int) float64 { return q.curve[i] }

// Slope is z_i - (Gd)_i.
func (q *Columns) Slope(i int) float64 { return q.z[i] - q.across(i, q.q, q.shift) }

// across is column i of C times what v and shift make.
func (q *Columns) across(i int, v []float64, shift float64) float64 {
	return (q.x.Dot(i, v) - shift*q.c[i]*q.mass) / q.s[i]
}

// Step adds d to d_i.
func (q *Columns) Step(i int, d float64) {
	d /= q.s[i]
	q.x.AddTo(i, d, q.q)
	q.shift += d * q.c[i]
}

// Move takes a step of each coordinate at.
func (q *Columns) Move(at []int, d []float64) {
	for a, i := range at {
		if d[a] != 0 {
			q.Step(i, d[a])
		}
	}
}

// alone is the values that one goroutine goes over in the time it takes to wake another.
const alone = 20_000

// Product is G s of the coordinates at, on several processors where that pays.
func (q *Columns) Product(at []int, s, out []float64) {
	lanes := 1
	if len(at)*(q.x.NNZ()/max(1, q.x.Rows())) > alone {
		lanes = min(runtime.GOMAXPROCS(0), 8)
	}
	for len(q.lanes) < lanes {
		q.lanes = append(q.lanes, make([]float64, q.x.Cols()))
	}
	shifts := make([]float64, lanes)
	each := func(do func(lane, lo, hi int)) {
		if lanes == 1 {
			do(0, 0, len(at))
			return
		}
		var wg sync.WaitGroup
		for l := range lanes {
			wg.Go(func() { do(l, len(at)*l/lanes, len(at)*(l+1)/lanes) })
		}
		wg.Wait()
	}
	each(func(l, lo, hi int) {
		v, shift := q.lanes[l], 0.0
		clear(v)
		for a := lo; a < hi; a++ {
			if i := at[a]; s[a] != 0 {
				d := s[a] / q.s[i]
				q.x.AddTo(i, d, v)
				shift += d * q.c[i]
			}
		}
		shifts[l] = shift
	})
	v, shift := q.lanes[0], shifts[0]
	for l := 1; l < lanes; l++ {
		kernel.Add(v, q.lanes[l])
		shift += shifts[l]
	}
	each(func(_, lo, hi int) {
		for a := lo; a < hi; a++ {
			out[a] = q.across(at[a], v, shift)
		}
	})
}

// Dense is G of the coordinates at.
func (q *Columns) Dense(at []int, out []float64) {
	if len(q.lanes) == 0 {
		q.lanes = append(q.lanes, make([]float64, q.x.Cols()))
	}
	v := q.lanes[0]
	clear(v)
	for a, i := range at {
		q.x.AddTo(i, 1/q.s[i], v)
		for b, j := range at[:a+1] {
			g := q.across(j, v, q.c[i]/q.s[i])
			out[a*len(at)+b], out[b*len(at)+a] = g, g
		}
		for r := range q.x.Row(i) {
			v[r] = 0
		}
	}
}

// Close is the pairs that correlate by more than rho, of those that share rows. It
// goes along the rows of each column, in lists of the columns before it.
func (q *Columns) Close(at []int, rho float64) (pairs [][2]int) {
	if q.first == nil {
		q.first = make([]int32, q.x.Cols())
	}
	for r := range q.first {
		q.first[r] = -1
	}
	q.cells = q.cells[:0]
	sums, touched := make([]float64, len(at)), []int32(nil)
	for a, i := range at {
		touched = touched[:0]
		for r, val := range q.x.Row(i) {
			for c := q.first[r]; c >= 0; c = q.cells[c].next {
				of := q.cells[c].of
				if sums[of] == 0 {
					touched = append(touched, of)
				}
				sums[of] += val * q.cells[c].val
			}
			q.cells = append(q.cells, cell{int32(a), q.first[r], val})
			q.first[r] = int32(len(q.cells) - 1)
		}
		bound := rho * math.Sqrt(q.curve[i])
		for _, b := range touched {
			j := at[b]
			g := (sums[b] - q.c[i]*q.c[j]*q.mass) / (q.s[i] * q.s[j])
			if math.Abs(g) > bound*math.Sqrt(q.curve[j]) {
				pairs = append(pairs, [2]int{a, int(b)})
			}
			sums[b] = 0
		}
	}
	return pairs
}
