package command

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"petuum/configs"
	"petuum/roles/bench/kernels"
)

// completeWord is the command by which shells ask what may come next. It has
// the words after "petuum" up to the one with the cursor, which may be empty.
const completeWord = "__complete"

// scripts make shells ask. Where there is no answer they complete file names.
var scripts = map[string]string{
	"bash": `_petuum() {
  local IFS=$'\n'
  COMPREPLY=($(compgen -W "$(petuum __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
  [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace
}
complete -o default -F _petuum petuum
`,
	"zsh": `#compdef petuum
_petuum() {
  local -a found
  found=("${(@f)$(petuum __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -z ${found[1]} ]]; then _files; return; fi
  compadd -S '' -- ${(M)found:#*=}
  compadd -- ${found:#*=}
}
compdef _petuum petuum
`,
	"fish": `function __petuum
  set -l found (petuum __complete (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)
  if set -q found[1]
    printf '%s\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c petuum -f -a '(__petuum)'
`,
}

func (p *program) completionCommand() *cli.Command {
	return &cli.Command{
		Name: "completion", Category: groupProgram, Usage: "print what makes a shell complete commands, flags and settings",
		ArgsUsage: "bash|zsh|fish",
		Description: `For this shell, or in its start-up file:
  source <(petuum completion bash)
  source <(petuum completion zsh)
  petuum completion fish | source`,
		Action: func(c *cli.Context) error {
			script, ok := scripts[c.Args().First()]
			if !ok || c.Args().Len() != 1 {
				return usagef("completion: which shell? petuum completion bash, zsh or fish")
			}
			fmt.Fprint(c.App.Writer, script)
			return nil
		},
	}
}

// choices are the values of flags that have few.
var choices = map[string][]string{
	"log-level":  {"debug", "info", "warn", "error"},
	"log-format": {"text", "json"},
	"only":       kernels.Names(),
}

// complete lists what the last word may become.
func (p *program) complete(a *cli.App, words []string) (found []string) {
	if len(words) == 0 {
		words = []string{""}
	}
	last := words[len(words)-1]
	flags, commands, at := descend(a, words[:len(words)-1])
	if f := flagNamed(flags, previous(words)); f != nil && takesValue(f) {
		return p.values(f.Names()[0], last)
	}
	switch {
	case strings.HasPrefix(last, "-"):
		for _, f := range flags {
			found = append(found, "--"+f.Names()[0])
		}
		found = append(found, "--help")
	case at == len(words)-1:
		for _, c := range commands {
			found = append(found, c.Name)
		}
		if at == 1 && words[0] == "completion" {
			found = []string{"bash", "zsh", "fish"}
		}
	}
	return slices.DeleteFunc(found, func(s string) bool { return !strings.HasPrefix(s, last) })
}

// previous is the word before the last without its dashes, if it is a flag.
func previous(words []string) string {
	if len(words) < 2 || !strings.HasPrefix(words[len(words)-2], "-") {
		return ""
	}
	return strings.TrimLeft(words[len(words)-2], "-")
}

// values lists the values of a flag, which are settings for --set.
func (p *program) values(flag, last string) (found []string) {
	found = slices.Clone(choices[flag])
	if flag == "set" {
		settings := configs.Settings()
		for _, make := range p.algorithms {
			settings = append(settings, configs.Describe(make())...)
		}
		for _, s := range settings {
			found = append(found, s.Key+"=")
		}
		slices.Sort(found)
		found = slices.Compact(found)
	}
	return slices.DeleteFunc(found, func(s string) bool { return !strings.HasPrefix(s, last) })
}

func flagNamed(flags []cli.Flag, name string) cli.Flag {
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

func takesValue(f cli.Flag) bool {
	_, isBool := f.(*cli.BoolFlag)
	return !isBool
}

// descend follows the words that name commands: to the flags and subcommands of
// the last one, and the number of the word after it.
func descend(a *cli.App, words []string) (flags []cli.Flag, commands []*cli.Command, at int) {
	flags, commands = a.Flags, a.Commands
	for at < len(words) {
		i := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(words[at]) })
		if i < 0 {
			break
		}
		flags, commands = commands[i].Flags, commands[i].Subcommands
		at++
	}
	return flags, commands, at
}
