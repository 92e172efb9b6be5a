// Package lda finds topics: latent Dirichlet allocation by collapsed Gibbs sampling
// (Griffiths and Steyvers, PNAS 2004). Rows of the data are documents, features are words,
// values are how often a word occurs. Every token, one occurrence of a word in a document,
// has a topic, drawn again and again from
//
//	p(topic k) ~ (n_dk + alpha_k) (n_wk + beta) / (n_k + V beta)
//
// where n_dk, n_wk and n_k are how many tokens of the document, of the word and of all have
// topic k, without this token, and V is the number of words. What is minimised is minus the
// joint log-likelihood of words and topics, for each token.
//
// # Modes
//
// Topics of tokens and n_dk stay with the part that has the document. The words are cut in
// slices, ranges that have about as many tokens each. A clock is one slice, a sweep is all of
// them. At step t part p of P is at slice (p S/P + t) mod S of S, so that no two parts are at the
// same. The counts n_wk are shared in one of two ways:
//
//	data     every part holds the words of its documents. What others did to them shows as the
//	         policy says. There are as many slices as parts
//	rotate   a part holds the slice that it is at, and nobody else does: slices go from part to
//	         part, without a barrier (Zheng et al., "Model-Parallel Inference for Big Topic
//	         Models", 2014). The n_wk are exact; only n_k are as stale as the policy says. There are
//	         twice as many slices as parts, so that the one that a part needs next was given
//	         back a clock ago, and travels while the one before is worked on
//
// # Model
//
//	words    n_wk: a word is a key and a topic a column; or packed, see below
//	topics   n_k
//	alpha    alpha_k
//	beta     one number
//
// Where K V counts would be mostly zeros and too many, rows are packed (in rotate mode): the
// row of a word has room for as many topics as the word has tokens, and rows lie one
// behind the other. Rows reads a model of either kind.
package lda

import (
	"errors"
	"fmt"
	"slices"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/algos/lda/gibbs"
	"petuum/consistency"
	"petuum/table"
)

// LDA is one instance: of one part of the data, or of the scheduler.
type LDA struct {
	Topics        int     `toml:"topics" min:"1" max:"1048576" doc:"number of topics K"`
	Alpha         float64 `toml:"alpha" min:"0" doc:"what every topic of a document has in advance, in tokens; 0 is 5/K. Where it begins, if it is optimised"`
	Beta          float64 `toml:"beta" doc:"what every word of a topic has in advance, in tokens. Where it begins, if it is optimised"`
	OptimizeAlpha bool    `toml:"optimize_alpha" doc:"fit alpha to the documents, one for each topic, from sweep burn_in on"`
	OptimizeBeta  bool    `toml:"optimize_beta" doc:"fit beta to the words, the same for all, from sweep burn_in on"`
	BurnIn        int     `toml:"burn_in" min:"0" doc:"sweeps before alpha or beta are optimised"`
	Sampler       string  `toml:"sampler" oneof:"auto plain dense sparse mh" doc:"how topics are drawn: plain, dense and sparse from the exact distribution; mh by Metropolis and Hastings; auto chooses by the number of topics and the data"`
	Mode          string  `toml:"mode" oneof:"auto data rotate" doc:"how parts share the counts of words: data, each has those of its documents; rotate, slices of the vocabulary go from part to part"`
	Slices        int     `toml:"slices" min:"0" max:"1048576" doc:"slices of the vocabulary, each the work of a clock; in mode rotate at least one for each part; 0 chooses"`
	RowsKind      string  `toml:"rows" oneof:"auto dense packed" doc:"how counts of words are kept: dense, K for each word; packed, as many as a word has tokens, in mode rotate"`
	Memory        int     `toml:"memory" min:"1" max:"1048576" doc:"MB that a part may use for the counts of words"`

	plan  *plan
	state *gibbs.State

	words  *table.View[int32]
	topics *table.View[int32]
	alpha  *table.View[float64]
	beta   *table.View[float64]

	prior    prior
	rotation rotation
	cuts     []int   // where the slices begin among the words of the part, and where the last ends
	step     int     // Pushes so far
	offsets  []int   // of the rows of a slice, where they are packed
	row      []int32 // for a word

	grown     *gibbs.Rising // from the beta
	grownFrom float64
}

// New makes an instance with the default parameters.
func New() *LDA {
	return &LDA{Topics: 100, Beta: 0.01, OptimizeAlpha: true, BurnIn: 20, Sampler: "auto", Mode: "auto", RowsKind: "auto", Memory: 1024}
}

