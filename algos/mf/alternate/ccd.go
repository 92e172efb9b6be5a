package alternate

import (
	"petuum/algos"
	"petuum/algos/mf/ccd"
	"petuum/table"
)

// CCD is [ccd] on the parts of a job. A clock is a step: every part makes a column of its
// users, adds its sums for the items to a table, and in the next clock makes the same
// column of the items of the sums of all.
type CCD struct {
	ccd.Settings

	ratings Ratings
	rows    Rows
	n       int // items
	solver  *ccd.Solver
	column  int // of the next Push

	pending bool // the items' column before is to be made, of sums
	sums    []float32
	before  []float64
	all     *table.View[float64] // nil with one part
}

// Plan says how many items there are: the same in all parts. It is the first call.
func (c *CCD) Plan(items int) { c.n = items }

// Tables are what the parts share, after Plan.
func (c *CCD) Tables() []table.Spec {
	return []table.Spec{{Name: SumsTable, Keys: uint64(c.n), Width: 2, Type: table.Float64, Scratch: true}}
}

// Clocks are those of a sweep.
func (c *CCD) Clocks() int { return c.Columns() }

// Load takes the part's ratings, which are its own from then on, and opens views, after
// Plan.
func (c *CCD) Load(r Ratings, w *algos.Worker) (err error) {
	c.ratings, c.sums = r, make([]float32, 2*c.n)
	if w.Parts > 1 {
		c.before = make([]float64, 2*c.n)
		c.all, err = algos.View[float64](w, SumsTable, table.Span(0, uint64(c.n)), table.Increments)
	}
	return err
}

// Size is the values of a row.
func (c *CCD) Size() int {
	if c.Biases {
		return c.Rank + 1
	}
	return c.Rank
}

// Begin takes what the rows begin with. It comes after Load and before all else.
func (c *CCD) Begin(r Rows) {
	for k := range c.ratings.Values {
		c.ratings.Values[k] -= r.Mean
	}
	c.rows = r
	c.solver = ccd.New(c.Settings, ccd.Ratings{Start: c.ratings.Start, Items: c.ratings.Items, Left: c.ratings.Values},
		ccd.Rows{Values: r.Users, Stride: c.Size()}, ccd.Rows{Values: r.Items, Stride: c.Size()}, r.Counts)
	c.solver.Subtract()
}

// Push is a clock.
func (c *CCD) Push() {
	c.makeItems()
	sums := c.solver.Users(c.column)
	if c.pending = true; c.all == nil {
		copy(c.sums, sums)
		return
	}
	for k, v := range sums {
		if v != 0 {
			c.all.Inc(k, float64(v))
		}
	}
}

// makeItems makes the items' column of the clock before, and goes on to the next.
func (c *CCD) makeItems() {
	if !c.pending {
		return
	}
	if c.all != nil {
		for k, v := range c.all.Values() {
			c.sums[k] = float32(v - c.before[k])
			c.before[k] = v
		}
	}
	c.solver.Items(c.column, c.sums)
	c.column = (c.column + 1) % c.Columns()
	c.pending = false
}

// Settle brings the rows up to what was done, before they are looked at.
func (c *CCD) Settle() {
	c.makeItems()
	c.solver.Settle()
}

// Rows are those of the users and of all items, after Settle.
func (c *CCD) Rows() (users, items []float32) { return c.rows.Users, c.rows.Items }

// Objective is what the part adds to the objective, after Settle.
func (c *CCD) Objective(w *algos.Worker) float64 {
	sum, size := c.solver.Loss(), c.Size()
	for i := range c.ratings.Users() {
		sum += c.Penalty.Cost(c.rows.Users[i*size:], c.Rank, c.Biases, c.ratings.Start[i+1]-c.ratings.Start[i])
	}
	lo, hi := share(c.n, w.Part, w.Parts)
	for j := lo; j < hi; j++ {
		sum += c.Penalty.Cost(c.rows.Items[j*size:], c.Rank, c.Biases, int(c.rows.Counts[j]))
	}
	return sum
}
