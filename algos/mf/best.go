package mf

import (
	"fmt"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/algos/mf/ranking"
)

// Best finds, by a model of data like d, the items that are best for each of some users: at
// most so many, best first, with what they score. Of explicit feedback that is the rating,
// without the bounds of [MF.Ratings], so that none are equal for being the largest there is.
// skip(k) is the items that users[k] is not to be given, ascending. A user that is [Unknown]
// has the bias 0, and what everybody likes.
func (a *MF) Best(d dataset.Info, m algos.Model, of []uint64, most int, skip func(k int) []uint32) ([][]ranking.Scored, error) {
	mean, err := m.Values(scale, []uint64{0})
	if err != nil {
		return nil, err
	}
	for k, u := range of {
		if u != Unknown && u >= d.Rows {
			return nil, fmt.Errorf("mf: user %d of %d: %d of a model of %d users", k, len(of), u, d.Rows)
		}
	}
	rows, err := a.rowsOf(m, users, append([]uint64(nil), of...))
	if err != nil {
		return nil, err
	}
	keys := make([]uint64, d.Features)
	for j := range keys {
		keys[j] = uint64(j)
	}
	values, err := m.Values(items, keys)
	if err != nil {
		return nil, err
	}
	width := 1 + a.Rank
	by := ranking.Items{Values: singles(nil, values), Stride: width, Rank: a.Rank, Factors: 1, Biases: true}
	found := make([][]ranking.Scored, len(of))
	var row []float32
	ranking.NewFinder(by, most).Find(len(of), func(k int) []float32 {
		row = singles(row[:0], rows.row(of[k])[1:])
		return row
	}, skip, func(k int, best []ranking.Scored) {
		base := float32(mean[0] + rows.row(of[k])[0])
		for _, s := range best {
			found[k] = append(found[k], ranking.Scored{Item: s.Item, Score: base + s.Score})
		}
	})
	return found, nil
}

// singles appends values as float32.
func singles(to []float32, values []float64) []float32 {
	for _, v := range values {
		to = append(to, float32(v))
	}
	return to
}
