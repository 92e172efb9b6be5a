package server

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	"petuum/consistency"
	"petuum/roles/control"
	"petuum/roles/wire"
	"petuum/table"
	"petuum/table/placement"
)

// A relay keeps the messages of a client instead of sending them.
type relay struct{ messages []table.Message }

func (r *relay) Send(shard int, msg *table.Buffer) {
	r.messages = append(r.messages, table.Message{Shard: shard, Body: append([]byte(nil), msg.Bytes...)})
}

func (r *relay) Flush() {}

// bare is a connection without a socket: it counts what is sent.
type bare struct {
	frames  atomic.Int64
	answers atomic.Int64 // in them
	kept    atomic.Int64 // bodies that were kept
	aborted atomic.Bool
	stuffed bool          // every frame is too large
	applied atomic.Uint64 // what the last frame says of the time in shards, in nanoseconds
}

func (b *bare) Send(_ wire.Kind, batch []byte) error {
	b.frames.Add(1)
	b.answers.Add(int64(binary.LittleEndian.Uint32(batch[control.BatchHead-4:])))
	b.applied.Store(binary.LittleEndian.Uint64(batch[8:]))
	if b.stuffed {
		return wire.ErrTooLarge
	}
	return nil
}

func (b *bare) SendNow(kind wire.Kind, body []byte) error { return b.Send(kind, body) }

func (b *bare) SendOwned(kind wire.Kind, head, _ []byte, owner wire.Owner) error {
	owner.Release()
	return b.Send(kind, head)
}

func (b *bare) Keep([]byte) wire.Owner {
	b.kept.Add(1)
	return b
}

func (b *bare) Release() {}

func (b *bare) Abort() { b.aborted.Store(true) }

// batchOf is a batch of some messages.
func batchOf(messages ...table.Message) []byte {
	b := make([]byte, control.BatchHead)
	for _, m := range messages {
		b = append(control.AppendMessageHead(b, m.Shard, len(m.Body)), m.Body...)
	}
	control.PutBatchHead(b, control.Timing{}, len(messages))
	return b
}

// An update of origin 0 has its clock here, which takes two bytes from 64 to 8191.
const atClock, earliest = 6, 64

func setClock(batch []byte, m table.Message, clock int) {
	binary.PutUvarint(batch[len(batch)-len(m.Body)+atClock:], uint64(clock)<<1)
}

// recorded returns what a client of origin 0 says up to clock 64 and its update of
// the next clock, which changes one in so many values, none for 0.
func recorded(tb testing.TB, specs []table.Spec, of int, policy consistency.Policy, mode table.Mode, each int) (before, update []table.Message) {
	tb.Helper()
	c, err := table.NewClient(specs, table.ClientOptions{Generation: 1, Policy: policy, Shards: of, Parts: 1})
	if err != nil {
		tb.Fatal(err)
	}
	v, err := table.Open[float32](c, 0, specs[0].Name, table.Span(0, specs[0].Keys), mode)
	if err != nil {
		tb.Fatal(err)
	}
	r := &relay{}
	for k := range of {
		c.Connect(k, r)
	}
	c.Steps().BeginStart()
	for range earliest {
		c.Steps().BeginClock(0)
	}
	before, r.messages = r.messages, nil
	for i := 0; each > 0 && i < v.Len(); i += each {
		v.Inc(i, 0.5)
	}
	c.Steps().BeginClock(0)
	return before, r.messages
}

// bareLine is a line to shards of a host of so many helpers.
func bareLine(tb testing.TB, specs []table.Spec, of int, policy consistency.Policy, helpers int) (*line, *bare) {
	tb.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(helpers + 1))
	var shards []*table.Shard
	var numbers []int
	for k := range of {
		s, err := table.NewShard(k, of, specs, placement.NewRoster(1), table.Options{Policy: policy, Life: life})
		if err != nil {
			tb.Fatal(err)
		}
		shards, numbers = append(shards, s), append(numbers, k)
	}
	h := newHost(specs, of, shards, numbers)
	c := &bare{}
	l := h.newLine(c)
	tb.Cleanup(func() {
		_ = l.close()
		h.close()
	})
	return l, c
}

