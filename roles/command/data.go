package command

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"petuum/algos/dataset"
	"petuum/roles/control"
)

// dataCommand holds what is about data.
func (p *program) dataCommand() *cli.Command {
	return &cli.Command{
		Name: "data", Category: groupInspect, Usage: "look at data, convert or make some",
		Subcommands: []*cli.Command{p.dataStatCommand(), p.convertCommand(), p.genCommand()},
		Action:      needsSubcommand,
	}
}

func (p *program) dataStatCommand() *cli.Command {
	return &cli.Command{
		Name: "stat", Usage: "read data and describe it", ArgsUsage: "FILE... | --config FILE.toml",
		Flags: append(append([]cli.Flag{
			&cli.StringFlag{Name: "config", Aliases: []string{"c"}, Usage: "describe train and test data of a job, a TOML `file`"},
			p.asJSON("print one JSON object on stdout"),
		}, dataFlags()...), common()...),
		Action: p.dataStat,
		Description: "Files are one input; - is standard input. Data without labels is fine unless --label names a column.\n\n" +
			"   petuum data stat a9a.libsvm.gz\n   petuum data stat jobs-*.csv --label income --categorical '*'\n   petuum data stat --config configs/logreg-a9a.toml",
	}
}

// dataFlags say how files are to be read.
func dataFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "format", Usage: "auto, libsvm, csv, mm (MatrixMarket), binary, docword (UCI bag of words), text (a document a line) or ratings (user item rating)", DefaultText: "auto"},
		&cli.StringFlag{Name: "label", Usage: "CSV: the label `column`, by name or as #3 (0-based)"},
		&cli.StringFlag{Name: "weight", Usage: "CSV: the `column` of the weights of the rows, by name or as #3"},
		&cli.StringFlag{Name: "positive", Usage: "`label` of the positive class: all others together are the other one"},
		&cli.StringFlag{Name: "header", Usage: "CSV, ratings: whether there are column names: auto, yes or no", DefaultText: "auto"},
		&cli.StringSliceFlag{Name: "categorical", Usage: "CSV: a `column` of categories, or * for every column of words; may be repeated"},
		&cli.StringSliceFlag{Name: "ignore", Usage: "CSV: a `column` to leave out; may be repeated"},
		&cli.Float64Flag{Name: "missing", Usage: "CSV: the `number` that stands for missing ones", DefaultText: "missing numbers are errors"},
		&cli.IntFlag{Name: "base", Value: -1, Usage: "LIBSVM: `index` of the first feature, 0 or 1", DefaultText: "found out"},
		&cli.StringFlag{Name: "labels", Usage: "MatrixMarket: the `file` of the labels"},
		&cli.StringFlag{Name: "weights", Usage: "MatrixMarket: the `file` of the weights of the rows"},
		&cli.BoolFlag{Name: "float64", Usage: "keep all numbers as float64"},
	}
}

// dataOptions is what dataFlags say. Data without labels is fine unless a label
// column is named.
func dataOptions(c *cli.Context) dataset.Options {
	o := dataset.Options{Format: c.String("format"), Label: c.String("label"), Weight: c.String("weight"), Positive: c.String("positive"), Header: c.String("header"), Base: c.Int("base"),
		Categorical: c.StringSlice("categorical"), Ignore: c.StringSlice("ignore"), Labels: c.String("labels"), Weights: c.String("weights"),
		Float64: c.Bool("float64"), MinLength: 3, StopWords: dataset.English, Unlabelled: !c.IsSet("label")}
	if c.IsSet("missing") {
		o.Missing = new(c.Float64("missing"))
	}
	return o
}

// statFlags are the flags that stand for settings of a job.
var statFlags = []string{"format", "label", "weight", "positive", "header", "categorical", "ignore", "missing", "base", "labels", "weights", "float64"}

func (p *program) dataStat(c *cli.Context) error {
	if c.String("config") != "" {
		return p.jobStat(c)
	}
	if !c.Args().Present() {
		return usagef("data stat: which data? petuum data stat FILE... or --config FILE.toml")
	}
	if c.IsSet("set") {
		return usagef("data stat: --set is for the job of --config: use the flags")
	}
	o := dataOptions(c)
	if err := o.Validate(); err != nil {
		return usageError{err}
	}
	stats, err := statOf(c, c.Args().Slice(), o)
	if err != nil {
		return err
	}
	if p.json {
		return p.object(c, stats)
	}
	return printStats(c.App.Writer, stats)
}

// statOf describes files, or standard input.
func statOf(c *cli.Context, paths []string, o dataset.Options) (dataset.Stats, error) {
	if len(paths) != 1 || paths[0] != "-" {
		return dataset.Stat(paths, o)
	}
	r, err := dataset.OpenStream("stdin", c.App.Reader, o)
	if err != nil {
		return dataset.Stats{}, err
	}
	defer r.Close()
	return r.Stat()
}

// jobStat describes the data of a job as the job reads it.
func (p *program) jobStat(c *cli.Context) error {
	if c.Args().Present() {
		return usagef("data stat: either files or --config, not both: %q", c.Args().First())
	}
	for _, name := range statFlags {
		if c.IsSet(name) {
			return usagef("data stat: --%s does not go with --config: override with --set data.%s=...", name, name)
		}
	}
	cfg, err := p.job(c.String("config"), p.overrides(c))
	if err != nil {
		return err
	}
	alg, err := control.NewAlgorithm(p.algorithms, cfg)
	if err != nil {
		return usageError{err}
	}
	found := map[string]dataset.Stats{}
	o := control.DataOptions(cfg, alg)
	train, err := dataset.Stat(cfg.Data.Train, o)
	if err != nil {
		return err
	}
	found["train"] = train
	if len(cfg.Data.Test) > 0 {
		o.Like, o.Labels, o.Weights = &train.Info, "", ""
		if found["test"], err = dataset.Stat(cfg.Data.Test, o); err != nil {
			return err
		}
	}
	if p.json {
		return p.object(c, found)
	}
	for _, name := range []string{"train", "test"} {
		stats, ok := found[name]
		if !ok {
			continue
		}
		if name == "test" {
			fmt.Fprintln(c.App.Writer)
		}
		fmt.Fprintf(c.App.Writer, "data.%s\n", name)
		if err := printStats(c.App.Writer, stats); err != nil {
			return err
		}
	}
	return nil
}

