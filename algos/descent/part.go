package descent

import (
	"slices"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/table"
	"petuum/table/kernel"
)

// Part is the side of a part: its columns, and what its rows predict.
type Part struct {
	loss     Loss
	features uint64
	data     *dataset.Part  // which column is which feature
	x        dataset.Matrix // by column
	y        []float64
	fold     []uint8 // of each row; nil: there are none
	out      int     // the fold that is held out; -1: none

	w    map[int]float64 // what f was made with, where not 0
	b0   float64
	f, r []float64 // predictions and negative slopes
	h    []float64 // curvatures
	in   []float64 // 1 for the rows that count; nil: all do
	sumH float64
	old  bool // r and h are not those of f

	weights, intercept *table.View[float64]
	byFeatures         *byFeatures // nil: the part is some of the rows
	measured           bool        // the scheduler has the statistics of the columns
	alive              []int       // columns that are looked at in evaluations, -1 if it has no value here; nil: all
	columns            []int       // of a block: the column of each key, -1 if it has no value here
	products           products
}

// Load takes the columns of the part. Labels count less center.
func (p *Part) Load(loss Loss, center float64, folds int, part *dataset.Part, w *algos.Worker) (err error) {
	n := len(part.Labels)
	p.loss, p.out = loss, -1
	p.data, p.x, p.features = part, part.ByColumn(), w.Info.Features
	p.y, p.f, p.r, p.h = make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	for i, y := range part.Labels {
		switch {
		case loss == Squared:
			p.y[i] = y - center
		case part.Class[i] == 1:
			p.y[i] = 1
		}
	}
	p.w = map[int]float64{}
	if w.Info.ByFeatures {
		return p.loadFeatures(folds, w)
	}
	if folds > 0 {
		p.fold = deal(part, p.x, folds, w.Seed)
	}
	keys := table.Span(0, uint64(part.Positions()))
	if part.Keys != nil {
		keys = table.Keys(part.Keys)
	}
	if p.weights, err = algos.View[float64](w, Weights, keys, table.Increments); err == nil {
		p.intercept, err = algos.View[float64](w, Intercept, table.Span(0, 1), table.Increments)
	}
	p.rebuild()
	return err
}

// holdOut leaves the rows of a fold out; -1: of none.
func (p *Part) holdOut(fold int) {
	if fold == p.out {
		return
	}
	p.out, p.measured, p.old, p.in = fold, false, true, nil
	if fold < 0 {
		return
	}
	p.in = make([]float64, len(p.y))
	for i, f := range p.fold {
		if int(f) != fold {
			p.in[i] = 1
		}
	}
}

// set gives a coefficient a new value.
func (p *Part) set(j int, w float64) {
	d := w - p.w[j]
	if d == 0 {
		return
	}
	if p.old = true; w == 0 {
		delete(p.w, j)
	} else {
		p.w[j] = w
	}
	p.x.AddTo(j, d, p.f)
}

// rebuild predicts anew from the tables, without what rounding did.
func (p *Part) rebuild() {
	if p.byFeatures != nil {
		p.see()
		return
	}
	p.b0 = 0
	if p.loss == Logistic {
		p.b0 = p.intercept.Values()[0]
	}
	for i := range p.f {
		p.f[i] = p.b0
	}
	p.old = true
	clear(p.w)
	for j, wj := range p.weights.Values() {
		if wj != 0 {
			p.w[j] = wj
			p.x.AddTo(j, wj, p.f)
		}
	}
}

// take brings slopes and curvatures up to date, 0 where rows are held out.
func (p *Part) take() {
	if !p.old {
		return
	}
	p.old = false
	p.loss.rows(p.f, p.y, p.r, p.h)
	if p.in != nil {
		for i, in := range p.in {
			p.r[i] *= in
			p.h[i] *= in
		}
	}
	p.sumH = kernel.Sum(p.h)
}

// Push takes the fresh coefficients in and emits what the block asks for:
//
//	sum h, sum r          over the rows, slopes and curvatures
//	x_j.r                 of each j in the block
//	x_j.h                 the same, where the loss is not squared
//	products or columns   of the new ones, see the kinds of blocks
func (p *Part) Push(w *algos.Worker, b algos.Block) {
	keys, values := b.Fresh()
	for i, key := range keys {
		if key == p.features {
			for r := range p.f {
				p.f[r] += values[i] - p.b0
			}
			p.b0, p.old = values[i], true
		} else if j := p.column(key); j >= 0 {
			p.set(j, values[i])
		}
	}
	work := b.Work()
	if len(work) == 0 {
		return
	}
	known, kind := 0, uint64(keyNothing)
	p.columns = p.columns[:0]
	for i, key := range work {
		if key == p.features+keyAlive {
			p.wake(work[i+1:])
			break
		}
		if key >= p.features {
			known, kind = len(p.columns), key-p.features
			continue
		}
		p.columns = append(p.columns, p.column(key))
	}
	p.take()
	if p.leads() {
		w.Emit(p.sumH, kernel.Sum(p.r))
	} else {
		w.Emit(0, 0)
	}
	p.emitDots(w, p.r)
	if p.loss != Squared {
		p.emitDots(w, p.h)
	}
	switch kind {
	case keyGram:
		w.Emit(p.products.of(p, known)...)
	case keyColumns:
		p.emitColumns(w, known)
	}
}

