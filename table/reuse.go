package table

import "slices"

// A stream re-holds its view with another set every clock. What one set leaves, the
// next one takes: at most maxSpare of them wait, which is more than are on their way
// at a time, and none that is so large that it would better be given back.
const (
	maxSpare  = 4
	maxReused = 1 << 20 // keys
)

// spareHolds are the shard's holds that were dropped, and their lists, for their
// memory, and where a message's keys are read.
type spareHolds struct {
	holds []*hold
	lists [][]uint32
	keys  []uint64
}

// newHold makes a hold.
func (s *spareHolds) newHold() *hold {
	last := len(s.holds) - 1
	if last < 0 {
		return &hold{}
	}
	h := s.holds[last]
	s.holds, *h = s.holds[:last], hold{}
	return h
}

// resolve resolves a hold with the memory of an earlier list.
func (s *spareHolds) resolve(st rows, h *hold, set Set) {
	if last := len(s.lists) - 1; last >= 0 {
		h.rows.list, s.lists = s.lists[last], s.lists[:last]
	}
	room := h.rows.list
	if st.resolve(h, set); h.rows.list == nil {
		s.addList(room)
	}
}

func (s *spareHolds) addList(list []uint32) {
	if list != nil && len(s.lists) < maxSpare && cap(list) <= maxReused {
		s.lists = append(s.lists, list)
	}
}

// add takes a hold that its client has dropped: nobody refers to it but, where it
// is exclusive, those who wait for their turn.
func (s *spareHolds) add(h *hold) {
	if h.turn > 0 {
		return
	}
	s.addList(h.rows.list)
	if h.known, h.rows.list = nil, nil; len(s.holds) < maxSpare {
		s.holds = append(s.holds, h)
	}
}

// lent is the memory of a view that its held set still had to send.
type lent[T Elem] struct {
	acc   []T
	marks bitset
}

// recycled is a held set of the table that was dropped, cleared but for its memory,
// or a new one.
func recycled[T Elem](c *Client, table int) *heldSet[T] {
	i := slices.IndexFunc(c.spare, func(r replica) bool { t, _ := r.hold(); return t == table })
	if i < 0 {
		return &heldSet[T]{}
	}
	old := c.spare[i].(*heldSet[T])
	last := len(c.spare) - 1
	c.spare[i], c.spare[last] = c.spare[last], nil
	c.spare = c.spare[:last]
	for k := range old.segs {
		s := &old.segs[k]
		*s = segment[T]{layers: s.layers[:0]}
	}
	room := old.room
	if old.acc != nil {
		room = lent[T]{old.acc, old.marks}
	}
	*old = heldSet[T]{base: old.base, segs: old.segs, room: room, views: old.views[:0],
		owed: old.owed, kept: old.kept, positions: old.positions, buf: old.buf, exactly: old.exactly, spare: old.spare}
	return old
}

// reuse keeps a held set that was dropped.
func (c *Client) reuse(r replica, keys int) {
	if len(c.spare) < maxSpare && keys <= maxReused {
		c.spare = append(c.spare, r)
	}
}
