package linear

import (
	"petuum/algos"
	"petuum/table"
)

// Sum is a table to which each part adds its share of a vector, which it replaces from
// time to time: it sends what has changed of it. Vectors hold one output after the
// other, the table the outputs of a key.
type Sum struct {
	*Reals
	outputs   int
	sent, now []float64
}

// Open opens the part's view of a table of type Float64 or Float32. The latter halves
// what travels; that it rounds each change costs some 1e-15 of an objective.
func (t *Sum) Open(w *algos.Worker, name string, keys table.Set, outputs int, typ table.Type) (err error) {
	t.outputs = outputs
	t.sent, t.now = make([]float64, keys.Len()*outputs), make([]float64, keys.Len()*outputs)
	t.Reals, err = OpenReals(w, name, keys, typ)
	return err
}

// Begin returns zeros to add the share up in, and End sends it.
func (t *Sum) Begin() []float64 {
	clear(t.now)
	return t.now
}

// End sends what has changed of the share.
func (t *Sum) End() {
	n := len(t.now) / t.outputs
	for c := range t.outputs {
		for j, x := range t.now[c*n : (c+1)*n] {
			t.sent[c*n+j] = t.put(j*t.outputs+c, x, t.sent[c*n+j])
		}
	}
}

// EndOf sends what has changed of the share in some columns.
func (t *Sum) EndOf(columns []int32) {
	n := len(t.now) / t.outputs
	for c := range t.outputs {
		for _, j := range columns {
			i := c*n + int(j)
			t.sent[i] = t.put(int(j)*t.outputs+c, t.now[i], t.sent[i])
		}
	}
}

// Set replaces one element of the share, that of output c and key j.
func (t *Sum) Set(c, j int, x float64) {
	i := c*(len(t.sent)/t.outputs) + j
	t.sent[i] = t.put(j*t.outputs+c, x, t.sent[i])
}

// MostParts is how many parts can share columns out.
const MostParts = 1 << 12

// owners is the table by which columns find their parts.
const owners = "owners"

// Owners shares the columns out, each to one part of those that have it: the one whose
// turn comes first. A column's penalty and its steps are counted once so.
type Owners struct {
	view          *table.View[int32]
	keys          table.Set
	number, parts int
	Own           []float64 // of each column: 1 if it is this part's, else 0
}

// OwnersTable declares the table.
func OwnersTable(keys uint64) table.Spec {
	return table.Spec{Name: owners, Keys: keys, Type: table.Int32, Rule: table.Min, Init: table.Init{Value: MostParts}, Scratch: true}
}

// Open opens the part's view.
func (o *Owners) Open(w *algos.Worker, keys table.Set) (err error) {
	o.keys, o.number, o.parts = keys, w.Part, w.Parts
	o.Own = make([]float64, keys.Len())
	o.view, err = algos.View[int32](w, owners, keys, table.Increments)
	return err
}

// Offer offers to take each column: at clock 0.
func (o *Owners) Offer() {
	offer := make([]int32, 1)
	for j := range o.Own {
		offer[0] = o.turn(j)
		o.view.Put(j, offer)
	}
}

func (o *Owners) turn(j int) int32 {
	return int32((uint64(o.number) + o.keys.Key(j)) % uint64(o.parts))
}

// Learn finds out, once, which columns are this part's.
func (o *Owners) Learn() {
	if o.view == nil {
		return
	}
	for j, t := range o.view.Values() {
		if t == o.turn(j) {
			o.Own[j] = 1
		}
	}
	o.view = nil
}
