package dataset

import (
	"fmt"
	"math"
)

// Widen gives the part all features, also those without a value in it: columns
// become feature ids, from 0. It is for models that are small or dense, in which
// every part works on every key; others keep to the keys of their part. It
// changes X in place, whose memory nothing else may share.
func (p *Part) Widen(features uint64) error {
	if n := len(p.Keys); n > 0 && p.Keys[n-1] >= features {
		return fmt.Errorf("dataset: part %d: feature %d of %d", p.Index, p.Keys[n-1], features)
	}
	if features > math.MaxInt32 {
		return fmt.Errorf("dataset: part %d: %d features are too many for every part to have them all", p.Index, features)
	}
	for i, c := range p.X.Cols {
		p.X.Cols[i] = uint32(p.Keys[c])
	}
	p.Keys = make([]uint64, features)
	for j := range p.Keys {
		p.Keys[j] = uint64(j)
	}
	p.X.NCols = int(features)
	return nil
}
