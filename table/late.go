package table

import (
	"fmt"
	"strings"

	"petuum/consistency"
	"petuum/table/kernel"
)

// Late says how much an update of an optimiser counts (Jiang et al., SIGMOD 2017):
// what a slow origin computed from old values, and adds to new ones, should change
// them less.
//
// Under LateDyn an update counts 1/(1+d), where d is by how many clocks it is late.
// Let newest be the highest clock that any other origin has finished. An update
// whose part worked on values with newest a, and which arrives at newest b, has
//
//	d = max(0, b - a - 1)
//
// The 1 is the clock that others finish while the part works on its own: who is as
// fast as the others is not late. So under BSP, where all begin a clock with the
// same a and none is ahead by more than one, every update counts 1 in whatever order
// they come, and so does every update of a job of one origin, which has no others.
// An origin that is behind the fastest by k clocks when it hands in what it began
// together with it is late by k-1. Each shard counts by the origins' clocks as it
// knows them: what was sent again after a loss counts by when it arrived at last.
type Late uint8

// The weights of updates. The zero value is LateAdd.
const (
	LateAdd  Late = iota // every update counts 1
	LateMean             // 1/M, for M origins on the roster, also those that have finished
	LateDyn              // 1/(1+d)
)

var lateNames = [...]string{"add", "mean", "dyn"}

// String is the weight as ParseLate takes it.
func (l Late) String() string {
	if int(l) < len(lateNames) {
		return lateNames[l]
	}
	return fmt.Sprintf("Late(%d)", uint8(l))
}

// LateNames lists what ParseLate takes.
func LateNames() []string { return lateNames[:] }

// ParseLate reads the name of a weight of updates.
func ParseLate(name string) (Late, error) {
	for l, n := range lateNames {
		if n == name {
			return Late(l), nil
		}
	}
	return 0, fmt.Errorf("%q is none of %s", name, strings.Join(lateNames[:], ", "))
}

// checkLate reports which tables cannot weight updates.
func (s Spec) checkLate() error {
	switch {
	case int(s.Late) >= len(lateNames):
		return fmt.Errorf("unknown weight %d of late updates", s.Late)
	case s.Late == LateAdd:
		return nil
	case s.Type == Int32:
		return fmt.Errorf("late %s: whole numbers are not weighted", s.Late)
	case s.Rule.preview():
		return fmt.Errorf("late %s: rule %s shows a part its own updates at once, as they are: only the gradients of an optimiser are weighted", s.Late, s.Rule)
	case s.Rule.kind == ruleAggregate:
		return fmt.Errorf("late %s: rule %s keeps the sum of what each origin sent, which weights would falsify", s.Late, s.Rule)
	}
	return nil
}

// countsLate reports whether a table of a job needs to know what values an update
// was based on.
func countsLate(specs []Spec) bool {
	for _, s := range specs {
		if s.Late == LateDyn {
			return true
		}
	}
	return false
}

// newest is the highest clock that an origin other than o has finished, of those
// that count; without others it is the beginning.
func (s *Shard) newest(o consistency.Origin) consistency.Clock {
	newest := consistency.Beginning
	for _, other := range s.vector.Origins() {
		if c, _ := s.vector.Clock(other); other != o {
			newest = max(newest, c)
		}
	}
	return newest
}

// weight is what an update of origin o counts in a table, of values with newest
// clock based.
func (s *Shard) weight(table int, o consistency.Origin, based consistency.Clock) float64 {
	switch s.specs[table].Late {
	case LateMean:
		return 1 / float64(max(len(s.sessions), 1))
	case LateDyn:
		if newest := s.newest(o); !s.o.Policy.Synchronous() && newest > consistency.Beginning && based < newest-1 {
			return 1 / (1 + float64(newest-1) - float64(based))
		}
	}
	return 1
}

// weighted appends the values of an update, times weight, to room.
func (s *store[T]) weighted(values []byte, weight float64, room []byte) (scaled, after []byte) {
	u := kernel.Values(values, len(values)/s.spec.Type.Size(), &s.buf)
	s.scaled = append(s.scaled[:0], u...)
	for i := range s.scaled {
		s.scaled[i] = T(weight * float64(s.scaled[i]))
	}
	first := len(room)
	room = kernel.Append(room, s.scaled)
	return room[first:len(room):len(room)], room
}
