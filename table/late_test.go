package table

import (
	"math"
	"slices"
	"testing"

	"petuum/consistency"
)

// plainSteps is a table of steps down what was summed, whose values show the weights.
func plainSteps(late Late) []Spec {
	return []Spec{{Name: "w", Keys: 4, Type: Float64, Rule: ProximalL1(1, 0), Late: late}}
}

func TestLateNames(t *testing.T) {
	for l, name := range LateNames() {
		got, err := ParseLate(name)
		if err != nil || got != Late(l) || got.String() != name {
			t.Errorf("%q: got %v, %v, want %d", name, got, err, l)
		}
	}
	_, err := ParseLate("dynamic")
	wantError(t, "dynamic", err)
	wantEqual(t, "an unknown weight", Late(9).String(), "Late(9)")
}

func TestTablesThatCannotWeightUpdates(t *testing.T) {
	for what, s := range map[string]Spec{
		"add":           {Late: LateMean},
		"max":           {Late: LateDyn, Rule: Max},
		"replace":       {Late: LateDyn, Rule: Replace},
		"aggregate":     {Late: LateDyn, Rule: Aggregate(1, 1)},
		"whole numbers": {Late: LateMean, Type: Int32},
		"unknown":       {Late: 3, Rule: FTRL(1, 1, 1, 1)},
	} {
		s.Name, s.Keys = "w", 10
		wantError(t, what, s.Validate())
	}
	for _, r := range []Rule{FTRL(1, 1, 1, 1), AdaGrad(1, 1), ProximalL1(1, 1)} {
		s := Spec{Name: "w", Keys: 10, Rule: r, Late: LateDyn, Encoding: Fixed2}
		if err := s.Validate(); err != nil {
			t.Error(err)
		}
	}
}

// Under BSP late updates do not exist, in whatever order they come; nor for one
// origin, however far ahead of the answers it works.
func TestNobodyIsLate(t *testing.T) {
	for _, c := range []struct {
		policy consistency.Policy
		orders [][]int
	}{
		{consistency.BSP(), [][]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}}},
		{consistency.SSP(3), [][]int{{0}}}, {consistency.ASP(), [][]int{{0}}},
	} {
		for _, order := range c.orders {
			r := newRig(t, rigJob{specs: plainSteps(LateDyn), parts: slices.Repeat([]int{1}, len(order)), policy: c.policy})
			var views []*View[float64]
			for o := range order {
				views = append(views, openView[float64](r, o, 0, "w", Span(0, 4), Increments))
			}
			r.start()
			for clock := range 6 {
				for _, o := range order {
					views[o].Inc(o, 1)
					r.clients[o].Steps().BeginClock(0)
					if !c.policy.Synchronous() && clock < 3 {
						r.clients[o].Steps().End(0) // without an answer
						continue
					}
					r.pump()
				}
				for _, o := range order {
					if c.policy.Synchronous() || clock >= 3 {
						r.end(o, 0)
					}
				}
			}
			for _, o := range order {
				wantValues(t, c.policy.String()+": a key of one origin", stored[float64](r.shards[0], 0)[uint64(o)], -6)
			}
		}
	}
}

// straggle has origin 1 work on its first clock while origin 0 finishes k, and
// returns the rig and the views.
func straggle(t *testing.T, late Late, k int) (*rig, []*View[float64]) {
	t.Helper()
	r := newRig(t, rigJob{specs: plainSteps(late), parts: []int{1, 1}, policy: consistency.SSP(8), window: 20})
	var views []*View[float64]
	for o := range 2 {
		views = append(views, openView[float64](r, o, 0, "w", Span(0, 4), Increments))
	}
	r.start()
	for range k {
		views[0].Inc(0, 1)
		r.clock(0)
	}
	views[1].Inc(1, 1)
	return r, views
}

func TestWeightOfLateUpdates(t *testing.T) {
	for _, c := range []struct {
		late Late
		k    int
		want float64 // of the straggler's update
	}{
		{LateAdd, 5, 1}, {LateMean, 0, 0.5}, {LateMean, 5, 0.5},
		{LateDyn, 0, 1}, {LateDyn, 1, 1}, {LateDyn, 2, 0.5}, {LateDyn, 3, 1. / 3}, {LateDyn, 5, 0.2},
	} {
		r, views := straggle(t, c.late, c.k)
		r.clock(1)
		wantValues(t, c.late.String()+": the straggler", stored[float64](r.shards[0], 0)[1], -c.want)
		first := 1.0
		if c.late == LateMean {
			first = 0.5
		}
		if c.k > 0 {
			wantValues(t, c.late.String()+": the other, who is never late", stored[float64](r.shards[0], 0)[0], -first*float64(c.k))
		}
		// Then it works on what it has seen.
		views[1].Inc(2, 1)
		r.clock(1)
		wantValues(t, c.late.String()+": the next update", stored[float64](r.shards[0], 0)[2], -first)
		views[1].Inc(3, 1)
		r.clients[0].Finish(0)
		r.pump()
		r.clock(1)
		wantValues(t, c.late.String()+": after the other has finished", stored[float64](r.shards[0], 0)[3], -first)
	}
}

// What is weighted is applied once, also by a restored shard to which it is sent
// again, and by what it was based on.
func TestLateUpdateIsSentAgain(t *testing.T) {
	r, views := straggle(t, LateDyn, 3)
	before := r.shards[0].AppendSnapshot(nil)
	r.clients[1].Steps().BeginClock(0)
	for len(r.up[pair{1, 0}]) > 0 {
		msg, _ := next(r.up, pair{1, 0})
		if err := r.handle(0, msg); err != nil {
			t.Fatal(err)
		}
		if err := r.handle(0, msg); err != nil { // a duplicate
			t.Fatal(err)
		}
	}
	after := r.shards[0].AppendSnapshot(nil)
	for _, c := range []struct { // in this order: what was acknowledged a shard must have
		what     string
		snapshot []byte
	}{{"before it", before}, {"after it", after}} {
		o := r.options
		o.Life++
		s, err := Restore(c.snapshot, r.specs, o)
		if err != nil {
			t.Fatal(err)
		}
		r.shards[0] = s
		for o := range 2 {
			r.cut(pair{o, 0})
			r.connect(o, 0)
		}
		r.pump()
		wantValues(t, "restored to "+c.what, stored[float64](r.shards[0], 0)[1], -1./3)
	}
	r.end(1, 0)
	wantValues(t, "the view", views[1].Values(), -3, -1./3, 0, 0)
}

func TestWeightOfAnythingIsAWeight(t *testing.T) {
	r, _ := straggle(t, LateDyn, 3)
	for _, based := range []consistency.Clock{consistency.Beginning, -1, 0, 2, 3, 1 << 40, math.MaxInt64} {
		for o := range consistency.Origin(2) {
			if w := r.shards[0].weight(0, o, based); !(w > 0 && w <= 1) {
				t.Errorf("origin %d, based on %d: got weight %g", o, based, w)
			}
		}
	}
}
