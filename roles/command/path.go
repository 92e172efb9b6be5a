package command

import (
	"encoding/json"

	"github.com/urfave/cli/v2"

	"petuum/roles/coefficients"
)

func (p *program) pathCommand() *cli.Command {
	return &cli.Command{
		Name: "path", Usage: "how the coefficients of a job of stages come and go, as a table and a plot", ArgsUsage: "DIR", Action: p.modelPath,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "svg", Usage: "`file` for a plot of the coefficients against log(lambda); - is stdout, without the table", DefaultText: "none"},
			&cli.IntFlag{Name: "top", Value: 50, Usage: "so many `coefficients` in the plot and the JSON, those that become largest"},
			p.asJSON("print one JSON object on stdout"),
		},
		Description: "The model must be of a job of stages, such as path = 100. Above the plot is how many coefficients\nare not 0; the largest at the end are named. Where stages have a cross-validated error, it stands\n" +
			"below with bars of one standard error, and dashed lines mark the penalties chosen by it. An\nintercept is not among the coefficients. A stage is a model like any other: DIR/path/017.\n\n" +
			"   petuum model path out/logreg-path --svg path.svg",
	}
}

func (p *program) modelPath(c *cli.Context) error {
	file := c.String("svg")
	switch {
	case c.Args().Len() == 0:
		return usagef("model path: which model? petuum model path DIR")
	case c.Args().Len() > 1:
		return usagef("model path: one model at a time: unexpected argument %q", c.Args().Get(1))
	case c.Int("top") < 1:
		return usagef("model path: --top %d: want 1 or more", c.Int("top"))
	case c.IsSet("svg") && file == "":
		return usagef("model path: --svg: want the name of a file")
	case file == "-" && p.json:
		return usagef("model path: --svg - and --json: only one of them can be on stdout")
	}
	path, err := coefficients.Read(c.Args().First(), c.Int("top"))
	if err != nil {
		return err
	}
	if file != "" {
		if err := toFile(c.App.Writer, file, path.SVG); err != nil || file == "-" {
			return err
		}
	}
	if !p.json {
		return path.Text(c.App.Writer)
	}
	b, err := json.Marshal(path)
	if err != nil {
		return err
	}
	p.printed = true
	_, err = c.App.Writer.Write(append(b, '\n'))
	return err
}
