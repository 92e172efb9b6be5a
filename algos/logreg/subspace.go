package logreg

import (
	"math"

	"petuum/algos"
	"petuum/table"
	"petuum/table/kernel"
)

// products makes the directions and what A and b have of this part.
func (s *newton) products() {
	g, h, w := s.gradient.view.Values(), s.curvature.view.Values(), s.w.Values()
	z := s.dirs[0]
	for j := range s.q {
		s.q[j] = -(g[j] + s.lambda*w[j])
		z.cols[j] = s.q[j] / (s.lambda + max(h[j], 0))
	}
	s.multiply(z)
	all := s.dirs
	if e := s.block.direction(s); e != nil {
		s.multiply(e)
		all = append(all, e) // behind the steps, for this clock
	}
	s.gram(all)
	s.sums.Put(s.number, s.share)
	s.found = true
}

// multiply computes the product of X and a direction.
func (s *newton) multiply(e *direction) {
	for i := range e.rows {
		e.rows[i] = s.x.Dot(i, e.cols)
	}
}

// stretch is how many elements of all vectors fit a cache.
const stretch = 2048

// gram sums up A and b: rows weigh D/n, columns lambda if they are this part's.
func (s *newton) gram(all []*direction) {
	clear(s.share[matrixAt:])
	part := func(weight []float64, scale float64, vector func(e *direction) []float64, q []float64) {
		for lo := 0; lo < len(weight); lo += stretch {
			hi := min(lo+stretch, len(weight))
			at := matrixAt
			for i, e := range all {
				hx := s.hx[:hi-lo]
				x := vector(e)[lo:hi]
				for k, d := range weight[lo:hi] {
					hx[k] = d * x[k]
				}
				for _, f := range all[:i+1] {
					s.share[at] += scale * float64(kernel.Dot(hx, vector(f)[lo:hi]))
					at++
				}
				if q != nil {
					s.share[vectorAt+i] += float64(kernel.Dot(hx, q[lo:hi]))
				}
			}
		}
	}
	part(s.d, 1/s.n, func(e *direction) []float64 { return e.rows }, nil)
	part(s.own, s.lambda, func(e *direction) []float64 { return e.cols }, s.q)
}

// step solves A a = b and makes the step, which takes the place of the direction.
func (s *newton) step() {
	var a [directions]float64
	all := s.dirs
	if s.block.made {
		all = append(all, s.block.step)
	}
	s.solve(a[:len(all)])
	z := s.dirs[0]
	kernel.Scale(a[0], z.cols)
	kernel.Scale(a[0], z.rows)
	for i, e := range all[1:] {
		kernel.Axpy(a[i+1], e.cols, z.cols)
		kernel.Axpy(a[i+1], e.rows, z.rows)
	}
	s.move(z)
	s.measure()
	s.found = false
	s.iteration++
	// The oldest step makes room for the next direction.
	var room *direction
	if len(s.dirs) <= pastSteps {
		room = s.direction()
		s.dirs = append(s.dirs, nil)
	} else {
		room = s.dirs[pastSteps]
	}
	copy(s.dirs[1:], s.dirs)
	s.dirs[0] = room
}

// solve is Cholesky's method, without the directions that are those before them.
func (s *newton) solve(a []float64) {
	var l [directions][directions]float64
	at := matrixAt
	for i := range a {
		for j := range i + 1 {
			t := s.total(at)
			at++
			most := newtonPivot * t
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
			t := s.total(vectorAt + i)
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

// newtonPivot is the part of an element of A's diagonal that has to be left of it.
const newtonPivot = 1e-9

// sum is a table to which each part adds its share, which it replaces from time to
// time: it sends what has changed of it.
type sum struct {
	view      *table.View[float64]
	sent, now []float64
}

func (t *sum) open(w *algos.Worker, name string, keys table.Set) (err error) {
	t.sent, t.now = make([]float64, keys.Len()), make([]float64, keys.Len())
	t.view, err = algos.View[float64](w, name, keys, table.Increments)
	return err
}

// begin returns zeros to add the share up in, and end sends it.
func (t *sum) begin() []float64 {
	clear(t.now)
	return t.now
}

func (t *sum) end() {
	for j, x := range t.now {
		if d := x - t.sent[j]; d != 0 {
			t.view.Inc(j, d)
			t.sent[j] = x
		}
	}
}
