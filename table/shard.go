package table

import (
	"errors"
	"fmt"
	"slices"

	"petuum/consistency"
	"petuum/table/placement"
)

// ErrNewer says that a message is of a generation the shard has not been told
// of yet: handle the message again after SetRoster.
var ErrNewer = errors.New("table: message of a generation to come")

// Reply takes a message for the client of an origin. The message is the
// shard's: copy or retain what must outlive the call.
type Reply func(to consistency.Origin, msg *Buffer)

// Options of a shard.
type Options struct {
	Policy consistency.Policy
	// Deterministic folds each finished clock in the order of origins, so that
	// the values do not depend on the order of arrival. It needs BSP.
	Deterministic bool
	// Eager sends what changed, unasked, whenever the slowest origin advances.
	Eager bool
	// Life tells this incarnation from others of the same shard: what clients
	// know of another life is void.
	Life uint32
}

// Stats counts what a shard did.
type Stats struct {
	Updates    uint64 // applied or kept for folding
	Duplicates uint64 // seen before, not applied again
	Refused    uint64 // of an older generation
	Answers    uint64
	Held       uint64 // requests that had to wait for the slowest origin
	Stalest    consistency.Clock
	Saved      int64 // bytes of answers by what lossy tables round and keep back
}

// Shard holds one range of every table. It is a state machine: the same
// messages in the same order give the same values and the same replies. It has
// no goroutine, lock or clock; its owner calls it from one goroutine at a time.
//
// For each origin it keeps a session: which updates it has seen, which sets are
// held, and up to which stamp each held set was sent. The stamp is a counter
// that moves on when something changes after an answer; each row remembers the
// stamp of its last change, so what a client lacks is found without a bitmap
// for each client.
//
// Invariants:
//
//   - An update is applied once: (clock, sub) of an origin come in order without
//     gaps, and one seen before is only answered again.
//   - An answer of version v holds every update made before clock v, of every
//     origin on the roster; an update is answered when v has reached its floor.
//   - Nothing of a generation older than the roster's is applied. After a new
//     roster every client says hello again before anything else counts.
type Shard struct {
	index, of int
	specs     []Spec
	stores    []rows
	o         Options
	late      bool // a table weights late updates

	generation uint32
	vector     consistency.Vector
	held       consistency.Held[request]
	sessions   map[consistency.Origin]*session
	folds      []foldedClock // BSP: updates of clocks that are not finished, in order
	leases     map[leaseKey]*lease

	stamp    uint32             // given to rows that change now
	answered bool               // an answer was made since the stamp last moved
	by       consistency.Origin // whose message is being handled: whom an answer that was held waited for
	stats    Stats

	scratch struct {
		positions []int32
		rows      []uint32
		blocks    []block
		values    []byte
		credited  []int32
		ready     []request
	}
	unused  unused // memory of folds
	spare   spareHolds
	buffers buffers // of replies
	reader  reader  // of the message that is handled
}

// rows is a store of any element type.
type rows interface {
	resolve(h *hold, set Set)
	begin(clock consistency.Clock)
	apply(at rowSet, values []byte, stamp uint32)
	combine(at rowSet, values []byte)
	load(key uint64, values, state []byte, stamp uint32)
	whole(f func(key uint64, row []byte))
	flush(stamp uint32)
	changed(at rowSet, since uint32, buf *[]int32) places
	newer(at rowSet, since uint32) bool
	appendValues(b []byte, at rowSet, p places) []byte
	appendOwed(b []byte, h *hold, t consistency.Clock, exact bool, buf *[]int32) (out []byte, n, saved int)
	weighted(values []byte, weight float64, room []byte) (scaled, after []byte)
	unpack(r *reader, n int, room []byte) (values, after []byte)
	widened(b []byte, n int, room []byte) (values, after []byte)
	appendKnown(b []byte, h *hold) []byte
	restoreKnown(r *reader, h *hold)
	credit(h *hold, at places, values []byte)
	written(f func(key uint64, row uint32))
	appendRow(b []byte, row uint32) []byte
	restamp()
	limit() uint64
	norms() Norms
	appendSnapshot(b []byte) []byte
	restore(r *reader)
}