// A batch of small updates, or a large one, is handled and answered without
// allocating.
func TestHandleAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for _, policy := range []consistency.Policy{consistency.BSP(), consistency.ASP(), consistency.SSP(2)} {
		for _, tt := range []struct {
			name    string
			of      int
			keys    uint64
			helpers int
		}{{"small", 64, 6400, 0}, {"large", 1, 100_000, 0}, {"large, helped", 1, 100_000, 1}} {
			t.Run(policy.String()+" "+tt.name, func(t *testing.T) {
				specs := []table.Spec{{Name: "w", Keys: tt.keys}}
				l, c := bareLine(t, specs, tt.of, policy, tt.helpers)
				before, update := recorded(t, specs, tt.of, policy, table.Increments, map[int]int{1: 1}[tt.of])
				if err := l.handle(batchOf(before...)); err != nil {
					t.Fatal(err)
				}
				clock := earliest
				body := batchOf(update...)
				l.helped.Wait()
				step := func() {
					clock++
					if tt.of == 1 {
						setClock(body, update[0], clock)
					} else {
						at := body[control.BatchHead:]
						for _, m := range update {
							at = at[len(control.AppendMessageHead(head[:0], m.Shard, len(m.Body))):]
							binary.PutUvarint(at[atClock:], uint64(clock)<<1)
							at = at[len(m.Body):]
						}
					}
					if err := l.handle(body); err != nil {
						t.Error(err)
					}
					l.helped.Wait()
				}
				for range 10 {
					step()
				}
				sent := c.frames.Load()
				if got := testing.AllocsPerRun(200, step); got != 0 {
					t.Errorf("got %v allocations a batch, want 0", got)
				}
				if got := c.frames.Load() - sent; got != 201 {
					t.Errorf("got %d answers, want 201: it was not measured what was meant to be", got)
				}
				if got, want := c.kept.Load() > 0, tt.helpers > 0; got != want {
					t.Errorf("handed over: got %v, want %v", got, want)
				}
			})
		}
	}
}

var head [32]byte

// What shards take is measured, however many messages a batch has and however small
// they are.
func TestApplyIsMeasured(t *testing.T) {
	for _, of := range []int{1, 2, 64} {
		specs := []table.Spec{{Name: "w", Keys: 6400}}
		l, c := bareLine(t, specs, of, consistency.BSP(), 0)
		before, update := recorded(t, specs, of, consistency.BSP(), table.Increments, 0)
		if err := l.handle(batchOf(before...)); err != nil {
			t.Fatal(err)
		}
		applied := l.turn.host.ledger().Apply
		if err := l.handle(batchOf(update...)); err != nil {
			t.Fatal(err)
		}
		if got := l.turn.host.ledger().Apply; got <= applied {
			t.Errorf("%d shards: got %v seconds after %v, want more", of, got, applied)
		}
		if got := c.applied.Load(); got == 0 {
			t.Errorf("%d shards: the answer says that they took no time", of)
		}
	}
}

// A helper's error ends the connection, and is its reason.
func TestHelpersError(t *testing.T) {
	specs := []table.Spec{{Name: "w", Keys: 100_000}}
	for _, tt := range []struct {
		name  string
		spoil func(c *bare, batch []byte, m table.Message)
		want  error
	}{
		{"an update out of order", func(_ *bare, batch []byte, m table.Message) { setClock(batch, m, earliest+2) }, nil},
		{"an answer that is too large", func(c *bare, _ []byte, _ table.Message) { c.stuffed = true }, wire.ErrTooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, c := bareLine(t, specs, 1, consistency.BSP(), 1)
			before, update := recorded(t, specs, 1, consistency.BSP(), table.Increments, 1)
			if err := l.handle(batchOf(before...)); err != nil {
				t.Fatal(err)
			}
			l.helped.Wait() // for the helper to be free
			body := batchOf(update...)
			tt.spoil(c, body, update[0])
			if err := l.handle(body); err != nil {
				t.Fatalf("handle: got %v, want it to be the helper's affair", err)
			}
			err := l.close()
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("got %v, want an error of the helper %v", err, tt.want)
			}
			if !c.aborted.Load() {
				t.Error("the connection goes on")
			}
		})
	}
}

