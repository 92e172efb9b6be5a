package command

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"petuum/configs"
	"petuum/roles/bench/kernels"
)

// kernelsCommand measures the loops in which the time of a training goes.
func (p *program) kernelsCommand() *cli.Command {
	return &cli.Command{
		Name: "kernels", Usage: "measure the loops over values, beside what this machine can do", Action: p.benchKernels,
		Flags: []cli.Flag{
			p.asJSON("print the report as one JSON object on stdout"),
			&cli.StringSliceFlag{Name: "only", Usage: "`name` of a kernel or a group of them; may be repeated", DefaultText: "all"},
			&cli.Float64Flag{Name: "seconds", Value: 0.015, Usage: "`seconds` that each figure is measured for"},
		},
		Description: `On one thread, while the machine should do nothing else; half a GB of memory:
  petuum bench kernels
Some of them, longer and so more exactly:
  petuum bench kernels --only gatherdot --only scatteraxpy --seconds 0.2
For a program, the figures of the group of vectors:
  petuum bench kernels --only dense --json
Groups and their kernels, as --only takes them:
` + kernelNames(),
	}
}

// kernelNames are those of all kernels, a line for each group.
func kernelNames() string {
	var lines []string
	for _, g := range kernels.Groups() {
		line := "  " + g.Name + ":"
		for _, name := range g.Kernels {
			if len(line)+len(name) > 95 {
				lines, line = append(lines, line), "   "
			}
			line += " " + name
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func (p *program) benchKernels(c *cli.Context) error {
	if err := noArgs(c); err != nil {
		return err
	}
	const most = 60
	seconds := c.Float64("seconds")
	if !(seconds > 0 && seconds <= most) {
		return usagef("bench kernels: --seconds %g: want more than 0, and at most %d", seconds, most)
	}
	names := kernels.Names()
	for _, name := range c.StringSlice("only") {
		if !slices.Contains(names, name) {
			return usagef("bench kernels: --only %s: no kernel is called that; nearest %q", name, configs.Nearest(name, names))
		}
	}
	tell, end := status(c.App.ErrWriter)
	report, err := kernels.Run(c.Context, kernels.Options{Only: c.StringSlice("only"), Seconds: seconds,
		Status: func(what string) { tell("measuring " + what) }})
	end()
	if err != nil {
		return err
	}
	return p.report(c, report)
}
