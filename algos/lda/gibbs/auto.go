package gibbs

// samplers are the samplers by name.
var samplers = map[string]func() sampler{
	"dense":  newDense,
	"mh":     newMetropolis,
	"plain":  func() sampler { return &plain{} },
	"sparse": newSparse,
}

// What "auto" goes by. On Zen 4 and documents of 200 tokens, a token takes nanoseconds
//
//	topics   50  100  200  400  1000  10000
//	dense    53   53   75   95   150
//	sparse   53   58   56   59    90    155
//	mh       23   22   28   25    37     95
//
// but a sweep of mh goes a third or a fourth as far as one of the exact samplers. Lists
// are the longer the longer documents are: they stop to pay where a row is hardly
// longer, and where both are long mh is left.
const (
	rowTopics   = 256   // up to so many topics rows are best
	longestRow  = 2048  // in topics, where documents have many of them
	longestList = 600   // in tokens, on average
	mostTopics  = 16384 // more are drawn from alpha too slowly, where a pass over them all is needed
)

// fastest is the name of the sampler for documents of so many tokens.
func fastest(s *State, tokens int) string {
	mean := tokens / max(1, len(s.length))
	switch {
	case s.topics <= rowTopics || s.topics <= longestRow && mean > s.topics/2:
		return "dense"
	case mean > longestList || s.topics > mostTopics:
		return "mh"
	}
	return "sparse"
}
