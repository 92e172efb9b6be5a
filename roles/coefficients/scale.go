package coefficients

import (
	"math"
	"strconv"
)

// scale maps numbers onto a stretch of the plot; from may be beyond to, on both sides.
type scale struct {
	from, to   float64 // numbers
	start, end float64 // where they are, in pixels
}

// at is where a number is.
func (s scale) at(v float64) float64 {
	if s.from == s.to {
		return (s.start + s.end) / 2
	}
	return s.start + (v-s.from)/(s.to-s.from)*(s.end-s.start)
}

// pixels is a place as it stands in the plot: in tenths, so that the last bits of a
// number make no difference.
func pixels(v float64) string {
	b := strconv.AppendFloat(nil, v, 'f', 1, 64)
	if n := len(b); b[n-1] == '0' {
		b = b[:n-2]
	}
	if string(b) == "-0" {
		return "0"
	}
	return string(b)
}

// ticks are round numbers from low to high, about n of them, and the text of each. Where
// low and high differ by rounding only it is low alone: there are no steps between them.
func ticks(low, high float64, n int) (at []float64, text []string) {
	if !(high-low > 1e-13*max(math.Abs(low), math.Abs(high))) {
		return []float64{low}, []string{strconv.FormatFloat(low, 'g', 4, 64)}
	}
	rough := (high - low) / float64(n)
	exponent := math.Floor(math.Log10(rough))
	step := math.Pow(10, exponent)
	switch m := rough / step; {
	case m > 7:
		step, exponent = 10*step, exponent+1
	case m > 3:
		step *= 5
	case m > 1.5:
		step *= 2
	}
	for k := math.Ceil(low/step - 1e-9); k <= math.Floor(high/step+1e-9); k++ {
		v := k * step
		at = append(at, v)
		switch {
		case k == 0:
			text = append(text, "0")
		case exponent >= 6 || exponent < -5:
			text = append(text, strconv.FormatFloat(v, 'g', 4, 64))
		default:
			text = append(text, strconv.FormatFloat(v, 'f', max(0, -int(exponent)), 64))
		}
	}
	return at, text
}

// spread moves places that are to be in ascending order, and within low and high,
// apart by gap, as little as one pass each way does.
func spread(at []float64, gap, low, high float64) {
	for i := range at {
		if i == 0 {
			at[i] = max(at[i], low)
		} else {
			at[i] = max(at[i], at[i-1]+gap)
		}
	}
	for i := len(at) - 1; i >= 0; i-- {
		if i == len(at)-1 {
			at[i] = min(at[i], high)
		} else {
			at[i] = min(at[i], at[i+1]-gap)
		}
	}
}
