package algotest

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"petuum/consistency"
	"petuum/table"
)

// TestCluster plays jobs of seeds 0, 1, ... Two variables choose among them:
// PETUUM_SEED plays that one alone, PETUUM_SEEDS so many.
func TestCluster(t *testing.T) {
	first, n := seeds(t, 4000)
	total := make(map[consistency.Policy]Report)
	faults := make(map[Fault]int)
	for seed := first; seed < first+n; seed++ {
		c := Draw(seed)
		r, err := Run(c)
		if err != nil {
			t.Fatal(err)
		}
		total[c.Policy] = plus(total[c.Policy], r)
		for f, k := range r.Faults {
			faults[f] += k
		}
	}
	for p, r := range total {
		t.Logf("%-6s %d reads (%d at the bound, %d exact), %d clocks (%d blocked), %d messages, %d steps",
			p, r.Reads, r.AtBound, r.Exact, r.Clocks, r.Blocked, r.Messages, r.Steps)
		if n > 100 && p != consistency.ASP() && (r.AtBound == 0 || r.Exact == 0 || r.Blocked == 0) {
			t.Errorf("%s: got %d reads at the bound, %d exact and %d blocked clocks; want some of each, or nothing was tested", p, r.AtBound, r.Exact, r.Blocked)
		}
	}
	for f := Fault(1); f < noFault; f <<= 1 {
		t.Logf("fault %b: %d times", f, faults[f])
		if n > 100 && faults[f] == 0 {
			t.Errorf("fault %b never happened", f)
		}
	}
}

func plus(a, b Report) Report {
	a.Reads += b.Reads
	a.AtBound += b.AtBound
	a.Exact += b.Exact
	a.Clocks += b.Clocks
	a.Blocked += b.Blocked
	a.Messages += b.Messages
	a.Steps += b.Steps
	return a
}

// TestDeterministic plays jobs under deterministic BSP on several networks: the
// shards must hold the same bytes in the end.
func TestDeterministic(t *testing.T) {
	first, n := seeds(t, 2000)
	for seed := first; seed < first+n; seed += 10 {
		c := Draw(seed)
		c.Policy, c.Deterministic, c.Parts = consistency.BSP(), true, 1
		want := [32]byte{}
		for network := range uint64(4) {
			c.Network = seed + network<<32
			r, err := Run(c)
			if err != nil {
				t.Fatal(err)
			}
			if network == 0 {
				want = r.Digest
			} else if r.Digest != want {
				t.Fatal(&Failure{"deterministic", c, "other bytes than with network " + strconv.FormatUint(seed, 10)})
			}
		}
	}
}

// TestSame plays some jobs twice: a run depends on its Config alone.
func TestSame(t *testing.T) {
	for seed := range uint64(40) {
		c := Draw(seed)
		a, err := Run(c)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Run(c)
		if err != nil || a.Steps != b.Steps || a.Messages != b.Messages || a.Reads != b.Reads || a.Digest != b.Digest {
			t.Fatalf("seed %d: got %+v and then %+v, %v", seed, a, b, err)
		}
	}
}

func TestLog(t *testing.T) {
	l := &log{adds: true}
	if x := l.write(2); x != 2 {
		t.Errorf("got %v to add, want 2", x)
	}
	l.write(3)
	l.deposited = 1
	l.send(4, true)
	l.deposited = 1
	l.send(5, true)
	l.write(7)
	for floor, want := range map[consistency.Clock]float64{3: 0, 4: 2, 5: 5, 9: 5} {
		if got := l.at(floor); got != want {
			t.Errorf("at %d: got %v, want %v", floor, got, want)
		}
	}
	for level, want := range map[float64]bool{0: true, 1: false, 2: true, 3: false, 5: true, 12: true, 7: false} {
		if got := l.whole(level); got != want {
			t.Errorf("whole(%v): got %v, want %v", level, got, want)
		}
	}
	l.cut(4)
	if l.total() != 2 {
		t.Errorf("after cut: got %v, want 2", l.total())
	}
	l.write(1)
	l.deposited = 1
	l.send(4, false)
	if l.total() != 2 {
		t.Errorf("after an update that the shard had: got %v, want 2", l.total())
	}
}

// TestNetwork checks that a link keeps the order, each way, and loses only a tail.
func TestNetwork(t *testing.T) {
	c := &cluster{rng: rand.New(rand.NewPCG(1, 2))}
	n := &node{c: c, links: make([]*link, 1)}
	l := c.newLink(n, &host{c: c})
	n.links[0] = l
	p := &port{n}
	for i := range byte(100) {
		p.Send(0, &table.Buffer{Bytes: []byte{i}})
	}
	c.lose(&l.up)
	for i, q := range l.up.packets {
		if q.msg[0] != byte(i) {
			t.Fatalf("packet %d: got message %d", i, q.msg[0])
		}
	}
	left := len(l.up.packets)
	l.cut = true
	p.Send(0, &table.Buffer{Bytes: []byte{1}})
	if len(l.up.packets) != left {
		t.Errorf("a link that is cut takes more")
	}
}

func seeds(t *testing.T, usual uint64) (first, n uint64) {
	if testing.Short() {
		usual /= 10
	}
	if os.Getenv("PETUUM_SEED") != "" {
		return number(t, "PETUUM_SEED"), 1
	}
	if os.Getenv("PETUUM_SEEDS") != "" {
		return 0, number(t, "PETUUM_SEEDS")
	}
	return 0, usual
}

func number(t *testing.T, variable string) uint64 {
	n, err := strconv.ParseUint(os.Getenv(variable), 10, 64)
	if err != nil {
		t.Fatalf("%s=%s: want a number", variable, os.Getenv(variable))
	}
	return n
}
