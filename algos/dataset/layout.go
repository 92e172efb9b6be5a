package dataset

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// layout is what the beginning of a file and the options say about all of its
// lines. It is the same for every part.
type layout struct {
	options Options // resolved
	format  string
	bytes   int64 // length of the file as stored
	header  int64 // stream offset of the CSV header; -1 if there is none

	floor, limit uint64 // LIBSVM: indices stand in [floor, floor+limit)

	sep       byte
	label     int      // CSV column of the label
	labelName string   // as in Options.Label
	names     []string // of the features; nil without header
	features  int
	target    []int    // of each CSV column: its feature, labelField or droppedField
	columns   []string // names of all columns as in the file; nil without header
}

// readLayout reads the first lines of a file. name is the file's without .gz or .zst.
func readLayout(lines *lineReader, name string, size int64, o Options) (*layout, error) {
	l := &layout{options: o, format: o.Format, bytes: size, header: -1}
	line, off, err := firstLine(lines)
	if err != nil {
		return nil, err
	}
	if l.format == auto {
		l.format = formatOfName(name)
	}
	if l.format == auto {
		if l.format = formatOfLine(line); l.format == auto {
			return nil, faultAt(faultf(0, "this looks neither like LIBSVM nor like CSV: set the format"))
		}
	}
	if like := o.Like; like != nil && like.Format != l.format {
		return nil, fmt.Errorf("the format is %s, that of the training data is %s", l.format, like.Format)
	}
	if l.format == LIBSVM {
		l.setRange()
		return l, nil
	}
	if err := l.readCSV(line, off); err != nil {
		return nil, err
	}
	if l.header >= 0 {
		if _, _, err := firstLine(lines); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// faultError carries a fault of the line that was read last.
type faultError struct{ *fault }

func (e faultError) Error() string { return e.what }

func faultAt(f *fault) error { return faultError{f} }

// firstLine returns the next line that is not blank and no comment.
func firstLine(lines *lineReader) (line []byte, off int64, err error) {
	for {
		line, off, err = lines.next()
		if err == io.EOF && lines.lines == 0 {
			return nil, 0, fmt.Errorf("the file is empty")
		}
		if err == io.EOF {
			return nil, 0, fmt.Errorf("there is no sample in the file")
		}
		if err != nil || len(bytes.TrimLeft(line, " \t")) > 0 && !isBlank(line) {
			return line, off, err
		}
	}
}

func formatOfName(name string) string {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".csv", ".tsv":
		return CSV
	case ".libsvm", ".svm", ".svmlight":
		return LIBSVM
	}
	return auto
}

// formatOfLine judges the first line: a number and perhaps index:value is
// LIBSVM; what has a comma or a tab otherwise is CSV.
func formatOfLine(line []byte) string {
	data, _, _ := bytes.Cut(line, []byte("#"))
	tokens := bytes.FieldsFunc(data[:min(len(data), 4096)], func(r rune) bool { return r == ' ' || r == '\t' })
	if len(tokens) > 0 {
		_, err := parseFloat(tokens[0])
		if err == nil && (len(tokens) == 1 || bytes.IndexByte(tokens[1], ':') > 0) {
			return LIBSVM
		}
	}
	if bytes.ContainsAny(line, ",\t") {
		return CSV
	}
	return auto
}

// setRange sets which indices LIBSVM lines may have.
func (l *layout) setRange() {
	o := &l.options
	features := o.Features
	if o.Like != nil {
		o.Base, features = o.Like.Base, o.Like.Features
	}
	l.floor = uint64(max(0, o.Base))
	l.limit = features
	switch {
	case features == 0 && o.Like == nil:
		l.limit = maxIndex + 1
	case o.Base < 0:
		l.limit = features + 1 // until the base is known
	}
}

// readCSV finds separator, header, label and features in the first line.
func (l *layout) readCSV(line []byte, off int64) error {
	l.sep = ','
	if bytes.IndexByte(line, ',') < 0 && bytes.IndexByte(line, '\t') >= 0 {
		l.sep = '\t'
	}
	var fields []string
	it := fieldReader{line: line, sep: l.sep}
	for it.more() {
		if it.fault != nil {
			return faultAt(it.fault)
		}
		fields = append(fields, string(it.field))
	}
	if l.hasHeader(fields) {
		l.header, l.columns = off, fields
		if i := slices.IndexFunc(fields, func(s string) bool { return !utf8.ValidString(s) }); i >= 0 {
			return faultAt(faultf(0, "the name of column %d is not UTF-8", i))
		}
	}
	if err := l.findLabel(fields); err != nil {
		return err
	}
	l.labelName = "#" + strconv.Itoa(l.label)
	if l.columns != nil {
		if name := fields[l.label]; name != "" && name[0] != '#' {
			l.labelName = name
		}
	}
	l.target = make([]int, len(fields))
	for i := range fields {
		switch {
		case i == l.label:
			l.target[i] = labelField
			continue
		case i < l.label:
			l.target[i] = i
		default:
			l.target[i] = i - 1
		}
		if l.columns != nil {
			l.names = append(l.names, fields[i])
		}
	}
	l.features = len(fields) - 1
	if l.options.Like != nil {
		return l.matchColumns()
	}
	if f := l.options.Features; f > 0 && uint64(l.features) > f {
		return fmt.Errorf("there are %d feature columns, but features = %d", l.features, f)
	}
	return nil
}

// hasHeader decides whether the first line holds names.
func (l *layout) hasHeader(fields []string) bool {
	if l.options.Header != auto {
		return l.options.Header == "yes"
	}
	label := l.labelColumn(fields)
	number, numbered := columnNumber(l.options.Label)
	if !numbered && label >= 0 {
		return true
	}
	if !numbered {
		number = -1
		if l.options.Like != nil {
			number = l.options.Like.LabelColumn
		}
	}
	for i, s := range fields {
		if _, err := parseFloat([]byte(s)); err != nil && i != number && !missing([]byte(s)) {
			return true
		}
	}
	return false
}

// labelColumn returns the column that bears the name of the label, or -1.
func (l *layout) labelColumn(fields []string) int {
	names := []string{"y", "label", "class", "target"}
	if like := l.options.Like; like != nil && like.Label != "" && like.Label[0] != '#' {
		names = []string{like.Label}
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

// findLabel sets label. Without a header a label column of the training data
// is at the same place here.
func (l *layout) findLabel(fields []string) error {
	number, numbered := columnNumber(l.options.Label)
	like := l.options.Like
	if l.options.Label == "" && like != nil && (l.columns == nil || like.Label[:min(1, len(like.Label))] == "#") {
		number, numbered = like.LabelColumn, true
	}
	if numbered {
		if number >= len(fields) {
			return fmt.Errorf("the label is column %d (from 0), but there are %d columns", number, len(fields))
		}
		l.label = number
		return nil
	}
	if l.columns == nil && like != nil {
		l.label = like.LabelColumn
		return nil
	}
	if l.columns == nil {
		return fmt.Errorf(`there is no header, so the label column needs a number: set label to "#0" for the first column`)
	}
	l.label = l.labelColumn(fields)
	if l.label < 0 && l.options.Label != "" {
		return fmt.Errorf("there is no column %q for the label", l.options.Label)
	}
	if l.label < 0 && like != nil {
		return fmt.Errorf("there is no column %q, which is the label of the training data", like.Label)
	}
	if l.label < 0 {
		return fmt.Errorf(`there is no column y, label, class or target: set label to a column's name or "#number"`)
	}
	if slices.Contains(fields[l.label+1:], fields[l.label]) {
		return fmt.Errorf(`two columns have the name %q: set label to "#number"`, fields[l.label])
	}
	return nil
}

// matchColumns maps the columns to the features of the training data: by name
// if both have names, else by position.
func (l *layout) matchColumns() error {
	like := l.options.Like
	here, there := l.features, int(like.Seen)
	l.features = there
	names := l.names
	l.names = like.Names
	if names == nil || like.Names == nil || slices.Equal(names, like.Names) {
		if here != there {
			return fmt.Errorf("there are %d feature columns, in the training data %d", here, there)
		}
		return nil
	}
	feature := make(map[string]int, there)
	for t, name := range like.Names {
		if _, twice := feature[name]; twice {
			return fmt.Errorf("two columns of the training data have the name %q", name)
		}
		feature[name] = t
	}
	found := make([]bool, there)
	for i, name := range l.columns {
		if i == l.label {
			continue
		}
		t, ok := feature[name]
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
		return fmt.Errorf("column %q of the training data is missing", like.Names[t])
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
