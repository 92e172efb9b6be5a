package descent

import (
	"math"
	"math/rand/v2"
	"slices"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/table"
	"petuum/table/kernel"
)

// The tables of a model.
const (
	Weights   = "weights"   // w_j of feature j
	Intercept = "intercept" // b0
)

// Model is the side of the scheduler. Numbers of columns are features.
type Model struct {
	Settings
	weights, intercept *table.View[float64]
	published          *published // nil: working sets
	predicted          *predicted // nil: parts are ranges of rows, and predict those themselves

	features, all int // of the data; all: its rows
	rng           *rand.Rand

	n      float64   // rows that count
	mean   []float64 // m_j
	scale  []float64 // s_j
	square []float64 // G_jj where all curvatures are 1; 0: the column is constant
	count  []float64 // values of a column
	b      []float64 // scaled coefficients
	z      []float64 // slopes at b
	used   []int     // units in use
	steep  []float64 // slope of each unit that is not, with any sign
	norms  []float64
	asleep []bool  // columns that are 0 at the optimum, by a safe test
	alive  []int   // those that parts look at; nil: all
	b0     float64 // where the loss is logistic

	lambdaMax, lambda, goal float64 // lambda: of the next block, on the way to goal
	started                 bool    // they are known: lambdaMax may be 0
	end                     float64 // the least of a path
	fold, at                int     // of the problem under way, see Path.problem
	errors                  []held  // by lambda and fold
	rows                    rowSums
	spread                  float64 // of the labels: the sum of squares about their mean
	pending                 int     // columns that violate their condition, at lambda

	block     []int // columns of this round, those that are known first
	known     int
	store     store
	solver    Solver
	fresh     []int // columns whose coefficients the last pull changed
	place     []int32
	keys      []uint64
	values    []float64
	ranked    []candidate
	undo      undo
	last      float64 // objective at the last evaluation
	accuracy  float64 // of the next block, relative to L1
	retreated bool    // the next block is only about values
	freshB0   bool    // the next block has the intercept
	forget    bool    // what is known of columns no longer holds

	Updates int64 // coordinates scheduled
	learned learned
}

// rowSums is what parts know of their rows, all together.
type rowSums struct{ loss, rr, ry, r1, yy, y1 float64 }

type candidate struct {
	unit int
	rank float64 // the lowest win
}

const (
	constant = 1e-12 // a variance below that, relative to the mean square, is none
	exact    = 1e-12 // no block is solved further than that, relative to L1
)

// Begin opens the scheduler's views.
func (m *Model) Begin(s *algos.Scheduler) (err error) {
	m.features, m.all, m.rng = int(s.Info.Features), int(s.Info.Rows), rand.New(rand.NewPCG(s.Seed, 0))
	if m.weights, err = algos.SchedulerView[float64](s, Weights, table.Span(0, s.Info.Features), table.Increments); err == nil {
		m.intercept, err = algos.SchedulerView[float64](s, Intercept, table.Span(0, 1), table.Increments)
	}
	if m.Loss == Logistic {
		m.b0 = m.Center
	}
	if err == nil && s.Info.ByFeatures {
		err = m.predictRows(s)
	}
	if err == nil && m.Published() {
		err = m.publish(s)
	}
	return err
}

// Loaded says whether this is the scheduler's: Begin was called.
func (m *Model) Loaded() bool { return m.weights != nil }

// penalty is that of sums of losses at a lambda.
func (m *Model) penalty(lambda float64) Penalty {
	return Penalty{L1: m.n * lambda * m.L1Ratio, L2: m.n * lambda * (1 - m.L1Ratio)}
}

// units is the number of things that are 0 together: features, or groups.
func (m *Model) units() int {
	if m.Groups != nil {
		return len(m.Groups)
	}
	return len(m.b)
}

// unit is the features of unit u.
func (m *Model) unit(u int) (lo, hi int) {
	if m.Groups == nil {
		return u, u + 1
	}
	if u > 0 {
		lo = m.Groups[u-1]
	}
	return lo, m.Groups[u]
}

// exactly is values, or as many zeros as they were to be: what comes from others is not
// trusted to have its length.
func exactly(values []float64, n int) []float64 {
	if len(values) == n {
		return values
	}
	return make([]float64, n)
}

// look takes the slope of column j. It is 0 where the coefficient stays 0.
func (m *Model) look(j int, sum float64) {
	if m.square[j] == 0 || m.asleep[j] {
		m.z[j] = 0
		return
	}
	m.z[j] = (sum - m.mean[j]*m.rows.r1) / m.scale[j]
}

// tally lists the units in use, and the slopes of units where these are groups.
func (m *Model) tally() {
	m.used, m.steep = m.used[:0], m.z
	if m.Groups == nil {
		for j, b := range m.b {
			if b != 0 {
				m.used = append(m.used, j)
			}
		}
		return
	}
	m.norms = slices.Grow(m.norms[:0], len(m.Groups))[:len(m.Groups)]
	m.steep = m.norms
	for u := range m.Groups {
		lo, hi := m.unit(u)
		if norm(m.b[lo:hi]) > 0 {
			m.used = append(m.used, u)
		}
		m.norms[u] = norm(m.z[lo:hi]) / math.Sqrt(float64(hi-lo))
	}
}

