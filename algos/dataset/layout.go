package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
)

// lookAhead is the number of samples in which "*" looks for the first value of a column.
const lookAhead = 256

// layout is what the beginning of a file, the files before it and the options say
// about all of its lines. It is the same for every part.
type layout struct {
	options    Options // resolved
	format     string
	header     int64 // stream offset of the line of names, or of the last one before the data; -1 if there is none
	unlabelled bool
	unread     bool // labels are there and not looked at: unlabelled is true
	weighted   bool // LIBSVM: labels may have a weight behind a colon

	floor, limit uint64 // LIBSVM: indices stand in [floor, floor+limit)
	mask         uint64 // of feature ids

	listing // of what lists entries

	stop map[string]bool // words of Text that are left out

	sep         byte     // of Ratings: ':' stands for "::"
	label       int      // CSV column of the label; -1 if there is none
	labelName   string   // as in Options.Label
	weight      int      // CSV column of the weights; -1 if there is none
	weightName  string   // as in Options.Weight
	features    int      // columns but the label, the weight and those left out, of the first file or the training data
	names       []string // of the features; nil without header
	categorical []bool   // of the features; nil if there are no categories
	target      []int    // of each CSV column: its feature, labelField, weightField, droppedField or ignoredField
	left        []bool   // of each CSV column: it is left out
	ignored     []Ignored
	columns     []string // names of all columns as in the file; nil without header
}

// readLayout reads the first lines of a file. name is the file's without .gz or
// .zst, first the layout of the first file, nil for that itself.
func readLayout(lines *lineReader, name string, o Options, first *layout) (*layout, error) {
	l := &layout{options: o, format: o.Format, header: -1, label: -1, weight: -1, mask: o.mask()}
	line, off, err := firstLine(lines, false)
	if err == nil && isBanner(line) && (l.format == auto || l.format == MM) {
		l.format = MM
	} else if err == nil && isBlank(line) {
		line, off, err = firstLine(lines, true)
	}
	if err != nil {
		return nil, err
	}
	if l.format == auto {
		l.format = FormatOfName(name)
	}
	if like := o.Like; l.format == auto && like != nil && ofNoLine(like.Format) {
		l.format = like.Format
	}
	if l.format == auto {
		if l.format = formatOfLine(line); l.format == auto {
			return nil, faultAt(faultf(0, "this looks neither like LIBSVM nor like CSV: set data.format"))
		}
	}
	if err := l.agrees(first); err != nil {
		return nil, err
	}
	switch l.format {
	case Binary:
		return nil, errors.New("binary data cannot be read from a stream or a compressed file: name a file")
	case LIBSVM:
		l.setRange()
		l.judgeLabel(line, first)
		l.ignoreLabels()
		return l, nil
	case MM:
		l.unlabelled = o.Labels == ""
		return l, nil
	case Text:
		return l, l.readText(first)
	case Docword:
		return l, l.readDocword(lines, line, off)
	case Ratings:
		return l, l.readRatings(line, off)
	}
	err = l.readCSV(lines, line, off, first)
	l.ignoreLabels()
	return l, err
}

// agrees refuses another format than that of the first file or of the training data, and
// options that it cannot have.
func (l *layout) agrees(first *layout) error {
	if first != nil && first.format != l.format {
		return fmt.Errorf("the format is %s, that of the first file is %s: set data.format if that is wrong", l.format, first.format)
	}
	if like := l.options.Like; like != nil && like.Format != l.format && !l.options.Pairs && (like.Format != Binary || l.format != LIBSVM) {
		return fmt.Errorf("the format is %s, that of the training data is %s: set data.format if that is wrong", l.format, like.Format)
	}
	return l.options.suits(l.format)
}

// ignoreLabels makes labels that nobody wants none.
func (l *layout) ignoreLabels() {
	if l.options.Unsupervised && !l.unlabelled {
		l.unlabelled, l.unread = true, true
	}
}

// faultError carries a fault of the line that was read last.
type faultError struct{ *fault }

func (e faultError) Error() string { return e.what }

func faultAt(f *fault) error { return faultError{f} }

// layoutError names the file, and the line where there is one, in an error of
// readLayout.
func layoutError(path string, lines *lineReader, err error) error {
	var f faultError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &f):
		return &SyntaxError{path, lines.lines, f.at + 1, f.what}
	case err == errLongLine:
		return &SyntaxError{path, lines.lines + 1, 1, err.Error()}
	case lines.err != nil && lines.err != io.EOF && err == lines.err:
		return err // names the file
	}
	return fmt.Errorf("dataset: %s: %w", path, err)
}

// firstLine returns the next line that is not blank, and no comment unless
// comments are wanted.
func firstLine(lines *lineReader, noComment bool) (line []byte, off int64, err error) {
	for {
		line, off, err = lines.next()
		if err == io.EOF && lines.lines == 0 {
			return nil, 0, fmt.Errorf("the file is empty")
		}
		if err == io.EOF {
			return nil, 0, fmt.Errorf("there is no sample in the file")
		}
		if err != nil {
			return line, off, err
		}
		if text := bytes.Trim(line, " \t"); len(text) > 0 && (text[0] != '#' || !noComment) {
			return line, off, nil
		}
	}
}

