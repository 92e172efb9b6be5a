package gibbs

// samplers are the samplers by name.
var samplers = map[string]func() sampler{
	"plain": func() sampler { return &plain{} },
}

// fastest is the name of the sampler for documents of so many tokens.
func fastest(s *State, tokens int) string { return "plain" }
