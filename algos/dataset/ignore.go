package dataset

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Ignored is a CSV column that is left out, as the first file has it.
type Ignored struct {
	Column int    `json:"column"`         // from 0, the label counted
	Name   string `json:"name,omitempty"` // "" without a header
}

// leaveOut finds the columns that Options.Ignore lists or, behind the first file and
// the training data, those that were left out there.
func (l *layout) leaveOut(fields []string, f *frame) error {
	l.left = make([]bool, len(fields))
	if f != nil {
		l.ignored = f.ignored
		for _, c := range f.ignored {
			if i := l.find(c, fields, f); i >= 0 && i != l.label && i != l.weight {
				l.left[i] = true
			}
		}
		return nil
	}
	for _, name := range l.options.Ignore {
		i, err := l.columnOf("data.ignore", name, fields)
		if err != nil {
			return err
		}
		if i == l.label {
			return fmt.Errorf("data.ignore: column %s is the label (data.label)", l.column(i))
		}
		if i == l.weight {
			return fmt.Errorf("data.ignore: column %s is the weight (data.weight)", l.column(i))
		}
		l.left[i] = true
	}
	for i, left := range l.left {
		switch {
		case left && l.columns != nil:
			l.ignored = append(l.ignored, Ignored{i, fields[i]})
		case left:
			l.ignored = append(l.ignored, Ignored{Column: i})
		}
	}
	return nil
}

// find returns the column of this file that was left out of the first one or the
// training data, -1 if it is not here: by name if both have names, else by place.
func (l *layout) find(c Ignored, fields []string, f *frame) int {
	place := c.Column
	if l.label < 0 && f.label != "" && c.Column > f.labelColumn {
		place-- // the label is not there
	}
	if l.weight < 0 && f.weight != "" && c.Column > f.weightColumn {
		place--
	}
	if l.columns == nil || !f.named {
		if place < len(fields) {
			return place
		}
		return -1
	}
	first := slices.Index(fields, c.Name)
	if first >= 0 && slices.Contains(fields[first+1:], c.Name) {
		if place < len(fields) && fields[place] == c.Name {
			return place
		}
		return -1
	}
	return first
}

// columnOf returns the column that a setting names or numbers.
func (l *layout) columnOf(setting, name string, fields []string) (int, error) {
	i, numbered := columnNumber(name)
	switch {
	case !numbered && l.columns == nil:
		return 0, fmt.Errorf(`%s: there is no header, so column %q needs a number, as "#0" for the first column`, setting, name)
	case !numbered:
		i = slices.Index(fields, name)
	}
	switch {
	case i < 0 && strings.Contains(name, ","):
		several := strings.Split(name, ",")
		for k, one := range several {
			several[k] = strconv.Quote(strings.TrimSpace(one))
		}
		return 0, fmt.Errorf("%s: there is no column %q: write several as [%s]", setting, name, strings.Join(several, ", "))
	case i < 0:
		return 0, fmt.Errorf("%s: there is no column %q: %s", setting, name, l.listColumns(fields, name))
	case i >= len(fields):
		return 0, fmt.Errorf("%s: there is no column %d (from 0), only %d columns", setting, i, len(fields))
	case !numbered && slices.Contains(fields[i+1:], name):
		return 0, fmt.Errorf(`%s: two columns have the name %q: give the number, as "#%d"`, setting, name, i)
	}
	return i, nil
}

// IgnoredNames returns the ignored columns by name, or as "#3".
func (a Info) IgnoredNames() []string {
	var names []string
	for _, c := range a.Ignored {
		if c.Name == "" {
			c.Name = "#" + strconv.Itoa(c.Column)
		}
		names = append(names, c.Name)
	}
	return names
}

// FileColumn returns the 0-based number, in the first CSV file, of column t of those
// that are neither the label nor the weight nor ignored.
func (a Info) FileColumn(t int) int {
	var others []int
	if !a.Unlabelled || a.Label != "" { // which is there, perhaps not looked at
		others = append(others, a.LabelColumn)
	}
	if a.WeightName != "" {
		others = append(others, a.WeightColumn)
	}
	for _, c := range a.Ignored {
		others = append(others, c.Column)
	}
	slices.Sort(others)
	for _, c := range others {
		t += b2i(c <= t)
	}
	return t
}

// checkIgnored returns an error if ignored columns that came from a peer are not in
// the order of the file.
func checkIgnored(ignored []Ignored) error {
	for k, c := range ignored {
		if c.Column < 0 || k > 0 && c.Column <= ignored[k-1].Column {
			return fmt.Errorf("dataset: bad info: ignored column %d is out of order", c.Column)
		}
	}
	return nil
}

// isColumn says whether a text can be the name or the number of a column.
func isColumn(name string) bool {
	_, ok := columnNumber(name)
	return ok || name != "" && !strings.HasPrefix(name, "#")
}