// FormatOfName is the format that a file name without .gz and .zst tells, or "auto".
func FormatOfName(name string) string {
	if strings.HasPrefix(strings.ToLower(filepath.Base(name)), "docword.") {
		return Docword
	}
	switch strings.ToLower(filepath.Ext(name)) {
	case ".csv", ".tsv":
		return CSV
	case ".libsvm", ".svm", ".svmlight":
		return LIBSVM
	case ".mtx", ".mmt", ".mm":
		return MM
	case ".petuum":
		return Binary
	}
	return auto
}

// ofNoLine says whether no line tells the format: data that is read like such data, and
// whose name says nothing else, has it, too.
func ofNoLine(format string) bool { return format == Docword || format == Text || format == Ratings }

// formatOfLine judges the first line: a number, perhaps with a weight, and perhaps
// index:value, or only index:value, is LIBSVM; what has a separator otherwise is CSV.
func formatOfLine(line []byte) string {
	data, _, _ := bytes.Cut(line, []byte("#"))
	tokens := bytes.FieldsFunc(data[:min(len(data), 4096)], func(r rune) bool { return r == ' ' || r == '\t' })
	if len(tokens) > 0 {
		_, err := parseFloat(tokens[0])
		if err == nil && (len(tokens) == 1 || bytes.IndexByte(tokens[1], ':') > 0) || isWeighed(tokens[0]) {
			return LIBSVM
		}
	}
	if bytes.ContainsAny(line, ",\t;") {
		return CSV
	}
	return auto
}

// isPair says whether a token is index:value.
func isPair(token []byte) bool {
	index, value, found := bytes.Cut(token, []byte(":"))
	for _, c := range index {
		found = found && c-'0' <= 9
	}
	_, err := parseFloat(value)
	return found && len(index) > 0 && err == nil
}

// isWeighed says whether a token is label:weight, as index:value is, too.
func isWeighed(token []byte) bool {
	label, weight, found := bytes.Cut(token, []byte(":"))
	_, bad := parseFloat(label)
	_, worse := parseFloat(weight)
	return found && bad == nil && worse == nil
}

// judgeLabel finds out whether LIBSVM lines have labels, and these weights. The first
// sample of the input decides: what it has, a line that lacks it or has more is told from
// an error by that.
func (l *layout) judgeLabel(line []byte, first *layout) {
	if first != nil {
		l.unlabelled, l.unread, l.weighted = first.unlabelled, first.unread, first.weighted
		return
	}
	line, _, _ = bytes.Cut(line, []byte("#"))
	begin := skipBlanks(line, 0)
	end := tokenEnd(line, begin)
	l.unlabelled = l.options.Unlabelled && isPair(line[begin:end]) && l.mayBeIndex(line[begin:end], line[end:])
	l.weighted = !l.unlabelled && bytes.IndexByte(line[begin:end], ':') >= 0
}

// mayBeIndex says whether the first token of a line, index:value, is what it looks like
// and not label:weight: rest then has a larger index next.
func (l *layout) mayBeIndex(token, rest []byte) bool {
	index := func(token []byte) (uint64, bool) {
		digits, _, _ := bytes.Cut(token, []byte(":"))
		id, err := strconv.ParseUint(string(digits), 10, 63)
		return id, err == nil && isPair(token)
	}
	id, ok := index(token)
	begin := skipBlanks(rest, 0)
	next, more := index(rest[begin:tokenEnd(rest, begin)])
	return !ok || id >= l.floor && (!more || next > id)
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
	case features == 0 && o.Like == nil, o.Hash > 0:
		l.limit = maxIndex + 1
	case o.Base < 0:
		l.limit = features + 1 // until the base is known
	}
}

// info returns the facts that the layout of the first file settles.
func (l *layout) info() Info {
	o := &l.options
	info := Info{
		Format:       l.format,
		Features:     o.Features,
		Fixed:        o.Features > 0,
		Base:         o.Base,
		Unlabelled:   l.unlabelled,
		Positive:     o.Positive,
		Label:        l.labelName,
		WeightName:   l.weightName,
		WeightColumn: max(0, l.weight),
		LabelColumn:  max(0, l.label),
		Ignored:      l.ignored,
		Missing:      o.Missing,
		Float64:      o.Float64,
		Hash:         o.Hash,
		Sampled:      o.Stream && o.Like == nil,
	}
	if l.format != LIBSVM {
		info.Base = 0
	}
	if l.format == Text && o.limits() {
		info.MinRows, info.MaxShare = o.MinRows, o.MaxShare
	}
	switch {
	case ReadWhole(l.format):
	case o.Like != nil:
		info.Names, info.Columns = o.Like.Names, o.Like.Columns
	case l.categorical != nil:
		info.Columns = l.featureColumns()
	default:
		info.Names = l.names
	}
	return info
}

// featureColumns returns the columns but the label, without categories.
func (l *layout) featureColumns() []Column {
	columns := make([]Column, l.features)
	for t := range columns {
		if l.names != nil {
			columns[t].Name = l.names[t]
		}
		columns[t].Categorical = l.categorical != nil && l.categorical[t]
	}
	return columns
}
