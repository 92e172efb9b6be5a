package proximal

import (
	"math/rand/v2"

	"petuum/algos/linear"
	"petuum/consistency"
)

// pass is how the clocks of a pass are used: some without blocks until all have leapt,
// the blocks, some without until all steps are seen, and last the survey of the plane.
type pass struct {
	blocks   int
	flight   int // blocks under way
	clocks   int
	lockstep bool // steps are seen in time only where a barrier sees to it
}

const (
	fullEvery  = 4  // passes
	mostSlack  = 3  // that is waited for: more, and ASP, count as this
	usualCount = 16 // blocks for each clock of delay
)

func newPass(p *linear.Problem) pass {
	slack := 0
	for slack < mostSlack && p.Policy.Floor(0) < -consistency.Clock(slack) {
		slack++
	}
	n := p.Blocks
	if n == 0 {
		n = usualCount * (slack + 1)
	}
	s := pass{blocks: int(min(uint64(n), p.Columns)), flight: 2 * (slack + 1)}
	s.clocks = s.blocks + 2*s.flight - 1
	s.lockstep = p.Policy.Floor(0) < -consistency.Clock(slack)
	return s
}

// stage is what a clock is for.
type stage uint8

const (
	waiting stage = iota
	sharing
	surveying
)

func (p *pass) at(clock consistency.Clock) stage {
	switch at := int(clock % consistency.Clock(p.clocks)); {
	case at == p.clocks-1:
		return surveying
	case at >= p.flight-1 && at < p.flight-1+p.blocks:
		return sharing
	}
	return waiting
}

// layout is the columns of a part block by block: runs of keys, dealt out at random.
type layout struct {
	order []int32
	begin []int
}

// mostRun bounds a run of keys, which travels as one.
const mostRun = 64

func newLayout(p *linear.Problem, blocks int, seed uint64) layout {
	l := layout{make([]int32, p.Keys.Len()), make([]int, blocks+2)}
	run := max(min(p.Columns/uint64(mostRun*blocks), mostRun), 1)
	of := func(j int) int { return int(mix(seed^p.Keys.Key(j)/run) % uint64(blocks)) }
	for j := range l.order {
		l.begin[of(j)+2]++
	}
	for b := range blocks {
		l.begin[b+2] += l.begin[b+1]
	}
	for j := range l.order {
		at := &l.begin[of(j)+1]
		l.order[*at] = int32(j)
		*at++
	}
	return l
}

// block is the columns of block b.
func (l *layout) block(b int) []int32 { return l.order[l.begin[b]:l.begin[b+1]] }

// mix is the finaliser of SplitMix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// order deals out the blocks, in every pass each once.
type order struct {
	list   []int
	seed   uint64
	pass   int // the one under way, from 1
	at     int // blocks of it dealt out
	random rand.PCG
}

func newOrder(blocks int, seed uint64) order {
	o := order{list: make([]int, blocks), seed: seed, at: blocks}
	for i := range o.list {
		o.list[i] = i
	}
	return o
}

// turn is the next block, and whether all its columns are to be looked at.
func (o *order) turn() (b int, full bool) {
	if o.at == len(o.list) {
		o.at = 0
		o.pass++
		o.random.Seed(o.seed, uint64(o.pass))
		for i := len(o.list) - 1; i > 0; i-- {
			k := int(o.random.Uint64() % uint64(i+1))
			o.list[i], o.list[k] = o.list[k], o.list[i]
		}
	}
	o.at++
	return o.list[o.at-1], o.pass <= 2 || o.pass%fullEvery == 0
}

// done reports whether the next turn begins a pass.
func (o *order) done() bool { return o.at == len(o.list) }

// first reports whether the last turn began a pass.
func (o *order) first() bool { return o.at == 1 }
