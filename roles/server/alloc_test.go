package server

import (
	"runtime"
	"testing"

	"petuum/consistency"
	"petuum/table"
)

// A clock allocates nothing on its way: at the client, through the connection, in
// the shards, and back into the view.
func TestClockAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for policy, mode := range map[consistency.Policy]table.Mode{consistency.BSP(): table.Increments, consistency.ASP(): table.WriteOnly} {
		for _, tt := range []struct {
			name string
			of   int
			keys uint64
			each int // of so many values one changes; 0: none
		}{
			{"nothing changed", 64, 6400, 0},
			{"a few changed", 64, 6400, 100},
			{"large messages", 2, 100_000, 1},
		} {
			t.Run(policy.String()+" "+tt.name, func(t *testing.T) {
				specs := []table.Spec{{Name: "w", Keys: tt.keys}}
				c, v := connected(t, serveShards(t, specs, tt.of, 1, policy), specs, tt.of, 0, policy, table.Span(0, tt.keys), mode)
				clocks := func(n int) {
					for range n {
						for i := 0; tt.each > 0 && i < v.Len(); i += tt.each {
							v.Inc(i, 0.5)
						}
						if err := c.Clock(0); err != nil {
							t.Fatal(err)
						}
						if err := c.Settle(); err != nil {
							t.Fatal(err)
						}
					}
				}
				const many = 300
				clocks(100)
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				clocks(many)
				runtime.ReadMemStats(&after)
				// Buffers may be made now and then, when more of them are on their way than ever before.
				if got := float64(after.Mallocs-before.Mallocs) / many; got > 0.2 {
					t.Errorf("got %.2f allocations a clock, want 0", got)
				}
			})
		}
	}
}
