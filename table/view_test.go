package table

import (
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"petuum/consistency"
)

func oneTable(t Type, width int, keys uint64, rule Rule) []Spec {
	return []Spec{{Name: "w", Keys: keys, Width: width, Type: t, Rule: rule}}
}

func TestIncAndAddTo(t *testing.T) {
	r := newRig(t, rigJob{specs: oneTable(Float64, 3, 10, Add), parts: []int{1, 1}})
	v := openView[float64](r, 0, 0, "w", Keys([]uint64{2, 5, 9}), Increments)
	o := openView[float64](r, 1, 0, "w", Span(5, 10), Increments)
	r.start()
	if v.Len() != 3 || v.Key(1) != 5 || len(v.Values()) != 9 {
		t.Fatalf("got %d keys, key 1 is %d, %d values", v.Len(), v.Key(1), len(v.Values()))
	}
	v.Inc(4, 2.5)
	v.Inc(4, 0.5)
	v.AddTo(1, 2, []float64{1, 0, -1})
	v.AddTo(2, 1, []float64{7, 8, 9})
	wantValues(t, "own updates at once", v.Values(), 0, 0, 0, 2, 3, -2, 7, 8, 9)
	wantValues(t, "the other does not see them yet", o.Row(0), 0, 0, 0)
	o.Inc(0, 100)
	r.clock()
	wantValues(t, "key 5", v.Row(1), 102, 3, -2)
	wantValues(t, "key 5 at the other", o.Row(0), 102, 3, -2)
	wantValues(t, "key 9 at the other", o.Row(4), 7, 8, 9)
	row := v.Row(0)
	if cap(row) != 3 {
		t.Errorf("a row has room for %d values, want 3: append would write into the next", cap(row))
	}
}

func TestPut(t *testing.T) {
	for _, c := range []struct {
		rule   Rule
		puts   []int32
		mine   int32 // after the puts, on 10
		merged int32 // with the other's 4
	}{
		{Min, []int32{7, 9}, 7, 4},
		{Min, []int32{12, 30}, 10, 4},
		{Max, []int32{7, 30, 12}, 30, 30},
		{Replace, []int32{7, 30, 12}, 12, 4}, // the other is later in the order of origins
	} {
		specs := oneTable(Int32, 1, 4, c.rule)
		specs[0].Init.Value = 10
		r := newRig(t, rigJob{specs: specs, parts: []int{1, 1}, deterministic: true})
		v := openView[int32](r, 0, 0, "w", Span(0, 4), Increments)
		o := openView[int32](r, 1, 0, "w", Span(0, 4), Increments)
		r.start()
		for _, x := range c.puts {
			v.Put(2, []int32{x})
		}
		wantValues(t, c.rule.String()+" at once", v.Row(2), c.mine)
		o.Put(2, []int32{4})
		r.clock()
		wantValues(t, c.rule.String()+" of both", v.Row(2), c.merged)
		wantValues(t, c.rule.String()+" of both, at the other", o.Row(2), c.merged)
	}
}

func TestInPlace(t *testing.T) {
	for _, policy := range fuzzPolicies {
		r := newRig(t, rigJob{specs: oneTable(Int32, 2, 6, Add), parts: []int{1, 1}, policy: policy})
		v := openView[int32](r, 0, 0, "w", Span(0, 6), InPlace)
		o := openView[int32](r, 1, 0, "w", Span(0, 6), Increments)
		r.start()
		for clock := int32(1); clock <= 3; clock++ {
			copy(v.Values()[2:6], []int32{10 * clock, 20, 30, 40 * clock}) // keys 1 and 2
			v.Written(1, 3)
			v.Inc(0, 5) // may be mixed
			o.AddTo(1, 1, []int32{1, 1})
			r.clock()
			r.sync()
			want := []int32{5 * clock, 0, 10*clock + 1, 21, 30, 40 * clock, 0, 0, 0, 0, 0, 0}
			wantValues(t, policy.String()+": written in place", v.Values(), want...)
			wantValues(t, policy.String()+": at the other", o.Values(), want...)
		}
		// What is written but not ended by a Clock survives a Sync that brings news.
		o.Inc(2, 1000)
		r.clock()
		all, mine := int32(1031), v.Values()[2] // without the other's 1000, unless under BSP
		v.Values()[2] = 0
		v.Written(1, 2)
		r.sync()
		wantValues(t, policy.String()+": written before Sync", v.Values()[2:3], all-mine)
		r.clock()
		r.sync()
		wantValues(t, policy.String()+": sent after Sync", o.Values()[2:3], all-mine)
	}
}

