package command

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"petuum/configs"
	"petuum/roles/bench"
	"petuum/roles/local"
)

func (p *program) benchCommand() *cli.Command {
	flags := append([]cli.Flag{
		p.asJSON("print the report as one JSON object on stdout"),
		&cli.IntFlag{Name: "servers", Value: 1, Usage: "server processes"},
		&cli.IntFlag{Name: "workers", Value: 1, Usage: "worker processes, which measure at the same time"},
		&cli.IntFlag{Name: "shards", Value: 64, Usage: "shards that each table is cut into"},
		&cli.Uint64Flag{Name: "dense", Value: 10_000_000, Usage: "float32 values of the dense table"},
		&cli.IntFlag{Name: "keys", Value: 1_000_000, Usage: "keys of 2^32 that a client holds of a sparse table"},
		&cli.IntFlag{Name: "in-flight", Value: 4, Usage: "updates of a sparse table, or answers, that a worker has on their way at a time"},
		&cli.IntFlag{Name: "rounds", Value: 20, Usage: "rounds of each workload; short ones get 200 times as many"},
		&cli.DurationFlag{Name: "for", Value: time.Second, Usage: "`time` that each stream of bare TCP lasts"},
	}, benchPlace()...)
	return &cli.Command{
		Name: "bench", Category: groupInspect, Usage: "measure this machine or cluster",
		Action: needsSubcommand,
		Subcommands: []*cli.Command{p.kernelsCommand(), {
			Name: "wire", Usage: "measure what servers and workers move, beside bare TCP", Flags: flags, Action: p.benchWire,
			Description: `Starts servers and workers on this machine:
  petuum bench wire
On a cluster, with --gossip, it waits for the ones that you start, each with
--join 10.0.0.1:7946 as for a job:
  petuum bench wire --servers 2 --workers 4 --bind 10.0.0.1 --gossip 10.0.0.1:7946
With --join it goes to servers and workers that wait, one of them at that address:
  petuum bench wire --servers 2 --workers 4 --bind 10.0.0.1 --join 10.0.0.2:7946`,
		}, p.benchLoadCommand()},
	}
}

// counts are the flags that say how many of something.
var counts = []string{"servers", "workers", "shards", "keys", "in-flight", "rounds"}

// benchPlace are the flags of place but for a job's configuration.
func benchPlace() (flags []cli.Flag) {
	for _, f := range place() {
		if f.Names()[0] != "config" {
			flags = append(flags, f)
		}
	}
	return flags
}

func (p *program) benchWire(c *cli.Context) error {
	if err := noArgs(c); err != nil {
		return err
	}
	for _, flag := range counts {
		if c.Int(flag) < 1 {
			return usagef("bench wire: --%s %d: want at least 1", flag, c.Int(flag))
		}
	}
	if c.Int("keys") > 1<<30 || c.Uint64("dense") < 1 || c.Uint64("dense") > 1<<30 {
		return usagef("bench wire: --keys and --dense: want at least 1, and at most 2^30")
	}
	if c.Int("shards") < c.Int("servers") {
		return usagef("bench wire: --shards %d: want at least one for each of %d servers", c.Int("shards"), c.Int("servers"))
	}
	if c.Duration("for") <= 0 {
		return usagef("bench wire: --for %s: want a time such as 1s", c.Duration("for"))
	}
	cfg, err := bench.Config(c.Int("servers"), c.Int("workers"), c.Int("shards"), c.Uint64("dense"), p.overrides(c))
	if err != nil {
		return usageError{err}
	}
	if !p.child && !c.IsSet("gossip") && !c.IsSet("join") {
		return p.benchHere(c, cfg)
	}
	tell, end := status(c.App.ErrWriter)
	report, err := bench.Lead(c.Context, bench.Options{Options: p.options(c, cfg), Keys: c.Int("keys"), Dense: c.Uint64("dense"),
		Flying: c.Int("in-flight"), Rounds: c.Int("rounds"), For: c.Duration("for"), Joined: local.Joined, Status: tell})
	end()
	if err != nil {
		return err
	}
	return p.report(c, report)
}

// report prints what was measured.
func (p *program) report(c *cli.Context, r interface {
	JSON(io.Writer) error
	Text(io.Writer) error
}) error {
	if p.json {
		p.printed = true
		return r.JSON(c.App.Writer)
	}
	return r.Text(c.App.Writer)
}

// benchHere starts all processes on this machine.
func (p *program) benchHere(c *cli.Context, cfg *configs.Config) error {
	args := []string{"bench", "wire"}
	for _, flag := range counts {
		args = append(args, "--"+flag, strconv.Itoa(c.Int(flag)))
	}
	args = append(args, "--dense", strconv.FormatUint(c.Uint64("dense"), 10), "--for", c.Duration("for").String())
	args = append(args, again(c)...)
	if p.json {
		args = append(args, "--json")
	}
	if cfg.From("log.level") == "default" {
		args = append(args, "--log-level", "warn")
	}
	return local.Run(c.Context, local.Options{Config: cfg, Lead: args, Role: roleFlags(cfg), Log: logger(c, cfg)})
}

// status tells what is being done: on a terminal in one line, which end removes.
func status(w io.Writer) (tell func(what string), end func()) {
	if columns(w) == nil {
		return func(what string) { fmt.Fprintln(w, what) }, func() {}
	}
	tell = func(what string) { fmt.Fprintf(w, "\r\x1b[K%s", what) }
	return tell, func() { tell("") }
}
