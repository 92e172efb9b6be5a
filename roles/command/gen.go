package command

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"petuum/algos/dataset"
	"petuum/algos/dataset/synthetic"
	"petuum/configs"
)

// needsSubcommand is the action of a command that does nothing by itself.
func needsSubcommand(c *cli.Context) error {
	if c.Args().Present() {
		var names []string
		for _, s := range c.Command.Subcommands {
			names = append(names, s.Name)
		}
		name := c.Args().First()
		return usagef("%s: no command is called %q; nearest %q; see petuum %[1]s --help", strings.TrimPrefix(c.Command.HelpName, "petuum "), name, configs.Nearest(name, names))
	}
	return cli.ShowSubcommandHelp(c)
}

// genCommand makes data of problems whose solution is known.
func (p *program) genCommand() *cli.Command {
	regression, multiclass, logistic := synthetic.Regression(), synthetic.Multiclass(), synthetic.Logistic()
	columns := func(c *cli.Context, d synthetic.Columns) synthetic.Problem {
		d.Settings = genSettings(c)
		d.Correlation = c.Float64("correlation")
		if d.Classes > 0 {
			d.Classes = c.Int("classes")
		}
		return d
	}
	columnFlags := func(d synthetic.Columns, noise string) []cli.Flag {
		return append(genFlags(d.Settings, "non-zeros of a column, in the training set", noise),
			&cli.IntFlag{Name: "parts", Value: 1, Usage: "parts of a .petuum training set: those of the job (cluster.parts)"},
			partitionFlag(),
			&cli.Float64Flag{Name: "correlation", Value: d.Correlation, Usage: "probability that a column has the rows of the one before"})
	}
	const columnHelp = "\n\nMemory: up to 24 bytes a row and 128 MB, whatever the number of features; of a .petuum file\nup to 40 bytes a row, 1 MiB a part and 64 MB."
	return &cli.Command{
		Name: "gen", Usage: "make data of a linear problem whose true weights are known",
		Description: `The same bytes for the same flags, on every machine. The first line of a file is
a comment with the flags. Formats go by the name: .libsvm, .svm or .svmlight
(indices from 1) or .csv, and then perhaps .gz or .zst; and .petuum, which jobs map
into memory: lasso and multiclass write it by columns, in as many parts as the job will
have (--parts), which are cut as --partition says.

   petuum data gen lasso --rows 50000 --features 10000000 --output lasso.libsvm.zst
   petuum data gen lasso --rows 50000 --features 10000000 --parts 2 --output lasso.petuum
   petuum data gen logistic --output train.libsvm --test-rows 10000 --test test.libsvm`,
		Action: needsSubcommand,
		Subcommands: []*cli.Command{{
			Name: "lasso", Usage: "sparse regression, neighbouring columns correlated",
			Description: "Labels are scores x.w* with noise.\n\n   petuum data gen lasso --rows 50000 --features 10000000 --output lasso.libsvm --truth true.tsv" + columnHelp,
			Flags:       columnFlags(regression, "deviation of the labels' noise, where that of the scores is 1"),
			Action:      func(c *cli.Context) error { return generate(c, columns(c, regression)) },
		}, {
			Name: "multiclass", Usage: "sparse classification, neighbouring columns correlated",
			Description: "Labels 0, 1, 2 ... are quantiles of scores x.w*. Rows without a feature that has a\nweight have the score 0: for classes of equal size take a larger --density or --nnz.\n\n" +
				"   petuum data gen multiclass --classes 10 --density 0.5 --nnz 200 --output train.libsvm" + columnHelp,
			Flags: append(columnFlags(multiclass, "probability that a label is another class"),
				&cli.IntFlag{Name: "classes", Value: multiclass.Classes, Usage: "number of classes"}),
			Action: func(c *cli.Context) error { return generate(c, columns(c, multiclass)) },
		}, {
			Name: "logistic", Usage: "binary rows of features whose popularity follows a power law, as clicks have",
			Description: "Labels are 1 with probability sigmoid(x.w* + bias), else -1.\n\n   petuum data gen logistic --rows 1000000 --output train.libsvm.zst --test-rows 100000 --test test.libsvm.zst\n\nMemory: next to nothing.",
			Flags: append(genFlags(logistic.Settings, "features of a row, distinct, each with the value 1", "probability that a label is flipped"),
				&cli.Float64Flag{Name: "zipf", Value: logistic.Zipf, Usage: "s of the probability k^-s that the feature of rank k is drawn"},
				&cli.Float64Flag{Name: "bias", Value: logistic.Bias, Usage: "added to every score"},
				&cli.BoolFlag{Name: "scatter", Usage: "spread popular features over the indices, as hashing does; else index = rank"}),
			Action: func(c *cli.Context) error {
				return generate(c, synthetic.PowerLaw{Settings: genSettings(c), Zipf: c.Float64("zipf"), Bias: c.Float64("bias"), Scatter: c.Bool("scatter")})
			},
		}},
	}
}

