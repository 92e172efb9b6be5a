package alternate

import (
	"petuum/algos"
	"petuum/algos/mf/als"
	"petuum/table"
)

// ALS is [als] on the parts of a job. Each part makes its users' rows of the items'. An
// item's normal equations are sums over parts: every part adds its own to a table, a slice
// of the items a clock, and in the next clock each part solves a share of the slice. With
// one part nothing travels. A row comes to the same whatever the parts, but for rounding.
//
// The other way, by conjugate gradients, sends fewer values where the rank is large, but
// needs several clocks for a slice, and is not exact.
//
//	clock   0        1            2            ...  slices
//	        users    solve 0      solve 1           solve the last
//	        add 0    add 1        add 2
type ALS struct {
	als.Settings
	Room int // bytes of the sums of a slice, at least those of one item

	ratings Ratings
	rows    Rows
	items   int
	slice   int // items of a slice
	slices  int
	byItem  Ratings
	solver  *als.Solver
	phase   int  // of the next Push
	swept   bool // the items' rows are, or will be, those of a sweep

	lo, hi         int // this part's share of every slice
	sums, before   []float64
	mine           []float32            // sums of an item
	add            *table.View[float64] // nil with one part
	solve          *table.View[float64]
	made           *table.View[float32] // the items' rows, from who made them
	grams          *table.View[float64] // nil but for implicit feedback in several parts
	gram, gramWas  []float64            // of the users: of all parts; what stands in grams of earlier sweeps
	itemsGram, own []float64
}

// Plan says how many items there are: the same in all parts. It is the first call.
func (a *ALS) Plan(items int) {
	a.items = items
	a.slice = max(1, min(items, a.Room/(8*a.SumsSize())))
	a.slices = (items + a.slice - 1) / a.slice
}

// Tables are what the parts share, after Plan.
func (a *ALS) Tables() []table.Spec {
	specs := []table.Spec{
		{Name: SumsTable, Keys: uint64(a.slice), Width: a.SumsSize(), Type: table.Float64, Scratch: true},
		{Name: RowsTable, Keys: uint64(a.items), Width: a.Size(), Rule: table.Replace, Scratch: true},
	}
	if a.Implicit {
		specs = append(specs, table.Spec{Name: GramTable, Keys: 1, Width: a.Size() * a.Size(), Type: table.Float64, Scratch: true})
	}
	return specs
}

// Clocks are those of a sweep, after Plan.
func (a *ALS) Clocks() int { return a.slices + 1 }

// Load takes the part's ratings and opens views, after Plan.
func (a *ALS) Load(r Ratings, w *algos.Worker) (err error) {
	a.ratings, a.byItem = r, r.byItem(a.items)
	a.solver = als.New(a.Settings)
	n := a.Size() * a.Size()
	a.gram, a.itemsGram, a.own = make([]float64, n), make([]float64, n), make([]float64, n)
	if w.Parts == 1 {
		return nil
	}
	a.lo, a.hi = share(a.slice, w.Part, w.Parts)
	a.mine = make([]float32, 0, a.SumsSize())
	a.sums, a.before = make([]float64, a.SumsSize()), make([]float64, (a.hi-a.lo)*a.SumsSize())
	if a.add, err = algos.View[float64](w, SumsTable, table.Span(0, uint64(a.slice)), table.WriteOnly); err != nil {
		return err
	}
	if a.solve, err = algos.View[float64](w, SumsTable, table.Span(uint64(a.lo), uint64(a.hi)), table.Increments); err != nil {
		return err
	}
	if a.made, err = algos.View[float32](w, RowsTable, table.Span(0, uint64(a.items)), table.Increments); err != nil {
		return err
	}
	if a.Implicit {
		a.gramWas = make([]float64, n)
		a.grams, err = algos.View[float64](w, GramTable, table.Span(0, 1), table.Increments)
	}
	return err
}

// Begin takes what the rows begin with. It comes after Load and before all else.
func (a *ALS) Begin(r Rows) { a.rows = r }

// Push is a clock.
func (a *ALS) Push() {
	if a.phase == 0 {
		a.Settle()
		a.users()
		a.swept = true
	}
	switch {
	case a.add == nil:
		if a.phase < a.slices {
			a.direct(a.phase)
		}
	default:
		if a.phase > 0 {
			a.solveShare(a.phase - 1)
		}
		if a.phase < a.slices {
			a.addSlice(a.phase)
		}
	}
	a.phase = (a.phase + 1) % (a.slices + 1)
}

func (a *ALS) itemRows() als.Rows {
	return als.Rows{Values: a.rows.Items, Stride: a.Size()}
}

