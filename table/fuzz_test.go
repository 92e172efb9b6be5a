package table

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"petuum/consistency"
	"petuum/table/placement"
)

// fuzzSpecs are tables of every layout, the last as large as a table can be.
func fuzzSpecs() []Spec {
	return []Spec{
		{Name: "dense", Keys: 100, Type: Int32, Width: 2},
		{Name: "list", Keys: 1 << 40, Type: Float32, Rule: Aggregate(0.1, 1e-3)},
		{Name: "min", Keys: 3000, Type: Float64, Rule: Min, Init: Init{Value: 7}},
		{Name: "huge", Keys: math.MaxUint64, Type: Float32},
		{Name: "lossy", Keys: 200, Type: Float64, Encoding: Fixed2, Filter: Filter{Significant: 1}},
		{Name: "late", Keys: 1 << 33, Type: Float32, Rule: FTRL(0.1, 1, 0.1, 0.1), Late: LateDyn},
	}
}

func fuzzRig(t testing.TB, policy consistency.Policy) *rig {
	r := newRig(t, rigJob{specs: fuzzSpecs(), shards: 2, parts: []int{1, 1}, policy: policy, eager: policy.Eager()})
	for o := range 2 {
		openView[int32](r, o, 0, "dense", Span(0, 100), Increments)
		openView[float32](r, o, 0, "list", Keys([]uint64{3, 5, 1<<39 - 1, 1 << 39, 1<<40 - 1}), Increments)
		openView[float64](r, o, 0, "min", Span(20, 2500), Increments)
		openView[float32](r, o, 0, "huge", Keys([]uint64{0, 1 << 62, math.MaxUint64 - 1}), Increments)
		openView[float64](r, o, 0, "lossy", Span(0, 150), Increments)
		openView[float32](r, o, 0, "late", Keys([]uint64{0, 7, 1 << 31, 1<<33 - 1}), Increments)
	}
	return r
}

// run does a job with a new working set, leases and a leaver, and calls up and
// down with each message before it is delivered.
func (r *rig) run(clocks int, up, down func(p pair, msg []byte)) {
	r.t.Helper()
	r.connectAll()
	for _, c := range r.clients {
		c.Steps().BeginStart()
	}
	r.flow(up, down)
	for _, c := range r.clients {
		c.Steps().End(0)
	}
	for n := range clocks {
		for o, c := range r.clients {
			views := c.parts[0].views
			dense, list := views[0].(*View[int32]), views[1].(*View[float32])
			if dense.Len() > 0 {
				dense.Inc(n, 1)
			}
			list.Inc(n%list.Len(), 0.5)
			views[2].(*View[float64]).Put(n*100, []float64{float64(-n)})
			lossy := views[4].(*View[float64])
			for i := range lossy.Len() {
				lossy.Inc(i, float64(n)+0.01*float64(i))
			}
			late := views[5].(*View[float32])
			late.Inc((n+o)%late.Len(), float32(n)-2.5)
			switch n - 2*o { // the other origin follows two clocks later
			case 1:
				list.Hold(Keys([]uint64{3, 4, 1 << 39}))
				late.Hold(Keys([]uint64{7, 8, 1 << 32}))
			case 2, 3:
				dense.Acquire(Range{0, 60}, uint64(n-2))
			case 4:
				dense.Release()
			}
			c.Steps().BeginClock(0)
		}
		r.flow(up, down)
		for o := range r.clients {
			r.end(o, 0)
		}
	}
	r.clients[1].Finish(0)
	r.flow(up, down)
}

// flow is pump, with a look at each message.
func (r *rig) flow(up, down func(p pair, msg []byte)) {
	r.t.Helper()
	for moved := true; moved; {
		moved = false
		for o := range r.clients {
			for k := range r.shards {
				p := pair{o, k}
				for msg, ok := next(r.up, p); ok; msg, ok = next(r.up, p) {
					moved = true
					up(p, msg)
					if err := r.handle(k, msg); err != nil {
						r.t.Fatal(err)
					}
				}
				for msg, ok := next(r.down, p); ok; msg, ok = next(r.down, p) {
					moved = true
					down(p, msg)
					if err := r.clients[o].Deliver(k, msg); err != nil {
						r.t.Fatal(err)
					}
				}
			}
		}
	}
}

