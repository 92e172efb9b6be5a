package dataset

import (
	"fmt"
	"slices"
)

// mergeFeatures is Merge where parts are ranges of features: what is known of rows has to
// be the same in both.
func (a Info) mergeFeatures(b Info) (Info, error) {
	bad := func(what string) (Info, error) {
		return Info{}, fmt.Errorf("dataset: %s: parts by features disagree about %s: give every machine the same files", a.input(), what)
	}
	switch {
	case a.Rows != b.Rows || a.Weight != b.Weight || a.Weighted != b.Weighted || !slices.Equal(a.ClassWeights, b.ClassWeights):
		return bad("the rows")
	case a.LabelSum != b.LabelSum || a.LabelSumSq != b.LabelSumSq || a.LabelMin != b.LabelMin || a.LabelMax != b.LabelMax,
		a.Numeric != b.Numeric || a.TooMany != b.TooMany || !slices.Equal(a.Classes, b.Classes) || !slices.Equal(a.Counts, b.Counts):
		return bad("the labels")
	case a.Features != b.Features || a.Seen != b.Seen || a.Base != b.Base:
		return bad("the features")
	}
	m := a
	m.mergeSums(a, b)
	a.Sums = m.Sums
	a.NonZeros += b.NonZeros
	a.Dropped += b.Dropped
	return a, nil
}

// join makes the matrix of a part that of all parts, which are by features.
func (b *binaryFile) join(part *Part) error {
	h := &b.file.Header
	values := int(h.Values())
	index := index32
	if h.Rows() <= 1<<16 {
		index = index16
	}
	all := newMatrix(int(h.Columns), int(h.Rows()), values, index, values32)
	column, at := 0, 0
	for p := range h.Parts {
		x, m, err := b.columns(p)
		if err != nil {
			return err
		}
		for j := range x.rows {
			all.ptr[column+1] = int64(at) + x.ptr[j+1]
			column++
		}
		copy(all.idx16[min(at, len(all.idx16)):], x.idx16)
		copy(all.idx32[min(at, len(all.idx32)):], x.idx32)
		at += copy(all.val32[at:], x.val32)
		if err := m.Free(); err != nil {
			return err
		}
	}
	part.X, part.Keys = all.Transpose(), make([]uint64, all.rows)
	for j := range part.Keys {
		part.Keys[j] = uint64(j)
	}
	return nil
}
