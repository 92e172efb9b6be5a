package dataset

import (
	"fmt"
	"slices"
)

// limits says whether words are left out by the number of documents that have them.
func (o Options) limits() bool {
	return o.Like == nil && (o.MinRows > 1 || o.MaxShare > 0 && o.MaxShare < 1)
}

// limited says whether words are left out, or were (Settled).
func (a Info) limited() bool { return a.MinRows > 1 || a.MaxShare > 0 && a.MaxShare < 1 }

// Settled is the Info of all parts of an input, of Text without the words that too few or
// too many documents have (Options.MinRows and MaxShare). It is a itself of all else, and
// of what is settled. The error says that no word is left.
func (a Info) Settled() (Info, error) {
	if a.RowCounts == nil {
		return a, nil
	}
	if err := a.check(); err != nil {
		return a, err
	}
	most := float64(a.Rows)
	if a.MaxShare > 0 {
		most *= a.MaxShare
	}
	m := a
	m.RowCounts, m.Sums = nil, nil
	words := make([]string, 0, len(a.RowCounts))
	for j, n := range a.RowCounts {
		if n < float64(a.MinRows) || n > most {
			m.NonZeros -= min(m.NonZeros, uint64(n))
			continue
		}
		words = append(words, a.Columns[0].Categories[j])
		if a.Sums != nil {
			m.Sums = append(m.Sums, a.Sums[j])
		}
	}
	if len(words) == 0 && len(a.RowCounts) > 0 {
		return a, fmt.Errorf("dataset: %s: none of %d words is in at least %d and at most a share of %g of the %d documents: see data.min_rows and data.max_share",
			a.input(), len(a.RowCounts), max(1, a.MinRows), most/float64(a.Rows), a.Rows)
	}
	m.Columns = slices.Clone(a.Columns)
	m.Columns[0].Categories = words
	m.Seen = uint64(len(words))
	m.Features = m.Seen
	return m, nil
}

// checkLimits returns an error if limits that came from a peer contradict the rest.
func (a Info) checkLimits() error {
	switch {
	case a.MaxShare != 0 && (!(a.MaxShare > 0) || a.MaxShare > 1), a.limited() && a.Format != Text:
		return fmt.Errorf("dataset: bad info: words in %d rows or a share of %g", a.MinRows, a.MaxShare)
	case a.RowCounts != nil && (uint64(len(a.RowCounts)) != a.Seen || len(a.Columns) != 1 || !a.limited()):
		return fmt.Errorf("dataset: bad info: rows of %d of %d words", len(a.RowCounts), a.Seen)
	}
	return nil
}

// mergeRowCounts sets m's counts of rows to those of a and b.
func (m *Info) mergeRowCounts(a, b Info) {
	m.RowCounts = nil
	if (a.RowCounts != nil || a.Seen == 0) && (b.RowCounts != nil || b.Seen == 0) && m.limited() && m.Seen > 0 {
		m.RowCounts = m.addByWord(a, a.RowCounts, b, b.RowCounts)
	}
}

// addByWord adds up what a and b have of their words, in the order of m's.
func (m *Info) addByWord(a Info, ofA Sums, b Info, ofB Sums) Sums {
	sums := make(Sums, m.Seen)
	words := m.Columns[0].Categories
	add := func(x Info, of Sums) {
		j := 0
		for k, v := range of {
			for words[j] != x.Columns[0].Categories[k] {
				j++
			}
			sums[j] += v
		}
	}
	add(a, ofA)
	add(b, ofB)
	return sums
}

// tally adds up something of each value by its word; of tells it.
func (a *assembly) tally(of func(p *piece, k int) float64) Sums {
	byCode := make([][]float64, len(a.builders))
	for k, b := range a.builders {
		byCode[k] = make([]float64, len(b.cats.columns)+len(b.cats.names))
	}
	for _, p := range a.pieces {
		sums := byCode[p.from]
		for k := range p.len() {
			sums[p.code(k)] += of(p, k)
		}
	}
	sums := make(Sums, a.info.Seen)
	for k, b := range a.builders {
		for id := range b.ids.each {
			j, _ := b.cats.place(id, a.info.Columns, []uint64{0, 0})
			sums[j] = finite(sums[j] + byCode[k][id])
		}
	}
	return sums
}

// countRows counts the documents that have each word.
func (a *assembly) countRows() error {
	room, err := a.info.newSums()
	if err != nil || len(room) == 0 {
		return err
	}
	a.info.RowCounts = a.tally(func(*piece, int) float64 { return 1 }) // a row has a word once
	return nil
}

// leaveOut takes what has no place from the pieces.
func (a *assembly) leaveOut(place places) {
	for _, p := range a.pieces {
		p.keep(place.table[p.from])
	}
}

// keep lets values go whose codes have no place in the table.
func (p *piece) keep(table []uint32) {
	at, begin := 0, 0
	for i, end := range p.ends {
		for k := begin; k < int(end); k++ {
			if table[p.code(k)] == none {
				continue
			}
			switch {
			case p.narrow != nil:
				p.narrow[at] = p.narrow[k]
			default:
				p.codes[at] = p.codes[k]
			}
			switch {
			case p.val64 != nil:
				p.val64[at] = p.val64[k]
			case p.val32 != nil:
				p.val32[at] = p.val32[k]
			}
			at++
		}
		begin, p.ends[i] = int(end), uint32(at)
	}
	if p.narrow != nil {
		p.narrow = p.narrow[:at]
	} else {
		p.codes = p.codes[:at]
	}
	switch {
	case p.val64 != nil:
		p.val64 = p.val64[:at]
	case p.val32 != nil:
		p.val32 = p.val32[:at]
		if !slices.ContainsFunc(p.val32, func(v float32) bool { return v != 1 }) {
			p.val32 = nil
		}
	}
}
