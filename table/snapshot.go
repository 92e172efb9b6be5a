package table

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"petuum/consistency"
	"petuum/table/kernel"
	"petuum/table/placement"
)

// A snapshot is everything a shard knows: restored, it is the same state
// machine. In order, numbers as in messages unless said otherwise:
//
//	"PTS3" index of generation stamp life answered
//	origins: n (origin clock)*            the vector
//	sessions: n (origin live clock sub holds)*
//	  hold: table id n form (begin | row*) sent fresh turn ready mute known [value*] [range]
//	requests: n (floor origin clock ticket exact)*
//	folds: n (clock n (origin table n row* len bytes)*)*
//	leases: n (table begin length turn n (turn origin hold)*)*
//	tables: one store each, see appendSnapshot of store
const snapshotMagic = "PTS3"

// AppendSnapshot appends the shard's snapshot to b.
func (s *Shard) AppendSnapshot(b []byte) []byte {
	b = append(b, snapshotMagic...)
	b = appendUints(b, uint64(s.index), uint64(s.of), uint64(s.generation), uint64(s.stamp), uint64(s.o.Life), flag(s.answered))
	b = appendUint(b, uint64(s.vector.Len()))
	for _, o := range s.vector.Origins() {
		c, _ := s.vector.Clock(o)
		b = appendVarint(appendUint(b, uint64(o)), int64(c))
	}
	b = s.appendSessions(b)
	b = appendUint(b, uint64(s.held.Len()))
	s.held.All(func(floor consistency.Clock, q request) {
		b = appendVarint(b, int64(floor))
		b = appendVarint(appendUint(b, uint64(q.origin)), int64(q.clock))
		b = appendUints(b, q.ticket, flag(q.exact))
	})
	b = s.appendFolds(b)
	b = s.appendLeases(b)
	for _, st := range s.stores {
		b = st.appendSnapshot(b)
	}
	return b
}

func (s *Shard) appendSessions(b []byte) []byte {
	b = appendUint(b, uint64(len(s.sessions)))
	for _, o := range sortedKeys(s.sessions) {
		ses := s.sessions[o]
		b = appendUints(b, uint64(o), flag(ses.live))
		b = appendVarint(b, int64(ses.clock))
		b = appendUints(b, uint64(ses.sub), uint64(len(ses.holds)))
		for _, h := range ses.holds {
			b = appendUints(b, uint64(h.table), uint64(h.id), uint64(h.rows.n), flag(h.rows.list != nil))
			if h.rows.list == nil {
				b = appendUint(b, uint64(h.rows.begin))
			}
			for _, row := range h.rows.list {
				b = appendUint(b, uint64(row))
			}
			b = appendUints(b, uint64(h.sent), flag(h.fresh), h.turn, flag(h.ready), flag(h.mute))
			b = s.stores[h.table].appendKnown(b, h)
			if h.turn > 0 {
				b = appendUints(b, h.lease.r.Begin, h.lease.r.Len())
			}
		}
	}
	return b
}

func (s *Shard) appendFolds(b []byte) []byte {
	b = appendUint(b, uint64(len(s.folds)))
	for _, f := range s.folds {
		b = appendVarint(b, int64(f.clock))
		b = appendUint(b, uint64(len(f.parts)))
		for _, p := range f.parts {
			b = appendUints(b, uint64(p.origin), uint64(p.table), uint64(p.rows.n))
			for i := range p.rows.n {
				b = appendUint(b, uint64(p.rows.row(i)))
			}
			b = append(b, p.values...)
		}
	}
	return b
}

func (s *Shard) appendLeases(b []byte) []byte {
	keys := make([]leaseKey, 0, len(s.leases))
	for k := range s.leases {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b leaseKey) int {
		if a.table != b.table {
			return a.table - b.table
		}
		if a.r.Begin < b.r.Begin || a.r.Begin == b.r.Begin && a.r.End < b.r.End {
			return -1
		}
		return 1
	})
	b = appendUint(b, uint64(len(keys)))
	for _, k := range keys {
		l := s.leases[k]
		maps.DeleteFunc(l.waiting, func(_ uint64, w leaseWait) bool { return !s.holds(w) })
		b = appendUints(b, uint64(k.table), k.r.Begin, k.r.Len(), l.turn, uint64(len(l.waiting)))
		for _, turn := range sortedKeys(l.waiting) {
			w := l.waiting[turn]
			b = appendUints(b, turn, uint64(w.origin), uint64(w.h.id))
		}
	}
	return b
}

// Restore makes a shard from its snapshot. With the life the snapshot was taken
// in, it goes on as if nothing had happened; with another, every client is told
// to declare its holds anew and to resend what was not answered.
func Restore(snapshot []byte, specs []Spec, o Options) (*Shard, error) {
	s, err := restore(&reader{b: snapshot}, specs, o)
	if err != nil {
		return nil, fmt.Errorf("table: snapshot: %w", err)
	}
	return s, nil
}

