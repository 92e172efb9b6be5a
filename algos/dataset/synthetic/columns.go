package synthetic

import (
	"context"
	"fmt"
	"math"
	"slices"
)

// Columns is the recipe for sparse linear problems of Petuum and STRADS. Each
// column has non-zeros in a few rows: those of the column before with
// probability Correlation, else new ones. Columns that share their rows are a
// run. A value is uniform in (0, 1] where a run begins, and later the mean of the
// one before and another uniform one, so that columns have one scale.
//
//	run       |----- 1 -----|-- 2 --|---- 3 ...
//	column    0   1   2   3   4   5   6   7
//	row 5     .4  .7  .5  .8  .   .   .2  .3
//	row 6     .   .   .   .   .9  .5  .   .
//
// With the score x.w* of a row, labels are: for Classes = 0 the score plus normal
// noise of Noise times the deviation of scores; else the number k of the first of
// the Classes quantiles of the training set that the score does not exceed, or
// with probability Noise another class. Classes are of equal size as far as
// scores differ: rows without a feature that has a weight share the score 0.
//
// The rows of the test set have runs, weights and quantiles of the training set,
// and as many non-zeros a row.
//
// Rows come from columns by a transpose of runs: for each row the first columns
// of its runs. The block of rows that is transposed at a time has some 2^25 of
// them, 128 MB; the columns are made anew for each block. Besides, a row takes up
// to 24 bytes.
type Columns struct {
	Settings
	Correlation float64
	Classes     int

	most uint64 // run entries of a block; 0: 2^25
}

var _ Problem = Columns{}

// Regression is Columns with defaults, and quantities for labels.
func Regression() Columns {
	return Columns{
		Settings:    Settings{Rows: 10_000, Features: 2_000, NonZeros: 25, Density: 0.01, Noise: 0.1, Seed: 1},
		Correlation: 0.9,
	}
}

// Multiclass is Columns with defaults, and classes for labels.
func Multiclass() Columns {
	c := Regression()
	c.Classes = 2
	return c
}

// maxRowNonZeros keeps a line below what readers take, 64 MB.
const maxRowNonZeros = 1 << 22

// Validate reports settings that make no sense.
func (c Columns) Validate() error {
	p := c.check(100_000_000, 1<<32-1)
	p.bad(c.NonZeros < 1 || c.Rows > 0 && c.NonZeros > c.Rows, "nnz %d: want 1 to %d, the rows", c.NonZeros, max(1, c.Rows))
	p.bad(!within(c.Correlation, 0, 1), "correlation %v: want 0 to 1", c.Correlation)
	if c.Classes == 0 {
		p.bad(!within(c.Noise, 0, 1000), "noise %v: want 0 to 1000", c.Noise)
	} else {
		p.bad(!within(c.Noise, 0, 1), "noise %v: want 0 to 1", c.Noise)
		p.bad(c.Classes < 2 || c.Classes > 10_000 || uint64(c.Classes) > c.Rows,
			"classes %d: want 2 to 10000, and no more than rows", c.Classes)
	}
	if len(p) == 0 {
		of := float64(c.Features)*float64(c.NonZeros)/float64(c.Rows) + min(float64(c.Features), 1/(1-c.Correlation))
		p.bad(of > maxRowNonZeros, "a row would have some %.3g non-zeros, too long a line to read: want more rows, or less features, nnz or correlation", of)
	}
	return p.join()
}

// String is the settings, as flags.
func (c Columns) String() string {
	name, classes := "lasso", ""
	if c.Classes > 0 {
		name, classes = "multiclass", fmt.Sprintf(" --classes %d", c.Classes)
	}
	return fmt.Sprintf("%s --rows %d --test-rows %d --features %d --nnz %d --correlation %v --density %v%s --noise %v --seed %d",
		name, c.Rows, c.TestRows, c.Features, c.NonZeros, c.Correlation, c.Density, classes, c.Noise, c.Seed)
}

// sheet makes the columns of one set.
type sheet struct {
	c     Columns
	rows  uint64
	count uint64 // rows of a column
	same  uint64 // the chance to keep the rows

	runs, places, values source
	drawn                []uint32 // of each row, the last run that drew it, from 1
	run                  uint32
	picked               []uint32
}

func (c Columns) sheet(set Set) *sheet {
	s := &sheet{c: c, rows: c.Size(set), count: c.NonZeros, same: chance(c.Correlation),
		runs:   newSource(c.Seed, forRuns),
		places: newSource(c.Seed, set.purpose(forRows)),
		values: newSource(c.Seed, set.purpose(forValues))}
	if set == Test {
		share := float64(c.NonZeros) * float64(c.TestRows) / float64(c.Rows)
		s.count = min(s.rows, max(1, uint64(math.Round(share))))
	}
	s.drawn = make([]uint32, s.rows)
	return s
}

// fresh says whether a run begins at column j.
func (s *sheet) fresh(j uint64) bool {
	if j == 0 {
		return true
	}
	s.runs.at(j)
	return !s.runs.coin(s.same)
}

// reset is called before runs are picked from the first again.
func (s *sheet) reset() {
	s.run = 0
	clear(s.drawn)
}

// pick returns the rows of the run that begins at column j: distinct, in no
// order (Floyd's algorithm: a draw that is taken gives way to the last row).
func (s *sheet) pick(j uint64) []uint32 {
	s.places.at(j)
	s.run++
	s.picked = s.picked[:0]
	for last := s.rows - s.count; last < s.rows; last++ {
		r := s.places.below(last + 1)
		if s.drawn[r] == s.run {
			r = last
		}
		s.drawn[r] = s.run
		s.picked = append(s.picked, uint32(r))
	}
	return s.picked
}

