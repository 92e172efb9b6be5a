package table

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"petuum/consistency"
)

// update applies an update, or keeps it for the fold of its clock, and answers
// when its floor is reached.
func (s *Shard) update(o consistency.Origin, ses *session, u *updateHead, r *reader, reply Reply) error {
	if r.err != nil {
		return r.err
	}
	clock, sub, floor, based, last := u.clock, u.sub, u.floor, u.based, u.last
	if clock <= ses.clock || clock == ses.clock+1 && sub < ses.sub {
		s.stats.Duplicates++
		if last {
			s.request(floor, request{origin: o, clock: clock})
			s.release(reply)
		}
		return nil
	}
	if _, ok := s.vector.Clock(o); !ok {
		return errors.New("the origin has left")
	}
	if clock != ses.clock+1 || sub != ses.sub {
		return fmt.Errorf("update (%d, %d) after (%d, %d): one is missing", clock, sub, ses.clock+1, ses.sub)
	}
	var blocks []block
	var released []*hold
	if !u.empty {
		var err error
		if blocks, released, err = s.decode(o, ses, u.newest, r); err != nil {
			return err
		}
	}

	// From here on nothing fails.
	if s.answered && len(blocks) > 0 {
		s.tick()
	}
	s.stats.Updates++
	if lag := clock - 1 - based; based != consistency.Beginning && lag > s.stats.Stalest {
		s.stats.Stalest = lag
	}
	for _, b := range blocks {
		if b.hold.turn == 0 && s.foldsClock(b.hold.table) {
			s.keep(clock, o, b)
		} else {
			s.stores[b.hold.table].begin(clock)
			s.stores[b.hold.table].apply(b.rows, b.values, s.stamp)
			if b.hold.known != nil && s.credits(b.hold.table) {
				s.stores[b.hold.table].credit(b.hold, b.at, b.values)
			}
		}
	}
	// A lease is granted with an answer, which must say that this update is in.
	if last {
		ses.clock, ses.sub = clock, 0
	} else {
		ses.sub++
	}
	for _, h := range released {
		ses.remove(h)
		s.releaseLease(h, reply)
	}
	if !last {
		return nil
	}
	return s.ended(o, ses, clock, floor, reply)
}

// ended follows the update that ends a clock of an origin, and answers it when its
// floor is reached: most often at once, with nobody else to be answered.
func (s *Shard) ended(o consistency.Origin, ses *session, clock, floor consistency.Clock, reply Reply) error {
	if floor > s.vector.Min() {
		s.stats.Held++
	}
	advanced, err := s.vector.Tick(o, clock)
	if err != nil {
		return err // unreachable: the session and the vector move together
	}
	if advanced {
		s.fold()
	}
	q := request{origin: o, clock: clock}
	if s.held.Len() == 0 && floor <= s.vector.Min() {
		s.answer(o, ses, q, reply)
	} else {
		s.held.Add(floor, q)
		s.release(reply)
	}
	if advanced {
		s.answerEagerly(reply)
	}
	return nil
}

// credits reports whether a client itself adds its updates of a table to the
// values that it has.
func (s *Shard) credits(table int) bool { return s.specs[table].credits(s.o.Deterministic) }

// decode checks the whole body of an update before anything is applied.
func (s *Shard) decode(o consistency.Origin, ses *session, newest consistency.Clock, r *reader) ([]block, []*hold, error) {
	sc := &s.scratch
	sc.blocks, sc.rows, sc.values = sc.blocks[:0], sc.rows[:0], sc.values[:0]
	sc.credited = sc.credited[:0]
	var released []*hold
	for range r.u32n(4) {
		h := s.heldBy(ses, r)
		if r.err != nil {
			break
		}
		spec := s.specs[h.table]
		p := r.places(h.rows.n, spec.rowsIn(len(r.b)), &sc.positions)
		var values []byte
		if spec.Lossy() && r.err == nil {
			values, sc.values = s.stores[h.table].unpack(r, p.n, sc.values)
		} else {
			values = r.wire(spec, p.n*spec.width())
		}
		if r.err != nil {
			break
		}
		if spec.integers() {
			values, sc.values = s.stores[h.table].widened(values, p.n, sc.values)
		}
		if weight := s.weight(h.table, o, newest); weight != 1 {
			values, sc.values = s.stores[h.table].weighted(values, weight, sc.values)
		}
		var rows rowSet
		rows, sc.rows = h.rows.at(p, sc.rows)
		if h.known != nil {
			first := len(sc.credited)
			sc.credited = append(sc.credited, p.list...)
			p.list = sc.credited[first:len(sc.credited):len(sc.credited)]
		}
		sc.blocks = append(sc.blocks, block{h, p, rows, values})
	}
	for range r.upTo(uint64(len(r.b)), "the number of releases") {
		h := s.heldBy(ses, r)
		if r.err == nil && h.turn == 0 {
			r.fail(fmt.Errorf("hold %d of %q is not a lease", h.id, s.specs[h.table].Name))
		}
		released = append(released, h)
	}
	if r.err == nil && len(r.b) > 0 {
		r.fail(fmt.Errorf("%d bytes too many", len(r.b)))
	}
	return sc.blocks, released, r.err
}

