package dataset

import (
	"bytes"
	"encoding/binary"
	"strconv"
)

// libsvm adds the row of a LIBSVM line, text[begin:end].
func (b *builder) libsvm(text []byte, begin, end int) *fault {
	line := text[begin:end]
	if i := bytes.IndexByte(line, '#'); i >= 0 {
		line = line[:i]
		text = text[:begin+i]
	}
	at := skipBlanks(line, 0)
	if at == len(line) {
		return nil
	}
	i := tokenEnd(line, at)
	if b.layout.unread {
		if f := b.skipLabel(line[at:i], at); f != nil {
			return f
		}
	} else if b.layout.weighted {
		if f := b.weighedLabel(line[at:i], at); f != nil {
			return f
		}
	} else if b.layout.unlabelled {
		if bytes.IndexByte(line[at:i], ':') < 0 {
			return faultf(at, "label %s, but the first line has none: give all samples a label, or none", excerpt(line[at:i]))
		}
		i = at
	} else if f := b.libsvmLabel(line[at:i], at); f != nil {
		return f
	}
	end = begin + len(line)
	f := b.features(text[:min(len(text), end+32)], begin, begin+i, end)
	if f != nil && b.layout.unlabelled && !b.layout.unread && (f.at == at || f.at == skipBlanks(line, tokenEnd(line, at))) {
		f.what += " (the first sample starts with index:value, so that no label is expected)"
	}
	return f
}

// features adds the values of a LIBSVM line that begins at text[begin]: those in
// text[i:end].
func (b *builder) features(text []byte, begin, i, end int) *fault {
	floor, limit, mask := b.layout.floor, b.layout.limit, b.layout.mask
	b.sparse.clear()
	b.wide = false
	ordered, last := true, uint64(0)
	for least := uint64(0); ; { // the smallest index that may come next
		for i < end && isSpace(text[i]) {
			i++
		}
		if i == end {
			return b.putSparse(ordered)
		}
		at := i - begin
		id, colon, ok := index(text, i, end)
		if !ok {
			var f *fault
			if id, colon, f = slowIndex(text[begin:end], at); f != nil {
				return f
			}
			colon += begin
		}
		if id < least {
			return faultf(at, "index %d is not larger than the one before it (%d)", id, least-1)
		}
		least = id + 1
		i = colon + 1
		v, wide := 1.0, false
		if i < end && text[i] == '1' && (i+1 == end || isSpace(text[i+1])) {
			i++
		} else {
			var d decimal
			var next int
			if v, d, next, ok = shortDecimal(text, i); !ok || next > end || next < end && !isSpace(text[next]) {
				var f *fault
				if v, d, next, f = feature(text[begin:end], i-begin); f != nil {
					return f
				}
				next += begin
			}
			i = next
			v, wide = b.kept(v, d)
		}
		if id-floor >= limit { // an id below floor wraps around to a large number
			if f := b.beyond(id, v, at); f != nil {
				return f
			}
			continue
		}
		if id -= floor; id > mask {
			id &= mask
		}
		id += floor
		b.zero = b.zero || id == 0
		b.top = max(b.top, id+1)
		if v == 0 {
			continue
		}
		ordered = ordered && (id > last || len(b.sparse.ids) == 0)
		last = id
		b.sparse.add(id, v)
		b.wide = b.wide || wide
	}
}

// kept returns the number that v, the value of d, has in data, and whether it needs
// float64.
func (b *builder) kept(v float64, d decimal) (_ float64, wide bool) {
	if b.facts.Float64 {
		d = long // whose values are never rounded
	}
	v, narrow := d.single(v)
	return v, !narrow
}

// index reads an index of up to 15 digits and finds the colon behind it. ok is
// false where it is written otherwise, or so near the end of text that it is not to
// be read by words.
func index(text []byte, i, end int) (id uint64, colon int, ok bool) {
	if i+16 > len(text) {
		return 0, 0, false
	}
	n, id := digits(binary.LittleEndian.Uint64(text[i:]))
	if n == 8 {
		k, more := digits(binary.LittleEndian.Uint64(text[i+8:]))
		if k == 8 {
			return 0, 0, false
		}
		n, id = 8+k, id*tens[k]+more
	}
	i += n
	return id, i, n > 0 && i < end && text[i] == ':'
}