var fuzzPolicies = []consistency.Policy{consistency.BSP(), consistency.SSP(2), consistency.ASP()}

// recorded is a real job: what one shard got, and its snapshot before each.
type recorded struct {
	messages  [][]byte
	snapshots [][]byte
	answers   [][]byte // that client 0 got of it
}

func record(t testing.TB, policy consistency.Policy) (c recorded) {
	r := fuzzRig(t, policy)
	r.run(8, func(p pair, msg []byte) {
		if p.shard == 0 {
			c.messages = append(c.messages, slices.Clone(msg))
			c.snapshots = append(c.snapshots, r.shards[0].AppendSnapshot(nil))
		}
	}, func(p pair, msg []byte) {
		if p == (pair{0, 0}) {
			c.answers = append(c.answers, slices.Clone(msg))
		}
	})
	return c
}

// mutate changes msg in up to four places: bytes, cuts, and pieces of another.
func mutate(rnd *rand.Rand, msg, other []byte) []byte {
	msg = slices.Clone(msg)
	for range 1 + rnd.IntN(4) {
		if len(msg) == 0 {
			return msg
		}
		i := rnd.IntN(len(msg))
		switch rnd.IntN(7) {
		case 0:
			msg = msg[:i]
		case 1:
			msg[i] ^= 1 << rnd.IntN(8)
		case 2:
			msg[i] = []byte{0, 1, 2, 127, 128, 255}[rnd.IntN(6)]
		case 3:
			msg = slices.Insert(msg, i, byte(rnd.IntN(256)))
		case 4:
			msg = slices.Delete(msg, i, min(len(msg), i+1+rnd.IntN(3)))
		case 5:
			msg = slices.Insert(msg, i, appendUint(nil, rnd.Uint64()>>rnd.IntN(64))...)
		case 6:
			if len(other) > 0 {
				msg = append(msg[:i], other[rnd.IntN(len(other)):]...)
			}
		}
	}
	return msg
}

// handleAnything gives a shard a message that may be anything: it must answer or
// refuse, be unchanged where it refuses, and have a snapshot that restores.
func handleAnything(t *testing.T, policy consistency.Policy, snapshot, msg []byte) {
	t.Helper()
	o := Options{Policy: policy, Eager: policy.Eager(), Life: rigLife}
	s, err := Restore(snapshot, fuzzSpecs(), o)
	if err != nil {
		t.Fatal(err)
	}
	replies := 0
	err = s.Handle(msg, func(_ consistency.Origin, reply *Buffer) {
		replies++
		b := reply.Bytes
		r := &reader{b: b}
		if k, _, _ := r.header(); r.err != nil || k < kindAnswer || k > kindReset {
			t.Fatalf("message %x: got reply %x", msg, b)
		}
	})
	after := s.AppendSnapshot(nil)
	if err != nil && (!bytes.Equal(after, snapshot) || replies > 0) {
		t.Fatalf("message %x: got error %v, but the shard changed or replied %d times", msg, err, replies)
	}
	again, err := Restore(after, fuzzSpecs(), o)
	if err != nil {
		t.Fatalf("after message %x: the snapshot does not restore: %v", msg, err)
	}
	if !bytes.Equal(again.AppendSnapshot(nil), after) {
		t.Fatalf("after message %x: the snapshot restores to another shard", msg)
	}
}

func FuzzShardHandle(f *testing.F) {
	var jobs []recorded
	for _, p := range fuzzPolicies {
		jobs = append(jobs, record(f, p))
	}
	for p, job := range jobs {
		for at, msg := range job.messages {
			f.Add(uint8(p), uint16(at), uint64(0), msg)
			f.Add(uint8(p), uint16(at), uint64(at+1), msg)
		}
	}
	// Ranges as long as a uint64 counts, and a lease on a list.
	for _, set := range [][]byte{
		appendUints(nil, 3, 1, 0, setRange, 0, math.MaxUint64/2),
		appendUints(nil, 3, 1, 0, setRange, 0, math.MaxUint64),
		appendUints(nil, 1, 9, 1, setList, 1, 4),
		appendUints(nil, 4, 1, 0, setRange, 0, 1),
	} {
		f.Add(uint8(1), uint16(9), uint64(0), append(appendHeader(nil, kindHold, 1, 0), set...))
	}
	f.Fuzz(func(t *testing.T, policy uint8, at uint16, seed uint64, msg []byte) {
		p := int(policy) % len(jobs)
		job := jobs[p]
		i := int(at) % len(job.messages)
		if seed > 0 {
			rnd := rand.New(rand.NewPCG(seed, 0))
			msg = mutate(rnd, msg, job.messages[rnd.IntN(len(job.messages))])
		}
		handleAnything(t, fuzzPolicies[p], job.snapshots[i], msg)
	})
}

