package dataset

import "fmt"

// Append gives every row of the part one more value, in a column behind all others
// whose key is a number that no feature has, such as Info.Features. It leaves the
// memory that X shares as it is.
func (p *Part) Append(key uint64, value float64) error {
	if n := len(p.Keys); n > 0 && p.Keys[n-1] >= key {
		return fmt.Errorf("dataset: part %d: feature %d is there, key %d cannot go behind it", p.Index, p.Keys[n-1], key)
	}
	rows, cols := p.X.Rows(), p.X.Cols()
	kind := max(p.X.value, valueKindOf([]float64{value}))
	f := newFiller(rows, cols+1, p.X.NNZ()+rows, kind)
	for i := range rows {
		for j, v := range p.X.Row(i) {
			f.put(j, v)
		}
		f.put(cols, value)
		f.end()
	}
	p.X, p.Keys = f.m, append(p.Keys[:len(p.Keys):len(p.Keys)], key)
	return nil
}
