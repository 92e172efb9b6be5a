package wire

import "sync"

// keepFrames is how many bodies of one connection may outlive their calls at a time.
const keepFrames = 4

// kept is a body that outlives the call of the function given to Serve.
type kept struct {
	home *keeper
	buf  []byte // the body's memory until Release, then room for another
}

// A keeper is the memory of bodies that are kept.
type keeper struct {
	mu   sync.Mutex
	out  int     // how many are kept; protected by mu
	free []*kept // protected by mu
}

// Keep lets body, which the function given to Serve was called with, stay as it is
// until the owner that it returns is released. Only that function may call it, once
// for each body. It returns nil for bodies that are small, and while several are
// kept already: then body must be done with when the function returns.
func (c *Conn) Keep(body []byte) Owner {
	var at *[]byte // where Serve will want room for the next one
	switch {
	case begins(c.dec.body, body):
		at = &c.dec.body
	case begins(c.dec.raw, body):
		at = &c.dec.raw
	default:
		return nil
	}
	k := c.kept.take()
	if k == nil {
		return nil
	}
	k.buf, *at = *at, k.buf[:0]
	return k
}

// begins says whether part lies at the beginning of the memory of all.
func begins(all, part []byte) bool {
	return cap(all) > 0 && cap(part) > 0 && &all[:1][0] == &part[:1][0]
}

func (p *keeper) take() *kept {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.out == keepFrames {
		return nil
	}
	p.out++
	last := len(p.free) - 1
	if last < 0 {
		return &kept{home: p}
	}
	k := p.free[last]
	p.free = p.free[:last]
	return k
}

// Release ends the use of the body.
func (k *kept) Release() {
	if cap(k.buf) > keepBuffer {
		k.buf = nil
	}
	k.home.mu.Lock()
	defer k.home.mu.Unlock()
	k.home.out--
	k.home.free = append(k.home.free, k)
}
