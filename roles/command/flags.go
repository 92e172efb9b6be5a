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
func interspersed(a *cli.App, args []string) []string {
	if len(args) < 2 {
		return args
	}
	flags, _, at := descend(a, args[1:])
	head, tail := slices.Clone(args[:at+1]), []string{}
	for rest := args[at+1:]; len(rest) > 0; rest = rest[1:] {
		word := rest[0]
		if word == "--" {
			tail = append(tail, rest[1:]...)
			break
		}
		if word == "-" || !strings.HasPrefix(word, "-") {
			tail = append(tail, word)
			continue
		}
		head = append(head, word)
		if f := flagNamed(flags, strings.TrimLeft(word, "-")); f != nil && takesValue(f) && len(rest) > 1 {
			rest = rest[1:]
			head = append(head, rest[0])
		}
	}
	if len(tail) > 0 {
		head = append(append(head, "--"), tail...)
	}
	return head
}
