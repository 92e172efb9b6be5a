package descent

import (
	"math"
	"slices"

	"petuum/algos"
)

// What a block asks of the columns behind a key that is no feature: that key less the
// number of features.
const (
	keyIntercept = iota // among fresh keys: the intercept
	keyGram             // products with all columns before them and themselves
	keyColumns          // the columns
	keyNothing          // nothing but slopes
	keyAlive            // before the last keys: no others are looked at in evaluations
)

const (
	easier      = 0.6     // lambda of a problem on the way to the goal, relative to the one before
	nearly      = 0.05    // how far those are solved, relative to L1
	shortOf     = 0.8     // slopes from there on, relative to L1, may be in a block
	atLeast     = 512     // newcomers that a block may have, whatever is in use,
	someOf      = 16      // if that is no more than one of so many units,
	aFew        = 32      // or than that
	spare       = 1000    // most of those that do not violate their condition yet
	mostNumbers = 1 << 24 // that a block may be known by
)

// proceed decides what the next rounds are about: the goal, or a problem with a larger
// lambda on the way there, whose solution has fewer coefficients in use and is not far
// from this one.
func (m *Model) proceed(c certificate) {
	if m.lambda <= m.goal {
		m.lambda = m.goal
	}
	m.rank(c)
	if m.lambda > m.goal && m.pending <= 4+c.used/8 {
		m.lambda = max(m.goal, easier*m.lambda)
		m.rank(c)
	}
	m.accuracy = nearly
	if m.lambda == m.goal {
		m.screen(c)
		m.ranked = slices.DeleteFunc(m.ranked, func(c candidate) bool {
			lo, _ := m.unit(c.unit)
			return c.rank >= 0 && m.asleep[lo]
		})
		m.accuracy = min(nearly, max(exact, c.gap/c.objective/10))
	}
}

// rank ranks what may be in the next block: units in use, then the others by how far
// the residual has to move until they are.
func (m *Model) rank(c certificate) {
	pen := m.penalty(m.lambda)
	m.ranked, m.pending = m.ranked[:0], 0
	for _, u := range m.used {
		m.ranked = append(m.ranked, candidate{u, -1})
	}
	a, short := min(1, pen.L1/max(c.top, 1e-300)), shortOf*pen.L1
	for u, slope := range m.steep {
		slope = math.Abs(slope)
		if slope <= short || m.inUse(u) {
			continue
		}
		if slope > pen.L1 {
			m.pending++
		}
		m.ranked = append(m.ranked, candidate{u, (pen.L1 - a*slope) / m.reach(u, pen.L2)})
	}
}

// choose makes the block of a round and reports whether there is one.
func (m *Model) choose() bool {
	used := 0
	for _, c := range m.ranked {
		if c.rank < 0 {
			used++
		}
	}
	newcomers := min(atLeast, max(m.units()/someOf, aFew))
	size := used + min(m.pending, max(used, newcomers)) + min(used/4+16, spare)
	m.ranked = lowest(m.ranked, size)
	m.crowd()
	slices.SortFunc(m.ranked, func(a, b candidate) int { return a.unit - b.unit })
	if len(m.ranked) == 0 {
		return false
	}
	m.store.arrange(m)
	return true
}

// crowd leaves some out by chance where a block would take too much room: what is not in
// the block stands still meanwhile.
func (m *Model) crowd() {
	for len(m.ranked) > 1 {
		if _, numbers := m.kindOf(); numbers <= mostNumbers {
			return
		}
		for i := range m.ranked {
			m.ranked[i].rank = m.rng.Float64()
		}
		m.ranked = lowest(m.ranked, len(m.ranked)*3/4)
	}
}

