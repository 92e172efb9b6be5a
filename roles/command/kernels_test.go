package command

import (
	"encoding/json"
	"strings"
	"testing"

	"petuum/roles/bench/kernels"
)

func TestBenchKernels(t *testing.T) {
	status, out, errs := typed(t, "bench", "kernels", "--json", "--only", "gemv", "--only", "exp", "--seconds", "1e-9")
	var got kernels.Report
	if err := json.Unmarshal([]byte(out), &got); status != 0 || err != nil {
		t.Fatalf("got status %d, %v:\n%s\n%s", status, err, out, errs)
	}
	seen := map[string]bool{}
	for _, f := range got.Kernels {
		seen[f.Kernel] = true
		if !(f.NS > 0 && f.Rate > 0 && f.Machine > 0 && f.Plain > 0) {
			t.Errorf("got %+v, want figures above 0", f)
		}
	}
	if len(seen) != 2 || !seen["gemv"] || !seen["exp"] {
		t.Errorf("got figures of %v, want of gemv and exp", seen)
	}
	status, out, _ = typed(t, "bench", "kernels", "--only", "exp", "--seconds", "1e-9")
	if status != 0 || !strings.Contains(out, "\nexp f64 ") || strings.Contains(out, "\ndot ") {
		t.Errorf("got status %d and\n%s", status, out)
	}
}

func TestBenchKernelsRefuses(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--only", "gatherdto"}, `--only gatherdto: no kernel is called that; nearest "gatherdot"`},
		{[]string{"--only", "dot", "--only", "denes"}, `nearest "dense"`},
		{[]string{"--seconds", "0"}, "--seconds 0: want more than 0, and at most 60"},
		{[]string{"--seconds", "-1"}, "--seconds -1: want more than 0"},
		{[]string{"--seconds", "NaN"}, "--seconds NaN: want more than 0"},
		{[]string{"--seconds", "1e9"}, "at most 60"},
		{[]string{"--seconds", "long"}, "--seconds long: want a number"},
		{[]string{"dot"}, `unexpected argument "dot"`},
	} {
		status, out, errs := typed(t, append([]string{"bench", "kernels"}, c.args...)...)
		if status != statusUsage || out != "" || !strings.Contains(errs, c.want) {
			t.Errorf("%q: got status %d, %q and %q, want status %d and %q", c.args, status, out, errs, statusUsage, c.want)
		}
	}
	if status, out, _ := typed(t, "bench", "kernels", "--json", "--only", "x"); status != statusUsage || !strings.Contains(out, `"error"`) {
		t.Errorf("--json: got status %d and %q, want an object with the error", status, out)
	}
}

// The help names every kernel, in lines that fit a terminal.
func TestBenchKernelsHelp(t *testing.T) {
	status, out, _ := typed(t, "bench", "kernels", "--help")
	words := strings.Fields(strings.ReplaceAll(out, ":", " "))
	all := map[string]bool{}
	for _, w := range words {
		all[w] = true
	}
	for _, name := range kernels.Names() {
		if !all[name] {
			t.Errorf("%s is not in the help:\n%s", name, out)
		}
	}
	for line := range strings.Lines(out) {
		if status != 0 || len(line) > 101 {
			t.Errorf("status %d; a line of %d characters: %s", status, len(line), line)
		}
	}
}
