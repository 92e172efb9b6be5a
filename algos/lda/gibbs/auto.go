package gibbs

// samplers are the samplers by name.
var samplers = map[string]func() sampler{
	"mh":     newMetropolis,
	"plain":  func() sampler { return &plain{} },
	"dense":  newDense,
	"sparse": newSparse,
}

// fastest is the name of the sampler for documents of so many tokens.
func fastest(s *State, tokens int) string {
	if s.topics <= 256 {
		return "dense"
	}
	return "sparse"
}
