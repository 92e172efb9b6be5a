package dataset

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
)

// NameList is the names of many things, ascending: as numbers where all are whole numbers,
// else by their bytes. It takes little memory where names are numbers, and little room in
// JSON. nil has none.
type NameList struct {
	numbers []uint64
	texts   []string // in place of numbers
}

// newNameList returns the list of names, which are in order.
func newNameList(texts []string) *NameList {
	l := &NameList{texts: texts}
	numbers := make([]uint64, 0, len(texts))
	for _, s := range texts {
		n, ok := wholeNumber(s)
		if !ok || len(numbers) > 0 && numbers[len(numbers)-1] >= n {
			return l
		}
		numbers = append(numbers, n)
	}
	return &NameList{numbers: numbers}
}

// wholeNumber reads a name that is a number below 2^63, written as programs write it.
func wholeNumber[T string | []byte](name T) (n uint64, ok bool) {
	if len(name) == 0 || len(name) > 19 || name[0] == '0' && len(name) > 1 {
		return 0, false
	}
	for i := range len(name) {
		c := name[i] - '0'
		if c > 9 {
			return 0, false
		}
		n = n*10 + uint64(c)
	}
	return n, n < 1<<63
}

// Len is the number of names.
func (l *NameList) Len() int {
	if l == nil {
		return 0
	}
	return max(len(l.numbers), len(l.texts))
}

// At is name i.
func (l *NameList) At(i int) string {
	if l.texts == nil {
		return strconv.FormatUint(l.numbers[i], 10)
	}
	return l.texts[i]
}

// All is a copy of the names.
func (l *NameList) All() []string {
	names := make([]string, l.Len())
	for i := range names {
		names[i] = l.At(i)
	}
	return names
}

// Find is where a name is.
func (l *NameList) Find(name string) (i int, ok bool) {
	if l == nil {
		return 0, false
	}
	if l.texts != nil {
		return slices.BinarySearch(l.texts, name)
	}
	n, ok := wholeNumber(name)
	if !ok {
		return 0, false
	}
	return slices.BinarySearch(l.numbers, n)
}

// Equal says whether two lists have the same names.
func (l *NameList) Equal(m *NameList) bool {
	if l == nil || m == nil {
		return l == m
	}
	return slices.Equal(l.numbers, m.numbers) && slices.Equal(l.texts, m.texts)
}

// MarshalJSON writes the list as a string: "n" or "t", and base64 of what each name has
// more than the one before it.
func (l *NameList) MarshalJSON() ([]byte, error) {
	var b []byte
	kind, last, before := "n", uint64(0), ""
	for _, n := range l.numbers {
		b = binary.AppendUvarint(b, n-last)
		last = n
	}
	if l.texts != nil {
		kind = "t"
	}
	for _, s := range l.texts {
		k := 0
		for k < min(len(s), len(before)) && s[k] == before[k] {
			k++
		}
		b = binary.AppendUvarint(b, uint64(k))
		b = binary.AppendUvarint(b, uint64(len(s)-k))
		b = append(b, s[k:]...)
		before = s
	}
	return json.Marshal(kind + base64.StdEncoding.EncodeToString(b))
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (l *NameList) UnmarshalJSON(text []byte) error {
	bad := errors.New("dataset: a list of names contradicts itself")
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	coded, numbers := strings.CutPrefix(s, "n")
	if !numbers {
		var ok bool
		if coded, ok = strings.CutPrefix(s, "t"); !ok {
			return bad
		}
	}
	b, err := base64.StdEncoding.DecodeString(coded)
	if err != nil {
		return bad
	}
	*l = NameList{}
	if numbers {
		l.numbers = []uint64{}
	} else {
		l.texts = []string{}
	}
	next := func() (n uint64) {
		var k int
		if n, k = binary.Uvarint(b); k <= 0 || n >= 1<<63 {
			b, err = nil, bad
			return 0
		}
		b = b[k:]
		return n
	}
	last, before := uint64(0), ""
	for len(b) > 0 {
		n := next()
		if numbers {
			if last += n; len(l.numbers) > 0 && n == 0 || last >= 1<<63 {
				return bad
			}
			l.numbers = append(l.numbers, last)
			continue
		}
		m := next()
		if n > uint64(len(before)) || m > uint64(len(b)) || n+m > maxWord {
			return bad
		}
		name := before[:n] + string(b[:m])
		if b = b[m:]; len(l.texts) > 0 && name <= before {
			return bad
		}
		l.texts, before = append(l.texts, name), name
	}
	return err
}

// nameSet is the names that a builder met, each with a code.
type nameSet struct {
	ids   idSet             // whole numbers; a word has an id of its own from firstWord on
	words map[string]uint32 // the codes of words
	texts []string          // of each word
}

// firstWord is the id of the first word.
const firstWord = 1 << 63

// code is that of a name.
func (s *nameSet) code(name []byte) uint32 {
	if n, ok := wholeNumber(name); ok {
		code, _ := s.ids.code(n)
		return code
	}
	code, ok := s.words[string(name)]
	if !ok {
		if s.words == nil {
			s.words = make(map[string]uint32)
		}
		code, _ = s.ids.code(firstWord + uint64(len(s.texts)))
		word := string(name)
		s.words[word], s.texts = code, append(s.texts, word)
	}
	return code
}

// text is the name of an id.
func (s *nameSet) text(id uint64) string {
	if id >= firstWord {
		return s.texts[id-firstWord]
	}
	return strconv.FormatUint(id, 10)
}
