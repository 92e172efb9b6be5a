package dataset

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxCategories is the largest number of categories of a column.
const MaxCategories = 1 << 20

// maxCategory is the longest category, in bytes.
const maxCategory = 1024

// Column is a CSV column that is neither the label nor ignored. A column of numbers is one feature;
// a categorical column is a feature for each of its categories, 1 where it applies.
type Column struct {
	Name        string   `json:"name,omitempty"` // "" without a header
	Categorical bool     `json:"categorical,omitempty"`
	Categories  []string `json:"categories,omitempty"` // sorted; "" stands for a missing value
}

// features returns how many features a column makes.
func (c Column) features() uint64 {
	if c.Categorical {
		return uint64(len(c.Categories))
	}
	return 1
}

// categoryOf returns the place of a category in its column.
func (c Column) categoryOf(name string) (int, bool) {
	return slices.BinarySearch(c.Categories, name)
}

// firstFeatures returns the id of each column's first feature, and behind the last
// one the number of features.
func firstFeatures(columns []Column) []uint64 {
	first := make([]uint64, len(columns)+1)
	for t, c := range columns {
		first[t+1] = first[t] + c.features()
	}
	return first
}

// mergeColumns returns the columns with the categories of a and b, which it does
// not change.
func mergeColumns(a, b []Column) ([]Column, error) {
	m := slices.Clone(a)
	for t, c := range b {
		more := false
		if len(c.Categories) > 0 && len(c.Categories) == len(a[t].Categories) && &c.Categories[0] == &a[t].Categories[0] {
			continue // of one reader, which has seen none since
		}
		for _, name := range c.Categories {
			if _, found := a[t].categoryOf(name); !found {
				more = true
				break
			}
		}
		if !more {
			continue
		}
		all := slices.Concat(a[t].Categories, c.Categories)
		slices.Sort(all)
		m[t].Categories = slices.Compact(all)
		if len(m[t].Categories) > MaxCategories {
			return nil, fmt.Errorf("dataset: column %s: %s", columnTitle(m, t), tooManyCategories)
		}
	}
	return m, nil
}

var tooManyCategories = fmt.Sprintf("more than %d categories: is this an identifier? Then leave the column out", MaxCategories)

// columnTitle names column t of the features in a message.
func columnTitle(columns []Column, t int) string {
	if columns[t].Name != "" {
		return strconv.Quote(columns[t].Name)
	}
	return fmt.Sprintf("%d of the features", t)
}

// sameColumns says whether two inputs have the same columns, whatever their
// categories.
func sameColumns(a, b []Column) bool {
	return slices.EqualFunc(a, b, func(x, y Column) bool {
		return x.Name == y.Name && x.Categorical == y.Categorical
	})
}

// checkColumns returns an error if columns that came from a peer contradict
// themselves or seen, the number of features.
func checkColumns(columns []Column, seen uint64) error {
	for t, c := range columns {
		sorted := sort.SliceIsSorted(c.Categories, func(i, j int) bool { return c.Categories[i] < c.Categories[j] })
		for k := 1; k < len(c.Categories) && sorted; k++ {
			sorted = c.Categories[k] != c.Categories[k-1]
		}
		if !sorted || len(c.Categories) > MaxCategories || !c.Categorical && c.Categories != nil {
			return fmt.Errorf("dataset: bad info: column %s: categories are not sorted, too many, or of numbers", columnTitle(columns, t))
		}
	}
	if n := firstFeatures(columns)[len(columns)]; columns != nil && n != seen {
		return fmt.Errorf("dataset: bad info: columns make %d features, not %d", n, seen)
	}
	return nil
}

// columnNames returns the name of each CSV column but the label, nil if there was
// no header.
func (a Info) columnNames() []string {
	if a.Columns == nil {
		return a.Names[:min(uint64(len(a.Names)), a.Seen)]
	}
	names := make([]string, len(a.Columns))
	some := false
	for t, c := range a.Columns {
		names[t] = c.Name
		some = some || c.Name != ""
	}
	if !some {
		return nil
	}
	return names
}

// columnCount returns the number of CSV columns but the label.
func (a Info) columnCount() int {
	if a.Columns == nil {
		return int(a.Seen)
	}
	return len(a.Columns)
}

// WithNames returns a with the name of every feature: those of the header, with
// categories column=value, or the given ones (of path) where the data has none.
// More names than features are left out. An error says that names lacks some or
// that the data has names of its own.
func (a Info) WithNames(names []string, path string) (Info, error) {
	switch {
	case names != nil && a.Hash > 0:
		return a, fmt.Errorf("dataset: %s: hashed features have no names: leave data.names out", path)
	case names == nil && a.Hash > 0 && a.Columns != nil:
	case names == nil && a.Columns != nil:
		a.Names = a.categoryNames()
	case names == nil:
	case a.Names != nil || a.Columns != nil:
		return a, fmt.Errorf("dataset: %s: the data has feature names of its own: leave data.names out", path)
	case a.Format == Docword && uint64(len(names)) != a.Features:
		return a, fmt.Errorf("dataset: %s has %d words, and the data %d: it is the vocabulary of other data", path, len(names), a.Features)
	case uint64(len(names)) < a.Features:
		return a, fmt.Errorf("dataset: %s has %d feature names, but there are %d features", path, len(names), a.Features)
	default:
		a.Names = names[:a.Features:a.Features]
	}
	return a, nil
}

