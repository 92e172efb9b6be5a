package dataset

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The formats of Options.Format and Info.Format.
const (
	LIBSVM = "libsvm"
	CSV    = "csv"
	MM     = "mm" // MatrixMarket
)

const (
	auto = "auto"

	// maxIndex is the largest index of a LIBSVM line, and bounds Features.
	maxIndex = 1<<63 - 1
)

// Options says how files are to be read. The zero value reads 0-based LIBSVM, CSV
// or MatrixMarket, told apart by name and first line; Defaults also finds out the
// index base.
type Options struct {
	// Format is "libsvm", "csv", "mm", "binary", or "auto" (also ""): what the file name without
	// .gz and .zst says, and failing that what the first line looks like.
	Format string

	// Label is the CSV column of the label: its name, or "#3" for the column of
	// that 0-based number. "" is the first of y, label, class and target that exists.
	Label string

	// Weight is the CSV column of the weights of the rows, given like Label; "" is
	// none. Test data may lack it: its rows have weight 1 then.
	Weight string

	// Header says whether CSV starts with a line of names: "yes", "no", or "auto"
	// (also ""): yes if the line names the label column or has a word where data
	// has a number.
	Header string

	// Categorical lists the CSV columns whose values are categories, each a feature
	// of its own: by name, as "#3", or "*" for every column but the label whose first
	// value is not a number. Columns of the training data stay what they are there.
	Categorical []string

	// Ignore lists the CSV columns that are left out, by name or as "#3". They are
	// neither read nor missed in further files and in test data.
	Ignore []string

	// Missing, unless nil, is the number that stands for a missing one in a CSV column
	// of numbers; else it is an error.
	Missing *float64

	// Float64 keeps every number as float64, also where float32 holds what the text says.
	Float64 bool

	// Labels is the path of the labels of MatrixMarket data: a MatrixMarket vector,
	// or text with a label a line.
	Labels string

	// Weights is the path of the weights of MatrixMarket rows, given like Labels.
	Weights string

	// Unlabelled allows data without labels: CSV without the label column, LIBSVM
	// lines that start with index:value, MatrixMarket without Labels. The first
	// sample decides for all, see the package comment.
	Unlabelled bool

	// Unsupervised takes data with labels or without, which are not looked at: the data
	// is as if it had none. Data like that is read so, too (Like).
	Unsupervised bool `json:",omitempty"`

	// Base is the smallest index of LIBSVM, 0 or 1; -1 is 1 unless an index 0 is
	// seen anywhere in the input.
	Base int

	// Features is the number of features; an index beyond it is an error. 0 counts them.
	Features uint64

	// Hash, unless 0, takes the ids of features modulo 2^Hash, which is then the number
	// of features; values of a row whose ids become equal add up. Indices are not mixed
	// (they count from 0 unless Base is 1), columns of numbers keep their numbers, and
	// a category is hashed by its name "column=category" (see the package comment).
	Hash int `json:",omitempty"`

	// Stream reads only some rows of each part to know what is in it; all others are
	// read as the algorithm goes on (see Stream).
	Stream bool `json:",omitempty"`

	// Document is what a row of Text is: a line (OneLine, also ""), or a file (OneFile). Paths
	// may be those of folders then, of which every file counts, at any depth, and the format
	// is Text if it is "auto".
	Document string `json:",omitempty"`

	// MinLength is the least number of letters of a word of Text; 0 is 1.
	MinLength int `json:",omitempty"`

	// StopWords says which words of Text are left out: English, "" for none, or else the
	// path of a file of them, with blanks or ends of lines between.
	StopWords string `json:",omitempty"`

	// MinRows is the least number of documents that have a word of Text, in all parts
	// together; MaxShare is the largest share of them, 0 being 1. Others are left out.
	// With Like the words are those of the training data.
	MinRows  uint64  `json:",omitempty"`
	MaxShare float64 `json:",omitempty"`

	// Columns says that parts are used by columns only (see Part.ByColumn): nothing is
	// kept by rows.
	Columns bool `json:",omitempty"`

	// Sums adds up the values of each feature (Info.Sums).
	Sums bool `json:",omitempty"`

	// ByFeatures allows data whose parts are ranges of features with all rows
	// (Info.ByFeatures). Scan refuses it without.
	ByFeatures bool `json:",omitempty"`

	// Positive, unless "", makes two classes of whatever labels there are: this one,
	// and "!" with its name, which is every other. The first is the later class;
	// in Part.Labels they are +1 and -1, of which Quantity does not complain.
	Positive string

	// Quantity says that labels are quantities (regression) and not classes: they
	// are not listed, a test file may have any number, and a word is an error.
	Quantity bool

	// Like is the merged Info of the training data when a test file is read. It
	// decides about base, features, names and classes, overriding Base and
	// Features. Features that training did not have are dropped and counted
	// (Info.Dropped); a class that it did not have is an error.
	Like *Info

	// Pairs gives each line of Ratings as a row of its own, in the order of the files: for
	// a Reader, with Like, of which rows and features are (Part.RowOf). The one value of a
	// row is 1, at the feature, and there is none if Like does not have it. Labels are the
	// ratings, if there are any.
	Pairs bool `json:",omitempty"`

	// Cache is a folder where parsed parts are kept, to be mapped when the same files
	// are scanned with the same options again; "" keeps none.
	Cache string `json:",omitempty"`

	chunk int64 // bytes that are read at a time; 0 is chunkSize
	clock int64 // ns that the clock of the cache's folder is to be ahead
}