func TestChanged(t *testing.T) {
	r := newRig(t, rigJob{specs: oneTable(Int32, 1, 200, Add), parts: []int{1, 1}})
	v := openView[int32](r, 0, 0, "w", Span(100, 200), Increments)
	o := openView[int32](r, 1, 0, "w", Span(0, 200), Increments)
	r.start()
	if got := v.Changed(); len(got) != 100 || got[0] != 0 || got[99] != 99 {
		t.Errorf("at first: got %v, want all", got)
	}
	if got := v.Changed(); len(got) != 0 {
		t.Errorf("again: got %v, want nothing", got)
	}
	v.Inc(7, 1)
	if got := v.Changed(); len(got) != 0 {
		t.Errorf("own updates: got %v, want nothing", got)
	}
	o.Inc(99, 1)
	o.Inc(100, 1)
	o.Inc(163, 1)
	r.clock()
	o.Inc(199, 1)
	r.clock()
	got := slices.DeleteFunc(slices.Clone(v.Changed()), func(i int32) bool { return i == 7 }) // its own came back: may be listed
	if want := []int32{0, 63, 99}; !slices.Equal(got, want) {
		t.Errorf("of two clocks: got %v, want %v", got, want)
	}
}

func TestOptimiserShowsNoPreview(t *testing.T) {
	for _, rule := range []Rule{AdaGrad(1, 0), Aggregate(1, 0), ProximalL1(1, 0)} {
		for _, policy := range fuzzPolicies {
			r := newRig(t, rigJob{specs: oneTable(Float32, 1, 3, rule), policy: policy})
			v := openView[float32](r, 0, 0, "w", Span(0, 3), Increments)
			r.start()
			v.Inc(1, 1)
			v.AddTo(2, 3, []float32{1})
			wantValues(t, rule.String()+": before the Clock", v.Values(), 0, 0, 0)
			r.clock()
			r.sync()
			want := []float32{0, -1, -1} // a first AdaGrad step is eta
			if rule.kind == ruleProximalL1 {
				want[2] = -3
			}
			wantValues(t, rule.String()+": after it", v.Values(), want...)
		}
	}
}

// Deltas of zero are sent only where they do something.
func TestZeroDeltas(t *testing.T) {
	for _, c := range []struct {
		rule Rule
		sent bool
	}{
		{Add, false}, {AdaGrad(1, 1), false},
		{Aggregate(1, 1), true}, {ProximalL1(1, 1), true},
		{Replace, true}, {Min, true}, {Max, true},
	} {
		specs := oneTable(Float32, 1, 3, c.rule)
		specs[0].Init.Value = 0.25
		r := newRig(t, rigJob{specs: specs})
		v := openView[float32](r, 0, 0, "w", Span(0, 3), Increments)
		r.start()
		if v.preview && c.rule != Add {
			v.Put(1, []float32{0})
		} else {
			v.Inc(1, 1)
			v.Inc(1, -1)
		}
		r.clock()
		if _, sent := stored[float32](r.shards[0], 0)[1]; sent != c.sent {
			t.Errorf("%s: a zero was sent: got %t, want %t", c.rule, sent, c.sent)
		}
	}
}

