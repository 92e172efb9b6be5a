package dataset

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// MaxClasses is the largest number of classes that are listed.
const MaxClasses = 1024

// Info is what is known of some parts of the input: of one after Scan, of all
// after Merge. It survives JSON unchanged. The zero value is of no part.
type Info struct {
	Format string `json:"format"` // LIBSVM, CSV or MM
	Files  []File `json:"files"`  // of the whole input, in its order; the same in all parts

	// Sampled is whether only some rows were read, from which Rows, NonZeros, Counts
	// and the sums of labels are estimates, and Classes and the extremes are what these
	// have (Options.Stream).
	Sampled bool `json:"sampled,omitempty"`

	// ByFeatures is whether parts are ranges of features, and each has all rows, labels and
	// weights; else they are ranges of rows.
	ByFeatures bool `json:"by_features,omitempty"`

	Rows uint64 `json:"rows"`

	// PartRows is the rows of each part, in the order in which they were merged; nil where
	// there are none to count, as parts are by features, streamed, or not parts of a job.
	PartRows []uint64 `json:"part_rows,omitempty"`

	NonZeros uint64 `json:"nonzeros"`          // stored values
	Dropped  uint64 `json:"dropped,omitempty"` // values of features that Options.Like does not have

	// Sums is the sum of the values of each feature over all rows, whatever their weights,
	// up to the last one seen; only with Options.Sums.
	Sums Sums `json:"sums,omitempty"`

	Features uint64 `json:"features"`        // as fixed by the options, else Seen
	Fixed    bool   `json:"fixed,omitempty"` // Features was fixed by the options
	Hash     int    `json:"hash,omitempty"`  // Options.Hash
	Seen     uint64 `json:"seen"`            // 1 + the largest feature id; the number of CSV columns without the label, the weight and Ignored
	Base     int    `json:"base"`            // index of feature id 0 in LIBSVM; 0 for CSV

	// The sum, sum of squares, smallest and largest of the labels as they stand in
	// Part.Labels, whatever the weights; 0 without rows. Sums stay finite: they stop at the largest float64.
	LabelSum   float64 `json:"label_sum"`
	LabelSumSq float64 `json:"label_sum_sq"`
	LabelMin   float64 `json:"label_min"`
	LabelMax   float64 `json:"label_max"`

	// Weight is the sum of the weights of the rows; without weights each has 1.
	Weight       float64   `json:"weight,omitempty"`
	Weighted     bool      `json:"weighted,omitempty"`      // a row has a weight other than 1
	ClassWeights []float64 `json:"class_weights,omitempty"` // sum of each class, where Weighted; see ClassWeight

	Unlabelled bool `json:"unlabelled,omitempty"` // there are no labels

	Numeric bool     `json:"numeric"`            // no label is a word
	Classes []string `json:"classes,omitempty"`  // sorted; nil if not listed
	Counts  []uint64 `json:"counts,omitempty"`   // rows of each class
	TooMany bool     `json:"too_many,omitempty"` // there are more than MaxClasses, all of them numbers

	Positive     string    `json:"positive,omitempty"`      // Options.Positive
	Label        string    `json:"label,omitempty"`         // CSV: the label column as in Options.Label
	LabelColumn  int       `json:"label_column,omitempty"`  // CSV: its 0-based number
	WeightName   string    `json:"weight_name,omitempty"`   // CSV: the column of the weights as in Options.Weight; "" if there is none
	WeightColumn int       `json:"weight_column,omitempty"` // CSV: its 0-based number
	Names        []string  `json:"names,omitempty"`         // of the features, in order of feature id: CSV with a header, or by WithNames
	RowNames     *NameList `json:"row_names,omitempty"`     // of the rows of all parts, in their order: the users of Ratings
	Ignored      []Ignored `json:"ignored,omitempty"`       // CSV: the columns that are left out, in their order
	Missing      *float64  `json:"missing,omitempty"`       // Options.Missing
	Float64      bool      `json:"float64,omitempty"`       // Options.Float64
	Columns      []Column  `json:"columns,omitempty"`       // CSV with categories: all columns but the label, the weight and Ignored; Names are made by WithNames
}

// File is a file of the input.
type File struct {
	Name   string `json:"name"`             // without folders
	Bytes  int64  `json:"bytes"`            // as stored
	Digest uint32 `json:"digest,omitempty"` // of samples of them; 0 where nobody needs it
}