// genFlags are the flags of every problem.
func genFlags(d synthetic.Settings, nonZeros, noise string) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`file` of the training set; - is stdout"},
		&cli.StringFlag{Name: "test", Usage: "`file` of the test set: the same weights, other rows"},
		&cli.StringFlag{Name: "truth", Usage: "`file` of the true weights that are not 0: index from 1, tab, weight"},
		&cli.StringFlag{Name: "format", Usage: "libsvm, csv or binary", DefaultText: "by the name of the file; stdout: libsvm"},
		&cli.Uint64Flag{Name: "rows", Value: d.Rows, Usage: "rows of the training set"},
		&cli.Uint64Flag{Name: "test-rows", Value: d.TestRows, Usage: "rows of the test set"},
		&cli.Uint64Flag{Name: "features", Value: d.Features, Usage: "number of features"},
		&cli.Uint64Flag{Name: "nnz", Value: d.NonZeros, Usage: nonZeros},
		&cli.Float64Flag{Name: "density", Value: d.Density, Usage: "fraction of features that have a true weight, which is N(0,1)"},
		&cli.Float64Flag{Name: "noise", Value: d.Noise, Usage: noise},
		&cli.Uint64Flag{Name: "seed", Value: d.Seed, Usage: "of all that is random"},
	}
}

func genSettings(c *cli.Context) synthetic.Settings {
	return synthetic.Settings{Rows: c.Uint64("rows"), TestRows: c.Uint64("test-rows"), Features: c.Uint64("features"),
		NonZeros: c.Uint64("nnz"), Density: c.Float64("density"), Noise: c.Float64("noise"), Seed: c.Uint64("seed")}
}

// genFile is one of the files to make.
type genFile struct {
	flag, path string
	format     string // of the samples; "" for the truth
	set        synthetic.Set
	parts      int    // of binary data
	by         string // what they are ranges of, as --partition says
}

// genFiles are the files that c asks for, and all that is wrong with that.
func genFiles(c *cli.Context, d synthetic.Problem) (files []genFile, problems []string) {
	bad := func(wrong bool, format string, args ...any) {
		if wrong {
			problems = append(problems, fmt.Sprintf(format, args...))
		}
	}
	bad(c.String("output") == "", "--output: which file? A name such as train.libsvm or train.csv.gz, or - for stdout")
	bad(c.IsSet("test") && d.Common().TestRows == 0, "--test: how many rows? Set --test-rows")
	bad(!c.IsSet("test") && d.Common().TestRows > 0, "--test-rows: into which file? Set --test")
	names := map[string]string{}
	for _, f := range []genFile{{flag: "output", parts: c.Int("parts"), by: c.String("partition")},
		{flag: "test", set: synthetic.Test, parts: 1, by: dataset.PartitionRows}, {flag: "truth"}} {
		f.path = c.String(f.flag)
		if f.path == "" {
			bad(c.IsSet(f.flag) && f.flag != "output", "--%s: which file?", f.flag)
			continue
		}
		other, twice := names[f.path]
		bad(twice, "--%s and --%s are the same file, %s", other, f.flag, f.path)
		names[f.path] = f.flag
		bad(f.path == "-" && f.flag != "output", "--%s: only --output can be stdout", f.flag)
		if f.flag != "truth" {
			var err error
			if f.format, err = genFormat(f.path, c.String("format")); err == nil {
				err = f.check(d)
			}
			bad(err != nil, "--%s: %v", f.flag, err)
		}
		files = append(files, f)
	}
	for _, name := range []string{"parts", "partition"} {
		bad(c.IsSet(name) && len(files) > 0 && files[0].format != dataset.Binary, "--%s: only a .petuum file has parts", name)
	}
	return files, problems
}

