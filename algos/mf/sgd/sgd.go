// Package sgd factorises ratings by stochastic gradient descent. A rating r of item i by
// user u is predicted as
//
//	mean + b_u + b_i + p_u.q_i
//
// and what is minimised is the sum of
//
//	(r - prediction)^2 over the ratings
//	lambda sd sqrt(n) |row|^2 over the rows p_u and q_i, which have n ratings each
//	penalty n b^2 over the biases
//
// where sd is the standard deviation of the ratings: so lambda means the same on any
// scale. A row with n ratings learns at the rate
//
//	rate / sd * f(epoch) * sqrt(100 / (100 + n))
//
// and its bias at BiasRate in place of rate / sd. The factor f falls linearly from 1 to
// 1/50 over the first Decay epochs. What rates are relative to is known beforehand, so
// rows carry no state but themselves: all that travels with an item are its values.
//
// A step takes four ratings of one user (see kernel.Fit). Ratings lie by slice of the
// items and in it by user, so that what a slice's items are is all that a pass over it
// touches beside the users: two parts with slices of their own never meet.
package sgd

import (
	"math"

	"petuum/algos/dataset"
	"petuum/table/kernel"
)

// A run is the ratings of a user in a slice.
type run struct {
	user       uint32
	begin, end uint32
}

// Ratings are those of some users, from user 0 on, in slices of the items.
type Ratings struct {
	runs  []run
	first []int // of each slice, its first run; one more at the end
	index []uint32
	value []float32
}

// NewRatings takes the ratings of a matrix whose rows are users and whose columns are
// items. Slice s has the items [cuts[s], cuts[s+1]).
func NewRatings(x *dataset.Matrix, cuts []uint64) *Ratings {
	slices := len(cuts) - 1
	r := &Ratings{first: make([]int, slices+1), index: make([]uint32, x.NNZ()), value: make([]float32, x.NNZ())}
	next, place := make([]int, slices), make([]int, slices)
	r.divide(x, cuts, next)
	copy(place, r.first)
	r.runs = make([]run, r.first[slices])
	for i := range x.Rows() {
		s := 0
		begin := next[0]
		for j, v := range x.Row(i) {
			for uint64(j) >= cuts[s+1] {
				r.end(i, begin, next[s], &place[s])
				s++
				begin = next[s]
			}
			r.index[next[s]], r.value[next[s]] = uint32(j), float32(v)
			next[s]++
		}
		r.end(i, begin, next[s], &place[s])
	}
	return r
}

// divide counts the ratings and the runs of each slice: the former begin at next[s], the
// latter at first[s].
func (r *Ratings) divide(x *dataset.Matrix, cuts []uint64, next []int) {
	sizes := make([]int, len(next))
	for i := range x.Rows() {
		if len(next) == 1 {
			n := x.Len(i)
			sizes[0] += n
			r.first[1] += min(n, 1)
			continue
		}
		s, n := 0, 0
		for j := range x.Row(i) {
			for uint64(j) >= cuts[s+1] {
				sizes[s] += n
				r.first[s+1] += min(n, 1)
				s, n = s+1, 0
			}
			n++
		}
		sizes[s] += n
		r.first[s+1] += min(n, 1)
	}
	for s := range next {
		r.first[s+1] += r.first[s]
		if s > 0 {
			next[s] = next[s-1] + sizes[s-1]
		}
	}
}

// end ends a run, if it has ratings.
func (r *Ratings) end(user, begin, end int, place *int) {
	if end > begin {
		r.runs[*place] = run{uint32(user), uint32(begin), uint32(end)}
		*place++
	}
}

// Add adds v to all ratings.
func (r *Ratings) Add(v float32) {
	for k := range r.value {
		r.value[k] += v
	}
}

// Sum adds to sums, of each item, how many ratings there are and what they add up to. It
// returns the extremes, and the sum of the squares.
func (r *Ratings) Sum(sums []float64) (least, largest, squares float64) {
	low, high := float32(math.Inf(1)), float32(math.Inf(-1))
	for k, j := range r.index {
		v := r.value[k]
		s := sums[2*j:][:2]
		s[0]++
		s[1] += float64(v)
		squares += float64(v) * float64(v)
		low, high = min(low, v), max(high, v)
	}
	return float64(low), float64(high), squares
}

