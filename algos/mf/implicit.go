package mf

import (
	"fmt"

	"petuum/algos"
	"petuum/algos/mf/alternate"
	"petuum/algos/mf/bpr"
	"petuum/algos/mf/ranking"
	"petuum/table/kernel"
)

// ranked is the users, of all parts, whose lists are made for an evaluation, at most; of
// more users every second, third, ... is taken.
const ranked = 1 << 14

// took notes what users took. Ratings say how sure that is.
func (a *MF) took(r alternate.Ratings, w *algos.Worker) error {
	for k, v := range r.Values {
		if v < 0 {
			return fmt.Errorf("mf: part %d: rating %v of item %d: those of implicit feedback are 0 or more", w.Part, v, r.Items[k])
		}
		if v == 0 && a.Solver == "bpr" {
			return fmt.Errorf("mf: part %d: rating 0 of item %d: bpr learns from what users took, so leave out what they did not", w.Part, r.Items[k])
		}
	}
	a.known = r
	return nil
}

func (a *MF) pairs() bpr.Settings {
	return bpr.Settings{Rank: a.Rank, Biases: a.Biases, Lambda: a.lambda(), NonNegative: a.Nonnegative}
}

func (a *MF) pairRows() bpr.Rows {
	return bpr.Rows{Values: a.items, Stride: a.stride, Factors: kernel.Header}
}

// rank goes a step for what users took of a slice, the items [lo, hi).
func (a *MF) rank(slice, lo, hi int, w *algos.Worker) {
	s, rows := a.pairs(), a.pairRows()
	draw := bpr.Draw(mix(w.Seed ^ mix(uint64(a.pushes)<<32|uint64(w.Part))))
	first, last := a.train.Runs(slice)
	for k := first; k < last; k++ {
		u, has := a.train.Run(k)
		s.Step(a.users[u*a.stride+kernel.Header:], has, rows, uint32(lo), uint32(hi), float32(a.Step), &draw)
	}
}

// evaluateImplicit adds the part's share of the objective, and how good lists are of what
// its users took in the test data and not in the training data.
func (a *MF) evaluateImplicit(w *algos.Worker, e *algos.Eval) {
	if s, ok := a.solver.(*alternating); ok {
		e.Add("train", float64(a.train.Len()), s.Objective(w), 0)
	} else {
		a.evaluatePairs(w, e)
	}
	if a.test == nil {
		return
	}
	if a.finder == nil {
		a.finder = ranking.NewFinder(ranking.Items{Values: a.items, Stride: a.stride, Rank: a.Rank, Factors: kernel.Header, Biases: a.Biases}, a.Top)
		a.listed = a.rankedUsers(w)
	}
	q := ranking.Quality{K: a.Top}
	of := a.listed
	row := func(k int) []float32 { return a.users[of[k]*a.stride+kernel.Header:] }
	skip := func(k int) []uint32 { ids, _ := a.known.Of(of[k]); return ids }
	a.finder.Find(len(of), row, skip, func(k int, best []ranking.Scored) {
		held, _ := a.held.Of(of[k])
		q.Add(best, held)
	})
	e.Add("test", q.Users, q.Precision, q.Recall, q.NDCG)
}

// rankedUsers are the part's users whose lists are made.
func (p *part) rankedUsers(w *algos.Worker) (of []int) {
	every := (w.Info.Rows + ranked - 1) / ranked
	for u := range p.perUser {
		if ids, _ := p.held.Of(u); len(ids) > 0 && (p.first+uint64(u))%every == 0 {
			of = append(of, u)
		}
	}
	return of
}

// evaluatePairs adds how well pairs are told apart: of each rating, one with an item drawn
// from all, the same at every evaluation and whatever the parts.
func (a *MF) evaluatePairs(w *algos.Worker, e *algos.Eval) {
	s, rows, n := a.pairs(), a.pairRows(), uint32(w.Info.Features)
	loss, pairs, right := 0.0, 0, 0
	for u := range a.perUser {
		draw := bpr.Draw(mix(w.Seed ^ mix(a.first+uint64(u))))
		has, _ := a.known.Of(u)
		l, p, r := s.Loss(a.users[u*a.stride+kernel.Header:], has, rows, 0, n, &draw)
		loss, pairs, right = loss+l, pairs+p, right+r
	}
	e.Add("train", float64(pairs), loss, float64(right))
}

// concludeImplicit makes means out of the sums.
func (a *MF) concludeImplicit(e *algos.Eval) {
	train, test := e.Sums("train"), e.Sums("test")
	e.Objective = train[1] / train[0]
	if a.Solver == "bpr" {
		e.Metrics["train_auc"] = train[2] / train[0]
	}
	e.Patience, e.Held = a.Patience, e.Objective
	if len(test) > 0 && test[0] > 0 {
		e.Held = -test[3] / test[0]
		for k, name := range []string{"precision", "recall", "ndcg"} {
			e.Metrics[fmt.Sprintf("test_%s_at_%d", name, a.Top)] = test[k+1] / test[0]
		}
	}
}
