package schedule

import (
	"fmt"
	"math"
	"math/rand/v2"
)

const (
	bins       = 64     // of a histogram of |corr|
	budget     = 1. / 5 // of the spectral norm squared that a block may have beside its diagonal
	memory     = 32     // rounds that what was measured is remembered for
	trial      = 4      // rounds between changes of the block
	probe      = 64     // updates one by one, after which a pair is tried; twice as many each time
	paired     = 32     // variables of a round whose pairs are counted,
	enough     = 256    // pairs from which a threshold is chosen,
	wanted     = 16     // candidates until there are so many
	remembered = 4096   // and pairs that what was counted is remembered for
	slight     = 1e-13  // rounds that promise less, of the most ever promised, tell nothing
)

// auto gives random passes in blocks as large as it finds that they may be. Of a block
// of b variables with independent correlations of mean square m, the matrix without
// its diagonal has a norm of about 2 sqrt(b m), and it is by this that updates made
// together differ from updates made one after the other. Blocks keep 4 b m <= budget.
// Two things tell m:
//
//	a round     gained - promised has variance 2 m promised^2 (b-1)/(b+2), where steps
//	            are normal, and for each other round under way 4 m promised times what
//	            that one promised
//	pairs       the correlations that were measured, less those that a check drops
//
// What is under way in other rounds counts as of the block. The check is used where it makes larger blocks: its threshold is the one for which
// the least of what the norm permits and what candidates yield is largest. Where a
// share q of pairs interferes, k candidates yield log(1 + k u)/u, u = -log(1-q).
type auto struct {
	*sweep
	limit         int     // most variables to update in a round
	size          int     // that may be under way together
	rho           float64 // +Inf: no check
	ratio         float64 // candidates for each place
	under, window int     // rounds in flight, and most that were asked for

	square   float64 // m as rounds told it, mean of
	measured int     // rounds, memory at most
	pairs    [bins]float64
	squares  [bins]float64
	all      float64 // sum of pairs
	counted  bool    // some were
	left     set     // left out of the last round they were in

	highest float64 // Promised,
	recent  float64 // and its mean lately
	since   int     // rounds since the block was changed
	singles int     // updates since the last pair was tried,
	probe   int     // after so many of which the next is
	worse   bool    // the last round made the objective worse
	tried   bool    // the singles at the start are over

	// What Explain says.
	rounds, updates, given, largest, worsened int
}

func newAuto(o Options, rng *rand.Rand) *auto {
	return &auto{sweep: newSweep(o, rng), limit: o.Block, size: 1, window: 1, ratio: 1, rho: math.Inf(1), probe: probe, left: newSet(o.Variables)}
}

// Next gives a round; after one that made things worse, a single variable once
// nothing is in flight. Where that would be too many under way, none.
func (a *auto) Next(dst []int) []int {
	a.window = max(a.window, a.under+1)
	a.block = a.candidates()
	switch {
	case a.under > 0 && (a.worse || (a.under+1)*a.share() > a.size):
		return dst
	case a.worse:
		a.block = 1
	case a.size == 1 && a.limit > 1 && a.singles >= a.probe:
		a.block, a.singles, a.probe = a.pair(), 0, min(2*a.probe, 1<<30)
	}
	start := len(dst)
	if dst = a.sweep.Next(dst); len(dst) > start {
		a.under++
	}
	return dst
}

// share is what a round updates of what may be under way.
func (a *auto) share() int { return min(max(a.size/a.window, 1), a.limit) }

// candidates is what a round gives, so that its share is left.
func (a *auto) candidates() int {
	if a.size == 1 {
		return 1
	}
	return max(a.pair(), min(int(math.Ceil(a.ratio*float64(a.share()))), a.n))
}

// pair is the least candidates of a round, while pairs are tried: two are to be
// updated.
func (a *auto) pair() int {
	switch {
	case a.counted && a.all < enough:
		return min(wanted, a.n)
	case a.size > 1:
		return 1
	case math.IsInf(a.rho, 1):
		return 2
	}
	return min(2*oversampled, a.n)
}

// Check is the threshold of now. Of the candidates for a pair two are left.
func (a *auto) Check([]int) (rho float64, most int) {
	if a.size == 1 {
		return a.rho, min(2, a.limit)
	}
	return a.rho, a.share()
}

// Done learns from a round.
func (a *auto) Done(o Outcome) {
	if o.Correlation != nil && len(o.Variables) > 1 {
		a.count(&o)
	}
	a.sweep.Done(o)
	moved := 0
	for i, j := range o.Variables {
		a.left.put(j, o.left(i))
		if !o.left(i) {
			moved++
		}
	}
	a.rounds++
	a.given += len(o.Variables)
	a.updates += moved
	a.largest = max(a.largest, moved)
	if a.size == 1 {
		a.singles += moved
	}
	a.under = max(0, a.under-1)
	a.measure(o.Promised, o.Gained, float64(moved))
	if a.since++; a.since >= trial {
		a.choose()
	}
}

