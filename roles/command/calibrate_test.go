package command

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"petuum/algos"
	"petuum/algos/algotest"
	"petuum/algos/dataset"
	"petuum/algos/registry"
)

// toys is the list of algorithms with one of each task.
var toys = registry.Algorithms.
	With("many", algotest.ToyOf(algos.Multiclass, "L2R_L2LOSS_SVC")).
	With("margin", algotest.ToyOf(algos.Margin, "L2R_L1LOSS_SVC_DUAL")).
	With("mute", func() algos.Algorithm { return new(mute) })

// mute is an algorithm that does not predict.
type mute struct{ algos.Algorithm }

// toyed runs a command line of a program with the toys.
func toyed(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = Run(toys, append([]string{"petuum"}, args...), &out, &errs)
	return status, out.String(), errs.String()
}

// must is toyed of a command that must succeed.
func must(t *testing.T, args ...string) string {
	t.Helper()
	status, out, errs := toyed(t, args...)
	if status != 0 {
		t.Fatalf("%v: got status %d: %s", args, status, errs)
	}
	return out
}

// scored writes a model of k classes, 1 to k, and rows for it in LIBSVM. The later of
// two classes has log-odds of half the score less 1.
func scored(t *testing.T, algorithm string, k int) (dir, data string) {
	t.Helper()
	const features, rows, seed = 5, 2000, 12
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	dir, data = filepath.Join(t.TempDir(), "model"), filepath.Join(t.TempDir(), "rows.libsvm")
	info := dataset.Info{Format: dataset.LIBSVM, Base: 1, Numeric: true, Rows: uint64(k)}
	for c := range k {
		info.Classes, info.Counts = append(info.Classes, fmt.Sprint(c+1)), append(info.Counts, 1)
	}
	width := k
	if algorithm == "margin" {
		width = 1
	}
	weights := make([][]float64, features)
	for j := range weights {
		for range width {
			weights[j] = append(weights[j], 2*r.NormFloat64())
		}
	}
	algotest.SaveToy(t, dir, algorithm, info, weights)
	var text strings.Builder
	for range rows {
		line, scores := "", make([]float64, width)
		for j, w := range weights {
			x := math.Round(100*r.NormFloat64()) / 100
			line += fmt.Sprintf(" %d:%g", j+1, x)
			for c := range scores {
				scores[c] += x * w[c]
			}
		}
		class, best := 1, math.Inf(-1)
		for c, s := range scores { // the largest of score/2 + Gumbel noise has the probability of softmax
			if g := s/2 - math.Log(-math.Log(r.Float64())); g > best {
				class, best = c+1, g
			}
		}
		if width == 1 && r.Float64() < 1/(1+math.Exp(1-scores[0]/2)) {
			class = 2
		}
		fmt.Fprintf(&text, "%d%s\n", class, line)
	}
	if err := os.WriteFile(data, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir, data
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A margin has no probabilities, until it is calibrated and again after that is
// taken back.
func TestCalibrateMargin(t *testing.T) {
	dir, data := scored(t, "margin", 2)
	manifest := filepath.Join(dir, "manifest.json")
	before := read(t, manifest)
	refused := func() {
		t.Helper()
		status, _, errs := toyed(t, "predict", "--model", dir, "--data", data, "--probabilities")
		if status != 2 || !strings.Contains(errs, "until it is calibrated: petuum model calibrate") {
			t.Errorf("got status %d: %s", status, errs)
		}
		if out := must(t, "predict", "--model", dir, "--data", data); !strings.HasPrefix(out, "class\n") {
			t.Errorf("got %.40q", out)
		}
	}
	refused()
	var found struct {
		Calibration struct {
			Method        string
			Slope, Offset float64
			Rows          int
			Data          []string
		}
		Before, After map[string]float64
	}
	if err := json.Unmarshal([]byte(must(t, "model", "calibrate", "--json", "--model", dir, data)), &found); err != nil {
		t.Fatal(err)
	}
	if c := found.Calibration; c.Method != "sigmoid" || math.Abs(c.Slope-0.5) > 0.05 || math.Abs(c.Offset+1) > 0.2 || c.Rows != 2000 || fmt.Sprint(c.Data) != "[rows.libsvm]" || found.Before != nil || len(found.After) != 3 {
		t.Errorf("got %+v", found)
	}
	out := must(t, "model", "calibrate", "--model", dir, "--data", data, "--method", "isotonic")
	for _, want := range []string{"calibration  isotonic through ", " points, fitted to 2000 rows of rows.libsvm\n", "of these rows", "\nlogloss ", "-       0."} {
		if !strings.Contains(out, want) {
			t.Errorf("got\n%swant %q", out, want)
		}
	}
	if out := must(t, "model", "show", dir); !strings.Contains(out, "calibration  isotonic through ") {
		t.Errorf("model show lacks the calibration:\n%s", out)
	}
	if out := must(t, "model", "show", "--json", dir); !strings.Contains(out, `"calibration":{"method":"isotonic","scores":[`) {
		t.Errorf("model show --json lacks the calibration: %.300s", out)
	}
	if out := must(t, "predict", "--model", dir, "--data", data); !strings.HasPrefix(out, "class\tprobability\n") {
		t.Errorf("got %.40q", out)
	}
	if out := must(t, "predict", "--json", "--model", dir, "--data", data); !strings.Contains(out, `"logloss":`) || !strings.Contains(out, `"brier":`) {
		t.Errorf("got %s", out)
	}
	status, out, errs := toyed(t, "model", "export", "--format", "liblinear", dir)
	if status != 0 || !strings.HasPrefix(out, "solver_type L2R_L1LOSS_SVC_DUAL\nnr_class 2\nlabel 2 1\n") || !strings.Contains(errs, "the calibration of the model (isotonic) is not in the file") {
		t.Errorf("got status %d, %q and\n%s", status, errs, out)
	}
	for range 2 {
		if out := must(t, "model", "calibrate", "--model", dir, "--remove"); !strings.Contains(out, "calibration  none\n") {
			t.Errorf("got %s", out)
		}
		if got := read(t, manifest); got != before {
			t.Errorf("the manifest is not as before:\n%s", got)
		}
	}
	refused()
	if _, _, errs := toyed(t, "model", "export", "--format", "liblinear", dir); errs != "" {
		t.Errorf("got %q", errs)
	}
}

func TestCalibrateMany(t *testing.T) {
	dir, data := scored(t, "many", 3)
	out := must(t, "model", "calibrate", "--model", dir, "--data", data)
	var temperature, before, after float64
	lines := strings.Split(out, "\n")
	if _, err := fmt.Sscanf(lines[1], "calibration  temperature %g,", &temperature); err != nil || math.Abs(temperature-2) > 0.2 {
		t.Errorf("got %v: %v, want a temperature of about 2", temperature, err)
	}
	if _, err := fmt.Sscanf(lines[4], "logloss %g %g", &before, &after); err != nil || after > before-0.01 {
		t.Errorf("got %q: %v, want less after", lines[4], err)
	}
	var found struct {
		Metrics   map[string]float64
		Classes   []string
		Confusion [][]int
	}
	if err := json.Unmarshal([]byte(must(t, "predict", "--json", "--model", dir, "--data", data)), &found); err != nil {
		t.Fatal(err)
	}
	rows, right := 0, 0
	for i, row := range found.Confusion {
		for j, n := range row {
			if rows += n; i == j {
				right += n
			}
		}
	}
	if fmt.Sprint(found.Classes) != "[1 2 3]" || rows != 2000 || math.Abs(found.Metrics["accuracy"]-float64(right)/2000) > 1e-12 {
		t.Errorf("got %+v", found)
	}
	if got := found.Metrics["logloss"]; math.Abs(got-after) > 1e-5 {
		t.Errorf("got logloss %v, want %v as after the calibration", got, after)
	}
	if out := must(t, "model", "show", dir); !strings.Contains(out, "calibration  temperature ") || !strings.Contains(out, "\n     1         2         3\n") && !strings.Contains(strings.Join(strings.Fields(out), " "), "by magnitude 1 2 3 ") {
		t.Errorf("model show lacks the calibration or the names of the columns:\n%s", out)
	}
}

// Of many classes liblinear-predict says what predict says.
func TestExportMany(t *testing.T) {
	program, err := exec.LookPath("liblinear-predict")
	if err != nil {
		t.Skip("liblinear-predict is not installed")
	}
	for _, k := range []int{2, 3} {
		dir, data := scored(t, "many", k)
		work := t.TempDir()
		must(t, "model", "export", "--format", "liblinear", "--output", filepath.Join(work, "m"), dir)
		if said, err := exec.CommandContext(t.Context(), program, data, filepath.Join(work, "m"), filepath.Join(work, "out")).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, said)
		}
		var want strings.Builder
		for i, line := range strings.Split(must(t, "predict", "--model", dir, "--data", data), "\n") {
			if class, _, ok := strings.Cut(line, "\t"); ok && i > 0 {
				want.WriteString(class + "\n")
			}
		}
		if got := read(t, filepath.Join(work, "out")); got != want.String() || strings.Count(got, "\n") != 2000 {
			t.Errorf("%d classes: liblinear-predict says otherwise of some of 2000 rows", k)
		}
	}
}

