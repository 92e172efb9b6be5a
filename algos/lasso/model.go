package lasso

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/consistency"
	"petuum/table"
)

const (
	maxBlock     = 4096
	autoBlock    = 1024  // largest block that is chosen,
	minBlock     = 64    // smallest,
	crowdedBlock = 128   // and its size once the coefficients in use do not fit
	passes       = 20    // over the data that the products of a chosen block may cost
	perEpoch     = 4     // most rounds between evaluations
	sweeps       = 100   // that a block is solved with in one round, or more,
	work         = 1e7   // if they cost less than that many multiplications
	exact        = 1e-11 // a change of the fit below that, relative to y, is none
	leastRank    = 1e-2  // lowest priority, relative to the highest: the papers' epsilon
	constant     = 1e-12 // a variance below that, relative to the mean square, is none
)

// model is the state of the scheduler. Numbers of columns are features.
type model struct {
	weights, intercept *table.View[float64]
	rng                *rand.Rand
	limit              int // most coefficients in a block

	n         float64
	mean      []float64 // m_j
	scale     []float64 // s_j
	norm      []float64 // G_jj; 0: the column is constant
	b         []float64 // scaled coefficients
	change    []float64 // how far each moved, or would move, the fit: |b' - b| sqrt(G_jj)
	least     float64   // changes up to this count as none
	lambda    float64
	lambdaMax float64

	block, last []int     // columns of this round, those of the last one first, and of the last
	known       int       // how many of block were in last
	gram, grown []float64 // G of block, by rows; the other is room for the next
	place       []int32   // 1 + the position in last, 0 if it is not there
	ranked      []candidate
	sums        []float64 // emitted by all parts
	before      []float64 // b of the block before it was solved
	fresh       []int     // columns whose coefficients the last pull changed
	keys        []uint64  // of the block sent
	values      []float64
}

type candidate struct {
	j    int
	rank float64 // the lowest win
}

// blockSize is the most coefficients of a round.
func (l *Lasso) blockSize(d dataset.Info) int {
	size := l.Block
	if size == 0 { // n (density size)^2 / 2 products cost so many passes over the values
		density := float64(d.NonZeros) / float64(d.Rows) / float64(d.Features)
		size = int(min(max(math.Sqrt(2*passes*float64(d.Features)/density), minBlock), autoBlock))
	}
	return int(min(uint64(size), d.Features))
}

// ClocksPerEpoch is the rounds up to an evaluation, which is a pass over the data.
func (l *Lasso) ClocksPerEpoch(d dataset.Info) int {
	size := uint64(l.blockSize(d))
	return int(min((d.Features+size-1)/size, perEpoch))
}

// Begin opens the scheduler's views.
func (l *Lasso) Begin(s *algos.Scheduler) (err error) {
	m := &l.model
	m.limit = l.blockSize(s.Info)
	m.rng = rand.New(rand.NewPCG(s.Seed, 0))
	if m.weights, err = algos.SchedulerView[float64](s, weights, table.Span(0, s.Info.Features), table.Increments); err == nil {
		m.intercept, err = algos.SchedulerView[float64](s, intercept, table.Span(0, 1), table.Increments)
	}
	return err
}

// Schedule sends the coefficients that the last pull changed and asks for the
// sums of this round's block. It is empty while nothing promises a change.
func (l *Lasso) Schedule(s *algos.Scheduler, blocks []algos.Block) {
	m := &l.model
	m.keys, m.values = m.keys[:0], m.values[:0]
	for _, j := range m.fresh {
		m.keys, m.values = append(m.keys, uint64(j)), append(m.values, m.b[j]/m.scale[j])
	}
	if l.choose() {
		for _, j := range m.block[:m.known] {
			m.keys = append(m.keys, uint64(j))
		}
		m.keys = append(m.keys, s.Info.Features)
		for _, j := range m.block[m.known:] {
			m.keys = append(m.keys, uint64(j))
		}
	}
	s.All(blocks, algos.Block{Keys: m.keys, Values: m.values})
}

