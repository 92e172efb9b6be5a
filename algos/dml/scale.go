package dml

import (
	"math"

	"petuum/algos"
	"petuum/algos/dataset"
)

// Prepare adds up the moments of the features.
func (a *DML) Prepare(*algos.Worker) {
	for i := range a.x.Rows() {
		for j, v := range a.x.Row(i) {
			a.moments.Inc(2*j, v)
			a.moments.Inc(2*j+1, v*v)
		}
	}
}

// begin scales the rows, by factors that are the same in all parts, and draws the
// pairs to evaluate, before the first Push or Evaluate. A feature that is constant
// but for rounding gets 0: it tells no row from another.
func (a *DML) begin(d dataset.Info) {
	if a.factor != nil {
		return
	}
	a.factor = make([]float64, d.Features)
	n, mean := float64(d.Rows), 0.0
	for j := range a.factor {
		m := a.moments.Row(j)
		if v := m[1]/n - m[0]/n*m[0]/n; v > 1e-12*m[1]/n {
			a.factor[j] = 1 / math.Sqrt(v)
			mean += v / float64(len(a.factor))
		}
	}
	for j, f := range a.factor {
		if f > 0 && !a.Standardize {
			a.factor[j] = 1 / math.Sqrt(mean)
		}
	}
	a.x = a.x.ScaleColumns(a.factor)
	for i := range a.x.Rows() {
		a.pairs.norm[i] = a.x.Square(i)
	}
	a.pairs.sample(a.fixed, a.random, a.diff)
	if a.later != nil {
		_ = a.source.UnmarshalBinary(a.later) // Restore has tried
	}
}

// Embed maps the rows of a part to L(scale x), one after the other: Euclid's
// distance between two of them is the learned one. d describes the data that the
// model was trained on.
func (a *DML) Embed(d dataset.Info, m algos.Model, part *dataset.Part) ([]float64, error) {
	l, err := m.Values("metric", part.Keys)
	if err != nil {
		return nil, err
	}
	scale, err := m.Values("scale", part.Keys)
	if err != nil {
		return nil, err
	}
	rank := a.rank(d)
	rows := make([]float64, part.X.Rows()*rank)
	for i := range part.X.Rows() {
		row := rows[i*rank : (i+1)*rank]
		for j, v := range part.X.Row(i) {
			x := scale[j] * v
			for r := range row {
				row[r] += x * l[j*rank+r]
			}
		}
	}
	return rows, nil
}
