package coefficients

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/algos/model"
	"petuum/table"
)

var rewrite = flag.Bool("rewrite", false, "write testdata anew")

// stage is a model to write.
type stage struct {
	metrics map[string]float64
	rows    map[uint64][]float64 // of the table of weights
}

// made is a path to write: weights of features, and of an intercept, the last key.
type made struct {
	names   []string
	columns []string
	table   string // "": weights
	other   string // a second table, if not ""
	stages  []stage
	metrics map[string]float64 // of the job
}

// write writes one model.
func (m made) write(t *testing.T, dir string, s stage, path *model.Path) {
	t.Helper()
	objective := s.metrics["objective"]
	features := uint64(len(m.names))
	w, err := model.Create(dir, model.Manifest{Job: "tiny & odd", Algorithm: "regression", Objective: &objective, Metrics: s.metrics,
		Data: dataset.Info{Format: dataset.CSV, Rows: 9, NonZeros: 9, Features: features, Seen: features, Names: m.names, Numeric: true, Weight: 9}})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	name := m.table
	if name == "" {
		name = "weights"
	}
	for i, table := range []string{name, m.other} {
		if table == "" {
			continue
		}
		tw, err := w.Table(spec(table, features+1, max(1, len(m.columns))), algos.KeyNames{Features: features, Names: []string{"(intercept)"}, Columns: m.columns}, false)
		if err != nil {
			t.Fatal(err)
		}
		for key := range features + 1 {
			row, ok := s.rows[key]
			if !ok || i > 0 {
				continue
			}
			var b []byte
			for _, v := range row {
				b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(v)))
			}
			if err := tw.Append(key, b); err != nil {
				t.Fatal(err)
			}
		}
	}
	if path != nil {
		if err := w.Take(path); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func spec(name string, keys uint64, width int) table.Spec {
	return table.Spec{Name: name, Keys: keys, Width: width}
}

// save writes the path and returns its directory.
func (m made) save(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "model")
	p, err := model.NewPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Abort()
	for _, s := range m.stages {
		m.write(t, p.Next(), s, nil)
	}
	last := stage{metrics: m.metrics}
	if n := len(m.stages); n > 0 {
		last.rows = m.stages[n-1].rows
	} else {
		p = nil
	}
	m.write(t, dir, last, p)
	return dir
}

// tiny has four stages of three features and what cross-validation found.
func tiny() made {
	at := func(lambda, objective, cv float64, rows map[uint64][]float64) stage {
		return stage{map[string]float64{"lambda": lambda, "objective": objective, "gap": objective / 1e6, "train_r2": 1 - objective, "cv_error": cv, "cv_se": 0.125}, rows}
	}
	return made{names: []string{"age", `<b> "pump" & co`, "rooms"}, metrics: map[string]float64{"cv_lambda_min": 0.01, "cv_lambda_1se": 0.1},
		stages: []stage{
			at(1, 0.5, 1, map[uint64][]float64{3: {7}}),
			at(0.1, 0.25, 0.75, map[uint64][]float64{0: {0.5}, 1: {-1.5}, 3: {7}}),
			at(0.01, 0.125, 0.625, map[uint64][]float64{0: {0.75}, 1: {0}, 2: {0.25}, 3: {7}}),
			at(0.001, 0.0625, 0.875, map[uint64][]float64{0: {1}, 2: {-0.5}, 3: {7}}),
		}}
}

