package command

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/algos/model"
	"petuum/table"
)

// savePath writes a model of one feature with the models of three stages.
func savePath(t *testing.T, dir string) {
	t.Helper()
	p, err := model.NewPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Abort()
	write := func(dir string, weight float32, stages *model.Path) {
		w, err := model.Create(dir, model.Manifest{Job: "short", Algorithm: "lasso", Metrics: map[string]float64{"lambda": math.Exp(float64(-weight))},
			Data: dataset.Info{Format: dataset.CSV, Features: 1, Seen: 1, Names: []string{"age"}}})
		if err != nil {
			t.Fatal(err)
		}
		defer w.Abort()
		tw, err := w.Table(table.Spec{Name: "weights", Keys: 1}, algos.KeyNames{Features: 1}, false)
		if err != nil {
			t.Fatal(err)
		}
		bits := math.Float32bits(weight)
		if err := tw.Append(0, []byte{byte(bits), byte(bits >> 8), byte(bits >> 16), byte(bits >> 24)}); err != nil {
			t.Fatal(err)
		}
		if stages != nil {
			if err := w.Take(stages); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for stage := range 3 {
		write(p.Next(), float32(stage), nil)
	}
	write(dir, 2, p)
}

func TestModelPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "model")
	savePath(t, dir)
	svg := filepath.Join(t.TempDir(), "path.svg")
	status, out, errs := typed(t, "model", "path", dir, "--svg", svg)
	if status != 0 || !strings.Contains(out, "+age\n") || strings.Count(out, "\n") != 4 {
		t.Errorf("got status %d, %s and the table\n%s\nwant 4 lines, one with +age", status, errs, out)
	}
	drawn, err := os.ReadFile(svg)
	if err != nil {
		t.Fatal(err)
	}
	if status, out, errs = typed(t, "model", "path", dir, "--svg=-"); status != 0 || out != string(drawn) || !strings.Contains(out, ">age</text>") {
		t.Errorf("--svg -: got status %d, %s and\n%s\nwant what is in the file:\n%s", status, errs, out, drawn)
	}
	status, out, errs = typed(t, "model", "path", dir, "--json", "--top", "1")
	var got struct {
		Stages []struct {
			Model  string
			Lambda float64
			Enter  []string
		}
		Coefficients []struct {
			Name   string
			Values []float64
		}
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || status != 0 {
		t.Fatalf("got status %d, %s, %v and\n%s", status, errs, err, out)
	}
	if len(got.Stages) != 3 || got.Stages[0].Lambda != 1 || got.Stages[2].Model != model.StageDir(dir, 2) || len(got.Coefficients) != 1 || got.Coefficients[0].Values[2] != 2 {
		t.Errorf("got %+v", got)
	}
}

func TestModelPathRefuses(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "model")
	savePath(t, dir)
	for _, c := range []struct {
		args   string
		status int
		want   string
	}{
		{"", 2, "which model?"},
		{"a b", 2, `unexpected argument "b"`},
		{"--top 0 " + dir, 2, "--top 0: want 1 or more"},
		{"--svg= " + dir, 2, "--svg: want the name of a file"},
		{"--svg - --json " + dir, 2, "only one of them"},
		{model.StageDir(dir, 1), 1, "path = 100"},
		{filepath.Join(parent, "none"), 1, "none"},
		{"--svg " + filepath.Join(parent, "none", "a.svg") + " " + dir, 1, "a.svg"},
		{"--svg " + parent + " " + dir, 1, "choose another name"},
	} {
		status, out, errs := typed(t, append([]string{"model", "path"}, strings.Fields(c.args)...)...)
		if status != c.status || !strings.Contains(errs, c.want) || out != "" && !strings.Contains(c.args, "--json") {
			t.Errorf("%s: got status %d, %q and %q, want %d and %q", c.args, status, out, errs, c.status, c.want)
		}
	}
	if entries, err := os.ReadDir(parent); err != nil || len(entries) != 1 {
		t.Errorf("got %v, %v, want the model alone", entries, err)
	}
}