// check refuses what a problem cannot be written as.
func (f genFile) check(d synthetic.Problem) error {
	if f.format != dataset.Binary {
		return synthetic.CheckFormat(d, f.format)
	}
	if _, ending := dataset.Compressed(f.path); f.path == "-" || ending != "" {
		return fmt.Errorf("%s: a binary file is to be mapped: neither stdout nor a compressed file will do", f.path)
	}
	by, err := f.byFeatures(d)
	if err == nil {
		_, err = synthetic.CheckBinary(d, f.parts, by)
	}
	return err
}

// byFeatures says how parts are cut.
func (f genFile) byFeatures(d synthetic.Problem) (bool, error) {
	if f.by == "" {
		return false, nil
	}
	classes := 0
	if c, ok := d.(synthetic.Columns); ok {
		classes = c.Classes
	}
	return dataset.ByFeatures(f.by, d.Common().Size(f.set), d.Common().Features, classes, f.parts)
}

// partitionFlag says how the parts of a binary file are cut.
func partitionFlag() cli.Flag {
	return &cli.StringFlag{Name: "partition", Value: dataset.PartitionAuto,
		Usage: "parts of a .petuum file are ranges of `rows`, or of columns with all rows, which is for lasso; auto: columns where there are 16 times as many, and several parts"}
}

// genFormat is the format of a file; asked may be "".
func genFormat(path, asked string) (string, error) {
	if asked != "" && asked != dataset.LIBSVM && asked != dataset.CSV && asked != dataset.Binary {
		return "", fmt.Errorf("format %q: want libsvm, csv or binary", asked)
	}
	name, _ := dataset.Compressed(path)
	named := ""
	switch dot := strings.LastIndexByte(name, '.'); strings.ToLower(name[max(0, dot):]) {
	case ".csv":
		named = dataset.CSV
	case ".libsvm", ".svm", ".svmlight":
		named = dataset.LIBSVM
	case ".petuum":
		named = dataset.Binary
	}
	switch {
	case path == "-" && asked == "":
		return dataset.LIBSVM, nil
	case named == "" && asked == "":
		return "", fmt.Errorf("%s: the name does not say which format: let it end in .libsvm, .csv or .petuum, or set --format", path)
	case named != "" && asked != "" && named != asked:
		return "", fmt.Errorf("%s: the name says %s, --format says %s", path, named, asked)
	case asked != "":
		return asked, nil
	}
	return named, nil
}

// generate makes the files of a problem: all of them or none.
func generate(c *cli.Context, d synthetic.Problem) error {
	if err := noArgs(c); err != nil {
		return err
	}
	var problems []string
	if err := d.Validate(); err != nil {
		for _, line := range strings.Split(err.Error(), "\n") {
			problems = append(problems, "--"+line)
		}
	}
	files, more := genFiles(c, d)
	if problems = append(problems, more...); len(problems) > 0 {
		return usagef("data gen %s: %s", c.Command.Name, strings.Join(problems, "\n  "))
	}
	var outputs []*output
	defer func() {
		for _, o := range outputs {
			o.abort()
		}
	}()
	for _, f := range files { // an unwritable place shows before hours of work
		o, err := create(f.path, c.App.Writer)
		if err != nil {
			return err
		}
		outputs = append(outputs, o)
	}
	for i, f := range files {
		if err := f.write(c, d, outputs[i]); err != nil {
			return err
		}
	}
	for _, o := range outputs {
		if err := o.publish(); err != nil {
			return err
		}
	}
	if files[0].path == "-" {
		return nil
	}
	for i, f := range files {
		fmt.Fprintf(c.App.Writer, "%s: %s, %s\n", f.path, f.content(d), size(outputs[i].bytes))
	}
	return nil
}