// Bytes returns the length of the input as stored.
func (a Info) Bytes() (n int64) {
	for _, f := range a.Files {
		n += f.Bytes
	}
	return n
}

// input names the files in a message.
func (a Info) input() string {
	switch len(a.Files) {
	case 0:
		return "the input"
	case 1:
		return a.Files[0].Name
	}
	return fmt.Sprintf("%s and %d more", a.Files[0].Name, len(a.Files)-1)
}

// Merge returns the Info of the parts of a and those of b. It is associative:
// integers, classes and names come out the same in any grouping, and so do the
// label sums while classes are listed (they are counted, not summed); beyond
// that, and of weights, sums differ in the last bits, so callers merge in the order of parts.
// The error says which two facts cannot be of the same file and options.
func (a Info) Merge(b Info) (Info, error) {
	if a.Format == "" {
		return b, b.check()
	}
	if b.Format == "" {
		return a, a.check()
	}
	if err := errors.Join(a.check(), b.check()); err != nil {
		return Info{}, err
	}
	if err := a.sameFiles(b); err != nil {
		return Info{}, err
	}
	if a.Format == Ratings { // one part has the names
		if a.Names == nil {
			a.Names = b.Names
		}
		if a.RowNames == nil {
			a.RowNames = b.RowNames
		}
	} else if !slices.Equal(a.Names, b.Names) {
		return Info{}, fmt.Errorf("dataset: %s: parts disagree about the names of the features", a.input())
	}
	if a.ByFeatures {
		return a.mergeFeatures(b)
	}
	m := a
	m.Rows += b.Rows
	m.PartRows = a.joinRows(b)
	m.NonZeros += b.NonZeros
	m.Dropped += b.Dropped
	m.Base = min(a.Base, b.Base)
	m.Seen = max(a.seenFrom(m.Base), b.seenFrom(m.Base))
	if a.Columns != nil {
		var err error
		if m.Columns, err = mergeColumns(a.Columns, b.Columns); err != nil {
			return Info{}, err
		}
		m.Seen = firstFeatures(m.Columns)[len(m.Columns)]
	}
	if m.Columns != nil && m.Hash > 0 {
		m.Seen = m.Features
	}
	if !m.Fixed {
		m.Features = m.Seen
	} else if err := m.checkFeatures(); err != nil {
		return Info{}, err
	}
	m.mergeSums(a, b)
	m.Numeric = a.Numeric && b.Numeric
	m.TooMany = a.TooMany || b.TooMany
	m.addMoments(b)
	if err := m.mergeClasses(a, b); err != nil {
		return Info{}, err
	}
	m.mergeWeights(a, b)
	return m, nil
}

// joinRows is the rows of the parts of a and those of b, nil where they are not known.
func (a Info) joinRows(b Info) []uint64 {
	if a.PartRows == nil || b.PartRows == nil {
		return nil
	}
	return slices.Concat(a.PartRows, b.PartRows)
}

// firstRow is the number of the first row of part p among those of all parts.
func (a Info) firstRow(p int) (row uint64) {
	for _, n := range a.PartRows[:min(p, len(a.PartRows))] {
		row += n
	}
	return row
}

// sameFiles checks what is equal in all parts of one input.
func (a Info) sameFiles(b Info) error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("dataset: %s: "+format, append([]any{a.input()}, args...)...)
	}
	switch {
	case a.Format != b.Format:
		return bad("one part is %s, another %s", a.Format, b.Format)
	case !slices.Equal(a.Files, b.Files):
		return bad("parts are of different files: %s: give every machine the same files", a.otherFile(b))
	case a.Fixed != b.Fixed, a.Fixed && a.Features != b.Features:
		return bad("parts disagree about the number of features: %d and %d", a.Features, b.Features)
	case a.Label != b.Label, a.LabelColumn != b.LabelColumn, a.Unlabelled != b.Unlabelled:
		return bad("parts disagree about the label column: %q and %q", a.Label, b.Label)
	case a.WeightName != b.WeightName, a.WeightColumn != b.WeightColumn:
		return bad("parts disagree about the weight column: %q and %q", a.WeightName, b.WeightName)
	case !slices.Equal(a.Ignored, b.Ignored):
		return bad("parts disagree about the ignored columns")
	case (a.Missing == nil) != (b.Missing == nil), a.Missing != nil && *a.Missing != *b.Missing:
		return bad("parts disagree about what stands for missing numbers")
	case a.ByFeatures != b.ByFeatures:
		return bad("one part has some of the rows, another some of the features of all")
	case a.Float64 != b.Float64:
		return bad("parts disagree about float64")
	case a.Hash != b.Hash, a.Sampled != b.Sampled:
		return bad("parts disagree about hashed features, or whether they are streamed")
	case a.Positive != b.Positive:
		return bad("parts disagree about the positive label: %q and %q", a.Positive, b.Positive)
	case !sameColumns(a.Columns, b.Columns):
		return bad("parts disagree about the columns")
	}
	return nil
}

