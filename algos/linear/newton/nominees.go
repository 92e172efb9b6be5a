package newton

import (
	"cmp"
	"slices"

	"petuum/table"
)

// nominee is a column that may be one of the block.
type nominee struct {
	key       uint64
	curvature float64
}

// foremost sorts the columns and keeps those with the most curvature.
func foremost(list []nominee, size int) []nominee {
	slices.SortFunc(list, func(a, b nominee) int {
		return cmp.Or(cmp.Compare(b.curvature, a.curvature), cmp.Compare(a.key, b.key))
	})
	return list[:min(len(list), size)]
}

// nominates reports whether it is time to nominate.
func (b *block) nominates(s *solver) bool { return b != nil && !b.chosen && s.iteration >= lateness }

// nominate has the part name the foremost of the columns that it counts.
func (b *block) nominate(s *solver) {
	list := make([]nominee, 0, 2*b.size)
	for j, h := range s.curvature.Values() {
		if s.Own[j] == 0 || len(list) >= b.size && !(h > list[b.size-1].curvature) {
			continue
		}
		if list = append(list, nominee{s.Keys.Key(j), h}); len(list) == cap(list) {
			list = foremost(list, b.size)
		}
	}
	row := make([]float64, 0, 2*b.size)
	for _, n := range foremost(list, b.size) {
		row = append(row, float64(n.key), n.curvature)
	}
	for len(row) < cap(row) {
		row = append(row, 0, -1)
	}
	b.nominees.Put(s.number, row)
	b.nominated = true
}

// elect makes the block of the foremost of all nominees.
func (b *block) elect(s *solver) {
	var list []nominee
	for v := b.nominees.Values(); len(v) > 0; v = v[2:] {
		if v[1] >= 0 {
			list = append(list, nominee{uint64(v[0]), v[1]})
		}
	}
	var keys []uint64
	for _, n := range foremost(list, b.size) {
		keys = append(keys, n.key)
	}
	slices.Sort(keys)
	columns := table.Keys(keys)
	b.choose(s, columns)
	s.awake.checked = -checkEvery // to wake them up
	b.g.Hold(columns)
	b.w.Hold(columns)
}
