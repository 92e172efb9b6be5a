package model

import (
	"bufio"
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/table"
)

// linear is a model of two classes: the keys of the table, of which some features are.
func linear(classes []string, numeric bool, features, keys uint64, rows map[uint64][]float64) (Manifest, rowsOf) {
	m := Manifest{Algorithm: "logreg", Data: dataset.Info{Format: dataset.LIBSVM, Base: 1, Rows: 2, Features: features, Seen: features,
		Numeric: numeric, Classes: classes, Counts: []uint64{1, 1}}}
	return m, rowsOf{spec: table.Spec{Name: "weights", Keys: keys, Type: table.Float64}, rows: rows, names: algos.KeyNames{Features: features}}
}

func TestLIBLINEAR(t *testing.T) {
	for _, c := range []struct {
		name, want string
		classes    []string
		keys       uint64
	}{
		{"signs", "label 1 -1\nnr_feature 3\nbias -1\nw\n0 \n0.1 \n-1e-300 \n", []string{"-1", "1"}, 3},
		{"from 0", "label 1 0\nnr_feature 3\nbias -1\nw\n0 \n0.1 \n-1e-300 \n", []string{"0", "1"}, 3},
		{"large, intercept", "label 1000000 -7\nnr_feature 3\nbias 1\nw\n0 \n0.1 \n-1e-300 \n2 \n", []string{"-7", "1e+06"}, 4},
	} {
		rows := map[uint64][]float64{1: {0.1}, 2: {-1e-300}}
		if c.keys == 4 {
			rows[3] = []float64{2}
		}
		m, tab := linear(c.classes, true, 3, c.keys, rows)
		if c.keys == 4 {
			tab.names.Names = []string{"(intercept)"}
		}
		dir := filepath.Join(t.TempDir(), "model")
		save(t, dir, m, tab)
		var out bytes.Buffer
		if err := mustOpen(t, dir).WriteLIBLINEAR(&out, "L2R_LR"); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got := out.String(); got != "solver_type L2R_LR\nnr_class 2\n"+c.want {
			t.Errorf("%s: got\n%swant\n%s", c.name, got, c.want)
		}
	}
}

// Weights that are float32 are written as the numbers they are, not rounded to fewer digits.
func TestLIBLINEARFloat32(t *testing.T) {
	m, tab := linear([]string{"-1", "1"}, true, 3, 3, map[uint64][]float64{0: {0.5}, 1: {0.1}, 2: {-1e-30}})
	tab.spec.Type = table.Float32
	dir := filepath.Join(t.TempDir(), "model")
	save(t, dir, m, tab)
	var out bytes.Buffer
	if err := mustOpen(t, dir).WriteLIBLINEAR(&out, "L2R_LR"); err != nil {
		t.Fatal(err)
	}
	_, lines, _ := strings.Cut(out.String(), "w\n")
	for k, text := range strings.Fields(lines) {
		got, err := strconv.ParseFloat(text, 64)
		if want := float64(float32(tab.rows[uint64(k)][0])); err != nil || got != want {
			t.Errorf("feature %d: got %s, want %v", k, text, want)
		}
	}
}

func TestLIBLINEARRefuses(t *testing.T) {
	for _, c := range []struct {
		want   string
		change func(*Manifest, *rowsOf)
	}{
		{`its classes are "ham" and "spam", but labels are integers there`, func(m *Manifest, _ *rowsOf) { m.Data.Classes, m.Data.Numeric = []string{"ham", "spam"}, false }},
		{`its classes are "!1" and "1"`, func(m *Manifest, _ *rowsOf) { m.Data.Classes, m.Data.Numeric = []string{"!1", "1"}, false }},
		{`its classes are "0.5" and "1"`, func(m *Manifest, _ *rowsOf) { m.Data.Classes = []string{"0.5", "1"} }},
		{`its classes are "1" and "4294967297"`, func(m *Manifest, _ *rowsOf) { m.Data.Classes = []string{"1", "4294967297"} }},
		{`it has 0 classes`, func(m *Manifest, _ *rowsOf) { m.Data.Classes, m.Data.Counts = nil, nil }},
		{`indices of its training data start at 0`, func(m *Manifest, _ *rowsOf) { m.Data.Base = 0 }},
		{`there is no table "weights"`, func(_ *Manifest, tab *rowsOf) { tab.spec.Name = "w" }},
		{`not a number for each of 3 features`, func(_ *Manifest, tab *rowsOf) { tab.spec.Type = table.Int32 }},
		{`not a number for each of 3 features`, func(_ *Manifest, tab *rowsOf) { tab.spec.Keys = 5 }},
		{`not a number for each of 3 features`, func(_ *Manifest, tab *rowsOf) { tab.spec.Width = 3; tab.rows = nil }},
		{`at most 2147483646`, func(m *Manifest, tab *rowsOf) {
			m.Data.Features, m.Data.Seen, tab.spec.Keys, tab.names.Features = math.MaxInt32, math.MaxInt32, math.MaxInt32, math.MaxInt32
		}},
	} {
		m, tab := linear([]string{"-1", "1"}, true, 3, 3, map[uint64][]float64{1: {1}})
		c.change(&m, &tab)
		if tab.spec.Keys > tab.names.Features {
			tab.names = algos.KeyNames{}
		}
		dir := filepath.Join(t.TempDir(), "model")
		save(t, dir, m, tab)
		var out bytes.Buffer
		if err := mustOpen(t, dir).WriteLIBLINEAR(&out, "L2R_LR"); err == nil || !strings.Contains(err.Error(), c.want) || out.Len() > 0 {
			t.Errorf("got error %v and %d bytes, want %s", err, out.Len(), c.want)
		}
	}
}

