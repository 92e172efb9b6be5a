package command

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"

	"petuum/algos/registry"
)

// typed runs a command line and returns its exit status and what it printed.
func typed(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = Run(registry.Algorithms, append([]string{"petuum"}, args...), &out, &errs)
	return status, out.String(), errs.String()
}

func TestHelp(t *testing.T) {
	status, out, _ := typed(t, "--help")
	if _, again, _ := typed(t, "help"); status != 0 || again != out {
		t.Errorf("petuum help: got\n%s, want what --help prints:\n%s", again, out)
	}
	p := &program{algorithms: registry.Algorithms}
	app := p.app(io.Discard, io.Discard)
	for _, c := range app.Commands {
		if !slices.Contains(groups, c.Category) || !strings.Contains(out, "\n  "+c.Name+" ") {
			t.Errorf("%s is in no group of the help:\n%s", c.Name, out)
		}
		status, help, _ := typed(t, c.Name, "--help")
		if status != 0 || !strings.HasPrefix(help, "petuum "+c.Name+" - ") {
			t.Errorf("petuum %s --help: got status %d and\n%s", c.Name, status, help)
		}
		for _, f := range c.Flags {
			if l, usage := flagHelp(f); usage == "" || !strings.Contains(help, l) {
				t.Errorf("petuum %s --help does not explain %s:\n%s", c.Name, l, help)
			}
		}
		for line := range strings.Lines(help) {
			if len(line) > 160 {
				t.Errorf("petuum %s --help: a line of %d characters: %s", c.Name, len(line), line)
			}
		}
	}
}

func TestInterspersed(t *testing.T) {
	p := &program{algorithms: registry.Algorithms}
	app := p.app(io.Discard, io.Discard)
	for _, c := range []struct{ typed, want string }{
		{"run a.toml --json", "run --json -- a.toml"},
		{"run --json a.toml", "run --json -- a.toml"},
		{"run a.toml --set x.y=1 b.toml", "run --set x.y=1 -- a.toml b.toml"},
		{"run --set=x.y=1 a.toml", "run --set=x.y=1 -- a.toml"},
		{"run --json -- --odd", "run --json -- --odd"},
		{"run -", "run -- -"},
		{"run --set", "run --set"},
		{"scheduler -c a.toml", "scheduler -c a.toml"},
		{"--version", "--version"},
		{"", ""},
	} {
		got := strings.Join(interspersed(app, append([]string{"petuum"}, strings.Fields(c.typed)...))[1:], " ")
		if got != c.want {
			t.Errorf("%q: got %q, want %q", c.typed, got, c.want)
		}
	}
}

func TestComplete(t *testing.T) {
	for _, c := range []struct {
		words []string
		want  []string
	}{
		{[]string{"ru"}, []string{"run"}},
		{[]string{"run", "--js"}, []string{"--json"}},
		{[]string{"run", "--set", "stop.ep"}, []string{"stop.epochs="}},
		{[]string{"run", "--set", "algorithm.lambda_"}, []string{"algorithm.lambda_ratio="}},
		{[]string{"run", "job.toml", "--log-format", ""}, []string{"text", "json"}},
		{[]string{"run", "job.toml", ""}, nil}, // the shell completes files
		{[]string{"completion", "z"}, []string{"zsh"}},
		{[]string{"bench", "k"}, []string{"kernels"}},
		{[]string{"bench", "kernels", "--only", "gatherd"}, []string{"gatherdot"}},
		{[]string{"nothing", "--"}, []string{"--help"}},
	} {
		status, out, _ := typed(t, append([]string{completeWord}, c.words...)...)
		if got := strings.Fields(out); status != 0 || !slices.Equal(got, c.want) {
			t.Errorf("%q: got %q, want %q", c.words, got, c.want)
		}
	}
	if _, out, _ := typed(t, completeWord); !strings.Contains(out, "run\n") || !strings.Contains(out, "worker\n") {
		t.Errorf("nothing typed: got %q, want all commands", out)
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if status, out, _ := typed(t, "completion", shell); status != 0 || !strings.Contains(out, completeWord) {
			t.Errorf("%s: got status %d and %q, want a script that asks petuum", shell, status, out)
		}
	}
	if status, _, errs := typed(t, "completion", "csh"); status != statusUsage || !strings.Contains(errs, "bash, zsh or fish") {
		t.Errorf("csh: got status %d and %q", status, errs)
	}
}

func TestJSONOfFailure(t *testing.T) {
	for _, args := range [][]string{
		{"run", "--json", "nothing.toml"},
		{"run", "nothing.toml", "--json"},
		{"scheduler", "--json"},
	} {
		status, out, errs := typed(t, args...)
		var got struct {
			Error  string
			Status int
		}
		if err := json.Unmarshal([]byte(out), &got); err != nil || got.Error == "" || got.Status != status || status != statusUsage {
			t.Errorf("%q: got status %d and %q (%v), want an object with the error and the status 2", args, status, out, err)
		}
		if !strings.Contains(errs, got.Error) {
			t.Errorf("%q: got %q on stderr, want the error of stdout in it: %q", args, errs, got.Error)
		}
	}
}
