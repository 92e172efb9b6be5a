package descent

import (
	"fmt"

	"petuum/algos/schedule"
)

// learned is what happened, for people.
type learned struct {
	rounds, asColumns int
	least, most       int // coefficients of a block
}

func (l *learned) block(k int, asColumns bool) {
	if l.rounds++; l.rounds == 1 {
		l.least = k
	}
	l.least, l.most = min(l.least, k), max(l.most, k)
	if asColumns {
		l.asColumns++
	}
}

// Explain says how the schedule works, before anything is known.
func (s *Settings) Explain(features uint64) []string {
	if !s.Published() {
		return []string{"schedule auto: working sets of coefficients in use and those nearest to it, of which the scheduler solves the whole problem in each round, so that correlated ones cost no more rounds; its sizes follow what is in use"}
	}
	how := "each coefficient of a block takes its step by itself, as if the others of the block stood still"
	switch s.Kind {
	case "exact":
		how = "the problem of a block is solved as one"
	case "checked":
		how = fmt.Sprintf("of 4 times as many candidates those step that correlate by less than %v, as the workers measure it", s.Rho)
	}
	return []string{fmt.Sprintf("schedule %s, as set: blocks of %d; %s", s.Kind, s.BlockSize(features), how)}
}

// Report says what was learned.
func (m *Model) Report() (said []string) {
	say := func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
	if m.published != nil {
		if e, ok := m.published.Schedule.(schedule.Explainer); ok {
			said = e.Explain()
		}
		say("%d coefficients were updated in blocks of up to %d", m.Updates, m.BlockSize(uint64(len(m.b))))
		return said
	}
	l := m.learned
	if l.rounds == 0 {
		return nil
	}
	say("%d rounds with working sets of %d to %d of %d coefficients: %d updates, %d steps of coordinate descent, %d products with a block", l.rounds, l.least, l.most, len(m.b), m.Updates, m.solver.Steps, m.solver.Products)
	switch {
	case l.asColumns == l.rounds:
		say("blocks were known by their columns, which are fewer numbers than the products of all pairs")
	case l.asColumns == 0:
		say("blocks were known by the products of all pairs of columns, which are fewer numbers than the columns or quicker")
	default:
		say("%d blocks were known by their columns, the others by the products of all pairs, whichever were fewer numbers", l.asColumns)
	}
	if clusters, widest := m.solver.Interference(); clusters > 0 {
		say("interference: at the last Newton step, the coefficients in use that correlate by more than %v with another made %d clusters of up to %d, each solved as one", closeBy, clusters, widest)
	}
	if awake := len(m.b) - countTrue(m.asleep); awake < len(m.b) {
		say("screening: %d of %d coefficients were proved to be 0 before the end", len(m.b)-awake, len(m.b))
	}
	return said
}

func countTrue(x []bool) (n int) {
	for _, v := range x {
		if v {
			n++
		}
	}
	return n
}

// Interference is how many clusters of more than one correlated coordinate the last
// Newton step found, and the size of the largest.
func (s *Solver) Interference() (clusters, widest int) {
	for _, c := range s.newton.clusters {
		if len(c.of) > 1 {
			clusters, widest = clusters+1, max(widest, len(c.of))
		}
	}
	return clusters, widest
}
