package dataset

import (
	"io"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// checkWeights checks what must hold of the weights of any parts.
func checkWeights(t testing.TB, l loaded) {
	t.Helper()
	sum, classes, other := 0.0, make([]float64, len(l.info.Classes)), false
	for _, p := range l.parts {
		if (p.Weight != nil) != l.info.Weighted || p.Weight != nil && len(p.Weight) != p.X.Rows() {
			t.Fatalf("part %d: %d weights of %d rows, weighted is %v", p.Index, len(p.Weight), p.X.Rows(), l.info.Weighted)
		}
		for i := range p.X.Rows() {
			w := 1.0
			if p.Weight != nil {
				w = float64(p.Weight[i])
			}
			if w < 0 || !isFinite(w) {
				t.Fatalf("part %d row %d: weight %g", p.Index, i, w)
			}
			sum, other = sum+w, other || w != 1
			if p.Class != nil {
				classes[p.Class[i]] += w
			}
		}
	}
	near := func(got, want float64) bool { return math.Abs(got-want) <= 1e-9*want }
	if other != l.info.Weighted || !near(l.info.Weight, sum) {
		t.Fatalf("info: weighted is %v, the sum %g, of the parts %v, %g", l.info.Weighted, l.info.Weight, other, sum)
	}
	for k, want := range classes {
		if got := l.info.ClassWeight(k); !near(got, want) {
			t.Fatalf("class %d: got weight %g, want %g", k, got, want)
		}
	}
}

func withWeight(label, weight string) Options {
	o := Defaults()
	o.Label, o.Weight = label, weight
	return o
}

func TestWeights(t *testing.T) {
	bare := Defaults()
	bare.Unlabelled = true
	from1 := bare
	from1.Base = 1
	mixed := withWeight("", "w")
	mixed.Categorical, mixed.Ignore = []string{"*"}, []string{"id"}
	for _, c := range []struct {
		name, file, text string
		o                Options
		want             []string
		sum              float64
		classes          []float64
	}{
		{"libsvm", "a.svm", "1:0.5 3:1 7:2\n-1:2 1:1\n1:0\n", Defaults(), []string{"1/1*0.5 2:1 6:2", "-1/0*2 0:1", "1/1*0"}, 2.5, []float64{2, 0.5}},
		{"some rows", "a.svm", "1:1 3:1\n2 1:1\n2:4 1:1\n", Defaults(), []string{"1/0 2:1", "2/1 0:1", "2/1*4 0:1"}, 6, []float64{1, 5}},
		{"all are 1", "a.svm", "1:1 3:1\n2:1e0 1:1\n", Defaults(), []string{"1/0 2:1", "2/1 0:1"}, 2, nil},
		{"comments and signs", "a.svm", "# x\n+1:+0.25 1:1 # y\n-1:-0#z\n", Defaults(), []string{"1/1*0.25 0:1", "-1/0*0"}, 0.25, []float64{0, 0.25}},
		{"float32", "a.svm", "1:0.1 1:1\n", Defaults(), []string{"1/0*0.1 0:1"}, float64(float32(0.1)), []float64{float64(float32(0.1))}},
		{"format by first line", "a", "-1.5:0.5 1:1\n", Defaults(), []string{"-1.5/0*0.5 0:1"}, 0.5, []float64{0.5}},
		{"labels not required: index:value", "a.svm", "1:0.5 3:1\n2:1\n", bare, []string{"? 0:0.5 2:1", "? 1:1"}, 2, nil},
		{"labels not required: a sign", "a.svm", "-1:0.5 3:1\n2:1\n", bare, []string{"-1/0*0.5 2:1", "2/1"}, 1.5, []float64{0.5, 1}},
		{"labels not required: no larger index", "a.svm", "2:0.5 2:1\n1:3 7:1\n", bare, []string{"2/1*0.5 1:1", "1/0*3 6:1"}, 3.5, []float64{3, 0.5}},
		{"labels not required: no such index", "a.svm", "0:0.5 2:1\n1:3 7:1\n", from1, []string{"0/0*0.5 1:1", "1/1*3 6:1"}, 3.5, []float64{0.5, 3}},
		{"labels not required: index 0", "a.svm", "0:0.5 2:1\n", bare, []string{"? 0:0.5 2:1"}, 1, nil},

		{"csv by name", "a.csv", "a,w,y\n5,0.5,p\n6,1,q\n", withWeight("", "w"), []string{"-1/0*0.5 0:5", "1/1 0:6"}, 1.5, []float64{0.5, 1}},
		{"csv by number", "a.csv", "1,0,5\n2,3,6\n", withWeight("#0", "#1"), []string{"1/0*0 0:5", "2/1*3 0:6"}, 3, []float64{0, 3}},
		{"csv, quotes and blanks", "a.csv", "w,y,a\n\"0.5\",1,5\n 2 ,1,6\n+1,1,\"7\"\n", withWeight("", "w"), []string{"1/0*0.5 0:5", "1/0*2 0:6", "1/0 0:7"}, 3.5, []float64{3.5}},
		{"csv, categories", "a.csv", "a,id,w,y\nu,9,2,1\nv,9,1,1\n", mixed, []string{"1/0*2 0:1", "1/0 1:1"}, 3, []float64{3}},
	} {
		for _, of := range []int{1, 2, 5} {
			got := mustLoad(t, c.file, c.text, c.o, of)
			checkParts(t, got)
			if d := cmp.Diff(c.want, got.rows()); d != "" {
				t.Errorf("%s in %d parts: rows (-want +got):\n%s", c.name, of, d)
			}
			if got.info.Weight != c.sum || cmp.Diff(c.classes, got.info.ClassWeights) != "" {
				t.Errorf("%s in %d parts: got weight %g, of classes %v, want %g and %v", c.name, of, got.info.Weight, got.info.ClassWeights, c.sum, c.classes)
			}
			if of > 1 {
				continue
			}
			o := c.o
			o.Like = throughJSON(t, got.info)
			r, err := OpenStream(c.file, strings.NewReader(c.text), o)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, drain(t, r, 1)); d != "" || r.Info().Weight != c.sum {
				t.Errorf("%s: reader: got weight %g, want %g, rows (-want +got):\n%s", c.name, r.Info().Weight, c.sum, d)
			}
			r.Close()
		}
	}
}