// A solver that does not go with the model is refused, and so are other tables than
// weights and an intercept.
func TestLIBLINEARSolvers(t *testing.T) {
	intercept := func(width int) rowsOf {
		return rowsOf{spec: table.Spec{Name: "intercept", Keys: 1, Width: width, Type: table.Float64}, names: algos.KeyNames{Names: []string{"(intercept)"}}}
	}
	three, two := []string{"1", "2", "3"}, []string{"1", "2"}
	for _, c := range []struct {
		name, solver, want string
		classes            []string
		keys               uint64
		width              int
		more               []rowsOf
	}{
		{"not linear", "", "it is of algorithm toy, and not linear", two, 2, 1, nil},
		{"unknown", "L3R", "toy calls its solver L3R: there are L2R_LR, ", two, 2, 1, nil},
		{"a column a class", "L2R_LR", "nr_class 3\nlabel 1 2 3\nnr_feature 2\nbias -1\nw\n1 2 3 \n0 0 0 \n", three, 2, 3, nil},
		{"intercept as a key", "L2R_LR", "bias 1\nw\n1 2 3 \n0 0 0 \n0 0 0 \n", three, 3, 3, nil},
		{"intercept as a table", "L2R_LR", "bias 1\nw\n1 2 3 \n0 0 0 \n0 0 0 \n", three, 2, 3, []rowsOf{intercept(3)}},
		{"two intercepts", "L2R_LR", "is not the one intercept", three, 3, 3, []rowsOf{intercept(3)}},
		{"intercept of another width", "L2R_LR", "is not the one intercept", three, 2, 3, []rowsOf{intercept(1)}},
		{"a column too few", "L2R_LR", "not a number for each of 2 features and classes", three, 2, 2, nil},
		{"one column of three", "L2R_LR", "not a number for each of 2 features and classes", three, 2, 1, nil},
		{"two columns of two", "L2R_LR", "nr_class 2\nlabel 2 1\nnr_feature 2\nbias -1\nw\n0.5 \n0 \n", two, 2, 2, nil},
		{"one column of two", "MCSVM_CS", "label 2 1\nnr_feature 2\nbias -1\nw\n1 -1 \n0 0 \n", two, 2, 1, nil},
		{"hinge", "L2R_L1LOSS_SVC_DUAL", "solver_type L2R_L1LOSS_SVC_DUAL\nnr_class 2\nlabel 2 1\n", two, 2, 1, nil},
		{"regression", "L2R_L2LOSS_SVR", "solver_type L2R_L2LOSS_SVR\nnr_class 2\nnr_feature 2\nbias 1\nw\n1 \n0 \n0 \n", nil, 2, 1, []rowsOf{intercept(1)}},
		{"regression of labels that could be classes", "L2R_L1LOSS_SVR_DUAL", "solver_type L2R_L1LOSS_SVR_DUAL\nnr_class 2\nnr_feature 2\n", three, 2, 1, nil},
		{"regression with columns", "L2R_L2LOSS_SVR", "not a number for each of 2 features", three, 2, 3, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, tab := linear(c.classes, true, 2, c.keys, map[uint64][]float64{0: []float64{1, 2, 3}[:c.width]})
			m.Algorithm, m.Data.Counts, tab.spec.Width = "toy", make([]uint64, len(c.classes)), c.width
			if m.Data.Rows = 0; c.classes != nil {
				m.Data.Rows, m.Data.Counts[0] = 2, 2
			}
			dir := filepath.Join(t.TempDir(), "model")
			save(t, dir, m, append([]rowsOf{tab}, c.more...)...)
			var out bytes.Buffer
			text := ""
			if err := mustOpen(t, dir).WriteLIBLINEAR(&out, c.solver); err != nil {
				if text = err.Error(); out.Len() > 0 {
					t.Errorf("got %q with error %v", out.String(), err)
				}
			} else {
				text = out.String()
			}
			if !strings.Contains(text, c.want) {
				t.Errorf("got %q, want %q", text, c.want)
			}
		})
	}
}