func (s *Shard) heldBy(ses *session, r *reader) *hold {
	t := s.tableOf(r)
	id := uint32(r.upTo(1<<31, "hold"))
	if r.err != nil {
		return nil
	}
	h := ses.find(t, id)
	switch {
	case h == nil:
		r.fail(fmt.Errorf("hold %d of %q was not asked for", id, s.specs[t].Name))
	case !h.ready:
		r.fail(fmt.Errorf("the lease on %q was not granted", s.specs[t].Name))
	}
	return h
}

// advanced follows an advance of the slowest origin.
func (s *Shard) advanced(reply Reply) {
	s.fold()
	s.release(reply)
	s.answerEagerly(reply)
}

// fold applies the clocks that are finished.
func (s *Shard) fold() {
	if s.answered && len(s.folds) > 0 {
		s.tick()
	}
	s.foldUpTo(s.vector.Min())
}

// answerEagerly sends every origin what changed, if the job is to.
func (s *Shard) answerEagerly(reply Reply) {
	if !s.o.Eager {
		return
	}
	for _, o := range s.vector.Origins() {
		if ses := s.sessions[o]; ses.live && s.behind(ses) {
			s.answer(o, ses, request{}, reply)
		}
	}
}

// behind reports whether something changed in what a client holds.
func (s *Shard) behind(ses *session) bool {
	for _, h := range ses.holds {
		if h.ready && !h.mute && h.sent < s.stamp {
			if s.stores[h.table].newer(h.rows, h.sent) {
				return true
			}
		}
	}
	return false
}

// release answers what has reached its floor, each origin once.
func (s *Shard) release(reply Reply) {
	ready := s.scratch.ready[:0]
	for {
		q, ok := s.held.Ready(s.vector.Min())
		if !ok {
			break
		}
		i := slices.IndexFunc(ready, func(x request) bool { return x.origin == q.origin })
		if i < 0 {
			ready = append(ready, q)
			continue
		}
		ready[i].clock = max(ready[i].clock, q.clock)
		ready[i].ticket = max(ready[i].ticket, q.ticket)
		ready[i].exact = ready[i].exact || q.exact
	}
	s.scratch.ready = ready
	for _, q := range ready {
		s.answer(q.origin, s.sessions[q.origin], q, reply)
	}
}

