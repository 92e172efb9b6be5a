package logreg

import (
	"cmp"
	"math"
	"slices"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/table"
	"petuum/table/kernel"
)

// block is the Newton step on the columns with the most curvature, for data that
// diag(X'DX) says little of: H = X'DX/n + lambda of these columns is summed up over
// the parts and factored by each. Where that is all columns it works from the start,
// else after lateness iterations, as most data does without.
type block struct {
	size     int                  // columns
	products sum                  // lower triangle of X'DX/n, row by row
	nominees *table.View[float64] // of each part size times a key and its curvature; nil if all columns are in
	g, w     *table.View[float64] // of the columns of the block

	at        []int32 // of each column of the part, where it is in the block; -1: nowhere
	idx       []uint32
	val       []float64 // what a row has in the block
	factor, x []float64
	step      *direction
	nominated bool
	chosen    bool
	fresh     bool // products are others than those that factor was made of
	made      bool // there is a factor
}

const (
	blocks    = "block"
	nominees  = "nominees"
	blockSize = 256
	rowCost   = 8192 // bounds the size times the values of a row
	lateness  = 10
)

// blockTables declares the tables of a block, which is the smaller the longer rows are.
func blockTables(keys uint64, d dataset.Info) []table.Spec {
	size := min(keys, blockSize, max(rowCost/(1+d.NonZeros/d.Rows), 32))
	specs := []table.Spec{{Name: blocks, Keys: size * (size + 1) / 2, Type: table.Float64, Scratch: true}}
	if size < keys {
		specs = append(specs, table.Spec{Name: nominees, Keys: mostParts, Width: 2 * int(size), Type: table.Float64, Rule: table.Replace, Scratch: true})
	}
	return specs
}

func (b *block) open(s *newton, w *algos.Worker, specs []table.Spec) (err error) {
	all := specs[0].Keys // size (size+1) / 2
	b.size = int(math.Sqrt(float64(2 * all)))
	if err = b.products.open(w, blocks, table.Span(0, all)); err != nil {
		return err
	}
	columns := table.Span(0, uint64(b.size))
	if len(specs) > 1 {
		columns = table.Keys(nil)
		b.nominees, err = algos.View[float64](w, nominees, table.Span(0, uint64(w.Parts)), table.Increments)
		if err != nil {
			return err
		}
	} else {
		b.choose(s, columns)
	}
	if b.g, err = algos.View[float64](w, gradients, columns, table.Increments); err == nil {
		b.w, err = algos.View[float64](w, weights, columns, table.Increments)
	}
	return err
}

// choose makes the block of these columns.
func (b *block) choose(s *newton, columns table.Set) {
	b.chosen, b.step = true, s.direction()
	b.at = make([]int32, s.keys.Len())
	for j := range b.at {
		b.at[j] = -1
		if k, ok := columns.Position(s.keys.Key(j)); ok {
			b.at[j] = int32(k)
		}
	}
	b.idx, b.val = make([]uint32, 0, b.size), make([]float64, 0, b.size)
	b.factor, b.x = make([]float64, len(b.products.now)), make([]float64, b.size)
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

// nominate has the part name the foremost of the columns that it counts.
func (b *block) nominate(s *newton) {
	list := make([]nominee, 0, 2*b.size)
	for j, h := range s.curvature.view.Values() {
		if s.own[j] == 0 || len(list) >= b.size && !(h > list[b.size-1].curvature) {
			continue
		}
		if list = append(list, nominee{s.keys.Key(j), h}); len(list) == cap(list) {
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
func (b *block) learn(s *newton) {
	switch {
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
		b.g.Hold(columns)
		b.w.Hold(columns)
	case b.fresh:
		b.factorize(s.lambda)
		b.fresh, b.made = false, true
	}
}

// renew sums up the products of the part's rows.
func (b *block) renew(s *newton) {
	if !b.chosen {
		return
	}
	c := b.products.begin()
	for i, d := range s.d {
		b.idx, b.val = b.idx[:0], b.val[:0]
		for j, x := range s.x.Row(i) {
			if k := b.at[j]; k >= 0 {
				b.idx, b.val = append(b.idx, uint32(k)), append(b.val, x)
			}
		}
		for n, k := range b.idx {
			row, alpha := c[k*(k+1)/2:][:k+1], d/s.n*b.val[n]
			if first := b.idx[0]; int(k-first) == n { // one after the other
				kernel.Axpy(alpha, b.val[:n+1], row[first:])
			} else {
				kernel.ScatterAxpy(alpha, b.idx[:n+1], b.val, row)
			}
		}
	}
	b.products.end()
	b.fresh = true
}

// factorize is Cholesky's method, on rows that lie one after the other.
func (b *block) factorize(lambda float64) {
	l := b.factor
	copy(l, b.products.view.Values())
	for i := range b.size {
		row := l[i*(i+1)/2:][:i+1]
		most := row[i] + lambda
		for j := range i {
			up := l[j*(j+1)/2:][:j+1]
			row[j] = (row[j] - kernel.Dot(row[:j], up)) / up[j]
		}
		row[i] = math.Sqrt(max(most-kernel.Square(row[:i]), 1e-8*most))
	}
}

// direction is the Newton step of the block, nil while there is none.
func (b *block) direction(s *newton) *direction {
	if !b.made {
		return nil
	}
	l, x, w := b.factor, b.x, b.w.Values()
	for i, g := range b.g.Values() {
		row := l[i*(i+1)/2:][:i+1]
		x[i] = (-g - s.lambda*w[i] - kernel.Dot(row[:i], x)) / row[i]
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
