package roles_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
)

// use runs a command that looks at or applies a model.
func use(t testing.TB, stdin string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary(t), args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// mustUse is use of a command that must succeed.
func mustUse(t testing.TB, stdin string, args ...string) (stdout, stderr string) {
	t.Helper()
	stdout, stderr, status := use(t, stdin, args...)
	if status != 0 {
		t.Fatalf("%v: exit status %d: %s", args, status, stderr)
	}
	return stdout, stderr
}

// unpacked is the text of a file of the examples.
func unpacked(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(config(t, name))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(name, ".gz") {
		return string(b)
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if b, err = io.ReadAll(z); err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// trained is a model of each example, and the metrics that its job reported.
func trained(t *testing.T, example string, args ...string) (dir string, metrics map[string]float64) {
	t.Helper()
	s := train(t, t.TempDir(), append(args, "--set", "cluster.workers=1", "--set", "cluster.servers=1", config(t, example))...)
	return s.Model, s.Metrics
}

// A prediction of known data is as good as the job said, to the last digits.
func TestPredictEqualsJob(t *testing.T) {
	for _, c := range []struct{ example, data, prefix string }{
		{"logreg-a9a.toml", "data/a9a.test.libsvm.gz", "test_"},
		{"logreg-a9a.toml", "data/a9a.train.libsvm.gz", "train_"},
		{"lasso-diabetes.toml", "data/diabetes.csv", "train_"},
	} {
		t.Run(c.data, func(t *testing.T) {
			dir, want := trained(t, c.example)
			out, _ := mustUse(t, "", "predict", "--json", "--model", dir, "--data", config(t, c.data))
			var got struct {
				Rows    int
				Metrics map[string]float64
			}
			if err := json.Unmarshal([]byte(out), &got); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			compared := 0
			for name, v := range got.Metrics {
				if w, ok := want[c.prefix+name]; ok {
					compared++
					if math.Abs(v-w) > 1e-12*math.Abs(w) {
						t.Errorf("%s: got %v, want %v as in the summary of the job", name, v, w)
					}
				}
			}
			if compared < 2 {
				t.Errorf("only %d of the metrics %v are in the summary %v", compared, got.Metrics, want)
			}
			if rows := strings.Count(unpacked(t, c.data), "\n"); got.Rows != rows && got.Rows != rows-1 {
				t.Errorf("got %d rows of %d lines", got.Rows, rows)
			}
			var shown struct{ Metrics map[string]float64 }
			out, _ = mustUse(t, "", "model", "show", "--json", dir)
			if err := json.Unmarshal([]byte(out), &shown); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			for name, w := range want {
				if shown.Metrics[name] != w {
					t.Errorf("the model says %s is %v, its job %v", name, shown.Metrics[name], w)
				}
			}
		})
	}
}

// The same rows give the same lines, wherever they come from and with or without
// labels.
func TestPredictInputs(t *testing.T) {
	model, _ := trained(t, "logreg-a9a.toml", "--set", "stop.epochs=2", "--set", "data.test=")
	data := config(t, "data/a9a.test.libsvm.gz")
	want, metrics := mustUse(t, "", "predict", "--model", model, "--data", data)
	if lines := strings.SplitAfterN(want, "\n", 3); lines[0] != "class\tprobability\n" || !strings.HasPrefix(lines[1], "-1\t0.") {
		t.Errorf("got lines %q", lines[:2])
	}
	if n := strings.Count(want, "\n"); n != 16281+1 {
		t.Errorf("got %d lines, want 16281 under a line of names", n)
	}
	for _, name := range []string{"auc", "accuracy", "logloss"} {
		if !strings.Contains(metrics, name) {
			t.Errorf("stderr lacks %s:\n%s", name, metrics)
		}
	}
	text := unpacked(t, "data/a9a.test.libsvm.gz")
	dir := t.TempDir()
	var unlabelled, base0 strings.Builder
	var files []string
	for i, line := range strings.SplitAfter(text, "\n") {
		if line == "" {
			continue
		}
		_, rest, _ := strings.Cut(line, " ")
		unlabelled.WriteString(rest)
		base0.WriteString("-1")
		for _, field := range strings.Fields(rest) {
			index, value, _ := strings.Cut(field, ":")
			n, err := strconv.Atoi(index)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&base0, " %d:%s", n-1, value)
		}
		base0.WriteString("\n")
		if i%4096 == 0 {
			files = append(files, filepath.Join(dir, string(rune('a'+i/4096))))
		}
	}
	per := len(text) / len(files)
	for i, rest := 0, text; i < len(files); i++ {
		cut := len(rest)
		if i < len(files)-1 {
			cut = per + strings.IndexByte(rest[per:], '\n') + 1
		}
		if err := os.WriteFile(files[i], []byte(rest[:cut]), 0o600); err != nil {
			t.Fatal(err)
		}
		rest = rest[cut:]
	}
	output := filepath.Join(dir, "out.tsv")
	for _, c := range []struct {
		name, stdin string
		args        []string
		labelled    bool
	}{
		{"stdin", text, []string{"--data", "-"}, true},
		{"no labels", unlabelled.String(), []string{"--data", "-"}, false},
		{"indices from 0", base0.String(), []string{"--data", "-", "--base", "0"}, true},
		{"placeholders for labels", strings.NewReplacer("\n-1 ", "\n7 ", "\n+1 ", "\n7 ").Replace(text), []string{"--data", "-", "--ignore-labels"}, false},
		{"several files", "", append([]string{"--data"}, files...), true},
		{"output", "", []string{"--data", data, "--output", output}, true},
		{"json", "", []string{"--data", data, "--json", "--output", output}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			_ = os.Remove(output)
			got, errs := mustUse(t, c.stdin, append([]string{"predict", "--model", model}, c.args...)...)
			labelled := strings.Contains(errs, "logloss")
			if c.name == "json" {
				var found struct {
					Rows                     int
					Labelled                 bool
					Model, Algorithm, Output string
				}
				if err := json.Unmarshal([]byte(got), &found); err != nil || found.Rows != 16281 || found.Output != output || found.Model != model || found.Algorithm != "logreg" {
					t.Errorf("got %s: %v", got, err)
				}
				labelled = found.Labelled
			}
			if b, err := os.ReadFile(output); err == nil {
				got = string(b)
			}
			if got != want {
				t.Errorf("got other lines than of the file")
			}
			if labelled != c.labelled {
				t.Errorf("metrics %v, want %v:\n%s", labelled, c.labelled, errs)
			}
		})
	}
}

func TestPredictColumns(t *testing.T) {
	model, _ := trained(t, "lasso-diabetes.toml")
	text := unpacked(t, "data/diabetes.csv")
	want, _ := mustUse(t, text, "predict", "--model", model, "--data", "-")
	column := func(from, to int) string {
		var b strings.Builder
		for line := range strings.Lines(text) {
			fields := strings.Split(strings.TrimSpace(line), ",")
			b.WriteString(strings.Join(append(fields[from:], fields[:to]...), ",") + "\n")
		}
		return b.String()
	}
	for _, c := range []struct {
		name, stdin string
		args        []string
	}{
		{"label last", column(1, 1), nil},
		{"no label", column(1, 0), nil},
		{"another name of the label", strings.Replace(text, "y,", "progress,", 1), []string{"--label", "progress"}},
		{"score", text, []string{"--score"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, _ := mustUse(t, c.stdin, append([]string{"predict", "--model", model, "--data", "-"}, c.args...)...)
			if c.name == "score" {
				var b strings.Builder
				for line := range strings.Lines(got) {
					value, score, _ := strings.Cut(strings.TrimSpace(line), "\t")
					if value != score && value != "prediction" {
						t.Errorf("got line %q", line)
					}
					b.WriteString(value + "\n")
				}
				got = b.String()
			}
			if got != want {
				t.Errorf("got other predictions")
			}
		})
	}
}

func TestModelRefusals(t *testing.T) {
	a9a, _ := trained(t, "logreg-a9a.toml", "--set", "stop.epochs=2", "--set", "data.test=")
	diabetes, _ := trained(t, "lasso-diabetes.toml")
	dir := t.TempDir()
	damaged := filepath.Join(dir, "damaged")
	if err := os.CopyFS(damaged, os.DirFS(diabetes)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(damaged, "weights.txt"), []byte("bmi\t7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	csv, test := config(t, "data/diabetes.csv"), config(t, "data/a9a.test.libsvm.gz")
	mine := filepath.Join(dir, "rows.csv")
	if err := os.WriteFile(mine, []byte(unpacked(t, "data/diabetes.csv")), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out")
	for _, c := range []struct {
		stdin string
		code  int
		want  string
		args  []string
	}{
		{"", 2, "predict: which model? --model DIR", []string{"predict", "--data", csv}},
		{"", 2, "predict: which data?", []string{"predict", "--model", a9a}},
		{"", 2, "stdin (-) goes with no other data", []string{"predict", "--model", a9a, "--data", "-", csv}},
		{"", 2, "--base 2: want 0 or 1", []string{"predict", "--model", a9a, "--base", "2", "--data", csv}},
		{"", 2, "would replace the data", []string{"predict", "--model", diabetes, "--data", mine, "--output", mine}},
		{"", 1, "there is none in " + dir, []string{"predict", "--model", dir, "--data", csv}},
		{"", 1, "weights.txt: its sha256 is not that of the manifest", []string{"predict", "--model", damaged, "--data", csv}},
		{"", 1, "no such file", []string{"predict", "--model", a9a, "--data", filepath.Join(dir, "none")}},
		{"", 1, "the format is csv, that of the training data is libsvm: set --format", []string{"predict", "--model", a9a, "--data", csv}},
		{"", 1, "the format is libsvm, that of the training data is csv", []string{"predict", "--model", diabetes, "--data", test}},
		{"", 1, "stdin is empty", []string{"predict", "--model", a9a, "--data", "-"}},
		{"+1 1:1\n+1 3:x\n", 1, "stdin:2:6: value \"x\" is not a number", []string{"predict", "--model", a9a, "--data", "-", "--output", out}},
		{"+2 1:1\n", 1, "stdin:1:1: label \"2\" does not occur in the training data (-1, 1): if labels are placeholders say --ignore-labels", []string{"predict", "--model", a9a, "--data", "-"}},
		{"y,age,sex\n1,2,3\n", 1, `column "bmi" of the training data is missing`, []string{"predict", "--model", diabetes, "--data", "-"}},
		{"", 1, "there and not a regular file", []string{"predict", "--model", diabetes, "--data", csv, "--output", dir}},
		{"", 2, "model show: which model?", []string{"model", "show"}},
		{"", 2, `unexpected argument "x"`, []string{"model", "show", a9a, "x"}},
		{"", 2, "--top -1", []string{"model", "show", "--top", "-1", a9a}},
		{"", 2, `the model has no table "weight": there are weights, intercept`, []string{"model", "show", "--table", "weight", diabetes}},
		{"", 1, "there is none in " + dir, []string{"model", "show", dir}},
		{"", 2, "--format xml: want text, npz or liblinear", []string{"model", "export", "--format", "xml", a9a}},
		{"", 2, "--table: a model file of LIBLINEAR is of the whole model", []string{"model", "export", "--format", "liblinear", "--table", "weights", a9a}},
		{"", 1, "lasso predicts quantities: only probabilities of classes can be calibrated", []string{"model", "calibrate", "--model", diabetes, "--data", csv}},
		{"", 2, "--probabilities: lasso predicts quantities", []string{"predict", "--probabilities", "--model", diabetes, "--data", csv}},
		{"", 2, "--output FILE.npz", []string{"model", "export", "--format", "npz", a9a}},
		{"", 1, "no such file or directory", []string{"model", "export", "--output", filepath.Join(dir, "none", "x"), a9a}},
		{"", 2, `no command is called "shwo"`, []string{"model", "shwo", a9a}},
	} {
		t.Run(strings.Join(c.args[:2], " ")+" "+c.want, func(t *testing.T) {
			_, stderr, code := use(t, c.stdin, c.args...)
			if code != c.code || !strings.Contains(stderr, c.want) || strings.Count(stderr, "\n") != 1 || strings.Count(stderr, c.want) > 1 {
				t.Errorf("got exit status %d and %q, want %d and one line with %q", code, stderr, c.code, c.want)
			}
		})
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".*")); err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("there is an output of data that is malformed")
	}
}

func TestModelShowAndExport(t *testing.T) {
	model, metrics := trained(t, "lasso-diabetes.toml")
	out, _ := mustUse(t, "", "model", "show", model, "--top", "2")
	for _, want := range []string{"lasso", "diabetes.csv, csv, 442 rows, 10 features, 4420 values", "lambda_ratio = 0.1",
		"weights, the largest 2 by magnitude\n  s5   40.9", "\n  sex  -6.07", "(intercept)  -218.6"} {
		if !strings.Contains(out, want) {
			t.Errorf("model show lacks %q:\n%s", want, out)
		}
	}
	if strings.Contains(out, "bmi") {
		t.Errorf("more than the 2 largest values:\n%s", out)
	}
	out, _ = mustUse(t, "", "model", "export", model)
	if n := strings.Count(out, "\n"); n != 6 || !strings.Contains(out, "weights\tbmi\t5.50") || !strings.Contains(out, "intercept\t(intercept)\t-218.6") {
		t.Errorf("got text\n%swant 5 weights and the intercept", out)
	}
	path := filepath.Join(t.TempDir(), "weights.txt")
	mustUse(t, "", "model", "export", model, "--table", "weights", "--output", path)
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if want, err := os.ReadFile(filepath.Join(model, "weights.txt")); err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %q, want %q: %v", got, want, err)
	}
	mustUse(t, "", "model", "export", model, "--format", "npz", "--output", path)
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
	}
	if got, want := strings.Join(names, " "), "weights.npy intercept.npy features.npy"; got != want {
		t.Errorf("got arrays %s, want %s", got, want)
	}
	if _, ok := metrics["train_r2"]; !ok {
		t.Errorf("got metrics %v", metrics)
	}
}

