// Package als is matrix factorisation by alternating least squares: with the rows of one
// side fixed, each row of the other is the solution of a small linear system.
//
// Explicit ratings (Zhou, Wilkinson, Schreiber and Pan, "Large-scale Parallel
// Collaborative Filtering for the Netflix Prize", AAIM 2008) minimise
//
//	sum over ratings (r - mean - b_u - b_i - p_u·q_i)² + penalty
//
// where the penalty of a row is its values squared times a weight, which may depend on its
// number of ratings: Zhou et al. have that number times lambda. Implicit feedback (Hu, Koren and Volinsky, "Collaborative Filtering
// for Implicit Feedback Datasets", ICDM 2008) minimises, over all pairs of a user and an
// item,
//
//	sum c (x - p_u·q_i)² + penalty, x = 1 where r > 0, else 0, c = 1 + alpha r
//
// The normal equations of a row are sums over its ratings. What several parts have of
// them can be added up, in any order, and solved by one.
package als

import (
	"petuum/algos/mf/penalty"
	"petuum/table/kernel"
)

// Settings are the problem. Values of a row are its factors and, with Biases, its bias
// behind them.
type Settings struct {
	Rank        int  // factors of a row, 1 or more
	Biases      bool // each row has one; of explicit ratings
	Penalty     penalty.Weights
	NonNegative bool // factors are 0 or more; biases may be what they are
	Implicit    bool
	Alpha       float64 // of Implicit: confidence in a rating r is 1 + Alpha r
}

// Size is the number of values of a row.
func (s Settings) Size() int {
	if s.Biases {
		return s.Rank + 1
	}
	return s.Rank
}

// SumsSize is the number of values that [Solver.AppendSums] appends.
func (s Settings) SumsSize() int { n := s.Size(); return n*(n+1)/2 + n + 1 }

// Rows are the rows of one side: that of i begins at i*Stride.
type Rows struct {
	Values []float32
	Stride int
}

// Row is row i, with all that stands before the next one.
func (r Rows) Row(i int) []float32 { return r.Values[i*r.Stride : (i+1)*r.Stride] }

const (
	batch  = 256 // ratings that are multiplied at a time
	square = 64  // up to this size all of a symmetric product is as fast as half of it
	strip  = 48  // rows of the product made at a time above that
)

// Solver has the normal equations of one row at a time, and room for their solution. It
// is for one goroutine.
type Solver struct {
	Settings
	size  int
	count float64   // ratings
	gram  []float32 // of the rows that the ratings are of; the lower half counts
	right []float32
	rows  []float32 // of a batch
	want  []float32
	all   []float64 // Implicit: the Gram matrix of all rows of the fixed side, lower half

	matrix, solution []float64
	work             factoring
}

// New makes a solver.
func New(s Settings) *Solver {
	n := s.Size()
	return &Solver{
		Settings: s, size: n,
		gram: make([]float32, n*n), right: make([]float32, n),
		rows: make([]float32, batch*n), want: make([]float32, batch),
		all:    make([]float64, n*n),
		matrix: make([]float64, n*n), solution: make([]float64, n),
		work: newFactoring(n),
	}
}

// Begin begins a row: it has no ratings.
func (s *Solver) Begin() {
	s.count = 0
	clear(s.gram)
	clear(s.right)
}

// Add adds ratings of the row: ratings[k] is of row ids[k] of the fixed side, a row that
// is there. Implicit ratings are 0 or more.
func (s *Solver) Add(ids []uint32, ratings []float32, fixed Rows, mean float32) {
	s.count += float64(len(ids))
	for len(ids) > 0 {
		n := min(batch, len(ids))
		if s.Implicit {
			s.gatherImplicit(ids[:n], ratings[:n], fixed)
		} else {
			s.gather(ids[:n], ratings[:n], fixed, mean)
			kernel.GemvT(n, s.size, s.rows, s.size, s.want, s.right)
		}
		s.multiply(n)
		ids, ratings = ids[n:], ratings[n:]
	}
}

