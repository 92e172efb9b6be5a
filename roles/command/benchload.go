package command

import (
	"path/filepath"
	"runtime"

	"github.com/urfave/cli/v2"

	"petuum/roles/bench"
)

func (p *program) benchLoadCommand() *cli.Command {
	return &cli.Command{
		Name: "load", Usage: "measure how fast data is loaded", ArgsUsage: "FILE...",
		Flags: append([]cli.Flag{
			&cli.IntFlag{Name: "parts", Value: runtime.GOMAXPROCS(0), DefaultText: "one a processor", Usage: "parts that the input is cut into"},
			&cli.StringFlag{Name: "cache", Usage: "`folder` of the cache: made by the first run, mapped by the next"},
			&cli.BoolFlag{Name: "columns", Usage: "make the columns as well as the rows"},
			&cli.BoolFlag{Name: "only-columns", Usage: "load by columns only, as coordinate descent uses them"},
			&cli.BoolFlag{Name: "quantity", Usage: "labels are quantities, not classes"},
			p.asJSON("print the report as one JSON object on stdout"),
		}, dataFlags()...),
		Action: p.benchLoad,
		Description: "Reads the data as the workers of a job do, multiplies every row by a vector, and says how\n" +
			"long that took and how much memory. Name the label column of CSV (--label).\n\n" +
			"   petuum bench load train.svm\n   petuum bench load train.svm --cache /var/tmp/petuum",
	}
}

func (p *program) benchLoad(c *cli.Context) error {
	if !c.Args().Present() {
		return usagef("bench load: which data? petuum bench load FILE...")
	}
	if n := c.Int("parts"); n < 1 || n > 1<<16 {
		return usagef("bench load: --parts %d: want 1 to 65536", n)
	}
	o := dataOptions(c)
	o.Quantity, o.Columns, o.ByFeatures = c.Bool("quantity"), c.Bool("only-columns"), true
	if err := o.Validate(); err != nil {
		return usageError{err}
	}
	if dir := c.String("cache"); dir != "" {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return err
		}
		o.Cache = abs
	}
	report, err := bench.Load(c.Args().Slice(), o, c.Int("parts"), c.Bool("columns"))
	if err != nil {
		return err
	}
	return p.report(c, report)
}