// first and next are the values of a row along a run, in 1/ValueUnit.
func (s *sheet) first(row, start uint64) int64 {
	s.values.at(start<<32 | row)
	return 1 + int64(s.values.below(ValueUnit))
}

func (s *sheet) next(v int64) int64 {
	return (v + 1 + int64(s.values.below(ValueUnit)) + 1) / 2
}

// scores returns x.w* of each row, in 1/LabelUnit.
func (s *sheet) scores(ctx context.Context) ([]int64, error) {
	scores := make([]int64, s.rows)
	t := s.c.truth()
	var weights []int64 // of a run, up to the last that is not 0
	start := uint64(0)
	finish := func() {
		if len(weights) == 0 {
			return
		}
		for _, r := range s.pick(start) {
			v := s.first(uint64(r), start)
			scores[r] += weights[0] * v
			for _, w := range weights[1:] {
				v = s.next(v)
				scores[r] += w * v
			}
		}
		weights = weights[:0]
	}
	s.reset()
	for j := range s.c.Features {
		if err := alive(ctx, j); err != nil {
			return nil, err
		}
		if s.fresh(j) {
			finish()
			start = j
		}
		if w := t.weight(j); w != 0 {
			for uint64(len(weights)) < j-start {
				weights = append(weights, 0)
			}
			weights = append(weights, w)
		}
	}
	finish()
	return scores, nil
}

// labels returns the labels of a set.
func (c Columns) labels(ctx context.Context, set Set) ([]int64, error) {
	scores, err := c.sheet(set).scores(ctx)
	if err != nil {
		return nil, err
	}
	trained := scores
	if set != Train {
		if trained, err = c.sheet(Train).scores(ctx); err != nil {
			return nil, err
		}
	}
	noise := newSource(c.Seed, set.purpose(forLabels))
	if c.Classes == 0 {
		width := c.Noise * deviation(trained)
		for i := range scores {
			noise.at(uint64(i))
			scores[i] += int64(math.Round(float64(noise.normal()) * width / normalUnit))
		}
		return scores, nil
	}
	sorted := slices.Clone(trained)
	slices.Sort(sorted)
	quantiles := make([]int64, c.Classes-1) // the largest score of all classes but the last
	for k := range quantiles {
		quantiles[k] = sorted[(k+1)*len(sorted)/c.Classes-1]
	}
	flip := chance(c.Noise)
	for i, score := range scores {
		k, _ := slices.BinarySearch(quantiles, score)
		noise.at(uint64(i))
		if noise.coin(flip) {
			k = (k + 1 + int(noise.below(uint64(c.Classes-1)))) % c.Classes
		}
		scores[i] = int64(k) * LabelUnit
	}
	return scores, nil
}

// Samples makes the rows of a set.
func (c Columns) Samples(ctx context.Context, set Set, yield func(*Row) error) error {
	if c.Size(set) == 0 {
		return nil
	}
	labels, err := c.labels(ctx, set)
	if err != nil {
		return err
	}
	s := c.sheet(set)
	most := c.most
	if most == 0 {
		most = 1 << 25
	}
	runs := 1 + float64(float64(c.Features)*(1-c.Correlation))
	blocks := min(s.rows, uint64(runs*float64(s.count))/most+1)
	size := (s.rows + blocks - 1) / blocks
	t := transposed{starts: make([]uint64, size+1)}
	var row Row
	for low := uint64(0); low < s.rows; low += size {
		high := min(low+size, s.rows)
		if err := t.fill(ctx, s, low, high); err != nil {
			return err
		}
		for r := low; r < high; r++ {
			if err := alive(ctx, r); err != nil {
				return err
			}
			row.Label = labels[r]
			s.walk(&row, r, t.row(r-low))
			if err := yield(&row); err != nil {
				return err
			}
		}
	}
	return nil
}

// walk makes the non-zeros of a row from the first columns of its runs.
func (s *sheet) walk(row *Row, r uint64, starts []uint32) {
	row.Index, row.Value = row.Index[:0], row.Value[:0]
	for _, start := range starts {
		j := uint64(start)
		v := s.first(r, j)
		for {
			row.Index, row.Value = append(row.Index, j), append(row.Value, v)
			if j++; j == s.c.Features || s.fresh(j) {
				break
			}
			v = s.next(v)
		}
	}
}

// transposed is the runs of a block of rows: of row r the first columns are
// columns[starts[r]:starts[r+1]], ascending.
type transposed struct {
	starts  []uint64
	columns []uint32
}

func (t *transposed) row(r uint64) []uint32 { return t.columns[t.starts[r]:t.starts[r+1]] }

// fill takes the rows [low, high) of s: it counts, then puts in place.
func (t *transposed) fill(ctx context.Context, s *sheet, low, high uint64) error {
	each := func(visit func(r, j uint64)) error {
		s.reset()
		for j := range s.c.Features {
			if err := alive(ctx, j); err != nil {
				return err
			}
			if !s.fresh(j) {
				continue
			}
			for _, r := range s.pick(j) {
				if r := uint64(r); r >= low && r < high {
					visit(r-low, j)
				}
			}
		}
		return nil
	}
	clear(t.starts)
	if err := each(func(r, _ uint64) { t.starts[r]++ }); err != nil {
		return err
	}
	total := uint64(0)
	for r := range t.starts { // from counts to where the row begins
		t.starts[r], total = total, total+t.starts[r]
	}
	t.columns = slices.Grow(t.columns[:0], int(total))[:total]
	if err := each(func(r, j uint64) {
		t.columns[t.starts[r]] = uint32(j)
		t.starts[r]++ // at the end of the row, where the next one begins
	}); err != nil {
		return err
	}
	copy(t.starts[1:], t.starts)
	t.starts[0] = 0
	return nil
}
