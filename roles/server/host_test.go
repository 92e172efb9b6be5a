package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"petuum/consistency"
	"petuum/roles/control"
	"petuum/roles/enlist"
	"petuum/roles/links"
	"petuum/roles/wire"
	"petuum/table"
	"petuum/table/placement"
)

// breaking is a server of shards in this process whose connections can be broken.
type breaking struct {
	t     testing.TB
	host  *host
	place *enlist.Place
	l     net.Listener
	tasks sync.WaitGroup

	mu    sync.Mutex
	conns []*wire.Conn // guarded by mu
}

func newPlace(name string) *enlist.Place {
	return &enlist.Place{Role: control.Server, Name: name, Job: "test", Options: enlist.Options{Log: slog.New(slog.DiscardHandler)}}
}

func serveShards(t testing.TB, specs []table.Spec, of, origins int, policy consistency.Policy) *breaking {
	t.Helper()
	var shards []*table.Shard
	var numbers []int
	for k := range of {
		s, err := table.NewShard(k, of, specs, placement.NewRoster(origins), table.Options{Policy: policy, Eager: policy.Eager(), Life: life})
		if err != nil {
			t.Fatal(err)
		}
		shards, numbers = append(shards, s), append(numbers, k)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &breaking{t: t, host: newHost(specs, of, shards, numbers), place: newPlace("server-0"), l: l}
	b.place.Listener = l
	b.tasks.Go(func() { b.place.Accept(nil, b.serve) })
	t.Cleanup(func() {
		l.Close()
		b.breakAll()
		b.tasks.Wait()
		b.host.close()
	})
	return b
}

func (b *breaking) serve(c *wire.Conn) {
	b.mu.Lock()
	b.conns = append(b.conns, c)
	b.mu.Unlock()
	l := b.host.newLine(c)
	_ = c.Serve(func(_ wire.Kind, body []byte) error { return l.handle(body) })
	_ = l.close()
}

// breakAll ends every connection as a broken network would.
func (b *breaking) breakAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.conns {
		c.Abort()
	}
	b.conns = nil
}

// TestReconnect breaks the connections between clients and shards again and
// again: every update must be applied exactly once, and every read keep the
// bound.
func TestReconnect(t *testing.T) {
	const origins, clocks, of = 3, 300, 4
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	specs := []table.Spec{{Name: "sum", Keys: 1000, Type: table.Int32}}
	for _, policy := range []consistency.Policy{consistency.BSP(), consistency.SSP(3), consistency.ASP()} {
		t.Run(policy.String(), func(t *testing.T) {
			b := serveShards(t, specs, of, origins, policy)
			var running sync.WaitGroup
			finals := make([][]int32, origins)
			for o := range origins {
				running.Go(func() {
					final, err := b.client(specs, of, consistency.Origin(o), policy, clocks, rand.New(rand.NewPCG(seed, uint64(o))))
					if err != nil {
						t.Errorf("origin %d: %v", o, err)
					}
					finals[o] = final
				})
			}
			running.Wait()
			for o, final := range finals {
				for k, got := range final {
					if want := int32(origins * clocks); got != want {
						t.Fatalf("origin %d sees %d in key %d, want %d", o, got, k, want)
					}
				}
			}
		})
	}
}

// client adds 1 to every key in every clock; now and then it has all connections
// broken.
func (b *breaking) client(specs []table.Spec, of int, o consistency.Origin, policy consistency.Policy, clocks int, rng *rand.Rand) ([]int32, error) {
	c, err := table.NewClient(specs, table.ClientOptions{Origin: o, Generation: 1, Policy: policy, Shards: of, Parts: 1})
	if err != nil {
		return nil, err
	}
	v, err := table.Open[int32](c, 0, "sum", table.Span(0, 1000), table.Increments)
	if err != nil {
		return nil, err
	}
	setup := control.Setup{Placement: placement.Placement{Seats: make([]int, of)}, Servers: []string{b.l.Addr().String()}}
	l := links.New(newPlace(fmt.Sprintf("worker-%d", o)), setup, []*table.Client{c}, c.Fail)
	defer l.Close()
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { c.Fail(context.Cause(ctx)) })
	defer stop()
	if err := l.Connect(ctx); err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	for n := range clocks {
		for k := range v.Len() {
			v.Inc(k, 1)
		}
		if rng.IntN(40) == 0 {
			b.breakAll()
		}
		if err := c.Clock(0); err != nil {
			return nil, err
		}
		for k, x := range v.Values() {
			if x <= int32(n) {
				return nil, fmt.Errorf("at clock %d key %d is %d: own updates are missing", n+1, k, x)
			}
		}
	}
	if err := c.Sync(0); err != nil {
		return nil, err
	}
	final := append([]int32(nil), v.Values()...)
	c.Finish(0)
	return final, nil
}

// TestLoadRows gives a host rows; what is not for it, or too late, is refused.
func TestLoadRows(t *testing.T) {
	specs := []table.Spec{{Name: "w", Keys: 10, Type: table.Float64}}
	rows := control.AppendUints(nil, 7)
	rows = append(rows, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f) // 1
	for _, c := range []struct {
		name         string
		table, shard int
		rows         []byte
		want         string
	}{
		{"a row", 0, 1, rows, ""},
		{"another shard's row", 0, 0, rows, `key 7 of "w" is not in [0, 5)`},
		{"a shard that is not here", 0, 2, rows, "table 0 of shard 2 is not here"},
		{"a table that is not", 1, 1, rows, "table 1 of shard 1 is not here"},
		{"half a row", 0, 1, rows[:5], "truncated"},
	} {
		t.Run(c.name, func(t *testing.T) {
			shards := make([]*table.Shard, 2)
			for k := range shards {
				var err error
				if shards[k], err = table.NewShard(k, 2, specs, placement.NewRoster(1), table.Options{Life: 1}); err != nil {
					t.Fatal(err)
				}
			}
			h := newHost(specs, 2, shards, []int{0, 1})
			defer h.close()
			err := h.load(control.AppendLoad(nil, c.table, c.shard, false, c.rows))
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want %q", err, c.want)
			}
			want := 0.0
			if c.want == "" {
				want = 1
			}
			if got := h.norms()[0].Sum; got != want {
				t.Errorf("got a sum of %v, want %v", got, want)
			}
		})
	}
}

// full is a connection on which nothing is small enough to be sent.
type full struct{}

func (full) Send(wire.Kind, []byte) error { return wire.ErrTooLarge }

func (full) SendNow(wire.Kind, []byte) error { return wire.ErrTooLarge }

func (full) SendOwned(wire.Kind, []byte, []byte, wire.Owner) error { return wire.ErrTooLarge }

func TestAnswerTooLarge(t *testing.T) {
	o := newOutbox(full{})
	if err := o.flush(); err != nil {
		t.Errorf("nothing to send: got %v", err)
	}
	o.add(0, &table.Buffer{Bytes: []byte{1}}, 0, 0, 0)
	if err := o.flush(); !errors.Is(err, wire.ErrTooLarge) {
		t.Errorf("got %v, want %v: whoever waits for the answer would wait for ever", err, wire.ErrTooLarge)
	}
}
