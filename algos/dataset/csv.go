package dataset

import "bytes"

// What a CSV field is, where it is no feature; see layout.target.
const (
	labelField   = -1
	droppedField = -2
	ignoredField = -3
	weightField  = -4
)

// csv adds the row of a CSV line, text[begin:end].
func (b *builder) csv(text []byte, begin, end int) *fault {
	if b.cats == nil && b.hashes == nil {
		if done, f := b.plainCSV(text, begin, end); done {
			return f
		}
	}
	line := text[begin:end]
	if isBlank(line) {
		return nil
	}
	l := b.layout
	it := fieldReader{line: line, sep: l.sep, buf: b.unescaped}
	n := 0
	b.wide = false
	for it.more() {
		if it.fault != nil {
			return it.fault
		}
		if n == len(l.target) {
			return faultf(it.at, "row has more fields than the first one (%d)", n)
		}
		switch t := l.target[n]; t {
		case labelField:
			if l.unread {
				break
			}
			if f := b.labels.token(it.field, it.at); f != nil {
				return f
			}
		case weightField:
			w, f := weightOf(it.field, it.at)
			if f != nil {
				return l.inColumn(n, f)
			}
			b.weigh(w)
		case ignoredField:
		case droppedField:
			if v, err := parseFloat(it.field); err != nil || v != 0 {
				b.dropped++
			}
		default:
			if f := b.field(t, n, it.field, it.at); f != nil {
				return f
			}
		}
		n++
	}
	b.unescaped = it.buf
	if n < len(l.target) {
		return faultf(len(line), "row has %d fields, the first one has %d", n, len(l.target))
	}
	return b.putRow()
}

// field sets column t of the row, which is field n of the line.
func (b *builder) field(t, n int, field []byte, at int) *fault {
	l := b.layout
	if b.hashes != nil && l.categorical[t] {
		b.hashCategory(t, field)
		return nil
	}
	if b.cats != nil && l.categorical[t] {
		if f := b.category(t, field, at); f != nil {
			return l.inColumn(n, f)
		}
		return nil
	}
	v, d, err := parseDecimal(field)
	switch {
	case err != nil && l.options.Missing != nil && missing(field):
		v, d = *l.options.Missing, long
	case err != nil || !isFinite(v):
		return l.badFeature(n, field, v, at)
	}
	b.set(t, v, d)
	return nil
}

// set sets column t of the row.
func (b *builder) set(t int, v float64, d decimal) {
	v, wide := b.kept(v, d)
	b.row[t] = v
	b.wide = b.wide || wide
}

// putRow ends the row with the values of its columns.
func (b *builder) putRow() *fault {
	switch {
	case b.hashes != nil || b.batch != nil:
		return b.putColumns()
	case b.cats == nil:
		b.putFull()
		return nil
	}
	for t, v := range b.row {
		if f := b.put(b.rowIDs[t], v, b.wide, 0); f != nil {
			return f
		}
	}
	return b.endRow()
}

// putFull ends a row that has a value for every column, perhaps 0.
func (b *builder) putFull() {
	unseen := b.unseen[:0]
	for _, t := range b.unseen {
		if b.row[t] == 0 {
			unseen = append(unseen, t)
		} else {
			b.ids.code(uint64(t))
		}
	}
	b.unseen = unseen
	values, others := 0, 0
	for _, v := range b.row {
		if v != 0 {
			values++
		}
		if v != 0 && v != 1 {
			others++
		}
	}
	switch {
	case b.wide:
		b.kind = values64
	case others > 0:
		b.kind = max(b.kind, values32)
	}
	if n := len(b.ends); n > 0 {
		values += int(b.ends[n-1])
	}
	b.ends = append(b.ends, uint32(values))
	b.full = append(b.full, b.row...)
}

// plainCSV adds the row of a line whose features are all short numbers without
// quotes or blanks, as most are. done is false where there is anything else.
func (b *builder) plainCSV(text []byte, begin, end int) (done bool, f *fault) {
	if begin == end || text[begin] == '#' || text[begin] == ' ' {
		return false, nil
	}
	l := b.layout
	b.wide = false
	text = text[:min(len(text), end+32)]
	label, labelEnd := -1, 0
	weight := float32(1)
	i, last := begin, len(l.target)-1
	for n, t := range l.target {
		next := i
		if t >= 0 {
			v, d, to, ok := shortDecimal(text, i)
			if !ok || to > end || to < end && text[to] != l.sep {
				if v, d, to, ok = otherDecimal(text, i, end, l.sep); !ok {
					return false, nil
				}
			}
			b.set(t, v, d)
			next = to
		} else {
			k := end - i
			if n < last {
				if k = bytes.IndexByte(text[i:end], l.sep); k < 0 {
					return false, nil
				}
			}
			if next = i + k; t == droppedField || bytes.IndexByte(text[i:next], '"') >= 0 {
				return false, nil
			}
			if t == labelField {
				label, labelEnd = i, next
			}
			if t == weightField {
				var f *fault
				if weight, f = weightOf(text[i:next], i-begin); f != nil { // blanks, or malformed
					return false, nil
				}
			}
		}
		if n == last && next != end || n < last && (next >= end || text[next] != l.sep) {
			return false, nil
		}
		i = next + 1
	}
	if label >= 0 && !l.unread {
		token := text[label:labelEnd]
		if len(bytes.Trim(token, " \t")) < len(token) {
			return false, nil
		}
		if f := b.labels.token(token, label-begin); f != nil {
			return true, f
		}
	}
	b.weigh(weight)
	return true, b.putRow()
}

