package dataset

import (
	"fmt"
	"math"
)

// Widen gives the part all features, also those without a value in it: columns
// become feature ids, from 0. It is for models that are small or dense, in which
// every part works on every key; others keep to the keys of their part.
func (p *Part) Widen(features uint64) error {
	if n := len(p.Keys); n > 0 && p.Keys[n-1] >= features {
		return fmt.Errorf("dataset: part %d: feature %d of %d", p.Index, p.Keys[n-1], features)
	}
	if features > math.MaxInt32 {
		return fmt.Errorf("dataset: part %d: %d features are too many for every part to have them all", p.Index, features)
	}
	if p.Columns != nil {
		return fmt.Errorf("dataset: part %d has columns alone, which are not widened", p.Index)
	}
	if uint64(len(p.Keys)) == features {
		return nil
	}
	f := newFiller(p.X.Rows(), int(features), p.X.NNZ(), p.X.value)
	for i := range p.X.Rows() {
		for j, v := range p.X.Row(i) {
			f.put(int(p.Keys[j]), v)
		}
		f.end()
	}
	p.X = f.m
	p.Keys = make([]uint64, features)
	for j := range p.Keys {
		p.Keys[j] = uint64(j)
	}
	return nil
}