// TestMutatedMessages is FuzzShardHandle on real messages, briefly.
func TestMutatedMessages(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for _, p := range fuzzPolicies {
		job := record(t, p)
		for range 3000 {
			i := rnd.IntN(len(job.messages))
			msg := job.messages[i]
			if rnd.IntN(4) == 0 {
				i = rnd.IntN(len(job.messages))
			}
			handleAnything(t, p, job.snapshots[i], mutate(rnd, msg, job.messages[rnd.IntN(len(job.messages))]))
		}
	}
}

// deliverAnything gives a client that works a message that may be anything.
func deliverAnything(t *testing.T, policy consistency.Policy, clocks int, msg []byte) {
	t.Helper()
	r := fuzzRig(t, policy)
	r.start()
	c := r.clients[0]
	for n := range clocks {
		c.parts[0].views[0].(*View[int32]).Inc(n, 1)
		r.clock()
	}
	c.parts[0].views[0].(*View[int32]).Inc(0, 1)
	c.Steps().BeginClock(0)
	was := c.shards[0].stamp
	err := c.Deliver(0, msg)
	if err != nil && c.shards[0].stamp != was {
		t.Fatalf("message %x: got error %v, but the client took its head in", msg, err)
	}
	if c.Err() != nil && err == nil {
		t.Fatalf("message %x: the client failed and Deliver said nothing", msg)
	}
	c.Steps().ClockReady(0)
	c.Steps().End(0)
}

func FuzzClientDeliver(f *testing.F) {
	for p := range fuzzPolicies {
		for i, msg := range record(f, fuzzPolicies[p]).answers {
			f.Add(uint8(p), uint8(i), uint64(0), msg)
			f.Add(uint8(p), uint8(i), uint64(i+1), msg)
		}
	}
	f.Fuzz(func(t *testing.T, policy, clocks uint8, seed uint64, msg []byte) {
		if seed > 0 {
			msg = mutate(rand.New(rand.NewPCG(seed, 0)), msg, msg)
		}
		deliverAnything(t, fuzzPolicies[int(policy)%len(fuzzPolicies)], int(clocks%5), msg)
	})
}

func TestMutatedAnswers(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for _, p := range fuzzPolicies {
		answers := record(t, p).answers
		for range 300 {
			msg := answers[rnd.IntN(len(answers))]
			deliverAnything(t, p, rnd.IntN(5), mutate(rnd, msg, answers[rnd.IntN(len(answers))]))
		}
	}
}

// An answer with a broken block has been taken in in part: its client must not go
// on with that. A broken head changes nothing.
func TestBrokenAnswerFailsItsClient(t *testing.T) {
	answers := record(t, consistency.SSP(2)).answers
	for i, answer := range answers {
		for _, c := range []struct {
			name  string
			msg   []byte
			fails bool
		}{
			{"head", answer[:9], false},
			{"bytes too many", append(slices.Clone(answer), 0), true},
		} {
			r := fuzzRig(t, consistency.SSP(2))
			r.start()
			wantError(t, c.name, r.clients[0].Deliver(0, c.msg))
			if got := r.clients[0].Err() != nil; got != c.fails {
				t.Errorf("answer %d, %s: the client failed: got %t, want %t", i, c.name, got, c.fails)
			}
		}
	}
}

