package wire

const (
	largeBody = 64 << 10 // from here on a body has a buffer of its own
	keepFree  = 4        // buffers kept for large bodies
	keepArena = 4 << 20  // a larger arena is not kept
)

// A queue holds what Send was given and the writer has not taken. Small bodies
// lie one after the other in an arena, so that queueing one allocates nothing;
// large ones have buffers that come back when they are written.
type queue struct {
	items []item
	arena []byte
	bytes int64
	free  [][]byte // buffers for large bodies
}

// An item is one frame to be sent.
type item struct {
	kind  Kind
	large []byte // the body; nil: it is in the arena
	end   int    // of the body in the arena, where the next one begins
}

func (q *queue) push(kind Kind, body []byte) {
	q.arena = append(q.arena, body...)
	q.items = append(q.items, item{kind: kind, end: len(q.arena)})
	q.bytes += int64(len(body))
}

func (q *queue) pushLarge(kind Kind, body []byte) {
	q.items = append(q.items, item{kind: kind, large: body, end: len(q.arena)})
	q.bytes += int64(len(body))
}

// swap returns what is queued and goes on with the empty items and arena given.
func (q *queue) swap(items []item, arena []byte) ([]item, []byte) {
	items, q.items = q.items, items
	arena, q.arena = q.arena, arena
	q.bytes = 0
	return items, arena
}

// reuse returns an empty buffer for n bytes, or nil if there is none.
func (q *queue) reuse(n int) []byte {
	for i, b := range q.free {
		if cap(b) >= n {
			last := len(q.free) - 1
			q.free[i] = q.free[last]
			q.free[last] = nil
			q.free = q.free[:last]
			return b[:0]
		}
	}
	return nil
}

// recycle takes back the buffer of a large body. Of too many the newest stays,
// so that buffers follow the sizes that are in use.
func (q *queue) recycle(b []byte) {
	switch {
	case cap(b) > keepBuffer:
	case len(q.free) < keepFree:
		q.free = append(q.free, b)
	default:
		copy(q.free, q.free[1:])
		q.free[keepFree-1] = b
	}
}
