package topics

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Distances is a number for each pair of n things. The zero value is of none.
type Distances struct {
	n    int
	pair []float64 // of i and j < i: at i (i-1) / 2 + j
}

// newDistances returns those of n distributions that share nothing.
func newDistances(n int) Distances {
	d := Distances{n, make([]float64, n*max(n-1, 0)/2)}
	for i := range d.pair {
		d.pair[i] = 1
	}
	return d
}

// Len is of how many things the distances are.
func (d Distances) Len() int { return d.n }

// At is the distance of i and j.
func (d Distances) At(i, j int) float64 {
	if i == j {
		return 0
	}
	i, j = max(i, j), min(i, j)
	return max(d.pair[i*(i-1)/2+j], 0) // sums of many may round to just below
}

// meet takes from the divergences what a word has in common. It has the shares p of the
// distributions at, and plogp is p log p. As
//
//	JS(P, Q) = log 2 - sum over w of ((p+q) log(p+q) - p log p - q log q) / 2
//
// whose terms are 0 where p or q is, a word costs the pairs of those that have it.
func (d Distances) meet(at []int32, p, plogp []float64) {
	const half = 0.5 / math.Ln2 // in bits
	for a := range at {
		for b := range a {
			i, j := int(max(at[a], at[b])), int(min(at[a], at[b]))
			both := p[a] + p[b]
			d.pair[i*(i-1)/2+j] -= half * (both*math.Log(both) - plogp[a] - plogp[b])
		}
	}
}

// Point is a place in the plane.
type Point struct{ X, Y float64 }

// Plane puts things in a plane by classical scaling: their squared distances there are as
// near to d, taken for squared ones, as the two main axes of the exact arrangement allow.
// The square root of the Jensen-Shannon divergence is a distance that has one (Endres and
// Schindelin, 2003). Explained is the share of these two axes in it. The mean is at (0, 0),
// X has the wider spread, and of each axis the value farthest from 0 is positive.
func Plane(d Distances) (places []Point, explained float64) {
	n := d.n
	places = make([]Point, n)
	if n < 2 {
		return places, 1
	}
	centred, trace := d.centred()
	if trace <= 0 {
		return places, 1
	}
	values, vectors := principal(centred, n, min(n, 8))
	kept := 0.0
	for axis := range 2 {
		if axis >= len(values) || values[axis] <= 1e-12*trace {
			continue
		}
		kept += values[axis]
		v, far := vectors[axis], 0.0
		for _, x := range v {
			if math.Abs(x) > math.Abs(far)*(1+1e-9) {
				far = x
			}
		}
		size := math.Copysign(math.Sqrt(values[axis]), far)
		for i := range places {
			if axis == 0 {
				places[i].X = size * v[i]
			} else {
				places[i].Y = size * v[i]
			}
		}
	}
	return places, min(kept/trace, 1)
}

// centred is the matrix of inner products that has the squared distances d, around the
// mean, and its trace.
func (d Distances) centred() (m []float64, trace float64) {
	n := d.n
	means, mean := make([]float64, n), 0.0
	for i := range n {
		for j := range n {
			means[i] += d.At(i, j) / float64(n)
		}
		mean += means[i] / float64(n)
	}
	m = make([]float64, n*n)
	for i := range n {
		for j := range n {
			m[i*n+j] = (means[i] + means[j] - mean - d.At(i, j)) / 2
		}
		trace += m[i*n+i]
	}
	return m, trace
}

