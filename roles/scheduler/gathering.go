package scheduler

import (
	"errors"
	"sync"

	"petuum/algos"
	"petuum/consistency"
	"petuum/roles/control"
)

// gathering is the evaluation that comes in. Pieces of long sums are added up by whoever
// reads a connection, from where they were read to.
type gathering struct {
	mu sync.Mutex
	g  *algos.Gather // guarded by mu; nil: nothing is due

	last *algos.Gather // the one before; its memory is used again
}

func (g *gathering) begin(clock consistency.Clock, parts int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.last == nil {
		g.g = algos.NewGather(clock, parts)
	} else {
		g.g = g.last.Next(clock)
	}
}

var errNotDue = errors.New("an evaluation that was not asked for")

func (g *gathering) piece(body []byte, buf *[]float64) error {
	p, err := control.ReadPiece(body, buf)
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.g == nil {
		return errNotDue
	}
	return g.g.Piece(p.Part, p.Clock, p.Name, p.Len, p.At, p.Values)
}

func (g *gathering) end(part int, e *algos.Eval) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.g.End(part, e)
}

func (g *gathering) total() (*algos.Eval, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	e, err := g.g.Total()
	g.last, g.g = g.g, nil
	return e, err
}
