package descent

import (
	"math"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/algos/schedule"
	"petuum/consistency"
	"petuum/table"
)

// published is how blocks are chosen and pulled with the schedules of the papers. Each
// coefficient of a block takes the step that is best for it alone, by the slope at which
// the block found it; only "exact" solves its blocks. Several rounds may be in flight:
// a pull knows its block by what was sent.
type published struct {
	schedule.Schedule
	exact   bool
	checked bool
	kind    uint64 // what blocks ask for
	outcome schedule.Outcome
	next    []int
	steps   []float64
	keep    []bool
	promise []float64
	s       *algos.Scheduler
	knows   consistency.Clock // the first round whose slopes know of the last step of the intercept
}

const (
	aBlock      = 32    // coefficients, where each steps by itself,
	exactBlock  = 256   // and where the block is solved
	perExact    = 4     // most rounds of solved blocks between evaluations
	blockSolved = 1e-10 // how far blocks are solved, relative to L1
)

// Published reports whether the schedule is one of the papers'.
func (s *Settings) Published() bool { return s.Kind != "" && s.Kind != "auto" }

// BlockSize is the most coefficients of a round of such a schedule.
func (s *Settings) BlockSize(features uint64) int {
	size := s.Block
	switch {
	case size > 0:
	case s.Kind == "exact":
		size = exactBlock
	default:
		size = aBlock
	}
	return int(min(uint64(size), features))
}

// ClocksPerEpoch is the rounds between evaluations: one of a working set, else those in
// which each coefficient could have its turn.
func (s *Settings) ClocksPerEpoch(d dataset.Info) int {
	if !s.Published() {
		return 1
	}
	size := uint64(s.BlockSize(d.Features))
	rounds := int((d.Features + size - 1) / size)
	if s.Kind == "exact" {
		rounds = min(rounds, perExact)
	}
	return rounds
}

// Window is the most rounds in flight: one where a round solves a problem that begins
// where the last one ended, and one where blocks are kept from interfering, which says
// nothing of those in other rounds.
func (s *Settings) Window() int {
	if s.Published() && s.Kind != "checked" && s.Kind != "exact" {
		return algos.MaxWindow
	}
	return 1
}

// publish makes the schedule.
func (m *Model) publish(on *algos.Scheduler) error {
	features := on.Info.Features
	o := schedule.Options{Kind: m.Kind, Variables: int(features), Block: m.BlockSize(features), Priority: m.Priority, Rho: m.Rho, Seed: m.Seed}
	s, err := schedule.New(o)
	if err == nil && m.Schedulers > 1 {
		s, err = schedule.NewRanges(o, m.Schedulers, true)
	}
	if err != nil {
		return err
	}
	m.published = &published{Schedule: s, exact: m.Kind == "exact", kind: keyNothing, s: on}
	if m.published.checked = m.Kind == "checked"; m.published.checked || m.published.exact {
		m.published.kind = keyGram
	}
	return nil
}

// curve is a bound on the curvature of coefficient j, L2 included.
func (m *Model) curve(j int, pen Penalty) float64 { return m.Loss.smooth()*m.square[j] + pen.L2 }

// alone is the step that is best for coefficient j alone with slope z, and how far the
// objective falls by it.
func (m *Model) alone(j int, z float64, pen Penalty) (step, promised float64) {
	curve := m.curve(j, pen)
	if m.square[j] == 0 || !(curve > 0) {
		return 0, 0
	}
	b := m.b[j]
	z -= pen.L2 * b
	to := table.SoftThreshold(z+curve*b, pen.L1) / curve
	step = to - b
	return step, z*step - curve/2*step*step - pen.L1*(math.Abs(to)-math.Abs(b))
}

// survey tells the schedule what each coefficient promises.
func (m *Model) survey() {
	p, pen := m.published, m.penalty(m.goal)
	if p.promise == nil {
		p.promise = make([]float64, len(m.b))
	}
	for j := range p.promise {
		step, _ := m.alone(j, m.z[j], pen)
		p.promise[j] = math.Abs(step) * math.Sqrt(m.square[j])
	}
	p.Renew(p.promise)
}

// ask appends the block of a round of the schedule to what is sent.
func (m *Model) ask(features uint64) {
	p := m.published
	if p.next = p.Next(p.next[:0]); len(p.next) == 0 {
		return
	}
	m.keys = append(m.keys, features+p.kind)
	for _, j := range p.next {
		m.keys = append(m.keys, uint64(j))
	}
}

