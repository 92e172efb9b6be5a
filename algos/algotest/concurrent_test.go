package algotest

import (
	"sync"
	"testing"

	"petuum/consistency"
	"petuum/table"
	"petuum/table/placement"
)

// postbox is a way to the shards that never blocks.
type postbox struct {
	mu    sync.Mutex
	some  sync.Cond
	queue []letter
	shut  bool
}

type letter struct {
	shard int
	msg   []byte
}

func newPostbox() *postbox {
	m := &postbox{}
	m.some.L = &m.mu
	return m
}

func (m *postbox) Send(shard int, b *table.Buffer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.queue = append(m.queue, letter{shard, append([]byte(nil), b.Bytes...)})
	m.some.Signal()
}

func (m *postbox) Flush() {}

func (m *postbox) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.shut = true
	m.some.Signal()
}

func (m *postbox) next() (letter, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.queue) == 0 && !m.shut {
		m.some.Wait()
	}
	if len(m.queue) == 0 {
		return letter{}, false
	}
	l := m.queue[0]
	m.queue = m.queue[1:]
	return l, true
}

// TestConcurrent runs parts as goroutines that wait in Clock. It is for the race
// detector: one table is held by all parts of a group, one by its first alone,
// which may write while another part sends the group's update.
func TestConcurrent(t *testing.T) {
	const origins, parts, shards, clocks, keys = 2, 3, 2, 60, 300
	policy := consistency.SSP(3)
	specs := []table.Spec{{Name: "all", Keys: keys, Type: table.Int32}, {Name: "one", Keys: keys, Type: table.Int32}}
	var locks [shards]sync.Mutex
	var servers [shards]*table.Shard
	for k := range servers {
		s, err := table.NewShard(k, shards, specs, placement.NewRoster(origins), table.Options{Policy: policy, Eager: true, Life: 1})
		if err != nil {
			t.Fatal(err)
		}
		servers[k] = s
	}
	var clients [origins]*table.Client
	var boxes [origins]*postbox
	for o := range clients {
		c, err := table.NewClient(specs, table.ClientOptions{Origin: consistency.Origin(o), Generation: 1, Policy: policy, Shards: shards, Parts: parts})
		if err != nil {
			t.Fatal(err)
		}
		clients[o], boxes[o] = c, newPostbox()
	}
	var post, work sync.WaitGroup
	for o := range clients {
		post.Go(func() {
			for l, ok := boxes[o].next(); ok; l, ok = boxes[o].next() {
				locks[l.shard].Lock()
				err := servers[l.shard].Handle(l.msg, func(to consistency.Origin, b *table.Buffer) {
					if err := clients[to].Deliver(l.shard, b.Bytes); err != nil {
						t.Error(err)
					}
				})
				locks[l.shard].Unlock()
				if err != nil {
					t.Error(err)
					clients[o].Fail(err)
				}
			}
		})
	}
	for o, c := range clients {
		var all, one [parts]*table.View[int32]
		for p := range parts {
			all[p] = open(t, c, p, "all")
		}
		one[0] = open(t, c, 0, "one")
		for k := range shards {
			c.Connect(k, boxes[o])
		}
		work.Go(func() {
			if err := c.Start(); err != nil {
				t.Error(err)
				return
			}
			var group sync.WaitGroup
			for p := range parts {
				group.Go(func() { toil(t, c, p, clocks, all[p], one[p]) })
			}
			group.Wait()
		})
	}
	work.Wait()
	for _, b := range boxes {
		b.close()
	}
	post.Wait()
	for i, want := range []int32{origins * parts * clocks, origins * clocks} {
		n := 0
		for _, s := range servers {
			s.Export(i, func(key uint64, values []byte) {
				if n++; decode(table.Int32, values)[0] != float64(want) {
					t.Errorf("%s key %d: got %v, want %d", specs[i].Name, key, decode(table.Int32, values), want)
				}
			})
		}
		if n != keys {
			t.Errorf("%s: got %d keys, want %d", specs[i].Name, n, keys)
		}
	}
}

func open(t *testing.T, c *table.Client, part int, name string) *table.View[int32] {
	v, err := table.Open[int32](c, part, name, table.Span(0, 300), table.Increments)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// toil adds 1 to every value of its views at every clock.
func toil(t *testing.T, c *table.Client, part, clocks int, views ...*table.View[int32]) {
	for range clocks {
		for _, v := range views {
			if v == nil {
				continue
			}
			for i := range v.Len() {
				was := v.Values()[i]
				if v.Inc(i, 1); v.Values()[i] != was+1 {
					t.Errorf("key %d: got %d after adding 1 to %d", i, v.Values()[i], was)
				}
			}
		}
		if err := c.Clock(part); err != nil {
			t.Error(err)
			return
		}
	}
	if err := c.Sync(part); err != nil {
		t.Error(err)
	}
	c.Finish(part)
}
