package lasso

import (
	"slices"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/table"
)

// rows is the state of a part. Columns are numbered as in keys.
type rows struct {
	keys     []uint64       // the features that have a value here
	x        dataset.Matrix // transposed: its row j is column j of the part
	y        []float64      // labels, less their mean over all parts
	r        []float64      // y - X w
	w        []float64      // what r was made with
	sums     []float64      // of each column
	sum      float64        // of r
	weights  *table.View[float64]
	features uint64
	measured bool // the statistics were given to an evaluation

	columns []int     // of a block: the column of each key, -1 if it has no value here
	gram    []float64 // products of new pairs, as they are emitted
	full    []vector  // new columns with a value in each row
	first   []int32   // the others, by row: the first of the row's cells, -1 if none
	cells   []cell
}

// vector is a new column of a block; off is where its products begin in gram.
type vector struct {
	vals []float64
	off  int
}

// cell is a value of a new column, in the list of its row.
type cell struct {
	val  float64
	off  int32
	next int32
}

// Load takes the columns of the part.
func (l *Lasso) Load(part *dataset.Part, w *algos.Worker) (err error) {
	p := &l.rows
	n := part.X.Rows()
	p.keys, p.x, p.features = part.Keys, part.X.Transpose(), w.Info.Features
	p.y, p.r = make([]float64, n), make([]float64, n)
	for i, y := range part.Labels {
		p.y[i] = y - l.center(w.Info)
	}
	p.w, p.sums = make([]float64, len(p.keys)), make([]float64, len(p.keys))
	ones := slices.Repeat([]float64{1}, n)
	for j := range p.keys {
		p.sums[j] = p.x.Dot(j, ones)
	}
	p.first = slices.Repeat([]int32{-1}, n)
	p.weights, err = algos.View[float64](w, weights, table.Keys(p.keys), table.Increments)
	p.rebuild(p.w)
	return err
}

// set gives a coefficient a new value.
func (p *rows) set(j int, w float64) {
	d := w - p.w[j]
	if d == 0 {
		return
	}
	p.w[j] = w
	p.sum -= d * p.sums[j]
	p.x.AddTo(j, -d, p.r)
}

// rebuild makes the residuals anew, without what rounding did to them.
func (p *rows) rebuild(w []float64) {
	copy(p.r, p.y)
	p.sum = 0
	for _, y := range p.y {
		p.sum += y
	}
	for j, wj := range w {
		p.w[j] = 0
		p.set(j, wj)
	}
}

// Push takes the fresh coefficients in and emits sum r, x_j.r of each j in the
// block, and x_j.x_k of each new j with all k before it. Of the keys to work on,
// those after the number of features are new.
func (l *Lasso) Push(w *algos.Worker, b algos.Block) {
	p := &l.rows
	keys, values := b.Fresh()
	for i, key := range keys {
		if j, ok := slices.BinarySearch(p.keys, key); ok {
			p.set(j, values[i])
		}
	}
	if len(b.Work()) == 0 {
		return
	}
	known := 0
	p.columns = p.columns[:0]
	for _, key := range b.Work() {
		if key == p.features {
			known = len(p.columns)
			continue
		}
		j, ok := slices.BinarySearch(p.keys, key)
		if !ok {
			j = -1
		}
		p.columns = append(p.columns, j)
	}
	w.Emit(p.sum)
	for _, j := range p.columns {
		if j < 0 {
			w.Emit(0)
		} else {
			w.Emit(p.x.Dot(j, p.r))
		}
	}
	p.products(known)
	w.Emit(p.gram...)
}

// products fills gram with x_j.x_k of the columns from known on with all those
// before them, going backwards: a column meets the new ones after it, sparse ones
// in the lists of its rows.
func (p *rows) products(known int) {
	p.gram = slices.Grow(p.gram[:0], offset(known, len(p.columns)))[:offset(known, len(p.columns))]
	clear(p.gram)
	p.full, p.cells = p.full[:0], p.cells[:0]
	for q := len(p.columns) - 1; q >= 0; q-- {
		j := p.columns[q]
		if j < 0 {
			continue
		}
		for _, f := range p.full {
			p.gram[f.off+q] = p.x.Dot(j, f.vals)
		}
		isNew := q >= known
		isFull := p.x.Len(j) == len(p.r)
		off := offset(known, q)
		if isNew && isFull {
			p.addFull(j, off)
		}
		for i, val := range p.x.Row(j) {
			for c := p.first[i]; c >= 0; c = p.cells[c].next {
				p.gram[int(p.cells[c].off)+q] += val * p.cells[c].val
			}
			if isNew && !isFull {
				p.cells = append(p.cells, cell{val, int32(off), p.first[i]})
				p.first[i] = int32(len(p.cells) - 1)
			}
		}
	}
	for _, j := range p.columns[known:] {
		if j >= 0 && len(p.cells) > 0 {
			for i := range p.x.Row(j) {
				p.first[i] = -1
			}
		}
	}
}

// addFull adds a column to those with a value in each row.
func (p *rows) addFull(j, off int) {
	n := len(p.full)
	p.full = slices.Grow(p.full, 1)[:n+1]
	f := &p.full[n]
	if f.off = off; len(f.vals) != len(p.r) {
		f.vals = make([]float64, len(p.r))
	}
	for i, v := range p.x.Row(j) {
		f.vals[i] = v
	}
}

// offset is where the products of the column at position q begin in gram: those
// before it have one with each position before their own.
func offset(known, q int) int { return (q*(q-1) - known*(known-1)) / 2 }

// Evaluate adds the part's share of the objective and of z; the statistics of the
// columns the first time.
func (l *Lasso) Evaluate(_ *algos.Worker, e *algos.Eval) {
	p := &l.rows
	p.rebuild(p.weights.Values())
	var rr, yr, yy, y1 float64
	for i, r := range p.r {
		y := p.y[i]
		rr, yr, yy, y1 = rr+r*r, yr+y*r, yy+y*y, y1+y
	}
	e.Add("residuals", rr, yr, p.sum, yy, y1)
	xr := make([]float64, p.features)
	for j, key := range p.keys {
		xr[key] = p.x.Dot(j, p.r)
	}
	e.Add("xr", xr...)
	if p.measured {
		return
	}
	p.measured = true
	sums, squares := make([]float64, p.features), make([]float64, p.features)
	for j, key := range p.keys {
		sums[key] = p.sums[j]
		squares[key] = p.x.Square(j)
	}
	e.Add("sums", sums...)
	e.Add("squares", squares...)
}