// Validate refuses what the tags cannot.
func (a *LDA) Validate() error {
	var errs []error
	if !(a.Beta > 0) {
		errs = append(errs, algos.Refuse("beta", "beta must be above 0"))
	}
	if !(a.Alpha < 1e6) {
		errs = append(errs, algos.Refuse("alpha", "alpha must be below 1e6"))
	}
	if !(a.Beta < 1e6) {
		errs = append(errs, algos.Refuse("beta", "beta must be below 1e6"))
	}
	if a.Mode == "data" && a.RowsKind == "packed" {
		errs = append(errs, algos.Refuse("rows mode", "rows that are packed belong to one part at a time: set mode to rotate"))
	}
	return errors.Join(errs...)
}

// Under refuses tables whose values are rounded or kept back: counts would be wrong.
func (a *LDA) Under(_ consistency.Policy, exact bool) error {
	if !exact {
		return errors.New("lda counts tokens: its tables must travel exactly; leave network.encoding and network.filter out")
	}
	return nil
}

// Unsupervised says that labels are not looked at.
func (a *LDA) Unsupervised() bool { return true }

// Sums says that it has to be known how many tokens each word has.
func (a *LDA) Sums() bool { return true }

// meanAlpha is what alpha begins with.
func (a *LDA) meanAlpha() float64 {
	if a.Alpha == 0 {
		return 5 / float64(a.Topics)
	}
	return a.Alpha
}

// Tables declares the counts and the priors.
func (a *LDA) Tables(d dataset.Info) ([]table.Spec, error) {
	p, err := a.newPlan(d)
	if err != nil {
		return nil, err
	}
	k := uint64(a.Topics)
	return []table.Spec{
		p.spec(),
		{Name: "topics", Keys: k, Type: table.Int32},
		{Name: "alpha", Keys: k, Type: table.Float64, Init: table.Init{Value: a.meanAlpha()}},
		{Name: "beta", Keys: 1, Type: table.Float64, Init: table.Init{Value: a.Beta}},
		{Name: "statistics", Keys: uint64(statistics(a.Topics)), Type: table.Float64, Scratch: true},
	}, nil
}

// ClocksPerEpoch is the clocks of a sweep.
func (a *LDA) ClocksPerEpoch(d dataset.Info) int {
	p, err := a.newPlan(d)
	if err != nil {
		return 1
	}
	return p.slices()
}

// Load takes the part in and opens the views.
func (a *LDA) Load(part *dataset.Part, w *algos.Worker) (err error) {
	if a.plan, err = a.newPlan(w.Info); err != nil {
		return err
	}
	held := table.Keys(part.Keys)
	if a.plan.rotates {
		if n := a.plan.slices(); n < w.Parts {
			return fmt.Errorf("lda: %d slices for %d parts: set algorithm.slices to %[2]d at least, or to 0", n, w.Parts)
		}
		held = table.Keys(nil)
		if err := part.Widen(w.Info.Features); err != nil {
			return err
		}
		a.offsets = make([]int, a.plan.longest()+1)
	}
	o := gibbs.Options{Topics: a.Topics, Beta: a.Beta, VBeta: a.Beta * float64(w.Info.Features), Seed: w.Seed + uint64(w.Part)<<32, Sampler: a.Sampler}
	if a.state, err = gibbs.New(part.X, part.X.Cols(), o); err != nil {
		return fmt.Errorf("lda: %w", err)
	}
	a.row = make([]int32, a.Topics)
	a.cuts = a.plan.cuts
	if !a.plan.rotates {
		a.cuts = positions(part.Keys, a.plan.cuts)
	}
	a.rotation = newRotation(a.plan, w.Part, w.Parts)
	if err := a.open(w, held); err != nil {
		return err
	}
	if a.step = int(w.Clock); a.plan.rotates { // a clock is a step, also of a job that goes on
		a.rotation.ask(a.words, a.step)
	}
	return nil
}

// positions is how many of the keys, which ascend, come before each of the cuts.
func positions(keys []uint64, cuts []int) []int {
	at := make([]int, len(cuts))
	for i, cut := range cuts {
		at[i], _ = slices.BinarySearch(keys, uint64(cut))
	}
	return at
}

func (a *LDA) open(w *algos.Worker, held table.Set) (err error) {
	if a.words, err = algos.View[int32](w, "words", held, table.InPlace); err != nil {
		return err
	}
	all := table.Span(0, uint64(a.Topics))
	if a.topics, err = algos.View[int32](w, "topics", all, table.InPlace); err != nil {
		return err
	}
	if a.alpha, err = algos.View[float64](w, "alpha", all, table.Increments); err != nil {
		return err
	}
	if a.beta, err = algos.View[float64](w, "beta", table.Span(0, 1), table.Increments); err != nil {
		return err
	}
	return a.prior.open(w, a.Topics)
}