// An interrupt ends a prediction that waits for stdin.
func TestPredictInterrupted(t *testing.T) {
	model, _ := trained(t, "lasso-diabetes.toml")
	cmd := exec.CommandContext(t.Context(), binary(t), "predict", "--model", model, "--data", "-")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(in, unpacked(t, "data/diabetes.csv")); err != nil { // and no end
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, len("prediction\n"))); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // says what the status says
	if code := cmd.ProcessState.ExitCode(); code != 130 || stderr.String() != "petuum: interrupted\n" {
		t.Errorf("got exit status %d and %q, want 130 and one line", code, stderr.String())
	}
}

// What liblinear-predict says of a model that was exported is what predict says.
func TestExportLIBLINEAR(t *testing.T) {
	program, err := exec.LookPath("liblinear-predict")
	if err != nil {
		t.Skip("liblinear-predict is not installed")
	}
	model, _ := trained(t, "logreg-a9a.toml")
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	mustUse(t, "", "model", "export", model, "--format", "liblinear", "--output", path("m"))
	if err := os.WriteFile(path("d"), []byte(unpacked(t, "data/a9a.test.libsvm.gz")), 0o600); err != nil {
		t.Fatal(err)
	}
	if said, err := exec.CommandContext(t.Context(), program, "-b", "1", path("d"), path("m"), path("out")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	theirs, err := os.ReadFile(path("out"))
	if err != nil {
		t.Fatal(err)
	}
	out, _ := mustUse(t, "", "predict", "--model", model, "--data", path("d"))
	got, want := strings.Split(strings.TrimSpace(string(theirs)), "\n"), strings.Split(strings.TrimSpace(out), "\n")
	if len(got) != len(want) || len(got) < 10_000 || got[0] != "labels 1 -1" {
		t.Fatalf("got %d lines under %q, want %d", len(got), got[0], len(want))
	}
	for i, line := range got[1:] {
		their, our := strings.Fields(line), strings.Fields(want[1+i])
		p, err := strconv.ParseFloat(our[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		if q, err := strconv.ParseFloat(their[1], 64); err != nil || their[0] != our[0] || math.Abs(p-q) > 1e-5*p {
			t.Fatalf("row %d: got class and probability %v, want %v", i, their, our)
		}
	}
}
