package dataset

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxWord is the longest label that is not a number, in bytes.
const maxWord = 256

// labelSet collects the labels of one builder: a number and a class for each row.
// Classes are numbered here in the order in which they first occur.
type labelSet struct {
	values   []float64        // of each row since the last piece; 0 where the label is a word
	classes  []int32          // of each of these rows; nil while unlisted
	rows     uint64           // all
	words    map[string]int32 // the classes that are words
	numbers  map[float64]int32
	names    []string // of each class, the number in its shortest form
	counts   []uint64
	numeric  bool // no label was a word
	unlisted bool // numbers are not classes (any more): quantities, or too many
	tooMany  bool
	quantity bool      // words are refused
	positive string    // Options.Positive
	value    float64   // that as a number; NaN if it is none
	like     *Info     // training data: no other classes than these
	few      []float64 // the first classes, if they are numbers: most data has no more
}

func newLabelSet(o Options) *labelSet {
	l := &labelSet{
		words:    map[string]int32{},
		numbers:  map[float64]int32{},
		numeric:  true,
		unlisted: o.Quantity,
		quantity: o.Quantity,
		positive: o.Positive,
		value:    math.NaN(),
		like:     o.Like,
	}
	if l.positive != "" { // whatever the training data had: that these are the classes
		l.numeric, l.unlisted, l.like = false, false, nil
		l.add("!" + l.positive)
		l.add(l.positive)
		if v, err := parseFloat([]byte(l.positive)); err == nil {
			l.value = v
		}
		return l
	}
	if l.like == nil {
		return l
	}
	l.numeric = l.like.Numeric || l.like.Rows == 0
	l.unlisted = l.numeric && (o.Quantity || l.like.Classes == nil)
	if l.unlisted {
		return l
	}
	for _, class := range l.like.Classes {
		id := l.add(class)
		if v, err := strconv.ParseFloat(class, 64); err == nil {
			l.numbers[v] = id
			if len(l.few) == int(id) && id < 4 {
				l.few = append(l.few, v)
			}
		} else {
			l.words[class] = id
		}
	}
	return l
}

// add makes a class that no row has yet.
func (l *labelSet) add(name string) int32 {
	id := int32(len(l.names))
	l.names = append(l.names, name)
	l.counts = append(l.counts, 0)
	return id
}

// token adds a row whose label is written as s at byte at of its line.
func (l *labelSet) token(s []byte, at int) *fault {
	if missing(s) {
		return faultf(at, "the label is missing: remove the row or fill the label in")
	}
	if l.positive != "" {
		positive := string(s) == l.positive
		if !positive { // 1 and +1.0 are the same
			v, err := parseFloat(s)
			positive = err == nil && v == l.value
		}
		l.oneOfTwo(positive)
		return nil
	}
	if id, found := l.words[string(s)]; found { // spares strconv's error, an allocation
		l.addWord(id)
		return nil
	}
	v, err := parseFloat(s)
	switch {
	case !isFinite(v): // also numbers out of range
		return faultf(at, "label %s is not finite", excerpt(s))
	case err == nil:
		return l.number(v, at)
	}
	return l.word(s, at)
}

// oneOfTwo adds a row that is positive or not, where Options.Positive makes the classes.
func (l *labelSet) oneOfTwo(positive bool) {
	if positive {
		l.addWord(1)
	} else {
		l.addWord(0)
	}
}

// number adds a row whose label is the finite number v.
func (l *labelSet) number(v float64, at int) *fault {
	v += 0 // -0 becomes 0
	if l.positive != "" {
		l.oneOfTwo(v == l.value)
		return nil
	}
	if !l.unlisted {
		id, f := l.numberClass(v, at)
		if f != nil {
			return f
		}
		if !l.unlisted {
			l.counts[id]++
			l.classes = append(l.classes, id)
		}
	}
	l.values = append(l.values, v)
	l.rows++
	return nil
}

// numberClass returns the class of a number, or gives the classes up.
func (l *labelSet) numberClass(v float64, at int) (int32, *fault) {
	for id, u := range l.few {
		if u == v {
			return int32(id), nil
		}
	}
	id, found := l.numbers[v]
	switch {
	case found:
	case l.like != nil:
		return 0, l.unknown(strconv.FormatFloat(v, 'g', -1, 64), at)
	case len(l.names) == MaxClasses && !l.numeric:
		return 0, faultf(at, "more than %d distinct labels, and not all of them are numbers", MaxClasses)
	case len(l.names) == MaxClasses:
		l.unlist()
	default:
		id = l.add(strconv.FormatFloat(v, 'g', -1, 64))
		l.numbers[v] = id
		if len(l.few) == int(id) && id < 4 {
			l.few = append(l.few, v)
		}
	}
	return id, nil
}