// Parts that share a replica, on sets of every kind that overlap, see what all of
// them do.
func TestPartsShareAReplica(t *testing.T) {
	for _, policy := range fuzzPolicies {
		r := newRig(t, rigJob{specs: oneTable(Int32, 2, 100, Add), shards: 3, parts: []int{4, 1}, policy: policy})
		sets := []Set{Span(0, 60), Span(40, 100), Keys([]uint64{0, 41, 99}), Keys(nil)}
		var views []*View[int32]
		for p, set := range sets {
			views = append(views, openView[int32](r, 0, p, "w", set, Increments))
		}
		views = append(views, openView[int32](r, 1, 0, "w", Keys([]uint64{41, 42, 99}), Increments))
		r.start()
		if n := len(r.clients[0].replicas); n != 1 {
			t.Errorf("%s: the four parts have %d replicas, want 1", policy, n)
		}
		model := make([]int32, 200)
		rnd := rand.New(rand.NewPCG(9, 9))
		for range 20 {
			for _, v := range views {
				for range rnd.IntN(4) {
					if v.Len() > 0 {
						i, d := rnd.IntN(v.Len()), int32(1+rnd.IntN(5))
						v.AddTo(i, d, []int32{1, -1})
						model[2*v.Key(i)] += d
						model[2*v.Key(i)+1] -= d
					}
				}
			}
			r.clock()
			r.sync()
			for p, v := range views {
				for i := range v.Len() {
					k := 2 * v.Key(i)
					if !slices.Equal(v.Row(i), model[k:k+2]) {
						t.Fatalf("%s: view %d, key %d: got %v, want %v", policy, p, v.Key(i), v.Row(i), model[k:k+2])
					}
				}
			}
		}
	}
}

// When one of two parts that share a replica takes another working set, what the
// other does still counts.
func TestOnePartOfAReplicaHoldsAnother(t *testing.T) {
	for _, policy := range fuzzPolicies {
		r := newRig(t, rigJob{specs: oneTable(Int32, 1, 10, Add), parts: []int{2}, policy: policy})
		a := openView[int32](r, 0, 0, "w", Span(0, 6), Increments)
		b := openView[int32](r, 0, 1, "w", Span(4, 10), Increments)
		r.start()
		a.Hold(Span(4, 8))
		for range 5 {
			b.Inc(1, 1)
			if a.Len() == 4 {
				a.Inc(1, 10)
			}
			r.clock()
		}
		r.sync()
		wantValues(t, policy.String()+": who stayed", b.Values(), 0, 45, 0, 0, 0, 0)
		wantValues(t, policy.String()+": who went", a.Values(), 0, 45, 0, 0)
		wantEqual(t, policy.String()+": the shard", stored[int32](r.shards[0], 0), map[uint64][]int32{5: {45}})
	}
}

// What a part does while its group sends the clock before is not sent with it: the
// part may be writing it.
func TestGroupSendsOnlyFinishedWork(t *testing.T) {
	r := newRig(t, rigJob{specs: oneTable(Int32, 1, 2, Add), parts: []int{2}, policy: consistency.SSP(3)})
	v := openView[int32](r, 0, 0, "w", Span(0, 2), Increments)
	r.start()
	steps := r.clients[0].Steps()
	v.Inc(0, 1)
	steps.BeginClock(0)
	steps.End(0)
	v.Inc(0, 10)
	steps.BeginClock(1) // now the group has ended clock 1
	r.pump()
	wantEqual(t, "the shard", stored[int32](r.shards[0], 0), map[uint64][]int32{0: {1}})
	wantValues(t, "the part", v.Values(), 11, 0)
}

