package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Unknown stands for a row or a feature that the training data does not have.
const Unknown = uint64(math.MaxUint64)

// pairs reads lines of ratings as they stand, each as a row of its own (Options.Pairs).
type pairs struct {
	rows, features *finder

	// The rows that are being read.
	of      []uint64
	ptr     []int64
	columns []uint32
	labels  []float64
}

// newPairs makes a reader of pairs of the rows and the features of like. Where these have
// no names they are numbers, in the order of the training data: rows from 1.
func newPairs(like *Info) *pairs {
	p := &pairs{}
	if like.RowNames != nil {
		p.rows = findNames(like.RowNames)
	} else {
		p.rows = &finder{first: 1, n: like.Rows}
	}
	switch {
	case len(like.Names) > 0 && like.Format == Ratings: // in order
		p.features = findNames(newNameList(like.Names))
	case len(like.Names) > 0:
		p.features = findTexts(like.Names)
	case like.Format == MM:
		p.features = &finder{first: 1, n: like.Features}
	default:
		p.features = &finder{first: uint64(max(0, like.Base)), n: like.Features}
	}
	return p
}

func (p *pairs) begin(rows int, labelled bool) {
	rows = min(rows, 1<<16)
	p.of, p.ptr, p.columns, p.labels = make([]uint64, 0, rows), make([]int64, 1, 1+rows), make([]uint32, 0, rows), nil
	if labelled {
		p.labels = make([]float64, 0, rows)
	}
}

// passage adds the lines of a passage. On a fault, lines is how many were before it.
func (p *pairs) passage(s *passage) (lines int64, f *fault) {
	l := s.layout
	for at := 0; at < s.n; lines++ {
		end := s.n
		if k := bytes.IndexByte(s.text[at:s.n], '\n'); k >= 0 {
			end = at + k
		}
		line, off := s.text[at:end], s.off+int64(at)
		at = end + 1
		if off <= l.header {
			continue
		}
		if off == 0 {
			line = bytes.TrimPrefix(line, []byte(mark))
		}
		line = bytes.TrimSuffix(line, []byte("\r"))
		if isBlank(line) {
			continue
		}
		user, item, v, _, f := l.rated(line)
		if f != nil {
			return lines, f
		}
		p.add(p.rows.find(user), p.features.find(item), v)
	}
	return lines, nil
}

func (p *pairs) add(row, feature uint64, v float64) {
	p.of = append(p.of, row)
	if feature != Unknown {
		p.columns = append(p.columns, uint32(feature))
	}
	p.ptr = append(p.ptr, int64(len(p.columns)))
	if p.labels != nil {
		p.labels = append(p.labels, v)
	}
}

// enterPairs makes the file of a layout the one that is read.
func (r *Reader) enterPairs(l *layout) error {
	if r.first == nil {
		if r.options.Like == nil {
			return errors.New("dataset: pairs are of the rows and features of training data, and it is not known which")
		}
		r.pairs = newPairs(r.options.Like)
		r.info = newBuilder(l, r.files).info()
	} else if r.first.implicit != l.implicit {
		return fmt.Errorf("dataset: %s: it has %s, and the first file has %s: give them alike", r.path, rated(l), rated(r.first))
	}
	return nil
}

func rated(l *layout) string {
	if l.implicit {
		return "no ratings"
	}
	return "ratings"
}

// nextPairs is Next of pairs.
func (r *Reader) nextPairs(rows int) (*Part, error) {
	p := r.pairs
	p.begin(rows, !r.first.implicit)
	first := uint64(0)
	for _, n := range r.rows {
		first += n
	}
	var end error
	for end == nil && len(p.of) < rows {
		var s *passage
		if s, end = r.take(rows - len(p.of)); end != nil {
			break
		}
		had := len(p.of)
		if lines, f := p.passage(s); f != nil {
			end = &SyntaxError{s.path, s.before + lines + 1, f.at + 1, f.what}
		}
		r.rows[s.file] += uint64(len(p.of) - had)
		if s.sealed != nil {
			r.blocks.recycle(s.sealed)
		}
	}
	if len(p.of) == 0 {
		return nil, end
	}
	part := &Part{Of: 1, Labels: p.labels, RowOf: p.of, FirstRow: first, X: NewMatrix(int(p.features.n), p.ptr, p.columns, nil)}
	for i, row := range p.of {
		if row == Unknown || p.ptr[i] == p.ptr[i+1] {
			part.Dropped++
		}
	}
	r.info.Rows += uint64(len(p.of))
	r.info.NonZeros += uint64(len(p.columns))
	r.info.Dropped += part.Dropped
	r.err = end
	return part, nil
}

// finder tells the places of names.
type finder struct {
	n       uint64
	places  []uint32          // of small numbers: 1 + the place
	numbers []uint64          // ascending, in place of places
	texts   map[string]uint32 // in place of numbers
	first   uint64            // without names: the number of place 0
}

// findNames makes a finder in a list of names.
func findNames(l *NameList) *finder {
	if l.texts != nil {
		return findTexts(l.texts)
	}
	f := &finder{n: uint64(len(l.numbers)), numbers: l.numbers}
	if f.n == 0 {
		return f
	}
	if last := l.numbers[f.n-1]; last < 1<<20+8*f.n {
		f.places = make([]uint32, last+1)
		for k, n := range l.numbers {
			f.places[n] = uint32(k) + 1
		}
	}
	return f
}

// findTexts makes a finder of names in any order; of equal ones it finds the first.
func findTexts(names []string) *finder {
	f := &finder{n: uint64(len(names)), texts: make(map[string]uint32, len(names))}
	for k, name := range names {
		if _, ok := f.texts[name]; !ok {
			f.texts[name] = uint32(k)
		}
	}
	return f
}

// find is where a name is, Unknown if it is not there.
func (f *finder) find(name []byte) uint64 {
	if f.texts != nil {
		if k, ok := f.texts[string(name)]; ok {
			return uint64(k)
		}
		return Unknown
	}
	n, ok := wholeNumber(name)
	switch {
	case !ok:
	case f.places != nil:
		if n < uint64(len(f.places)) && f.places[n] > 0 {
			return uint64(f.places[n] - 1)
		}
	case f.numbers != nil:
		return f.among(n)
	case n >= f.first && n-f.first < f.n:
		return n - f.first
	}
	return Unknown
}

// among is the place of a number by bisection.
func (f *finder) among(n uint64) uint64 {
	if k, ok := slices.BinarySearch(f.numbers, n); ok {
		return uint64(k)
	}
	return Unknown
}

// FindRows reads a file of names of rows, as of users, one a line, and tells the row of data
// like d that each is. Empty lines are passed over. A name that d does not have is an error.
func (a Info) FindRows(path string) (rows []uint64, err error) {
	f := newPairs(&a).rows
	err = eachLine(path, func(line []byte) error {
		name := bytes.Trim(line, " \t")
		if len(name) == 0 {
			return nil
		}
		row := f.find(name)
		if row == Unknown {
			return faultAt(faultf(0, "%s is none of the %d users of the training data: leave it out", excerpt(name), f.n))
		}
		rows = append(rows, row)
		return nil
	})
	return rows, err
}
