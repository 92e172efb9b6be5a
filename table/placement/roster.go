// Package placement says who counts and who holds what: the [Roster] lists the
// origins whose updates shards wait for, the [Placement] the seat of the server
// that holds each shard. The scheduler issues both with a generation; a message
// of an older generation is refused. Everything here is a pure value: the same
// arguments give the same answer in every process.
package placement

import (
	"fmt"
	"slices"

	"petuum/consistency"
)

// Entry is an origin that counts and the clock it starts from.
type Entry struct {
	Origin consistency.Origin `json:"origin"`
	Start  consistency.Clock  `json:"start"`
}

// Roster lists the origins that count, in ascending order. Rosters are
// immutable: each change makes one of the next generation.
type Roster struct {
	Generation uint32  `json:"generation"`
	Origins    []Entry `json:"origins"`
}

// NewRoster is generation 1, with origins 0 to n-1 at clock 0.
func NewRoster(n int) Roster {
	r := Roster{Generation: 1}
	for o := range n {
		r.Origins = append(r.Origins, Entry{Origin: consistency.Origin(o)})
	}
	return r
}

// From is the roster of a job that goes on at a clock: all its origins start there.
func (r Roster) From(start consistency.Clock) Roster {
	r.Origins = slices.Clone(r.Origins)
	for i := range r.Origins {
		r.Origins[i].Start = start
	}
	return r
}

// Has reports whether o counts, and its start.
func (r Roster) Has(o consistency.Origin) (consistency.Clock, bool) {
	for _, e := range r.Origins {
		if e.Origin == o {
			return e.Start, true
		}
	}
	return 0, false
}

// Enter adds a newcomer. min is the highest minimum that any shard has reached:
// the newcomer starts one after it, since readers were promised every update
// before min.
func (r Roster) Enter(o consistency.Origin, min consistency.Clock) (Roster, error) {
	if _, ok := r.Has(o); ok {
		return r, fmt.Errorf("placement: origin %d is on the roster already", o)
	}
	next := r.next()
	next.Origins = append(next.Origins, Entry{Origin: o, Start: min + 1})
	slices.SortFunc(next.Origins, func(a, b Entry) int { return int(a.Origin) - int(b.Origin) })
	return next, nil
}

// Leave takes an origin off.
func (r Roster) Leave(o consistency.Origin) (Roster, error) {
	if _, ok := r.Has(o); !ok {
		return r, fmt.Errorf("placement: origin %d is not on the roster", o)
	}
	next := r.next()
	next.Origins = slices.DeleteFunc(next.Origins, func(e Entry) bool { return e.Origin == o })
	return next, nil
}

// Move keeps the origins and begins a new generation: one of them is served by
// another process now, and what the old process still sends must be refused.
func (r Roster) Move() Roster { return r.next() }

func (r Roster) next() Roster {
	return Roster{Generation: r.Generation + 1, Origins: slices.Clone(r.Origins)}
}
