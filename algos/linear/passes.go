package linear

import "math/rand/v2"

// Passes deals out the rows of a part: every pass takes each row once, in an
// order of its own, cut into clocks slices of nearly the same length. Parts
// with fewer rows have shorter slices, not fewer.
type Passes struct {
	rows   []uint32
	clocks int
	at     int // slices of this pass dealt out
	random *rand.Rand
}

// NewPasses makes the passes of a part, of clocks slices each.
func NewPasses(rows, clocks int, seed uint64, part int) Passes {
	p := Passes{rows: make([]uint32, rows), clocks: clocks, random: rand.New(rand.NewPCG(seed, uint64(part)))}
	for i := range p.rows {
		p.rows[i] = uint32(i)
	}
	return p
}

// Next is the rows of the next clock, good until the next call.
func (p *Passes) Next() []uint32 {
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
func (p *Passes) cut(k int) int {
	each, rest := len(p.rows)/p.clocks, len(p.rows)%p.clocks
	return each*k + rest*k/p.clocks
}
