package synthetic

import (
	"context"
	"fmt"
	"math/bits"
	"slices"
)

// PowerLaw is sparse logistic regression as it comes from clicks: a row has
// NonZeros distinct features, each 1, drawn by popularity: the one of rank k with
// probability proportional to k^-Zipf. The label is 1 with probability
// sigmoid(x.w* + Bias), else -1, and flipped with probability Noise.
//
// Feature j has rank j+1, unless Scatter spreads the ranks over the indices as
// hashing does. It takes next to no memory.
type PowerLaw struct {
	Settings
	Zipf    float64
	Bias    float64
	Scatter bool
}

var _ Problem = PowerLaw{}

// Logistic is PowerLaw with defaults.
func Logistic() PowerLaw {
	return PowerLaw{
		Settings: Settings{Rows: 100_000, Features: 1 << 20, NonZeros: 33, Density: 0.05, Noise: 0.1, Seed: 1},
		Zipf:     1.1,
	}
}

// Validate reports settings that make no sense.
func (l PowerLaw) Validate() error {
	p := l.check(1<<40, 1<<32-1)
	most := min(max(1, l.Features), 1<<20)
	p.bad(l.NonZeros < 1 || l.Features > 0 && l.NonZeros > most, "nnz %d: want 1 to %d, and no more than features", l.NonZeros, most)
	p.bad(!within(l.Zipf, 0, 4), "zipf %v: want 0 to 4", l.Zipf)
	p.bad(!within(l.Noise, 0, 1), "noise %v: want 0 to 1", l.Noise)
	p.bad(!within(l.Bias, -30, 30), "bias %v: want -30 to 30", l.Bias)
	return p.join()
}

// String is the settings, as flags.
func (l PowerLaw) String() string {
	scatter := ""
	if l.Scatter {
		scatter = " --scatter"
	}
	return fmt.Sprintf("logistic --rows %d --test-rows %d --features %d --nnz %d --zipf %v --density %v --bias %v --noise %v%s --seed %d",
		l.Rows, l.TestRows, l.Features, l.NonZeros, l.Zipf, l.Density, l.Bias, l.Noise, scatter, l.Seed)
}

// Samples makes the rows of a set.
func (l PowerLaw) Samples(ctx context.Context, set Set, yield func(*Row) error) error {
	z, t := newZipf(l.Features, l.Zipf), l.truth()
	rows, labels := newSource(l.Seed, set.purpose(forRows)), newSource(l.Seed, set.purpose(forLabels))
	stride := uint64(1)
	if l.Scatter {
		stride = scatter(l.Features)
	}
	flip := chance(l.Noise)
	var row Row
	for i := range l.Size(set) {
		if err := alive(ctx, i); err != nil {
			return err
		}
		rows.at(i)
		row.Index = z.distinct(row.Index[:0], &rows, l.NonZeros)
		if stride > 1 {
			for k, j := range row.Index {
				hi, lo := bits.Mul64(j, stride)
				row.Index[k] = bits.Rem64(hi, lo, l.Features)
			}
			slices.Sort(row.Index)
		}
		score := int64(0)
		for _, j := range row.Index {
			score += t.weight(j)
		}
		labels.at(i)
		positive := labels.coin(chance(sigmoid(float64(score)/ValueUnit + l.Bias)))
		if labels.coin(flip) {
			positive = !positive
		}
		if row.Label = -LabelUnit; positive {
			row.Label = LabelUnit
		}
		if err := yield(&row); err != nil {
			return err
		}
	}
	return nil
}

// fewMissing is up to how many features are quicker put in their place one by
// one than sorted with the others.
const fewMissing = 48

// distinct appends the first n distinct features that are drawn, ascending, to an
// empty slice. Where popularity leaves so little to chance that they do not come
// in 64 n draws, it takes the most popular ones that are missing.
func (z *zipf) distinct(features []uint64, r *source, n uint64) []uint64 {
	for draws := uint64(0); uint64(len(features)) < n && draws < 64*n; {
		missing := n - uint64(len(features))
		draws += missing
		if missing > fewMissing {
			for range missing {
				features = append(features, z.rank(&r.pcg)-1)
			}
			slices.Sort(features)
			features = slices.Compact(features)
			continue
		}
		for range missing {
			features = place(features, z.rank(&r.pcg)-1)
		}
	}
	drawn := len(features)
	if uint64(drawn) == n {
		return features
	}
	for j, k := uint64(0), 0; uint64(len(features)) < n; j++ {
		if k < drawn && features[k] == j {
			k++
			continue
		}
		features = append(features, j)
	}
	slices.Sort(features)
	return features
}

// place puts j in its place, unless it is there.
func place(features []uint64, j uint64) []uint64 {
	k := len(features)
	for k > 0 && features[k-1] > j {
		k--
	}
	if k > 0 && features[k-1] == j {
		return features
	}
	features = append(features, 0)
	copy(features[k+1:], features[k:])
	features[k] = j
	return features
}

// scatter is a number near n over the golden ratio that has no divisor in common
// with n: multiples of it, modulo n, visit every index once, far apart.
func scatter(n uint64) uint64 {
	for a := max(1, uint64(float64(n)*0.6180339887)); ; a++ {
		x, y := a, n
		for y != 0 {
			x, y = y, x%y
		}
		if x == 1 {
			return a
		}
	}
}
