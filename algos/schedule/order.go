package schedule

import "math/rand/v2"

// pass is an order of 0 to n-1, again and again: as they are, or each time in
// another random order. A random one takes no memory: it is a cipher, four rounds
// of a Feistel network on the least even number of bits that n needs, where what
// falls beyond n is enciphered again until it does not.
type pass struct {
	n, at uint64
	half  uint // bits of a half; 0: in order
	keys  [4]uint64
	rng   *rand.Rand
}

func newPass(n int, rng *rand.Rand) pass {
	p := pass{n: uint64(n), rng: rng}
	if rng != nil {
		for p.half = 1; uint64(1)<<(2*p.half) < p.n; {
			p.half++
		}
	}
	p.begin()
	return p
}

// begin starts another pass.
func (p *pass) begin() {
	p.at = 0
	if p.half > 0 {
		for i := range p.keys {
			p.keys[i] = p.rng.Uint64()
		}
	}
}

// over is whether the pass has come to its end.
func (p *pass) over() bool { return p.at == p.n }

// next is what comes now.
func (p *pass) next() int {
	if p.over() {
		p.begin()
	}
	x := p.at
	p.at++
	if p.half == 0 {
		return int(x)
	}
	mask := uint64(1)<<p.half - 1
	for {
		left, right := x>>p.half, x&mask
		for _, key := range p.keys {
			left, right = right, left^mix(right+key)&mask
		}
		if x = left<<p.half | right; x < p.n {
			return int(x)
		}
	}
}

// mix is the finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// sweep gives every variable once a pass, in order or at random.
type sweep struct {
	states
	pass  pass
	turns turns
	block int
	again []int // to be given before the pass goes on
}

func newSweep(o Options, rng *rand.Rand) *sweep {
	return &sweep{states: newStates(o.Variables), pass: newPass(o.Variables, rng), turns: newTurns(o.Variables), block: o.Block}
}

// Next goes on with the pass. What the pass meets in flight, as it may where passes
// meet, it gives later.
func (s *sweep) Next(dst []int) []int {
	if s.quiet() {
		return dst
	}
	room := s.block
	kept := s.again[:0]
	for _, j := range s.again {
		switch {
		case s.flight.has(j) || room == 0:
			kept = append(kept, j)
		case s.ready.has(j):
			dst, room = append(dst, j), room-1
			s.give(j)
		}
	}
	s.again = kept
	for room > 0 && s.readies > 0 && len(s.again) <= s.out {
		j := s.choose()
		if s.flight.has(j) {
			s.again = append(s.again, j)
		} else if s.ready.has(j) {
			dst, room = append(dst, j), room-1
			s.give(j)
		}
	}
	return dst
}

// choose is what comes next. A random pass over many that sleep would be slow: turns
// skip 64 of them at once.
func (s *sweep) choose() int {
	if s.pass.half > 0 && s.readies < s.n/turnShare {
		return s.turns.next(s.ready)
	}
	return s.pass.next()
}

// Done takes variables back; those left out are given again before others.
func (s *sweep) Done(o Outcome) {
	for i, j := range o.Variables {
		if !s.flight.has(j) {
			continue
		}
		s.back(j, &o, i, true)
		if o.left(i) {
			s.again = append(s.again, j)
		}
	}
}

// Renew puts to sleep what promises nothing and is not in use.
func (s *sweep) Renew(promise []float64) { s.renew(promise) }
