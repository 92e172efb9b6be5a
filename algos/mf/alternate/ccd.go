package alternate

import (
	"petuum/algos"
	"petuum/algos/mf/ccd"
	"petuum/table"
)

// CCD is [ccd] on the parts of a job. A clock is a step: every part makes a column of its
// users, adds its sums for the items to a table, and in the next clock makes the same
// column of the items of the sums of all. So each has a copy of the items' rows; the table
// of the items has them once they are published.
type CCD struct {
	ccd.Settings

	part   Part
	parts  int
	number int
	n      int // items
	items  []float32
	solver *ccd.Solver
	column int // of the next Push

	pending bool // the items' column before is to be made, of sums
	sums    []float32
	before  []float64
	all     *table.View[float64] // nil with one part
	begun   bool
}

// Plan says how many items there are: the same in all parts. It is the first call.
func (c *CCD) Plan(items int) { c.n = items }

// Tables are what the parts share, after Plan.
func (c *CCD) Tables() []table.Spec {
	return []table.Spec{{Name: SumsTable, Keys: uint64(c.n), Width: 2, Type: table.Float64, Scratch: true}}
}

// Clocks are those of a sweep.
func (c *CCD) Clocks() int { return c.Columns() }

// Load takes the part, after Plan. The part's ratings are what is left of them from then
// on.
func (c *CCD) Load(p Part, w *algos.Worker) (err error) {
	c.part, c.number, c.parts = p, w.Part, w.Parts
	c.items = make([]float32, c.n*p.Stride)
	c.sums = make([]float32, 2*c.n)
	for k := range p.Ratings.Values {
		p.Ratings.Values[k] -= p.Mean
	}
	if w.Parts > 1 {
		c.before = make([]float64, 2*c.n)
		c.all, err = algos.View[float64](w, SumsTable, table.Span(0, uint64(c.n)), table.Increments)
	}
	c.solver = ccd.New(c.Settings, ccd.Ratings{Start: p.Ratings.Start, Items: p.Ratings.Items, Left: p.Ratings.Values},
		ccd.Rows{Values: p.Users, Stride: p.Stride}, ccd.Rows{Values: c.items, Stride: p.Stride}, p.Counts)
	return err
}

// begin takes the rows that the items begin with.
func (c *CCD) begin() {
	if !c.begun {
		copy(c.items, c.part.Items.Values())
		c.solver.Subtract()
		c.begun = true
	}
}

// Push is a clock.
func (c *CCD) Push() {
	c.begin()
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
	c.begin()
	c.makeItems()
	c.solver.Settle()
}

// Items are the rows of all items, after Settle.
func (c *CCD) Items() []float32 { return c.items }

// Objective is what the part adds to the objective, after Settle.
func (c *CCD) Objective(w *algos.Worker) float64 {
	sum := c.solver.Loss()
	for i := range c.part.Ratings.Users() {
		sum += c.Penalty(c.part.user(i), c.part.Ratings.Start[i+1]-c.part.Ratings.Start[i])
	}
	lo, hi := share(c.n, w.Part, w.Parts)
	for j := lo; j < hi; j++ {
		sum += c.Penalty(c.items[j*c.part.Stride:], int(c.part.Counts[j]))
	}
	return sum
}

// Publish writes what the table of the items lacks: a share of each part.
func (c *CCD) Publish() {
	c.Settle()
	lo, hi := share(c.n, c.number, c.parts)
	stride := c.part.Stride
	copy(c.part.Items.Values()[lo*stride:hi*stride], c.items[lo*stride:])
	c.part.Items.Written(lo, hi)
}
