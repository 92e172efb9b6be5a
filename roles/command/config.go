package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"petuum/algos"
	"petuum/configs"
)

func (p *program) configCommand() *cli.Command {
	flags := func(more ...cli.Flag) []cli.Flag {
		set := &cli.StringSliceFlag{Name: "set", Usage: "override a setting: `section.key=value`; may be repeated"}
		return append([]cli.Flag{p.asJSON("print one JSON object on stdout"), set}, more...)
	}
	return &cli.Command{
		Name: "config", Category: groupInspect, Usage: "check jobs and show their settings, without running anything", Action: needsSubcommand,
		Subcommands: []*cli.Command{
			{Name: "check", Usage: "report all that is wrong with jobs, or what would run", ArgsUsage: "FILE.toml...",
				Flags: flags(), Action: p.configCheck,
				Description: "Example:\n  petuum config check configs/*.toml"},
			{Name: "show", Usage: "print every setting, its value and where it comes from", ArgsUsage: "[FILE.toml]",
				Flags: flags(&cli.BoolFlag{Name: "changed", Usage: "only what is set, not the defaults", DisableDefaultText: true}), Action: p.configShow,
				Description: "The output is a job itself. Without a file it is the defaults.\n\nExample:\n  petuum config show configs/logreg-a9a.toml --set cluster.workers=4"},
		},
	}
}

// plan is what a job would do, as config check prints it.
type plan struct {
	File      string        `json:"file"`
	Job       string        `json:"job"`
	Algorithm string        `json:"algorithm"`
	Train     configs.Paths `json:"train"`
	Test      configs.Paths `json:"test,omitempty"`
	Parts     int           `json:"parts"`
	Policy    string        `json:"policy"`
	Servers   int           `json:"servers"`
	Workers   int           `json:"workers"`
	Stop      []string      `json:"stop"`
	Model     string        `json:"model,omitempty"`
}

func planOf(path string, c *configs.Config) plan {
	m := plan{File: path, Job: c.Job.Name, Algorithm: c.Job.Algorithm, Train: c.Data.Train, Parts: c.Parts(), Policy: c.Policy().String(),
		Servers: c.Cluster.Servers, Workers: c.Cluster.Workers, Stop: stops(c.Stop), Model: c.Output.Model}
	if c.Evaluate.Test {
		m.Test = c.Data.Test
	}
	return m
}