func read(t *testing.T, dir string, top int) *Path {
	t.Helper()
	p, err := Read(dir, top)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestRead(t *testing.T) {
	dir := tiny().save(t)
	p := read(t, dir, 2)
	var got []string
	for _, s := range p.Stages {
		got = append(got, fmt.Sprint(s.Stage, *s.Lambda, *s.Objective, s.NonZeros, s.Enter, s.Leave, s.Model == model.StageDir(dir, s.Stage)))
	}
	want := []string{
		`0 1 0.5 0 [] [] true`,
		`1 0.1 0.25 2 [<b> "pump" & co age] [] true`,
		`2 0.01 0.125 2 [rooms] [<b> "pump" & co] true`,
		`3 0.001 0.0625 2 [] [] true`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("stages: -want +got\n%s", d)
	}
	lines := []Line{{`<b> "pump" & co`, 1, "", []model.Number{0, -1.5, 0, 0}}, {"age", 0, "", []model.Number{0, 0.5, 0.75, 1}}}
	if d := cmp.Diff(lines, p.Lines); d != "" {
		t.Errorf("the 2 largest: -want +got\n%s", d)
	}
	if p.Ever != 3 || *p.LambdaMin != 0.01 || *p.Lambda1SE != 0.1 {
		t.Errorf("got %d coefficients, lambdas %v and %v, want 3, 0.01 and 0.1", p.Ever, *p.LambdaMin, *p.Lambda1SE)
	}
}

// Each class has a line, and what is not a number is one that has a gap.
func TestClasses(t *testing.T) {
	m := made{names: []string{"a", "b"}, columns: []string{"ham", "spam"}, stages: []stage{
		{map[string]float64{"lambda": 0}, map[uint64][]float64{0: {0, -1}, 2: {5, 5}}},
		{nil, map[uint64][]float64{0: {2, math.NaN()}, 1: {0, 3}}},
	}}
	p := read(t, m.save(t), 10)
	var got []string
	for _, l := range p.Lines {
		got = append(got, fmt.Sprint(l.Name, l.Class, l.Values))
	}
	if d := cmp.Diff([]string{"a (spam)spam[-1 NaN]", "b (spam)spam[0 3]", "a (ham)ham[0 2]"}, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	if got := strings.Join(p.Stages[1].Enter, ", "); got != "b (spam), a (ham)" {
		t.Errorf("got %q entering, want b (spam), a (ham)", got)
	}
	if _, err := json.Marshal(p); err != nil {
		t.Error(err)
	}
	svg := draw(t, p)
	for _, want := range []string{">stage</text>", ">b (spam)</text>", `<title>a (spam): NaN</title>`} {
		if !strings.Contains(svg, want) {
			t.Errorf("the plot does not have %s:\n%s", want, svg)
		}
	}
}

func TestRefused(t *testing.T) {
	other, narrow, lost, broken := tiny(), tiny(), tiny().save(t), tiny().save(t)
	other.table, other.other = "left", "right"
	narrow.stages = narrow.stages[:2]
	mixed := narrow.save(t)
	narrow.columns = []string{"x", "y"}
	if err := os.RemoveAll(model.StageDir(mixed, 1)); err != nil {
		t.Fatal(err)
	}
	narrow.write(t, model.StageDir(mixed, 1), stage{}, nil)
	if err := os.RemoveAll(model.StageDir(lost, 2)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(model.StageDir(broken, 3), "weights.bin"), []byte("short"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, dir string
		want      []string
	}{
		{"no path", made{names: []string{"a"}}.save(t), []string{"path = 100", "path: have the job"}},
		{"nothing there", filepath.Join(t.TempDir(), "none"), []string{"none"}},
		{"no coefficients", other.save(t), []string{`no table "weights"`, "path/000"}},
		{"stages that differ", mixed, []string{"path/001", "not like that of", "path/000"}},
		{"a stage that is gone", lost, []string{"path/002"}},
		{"a stage that is damaged", broken, []string{"path/003", "weights.bin"}},
	} {
		_, err := Read(c.dir, 5)
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got error %v, want %q", c.name, err, want)
			}
		}
	}
}

// draw is the plot, which must be XML.
func draw(t *testing.T, p *Path) string {
	t.Helper()
	var b bytes.Buffer
	if err := p.SVG(&b); err != nil {
		t.Fatal(err)
	}
	d := xml.NewDecoder(bytes.NewReader(b.Bytes()))
	for {
		token, err := d.Token()
		if err == io.EOF {
			return b.String()
		} else if err != nil {
			t.Fatalf("not XML: %v\n%s", err, b.String())
		}
		element, _ := token.(xml.StartElement)
		for _, a := range element.Attr {
			if slices.Contains([]string{"d", "x", "y", "cx", "cy"}, a.Name.Local) && strings.ContainsFunc(a.Value, func(r rune) bool { return !strings.ContainsRune("MLHVh0123456789. -", r) }) {
				t.Errorf("%s has %s = %q, which is no place", element.Name.Local, a.Name.Local, a.Value)
			}
		}
	}
}

// TestGolden holds the plot and the table of the tiny path to the last byte.
func TestGolden(t *testing.T) {
	p := read(t, tiny().save(t), 50)
	var table bytes.Buffer
	if err := p.Text(&table); err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]string{"tiny.svg": draw(t, p), "tiny.txt": table.String()} {
		path := filepath.Join("testdata", name)
		if *rewrite {
			if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), got); d != "" {
			t.Errorf("%s: -want +got; if it is to be so, go test ./roles/coefficients -rewrite\n%s", name, d)
		}
	}
}

