package table

import (
	"testing"

	"petuum/consistency"
	"petuum/table/placement"
)

// loop is one client and its shards, joined without a copy: messages are passed on
// by reference, as roles do.
type loop struct {
	t      testing.TB
	client *Client
	shards []*Shard
	up     []passed
	down   []passed
	reply  []Reply // of each shard
}

type passed struct {
	shard int
	b     *Buffer
}

func (l *loop) Send(shard int, b *Buffer) {
	b.Retain()
	l.up = append(l.up, passed{shard, b})
}

func (l *loop) Flush() {}

func newLoop(t testing.TB, spec Spec, policy consistency.Policy, shards int) *loop {
	t.Helper()
	l := &loop{t: t}
	var err error
	if l.client, err = NewClient([]Spec{spec}, ClientOptions{Generation: 1, Policy: policy, Shards: shards, Parts: 1}); err != nil {
		t.Fatal(err)
	}
	for k := range shards {
		s, err := NewShard(k, shards, []Spec{spec}, placement.NewRoster(1), Options{Policy: policy, Life: 1})
		if err != nil {
			t.Fatal(err)
		}
		l.shards = append(l.shards, s)
		l.reply = append(l.reply, func(_ consistency.Origin, b *Buffer) {
			b.Retain()
			l.down = append(l.down, passed{k, b})
		})
	}
	return l
}

// start connects the client, whose views are open.
func (l *loop) start() {
	l.t.Helper()
	for k := range l.shards {
		l.client.Connect(k, l)
	}
	l.client.Steps().BeginStart()
	l.pump()
	l.client.Steps().End(0)
}

func (l *loop) pump() {
	for len(l.up)+len(l.down) > 0 {
		for _, m := range l.up {
			if err := l.shards[m.shard].Handle(m.b.Bytes, l.reply[m.shard]); err != nil {
				l.t.Fatal(err)
			}
			m.b.Release()
		}
		l.up = l.up[:0]
		for _, m := range l.down {
			if err := l.client.Deliver(m.shard, m.b.Bytes); err != nil {
				l.t.Fatal(err)
			}
			m.b.Release()
		}
		l.down = l.down[:0]
	}
}

func (l *loop) clock() {
	l.client.Steps().BeginClock(0)
	l.pump()
	if !l.client.Steps().ClockReady(0) {
		l.t.Fatal("Clock waits")
	}
	l.client.Steps().End(0)
}

// No clock allocates once the first have made room: not at the client, not at the
// shards, whatever the policy, the store and the way that values travel.
func TestClockAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	const n = 5000
	for _, policy := range []consistency.Policy{consistency.BSP(), consistency.SSP(2), consistency.ASP()} {
		for name, spec := range map[string]Spec{
			"dense":       {Keys: n},
			"sparse":      {Keys: 1 << 40},
			"wide":        {Keys: n, Width: 3, Type: Float64},
			"adagrad":     {Keys: n, Rule: AdaGrad(0.1, 1e-3)},
			"fixed1":      {Keys: n, Encoding: Fixed1},
			"bfloat16":    {Keys: 1 << 40, Type: Float64, Encoding: BFloat16},
			"significant": {Keys: n, Filter: Filter{Significant: 3}},
			"skip":        {Keys: n, Filter: Filter{Skip: 0.3}},
		} {
			for what, step := range map[string]int{"all": 1, "some": 3, "few": 500, "none": n + 1} {
				spec.Name = "w"
				l := newLoop(t, spec, policy, 4)
				var keys []uint64
				for i := range uint64(n) {
					keys = append(keys, i*(spec.Keys/n))
				}
				view, err := openTyped(l.client, spec, keys)
				if err != nil {
					t.Fatal(err)
				}
				l.start()
				clocks := 0
				one := func() {
					for i := 0; i < n; i += step {
						view(i, 1+float64(i+clocks)/n)
					}
					l.clock()
					clocks++
				}
				for range 12 { // room for the longest of everything
					one()
				}
				if got := testing.AllocsPerRun(20, one); got != 0 {
					t.Errorf("%s, %s, %s changed: got %v allocations a clock, want none", policy, name, what, got)
				}
			}
		}
	}
}

// openTyped opens a view of the spec's type and returns how to write to it.
func openTyped(c *Client, spec Spec, keys []uint64) (inc func(i int, d float64), err error) {
	if spec.Type == Float64 {
		v, err := Open[float64](c, 0, spec.Name, Keys(keys), Increments)
		return func(i int, d float64) { v.Inc(i*max(spec.Width, 1), d) }, err
	}
	v, err := Open[float32](c, 0, spec.Name, Keys(keys), Increments)
	return func(i int, d float64) { v.Inc(i*max(spec.Width, 1), float32(d)) }, err
}
