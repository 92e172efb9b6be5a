package calibration

// isotonic finds the probabilities that rise or stay with the score and whose squares
// of errors are smallest, by pooling adjacent violators: each pool, a run of
// scores that share a probability, gives its first and its last score. Nothing is
// surer than the targets of sigmoid, as no number of rows makes sure. It returns
// nothing if one pool has all scores.
func (p *pairs) isotonic() (scores, probabilities []float64) {
	type pool struct{ first, last, rows, later float64 }
	var pools []pool
	for _, at := range p.points {
		pools = append(pools, pool{at.score, at.score, at.earlier + at.later, at.later})
		for n := len(pools); n > 1; n-- {
			a, b := pools[n-2], pools[n-1]
			if a.later*b.rows < b.later*a.rows {
				break
			}
			pools = append(pools[:n-2], pool{a.first, b.last, a.rows + b.rows, a.later + b.later})
		}
	}
	if len(pools) < 2 {
		return nil, nil
	}
	least, most := p.targets()
	for _, q := range pools {
		value := min(most, max(least, q.later/q.rows))
		scores, probabilities = append(scores, q.first), append(probabilities, value)
		if q.last > q.first {
			scores, probabilities = append(scores, q.last), append(probabilities, value)
		}
	}
	return scores, probabilities
}
