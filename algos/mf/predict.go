package mf

import (
	"errors"
	"fmt"
	"slices"

	"petuum/algos"
	"petuum/algos/dataset"
)

var _ algos.Paired = (*MF)(nil)

// Task says that a prediction is a rating.
func (a *MF) Task(dataset.Info) algos.Task { return algos.Regression }

// Rates says whether it is one in the unit of the data.
func (a *MF) Rates() bool { return !a.implicit() }

// Predict predicts the ratings of the pairs of part, see [MF.Ratings].
func (a *MF) Predict(d dataset.Info, m algos.Model, part *dataset.Part, scores []float64) error {
	if len(part.RowOf) != part.X.Rows() {
		return errors.New("mf: want pairs of a user and an item")
	}
	pairs := make([]Pair, len(part.RowOf))
	for i, user := range part.RowOf {
		pairs[i] = Pair{user, Unknown}
		for j := range part.X.Row(i) {
			pairs[i].Item = part.Key(j)
		}
	}
	found, err := a.Ratings(d, m, pairs)
	copy(scores, found)
	return err
}

// List finds the best items of users, see [MF.Best].
func (a *MF) List(d dataset.Info, m algos.Model, of []uint64, most int, skip func(k int) []uint32, give func(k int, items []uint32, scores []float32)) error {
	found, err := a.Best(d, m, of, most, skip)
	var items []uint32
	var scores []float32
	for k, list := range found {
		items, scores = items[:0], scores[:0]
		for _, s := range list {
			items, scores = append(items, s.Item), append(scores, s.Score)
		}
		give(k, items, scores)
	}
	return err
}

// Unknown stands for a user or an item that the training data does not have.
const Unknown = dataset.Unknown

// Pair is whose rating of what is asked for: a row and a feature of the data.
type Pair struct{ User, Item uint64 }

// Ratings predicts the ratings of pairs by a model of data like d, no less than the least
// rating of the data and no more than the largest. Of who or what is [Unknown] the mean and
// the other's bias is what is known.
func (a *MF) Ratings(d dataset.Info, m algos.Model, pairs []Pair) ([]float64, error) {
	scale, err := m.Values(scale, []uint64{0})
	if err != nil {
		return nil, err
	}
	var byUser, byItem []uint64
	for k, p := range pairs {
		if p.User != Unknown && p.User >= d.Rows || p.Item != Unknown && p.Item >= d.Features {
			return nil, fmt.Errorf("mf: pair %d: user %d and item %d of a model of %d users and %d items", k, p.User, p.Item, d.Rows, d.Features)
		}
		byUser, byItem = append(byUser, p.User), append(byItem, p.Item)
	}
	of, err := a.rowsOf(m, users, byUser)
	if err != nil {
		return nil, err
	}
	by, err := a.rowsOf(m, items, byItem)
	if err != nil {
		return nil, err
	}
	scores := make([]float64, len(pairs))
	for k, pair := range pairs {
		p, q := of.row(pair.User), by.row(pair.Item)
		score := scale[0] + p[0] + q[0]
		for f := 1; f < len(p); f++ {
			score += p[f] * q[f]
		}
		scores[k] = min(max(score, scale[1]), scale[2])
	}
	return scores, nil
}

// rowSet is some rows of a table, by ascending key.
type rowSet struct {
	keys   []uint64
	values []float64
	none   []float64 // in place of an unknown row: zeros
}

// rowsOf reads the rows of keys, in any order and more than once.
func (a *MF) rowsOf(m algos.Model, name string, keys []uint64) (rowSet, error) {
	slices.Sort(keys)
	keys = slices.Compact(keys)
	if n := len(keys); n > 0 && keys[n-1] == Unknown {
		keys = keys[:n-1]
	}
	values, err := m.Values(name, keys)
	return rowSet{keys, values, make([]float64, 1+a.Rank)}, err
}

func (s rowSet) row(key uint64) []float64 {
	if key == Unknown {
		return s.none
	}
	k, _ := slices.BinarySearch(s.keys, key)
	return s.values[k*len(s.none):][:len(s.none)]
}
