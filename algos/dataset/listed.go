package dataset

import (
	"cmp"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sort"
	"sync"
	"sync/atomic"
)

// entries are all entries of an input, in pieces whose codes have become places:
//
//	text ─► pieces of entries ─► rows and columns in order ─► rows of each part, counted ─► sorted by column
type entries struct {
	in         *input
	pieces     []*piece
	rows, cols axis
	ends       []uint64 // of each row: the entries up to it, those of other rows before it too
	dropped    uint64   // entries of rows or columns that Options.Like does not have
	strangers  []Stranger
	kind       valueKind // the smallest that holds all values
}

// listed reads the parts of data that lists entries. Every process reads all of it.
func (in *input) listed(numbers []int, read []*assembly) error {
	whole := *in
	whole.of, whole.wholes = 1, make([]int, len(in.sources))
	for i := range whole.wholes {
		whole.wholes[i] = -1
	}
	all := &assembly{}
	if err := whole.text([]int{0}, []*assembly{all}); err != nil {
		return err
	}
	slices.SortFunc(all.pieces, func(p, q *piece) int { return p.order.compare(q.order) })
	e := &entries{in: in, pieces: all.pieces}
	if err := e.order(all.builders); err != nil {
		return err
	}
	begins := make([]int, in.of+1)
	for p := range begins {
		begins[p] = e.begin(p)
	}
	err := inParallel(len(numbers), func(i int) error {
		p := numbers[i]
		part, err := e.part(begins[p], begins[p+1], max(1, runtime.GOMAXPROCS(0)/len(numbers)))
		if err != nil {
			return err
		}
		part.Index, part.Of = p, in.of
		part.Strangers = e.strangersOf(p, begins[p], begins[p+1])
		read[i].made, read[i].info, read[i].digests = part, e.info(part), all.digests
		if in.options.Sums {
			return part.sum(&read[i].info)
		}
		return nil
	})
	if err == errTwice {
		return in.repeated()
	}
	return err
}

// inParallel does n tasks on all processors and returns the first error by number.
func inParallel(n int, task func(i int) error) error {
	errs := make([]error, n)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				errs[i] = task(i)
			}
		})
	}
	wg.Wait()
	return cmp.Or(errs...)
}

// order puts rows and columns in order and counts the entries of each row.
func (e *entries) order(builders []*builder) error {
	l, like := e.in.layouts[0], e.in.options.Like
	if l.format == Docword {
		total := uint64(0)
		for _, p := range e.pieces {
			total += uint64(len(p.codes))
		}
		if total != l.entries {
			return fmt.Errorf("dataset: %s: there are %d entries, but the third line promises %d", e.in.sources[0].path, total, l.entries)
		}
		e.rows.n, e.cols.n = int(l.docs), int(l.words)
		if like != nil {
			e.cols.n = int(min(l.words, like.Features))
		}
	} else {
		users, items := make([]*nameSet, len(builders)), make([]*nameSet, len(builders))
		for k, b := range builders {
			users[k], items[k] = &b.rowNames, &b.colNames
		}
		var rowNames, colNames *NameList
		if like != nil {
			rowNames, colNames = like.RowNames, newNameList(like.Names)
			if rowNames == nil || uint64(len(like.Names)) != like.Features {
				return fmt.Errorf("dataset: %s: the training data has no names of users and items", e.in.sources[0].path)
			}
		}
		e.rows, e.cols = axisOf(users, rowNames), axisOf(items, colNames)
	}
	return e.count()
}

// count turns codes into places, and counts.
func (e *entries) count() error {
	var mu sync.Mutex
	var next, dropped atomic.Int64
	var wg sync.WaitGroup
	total := 0
	for _, p := range e.pieces {
		total += len(p.codes)
		e.kind = max(e.kind, p.kind())
	}
	e.ends = make([]uint64, e.rows.n)
	// Each counts for itself, where that takes no more memory than the entries.
	for range max(1, min(runtime.GOMAXPROCS(0), len(e.pieces), total/(e.rows.n+1))) {
		wg.Go(func() {
			counts := make([]uint32, e.rows.n)
			var lost []Stranger
			for i := int(next.Add(1)) - 1; i < len(e.pieces); i = int(next.Add(1)) - 1 {
				lost = e.place(e.pieces[i], counts, lost)
			}
			dropped.Add(int64(len(lost)))
			mu.Lock()
			defer mu.Unlock()
			e.strangers = append(e.strangers, lost...)
			for r, n := range counts {
				e.ends[r] += uint64(n)
			}
		})
	}
	wg.Wait()
	e.dropped = uint64(dropped.Load())
	slices.SortFunc(e.strangers, Stranger.compare)
	for r := 1; r < len(e.ends); r++ {
		e.ends[r] += e.ends[r-1]
	}
	return nil
}

// place turns the codes of a piece into places and counts the rows. An entry that has no
// place has no row, and is added to those that are lost.
func (e *entries) place(p *piece, counts []uint32, lost []Stranger) []Stranger {
	from := uint32(p.from)
	for k, code := range p.rowCodes {
		row, col := e.rows.at(from, code), e.cols.at(from, p.codes[k])
		if row == none || col == none {
			p.rowCodes[k] = none
			lost = append(lost, Stranger{Row: placeOrNot(row), Key: placeOrNot(col), Value: p.at(k)})
			continue
		}
		p.rowCodes[k], p.codes[k] = row, col
		counts[row]++
	}
	return lost
}

