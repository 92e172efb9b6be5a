package command

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"petuum/algos/registry"
)

// TestConvert: a text becomes a binary file in parts of either kind, which generating
// makes as well, and what describes and loads data takes it.
func TestConvert(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	run := func(args ...string) (status int, stdout, stderr string) {
		var out, errs bytes.Buffer
		status = Run(registry.Algorithms, append([]string{"petuum"}, args...), &out, &errs)
		return status, out.String(), errs.String()
	}
	const shape = "--rows 30 --features 600 --nnz 5"
	if status, _, errs := run(append(strings.Fields("data gen lasso "+shape+" -o"), in("a.libsvm"))...); status != 0 {
		t.Fatal(errs)
	}
	for _, c := range []struct{ flags, says, stat string }{
		{"--parts 1", "1 parts, ", "1, ranges of rows"},
		{"--parts 3", "3 parts by features, ", "3, ranges of features with all rows"},
		{"--parts 3 --partition rows", "3 parts, ", "3, ranges of rows"},
		{"--parts 1 --partition columns", "1 parts by features, ", "1, ranges of features with all rows"},
	} {
		flags := strings.Fields(c.flags)
		status, out, errs := run(append(append([]string{"data", "convert", in("a.libsvm")}, flags...), "-o", in("b.petuum"))...)
		if want := in("b.petuum") + ": 30 rows, 600 features, " + c.says; status != 0 || !strings.HasPrefix(out, want) {
			t.Fatalf("convert %s: got status %d, %q, %s, want %q", c.flags, status, out, errs, want)
		}
		status, out, errs = run(append(append(strings.Fields("data gen lasso "+shape), flags...), "-o", in("g.petuum"))...)
		if want := in("g.petuum") + ": 30 rows, 600 features, " + c.says; status != 0 || !strings.HasPrefix(out, want) {
			t.Fatalf("gen %s: got status %d, %q, %s, want %q", c.flags, status, out, errs, want)
		}
		converted, _ := os.ReadFile(in("b.petuum"))
		if made, err := os.ReadFile(in("g.petuum")); err != nil || !bytes.Equal(made, converted) {
			t.Errorf("%s: %d bytes generated, %v, are not the %d converted", c.flags, len(made), err, len(converted))
		}
		if status, _, errs = run("data", "convert", in("b.petuum"), "--parts", "1", "-o", in("again.petuum")); status != 0 {
			t.Errorf("%s, converted again: got status %d, %s", c.flags, status, errs)
		}
		if _, out, errs = run("data", "stat", in("b.petuum")); !strings.Contains(out, c.stat) {
			t.Errorf("stat after %s: got %s%s, want %q", c.flags, out, errs, c.stat)
		}
		for _, columns := range []string{"--columns=false", "--only-columns"} {
			if status, out, errs = run("bench", "load", in("b.petuum"), "--parts", flags[1], "--quantity", columns); status != 0 || !strings.Contains(out, "30 rows, 600 features, 3000 values") {
				t.Errorf("bench load %s of %s: got status %d, %s%s", columns, c.flags, status, out, errs)
			}
		}
	}
	for _, c := range []struct {
		args   string
		status int
		want   string
	}{
		{"", 2, "which data?"},
		{"- -o b.petuum", 2, "standard input cannot be read twice"},
		{"a.libsvm", 2, "--output: which file?"},
		{"a.libsvm -o x.csv", 2, "ends in .petuum"},
		{"a.libsvm -o x.petuum.gz", 2, "a compressed one will not do"},
		{"a.libsvm -o x.petuum --partition diagonal", 2, `--partition "diagonal": want rows, columns or auto`},
		{"a.libsvm -o x.petuum --parts 0", 2, "--parts 0"},
		{"a.libsvm -o x.petuum --parts 31 --partition rows", 1, "31 parts: want 1 to"},
		{"a.libsvm -o x.petuum --base 7", 2, "base 7"},
		{"none.libsvm -o x.petuum", 1, "none.libsvm"},
	} {
		args := strings.Fields(c.args)
		for i, a := range args {
			if strings.Contains(a, "libsvm") || strings.Contains(a, "petuum") {
				args[i] = in(a)
			}
		}
		for k := 1; k < len(args); k++ { // flags stand before files as well as behind them
			if args[k] == "-o" {
				args = append(args[k:], args[:k]...)
				break
			}
		}
		status, _, errs := run(append([]string{"data", "convert"}, args...)...)
		if status != c.status || !strings.Contains(errs, c.want) {
			t.Errorf("%s: got status %d, %s, want %d, %q", c.args, status, errs, c.status, c.want)
		}
	}
	left, err := filepath.Glob(in("*"))
	hidden, _ := filepath.Glob(in(".*"))
	if err != nil || len(left) != 4 || len(hidden) != 0 {
		t.Errorf("got files %q %q, want none but the four that were asked for", left, hidden)
	}
}
