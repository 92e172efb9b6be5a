package table

import (
	"testing"

	"petuum/consistency"
	"petuum/table/placement"
)

type pipe struct {
	msgs [][]byte
	ks   []int
}

func (p *pipe) Send(k int, m []byte) { p.msgs = append(p.msgs, append([]byte(nil), m...)); p.ks = append(p.ks, k) }
func (p *pipe) Flush()               {}

func TestSmoke(t *testing.T) {
	for _, pol := range []consistency.Policy{consistency.BSP(), consistency.SSP(2), consistency.ASP()} {
		specs := []Spec{{Name: "w", Keys: 100, Type: Int32}, {Name: "h", Keys: 1 << 40, Width: 3, Type: Float64, Init: Init{Spread: 1}}}
		const S, P = 3, 2
		var shards []*Shard
		for k := range S {
			s, err := NewShard(k, S, specs, placement.NewRoster(P), Options{Policy: pol, Eager: pol.Eager(), Life: 7})
			if err != nil {
				t.Fatal(err)
			}
			shards = append(shards, s)
		}
		var cs []*Client
		var ps []*pipe
		for o := range P {
			c, err := NewClient(specs, ClientOptions{Origin: consistency.Origin(o), Generation: 1, Policy: pol, Shards: S, Parts: 1})
			if err != nil {
				t.Fatal(err)
			}
			cs, ps = append(cs, c), append(ps, &pipe{})
		}
		pump := func() {
			for o := range P {
				for len(ps[o].msgs) > 0 {
					m, k := ps[o].msgs[0], ps[o].ks[0]
					ps[o].msgs, ps[o].ks = ps[o].msgs[1:], ps[o].ks[1:]
					if err := shards[k].Handle(m, func(to consistency.Origin, msg []byte) {
						if err := cs[to].Deliver(k, msg); err != nil {
							t.Fatal(err)
						}
					}); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		var vs []*View[int32]
		var hs []*View[float64]
		for o, c := range cs {
			v, err := Open[int32](c, 0, "w", Span(0, 100), Increments)
			if err != nil {
				t.Fatal(err)
			}
			h, err := Open[float64](c, 0, "h", Keys([]uint64{5, 1 << 39, 1<<40 - 1}), Increments)
			if err != nil {
				t.Fatal(err)
			}
			vs, hs = append(vs, v), append(hs, h)
			for k := range S {
				c.Connect(k, ps[o])
			}
			c.Steps().BeginStart()
		}
		pump()
		for o := range P {
			if !cs[o].Steps().StartReady() {
				t.Fatal("not ready")
			}
			cs[o].Steps().End(0)
		}
		for n := range 10 {
			for o := range P {
				vs[o].Inc(3, 1)
				vs[o].Inc(50+n, int32(o+1))
				hs[o].AddTo(1, 2, []float64{1, 2, 3})
				cs[o].Steps().BeginClock(0)
			}
			pump()
			for o := range P {
				if !cs[o].Steps().ClockReady(0) {
					t.Fatal("not ready")
				}
				cs[o].Steps().End(0)
			}
		}
		for o := range P {
			tk, fl := cs[o].Steps().BeginSync(0)
			pump()
			if !cs[o].Steps().SyncReady(tk, fl) {
				t.Fatal("sync")
			}
			cs[o].Steps().End(0)
		}
		for o := range P {
			if vs[o].Values()[3] != 20 || vs[o].Values()[55] != 3 {
				t.Fatal(pol, vs[o].Values())
			}
			t.Log(hs[o].Row(1))
			if hs[o].Row(1)[1] < 78 {
				t.Fatal()
			}
		}
		snap := shards[0].AppendSnapshot(nil)
		r, err := Restore(snap, specs, Options{Policy: pol, Eager: pol.Eager(), Life: 7})
		if err != nil {
			t.Fatal(err)
		}
		if string(r.AppendSnapshot(nil)) != string(snap) {
			t.Fatal("snapshot differs")
		}
	}
}