func restore(r *reader, specs []Spec, o Options) (*Shard, error) {
	if string(r.bytes(len(snapshotMagic))) != snapshotMagic {
		return nil, errors.New("not a snapshot of a shard")
	}
	index, of := r.uvarint(), r.uvarint()
	if r.err != nil || of > math.MaxInt32 || index >= of {
		return nil, fmt.Errorf("shard %d of %d", index, of)
	}
	s, err := NewShard(int(index), int(of), specs, placement.Roster{}, o)
	if err != nil {
		return nil, err
	}
	s.generation, s.stamp = r.u32v(), r.u32v()
	life := r.u32v()
	s.answered = r.flag()
	for range r.count(2) {
		origin := consistency.Origin(r.u32v())
		s.vector.Enter(origin, consistency.Clock(r.varint()))
	}
	s.restoreSessions(r)
	for _, o := range s.vector.Origins() {
		if c, _ := s.vector.Clock(o); s.sessions[o] == nil || s.sessions[o].clock != c {
			r.fail(fmt.Errorf("origin %d counts at clock %d, but has no session there", o, c))
		}
	}
	for o, ses := range s.sessions {
		if _, ok := s.vector.Clock(o); !ok { // it has left: the minimum may stand at its clock
			s.vector.Enter(o, ses.clock)
			s.vector.Leave(o)
		}
	}
	for range r.count(5) {
		floor := consistency.Clock(r.varint())
		q := request{origin: consistency.Origin(r.u32v())}
		q.clock, q.ticket, q.exact = consistency.Clock(r.varint()), r.uvarint(), r.flag()
		if s.sessions[q.origin] == nil {
			r.fail(fmt.Errorf("a request of the unknown origin %d", q.origin))
		}
		s.held.Add(floor, q)
	}
	s.restoreFolds(r)
	s.restoreLeases(r)
	for _, st := range s.stores {
		st.restore(r)
	}
	if r.err == nil && len(r.b) > 0 {
		r.fail(fmt.Errorf("%d bytes too many", len(r.b)))
	}
	if r.err == nil {
		s.checkRows(r)
	}
	if life != o.Life {
		for _, ses := range s.sessions {
			ses.live = false
		}
	}
	return s, r.err
}

func (s *Shard) restoreSessions(r *reader) {
	for range r.count(5) {
		ses := &session{}
		s.sessions[consistency.Origin(r.u32v())] = ses
		ses.live = r.flag()
		ses.clock, ses.sub = consistency.Clock(r.varint()), r.u32v()
		for range r.count(10) {
			h := &hold{table: s.tableOf(r), id: r.u32v()}
			h.rows.n = int(r.upTo(1<<31, "positions"))
			if r.flag() {
				h.rows.list = r.rowList(h.rows.n)
			} else {
				h.rows.begin = r.u32v()
			}
			h.sent, h.fresh, h.turn, h.ready, h.mute = r.u32v(), r.flag(), r.uvarint(), r.flag(), r.flag()
			if r.err == nil {
				s.stores[h.table].restoreKnown(r, h)
			}
			if h.turn > 0 && r.err == nil {
				h.lease = leaseKey{h.table, r.rng(s.specs[h.table].Keys)}
			}
			ses.holds = append(ses.holds, h)
		}
	}
}

func (s *Shard) restoreFolds(r *reader) {
	for range r.count(2) {
		f := foldedClock{clock: consistency.Clock(r.varint())}
		for range r.count(3) {
			p := foldedBlock{origin: consistency.Origin(r.u32v()), table: s.tableOf(r)}
			n := r.count(1)
			if r.err != nil {
				return
			}
			p.rows = rowSet{n: n, list: r.rowList(n)}
			p.values = slices.Clone(r.bytes(n * s.specs[p.table].Type.Size() * s.specs[p.table].width()))
			f.parts = append(f.parts, p)
		}
		s.folds = append(s.folds, f)
	}
}

func (s *Shard) restoreLeases(r *reader) {
	for range r.count(5) {
		k := leaseKey{table: s.tableOf(r)}
		if r.err != nil {
			return
		}
		k.r = r.rng(s.specs[k.table].Keys)
		l := &lease{turn: r.uvarint(), waiting: make(map[uint64]leaseWait)}
		for range r.count(3) {
			turn, origin, id := r.uvarint(), consistency.Origin(r.u32v()), r.u32v()
			var h *hold
			if ses := s.sessions[origin]; ses != nil {
				h = ses.find(k.table, id)
			}
			if h == nil {
				r.fail(fmt.Errorf("a lease waits for hold %d, which origin %d does not have", id, origin))
				return
			}
			l.waiting[turn] = leaseWait{origin, h}
		}
		s.leases[k] = l
	}
}

