package mf

import (
	"fmt"
	"slices"

	"petuum/algos"
	"petuum/algos/dataset"
)

// Unknown stands for a user or an item that the training data does not have.
const Unknown = ^uint64(0)

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