// TestLIBLINEARPredictsMany: liblinear-predict gives each row the class of the largest
// score, with the probabilities of one-vs-rest; and the score itself for regression.
func TestLIBLINEARPredictsMany(t *testing.T) {
	program, err := exec.LookPath("liblinear-predict")
	if err != nil {
		t.Skip("liblinear-predict is not installed")
	}
	const features, rows, seed = 30, 400, 4
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	three, two := []string{"-4", "3", "7"}, []string{"0", "1"}
	for _, c := range []struct {
		solver                   string
		classes                  []string
		width                    int
		intercept, probabilities bool
	}{
		{"L2R_LR", three, 3, false, true}, {"L2R_LR", three, 3, true, true}, {"MCSVM_CS", three, 3, true, false}, {"L2R_L2LOSS_SVC", three, 3, true, false},
		{"L2R_LR", two, 2, true, false}, {"MCSVM_CS", two, 2, false, false}, {"MCSVM_CS", two, 1, true, false}, {"L2R_L1LOSS_SVC_DUAL", two, 1, true, false}, {"L2R_L2LOSS_SVR", nil, 1, true, false},
	} {
		weights, keys := map[uint64][]float64{}, uint64(features)
		if c.intercept {
			keys++
		}
		for key := range keys {
			for range c.width {
				weights[key] = append(weights[key], r.NormFloat64())
			}
		}
		m, tab := linear(c.classes, true, features, keys, weights)
		m.Data.Rows, m.Data.Counts = uint64(len(c.classes)), make([]uint64, len(c.classes))
		for k := range m.Data.Counts {
			m.Data.Counts[k] = 1
		}
		tab.spec.Width = c.width
		dir := t.TempDir()
		save(t, filepath.Join(dir, "model"), m, tab)
		var file, data bytes.Buffer
		if err := mustOpen(t, filepath.Join(dir, "model")).WriteLIBLINEAR(&file, c.solver); err != nil {
			t.Fatal(err)
		}
		var scores [][]float64
		for range rows {
			score := make([]float64, c.width)
			if c.intercept {
				copy(score, weights[features])
			}
			data.WriteString("0")
			for j := range uint64(features + 2) {
				if x := math.Round(100*r.NormFloat64()) / 100; r.IntN(4) == 0 {
					fmt.Fprintf(&data, " %d:%g", j+1, x)
					for k := 0; j < features && k < c.width; k++ {
						score[k] += weights[j][k] * x
					}
				}
			}
			data.WriteByte('\n')
			scores = append(scores, score)
		}
		put(t, filepath.Join(dir, "m"), file.Bytes())
		put(t, filepath.Join(dir, "d"), data.Bytes())
		flag := map[bool]string{true: "1", false: "0"}[c.probabilities]
		cmd := exec.Command(program, "-b", flag, "d", "m", "out")
		cmd.Dir = dir
		if said, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, said)
		}
		got := strings.Split(strings.TrimSpace(string(contents(t, filepath.Join(dir, "out")))), "\n")
		if c.probabilities {
			if got[0] != "labels "+strings.Join(c.classes, " ") {
				t.Errorf("%s: got %q, want labels %v", c.solver, got[0], c.classes)
			}
			got = got[1:]
		}
		if len(got) != rows {
			t.Fatalf("%s: got %d lines, want %d", c.solver, len(got), rows)
		}
		for i, line := range got {
			checkLine(t, c.solver, strings.Fields(line), c.classes, scores[i])
		}
	}
}