// answer sends a client what changed in the keys it holds.
func (s *Shard) answer(o consistency.Origin, ses *session, q request, reply Reply) {
	if !ses.live {
		return
	}
	s.stats.Answers++
	out := s.buffers.get()
	b := appendHeader(out.Bytes, kindAnswer, s.generation, uint32(o))
	b = appendUint(b, uint64(s.o.Life))
	b = appendUint(b, uint64(s.stamp))
	b = appendVarint(b, int64(s.vector.Min()))
	b = appendVarint(b, int64(q.clock))
	b = appendUint(b, q.ticket)
	b = appendVarint(b, int64(ses.clock))
	b = appendUint(b, uint64(ses.sub))
	b = appendUint(b, uint64(s.by))
	if s.late {
		b = appendVarint(b, int64(s.newest(o)))
	}

	n, count := uint32(0), len(b)
	b = append(b, 0, 0, 0, 0)
	for _, h := range ses.holds {
		exact := q.exact && s.specs[h.table].shadowed()
		if !h.ready || h.sent == s.stamp && !h.fresh && !exact {
			continue
		}
		first, before := len(b), h.sent
		b = append(b, byte(flag(h.fresh)), 0, 0, 0, 0)
		b = appendUint(b, uint64(h.table))
		b = appendUint(b, uint64(h.id))
		var rows int
		if b, rows = s.appendLacking(b, h, exact); rows == 0 && !h.fresh {
			b = b[:first]
		} else {
			binary.LittleEndian.PutUint32(b[first+1:], uint32(len(b)-first-5))
			n++
		}
		h.sent, h.fresh = s.stamp, false
		if h.behind { // rows that are kept back must come up again, though they change no more
			h.sent, h.behind = before, false
		}
	}
	binary.LittleEndian.PutUint32(b[count:], n)
	out.Bytes = b
	s.answered = true
	s.send(o, out, reply)
}

// appendLacking encodes what the client of a hold lacks, and returns of how many
// rows.
func (s *Shard) appendLacking(b []byte, h *hold, exact bool) (out []byte, rows int) {
	st := s.stores[h.table]
	if s.specs[h.table].Lossy() {
		out, rows, saved := st.appendOwed(b, h, s.vector.Min(), exact, &s.scratch.positions)
		s.stats.Saved += int64(saved)
		return out, rows
	}
	var changed places
	if !h.mute { // else one block without values says that the set is known
		changed = st.changed(h.rows, h.sent, &s.scratch.positions)
	}
	if changed.n == 0 && !h.fresh {
		return b, 0
	}
	return st.appendValues(appendPlaces(b, changed, h.rows.n), h.rows, changed), changed.n
}

func appendUint(b []byte, v uint64) []byte { return binary.AppendUvarint(b, v) }

// tick moves the stamp on. When the counter ends, everything written gets stamp
// 1 and every client is sent everything again.
func (s *Shard) tick() {
	s.answered = false
	if s.stamp++; s.stamp != 0 {
		return
	}
	s.stamp = 2
	for _, st := range s.stores {
		st.restamp()
	}
	for _, ses := range s.sessions {
		for _, h := range ses.holds {
			h.sent = 0
		}
	}
	s.o.Life++
}

// A lease is a range that one client at a time holds exclusively. Holders take
// turns 0, 1, 2, ...: the order is part of the program (slice s belongs to part
// p at turn c), so that no two clients can wait for each other.
type lease struct {
	turn    uint64 // whose turn it is
	waiting map[uint64]leaseWait
}

type leaseKey struct {
	table int
	r     Range
}

type leaseWait struct {
	origin consistency.Origin
	h      *hold
}

// acquire queues h for its turn. A turn that is over was released by an update
// seen before, and the client only resends.
func (s *Shard) acquire(o consistency.Origin, ses *session, h *hold, reply Reply) {
	l := s.leases[h.lease]
	if l == nil {
		l = &lease{waiting: make(map[uint64]leaseWait)}
		s.leases[h.lease] = l
	}
	if h.turn-1 < l.turn {
		return
	}
	l.waiting[h.turn-1] = leaseWait{o, h}
	if h.turn-1 == l.turn {
		s.grant(o, ses, h, reply)
	}
}

func (s *Shard) grant(o consistency.Origin, ses *session, h *hold, reply Reply) {
	h.ready = true
	s.answer(o, ses, request{}, reply)
}

// releaseLease passes the lease of h on. What its holder wrote is in.
func (s *Shard) releaseLease(h *hold, reply Reply) {
	l := s.leases[h.lease]
	if l == nil || h.turn-1 != l.turn {
		return // a duplicate
	}
	delete(l.waiting, l.turn)
	l.turn++
	if w, ok := l.waiting[l.turn]; ok {
		if s.holds(w) {
			s.grant(w.origin, s.sessions[w.origin], w.h, reply)
		}
	}
}

// holds reports whether w still waits: its client may have reconnected since, or
// its origin be off the roster.
func (s *Shard) holds(w leaseWait) bool {
	ses := s.sessions[w.origin]
	return ses != nil && ses.find(w.h.table, w.h.id) == w.h
}
