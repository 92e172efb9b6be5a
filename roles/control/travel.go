package control

import (
	"fmt"
	"strings"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/configs"
	"petuum/table"
)

// travel is how the configuration wants the values of tables to travel.
type travel struct {
	config *configs.Config
	wants  []want
}

// want is a setting for one table, or for all that can.
type want struct {
	key, text string // as in the configuration
	table     string // "": all
	set       func(*table.Spec)
}

// readTravel reads wire.encoding and wire.filter: values separated by commas, each
// for all tables or, after a name and a colon, for one.
func readTravel(c *configs.Config) (t travel, err error) {
	t.config = c
	read := func(key, text string, names []string, parse func(string) (func(*table.Spec), error)) {
		for item := range strings.SplitSeq(text, ",") {
			w := want{key: key, text: strings.TrimSpace(item)}
			var wrong error
			if w.set, wrong = parse(w.text); wrong != nil {
				name, value, ok := strings.Cut(w.text, ":")
				if set, err := parse(value); ok && err == nil {
					w.table, w.set, wrong = name, set, nil
				}
			}
			if wrong != nil {
				err = configs.Join(err, c.Refuse(key, wrong.Error(), names...))
				continue
			}
			t.wants = append(t.wants, w)
		}
	}
	read("wire.encoding", c.Wire.Encoding, table.EncodingNames(), func(s string) (func(*table.Spec), error) {
		e, err := table.ParseEncoding(s)
		return func(spec *table.Spec) {
			if spec.Encoding = e; e == table.Single && spec.Type == table.Float32 {
				spec.Encoding = table.Exact // that is what it is
			}
		}, err
	})
	read("wire.filter", c.Wire.Filter, nil, func(s string) (func(*table.Spec), error) {
		f, err := table.ParseFilter(s)
		return func(spec *table.Spec) { spec.Filter = f }, err
	})
	return t, err
}

// exact reports whether nothing asks for values that are rounded or kept back.
func (t travel) exact() bool {
	for _, w := range t.wants {
		s := table.Spec{Type: table.Float64}
		if w.set(&s); s.Lossy() {
			return false
		}
	}
	return true
}

// Tables is what the job's algorithm declares, with values that travel as the
// configuration says.
func Tables(c *configs.Config, a algos.Algorithm, info dataset.Info) ([]table.Spec, error) {
	specs, err := a.Tables(info)
	if err != nil {
		return nil, err
	}
	t, err := readTravel(c)
	if err != nil {
		return nil, err
	}
	for _, w := range t.wants {
		if c.From(w.key) == "default" {
			continue // what the algorithm declares counts
		}
		if err := t.apply(w, specs); err != nil {
			return nil, err
		}
	}
	return specs, nil
}

// apply sets a table as wanted. Where all are meant, those that cannot travel so
// stay as they are; it is an error if none can.
func (t travel) apply(w want, specs []table.Spec) error {
	var names []string
	var refused error
	done := false
	for i := range specs {
		names = append(names, specs[i].Name)
		if w.table != "" && specs[i].Name != w.table {
			continue
		}
		s := specs[i]
		if w.set(&s); s.Validate() != nil {
			refused = s.Validate()
			continue
		}
		specs[i], done = s, true
	}
	switch {
	case done:
		return nil
	case refused != nil:
		return t.config.Refuse(w.key, fmt.Sprintf("%q cannot be: %v", w.text, refused))
	}
	return t.config.Refuse(w.key, fmt.Sprintf("%q: %s has no table %q, but %s", w.text, t.config.Job.Algorithm, w.table, strings.Join(names, ", ")))
}
