package newton

import (
	"math"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/algos/linear"
	"petuum/table"
	"petuum/table/kernel"
)

// block is the Newton step on the columns with the most curvature, for data that
// diag(X'DX) says little of: B = X'DX of these columns is summed up over the parts, and
// each finds the step itself, by a factor of B + L2 or, with L1, by coordinate descent.
// Where that is all columns it works from the start, else after lateness iterations, as
// most data does without. Of several outputs each has a B of its own, where that is all
// columns and cheap: what outputs of one loss have in common is left to A. Methods of a
// nil block do nothing.
type block struct {
	size     int                  // columns
	products linear.Sum           // of each output the lower triangle of B, row by row
	nominees *table.View[float64] // of each part size times a key and its curvature; nil if all columns are in
	g, w     *table.View[float64] // of the columns of the block

	at        []int32 // of each column of the part, where it is in the block; -1: nowhere
	free      int     // the column that is not penalised, -1 if none is
	idx       []uint32
	val       []float64   // what a row has in the block
	matrix    [][]float64 // rows of each output: the factor, or B in full for coordinate descent
	x, bx     []float64   // of each output
	step      *direction
	nominated bool
	chosen    bool
	fresh     bool // products are others than those that matrix was made of
	made      bool // there is a matrix
	l2        float64
}

const (
	blocks    = "block"
	nominees  = "nominees"
	blockSize = 256
	rowCost   = 8192  // bounds the size times the values of a row
	manyCost  = 65536 // of several outputs the same, times the outputs
	lateness  = 10
	sweeps    = 200 // of coordinate descent, at most
)

// blockTables declares the tables of a block, which is the smaller the longer rows are.
func blockTables(p *linear.Problem, d dataset.Info) []table.Spec {
	keys, values := p.Columns, 1+d.NonZeros/d.Rows
	size := min(keys, blockSize, max(rowCost/values, 32))
	if k := uint64(p.Outputs); k > 1 {
		if size = keys; size > blockSize || size*values*k > manyCost {
			return nil
		}
	}
	specs := []table.Spec{{Name: blocks, Keys: uint64(p.Outputs) * triangle(size), Type: table.Float64, Scratch: true}}
	if size < keys {
		specs = append(specs, table.Spec{Name: nominees, Keys: linear.MostParts, Width: 2 * int(size), Type: table.Float64, Rule: table.Replace, Scratch: true})
	}
	return specs
}

func openBlock(s *solver, w *algos.Worker) (b *block, err error) {
	specs := blockTables(s.Problem, w.Info)
	if specs == nil {
		return nil, nil
	}
	all := specs[0].Keys
	b = &block{size: int(math.Sqrt(float64(2 * all / uint64(s.Outputs)))), free: -1} // size (size+1) is 2 all / Outputs
	if err = b.products.Open(w, blocks, table.Span(0, all), 1); err != nil {
		return nil, err
	}
	columns := table.Span(0, uint64(b.size))
	if len(specs) > 1 {
		columns = table.Keys(nil)
		b.nominees, err = algos.View[float64](w, nominees, table.Span(0, uint64(w.Parts)), table.Increments)
		if err != nil {
			return nil, err
		}
	} else {
		b.choose(s, columns)
	}
	if b.g, err = algos.View[float64](w, gradients, columns, table.Increments); err == nil {
		b.w, err = algos.View[float64](w, linear.Weights, columns, table.Increments)
	}
	return b, err
}

// choose makes the block of these columns.
func (b *block) choose(s *solver, columns table.Set) {
	b.chosen, b.step = true, s.direction()
	b.at = make([]int32, s.Keys.Len())
	for j := range b.at {
		b.at[j] = -1
		if k, ok := columns.Position(s.Keys.Key(j)); ok {
			b.at[j] = int32(k)
		}
	}
	if s.FreeKey != linear.NoKey {
		if k, ok := columns.Position(s.FreeKey); ok {
			b.free = k
		}
	}
	b.idx, b.val = make([]uint32, 0, b.size), make([]float64, 0, b.size)
	n := b.size * s.Outputs
	b.x, b.bx, b.matrix = make([]float64, n), make([]float64, n), make([][]float64, n)
	for i := range b.matrix {
		b.matrix[i] = make([]float64, b.size)
	}
}

// waits reports whether the block is yet to be summed up.
func (b *block) waits() bool { return b != nil && b.chosen && !b.made }

// steps reports whether there is a step.
func (b *block) steps() bool { return b != nil && b.made }

// has reports whether column j of the part is in the block.
func (b *block) has(j int) bool { return b != nil && b.chosen && b.at[j] >= 0 }

// whole reports whether the block is all columns.
func (b *block) whole() bool { return b != nil && b.nominees == nil }

// stale is how much the sum of D may change, as a logarithm, before H is made anew: where
// the block is all columns its step is as good as its H is new.
func (b *block) stale() float64 {
	if b.whole() {
		return stale / 30
	}
	return stale
}

// learn takes in what the last clock brought.
func (b *block) learn(s *solver) {
	switch {
	case b == nil:
	case b.nominated && !b.chosen:
		b.elect(s)
	case b.fresh, b.made && b.l2 != s.L2:
		b.factorize(s)
		b.fresh, b.made, b.l2 = false, true, s.L2
	}
}

