package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/roles/predict"
)

func (p *program) predictCommand() *cli.Command {
	return &cli.Command{
		Name: "predict", Category: groupModels, Usage: "apply a model to data", Action: p.predict, ArgsUsage: "[FILE...]",
		Flags: append(rowFlags("predict"), []cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`file` for the predictions, compressed if it ends in .gz or .zst", DefaultText: "stdout"},
			&cli.BoolFlag{Name: "score", Usage: "one more column, or one for each of many classes: the raw score, for two classes mostly the log-odds", DisableDefaultText: true},
			&cli.BoolFlag{Name: "probabilities", Usage: "one more column for each class: its probability", DisableDefaultText: true},
			&cli.BoolFlag{Name: "ignore-labels", Usage: "labels are placeholders, any numbers: no metrics", DisableDefaultText: true},
			&cli.IntFlag{Name: "top", Usage: "of factor models: for each user so `many` items, those of the highest scores; takes no data", DefaultText: "off"},
			&cli.StringFlag{Name: "users", Usage: "with --top: `file` of users, one a line", DefaultText: "all of the training data"},
			&cli.StringSliceFlag{Name: "seen", Usage: "with --top: `file` of ratings, as the training data, whose items their users are not given; may be repeated"},
			p.asJSON("print rows, metrics and seconds as one JSON object on stdout; predictions are then written with --output only"),
		}...),
		Description: "Data is read as the training data was, a batch of rows at a time: neither it nor the\npredictions need to fit into memory. Each row gives a line, with tabs between its columns\n" +
			"under a line of names: class and probability (of the later of two classes, or of the one of\nmany that is named), or prediction. A calibration of the model is applied. Data may lack labels;\nwhere it has them, metrics go to stderr. The auc keeps 8 bytes a row, for two classes.\n\n" +
			"For factor models data is lines of user, item and, if metrics are wanted, rating: each gives a\nprediction, within the range of the ratings of the training data. Of users or items that the model\n" +
			"does not have, the mean and what is known of the other are taken; dropped counts such lines. With\n--top a line is a user, then item and score in turn, best first; such scores have no bounds.\n\n" +
			"   petuum predict --model out/logreg-a9a --data new.libsvm.gz --output new.tsv\n   zcat new.csv.gz | petuum predict --model out/lasso-diabetes --data -\n" +
			"   petuum predict --model out/mf-anime --data pairs.tsv\n   petuum predict --model out/mf-anime --top 10 --users users.txt --seen train.tsv --seen test.tsv",
	}
}

// rowFlags say which model, and which data and how it is to be read.
func rowFlags(verb string) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "model", Aliases: []string{"m"}, Usage: "`directory` of the model"},
		&cli.StringSliceFlag{Name: "data", Aliases: []string{"d"}, Usage: "`file` to " + verb + "; - is stdin; may be repeated, and files may follow as arguments"},
		&cli.StringFlag{Name: "format", Usage: "`format` of the data, as data.format of a job", DefaultText: "what the name of the file says, else that of the training data"},
		&cli.StringFlag{Name: "label", Usage: "label `column`, as data.label of a job", DefaultText: "that of the training data"},
		&cli.StringFlag{Name: "header", Usage: "a `word`, whether CSV starts with names: auto, yes or no", DefaultText: "as for the training data"},
		&cli.IntFlag{Name: "base", Usage: "`index` of the first feature in LIBSVM, 0 or 1", DefaultText: "that of the training data"},
		&cli.StringFlag{Name: "labels", Usage: "`file` with the labels of MatrixMarket data", DefaultText: "none"},
	}
}

// rowArguments are the model and the data that rowFlags name.
func rowArguments(c *cli.Context, name string) (dir string, data []string, err error) {
	dir, data = c.String("model"), append(c.StringSlice("data"), c.Args().Slice()...)
	switch {
	case dir == "":
		err = usagef("%s: which model? --model DIR", name)
	case len(data) == 0:
		err = usagef("%s: which data? --data FILE, or --data - for stdin", name)
	case slices.Contains(data, "-") && len(data) > 1:
		err = usagef("%s: stdin (-) goes with no other data", name)
	case c.IsSet("base") && c.Int("base") != 0 && c.Int("base") != 1:
		err = usagef("%s: --base %d: want 0 or 1", name, c.Int("base"))
	}
	return dir, data, err
}

// predicted is what petuum predict --json prints.
type predicted struct {
	Model     string             `json:"model"`
	Algorithm string             `json:"algorithm"`
	Rows      uint64             `json:"rows"`
	Labelled  bool               `json:"labelled"`
	Dropped   uint64             `json:"dropped"` // values of features that the model does not have; pairs of which it does not have one
	Metrics   map[string]float64 `json:"metrics"`
	Classes   []string           `json:"classes,omitempty"`   // the rows and columns of Confusion
	Confusion [][]uint64         `json:"confusion,omitempty"` // [i][j]: rows of class i that were said to be of class j
	Seconds   float64            `json:"seconds"`
	Output    string             `json:"output"` // "" if predictions were not written to a file

	paired bool // rows are pairs
}