// object prints a result as the one JSON object.
func (p *program) object(c *cli.Context, v any) error {
	p.printed = true
	e := json.NewEncoder(c.App.Writer)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// mostShown is the number of classes, files or columns that are printed.
const mostShown = 20

// printStats prints a description for people.
func printStats(out io.Writer, s dataset.Stats) error {
	i := s.Info
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(what, format string, args ...any) { fmt.Fprintf(w, "%s\t%s\n", what, fmt.Sprintf(format, args...)) }
	format := i.Format
	if i.Format == dataset.LIBSVM || i.Format == dataset.Binary {
		format += fmt.Sprintf(", indices from %d", i.Base)
	}
	line("format", "%s", format)
	what := wordsOf(i.Format)
	line(what.rows, "%s (%s without a value)", count(i.Rows), count(s.EmptyRows))
	line(what.features, "%s", count(i.Features))
	if len(i.Ignored) > 0 {
		line("ignored", "%s", strings.Join(i.IgnoredNames(), ", "))
	}
	if s.Parts > 0 {
		line("parts", "%d, ranges of %s", s.Parts, map[bool]string{true: "features with all rows", false: "rows"}[i.ByFeatures])
	}
	line(what.entries, "%s, %.4g %% of all; %s to %s a %s", count(i.NonZeros), 100*s.Density, count(s.RowMin), count(s.RowMax), what.row)
	if s.Tokens > 0 {
		line("tokens", "%s, %.4g a document", count(uint64(s.Tokens)), s.Tokens/float64(i.Rows))
	}
	if i.Weighted {
		name := "weights"
		if i.WeightName != "" {
			name += " " + i.WeightName
		}
		line(name, "sum %.6g, %.6g to %.6g", i.Weight, s.WeightMin, s.WeightMax)
	}
	line("values", "%.6g to %.6g", s.ValueMin, s.ValueMax)
	if i.Dropped > 0 && i.Format == dataset.Ratings {
		line("dropped", "%s ratings of users or items that the training data does not have", count(i.Dropped))
	} else if i.Dropped > 0 {
		line("dropped", "%s values of features that the training data does not have", count(i.Dropped))
	}
	if at := s.LargestIndex; at != nil {
		line("largest index", "%s, first in %s:%d", count(at.Index), at.File, at.Line)
	}
	if i.Format != dataset.Docword && i.Format != dataset.Text && i.Format != dataset.Ratings { // which have none
		printLabels(line, s)
	}
	for k, column := range s.Columns {
		if k == mostShown {
			line("", "... %d more columns of categories", len(s.Columns)-k)
			break
		}
		line(map[bool]string{true: "categorical"}[k == 0], "%s: %s categories", column.Name, count(uint64(column.Categories)))
	}
	for k, f := range s.Files {
		if k == mostShown {
			line("", "... %d more files", len(s.Files)-k)
			break
		}
		rows := count(f.Rows) + " " + what.rows + ", "
		if i.Format == dataset.MM && k > 0 || i.Format == dataset.Ratings && len(s.Files) > 1 {
			rows = "" // the labels; users of several files
		}
		line(map[bool]string{true: "files"}[k == 0], "%s: %s%s bytes", f.Name, rows, count(uint64(f.Bytes)))
	}
	return w.Flush()
}

// statWords are what rows and features are called.
type statWords struct{ rows, row, features, entries string }

// wordsOf are the words for data of a format.
func wordsOf(format string) statWords {
	switch format {
	case dataset.Docword, dataset.Text:
		return statWords{"documents", "document", "words", "counts"}
	case dataset.Ratings:
		return statWords{"users", "user", "items", "ratings"}
	}
	return statWords{"rows", "row", "features", "non-zeros"}
}

// printLabels prints what the labels are.
func printLabels(line func(what, format string, args ...any), s dataset.Stats) {
	i := s.Info
	what := "labels"
	if i.Label != "" {
		what += " " + i.Label
	}
	switch {
	case i.Unlabelled:
		line(what, "none")
		return
	case i.Numeric:
		line(what, "mean %.6g, sd %.6g, %.6g to %.6g", s.LabelMean, s.LabelSD, i.LabelMin, i.LabelMax)
		what = ""
	}
	if len(i.Classes) > mostShown {
		line(what, "%s different ones", count(uint64(len(i.Classes))))
		return
	}
	for k, class := range i.Classes {
		weight := ""
		if i.Weighted {
			weight = fmt.Sprintf(", weight %.6g", i.ClassWeight(k))
		}
		line(what, "%s: %s rows, %.4g %%%s", class, count(i.Counts[k]), 100*float64(i.Counts[k])/float64(max(i.Rows, 1)), weight)
		what = ""
	}
}

// count prints a number with commas between thousands.
func count(n uint64) string {
	digits := strconv.FormatUint(n, 10)
	var s strings.Builder
	for k, d := range digits {
		if k > 0 && (len(digits)-k)%3 == 0 {
			s.WriteByte(',')
		}
		s.WriteRune(d)
	}
	return s.String()
}
