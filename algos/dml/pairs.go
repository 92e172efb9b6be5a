package dml

import (
	"math/rand/v2"

	"petuum/algos/dataset"
)

// pairs draws pairs of a part's rows.
type pairs struct {
	x          *dataset.Matrix
	norm       []float64 // of each row, squared
	candidates int       // of which a row's partner is the nearest
	class      []int32   // of each row
	rows       []int32   // in the order of their classes: those of class c are
	start      []int     // rows[start[c]:start[c+1]]
}

func newPairs(x *dataset.Matrix, class []int32, classes, candidates int) pairs {
	p := pairs{x: x, norm: make([]float64, x.Rows()), candidates: candidates, class: class,
		rows: make([]int32, len(class)), start: make([]int, classes+1)}
	for _, c := range class {
		p.start[c+1]++
	}
	for c := range classes {
		p.start[c+1] += p.start[c]
	}
	next := append([]int(nil), p.start...)
	for i, c := range class {
		p.rows[next[c]] = int32(i)
		next[c]++
	}
	return p
}

// of is where the rows of row i's class are.
func (p *pairs) of(i int) (lo, hi int) {
	return p.start[p.class[i]], p.start[p.class[i]+1]
}

// sample fills a sample with pairs of rows: similar, dissimilar, similar, ... It
// needs a value for each column, which are zero before and after.
func (p *pairs) sample(sample [][2]int32, random *rand.Rand, x []float64) {
	for n := range sample {
		i, similar := random.IntN(len(p.rows)), n%2 == 0
		others := p.others(i, similar)
		if others == 0 {
			sample[n] = [2]int32{int32(i), int32(i)} // which counts nothing
			continue
		}
		at := random.IntN(others)
		j := p.partner(i, similar, at)
		if p.candidates > 1 {
			p.x.AddTo(i, 1, x)
			nearest := p.norm[j] - 2*p.x.Dot(j, x) // the squared distance but for the norm of i
			for range min(p.candidates, others) - 1 {
				// Rows of the class must not come twice, or a part with few
				// would find partners farther away. Of the others there are many.
				if at = (at + 1) % others; !similar {
					at = random.IntN(others)
				}
				other := p.partner(i, similar, at)
				if d := p.norm[other] - 2*p.x.Dot(other, x); d < nearest {
					j, nearest = other, d
				}
			}
			for j := range p.x.Row(i) {
				x[j] = 0
			}
		}
		sample[n] = [2]int32{int32(i), int32(j)}
	}
}

// others is how many rows may be partners of row i.
func (p *pairs) others(i int, similar bool) int {
	lo, hi := p.of(i)
	if similar {
		return hi - lo - 1
	}
	return len(p.rows) - (hi - lo)
}

// partner is one of these, by its number.
func (p *pairs) partner(i int, similar bool, at int) int {
	lo, hi := p.of(i)
	switch {
	case !similar && at < lo:
		return int(p.rows[at])
	case !similar:
		return int(p.rows[at+hi-lo])
	}
	if j := int(p.rows[lo+at]); j != i {
		return j
	}
	return int(p.rows[hi-1]) // the one without a number
}
