package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"
)

// frame is what the columns of a CSV file are matched to: the training data's or
// the first file's.
type frame struct {
	of           string // for messages
	columns      []Column
	named        bool
	label        string
	labelColumn  int
	weight       string // "" if there is none
	weightColumn int
	ignored      []Ignored
}

// frameOf returns what the columns of the next file must be like, nil if they are free.
func frameOf(like *Info, first *layout) *frame {
	switch {
	case like != nil:
		f := &frame{of: "the training data", columns: like.Columns, label: like.Label, labelColumn: like.LabelColumn,
			weight: like.WeightName, weightColumn: like.WeightColumn, ignored: like.Ignored}
		names := like.columnNames()
		f.named = names != nil
		if f.columns == nil {
			f.columns = make([]Column, like.columnCount())
			for t, name := range names {
				f.columns[t].Name = name
			}
		}
		return f
	case first != nil:
		return &frame{"the first file", first.featureColumns(), first.names != nil, first.labelName, max(0, first.label),
			first.weightName, max(0, first.weight), first.ignored}
	}
	return nil
}

// numbered says whether the label has no name.
func (f *frame) numbered() bool { return f.label != "" && f.label[0] == '#' }

// categorical says whether some column is.
func (f *frame) categorical() bool {
	return slices.ContainsFunc(f.columns, func(c Column) bool { return c.Categorical })
}

// readCSV finds separator, header, label and features in the first line, and which
// columns hold categories.
func (l *layout) readCSV(lines *lineReader, line []byte, off int64, first *layout) error {
	l.sep = separator(line)
	fields, f := l.fields(line)
	if f != nil {
		return faultAt(f)
	}
	frame := frameOf(l.options.Like, first)
	if l.hasHeader(fields, frame) {
		l.header, l.columns = off, fields
		if i := slices.IndexFunc(fields, func(s string) bool { return !utf8.ValidString(s) }); i >= 0 {
			return faultAt(faultf(0, "the name of column %d is not UTF-8", i))
		}
	}
	if err := l.findLabel(fields, frame); err != nil {
		return err
	}
	if err := l.findWeight(fields, frame); err != nil {
		return err
	}
	if err := l.leaveOut(fields, frame); err != nil {
		return err
	}
	l.unlabelled = l.label < 0
	if first != nil && l.unlabelled != first.unlabelled && !l.options.Unsupervised {
		return errors.New("either this file or the first one has no label column (data.label), the other one has")
	}
	l.setTargets(fields)
	samples := fields
	if l.header >= 0 {
		next, _, err := firstLine(lines, true)
		if err != nil {
			return err
		}
		samples, _ = l.fields(next)
	}
	if frame != nil {
		return l.match(frame)
	}
	if len(l.options.Categorical) > 0 {
		categorical, err := l.categoricalColumns(fields, l.firstValues(lines, samples))
		if err != nil {
			return err
		}
		if slices.Contains(categorical, true) {
			l.categorical = categorical
		}
	}
	if f := l.options.Features; f > 0 && uint64(l.features) > f {
		return fmt.Errorf("there are %d feature columns, but features = %d", l.features, f)
	}
	return nil
}

// separator returns the one of comma, tab and semicolon that occurs most outside of
// quotes, in this order where they are equal.
func separator(line []byte) byte {
	counts := [3]int{}
	quoted := false
	for _, c := range line {
		if c == '"' {
			quoted = !quoted
		}
		if i := bytes.IndexByte([]byte(",\t;"), c); i >= 0 && !quoted {
			counts[i]++
		}
	}
	best := 0
	for i, n := range counts {
		if n > counts[best] {
			best = i
		}
	}
	return ",\t;"[best]
}

// fields returns the fields of a line.
func (l *layout) fields(line []byte) (fields []string, f *fault) {
	it := fieldReader{line: line, sep: l.sep}
	for it.more() {
		if it.fault != nil {
			return nil, it.fault
		}
		fields = append(fields, string(it.field))
	}
	return fields, nil
}

