package algos

import (
	"fmt"

	"petuum/consistency"
	"petuum/table/kernel"
)

// MaxSum is the most elements that a sum of an evaluation may have.
const MaxSum = 1 << 31

// Gather adds up the evaluations of the parts in the order of parts, whatever the order
// in which they come, so that the sums are the same each time. Long sums come in
// pieces; of the part whose turn it is they are added where they belong at once, of
// others they are kept. The lowest part that has not ended has its turn:
//
//	part    0      1      2        3
//	      ended  ended  its turn  kept
type Gather struct {
	total *Eval
	turn  int
	parts []gathered
	spare []*Eval // of evaluations before this one: the memory of sums
}

// gathered is what has come of a part.
type gathered struct {
	kept  *Eval          // nil: nothing
	got   map[string]int // elements of sums in pieces
	ended bool
}

// NewGather gathers an evaluation of so many parts.
func NewGather(clock consistency.Clock, parts int) *Gather {
	return &Gather{total: NewEval(clock), parts: make([]gathered, parts)}
}

// Next gathers the next evaluation, in the memory of this one: the sums of its total are
// no longer good.
func (g *Gather) Next(clock consistency.Clock) *Gather {
	next := NewGather(clock, len(g.parts))
	next.total, next.spare = g.total.reset(clock), g.spare
	return next
}

// room is an evaluation to keep sums in.
func (g *Gather) room(clock consistency.Clock) *Eval {
	if n := len(g.spare); n > 0 {
		e := g.spare[n-1]
		g.spare = g.spare[:n-1]
		return e.reset(clock)
	}
	return NewEval(clock)
}

func (g *Gather) check(part int, clock consistency.Clock) error {
	if part < 0 || part >= len(g.parts) || g.parts[part].ended || clock != g.total.Clock {
		return fmt.Errorf("algos: an evaluation of part %d at clock %d: each of %d parts was to send one of clock %d", part, clock, len(g.parts), g.total.Clock)
	}
	return nil
}

// Piece takes elements of a sum of n, those from at on. The pieces of a sum of a part come
// in their order.
func (g *Gather) Piece(part int, clock consistency.Clock, name string, n, at int, values []float64) error {
	if err := g.check(part, clock); err != nil {
		return err
	}
	p := &g.parts[part]
	if p.got == nil {
		p.got = map[string]int{}
	}
	if got := p.got[name]; at != got || at+len(values) > n || n > MaxSum {
		return fmt.Errorf("algos: evaluation: part %d sent elements %d to %d of %d of %q after %d", part, at, at+len(values), n, name, got)
	}
	into := g.total
	if part != g.turn {
		if p.kept == nil {
			p.kept = g.room(clock)
		}
		into = p.kept
	}
	if sum, ok := into.sums[name]; ok && len(sum) != n {
		return lengths(name, len(sum), n)
	}
	p.got[name] += len(values)
	kernel.Add(into.Into(name, n)[at:at+len(values)], values)
	return nil
}

func lengths(name string, a, b int) error {
	return fmt.Errorf("algos: evaluation: %q has %d elements in one part and %d in another", name, a, b)
}

// End takes the rest of a part's evaluation, with what did not come in pieces.
func (g *Gather) End(part int, e *Eval) error {
	if err := g.check(part, e.Clock); err != nil {
		return err
	}
	p := &g.parts[part]
	for name, got := range p.got {
		if n := len(g.holder(part).sums[name]); n != got {
			return fmt.Errorf("algos: evaluation: part %d sent %d of %d elements of %q", part, got, n, name)
		}
		if _, ok := e.sums[name]; ok {
			return fmt.Errorf("algos: evaluation: part %d sent %q in pieces and again as a whole", part, name)
		}
	}
	p.ended = true
	switch {
	case part == g.turn:
		if err := g.total.Merge(e); err != nil {
			return err
		}
		return g.advance()
	case p.kept == nil:
		p.kept = e
	default:
		return p.kept.Merge(e)
	}
	return nil
}

// holder is where the sums of a part in pieces are.
func (g *Gather) holder(part int) *Eval {
	if part == g.turn {
		return g.total
	}
	return g.parts[part].kept
}

// advance gives the turn to the next part that has not ended, with what was kept.
func (g *Gather) advance() error {
	for g.turn < len(g.parts) && g.parts[g.turn].ended {
		if g.turn++; g.turn == len(g.parts) {
			return nil
		}
		if p := &g.parts[g.turn]; p.kept != nil {
			if err := g.total.Merge(p.kept); err != nil {
				return err
			}
			if p.got != nil { // else it is the caller's, of which there would be more each time
				g.spare = append(g.spare, p.kept)
			}
			p.kept = nil
		}
	}
	return nil
}

// Total is the evaluation of all parts, once all have ended.
func (g *Gather) Total() (*Eval, error) {
	if g.turn < len(g.parts) {
		return nil, fmt.Errorf("algos: evaluation: part %d has not ended", g.turn)
	}
	return g.total, nil
}
