package dataset

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestLike reads test files under the info of training files.
func TestLike(t *testing.T) {
	for _, c := range []struct {
		name                  string
		trainFile, train      string
		testFile, text        string
		format                string // of the training file; "" if its name or text tells it
		change                func(*Options)
		want                  []string
		dropped               uint64
		refused               string
		unlikeTrainingClasses bool
	}{
		{name: "base and features", trainFile: "a.svm", train: "1 0:1 2:1\n0 1:1\n", testFile: "b.svm", text: "0 1:1 2:3 3:1 9:1\n",
			want: []string{"0/0 1:1 2:3"}, dropped: 2},
		{name: "base 1 stays", trainFile: "a.svm", train: "1 3:1\n", testFile: "b.svm", text: "1 2:1 3:1 4:0 5:1\n",
			want: []string{"1/0 1:1 2:1"}, dropped: 1},
		{name: "index 0 with base 1", trainFile: "a.svm", train: "1 3:1\n", testFile: "b.svm", text: "1 1:1\n1 0:1\n",
			refused: "b.svm:2:3: index 0 in data whose indices start at 1"},
		{name: "no features", trainFile: "a.svm", train: "1\n2\n", testFile: "b.svm", text: "1 1:1\n", want: []string{"1/0"}, dropped: 1},
		{name: "class numbers", trainFile: "a.svm", train: "5 1:1\n7 1:1\n9 1:1\n", testFile: "b.svm", text: "9 1:1\n5 1:1\n",
			want: []string{"9/2 0:1", "5/0 0:1"}},
		{name: "unknown number", trainFile: "a.svm", train: "1 1:1\n-1 1:1\n", testFile: "b.svm", text: "1 1:1\n0 1:1\n",
			refused: `b.svm:2:1: label "0" does not occur in the training data (-1, 1)`},
		{name: "unknown quantity", trainFile: "a.svm", train: "1 1:1\n-1 1:1\n", testFile: "b.svm", text: "1 1:1\n0.5 1:1\n",
			change: func(o *Options) { o.Quantity = true }, want: []string{"1 0:1", "0.5 0:1"}, unlikeTrainingClasses: true},
		{name: "too many classes", trainFile: "a.svm", train: manyLabels(1025), testFile: "b.svm", text: "-7 1:1\n", want: []string{"-7 0:1"}},
		{name: "words", trainFile: "a.csv", train: "y,a\nALL,1\nAML,2\n", testFile: "b.csv", text: "y,a\nAML,1\n", want: []string{"1/1 0:1"}},
		{name: "unknown word", trainFile: "a.csv", train: "y,a\nALL,1\nAML,2\n", testFile: "b.csv", text: "y,a\nAMX,1\n",
			refused: `b.csv:2:1: label "AMX" does not occur in the training data (ALL, AML)`},
		{name: "word among numbers", trainFile: "a.csv", train: manyCSV(1025), testFile: "b.csv", text: "y,a\nx,1\n",
			refused: `b.csv:2:1: label "x" is not a number, as those of the training data are`},
		{name: "columns by name", trainFile: "a.csv", train: "y,a,b,c\n1,2,3,4\n", testFile: "b.csv", text: "c,extra,y,b,a\n9,x,1,8,7\n5,0,1,4,3\n",
			want: []string{"1/0 0:7 1:8 2:9", "1/0 0:3 1:4 2:5"}, dropped: 1},
		{name: "column missing", trainFile: "a.csv", train: "y,a,b\n1,2,3\n", testFile: "b.csv", text: "y,a,d\n1,2,3\n", refused: `column "b" of the training data is missing`},
		{name: "column twice", trainFile: "a.csv", train: "y,a,b\n1,2,3\n", testFile: "b.csv", text: "y,b,a,a\n1,2,3,4\n", refused: `two columns have the name "a"`},
		{name: "column twice in training", trainFile: "a.csv", train: "y,a,a\n1,2,3\n", testFile: "b.csv", text: "y,a,b\n1,2,3\n", refused: `two columns of the training data have the name "a"`},
		{name: "columns by position", trainFile: "a.csv", train: "a,y,b\n2,1,3\n", testFile: "b.csv", text: "5,1,6\n7,1,8\n",
			want: []string{"1/0 0:5 1:6", "1/0 0:7 1:8"}},
		{name: "columns by position, wrong count", trainFile: "a.csv", train: "a,y,b\n2,1,3\n", testFile: "b.csv", text: "5,1\n7,1\n",
			refused: "there are 1 feature columns, in the training data 2"},
		{name: "label name of training", trainFile: "a.csv", train: "a,y\n2,1\n", testFile: "b.csv", text: "a,z\n2,1\n", refused: `there is no column "y", which is the label`},
		{name: "label by number", trainFile: "a.csv", train: "2,1\n", testFile: "b.csv", text: "4,1\n",
			change: func(o *Options) { o.Label = "#1" }, want: []string{"1/0 0:4"}},
		{name: "other format", trainFile: "a.csv", train: "y,a\n2,1\n", testFile: "b.svm", text: "2 1:1\n", refused: "the format is libsvm, that of the training data is csv"},
		{name: "docword under another name", trainFile: "docword.a.txt", train: "1\n3\n1\n1 2 4\n", format: Docword, testFile: "new.docword.txt", text: "2\n3\n2\n1 3 1\n2 1 5\n",
			want: []string{"? 2:1", "? 0:5"}},
		{name: "text under another name", trainFile: "a.txt", train: "war, peace\nwar\n", format: Text, testFile: "b", text: "The war; a 2nd WAR.\n",
			want: []string{"? 1:2"}, dropped: 3},
		{name: "text that is no CSV", trainFile: "a.txt", train: "war, peace\nwar\n", format: Text, testFile: "b.csv", text: "war, peace\n",
			refused: "the format is csv, that of the training data is text"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := Defaults()
			if c.change != nil {
				c.change(&o)
			}
			o.Label = map[bool]string{true: "#1"}[c.name == "label by number"]
			train := mustLoad(t, c.trainFile, c.train, Options{Base: -1, Label: o.Label, Format: c.format, Unsupervised: c.format != ""}, 2)
			o.Like = throughJSON(t, train.info)
			got, err := load(c.testFile, []byte(c.text), o, 2)
			if c.refused != "" {
				if err == nil || !strings.Contains(err.Error(), c.refused) {
					t.Errorf("got %v, want ...%s", err, c.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			checkParts(t, got)
			if d := cmp.Diff(c.want, got.rows()); d != "" {
				t.Errorf("rows (-want +got):\n%s", d)
			}
			if got.info.Dropped != c.dropped || got.info.Features != train.info.Features {
				t.Errorf("got %d values dropped, %d features, want %d and %d",
					got.info.Dropped, got.info.Features, c.dropped, train.info.Features)
			}
			if d := cmp.Diff(train.info.Classes, got.info.Classes); d != "" && !c.unlikeTrainingClasses {
				t.Errorf("classes (-training +test):\n%s", d)
			}
		})
	}
}

// TestLikeBadInfo: a training info that came from a damaged file is refused.
func TestLikeBadInfo(t *testing.T) {
	good := mustLoad(t, "a.csv", "y,a,b\np,1,2\nq,2,3\n", Defaults(), 1).info
	for name, spoil := range map[string]func(*Info){
		"of nothing":       func(i *Info) { *i = Info{} },
		"format":           func(i *Info) { i.Format = "x" },
		"base":             func(i *Info) { i.Base = -1 },
		"seen":             func(i *Info) { i.Seen = 1 << 62 },
		"features":         func(i *Info) { i.Features = 1 << 63; i.Features++ },
		"names":            func(i *Info) { i.Names = i.Names[:1] },
		"counts":           func(i *Info) { i.Counts = i.Counts[:1] },
		"sum of counts":    func(i *Info) { i.Counts[0]++ },
		"order":            func(i *Info) { i.Classes[0], i.Classes[1] = i.Classes[1], i.Classes[0] },
		"class twice":      func(i *Info) { i.Classes[0] = i.Classes[1] },
		"numeric words":    func(i *Info) { i.Numeric = true },
		"words not listed": func(i *Info) { i.Classes, i.Counts = nil, nil },
		"label column":     func(i *Info) { i.LabelColumn = -1 },
	} {
		bad := *throughJSON(t, good)
		spoil(&bad)
		o := Defaults()
		o.Like = &bad
		if _, err := load("a.csv", []byte("y,a,b\np,1,2\n"), o, 1); err == nil {
			t.Errorf("%s: got no error", name)
		}
		if _, err := good.Merge(bad); err == nil && name != "of nothing" {
			t.Errorf("%s: Merge: got no error", name)
		}
	}
}

func manyCSV(n int) string {
	return "y,a\n" + strings.ReplaceAll(manyLabels(n), " 1:1", ",1")
}

// throughJSON returns info as another process receives it.
func throughJSON(t testing.TB, info Info) *Info {
	t.Helper()
	b, err := json.Marshal(info)
	if err != nil {
		t.Fatal(err)
	}
	var got Info
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	return &got
}