// Len is the number of ratings.
func (r *Ratings) Len() int { return len(r.value) }

// Runs are the numbers of a slice's runs: each is a user's ratings there.
func (r *Ratings) Runs(slice int) (lo, hi int) { return r.first[slice], r.first[slice+1] }

// Run is a user and the items of its ratings in a slice, ascending.
func (r *Ratings) Run(k int) (user int, items []uint32) {
	run := r.runs[k]
	return int(run.user), r.index[run.begin:run.end]
}

// longest is the ratings of which errors are found at once.
const longest = 1024

// Errors sums what predictions are off: squares and magnitudes. Those that are below lo or
// above hi count as these. Rows of users and items have stride values each.
func (r *Ratings) Errors(users, items []float32, stride int, lo, hi float32) (squares, sizes float64) {
	var buffer [longest]float32
	for _, run := range r.runs {
		user := users[int(run.user)*stride:][:stride]
		for at := run.begin; at < run.end; at += longest {
			end := min(run.end, at+longest)
			out := buffer[:end-at]
			kernel.Rate(out, user, items, r.index[at:end])
			var sq, size float32 // of one run: short enough
			for k, v := range r.value[at:end] {
				e := v - min(max(out[k], lo), hi)
				sq += e * e
				size += max(e, -e)
			}
			squares += float64(sq)
			sizes += float64(size)
		}
	}
	return squares, sizes
}

// Descent is how fast rows learn, and what holds them back.
type Descent struct {
	Rate      float64 // of factors, where a rating's deviation is 1
	BiasRate  float64 // 0: there are no biases
	Decay     float64 // epochs in which rates fall to a fiftieth
	Lambda    float64
	Penalty   float64 // of biases
	Deviation float64 // of the ratings
	Clip      kernel.Clip
}

// slowest is what rates fall to.
const slowest = 1. / 50

// full is the ratings from which on a row learns more slowly.
const full = 100

// Set sets the header of a row with n ratings for an epoch, from 0.
func (d *Descent) Set(row []float32, n float64, epoch int) {
	f := math.Sqrt(full / (full + n))
	if d.Decay > 0 {
		f *= max(slowest, 1-float64(epoch)/d.Decay)
	}
	rate := d.Rate / d.Deviation * f
	shrink := rate * d.PerRating(n)
	row[1] = float32(rate)
	row[2] = float32(max(0, 1-shrink))
	row[3] = float32(d.BiasRate * f)
	row[4] = float32(max(0, 1-4*shrink))
}

// PerRating is the penalty that each of n ratings puts on the square of a row.
func (d *Descent) PerRating(n float64) float64 {
	return d.Lambda * d.Deviation / math.Sqrt(max(n, 1))
}

// Pass goes a step towards every rating of a slice, user by user.
func (d *Descent) Pass(r *Ratings, slice int, users, items []float32, stride int) {
	runs := r.runs[r.first[slice]:r.first[slice+1]]
	if len(runs) == 0 {
		return
	}
	end := runs[len(runs)-1].end
	penalty := float32(d.Penalty)
	for _, run := range runs {
		user := users[int(run.user)*stride:][:stride]
		kernel.Fit(user, items, r.index[run.begin:end], r.value[run.begin:run.end], penalty, d.Clip)
	}
}

// Means makes the bias of each user the mean of what its ratings are above those of the
// items, with so many ratings of 0 beside them. It takes the runs of all slices together.
func (r *Ratings) Means(users, items []float32, stride int, prior float64) {
	n := len(users) / stride
	sum, count := make([]float64, n), make([]float64, n)
	for _, run := range r.runs {
		for k := run.begin; k < run.end; k++ {
			sum[run.user] += float64(r.value[k] - items[int(r.index[k])*stride])
		}
		count[run.user] += float64(run.end - run.begin)
	}
	for u := range n {
		users[u*stride] = float32(sum[u] / (count[u] + prior))
	}
}
