package control

import (
	"math"
	"math/rand/v2"

	"petuum/algos"
	"petuum/consistency"
)

// number is small as often as large.
func number(r *rand.Rand) uint64           { return r.Uint64() >> r.IntN(64) }
func clock(r *rand.Rand) consistency.Clock { return consistency.Clock(number(r) >> 1) }
func part(r *rand.Rand) int                { return int(number(r) >> 33) }

func float(r *rand.Rand) float64 {
	special := []float64{0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.NaN(), math.MaxFloat64, math.SmallestNonzeroFloat64}
	if k := r.IntN(4 * len(special)); k < len(special) {
		return special[k]
	}
	return r.NormFloat64()
}

func floats(r *rand.Rand) (fs []float64) {
	for range r.IntN(5) {
		fs = append(fs, float(r))
	}
	return fs
}

func text(r *rand.Rand) string {
	b := make([]byte, r.IntN(200))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return string(b)
}

// randomBlocks makes blocks of parts, some of them the same one.
func randomBlocks(r *rand.Rand) any {
	var got []block
	round := clock(r)
	var last algos.Block
	for p := range r.IntN(6) {
		if r.IntN(2) == 0 {
			last = algos.Block{Values: floats(r)}
			for range len(last.Values) + r.IntN(3) {
				last.Keys = append(last.Keys, number(r))
			}
		}
		got = append(got, block{round, p * 2, last})
	}
	return got
}

func encodeBlocks(m any) []byte {
	var round consistency.Clock
	var parts []int
	var blocks []algos.Block
	for _, b := range m.([]block) {
		round, parts = b.Round, append(parts, b.Part)
		for len(blocks) <= b.Part {
			blocks = append(blocks, algos.Block{})
		}
		blocks[b.Part] = b.Block
	}
	return AppendBlocks(nil, round, parts, blocks)
}

// stale is what an earlier message left.
var stale = Blocks{Round: 7, Parts: []int{5, 6}, Of: make([]algos.Block, 2), keys: []uint64{1, 2, 3}, values: []float64{4}, cuts: make([]cut, 2)}

func encodeEmitted(m any) []byte {
	all := m.([]emitted)
	var round consistency.Clock
	if len(all) > 0 {
		round = all[0].Round
	}
	body := BeginEmitted(nil, round)
	for _, e := range all {
		body = AppendEmitted(body, e.Part, e.Values)
	}
	return EndEmitted(body, len(all))
}

func encodeEval(m any) []byte {
	v := m.(eval)
	return appendEval(nil, v.Part, v.Clock, v.Sums, v.Maxima)
}

func encodeRows(m any) []byte {
	var body []byte
	last := uint64(0)
	for _, r := range m.(rows).Rows {
		body = append(AppendUints(body, r.Key), r.Values...)
	}
	if m.(rows).Last {
		last = 1
	}
	return append(AppendUints(nil, rowTable, rowShard, last, uint64(len(body))), body...)
}

func encodeBatch(m any) []byte {
	b := m.(batch)
	body := make([]byte, BatchHead)
	PutBatchHead(body, b.Timing, len(b.Messages))
	for i, msg := range b.Messages {
		if i > 0 && msg.Again(b.Messages[i-1].Body) {
			body = AppendAgain(body, msg.Shard)
			continue
		}
		body = append(AppendMessageHead(body, msg.Shard, len(msg.Body)), msg.Body...)
	}
	return body
}
