package model

import (
	"path/filepath"
	"testing"

	"petuum/algos"
	"petuum/consistency"
	"petuum/table"
	"petuum/table/placement"
)

// queue keeps the messages of a client to its shards.
type queue []func(shards []*table.Shard) error

// bind makes the sender that queues messages.
func (q *queue) bind(reply func(k int, msg []byte)) sender { return sender{q, reply} }

type sender struct {
	q     *queue
	reply func(k int, msg []byte)
}

func (s sender) Send(k int, b *table.Buffer) {
	msg := append([]byte(nil), b.Bytes...)
	*s.q = append(*s.q, func(shards []*table.Shard) error {
		return shards[k].Handle(msg, func(_ consistency.Origin, answer *table.Buffer) { s.reply(k, answer.Bytes) })
	})
}

func (s sender) Flush() {}

// A model of what shards export has the values that their clients see.
func TestFromShards(t *testing.T) {
	const shards = 3
	specs := []table.Spec{
		{Name: "w", Keys: 10, Init: table.Init{Value: 0.5, Spread: 0.25, Seed: 9}},
		{Name: "h", Keys: 1 << 40, Width: 2, Type: table.Float64},
		{Name: "n", Keys: 20, Type: table.Int32},
	}
	roster := placement.NewRoster(1)
	c, err := table.NewClient(specs, table.ClientOptions{Generation: 1, Policy: consistency.BSP(), Shards: shards, Parts: 1})
	if err != nil {
		t.Fatal(err)
	}
	w, err1 := table.Open[float32](c, 0, "w", table.Span(0, 10), table.Increments)
	h, err2 := table.Open[float64](c, 0, "h", table.Keys([]uint64{5, 1 << 39, 1<<40 - 1}), table.Increments)
	n, err3 := table.Open[int32](c, 0, "n", table.Span(0, 20), table.Increments)
	if err1 != nil || err2 != nil || err3 != nil {
		t.Fatal(err1, err2, err3)
	}
	var all []*table.Shard
	var q queue
	for k := range shards {
		s, err := table.NewShard(k, shards, specs, roster, table.Options{Policy: consistency.BSP(), Life: 1})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
		c.Connect(k, q.bind(func(k int, msg []byte) {
			if err := c.Deliver(k, msg); err != nil {
				t.Fatal(err)
			}
		}))
	}
	pump := func() {
		for len(q) > 0 {
			handle := q[0]
			q = q[1:]
			if err := handle(all); err != nil {
				t.Fatal(err)
			}
		}
	}
	c.Steps().BeginStart()
	pump()
	c.Steps().End(0)
	w.Inc(9, 0.1)
	w.Inc(4, -3)
	h.AddTo(0, 1, []float64{1, 2})
	h.AddTo(2, 1, []float64{-1, 1e-300})
	n.Inc(3, 7)
	c.Steps().BeginClock(0)
	pump()
	if !c.Steps().ClockReady(0) {
		t.Fatal("the clock did not end")
	}
	c.Steps().End(0)

	dir := filepath.Join(t.TempDir(), "model")
	out := create(t, dir, example())
	for k, spec := range specs {
		tw, err := out.Table(spec, algos.KeyNames{}, true)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range all {
			s.Export(k, func(key uint64, values []byte) { err = tw.Append(key, values) })
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	r := mustOpen(t, dir)
	compare(t, r, "w", table.Span(0, 10), w.Values())
	compare(t, r, "h", table.Keys([]uint64{5, 1 << 39, 1<<40 - 1}), h.Values())
	compare(t, r, "n", table.Span(0, 20), n.Values())
}

// compare compares a table of a model with the values of a view.
func compare[T table.Elem](t *testing.T, r *Reader, name string, set table.Set, want []T) {
	t.Helper()
	var keys []uint64
	for i := range set.Len() {
		keys = append(keys, set.Key(i))
	}
	got, err := r.Values(name, keys)
	if err != nil || len(got) != len(want) {
		t.Fatalf("%s: got %d values, %v; want %d", name, len(got), err, len(want))
	}
	for i, v := range want {
		if got[i] != float64(v) {
			t.Errorf("%s: value %d: got %v, want %v", name, i, got[i], v)
		}
	}
}
