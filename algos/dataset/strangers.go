package dataset

import "cmp"

// A Stranger is a rating of a user, or of an item, that the training data does not have.
type Stranger struct {
	Row   int // of the user in the part; -1: a user that is not known
	Key   int // the feature that is the item; -1: an item that is not known
	Value float64
}

func (s Stranger) compare(t Stranger) int {
	return cmp.Or(cmp.Compare(s.Row, t.Row), cmp.Compare(s.Key, t.Key), cmp.Compare(s.Value, t.Value))
}

// placeOrNot is a place of an axis, or -1.
func placeOrNot(place uint32) int {
	if place == none {
		return -1
	}
	return int(place)
}

// strangersOf are those of the rows of a part; the first part has those without a row.
func (e *entries) strangersOf(part, begin, end int) (of []Stranger) {
	if e.in.layouts[0].format != Ratings {
		return nil
	}
	for _, s := range e.strangers {
		switch {
		case s.Row < 0 && part == 0:
			of = append(of, s)
		case s.Row >= begin && s.Row < end:
			s.Row -= begin
			of = append(of, s)
		}
	}
	return of
}
