package schedule

import "math/rand/v2"

// sampler draws by priority without replacement, one in turnShare by turn. Until a
// survey, its first draws are a random pass over all variables.
type sampler struct {
	states
	tree     tree
	rng      *rand.Rand
	priority string
	unused   bool // by value, what is not in use ranks by its promise
	want     int  // variables of a round
	first    pass
	sweeping bool // the first pass is not over
	turns    turns
	draws    int   // since the last by turn
	inTurn   set   // in flight by turn, or by the first pass
	again    []int // came by turn and were left out: they come first, so that they are accepted
}

func newSampler(o Options, rng *rand.Rand, want int) *sampler {
	s := &sampler{states: newStates(o.Variables), tree: newTree(o.Variables), rng: rng, priority: o.Priority,
		want: want, first: newPass(o.Variables, rng), sweeping: true, turns: newTurns(o.Variables), inTurn: newSet(o.Variables)}
	return s
}

// Next draws a round.
func (s *sampler) Next(dst []int) []int {
	if s.quiet() {
		return dst
	}
	want := len(dst) + min(s.want, s.readies)
	waits := len(s.again) > 0
	dst = s.retry(dst, want)
	return s.fill(dst, want, waits)
}

// retry appends what came by turn and was left out, until there are want.
func (s *sampler) retry(dst []int, want int) []int {
	kept := s.again[:0]
	for _, j := range s.again {
		switch {
		case len(dst) >= want:
			kept = append(kept, j)
		case s.ready.has(j):
			dst = append(dst, s.draw(j, true))
		}
	}
	s.again = kept
	return dst
}

// fill draws until there are want.
func (s *sampler) fill(dst []int, want int, waits bool) []int {
	for len(dst) < want {
		j, inTurn := s.choose(waits)
		if j < 0 {
			break
		}
		dst = append(dst, s.draw(j, inTurn))
	}
	return dst
}

// choose finds the next variable. While some wait for their turn again nobody else's
// comes, so that those who wait are not more than a round's.
func (s *sampler) choose(wait bool) (j int, inTurn bool) {
	for s.sweeping && !s.first.over() {
		if j := s.first.next(); s.ready.has(j) {
			return j, true
		}
	}
	s.sweeping = false
	if s.draws++; s.draws >= turnShare && !wait || s.tree.sum() == 0 {
		s.draws = 0
		return s.turns.next(s.ready), true
	}
	return s.tree.draw(s.rng.Float64()), false
}

func (s *sampler) draw(j int, inTurn bool) int {
	s.give(j)
	s.tree.put(j, 0)
	if inTurn {
		s.inTurn.add(j)
	}
	return j
}

// Done takes a round back.
func (s *sampler) Done(o Outcome) {
	for i, j := range o.Variables {
		if !s.flight.has(j) {
			continue
		}
		inTurn := s.inTurn.has(j)
		s.inTurn.drop(j)
		change := s.back(j, &o, i, inTurn)
		if s.ready.has(j) {
			s.tree.put(j, s.rank(change, o.Value, i))
		}
		if inTurn && o.left(i) {
			s.again = append(s.again, j)
		}
	}
}

// rank is the weight of a variable, by one of the three forms.
func (s *sampler) rank(change float64, value []float64, i int) float64 {
	switch {
	case s.priority == "value" && value != nil && (value[i] != 0 || !s.unused):
		return weight(value[i] * value[i])
	case s.priority == "delta" || s.priority == "value" && !s.unused:
		return change
	}
	return weight(change * change)
}

// Renew ranks everything anew. Priority by value knows nothing of promises: it keeps
// what it had.
func (s *sampler) Renew(promise []float64) {
	s.renew(promise)
	s.sweeping = false
	leaves := s.tree[0]
	for j := range s.n {
		switch {
		case !s.ready.has(j):
			leaves[j] = 0
		case s.priority != "value" || s.unused && !s.used.has(j):
			leaves[j] = s.rank(weight(promise[j]), nil, 0)
		}
	}
	s.tree.remake()
}

// Screen says that j will never move.
func (s *sampler) Screen(j int) {
	s.states.Screen(j)
	s.tree.put(j, 0)
}

// checked is a sampler that gives candidates.
type checked struct {
	*sampler
	rho  float64
	most int
}

// Check is what the options say.
func (c *checked) Check([]int) (rho float64, most int) { return c.rho, c.most }