func (p *program) predict(c *cli.Context) error {
	if c.IsSet("top") {
		return p.list(c)
	}
	for _, name := range []string{"users", "seen"} {
		if c.IsSet(name) {
			return usagef("predict: --%s: it goes with --top", name)
		}
	}
	began := time.Now()
	path := c.String("output")
	dir, data, err := rowArguments(c, "predict")
	if err != nil {
		return err
	}
	if err := apart("predict: --output", path, data); err != nil {
		return err
	}
	m, err := predict.OpenModel(dir, p.algorithms)
	if err != nil {
		return err
	}
	defer m.Close()
	lines := predict.Lines{Score: c.Bool("score"), Probabilities: c.Bool("probabilities")}
	if lines.Probabilities && !m.Probable() {
		return usagef("predict: --probabilities: %s", improbable(m))
	}
	rows, err := openData(c, data, m.Options())
	if err != nil {
		return flagged(err)
	}
	defer rows.Close()
	var in predict.Rows = rows
	if c.Bool("ignore-labels") {
		in = unlabelled{rows}
	}
	found := predicted{Model: dir, Algorithm: m.Manifest().Algorithm, Output: path, paired: m.Paired()}
	run := func(w io.Writer) error {
		lines.W = w
		result, err := m.Run(c.Context, in, lines)
		found.Rows, found.Metrics = result.Rows, result.Metrics
		if found.Confusion = result.Confusion; found.Confusion != nil {
			found.Classes = m.Manifest().Data.Classes
		}
		return err
	}
	if p.json && path == "" {
		err = run(nil)
	} else {
		err = toFile(c.App.Writer, path, run)
	}
	if err != nil {
		return flagged(err)
	}
	found.Labelled, found.Dropped, found.Seconds = len(found.Metrics) > 0, rows.Info().Dropped, time.Since(began).Seconds()
	if p.json {
		p.printed = true
		return json.NewEncoder(c.App.Writer).Encode(found)
	}
	return found.text(c.App.ErrWriter)
}

// improbable says why a model tells no probabilities.
func improbable(m *predict.Model) string {
	if m.Task == algos.Margin {
		return "the scores of this model are none until it is calibrated: petuum model calibrate"
	}
	return m.Manifest().Algorithm + " predicts quantities"
}

// apart refuses an output, of this flag, that is one of the inputs.
func apart(flag, path string, data []string) error {
	out, err := os.Stat(path)
	if err != nil || !out.Mode().IsRegular() {
		return nil
	}
	for _, name := range data {
		if in, err := os.Stat(name); err == nil && os.SameFile(in, out) {
			return usagef("%s %s would replace the data", flag, path)
		}
	}
	return nil
}

// openData opens the data, to be read like the training data but for what flags
// say.
func openData(c *cli.Context, data []string, o dataset.Options) (*dataset.Reader, error) {
	if c.IsSet("format") {
		o.Format = c.String("format")
	}
	o.Labels = c.String("labels")
	if c.IsSet("label") {
		o.Label = c.String("label")
	}
	if c.IsSet("header") {
		o.Header = c.String("header")
	}
	if c.IsSet("base") {
		o.Base, o.Like.Base = c.Int("base"), c.Int("base")
	}
	if c.Bool("ignore-labels") { // they need not be of the classes
		o.Quantity, o.Like.Numeric, o.Like.Classes, o.Like.Counts = true, true, nil, nil
	}
	return predict.Open(c.Context, data, c.App.Reader, o)
}

// unlabelled is rows whose labels are to be ignored.
type unlabelled struct{ predict.Rows }

// Next implements [predict.Rows].
func (u unlabelled) Next(n int) (*dataset.Part, error) {
	part, err := u.Rows.Next(n)
	if err == nil {
		part.Labels, part.Class = nil, nil
	}
	return part, err
}

// flagged is an error about data which names the flags of this command instead of
// a job's settings.
func flagged(err error) error {
	text := strings.NewReplacer("set data.", "set --", "data.labels is", "--labels is", "(or data.", "(or --", "(data.label)", "(--label)").Replace(err.Error())
	if strings.Contains(text, " does not occur in the training data") {
		text += ": if labels are placeholders say --ignore-labels"
	}
	if text == err.Error() {
		return err
	}
	return errors.New(text)
}

// text prints metrics for people, if there are any.
func (f *predicted) text(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%s\t"+format+"\n", append([]any{name}, args...)...)
	}
	if f.Labelled || f.Output != "" {
		row("rows", "%d", f.Rows)
	}
	for _, name := range slices.Sorted(maps.Keys(f.Metrics)) {
		row(name, "%.6g", f.Metrics[name])
	}
	if f.Dropped > 0 && f.paired {
		row("dropped", "%d, pairs of a user or an item that the model does not have: predicted by what is known", f.Dropped)
	} else if f.Dropped > 0 {
		row("dropped", "%d, values of features that the model does not have", f.Dropped)
	}
	if f.Labelled || f.Output != "" {
		row("seconds", "%.2f", f.Seconds)
	}
	if f.Output != "" {
		row("output", "%s", f.Output)
	}
	return w.Flush()
}
