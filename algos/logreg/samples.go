package logreg

import (
	"math"
	"math/rand/v2"

	"petuum/algos/dataset"
	"petuum/table"
)

// samples are the rows of a part, and the problem they belong to.
type samples struct {
	x      dataset.Matrix
	class  []int32 // 1: y = +1, 0: y = -1
	keys   table.Set
	n      float64 // rows of all parts
	lambda float64
	w      *table.View[float64] // one weight for each column of x
	passes
}

// sign is y of row i.
func (s *samples) sign(i int) float64 { return float64(2*s.class[i] - 1) }

// square is |x_i|^2.
func (s *samples) square(i int) float64 { return s.x.Square(i) }

// logistic is the loss log(1 + e^-m) of a margin m = y w.x.
func logistic(m float64) float64 {
	if m < 0 {
		return -m + math.Log1p(math.Exp(m))
	}
	return math.Log1p(math.Exp(-m))
}

// sigmoid is 1 / (1 + e^-u).
func sigmoid(u float64) float64 { return 1 / (1 + math.Exp(-u)) }

// passes deals out the rows of a part: every pass takes each row once, in an
// order of its own, cut into clocks slices of nearly the same length. Parts
// with fewer rows have shorter slices, not fewer.
type passes struct {
	rows   []uint32
	clocks int
	at     int // slices of this pass dealt out
	random *rand.Rand
}

func newPasses(rows, clocks int, seed uint64, part int) passes {
	p := passes{rows: make([]uint32, rows), clocks: clocks, random: rand.New(rand.NewPCG(seed, uint64(part)))}
	for i := range p.rows {
		p.rows[i] = uint32(i)
	}
	return p
}

// next is the rows of the next clock, good until the next call.
func (p *passes) next() []uint32 {
	if p.at == 0 {
		for i := len(p.rows) - 1; i > 0; i-- {
			k := p.random.IntN(i + 1)
			p.rows[i], p.rows[k] = p.rows[k], p.rows[i]
		}
	}
	lo, hi := p.cut(p.at), p.cut(p.at+1)
	p.at = (p.at + 1) % p.clocks
	return p.rows[lo:hi]
}

// cut is where slice k begins, without the product of two large numbers.
func (p *passes) cut(k int) int {
	each, rest := len(p.rows)/p.clocks, len(p.rows)%p.clocks
	return each*k + rest*k/p.clocks
}