func TestWeightRefusals(t *testing.T) {
	bare := Defaults()
	bare.Unlabelled = true
	ignored := withWeight("", "w")
	ignored.Ignore = []string{"w"}
	category := withWeight("", "w")
	category.Categorical = []string{"w"}
	for _, c := range []struct {
		name, file, text string
		o                Options
		want             string
	}{
		{"below 0", "a.svm", "1:1 1:1\n1:-0.5 1:1\n", Defaults(), `a.svm:2:3: weight "-0.5" is below 0`},
		{"nan", "a.svm", "1:nan 1:1\n", Defaults(), `1:3: weight "nan" is not finite`},
		{"too large", "a.svm", "1:1e39 1:1\n", Defaults(), `1:3: weight "1e39" is too large or too small`},
		{"too small", "a.svm", "1:1e-50 1:1\n", Defaults(), `1:3: weight "1e-50" is too large or too small`},
		{"a word", "a.svm", "1:1 1:1\n1:x 1:1\n", Defaults(), `2:3: weight "x" is not a number`},
		{"nothing", "a.svm", "1: 1:1\n", Defaults(), "1:3: the weight is missing"},
		{"two", "a.svm", "1:2:3 1:1\n", Defaults(), `1:3: weight "2:3" is not a number`},
		{"no label before it", "a.svm", "1:1 1:1\n:2 1:1\n", Defaults(), `2:1: label "" is not a number`},
		{"only later", "a.svm", "1 1:1\n1:2 1:1\n", Defaults(), `2:1: label "1:2" is not a number: a line starts with the label, which has no weight in the first line`},
		{"labels not required, later", "a.svm", "1:1 3:1\n-1:0.5 1:1\n", bare, "2:1: index \"-1\" is not a number from 0 (the first sample starts with index:value, so that no label is expected)"},
		{"labels not required, larger", "a.svm", "1:1 3:1\n1:0.5 1:1\n", bare, "2:7: index 1 is not larger than the one before it (1) (the first sample starts"},

		{"csv, below 0", "a.csv", "y,w,a\n1,1,1\n1,-2,1\n", withWeight("", "w"), `a.csv:3:3: column "w": weight "-2" is below 0`},
		{"csv, missing", "a.csv", "y,w,a\n1,,1\n", withWeight("", "w"), `2:3: column "w": the weight is missing`},
		{"csv, the label is bad, too", "a.csv", "y,w,a\ninf,x,1\n", withWeight("", "w"), `2:1: label "inf" is not finite`},
		{"csv, no such column", "a.csv", "y,wt,a\n1,1,1\n", withWeight("", "wgt"), `data.weight: there is no column "wgt": the nearest is "wt"`},
		{"csv, no such number", "a.csv", "y,a\n1,1\n", withWeight("", "#2"), "data.weight: there is no column 2 (from 0), only 2 columns"},
		{"csv, no header", "a.csv", "1,2,3\n", withWeight("#0", "w"), `data.weight: there is no header, so column "w" needs a number`},
		{"csv, the label", "a.csv", "y,a\n1,1\n", withWeight("", "y"), `data.weight: column "y" is the label`},
		{"csv, ignored", "a.csv", "y,w,a\n1,1,1\n", ignored, `data.ignore: column "w" is the weight`},
		{"csv, category", "a.csv", "y,w,a\n1,1,1\n", category, `data.categorical: column "w" is the weight`},
		{"csv, no number", "a.csv", "y,w,a\n1,1,1\n", withWeight("", "#x"), `weight "#x": want a column name`},
		{"column of libsvm", "a.svm", "1 1:1\n", withWeight("", "w"), "data.weight is for columns of CSV, but the format is libsvm"},
		{"file for csv", "a.csv", "y,a\n1,1\n", Options{Weights: "w"}, "data.weights is for MatrixMarket data, but the format is csv"},
	} {
		for _, of := range []int{1, 3} {
			_, err := load(c.file, []byte(c.text), c.o, of)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s in %d parts: got %v, want ...%s", c.name, of, err, c.want)
			}
		}
	}
}