// choose makes the block of the round and reports whether there is one. All
// coefficients in use are in it, and as many others by priority; where those in
// use leave less than a quarter of room, all compete. The draw is without
// replacement and weighted (Efraimidis and Spirakis 2006): none waits for ever.
func (l *Lasso) choose() bool {
	m := &l.model
	used, moving, top := 0, false, 0.0
	m.ranked = m.ranked[:0]
	for j, b := range m.b {
		if b == 0 && m.change[j] == 0 {
			continue
		}
		if b != 0 {
			used++
		}
		moving = moving || m.change[j] > 0
		rank := l.priority(j)
		top = max(top, rank)
		m.ranked = append(m.ranked, candidate{j, rank})
	}
	m.fresh = m.fresh[:0]
	m.block, m.last = m.last[:0], m.block
	if !moving {
		m.block, m.last = m.last, m.block // its products stay good
		return false
	}
	limit := min(m.limit, max(minBlock, 2*used))
	crowded := used >= m.limit-m.limit/4
	if crowded && l.Block == 0 {
		limit = min(limit, crowdedBlock)
	}
	for i, c := range m.ranked {
		if m.b[c.j] != 0 && !crowded {
			m.ranked[i].rank = -1
		} else {
			m.ranked[i].rank = m.rng.ExpFloat64() / (c.rank + leastRank*top)
		}
	}
	slices.SortFunc(m.ranked, func(a, b candidate) int { return cmp.Compare(a.rank, b.rank) })
	m.ranked = m.ranked[:min(len(m.ranked), limit)]
	m.arrange()
	return true
}

// priority is one of the three forms that the papers name, in units of the fit.
func (l *Lasso) priority(j int) float64 {
	m := &l.model
	switch l.Priority {
	case "square":
		return m.change[j] * m.change[j]
	case "value":
		return m.b[j] * m.b[j] * m.norm[j]
	}
	return m.change[j]
}

// arrange puts the columns of the last block first and takes their products over.
func (m *model) arrange() {
	for i, j := range m.last {
		m.place[j] = int32(i + 1)
	}
	for _, c := range m.ranked {
		if m.place[c.j] > 0 {
			m.block = append(m.block, c.j)
		}
	}
	m.known = len(m.block)
	for _, c := range m.ranked {
		if m.place[c.j] == 0 {
			m.block = append(m.block, c.j)
		}
	}
	size, old := len(m.block), len(m.last)
	m.grown = slices.Grow(m.grown[:0], size*size)[:size*size]
	for i, j := range m.block[:m.known] {
		from := m.gram[int(m.place[j]-1)*old:]
		for k, c := range m.block[:m.known] {
			m.grown[i*size+k] = from[m.place[c]-1]
		}
	}
	m.gram, m.grown = m.grown, m.gram
	for _, j := range m.last {
		m.place[j] = 0
	}
}

// Pull adds up what the parts emitted, in their order, and solves the block.
func (l *Lasso) Pull(s *algos.Scheduler, _ consistency.Clock, blocks []algos.Block, emitted [][]float64) {
	if len(blocks[0].Work()) == 0 {
		return
	}
	m := &l.model
	m.sums = append(m.sums[:0], emitted[0]...)
	for _, part := range emitted[1:] {
		for i, v := range part {
			m.sums[i] += v
		}
	}
	size := len(m.block)
	sum, z, products := m.sums[0], m.sums[1:1+size], m.sums[1+size:]
	for i, j := range m.block {
		z[i] = (z[i] - m.mean[j]*sum) / m.scale[j]
		if i < m.known {
			continue
		}
		m.gram[i*size+i] = m.norm[j]
		for k, c := range m.block[:i] {
			g := (products[k] - m.n*m.mean[j]*m.mean[c]) / (m.scale[j] * m.scale[c])
			m.gram[i*size+k], m.gram[k*size+i] = g, g
		}
		products = products[i:]
	}
	m.before = m.before[:0]
	for _, j := range m.block {
		m.before = append(m.before, m.b[j])
	}
	m.solve(z)
	for i, j := range m.block {
		m.change[j] = m.moved(j, m.b[j]-m.before[i])
		if m.b[j] != m.before[i] {
			m.fresh = append(m.fresh, j)
			m.weights.Put(j, []float64{m.b[j] / m.scale[j]})
		}
	}
	m.intercept.Put(0, []float64{m.offset(l.center(s.Info))})
}

// offset is b0: what a row of zeros is predicted to be.
func (m *model) offset(center float64) float64 {
	for j, b := range m.b {
		if b != 0 {
			center -= m.mean[j] * b / m.scale[j]
		}
	}
	return center
}

