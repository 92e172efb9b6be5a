package descent

import "math"

// spectrum is what is known of one group of a block: its products, and as long as they
// are few the eigenvalues and eigenvectors of these, with which it is solved exactly.
type spectrum struct {
	gram    []float64
	trace   float64 // at least the largest eigenvalue
	values  []float64
	vectors []float64 // by rows; nil: the group is too large
	rotated []float64
}

// mostRotated is the size of a group from which on eigenvectors take too long.
const mostRotated = 100

// measure takes the products of the coordinates [lo, hi).
func (e *spectrum) measure(q Quadratic, lo, hi int) {
	k := hi - lo
	at := make([]int, k)
	for a := range at {
		at[a] = lo + a
	}
	e.gram = make([]float64, k*k)
	q.Dense(at, e.gram)
	for a := range k {
		e.trace += e.gram[a*k+a]
	}
	if k <= mostRotated {
		e.rotate(k)
	}
}

// rotate finds eigenvalues and eigenvectors by Jacobi's rotations.
func (e *spectrum) rotate(k int) {
	m, v := append([]float64(nil), e.gram...), make([]float64, k*k)
	for a := range k {
		v[a*k+a] = 1
	}
	for range 30 {
		off := 0.0
		for p := range k {
			for q := range p {
				x := m[p*k+q]
				off = max(off, math.Abs(x))
				if math.Abs(x) <= 1e-17*e.trace {
					continue
				}
				theta := (m[q*k+q] - m[p*k+p]) / (2 * x)
				t := math.Copysign(1/(math.Abs(theta)+math.Sqrt(theta*theta+1)), theta)
				c := 1 / math.Sqrt(t*t+1)
				rotateBy(m, v, k, p, q, c, t*c)
			}
		}
		if off <= 1e-16*e.trace {
			break
		}
	}
	e.values, e.vectors, e.rotated = make([]float64, k), v, make([]float64, k)
	for a := range k {
		e.values[a] = max(0, m[a*k+a])
	}
}

// rotateBy rotates rows and columns p and q of m, and rows p and q of v.
func rotateBy(m, v []float64, k, p, q int, c, s float64) {
	for i := range k {
		x, y := m[p*k+i], m[q*k+i]
		m[p*k+i], m[q*k+i] = c*x-s*y, s*x+c*y
		x, y = v[p*k+i], v[q*k+i]
		v[p*k+i], v[q*k+i] = c*x-s*y, s*x+c*y
	}
	for i := range k {
		x, y := m[i*k+p], m[i*k+q]
		m[i*k+p], m[i*k+q] = c*x-s*y, s*x+c*y
	}
}

// solve sets b to the optimum of the group alone, given its slopes at b less those of
// L2. With u = slopes + (G + L2) b that is (G + L2 + l1/length) b = u, and its length
// the root of an increasing concave function, which Newton's method meets from below.
func (e *spectrum) solve(slope, b []float64, l1, l2 float64) {
	k := len(b)
	length, total := norm(b), 0.0
	for a := range k {
		v := e.vectors[a*k : (a+1)*k]
		e.rotated[a] = dot(v, slope) + (e.values[a]+l2)*dot(v, b)
		total += e.rotated[a] * e.rotated[a]
	}
	clear(b)
	if total <= l1*l1 {
		return
	}
	for range 60 {
		if l1 == 0 {
			break
		}
		h, less := 0.0, 0.0 // sum (u / (curve length + l1))^2 and minus half its slope
		for a, u := range e.rotated {
			curve := e.values[a] + l2
			if r := u / (curve*length + l1); r != 0 {
				h += r * r
				less += r * r * curve / (curve*length + l1)
			}
		}
		step := (math.Sqrt(h) - 1) * h / less // of 1/sqrt(h) = 1
		if !(math.Abs(step) > 1e-15*length) || math.IsInf(step, 0) {
			break
		}
		length = max(0, length+step)
	}
	for a, u := range e.rotated {
		curve := e.values[a] + l2
		if length > 0 {
			curve += l1 / length
		}
		if !(curve > 1e-14*e.trace) {
			continue
		}
		for i, v := range e.vectors[a*k : (a+1)*k] {
			b[i] += u / curve * v
		}
	}
}