// TestWeightsOfFiles: further files have the weights where the first one says, test data
// may do without.
func TestWeightsOfFiles(t *testing.T) {
	named, bare := "id,y,w,a,b\n7,1,0.5,2,3\n7,0,1,4,5\n", "7,0.5,1,2,3\n7,1,0,4,5\n"
	namedOptions, bareOptions := withWeight("", "w"), withWeight("#2", "#1")
	namedOptions.Ignore, bareOptions.Ignore = []string{"id"}, []string{"#0"}
	front, frontOptions := "0.5,u,7,1\n2,v,x,0\n", withWeight("#3", "#0")
	frontOptions.Categorical, frontOptions.Ignore = []string{"#1"}, []string{"#2"}
	for _, c := range []struct {
		name, first string
		o           Options
		next        string
		train, test string // the rows of the next file, or the error
	}{
		{"another order", named, namedOptions, "w,b,a,y,id\n4,9,8,1,7\n", "1/1*4 0:8 1:9", "1/1*4 0:8 1:9"},
		{"no weight", named, namedOptions, "b,a,y,id\n9,8,1,7\n", `data.weight: there is no column "w"`, "1/1 0:8 1:9"},
		{"neither", named, namedOptions, "b,a,id\n9,8,7\n", `there is no column "w"`, "? 0:8 1:9"},
		{"no label", named, namedOptions, "w,b,a,id\n4,9,8,7\n", "no label column (data.label)", "?*4 0:8 1:9"},
		{"no header", named, namedOptions, "7,1,4,8,9\n", "1/1*4 0:8 1:9", "1/1*4 0:8 1:9"},
		{"no header or weight", named, namedOptions, "7,1,8,9\n", "there are 1 feature columns, in the first file 2", "1/1 0:8 1:9"},
		{"no header or weight or label", named, namedOptions, "7,8,9\n", "no label column (data.label)", "? 0:8 1:9"},
		{"by place", bare, bareOptions, "7,4,1,8,9\n", "1/1*4 0:8 1:9", "1/1*4 0:8 1:9"},
		{"by place, no weight", bare, bareOptions, "7,1,8,9\n", "data.weight: column 1 is the label", "1/1 0:8 1:9"},
		{"by place, neither", bare, bareOptions, "7,8,9\n", "no label column (data.label)", "? 0:8 1:9"},
		{"before all others", front, frontOptions, "4,v,9,1\n", "1/1*4 1:1", "1/1*4 1:1"},
		{"before all others, no weight", front, frontOptions, "v,9,1\n", "", "1/1 1:1"},
		{"before all others, neither", front, frontOptions, "v,9\n", "", "? 1:1"},
		{"by place, too short", bare, bareOptions, "7\n", "is column 1 (from 0), but there are 1 columns", "there are 0 feature columns"},
	} {
		one := file{"a.csv", []byte(c.first)}
		info := mustLoad(t, "a.csv", c.first, c.o, 1).info
		test := c.o
		test.Categorical, test.Ignore, test.Unlabelled, test.Like = nil, nil, true, throughJSON(t, info)
		if names := strings.Join(featureNames(*throughJSON(t, info)), " "); c.first == front && names != "#1=u #1=v" {
			t.Errorf("%s: got features %s, want #1=u #1=v", c.name, names)
		}
		predict := Defaults()
		predict.Unlabelled, predict.Like = true, test.Like
		training := c.o
		training.Unlabelled = true
		for _, r := range []struct {
			what  string
			files []file
			o     Options
			want  string
		}{
			{"training", []file{one, {"b.csv", []byte(c.next)}}, training, c.train},
			{"test", []file{{"b.csv", []byte(c.next)}}, test, c.test},
			{"predict", []file{{"b.csv", []byte(c.next)}}, predict, c.test},
		} {
			got, err := loadFiles(r.files, r.o, 2)
			row := ""
			if err != nil {
				row = err.Error()
			} else {
				checkParts(t, got)
				checkWeights(t, got)
				row = got.rows()[len(got.rows())-1]
			}
			if err == nil && row != r.want || err != nil && !strings.Contains(row, r.want) {
				t.Errorf("%s, %s: got %s, want %s", c.name, r.what, row, r.want)
			}
		}
	}
}