func (a *ALS) userRows() als.Rows { return als.Rows{Values: a.rows.Users, Stride: a.Size()} }

// users makes the rows of the users, and of implicit feedback the part's share of their Gram
// matrix.
func (a *ALS) users() {
	items := a.itemRows()
	if a.Implicit {
		clear(a.itemsGram)
		a.solver.AddGram(a.itemsGram, items, a.items)
		a.solver.SetGram(a.itemsGram)
	}
	for i := range a.ratings.Users() {
		ids, values := a.ratings.Of(i)
		a.solver.Begin()
		a.solver.Add(ids, values, items, a.rows.Mean)
		a.solver.Solve(a.userRows().Row(i))
	}
	if !a.Implicit {
		return
	}
	clear(a.own)
	a.solver.AddGram(a.own, a.userRows(), a.ratings.Users())
	if a.grams == nil {
		copy(a.gram, a.own)
		return
	}
	a.grams.AddTo(0, 1, a.own)
}

// gather adds the part's ratings of an item to the solver.
func (a *ALS) gather(j int) {
	ids, values := a.byItem.Of(j)
	a.solver.Begin()
	a.solver.Add(ids, values, a.userRows(), a.rows.Mean)
}

// of is the items of a slice.
func (a *ALS) of(slice int) (first, n int) {
	first = slice * a.slice
	return first, min(a.slice, a.items-first)
}

// direct makes the rows of the items of a slice: all ratings are here.
func (a *ALS) direct(slice int) {
	first, n := a.of(slice)
	if a.Implicit {
		a.solver.SetGram(a.gram)
	}
	for j := first; j < first+n; j++ {
		a.gather(j)
		a.solver.Solve(a.itemRows().Row(j))
	}
}

// addSlice adds the part's sums of the items of a slice.
func (a *ALS) addSlice(slice int) {
	first, n := a.of(slice)
	for j := range n {
		if a.byItem.Start[first+j] == a.byItem.Start[first+j+1] {
			continue
		}
		a.gather(first + j)
		a.mine = a.solver.AppendSums(a.mine[:0])
		for k, v := range a.mine {
			a.sums[k] = float64(v)
		}
		a.add.AddTo(j, 1, a.sums)
	}
}

// solveShare makes the rows of the part's share of a slice.
func (a *ALS) solveShare(slice int) {
	if slice == 0 && a.Implicit {
		now := a.grams.Row(0)
		for k, v := range now {
			a.gram[k] = v - a.gramWas[k]
		}
		copy(a.gramWas, now)
	}
	if a.Implicit {
		a.solver.SetGram(a.gram)
	}
	first, n := a.of(slice)
	size := a.SumsSize()
	for j := a.lo; j < min(a.hi, n); j++ {
		now, was := a.solve.Row(j-a.lo), a.before[(j-a.lo)*size:][:size]
		a.mine = a.mine[:size]
		for k, v := range now {
			a.mine[k] = float32(v - was[k])
		}
		copy(was, now)
		a.solver.SetSums(a.mine)
		row := a.itemRows().Row(first + j)
		a.solver.Solve(row)
		a.made.Put(first+j, row)
	}
}

// Settle takes in the items' rows that other parts made, before they are looked at: those
// of slices that were solved in a clock before this one.
func (a *ALS) Settle() {
	if a.made == nil || !a.swept {
		return
	}
	slices := a.slices
	if a.phase > 0 {
		slices = a.phase - 1
	}
	n := min(slices*a.slice, a.items) * a.Size()
	copy(a.rows.Items[:n], a.made.Values())
}

// Rows are those of the users and of all items, after Settle.
func (a *ALS) Rows() (users, items []float32) { return a.rows.Users, a.rows.Items }

// Objective is what the part adds to the objective, after Settle.
func (a *ALS) Objective(w *algos.Worker) (sum float64) {
	items := a.itemRows()
	for i := range a.ratings.Users() {
		ids, values := a.ratings.Of(i)
		sum += a.Loss(a.userRows().Row(i), ids, values, items, a.rows.Mean) + a.Penalty.Cost(a.userRows().Row(i), a.Rank, a.Biases, len(ids))
	}
	lo, hi := share(a.items, w.Part, w.Parts)
	for j := lo; j < hi; j++ {
		sum += a.Penalty.Cost(items.Row(j), a.Rank, a.Biases, int(a.rows.Counts[j]))
	}
	if a.Implicit {
		clear(a.own)
		clear(a.itemsGram)
		a.solver.AddGram(a.own, a.userRows(), a.ratings.Users())
		a.solver.AddGram(a.itemsGram, items, a.items)
		sum += als.Squares(a.own, a.itemsGram, a.Size())
	}
	return sum
}
