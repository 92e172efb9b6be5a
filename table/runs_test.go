package table

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"petuum/consistency"
)

// takeRound takes the first message of each shard's queue of a client.
func takeRound(queue map[pair][][]byte, client, shards int) (list []Message) {
	for k := range shards {
		if msg, ok := next(queue, pair{client, k}); ok {
			list = append(list, Message{Shard: k, Body: msg})
		}
	}
	return list
}

// asRuns gives messages of equal bytes that follow each other the same memory, and
// returns how many have that of the one before.
func asRuns(list []Message) (again int) {
	for i := 1; i < len(list); i++ {
		if bytes.Equal(list[i].Body, list[i-1].Body) {
			list[i].Body = list[i-1].Body
			again++
		}
	}
	return again
}

// exchange moves a round of a client's messages to the shards or back to it: one by
// one, or as runs that are parsed once.
func (r *rig) exchange(o int, up, runs bool) (again int) {
	r.t.Helper()
	queue := r.down
	if up {
		queue = r.up
	}
	list := takeRound(queue, o, len(r.shards))
	if runs {
		again = asRuns(list)
	}
	if !up && runs && len(list) > 0 {
		if err := r.clients[o].DeliverAll(list); err != nil {
			r.t.Fatal(err)
		}
		return again
	}
	var p Parsed
	for i, m := range list {
		var err error
		switch {
		case !up:
			err = r.clients[o].Deliver(m.Shard, m.Body)
		case !runs:
			err = r.handle(m.Shard, m.Body)
		default:
			if i == 0 || !m.Again(list[i-1].Body) {
				if p, err = Parse(m.Body); err != nil {
					r.t.Fatal(err)
				}
			}
			err = r.shards[m.Shard].HandleParsed(&p, r.reply(m.Shard))
		}
		if err != nil {
			r.t.Fatal(err)
		}
	}
	return again
}

// However messages reach shards and clients, one by one or in runs, what they then
// hold and say is the same.
func TestRunsAreTheSame(t *testing.T) {
	const shards, keys, origins = 8, 64, 2
	for _, policy := range []consistency.Policy{consistency.BSP(), consistency.SSP(3), consistency.ASP()} {
		for name, spec := range map[string]Spec{
			"plain":  {Keys: keys},
			"fixed1": {Keys: keys, Encoding: Fixed1},
			"skip":   {Keys: keys, Filter: Filter{Skip: 0.5}},
		} {
			t.Run(fmt.Sprint(policy, " ", name), func(t *testing.T) {
				spec.Name = "w"
				seed := rand.Uint64()
				t.Logf("seed %d", seed)
				rnd := rand.New(rand.NewPCG(seed, 0))
				var rigs [2]*rig
				var views [2][]*View[float32]
				for i := range rigs {
					rigs[i] = newRig(t, rigJob{specs: []Spec{spec}, shards: shards, parts: []int{1, 1}, policy: policy, window: 3, eager: policy.Eager()})
					for o := range origins {
						views[i] = append(views[i], openView[float32](rigs[i], o, 0, "w", Span(0, keys), Increments))
					}
					rigs[i].start()
				}
				again, clocks := 0, 0
				working := []bool{true, true} // not in Clock
				for step := range 1500 {
					o, what, at, hold := rnd.IntN(origins), rnd.IntN(4), rnd.IntN(keys/2), uint64(rnd.IntN(keys/2))
					some, move := rnd.IntN(4) == 0, rnd.IntN(20) == 0
					for i, r := range rigs {
						switch {
						case what < 2:
							again += r.exchange(o, what == 0, i == 1)
						case working[o]:
							if v := views[i][o]; some && at < v.Len() {
								v.Inc(at, float32(step))
							}
							if move {
								views[i][o].Hold(Span(hold, keys))
							}
							r.clients[o].Steps().BeginClock(0)
						}
					}
					if what >= 2 {
						working[o] = false
					}
					for o := range origins {
						for i, rep := range rigs[1].clients[o].replicas {
							wantEqual(t, fmt.Sprintf("step %d: updates are kept that are not answered", step), rep.layered(), rigs[0].clients[o].replicas[i].layered())
						}
						ready := !working[o] && rigs[0].clients[o].Steps().ClockReady(0)
						if !working[o] && rigs[1].clients[o].Steps().ClockReady(0) != ready {
							t.Fatalf("step %d: one client is ready, the other is not", step)
						}
						if ready {
							clocks++
							working[o] = true
							rigs[0].end(o, 0)
							rigs[1].end(o, 0)
						}
						if got, want := views[1][o].Values(), views[0][o].Values(); !slices.Equal(got, want) {
							t.Fatalf("step %d: client %d: got %v, want %v", step, o, got, want)
						}
					}
					wantEqual(t, fmt.Sprintf("step %d: updates on their way", step), rigs[1].up, rigs[0].up)
					wantEqual(t, fmt.Sprintf("step %d: answers on their way", step), rigs[1].down, rigs[0].down)
					if t.Failed() {
						return
					}
				}
				for k := range shards {
					if got, want := rigs[1].shards[k].AppendSnapshot(nil), rigs[0].shards[k].AppendSnapshot(nil); !bytes.Equal(got, want) {
						t.Errorf("shard %d: the snapshots differ", k)
					}
					wantEqual(t, fmt.Sprintf("shard %d", k), rigs[1].shards[k].Stats(), rigs[0].shards[k].Stats())
				}
				if again < 100 || clocks < 50 {
					t.Errorf("%d messages in runs in %d clocks, want more: it was not tested what was meant to be", again, clocks)
				}
			})
		}
	}
}

