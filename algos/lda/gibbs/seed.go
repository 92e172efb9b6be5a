package gibbs

// Seed has the numbers that follow be those of a seed, of a state that is to go on from a
// saved one as from its own.
func (s *State) Seed(seed uint64) { s.random = newRandom(seed) }
