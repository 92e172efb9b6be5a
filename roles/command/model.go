package command

import (
	"bufio"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"petuum/algos/model"
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
			{
				Name: "export", Usage: "write the values of a model", ArgsUsage: "DIR", Action: p.exportModel,
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "format", Value: "text", Usage: "a `format`: text, a line name<TAB>values for each key that was ever written; npz, for numpy.load; or liblinear, a model file for liblinear-predict"},
					&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`file` to write, compressed if it ends in .gz or .zst", DefaultText: "stdout, but for npz"},
					one("this `table` only"),
				},
				Description: "In text, the name of the table stands first if there are several. In npz, an array\nis a table; `go doc ./algos/model Reader.WriteNPZ` has the rest. In liblinear, for logreg\n" +
					"with classes that are integers, it is a model of LIBLINEAR (L2R_LR): liblinear-predict\nsays of LIBSVM data what predict says.\n\n" +
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
		write = func(w io.Writer, _ []string) error { return r.WriteLIBLINEAR(w) }
	}
	return toFile(c.App.Writer, path, func(w io.Writer) error { return write(w, tables) })
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