// content says what is in the file.
func (f genFile) content(d synthetic.Problem) string {
	if f.format == "" {
		return "the true weights"
	}
	parts := ""
	if f.format == dataset.Binary {
		by, _ := f.byFeatures(d)
		parts = ", " + partsOf(f.parts, by)
	}
	return fmt.Sprintf("%d rows, %d features%s", d.Common().Size(f.set), d.Common().Features, parts)
}

// partsOf says how many parts a binary file has, and of what.
func partsOf(n int, byFeatures bool) string {
	if byFeatures {
		return fmt.Sprintf("%d parts by features", n)
	}
	return fmt.Sprintf("%d parts", n)
}

// write writes the file, up to its name.
func (f genFile) write(c *cli.Context, d synthetic.Problem, o *output) error {
	write := func(ctx context.Context, w io.Writer) error { return synthetic.WriteTruth(ctx, w, d) }
	switch f.format {
	case "":
	case dataset.Binary:
		by, err := f.byFeatures(d)
		if err != nil {
			return err
		}
		columns, err := synthetic.CheckBinary(d, f.parts, by)
		if err != nil {
			return err
		}
		watch := newWatch(c.App.ErrWriter, f.path, d.Common().Features, "columns")
		defer watch.clear()
		write = func(ctx context.Context, _ io.Writer) (err error) {
			o.bytes, err = synthetic.WriteBinary(ctx, o.file, columns, f.set, f.parts, by, watch.progress)
			return err
		}
	default:
		watch := newWatch(c.App.ErrWriter, f.path, d.Common().Size(f.set), "rows")
		defer watch.clear()
		write = func(ctx context.Context, w io.Writer) error {
			return synthetic.Write(ctx, w, f.format, d, f.set, watch.progress)
		}
	}
	if err := write(c.Context, o); err != nil {
		return o.wrap(err)
	}
	return o.finish()
}

// watch shows progress on a terminal, from a second on.
type watch struct {
	w     io.Writer // nil: nobody looks
	path  string
	total uint64
	what  string // is counted
	began time.Time
	next  time.Time
	shown bool
}

func newWatch(w io.Writer, path string, total uint64, what string) *watch {
	f, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		w = nil
	}
	now := time.Now()
	return &watch{w: w, path: path, total: total, what: what, began: now, next: now.Add(time.Second)}
}

func (w *watch) progress(done uint64) {
	now := time.Now()
	if w.w == nil || done == 0 || now.Before(w.next) {
		return
	}
	w.next, w.shown = now.Add(time.Second/5), true
	left := now.Sub(w.began).Seconds() / float64(done) * float64(w.total-done)
	fmt.Fprintf(w.w, "\r\x1b[K%s: %d of %d %s, %.0f s left", w.path, done, w.total, w.what, left)
}

func (w *watch) clear() {
	if w.shown {
		fmt.Fprint(w.w, "\r\x1b[K")
	}
}

// size is a number of bytes for people.
func size(bytes int64) string {
	units, n := []string{"bytes", "kB", "MB", "GB", "TB"}, float64(bytes)
	for n >= 1000 && len(units) > 1 {
		units, n = units[1:], n/1000
	}
	if units[0] == "bytes" {
		return fmt.Sprintf("%d bytes", bytes)
	}
	return fmt.Sprintf("%.3g %s", n, units[0])
}
