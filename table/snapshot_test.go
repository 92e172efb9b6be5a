package table

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"petuum/consistency"
	"petuum/table/placement"
)

// TestSnapshotGoesOn restores a shard after each message of a real job, with the
// same life, and lets both take the rest: replies and snapshots must be the same
// bytes all along, and a new roster must find them alike.
func TestSnapshotGoesOn(t *testing.T) {
	for _, deterministic := range []bool{false, true} {
		for _, policy := range fuzzPolicies {
			if deterministic && !policy.Synchronous() {
				continue
			}
			o := Options{Policy: policy, Eager: policy.Eager(), Life: rigLife, Deterministic: deterministic}
			messages := record(t, policy).messages
			original, err := NewShard(0, 2, fuzzSpecs(), placement.NewRoster(2), o)
			if err != nil {
				t.Fatal(err)
			}
			var copies []*Shard
			for i := range messages {
				snapshot := original.AppendSnapshot(nil)
				s, err := Restore(snapshot, fuzzSpecs(), o)
				if err != nil {
					t.Fatalf("%s: after %d messages: %v", policy, i, err)
				}
				if got := s.AppendSnapshot(nil); !bytes.Equal(got, snapshot) {
					t.Fatalf("%s: after %d messages: the snapshot of the restored shard differs", policy, i)
				}
				copies = append(copies, s)
				want := replies(t, original, messages[i])
				for j, s := range copies {
					if got := replies(t, s, messages[i]); got != want {
						t.Fatalf("%s: message %d: restored after %d messages: got replies %s, want %s", policy, i, j, got, want)
					}
				}
			}
			want := original.AppendSnapshot(nil)
			for j, s := range copies {
				if !bytes.Equal(s.AppendSnapshot(nil), want) {
					t.Fatalf("%s: restored after %d messages: not the same at the end", policy, j)
				}
			}
		}
	}
}

func replies(t *testing.T, s *Shard, msg []byte) string {
	t.Helper()
	var all string
	if err := s.Handle(msg, func(to consistency.Origin, b *Buffer) { all += fmt.Sprintf("%d:%x ", to, b.Bytes) }); err != nil {
		t.Fatal(err)
	}
	return all
}

// Requests of equal floors keep their order through a snapshot, and so does who
// is blamed for a wait that a new roster ends.
func TestSnapshotKeepsTheOrderOfHeldRequests(t *testing.T) {
	job := rigJob{specs: oneTable(Int32, 1, 4, Add), parts: []int{1, 1, 1, 1, 1}, policy: consistency.SSP(1)}
	r := newRig(t, job)
	for o := range 5 {
		openView[int32](r, o, 0, "w", Span(0, 4), Increments)
	}
	r.start()
	for _, o := range []int{0, 1, 2, 3} {
		r.clients[o].Steps().BeginClock(0)
	}
	r.pump()
	for _, o := range []int{2, 0, 3, 1} { // all wait for origin 4 at floor 1
		r.clients[o].Steps().End(0)
		r.clients[o].Steps().BeginClock(0)
		r.pump()
	}
	// One that waits for less jumps the queue, which leaves the heap out of order.
	r.shards[0].request(0, request{origin: 3, ticket: 9})
	want := r.shards[0]
	got, err := Restore(want.AppendSnapshot(nil), job.specs, r.options)
	if err != nil {
		t.Fatal(err)
	}
	roster := placement.Roster{Generation: 2, Origins: placement.NewRoster(4).Origins}
	var a, b []string
	for s, out := range map[*Shard]*[]string{want: &a, got: &b} {
		for o := range 4 { // only who is live is answered
			s.sessions[consistency.Origin(o)].live = true
		}
		s.vector.Leave(4)
		s.by = 4
		s.advanced(func(to consistency.Origin, b *Buffer) { *out = append(*out, fmt.Sprintf("%d:%x", to, b.Bytes)) })
		if err := s.SetRoster(roster, func(consistency.Origin, *Buffer) {}); err != nil {
			t.Fatal(err)
		}
	}
	if len(a) != 4 || !slices.Equal(a, b) {
		t.Errorf("restored: got answers %v, want %v", b, a)
	}
	if !bytes.Equal(got.AppendSnapshot(nil), want.AppendSnapshot(nil)) {
		t.Error("restored: not the same after a new roster")
	}
}