// Updates of one shard, large and small by turns and some of them handed over, are
// applied in the order in which they came: every clock follows the one before.
func TestHelpersKeepOrder(t *testing.T) {
	const of, clocks = 3, 400
	specs := []table.Spec{{Name: "w", Keys: of * 20_000}}
	l, c := bareLine(t, specs, of, consistency.ASP(), 1)
	before, large := recorded(t, specs, of, consistency.ASP(), table.Increments, 1)
	_, small := recorded(t, specs, of, consistency.ASP(), table.Increments, 0)
	if err := l.handle(batchOf(before...)); err != nil {
		t.Fatal(err)
	}
	l.helped.Wait()
	for clock := earliest + 1; clock <= earliest+clocks; clock++ {
		for k := range of {
			m := large[k]
			if (clock+k)%3 == 0 {
				m = small[k]
			}
			body := batchOf(m)
			setClock(body, m, clock)
			if err := l.handle(body); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := l.close(); err != nil {
		t.Fatal(err)
	}
	if c.kept.Load() == 0 {
		t.Error("nothing was handed over: this test shows nothing")
	}
	for k := range of {
		if got, want := l.turn.host.shards[k].shard.Seen(0), consistency.Clock(earliest+clocks); got != want {
			t.Errorf("shard %d: got updates up to clock %d, want %d", k, got, want)
		}
	}
}

// Small messages are handed over once one took long, and each is answered.
func TestHelpersAnswerAsks(t *testing.T) {
	const of = 8
	specs := []table.Spec{{Name: "w", Keys: of * 20_000}}
	l, c := bareLine(t, specs, of, consistency.ASP(), 1)
	before, _ := recorded(t, specs, of, consistency.ASP(), table.Increments, 0)
	for i, m := range before { // as if each took long
		l.turn.took = handAfter
		if err := l.handle(batchOf(m)); err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
	}
	if err := l.close(); err != nil {
		t.Fatal(err)
	}
	if c.kept.Load() > 0 {
		t.Error("the frame of a small message was kept, want a copy")
	}
	if got, want := c.answers.Load(), int64(of*(earliest+1)); got != want {
		t.Errorf("got %d answers, want %d: to each ask and update", got, want)
	}
	for k := range of {
		if got, want := l.turn.host.shards[k].shard.Seen(0), consistency.Clock(earliest); got != want {
			t.Errorf("shard %d: got updates up to clock %d, want %d", k, got, want)
		}
	}
}

// BenchmarkShardsDense is a connection that brings updates of 64 shards of 160,000
// values each, and has all values answered, from where updates come off the socket
// to where answers go there. It is bound by memory.
func BenchmarkShardsDense(b *testing.B) { benchShards(b, 1) }

// BenchmarkShardsThird is the same for every third value. It is bound by processors.
func BenchmarkShardsThird(b *testing.B) { benchShards(b, 3) }

func benchShards(b *testing.B, each int) {
	const keys, of = 64 * 160_000, 64
	specs := []table.Spec{{Name: "w", Keys: keys}}
	before, update := recorded(b, specs, of, consistency.ASP(), table.Increments, each)
	for _, helpers := range []int{0, 1} {
		b.Run(fmt.Sprintf("helpers=%d", helpers), func(b *testing.B) {
			l, _ := bareLine(b, specs, of, consistency.ASP(), helpers)
			if err := l.handle(batchOf(before...)); err != nil {
				b.Fatal(err)
			}
			var bodies [of][]byte
			for k, m := range update {
				bodies[k] = batchOf(m)
			}
			clock := earliest
			b.SetBytes(int64(4 * keys / each))
			for b.Loop() {
				clock++
				for k, m := range update {
					setClock(bodies[k], m, clock)
					if err := l.handle(bodies[k]); err != nil {
						b.Fatal(err)
					}
				}
				l.helped.Wait()
			}
		})
	}
}
