package command

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/urfave/cli/v2"
)

// Groups of commands, in the order of the help.
const (
	groupJobs    = "Run a job"
	groupRoles   = "Roles of a job, each a process"
	groupModels  = "Use a model"
	groupInspect = "Look before you leap"
	groupProgram = "The program"
)

var groups = []string{groupJobs, groupRoles, groupModels, groupInspect, groupProgram}

const appExamples = `Run a job on this machine:
  petuum run configs/logreg-a9a.toml
Run it as separate processes, here or on other machines:
  petuum scheduler --config configs/logreg-a9a.toml --gossip 127.0.0.1:7946
  petuum server --join 127.0.0.1:7946 --shard 0
  petuum server --join 127.0.0.1:7946 --shard 1
  petuum worker --join 127.0.0.1:7946
  petuum worker --join 127.0.0.1:7946
Use what it has learned:
  petuum model show out/logreg-a9a
  petuum predict --model out/logreg-a9a --data configs/data/a9a.test.libsvm.gz`

// writeHelp gives the program and all commands their help texts.
func writeHelp(a *cli.App) {
	a.HideHelpCommand = true
	a.CustomAppHelpTemplate = template(appHelp(a))
	var visit func(prefix string, commands []*cli.Command)
	visit = func(prefix string, commands []*cli.Command) {
		for _, c := range commands {
			c.HideHelpCommand = true
			c.CustomHelpTemplate = template(commandHelp(prefix+" "+c.Name, c))
			visit(prefix+" "+c.Name, c.Subcommands)
		}
	}
	visit(a.Name, a.Commands)
}

// template protects a text from the library's templates.
func template(text string) string { return strings.ReplaceAll(text, "{{", `{{"{{"}}`) }

func appHelp(a *cli.App) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s - %s\n\nUsage: %s COMMAND [flags] [arguments]\n", a.Name, a.Version, a.Usage, a.Name)
	for _, g := range groups {
		title := "\n" + g + "\n"
		for _, c := range a.Commands {
			if c.Category == g {
				fmt.Fprintf(&b, "%s  %-12s%s\n", title, c.Name, c.Usage)
				title = ""
			}
		}
	}
	fmt.Fprintf(&b, "\n%s\n\n", appExamples)
	fmt.Fprintf(&b, "%s COMMAND --help says more; every setting of a job: %s config show.\n", a.Name, a.Name)
	return b.String()
}

func commandHelp(name string, c *cli.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s - %s\n\nUsage: %s", name, c.Usage, name)
	if len(c.Subcommands) > 0 {
		b.WriteString(" COMMAND")
	}
	b.WriteString(" [flags]")
	if c.ArgsUsage != "" {
		b.WriteString(" " + c.ArgsUsage)
	}
	b.WriteString("\n")
	if c.Description != "" {
		fmt.Fprintf(&b, "\n%s\n", strings.TrimRight(c.Description, "\n"))
	}
	if len(c.Subcommands) > 0 {
		b.WriteString("\nCommands\n")
		for _, s := range c.Subcommands {
			fmt.Fprintf(&b, "  %-12s%s\n", s.Name, s.Usage)
		}
	}
	b.WriteString("\nFlags\n")
	var left, right []string
	width := 0
	for _, f := range append(c.Flags[:len(c.Flags):len(c.Flags)], cli.HelpFlag) {
		l, r := flagHelp(f)
		left, right, width = append(left, l), append(right, r), max(width, len(l))
	}
	for i, l := range left {
		fmt.Fprintf(&b, "  %-*s  %s\n", width, l, right[i])
	}
	return b.String()
}

// placeholder is the name of a flag's value in its usage.
var placeholder = regexp.MustCompile("`([^`]+)`")

// flagHelp is a flag as it is typed, and what it does.
func flagHelp(f cli.Flag) (typed, usage string) {
	for _, n := range f.Names() {
		dash := "--"
		if len(n) == 1 {
			dash = "-"
		}
		if typed != "" {
			typed += ", "
		}
		typed += dash + n
	}
	d, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return typed, ""
	}
	usage = d.GetUsage()
	if d.TakesValue() {
		value := "VALUE"
		if m := placeholder.FindStringSubmatch(usage); m != nil {
			value = strings.ToUpper(strings.TrimSpace(m[1]))
			usage = strings.Replace(usage, m[0], m[1], 1)
			if strings.ContainsAny(m[1], ".=:") {
				value = m[1]
			}
		}
		typed += " " + value
		if text := strings.Trim(d.GetDefaultText(), `"`); text != "" {
			usage += " (default: " + text + ")"
		}
	}
	if env := d.GetEnvVars(); len(env) > 0 {
		usage += " [" + strings.Join(env, ", ") + "]"
	}
	return typed, usage
}
