package algotest

import (
	"os"
	"strconv"
	"testing"

	"petuum/consistency"
)

// TestCluster plays jobs of seeds 0, 1, ... Two variables choose among them:
// PETUUM_SEED plays that one alone, PETUUM_SEEDS plays so many.
func TestCluster(t *testing.T) {
	first, n := uint64(0), uint64(1200)
	if testing.Short() {
		n = 200
	}
	if s := number(t, "PETUUM_SEEDS"); s > 0 {
		n = s
	}
	if os.Getenv("PETUUM_SEED") != "" {
		first, n = number(t, "PETUUM_SEED"), 1
	}
	total := make(map[consistency.Policy]Report)
	faults := make(map[Fault]int)
	for seed := first; seed < first+n; seed++ {
		c := Draw(seed)
		r, err := Run(c)
		if err != nil {
			t.Fatal(err)
		}
		sum := total[c.Policy]
		sum.Reads += r.Reads
		sum.AtBound += r.AtBound
		sum.Exact += r.Exact
		sum.Clocks += r.Clocks
		sum.Blocked += r.Blocked
		sum.Messages += r.Messages
		sum.Steps += r.Steps
		total[c.Policy] = sum
		for f, k := range r.Faults {
			faults[f] += k
		}
	}
	for p, r := range total {
		t.Logf("%-6s %d reads (%d at the bound, %d exact), %d clocks (%d blocked), %d messages, %d steps",
			p, r.Reads, r.AtBound, r.Exact, r.Clocks, r.Blocked, r.Messages, r.Steps)
	}
	t.Logf("faults: %d disconnects, %d restarts, %d replicas, %d newcomers, %d leavers, %d takeovers", faults[Disconnect],
		faults[Restart], faults[Replica], faults[Newcomer], faults[Leave], faults[Takeover])
}

func number(t *testing.T, variable string) uint64 {
	s := os.Getenv(variable)
	if s == "" {
		return 0
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatalf("%s=%s: want a number", variable, s)
	}
	return n
}
