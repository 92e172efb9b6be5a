package server

import (
	"slices"
	"testing"
	"time"

	"petuum/consistency"
	"petuum/roles/control"
	"petuum/roles/links"
	"petuum/table"
	"petuum/table/placement"
)

// connected makes a client of b's shards and opens its view on a table.
func connected(tb testing.TB, b *breaking, specs []table.Spec, of int, origin consistency.Origin, policy consistency.Policy, keys table.Set, mode table.Mode) (*table.Client, *table.View[float32]) {
	tb.Helper()
	c, err := table.NewClient(specs, table.ClientOptions{Origin: origin, Generation: 1, Policy: policy, Shards: of, Parts: 1})
	if err != nil {
		tb.Fatal(err)
	}
	v, err := table.Open[float32](c, 0, specs[0].Name, keys, mode)
	if err != nil {
		tb.Fatal(err)
	}
	setup := control.Setup{Placement: placement.Placement{Seats: make([]int, of)}, Servers: []string{b.l.Addr().String()}}
	l := links.New(newPlace("worker"), setup, []*table.Client{c}, c.Fail)
	tb.Cleanup(l.Close)
	if err := l.Connect(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	if err := c.Start(); err != nil {
		tb.Fatal(err)
	}
	return c, v
}

// benchClocks measures clocks that change every value of v and get all of them
// back: the bytes of an op travel twice.
func benchClocks(b *testing.B, c *table.Client, v *table.View[float32]) {
	b.Helper()
	b.SetBytes(int64(2 * 4 * v.Len()))
	for b.Loop() {
		b.StopTimer()
		for i := range v.Len() {
			v.Inc(i, 0.5)
		}
		b.StartTimer()
		if err := c.Clock(0); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkClockDense is a clock of one part over loopback.
func BenchmarkClockDense(b *testing.B) {
	const keys, of = 10_000_000, 64
	specs := []table.Spec{{Name: "w", Keys: keys}}
	c, v := connected(b, serveShards(b, specs, of, 1, consistency.BSP()), specs, of, 0, consistency.BSP(), table.Span(0, keys), table.Increments)
	benchClocks(b, c, v)
}

// BenchmarkClockSparse is the same for a million of 2^32 keys.
func BenchmarkClockSparse(b *testing.B) {
	const keys, of = 1_000_000, 16
	specs := []table.Spec{{Name: "w", Keys: 1 << 32}}
	list := make([]uint64, keys)
	for i := range list {
		list[i] = uint64(i)*4294 + uint64(i*7919%4294)
	}
	c, v := connected(b, serveShards(b, specs, of, 1, consistency.BSP()), specs, of, 0, consistency.BSP(), table.Keys(list), table.Increments)
	benchClocks(b, c, v)
	b.ReportMetric(2*keys*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mvalues/s")
}

// BenchmarkClockEmpty is the round trip of a clock in which nothing changed, with
// 64 shards on the server.
func BenchmarkClockEmpty(b *testing.B) { benchSmall(b, 0) }

// BenchmarkClockSmall is the same where 16 values of different shards change.
func BenchmarkClockSmall(b *testing.B) { benchSmall(b, 16) }

// benchSmall measures clocks that change so many values.
func benchSmall(b *testing.B, values int) {
	b.Helper()
	const of = 64
	specs := []table.Spec{{Name: "w", Keys: 6400}}
	c, v := connected(b, serveShards(b, specs, of, 1, consistency.BSP()), specs, of, 0, consistency.BSP(), table.Span(0, 6400), table.Increments)
	var took []time.Duration
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		for i := range values {
			v.Inc((len(took)*577+i*400)%v.Len(), 0.5)
		}
		if err := c.Clock(0); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2])/1e3, "p50-us")
	b.ReportMetric(float64(took[len(took)*99/100])/1e3, "p99-us")
}