// total is how many entries there are.
func (e *entries) total() uint64 {
	if len(e.ends) == 0 {
		return 0
	}
	return e.ends[len(e.ends)-1]
}

// begin is the first row of part p. Parts have about as many entries; ratings that are
// read like others have the users that those have.
func (e *entries) begin(p int) int {
	if p == e.in.of {
		return len(e.ends)
	}
	like := e.in.options.Like
	if e.in.layouts[0].format == Ratings && like != nil && len(like.PartRows) == e.in.of {
		return int(min(like.firstRow(p), uint64(len(e.ends))))
	}
	if e.total() == 0 {
		return int(cut(int64(len(e.ends)), p, e.in.of))
	}
	from := uint64(cut(int64(e.total()), p, e.in.of))
	return sort.Search(len(e.ends), func(r int) bool { return e.ends[r] > from }) // the row of entry from
}

// before is how many entries stand in rows before row.
func (e *entries) before(row int) uint64 {
	if row == 0 {
		return 0
	}
	return e.ends[row-1]
}

// part makes the part of rows from begin to end, on so many goroutines.
func (e *entries) part(begin, end, workers int) (*Part, error) {
	if end-begin >= math.MaxUint32 {
		return nil, fmt.Errorf("dataset: %s: %d rows in one part: use more parts", e.in.sources[0].path, end-begin)
	}
	first := e.before(begin)
	n := int(e.before(end) - first)
	if n >= math.MaxUint32 {
		return nil, fmt.Errorf("dataset: %s: %d entries in one part: use more parts", e.in.sources[0].path, n)
	}
	index := index32
	if e.cols.n <= 1<<16 {
		index = index16
	}
	m := newMatrix(end-begin, e.cols.n, n, index, e.kind) // not dense: a rating may be 0
	for r := range end - begin {
		m.ptr[r+1] = int64(e.ends[begin+r] - first)
	}
	g := &grouped{entries: e, first: first, m: &m}
	shares := make([]share, workers)
	for k := range shares {
		at := func(k int) int {
			want := first + uint64(n)*uint64(k)/uint64(workers)
			return begin + sort.Search(end-begin, func(r int) bool { return e.before(begin+r) >= want })
		}
		shares[k] = share{begin: at(k), end: at(k + 1)}
		if k == workers-1 {
			shares[k].end = end
		}
	}
	if err := inParallel(workers, func(k int) error { return g.group(&shares[k]) }); err != nil {
		return nil, err
	}
	used, kind := make([]bool, e.cols.n), ones
	for _, s := range shares {
		kind = max(kind, s.kind)
		for j, u := range s.used {
			used[j] = used[j] || u
		}
	}
	part := &Part{}
	column := make([]uint32, e.cols.n)
	for j, u := range used {
		if u {
			column[j] = uint32(len(part.Keys))
			part.Keys = append(part.Keys, uint64(j))
		}
	}
	part.X = narrowed(m, kind, column, len(part.Keys))
	return part, nil
}

// narrowed is a matrix of so many columns, whose places column tells, in the smallest types.
// Its memory is that of m.
func narrowed(m Matrix, kind valueKind, column []uint32, cols int) Matrix {
	m.cols = cols
	switch {
	case m.index == index16 && cols < len(column):
		for k, j := range m.idx16 {
			m.idx16[k] = uint16(column[j])
		}
	case m.index == index32 && cols <= 1<<16:
		m.index, m.idx16 = index16, make([]uint16, len(m.idx32))
		for k, j := range m.idx32 {
			m.idx16[k] = uint16(column[j])
		}
		m.idx32 = nil
	case m.index == index32 && cols < len(column):
		for k, j := range m.idx32 {
			m.idx32[k] = column[j]
		}
	}
	if m.value == values64 && kind == values32 {
		m.val32 = make([]float32, len(m.val64))
		for k, v := range m.val64 {
			m.val32[k] = float32(v)
		}
	}
	if m.value = kind; kind != values64 {
		m.val64 = nil
	}
	if kind == ones {
		m.val32 = nil
	}
	return m
}

// info is what is known of a part. The first one tells of what belongs to none.
func (e *entries) info(part *Part) Info {
	l, like := e.in.layouts[0], e.in.options.Like
	info := l.info()
	info.Files, info.Numeric = e.in.files, true
	info.Rows, info.NonZeros = uint64(part.X.rows), uint64(part.X.nnz)
	info.PartRows, info.Weight = []uint64{info.Rows}, float64(info.Rows)
	info.Seen = uint64(e.cols.n)
	if like != nil {
		info.Features, info.Fixed = like.Features, true
	} else if !info.Fixed {
		info.Features = info.Seen
	}
	if part.Index > 0 {
		return info
	}
	info.Dropped = e.dropped
	if l.format != Ratings {
		return info
	}
	if info.RowNames = e.rows.names; like != nil {
		info.Names = like.Names
	} else {
		info.Names = e.cols.names.All()
	}
	return info
}