// session is what a shard knows of one origin.
type session struct {
	live  bool // said hello in this generation
	clock consistency.Clock
	sub   uint32 // updates seen of clock+1
	holds []*hold
}

// hold is a set of keys that a client holds, as rows.
type hold struct {
	table  int
	id     uint32
	rows   rowSet // of each position
	sent   uint32 // rows with a higher stamp were not sent
	fresh  bool   // nothing was sent yet
	lease  leaseKey
	turn   uint64 // 0: shared; else 1 + turn
	ready  bool   // shared or granted
	mute   bool   // its values are not sent
	behind bool   // the answer being made keeps rows back
	known  any    // of a lossy table: a *shadow of its type; nil: nothing was sent
}

// rowSet is n rows of a store: those listed, or the ones from begin on.
type rowSet struct {
	n     int
	begin uint32
	list  []uint32 // nil: consecutive
}

func (s rowSet) row(i int) uint32 {
	if s.list != nil {
		return s.list[i]
	}
	return s.begin + uint32(i)
}

// at returns the rows at some of the positions; if they have to be listed, in
// room behind the end of buf, which it returns too.
func (s rowSet) at(p places, buf []uint32) (rowSet, []uint32) {
	if p.all {
		return s, buf
	}
	first := len(buf)
	if s.list == nil {
		for _, q := range p.list {
			buf = append(buf, s.begin+uint32(q))
		}
	} else {
		for _, q := range p.list {
			buf = append(buf, s.list[q])
		}
	}
	return rowSet{n: p.n, list: buf[first:len(buf):len(buf)]}, buf
}

type request struct {
	origin consistency.Origin
	clock  consistency.Clock // of the update, or 0
	ticket uint64            // of the ask, or 0
	exact  bool              // also what a lossy table keeps back
}

// block is one decoded block of an update; rows and values point into scratch
// space and the message.
type block struct {
	hold   *hold
	at     places // in the held set, where it will be credited
	rows   rowSet
	values []byte
}

// NewShard makes shard index of a job that cuts its tables in of shards.
func NewShard(index, of int, specs []Spec, roster placement.Roster, o Options) (*Shard, error) {
	if index < 0 || index >= of {
		return nil, fmt.Errorf("table: shard %d of %d", index, of)
	}
	if o.Deterministic && !o.Policy.Synchronous() {
		return nil, fmt.Errorf("table: deterministic folding needs bsp, not %s", o.Policy)
	}
	s := &Shard{index: index, of: of, specs: specs, o: o, stamp: 1, late: countsLate(specs),
		generation: roster.Generation,
		sessions:   make(map[consistency.Origin]*session),
		leases:     make(map[leaseKey]*lease)}
	for _, spec := range specs {
		if err := spec.Validate(); err != nil {
			return nil, err
		}
		rng := ShardRange(spec.Keys, index, of)
		if !spec.sparse() && rng.Len() > maxDenseRange {
			return nil, fmt.Errorf("table: %q: %d keys a shard are more than a dense store takes, 2^32: use more shards or the sparse store", spec.Name, rng.Len())
		}
		s.stores = append(s.stores, newRows(spec, rng))
	}
	for _, e := range roster.Origins {
		s.enter(e)
	}
	return s, nil
}

func newRows(spec Spec, r Range) rows {
	switch spec.Type {
	case Float64:
		return newStore[float64](spec, r)
	case Int32:
		return newStore[int32](spec, r)
	}
	return newStore[float32](spec, r)
}

// Min is the clock of the slowest origin.
func (s *Shard) Min() consistency.Clock { return s.vector.Min() }

// Seen is the last clock that the shard has of an origin.
func (s *Shard) Seen(o consistency.Origin) consistency.Clock {
	if ses := s.sessions[o]; ses != nil {
		return ses.clock
	}
	return 0
}

// Generation is that of the roster in force.
func (s *Shard) Generation() uint32 { return s.generation }

// Stats returns the counts so far.
func (s *Shard) Stats() Stats { return s.stats }

func (s *Shard) enter(e placement.Entry) {
	s.vector.Enter(e.Origin, e.Start)
	if s.sessions[e.Origin] == nil {
		s.sessions[e.Origin] = &session{clock: e.Start}
	}
}

