package command

import (
	"log/slog"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"petuum/configs"
	"petuum/roles/bench"
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
		&cli.StringFlag{Name: "config", Aliases: []string{"c"}, Usage: "TOML `file`", EnvVars: []string{"PETUUM_CONFIG"}},
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

// overrides are what the environment sets, and over it the flags.
func (p *program) overrides(c *cli.Context) []configs.Override {
	return append(configs.Environment(os.Environ(), p.parameters()), fromFlags(c)...)
}

// parameters are those of all algorithms.
func (p *program) parameters() []configs.Setting {
	var all []configs.Setting
	for _, name := range slices.Sorted(maps.Keys(p.algorithms)) {
		if name == bench.Name {
			continue
		}
		all = append(all, configs.Describe(p.algorithms[name]())...)
	}
	return all
}

// fromFlags are the --set flags and those that stand for a setting.
func fromFlags(c *cli.Context) []configs.Override {
	var list []configs.Override
	for _, set := range c.StringSlice("set") {
		list = append(list, configs.Set(set))
	}
	for _, flag := range slices.Sorted(maps.Keys(settingFlags)) {
		if c.IsSet(flag) {
			list = append(list, configs.Override{Label: "--" + flag, Key: settingFlags[flag], Text: c.String(flag)})
		}
	}
	for _, addr := range c.StringSlice("join") {
		list = append(list, configs.Override{Label: "--join", Key: "cluster.join", Text: addr})
	}
	return list
}

// again are the overrides of this command line for that of the scheduler, which
// reads the same environment.
func again(c *cli.Context) []string {
	var args []string
	for _, o := range fromFlags(c) {
		args = append(args, o.Label+"="+o.Text)
	}
	return args
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
	if at == 0 && !strings.HasPrefix(args[1], "-") {
		return args // no command, which is what there is to say
	}
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
		if f := flagNamed(flags, strings.TrimLeft(word, "-")); f != nil && takesValue(f) {
			if len(rest) == 1 {
				return head // so that the library misses the value, whatever arguments there are
			}
			rest = rest[1:]
			head = append(head, rest[0])
		}
	}
	if len(tail) > 0 {
		head = append(append(head, "--"), tail...)
	}
	return head
}

// What the flag library says of flags that it cannot read.
var (
	unknownFlag  = regexp.MustCompile(`^flag provided but not defined: -+(.*)$`)
	missingValue = regexp.MustCompile(`^flag needs an argument: -+(.*)$`)
	wrongValue   = regexp.MustCompile(`(?s)^invalid (?:boolean )?value (".*") for (?:flag )?-+([^:]*): (.*)$`)
	wrongEnv     = regexp.MustCompile(`(?s)^could not parse (".*") as (\w+) value from environment variable "(.*?)" for flag ([^:]*):`)
)

// flagError says what is wrong with a flag in the words of this program.
func flagError(flags []cli.Flag, err error) error {
	text := err.Error()
	if m := unknownFlag.FindStringSubmatch(text); m != nil {
		var names []string
		for _, f := range flags {
			for _, name := range f.Names() {
				names = append(names, dashed(name))
			}
		}
		return usagef("%s: no such flag; nearest %s", dashed(m[1]), configs.Nearest(dashed(m[1]), names))
	}
	if m := missingValue.FindStringSubmatch(text); m != nil {
		return usagef("%s: no value after it", dashed(m[1]))
	}
	if m := wrongValue.FindStringSubmatch(text); m != nil {
		if value, err := strconv.Unquote(m[1]); err == nil {
			return usagef("%s %s: want %s", dashed(m[2]), value, wanted(flags, m[2]))
		}
	}
	if m := wrongEnv.FindStringSubmatch(text); m != nil {
		if value, err := strconv.Unquote(m[1]); err == nil {
			return usagef("%s=%s: want %s", m[3], value, wanted(flags, m[4]))
		}
	}
	return usageError{err}
}

// dashed is a flag as users write it.
func dashed(name string) string {
	if len([]rune(name)) == 1 {
		return "-" + name
	}
	return "--" + name
}

// wanted is what values of a flag look like.
func wanted(flags []cli.Flag, name string) string {
	for _, f := range flags {
		if !slices.Contains(f.Names(), name) {
			continue
		}
		switch f.(type) {
		case *cli.BoolFlag:
			return "true or false"
		case *cli.DurationFlag:
			return `a number and a unit, as "250ms"`
		case *cli.StringFlag, *cli.StringSliceFlag:
			return "text"
		case *cli.UintFlag, *cli.Uint64Flag:
			return "a number of 0 or more"
		}
	}
	return "a number"
}