// column is the column of a feature, -1 if it has no value here.
func (p *Part) column(key uint64) int {
	if j, ok := p.data.Position(key); ok {
		return j
	}
	return -1
}

// wake has evaluations look at these features only.
func (p *Part) wake(keys []uint64) {
	p.alive = slices.Grow(p.alive[:0], len(keys)+1)
	for _, key := range keys {
		if j := p.column(key); j >= 0 || p.byFeatures == nil {
			p.alive = append(p.alive, j)
		}
	}
}

func (p *Part) emitDots(w *algos.Worker, v []float64) {
	for _, j := range p.columns {
		if j < 0 {
			w.Emit(0)
		} else {
			w.Emit(p.x.Dot(j, v))
		}
	}
}

// emitColumns emits the rows of the part, their curvatures where these are not 1, and
// of each new column the number of its values, their rows and they: without rows that are
// held out, unless the scheduler predicts those.
func (p *Part) emitColumns(w *algos.Worker, known int) {
	w.Emit(float64(len(p.y)))
	if p.loss != Squared && p.leads() {
		w.Emit(p.h...)
	}
	in := p.in
	if p.byFeatures != nil {
		in = nil
	}
	for _, j := range p.columns[known:] {
		if j < 0 {
			w.Emit(0)
			continue
		}
		n := 0
		for i := range p.x.Row(j) {
			if in == nil || in[i] != 0 {
				n++
			}
		}
		w.Emit(float64(n))
		for i, v := range p.x.Row(j) {
			if in == nil || in[i] != 0 {
				w.Emit(float64(i), v)
			}
		}
	}
}

// Evaluate adds the part's share of the objective and of the slopes of all columns,
// and the statistics of the columns where the scheduler has them not.
func (p *Part) Evaluate(e *algos.Eval) {
	p.rebuild()
	p.take()
	if p.leads() {
		p.addRows(e)
	}
	if p.alive != nil {
		slopes := e.Into(p.share("alive"), len(p.alive))
		for i, j := range p.alive {
			if j >= 0 {
				slopes[i] = p.x.Dot(j, p.r)
			}
		}
		return
	}
	p.each(e, "slopes", func(j int) float64 { return p.x.Dot(j, p.r) })
	if p.measured {
		return
	}
	p.measured = true
	squares, in := p.x.Square, p.in
	if in == nil {
		in = slices.Repeat([]float64{1}, len(p.y))
	} else {
		squares = func(j int) float64 { return p.x.DotSquares(j, in) }
	}
	p.each(e, "sums", func(j int) float64 { return p.x.Dot(j, in) })
	p.each(e, "squares", squares)
	p.each(e, "counts", func(j int) float64 { return float64(p.x.Len(j)) })
}

// addRows adds what belongs to rows.
func (p *Part) addRows(e *algos.Eval) {
	e.Add("loss", p.lossOf(p.in))
	var rr, ry, yy, y1 float64
	for i, r := range p.r {
		y := p.y[i]
		if p.in != nil {
			y *= p.in[i]
		}
		rr, ry, yy, y1 = rr+r*r, ry+r*y, yy+y*y, y1+y
	}
	e.Add("rows", rr, ry, kernel.Sum(p.r), yy, y1, p.counted())
	if p.loss != Squared {
		e.Add("entropy", p.entropies()...)
	}
	if p.out >= 0 {
		e.Add("held", p.heldOut()...)
	}
}

// each adds a number of each feature.
func (p *Part) each(e *algos.Eval, name string, of func(j int) float64) {
	n := p.features
	if p.byFeatures != nil {
		n = uint64(p.x.Rows())
	}
	sum := e.Into(p.share(name), int(n))
	for j := range p.x.Rows() {
		sum[p.data.Key(j)-p.data.First] = of(j)
	}
}

// lossOf is the loss of the rows that count: all where in is nil.
func (p *Part) lossOf(in []float64) (sum float64) {
	if in == nil || p.loss == Squared { // slopes of rows that are held out are 0
		return p.loss.sum(p.f, p.y, p.r)
	}
	for i, v := range in {
		if v != 0 {
			sum += p.loss.sum(p.f[i:i+1], p.y[i:i+1], p.r[i:i+1])
		}
	}
	return sum
}

// counted is the number of rows that count.
func (p *Part) counted() float64 {
	if p.in == nil {
		return float64(len(p.y))
	}
	return kernel.Sum(p.in)
}

// entropies is the dual at the scales of dualScales.
func (p *Part) entropies() []float64 {
	at := make([]float64, len(dualScales))
	for k, a := range dualScales {
		at[k] = p.loss.dual(p.y, p.r, a)
	}
	return at
}

// heldOut is of the rows held out: how many, the sums of their residuals and of the
// squares, and of their losses.
func (p *Part) heldOut() []float64 {
	var n, r1, rr, loss float64
	for i, in := range p.in {
		if in == 0 {
			r := p.y[i] - p.f[i]
			n, r1, rr = n+1, r1+r, rr+r*r
			loss += p.loss.sum(p.f[i:i+1], p.y[i:i+1], []float64{r})
		}
	}
	return []float64{n, r1, rr, loss}
}
