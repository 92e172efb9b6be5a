package configs

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// kind is the form of a value in TOML.
type kind int

const (
	scalar kind = iota
	array       // [1, 2]
	table       // [section], {a = 1}, or made by a dotted key
	tables      // [[section]]
	broken      // could not be read; the problem has been noted
)

// A node is a value of a document together with where it was written.
type node struct {
	kind   kind
	at     place
	value  any              // scalar: string, int64, float64 or bool
	items  []*node          // array, tables
	keys   []string         // table: in the order of the document
	fields map[string]*node // table
	opened int              // table: line of its [header]; 0 if it has none
	inline bool             // table: written as {...}, so closed
}

func newTable(at place) *node {
	return &node{kind: table, at: at, fields: map[string]*node{}}
}

// put sets a key of a table, in the place of what it had.
func (n *node) put(key string, child *node) {
	if _, ok := n.fields[key]; !ok {
		n.keys = append(n.keys, key)
	}
	n.fields[key] = child
}

// walk calls f with the key of each value below n, tables excepted.
func (n *node) walk(key string, f func(key string, n *node)) {
	if n.kind != table {
		f(key, n)
		return
	}
	for _, k := range n.keys {
		n.fields[k].walk(join(key, k), f)
	}
}

// describe names a value in a message: the string "x", the integer 3, a list.
func (n *node) describe() string {
	switch n.kind {
	case array:
		return "a list"
	case table:
		return "a table"
	case tables:
		return "a list of tables"
	}
	switch v := n.value.(type) {
	case string:
		return "the string " + strconv.Quote(shortened(v))
	case int64:
		return "the integer " + strconv.FormatInt(v, 10)
	case float64:
		return "the float " + formatFloat(v)
	case bool:
		return "the boolean " + strconv.FormatBool(v)
	}
	return "no value"
}

func shortened(s string) string {
	const most = 60
	if r := []rune(s[:min(len(s), (most+1)*utf8.UTFMax)]); len(r) > most {
		return string(r[:most]) + "..."
	}
	return s
}

// appendTOML writes the value in its one canonical form, on one line, the keys
// of tables in order.
func (n *node) appendTOML(b []byte) []byte {
	switch n.kind {
	case array, tables:
		b = append(b, '[')
		for i, item := range n.items {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = item.appendTOML(b)
		}
		return append(b, ']')
	case table:
		b = append(b, '{')
		for i, k := range slices.Sorted(slices.Values(n.keys)) {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = append(append(b, quoteKey(k)...), " = "...)
			b = n.fields[k].appendTOML(b)
		}
		return append(b, '}')
	}
	switch v := n.value.(type) {
	case string:
		return append(b, quote(v)...)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case float64:
		return append(b, formatFloat(v)...)
	case bool:
		return strconv.AppendBool(b, v)
	}
	return append(b, `""`...)
}

// formatFloat is the shortest TOML float that reads back the same.
func formatFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	s := strconv.FormatFloat(f, 'g', -1, 64)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}

// quote is s as a TOML basic string.
func quote(s string) string {
	const hex = "0123456789ABCDEF"
	b := []byte{'"'}
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\t':
			b = append(b, `\t`...)
		case r == '\r':
			b = append(b, `\r`...)
		case r < 0x20 || r == 0x7f:
			b = append(b, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return string(append(b, '"'))
}

// join appends a key to a dotted one.
func join(path, key string) string {
	if path == "" {
		return quoteKey(key)
	}
	return path + "." + quoteKey(key)
}

// quoteKey quotes a key only if it must be.
func quoteKey(key string) string {
	for _, c := range []byte(key) {
		if !bareKey(c) {
			return quote(key)
		}
	}
	if key == "" {
		return `""`
	}
	return key
}

func bareKey(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-'
}