// count takes pairs in, of variables that were not left out before: what is given
// again is there because it interfered.
func (a *auto) count(o *Outcome) {
	var at [paired]int
	n := 0
	for i, j := range o.Variables {
		if n < paired && !a.left.has(j) {
			at[n] = i
			n++
		}
	}
	if a.counted = true; n < 2 {
		return
	}
	keep := 1 - float64(n*(n-1)/2)/remembered
	a.all = 0
	for b := range bins {
		a.pairs[b] *= keep
		a.squares[b] *= keep
		a.all += a.pairs[b]
	}
	a.all += float64(n * (n - 1) / 2)
	for i, u := range at[:n] {
		for _, v := range at[:i] {
			c := math.Abs(o.Correlation(u, v))
			if !(c < 1) {
				c = 1
			}
			b := min(int(c*bins), bins-1)
			a.pairs[b]++
			a.squares[b] += c * c
		}
	}
}

// measure takes in how a round's gain differs from its promise.
func (a *auto) measure(promised, gained, b float64) {
	if !(promised > slight*a.highest) {
		a.worse = a.worse && b > 1
		return
	}
	if promised < most {
		a.highest = max(a.highest, promised)
	}
	a.worse = !(gained >= 0)
	if a.worse {
		a.worsened++
	}
	if a.recent == 0 {
		a.recent = promised
	}
	a.recent += (promised - a.recent) / (memory / 4)
	spread := promised * (2*(b-1)/(b+2)*promised + 4*float64(a.under)*a.recent)
	if b < 2 && a.under == 0 {
		return
	}
	off := gained - promised
	m := off * off / spread
	if !(m < 1) {
		m = 1
	}
	a.measured = min(a.measured+1, memory)
	a.square += (m - a.square) / float64(a.measured)
}

// fits is how many may be under way for correlations of mean square m.
func (a *auto) fits(m float64) float64 {
	return max(1, min(float64(a.limit*a.window), budget/(4*m)))
}

// choose makes the block and the threshold out of what is known. The first rounds are
// of single variables: what all have in common would be corrected by each of a block,
// and the error that this makes is slow to go.
func (a *auto) choose() {
	if !a.tried {
		if a.updates < min(probe, a.n) || a.limit == 1 {
			return
		}
		a.tried, a.size, a.since = true, 2, 0
		return
	}
	size, rho := float64(a.limit*a.window), math.Inf(1)
	a.ratio = 1
	if a.counted && a.all >= enough {
		size, rho, a.ratio = a.threshold()
	}
	if math.IsInf(rho, 1) != math.IsInf(a.rho, 1) {
		a.square, a.measured, a.size = 0, 0, 2 // what was measured was without a check, or with one
	}
	if a.rho = rho; a.measured < 2*trial && (a.measured > 0 || a.all < enough) {
		size = min(size, float64(a.size)) // not enough is known
	} else if a.measured > 0 {
		size = min(size, a.fits(a.square))
	}
	a.since = 0
	a.size = min(2*a.size, int(size))
	if a.size > 1 {
		a.probe = probe
	}
}

// threshold is the best by the pairs that were counted, with the block that it
// permits and the candidates for each place in it: a check begins where it makes the
// block three times as large, and ends where it does not twice.
func (a *auto) threshold() (size, rho, cands float64) {
	pairs, squares := 0.0, 0.0
	for _, s := range a.squares {
		squares += s
	}
	plain := a.fits(squares / a.all)
	squares = 0
	for b, n := range a.pairs[:bins-1] {
		pairs += n
		squares += a.squares[b]
		if pairs == 0 || pairs >= a.all {
			continue
		}
		fits, u := a.fits(squares/pairs), -math.Log(pairs/a.all)
		if yield := min(fits, math.Log1p(oversampled*fits*u)/u); yield > size {
			size, rho = yield, float64(b+1)/bins
			cands = min(oversampled, math.Expm1(yield*u)/u/yield)
		}
	}
	if math.IsInf(a.rho, 1) && size < 3*plain || size < 2*plain {
		return plain, math.Inf(1), 1
	}
	return size, rho, cands
}

// Explain says what was found.
func (a *auto) Explain() []string {
	says := []string{fmt.Sprintf("schedule: random passes in blocks of %d variables in %d rounds at a time, at most %d of %d so far, in %d rounds", a.share(), min(a.window, a.size), a.largest, a.limit, a.rounds)}
	if a.measured > 0 {
		says = append(says, fmt.Sprintf("schedule: variables that moved together interfered like correlations of %.3g (root mean square of %d rounds), which permits blocks of %d",
			math.Sqrt(a.square), a.measured, int(a.fits(a.square))))
	}
	switch {
	case !math.IsInf(a.rho, 1):
		says = append(says, fmt.Sprintf("schedule: correlations from %.2f on are left out, which makes blocks more than twice as large: %d updates of %d candidates", a.rho, a.updates, a.given))
	case a.all >= enough:
		says = append(says, "schedule: no check, as no threshold would make blocks three times as large by the correlations measured")
	case a.measured == 0:
		says = append(says, "schedule: blocks stay pairs, as no round said what it promised and gained, nor what correlates")
	}
	if a.worsened > 0 {
		says = append(says, fmt.Sprintf("schedule: %d rounds made the objective worse; a single variable went after each", a.worsened))
	}
	return says
}
