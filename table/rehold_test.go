package table

import (
	"math/rand/v2"
	"slices"
	"testing"

	"petuum/consistency"
)

// stream is a client that holds another random set of keys every clock.
type stream struct {
	*loop
	view *View[float32]
	sets [][]uint64
	next int
}

func newStream(t testing.TB, spec Spec, policy consistency.Policy, shards, n, sets int) *stream {
	s := &stream{loop: newLoop(t, spec, policy, shards)}
	rnd := rand.New(rand.NewPCG(11, 0))
	for range sets {
		keys := make([]uint64, n)
		for i := range keys {
			if keys[i] = rnd.Uint64N(spec.Keys); len(s.sets) > 0 && i%2 == 0 {
				keys[i] = s.sets[0][rnd.IntN(len(s.sets[0]))] // which it has in common
			}
		}
		slices.Sort(keys)
		s.sets = append(s.sets, slices.Compact(keys))
	}
	var err error
	if s.view, err = Open[float32](s.client, 0, spec.Name, Keys(s.sets[0]), Increments); err != nil {
		t.Fatal(err)
	}
	s.start()
	return s
}

// clock works on the keys held and asks for the next ones.
func (s *stream) clock() {
	for i := range s.view.Len() {
		s.view.Inc(i, 0.25)
	}
	s.next++
	s.view.Hold(Keys(s.sets[s.next%len(s.sets)]))
	s.loop.clock()
}

// What a client and a shard keep of sets that are held no more does not grow with
// the clocks; and when all keys have been seen nothing is allocated any more.
func TestReholdingKeepsNothing(t *testing.T) {
	const n, sets = 3000, 7
	for _, rule := range []Rule{FTRL(0.1, 1, 0.1, 0.1), AdaGrad(0.1, 0.1), Add} {
		for _, policy := range []consistency.Policy{consistency.BSP(), consistency.SSP(2), consistency.ASP()} {
			s := newStream(t, Spec{Name: "w", Keys: 1 << 30, Rule: rule}, policy, 3, n, sets)
			for range 4 * sets {
				s.clock()
			}
			size := func() (client int, shard []int, snapshot int) {
				for _, sh := range s.shards {
					shard = append(shard, len(sh.sessions[0].holds))
					for _, h := range sh.sessions[0].holds {
						snapshot += h.rows.n
					}
				}
				return len(s.client.replicas) + len(s.client.spare), shard, snapshot
			}
			for range 60 {
				s.clock()
			}
			client, shard, rows := size()
			if client > 4+maxSpare || slices.Max(shard) > 4 || rows > 4*n {
				t.Errorf("%s, %s: got %d sets at the client, %v at the shards with %d keys", rule, policy, client, shard, rows)
			}
			if rule.preview() || raceEnabled { // own updates are handed on to the next set, in new memory
				continue
			}
			if got := testing.AllocsPerRun(50, s.clock); got > 0 {
				t.Errorf("%s, %s: got %v allocations a clock, want none", rule, policy, got)
			}
		}
	}
}

// A stream of 15,000 keys a clock of 2^30, one client and one shard.
func BenchmarkRehold(b *testing.B) {
	for _, rule := range []Rule{AdaGrad(0.1, 1), FTRL(0.1, 1, 1e-3, 1e-3)} {
		b.Run(rule.String(), func(b *testing.B) {
			s := newStream(b, Spec{Name: "w", Keys: 1 << 30, Rule: rule}, consistency.BSP(), 1, 15_000, 64)
			for range 100 {
				s.clock()
			}
			b.ReportAllocs()
			for b.Loop() {
				s.clock()
			}
			b.ReportMetric(15_000*float64(b.N)/b.Elapsed().Seconds(), "keys/s")
		})
	}
}

// A range of 2^20 keys is held for ever by two origins, which touch 15,000 scattered
// keys each a clock.
func BenchmarkScatteredClock(b *testing.B) {
	const keys, n = 1 << 20, 15_000
	for _, rule := range []Rule{AdaGrad(0.1, 1), FTRL(0.1, 1, 1e-3, 1e-3)} {
		b.Run(rule.String(), func(b *testing.B) {
			r := newRig(b, rigJob{specs: []Spec{{Name: "w", Keys: keys, Rule: rule}}, parts: []int{1, 1}})
			var views []*View[float32]
			for o := range 2 {
				views = append(views, openView[float32](r, o, 0, "w", Span(0, keys), Increments))
			}
			r.start()
			rnd := rand.New(rand.NewPCG(12, 0))
			one := func() {
				for _, v := range views {
					for range n {
						v.Inc(rnd.IntN(keys), 0.25)
					}
				}
				r.clock()
			}
			for range 200 {
				one()
			}
			b.ReportAllocs()
			for b.Loop() {
				one()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(2*n), "ns/key")
		})
	}
}
