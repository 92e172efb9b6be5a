package command

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"petuum/algos/calibration"
	"petuum/algos/model"
	"petuum/consistency"
)

// shown is a model as petuum model show prints it.
type shown struct {
	Model      string             `json:"model"`
	Algorithm  string             `json:"algorithm"`
	Job        string             `json:"job"`
	Petuum     string             `json:"petuum"`
	Data       shownData          `json:"data"`
	Classes    []shownClass       `json:"classes,omitempty"`
	Parameters string             `json:"parameters"` // TOML
	Clock      consistency.Clock  `json:"clock"`
	Objective  *float64           `json:"objective"`
	Metrics    map[string]float64 `json:"metrics"`
	Path       []string           `json:"path,omitempty"` // the models of stages
	Tables     []shownTable       `json:"tables"`

	Calibration *calibration.Map `json:"calibration,omitempty"`
}

// shownData is the data that the model was trained on.
type shownData struct {
	Files    []string `json:"files"`
	Test     []string `json:"test,omitempty"`
	Format   string   `json:"format"`
	Label    string   `json:"label,omitempty"`
	Rows     uint64   `json:"rows"`
	Features uint64   `json:"features"`
	NonZeros uint64   `json:"nonzeros"`
}

// shownClass is a class of the training data.
type shownClass struct {
	Name     string `json:"name"`
	Rows     uint64 `json:"rows"`
	Positive bool   `json:"positive"` // the one whose probability is predicted
}

// shownTable is a table and its largest values.
type shownTable struct {
	Name     string     `json:"name"`
	Keys     uint64     `json:"keys"`
	Width    int        `json:"width"`
	Type     string     `json:"type"`
	Rule     string     `json:"rule"`
	Written  uint64     `json:"written"`
	NonZeros uint64     `json:"nonzeros"`
	Bytes    int64      `json:"bytes"`
	Columns  []string   `json:"columns,omitempty"` // names of the values of a key
	Largest  []shownRow `json:"largest"`
}

// shownRow is a key and its values.
type shownRow struct {
	Name   string         `json:"name"`
	Key    uint64         `json:"key"`
	Values []model.Number `json:"values"`
}

func (p *program) showModel(c *cli.Context) error {
	if c.Int("top") < 0 {
		return usagef("model show: --top %d: want 0 or more", c.Int("top"))
	}
	r, tables, err := openModel(c)
	if err != nil {
		return err
	}
	defer r.Close()
	s, err := show(r, c.Args().First(), tables, c.Int("top"))
	if err != nil {
		return err
	}
	if p.json {
		b, err := json.Marshal(s)
		if err != nil {
			return err
		}
		p.printed = true
		_, err = c.App.Writer.Write(append(b, '\n'))
		return err
	}
	return s.text(c.App.Writer, tables)
}

// show gathers what is to be said of a model; values are those of the listed
// tables.
func show(r *model.Reader, dir string, tables []string, top int) (*shown, error) {
	m := r.Manifest()
	s := &shown{Model: dir, Algorithm: m.Algorithm, Job: m.Job, Petuum: m.Petuum, Parameters: strings.TrimSpace(m.Parameters),
		Clock: m.Clock, Objective: m.Objective, Metrics: m.Metrics, Tables: []shownTable{}, Calibration: m.Calibration,
		Data: shownData{Files: []string{}, Test: m.Source.Test, Format: m.Data.Format, Label: m.Data.Label,
			Rows: m.Data.Rows, Features: m.Data.Features, NonZeros: m.Data.NonZeros}}
	for stage := range m.Path {
		s.Path = append(s.Path, model.StageDir(dir, stage))
	}
	for _, f := range m.Data.Files {
		s.Data.Files = append(s.Data.Files, f.Name)
	}
	for k, name := range m.Data.Classes {
		s.Classes = append(s.Classes, shownClass{name, m.Data.Counts[k], len(m.Data.Classes) == 2 && k == 1})
	}
	for _, t := range m.Tables {
		about := shownTable{Name: t.Name, Keys: t.Keys, Width: t.Width, Type: t.Type, Rule: t.Rule, Written: t.Written, Bytes: t.Binary.Bytes, Columns: t.Columns, Largest: []shownRow{}}
		n := top
		if !slices.Contains(tables, t.Name) {
			n = 0
		}
		nonzeros, rows, err := r.Largest(t.Name, n)
		if err != nil {
			return nil, err
		}
		about.NonZeros = nonzeros
		for _, row := range rows {
			values := make([]model.Number, len(row.Values))
			for i, v := range row.Values {
				values[i] = model.Number(v)
			}
			about.Largest = append(about.Largest, shownRow{m.KeyName(t, row.Key), row.Key, values})
		}
		s.Tables = append(s.Tables, about)
	}
	return s, nil
}