// checkRows refuses rows that do not exist: they are used as indices.
func (s *Shard) checkRows(r *reader) {
	bad := func(table int, rows rowSet) bool {
		limit := s.stores[table].limit()
		if rows.list == nil {
			return rows.n > 0 && uint64(rows.begin)+uint64(rows.n) > limit
		}
		return slices.ContainsFunc(rows.list, func(row uint32) bool { return uint64(row) >= limit })
	}
	for _, ses := range s.sessions {
		for _, h := range ses.holds {
			if bad(h.table, h.rows) {
				r.fail(fmt.Errorf("hold %d of %q names a row that does not exist", h.id, s.specs[h.table].Name))
			}
		}
	}
	for _, f := range s.folds {
		for _, p := range f.parts {
			if bad(p.table, p.rows) {
				r.fail(errors.New("a fold names a row that does not exist"))
			}
		}
	}
}

// tableOf reads the number of a table. Where there is none, it fails.
func (s *Shard) tableOf(r *reader) int {
	t := r.uvarint()
	if t >= uint64(len(s.specs)) && r.err == nil {
		r.fail(fmt.Errorf("table %d of %d", t, len(s.specs)))
		return 0
	}
	return int(t)
}

// appendSnapshot writes a store: n, then for a dense store (page number, rows)
// of each page in use, for a sparse one its rows. A row is stamp, key (sparse),
// values and state.
func (s *store[T]) appendSnapshot(b []byte) []byte {
	if s.spec.sparse() {
		b = appendUint(b, uint64(s.rows))
		for row := range s.rows {
			b = appendUint(b, s.key(row)-s.rng.Begin)
			b = s.pages[row>>pageBits].appendRow(b, int(row&pageMask), s.width, s.states)
		}
		return b
	}
	n := 0
	for _, p := range s.pages {
		if p != nil {
			n++
		}
	}
	b = appendUint(b, uint64(n))
	for number, p := range s.pages {
		if p == nil {
			continue
		}
		b = appendUint(b, uint64(number))
		for i := range p.stamps {
			b = p.appendRow(b, i, s.width, s.states)
		}
	}
	return b
}

func (p *page[T]) appendRow(b []byte, i, width, states int) []byte {
	b = appendUint(b, uint64(p.stamp(i)))
	b = kernel.Append(b, p.vals[i*width:(i+1)*width])
	return kernel.Append(b, p.state[i*states:(i+1)*states])
}

func (p *page[T]) readRow(r *reader, i, width, states int) {
	p.stamps[i] = r.u32v()
	p.latest = max(p.latest, p.stamps[i])
	size := typeOf[T]().Size()
	if b := r.bytes((width + states) * size); b != nil {
		kernel.Load(p.vals[i*width:(i+1)*width], b)
		kernel.Load(p.state[i*states:(i+1)*states], b[width*size:])
	}
}

func (s *store[T]) restore(r *reader) {
	if s.spec.sparse() {
		for range r.count(1) {
			key := r.uvarint()
			if r.err != nil || key >= s.rng.Len() {
				r.fail(fmt.Errorf("key %d of a range of %d", key, s.rng.Len()))
				return
			}
			before := s.rows
			row := s.touch(s.rng.Begin + key)
			if s.rows == before {
				r.fail(fmt.Errorf("key %d is there twice", key))
				return
			}
			p := s.pages[row>>pageBits]
			p.readRow(r, int(row&pageMask), s.width, s.states)
			s.latest = max(s.latest, p.latest)
		}
		return
	}
	for range r.count(1) {
		number := r.uvarint()
		if r.err != nil || number >= uint64(len(s.pages)) {
			r.fail(fmt.Errorf("page %d of %d", number, len(s.pages)))
			return
		}
		p := s.writable(uint32(number) << pageBits)
		for i := range p.stamps {
			p.readRow(r, i, s.width, s.states)
		}
		s.latest = max(s.latest, p.latest)
	}
}

// limit is one above the highest row number in use.
func (s *store[T]) limit() uint64 {
	if s.spec.sparse() {
		return uint64(s.rows)
	}
	return s.rng.Len()
}

func (r *reader) u32v() uint32 { return uint32(r.upTo(math.MaxUint32, "number")) }
func (r *reader) flag() bool   { return r.upTo(1, "flag") == 1 }

// count reads how many things follow, each of at least size bytes.
func (r *reader) count(size int) int {
	n := r.uvarint()
	if n > uint64(len(r.b)/size) {
		r.fail(errTruncated)
		return 0
	}
	return int(n)
}

func (r *reader) rowList(n int) []uint32 {
	if n > len(r.b) {
		r.fail(errTruncated)
		return nil
	}
	rows := make([]uint32, n)
	for i := range rows {
		rows[i] = r.u32v()
	}
	return rows
}

func (r *reader) rng(keys uint64) Range {
	begin := r.upTo(keys, "the begin of a range")
	return Range{begin, begin + r.upTo(keys-begin, "the length of a range")}
}

func appendUints(b []byte, vs ...uint64) []byte {
	for _, v := range vs {
		b = binary.AppendUvarint(b, v)
	}
	return b
}

func flag(v bool) uint64 {
	if v {
		return 1
	}
	return 0
}

func sortedKeys[K ~uint32 | ~uint64, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
