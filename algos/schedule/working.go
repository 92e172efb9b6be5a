package schedule

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
)

const (
	leastRank = 1e-2 // weight of what promises nothing where all compete, of the highest
	crowdPart = 8    // a chosen block is so many times smaller where those in use do not fit
)

// working gives sets: all that is in use and the best promises, so many that what is
// in use can double. Where those in use leave less than a quarter of room all compete,
// drawn by weight without replacement (Efraimidis and Spirakis, "Weighted random
// sampling with a reservoir", Information Processing Letters 97, 2006).
type working struct {
	states
	promise  []float64 // the last that is known of each; most: nothing
	rng      *rand.Rand
	limit    int
	chosen   bool // the limit is ours
	priority string
	turns    turns
	inTurn   set
	top      float64 // the highest weight of the last scan
	heap     []ranked
	// What Explain says.
	rounds, crowds, least, largest int
}

type ranked struct {
	j    int
	rank float64 // the highest win
}

func newWorking(o Options, rng *rand.Rand) *working {
	w := &working{states: newStates(o.Variables), promise: make([]float64, o.Variables), rng: rng, limit: o.Block,
		chosen: o.Kind == "auto" && o.Block == min(exactBlock, o.Variables), priority: o.Priority,
		turns: newTurns(o.Variables), inTurn: newSet(o.Variables)}
	for j := range w.promise {
		w.promise[j] = most
	}
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
	add := func(j int) {
		dst = append(dst, j)
		w.give(j)
	}
	if !crowded {
		for i, word := range w.used {
			for word &= w.ready[i]; word != 0; word &= word - 1 {
				add(i<<6 + bits.TrailingZeros64(word))
			}
		}
	}
	if j := w.turns.next(w.ready); j >= 0 && len(dst)-start < size && (size > 1 || w.rng.IntN(turnShare) == 0) {
		w.inTurn.add(j)
		add(j)
	}
	w.heap = w.heap[:0]
	w.rank(size-(len(dst)-start), crowded)
	for _, c := range w.heap {
		add(c.j)
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

// rank fills the heap with the best that are ready: by promise, or by chance.
func (w *working) rank(room int, chance bool) {
	from, top := w.moving, 0.0
	if chance {
		from = w.ready
	}
	if room <= 0 {
		return
	}
	for i, word := range from {
		for ; word != 0; word &= word - 1 {
			j := i<<6 + bits.TrailingZeros64(word)
			rank := w.promise[j]
			top = max(top, rank)
			if chance {
				rank = -w.rng.ExpFloat64() / max(rank+leastRank*w.top, 1/most)
			}
			w.offer(ranked{j, rank}, room)
		}
	}
	w.top = top
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

// Done takes a set back.
func (w *working) Done(o Outcome) {
	for i, j := range o.Variables {
		if w.flight.has(j) {
			change := w.back(j, &o, i, w.inTurn.has(j))
			w.inTurn.drop(j)
			w.promise[j] = rank(w.priority, change, o.Value, i)
		}
	}
}

// Renew takes a survey. Priority by value ranks what is not in use by its promise: its
// value is 0.
func (w *working) Renew(promise []float64) {
	w.renew(promise)
	w.top = 0
	for j := range w.n {
		if w.priority != "value" || !w.used.has(j) {
			w.promise[j] = rank(w.priority, weight(promise[j]), nil, 0)
		}
		w.top = max(w.top, w.promise[j])
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