// Defaults returns options that find out everything from the file.
func Defaults() Options {
	return Options{Format: auto, Header: auto, Base: -1}
}

// resolved returns o with "" replaced by "auto", or an error that names every
// impossible option.
func (o Options) resolved() (Options, error) {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("dataset: "+format, args...))
	}
	if o.Format == "" {
		o.Format = auto
	}
	if o.Pairs && o.Format == auto {
		o.Format = Ratings
	} else if o.Pairs && o.Format != Ratings {
		bad("format %q: pairs are a user and an item a line: want ratings", o.Format)
	}
	if o.Header == "" {
		o.Header = auto
	}
	if o.Format != auto && !isFormat(o.Format) {
		bad("format %q: want auto, libsvm, csv, mm, binary, docword, ratings or text", o.Format)
	}
	if o.Header != auto && o.Header != "yes" && o.Header != "no" {
		bad("header %q: want auto, yes or no", o.Header)
	}
	if o.Base < -1 || o.Base > 1 {
		bad("base %d: want -1 (auto), 0 or 1", o.Base)
	}
	if o.Features > maxIndex {
		bad("features %d: want less than 2^63", o.Features)
	}
	if strings.HasPrefix(o.Label, "#") {
		if _, ok := columnNumber(o.Label); !ok {
			bad("label %q: want a column name, or # and a column number from 0", o.Label)
		}
	}
	if o.Weight != "" && !isColumn(o.Weight) {
		bad("weight %q: want a column name, or # and a column number from 0", o.Weight)
	}
	if len(o.Positive) > maxWord || !utf8.ValidString(o.Positive) || o.Positive != "" && strings.Trim(o.Positive, "!") == "" {
		bad("positive %q: want a label", o.Positive)
	}
	for _, name := range o.Categorical {
		if _, ok := columnNumber(name); strings.HasPrefix(name, "#") && !ok {
			bad("categorical %q: want a column name, # and a column number from 0, or *", name)
		}
	}
	for _, name := range o.Ignore {
		if !isColumn(name) {
			bad("ignore %q: want a column name, or # and a column number from 0", name)
		}
	}
	switch {
	case o.Document != "" && o.Document != OneLine && o.Document != OneFile:
		bad("document %q: want line or file", o.Document)
	case o.ofFiles() && o.Format == auto:
		o.Format = Text
	case o.ofFiles() && o.Format != Text:
		bad("a document in each file: format is %q, want text", o.Format)
	}
	if !(o.MaxShare >= 0 && o.MaxShare <= 1) {
		bad("max_share %g: want more than 0, and at most 1", o.MaxShare)
	}
	if o.Missing != nil && !isFinite(*o.Missing) {
		bad("missing %g: want a finite number", *o.Missing)
	}
	if o.Like != nil {
		if err := o.Like.check(); err != nil {
			bad("training info: %w", err)
		} else if o.Like.Format == "" {
			bad("training info: it is of no data")
		} else if like, err := o.Like.Settled(); err != nil {
			bad("training info: %w", err)
		} else {
			o.Like = &like
		}
		o.Positive, o.Missing, o.Float64, o.Hash = o.Like.Positive, o.Like.Missing, o.Like.Float64, o.Like.Hash
	}
	if o.Unsupervised = o.Unsupervised || o.Like != nil && o.Like.Unlabelled; o.Unsupervised {
		o.Unlabelled, o.Labels, o.Positive, o.Quantity = true, "", "", false
	}
	o, err := o.hashed()
	if err != nil {
		bad("%w", err)
	}
	return o, errors.Join(errs...)
}

