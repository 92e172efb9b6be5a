package proximal

import (
	"math/rand/v2"

	"petuum/algos/linear"
	"petuum/consistency"
)

// layout is the blocks of columns: runs of keys, dealt out at random.
type layout struct {
	blocks  int
	planeAt int // clocks from the begin of a pass to the plane, and to the next pass
	period  int
	cols    []int32 // of the part, block by block
	begin   []int
}

// inFlight is how many blocks may be under way.
func inFlight(p *linear.Problem) int {
	return min(2*(slack(p)+1), blocks(p))
}

func slack(p *linear.Problem) int {
	for s := range 4 {
		if p.Policy.Floor(0) >= -consistency.Clock(s) {
			return s
		}
	}
	return 3
}

// blocks is how many blocks there are.
func blocks(p *linear.Problem) int {
	n := p.Blocks
	if n == 0 {
		n = 4 * 2 * (slack(p) + 1)
	}
	return int(max(min(uint64(n), p.Columns), 1))
}

func period(p *linear.Problem) int { return blocks(p) + 4*(slack(p)+1) - 1 }

func newLayout(p *linear.Problem, seed uint64) layout {
	g := 2*(slack(p)+1) - 1
	l := layout{blocks: blocks(p), planeAt: blocks(p) + g, period: period(p), cols: make([]int32, p.Keys.Len())}
	run := max(min(p.Columns/uint64(64*l.blocks), 64), 1)
	of := func(j int) int { return int(mix(seed^p.Keys.Key(j)/run) % uint64(l.blocks)) }
	l.begin = make([]int, l.blocks+2)
	for j := range l.cols {
		l.begin[of(j)+2]++
	}
	for b := range l.blocks {
		l.begin[b+2] += l.begin[b+1]
	}
	for j := range l.cols {
		b := of(j)
		l.cols[l.begin[b+1]] = int32(j)
		l.begin[b+1]++
	}
	return l
}

// block is the columns of block b that the part has.
func (l *layout) block(b int) []int32 { return l.cols[l.begin[b]:l.begin[b+1]] }

// mix is the finaliser of SplitMix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// order is the order of the blocks: in every pass each once.
type order struct {
	list   []int
	seed   uint64
	pass   int // that has begun
	at     int // blocks of it dealt out
	random rand.PCG
}

func (o *order) init(blocks int, seed uint64) {
	o.list, o.seed, o.at = make([]int, blocks), seed, blocks
	for i := range o.list {
		o.list[i] = i
	}
}

// turn is the next block, and whether all columns are to be looked at.
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

// first reports whether the last turn began a pass.
func (o *order) first() bool { return o.at == 1 }
