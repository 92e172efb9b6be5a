package newton

import (
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
// most data does without. Several outputs have a block only where it is all columns and
// cheap: each has a B of its own, or coupled ones together one of all their weights, as
// long as that is small, else what they have in common is left to A. Methods of a nil
// block do nothing.
type block struct {
	size     int                  // columns
	side     int                  // rows of a B: size, or times Outputs
	products linear.Sum           // of each B the lower triangle, row by row
	nominees *table.View[float64] // of each part size times a key and its curvature; nil if all columns are in
	g        *linear.Reals        // of the columns of the block
	w        *table.View[float64]

	at        []int32 // of each column of the part, where it is in the block; -1: nowhere
	free      int     // the column that is not penalised, -1 if none is
	idx       []uint32
	val       []float64   // what a row has in the block
	matrix    [][]float64 // rows of each B: its factor, or B in full for coordinate descent
	flat      []float64   // where the rows of matrix are
	x, bx     []float64   // of all outputs
	many      many
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
	rowCost   = 8192 // bounds the size times the values of a row
	lateness  = 10
	sweeps    = 200 // of coordinate descent, at most

	// Of several outputs, the square of the columns is bounded by the cost of a row in a
	// pass, which is as that of its values and 16 more: B takes up to 10 passes then.
	manyCost     = 100
	mostProducts = 1 << 17
	jointSize    = 512 // rows of a B of coupled outputs together
)

// shape is how many columns are in the block, 0 if there is none, and of how many rows
// a B is. The block is the smaller the longer rows are.
func shape(p *linear.Problem, d dataset.Info) (size, side uint64) {
	values, k := 1+d.NonZeros/d.Rows, uint64(p.Outputs)
	switch size = min(p.Columns, blockSize, max(rowCost/values, 32)); {
	case k == 1:
		return size, size
	case p.Columns > blockSize || p.Columns*p.Columns > manyCost*(values+16) || p.Columns*p.Columns*k > mostProducts:
		return 0, 0
	case p.Coupled && p.Columns*k <= jointSize && p.Columns*p.Columns*(k+1)/2 <= 2*manyCost*(values+16):
		return p.Columns, p.Columns * k
	}
	return p.Columns, p.Columns
}

// blockTables declares the tables of a block.
func blockTables(p *linear.Problem, d dataset.Info) []table.Spec {
	size, side := shape(p, d)
	if size == 0 {
		return nil
	}
	specs := []table.Spec{{Name: blocks, Keys: size * uint64(p.Outputs) / side * triangle(side), Type: table.Float64, Scratch: true}}
	if size < p.Columns {
		specs = append(specs, table.Spec{Name: nominees, Keys: linear.MostParts, Width: 2 * int(size), Type: table.Float64, Rule: table.Replace, Scratch: true})
	}
	return specs
}

func openBlock(s *solver, w *algos.Worker) (b *block, err error) {
	size, side := shape(s.Problem, w.Info)
	if size == 0 {
		return nil, nil
	}
	b = &block{size: int(size), side: int(side), free: -1}
	all := size * uint64(s.Outputs) / side * triangle(side)
	if err = b.products.Open(w, blocks, table.Span(0, all), 1, table.Float64); err != nil {
		return nil, err
	}
	columns := table.Span(0, size)
	if size < s.Columns {
		columns = table.Keys(nil)
		b.nominees, err = algos.View[float64](w, nominees, table.Span(0, uint64(w.Parts)), table.Increments)
		if err != nil {
			return nil, err
		}
	} else {
		b.choose(s, columns)
	}
	if b.g, err = linear.OpenReals(w, gradients, columns, precision(s.Problem)); err == nil {
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
	b.flat = make([]float64, n*b.side)
	for i := range b.matrix {
		b.matrix[i] = b.flat[i*b.side:][:b.side]
	}
	if s.Outputs > 1 {
		b.many.open(b.size)
	}
}

// waits reports whether the block is yet to be summed up.
func (b *block) waits() bool { return b != nil && b.chosen && !b.made }

// steps reports whether there is a step.
func (b *block) steps() bool { return b != nil && b.made }

// replaces reports whether the step is written into z: with L1, as the orthant is that of
// z, and with several outputs, where z beside it would gain nothing.
func (b *block) replaces(s *solver) bool { return s.L1 > 0 || s.Outputs > 1 }

// has reports whether column j of the part is in the block.
func (b *block) has(j int) bool { return b != nil && b.chosen && b.at[j] >= 0 }

// whole reports whether the block is all columns.
func (b *block) whole() bool { return b != nil && b.nominees == nil }

// exact reports whether the step minimises the model of all columns, penalties included.
func (b *block) exact(s *solver) bool { return b.whole() && (b.joint() || !s.Coupled) }

// stale is how much the sum of D may change, as a logarithm, before H is made anew: where
// the block is all columns its step is as good as its H is new.
func (b *block) stale() float64 {
	switch {
	case !b.whole():
		return stale
	case b.many.rows != nil: // B costs as much as some passes
		return stale / 3
	}
	return stale / 30
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
	if all := b.products.Begin(); s.Outputs == 1 {
		for i, d := range s.d {
			b.add(s, i, d, all)
		}
	} else {
		b.multiply(s, all)
	}
	b.products.End()
	b.fresh = true
}

// add adds d times the products of row i.
func (b *block) add(s *solver, i int, d float64, to []float64) {
	b.idx, b.val = b.idx[:0], b.val[:0]
	for j, x := range s.X.Row(i) {
		if k := b.at[j]; k >= 0 {
			b.idx, b.val = append(b.idx, uint32(k)), append(b.val, x)
		}
	}
	for n, k := range b.idx {
		row, alpha := to[triangle(k):][:k+1], d*b.val[n]
		if first := b.idx[0]; int(k-first) == n { // one after the other
			kernel.Axpy(alpha, b.val[:n+1], row[first:])
		} else {
			kernel.ScatterAxpy(alpha, b.idx[:n+1], b.val, row)
		}
	}
}

// joint reports whether all outputs have one B.
func (b *block) joint() bool { return b.side > b.size }

// triangle is how many elements the first n rows of a lower triangle have.
func triangle[T int | uint32 | uint64](n T) T { return n * (n + 1) / 2 }

// direction is the Newton step of the block, nil while there is none. With L1 it is
// written into z, the direction of all columns.
func (b *block) direction(s *solver, z []float64) *direction {
	if !b.steps() {
		return nil
	}
	for c := range len(b.x) / b.side {
		if s.L1 > 0 {
			b.descend(s, c)
		} else {
			b.solve(s, c)
		}
	}
	f := s.X.Cols()
	for i := range s.cols {
		k := int(b.at[i%f])
		switch {
		case k < 0:
		case !b.replaces(s):
			b.step.cols[i] = b.x[i/f*b.size+k]
		case !s.awake.sleeps(i % f):
			z[i] = b.x[i/f*b.size+k]
			if l1, l2 := s.Penalty(i % f); l1 > 0 {
				v := s.Place(i)
				w := s.W.Values()[v]
				s.q[i] = s.facing(s.gradient.Values()[v]+l2*w, l1, w, z[i])
			}
		}
	}
	if b.replaces(s) {
		return nil
	}
	return b.step
}