// principal is the largest eigenvalues of a symmetric matrix that has no negative ones to
// speak of, and their vectors, by iterating a subspace of some dimensions: the more, the
// faster the first two are exact.
func principal(m []float64, n, dimensions int) (values []float64, vectors [][]float64) {
	random := rand.New(rand.NewPCG(1, 2))
	basis := make([][]float64, dimensions)
	for a := range basis {
		basis[a] = make([]float64, n)
		for i := range basis[a] {
			basis[a][i] = random.NormFloat64()
		}
	}
	orthonormal(basis)
	image := make([][]float64, dimensions)
	for a := range image {
		image[a] = make([]float64, n)
	}
	for range 500 {
		for a := range basis {
			for i := range n {
				image[a][i] = dot(m[i*n:(i+1)*n], basis[a])
			}
		}
		next := ritz(basis, image)
		settled := len(values) > 0
		for a := range min(2, len(values)) {
			settled = settled && math.Abs(next[a]-values[a]) <= 1e-12*math.Abs(next[0])
		}
		values = next
		if settled {
			break
		}
		for a := range basis {
			copy(basis[a], image[a])
		}
		orthonormal(basis)
	}
	return values, basis
}

// ritz turns an orthonormal basis, and its image by a symmetric matrix, so that the
// vectors are the best of eigenvectors in its span, those of the largest values first.
func ritz(basis, image [][]float64) []float64 {
	k := len(basis)
	small, turn := make([]float64, k*k), make([]float64, k*k)
	for a := range k {
		turn[a*k+a] = 1
		for b := range k {
			small[a*k+b] = (dot(basis[a], image[b]) + dot(basis[b], image[a])) / 2
		}
	}
	jacobi(small, turn, k)
	order := make([]int, k)
	for a := range order {
		order[a] = a
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if small[a*k+a] > small[b*k+b] {
			return -1
		}
		return 1
	})
	values, row := make([]float64, k), make([]float64, k)
	for a, from := range order {
		values[a] = small[from*k+from]
	}
	for _, vectors := range [][][]float64{basis, image} {
		for i := range vectors[0] {
			for a := range k {
				row[a] = vectors[a][i]
			}
			for a, from := range order {
				vectors[a][i] = 0
				for b := range k {
					vectors[a][i] += turn[b*k+from] * row[b]
				}
			}
		}
	}
	return values
}

// jacobi makes a small symmetric matrix diagonal by rotations, and does them to the
// columns of turn.
func jacobi(m, turn []float64, k int) {
	for range 60 {
		rest, size := 0.0, 0.0
		for p := range k {
			size += m[p*k+p] * m[p*k+p]
			for q := range p {
				rest += m[p*k+q] * m[p*k+q]
			}
		}
		if rest <= 1e-32*size {
			return
		}
		for p := range k {
			for q := p + 1; q < k; q++ {
				if m[p*k+q] != 0 {
					rotate(m, turn, k, p, q)
				}
			}
		}
	}
}

// rotate makes entry (p, q) of a symmetric matrix 0.
func rotate(m, turn []float64, k, p, q int) {
	theta := (m[q*k+q] - m[p*k+p]) / (2 * m[p*k+q])
	t := 1 / (math.Abs(theta) + math.Hypot(theta, 1))
	if theta < 0 {
		t = -t
	}
	c := 1 / math.Hypot(t, 1)
	s := t * c
	for i := range k {
		a, b := m[i*k+p], m[i*k+q]
		m[i*k+p], m[i*k+q] = c*a-s*b, s*a+c*b
		a, b = turn[i*k+p], turn[i*k+q]
		turn[i*k+p], turn[i*k+q] = c*a-s*b, s*a+c*b
	}
	for i := range k {
		a, b := m[p*k+i], m[q*k+i]
		m[p*k+i], m[q*k+i] = c*a-s*b, s*a+c*b
	}
}

// orthonormal makes vectors orthonormal, those before first; one that the others span
// becomes 0.
func orthonormal(vectors [][]float64) {
	for a, v := range vectors {
		was := math.Sqrt(dot(v, v))
		for range 2 { // once more for what rounding left
			for _, u := range vectors[:a] {
				d := dot(u, v)
				for i := range v {
					v[i] -= d * u[i]
				}
			}
		}
		size := math.Sqrt(dot(v, v))
		for i := range v {
			if size > 1e-13*was {
				v[i] /= size
			} else {
				v[i] = 0
			}
		}
	}
}

func dot(a, b []float64) (sum float64) {
	for i, x := range a {
		sum += x * b[i]
	}
	return sum
}