// gather makes the rows of a batch and what they should come to. The bias of the row that
// is sought is the coefficient of a 1, and that of the fixed row is taken off.
func (s *Solver) gather(ids []uint32, ratings []float32, fixed Rows, mean float32) {
	size, rank := s.size, s.Rank
	ratings = ratings[:len(ids)]
	for k, id := range ids {
		from := fixed.Values[int(id)*fixed.Stride:][:size]
		to := s.rows[k*size:][:size]
		copy(to, from)
		s.want[k] = ratings[k] - mean
		if s.Biases {
			s.want[k] -= to[rank]
			to[rank] = 1
		}
	}
}

// gatherImplicit makes rows whose products are those of the pairs weighted with c - 1:
// what every pair has is in all. A pair without confidence beyond that of others adds
// only to the right side.
func (s *Solver) gatherImplicit(ids []uint32, ratings []float32, fixed Rows) {
	size := s.size
	ratings = ratings[:len(ids)]
	for k, id := range ids {
		from := fixed.Values[int(id)*fixed.Stride:][:size]
		weight := float32(s.Alpha) * ratings[k]
		root := sqrt(weight)
		for j, v := range from {
			s.rows[k*size+j] = root * v
		}
		if ratings[k] > 0 {
			kernel.Axpy(1+weight, from, s.right)
		}
	}
}

// multiply adds the products of n gathered rows to the Gram matrix.
func (s *Solver) multiply(n int) {
	size := s.size
	if size <= square {
		kernel.GemmTN(size, size, n, s.rows, size, s.rows, size, s.gram, size)
		return
	}
	for i := 0; i < size; i += strip {
		h := min(strip, size-i)
		kernel.GemmTN(h, i+h, n, s.rows[i:], size, s.rows, size, s.gram[i*size:], size)
	}
}

// AppendSums appends the normal equations so far: sums that can be added to those of
// other parts, the number of ratings last.
func (s *Solver) AppendSums(dst []float32) []float32 {
	for i := range s.size {
		dst = append(dst, s.gram[i*s.size:][:i+1]...)
	}
	return append(append(dst, s.right...), float32(s.count))
}

// SetSums begins a row whose normal equations are those that AppendSums appended, added up.
func (s *Solver) SetSums(sums []float32) {
	for i := range s.size {
		copy(s.gram[i*s.size:], sums[:i+1])
		sums = sums[i+1:]
	}
	copy(s.right, sums[:s.size])
	s.count = float64(sums[s.size])
}

// SetGram says what the Gram matrix of all rows of the fixed side is, Implicit's: the
// lower half, as [AddGram] makes it.
func (s *Solver) SetGram(gram []float64) { copy(s.all, gram) }

// AddGram adds the products of rows [0, n) to a matrix of size by size, the lower half at
// least.
func (s *Solver) AddGram(gram []float64, fixed Rows, n int) {
	size := s.size
	for lo := 0; lo < n; lo += batch {
		clear(s.gram)
		h := min(batch, n-lo)
		for k := range h {
			copy(s.rows[k*size:][:size], fixed.Values[(lo+k)*fixed.Stride:])
		}
		s.multiply(h)
		for i, v := range s.gram {
			gram[i] += float64(v)
		}
	}
}

// Solve makes row what is best for its ratings. Where factors may not be negative it
// begins with what row is, and ends no worse.
func (s *Solver) Solve(row []float32) {
	row = row[:s.size]
	if s.count == 0 {
		clear(row) // least for any penalty, and what is learned of nothing
		return
	}
	cost, ofBias := s.Penalty(s.count)
	for i := range s.size {
		if i == s.Rank {
			cost = ofBias
		}
		for j, v := range s.gram[i*s.size:][:i+1] {
			s.matrix[i*s.size+j] = float64(v)
		}
		if s.Implicit {
			kernel.Add(s.matrix[i*s.size:][:i+1], s.all[i*s.size:])
		}
		s.matrix[i*s.size+i] += cost
		s.solution[i] = float64(s.right[i])
	}
	if s.NonNegative {
		s.descend(row)
		return
	}
	s.work.solve(s.matrix, s.solution)
	for i, v := range s.solution {
		row[i] = float32(v)
	}
}
