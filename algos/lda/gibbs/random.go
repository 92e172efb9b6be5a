package gibbs

import "math/bits"

// random is a generator of pseudo-random numbers, wyrand: a counter whose value and its
// product make the number.
type random uint64

// newRandom returns a generator for a seed.
func newRandom(seed uint64) random {
	r := random(seed)
	r.next()
	return random(r.next() ^ seed)
}

// next returns 64 random bits.
func (r *random) next() uint64 {
	*r += 0xa0761d6478bd642f
	hi, lo := bits.Mul64(uint64(*r), uint64(*r)^0xe7037ed1a0b428db)
	return hi ^ lo
}

// float returns a number from 0 to below 1.
func (r *random) float() float64 { return float64(r.next()>>11) / (1 << 53) }

// below returns a number from 0 to below n, which is at most 2^32.
func (r *random) below(n uint32) uint32 { return uint32((r.next() >> 32) * uint64(n) >> 32) }
