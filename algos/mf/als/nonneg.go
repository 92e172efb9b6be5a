package als

import (
	"math"

	"petuum/table/kernel"
)

const (
	sweeps  = 100  // of coordinate descent, at most
	settled = 1e-5 // largest change of a sweep that is the last, relative to the largest value
)

// descend goes down the same quadratic as [Solver.Solve] does, coordinate by coordinate
// and never below 0, from where row is. A row seldom needs more than a few sweeps, as the
// one of the iteration before is near.
func (s *Solver) descend(row []float32) {
	n, m := s.size, s.matrix
	for i := range n { // both halves: a step reads a row
		for j := range i {
			m[j*n+i] = m[i*n+j]
		}
	}
	slope := s.solution // half of what the quadratic falls by, a step of each coordinate
	for i, v := range row {
		if i < s.Rank && v < 0 {
			row[i], v = 0, 0
		}
		kernel.Axpy(-float64(v), m[i*n:(i+1)*n], slope)
	}
	for range sweeps {
		largest, change := 0.0, 0.0
		for i := range row {
			if m[i*n+i] <= 0 {
				continue
			}
			old := float64(row[i])
			v := old + slope[i]/m[i*n+i]
			if i < s.Rank {
				v = max(v, 0)
			}
			row[i] = float32(v)
			d := float64(row[i]) - old
			if d != 0 {
				kernel.Axpy(-d, m[i*n:(i+1)*n], slope)
			}
			largest, change = max(largest, math.Abs(v)), max(change, math.Abs(d))
		}
		if change <= settled*largest {
			return
		}
	}
}
