// Package synthetic makes samples of linear problems whose true weights are
// known, at any size, as a stream.
//
//	Columns    sparse regression and classification with correlated columns
//	PowerLaw   binary rows of features whose popularity follows a power law
//
// A number of a problem is a function of the seed and of where the number
// stands: draw n of a purpose comes from a PCG generator seeded with the purpose
// and n. What a row holds therefore depends on nothing that was made before it,
// and no matrix is ever held.
//
// # The same bytes everywhere
//
// Values are whole thousandths and labels whole millionths, all of them integers,
// whose shortest text is exact and quick to write. Probabilities are made by
// additions, multiplications and divisions alone, each rounded, so that neither
// the processor nor the version of Go changes a digit.
package synthetic

import (
	"context"
	"errors"
	"fmt"
	"math"
)

// Units of the numbers of a Row.
const (
	ValueUnit = 1_000     // a value of 1
	LabelUnit = 1_000_000 // a label of 1
)

// Set is a set of samples of a problem: they share the true weights.
type Set int

// The sets.
const (
	Train Set = iota
	Test
)

// A Row is one sample.
type Row struct {
	Label int64    // in 1/LabelUnit
	Index []uint64 // features from 0, ascending
	Value []int64  // of each, in 1/ValueUnit, none of them 0; nil: all are 1
}

// A Problem makes samples. It is a value: two calls with the same arguments do
// the same.
type Problem interface {
	// Validate reports all settings that make no sense, alone or together. The
	// other methods are for settings that do.
	Validate() error
	// Samples calls yield for each row of a set, in order, and ends with its first
	// error or that of ctx. The row is valid until yield returns.
	Samples(ctx context.Context, set Set, yield func(*Row) error) error
	// Common returns the settings that every problem has.
	Common() Settings
	// String is the settings, as flags.
	String() string
}

// Settings are those that every problem has.
type Settings struct {
	Rows     uint64
	TestRows uint64  // may be 0
	Features uint64  // columns
	NonZeros uint64  // of a column of Columns, of a row of PowerLaw
	Density  float64 // fraction of features with a true weight, in (0, 1]
	Noise    float64
	Seed     uint64
}

// Common returns s.
func (s Settings) Common() Settings { return s }

// Size is the number of rows of a set.
func (s Settings) Size(set Set) uint64 {
	if set == Test {
		return s.TestRows
	}
	return s.Rows
}

// problems collects what is wrong with settings.
type problems []error

func (p *problems) bad(wrong bool, format string, args ...any) {
	if wrong {
		*p = append(*p, fmt.Errorf(format, args...))
	}
}

// within says whether x is a number in [low, high].
func within(x, low, high float64) bool { return x >= low && x <= high }

// check reports what is wrong with s; rows and features bound what it may ask.
func (s Settings) check(rows, features uint64) (p problems) {
	p.bad(s.Rows < 1 || s.Rows > rows, "rows %d: want 1 to %d", s.Rows, rows)
	p.bad(s.TestRows > rows, "test-rows %d: want at most %d", s.TestRows, rows)
	p.bad(s.Features < 1 || s.Features > features, "features %d: want 1 to %d", s.Features, features)
	p.bad(!(s.Density > 0 && s.Density <= 1), "density %v: want more than 0, at most 1", s.Density)
	return p
}

func (p problems) join() error { return errors.Join(p...) }

// truth is the true weights.
type truth struct {
	features uint64
	weights  source
	chance   uint64
}

func (s Settings) truth() truth {
	return truth{s.Features, newSource(s.Seed, forWeights), chance(s.Density)}
}

// weight is the true weight of feature j in 1/ValueUnit: 0 with probability
// 1 - density, else standard normal. Feature 0 has one always, so that no
// problem is without.
func (t *truth) weight(j uint64) int64 {
	t.weights.at(j)
	if !t.weights.coin(t.chance) && j != 0 {
		return 0
	}
	w := (t.weights.normal()*ValueUnit + normalUnit/2) >> normalBits
	if w == 0 {
		return 1
	}
	return w
}

// Truth calls yield for each feature with a true weight, ascending; weights are
// in 1/ValueUnit. It ends with the first error of yield, or ctx.
func (s Settings) Truth(ctx context.Context, yield func(feature uint64, weight int64) error) error {
	t := s.truth()
	for j := range s.Features {
		if err := alive(ctx, j); err != nil {
			return err
		}
		if w := t.weight(j); w != 0 {
			if err := yield(j, w); err != nil {
				return err
			}
		}
	}
	return nil
}

// alive is the error of ctx, looked at now and then as n counts up.
func alive(ctx context.Context, n uint64) error {
	if n&0xfff != 0 {
		return nil
	}
	return ctx.Err()
}

// deviation is the standard deviation of whole numbers.
func deviation(x []int64) float64 {
	n, sum, squares := float64(len(x)), 0.0, 0.0
	for _, v := range x {
		sum += float64(v)
	}
	mean := sum / n
	for _, v := range x {
		d := float64(v) - mean
		squares += float64(d * d) // rounded, hence never fused with the sum
	}
	return math.Sqrt(squares / n)
}