// WithoutNames returns a as those need it who only compute: without names.
func (a Info) WithoutNames() Info {
	a.Names, a.RowNames = nil, nil
	return a
}

// categoryNames returns the names of the features of categorical data.
func (a Info) categoryNames() []string {
	names := make([]string, 0, a.Seen)
	for t, c := range a.Columns {
		name := a.columnName(t)
		if !c.Categorical {
			names = append(names, name)
		}
		for _, category := range c.Categories {
			if a.Format == Text {
				names = append(names, category)
				continue
			}
			names = append(names, name+"="+category)
		}
	}
	return names
}

// columnName returns the name of column t of the features, or its number in the file.
func (a Info) columnName(t int) string {
	if name := a.Columns[t].Name; name != "" {
		return name
	}
	return "#" + strconv.Itoa(a.FileColumn(t))
}

// categories numbers the categories that one builder meets. Until places are known
// from the columns of all parts, category k of a column has an id of its own beyond
// those of the columns.
type categories struct {
	columns  []map[string]uint64 // by column; nil for numbers
	owner    []uint32            // column of id len(columns)+i
	names    []string            // category of id len(columns)+i
	filled   []Column            // the columns with the first filledAt categories
	filledAt int
	known    bool // ids are those of the training data; others are dropped
}

func newCategories(columns []Column, known bool) *categories {
	c := &categories{columns: make([]map[string]uint64, len(columns)), known: known}
	if known {
		c.filled = columns
	}
	first := firstFeatures(columns)
	for t, column := range columns {
		if !column.Categorical {
			continue
		}
		c.columns[t] = make(map[string]uint64, len(column.Categories))
		if known {
			for k, name := range column.Categories {
				c.columns[t][name] = first[t] + uint64(k)
			}
		}
	}
	return c
}

// id returns the id of a field of categorical column t. ok is false if training
// did not have it.
func (c *categories) id(t int, field []byte, at int) (id uint64, ok bool, f *fault) {
	if missing(field) {
		field = nil
	}
	if id, ok = c.columns[t][string(field)]; ok || c.known {
		return id, ok, nil
	}
	switch {
	case len(field) > maxCategory || !utf8.Valid(field):
		return 0, false, faultf(at, "category %s is longer than %d bytes or not UTF-8", excerpt(field), maxCategory)
	case len(c.columns[t]) == MaxCategories:
		return 0, false, &fault{at, tooManyCategories}
	}
	name := string(field)
	id = uint64(len(c.columns) + len(c.names))
	c.columns[t][name] = id
	c.owner = append(c.owner, uint32(t))
	c.names = append(c.names, name)
	return id, true, nil
}

// fillIn returns columns with the categories met.
func (c *categories) fillIn(columns []Column) []Column {
	if c.known || c.filled != nil && c.filledAt == len(c.names) {
		return c.filled
	}
	columns = slices.Clone(columns)
	c.filled, c.filledAt = columns, len(c.names)
	for t, ids := range c.columns {
		if ids == nil {
			continue
		}
		columns[t].Categories = nil
		for name := range ids {
			columns[t].Categories = append(columns[t].Categories, name)
		}
		slices.Sort(columns[t].Categories)
	}
	return columns
}

// place returns the feature id that a local id has among all columns.
func (c *categories) place(id uint64, columns []Column, first []uint64) (uint64, bool) {
	if n := uint64(len(c.columns)); id >= n {
		t := c.owner[id-n]
		k, found := columns[t].categoryOf(c.names[id-n])
		return first[t] + uint64(k), found
	}
	return first[id], true
}

// categoricalColumns says which columns (but the label) hold categories, by the
// options; first is the first value of each, "" if it is missing.
func (l *layout) categoricalColumns(fields []string, first []string) ([]bool, error) {
	categorical := make([]bool, l.features)
	for _, name := range l.options.Categorical {
		if name == "*" {
			for i, t := range l.target {
				if t >= 0 && first[i] != "" {
					_, err := parseFloat([]byte(first[i]))
					categorical[t] = categorical[t] || err != nil
				}
			}
			continue
		}
		i, err := l.columnOf("data.categorical", name, fields)
		switch {
		case err != nil:
			return nil, err
		case i == l.label:
			return nil, fmt.Errorf("data.categorical: column %q is the label, whose words are classes anyway", name)
		case i == l.weight:
			return nil, fmt.Errorf("data.categorical: column %q is the weight (data.weight)", name)
		case l.left[i]:
			return nil, fmt.Errorf("data.categorical: column %q is in data.ignore, too", name)
		}
		categorical[l.target[i]] = true
	}
	return categorical, nil
}

// listColumns tells which columns there are, and which is most like name.
func (l *layout) listColumns(fields []string, name string) string {
	const most = 8
	list := strings.Join(fields[:min(most, len(fields))], ", ")
	if n := len(fields) - most; n > 0 {
		list += fmt.Sprintf(" and %d more", n)
	}
	if near := nearest(name, fields); name != "" && near != "" {
		return fmt.Sprintf("the nearest is %q of the columns %s", near, list)
	}
	return "the columns are " + list
}