// TestForgedMessages are wrong in ways that chance does not find.
func TestForgedMessages(t *testing.T) {
	r := newRig(t, rigJob{specs: oneTable(Int32, 1, 4, Add), parts: []int{1, 1}, policy: consistency.ASP()})
	for o := range 2 {
		openView[int32](r, o, 0, "w", Span(0, 4), Increments)
	}
	r.start()
	s := r.shards[0]
	handle := func(k kind, body ...uint64) error {
		return s.Handle(appendUints(appendHeader(nil, k, 1, 0), body...), func(consistency.Origin, *Buffer) {})
	}
	for _, turn := range []uint64{0, 1} { // turn 1 waits
		if err := handle(kindHold, 0, 10+turn, 2*(turn+1), setRange, 0, 4); err != nil {
			t.Fatal(err)
		}
	}
	update := func(hold uint64) []uint64 {
		return []uint64{2, 0, 0, 0, flagLast, 1, 0, 0, 0, 0, hold, posGaps, 1, 0, 1, 7}
	}
	before := s.AppendSnapshot(nil)
	wantError(t, "a lease that was not granted", handle(kindUpdate, append(update(11), 0)...))
	wantError(t, "a hold that was not asked for", handle(kindUpdate, append(update(12), 0)...))
	wantError(t, "release of what is no lease", handle(kindUpdate, append(update(10), 1, 0, 1)...))
	three := update(10)
	three[len(three)-2] = 3
	wantError(t, "numbers of three bytes", handle(kindUpdate, append(three, 0)...))
	wantError(t, "a flag that does not exist", handle(kindUpdate, 2, 0, 0, 0, 2, 0, 0, 0, 0, 0))
	wantError(t, "bytes too many", handle(kindUpdate, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0))
	wantError(t, "another part of a clock first", handle(kindUpdate, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0))
	wantError(t, "it leaves ahead of its updates", handle(kindLeave, 2))
	wantError(t, "an answer", handle(kindAnswer))
	wantError(t, "an origin that does not count", s.Handle(helloMessage(2), nil))
	wantError(t, "a lease on a list", handle(kindHold, 0, 1, 2, setList, 1, 0))
	if !bytes.Equal(s.AppendSnapshot(nil), before) {
		t.Error("what was refused changed the shard")
	}
	if err := handle(kindUpdate, append(update(10), 0)...); err != nil {
		t.Errorf("with the lease that was granted: %v", err)
	}

	// A hello that lists a hold twice keeps it once.
	if err := handle(kindHello, rigLife, 1, 0, 2, 0, 1, 0, 1); err != nil {
		t.Fatal(err)
	}
	if got := len(s.sessions[0].holds); got != 1 {
		t.Errorf("holds after a hello that lists one twice: got %d, want 1", got)
	}
}

// restoreAnything restores bytes that may be anything: an error, or a shard that
// works.
func restoreAnything(t *testing.T, policy consistency.Policy, snapshot []byte, messages [][]byte) {
	t.Helper()
	s, err := Restore(snapshot, fuzzSpecs(), Options{Policy: policy, Eager: policy.Eager(), Life: rigLife})
	if err != nil {
		return
	}
	reply := func(consistency.Origin, *Buffer) {}
	for _, msg := range messages {
		_ = s.Handle(msg, reply) // anything but a panic
	}
	if err := s.SetRoster(placement.Roster{Generation: s.Generation() + 1, Origins: []placement.Entry{{Origin: 0}, {Origin: 5, Start: 3}}}, reply); err != nil && s.Generation() < math.MaxUint32 {
		t.Fatal(err)
	}
	s.AppendSnapshot(nil)
	s.Norms(0)
}

func FuzzRestore(f *testing.F) {
	var jobs []recorded
	for p := range fuzzPolicies {
		job := record(f, fuzzPolicies[p])
		jobs = append(jobs, job)
		for i, snapshot := range job.snapshots {
			f.Add(uint8(p), uint64(0), snapshot)
			f.Add(uint8(p), uint64(i+1), snapshot)
		}
	}
	f.Fuzz(func(t *testing.T, policy uint8, seed uint64, snapshot []byte) {
		p := int(policy) % len(jobs)
		if seed > 0 {
			snapshot = mutate(rand.New(rand.NewPCG(seed, 0)), snapshot, nil)
		}
		restoreAnything(t, fuzzPolicies[p], snapshot, jobs[p].messages)
	})
}

func TestMutatedSnapshots(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for _, p := range fuzzPolicies {
		job := record(t, p)
		for range 1000 {
			snapshot := job.snapshots[rnd.IntN(len(job.snapshots))]
			head := snapshot[:min(len(snapshot), 300)] // values are most of the rest, and may be anything
			if rnd.IntN(2) == 0 {
				restoreAnything(t, p, append(mutate(rnd, head, nil), snapshot[len(head):]...), job.messages)
			} else {
				restoreAnything(t, p, mutate(rnd, snapshot, nil), job.messages)
			}
		}
	}
}
