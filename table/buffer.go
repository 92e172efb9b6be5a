package table

import (
	"sync"
	"sync/atomic"
)

// A Buffer holds an encoded message. Its maker gives it to a [Sender] or [Reply]
// and takes its memory back when everybody who wants the bytes has released it.
// Until then they do not change.
type Buffer struct {
	Bytes []byte
	refs  atomic.Int32
	home  *buffers
}

// Retain keeps the bytes as they are until one more Release. Any goroutine that
// was given the buffer may call it before it returns.
func (b *Buffer) Retain() { b.refs.Add(1) }

// Release ends what one Retain began; any goroutine may call it.
func (b *Buffer) Release() {
	if b.refs.Add(-1) == 0 {
		b.home.put(b)
	}
}

// buffers are those that nobody uses.
type buffers struct {
	mu   sync.Mutex
	free []*Buffer // the one released last is at the end: its memory is the warmest
}

// get returns an empty buffer that the caller has to release.
func (p *buffers) get() *Buffer {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.free) - 1
	if last < 0 {
		b := &Buffer{home: p}
		b.refs.Store(1)
		return b
	}
	b := p.free[last]
	p.free[last] = nil
	p.free = p.free[:last]
	b.refs.Store(1)
	b.Bytes = b.Bytes[:0]
	return b
}

func (p *buffers) put(b *Buffer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, b)
}
