package synthetic

import (
	"math"
	"math/bits"
	"math/rand/v2"
)

// What random numbers are for. Those of the test set are forTest higher.
const (
	forWeights uint64 = iota + 1
	forRuns
	forRows
	forValues
	forLabels
	forTest uint64 = 16
)

// purpose is what a set's numbers are drawn for.
func (s Set) purpose(p uint64) uint64 { return p + uint64(s)*forTest }

// A source is the random numbers of one purpose: those of number n follow at(n).
type source struct {
	pcg rand.PCG
	key uint64
}

func newSource(seed, purpose uint64) source {
	s := source{}
	s.pcg.Seed(seed, purpose)
	for range 3 {
		s.key = s.pcg.Uint64()
	}
	return s
}

// at goes to the numbers of n. The constant, 2^64 over the golden ratio, spreads
// what differs in low bits only.
func (s *source) at(n uint64) { s.pcg.Seed(s.key, n*0x9e3779b97f4a7c15) }

// below is uniform in [0, n), but for a bias of less than n/2^64.
func (s *source) below(n uint64) uint64 {
	hi, _ := bits.Mul64(s.pcg.Uint64(), n)
	return hi
}

// chance is a probability in [0, 1] as coin takes it.
func chance(p float64) uint64 { return uint64(p * (1 << 53)) }

// coin is true with a probability.
func (s *source) coin(chance uint64) bool { return s.pcg.Uint64()>>11 < chance }

const (
	normalBits = 16
	normalUnit = 1 << normalBits
)

// normal is a standard normal number in 1/normalUnit, as far as twelve uniform
// ones make it: mean 0, variance 1, at most 6.
func (s *source) normal() int64 {
	sum := int64(0)
	for range 3 {
		u := s.pcg.Uint64()
		sum += int64(u&0xffff + u>>16&0xffff + u>>32&0xffff + u>>48)
	}
	return sum - 12*(normalUnit-1)/2
}

// exp is e^x for |x| < 700, to some 1e-12, with the same bits on every machine:
// each product is rounded, which the language allows to skip otherwise.
func exp(x float64) float64 {
	halvings := 0
	for math.Abs(x) > 1.0/16 {
		x /= 2
		halvings++
	}
	sum := 1.0
	for n := 12.0; n >= 1; n-- {
		sum = 1 + float64(x*sum)/n
	}
	for range halvings {
		sum = float64(sum * sum)
	}
	return sum
}

// log is the natural logarithm of x in [1, 2], with the same bits on every
// machine: 2 artanh((x-1)/(x+1)).
func log(x float64) float64 {
	t := (x - 1) / (x + 1)
	square, sum := float64(t*t), 0.0
	for n := 39.0; n >= 1; n -= 2 {
		sum = 1/n + float64(square*sum)
	}
	return 2 * float64(t*sum)
}

// sigmoid is 1/(1+e^-x).
func sigmoid(x float64) float64 { return 1 / (1 + exp(-max(-40, min(40, x)))) }

// zipf draws ranks from 1 to n with probability proportional to rank^-s: an
// octave [2^b, 2^(b+1)) in proportion to 2^(b(1-s)), a rank k of it, and k again
// with probability (k/2^b)^-s, else all anew. It takes less than 3 trials for
// s <= 2, at least half of them good.
type zipf struct {
	n       uint64
	octaves []uint64 // cumulative, for coin
	guide   [256]int // the first octave to try, by the high bits of a coin
	accept  [steps + 1]uint64
}

// steps of the table of (1+x)^-s, x in [0, 1], between which zipf interpolates:
// it is off by less than 1e-7.
const steps = 4096

func newZipf(n uint64, s float64) *zipf {
	z := &zipf{n: n}
	for i := range z.accept {
		z.accept[i] = uint64(exp(-float64(s*log(float64(float64(steps+i)/steps)))) * (1 << 32))
	}
	var sums []float64
	total := 0.0
	for b := range bits.Len64(n) {
		total += exp(float64(float64(float64(b)*(1-s)) * log(2)))
		sums = append(sums, total)
	}
	for _, sum := range sums {
		z.octaves = append(z.octaves, chance(sum/total))
	}
	for high := range z.guide {
		for z.octaves[z.guide[high]] <= uint64(high)<<45 {
			z.guide[high]++
		}
	}
	return z
}

// rank draws one.
func (z *zipf) rank(r *rand.PCG) uint64 {
	for {
		u := r.Uint64() >> 11
		b := z.guide[u>>45]
		for u >= z.octaves[b] { // the last is 2^53, above all
			b++
		}
		low := uint64(1) << b
		v := r.Uint64() // high bits for k, low ones for its acceptance: n < 2^32
		k := low + v>>1>>(63-b)
		if k > z.n {
			continue
		}
		x := (k - low) << 32 >> b // its place in the octave
		i, rest := x>>20, x&(1<<20-1)
		t := z.accept[i] - (z.accept[i]-z.accept[i+1])*rest>>20
		if v&(1<<32-1) < t {
			return k
		}
	}
}