// firstValues returns the first value of each column in the next samples, "" where
// all are missing. Malformed lines are reported when they are read again.
func (l *layout) firstValues(lines *lineReader, sample []string) []string {
	found := make([]string, len(l.target))
	for range lookAhead {
		open := false
		for i := range found {
			if found[i] == "" && i < len(sample) && !missing([]byte(sample[i])) {
				found[i] = sample[i]
			}
			open = open || found[i] == ""
		}
		if !open {
			break
		}
		line, _, err := firstLine(lines, true)
		if err != nil {
			break
		}
		sample, _ = l.fields(line)
	}
	return found
}

// hasHeader decides whether the first line holds names.
func (l *layout) hasHeader(fields []string, f *frame) bool {
	if l.options.Header != auto {
		return l.options.Header == "yes"
	}
	number, numbered := columnNumber(l.options.Label)
	if !numbered && l.labelColumn(fields, f) >= 0 {
		return true
	}
	if f != nil && f.categorical() && f.named {
		names := make(map[string]bool, len(f.columns)) // words tell nothing, names do
		for _, c := range f.columns {
			names[c.Name] = true
		}
		known := 0
		for _, s := range fields {
			known += b2i(names[s])
		}
		return 2*known >= len(fields)
	}
	words := map[int]bool{} // columns that may have words
	if f != nil && (!numbered || number == f.labelColumn) {
		number, numbered = f.labelPlace(len(fields)), true
	}
	if f != nil && len(fields) == len(f.columns)+len(f.ignored) {
		numbered = false // no column is the label
	}
	if numbered {
		words[number] = true
	}
	if f != nil {
		for i := range f.wordColumns(numbered, f.lacksWeight(len(fields))) {
			words[i] = true
		}
	}
	for _, name := range slices.Concat(l.options.Categorical, l.options.Ignore) {
		if i, ok := columnNumber(name); ok {
			words[i] = true
		}
	}
	for i, s := range fields {
		if _, err := parseFloat([]byte(s)); err != nil && !words[i] && !missing([]byte(s)) {
			return true
		}
	}
	return false
}

