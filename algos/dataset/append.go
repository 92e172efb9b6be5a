package dataset

import "fmt"

// Append gives every row of the part one more value, in a column behind all others
// whose key is a number that no feature has, such as Info.Features. It leaves the
// memory that X shares as it is.
func (p *Part) Append(key uint64, value float64) error {
	if n := len(p.Keys); n > 0 && p.Keys[n-1] >= key {
		return fmt.Errorf("dataset: part %d: feature %d is there, key %d cannot go behind it", p.Index, p.Keys[n-1], key)
	}
	rows := p.X.Rows()
	x := Matrix{Ptr: make([]int64, 0, rows+1), Cols: make([]uint32, 0, p.X.NNZ()+rows), NCols: p.X.NCols + 1}
	if p.X.Vals != nil || value != 1 {
		x.Vals = make([]float64, 0, cap(x.Cols))
	}
	x.Ptr = append(x.Ptr, 0)
	for i := range rows {
		cols, vals := p.X.Row(i)
		x.Cols = append(append(x.Cols, cols...), uint32(p.X.NCols))
		if x.Vals != nil {
			for k := range cols {
				v := 1.0
				if vals != nil {
					v = vals[k]
				}
				x.Vals = append(x.Vals, v)
			}
			x.Vals = append(x.Vals, value)
		}
		x.Ptr = append(x.Ptr, int64(len(x.Cols)))
	}
	p.X, p.Keys = x, append(p.Keys[:len(p.Keys):len(p.Keys)], key)
	return nil
}