// A part that ends its last clock after another part of its group was done loses
// nothing, whichever is first.
func TestFinishApart(t *testing.T) {
	for _, first := range []int{0, 1} {
		r := newRig(t, rigJob{specs: oneTable(Int32, 1, 2, Add), parts: []int{2, 1}, policy: consistency.SSP(2)})
		var views []*View[int32]
		for p := range 2 {
			views = append(views, openView[int32](r, 0, p, "w", Span(0, 2), Increments))
		}
		openView[int32](r, 1, 0, "w", Span(0, 2), Increments)
		r.start()
		views[0].Inc(0, 1)
		r.clients[0].Steps().BeginClock(0) // part 1 stays at clock 0
		r.clients[0].Finish(first)
		r.clients[0].Finish(1 - first)
		r.pump()
		wantEqual(t, "the shard", stored[int32](r.shards[0], 0), map[uint64][]int32{0: {1}})
		if got := r.shards[0].Seen(0); got != 1 {
			t.Errorf("the origin left at clock %d, want 1", got)
		}
	}
}

func TestHoldAnotherSet(t *testing.T) {
	for _, policy := range fuzzPolicies {
		r := newRig(t, rigJob{specs: oneTable(Int32, 1, 50, Add), shards: 2, parts: []int{1, 1}, policy: policy})
		v := openView[int32](r, 0, 0, "w", Span(0, 10), Increments)
		o := openView[int32](r, 1, 0, "w", Span(0, 50), Increments)
		r.start()
		model := make([]int32, 50)
		rnd := rand.New(rand.NewPCG(3, 3))
		for n := range 25 {
			if n%2 == 0 {
				v.Hold(randomSet(rnd, 50))
			}
			for range 3 {
				if v.Len() > 0 {
					i := rnd.IntN(v.Len())
					before := v.Values()[i]
					v.Inc(i, 1)
					model[v.Key(i)]++
					wantValues(t, "own update", v.Values()[i:i+1], before+1)
				}
				i := rnd.IntN(50)
				o.Inc(i, 100)
				model[i] += 100
			}
			r.clock()
			r.sync()
			for i := range v.Len() {
				if got, want := v.Values()[i], model[v.Key(i)]; got != want {
					t.Fatalf("%s: clock %d, key %d: got %d, want %d", policy, n, v.Key(i), got, want)
				}
			}
			wantValues(t, policy.String()+": the whole", o.Values(), model...)
		}
		r.clock()
		if n := len(r.clients[0].replicas); n > 2 {
			t.Errorf("%s: %d working sets are kept, want those before dropped", policy, n)
		}
	}
}

// A part that turns to another working set sees there what it did in the one
// before, though the shard has not.
func TestOwnUpdatesFollowToAnotherSet(t *testing.T) {
	for _, policy := range []consistency.Policy{consistency.SSP(2), consistency.ASP()} {
		r := newRig(t, rigJob{specs: oneTable(Int32, 2, 10, Add), shards: 2, policy: policy})
		v := openView[int32](r, 0, 0, "w", Span(0, 7), Increments)
		r.start()
		v.Hold(Keys([]uint64{1, 3, 6, 9}))
		r.pump() // its values are here before the part has done anything
		v.AddTo(3, 1, []int32{3, 4})
		v.AddTo(6, 1, []int32{6, 7})
		steps := r.clients[0].Steps()
		steps.BeginClock(0)
		r.end(0, 0)
		want := []int32{0, 0, 3, 4, 6, 7, 0, 0}
		wantValues(t, policy.String()+": the update is on its way", v.Values(), want...)
		r.pump()
		v.AddTo(3, 1, []int32{9, 9})
		want[6], want[7] = 9, 9
		r.clock()
		r.sync()
		wantValues(t, policy.String()+": the update is in", v.Values(), want...)
	}
}

