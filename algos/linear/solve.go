package linear

import "math"

// MostVectors is how many unknowns Solve takes at most.
const MostVectors = 8

// pivot is the part of an element of A's diagonal that has to be left of it.
const pivot = 1e-9

// Solve solves A a = b by Cholesky's method, with the diagonal of A times 1 + ridge. A is
// of products of vectors, given by its lower triangle, row by row; a vector that is next
// to a combination of those before it gets 0.
func Solve(matrix, b, a []float64, ridge float64) {
	var l [MostVectors][MostVectors]float64
	at := 0
	for i := range a {
		for j := range i + 1 {
			t := matrix[at]
			at++
			most := pivot * t
			if j == i {
				t *= 1 + ridge
			}
			for k := range j {
				t -= float64(l[i][k] * l[j][k])
			}
			switch {
			case j < i && l[j][j] > 0:
				l[i][j] = t / l[j][j]
			case j == i && t > most:
				l[i][i] = math.Sqrt(t)
			}
		}
		if a[i] = 0; l[i][i] > 0 {
			t := b[i]
			for k := range i {
				t -= float64(l[i][k] * a[k])
			}
			a[i] = t / l[i][i]
		}
	}
	for i := len(a) - 1; i >= 0; i-- {
		if l[i][i] == 0 {
			continue
		}
		a[i] /= l[i][i]
		for k := range i {
			a[k] -= float64(l[i][k] * a[i])
		}
	}
}
