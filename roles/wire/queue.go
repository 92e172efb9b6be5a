package wire

const (
	largeBody  = 64 << 10  // from here on a body has a buffer of its own
	keepLarge  = 4         // such buffers kept for the next ones
	chunkSize  = 128 << 10 // small bodies share buffers of this size
	keepChunks = 16        // of which so many are kept
)

// A queue holds what Send was given and the writer has not taken. Small bodies
// share chunks, large ones have buffers of their own; both come back as soon as
// they are written, so that a steady stream allocates nothing and stays in the
// CPU's cache, however long the queue once was.
type queue struct {
	items  []item
	chunk  []byte // the newest small bodies
	bytes  int64  // of all bodies
	chunks [][]byte
	larges [][]byte
}

// An item is one frame to be sent.
type item struct {
	kind Kind
	body []byte
	tail []byte // of the body: what its owner keeps until it is written
	done []byte // the buffer to be given back after this item: body's own, or a chunk it is the last of

	owner Owner // of tail

	sealed bool // header is made: the body goes as it is
	header [plainHeader]byte
}

// push queues a copy of a small body.
func (q *queue) push(kind Kind, body []byte) {
	if len(q.chunk)+len(body) > cap(q.chunk) {
		q.closeChunk()
		q.chunk = q.newChunk()
	}
	start := len(q.chunk)
	q.chunk = append(q.chunk, body...)
	q.items = append(q.items, item{kind: kind, body: q.chunk[start:]})
	q.bytes += int64(len(body))
}

// pushOwned queues a body of which all but the head stays with its owner.
func (q *queue) pushOwned(kind Kind, head, tail []byte, owner Owner, header []byte) {
	q.push(kind, head)
	it := &q.items[len(q.items)-1]
	it.tail, it.owner = tail, owner
	it.sealed = copy(it.header[:], header) > 0
	q.bytes += int64(len(tail))
}

// pushLarge queues a body in a buffer of its own.
func (q *queue) pushLarge(kind Kind, body []byte) {
	q.closeChunk() // it is given back with its last item, which must not be this one
	q.items = append(q.items, item{kind: kind, body: body, done: body})
	q.bytes += int64(len(body))
}

// closeChunk leaves the chunk in use to its last item. A large body is never
// the last item while there is one.
func (q *queue) closeChunk() {
	if q.chunk != nil {
		q.items[len(q.items)-1].done = q.chunk
		q.chunk = nil
	}
}

func (q *queue) newChunk() []byte {
	last := len(q.chunks) - 1
	if last < 0 {
		return make([]byte, 0, chunkSize)
	}
	c := q.chunks[last]
	q.chunks[last] = nil
	q.chunks = q.chunks[:last]
	return c[:0]
}

// swap returns what is queued and goes on with the empty items given.
func (q *queue) swap(empty []item) []item {
	q.closeChunk()
	full := q.items
	q.items, q.bytes = empty, 0
	return full
}

// reuse returns an empty buffer for n bytes of a large body, or nil.
func (q *queue) reuse(n int) []byte {
	for i, b := range q.larges {
		if cap(b) >= n {
			last := len(q.larges) - 1
			q.larges[i] = q.larges[last]
			q.larges[last] = nil
			q.larges = q.larges[:last]
			return b[:0]
		}
	}
	return nil
}

// recycle takes back what item.done named. Of too many large buffers the newest
// stay, so that they follow the sizes in use.
func (q *queue) recycle(b []byte, large bool) {
	switch {
	case !large && len(q.chunks) < keepChunks:
		q.chunks = append(q.chunks, b)
	case !large, cap(b) > keepBuffer:
	case len(q.larges) < keepLarge:
		q.larges = append(q.larges, b)
	default:
		copy(q.larges, q.larges[1:])
		q.larges[keepLarge-1] = b
	}
}