// Validate returns an error that names every impossible option.
func (o Options) Validate() error {
	_, err := o.resolved()
	return err
}

func isFormat(format string) bool {
	return format == LIBSVM || format == CSV || format == MM || format == Binary || format == Docword || format == Ratings || format == Text
}

// suits refuses options that data of a format cannot have.
func (o Options) suits(format string) error {
	switch {
	case format != CSV && len(o.Categorical) > 0 && o.Like == nil:
		return fmt.Errorf("data.categorical is for columns of CSV, but the format is %s", format)
	case format != CSV && len(o.Ignore) > 0 && o.Like == nil:
		return fmt.Errorf("data.ignore is for columns of CSV, but the format is %s", format)
	case format != CSV && o.Weight != "" && o.Like == nil:
		return fmt.Errorf("data.weight is for columns of CSV, but the format is %s", format)
	case format != CSV && o.Missing != nil && o.Like == nil:
		return fmt.Errorf("data.missing is for CSV, but the format is %s", format)
	case (listsEntries(format) || format == Text) && !o.Unlabelled:
		return fmt.Errorf("%s have no labels, and the algorithm learns from labels", map[string]string{Docword: "documents", Text: "documents", Ratings: "ratings"}[format])
	case format == Text && o.Features > 0 && o.Like == nil:
		return errors.New("data.features is not for text, whose words are counted")
	case format == Ratings && o.Features > 0 && o.Like == nil:
		return errors.New("data.features is not for ratings, whose items are counted")
	case (listsEntries(format) || format == Text) && o.Stream:
		return fmt.Errorf("%s data is read as a whole, and not for algorithms that stream", format)
	case (ReadWhole(format) || format == Binary || format == Text) && o.Hash > 0:
		return fmt.Errorf("data.hash is for LIBSVM and CSV, but the format is %s", format)
	case format == Binary && o.Stream:
		return errors.New("binary data is mapped, and not for algorithms that stream")
	case format != MM && o.Labels != "":
		return fmt.Errorf("data.labels is for MatrixMarket data, but the format is %s", format)
	case format != MM && o.Weights != "":
		return fmt.Errorf("data.weights is for MatrixMarket data, but the format is %s", format)
	}
	return nil
}

// columnNumber reads "#3".
func columnNumber(label string) (int, bool) {
	digits, found := strings.CutPrefix(label, "#")
	if !found {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 31)
	return int(n), err == nil
}

// SyntaxError is a malformed place of the input.
type SyntaxError struct {
	File   string
	Line   int64 // from 1
	Column int   // in bytes, from 1
	What   string
}

// Error returns "dataset: file:line:column: what".
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("dataset: %s:%d:%d: %s", e.File, e.Line, e.Column, e.What)
}

// nearest returns the name of the first thousand that is most like name, "" if there are none.
func nearest(name string, names []string) string {
	const most = 1000 // bounds the work
	best, least := "", -1
	for _, n := range names[:min(most, len(names))] {
		if d := edits(name, n); least < 0 || d < least {
			best, least = n, d
		}
	}
	return best
}

// edits is the edit distance of the first 64 bytes, cases being equal.
func edits(s, t string) int {
	s, t = strings.ToLower(s[:min(64, len(s))]), strings.ToLower(t[:min(64, len(t))])
	row := make([]int, len(t)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(s) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(t) {
			changed := diagonal
			if s[i] != t[j] {
				changed++
			}
			diagonal = row[j+1]
			row[j+1] = min(changed, row[j]+1, diagonal+1)
		}
	}
	return row[len(t)]
}

// fault is a SyntaxError before its line is known: what is wrong at byte at
// (from 0) of a line.
type fault struct {
	at   int
	what string
}

func faultf(at int, format string, args ...any) *fault {
	return &fault{at, fmt.Sprintf(format, args...)}
}

// excerpt returns token quoted, and cut if it is long.
func excerpt(token []byte) string {
	const most = 40
	if len(token) > most {
		return strconv.Quote(string(token[:most])) + "..."
	}
	return strconv.Quote(string(token))
}