// otherFile says where the files of a and b begin to differ.
func (a Info) otherFile(b Info) string {
	for i := range min(len(a.Files), len(b.Files)) {
		switch x, y := a.Files[i], b.Files[i]; {
		case x.Name == y.Name && x.Bytes == y.Bytes && x.Digest != y.Digest:
			return fmt.Sprintf("%s is as long in one place as in another, but not the same", x.Name)
		case x != y:
			return fmt.Sprintf("%s of %d bytes and %s of %d bytes", x.Name, x.Bytes, y.Name, y.Bytes)
		}
	}
	return fmt.Sprintf("%d files and %d files", len(a.Files), len(b.Files))
}

// checkFeatures returns an error if there are more features than was fixed.
func (a Info) checkFeatures() error {
	switch {
	case a.Seen <= a.Features:
		return nil
	case a.Columns != nil:
		return fmt.Errorf("dataset: %s: the columns make %d features with their categories, but data.features is %d", a.input(), a.Seen, a.Features)
	}
	return fmt.Errorf("dataset: %s: index %d occurs, but features is fixed at %d and indices start at %d",
		a.input(), a.Seen-1+uint64(a.Base), a.Features, a.Base)
}

// seenFrom returns Seen when ids count from index base instead of a.Base.
func (a Info) seenFrom(base int) uint64 {
	if a.Seen == 0 {
		return 0
	}
	return a.Seen + uint64(a.Base) - uint64(base)
}

// addMoments adds b's label sums to those of m, whose Rows has those of b already.
func (m *Info) addMoments(b Info) {
	if m.Rows == b.Rows {
		m.LabelSum, m.LabelSumSq, m.LabelMin, m.LabelMax = b.LabelSum, b.LabelSumSq, b.LabelMin, b.LabelMax
	} else if b.Rows > 0 {
		m.LabelSum = finite(m.LabelSum + b.LabelSum)
		m.LabelSumSq = finite(m.LabelSumSq + b.LabelSumSq)
		m.LabelMin = min(m.LabelMin, b.LabelMin)
		m.LabelMax = max(m.LabelMax, b.LabelMax)
	}
}

// mergeClasses sets m's classes to those of a and b, both checked.
func (m *Info) mergeClasses(a, b Info) error {
	m.Classes, m.Counts = nil, nil
	if a.Unlabelled {
		return nil
	}
	unlisted := a.Classes == nil && a.Rows > 0 || b.Classes == nil && b.Rows > 0
	if unlisted {
		if !m.Numeric {
			return fmt.Errorf("dataset: %s: labels are words in one part and numbers that are no classes (quantities, or more than %d) in another", a.input(), MaxClasses)
		}
		return nil
	}
	counts := make(map[string]uint64, len(a.Classes)+len(b.Classes))
	for _, x := range []Info{a, b} {
		for k, class := range x.Classes {
			counts[class] += x.Counts[k]
		}
	}
	if len(counts) > MaxClasses {
		if !m.Numeric {
			return fmt.Errorf("dataset: %s: more than %d distinct labels, and not all of them are numbers: is this the label column (data.label)?", a.input(), MaxClasses)
		}
		m.TooMany = true
		return nil
	}
	m.setClasses(counts)
	return nil
}

