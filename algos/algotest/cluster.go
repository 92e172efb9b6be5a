package algotest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"petuum/consistency"
	"petuum/table"
	"petuum/table/placement"
)

// Fault is a set of things that may go wrong in a run.
type Fault uint

// The faults; the package comment says what each is.
const (
	Disconnect Fault = 1 << iota
	Restart
	Replica
	Newcomer
	Leave
	Takeover
	Reissue
	noFault
	AllFaults = noFault - 1
)

// Config of a run. The same Config gives the same run.
type Config struct {
	Seed          uint64 // of the job: the working sets and what is written
	Network       uint64 // of delays, order and faults
	Shards        int
	Origins       int
	Parts         int // most parts of an origin
	Clocks        int // of an origin that stays to the end
	Policy        consistency.Policy
	Eager         bool
	Deterministic bool // needs BSP and one part an origin
	Leases        bool // a table goes round in slices; then no origin of the start is taken over or leaves
	Faults        Fault
}

// Draw makes a Config out of one seed. The policies bsp, ssp:1, ssp:3 and asp
// take turns.
func Draw(seed uint64) Config {
	r := rand.New(rand.NewPCG(seed, 1))
	policies := []consistency.Policy{consistency.BSP(), consistency.SSP(1), consistency.SSP(3), consistency.ASP()}
	c := Config{Seed: seed, Network: seed, Policy: policies[seed%4], Shards: 1 + r.IntN(5), Origins: 2 + r.IntN(5),
		Parts: 1, Clocks: 5 + r.IntN(8), Eager: r.IntN(2) == 0, Leases: r.IntN(4) == 0}
	if c.Origins <= 3 && r.IntN(2) == 0 {
		c.Parts = 2 + r.IntN(2)
	}
	if c.Policy.Synchronous() && r.IntN(2) == 0 {
		c.Deterministic, c.Parts = true, 1
	}
	if r.IntN(8) > 0 {
		c.Faults = Fault(r.UintN(uint(noFault)))
	}
	return c
}

// Report is what happened in a run.
type Report struct {
	Reads    int // values checked
	AtBound  int // reads of others' values that were exactly as old as allowed, and newer ones had been sent
	Exact    int // reads after a Sync that could be nothing but the sum of everything
	Clocks   int
	Blocked  int // Clocks that had to wait
	Messages int
	Steps    int
	Faults   map[Fault]int
	Digest   [32]byte // of what the shards hold in the end
}

// Failure is a promise that was broken.
type Failure struct {
	Kind   string // as in the package comment
	Config Config
	Detail string
}

// Error implements error.
func (f *Failure) Error() string {
	return fmt.Sprintf("algotest: seed %d: %s: %s\n%+v", f.Config.Seed, f.Kind, f.Detail, f.Config)
}

// maxSteps bounds a run: the longest take some ten thousand.
const maxSteps = 400_000

// cluster is a run.
type cluster struct {
	cfg       Config
	rng       *rand.Rand
	now       int64
	specs     []table.Spec
	tabs      []*tab
	rotation  *rotation
	holds     bool              // working sets change
	barrier   consistency.Clock // a Sync of all every so many clocks; 0: none
	hosts     []*host
	nodes     []*node
	links     []*link
	timers    []timer
	carriers  map[consistency.Origin]*node
	roster    placement.Roster
	partsOf   []int // by origin, and so on
	slotOf    []int
	died      []int
	final     []consistency.Clock
	changing  bool // a roster is on its way to the shards
	replacing bool // an origin has no client
	budget    int  // faults left
	report    Report
	failure   *Failure
}

type timer struct {
	at int64
	do func()
}

// Run plays the job that cfg describes. The error is a *Failure.
func Run(cfg Config) (Report, error) {
	c := newCluster(cfg)
	for c.failure == nil && c.next() {
		if c.report.Steps++; c.report.Steps > maxSteps {
			c.failf("stuck", "no end after %d steps\n%s", maxSteps, c.dump())
		}
	}
	if c.failure == nil {
		c.finish()
	}
	if c.failure != nil {
		return c.report, c.failure
	}
	return c.report, nil
}

const newcomers = 2 // most origins that enter in mid-job

func newCluster(cfg Config) *cluster {
	c := &cluster{cfg: cfg, rng: rand.New(rand.NewPCG(cfg.Network, 2)), carriers: make(map[consistency.Origin]*node)}
	c.report.Faults = make(map[Fault]int)
	job := rand.New(rand.NewPCG(cfg.Seed, 3))
	slots, first := 0, 0
	for o := range cfg.Origins + newcomers {
		c.partsOf = append(c.partsOf, 1+job.IntN(cfg.Parts))
		c.slotOf = append(c.slotOf, slots)
		c.final = append(c.final, consistency.Clock(cfg.Clocks))
		if cfg.Faults&Leave != 0 && !cfg.Leases && o > 0 && o < cfg.Origins && job.IntN(3) == 0 {
			c.final[o] = consistency.Clock(1 + job.IntN(cfg.Clocks))
		}
		if slots += c.partsOf[o]; o < cfg.Origins {
			first = slots
		}
	}
	c.died = make([]int, len(c.partsOf))
	c.holds = job.IntN(4) > 0
	if job.IntN(2) == 0 {
		c.barrier = consistency.Clock(2 + job.IntN(4))
	}
	c.makeTables(job, slots)
	if cfg.Leases {
		c.rotation = newRotation(c, first)
		c.specs = append(c.specs, c.rotation.spec)
	}
	c.roster = placement.NewRoster(cfg.Origins)
	for k := range cfg.Shards {
		c.hosts = append(c.hosts, c.newHost(k, c.roster))
	}
	for o := range cfg.Origins {
		c.newNode(consistency.Origin(o), c.roster.Generation, 0, nil)
	}
	if cfg.Faults != 0 {
		c.budget = 4 + c.rng.IntN(16)
		c.after(c.rng.Int64N(300), c.fault)
	}
	return c
}

