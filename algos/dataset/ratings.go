package dataset

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"strconv"
	"unicode/utf8"
)

// The formats that list entries: a row, a column and a value in each line, in any order.
const (
	Docword = "docword" // UCI bag of words
	Ratings = "ratings" // user item rating
)

// blank separates fields by spaces and tabs, any number of them.
const blank = ' '

// listsEntries says whether a line of a format is an entry, of a row that may have others
// anywhere. Every process reads all of such data.
func listsEntries(format string) bool { return format == Docword || format == Ratings }

// ReadWhole says whether data of a format is read as a whole before the first row is known.
func ReadWhole(format string) bool { return format == MM || listsEntries(format) }

// listing is what the beginning of a file says of its entries.
type listing struct {
	docs, words, entries uint64 // Docword: the three lines before them

	implicit bool // Ratings: there are users and items alone, and each rating is 1
}

// readDocword reads the three numbers before the entries.
func (l *layout) readDocword(lines *lineReader, line []byte, off int64) error {
	l.unlabelled = true
	for k, size := range []*uint64{&l.docs, &l.words, &l.entries} {
		if k > 0 {
			var err error
			if line, off, err = firstLine(lines, false); err != nil {
				return err
			}
		}
		text := bytes.Trim(line, " \t")
		n, err := strconv.ParseUint(string(text), 10, 63)
		if err != nil {
			what := []string{"the number of documents", "the number of words", "the number of entries"}[k]
			return faultAt(faultf(0, "%s is not %s, which stands alone in line %d of three before the entries", excerpt(text), what, k+1))
		}
		*size = n
	}
	l.header = off
	switch {
	case l.docs >= math.MaxUint32 || l.words >= math.MaxUint32:
		return faultAt(faultf(0, "%d documents and %d words: want less than 2^32", l.docs, l.words))
	case l.docs > 1<<24 && l.docs/256 > l.entries, l.words > 1<<24 && l.words/256 > l.entries:
		return faultAt(faultf(0, "%d documents and %d words, but only %d entries", l.docs, l.words, l.entries))
	case l.options.Like == nil && l.options.Features > 0 && l.words > l.options.Features:
		return faultAt(faultf(0, "there are %d words, but features = %d", l.words, l.options.Features))
	}
	return nil
}

// readRatings finds out by the first line what is between the fields, and whether there are
// ratings and names of the columns.
func (l *layout) readRatings(line []byte, off int64) error {
	l.unlabelled = true
	switch {
	case bytes.IndexByte(line, '\t') >= 0:
		l.sep = '\t'
	case bytes.Contains(line, []byte("::")):
		l.sep = ':'
	case bytes.IndexByte(line, ';') >= 0:
		l.sep = ';'
	case bytes.IndexByte(line, ',') >= 0:
		l.sep = ','
	default:
		l.sep = blank
	}
	user, item, value, _, f := l.entry(line)
	if f != nil {
		return faultAt(f)
	}
	if len(user) == 0 || len(item) == 0 {
		return faultAt(faultf(0, "want user, item and rating, with a tab, ::, a semicolon, a comma or blanks between them"))
	}
	l.implicit = value == nil
	v, err := parseFloat(value)
	if l.options.Header == "yes" || l.options.Header == auto && !l.implicit && err != nil && isFinite(v) {
		l.header = off
	}
	return nil
}

// entry cuts a line of ratings: at most three fields, of which the last is nil if there are
// but two, and where it begins.
func (l *layout) entry(line []byte) (user, item, value []byte, at int, f *fault) {
	var fields [3][]byte
	var begins [3]int
	k, i := 0, 0
	for ; k < len(fields); k++ {
		for i < len(line) && (line[i] == ' ' || line[i] == '\t' && l.sep != '\t') {
			i++
		}
		if l.sep == blank && i == len(line) {
			break
		}
		begin, end, next := i, len(line), len(line)+1
		rest := line[i:]
		n := -1
		switch l.sep {
		case blank:
			n = bytes.IndexAny(rest, " \t")
		case ':':
			n = bytes.Index(rest, []byte("::"))
		default:
			n = bytes.IndexByte(rest, l.sep)
		}
		if n >= 0 {
			end, next = i+n, i+n+1+b2i(l.sep == ':')
		}
		for end > begin && (line[end-1] == ' ' || line[end-1] == '\t') {
			end--
		}
		if end > begin+1 && line[begin] == '"' && line[end-1] == '"' {
			begin, end = begin+1, end-1
		}
		fields[k], begins[k] = line[begin:end:end], begin
		if i = next; i > len(line) {
			k++
			break
		}
	}
	for j := range min(k, 2) {
		if field := fields[j]; len(field) > maxWord || !utf8.Valid(field) {
			return nil, nil, nil, 0, faultf(begins[j], "%s is longer than %d bytes or not UTF-8", excerpt(field), maxWord)
		}
	}
	return fields[0], fields[1], fields[2], begins[2], nil
}

// rating adds the entry that a line of ratings holds.
func (b *builder) rating(text []byte, begin, end int) *fault {
	if ok := b.plainRating(text, begin, end); ok {
		return nil
	}
	line := text[begin:end]
	if isBlank(line) {
		return nil
	}
	user, item, v, d, f := b.layout.rated(line)
	if f != nil {
		return f
	}
	wide := false
	if !b.layout.implicit {
		v, wide = b.kept(v, d)
	}
	return b.three(b.rowNames.code(user), b.colNames.code(item), v, wide)
}