// lowest is the n candidates of the lowest rank, in any order.
func lowest(c []candidate, n int) []candidate {
	lo, hi := 0, len(c)
	if n >= hi {
		return c
	}
	for hi-lo > 1 {
		pivot := c[(lo+hi)/2].rank
		i, j := lo, hi-1
		for i <= j {
			for c[i].rank < pivot {
				i++
			}
			for c[j].rank > pivot {
				j--
			}
			if i <= j {
				c[i], c[j] = c[j], c[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case n <= j:
			hi = j + 1
		case n >= i:
			lo = i
		default:
			return c[:n]
		}
	}
	return c[:n]
}

// Schedule sends the coefficients that the last pull changed and asks for what this
// round's block needs.
func (m *Model) Schedule(s *algos.Scheduler, blocks []algos.Block) {
	m.keys, m.values = m.keys[:0], m.values[:0]
	if m.predicted != nil { // which parts see in the table
		m.fresh, m.freshB0 = m.fresh[:0], false
	}
	for _, j := range m.fresh {
		m.keys, m.values = append(m.keys, uint64(j)), append(m.values, m.b[j]/m.scale[j])
	}
	if m.freshB0 {
		m.freshB0 = false
		m.keys, m.values = append(m.keys, s.Info.Features+keyIntercept), append(m.values, m.b0)
	}
	m.fresh = m.fresh[:0]
	if m.published != nil {
		m.ask(s.Info.Features)
	} else if !m.retreated && !m.waits() && m.choose() {
		for _, j := range m.block[:m.known] {
			m.keys = append(m.keys, uint64(j))
		}
		m.keys = append(m.keys, s.Info.Features+m.store.kind)
		for _, j := range m.block[m.known:] {
			m.keys = append(m.keys, uint64(j))
		}
		m.shrink(s.Info.Features)
	}
	s.All(blocks, algos.Block{Keys: m.keys, Values: m.values})
}

// shrink has evaluations look at fewer columns, once screening has put most of them to
// sleep.
func (m *Model) shrink(features uint64) {
	awake := len(m.b) - countTrue(m.asleep)
	before := len(m.b)
	if m.alive != nil {
		before = len(m.alive)
	}
	if awake > before/3 {
		return
	}
	m.alive = append(m.alive[:0], -1)[:0]
	m.keys = append(m.keys, features+keyAlive)
	for j, asleep := range m.asleep {
		if !asleep {
			m.alive = append(m.alive, j)
			m.keys = append(m.keys, uint64(j))
		}
	}
}

// Pull adds up what the parts emitted, in their order, and solves the block.
func (m *Model) Pull(blocks []algos.Block, emitted [][]float64) {
	if len(blocks[0].Work()) == 0 {
		m.retreated = false
		return
	}
	if m.published != nil {
		m.pullPublished(blocks[0], emitted)
		return
	}
	k := len(m.block)
	mass, r1, z, center := m.sums(emitted)
	q := m.store.quadratic(m, emitted, mass, z, center)
	b := make([]float64, k)
	for i, j := range m.block {
		b[i] = m.b[j]
	}
	m.Updates += int64(k)
	m.learned.block(k, m.store.kind == keyColumns)
	m.solver.Solve(q, b, m.blockUnits(), m.penalty(m.lambda), m.accuracy)
	m.undo.begin(m)
	shift, before := 0.0, m.b0
	for i, j := range m.block {
		if b[i] != m.b[j] {
			if m.predicted != nil {
				m.predicted.add(m.store.columns[i], (b[i]-m.b[j])/m.scale[j])
			}
			shift += (b[i] - m.b[j]) * center[i] / m.scale[j]
			m.undo.keep(j, m.b[j])
			m.change(j, b[i])
		}
	}
	if m.Loss == Logistic && m.Intercept {
		m.b0 += r1/mass - shift
		m.freshB0 = true
	}
	if m.predicted != nil {
		m.predicted.put(m.b0 - before)
	}
	m.intercept.Put(0, []float64{m.offset()})
}

// change gives a coefficient a new value, for everybody.
func (m *Model) change(j int, b float64) {
	m.b[j] = b
	m.fresh = append(m.fresh, j)
	m.weights.Put(j, []float64{b / m.scale[j]})
}

// head is how many sums every block gives.
func (m *Model) head() int {
	if m.Loss == Squared {
		return 2 + len(m.block)
	}
	return 2 + 2*len(m.block)
}

// sums is the sums over the parts that every block gives: of h and r over the rows,
// the slopes z of the block's columns, centred and scaled, and their centers.
func (m *Model) sums(emitted [][]float64) (mass, r1 float64, z, center []float64) {
	k, head := len(m.block), m.head()
	total := make([]float64, head)
	for _, part := range emitted {
		for i, v := range part[:min(head, len(part))] {
			total[i] += v
		}
	}
	mass, r1, z, center = total[0], total[1], total[2:2+k], make([]float64, k)
	for i, j := range m.block {
		switch {
		case !m.Intercept || m.square[j] == 0: // a column that is constant is one of zeros
		case m.Loss == Squared:
			center[i] = m.mean[j]
		default:
			center[i] = total[2+k+i] / mass
		}
		if z[i] = (z[i] - center[i]*r1) / m.scale[j]; m.square[j] == 0 {
			z[i] = 0
		}
	}
	return mass, r1, z, center
}

// blockUnits is the ends of the groups in the block.
func (m *Model) blockUnits() (ends []int) {
	if m.Groups == nil {
		return nil
	}
	end := 0
	for _, c := range m.ranked {
		lo, hi := m.unit(c.unit)
		end += hi - lo
		ends = append(ends, end)
	}
	return ends
}

// undo is what the last pull changed, in case the objective rose, as it may where the
// loss is not squared.
type undo struct {
	columns []int
	values  []float64
	b0      float64
}

func (u *undo) begin(m *Model) {
	u.columns, u.values, u.b0 = u.columns[:0], u.values[:0], m.b0
	if m.predicted != nil {
		m.predicted.begin()
	}
}

func (u *undo) keep(j int, b float64) {
	u.columns, u.values = append(u.columns, j), append(u.values, b)
}

// retreat goes half the way back if the objective has risen.
func (m *Model) retreat(objective float64) {
	risen := objective > m.last*(1+1e-12)
	m.last = objective
	if m.Loss == Squared || !risen || len(m.undo.columns) == 0 {
		return
	}
	for i, j := range m.undo.columns {
		m.change(j, (m.b[j]+m.undo.values[i])/2)
	}
	m.b0, m.freshB0 = (m.b0+m.undo.b0)/2, true
	if m.predicted != nil {
		m.predicted.retreat()
	}
	m.intercept.Put(0, []float64{m.offset()})
	m.last, m.retreated = math.Inf(1), true
}
