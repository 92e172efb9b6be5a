// Package command is the command line: what users type, what they get told, and
// the exit statuses.
//
// A program with an algorithm of its own is this one with a longer list:
//
//	func main() {
//		list := registry.Algorithms.With("mine", func() algos.Algorithm { return mine.New() })
//		os.Exit(command.Run(list, os.Args, os.Stdout, os.Stderr))
//	}
//
// Results go to stdout; logs, progress and errors to stderr. With --json stdout
// is exactly one JSON object, also when the command fails. Flags may stand before
// or after arguments; what follows "--" is no flag.
package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"petuum/algos/registry"
	"petuum/configs"
	"petuum/roles/bench"
	"petuum/roles/control"
	"petuum/roles/enlist"
	"petuum/roles/local"
)

// Exit statuses.
const (
	statusFailed      = 1
	statusUsage       = 2
	statusInterrupted = 130
)

// usageError is a mistake in what the user typed or configured.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// program is one run of the command line.
type program struct {
	algorithms registry.List
	child      bool // started by petuum run, which speaks to the user
	json       bool // the command was asked for one JSON object
	printed    bool // and has printed it
}

// Run runs the command line and returns the exit status. It belongs to a
// process: signals end it.
func Run(algorithms registry.List, args []string, stdout, stderr io.Writer) int {
	p := &program{algorithms: algorithms.With(bench.Name, bench.New), child: local.Child()}
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as by nohup
		ends = append(ends, syscall.SIGHUP) // the terminal is gone
	}
	ctx, stop := signal.NotifyContext(context.Background(), ends...)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C kills
	if p.child {
		signal.Ignore(os.Interrupt) // the supervisor decides
	}
	app := p.app(stdout, stderr)
	if len(args) > 1 && args[1] == completeWord {
		for _, word := range p.complete(app, args[2:]) {
			fmt.Fprintln(stdout, word)
		}
		return 0
	}
	if len(args) > 1 && args[1] == "help" {
		args = append(append([]string{args[0]}, args[2:]...), "--help")
	}
	err := app.RunContext(ctx, interspersed(app, args))
	status, message := p.outcome(ctx, err)
	if message != "" && !p.child || message != "" && status != statusInterrupted {
		fmt.Fprintf(stderr, "petuum: %s\n", message)
	}
	if p.json && !p.printed && status != 0 {
		_ = json.NewEncoder(stdout).Encode(map[string]any{"error": message, "status": status})
	}
	return status
}

// outcome is the exit status of an error, and what is to be said of it: "" where
// it was said already.
func (p *program) outcome(ctx context.Context, err error) (status int, message string) {
	var exit *local.ExitError
	var ended *control.Ended
	var problems configs.Errors
	switch {
	case err == nil:
		return 0, ""
	case errors.Is(err, errUnwell):
		p.printed = true
		return statusFailed, "" // the report says why
	case p.child && errors.As(err, &ended):
		return statusFailed, "" // the scheduler or the supervisor says why
	case errors.As(err, &exit) && exit.Code != statusInterrupted:
		p.printed = true // by the scheduler, like the message
		return exit.Code, ""
	case exit != nil:
		p.printed = true
		return statusInterrupted, "interrupted"
	case ctx.Err() != nil:
		return statusInterrupted, "interrupted"
	case errors.As(err, &problems), errors.As(err, new(usageError)):
		return statusUsage, err.Error()
	}
	return statusFailed, err.Error()
}

func (p *program) app(stdout, stderr io.Writer) *cli.App {
	a := &cli.App{
		Name:                      "petuum",
		Usage:                     "train machine-learning models on one machine or many",
		Version:                   enlist.Version,
		Writer:                    stdout,
		ErrWriter:                 stderr,
		Suggest:                   true,
		DisableSliceFlagSeparator: true,
		ExitErrHandler:            func(*cli.Context, error) {},
		Commands: []*cli.Command{
			p.runCommand(),
			p.schedulerCommand(),
			p.serverCommand(),
			p.workerCommand(),
			p.predictCommand(),
			p.modelCommand(),
			p.configCommand(),
			p.doctorCommand(),
			p.benchCommand(),
			p.membersCommand(),
			p.dataCommand(),
			p.completionCommand(),
			p.versionCommand(),
		},
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return p.noCommand(c)
			}
			return cli.ShowAppHelp(c)
		},
	}
	a.OnUsageError = func(_ *cli.Context, err error, _ bool) error { return flagError(a.Flags, err) }
	each(a.Commands, func(c *cli.Command) {
		c.OnUsageError = func(_ *cli.Context, err error, _ bool) error { return flagError(c.Flags, err) }
	})
	writeHelp(a)
	return a
}

// noCommand says what was probably meant by a word that is no command.
func (p *program) noCommand(c *cli.Context) error {
	name := c.Args().First()
	if info, err := os.Stat(name); strings.HasSuffix(name, ".toml") || err == nil && !info.IsDir() {
		return usagef("%q is no command: to run a job, petuum run %s", name, name)
	}
	var names []string
	for _, cmd := range c.App.Commands {
		names = append(names, cmd.Name)
	}
	return usagef("no command is called %q; nearest %q; see petuum --help", name, configs.Nearest(name, names))
}

// each visits commands and their subcommands.
func each(commands []*cli.Command, visit func(*cli.Command)) {
	for _, c := range commands {
		visit(c)
		each(c.Subcommands, visit)
	}
}

func (p *program) versionCommand() *cli.Command {
	return &cli.Command{Name: "version", Category: groupProgram, Usage: "print the version", Action: func(c *cli.Context) error {
		if err := noArgs(c); err != nil {
			return err
		}
		fmt.Fprintln(c.App.Writer, "petuum", enlist.Version)
		return nil
	}}
}

// noArgs refuses arguments.
func noArgs(c *cli.Context) error {
	if !c.Args().Present() {
		return nil
	}
	name := c.Args().First()
	for _, f := range c.Command.Flags {
		if slices.Contains(f.Names(), "config") && strings.HasSuffix(name, ".toml") {
			return usagef("%s: unexpected argument %q: a configuration is given by --config %s", c.Command.Name, name, name)
		}
	}
	return usagef("%s: unexpected argument %q", c.Command.Name, name)
}
