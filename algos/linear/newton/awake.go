package newton

import (
	"math"

	"petuum/algos/dataset"
	"petuum/algos/linear"
)

// awake is the filter of columns by the conditions of an optimum (Li et al., OSDI 2014,
// section 5.1): with L1, a column of weight 0 whose slope is well below L1 sleeps. It
// takes part in no product and no message, until a gradient of all columns, every
// checkEvery iterations, tells which of them wake up and which go to sleep. The rows
// keep a second matrix, of the columns that are awake.
//
// All parts that have a column agree on it, as they decide by its weight and slope when
// both are fresh. An evaluation is unsettled unless there was a gradient of all columns
// since the one before.
type awake struct {
	list    []int32 // the columns, ascending; nil: all are awake
	is      []bool  // of each column; nil: all are
	x       dataset.Matrix
	cols    []int32   // of x: those of list, and perhaps some that have gone to sleep since
	packed  []float64 // what they have of a vector
	checked int       // the iteration of the last gradient of all columns
	other   struct {  // memory of the last but one decision
		is   []bool
		list []int32
	}
	fresh bool // the gradient is of all columns, and nobody has looked at it
}

const (
	checkEvery  = 5
	firstSleep  = 2    // iterations before any column sleeps: the first steps reach far
	sleepsBelow = 0.85 // of L1
	wakesAbove  = 0.95
	worthwhile  = 0.7 // the share of columns below which a matrix of their own pays
)

// due reports whether the next gradient is to be of all columns.
func (a *awake) due(iteration int) bool { return a.list == nil || iteration-a.checked >= checkEvery }

// sleeps reports whether column j does.
func (a *awake) sleeps(j int) bool { return a.is != nil && !a.is[j] }

// look decides which columns are awake, once after each gradient of all columns.
func (s *solver) look() {
	a := &s.awake
	if !a.fresh || s.L1 == 0 || s.iteration < firstSleep {
		return
	}
	a.fresh = false
	g, w, k := s.gradient.Values(), s.W.Values(), s.Outputs
	if a.other.is == nil {
		a.other.is = make([]bool, s.X.Cols())
	}
	is, list, same := a.other.is, a.other.list[:0], a.is != nil
	for j := range is {
		border := sleepsBelow
		if a.sleeps(j) {
			border = wakesAbove
		}
		l1, l2 := s.Penalty(j)
		is[j] = l1 == 0 || s.block.has(j)
		for v := j * k; v < (j+1)*k && !is[j]; v++ {
			is[j] = w[v] != 0 || math.Abs(g[v]+l2*w[v]) > border*l1
		}
		if is[j] {
			list = append(list, int32(j))
		}
		same = same && is[j] == a.is[j]
	}
	if list == nil { // all sleep
		list = []int32{}
	}
	if a.other.list = list; same {
		return
	}
	a.other.is, a.other.list = a.is, a.list
	a.is, a.list = is, list
	switch {
	case a.small() && len(list) > len(a.cols)/2 && within32(list, a.cols):
	case float64(len(list)) < worthwhile*float64(len(is)):
		a.cols = append(a.cols[:0], list...)
		a.x, a.packed = s.X.Select(a.cols), make([]float64, len(a.cols))
	default:
		a.packed = nil
	}
}

// within32 reports whether all of a are in b. Both ascend.
func within32(a, b []int32) bool {
	for _, x := range a {
		for len(b) > 0 && b[0] < x {
			b = b[1:]
		}
		if len(b) == 0 || b[0] != x {
			return false
		}
	}
	return true
}

// small reports whether there is a matrix of the columns that are awake.
func (a *awake) small() bool { return a.packed != nil }

// multiply computes the product of X and a vector that is 0 where columns sleep.
func (s *solver) multiply(e, rows []float64) {
	a := &s.awake
	if !a.small() {
		s.Scores(e, rows)
		return
	}
	n, f := s.X.Rows(), s.X.Cols()
	for c := range s.Outputs {
		col := e[c*f:]
		for k, j := range a.cols {
			a.packed[k] = col[j]
		}
		for i := range n {
			rows[c*n+i] = a.x.Dot(i, a.packed)
		}
	}
}

// scatter adds up rows over the columns by add, AddTo or AddSquares of a matrix, and
// sends what the columns that are awake, or all of them, have of it.
func (s *solver) scatter(t *linear.Sum, all bool, add func(x *dataset.Matrix, i, c int, to []float64)) {
	a, n, f := &s.awake, s.X.Rows(), s.X.Cols()
	now := t.Begin()
	if all || !a.small() {
		for i := range n * s.Outputs {
			c := i / n * f
			add(&s.X, i%n, i, now[c:c+f])
		}
		if all || a.list == nil {
			t.End()
			return
		}
	} else {
		for c := range s.Outputs {
			clear(a.packed)
			for i := range n {
				add(&a.x, i, c*n+i, a.packed)
			}
			for k, j := range a.cols {
				now[c*f+int(j)] = a.packed[k]
			}
		}
	}
	t.EndOf(a.list)
}
