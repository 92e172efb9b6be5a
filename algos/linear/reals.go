package linear

import (
	"math"

	"petuum/algos"
	"petuum/table"
)

// Reals is a view on a table of float64 or float32, read as float64.
type Reals struct {
	wide   *table.View[float64]
	single *table.View[float32]
	values []float64 // of single
}

// OpenReals opens a view of a part on a table of type Float64 or Float32.
func OpenReals(w *algos.Worker, name string, keys table.Set, t table.Type) (r *Reals, err error) {
	r = &Reals{}
	if t == table.Float32 {
		r.single, err = algos.View[float32](w, name, keys, table.Increments)
	} else {
		r.wide, err = algos.View[float64](w, name, keys, table.Increments)
	}
	return r, err
}

// Values are the values, good until the next Clock.
func (r *Reals) Values() []float64 {
	if r.wide != nil {
		return r.wide.Values()
	}
	from := r.single.Values()
	if len(r.values) != len(from) {
		r.values = make([]float64, len(from))
	}
	width := 1
	if n := r.single.Len(); n > 0 {
		width = len(from) / n
	}
	for _, key := range r.single.Changed() {
		for i := int(key) * width; i < (int(key)+1)*width; i++ {
			r.values[i] = float64(from[i])
		}
	}
	return r.values
}

// Hold asks for another working set, as [table.View.Hold] does.
func (r *Reals) Hold(keys table.Set) {
	if r.wide != nil {
		r.wide.Hold(keys)
	} else {
		r.single.Hold(keys)
	}
}

// put changes value i by x - sent, sent being what the part has added to it so far, and
// returns what it has added then: of a float32 not quite x.
func (r *Reals) put(i int, x, sent float64) float64 {
	d := x - sent
	switch {
	case d == 0, r.wide == nil && math.Abs(d) <= math.Abs(x)*singleEps:
		return sent
	case r.wide != nil:
		r.wide.Inc(i, d)
		return x
	}
	r.single.Inc(i, float32(d))
	return sent + float64(float32(d))
}

// singleEps is what a float32 does not tell from 1.
const singleEps = 1.0 / (1 << 25)