// setClasses sorts the classes by m.Numeric and makes the label sums from them,
// which thereby do not depend on the grouping of parts.
func (m *Info) setClasses(counts map[string]uint64) {
	if len(counts) == 0 {
		return
	}
	m.Classes = make([]string, 0, len(counts))
	for class := range counts {
		m.Classes = append(m.Classes, class)
	}
	slices.SortFunc(m.Classes, m.compareClasses)
	m.Counts = make([]uint64, len(m.Classes))
	m.LabelSum, m.LabelSumSq, m.LabelMin, m.LabelMax = 0, 0, 0, 0
	first := true
	for k, class := range m.Classes {
		m.Counts[k] = counts[class]
		if m.Counts[k] == 0 {
			continue // a class of the training data only
		}
		n, y := float64(m.Counts[k]), m.classLabel(k)
		m.LabelSum = finite(m.LabelSum + n*y)
		m.LabelSumSq = finite(m.LabelSumSq + finite(n*finite(y*y)))
		if first || y < m.LabelMin {
			m.LabelMin = y
		}
		if first || y > m.LabelMax {
			m.LabelMax = y
		}
		first = false
	}
}

func (m *Info) compareClasses(x, y string) int {
	if !m.Numeric {
		return strings.Compare(x, y)
	}
	u, _ := strconv.ParseFloat(x, 64) // check has seen that these are numbers
	v, _ := strconv.ParseFloat(y, 64)
	switch {
	case u < v:
		return -1
	case u > v:
		return 1
	}
	return 0
}

// classLabel returns the number that stands for class k in Part.Labels.
func (m *Info) classLabel(k int) float64 {
	switch {
	case m.Numeric:
		v, _ := strconv.ParseFloat(m.Classes[k], 64)
		return v
	case len(m.Classes) == 2:
		return float64(2*k - 1)
	}
	return float64(k)
}

// check returns an error if a contradicts itself: it may come from a socket or
// a file. Info{} is in order.
func (a Info) check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("dataset: bad info: "+format, args...)
	}
	switch {
	case a.Format != "" && !isFormat(a.Format):
		return bad("format %q", a.Format)
	case a.Base != 0 && a.Base != 1:
		return bad("index base %d", a.Base)
	case a.Bytes() < 0, a.LabelColumn < 0, a.Seen > a.Features, a.Features > maxIndex+1:
		return bad("bytes %d, label column %d, %d of %d features seen", a.Bytes(), a.LabelColumn, a.Seen, a.Features)
	case a.Names != nil && uint64(len(a.Names)) != a.Seen && uint64(len(a.Names)) != a.Features:
		return bad("%d names for %d features", len(a.Names), a.Seen)
	case a.Unlabelled && (a.Classes != nil || !a.Numeric):
		return bad("classes of data without labels")
	case a.Missing != nil && !isFinite(*a.Missing):
		return bad("missing numbers are %g", *a.Missing)
	case len(a.Classes) != len(a.Counts), len(a.Classes) > MaxClasses, len(a.Classes) > 0 && a.TooMany:
		return bad("%d classes with %d counts", len(a.Classes), len(a.Counts))
	case a.TooMany && !a.Numeric, a.Rows > 0 && a.Classes == nil && !a.Numeric:
		return bad("labels are words but classes are not listed")
	}
	if a.Sums != nil && uint64(len(a.Sums)) != a.Seen {
		return bad("%d sums of %d features", len(a.Sums), a.Seen)
	}
	rows := a.firstRow(len(a.PartRows))
	if a.PartRows != nil && rows != a.Rows {
		return bad("parts have %d rows, all have %d", rows, a.Rows)
	}
	rows = 0
	for k, class := range a.Classes {
		if v, err := strconv.ParseFloat(class, 64); a.Numeric && (err != nil || !isFinite(v)) {
			return bad("class %q is not a finite number", class)
		}
		if k > 0 && a.compareClasses(a.Classes[k-1], class) >= 0 {
			return bad("class %q is not sorted behind %q", class, a.Classes[k-1])
		}
		rows += a.Counts[k]
	}
	if a.Classes != nil && rows != a.Rows {
		return bad("classes have %d rows, all have %d", rows, a.Rows)
	}
	if a.Hash > 0 { // whose columns have no features of their own
		return errors.Join(a.checkWeights(), checkIgnored(a.Ignored), a.checkHash())
	}
	return errors.Join(a.checkWeights(), checkIgnored(a.Ignored), checkColumns(a.Columns, a.Seen))
}

// finite returns v, or the largest number of its sign if v is infinite.
func finite(v float64) float64 {
	return max(-math.MaxFloat64, min(math.MaxFloat64, v))
}