// SetRoster puts a roster of a later generation in force: newcomers enter at
// their start, those who are not on it no longer count, and every client has to
// say hello again.
func (s *Shard) SetRoster(r placement.Roster, reply Reply) error {
	if r.Generation <= s.generation {
		return fmt.Errorf("table: shard %d: roster of generation %d after %d", s.index, r.Generation, s.generation)
	}
	before := s.vector.Min()
	s.generation = r.Generation
	for _, o := range sortedKeys(s.sessions) {
		if _, ok := r.Has(o); !ok {
			s.vector.Leave(o)
			s.held.Remove(func(q request) bool { return q.origin == o })
			delete(s.sessions, o)
		}
	}
	for _, e := range r.Origins {
		if s.sessions[e.Origin] == nil { // else it counts, or has left by itself
			s.enter(e)
		}
	}
	for _, ses := range s.sessions {
		ses.live = false
	}
	if s.vector.Min() > before {
		s.advanced(reply)
	}
	return nil
}

// Handle takes one message of a client. An error means that the sender broke
// the protocol, and nothing of the message was applied; [ErrNewer] alone means
// that the message has to be handled again after SetRoster.
func (s *Shard) Handle(msg []byte, reply Reply) error {
	var p Parsed
	if err := p.read(msg); err != nil {
		return s.wrap(p.kind, p.Origin(), err)
	}
	return s.HandleParsed(&p, reply)
}

// HandleParsed is Handle for a message that was parsed, which it does not change.
func (s *Shard) HandleParsed(p *Parsed, reply Reply) error {
	s.reader = p.rest
	r := &s.reader
	k, gen, o, origin := p.kind, p.gen, p.origin, p.Origin()
	switch {
	case gen > s.generation:
		return ErrNewer
	case gen < s.generation:
		s.stats.Refused++
		b := s.buffers.get()
		b.Bytes = appendHeader(b.Bytes, kindRefuse, s.generation, o)
		s.send(origin, b, reply)
		return nil
	}
	ses := s.sessions[origin]
	if ses == nil {
		return s.wrap(k, origin, errors.New("the origin is not on the roster"))
	}
	s.by = origin
	if k == kindHello {
		return s.wrap(k, origin, s.hello(origin, ses, r, reply))
	}
	if !ses.live {
		return nil // sent before it learned of the new generation or life
	}
	switch k {
	case kindHold:
		return s.wrap(k, origin, s.hold(origin, ses, r, reply))
	case kindDrop:
		return s.wrap(k, origin, s.drop(ses, r))
	case kindAsk:
		return s.wrap(k, origin, s.ask(origin, r, reply))
	case kindUpdate:
		return s.wrap(k, origin, s.update(origin, ses, &p.update, r, reply))
	case kindLeave:
		return s.wrap(k, origin, s.leave(origin, ses, r, reply))
	}
	return s.wrap(k, origin, errors.New("not a message for a shard"))
}

func (s *Shard) send(to consistency.Origin, b *Buffer, reply Reply) {
	reply(to, b)
	b.Release()
}

func (s *Shard) wrap(k kind, o consistency.Origin, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("table: shard %d: %s from origin %d: %w", s.index, k, o, err)
}

// hello begins a session or takes it up again. The client resends what was not
// answered, so nothing is held for it any more.
func (s *Shard) hello(o consistency.Origin, ses *session, r *reader, reply Reply) error {
	life := uint32(r.upTo(1<<32-1, "life"))
	stamp := uint32(r.upTo(1<<32-1, "stamp"))
	clock := consistency.Clock(r.varint())
	var kept []*hold
	for range r.count(2) {
		t, id := s.tableOf(r), r.u32v()
		if h := ses.find(t, id); h != nil && !slices.Contains(kept, h) {
			kept = append(kept, h)
		}
	}
	if r.err != nil {
		return r.err
	}
	if clock > ses.clock {
		return fmt.Errorf("updates up to clock %d were acknowledged, but this shard has them up to %d: it was restored from an older snapshot", clock, ses.clock)
	}
	s.held.Remove(func(q request) bool { return q.origin == o })
	if life != 0 && life != s.o.Life {
		ses.live = false
		b := s.buffers.get()
		b.Bytes = appendUint(appendHeader(b.Bytes, kindReset, s.generation, uint32(o)), uint64(s.o.Life))
		s.send(o, b, reply)
		return nil
	}
	ses.live = true
	ses.holds = kept // at life 0 the client declares them all anew
	if life == 0 {
		ses.holds = nil
	}
	for _, h := range ses.holds {
		h.sent = min(h.sent, stamp)
		if s.specs[h.table].shadowed() { // of what was sent some may not have arrived
			h.sent, h.known, h.fresh = 0, nil, true
		}
	}
	return nil
}

