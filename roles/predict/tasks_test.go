package predict

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"petuum/algos"
	"petuum/algos/algotest"
	"petuum/algos/calibration"
	"petuum/algos/dataset"
	"petuum/algos/registry"
)

// toys are models of each task with three features, one model a name.
var toys = registry.Algorithms.
	With("many", algotest.ToyOf(algos.Multiclass, "MCSVM_CS")).
	With("margin", algotest.ToyOf(algos.Margin, "L2R_L2LOSS_SVC")).
	With("odds", algotest.ToyOf(algos.Binary, "L2R_LR")).
	With("quantity", algotest.ToyOf(algos.Regression, ""))

// classed is data of the classes a, b, ...
func classed(k int) dataset.Info {
	d := dataset.Info{Format: dataset.LIBSVM, Base: 1, Rows: uint64(k)}
	for c := range k {
		d.Classes, d.Counts = append(d.Classes, string(rune('a'+c))), append(d.Counts, 1)
	}
	return d
}

// toy opens a new model.
func toy(t *testing.T, name string, data dataset.Info, weights [][]float64) *Model {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "model")
	algotest.SaveToy(t, dir, name, data, weights)
	return reopened(t, dir)
}

func reopened(t *testing.T, dir string) *Model {
	t.Helper()
	m, err := OpenModel(dir, toys)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// single is rows of one value, x in column j, whose class is c; without classes
// if all are below 0.
type single struct {
	j int
	x float64
	c int32
}

type singles []single

// Next implements [Rows].
func (s *singles) Next(n int) (*dataset.Part, error) {
	n = min(n, len(*s))
	if n == 0 {
		return nil, io.EOF
	}
	p := &dataset.Part{Keys: []uint64{0, 1, 2}}
	ptr, cols, vals := []int64{0}, []uint32(nil), []float64(nil)
	for _, r := range (*s)[:n] {
		cols, vals, ptr = append(cols, uint32(r.j)), append(vals, r.x), append(ptr, int64(len(cols)+1))
		if r.c >= 0 {
			p.Class, p.Labels = append(p.Class, r.c), append(p.Labels, float64(r.c))
		}
	}
	p.X = dataset.NewMatrix(3, ptr, cols, vals)
	*s = (*s)[n:]
	return p, nil
}

func TestLines(t *testing.T) {
	log3 := math.Log(3)
	three := [][]float64{{0, 0, 0}, {log3, 0, 0}, {0, 0, log3}}
	rows := singles{{0, 1, -1}, {1, 1, -1}, {2, 1, -1}}
	odd := classed(2)
	odd.Classes = []string{"a", "b\t"}
	for _, c := range []struct {
		name, model string
		data        dataset.Info
		weights     [][]float64
		lines       Lines
		want        string
	}{
		{"many", "many", classed(3), three, Lines{}, "class probability/a 0.333/a 0.6/c 0.6/"},
		{"many, all", "many", classed(3), three, Lines{Score: true, Probabilities: true},
			"class probability probability=a probability=b probability=c score=a score=b score=c/a 0.333 0.333 0.333 0.333 0 0 0/a 0.6 0.6 0.2 0.2 1.1 0 0/c 0.6 0.2 0.2 0.6 0 0 1.1/"},
		{"two of many", "many", odd, [][]float64{{0, 1}, {log3, 0}, {0, log3}}, Lines{Probabilities: true},
			`class probability probability=a "probability=b\t"/"b\t" 0.731 0.269 0.731/a 0.75 0.75 0.25/"b\t" 0.75 0.25 0.75/`},
		{"margin", "margin", classed(2), [][]float64{{0}, {log3}, {-log3}}, Lines{}, "class/a/b/a/"},
		{"margin, score", "margin", classed(2), [][]float64{{0}, {2}, {-2}}, Lines{Score: true}, "class score/a 0/b 2/a -2/"},
		{"two", "odds", classed(2), [][]float64{{0}, {log3}, {-log3}}, Lines{Probabilities: true, Score: true},
			"class probability probability=a probability=b score/a 0.5 0.5 0.5 0/b 0.75 0.25 0.75 1.1/a 0.25 0.75 0.25 -1.1/"},
		{"quantity", "quantity", dataset.Info{Format: dataset.LIBSVM, Base: 1, Numeric: true}, [][]float64{{0}, {2}, {-2}}, Lines{Score: true}, "prediction score/0 0/2 2/-2 -2/"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := toy(t, c.model, c.data, c.weights)
			var out bytes.Buffer
			c.lines.W = &out
			these := append(singles(nil), rows...)
			found, err := m.Run(t.Context(), &these, c.lines)
			if err != nil {
				t.Fatal(err)
			}
			if found.Rows != 3 || len(found.Metrics) > 0 || found.Confusion != nil {
				t.Errorf("got %+v of three rows without labels", found)
			}
			if got := shortened(strings.NewReplacer("\t", " ", "\n", "/").Replace(out.String())); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// shortened rounds numbers to three digits.
func shortened(text string) string {
	lines := strings.Split(text, "/")
	for i, line := range lines {
		fields := strings.Split(line, " ")
		for j, f := range fields {
			var x float64
			if n, _ := fmt.Sscanf(f, "%g", &x); n == 1 {
				fields[j] = fmt.Sprintf("%.3g", x)
			}
		}
		lines[i] = strings.Join(fields, " ")
	}
	return strings.Join(lines, "/")
}

// Metrics are those of the task, and confusions of many classes.
func TestTaskMetrics(t *testing.T) {
	many := toy(t, "many", classed(3), [][]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
	found, err := many.Run(t.Context(), &singles{{0, 9, 0}, {1, 9, 1}, {1, 9, 2}}, Lines{})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(found.Confusion); got != "[[1 0 0] [0 1 0] [0 1 0]]" || math.Abs(found.Metrics["accuracy"]-2.0/3) > 1e-15 || found.Metrics["f1"] == 0 || found.Metrics["logloss"] == 0 {
		t.Errorf("many: got %+v", found)
	}
	margin := toy(t, "margin", classed(2), [][]float64{{1}, {1}, {1}})
	found, err = margin.Run(t.Context(), &singles{{0, 9, 1}, {1, -9, 1}, {1, -10, 0}}, Lines{})
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Metrics) != 2 || math.Abs(found.Metrics["accuracy"]-2.0/3) > 1e-15 || found.Metrics["auc"] != 1 {
		t.Errorf("margin: got %+v", found)
	}
	bad := toy(t, "many", classed(3), [][]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, math.MaxFloat64}})
	if _, err := bad.Run(t.Context(), &singles{{0, 1, -1}, {2, 1e300, -1}}, Lines{}); err == nil || !strings.Contains(err.Error(), "row 1 (from 0) is +Inf") {
		t.Errorf("got error %v", err)
	}
}

// drawn are rows of which the log-odds of class 1 are half of what x says, less 1.
func drawn(seed uint64, n int) (rows singles) {
	r := rand.New(rand.NewPCG(seed, 0))
	for range n {
		x, c := 3*r.NormFloat64(), int32(0)
		if r.Float64() < probability(x/2-1) {
			c = 1
		}
		rows = append(rows, single{r.IntN(3), x, c})
	}
	return rows
}

// After a calibration the model says what it was told: the probabilities in the lines
// and in the metrics are those of the map.
func TestCalibrate(t *testing.T) {
	const seed, n = 8, 5000
	t.Logf("seed %d", seed)
	for _, c := range []struct{ name, method, uses string }{
		{"margin", "", "sigmoid"}, {"margin", "isotonic", "isotonic"}, {"odds", "sigmoid", "sigmoid"}, {"odds", "isotonic", "isotonic"}, {"many", "", "temperature"},
	} {
		t.Run(c.name+" "+c.uses, func(t *testing.T) {
			weights := [][]float64{{1}, {1}, {1}}
			if c.name == "many" {
				weights = [][]float64{{0, 1}, {0, 1}, {0, 1}}
			}
			m := toy(t, c.name, classed(2), weights)
			for range 2 { // the second time with the calibration of the first
				rows := drawn(seed, n)
				found, err := m.Calibrate(t.Context(), &rows, c.method)
				if err != nil {
					t.Fatal(err)
				}
				if found.Map.Method != c.uses || (found.Before == nil) != (c.name == "margin") {
					t.Fatalf("got %+v", found)
				}
				if found.Before != nil && found.Before["logloss"] < found.After["logloss"]+0.01 {
					t.Errorf("got logloss %v before and %v after", found.Before["logloss"], found.After["logloss"])
				}
				if found.Map.Method == "sigmoid" && (math.Abs(found.Map.Slope-0.5) > 0.05 || math.Abs(found.Map.Offset+1) > 0.1) {
					t.Errorf("got %+v, want a slope of about 0.5 and an offset of about -1", found.Map)
				}
				if err := m.SaveCalibration(found.Map); err != nil {
					t.Fatal(err)
				}
				m = reopened(t, m.dir)
				rows = drawn(seed, n)
				tested, err := m.Run(t.Context(), &rows, Lines{})
				if err != nil {
					t.Fatal(err)
				}
				for name, want := range found.After {
					if got := tested.Metrics[name]; math.Abs(got-want) > 1e-9 {
						t.Errorf("%s: got %v of the same rows, want %v", name, got, want)
					}
				}
				if c.uses != "temperature" && (tested.Metrics["ece"] > 0.03 || tested.Metrics["auc"] == 0) {
					t.Errorf("got %v", tested.Metrics)
				}
				var out bytes.Buffer
				if _, err := m.Run(t.Context(), &singles{{0, 4, -1}}, Lines{W: &out, Score: true}); err != nil {
					t.Fatal(err)
				}
				odds := make([]float64, len(weights[0]))
				odds[len(odds)-1] = 4
				found.Map.Apply(odds, odds)
				p := probability(odds[len(odds)-1])
				var got, score float64
				line := strings.Split(out.String(), "\n")[1]
				if c.name == "many" {
					line = strings.Replace(line, "\t0\t", "\t", 1)
				}
				if k, err := fmt.Sscanf(line, "b\t%g\t%g", &got, &score); k != 2 || math.Abs(got-p) > 1e-12 || score != 4 {
					t.Errorf("got line %q: %v, want probability %v and score 4", line, err, p)
				}
			}
		})
	}
}

func TestCalibrateRefuses(t *testing.T) {
	one := [][]float64{{1}, {1}, {1}}
	for _, c := range []struct {
		name, method, want string
		weights            [][]float64
		rows               singles
	}{
		{"odds", "temperature", "the method for scores of odds is sigmoid or isotonic, not temperature", one, nil},
		{"many", "sigmoid", "the method for scores of many is temperature, not sigmoid", [][]float64{{1, 0}, {1, 0}, {1, 0}}, nil},
		{"quantity", "", "quantity predicts quantities", one, nil},
		{"margin", "", "the data has no labels", one, singles{{0, 1, -1}}},
		{"margin", "", "want rows of both classes", one, singles{{0, 1, 1}}},
		{"margin", "isotonic", "is this the data for this model?", one, singles{{0, 1, 0}, {0, -1, 1}}},
		{"margin", "", "the score of row 0 (from 0) is -Inf", [][]float64{{-math.MaxFloat64}, {1}, {1}}, singles{{0, 10, 0}, {0, -1, 1}}},
	} {
		data := classed(2)
		if c.name == "quantity" {
			data = dataset.Info{Format: dataset.LIBSVM, Base: 1, Numeric: true}
		}
		m := toy(t, c.name, data, c.weights)
		if _, err := m.Calibrate(t.Context(), &c.rows, c.method); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want %q", c.name, err, c.want)
		}
	}
}

// A calibration of another task, and a model of classes without any, are refused.
func TestOpenRefusesTasks(t *testing.T) {
	m := toy(t, "margin", classed(2), [][]float64{{1}, {1}, {1}})
	if err := m.SaveCalibration(&calibration.Map{Method: calibration.Temperature, Temperature: 2}); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenModel(m.dir, toys); err == nil || !strings.Contains(err.Error(), "its calibration, temperature, is not for the scores of margin: petuum model calibrate --model "+m.dir+" --remove") {
		t.Errorf("got error %v", err)
	}
	dir := filepath.Join(t.TempDir(), "model")
	algotest.SaveToy(t, dir, "many", dataset.Info{Format: dataset.LIBSVM, Base: 1, Numeric: true}, [][]float64{{1}})
	if _, err := OpenModel(dir, toys); err == nil || !strings.Contains(err.Error(), "its training data has none") {
		t.Errorf("got error %v", err)
	}
	list := maps.Clone(toys)
	delete(list, "margin")
	if _, err := OpenModel(m.dir, list); err == nil || !strings.Contains(err.Error(), `algorithm "margin"`) {
		t.Errorf("got error %v", err)
	}
}
