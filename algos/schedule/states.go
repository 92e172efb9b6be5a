package schedule

// states is what a schedule keeps of every variable beside its weight: a variable is
// ready, in flight or asleep.
type states struct {
	n        int
	ready    set
	flight   set // given and not Done
	moving   set // ready, and its last change was not 0, or is not known
	used     set // its last value was not 0
	screened set // never to be ready, until Reset; nil: none
	readies  int // members of ready,
	moves    int // of moving,
	out      int // of flight
	uses     int // and of used
	still    int // visits in turn that changed nothing, since the last that did
	surveyed bool
}

func newStates(n int) states {
	s := states{n: n, ready: newSet(n), flight: newSet(n), moving: newSet(n), used: newSet(n), readies: n, moves: n}
	s.ready.fill(n)
	s.moving.fill(n)
	return s
}

// give puts a ready variable in flight.
func (s *states) give(j int) {
	s.rest(j)
	s.flight.add(j)
	s.out++
}

// rest makes j neither ready nor moving.
func (s *states) rest(j int) {
	if s.ready.has(j) {
		s.ready.drop(j)
		s.readies--
	}
	if s.moving.has(j) {
		s.moving.drop(j)
		s.moves--
	}
}

// wake makes j ready, and moving or not.
func (s *states) wake(j int, moving bool) {
	s.rest(j)
	s.ready.add(j)
	s.readies++
	if moving {
		s.moving.add(j)
		s.moves++
	}
}

// use notes whether j is in use.
func (s *states) use(j int, used bool) {
	if s.used.has(j) != used {
		s.used.put(j, used)
		if used {
			s.uses++
		} else {
			s.uses--
		}
	}
}

// back takes o.Variables[i] = j out of flight and returns its change. Where surveys
// are made, what does not move and is not in use sleeps until the next.
func (s *states) back(j int, o *Outcome, i int, inTurn bool) float64 {
	s.flight.drop(j)
	s.out--
	if o.Value != nil {
		s.use(j, o.Value[i] != 0)
	}
	change := 1.0
	if o.Change != nil {
		change = weight(o.Change[i])
	}
	switch {
	case change > 0:
		s.still = 0
	case inTurn && !o.left(i):
		s.still++
	}
	switch {
	case s.screened != nil && s.screened.has(j):
		return 0
	case change > 0 || !s.surveyed || s.used.has(j) || o.left(i):
		s.wake(j, change > 0)
	}
	return change
}

// quiet is whether nothing that could be given promises a change: everything that could
// be has been visited since the last change, or a survey has found nothing. That each
// changed nothing at its last visit is not enough, as others changed after that.
func (s *states) quiet() bool {
	return s.moves == 0 && (s.readies == 0 || s.still >= 2*(s.n+64) || s.surveyed && s.still >= 2*s.readies)
}

// renew takes a survey in. Of what is in flight counts what its round comes to.
func (s *states) renew(promise []float64) {
	s.surveyed, s.still = true, 0
	for j := range s.n {
		switch p := weight(promise[j]); {
		case s.flight.has(j):
		case s.screened != nil && s.screened.has(j), p == 0 && !s.used.has(j):
			s.rest(j)
		default:
			s.wake(j, p > 0)
		}
	}
	if s.moves == 0 {
		s.still = 2 * (s.n + 64)
	}
}

// Screen says that j will never move: it is not given again.
func (s *states) Screen(j int) {
	if s.screened == nil {
		s.screened = newSet(s.n)
	}
	s.screened.add(j)
	s.use(j, false)
	s.rest(j)
}

// Reset takes back all that Screen said. What was screened is given in its turn, or
// as the next survey says.
func (s *states) Reset() {
	for j := s.screened.next(0, len(s.screened)*64); j >= 0; j = s.screened.next(j+1, s.n) {
		s.screened.drop(j)
		if !s.flight.has(j) {
			s.wake(j, false)
		}
	}
}

// most is the largest weight, so that the sum of any number of them is finite.
const most = 1e290

// weight makes what a program says usable: no number and what is below 0 count as 0.
func weight(x float64) float64 {
	if x > 0 {
		return min(x, most)
	}
	return 0
}
