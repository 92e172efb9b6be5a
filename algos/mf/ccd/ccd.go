// Package ccd is matrix factorisation by cyclic coordinate descent, one rank after
// another: CCD++ of Yu, Hsieh, Si and Dhillon, "Scalable Coordinate Descent Approaches to
// Parallel Matrix Factorization for Recommender Systems", ICDM 2012.
//
// It minimises
//
//	sum over ratings (r - mean - b_u - b_i - p_u·q_i)² + penalty
//
// where the penalty of a row is its values squared times lambda, which may depend on its
// number of ratings. With all other ranks fixed, the best value w of a user at one rank is
//
//	w = sum (e + w h) h / (lambda + sum h²)
//
// over the user's ratings, with e what is left of a rating and h the item's value. A part
// that has all ratings of its users makes theirs at once. Those of the items are made of
// two sums an item over the ratings of all parts, which every part divides alike. A bias is
// a rank of which one side is 1.
//
// A step is one pass over the ratings, in the order of the users:
//
//	Users(column)        w of all users, and the part's sums for the items
//	                     sums of all parts are added up
//	Items(column, sums)  h of all items; what is left follows with the next pass
package ccd

import (
	"petuum/algos/mf/penalty"
	"petuum/table/kernel"
)

// Settings are the problem.
type Settings struct {
	Rank        int // factors of a row, 1 or more
	Biases      bool
	Penalty     penalty.Weights
	NonNegative bool // factors are 0 or more; biases may be what they are
}

// Columns is the number of steps of a sweep. Biases are the first two: the users', then
// the items'.
func (s Settings) Columns() int {
	if s.Biases {
		return s.Rank + 2
	}
	return s.Rank
}

// column says which values of rows a step is about, and which side stays 1.
type column struct {
	value                 int // in a row: Rank is the bias
	fixedUsers, fixedItem bool
}

func (s Settings) column(k int) column {
	if !s.Biases {
		return column{value: k}
	}
	switch k {
	case 0:
		return column{value: s.Rank, fixedItem: true}
	case 1:
		return column{value: s.Rank, fixedUsers: true}
	}
	return column{value: k - 2}
}

// Ratings are those of a part: of user i, Items[Start[i]:Start[i+1]] and what is left of
// each. Users are from 0 on, and no item is below the number of items.
type Ratings struct {
	Start []int
	Items []uint32
	Left  []float32 // the rating less its mean at first
}

// Rows are the factors of one side, and their biases: row i begins at i*Stride.
type Rows struct {
	Values []float32
	Stride int
}

// Solver is the work of one part. It is for one goroutine.
type Solver struct {
	Settings
	ratings Ratings
	items   Rows
	users   Rows
	counts  []float32 // ratings of each item, of all parts

	h, change []float32 // of the items: the column at hand; what that of the step before came to move by
	last      column    // of change
	pending   bool      // change is not in what is left
	sums      []float32 // of each item: the sum of e w, and of w²
}

// New makes the solver of a part. What is left must be of the rows' values as they are:
// see [Solver.Subtract]. counts are the ratings of each item in all parts.
func New(s Settings, r Ratings, users, items Rows, counts []float32) *Solver {
	n := len(items.Values) / max(items.Stride, 1)
	return &Solver{
		Settings: s, ratings: r, users: users, items: items, counts: counts,
		h: make([]float32, n), change: make([]float32, n), sums: make([]float32, 2*n),
	}
}

// Subtract takes what the rows score off what is left.
func (s *Solver) Subtract() {
	for i := range len(s.ratings.Start) - 1 {
		u := s.users.Values[i*s.users.Stride:]
		lo, hi := s.ratings.Start[i], s.ratings.Start[i+1]
		for k, j := range s.ratings.Items[lo:hi] {
			q := s.items.Values[int(j)*s.items.Stride:]
			score := kernel.Dot(u[:s.Rank], q)
			if s.Biases {
				score += u[s.Rank] + q[s.Rank]
			}
			s.ratings.Left[lo+k] -= score
		}
	}
}

