package table

import (
	"testing"

	"petuum/consistency"
	"petuum/table/placement"
)

// A view's version is what its values are sure to hold: not before the slowest
// origin, nor before the answer was taken in.
func TestViewVersion(t *testing.T) {
	specs := []Spec{{Name: "w", Keys: 4, Type: Int32}}
	for _, policy := range []consistency.Policy{consistency.BSP(), consistency.SSP(2), consistency.ASP()} {
		const shards, origins = 2, 2
		var hosts []*Shard
		for k := range shards {
			s, err := NewShard(k, shards, specs, placement.NewRoster(origins), Options{Policy: policy, Life: 1})
			if err != nil {
				t.Fatal(err)
			}
			hosts = append(hosts, s)
		}
		var clients []*Client
		var pipes []*pipe
		var views []*View[int32]
		deliver := func() {
			for o, p := range pipes {
				for i, m := range p.msgs {
					if err := hosts[p.ks[i]].Handle(m, func(to consistency.Origin, answer *Buffer) {
						if err := clients[to].Deliver(p.ks[i], answer.Bytes); err != nil {
							t.Fatal(err)
						}
					}); err != nil {
						t.Fatal(err)
					}
				}
				*pipes[o] = pipe{}
			}
		}
		for o := range origins {
			c, err := NewClient(specs, ClientOptions{Origin: consistency.Origin(o), Generation: 1, Policy: policy, Shards: shards, Parts: 1})
			if err != nil {
				t.Fatal(err)
			}
			v, err := Open[int32](c, 0, "w", Span(0, 4), Increments)
			if err != nil {
				t.Fatal(err)
			}
			clients, pipes, views = append(clients, c), append(pipes, &pipe{}), append(views, v)
			for k := range shards {
				c.Connect(k, pipes[o])
			}
			c.Steps().BeginStart()
		}
		deliver()
		for _, c := range clients {
			c.Steps().End(0)
		}
		step := func(o int) {
			for i := range 4 {
				views[o].Inc(i, 1)
			}
			clients[o].Steps().BeginClock(0)
		}
		for clock := range 5 {
			step(0)
			step(1)
			if clock == 3 {
				step(0) // one origin is ahead
			}
			deliver()
			for o, c := range clients {
				before := views[o].Version()
				if ahead := policy == consistency.BSP() && clock > 2 && o == 0; !ahead && !c.Steps().ClockReady(0) {
					t.Fatalf("%s: clock %d: origin %d is not ready", policy, clock, o)
				}
				c.Steps().End(0)
				got := views[o].Version()
				if got < before {
					t.Errorf("%s: the version fell from %d to %d", policy, before, got)
				}
				for i, x := range views[o].Values() {
					own := clock + 1
					if o == 0 && clock > 2 {
						own++
					}
					if others := int64(x) - int64(own); others < int64(got) {
						t.Errorf("%s: clock %d, origin %d, key %d: %d of the other's updates are in at version %d", policy, clock, o, i, others, got)
					}
				}
				if policy == consistency.BSP() && clock < 3 && got != consistency.Clock(clock+1) {
					t.Errorf("bsp: clock %d: got version %d, want %d", clock, got, clock+1)
				}
			}
		}
		if got := views[1].Version(); got < 2 {
			t.Errorf("%s: the version stays at %d", policy, got)
		}
	}
}
