package algotest

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"

	"petuum/consistency"
	"petuum/table"
)

// finish checks what the shards hold when nothing moves any more.
func (c *cluster) finish() {
	if !c.over() || c.changing {
		c.failf("stuck", "nothing can go on\n%s", c.dump())
		return
	}
	for _, n := range c.nodes {
		if !n.dead && !n.closed && !c.complete(n) {
			c.failf("stuck", "not all updates of origin %d have arrived\n%s", n.origin, c.dump())
			return
		}
	}
	sum := sha256.New()
	for i, spec := range c.specs {
		var all bytes.Buffer
		got := make(map[uint64][]float64)
		for _, h := range c.hosts {
			h.shard.Export(i, func(key uint64, values []byte) {
				if _, ok := got[key]; ok || !table.ShardRange(spec.Keys, h.k, len(c.hosts)).Contains(key) {
					c.failf("sums", "%s key %d is exported by shard %d too", spec.Name, key, h.k)
				}
				got[key] = decode(spec.Type, values)
				all.Write(binary.LittleEndian.AppendUint64(nil, key))
				all.Write(values)
			})
		}
		if i >= len(c.tabs) || c.tabs[i].kind != rounded || c.cfg.Faults&Takeover == 0 { // what a client owes dies with it
			sum.Write(all.Bytes())
		}
		if i < len(c.tabs) {
			c.checkTable(c.tabs[i], got)
		} else {
			c.rotation.checkEnd(got)
		}
	}
	sum.Sum(c.report.Digest[:0])
}

func decode(t table.Type, b []byte) (values []float64) {
	for ; len(b) > 0; b = b[t.Size():] {
		switch t {
		case table.Float64:
			values = append(values, math.Float64frombits(binary.LittleEndian.Uint64(b)))
		case table.Int32:
			values = append(values, float64(int32(binary.LittleEndian.Uint32(b))))
		default:
			values = append(values, float64(math.Float32frombits(binary.LittleEndian.Uint32(b))))
		}
	}
	return values
}

// checkTable compares a table with the ledger: every update once, nothing else.
func (c *cluster) checkTable(t *tab, got map[uint64][]float64) {
	if t.kind == fractions || t.kind == rounded && slices.Max(c.died) > 0 {
		return
	}
	for cell := range t.logs {
		key := t.key(cell)
		values := got[key]
		delete(got, key)
		if want := t.want(cell); !slices.Equal(values, want) && !(values == nil && want[0] == t.init) {
			c.failf("sums", "%s cell %d: got %v, want %v in the end", t.spec.Name, cell, values, want)
			return
		}
	}
	for key, values := range got {
		c.failf("sums", "%s key %d has %v, and nobody wrote it", t.spec.Name, key, values)
	}
}

// want is the values of a cell with every update.
func (t *tab) want(cell int) []float64 {
	if t.kind == gradients {
		return []float64{t.steps(cell)}
	}
	_, level := t.bounds(cell, -1, 0, false)
	if t.kind == lowest {
		level = -level
	}
	want := make([]float64, t.spec.Width)
	for j := range want {
		want[j] = t.init + level*float64(j+1)
	}
	return want
}

// steps replays AdaGrad(0.5, 1e-3): each clock's gradients of all, once.
func (t *tab) steps(cell int) float64 {
	gradient := make(map[consistency.Clock]float64)
	end := consistency.Clock(0)
	for _, l := range t.logs[cell] {
		was := 0.0
		for _, e := range l.sent {
			gradient[e.update] += e.level - was
			was, end = e.level, max(end, e.update)
		}
	}
	value, squares := t.init, 0.0
	for u := consistency.Clock(1); u <= end; u++ {
		if g := gradient[u]; g != 0 {
			squares += g * g
			value -= 0.5 * g / (math.Sqrt(squares) + 1e-3)
		}
	}
	return value
}

func (r *rotation) checkEnd(got map[uint64][]float64) {
	for key := range r.spec.Keys {
		want := float64(r.sums[key/sliceKeys])
		if values := got[key]; len(values) != 1 || values[0] != want {
			r.c.failf("sums", "slices key %d: got %v, want %v in the end", key, values, want)
			return
		}
	}
}