func TestCalibrateRefuses(t *testing.T) {
	dir, data := scored(t, "margin", 2)
	many, _ := scored(t, "many", 3)
	bare, words, stays := filepath.Join(t.TempDir(), "bare.libsvm"), filepath.Join(t.TempDir(), "words.libsvm"), read(t, filepath.Join(dir, "manifest.json"))
	for path, text := range map[string]string{bare: "1:1\n2:1\n", words: "1 1:1\n7 1:2\n"} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	silent := filepath.Join(t.TempDir(), "silent")
	algotest.SaveToy(t, silent, "mute", dataset.Info{Format: dataset.LIBSVM, Base: 1, Numeric: true}, [][]float64{{1}})
	for _, c := range []struct {
		status int
		want   string
		args   string
	}{
		{2, "model calibrate: which model?", "--data " + data},
		{2, "model calibrate: which data?", "--model " + dir},
		{2, "--method beta: want sigmoid, isotonic or temperature", "--method beta --model " + dir + " " + data},
		{2, "--remove goes with --model only", "--remove --model " + dir + " " + data},
		{2, "model calibrate: which model?", "--remove"},
		{1, "is sigmoid or isotonic, not temperature", "--method temperature --model " + dir + " " + data},
		{1, "is temperature, not isotonic", "--method isotonic --model " + many + " " + data},
		{1, "the data has no labels", "--model " + dir + " " + bare},
		{1, `label "7" does not occur in the training data (1, 2)`, "--model " + dir + " " + words},
		{1, "no such file", "--model " + dir + " " + data + "x"},
		{1, "there is none in", "--model " + data + "x " + data},
		{1, "there is none in", "--remove --model " + data + "x"},
		{1, "algorithm mute makes no predictions", "--model " + silent + " " + data},
	} {
		status, out, errs := toyed(t, append([]string{"model", "calibrate"}, strings.Fields(c.args)...)...)
		if status != c.status || !strings.Contains(errs, c.want) || strings.Count(errs, "\n") != 1 || out != "" {
			t.Errorf("%s: got status %d and %q, want %d and a line with %q", c.args, status, errs, c.status, c.want)
		}
	}
	if read(t, filepath.Join(dir, "manifest.json")) != stays {
		t.Error("a refusal changed the model")
	}
	if status, _, errs := toyed(t, "model", "export", "--format", "liblinear", silent); status != 1 || !strings.Contains(errs, "it is of algorithm mute, and not linear") {
		t.Errorf("got status %d and %q", status, errs)
	}
}
