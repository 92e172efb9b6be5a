package command

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"petuum/configs"
)

// settingFlags are the flags that stand for a setting.
var settingFlags = map[string]string{
	"bind": "cluster.bind", "advertise": "cluster.advertise", "gossip": "cluster.gossip",
	"key-file": "cluster.key_file", "log-level": "log.level", "log-format": "log.format",
}

// common are the flags of every command that reads a configuration.
func common() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "set", Usage: "override a setting: `section.key=value`; may be repeated"},
		&cli.StringFlag{Name: "log-level", Usage: "debug, info, warn or error", DefaultText: "info"},
		&cli.StringFlag{Name: "log-format", Usage: "text or json", DefaultText: "text"},
	}
}

// place are the flags of every command that joins a cluster.
func place() []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "config", Aliases: []string{"c"}, Usage: "TOML `file`"},
		&cli.StringSliceFlag{Name: "join", Usage: "gossip `address` of any member of the cluster; may be repeated"},
		&cli.StringFlag{Name: "bind", Usage: "`address` to listen on, without port", DefaultText: "127.0.0.1"},
		&cli.StringFlag{Name: "advertise", Usage: "`address` under which others reach this process, without port", DefaultText: "the bound one"},
		&cli.StringFlag{Name: "gossip", Usage: "`host:port` of the gossip listener", DefaultText: "any free port"},
		&cli.StringFlag{Name: "key-file", Usage: "`file` with the key that encrypts gossip", DefaultText: "not encrypted"},
	}, common()...)
}

// asJSON is the flag for machines.
func (p *program) asJSON(usage string) cli.Flag {
	return &cli.BoolFlag{Name: "json", Usage: usage, DisableDefaultText: true, Destination: &p.json}
}

// overrides are the --set flags and those that stand for a setting.
func overrides(c *cli.Context) []string {
	sets := c.StringSlice("set")
	for flag, key := range settingFlags {
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

// interspersed puts the flags of a command before its arguments, where the flag
// library looks for them.
func interspersed(app *cli.App, args []string) []string {
	if len(args) < 2 || slices.Contains(args, "--generate-bash-completion") {
		return args
	}
	at := 1
	flags, commands := app.Flags, app.Commands
	for at < len(args) {
		i := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(args[at]) })
		if i < 0 {
			break
		}
		flags, commands = commands[i].Flags, commands[i].Subcommands
		at++
	}
	valued := map[string]bool{}
	for _, f := range flags {
		_, isBool := f.(*cli.BoolFlag)
		for _, name := range f.Names() {
			valued[name] = !isBool
		}
	}
	head, tail := slices.Clone(args[:at]), []string{}
	for ; at < len(args); at++ {
		a := args[at]
		if a == "--" {
			tail = append(tail, args[at+1:]...)
			break
		}
		if a == "-" || !strings.HasPrefix(a, "-") {
			tail = append(tail, a)
			continue
		}
		head = append(head, a)
		if valued[strings.TrimLeft(a, "-")] && at+1 < len(args) {
			at++
			head = append(head, args[at])
		}
	}
	if len(tail) > 0 {
		head = append(append(head, "--"), tail...)
	}
	return head
}
