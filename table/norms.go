package table

import "math"

// Norms are what is often asked of a whole table: of every value of every key
// that was ever written, in float64.
type Norms struct {
	Sum      float64 `json:"sum"`
	Abs      float64 `json:"abs"`     // sum of absolute values
	Squares  float64 `json:"squares"` // sum of squares
	Max      float64 `json:"max"`     // largest absolute value
	NonZeros uint64  `json:"nonzeros"`
	Keys     uint64  `json:"keys"` // keys written
}

// Plus is the norms of both.
func (n Norms) Plus(o Norms) Norms {
	return Norms{n.Sum + o.Sum, n.Abs + o.Abs, n.Squares + o.Squares, max(n.Max, o.Max), n.NonZeros + o.NonZeros, n.Keys + o.Keys}
}

// Norms measures the shard's part of a table.
func (s *Shard) Norms(table int) Norms { return s.stores[table].norms() }

func (s *store[T]) norms() (n Norms) {
	s.written(func(_ uint64, row uint32) {
		n.Keys++
		for _, v := range s.row(row) {
			x := float64(v)
			n.Sum += x
			n.Abs += math.Abs(x)
			n.Squares += x * x
			n.Max = max(n.Max, math.Abs(x))
			if x != 0 {
				n.NonZeros++
			}
		}
	})
	return n
}