// A plot is drawn of every path, even of one that has next to nothing.
func TestOddPaths(t *testing.T) {
	odd := tiny()
	odd.metrics, odd.names[0] = nil, strings.Repeat("long\x01\ufffe", 20)
	for name, m := range map[string]made{
		"one stage":        {names: []string{"a"}, stages: []stage{{map[string]float64{"lambda": 1}, map[uint64][]float64{0: {2}}}}},
		"all zeros":        {names: []string{"a"}, stages: []stage{{}, {}}},
		"not a number":     {names: []string{"a"}, stages: []stage{{nil, map[uint64][]float64{0: {math.NaN()}}}, {nil, map[uint64][]float64{0: {math.Inf(1)}}}}},
		"all of one value": {names: []string{"a"}, stages: []stage{{nil, map[uint64][]float64{0: {3}}}, {nil, map[uint64][]float64{0: {3}}}}},
		"tiny values":      {names: []string{"a"}, stages: []stage{{nil, map[uint64][]float64{0: {1e-30}}}, {nil, map[uint64][]float64{0: {3e-30}}}}},
		"odd names":        odd,
		"chosen elsewhere": {names: []string{"a"}, metrics: map[string]float64{"cv_lambda_min": 5}, stages: []stage{{map[string]float64{"lambda": 1, "cv_error": 2}, nil}, {map[string]float64{"lambda": 0.5}, nil}}},
	} {
		t.Run(name, func(t *testing.T) {
			svg := draw(t, read(t, m.save(t), 50))
			for _, bad := range []string{"ZgotmplZ", ">min<"} { // what html/template makes of what it does not trust; a mark
				if strings.Contains(svg, bad) {
					t.Errorf("the plot has %q:\n%s", bad, svg)
				}
			}
		})
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		want      string
	}{
		{0, 1, "0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 1.0"},
		{-9.2, -2.3, "-9 -8 -7 -6 -5 -4 -3"},
		{-0.31, 0.52, "-0.3 -0.2 -0.1 0 0.1 0.2 0.3 0.4 0.5"},
		{0, 4e9, "0 5e+08 1e+09 1.5e+09 2e+09 2.5e+09 3e+09 3.5e+09 4e+09"},
		{120, 3400, "500 1000 1500 2000 2500 3000"},
		{0, 99.9, "0 10 20 30 40 50 60 70 80 90"},
		{3, 3, "3"},
		{0.5181, math.Nextafter(0.5181, 1), "0.5181"},
		{-1e300, math.Nextafter(-1e300, 0), "-1e+300"},
	} {
		if _, got := ticks(c.low, c.high, 8); strings.Join(got, " ") != c.want {
			t.Errorf("from %v to %v: got %v, want %s", c.low, c.high, got, c.want)
		}
	}
}

func TestSpread(t *testing.T) {
	for _, c := range []struct{ at, want []float64 }{
		{[]float64{5, 50}, []float64{5, 50}},
		{[]float64{5, 6, 7}, []float64{5, 15, 25}},
		{[]float64{98, 99}, []float64{90, 100}},
		{[]float64{-3}, []float64{0}},
		{nil, nil},
	} {
		got := append([]float64(nil), c.at...)
		if spread(got, 10, 0, 100); !cmp.Equal(got, c.want) {
			t.Errorf("%v: got %v, want %v", c.at, got, c.want)
		}
	}
}

// failing is a writer that fails.
type failing struct{}

var errFull = errors.New("full")

func (failing) Write([]byte) (int, error) { return 0, errFull }

func TestWriterFails(t *testing.T) {
	p := read(t, tiny().save(t), 50)
	if err := p.Text(failing{}); !errors.Is(err, errFull) {
		t.Errorf("the table: got error %v, want %v", err, errFull)
	}
	if err := p.SVG(failing{}); !errors.Is(err, errFull) {
		t.Errorf("the plot: got error %v, want %v", err, errFull)
	}
}