// String is one line.
func (m plan) String() string {
	test, model := "", "no model is written"
	if len(m.Test) > 0 {
		test = ", tested on " + m.Test.String()
	}
	if m.Model != "" {
		model = "model in " + m.Model
	}
	return fmt.Sprintf("%s: %s on %s%s; %s, %s, %s, %s; stops %s; %s", m.File, m.Algorithm, m.Train, test, counted(m.Parts, "part"), m.Policy,
		counted(m.Servers, "server"), counted(m.Workers, "worker"), strings.Join(m.Stop, " or "), model)
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// stops are the stopping rules that are set, in words.
func stops(s configs.Stop) []string {
	var rules []string
	if s.Epochs > 0 {
		rules = append(rules, "after "+counted(s.Epochs, "epoch"))
	}
	if s.Clocks > 0 {
		rules = append(rules, "after "+counted(s.Clocks, "clock"))
	}
	if s.Seconds > 0 {
		rules = append(rules, fmt.Sprintf("after %g seconds", s.Seconds))
	}
	if s.Tolerance > 0 {
		rules = append(rules, fmt.Sprintf("at a relative gap or change of %g", s.Tolerance))
	}
	if s.Objective != nil {
		rules = append(rules, fmt.Sprintf("at an objective of %g", *s.Objective))
	}
	if len(rules) == 0 {
		rules = append(rules, "by default at a relative gap or change of 1e-6, or after 1000 epochs")
	}
	return rules
}

// configProblem is what is wrong with a configuration, for machines.
type configProblem struct {
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	From    string `json:"from,omitempty"` // the flag or variable, if it is none of the file's
	Key     string `json:"key,omitempty"`
	What    string `json:"what"`
	Nearest string `json:"nearest,omitempty"`
}

// configProblems are the problems that an error has. One that is not of a
// configuration, such as a file that is missing, counts as one.
func configProblems(path string, err error) []configProblem {
	var found configs.Errors
	if !errors.As(err, &found) {
		return []configProblem{{File: path, What: err.Error()}}
	}
	var list []configProblem
	for _, f := range found {
		m := configProblem{Key: f.Key, What: f.What, Nearest: f.Nearest}
		m.File, m.Line, m.From = f.Where()
		if m.File == "" {
			m.File = path
		}
		list = append(list, m)
	}
	return list
}

func (p *program) configCheck(c *cli.Context) error {
	if !c.Args().Present() {
		return usagef("config check: which jobs? petuum config check FILE.toml...")
	}
	over := p.overrides(c)
	plans, wrong, texts := []plan{}, []configProblem{}, []string{}
	for _, path := range c.Args().Slice() {
		cfg, err := p.job(path, over)
		if err != nil {
			wrong, texts = append(wrong, configProblems(path, err)...), append(texts, err.Error())
			continue
		}
		plans = append(plans, planOf(path, cfg))
		if !p.json {
			fmt.Fprintln(c.App.Writer, plans[len(plans)-1])
		}
	}
	if p.json {
		if err := p.printJSON(c, map[string]any{"jobs": plans, "problems": wrong}); err != nil {
			return err
		}
	}
	if len(texts) > 0 {
		return usageError{errors.New(strings.Join(texts, "\n"))}
	}
	return nil
}

// printJSON prints the one JSON object of a command.
func (p *program) printJSON(c *cli.Context, v any) error {
	p.printed = true
	e := json.NewEncoder(c.App.Writer)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

func (p *program) configShow(c *cli.Context) error {
	if c.Args().Len() > 1 {
		return usagef("config show: one job at a time: unexpected argument %q", c.Args().Get(1))
	}
	cfg, alg, err := p.shown(c.Args().First(), p.overrides(c))
	if err != nil && p.json {
		return errors.Join(err, p.printJSON(c, map[string]any{"problems": configProblems(c.Args().First(), err)}))
	} else if err != nil {
		return err
	}
	var dst any
	if alg != nil {
		dst = alg
	}
	var values []configs.Value
	for _, v := range cfg.Values(dst) {
		if v.From != "default" || !c.Bool("changed") {
			values = append(values, v)
		}
	}
	if p.json {
		return p.printJSON(c, settingsOf(values))
	}
	return writeTOML(c.App.Writer, values)
}

// shown loads what config show prints: a job, or without a file what is set in the
// environment and by flags.
func (p *program) shown(path string, over []configs.Override) (*configs.Config, algos.Algorithm, error) {
	if path != "" {
		return p.load(path, over)
	}
	cfg, err := configs.LoadRole("", over)
	if err != nil {
		return nil, nil, usageError{err}
	}
	if cfg.Job.Algorithm == "" {
		return cfg, nil, nil
	}
	make, ok := p.algorithms[cfg.Job.Algorithm]
	if !ok {
		return p.load("", over) // says so
	}
	alg := make()
	if err := cfg.Algorithm(alg); err != nil {
		return nil, nil, usageError{err}
	}
	return cfg, alg, nil
}

// settingsOf gives the values as JSON: by key, each with where it comes from.
func settingsOf(values []configs.Value) map[string]any {
	m := map[string]any{}
	for _, v := range values {
		m[v.Key] = map[string]any{"value": v.JSON, "from": v.From}
	}
	return map[string]any{"settings": m}
}

// writeTOML writes the values as a TOML file with a comment at each.
func writeTOML(w io.Writer, values []configs.Value) error {
	lines, width := make([]string, len(values)), 0
	for i, v := range values {
		_, name, _ := strings.Cut(v.Key, ".")
		lines[i] = name + " = " + v.TOML
		if v.TOML == "" {
			lines[i] = "# " + name + " is not set"
		}
		if n := len([]rune(lines[i])); n <= 40 {
			width = max(width, n)
		}
	}
	var b strings.Builder
	last := ""
	for i, v := range values {
		section, _, _ := strings.Cut(v.Key, ".")
		if section != last {
			fmt.Fprintf(&b, "%s[%s]\n", map[bool]string{true: "", false: "\n"}[last == ""], section)
			last = section
		}
		if v.TOML == "" {
			fmt.Fprintln(&b, lines[i])
			continue
		}
		fmt.Fprintf(&b, "%-*s  # %s\n", width, lines[i], v.From)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
