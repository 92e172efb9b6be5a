package configs

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
)

// value reads the value of a key. A scalar that makes no sense is noted and
// comes back broken; nil means that the scanner lost its way.
func (s *scanner) value(key string) *node {
	if s.depth > maxDepth {
		s.fail(s.pos, key, "lists and tables are nested deeper than %d", maxDepth)
		return nil
	}
	switch c := s.peek(); c {
	case '[':
		return s.list(key)
	case '{':
		return s.inlineTable(key)
	case '"', '\'':
		start := s.pos
		end := s.quoted(start, true)
		if end < 0 {
			s.fail(start, key, "the string is not closed")
			return nil
		}
		s.pos = end
		return s.scalar(key, start, string(s.text[start:end]))
	}
	return s.bare(key)
}

// bare reads a value without brackets or quotes: up to a comment or the end of
// the line, inside brackets also up to what separates values there.
func (s *scanner) bare(key string) *node {
	stops := "#\n"
	if s.depth > 0 {
		stops = "#\n,]}"
	}
	start := s.pos
	end := bytes.IndexAny(s.text[start:], stops)
	if end < 0 {
		end = len(s.text) - start
	}
	s.pos += end
	raw := strings.TrimRight(string(s.text[start:s.pos]), " \t\r")
	if raw == "" {
		s.fail(start, key, "no value after =")
		return &node{kind: broken, at: s.place(start)}
	}
	return s.scalar(key, start, raw)
}

func (s *scanner) scalar(key string, start int, raw string) *node {
	n := &node{at: s.place(start)}
	v, line, err := decodeScalar(raw)
	if err == nil {
		n.value = v
		return n
	}
	n.kind = broken
	at := n.at
	at.line += line
	what := printable(err.Error())
	if first := rune(raw[0]); unicode.IsLetter(first) || first == '/' || first == '.' {
		what = fmt.Sprintf("%s is no TOML value: a string needs quotes, as %s", printable(raw), quote(shortened(raw)))
	}
	s.problems = append(s.problems, Problem{at: at, Key: key, What: what})
	return n
}

// quoted is the offset behind the string that starts at pos; -1 if it is not
// closed. Only a value may have three quotes and many lines.
//
//	"a\"b"   'a\'   """a "b" \""" c"""   '''a 'b' c'''
func (s *scanner) quoted(pos int, many bool) int {
	q := s.text[pos]
	closing := []byte{q, q, q}
	if many && bytes.HasPrefix(s.text[pos:], closing) {
		for i := pos + 3; i < len(s.text); i++ {
			switch {
			case s.text[i] == '\\' && q == '"':
				i++
			case bytes.HasPrefix(s.text[i:], closing):
				i += 3
				for range 2 { // one or two quotes may stand before the closing ones
					if i < len(s.text) && s.text[i] == q {
						i++
					}
				}
				return i
			}
		}
		return -1
	}
	for i := pos + 1; i < len(s.text) && s.text[i] != '\n'; i++ {
		switch {
		case s.text[i] == '\\' && q == '"':
			i++
		case s.text[i] == q:
			return i + 1
		}
	}
	return -1
}

func (s *scanner) list(key string) *node {
	n := &node{kind: array, at: s.place(s.pos)}
	start := s.pos
	s.pos++
	s.depth++
	for {
		s.blank()
		if s.peek() == ']' {
			break
		}
		if s.pos >= len(s.text) {
			s.fail(start, key, "the list is not closed with ]")
			return nil
		}
		item := s.value(fmt.Sprintf("%s[%d]", key, len(n.items)))
		if item == nil {
			return nil
		}
		n.items = append(n.items, item)
		if !s.separator(key, start, ']', "list") {
			return nil
		}
	}
	s.pos++
	s.depth--
	return n
}

func (s *scanner) inlineTable(key string) *node {
	n := newTable(s.place(s.pos))
	start := s.pos
	s.pos++
	s.depth++
	for {
		s.blank()
		if s.peek() == '}' {
			break
		}
		if s.pos >= len(s.text) {
			s.fail(start, key, "the table is not closed with }")
			return nil
		}
		if before := len(s.problems); !s.pair(n, key) && s.lost(before) {
			return nil
		}
		if !s.separator(key, start, '}', "table") {
			return nil
		}
	}
	n.close()
	s.pos++
	s.depth--
	return n
}

// lost says whether the scanner cannot go on after the problems from before on:
// a broken scalar has been read to its end, and a separator follows it.
func (s *scanner) lost(before int) bool {
	mark := s.pos
	s.blank()
	c := s.peek()
	s.pos = mark
	return len(s.problems) == before || c != ',' && c != '}'
}

// close marks a table and those below it as complete: no header or dotted key
// may add to them.
func (n *node) close() {
	n.inline = true
	for _, child := range n.fields {
		if child.kind == table {
			child.close()
		}
	}
}

// separator reads the comma behind an item, or leaves the closing bracket.
func (s *scanner) separator(key string, start int, closing byte, what string) bool {
	s.blank()
	switch {
	case s.peek() == ',':
		s.pos++
	case s.pos >= len(s.text):
		return s.fail(start, key, "the %s is not closed with %c", what, closing)
	case s.peek() != closing:
		return s.fail(s.pos, key, "want , or %c in the %s opened on line %d, got %s", closing, what, s.place(start).line, s.glimpse())
	}
	return true
}
