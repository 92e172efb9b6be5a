// Package gibbs holds collapsed Gibbs samplers of latent Dirichlet allocation: the
// documents of one part, the topic of each of their tokens, and sweeps that draw the
// topics anew.
//
// A token of word w in document d has topic k with a probability in proportion to
//
//	(n_dk + alpha_k) (n_wk + beta) / (n_k + V beta)
//
// where n counts the other tokens: of the document, of the word, and all, with topic
// k. The counts of documents are the state's own. Those of words and the totals are
// shared with other parts: the caller passes them, and has what others changed put in
// between two calls. They may be late: a count below 0 is taken as 0.
//
// A sweep goes by words, so that the counts of a word stay near while its tokens are
// drawn:
//
//	s, err := gibbs.New(x, words, gibbs.Options{Topics: 100, Beta: 0.01, VBeta: 0.01 * vocabulary})
//	s.SetAlpha(alpha)
//	for range sweeps {
//		err := s.Begin(totals)
//		for each range [lo, hi) of words, in any order {
//			err := s.Words(lo, hi, gibbs.Rows{Values: counts}, totals)
//		}
//		err := s.End()
//	}
//
// Counts and totals begin as zeros, or as what other parts have added: the first sweep
// gives each token a topic at random and adds it to them. (Topics that are drawn from
// the counts so far need more sweeps to part.) After each sweep the counts are those of
// the topics.
//
// There are four samplers:
//
//	plain   as in the books, the reference of the others
//	dense   exact; a row of the counts of all topics for each document
//	sparse  exact; a list of the topics that it has
//	mh      Metropolis-Hastings, late counts in each of two passes
//
// The exact ones go by words, keep phi_k = (n_wk + beta) / (n_k + V beta) at hand, and
// draw by kernel.Topics. For a word whose row is packed, phi costs what the row has, not
// what there are topics.
package gibbs
