package table

import (
	"fmt"
	"math"

	"petuum/consistency"
)

// Parsed is a message to a shard of which everything was read that any shard would
// read alike, so that it is read once for all the shards that are sent the same.
// It shares the memory of the message.
type Parsed struct {
	kind   kind
	gen    uint32
	origin uint32
	update updateHead // of an update
	rest   reader     // what follows; it carries the mistake in an update's head
}

// updateHead is what an update begins with.
type updateHead struct {
	clock, floor, based consistency.Clock
	newest              consistency.Clock // see Late; without it, no clock is newer
	sub                 uint32
	last                bool // it ends its clock
	empty               bool // nothing follows: no block, no release
}

// nothing is how an update ends that has no blocks and no releases.
const nothing = "\x00\x00\x00\x00\x00"

// Parse reads the beginning of a message. What is wrong with the rest the shards
// report.
func Parse(msg []byte) (p Parsed, err error) {
	if err := p.read(msg); err != nil {
		return p, fmt.Errorf("table: message: %w", err)
	}
	return p, nil
}

func (p *Parsed) read(msg []byte) error {
	p.rest.b = msg
	r := &p.rest
	p.kind, p.gen, p.origin = r.header()
	if r.err == nil && p.kind == kindUpdate {
		u := &p.update
		u.clock = consistency.Clock(r.varint())
		u.sub = uint32(r.upTo(1<<32-1, "sub"))
		u.floor = consistency.Clock(r.varint())
		u.based = consistency.Clock(r.varint())
		flags := r.upTo(flagsKnown, "flags")
		u.last, u.newest = flags&flagLast != 0, math.MaxInt64
		if flags&flagNewest != 0 {
			u.newest = consistency.Clock(r.varint())
		}
		u.empty = string(r.b) == nothing
		return nil
	}
	return r.err
}

// Origin is whose message it is.
func (p *Parsed) Origin() consistency.Origin { return consistency.Origin(p.origin) }

// Hello reports whether it begins a session on the connection it came by.
func (p *Parsed) Hello() bool { return p.kind == kindHello }

// Addressee says whose client a shard's message is for.
func Addressee(msg []byte) (consistency.Origin, error) {
	r := reader{b: msg}
	_, _, origin := r.header()
	if r.err != nil {
		return 0, fmt.Errorf("table: message: %w", r.err)
	}
	return consistency.Origin(origin), nil
}

// Again reports whether m has the very bytes of before, as messages of a run have:
// not equal ones, but the same memory.
func (m Message) Again(before []byte) bool {
	return len(m.Body) > 0 && len(m.Body) == len(before) && &m.Body[0] == &before[0]
}
