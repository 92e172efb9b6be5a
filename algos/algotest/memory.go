package algotest

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"

	"petuum/algos"
	"petuum/consistency"
	"petuum/table"
	"petuum/table/placement"
)

// mailbox is a queue without limit, so that whoever puts never waits.
type mailbox[T any] struct {
	mu     sync.Mutex
	some   sync.Cond
	queue  []T  // guarded by mu
	closed bool // guarded by mu
}

func newMailbox[T any]() *mailbox[T] {
	m := &mailbox[T]{}
	m.some.L = &m.mu
	return m
}

func (m *mailbox[T]) put(v T) {
	m.mu.Lock()
	m.queue = append(m.queue, v)
	m.mu.Unlock()
	m.some.Signal()
}

func (m *mailbox[T]) close() {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	m.some.Signal()
}

// each calls f with what is put until the mailbox is closed.
func (m *mailbox[T]) each(f func(T)) {
	for {
		m.mu.Lock()
		for len(m.queue) == 0 && !m.closed {
			m.some.Wait()
		}
		if m.closed {
			m.mu.Unlock()
			return
		}
		v := m.queue[0]
		m.queue = m.queue[1:]
		m.mu.Unlock()
		f(v)
	}
}

// shard is the goroutine of one shard: it does what is in its inbox.
type shard struct {
	inbox *mailbox[func(*table.Shard)]
	ended chan struct{}
}

// do has the shard's goroutine call f and waits for it.
func (s *shard) do(f func(*table.Shard)) {
	done := make(chan struct{})
	s.inbox.put(func(sh *table.Shard) {
		f(sh)
		close(done)
	})
	select {
	case <-done:
	case <-s.ended:
	}
}

func (t *training) makeShards(roster placement.Roster) error {
	for k := range t.job.Shards {
		state, err := table.NewShard(k, t.job.Shards, t.specs, roster, table.Options{Policy: t.job.Policy,
			Deterministic: t.job.Deterministic, Eager: t.job.Eager, Life: 1})
		if err != nil {
			return err
		}
		s := &shard{inbox: newMailbox[func(*table.Shard)](), ended: make(chan struct{})}
		t.shards = append(t.shards, s)
		t.closes = append(t.closes, s.inbox.close)
		t.tasks.Go(func() {
			defer close(s.ended)
			s.inbox.each(func(f func(*table.Shard)) { f(state) })
		})
	}
	return nil
}

// lane takes messages one way between an origin and a shard.
type lane func(msg []byte)

// lane makes a lane to deliver. With Delay it is a goroutine, which lets others
// run for a random while before each message.
func (t *training) lane(origin consistency.Origin, shard, way uint64, deliver lane) lane {
	if t.job.Delay == 0 {
		return deliver
	}
	rng := rand.New(rand.NewPCG(t.job.Delay, uint64(origin)<<32|shard<<1|way))
	box, speed := newMailbox[[]byte](), 1<<rng.IntN(8)
	t.closes = append(t.closes, box.close)
	t.tasks.Go(func() {
		box.each(func(msg []byte) {
			for range rng.IntN(speed) {
				runtime.Gosched()
			}
			deliver(msg)
		})
	})
	return func(msg []byte) { box.put(slices.Clone(msg)) }
}

// uplink is how a client sends: a lane to each shard.
type uplink []lane

func (u uplink) Send(shard int, b *table.Buffer) { u[shard](b.Bytes) }
func (uplink) Flush()                            {}

// connect connects a client with all shards. A shard may be handling messages
// for others already, but answers an origin only after its hello.
func (t *training) connect(c *table.Client) {
	up := make(uplink, len(t.shards))
	down := make([]lane, len(t.shards))
	t.down[c.Origin()] = down
	check := func(err error) {
		if err != nil {
			t.fail(err)
		}
	}
	for k, s := range t.shards {
		down[k] = t.lane(c.Origin(), uint64(k), 1, func(msg []byte) { check(c.Deliver(k, msg)) })
		reply := func(to consistency.Origin, b *table.Buffer) { t.down[to][k](b.Bytes) }
		up[k] = t.lane(c.Origin(), uint64(k), 0, func(msg []byte) {
			msg = slices.Clone(msg)
			s.inbox.put(func(sh *table.Shard) { check(sh.Handle(msg, reply)) })
		})
	}
	for k := range t.shards {
		c.Connect(k, up)
	}
}

// export copies the tables, shard by shard, which is in the order of keys.
func (t *training) export() (algos.Model, []byte) {
	m := &model{specs: t.specs, keys: make([][]uint64, len(t.specs)), values: make([][]float64, len(t.specs))}
	var all []byte
	for i, spec := range t.specs {
		all = append(append(all, spec.Name...), 0)
		for _, s := range t.shards {
			s.do(func(s *table.Shard) {
				s.Export(i, func(key uint64, values []byte) {
					all = binary.LittleEndian.AppendUint64(all, key)
					all = append(all, values...)
					m.keys[i] = append(m.keys[i], key)
					m.values[i] = appendFloats(m.values[i], spec.Type, values)
				})
			})
		}
	}
	return m, all
}

func appendFloats(x []float64, t table.Type, b []byte) []float64 {
	for ; len(b) > 0; b = b[t.Size():] {
		switch t {
		case table.Float64:
			x = append(x, math.Float64frombits(binary.LittleEndian.Uint64(b)))
		case table.Float32:
			x = append(x, float64(math.Float32frombits(binary.LittleEndian.Uint32(b))))
		case table.Int32:
			x = append(x, float64(int32(binary.LittleEndian.Uint32(b))))
		}
	}
	return x
}

// model is the final tables: the keys that were written, ascending, and their
// values.
type model struct {
	specs  []table.Spec
	keys   [][]uint64
	values [][]float64
}

// Values implements algos.Model.
func (m *model) Values(name string, keys []uint64) ([]float64, error) {
	i := slices.IndexFunc(m.specs, func(s table.Spec) bool { return s.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("algotest: no table is called %q", name)
	}
	width := max(m.specs[i].Width, 1)
	out := make([]float64, len(keys)*width)
	for k, key := range keys {
		row := out[k*width : (k+1)*width]
		if at, ok := slices.BinarySearch(m.keys[i], key); ok {
			copy(row, m.values[i][at*width:])
		} else {
			m.specs[i].InitialRow(key, row)
		}
	}
	return out, nil
}
