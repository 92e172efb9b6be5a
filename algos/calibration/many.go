package calibration

import (
	"errors"
	"math"
	"math/rand/v2"

	"petuum/algos/metrics"
)

// mostScores is how many scores are kept: of as many rows, drawn at random from all.
const mostScores = 1 << 24

// many is the Fitter of many classes.
type many struct {
	classes int
	scores  []float64 // row by row, less the largest of the row
	class   []int32
	rows    uint64 // seen
	most    int    // rows that are kept
	random  *rand.Rand
}

func newMany(classes int) *many {
	return &many{classes: classes, most: mostScores / max(1, classes), random: rand.New(rand.NewPCG(1, 2))}
}

// Add implements [Fitter].
func (f *many) Add(scores []float64, class []int32) {
	k := f.classes
	for i, c := range class {
		row := scores[i*k : (i+1)*k]
		f.rows++
		at := len(f.class)
		if at < f.most {
			f.class, f.scores = append(f.class, 0), append(f.scores, row...)
		} else if at = int(f.random.Uint64N(f.rows)); at >= f.most {
			continue // every row is as likely as any other to be among those kept
		}
		f.class[at] = c
		top := row[metrics.Largest(row)]
		for j, s := range row {
			f.scores[at*k+j] = bounded(s - top)
		}
	}
}

// Fit implements [Fitter]: it finds the temperature of the largest likelihood. That
// is convex in its inverse b, so that Newton steps that keep to an interval around the
// optimum find it.
func (f *many) Fit(method string) (*Map, error) {
	if f.rows == 0 {
		return nil, errors.New("calibration: there are no rows")
	}
	if _, slope, _ := f.at(0); slope >= 0 {
		return nil, errUseless
	}
	// Rows that are all right ask for a temperature of 0. So sure is nobody of what
	// so many rows tell.
	sure := 1 / float64(len(f.class)+1)
	lo, hi := 0.0, 1.0
	for loss, slope, _ := f.at(hi); slope < 0 && loss > sure; loss, slope, _ = f.at(hi) {
		lo, hi = hi, 2*hi
	}
	b := f.optimum(lo, hi)
	m := &Map{Method: method, Temperature: 1 / b, Rows: f.rows}
	return m, m.Check()
}

// optimum is the b in [lo, hi] where the slope is 0, or hi if it is below 0 there.
func (f *many) optimum(lo, hi float64) float64 {
	const rounds, enough = 200, 1e-13
	if _, slope, _ := f.at(hi); slope <= 0 {
		return hi
	}
	b := hi
	for range rounds {
		_, slope, bend := f.at(b)
		if slope > 0 {
			hi = b
		} else {
			lo = b
		}
		next := b - slope/bend
		if !(next > lo && next < hi) {
			next = lo/2 + hi/2
		}
		if math.Abs(next-b) <= enough*b {
			return next
		}
		b = next
	}
	return b
}

// at is the mean loss of softmax(b s), with its first and second derivative in b. Of
// a row these are -log p, the mean score less that of its class, and the variance of
// the scores.
func (f *many) at(b float64) (loss, slope, bend float64) {
	k := f.classes
	for i, c := range f.class {
		row := f.scores[i*k : (i+1)*k]
		sum, mean, squares := 0.0, 0.0, 0.0
		for _, s := range row {
			e := math.Exp(b * s)
			if e == 0 { // and s may be so large that 0 times its square is no number
				continue
			}
			sum += e
			mean += e * s
			squares += e * s * s
		}
		mean /= sum
		loss += math.Log(sum) - b*row[c]
		slope += mean - row[c]
		bend += squares/sum - mean*mean
	}
	n := float64(len(f.class))
	return loss / n, slope / n, bend / n
}

// Measure implements [Fitter].
func (f *many) Measure(m *Map) map[string]float64 {
	k := f.classes
	a := metrics.NewMulticlass(k)
	row := make([]float64, k)
	for i, c := range f.class {
		copy(row, f.scores[i*k:])
		if m != nil {
			m.Apply(row, row)
		}
		a.AddRow(row, int(c))
	}
	all := a.Metrics()
	delete(all, "accuracy")
	delete(all, "f1")
	return all
}