func TestOpenRefuses(t *testing.T) {
	r := newRig(t, rigJob{specs: []Spec{{Name: "w", Keys: 10}, {Name: "m", Keys: 10, Rule: Min}}})
	c := r.clients[0]
	open := func(part int, name string, keys Set, mode Mode) error {
		_, err := Open[float32](c, part, name, keys, mode)
		return err
	}
	wantError(t, "unknown table", open(0, "x", Span(0, 1), Increments))
	wantError(t, "keys beyond", open(0, "w", Span(0, 11), Increments))
	wantError(t, "keys out of order", open(0, "w", Keys([]uint64{2, 1}), Increments))
	wantError(t, "unknown part", open(1, "w", Span(0, 1), Increments))
	wantError(t, "negative part", open(-1, "w", Span(0, 1), Increments))
	wantError(t, "in place by rule min", open(0, "m", Span(0, 1), InPlace))
	_, err := Open[int32](c, 0, "w", Span(0, 1), Increments)
	wantError(t, "another type", err)
	if err := open(0, "w", Span(0, 1), Increments); err != nil {
		t.Fatal(err)
	}
	r.start()
	wantError(t, "after Start", open(0, "w", Span(0, 1), Increments))
}

// A part cannot fail in its loop: what it asks for wrongly fails the client, and
// with it every other part that waits.
func TestViewErrorsEndEveryWait(t *testing.T) {
	for _, c := range []struct {
		name  string
		wrong func(v *View[int32])
		want  string
	}{
		{"keys beyond", func(v *View[int32]) { v.Hold(Span(0, 11)) }, "not within"},
		{"twice", func(v *View[int32]) { v.Hold(Span(0, 1)); v.Hold(Span(0, 2)) }, "already"},
		{"lease beyond", func(v *View[int32]) { v.Acquire(Range{5, 11}, 0) }, "not within"},
	} {
		r := newRig(t, rigJob{specs: oneTable(Int32, 1, 10, Add), parts: []int{2}})
		v := openView[int32](r, 0, 0, "w", Span(0, 10), Increments)
		openView[int32](r, 0, 1, "w", Span(0, 10), Increments)
		r.start()
		client := r.clients[0]
		var waits sync.WaitGroup
		var err error
		waits.Go(func() { err = client.Clock(1) }) // waits for part 0 until that fails
		for client.Stats().Blocked == 0 {
			runtime.Gosched()
		}
		c.wrong(v)
		waits.Wait()
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
		client.Fail(errors.New("later"))
		if got := client.Err(); got != err {
			t.Errorf("%s: the first failure stays: got %v, want %v", c.name, got, err)
		}
	}
}

// The loops of algorithms call these for every sample.
func TestHotCallsAllocateNothing(t *testing.T) {
	for _, width := range []int{1, 4} {
		r := newRig(t, rigJob{specs: oneTable(Float32, width, 100, Add)})
		v := openView[float32](r, 0, 0, "w", Span(0, 100), Increments)
		in := newRig(t, rigJob{specs: oneTable(Float32, width, 100, Add)})
		p := openView[float32](in, 0, 0, "w", Span(0, 100), InPlace)
		r.start()
		in.start()
		x, sum := make([]float32, width), float32(0)
		for name, call := range map[string]func(){
			"Inc":     func() { v.Inc(3*width, 1) },
			"AddTo":   func() { v.AddTo(7, 2, x) },
			"Values":  func() { sum += v.Values()[5] },
			"Row":     func() { sum += v.Row(9)[0] },
			"Written": func() { p.Values()[4*width]++; p.Written(4, 6) },
			"Changed": func() { sum += float32(len(v.Changed())) },
			"Key":     func() { sum += float32(v.Key(2)) },
		} {
			if n := testing.AllocsPerRun(100, call); n != 0 {
				t.Errorf("width %d: %s allocates %g times", width, name, n)
			}
		}
	}
}

