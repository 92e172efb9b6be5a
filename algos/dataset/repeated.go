package dataset

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
)

// repeated returns the error of the first entry that is there for the second time. It
// reads all files again, so that entries need not remember their lines.
func (in *input) repeated() error {
	type place struct{ row, col uint64 }
	type line struct{ file, number int64 }
	seen := make(map[place]line)
	rows, cols := make(map[string]uint64), make(map[string]uint64)
	number := func(of map[string]uint64, name string) uint64 {
		n, ok := of[name]
		if !ok {
			n = uint64(len(of))
			of[name] = n
		}
		return n
	}
	for file, src := range in.sources {
		l := in.layouts[file]
		err := src.lines(func(text []byte, off int64, lines int64) error {
			if off <= l.header || isBlank(text) {
				return nil
			}
			row, col := l.namesOf(text)
			at := place{number(rows, row), number(cols, col)}
			if was, twice := seen[at]; twice {
				where := fmt.Sprintf("line %d", was.number)
				if int64(file) != was.file {
					where += " of " + in.sources[was.file].path
				}
				what := map[string]string{Ratings: "the rating of item %s by user %s", Docword: "the count of word %s in document %s"}[l.format]
				return &SyntaxError{src.path, lines, 1, fmt.Sprintf(what+" is in %s already: keep one of them", excerpt([]byte(col)), excerpt([]byte(row)), where)}
			}
			seen[at] = line{int64(file), lines}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return fmt.Errorf("dataset: %s changed while it was read", in.sources[0].path)
}

// namesOf is the row and the column of an entry that is well formed.
func (l *layout) namesOf(line []byte) (row, col string) {
	if l.format == Ratings {
		user, item, _, _, _ := l.entry(line)
		return string(user), string(item)
	}
	fields := bytes.Fields(line)
	doc, _ := strconv.ParseUint(string(fields[0]), 10, 64) // 01 is 1
	word, _ := strconv.ParseUint(string(fields[1]), 10, 64)
	return strconv.FormatUint(doc, 10), strconv.FormatUint(word, 10)
}

// lines visits the lines of a file, with their offsets in the text and their numbers from 1.
func (s *source) lines(visit func(line []byte, off, number int64) error) error {
	src, done, err := s.open()
	if err != nil {
		return err
	}
	defer done()
	r, free, err := src.stream()
	if err != nil {
		return err
	}
	defer free()
	lines := newLineReader(r, 0)
	for {
		line, off, err := lines.next()
		switch {
		case err == nil:
			err = visit(line, off, lines.lines)
		case err == errLongLine:
			err = &SyntaxError{s.path, lines.lines + 1, 1, err.Error()}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
