package command

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"petuum/algos/model"
	"petuum/roles/predict"
)

func (p *program) modelCommand() *cli.Command {
	one := func(usage string) cli.Flag {
		return &cli.StringFlag{Name: "table", Usage: usage, DefaultText: "all of them"}
	}
	return &cli.Command{
		Name: "model", Category: groupModels, Usage: "look at a model, or write it for other programs",
		Subcommands: []*cli.Command{
			{
				Name: "show", Usage: "what a model is, and its largest values", ArgsUsage: "DIR", Action: p.showModel,
				Flags: []cli.Flag{
					&cli.IntFlag{Name: "top", Value: 20, Usage: "so many `keys` of each table, those of the largest magnitude"},
					one("values of this `table` only"), p.asJSON("print one JSON object on stdout"),
				},
				Description: "   petuum model show out/logreg-a9a --top 5",
			},
			p.pathCommand(),
			p.topicsCommand(),
			{
				Name: "calibrate", Usage: "make the probabilities of a model what rows of known class say", ArgsUsage: "[FILE...]", Action: p.calibrate,
				Flags: append(rowFlags("fit to"),
					&cli.StringFlag{Name: "method", Usage: "a `method`: sigmoid or isotonic for two classes, temperature for more", DefaultText: "sigmoid, or temperature"},
					&cli.BoolFlag{Name: "remove", Usage: "take the model's calibration away; needs no data", DisableDefaultText: true},
					p.asJSON("print one JSON object on stdout")),
				Description: "The rows must have labels, and be others than those of the training: of these a model is\ntoo sure. The calibration is kept in the model, in place of one that it has; predict and its\n" +
					"metrics use it from then on, and a hinge loss gets probabilities by it. sigmoid (Platt) is for\nany number of rows, isotonic for thousands. Figures before and after are those of these rows.\n\n" +
					"   petuum model calibrate --model out/spam --data held-out.libsvm\n   petuum model calibrate --model out/spam --remove",
			},
			{
				Name: "export", Usage: "write the values of a model", ArgsUsage: "DIR", Action: p.exportModel,
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "format", Value: "text", Usage: "a `format`: text, a line name<TAB>values for each key that was ever written; npz, for numpy.load; or liblinear, a model file for liblinear-predict"},
					&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`file` to write, compressed if it ends in .gz or .zst", DefaultText: "stdout, but for npz"},
					one("this `table` only"),
				},
				Description: "In text, the name of the table stands first if there are several. In npz, an array\nis a table; `go doc ./algos/model Reader.WriteNPZ` has the rest. In liblinear, for linear\n" +
					"models whose classes, if any, are integers, it is a model of LIBLINEAR: liblinear-predict\nsays of LIBSVM data what predict says, but for a calibration.\n\n" +
					"   petuum model export out/lasso-diabetes --table weights\n   petuum model export out/logreg-a9a --format npz --output a9a.npz\n   petuum model export out/logreg-a9a --format liblinear --output a9a.model",
			},
		},
		Action: needsSubcommand,
	}
}

// openModel opens the model that is the command's one argument, and says which of
// its tables are meant.
func openModel(c *cli.Context) (r *model.Reader, tables []string, err error) {
	name := "model " + c.Command.Name
	switch c.Args().Len() {
	case 0:
		return nil, nil, usagef("%s: which model? petuum %s DIR", name, name)
	case 1:
	default:
		return nil, nil, usagef("%s: one model at a time: unexpected argument %q", name, c.Args().Get(1))
	}
	if r, err = model.Open(c.Args().First()); err != nil {
		return nil, nil, err
	}
	for _, t := range r.Manifest().Tables {
		tables = append(tables, t.Name)
	}
	if one := c.String("table"); c.IsSet("table") {
		if !slices.Contains(tables, one) {
			_ = r.Close()
			return nil, nil, usagef("%s: the model has no table %q: there are %s", name, one, strings.Join(tables, ", "))
		}
		tables = []string{one}
	}
	return r, tables, nil
}

func (p *program) exportModel(c *cli.Context) error {
	format, path := c.String("format"), c.String("output")
	switch {
	case format != "text" && format != "npz" && format != "liblinear":
		return usagef("model export: --format %s: want text, npz or liblinear", format)
	case format == "liblinear" && c.IsSet("table"):
		return usagef("model export: --table: a model file of LIBLINEAR is of the whole model")
	case format == "npz" && path == "":
		return usagef("model export: --output FILE.npz: where to?")
	}
	r, tables, err := openModel(c)
	if err != nil {
		return err
	}
	defer r.Close()
	write := r.WriteText
	switch format {
	case "npz":
		write = r.WriteNPZ
	case "liblinear":
		solver, err := p.solver(c.Args().First())
		if err != nil {
			return err
		}
		write = func(w io.Writer, _ []string) error { return r.WriteLIBLINEAR(w, solver) }
	}
	err = toFile(c.App.Writer, path, func(w io.Writer) error { return write(w, tables) })
	if err == nil && format == "liblinear" && r.Manifest().Calibration != nil {
		fmt.Fprintf(c.App.ErrWriter, "petuum: the calibration of the model (%s) is not in the file: it has the scores of before\n", r.Manifest().Calibration.Method)
	}
	return err
}

// solver is what LIBLINEAR calls the solver of a model; "" if it has none.
func (p *program) solver(dir string) (string, error) {
	m, err := predict.OpenModel(dir, p.algorithms)
	if errors.Is(err, predict.ErrMute) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer m.Close()
	return m.LIBLINEAR()
}

// toFile calls write with the file at path, which is complete or as before, or with
// stdout if there is no path.
func toFile(stdout io.Writer, path string, write func(io.Writer) error) error {
	if path == "" {
		return write(stdout)
	}
	o, err := create(path, stdout)
	if err != nil {
		return err
	}
	defer o.abort()
	buf := bufio.NewWriterSize(o, 1<<16)
	if err := write(buf); err != nil {
		return err
	}
	if err := buf.Flush(); err != nil {
		return o.wrap(err)
	}
	if err := o.finish(); err != nil {
		return err
	}
	return o.publish()
}
