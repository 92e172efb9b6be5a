package control

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"petuum/algos"
	"petuum/consistency"
)

// AppendBlocks encodes the blocks of the parts in parts; parts that share one
// block's memory share its encoding.
func AppendBlocks(b []byte, round consistency.Clock, parts []int, blocks []algos.Block) []byte {
	leads := func(i int) bool { // the first of those that share
		return !slices.ContainsFunc(parts[:i], func(p int) bool { return blocks[p].Shares(blocks[parts[i]]) })
	}
	groups := 0
	for i := range parts {
		if leads(i) {
			groups++
		}
	}
	b = AppendUints(b, uint64(round), uint64(groups))
	for i, lead := range parts {
		if !leads(i) {
			continue
		}
		n := 0
		for _, p := range parts[i:] {
			if blocks[p].Shares(blocks[lead]) {
				n++
			}
		}
		b = AppendUints(b, uint64(n))
		for _, p := range parts[i:] {
			if blocks[p].Shares(blocks[lead]) {
				b = AppendUints(b, uint64(p))
			}
		}
		b = AppendUints(b, uint64(len(blocks[lead].Keys)))
		b = AppendUints(b, blocks[lead].Keys...)
		b = appendFloats(b, blocks[lead].Values)
	}
	return b
}

// Blocks are those of one round for the parts of a worker. Their memory is used again.
type Blocks struct {
	Round consistency.Clock
	Parts []int         // in the order of the message
	Of    []algos.Block // of each; parts of one group share theirs, which they must not change

	keys   []uint64
	values []float64
	cuts   []cut // of each part
}

// cut is where in keys and values a block lies.
type cut struct{ keys, endKeys, values, endValues int }

// ReadBlocks decodes Blocks into b.
func ReadBlocks(body []byte, b *Blocks) error {
	r := NewReader(body)
	b.Round = consistency.Clock(r.Uint(maxClock))
	b.Parts, b.Of, b.keys, b.values, b.cuts = b.Parts[:0], b.Of[:0], b.keys[:0], b.values[:0], b.cuts[:0]
	for n := r.Count(3); n > 0 && r.err == nil; n-- {
		first := len(b.Parts)
		for k := r.Count(1); k > 0 && r.err == nil; k-- {
			b.Parts = append(b.Parts, int(r.Uint(math.MaxInt32)))
		}
		c := cut{keys: len(b.keys), values: len(b.values)}
		for k := r.Count(1); k > 0 && r.err == nil; k-- {
			b.keys = append(b.keys, r.Uint(math.MaxUint64))
		}
		k := r.Count(8)
		b.values = slices.Grow(b.values, k)[:c.values+k]
		r.fill(b.values[c.values:])
		c.endKeys, c.endValues = len(b.keys), len(b.values)
		if k > c.endKeys-c.keys {
			return fmt.Errorf("control: block with %d values for %d keys", k, c.endKeys-c.keys)
		}
		for range b.Parts[first:] {
			b.cuts = append(b.cuts, c)
		}
	}
	for _, c := range b.cuts { // now that keys and values stay where they are
		b.Of = append(b.Of, algos.Block{Keys: b.keys[c.keys:c.endKeys:c.endKeys], Values: b.values[c.values:c.endValues:c.endValues]})
	}
	return r.Err()
}

// BeginEmitted begins Emitted of a round, in b[:0]: append what parts emitted, and end it.
func BeginEmitted(b []byte, round consistency.Clock) []byte {
	return AppendUints(append(b[:0], 0, 0, 0, 0), uint64(round))
}

// EndEmitted ends Emitted of n parts.
func EndEmitted(b []byte, n int) []byte {
	binary.LittleEndian.PutUint32(b, uint32(n))
	return b
}

// AppendEmitted appends what a part emitted.
func AppendEmitted(b []byte, part int, values []float64) []byte {
	return appendFloats(AppendUints(b, uint64(part)), values)
}

// ReadEmitted decodes Emitted. room is asked for a place for the values of each part; its
// error is returned.
func ReadEmitted(body []byte, room func(part int, round consistency.Clock, n int) ([]float64, error)) error {
	r := NewReader(body)
	head := r.Bytes(4)
	if head == nil {
		return r.Err()
	}
	round := consistency.Clock(r.Uint(maxClock))
	for parts := binary.LittleEndian.Uint32(head); parts > 0 && r.err == nil; parts-- {
		part := int(r.Uint(math.MaxInt32))
		n := r.Count(8)
		if r.err != nil {
			break
		}
		values, err := room(part, round, n)
		if err != nil {
			return err
		}
		r.fill(values)
	}
	return r.Err()
}

// RoundOf is the round that Blocks are of.
func RoundOf(body []byte) (consistency.Clock, error) {
	r := NewReader(body)
	round := consistency.Clock(r.Uint(maxClock))
	return round, r.err
}