// rated cuts a line of ratings and reads the rating, 1 where there are none.
func (l *layout) rated(line []byte) (user, item []byte, v float64, d decimal, f *fault) {
	user, item, value, at, f := l.entry(line)
	switch {
	case f != nil:
	case len(user) == 0:
		f = faultf(0, "the user is missing")
	case len(item) == 0:
		f = faultf(0, "the item is missing: want user, item and rating, separated as in the first line")
	case l.implicit && value != nil:
		f = faultf(at, "%s behind the item, but the first line has no rating", excerpt(value))
	case l.implicit:
		return user, item, 1, d, nil
	case len(value) == 0:
		f = faultf(len(line), "the rating is missing")
	}
	if f != nil {
		return nil, nil, 0, d, f
	}
	v, d, err := parseDecimal(value)
	switch {
	case !isFinite(v):
		f = faultf(at, "rating %s is not finite", excerpt(value))
	case err != nil:
		f = faultf(at, "rating %s is not a number", excerpt(value))
	}
	return user, item, v, d, f
}

// plainRating adds the entry of a line whose user and item are short numbers with one
// separator behind each, as in most lines.
func (b *builder) plainRating(text []byte, begin, end int) bool {
	user, i, ok := plainNumber(text, begin, end)
	if !ok || !b.separated(text, i, end) {
		return false
	}
	i += 1 + b2i(b.layout.sep == ':')
	item, i, ok := plainNumber(text, i, end)
	if !ok || b.layout.implicit || !b.separated(text, i, end) {
		return false
	}
	i += 1 + b2i(b.layout.sep == ':')
	if i >= end {
		return false
	}
	if c := text[i] - '0'; c <= 9 && (i+1 == end || b.separated(text, i+1, end)) { // as most ratings
		u, fine := b.rowNames.ids.code(user)
		j, good := b.colNames.ids.code(item)
		return fine && good && b.three(u, j, float64(c), false) == nil
	}
	v, d, next, ok := shortDecimal(text, i)
	if !ok || next > end || next < end && !b.separated(text, next, end) {
		return false
	}
	v, wide := b.kept(v, d)
	u, fine := b.rowNames.ids.code(user)
	j, good := b.colNames.ids.code(item)
	return fine && good && b.three(u, j, v, wide) == nil
}

// separated says whether a field ends at text[i].
func (b *builder) separated(text []byte, i, end int) bool {
	if i >= end {
		return false
	}
	switch b.layout.sep {
	case blank:
		return text[i] == ' ' || text[i] == '\t'
	case ':':
		return text[i] == ':' && i+1 < end && text[i+1] == ':'
	}
	return text[i] == b.layout.sep
}

// plainNumber reads a whole number of up to 15 digits as programs write it, without a zero
// before others, and returns where it ends. ok is false of all else, and near the end of text.
func plainNumber(text []byte, i, end int) (n uint64, next int, ok bool) {
	if i >= end || i+16 > len(text) {
		return 0, 0, false
	}
	k, n := digits(binary.LittleEndian.Uint64(text[i:]))
	if k == 8 {
		m, more := digits(binary.LittleEndian.Uint64(text[i+8:]))
		if m == 8 {
			return 0, 0, false
		}
		k, n = 8+m, n*tens[m]+more
	}
	return n, i + k, k > 0 && i+k <= end && (text[i] != '0' || k == 1)
}

// docword adds the entry of a line: document, word and count, from 1.
func (b *builder) docword(text []byte, begin, end int) *fault {
	line := text[begin:end]
	at := skipBlanks(line, 0)
	if at == len(line) {
		return nil
	}
	var n [3]uint64
	for k, most := range [3]uint64{b.layout.docs, b.layout.words, math.MaxInt32} {
		what := [3]string{"document", "word", "count"}[k]
		next := tokenEnd(line, at)
		v, to, ok := plainNumber(text, begin+at, end)
		if !ok || to != begin+next {
			var err error
			if v, err = strconv.ParseUint(string(line[at:next]), 10, 64); at == next {
				return faultf(at, "the %s is missing: want document, word and count", what)
			} else if err != nil && !errors.Is(err, strconv.ErrRange) {
				return faultf(at, "%s %s is no whole number", what, excerpt(line[at:next]))
			}
		}
		if v < 1 || v > most {
			return faultf(at, "%s %s: want 1 to %d", what, excerpt(line[at:next]), most)
		}
		n[k] = v
		at = skipBlanks(line, next)
	}
	if at < len(line) {
		return faultf(at, "%s behind the count", excerpt(line[at:]))
	}
	v, narrow := long.single(float64(n[2]))
	return b.three(uint32(n[0]-1), uint32(n[1]-1), v, !narrow)
}

// three adds an entry of the row and the column that codes stand for.
func (b *builder) three(row, col uint32, v float64, wide bool) *fault {
	if len(b.codes) == math.MaxInt32 {
		return faultf(0, "more than 2^31 entries stand together")
	}
	b.rowCodes = append(b.rowCodes, row)
	b.codes = append(b.codes, col)
	if v != 1 || b.kind != ones {
		b.value(v, wide)
	}
	return nil
}

// entries takes the entries that were read since the last piece.
func (b *builder) entries(o order) *piece {
	r := b.rows
	p := &piece{order: o, rowCodes: append([]uint32{}, r.rowCodes...), codes: append([]uint32{}, r.codes...)}
	switch r.kind {
	case values32:
		var ok bool
		if p.few, p.val8, ok = fewValues(r.vals); ok {
			break
		}
		p.val32 = make([]float32, len(r.vals))
		for k, v := range r.vals {
			p.val32[k] = float32(v)
		}
	case values64:
		p.val64 = append([]float64{}, r.vals...)
	}
	b.nonZeros += uint64(len(p.codes))
	r.clear()
	return p
}
