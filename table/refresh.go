package table

import (
	"math/bits"

	"petuum/table/kernel"
)

// refresh brings what was answered into the values.
func (v *View[T]) refresh() {
	v.version = v.c.oldest()
	if !v.stirred {
		return
	}
	v.stirred = false
	v.refreshRange(0, v.set.Len(), v.held.segs)
}

// refreshAhead is refresh for one segment of a view whose part waits: it does not look
// at the values before it goes on, and what other shards answer is on its way
// meanwhile.
func (v *View[T]) refreshAhead(k int) {
	s := &v.held.segs[k]
	lo, hi := max(s.lo-v.off, 0), min(s.hi-v.off, v.set.Len())
	if lo < hi && v.stirred && v.at == nil && !v.inPlace && v.next == nil && v.c.parts[v.part].waits {
		v.refreshRange(lo, hi, v.held.segs[k:k+1])
	}
}

// refreshRange is refresh for the keys [lo, hi), which lie in segs.
func (v *View[T]) refreshRange(lo, hi int, segs []segment[T]) {
	h := v.held
	v.renewed = true
	if v.at == nil && !v.inPlace && v.width == 1 {
		v.refreshSingles(lo, hi)
	} else if v.at == nil && !v.inPlace {
		for i, j := v.fresh.run(lo, hi); i < hi; i, j = v.fresh.run(j, hi) {
			copy(v.vals[i*v.width:j*v.width], h.base[(v.off+i)*v.width:(v.off+j)*v.width])
			v.news.setRange(i, j)
		}
	} else {
		v.changed = v.fresh.appendTo(v.changed[:0], lo, hi, 0)
		for _, i := range v.changed {
			if v.inPlace && v.dirty.has(int(i)) {
				v.subtract(int(i))
			}
			copy(v.Row(int(i)), h.row(h.base, v.position(int(i))))
			v.news.set(int(i))
		}
	}
	if v.preview {
		v.replay(lo, hi, segs)
	}
	if v.inPlace {
		for _, i := range v.changed {
			v.rewrite(int(i))
		}
	}
	v.fresh.clearRange(lo, hi)
}

// refreshSingles brings the fresh ones of the keys [lo, hi) in, of width 1: most
// often they are scattered, where a run each takes several times as long.
func (v *View[T]) refreshSingles(lo, hi int) {
	base := v.held.base[v.off:]
	for i := lo; i < hi; i = (i | 63) + 1 {
		word := v.fresh[i>>6] &^ (1<<(i&63) - 1)
		if word == ^uint64(0) {
			j := v.fresh.next(i, hi, ^uint64(0))
			copy(v.vals[i:j], base[i:j])
			v.news.setRange(i, j)
			if i = j; i&63 == 0 {
				i--
				continue
			}
			word = v.fresh[i>>6] &^ (1<<(i&63) - 1)
		}
		if last := hi - i&^63; last < 64 {
			word &= 1<<last - 1
		}
		v.news[i>>6] |= word
		for ; word != 0; word &= word - 1 {
			k := i&^63 + bits.TrailingZeros64(word)
			v.vals[k] = base[k]
		}
	}
}

// replay puts the updates that no answer includes back on refreshed values. Under
// BSP none of them is of the part itself: what its group has deposited by now is
// of a clock that this part has not come to.
func (v *View[T]) replay(lo, hi int, segs []segment[T]) {
	h := v.held
	for k := range segs {
		s := &segs[k]
		for _, l := range s.layers {
			if l.positions == nil && v.at == nil {
				v.replaySpan(s, l.deltas)
				continue
			}
			for j := range len(l.deltas) / v.width {
				if i := v.index(l.at(s, j)); i >= 0 && v.fresh.has(i) {
					combineRow(h.spec.Rule, v.Row(i), l.deltas[j*v.width:(j+1)*v.width])
				}
			}
		}
	}
	waiting := (h.layers || h.lent) && (h.marked || v.touched) // in the group
	unsent := !h.lent && !v.inPlace && v.touched               // by the part alone
	if h.owed == nil && !waiting && !unsent {
		return
	}
	v.changed = v.fresh.appendTo(v.changed[:0], lo, hi, 0)
	for _, i := range v.changed {
		p, row := v.position(int(i)), v.Row(int(i))
		if h.owed != nil {
			kernel.Add(row, h.row(h.owed, p))
		}
		if waiting && h.marks.has(p) {
			combineRow(h.spec.Rule, row, h.row(h.acc, p))
		}
		if unsent && v.dirty.has(int(i)) {
			combineRow(h.spec.Rule, row, v.delta[int(i)*v.width:(int(i)+1)*v.width])
		}
	}
}

// replaySpan puts the deltas of a whole segment back, run by run.
func (v *View[T]) replaySpan(s *segment[T], deltas []T) {
	w, lo, hi := v.width, max(s.lo-v.off, 0), min(s.hi-v.off, v.set.Len())
	for i, j := v.fresh.run(lo, hi); i < hi; i, j = v.fresh.run(j, hi) {
		first := (v.off + i - s.lo) * w
		combineRow(v.held.spec.Rule, v.vals[i*w:j*w], deltas[first:first+(j-i)*w])
	}
}

// subtract makes, in place, the delta of key i the part's update.
func (v *View[T]) subtract(i int) {
	u := v.delta[i*v.width : (i+1)*v.width]
	for j, x := range v.Row(i) {
		u[j] = x - u[j]
	}
}

// rewrite puts what the part wrote in place since its last Clock back on a
// refreshed value.
func (v *View[T]) rewrite(i int) {
	row, u := v.Row(i), v.delta[i*v.width:(i+1)*v.width]
	dirty := v.dirty.has(i)
	for j, x := range row {
		if dirty {
			row[j] += u[j]
		}
		u[j] = x
	}
}