// wordColumns returns the columns that need not be numbers in a file that is laid out
// as the frame's, with label and weight or without.
func (f *frame) wordColumns(labelled, unweighed bool) map[int]bool {
	a := Info{Unlabelled: f.label == "", LabelColumn: f.labelColumn, WeightName: f.weight, WeightColumn: f.weightColumn, Ignored: f.ignored}
	words := map[int]bool{}
	for _, c := range f.ignored {
		words[c.Column] = true
	}
	for t, c := range f.columns {
		if c.Categorical {
			words[a.FileColumn(t)] = true
		}
	}
	shifted := map[int]bool{}
	for i := range words {
		noLabel := !labelled && f.label != "" && i > f.labelColumn
		noWeight := unweighed && i > f.weightColumn
		shifted[i-b2i(noLabel)-b2i(noWeight)] = true
	}
	return shifted
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// labelColumn returns the column that bears the name of the label, or -1.
func (l *layout) labelColumn(fields []string, f *frame) int {
	names := []string{"y", "label", "class", "target"}
	if f != nil && f.label != "" && !f.numbered() {
		names = []string{f.label}
	}
	if l.options.Label != "" {
		names = []string{l.options.Label}
	}
	for _, name := range names {
		if i := slices.Index(fields, name); i >= 0 {
			return i
		}
	}
	return -1
}

// findLabel sets label. Without a header a label column of the training data, or of
// the first file, is at the same place here.
func (l *layout) findLabel(fields []string, f *frame) error {
	o := &l.options
	number, numbered := columnNumber(o.Label)
	if f != nil && !numbered && (l.columns == nil || o.Label == "" && f.numbered()) {
		number, numbered = f.labelPlace(len(fields)), true
	} else if f != nil && numbered && number == f.labelColumn {
		number = f.labelPlace(len(fields))
	}
	switch {
	case numbered && o.Unlabelled && (number >= len(fields) || f != nil && len(fields) == len(f.columns)+len(f.ignored)):
		return nil
	case numbered && number >= len(fields):
		return fmt.Errorf("the label (data.label) is column %d (from 0), but there are %d columns: %s", number, len(fields), l.listColumns(fields, ""))
	case numbered:
		l.label = number
		return nil
	case l.columns == nil && o.Unlabelled && o.Label == "":
		return nil
	case l.columns == nil:
		return fmt.Errorf(`there is no header, so the label column needs a number: set data.label to "#0" for the first column (or data.header to "yes")`)
	}
	l.label = l.labelColumn(fields, f)
	switch {
	case l.label < 0 && o.Unlabelled:
		return nil
	case l.label < 0 && o.Label != "":
		return fmt.Errorf("there is no column %q for the label (data.label): %s", o.Label, l.listColumns(fields, o.Label))
	case l.label < 0 && f != nil && f.label != "":
		return fmt.Errorf("there is no column %q, which is the label of %s: %s", f.label, f.of, l.listColumns(fields, f.label))
	case l.label < 0:
		return fmt.Errorf(`there is no column y, label, class or target: set data.label to a column's name or "#number": %s`, l.listColumns(fields, ""))
	case slices.Contains(fields[l.label+1:], fields[l.label]):
		return fmt.Errorf(`two columns have the name %q: set data.label to "#number", as "#%d"`, fields[l.label], l.label)
	}
	return nil
}

// setTargets makes every column but the label, the weight and those left out a feature.
func (l *layout) setTargets(fields []string) {
	if l.label >= 0 {
		l.labelName = "#" + strconv.Itoa(l.label)
		if name := fields[l.label]; l.columns != nil && name != "" && name[0] != '#' {
			l.labelName = name
		}
	}
	l.target = make([]int, len(fields))
	for i := range fields {
		if i == l.label {
			l.target[i] = labelField
			continue
		}
		if i == l.weight {
			l.target[i] = weightField
			continue
		}
		if l.left[i] {
			l.target[i] = ignoredField
			continue
		}
		l.target[i] = l.features
		l.features++
		if l.columns != nil {
			l.names = append(l.names, fields[i])
		}
	}
}

// match maps the columns to those of a frame: by name if both have names, else by
// position.
func (l *layout) match(f *frame) error {
	here, names := l.features, l.names
	l.features, l.names = len(f.columns), nil
	for _, c := range f.columns {
		if f.named {
			l.names = append(l.names, c.Name)
		}
		l.categorical = append(l.categorical, c.Categorical)
	}
	if !f.categorical() {
		l.categorical = nil
	}
	if names == nil || !f.named || slices.Equal(names, l.names) {
		if here != l.features {
			return fmt.Errorf("there are %d feature columns, in %s %d", here, f.of, l.features)
		}
		return nil
	}
	feature := make(map[string]int, l.features)
	for t, name := range l.names {
		if _, twice := feature[name]; twice {
			return fmt.Errorf("two columns of %s have the name %q", f.of, name)
		}
		feature[name] = t
	}
	found := make([]bool, l.features)
	for i, name := range l.columns {
		if i == l.label || i == l.weight || l.left[i] {
			continue
		}
		t, ok := feature[name]
		if !ok && l.options.Like == nil {
			return fmt.Errorf("column %q is not in %s: %s", name, f.of, l.listColumns(l.names, name))
		}
		if !ok {
			l.target[i] = droppedField
			continue
		}
		if found[t] {
			return fmt.Errorf("two columns have the name %q", name)
		}
		found[t], l.target[i] = true, t
	}
	if t := slices.Index(found, false); t >= 0 {
		return fmt.Errorf("column %q of %s is missing: %s", l.names[t], f.of, l.listColumns(l.columns, l.names[t]))
	}
	return nil
}

// column names a CSV column in a message.
func (l *layout) column(i int) string {
	if l.columns != nil && l.columns[i] != "" {
		return excerpt([]byte(l.columns[i]))
	}
	return strconv.Itoa(i)
}