// text prints the model for people, with the values of the listed tables.
func (s *shown) text(out io.Writer, tables []string) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%s\t"+format+"\n", append([]any{name}, args...)...)
	}
	row("model", "%s", s.Model)
	row("algorithm", "%s, in job %s of petuum %s", s.Algorithm, s.Job, s.Petuum)
	d := s.Data
	files := ""
	if n := len(d.Files); n > 0 {
		files = d.Files[0] + ", "
		if n > 1 {
			files = fmt.Sprintf("%s and %d more files, ", d.Files[0], n-1)
		}
	}
	row("data", "%s%s, %d rows, %d features, %d values", files, d.Format, d.Rows, d.Features, d.NonZeros)
	if d.Label != "" {
		row("label", "%s", model.AppendName(nil, d.Label))
	}
	const most = 20
	for k, class := range s.Classes[:min(most, len(s.Classes))] {
		name, positive := "", ""
		if k == 0 {
			name = "classes"
		}
		if class.Positive {
			positive = ": the positive one, whose probability is predicted"
		}
		row(name, "%s, %d rows%s", model.AppendName(nil, class.Name), class.Rows, positive)
	}
	if n := len(s.Classes) - most; n > 0 {
		row("", "and %d more", n)
	}
	name, parameters := "parameters", s.Parameters
	if parameters == "" {
		parameters = "the defaults"
	}
	for line := range strings.SplitSeq(parameters, "\n") {
		row(name, "%s", line)
		name = ""
	}
	if s.Objective != nil {
		row("objective", "%.9g at clock %d", *s.Objective, s.Clock)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Metrics)) {
		row(name, "%.6g", s.Metrics[name])
	}
	if n := len(s.Path); n > 0 {
		row("path", "%d models of stages, %s to %s", n, s.Path[0], s.Path[n-1])
	}
	if s.Calibration != nil {
		row("calibration", "%s", calibrated(s.Calibration))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return s.values(out, tables)
}

// values prints the tables, and the largest values of those listed.
func (s *shown) values(out io.Writer, tables []string) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\ntable\tkeys\twidth\ttype\twritten\tnon-zeros\tbytes\n")
	for _, t := range s.Tables {
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%d\t%d\t%d\n", t.Name, t.Keys, t.Width, t.Type, t.Written, t.NonZeros, t.Bytes)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, t := range s.Tables {
		if len(t.Largest) == 0 {
			continue
		}
		what := fmt.Sprintf("the largest %d", len(t.Largest))
		if len(t.Largest) == 1 {
			what = "the largest"
		}
		fmt.Fprintf(w, "\n%s, %s by magnitude\n", t.Name, what)
		if len(t.Columns) > 0 {
			fmt.Fprintf(w, "  \t%s\n", few(len(t.Columns), func(b []byte, i int) []byte { return model.AppendName(b, t.Columns[i]) }))
		}
		for _, r := range t.Largest {
			fmt.Fprintf(w, "  %s\t%s\n", r.Name, numbers(r.Values))
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// numbers are values for people: the first few, in six digits.
func numbers(values []model.Number) string {
	return few(len(values), func(b []byte, i int) []byte { return strconv.AppendFloat(b, float64(values[i]), 'g', 6, 64) })
}

// few is the first of n things, in columns of their own, and how many there are.
func few(n int, item func(b []byte, i int) []byte) string {
	const most = 10
	var b []byte
	for i := range min(most, n) {
		if i > 0 {
			b = append(b, '\t')
		}
		b = item(b, i)
	}
	if n > most {
		b = fmt.Appendf(b, "\t... (%d)", n)
	}
	return string(b)
}
