package dataset

import (
	"bytes"
	"strconv"
)

// libsvm adds the row of a LIBSVM line.
func (b *builder) libsvm(line []byte) *fault {
	if i := bytes.IndexByte(line, '#'); i >= 0 {
		line = line[:i]
	}
	begin := skipBlanks(line, 0)
	if begin == len(line) {
		return nil
	}
	end := tokenEnd(line, begin)
	if b.layout.unlabelled {
		if bytes.IndexByte(line[begin:end], ':') < 0 {
			return faultf(begin, "label %s, but the first line has none: give all samples a label, or none", excerpt(line[begin:end]))
		}
		end = begin
	} else if f := b.libsvmLabel(line[begin:end], begin); f != nil {
		return f
	}
	limit := b.layout.limit
	for least := uint64(0); ; { // the smallest index that may come next
		begin = skipBlanks(line, end)
		if begin == len(line) {
			return b.endRow()
		}
		id, i := uint64(0), begin
		for i < len(line) && line[i]-'0' <= 9 {
			id = id*10 + uint64(line[i]-'0')
			i++
		}
		if i == begin || i-begin > 18 || i == len(line) || line[i] != ':' {
			var f *fault
			if id, i, f = slowIndex(line, begin); f != nil {
				return f
			}
		}
		if id < least {
			return faultf(begin, "index %d is not larger than the one before it (%d)", id, least-1)
		}
		least = id + 1
		value := i + 1
		end = tokenEnd(line, value)
		v := 1.0
		if end != value+1 || line[value] != '1' {
			var f *fault
			if v, f = feature(line[value:end], value); f != nil {
				return f
			}
		}
		if id-b.layout.floor >= limit { // an id below floor wraps around to a large number
			if f := b.beyond(id, v, begin); f != nil {
				return f
			}
			continue
		}
		b.zero = b.zero || id == 0
		b.top = max(b.top, id+1)
		if f := b.put(id, v, begin); f != nil {
			return f
		}
	}
}

// libsvmLabel adds the label of a row.
func (b *builder) libsvmLabel(token []byte, at int) *fault {
	v, err := parseFloat(token)
	if !isFinite(v) {
		return faultf(at, "label %s is not finite", excerpt(token))
	}
	if err != nil {
		hint := ""
		if bytes.IndexByte(token, ':') >= 0 {
			hint = ": a line starts with the label"
		} else if bytes.IndexByte(token, ',') >= 0 {
			hint = ": several labels in a line are not supported"
		}
		return faultf(at, "label %s is not a number%s", excerpt(token), hint)
	}
	return b.labels.number(v, at)
}

// beyond drops, or refuses, the value of an index outside [floor, floor+limit).
func (b *builder) beyond(id uint64, v float64, at int) *fault {
	l := b.layout
	switch {
	case id < l.floor:
		return faultf(at, "index 0 in data whose indices start at 1")
	case l.options.Like != nil:
		if v != 0 {
			b.dropped++
		}
		return nil
	}
	return faultf(at, "index %d is beyond features = %d", id, l.options.Features)
}

// slowIndex reads what the digit loop of libsvm could not: long indices and
// tokens that are no index:value. It returns the place of the colon.
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

// feature reads the value of a feature.
func feature(token []byte, at int) (float64, *fault) {
	v, err := parseFloat(token)
	switch {
	case len(token) == 0:
		return 0, faultf(at, "the value after ':' is missing")
	case !isFinite(v):
		return 0, faultf(at, "value %s is not finite", excerpt(token))
	case err != nil:
		return 0, faultf(at, "value %s is not a number", excerpt(token))
	}
	return v, nil
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
