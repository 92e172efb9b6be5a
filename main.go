// Petuum trains iterative-convergent machine-learning models on one machine or
// on many: one binary that starts as scheduler, server or worker.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"petuum/configs"
	"petuum/roles/control"
	"petuum/roles/enlist"
	"petuum/roles/local"
	"petuum/roles/scheduler"
	"petuum/roles/server"
	"petuum/roles/worker"
)

// Exit statuses.
const (
	statusFailed      = 1
	statusUsage       = 2
	statusInterrupted = 130
)

func main() {
	os.Exit(run(os.Args, os.Stdout, os.Stderr))
}

// usageError is a mistake in what the user typed or configured.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// run is the program: it returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	child := local.Child()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C kills
	if child {
		signal.Ignore(os.Interrupt) // the supervisor decides
	}
	err := app(stdout, stderr).RunContext(ctx, args)
	var exit *local.ExitError
	var ended *control.Ended
	var problems configs.Errors
	switch {
	case err == nil:
		return 0
	case child && errors.As(err, &ended):
		return statusFailed // the scheduler or the supervisor says why
	case errors.As(err, &exit) && exit.Code != statusInterrupted:
		return exit.Code // it has said why
	case ctx.Err() != nil, exit != nil:
		if !child {
			fmt.Fprintln(stderr, "petuum: interrupted")
		}
		return statusInterrupted
	}
	fmt.Fprintf(stderr, "petuum: %v\n", err)
	if errors.As(err, &problems) || errors.As(err, new(usageError)) {
		return statusUsage
	}
	return statusFailed
}

func app(stdout, stderr io.Writer) *cli.App {
	common := []cli.Flag{
		&cli.StringSliceFlag{Name: "set", Usage: "override a setting: `section.key=value`; may be repeated"},
		&cli.StringFlag{Name: "log-level", Usage: "debug, info, warn or error", DefaultText: "info"},
		&cli.StringFlag{Name: "log-format", Usage: "text or json", DefaultText: "text"},
	}
	asJSON := &cli.BoolFlag{Name: "json", Usage: "print the summary as one JSON object on stdout", DisableDefaultText: true}
	role := append([]cli.Flag{
		&cli.StringFlag{Name: "config", Aliases: []string{"c"}, Usage: "TOML `file`"},
		&cli.StringSliceFlag{Name: "join", Usage: "gossip `address` of any member of the cluster; may be repeated"},
		&cli.StringFlag{Name: "bind", Usage: "`address` to listen on, without port", DefaultText: "127.0.0.1"},
		&cli.StringFlag{Name: "advertise", Usage: "`address` under which others reach this process, without port", DefaultText: "the bound one"},
		&cli.StringFlag{Name: "gossip", Usage: "`host:port` of the gossip listener", DefaultText: "any free port"},
	}, common...)
	shard := &cli.IntFlag{Name: "shard", Value: -1, Usage: "take this `seat`, so that a restarted server gets the same shards back", DefaultText: "the scheduler chooses"}
	a := &cli.App{
		Name:                      "petuum",
		Usage:                     "train machine-learning models on one machine or many",
		Version:                   enlist.Version,
		Writer:                    stdout,
		ErrWriter:                 stderr,
		Suggest:                   true,
		EnableBashCompletion:      true,
		DisableSliceFlagSeparator: true,
		ExitErrHandler:            func(*cli.Context, error) {},
		Description: `Run a job on this machine:

   petuum run configs/logreg-a9a.toml

Run the same job as separate processes, here or on other machines:

   petuum scheduler --config configs/logreg-a9a.toml --gossip 127.0.0.1:7946
   petuum server --join 127.0.0.1:7946 --shard 0
   petuum server --join 127.0.0.1:7946 --shard 1
   petuum worker --join 127.0.0.1:7946
   petuum worker --join 127.0.0.1:7946`,
		Commands: []*cli.Command{
			{Name: "run", Category: "jobs", Usage: "run a job on this machine, every role a process", ArgsUsage: "FILE.toml", Flags: append([]cli.Flag{asJSON}, common...), Action: runLocal,
				Description: "Counts of servers and workers come from [cluster] of the file. Flags go before the file.\n\n   petuum run --set cluster.workers=4 --json configs/logreg-a9a.toml"},
			{Name: "scheduler", Category: "roles", Usage: "lead a job: one for each cluster", Flags: append([]cli.Flag{asJSON}, role...), Action: runScheduler},
			{Name: "server", Category: "roles", Usage: "hold shards of the tables", Flags: append([]cli.Flag{shard}, role...), Action: runServer},
			{Name: "worker", Category: "roles", Usage: "compute on parts of the data", Flags: role, Action: runWorker},
			{Name: "version", Usage: "print the version", Action: func(c *cli.Context) error {
				if err := noArgs(c); err != nil {
					return err
				}
				fmt.Fprintln(c.App.Writer, "petuum", enlist.Version)
				return nil
			}},
		},
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				name := c.Args().First()
				return usagef("no command is called %q: %s see petuum --help", name, cli.SuggestCommand(c.App.Commands, name))
			}
			return cli.ShowAppHelp(c)
		},
	}
	usage := func(_ *cli.Context, err error, _ bool) error { return usageError{err} }
	a.OnUsageError = usage
	for _, c := range a.Commands {
		c.OnUsageError = usage
	}
	return a
}

