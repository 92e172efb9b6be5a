package descent

import (
	"math"
	"slices"
)

// newton finds the step of Newton's method within the orthant of the coordinates in
// use by conjugate gradients. What makes those slow is correlated coordinates, such as
// neighbours that share their rows, and the curvature of the norms of groups that are
// nearly 0; so these are put together in clusters, and the clusters solved exactly are
// the preconditioner.
type newton struct {
	clusters []cluster
	root     []int32
	vectors  [6][]float64
	solved   []float64
	bent     []bend // of each coordinate in use

	curvature float64 // along the direction found
}

// slopesAt is the vector of the slopes where the step begins.
const slopesAt = 5

// cluster is the lower Cholesky factor of G of some of the coordinates in use.
type cluster struct {
	of     []int
	factor []float64
}

const (
	closeBy     = 0.3  // correlation from which on coordinates belong together
	mostClose   = 64   // coordinates in a cluster,
	mostWhole   = 1024 // unless all of them are, whose products are known
	mostTurns   = 250  // of conjugate gradients
	leastResult = 1e-3 // of the residual, relative to where it began
	leastFall   = 0.1  // of the objective in a turn, relative to the most in one, unless the coordinates in use are settled
	flat        = 1e-9 // curvature along a direction, relative to that of its coordinates, which is none
)

// direction returns the step of each coordinate in use, valid until the next call.
// Along an endless one the objective falls until a coordinate is 0, as there are more
// in use than rows.
func (n *newton) direction(s *Solver, bound float64) (d []float64, endless bool) {
	k := len(s.at)
	for v := range n.vectors {
		n.vectors[v] = slices.Grow(n.vectors[v][:0], k)[:k]
	}
	d, g, z, p, gp := n.vectors[0], n.vectors[1], n.vectors[2], n.vectors[3], n.vectors[4]
	n.bend(s)
	n.gather(s)
	for a, i := range s.at {
		b := s.b[i]
		d[a] = 0
		g[a] = s.q.Slope(i) - s.pen.L2*b
		if s.units == nil {
			g[a] -= math.Copysign(s.pen.L1, b)
		} else {
			g[a] -= n.bent[a].l1 * n.bent[a].part
		}
	}
	copy(n.vectors[slopesAt], g)
	n.precondition(g, z)
	copy(p, z)
	rest := dot(z, g)
	first, most := rest, 0.0
	for range mostTurns {
		if !(rest > leastResult*leastResult*first) || largest(g) < bound/16 {
			break
		}
		s.q.Product(s.at, p, gp)
		s.Products++
		n.curve(s, p, gp)
		curve, alone := dot(p, gp), 0.0
		for a, i := range s.at {
			alone += p[a] * p[a] * (s.q.Curve(i) + s.pen.L2)
		}
		if !(curve > flat*alone) {
			if s.units == nil && s.pen.L1 > 0 && rest > 0 {
				n.curvature = max(0, curve)
				return p, true
			}
			break
		}
		alpha := rest / curve
		for a := range d {
			d[a] += alpha * p[a]
			g[a] -= alpha * gp[a]
		}
		if fall := alpha * rest; fall < leastFall*most && !s.settled {
			break
		} else {
			most = max(most, fall)
		}
		n.precondition(g, z)
		now := dot(z, g)
		beta := now / rest
		rest = now
		for a := range p {
			p[a] = z[a] + beta*p[a]
		}
	}
	n.curvature = dot(d, n.vectors[slopesAt]) - dot(d, g)
	return d, false
}

func dot(x, y []float64) (sum float64) {
	for i, v := range x {
		sum += v * y[i]
	}
	return sum
}

func largest(x []float64) (most float64) {
	for _, v := range x {
		most = max(most, math.Abs(v))
	}
	return most
}

// gather makes the clusters of the coordinates in use.
func (n *newton) gather(s *Solver) {
	k := len(s.at)
	n.root = slices.Grow(n.root[:0], k)[:k]
	sizes := make([]int32, k)
	for a := range n.root {
		n.root[a], sizes[a] = int32(a), 1
	}
	most := mostClose
	if _, known := s.q.(*Gram); known && k <= mostWhole {
		most = mostWhole
	}
	join := func(x, y int) {
		a, b := n.find(int32(x)), n.find(int32(y))
		if a != b && int(sizes[a]+sizes[b]) <= most {
			n.root[a] = b
			sizes[b] += sizes[a]
		}
	}
	for a := 1; a < k; a++ {
		if k <= most || s.units != nil && n.bent[a].group == n.bent[a-1].group {
			join(a, a-1)
		}
	}
	if k > most {
		for _, pair := range s.q.Close(s.at, closeBy) {
			join(pair[0], pair[1])
		}
	}
	number := make([]int32, k) // 1 + that of the cluster of a root
	n.clusters = n.clusters[:0]
	for a := range k {
		root := n.find(int32(a))
		if number[root] == 0 {
			n.clusters = append(n.clusters, cluster{})
			number[root] = int32(len(n.clusters))
		}
		c := &n.clusters[number[root]-1]
		c.of = append(c.of, a)
	}
	var members []int
	for c := range n.clusters {
		of := n.clusters[c].of
		members = members[:0]
		for _, a := range of {
			members = append(members, s.at[a])
		}
		factor := make([]float64, len(of)*len(of))
		if len(of) == 1 {
			factor[0] = s.q.Curve(members[0])
		} else {
			s.q.Dense(members, factor)
		}
		for a, i := range of {
			factor[a*len(of)+a] += s.pen.L2
			for b, j := range of {
				if s.units != nil {
					factor[a*len(of)+b] += n.curveOf(i, j)
				}
			}
		}
		cholesky(factor, len(of))
		n.clusters[c].factor = factor
	}
}

// find is the root of a's cluster.
func (n *newton) find(a int32) int32 {
	for n.root[a] != a {
		n.root[a] = n.root[n.root[a]]
		a = n.root[a]
	}
	return a
}

// precondition solves the clusters: z of g.
func (n *newton) precondition(g, z []float64) {
	for _, c := range n.clusters {
		k := len(c.of)
		if k == 1 {
			a := c.of[0]
			z[a] = g[a] / (c.factor[0] * c.factor[0])
			continue
		}
		n.solved = slices.Grow(n.solved[:0], k)[:k]
		t := n.solved
		for i, a := range c.of {
			t[i] = g[a]
		}
		solve(c.factor, k, t)
		for i, a := range c.of {
			z[a] = t[i]
		}
	}
}
