// Package bpr is matrix factorisation of implicit feedback by Bayesian personalised
// ranking (Rendle, Freudenthaler, Gantner and Schmidt-Thieme, UAI 2009): what a user has
// taken is to score above what the user has not. It goes down
//
//	-ln sigma(s_ui - s_uj) + penalty, s_ui = b_i + p_u·q_i
//
// by a step for each item i that user u has, against an item j drawn from those that u
// does not have. Here j is drawn from the slice of items that i is in, so that a part that
// has a slice for itself needs no other: with items dealt out to slices at random, and the
// slices going round, every pair has its turn.
package bpr

import (
	"math"
	"slices"

	"petuum/table/kernel"
)

// Settings are the problem.
type Settings struct {
	Rank        int     // factors of a row, 1 or more
	Biases      bool    // of items: those of users cancel
	Lambda      float64 // penalty on the squares of the rows of a step
	NonNegative bool    // factors are 0 or more
}

// Rows are those of items: that of i begins at i*Stride.
type Rows struct {
	Values        []float32
	Stride        int
	Factors, Bias int // where a row has them
}

func (r Rows) row(i uint32) []float32 { return r.Values[int(i)*r.Stride:][:r.Stride] }

// tries is how often an item is drawn that the user turns out to have, before the step is
// left out.
const tries = 16

// Draw is a generator of random numbers, SplitMix64: its zero value is one of a seed of 0.
type Draw uint64

func (d *Draw) next() uint64 {
	*d += 0x9e3779b97f4a7c15
	z := uint64(*d)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Below is a number below n, which is not 0, each as likely as the others but for what is
// left of 2^32 by division.
func (d *Draw) Below(n uint32) uint32 { return uint32(d.next() >> 32 * uint64(n) >> 32) }

// negative draws an item of [lo, hi) that is not in the ascending list.
func (d *Draw) negative(has []uint32, lo, hi uint32) (uint32, bool) {
	if len(has) >= int(hi-lo) {
		return 0, false
	}
	for range tries {
		j := lo + d.Below(hi-lo)
		if _, found := slices.BinarySearch(has, j); !found {
			return j, true
		}
	}
	return 0, false
}

// Step goes a step of this rate for each item that a user has in the slice [lo, hi) of the
// items: has is these, ascending. user is the user's factors.
func (s Settings) Step(user []float32, has []uint32, items Rows, lo, hi uint32, rate float32, draw *Draw) {
	user = user[:s.Rank]
	for _, i := range has {
		if j, ok := draw.negative(has, lo, hi); ok {
			s.step(user, items, i, j, rate)
		}
	}
}

func (s Settings) step(p []float32, items Rows, more, less uint32, rate float32) {
	x := s.difference(p, items, more, less)
	i, j := items.row(more), items.row(less)
	g := rate * float32(1/(1+math.Exp(float64(x))))
	keep := 1 - rate*float32(s.Lambda)
	if b := items.Bias; s.Biases {
		i[b] = keep*i[b] + g
		j[b] = keep*j[b] - g
	}
	i, j = i[items.Factors:][:len(p)], j[items.Factors:][:len(p)]
	for k, u := range p {
		a, b := i[k], j[k]
		p[k] = keep*u + g*(a-b)
		i[k] = keep*a + g*u
		j[k] = keep*b - g*u
	}
	if s.NonNegative {
		for k := range p {
			p[k], i[k], j[k] = max(p[k], 0), max(i[k], 0), max(j[k], 0)
		}
	}
}

// difference is by how much an item scores above another.
func (s Settings) difference(p []float32, items Rows, more, less uint32) float32 {
	i, j, p := items.row(more), items.row(less), p[:s.Rank]
	x := kernel.Dot(p, i[items.Factors:]) - kernel.Dot(p, j[items.Factors:])
	if s.Biases {
		x += i[items.Bias] - j[items.Bias]
	}
	return x
}

// Loss is the sum of -ln sigma over the items that a user has, each against one drawn, the
// number of these, and how many of them score above theirs.
func (s Settings) Loss(user []float32, has []uint32, items Rows, lo, hi uint32, draw *Draw) (loss float64, pairs, right int) {
	for _, i := range has {
		j, ok := draw.negative(has, lo, hi)
		if !ok {
			continue
		}
		x := float64(s.difference(user, items, i, j))
		pairs++
		if x > 0 {
			right++
		}
		loss += max(-x, 0) + math.Log1p(math.Exp(-math.Abs(x)))
	}
	return loss, pairs, right
}