// Users makes the users' values of a column and returns two sums for each item, of the
// ratings of this part: good until the next call.
func (s *Solver) Users(k int) []float32 {
	c := s.column(k)
	if c.fixedItem {
		for j := range s.h {
			s.h[j] = 1
		}
	} else {
		for j := range s.h {
			s.h[j] = s.items.Values[j*s.items.Stride+c.value]
		}
	}
	clear(s.sums)
	for i := range len(s.ratings.Start) - 1 {
		lo, hi := s.ratings.Start[i], s.ratings.Start[i+1]
		items, left := s.ratings.Items[lo:hi], s.ratings.Left[lo:hi]
		row := s.users.Values[i*s.users.Stride:][:s.users.Stride]
		if s.pending {
			take(items, left, s.change, s.last.of(row))
		}
		w := c.of(row)
		if !c.fixedUsers {
			old := w
			w = s.best(items, left, old, c.value == s.Rank)
			row[c.value] = w
			take(items, left, s.h, w-old)
		}
		if !c.fixedItem {
			s.give(items, left, w)
		}
	}
	s.pending = false
	return s.sums
}

// of is the value of a user's row in the column.
func (c column) of(row []float32) float32 {
	if c.fixedUsers {
		return 1
	}
	return row[c.value]
}

// take takes by times the items' values off what is left.
func take(items []uint32, left, values []float32, by float32) {
	left = left[:len(items)]
	for k, j := range items {
		left[k] -= by * values[j]
	}
}

// best is the best value of a user, whose value is w.
func (s *Solver) best(items []uint32, left []float32, w float32, bias bool) float32 {
	var product, square float32
	h := s.h
	left = left[:len(items)]
	for k, j := range items {
		v := h[j]
		product += left[k] * v
		square += v * v
	}
	return s.divide(float64(product), float64(square), float64(w), float64(len(items)), bias)
}

// divide is the best value of a row with so many ratings.
func (s *Solver) divide(product, square, old, ratings float64, bias bool) float32 {
	cost, ofBias := s.Penalty(ratings)
	if bias {
		cost = ofBias
	}
	below := cost + square
	if below <= 0 {
		return 0 // nothing is known, and it costs nothing
	}
	v := (product + old*square) / below
	if s.NonNegative && !bias {
		v = max(v, 0)
	}
	return float32(v)
}

// give adds a user's ratings to the items' sums.
func (s *Solver) give(items []uint32, left []float32, w float32) {
	sums, square := s.sums, w*w
	left = left[:len(items)]
	for k, j := range items {
		to := sums[2*j:][:2:2]
		to[0] += w * left[k]
		to[1] += square
	}
}

// Items makes the items' values of the column of the last call of Users, out of the sums of
// all parts. Every part comes to the same.
func (s *Solver) Items(k int, sums []float32) {
	c := s.column(k)
	if c.fixedItem {
		return
	}
	for j := range s.h {
		at := &s.items.Values[j*s.items.Stride+c.value]
		old := *at
		*at = s.divide(float64(sums[2*j]), float64(sums[2*j+1]), float64(old), float64(s.counts[j]), c.value == s.Rank)
		s.change[j] = *at - old
	}
	s.last, s.pending = c, true
}

// Settle brings what is left up to the values, where the last step was one of the items.
func (s *Solver) Settle() {
	if !s.pending {
		return
	}
	for i := range len(s.ratings.Start) - 1 {
		lo, hi := s.ratings.Start[i], s.ratings.Start[i+1]
		take(s.ratings.Items[lo:hi], s.ratings.Left[lo:hi], s.change, s.last.of(s.users.Values[i*s.users.Stride:]))
	}
	s.pending = false
}

// Loss is the sum of the squares of what is left, after [Solver.Settle].
func (s *Solver) Loss() float64 { return kernel.Square(s.ratings.Left) }