// Shards for which a clock has nothing share one buffer until each has answered, and
// what is resent is a copy.
func TestUntouchedShardsShareAnUpdate(t *testing.T) {
	const shards, keys = 8, 64
	l := newLoop(t, Spec{Name: "w", Keys: keys}, consistency.SSP(2), shards)
	v, err := Open[float32](l.client, 0, "w", Span(0, keys), Increments)
	if err != nil {
		t.Fatal(err)
	}
	l.start()
	v.Inc(17, 1) // of shard 2
	l.client.Steps().BeginClock(0)
	if got := len(l.up); got != shards {
		t.Fatalf("got %d updates, want %d", got, shards)
	}
	for k := range shards {
		if got, want := l.up[k].b == l.up[0].b, k != 2; got != want {
			t.Errorf("the update of shard %d is that of shard 0: got %v, want %v", k, got, want)
		}
	}
	shared := l.up[0].b
	before := bytes.Clone(shared.Bytes)
	l.client.SetGeneration(2) // introduces itself, and resends, while the first are on their way
	if !bytes.Equal(shared.Bytes, before) {
		t.Errorf("what was sent has changed: got %v, want %v", shared.Bytes, before)
	}
	for _, m := range l.up[shards:] {
		if m.b == shared {
			t.Errorf("shard %d is resent the buffer that it was sent", m.shard)
		}
	}
}

// An update says on which version its own shard's values were based.
func TestUpdatesSayWhatTheyAreBasedOn(t *testing.T) {
	const shards, keys = 8, 64
	l := newLoop(t, Spec{Name: "w", Keys: keys}, consistency.SSP(2), shards)
	if _, err := Open[float32](l.client, 0, "w", Span(0, keys), Increments); err != nil {
		t.Fatal(err)
	}
	l.start()
	l.client.Steps().BeginClock(0)
	ahead := func(k int) bool { return k%3 == 1 }
	for _, m := range l.up {
		if ahead(m.shard) {
			if err := l.shards[m.shard].Handle(m.b.Bytes, l.reply[m.shard]); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, m := range l.down {
		if err := l.client.Deliver(m.shard, m.b.Bytes); err != nil {
			t.Fatal(err)
		}
	}
	l.up = nil
	l.client.Steps().End(0)
	l.client.Steps().BeginClock(0)
	for k, m := range l.up {
		p, err := Parse(m.b.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		want := consistency.Clock(0)
		if ahead(k) {
			want = 1
		}
		if p.update.based != want || p.update.clock != 2 || !p.update.empty {
			t.Errorf("the update of shard %d: got %+v, want it empty, of clock 2, based on %d", k, p.update, want)
		}
	}
}