// noArgs refuses arguments: the flag library takes what follows the first one,
// flags included, for arguments.
func noArgs(c *cli.Context) error {
	if c.Args().Present() {
		return usagef("%s: unexpected argument %q", c.Command.Name, c.Args().First())
	}
	return nil
}

// overrides are the --set flags and those that stand for a setting.
func overrides(c *cli.Context) []string {
	sets := c.StringSlice("set")
	for flag, key := range map[string]string{"bind": "cluster.bind", "advertise": "cluster.advertise", "gossip": "cluster.gossip",
		"log-level": "log.level", "log-format": "log.format"} {
		if c.IsSet(flag) {
			sets = append(sets, fmt.Sprintf("%s=%q", key, c.String(flag)))
		}
	}
	if joins := c.StringSlice("join"); len(joins) > 0 {
		quoted := make([]string, len(joins))
		for i, j := range joins {
			quoted[i] = fmt.Sprintf("%q", j)
		}
		sets = append(sets, "cluster.join=["+strings.Join(quoted, ", ")+"]")
	}
	return sets
}

// logger writes to stderr as the configuration says.
func logger(c *cli.Context, cfg *configs.Config) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(cfg.Log.Level)) // loading has checked it
	o := &slog.HandlerOptions{Level: level}
	if cfg.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(c.App.ErrWriter, o))
	}
	return slog.New(slog.NewTextHandler(c.App.ErrWriter, o))
}

func runLocal(c *cli.Context) error {
	if c.Args().Len() != 1 {
		if c.Args().Len() > 1 {
			return usagef("run: unexpected argument %q: flags go before the file", c.Args().Get(1))
		}
		return usagef("run: which job? petuum run FILE.toml")
	}
	path := c.Args().First()
	sets := overrides(c)
	cfg, err := configs.Load(path, sets)
	if err != nil {
		return usageError{err}
	}
	if _, err := control.NewAlgorithm(cfg); err != nil {
		return usageError{err}
	}
	args := []string{"--config", path}
	for _, s := range sets {
		args = append(args, "--set", s)
	}
	if c.Bool("json") {
		args = append(args, "--json")
	}
	role := []string{"--set", fmt.Sprintf("cluster.bind=%q", cfg.Cluster.Bind), "--log-format", cfg.Log.Format, "--log-level", cfg.Log.Level}
	if cfg.From("log.level") == "default" {
		args = append(args, "--log-level", "warn") // the line of progress tells enough
		role[len(role)-1] = "error"                // of a death the scheduler tells, once
	}
	if cfg.Cluster.KeyFile != "" {
		role = append(role, "--set", fmt.Sprintf("cluster.key_file=%q", cfg.Cluster.KeyFile))
	}
	return local.Run(c.Context, local.Options{Config: cfg, Args: args, Role: role, Log: logger(c, cfg)})
}

func runScheduler(c *cli.Context) error {
	if err := noArgs(c); err != nil {
		return err
	}
	cfg, err := configs.Load(c.String("config"), overrides(c))
	if err != nil {
		return usageError{err}
	}
	if _, err := control.NewAlgorithm(cfg); err != nil {
		return usageError{err}
	}
	f, isFile := c.App.ErrWriter.(*os.File)
	summary, err := scheduler.Run(c.Context, scheduler.Options{Config: cfg, Log: logger(c, cfg), Progress: c.App.ErrWriter,
		Live: isFile && term.IsTerminal(int(f.Fd())), Joined: local.Joined, Began: local.Began()})
	if summary == nil {
		return err
	}
	if c.Bool("json") {
		return errors.Join(err, summary.JSON(c.App.Writer))
	}
	return errors.Join(err, summary.Text(c.App.Writer))
}

// roleConfig reads the configuration of a role other than the scheduler.
func roleConfig(c *cli.Context) (*configs.Config, error) {
	if err := noArgs(c); err != nil {
		return nil, err
	}
	cfg, err := configs.LoadRole(c.String("config"), overrides(c))
	if err != nil {
		return nil, usageError{err}
	}
	if len(cfg.Cluster.Join) == 0 {
		return nil, usagef("%s: which cluster? --join HOST:PORT of any member, or cluster.join in --config", c.Command.Name)
	}
	return cfg, nil
}

func runServer(c *cli.Context) error {
	cfg, err := roleConfig(c)
	if err != nil {
		return err
	}
	if c.IsSet("shard") && c.Int("shard") < 0 {
		return usagef("server: --shard %d: a seat is a number from 0", c.Int("shard"))
	}
	return server.Run(c.Context, cfg, seatName(c), c.Int("shard"), logger(c, cfg))
}

// seatName is the name of a server that has a seat; the scheduler names others.
func seatName(c *cli.Context) string {
	if c.Int("shard") < 0 {
		return ""
	}
	return fmt.Sprintf("server-%d", c.Int("shard"))
}

func runWorker(c *cli.Context) error {
	cfg, err := roleConfig(c)
	if err != nil {
		return err
	}
	return worker.Run(c.Context, cfg, "", logger(c, cfg))
}