// TestWeightsOfMatrix: weights of MatrixMarket rows are in a file like that of labels.
func TestWeightsOfMatrix(t *testing.T) {
	const matrix = banner + " matrix coordinate real general\n3 2 3\n3 1 7\n1 1 5\n2 2 6\n"
	for _, c := range []struct{ name, weights, want string }{
		{"text", "0.5\n# x\n1\n\n 2 \n", "?*0.5 0:5, ? 1:6, ?*2 0:7"},
		{"column", banner + " matrix array real general\n3 1\n0.5\n1\n2\n", "?*0.5 0:5, ? 1:6, ?*2 0:7"},
		{"row", banner + " matrix coordinate real general\n1 3 1\n1 2 0.25\n", "?*0 0:5, ?*0.25 1:6, ?*0 0:7"},
		{"all are 1", "1\n1\n1\n", "? 0:5, ? 1:6, ? 0:7"},
		{"too few", "1\n2\n", "w.txt has 2 weights, the matrix 3 rows"},
		{"negative", "1\n2\n-3\n", `w.txt:3:1: weight "-3" is below 0`},
		{"negative in a vector", banner + " matrix array real general\n3 1\n1\n1\n-2\n", `w.txt:5:1: weight "-2" is below 0`},
	} {
		o := unlabelled()
		o.Weights = writeFiles(t, []file{{"w.txt", []byte(c.weights)}})[0]
		for _, of := range []int{1, 2, 4} {
			got, err := load("a.mtx", []byte(matrix), o, of)
			rows := strings.Join(got.rows(), ", ")
			if err == nil {
				checkParts(t, got)
				checkWeights(t, got)
			} else {
				rows = err.Error()
			}
			if err == nil && rows != c.want || !strings.Contains(rows, c.want) {
				t.Errorf("%s in %d parts: got %s, want %s", c.name, of, rows, c.want)
			}
		}
		if r, err := OpenStream("a.mtx", strings.NewReader(matrix), o); err == nil {
			if rows := strings.Join(drain(t, r, 2), ", "); rows != c.want {
				t.Errorf("%s: reader: got %s, want %s", c.name, rows, c.want)
			}
		}
	}
}