// isSpace says whether c is between the tokens of a LIBSVM line.
func isSpace(c byte) bool { return c == ' ' || c == '\t' }

// libsvmLabel adds the label of a row.
func (b *builder) libsvmLabel(token []byte, at int) *fault {
	v, err := parseFloat(token)
	if !isFinite(v) {
		return faultf(at, "label %s is not finite", excerpt(token))
	}
	if err != nil {
		hint := ""
		if bytes.IndexByte(token, ':') >= 0 {
			hint = ": a line starts with the label, which has no weight in the first line (give it one there)"
		} else if bytes.IndexByte(token, ',') >= 0 {
			hint = ": several labels in a line are not supported"
		}
		return faultf(at, "label %s is not a number%s", excerpt(token), hint)
	}
	return b.labels.number(v, at)
}

// weighedLabel adds the label of a row with its weight behind a colon, 1 if there is none.
func (b *builder) weighedLabel(token []byte, at int) *fault {
	n := bytes.IndexByte(token, ':')
	if n < 0 {
		return b.libsvmLabel(token, at)
	}
	if f := b.libsvmLabel(token[:n], at); f != nil {
		return f
	}
	w, f := weightOf(token[n+1:], at+n+1)
	if f == nil {
		b.weigh(w)
	}
	return f
}

// skipLabel passes over the label of a row, but for its weight.
func (b *builder) skipLabel(token []byte, at int) *fault {
	n := bytes.IndexByte(token, ':')
	switch {
	case n < 0:
		return nil
	case !b.layout.weighted:
		return faultf(at, "%s stands where the first line has a label: give all samples one, or none", excerpt(token))
	}
	w, f := weightOf(token[n+1:], at+n+1)
	if f == nil {
		b.weigh(w)
	}
	return f
}

// beyond drops, or refuses, the value of an index outside [floor, floor+limit).
func (b *builder) beyond(id uint64, v float64, at int) *fault {
	l := b.layout
	switch {
	case id < l.floor:
		if l.options.Stream && l.options.Like == nil {
			return faultf(at, "index 0 in data whose indices start at 1 as far as it was looked at: set data.base = 0")
		}
		return faultf(at, "index 0 in data whose indices start at 1")
	case l.options.Like != nil:
		if v != 0 {
			b.dropped++
		}
		return nil
	}
	return faultf(at, "index %d is beyond features = %d", id, l.options.Features)
}

// slowIndex reads what index could not: long indices and tokens that are no
// index:value. It returns the place of the colon.
func slowIndex(line []byte, begin int) (id uint64, colon int, f *fault) {
	token := line[begin:tokenEnd(line, begin)]
	n := bytes.IndexByte(token, ':')
	if n < 0 {
		return 0, 0, faultf(begin, "%s is not index:value", excerpt(token))
	}
	if string(token[:n]) == "qid" {
		return 0, 0, faultf(begin, "qid: ranking data (query ids) is not supported")
	}
	for _, c := range token[:n] {
		if c-'0' > 9 {
			return 0, 0, faultf(begin, "index %s is not a number from 0", excerpt(token[:n]))
		}
	}
	if n == 0 {
		return 0, 0, faultf(begin, "the index before ':' is missing")
	}
	id, err := strconv.ParseUint(string(token[:n]), 10, 63)
	if err != nil {
		return 0, 0, faultf(begin, "index %s is 2^63 or more", excerpt(token[:n]))
	}
	return id, begin + n, nil
}

// feature reads the value of a feature at byte at of a line, however it is written,
// and returns where it ends.
func feature(line []byte, at int) (v float64, d decimal, next int, f *fault) {
	next = tokenEnd(line, at)
	token := line[at:next]
	v, d, err := parseDecimal(token)
	switch {
	case len(token) == 0:
		f = faultf(at, "the value after ':' is missing")
	case !isFinite(v):
		f = faultf(at, "value %s is not finite", excerpt(token))
	case err != nil:
		f = faultf(at, "value %s is not a number", excerpt(token))
	}
	return v, d, next, f
}

func skipBlanks(line []byte, i int) int {
	for i < len(line) && (line[i] == ' ' || line[i] == '\t') {
		i++
	}
	return i
}

func tokenEnd(line []byte, i int) int {
	for i < len(line) && line[i] != ' ' && line[i] != '\t' {
		i++
	}
	return i
}