// pullPublished takes the steps of a block of the schedule.
func (m *Model) pullPublished(b algos.Block, emitted [][]float64) {
	p, pen := m.published, m.penalty(m.goal)
	m.block, m.known = m.block[:0], 0
	for _, key := range b.Work()[1:] {
		m.block = append(m.block, int(key))
	}
	mass, r1, z, center := m.sums(emitted)
	o := &p.outcome
	*o = schedule.Outcome{Variables: m.block, Change: o.Change[:0], Value: o.Value[:0]}
	if p.exact {
		m.Updates += int64(len(m.block))
		m.pullExact(emitted, mass, z, center, pen)
	} else {
		m.pullSteps(emitted, mass, z, center, pen)
	}
	shift := 0.0
	for i, j := range m.block {
		step := p.steps[i]
		o.Change = append(o.Change, math.Abs(step)*math.Sqrt(m.square[j]))
		if step != 0 && (o.Left == nil || !o.Left[i]) {
			m.change(j, m.b[j]+step)
			shift += step * center[i] / m.scale[j]
		}
		o.Value = append(o.Value, m.b[j]*math.Sqrt(m.square[j]))
	}
	if m.Loss == Logistic && m.Intercept {
		m.moveIntercept(r1, shift)
	}
	m.intercept.Put(0, []float64{m.offset()})
	p.Done(*o)
}

// moveIntercept takes the step of the intercept that the sum r1 of the slopes demands,
// less shift. What r1 demands it does in all rounds in flight, so one step answers all.
func (m *Model) moveIntercept(r1, shift float64) {
	if p := m.published; p.s.Round >= p.knows {
		m.b0 += r1 / (m.n * m.Loss.smooth())
		p.knows = p.s.Round + consistency.Clock(p.s.InFlight) + 1
	}
	m.b0 -= shift
	m.freshB0 = true
}

// pullExact solves the block.
func (m *Model) pullExact(emitted [][]float64, mass float64, z, center []float64, pen Penalty) {
	p := m.published
	p.steps = p.steps[:0]
	to := make([]float64, len(m.block))
	for i, j := range m.block {
		to[i] = m.b[j]
	}
	q := m.products(emitted, mass, z, center)
	m.solver.Solve(q, to, nil, pen, blockSolved)
	for i, j := range m.block {
		p.steps = append(p.steps, to[i]-m.b[j])
	}
}

// products is the block's problem where parts emitted all products.
func (m *Model) products(emitted [][]float64, mass float64, z, center []float64) *Gram {
	m.store.kind = keyGram
	m.store.takeGram(m) // of which nothing is known: it makes room
	return m.store.quadratic(m, emitted, mass, z, center).(*Gram)
}

// pullSteps has each coefficient step by itself, but for those that the schedule leaves
// out because of what they have to do with each other.
func (m *Model) pullSteps(emitted [][]float64, mass float64, z, center []float64, pen Penalty) {
	p, o := m.published, &m.published.outcome
	p.steps, p.keep = p.steps[:0], p.keep[:0]
	promised := make([]float64, len(m.block))
	for i, j := range m.block {
		step, by := m.alone(j, z[i], pen)
		p.steps = append(p.steps, step)
		promised[i] = by
	}
	if !p.checked {
		m.Updates += int64(len(m.block))
		return
	}
	g := m.products(emitted, mass, z, center)
	k := len(m.block)
	o.Correlation = func(a, b int) float64 {
		if scale := math.Sqrt(g.Curve(a) * g.Curve(b)); scale > 0 {
			return g.g[a*k+b] / scale
		}
		return 0
	}
	rho, most := p.Schedule.(schedule.Checker).Check(m.block)
	p.keep = schedule.Independent(p.keep, k, most, rho, o.Correlation)
	o.Left = make([]bool, k)
	for i, kept := range p.keep {
		if o.Left[i] = !kept; !kept {
			continue
		}
		m.Updates++
		o.Promised += promised[i]
		o.Gained += promised[i]
		for l := range i {
			if p.keep[l] {
				o.Gained -= p.steps[i] * p.steps[l] * g.g[i*k+l]
			}
		}
	}
}
