package newton

import (
	"cmp"
	"math"
	"slices"

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
// most data does without. It is of one output. Methods of a nil block do nothing.
type block struct {
	size     int                  // columns
	products linear.Sum           // lower triangle of B, row by row
	nominees *table.View[float64] // of each part size times a key and its curvature; nil if all columns are in
	g        *linear.Reals        // of the columns of the block
	w        *table.View[float64]

	at        []int32 // of each column of the part, where it is in the block; -1: nowhere
	free      int     // the column that is not penalised, -1 if none is
	idx       []uint32
	val       []float64 // what a row has in the block
	factor, x []float64
	matrix    [][]float64 // B in full, for coordinate descent
	bx        []float64
	step      *direction
	nominated bool
	chosen    bool
	fresh     bool // products are others than those that factor was made of
	made      bool // there is a factor
	l2        float64
}

const (
	blocks    = "block"
	nominees  = "nominees"
	blockSize = 256
	rowCost   = 8192 // bounds the size times the values of a row
	lateness  = 10
	sweeps    = 200 // of coordinate descent, at most
)

// blockTables declares the tables of a block, which is the smaller the longer rows are.
func blockTables(p *linear.Problem, d dataset.Info) []table.Spec {
	if p.Outputs > 1 {
		return nil
	}
	keys := p.Columns
	size := min(keys, blockSize, max(rowCost/(1+d.NonZeros/d.Rows), 32))
	specs := []table.Spec{{Name: blocks, Keys: size * (size + 1) / 2, Type: table.Float64, Scratch: true}}
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
	all := specs[0].Keys // size (size+1) / 2
	b = &block{size: int(math.Sqrt(float64(2 * all))), free: -1}
	if err = b.products.Open(w, blocks, table.Span(0, all), 1, table.Float64); err != nil {
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
	b.factor, b.x, b.bx = make([]float64, b.size*(b.size+1)/2), make([]float64, b.size), make([]float64, b.size)
	b.matrix = make([][]float64, b.size)
	for i := range b.matrix {
		b.matrix[i] = make([]float64, b.size)
	}
}

// nominee is a column that may be one of the block.
type nominee struct {
	key       uint64
	curvature float64
}

// foremost sorts the columns and keeps those with the most curvature.
func foremost(list []nominee, size int) []nominee {
	slices.SortFunc(list, func(a, b nominee) int {
		return cmp.Or(cmp.Compare(b.curvature, a.curvature), cmp.Compare(a.key, b.key))
	})
	return list[:min(len(list), size)]
}

// nominates reports whether it is time to nominate.
func (b *block) nominates(s *solver) bool { return b != nil && !b.chosen && s.iteration >= lateness }

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

// nominate has the part name the foremost of the columns that it counts.
func (b *block) nominate(s *solver) {
	list := make([]nominee, 0, 2*b.size)
	for j, h := range s.curvature.Values() {
		if s.Own[j] == 0 || len(list) >= b.size && !(h > list[b.size-1].curvature) {
			continue
		}
		if list = append(list, nominee{s.Keys.Key(j), h}); len(list) == cap(list) {
			list = foremost(list, b.size)
		}
	}
	row := make([]float64, 0, 2*b.size)
	for _, n := range foremost(list, b.size) {
		row = append(row, float64(n.key), n.curvature)
	}
	for len(row) < cap(row) {
		row = append(row, 0, -1)
	}
	b.nominees.Put(s.number, row)
	b.nominated = true
}

// learn takes in what the last clock brought.
func (b *block) learn(s *solver) {
	switch {
	case b == nil:
	case b.nominated && !b.chosen:
		var list []nominee
		for v := b.nominees.Values(); len(v) > 0; v = v[2:] {
			if v[1] >= 0 {
				list = append(list, nominee{uint64(v[0]), v[1]})
			}
		}
		var keys []uint64
		for _, n := range foremost(list, b.size) {
			keys = append(keys, n.key)
		}
		slices.Sort(keys)
		columns := table.Keys(keys)
		b.choose(s, columns)
		s.awake.checked = -checkEvery // to wake them up
		b.g.Hold(columns)
		b.w.Hold(columns)
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
	c := b.products.Begin()
	for i, d := range s.d {
		b.idx, b.val = b.idx[:0], b.val[:0]
		for j, x := range s.X.Row(i) {
			if k := b.at[j]; k >= 0 {
				b.idx, b.val = append(b.idx, uint32(k)), append(b.val, x)
			}
		}
		for n, k := range b.idx {
			row, alpha := c[k*(k+1)/2:][:k+1], d*b.val[n]
			if first := b.idx[0]; int(k-first) == n { // one after the other
				kernel.Axpy(alpha, b.val[:n+1], row[first:])
			} else {
				kernel.ScatterAxpy(alpha, b.idx[:n+1], b.val, row)
			}
		}
	}
	b.products.End()
	b.fresh = true
}

// penalty is that of column i of the block.
func (b *block) penalty(s *solver, i int) (l1, l2 float64) {
	if i == b.free {
		return 0, 0
	}
	return s.L1, s.L2
}

// factorize is Cholesky's method, on rows that lie one after the other. For L1 it only
// writes B in full.
func (b *block) factorize(s *solver) {
	l := b.factor
	copy(l, b.products.Values())
	for i := range b.size {
		row := l[i*(i+1)/2:][:i+1]
		_, l2 := b.penalty(s, i)
		row[i] += l2
		for j, x := range row {
			b.matrix[i][j], b.matrix[j][i] = x, x
		}
		if s.L1 > 0 {
			continue
		}
		most := row[i]
		for j := range i {
			up := l[j*(j+1)/2:][:j+1]
			row[j] = (row[j] - kernel.Dot(row[:j], up)) / up[j]
		}
		row[i] = math.Inf(1) // a column without curvature stays where it is
		if most > 0 {
			row[i] = math.Sqrt(max(most-kernel.Square(row[:i]), 1e-8*most, math.SmallestNonzeroFloat64))
		}
	}
}

// direction is the Newton step of the block, nil while there is none. With L1 it is
// written into z, the direction of all columns.
func (b *block) direction(s *solver, z []float64) *direction {
	if !b.steps() {
		return nil
	}
	if s.L1 > 0 {
		b.descend(s)
		for j, k := range b.at {
			if k >= 0 && !s.awake.sleeps(j) {
				w := s.W.Values()[j]
				l1, l2 := s.Penalty(j)
				z[j] = b.x[k]
				if l1 > 0 {
					s.q[j] = s.facing(s.gradient.Values()[j]+l2*w, l1, w, z[j])
				}
			}
		}
		return nil
	}
	l, x, w := b.factor, b.x, b.w.Values()
	for i, g := range b.g.Values() {
		row := l[i*(i+1)/2:][:i+1]
		_, l2 := b.penalty(s, i)
		x[i] = (-g - l2*w[i] - kernel.Dot(row[:i], x)) / row[i]
	}
	for i := len(x) - 1; i >= 0; i-- {
		row := l[i*(i+1)/2:][:i+1]
		x[i] /= row[i]
		kernel.Axpy(-x[i], row[:i], x)
	}
	for j, k := range b.at {
		if k >= 0 {
			b.step.cols[j] = x[k]
		}
	}
	return b.step
}

// descend minimises the block's quadratic model with its penalties by coordinates.
func (b *block) descend(s *solver) {
	clear(b.x)
	w := b.w.Values()
	for i, g := range b.g.Values() {
		_, l2 := b.penalty(s, i)
		b.bx[i] = g + l2*w[i]
	}
	for sweep, first := 0, 0.0; sweep < sweeps; sweep++ {
		change := 0.0
		for i, row := range b.matrix {
			l1, _ := b.penalty(s, i)
			h := row[i]
			if h <= flat*l1 {
				continue
			}
			at := w[i] + b.x[i]
			to := linear.Soft(at-b.bx[i]/h, l1/h)
			if l1 > 0 {
				to = within(w[i], to)
			}
			if d := to - at; d != 0 {
				b.x[i] += d
				change += h * d * d
				kernel.Axpy(d, row, b.bx)
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