// otherDecimal reads a field that is a number, however it is written. ok is false where
// it is none.
func otherDecimal(text []byte, i, end int, sep byte) (v float64, d decimal, next int, ok bool) {
	if i >= end || bytes.IndexByte([]byte("0123456789.-+"), text[i]) < 0 {
		return 0, long, 0, false
	}
	next = end
	if k := bytes.IndexByte(text[i:end], sep); k >= 0 {
		next = i + k
	}
	v, d, err := parseDecimal(text[i:next])
	return v, d, next, err == nil && isFinite(v)
}

// category sets column t of the row to a category.
func (b *builder) category(t int, field []byte, at int) *fault {
	id, ok, f := b.cats.id(t, field, at)
	if f != nil {
		return f
	}
	b.rowIDs[t], b.row[t] = id, 1
	if !ok {
		b.row[t] = 0
		b.dropped++
	}
	return nil
}

// inColumn says where a fault is.
func (l *layout) inColumn(n int, f *fault) *fault {
	return faultf(f.at, "column %s: %s", l.column(n), f.what)
}

// badFeature says what is wrong with field n.
func (l *layout) badFeature(n int, field []byte, v float64, at int) *fault {
	name := l.column(n)
	switch {
	case missing(field):
		return faultf(at, "column %s: the value is missing: remove the row, fill the value in, say what stands for it (data.missing), or leave the column out (data.ignore)", name)
	case !isFinite(v):
		return faultf(at, "column %s: %s is not finite", name, excerpt(field))
	}
	if l.sep == ';' {
		point := bytes.Replace(field, []byte(","), []byte("."), 1)
		if _, err := parseFloat(point); err == nil {
			return faultf(at, "column %s: %s is not a number: write it with a decimal point", name, excerpt(field))
		}
	}
	return faultf(at, "column %s: %s is not a number: list the column in data.categorical or, to leave it out, in data.ignore", name, excerpt(field))
}

// isBlank says whether a CSV line holds no row: nothing, or a comment.
func isBlank(line []byte) bool {
	line = bytes.Trim(line, " ")
	return len(line) == 0 || line[0] == '#'
}

// fieldReader cuts a CSV line into fields.
type fieldReader struct {
	line []byte
	sep  byte
	buf  []byte // holds a field whose quotes are doubled
	next int    // where the next field begins; beyond the line at its end

	field []byte // without quotes and, if not quoted, without blanks around it
	at    int    // where it begins
	fault *fault // the line is malformed here
}

// more reads the next field and returns false behind the last one. The field is
// valid until the next call.
func (r *fieldReader) more() bool {
	if r.next > len(r.line) {
		return false
	}
	i := r.next
	for i < len(r.line) && r.isSpace(r.line[i]) {
		i++
	}
	if i < len(r.line) && r.line[i] == '"' {
		r.quoted(i)
		return true
	}
	r.at = i
	end := i
	for ; end < len(r.line) && r.line[end] != r.sep; end++ {
		if r.line[end] == '"' {
			r.fault = faultf(end, "a quote inside a field that does not start with one")
		}
	}
	r.next = end + 1
	for end > i && r.isSpace(r.line[end-1]) {
		end--
	}
	r.field = r.line[i:end]
	return true
}

// quoted reads a field whose opening quote is at byte i.
func (r *fieldReader) quoted(i int) {
	r.at = i
	r.buf = r.buf[:0]
	rest := r.line[i+1:]
	plain := true // no doubled quote so far
	for {
		n := bytes.IndexByte(rest, '"')
		if n < 0 {
			r.fault = faultf(i, "the closing quote is missing (a newline inside quotes is not supported)")
			return
		}
		doubled := n+1 < len(rest) && rest[n+1] == '"'
		switch {
		case doubled:
			r.buf = append(r.buf, rest[:n+1]...)
			plain = false
			rest = rest[n+2:]
			continue
		case plain:
			r.field = rest[:n]
		default:
			r.buf = append(r.buf, rest[:n]...)
			r.field = r.buf
		}
		rest = rest[n+1:]
		break
	}
	end := len(r.line) - len(rest)
	for end < len(r.line) && r.isSpace(r.line[end]) {
		end++
	}
	if end < len(r.line) && r.line[end] != r.sep {
		r.fault = faultf(end, "text between a closing quote and the separator")
	}
	r.next = end + 1
}

// isSpace says whether c is dropped around a field.
func (r *fieldReader) isSpace(c byte) bool {
	return c == ' ' || c == '\t' && r.sep != '\t'
}