// TestWeightsInBatches: the weights of a batch are nil until one is not 1.
func TestWeightsInBatches(t *testing.T) {
	r, err := OpenStream("a.svm", strings.NewReader("1:1 1:1\n2:1 1:1\n1:0.5 1:1\n2:1 1:1\n"), Defaults())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for k, want := range [][]float32{nil, {0.5, 1}} {
		part, err := r.Next(2)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, part.Weight); d != "" {
			t.Errorf("batch %d (-want +got):\n%s", k, d)
		}
	}
	if _, err := r.Next(2); err != io.EOF {
		t.Errorf("got %v, want io.EOF", err)
	}
	if i := r.Info(); i.Weight != 3.5 || cmp.Diff([]float64{1.5, 2}, i.ClassWeights) != "" {
		t.Errorf("got weight %g, of classes %v, want 3.5, [1.5 2]", i.Weight, i.ClassWeights)
	}
}

func TestStatOfWeights(t *testing.T) {
	for text, want := range map[string][3]float64{
		"1:1 1:1\n2:0.5\n1:3\n": {4.5, 0.5, 3},
		"1:0 1:1\n2:0.5\n":      {0.5, 0, 0.5},
		"1 1:1\n2 1:1\n":        {2, 1, 1},
	} {
		s, err := Stat(writeFiles(t, []file{{"a.svm", []byte(text)}}), Defaults())
		if err != nil {
			t.Fatal(err)
		}
		if got := [3]float64{s.Info.Weight, s.WeightMin, s.WeightMax}; got != want {
			t.Errorf("%q: got sum, smallest and largest %v, want %v", text, got, want)
		}
	}
}

// TestWeightsOfInfo: infos from elsewhere that contradict themselves are refused.
func TestWeightsOfInfo(t *testing.T) {
	good := mustLoad(t, "a.svm", "1:0.5 1:1\n2:2 1:1\n", Defaults(), 1).info
	for name, spoil := range map[string]func(*Info){
		"negative":           func(i *Info) { i.Weight = -1 },
		"nan":                func(i *Info) { i.Weight = math.NaN() },
		"a class is missing": func(i *Info) { i.ClassWeights = i.ClassWeights[:1] },
		"a class is bad":     func(i *Info) { i.ClassWeights = []float64{1, math.Inf(1)} },
		"not weighted":       func(i *Info) { i.Weighted = false },
		"no rows":            func(i *Info) { i.Rows, i.Classes, i.Counts, i.ClassWeights = 0, nil, nil, nil },
		"column":             func(i *Info) { i.WeightColumn = -1 },
	} {
		bad := good
		spoil(&bad)
		if _, err := bad.Merge(Info{}); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
	other := good
	other.WeightName = "w"
	if _, err := good.Merge(other); err == nil || !strings.Contains(err.Error(), `parts disagree about the weight column: "" and "w"`) {
		t.Errorf("another column: got %v", err)
	}
	plain := mustLoad(t, "a.svm", "1 1:1\n2 1:1\n", Defaults(), 1).info
	plain.Files = good.Files
	plain.Weight = 0 // as of a model that was made before there were weights
	got, err := plain.Merge(good)
	if err != nil || !got.Weighted || got.Weight != 4.5 || cmp.Diff([]float64{1.5, 3}, got.ClassWeights) != "" {
		t.Errorf("some weights: got %+v, %v, want weight 4.5, of classes [1.5 3]", got, err)
	}
}