// A hold that waited for its lease is gone when its client has just reconnected,
// or is off the roster: the snapshot must restore all the same.
func TestSnapshotWhileALeaseWaitsForNobody(t *testing.T) {
	for name, lose := range map[string]func(s *Shard) error{
		"reconnected": func(s *Shard) error { return s.Handle(helloMessage(1), func(consistency.Origin, *Buffer) {}) },
		"left": func(s *Shard) error {
			return s.SetRoster(placement.Roster{Generation: 2, Origins: placement.NewRoster(1).Origins}, func(consistency.Origin, *Buffer) {})
		},
	} {
		r := newRig(t, rigJob{specs: oneTable(Int32, 1, 4, Add), parts: []int{1, 1}, policy: consistency.ASP()})
		var views []*View[int32]
		for o := range 2 {
			views = append(views, openView[int32](r, o, 0, "w", Span(0, 4), Increments))
		}
		r.start()
		for o, v := range views {
			v.Acquire(Range{0, 4}, uint64(o))
		}
		r.pump()
		s := r.shards[0]
		if err := lose(s); err != nil {
			t.Fatal(err)
		}
		snapshot := s.AppendSnapshot(nil)
		if _, err := Restore(snapshot, r.specs, r.options); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRestoreRefuses(t *testing.T) {
	job := record(t, consistency.SSP(2))
	good := job.snapshots[len(job.snapshots)-1]
	o := Options{Policy: consistency.SSP(2), Eager: true, Life: rigLife}
	specs := fuzzSpecs()
	if _, err := Restore(good, specs, o); err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string][]byte{
		"nothing":       nil,
		"another magic": append([]byte("PTS9"), good[4:]...),
		"no shards":     append([]byte(snapshotMagic), 0, 0),
		"shard beyond":  append([]byte(snapshotMagic), 2, 2),
		"too long":      append(slices.Clone(good), 0),
	} {
		_, err := Restore(bad, specs, o)
		wantError(t, name, err)
	}
	for n := 0; n < len(good); n += 1 + n/50 {
		if _, err := Restore(good[:n], specs, o); err == nil {
			t.Fatalf("cut to %d of %d bytes: got no error", n, len(good))
		}
	}
	for name, spoil := range map[string]func(s *Shard){
		"a list of rows that are not there":  func(s *Shard) { s.sessions[0].find(1, 2).rows = rowSet{n: 1, list: []uint32{1 << 30}} },
		"a range of rows that are not there": func(s *Shard) { s.sessions[0].find(2, 3).rows.begin = 1499 },
		"a fold of rows that are not there": func(s *Shard) {
			s.folds = append(s.folds, foldedClock{1, []foldedBlock{{table: 2, rows: rowSet{n: 1, list: []uint32{1500}}, values: make([]byte, 8)}}})
		},
		"an origin without a session": func(s *Shard) { s.vector.Enter(9, 3) },
		"an origin at two clocks":     func(s *Shard) { s.sessions[0].clock++ },
		"a request of nobody":         func(s *Shard) { s.held.Add(1, request{origin: 9}) },
	} {
		s, err := Restore(job.snapshots[8], specs, o)
		if err != nil {
			t.Fatal(err)
		}
		spoil(s)
		_, err = Restore(s.AppendSnapshot(nil), specs, o)
		wantError(t, name, err)
	}
	_, err := Restore(good, specs[:2], o)
	wantError(t, "fewer tables", err)
	_, err = Restore(good, nil, o)
	wantError(t, "no tables", err)
}

// When the stamps run out, everything is sent again, and nothing else shows.
func TestStampOverflow(t *testing.T) {
	for _, policy := range fuzzPolicies {
		for _, spec := range []Spec{{Name: "w", Keys: 3000, Type: Int32}, {Name: "w", Keys: 3000, Type: Int32, Store: StoreSparse}} {
			r := newRig(t, rigJob{specs: []Spec{spec}, parts: []int{1, 1}, policy: policy})
			v := openView[int32](r, 0, 0, "w", Span(0, 3000), Increments)
			o := openView[int32](r, 1, 0, "w", Keys([]uint64{1, 1500, 2999}), Increments)
			r.start()
			v.Inc(1, 7)
			r.clock()
			r.shards[0].stamp = 1<<32 - 2
			v.Inc(700, 5) // nobody writes this one again
			model := []int32{7, 0, 0}
			for n := range 12 {
				v.Inc([]int{1, 1500, 2999}[n%3], 1)
				o.Inc((n+1)%3, 10)
				model[n%3]++
				model[(n+1)%3] += 10
				r.clock()
				r.sync()
				wantValues(t, policy.String()+": list", o.Values(), model...)
				wantValues(t, policy.String()+": range", []int32{v.Values()[1], v.Values()[1500], v.Values()[2999]}, model...)
				if n == 6 { // a client that heard of no stamp since must not be told too little
					for k := range r.shards {
						r.cut(pair{1, k})
						r.clients[1].shards[k].stamp, r.clients[1].shards[k].life = 1<<32-3, rigLife
						r.connect(1, k)
					}
					r.pump()
				}
			}
			s := r.shards[0]
			v.Inc(1, 1)
			r.clock()
			for _, h := range s.sessions[0].holds {
				if got := s.stores[0].changed(h.rows, s.stamp-1, new([]int32)); got.n > 1 {
					t.Errorf("%s: changed since the stamp before: got %v, want one position", policy, got)
				}
			}
			if s.stamp > 100 || s.o.Life != rigLife+1 {
				t.Errorf("%s: got stamp %d, life %d, want a small one and %d", policy, s.stamp, s.o.Life, rigLife+1)
			}
		}
	}
}
