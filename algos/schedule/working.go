package schedule

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
)

// crowdPart is how many times smaller a chosen block is where those in use do not fit.
const crowdPart = 8

// working gives sets: all that is in use and the best promises, so many that what is
// in use can double. Where those in use leave less than a quarter of room, all compete
// as the sampler lets them.
type working struct {
	*sampler
	limit  int
	chosen bool // the limit is ours
	heap   []ranked
	// What Explain says.
	rounds, crowds, least, largest int
}

type ranked struct {
	j    int
	rank float64 // the highest win
}

func newWorking(o Options, rng *rand.Rand, chosen bool) *working {
	w := &working{sampler: newSampler(o, rng, o.Block), limit: o.Block, chosen: chosen}
	w.unused = true
	return w
}

// size is the variables of the next round, and whether all compete for it.
func (w *working) size() (size int, crowded bool) {
	crowded = w.uses >= w.limit-w.limit/4
	size = min(w.limit, max(leastBlock, 2*w.uses))
	if crowded && w.chosen {
		size = min(size, max(leastBlock, w.limit/crowdPart))
	}
	return size, crowded
}

// Next makes a set: those in use, one by turn, the best.
func (w *working) Next(dst []int) []int {
	if w.quiet() {
		return dst
	}
	size, crowded := w.size()
	start := len(dst)
	if w.want = size; crowded || size == 1 {
		dst = w.sampler.Next(dst)
	} else {
		dst = w.set(dst, start+size)
	}
	w.rounds++
	if crowded {
		w.crowds++
	}
	if got := len(dst) - start; got > 0 {
		w.largest = max(w.largest, got)
		if w.least == 0 || got < w.least {
			w.least = got
		}
	}
	return dst
}

// set appends a set, up to want. What is in use fits. As long as it is not known what
// others promise, they come at random.
func (w *working) set(dst []int, want int) []int {
	for i, word := range w.used {
		for word &= w.ready[i]; word != 0; word &= word - 1 {
			dst = append(dst, w.draw(i<<6+bits.TrailingZeros64(word), false))
		}
	}
	dst = w.retry(dst, want)
	if w.sweeping {
		return w.fill(dst, min(want, len(dst)+w.readies), false)
	}
	if j := w.turns.next(w.ready); j >= 0 && len(dst) < want {
		dst = append(dst, w.draw(j, true))
	}
	w.heap = w.heap[:0]
	for i, word := range w.moving {
		for ; word != 0 && len(dst) < want; word &= word - 1 {
			j := i<<6 + bits.TrailingZeros64(word)
			w.offer(ranked{j, w.tree[0][j]}, want-len(dst))
		}
	}
	for _, c := range w.heap {
		dst = append(dst, w.draw(c.j, false))
	}
	return dst
}

// offer keeps the best room in a heap with the worst of them on top; of equals those
// that came first.
func (w *working) offer(c ranked, room int) {
	h := w.heap
	if len(h) < room {
		h = append(h, c)
		for i := len(h) - 1; i > 0 && h[i].rank < h[(i-1)/2].rank; i = (i - 1) / 2 {
			h[i], h[(i-1)/2] = h[(i-1)/2], h[i]
		}
		w.heap = h
		return
	}
	if c.rank <= h[0].rank {
		return
	}
	h[0] = c
	for i := 0; ; {
		k := 2*i + 1
		if k+1 < len(h) && h[k+1].rank < h[k].rank {
			k++
		}
		if k >= len(h) || h[i].rank <= h[k].rank {
			return
		}
		h[i], h[k] = h[k], h[i]
		i = k
	}
}

// Explain says how large the sets were.
func (w *working) Explain() []string {
	size, crowded := w.size()
	says := []string{fmt.Sprintf("schedule: working sets, of %d to %d variables in %d rounds: those in use (%d of %d) and the best promises, room for twice as many and at least %d",
		w.least, w.largest, w.rounds, w.uses, w.n, min(leastBlock, w.limit))}
	if w.crowds > 0 {
		says = append(says, fmt.Sprintf("schedule: in %d rounds those in use left less than a quarter of the %d places, so all competed by priority %q", w.crowds, w.limit, w.priority))
	}
	if crowded && w.chosen {
		says = append(says, fmt.Sprintf("schedule: blocks of %d where all compete, as a solved block costs the square of its size", size))
	}
	return says
}