// take returns what was collected since it was called last, in memory of its own.
func (l *labelSet) take() (values []float64, classes []int32) {
	values = slices.Clone(l.values)
	if !l.unlisted {
		classes = slices.Clone(l.classes)
	}
	l.values, l.classes = l.values[:0], l.classes[:0]
	return values, classes
}

// unlist gives up the classes, as there are too many for classes.
func (l *labelSet) unlist() {
	l.unlisted, l.tooMany = true, true
	l.classes, l.words, l.numbers, l.names, l.counts, l.few = nil, nil, nil, nil, nil, nil
}

// addWord adds a row of a class that is a word.
func (l *labelSet) addWord(id int32) {
	l.counts[id]++
	l.classes = append(l.classes, id)
	l.values = append(l.values, 0)
	l.rows++
}

// word adds a row whose label is no number and occurs for the first time.
func (l *labelSet) word(s []byte, at int) *fault {
	switch {
	case len(s) > maxWord || !utf8.Valid(s):
		return faultf(at, "label %s is longer than %d bytes or not UTF-8", excerpt(s), maxWord)
	case l.like != nil:
		return l.unknown(string(s), at)
	case l.quantity:
		return faultf(at, "label %s is not a number", excerpt(s))
	case l.unlisted && (l.tooMany || l.rows > 0):
		return faultf(at, "label %s is not a number, as those before it are", excerpt(s))
	case len(l.names) == MaxClasses:
		return faultf(at, "more than %d distinct labels, and %s is not a number", MaxClasses, excerpt(s))
	}
	l.numeric, l.unlisted = false, false
	id := l.add(string(s))
	l.words[string(s)] = id
	l.addWord(id)
	return nil
}

// unknown refuses a label that the training data does not have.
func (l *labelSet) unknown(label string, at int) *fault {
	if l.unlisted {
		return faultf(at, "label %s is not a number, as those of the training data are", excerpt([]byte(label)))
	}
	const most = 8
	classes := strings.Join(l.like.Classes[:min(most, len(l.like.Classes))], ", ")
	if len(l.like.Classes) > most {
		classes += ", ..."
	}
	if l.like.Sampled {
		return faultf(at, "label %s does not occur in the sample of the training data (%s): if it is right, set data.positive to the label of one of two classes", excerpt([]byte(label)), classes)
	}
	return faultf(at, "label %s does not occur in the training data (%s)", excerpt([]byte(label)), classes)
}

// fillIn sets the label fields of an Info, but for the sums of labels that are not
// classes.
func (l *labelSet) fillIn(info *Info) {
	info.Rows = l.rows
	info.Numeric, info.TooMany = l.numeric, l.tooMany
	if l.unlisted {
		return
	}
	counts := make(map[string]uint64, len(l.names))
	for id, name := range l.names {
		counts[name] = l.counts[id]
	}
	info.setClasses(counts)
}

// places returns the number in info of each class of this set; ok is false if
// info lacks one of them, or says otherwise of labels that are not classes.
func (l *labelSet) places(info Info) (to []int32, ok bool) {
	if info.Classes == nil {
		return nil, l.rows == 0 || info.Numeric && l.numeric
	}
	if l.unlisted {
		return nil, l.rows == 0
	}
	place := make(map[string]int32, len(info.Classes))
	for k, class := range info.Classes {
		place[class] = int32(k)
	}
	to = make([]int32, len(l.names))
	for id, name := range l.names {
		if to[id], ok = place[name]; !ok {
			return nil, false
		}
	}
	return to, true
}

// resolve adds the labels of a piece to a part, and their classes if info lists any,
// as info numbers them.
func (l *labelSet) resolve(info Info, p *piece, part *Part) {
	to, _ := l.places(info)
	if to == nil {
		part.Labels = append(part.Labels, p.labels...)
		return
	}
	label := make([]float64, len(to))
	for id, k := range to {
		label[id] = info.classLabel(int(k))
	}
	for _, id := range p.class {
		part.Class = append(part.Class, to[id])
		part.Labels = append(part.Labels, label[id])
	}
}

// moments are the label sums of an Info.
type moments struct {
	rows                      uint64
	sum, squares, least, most float64
}

func (m *moments) add(y float64) {
	m.rows++
	m.sum, m.squares = finite(m.sum+y), finite(m.squares+finite(y*y))
	if m.rows == 1 {
		m.least, m.most = y, y
	}
	m.least, m.most = min(m.least, y), max(m.most, y)
}

func (m *moments) fillIn(info *Info) {
	info.LabelSum, info.LabelSumSq, info.LabelMin, info.LabelMax = m.sum, m.squares, m.least, m.most
}

// missing says whether a CSV field holds no value.
func missing(s []byte) bool {
	return len(s) == 0 || string(s) == "NA"
}

// isFinite is false for NaN and infinities.
func isFinite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