func (c *cluster) makeTables(job *rand.Rand, slots int) {
	const huge = 1 << 40
	all := []struct {
		kind  kind
		spec  table.Spec
		often int // of 4
	}{
		{sums, table.Spec{Name: "count", Type: table.Int32}, 4},
		{sums, table.Spec{Name: "rows", Width: 3, Init: table.Init{Value: 5}}, 2},
		{sums, table.Spec{Name: "hash", Type: table.Float64, Keys: huge, Init: table.Init{Value: -7}}, 2},
		{highest, table.Spec{Name: "high", Type: table.Int32, Rule: table.Max}, 1},
		{lowest, table.Spec{Name: "low", Type: table.Float64, Rule: table.Min, Init: table.Init{Value: 1000}, Keys: huge}, 1},
		{latest, table.Spec{Name: "last", Rule: table.Replace}, 1},
		{gradients, table.Spec{Name: "steps", Type: table.Float64, Rule: table.AdaGrad(0.5, 1e-3)}, 2},
		{fractions, table.Spec{Name: "fractions"}, 4},
		{rounded, lossy(rand.New(rand.NewPCG(c.cfg.Seed, 4))), 2},
	}
	for _, t := range all {
		switch {
		case job.IntN(4) >= t.often:
			continue
		case t.kind == gradients && !c.cfg.Policy.Synchronous(), t.kind == fractions && !c.cfg.Deterministic:
			continue
		}
		tab := newTab(t.spec, t.kind, c.cfg.Shards, slots)
		c.tabs, c.specs = append(c.tabs, tab), append(c.specs, tab.spec)
	}
}

// lossy is a table that rounds, keeps back, or both.
func lossy(job *rand.Rand) table.Spec {
	s := table.Spec{Name: "rounded", Type: table.Float64, Width: 1 + job.IntN(2), Init: table.Init{Value: 2}}
	s.Encoding = []table.Encoding{table.Exact, table.Single, table.BFloat16, table.Fixed1, table.Fixed2}[job.IntN(5)]
	switch form := job.IntN(3); {
	case form == 1 || s.Encoding == table.Exact:
		s.Filter.Significant = 20
	case form == 2:
		s.Filter.Skip = 0.5
	}
	return s
}

func (c *cluster) failf(kind, format string, args ...any) {
	if c.failure == nil {
		c.failure = &Failure{kind, c.cfg, fmt.Sprintf(format, args...)}
	}
}

// after calls do when time has passed.
func (c *cluster) after(time int64, do func()) {
	c.timers = append(c.timers, timer{c.now + time, do})
}

// next makes one of the events that can happen now, or moves the time on. It
// returns false when nothing will happen any more.
func (c *cluster) next() bool {
	var events []func()
	soonest := int64(-1)
	offer := func(at int64, do func()) {
		if at <= c.now {
			events = append(events, do)
		} else if soonest < 0 || at < soonest {
			soonest = at
		}
	}
	for i := range c.timers {
		offer(c.timers[i].at, func() {
			do := c.timers[i].do
			c.timers = slices.Delete(c.timers, i, i+1)
			do()
		})
	}
	for _, l := range c.links {
		if at, ok := l.up.due(); ok && l.awaits < l.host.shard.Generation() {
			offer(at, func() { l.host.receive(l) })
		}
		if at, ok := l.down.due(); ok {
			offer(at, func() { c.deliver(l) })
		}
	}
	for _, n := range c.nodes {
		if n.dead {
			continue
		}
		for _, p := range n.parts {
			if p.state != finished && (p.wake > c.now && p.state == worked || p.ready()) {
				offer(p.wake, p.step)
			}
		}
	}
	switch {
	case len(events) > 0:
		events[c.rng.IntN(len(events))]()
	case soonest >= 0:
		c.now = soonest
	default:
		return false
	}
	return true
}

func (c *cluster) deliver(l *link) {
	msg := l.down.packets[0].msg
	l.down.packets = l.down.packets[1:]
	if l.node.dead || l.node.closed {
		return
	}
	if err := l.node.client.Deliver(l.host.k, msg); err != nil {
		c.failf("protocol", "%v", err)
	}
}

// dump says who waits for what.
func (c *cluster) dump() string {
	var b strings.Builder
	fmt.Fprintf(&b, "time %d, roster %+v, %d timers\n", c.now, c.roster, len(c.timers))
	for _, h := range c.hosts {
		fmt.Fprintf(&b, "shard %d: generation %d, life %d, minimum %d, seen", h.k, h.shard.Generation(), h.life, h.shard.Min())
		for o := range c.partsOf {
			fmt.Fprintf(&b, " %d", h.shard.Seen(consistency.Origin(o)))
		}
		b.WriteByte('\n')
	}
	for _, n := range c.nodes {
		fmt.Fprintf(&b, "origin %d incarnation %d: generation %d, clock %d, dead %v, refused %d:", n.origin, n.incarnation, n.generation, n.clock, n.dead, n.client.Refused())
		for _, p := range n.parts {
			fmt.Fprintf(&b, " part %d %s at %d of %d", p.index, p.state, p.clock, p.final)
		}
		b.WriteByte('\n')
	}
	for _, l := range c.links {
		if len(l.up.packets)+len(l.down.packets) > 0 {
			fmt.Fprintf(&b, "origin %d - shard %d: %d up, %d down, cut %v\n", l.node.origin, l.host.k, len(l.up.packets), len(l.down.packets), l.cut)
		}
	}
	return b.String()
}
