package configs

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

const (
	maxDepth = 32 // of nested lists and tables
	maxDots  = 16 // parts of a dotted key
)

// A scanner reads the structure of a document - headers, keys, lists, inline
// tables, where strings end - and so knows the line of everything. What a
// string, number or boolean means is left to the toml package, which also has
// the last word on the document as a whole.
//
// The scanner goes on after a problem, so that all are found at once, and its
// limits keep the recursive parser behind it from deep documents.
type scanner struct {
	text     []byte
	pos      int
	breaks   []int // offsets of the newlines
	at       place // the line is filled in for each node
	problems Errors
	depth    int
	root     *node
	current  *node  // the table that keys go to
	prefix   string // its key
}

func newScanner(text []byte, at place) *scanner {
	s := &scanner{text: text, at: at, root: newTable(at)}
	for i, c := range text {
		if c == '\n' {
			s.breaks = append(s.breaks, i)
		}
	}
	s.current = s.root
	return s
}

// scan reads a document. With problems the tree holds what could be read.
func scan(name string, text []byte) (*node, Errors) {
	s := newScanner(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")), place{file: name})
	if len(text) > maxText {
		s.at.line = 0
		s.problems = Errors{{at: s.at, What: fmt.Sprintf("%d bytes is too large for a configuration: at most %d", len(text), maxText)}}
		return s.root, s.problems
	}
	if i := invalidUTF8(s.text); i >= 0 {
		s.fail(i, "", "the text is not valid UTF-8")
		return s.root, s.problems
	}
	for s.blank(); s.pos < len(s.text); s.blank() {
		if !s.statement() {
			s.resume()
		}
	}
	if len(s.problems) == 0 {
		s.confirm()
	}
	return s.root, s.problems
}

// confirm asks the toml package, which knows every rule of the language.
func (s *scanner) confirm() {
	var doc map[string]any
	line, err := decodeTOML(string(s.text), &doc)
	if err != nil {
		at := s.at
		at.line = max(1, line)
		s.problems = append(s.problems, Problem{at: at, What: printable(err.Error())})
	}
}

func invalidUTF8(text []byte) int {
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// place is that of an offset.
func (s *scanner) place(pos int) place {
	at := s.at
	if at.given != "" {
		return at
	}
	at.line, _ = slices.BinarySearch(s.breaks, pos)
	at.line++
	return at
}

func (s *scanner) fail(pos int, key, format string, args ...any) bool {
	s.problems = append(s.problems, Problem{at: s.place(pos), Key: key, What: fmt.Sprintf(format, args...)})
	return false
}

// statement reads a header or a key and its value, up to the end of the line.
func (s *scanner) statement() bool {
	s.depth = 0
	if s.text[s.pos] == '[' {
		return s.header()
	}
	return s.pair(s.current, s.prefix) && s.endLine()
}

func (s *scanner) header() bool {
	start, form := s.pos, table
	at := s.place(start)
	s.current, s.prefix = newTable(at), "" // if this fails, keys go nowhere
	s.pos++
	if s.peek() == '[' {
		s.pos++
		form = tables
	}
	path, ok := s.key()
	if !ok {
		return false
	}
	for range int(form - table + 1) {
		if s.peek() != ']' {
			return s.fail(start, "", "the section header is not closed with ]")
		}
		s.pos++
	}
	t, prefix := s.root, ""
	for i, k := range path {
		prefix = join(prefix, k)
		child := t.fields[k]
		switch {
		case i < len(path)-1 || child == nil:
			if t = s.step(t, k, prefix, start, form == tables && i == len(path)-1); t == nil {
				return false
			}
		case form == tables && child.kind == tables:
			t = newTable(at)
			child.items = append(child.items, t)
		case form == tables || child.kind != table || child.inline:
			return s.fail(start, prefix, "already set on line %d", child.at.line)
		case child.opened != 0:
			s.fail(start, prefix, "section already opened on line %d", child.opened)
			t = child
		default:
			t = child
		}
	}
	if t.opened == 0 {
		t.opened = at.line
	}
	s.current, s.prefix = t, prefix
	return s.endLine()
}

// step goes from a table to the one below it, making it if need be; nil if what
// is there is no table.
func (s *scanner) step(t *node, key, path string, pos int, list bool) *node {
	child := t.fields[key]
	switch {
	case child == nil:
		below := newTable(s.place(pos))
		child = below
		if list {
			child = &node{kind: tables, at: below.at, items: []*node{below}}
		}
		t.put(key, child)
		return below
	case child.kind == tables:
		return child.items[len(child.items)-1]
	case child.kind == table && !child.inline:
		return child
	}
	s.fail(pos, path, "already set on line %d", child.at.line)
	return nil
}

// pair reads "key = value" into a table.
func (s *scanner) pair(t *node, prefix string) bool {
	start := s.pos
	path, ok := s.key()
	if !ok {
		return false
	}
	full := prefix
	for _, k := range path {
		full = join(full, k)
	}
	if s.peek() != '=' {
		return s.fail(start, full, "no = after the key")
	}
	s.pos++
	s.spaces()
	value := s.value(full)
	if value == nil {
		value = &node{kind: broken}
	}
	value.at = s.place(start) // the line of the key, which is where a reader looks
	for _, k := range path[:len(path)-1] {
		prefix = join(prefix, k)
		if t = s.step(t, k, prefix, start, false); t == nil {
			return value.kind != broken
		}
	}
	last := path[len(path)-1]
	if old := t.fields[last]; old != nil {
		s.fail(start, full, "already set on line %d", old.at.line)
	} else {
		t.put(last, value)
	}
	return value.kind != broken
}

// key reads a dotted key and the blanks around it.
func (s *scanner) key() ([]string, bool) {
	var path []string
	for {
		s.spaces()
		start := s.pos
		switch c := s.peek(); {
		case c == '"' || c == '\'':
			end := s.quoted(start, false)
			if end < 0 {
				return nil, s.fail(start, "", "the quoted key is not closed")
			}
			s.pos = end
			v, _, err := decodeScalar(string(s.text[start:end]))
			part, ok := v.(string)
			if err != nil || !ok {
				return nil, s.fail(start, "", "the quoted key cannot be read")
			}
			path = append(path, part)
		default:
			for bareKey(s.peek()) {
				s.pos++
			}
			if s.pos == start {
				return nil, s.fail(start, "", "want a key, got %s", s.glimpse())
			}
			path = append(path, string(s.text[start:s.pos]))
		}
		if len(path) > maxDots {
			return nil, s.fail(start, "", "a key of more than %d parts", maxDots)
		}
		s.spaces()
		if s.peek() != '.' {
			return path, true
		}
		s.pos++
	}
}

// resume goes on after a statement that could not be read: at the next line,
// or, from inside a list or an inline table, at the next line that looks like a
// statement.
func (s *scanner) resume() {
	nested := s.depth > 0
	from := bytes.LastIndexByte(s.text[:s.pos], '\n') + 1
	if nested && len(bytes.TrimSpace(s.text[from:s.pos])) == 0 && s.startsStatement() {
		return
	}
	for {
		end := bytes.IndexByte(s.text[s.pos:], '\n')
		if end < 0 {
			s.pos = len(s.text)
			return
		}
		s.pos += end + 1
		if !nested || s.startsStatement() {
			return
		}
	}
}

// startsStatement says whether "key =" or "[section]" is next.
func (s *scanner) startsStatement() bool {
	line, _, _ := bytes.Cut(s.text[s.pos:], []byte("\n"))
	line = bytes.TrimSpace(line)
	probe := newScanner(bytes.TrimLeft(line, "["), place{})
	_, ok := probe.key()
	if bytes.HasPrefix(line, []byte("[")) {
		return ok && probe.peek() == ']' && line[len(line)-1] == ']'
	}
	return ok && probe.peek() == '='
}

// peek is the next byte; 0 at the end.
func (s *scanner) peek() byte {
	if s.pos < len(s.text) {
		return s.text[s.pos]
	}
	return 0
}

// glimpse shows in a message what stands at the scanner's position.
func (s *scanner) glimpse() string {
	rest, _, _ := bytes.Cut(s.text[s.pos:], []byte("\n"))
	rest = bytes.TrimSpace(rest)
	switch {
	case s.pos >= len(s.text):
		return "the end of the file"
	case len(rest) == 0:
		return "the end of the line"
	}
	r, _ := utf8.DecodeRune(rest)
	return fmt.Sprintf("%q", r)
}

func (s *scanner) spaces() {
	for s.peek() == ' ' || s.peek() == '\t' {
		s.pos++
	}
}

// blank skips blanks, newlines and comments.
func (s *scanner) blank() {
	for {
		s.spaces()
		switch c := s.peek(); {
		case c == '#':
			s.comment()
		case c == '\n' || c == '\r' && s.pos+1 < len(s.text) && s.text[s.pos+1] == '\n':
			s.pos++
		default:
			return
		}
	}
}

func (s *scanner) comment() {
	if end := bytes.IndexByte(s.text[s.pos:], '\n'); end >= 0 {
		s.pos += end
	} else {
		s.pos = len(s.text)
	}
}

// endLine wants nothing but blanks and a comment on the rest of the line.
func (s *scanner) endLine() bool {
	s.spaces()
	if s.peek() == '#' {
		s.comment()
	}
	rest := s.text[s.pos:]
	if len(rest) == 0 || rest[0] == '\n' || bytes.HasPrefix(rest, []byte("\r\n")) {
		return true
	}
	return s.fail(s.pos, "", "want the end of the line, got %s", s.glimpse())
}

// decodeScalar reads a string, number or boolean; line counts from 0 in raw.
func decodeScalar(raw string) (value any, line int, err error) {
	var doc map[string]any
	line, err = decodeTOML("v = "+raw, &doc)
	if err != nil {
		return nil, max(0, line-1), err
	}
	switch v := doc["v"].(type) {
	case string, int64, float64, bool:
		return v, 0, nil
	case time.Time:
		return nil, 0, errors.New("a date or time is not a value of any setting")
	}
	return nil, 0, errors.New("not a value")
}

// decodeTOML is toml.Decode that also gives the line of an error, and turns a
// panic of the parser about odd text into an error.
func decodeTOML(text string, doc *map[string]any) (line int, err error) {
	defer func() {
		if r := recover(); r != nil {
			line, err = 0, errors.New("the text is not valid TOML")
		}
	}()
	_, err = toml.Decode(text, doc)
	if pe := (toml.ParseError{}); errors.As(err, &pe) {
		return pe.Position.Line, errors.New(strings.ReplaceAll(pe.Message, "\n", `\n`))
	}
	return 0, err
}
