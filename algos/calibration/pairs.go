package calibration

import (
	"cmp"
	"math"
	"slices"

	"petuum/algos/metrics"
)

const (
	// mostPoints is how many different scores are told apart, of 24 bytes each. With
	// more, all scores are rounded to as many bits as leave no more than these.
	mostPoints = 1 << 20
	// mostDropped leaves the power of two.
	mostDropped = 52
)

// point is all rows of one score.
type point struct{ score, earlier, later float64 }

// pairs is the Fitter of two classes: a histogram that is exact as long as it is
// small.
type pairs struct {
	points  []point // settled: ascending; those after it are rows to be sorted in
	settled int
	most    int
	dropped uint // low bits of scores that are rounded away
	earlier float64
	later   float64
}

func newPairs() *pairs { return &pairs{most: mostPoints} }

// Add implements [Fitter].
func (p *pairs) Add(scores []float64, class []int32) {
	for i, s := range scores {
		at := point{score: rounded(s, p.dropped), later: float64(class[i]), earlier: float64(1 - class[i])}
		p.earlier += at.earlier
		p.later += at.later
		if p.points = append(p.points, at); len(p.points) >= 2*p.most {
			p.settle()
		}
	}
}

// settle sorts the points and makes one of those of the same score.
func (p *pairs) settle() {
	if p.settled == len(p.points) {
		return
	}
	slices.SortFunc(p.points, func(a, b point) int { return cmp.Compare(a.score, b.score) })
	p.merge()
	for len(p.points) > p.most && p.dropped < mostDropped {
		p.dropped++
		for i := range p.points {
			p.points[i].score = rounded(p.points[i].score, p.dropped)
		}
		p.merge()
	}
	p.settled = len(p.points)
}

// merge makes one of neighbours of the same score.
func (p *pairs) merge() {
	n := 0
	for i, at := range p.points {
		if i > 0 && at.score == p.points[n-1].score {
			p.points[n-1].earlier += at.earlier
			p.points[n-1].later += at.later
			continue
		}
		p.points[n] = at
		n++
	}
	p.points = p.points[:n]
}

// rounded is x with so many of its low bits 0: the nearest such number.
func rounded(x float64, low uint) float64 {
	if x += 0; low == 0 { // -0 becomes 0
		return x
	}
	bits := math.Float64bits(x)
	up := math.Float64frombits((bits + 1<<(low-1)) &^ (1<<low - 1))
	if math.IsInf(up, 0) {
		return math.Float64frombits(bits &^ (1<<low - 1))
	}
	return up
}

// Fit implements [Fitter].
func (p *pairs) Fit(method string) (*Map, error) {
	if p.earlier == 0 || p.later == 0 {
		return nil, errOneClass
	}
	p.settle()
	m := &Map{Method: method, Rows: uint64(p.earlier + p.later)}
	if method == Isotonic {
		m.Scores, m.Probabilities = p.isotonic()
		if len(m.Scores) == 0 {
			return nil, errUseless
		}
		return m, nil
	}
	m.Slope, m.Offset = p.sigmoid()
	if !(m.Slope > 0) {
		return nil, errUseless
	}
	return m, m.Check()
}

// targets are what is wanted of a row of the earlier class and of one of the later:
// not 0 and 1 but, as Platt has it, what would be expected of one row more.
func (p *pairs) targets() (earlier, later float64) {
	return 1 / (p.earlier + 2), (p.later + 1) / (p.later + 2)
}

// Measure implements [Fitter].
func (p *pairs) Measure(m *Map) map[string]float64 {
	p.settle()
	var a metrics.Probabilities
	var s [1]float64
	for _, at := range p.points {
		s[0] = at.score
		if m != nil {
			m.Apply(s[:], s[:])
		}
		a.Add(s[0], at.earlier, at.later)
	}
	return a.Metrics()
}