func (s *Shard) hold(o consistency.Origin, ses *session, r *reader, reply Reply) error {
	t := s.tableOf(r)
	id := uint32(r.upTo(1<<31, "hold"))
	lease := r.uvarint()
	turn, mute := lease>>1, lease == 1
	if lease > 1 && lease&1 == 1 {
		r.fail(errors.New("a lease that is only written"))
	}
	if r.err != nil {
		return r.err
	}
	set := r.set(s.specs[t].Keys, &s.spare.keys)
	if r.err != nil {
		return r.err
	}
	if set.isRange() && set.r.Len() > maxRange {
		return fmt.Errorf("a range of %d keys of %q is longer than 2^31", set.r.Len(), s.specs[t].Name)
	}
	if turn > 0 && !set.isRange() {
		return errors.New("a lease needs a range")
	}
	rng := ShardRange(s.specs[t].Keys, s.index, s.of)
	if n := set.Len(); n > 0 && (!rng.Contains(set.Key(0)) || !rng.Contains(set.Key(n-1))) {
		return fmt.Errorf("keys %d to %d of %q are not all in shard %d, [%d, %d)", set.Key(0), set.Key(n-1), s.specs[t].Name, s.index, rng.Begin, rng.End)
	}
	if s.specs[t].sparse() && set.isRange() && set.Len() > maxSparseRange {
		return fmt.Errorf("%d keys of the sparse table %q held as a range: hold a list of the keys in use", set.Len(), s.specs[t].Name)
	}
	if old := ses.find(t, id); old != nil {
		ses.remove(old)
	}
	h := s.spare.newHold()
	h.table, h.id, h.fresh, h.turn, h.ready, h.mute = t, id, true, turn, turn == 0, mute
	s.spare.resolve(s.stores[t], h, set)
	ses.holds = append(ses.holds, h)
	if turn > 0 {
		h.lease = leaseKey{t, set.r}
		s.acquire(o, ses, h, reply)
	}
	return nil
}

func (s *Shard) drop(ses *session, r *reader) error {
	t := s.tableOf(r)
	id := uint32(r.upTo(1<<31, "hold"))
	if r.err != nil {
		return r.err
	}
	if h := ses.find(t, id); h != nil {
		ses.remove(h)
		s.spare.add(h)
	}
	return nil
}

func (s *Shard) ask(o consistency.Origin, r *reader, reply Reply) error {
	ticket := r.uvarint()
	floor := consistency.Clock(r.varint())
	exact := r.flag()
	if r.err != nil {
		return r.err
	}
	s.request(floor, request{origin: o, ticket: ticket, exact: exact})
	s.release(reply)
	return nil
}

func (s *Shard) leave(o consistency.Origin, ses *session, r *reader, reply Reply) error {
	clock := consistency.Clock(r.varint())
	if r.err != nil {
		return r.err
	}
	if clock != ses.clock {
		return fmt.Errorf("it leaves at clock %d, but updates are here up to %d", clock, ses.clock)
	}
	if s.vector.Leave(o) {
		s.advanced(reply)
	}
	return nil
}

func (ses *session) find(table int, id uint32) *hold {
	for _, h := range ses.holds {
		if h.table == table && h.id == id {
			return h
		}
	}
	return nil
}

func (ses *session) remove(h *hold) {
	ses.holds = slices.DeleteFunc(ses.holds, func(x *hold) bool { return x == h })
}

// request holds q until floor, counting those that wait.
func (s *Shard) request(floor consistency.Clock, q request) {
	if floor > s.vector.Min() {
		s.stats.Held++
	}
	s.held.Add(floor, q)
}