// checkLine compares what liblinear-predict says of a row with its scores.
func checkLine(t *testing.T, solver string, got, classes []string, scores []float64) {
	t.Helper()
	class, sum := 0, 0.0
	for k, s := range scores {
		sum += 1 / (1 + math.Exp(-s))
		if s > scores[class] {
			class = k
		}
	}
	switch {
	case classes == nil:
		if v, err := strconv.ParseFloat(got[0], 64); err != nil || math.Abs(v-scores[0]) > 1e-4 {
			t.Fatalf("%s: got %s, want %g", solver, got[0], scores[0])
		}
		return
	case len(scores) == 1 && scores[0] > 0:
		class = 1
	}
	if got[0] != classes[class] {
		t.Fatalf("%s: got class %s, want %s of scores %v", solver, got[0], classes[class], scores)
	}
	for k, text := range got[1:] {
		p, err := strconv.ParseFloat(text, 64)
		if want := 1 / (1 + math.Exp(-scores[k])) / sum; err != nil || math.Abs(p-want) > 1e-5 {
			t.Errorf("%s: got probability %s of class %s, want %g", solver, text, classes[k], want)
		}
	}
}

// TestLIBLINEARPredicts: liblinear-predict says what the scores w.x + b say.
func TestLIBLINEARPredicts(t *testing.T) {
	program, err := exec.LookPath("liblinear-predict")
	if err != nil {
		t.Skip("liblinear-predict is not installed")
	}
	const features, seed = 40, 3
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for _, c := range []struct {
		classes   []string
		intercept bool
	}{{[]string{"-1", "1"}, false}, {[]string{"-1", "1"}, true}, {[]string{"0", "1"}, true}, {[]string{"3", "12"}, false}} {
		weights, keys := map[uint64][]float64{}, uint64(features)
		for key := range uint64(features) {
			if r.IntN(4) > 0 {
				weights[key] = []float64{r.NormFloat64()}
			}
		}
		m, tab := linear(c.classes, true, features, features, weights)
		bias := 0.0
		if c.intercept {
			keys++
			bias = r.NormFloat64()
			weights[features] = []float64{bias}
			tab.spec.Keys, tab.names.Names = keys, []string{"(intercept)"}
		}
		dir := t.TempDir()
		save(t, filepath.Join(dir, "model"), m, tab)
		var file, data bytes.Buffer
		if err := mustOpen(t, filepath.Join(dir, "model")).WriteLIBLINEAR(&file, "L2R_LR"); err != nil {
			t.Fatal(err)
		}
		scores := []float64{bias}
		data.WriteString(c.classes[0] + "\n") // without a value: its score is the intercept
		for range 300 {
			score := bias
			data.WriteString(c.classes[r.IntN(2)])
			for j := range uint64(features + 3) { // of some features the model does not know
				if r.IntN(5) == 0 {
					x := math.Round(100*r.NormFloat64()) / 100
					fmt.Fprintf(&data, " %d:%g", j+1, x)
					if w, ok := weights[j]; ok && j < features {
						score += w[0] * x
					}
				}
			}
			data.WriteByte('\n')
			scores = append(scores, score)
		}
		put(t, filepath.Join(dir, "m"), file.Bytes())
		put(t, filepath.Join(dir, "d"), data.Bytes())
		cmd := exec.Command(program, "-b", "1", "d", "m", "out")
		cmd.Dir = dir
		if said, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, said)
		}
		checkPredicted(t, filepath.Join(dir, "out"), c.classes, scores)
	}
}

// checkPredicted compares what liblinear-predict -b 1 wrote with scores, which are
// log-odds of the later class.
func checkPredicted(t *testing.T, path string, classes []string, scores []float64) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	if lines.Scan(); lines.Text() != "labels "+classes[1]+" "+classes[0] {
		t.Errorf("got %q, want the later class of %v first", lines.Text(), classes)
	}
	for i, s := range scores {
		class := classes[0]
		if s > 0 {
			class = classes[1]
		}
		if !lines.Scan() {
			t.Fatalf("got %d lines, want %d", i, len(scores))
		}
		got := strings.Fields(lines.Text())
		if len(got) != 3 || got[0] != class {
			t.Fatalf("line %d: got %v, want class %s of score %g", i+1, got, class, s)
		}
		p, err := strconv.ParseFloat(got[1], 64)
		if want := 1 / (1 + math.Exp(-s)); err != nil || math.Abs(p-want) > 1e-5*want { // it writes 6 digits
			t.Errorf("line %d: got probability %s, want %g", i+1, got[1], want)
		}
	}
}