// slope is the slope of a unit without that of L1, in units of L1.
func (m *Model) slope(u int, l2 float64) (slope float64) {
	lo, hi := m.unit(u)
	for j := lo; j < hi; j++ {
		v := m.z[j] - l2*m.b[j]
		slope += v * v
	}
	return math.Sqrt(slope / float64(hi-lo))
}

// inUse says whether a coefficient of a unit is not 0.
func (m *Model) inUse(u int) bool {
	lo, hi := m.unit(u)
	for _, b := range m.b[lo:hi] {
		if b != 0 {
			return true
		}
	}
	return false
}

// reach is how far the slope of a unit moves with a residual that moves by 1.
func (m *Model) reach(u int, l2 float64) float64 {
	lo, hi := m.unit(u)
	sum := 0.0
	for j := lo; j < hi; j++ {
		sum += m.square[j] + l2
	}
	return math.Sqrt(sum / float64(hi-lo))
}

// measure takes the statistics of the columns in.
func (m *Model) measure(sums, squares [][]float64) {
	if p := len(m.count); m.b == nil {
		m.b, m.z, m.place, m.asleep = make([]float64, p), make([]float64, p), make([]int32, p), make([]bool, p)
		m.mean, m.scale, m.square = make([]float64, p), make([]float64, p), make([]float64, p)
	}
	joined(sums, m.features, func(j int, sum float64) { m.mean[j] = sum / m.n })
	joined(squares, m.features, func(j int, squares float64) {
		before := m.scale[j]
		mean := m.mean[j]
		variance := squares/m.n - mean*mean
		varies := variance > constant*squares/m.n
		m.mean[j], m.scale[j], m.square[j] = 0, 1, 0
		if m.Standardize && varies {
			m.scale[j] = math.Sqrt(variance)
		}
		switch {
		case m.Intercept:
			m.mean[j] = mean
			if varies {
				m.square[j] = m.n * variance / (m.scale[j] * m.scale[j])
			}
		case varies || !m.Standardize:
			m.square[j] = squares / (m.scale[j] * m.scale[j])
		}
		if before > 0 {
			m.b[j] *= m.scale[j] / before // w_j stays
		}
	})
}

// offset is b0: what a row of zeros is predicted to be.
func (m *Model) offset() float64 {
	if m.Loss == Logistic {
		return m.b0
	}
	b0 := m.Center
	if m.Intercept && m.n > 0 {
		b0 += m.rows.y1 / m.n
	}
	for j, b := range m.b {
		if b != 0 {
			b0 -= m.mean[j] * b / m.scale[j]
		}
	}
	return b0
}

// Conclude computes the objective and the gap, and what is to be done next.
func (m *Model) Conclude(d dataset.Info, e *algos.Eval) {
	total := exactly(e.Sums("rows"), 6)
	m.rows = rowSums{loss: e.Sum("loss"), rr: total[0], ry: total[1], r1: total[2], yy: total[3], y1: total[4]}
	m.n = max(1, total[5]) // a fold may have all rows there are
	if counts := slices.Concat(m.shares(e, "counts")...); len(counts) == m.features || m.count == nil {
		m.count = exactly(counts, m.features)
		m.measure(m.shares(e, "sums"), m.shares(e, "squares"))
	}
	joined(m.shares(e, "slopes"), m.features, m.look)
	joined(m.shares(e, "alive"), len(m.alive), func(i int, v float64) { m.look(m.alive[i], v) })
	if m.predicted != nil {
		m.predicted.ahead = false
	}
	m.tally()
	m.spread = m.rows.yy - m.rows.y1*m.rows.y1/m.n
	if m.Loss == Squared && m.Intercept {
		m.rows.rr -= m.rows.r1 * m.rows.r1 / m.n
		m.rows.ry -= m.rows.y1 * m.rows.r1 / m.n
		m.rows.loss = m.rows.rr / 2
	}
	if !m.started {
		m.start()
	}
	c := m.certify(m.goal, e)
	e.Objective, e.Gap = c.objective, c.gap
	m.report(e, c)
	m.holdOut(e)
	m.reportPath(e)
	e.Metrics["updates"] = float64(m.Updates)
	e.Metrics["steps"] = float64(max(m.Updates, m.solver.Steps)) // of coordinate descent, also within blocks that are solved
	if m.published != nil {
		m.survey()
		return
	}
	if m.retreated { // a stage has ended before others knew of it: this is what was before
		e.Gap, e.Unsettled = math.NaN(), true
		return
	}
	m.retreat(c.objective)
	m.proceed(c)
}

// start sets lambda from the slopes with no coefficient in use.
func (m *Model) start() {
	m.started = true
	most := kernel.Largest(m.steep)
	m.lambdaMax = most / m.n / m.L1Ratio
	m.end = m.Lambda
	if m.end == 0 {
		m.end = m.LambdaRatio * m.lambdaMax
	}
	m.fold, m.goal, m.lambda = -1, m.lambdaOf(0), m.lambdaMax
}

func (m *Model) report(e *algos.Eval, c certificate) {
	e.Metrics["nonzeros"], e.Metrics["intercept"] = float64(c.used), m.offset()
	e.Metrics["lambda"], e.Metrics["lambda_max"] = m.goal, m.lambdaMax
	if m.Loss == Squared {
		e.Metrics["train_mse"] = m.rows.rr / m.n
		if m.spread > 0 {
			e.Metrics["train_r2"] = 1 - m.rows.rr/m.spread
		}
	} else {
		e.Metrics["train_logloss"] = m.rows.loss / m.n
	}
}