// renew sums up the products of the part's rows.
func (b *block) renew(s *solver) {
	if b == nil || !b.chosen {
		return
	}
	all, n, each := b.products.Begin(), s.X.Rows(), triangle(b.size)
	for i := range n {
		b.idx, b.val = b.idx[:0], b.val[:0]
		for j, x := range s.X.Row(i) {
			if k := b.at[j]; k >= 0 {
				b.idx, b.val = append(b.idx, uint32(k)), append(b.val, x)
			}
		}
		for c := range s.Outputs {
			if d := s.second(i, c*n+i); d != 0 {
				b.add(d, all[c*each:(c+1)*each])
			}
		}
	}
	b.products.End()
	b.fresh = true
}

// add adds d times the products of the row that idx and val are.
func (b *block) add(d float64, to []float64) {
	for n, k := range b.idx {
		row, alpha := to[triangle(k):][:k+1], d*b.val[n]
		if first := b.idx[0]; int(k-first) == n { // one after the other
			kernel.Axpy(alpha, b.val[:n+1], row[first:])
		} else {
			kernel.ScatterAxpy(alpha, b.idx[:n+1], b.val, row)
		}
	}
}

// triangle is how many elements the first n rows of a lower triangle have.
func triangle[T int | uint32 | uint64](n T) T { return n * (n + 1) / 2 }

// output is what the part has of output c: the rows of its matrix and its vectors.
func (b *block) output(c int) (matrix [][]float64, x, bx []float64) {
	lo, hi := c*b.size, (c+1)*b.size
	return b.matrix[lo:hi], b.x[lo:hi], b.bx[lo:hi]
}

// penalty is that of column i of the block.
func (b *block) penalty(s *solver, i int) (l1, l2 float64) {
	if i == b.free {
		return 0, 0
	}
	return s.L1, s.L2
}

// factorize is Cholesky's method. For L1 it only writes B in full.
func (b *block) factorize(s *solver) {
	all, each := b.products.View.Values(), triangle(b.size)
	for c := range s.Outputs {
		l, _, _ := b.output(c)
		for i, full := range l {
			row := full[:i+1]
			copy(row, all[c*each+triangle(i):])
			_, l2 := b.penalty(s, i)
			row[i] += l2
			if s.L1 > 0 {
				for j, x := range row {
					l[j][i] = x
				}
				continue
			}
			most := row[i]
			for j := range i {
				row[j] = (row[j] - kernel.Dot(row[:j], l[j][:j])) / l[j][j]
			}
			row[i] = math.Inf(1) // a column without curvature stays where it is
			if most > 0 {
				row[i] = math.Sqrt(max(most-kernel.Square(row[:i]), 1e-8*most, math.SmallestNonzeroFloat64))
			}
		}
	}
}

// direction is the Newton step of the block, nil while there is none. With L1 it is
// written into z, the direction of all columns.
func (b *block) direction(s *solver, z []float64) *direction {
	if !b.steps() {
		return nil
	}
	f := s.X.Cols()
	for c := range s.Outputs {
		if s.L1 > 0 {
			b.descend(s, c)
			b.face(s, c, z)
			continue
		}
		b.solve(s, c)
		for j, k := range b.at {
			if k >= 0 {
				b.step.cols[c*f+j] = b.x[c*b.size+int(k)]
			}
		}
	}
	if s.L1 > 0 {
		return nil
	}
	return b.step
}

// face writes the step of output c into z, and what follows from it into q.
func (b *block) face(s *solver, c int, z []float64) {
	_, x, _ := b.output(c)
	for j, k := range b.at {
		if k < 0 || s.awake.sleeps(j) {
			continue
		}
		i, v := c*s.X.Cols()+j, j*s.Outputs+c
		w := s.W.Values()[v]
		l1, l2 := s.Penalty(j)
		z[i] = x[k]
		if l1 > 0 {
			s.q[i] = s.facing(s.gradient.View.Values()[v]+l2*w, l1, w, z[i])
		}
	}
}

// slope is the derivative of the smooth part by column i of the block, and its weight.
func (b *block) slope(s *solver, i, c int) (slope, w float64) {
	v := i*s.Outputs + c
	w = b.w.Values()[v]
	_, l2 := b.penalty(s, i)
	return b.g.Values()[v] + l2*w, w
}

// solve makes the Newton step of output c, by the factor.
func (b *block) solve(s *solver, c int) {
	l, x, _ := b.output(c)
	for i, row := range l {
		slope, _ := b.slope(s, i, c)
		x[i] = (-slope - kernel.Dot(row[:i], x)) / row[i]
	}
	for i := len(x) - 1; i >= 0; i-- {
		x[i] /= l[i][i]
		kernel.Axpy(-x[i], l[i][:i], x)
	}
}

// descend minimises the quadratic model of output c with its penalties by coordinates.
func (b *block) descend(s *solver, c int) {
	rows, x, bx := b.output(c)
	clear(x)
	for i := range bx {
		bx[i], _ = b.slope(s, i, c)
	}
	for sweep, first := 0, 0.0; sweep < sweeps; sweep++ {
		change := 0.0
		for i, row := range rows {
			l1, _ := b.penalty(s, i)
			h := row[i]
			if h <= flat*l1 {
				continue
			}
			_, w := b.slope(s, i, c)
			at := w + x[i]
			to := linear.Soft(at-bx[i]/h, l1/h)
			if l1 > 0 {
				to = within(w, to)
			}
			if d := to - at; d != 0 {
				x[i] += d
				change += h * d * d
				kernel.Axpy(d, row, bx)
			}
		}
		if sweep == 0 {
			first = change
		}
		if change <= 1e-8*first {
			return
		}
	}
}