// What counts as written does not depend on how keys are cut: a zero is left out
// of a segment that is changed otherwise throughout.
func TestZeroAmongMany(t *testing.T) {
	for _, shards := range []int{1, 3} {
		r := newRig(t, rigJob{specs: []Spec{{Name: "w", Keys: 300}}, shards: shards})
		v := openView[float32](r, 0, 0, "w", Span(0, 300), Increments)
		r.start()
		for i := range 300 {
			v.Inc(i, 1)
		}
		v.Inc(150, -1)
		r.clock()
		n := Norms{}
		for _, s := range r.shards {
			n = n.Plus(s.Norms(0))
		}
		if n.Keys != 299 || n.Sum != 299 {
			t.Errorf("%d shards: got %d keys written and a sum of %v, want 299 of both", shards, n.Keys, n.Sum)
		}
	}
}

// What is only written travels one way, also after a lost connection.
func TestWriteOnly(t *testing.T) {
	for _, policy := range []consistency.Policy{consistency.BSP(), consistency.SSP(2)} {
		r := newRig(t, rigJob{specs: []Spec{{Name: "w", Keys: 100}}, shards: 2, parts: []int{1, 1}, policy: policy})
		w := openView[float32](r, 0, 0, "w", Span(0, 100), WriteOnly)
		v := openView[float32](r, 1, 0, "w", Span(0, 100), Increments)
		r.start()
		for clock := range 6 {
			for i := range 100 {
				w.Inc(i, 1)
			}
			if clock == 3 {
				for k := range 2 {
					r.cut(pair{0, k})
					r.connect(0, k)
				}
			}
			r.clock()
		}
		r.clock()
		if got := v.Values()[99]; policy.Synchronous() && got != 6 {
			t.Errorf("%s: the reader sees %v, want 6", policy, got)
		}
		for k, s := range r.shards {
			if h := s.sessions[0].holds[0]; !h.mute || h.fresh {
				t.Errorf("%s: shard %d: mute %t, fresh %t", policy, k, h.mute, h.fresh)
			}
			if n := s.Norms(0); n.Sum != 300 {
				t.Errorf("%s: shard %d has a sum of %v, want 300", policy, k, n.Sum)
			}
		}
		for _, seg := range w.held.segs {
			if len(seg.layers) > 0 {
				t.Errorf("%s: updates are kept although nothing is put back", policy)
			}
		}
		for _, x := range w.held.base {
			if x != 0 {
				t.Fatalf("%s: values came back", policy)
			}
		}
	}
}

// Scatter is Inc for many: seen at once where the rule has a preview, refused beyond the view.
func TestScatter(t *testing.T) {
	scatter[float64](t, Float64, Add, 2.5)
	scatter[float32](t, Float32, Add, 2.5)
	scatter[int32](t, Int32, Add, 3)
	scatter[float32](t, Float32, ProximalL1(1, 0), -2.5) // which steps against what it is sent
}

func scatter[T Elem](t *testing.T, typ Type, rule Rule, alpha T) {
	r := newRig(t, rigJob{specs: oneTable(typ, 1, 200, rule), parts: []int{1, 1}})
	v := openView[T](r, 0, 0, "w", Span(0, 200), Increments)
	o := openView[T](r, 1, 0, "w", Span(0, 200), Increments)
	r.start()
	at, x := []uint32{0, 63, 64, 150, 199}, []T{1, 2, 3, 4, 5}
	v.Scatter(nil, 1, nil)
	v.Scatter(at, alpha, x)
	for round, seen := range []bool{rule == Add, true} {
		for k, i := range at {
			want := T(0)
			if seen {
				if want = alpha * x[k]; rule != Add {
					want = -want
				}
			}
			if got := v.Values()[i]; got != want {
				t.Errorf("%s, %s, after %d clocks: value %d: got %v, want %v", typ, rule, round, i, got, want)
			}
			if got := o.Values()[i]; round == 1 && got != want {
				t.Errorf("%s, %s: value %d at the other: got %v, want %v", typ, rule, i, got, want)
			}
		}
		if round == 0 {
			r.clock()
		}
	}
	defer func() {
		if recover() == nil {
			t.Errorf("%s: a position beyond the view was taken", typ)
		}
	}()
	v.Scatter([]uint32{200}, 1, []T{1})
}