// moved is how far a change of coefficient j moves the fit.
func (m *model) moved(j int, d float64) float64 {
	if by := math.Abs(d) * math.Sqrt(m.norm[j]); by > m.least {
		return by
	}
	return 0
}

// solve minimises over the coefficients of the block, where z is x_j.r.
func (m *model) solve(z []float64) {
	size := len(z)
	for range max(sweeps, work/(size*size)) {
		worst := 0.0
		for i, j := range m.block {
			b := m.step(j, z[i])
			d := b - m.b[j]
			if d == 0 {
				continue
			}
			m.b[j] = b
			for k, g := range m.gram[i*size : (i+1)*size] {
				z[k] -= d * g
			}
			worst = max(worst, m.moved(j, d))
		}
		if worst == 0 {
			return
		}
	}
}

// step is the best value of coefficient j alone.
func (m *model) step(j int, z float64) float64 {
	u, t := z+m.norm[j]*m.b[j], m.n*m.lambda
	switch {
	case m.norm[j] == 0:
		return 0
	case u > t:
		return (u - t) / m.norm[j]
	case u < -t:
		return (u + t) / m.norm[j]
	}
	return 0
}

// measure takes the statistics of the columns in.
func (l *Lasso) measure(d dataset.Info, sums, squares []float64) {
	m := &l.model
	p := len(sums)
	m.n = float64(d.Rows)
	m.mean, m.scale, m.norm = make([]float64, p), make([]float64, p), make([]float64, p)
	m.b, m.change, m.place = make([]float64, p), make([]float64, p), make([]int32, p)
	for j := range p {
		mean := sums[j] / m.n
		variance := squares[j]/m.n - mean*mean
		varies := variance > constant*squares[j]/m.n
		m.scale[j] = 1
		if l.Standardize && varies {
			m.scale[j] = math.Sqrt(variance)
		}
		switch {
		case l.Intercept:
			m.mean[j] = mean
			if varies {
				m.norm[j] = m.n * variance / (m.scale[j] * m.scale[j])
			}
		case varies || !l.Standardize:
			m.norm[j] = squares[j] / (m.scale[j] * m.scale[j])
		}
	}
}

// Conclude computes the objective and the gap, and what each coefficient would
// change by itself. The dual point is the residual r, scaled so that it is
// feasible: D = (a y.r - a^2 r.r / 2) / n with |a| max |z_j| <= n lambda.
func (l *Lasso) Conclude(d dataset.Info, e *algos.Eval) {
	m := &l.model
	total := e.Sums("residuals")
	rr, yr, r1, yy, y1 := total[0], total[1], total[2], total[3], total[4]
	spread := yy - y1*y1/float64(d.Rows)
	if l.Intercept {
		rr, yr = rr-r1*r1/float64(d.Rows), yr-y1*r1/float64(d.Rows)
	}
	z := slices.Clone(e.Sums("xr"))
	first := m.norm == nil
	if first {
		l.measure(d, e.Sums("sums"), e.Sums("squares"))
	}
	highest, abs, used := 0.0, 0.0, 0
	for j, b := range m.b {
		z[j] = (z[j] - m.mean[j]*r1) / m.scale[j]
		if m.norm[j] > 0 {
			highest = max(highest, math.Abs(z[j]))
		}
		abs += math.Abs(b)
		if b != 0 {
			used++
		}
	}
	if first {
		m.lambda, m.lambdaMax, m.least = l.Lambda, highest/m.n, exact*math.Sqrt(yy)
		if l.Lambda == 0 {
			m.lambda = l.LambdaRatio * m.lambdaMax
		}
	}
	for j := range m.b {
		m.change[j] = m.moved(j, m.step(j, z[j])-m.b[j])
	}
	a := 1.0
	if highest > m.n*m.lambda {
		a = m.n * m.lambda / highest
	}
	if rr > 0 {
		a = min(max(yr/rr, -a), a)
	}
	e.Objective = rr/(2*m.n) + m.lambda*abs
	e.Gap = max(0, e.Objective-(a*yr-a*a*rr/2)/m.n)
	e.Metrics["train_mse"] = rr / m.n
	if spread > 0 {
		e.Metrics["train_r2"] = 1 - rr/spread
	}
	e.Metrics["nonzeros"], e.Metrics["intercept"] = float64(used), m.offset(l.center(d))
	e.Metrics["lambda"], e.Metrics["lambda_max"] = m.lambda, m.lambdaMax
}
