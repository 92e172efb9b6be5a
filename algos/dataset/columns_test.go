package dataset

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func withCategorical(columns ...string) Options {
	o := Defaults()
	o.Categorical = columns
	return o
}

// TestCategorical reads columns of categories: each category is a feature, in the
// order of the columns and sorted within one, in any division.
func TestCategorical(t *testing.T) {
	const jobs = "y,age,job,home\n1,30,nurse,no\n0,41,cook,yes\n1,0,,no\n0,9,teacher,NA\n1,8,cook,no\n"
	for _, c := range []struct {
		name, text string
		o          Options
		want       []string
		names      string
	}{
		{"by name", jobs, withCategorical("job", "home"),
			[]string{"1/1 0:30 3:1 6:1", "0/0 0:41 2:1 7:1", "1/1 1:1 6:1", "0/0 0:9 4:1 5:1", "1/1 0:8 2:1 6:1"},
			"age job= job=cook job=nurse job=teacher home= home=no home=yes"},
		{"all that have words", jobs, withCategorical("*"),
			[]string{"1/1 0:30 3:1 6:1", "0/0 0:41 2:1 7:1", "1/1 1:1 6:1", "0/0 0:9 4:1 5:1", "1/1 0:8 2:1 6:1"},
			"age job= job=cook job=nurse job=teacher home= home=no home=yes"},
		{"numbers too", "y,zip,a\n1,8001,2\n2,10,3\n1,10.0,4\n", withCategorical("zip"),
			[]string{"1/0 2:1 3:2", "2/1 0:1 3:3", "1/0 1:1 3:4"}, "zip=10 zip=10.0 zip=8001 a"},
		{"by number", "k,p,1\nk,q,2\nl,p,0\n", withCategorical("#1"),
			[]string{"-1/0 0:1 2:1", "-1/0 1:1 2:2", "1/1 0:1"}, "#1=p #1=q #2"},
		{"a number and all words", "y,a,b\n1,2,x\n1,3,x\n", withCategorical("*", "#1"),
			[]string{"1/0 0:1 2:1", "1/0 1:1 2:1"}, "a=2 a=3 b=x"},
		{"first value missing", "y,a,b\n1,,1\n1,u,2\n", withCategorical("*"),
			[]string{"1/0 0:1 2:1", "1/0 1:1 2:2"}, "a= a=u b"},
		{"no words", "y,a\n1,5\n", withCategorical("*"), []string{"1/0 0:5"}, "a"},
		{"quoted", "y;a\n1;\"u;v\"\n2;\"say \"\"hi\"\"\"\n", withCategorical("a"), []string{"1/0 1:1", "2/1 0:1"}, `a=say "hi" a=u;v`},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.o.Format = CSV
			if c.name == "by number" {
				c.o.Label, c.o.Header = "#0", "auto"
			}
			for _, of := range []int{1, 2, 3, 7} {
				got := mustLoad(t, "a", c.text, c.o, of)
				checkParts(t, got)
				if d := cmp.Diff(c.want, got.rows()); d != "" {
					t.Errorf("%d parts: rows (-want +got):\n%s", of, d)
				}
				info, err := throughJSON(t, got.info).WithNames(nil, "")
				if names := strings.Join(info.Names, " "); err != nil || names != c.names || uint64(len(info.Names)) != info.Features {
					t.Errorf("%d parts: got names %q for %d features, %v, want %q", of, names, info.Features, err, c.names)
				}
				if err := info.check(); err != nil {
					t.Errorf("info with names: %v", err)
				}
				c.o.Like = &info
				again := mustLoad(t, "a", c.text, c.o, of)
				if d := cmp.Diff(c.want, again.rows()); d != "" {
					t.Errorf("%d parts: like itself (-want +got):\n%s", of, d)
				}
				c.o.Like = nil
			}
		})
	}
}

// TestCategoricalLike: a test file has the features of the training data.
func TestCategoricalLike(t *testing.T) {
	named := mustLoad(t, "a.csv", "y,job,age\n1,cook,2\n0,nurse,3\n", withCategorical("job"), 2).info
	bare := withCategorical("#1")
	bare.Label = "#0"
	unnamed := mustLoad(t, "a.csv", "1,cook,2\n0,nurse,3\n", bare, 2).info
	for _, c := range []struct {
		name    string
		like    Info
		text    string
		want    []string
		dropped uint64
		refused string
	}{
		{"another order, unknown and missing", named, "age,y,job\n5,1,nurse\n6,0,pilot\n7,1,\n", []string{"1/1 1:1 2:5", "0/0 2:6", "1/1 2:7"}, 2, ""},
		{"no header", named, "1,nurse,2\n", []string{"1/1 1:1 2:2"}, 0, ""},
		{"no header, training neither", unnamed, "1,nurse,2\n0,x,3\n", []string{"1/1 1:1 2:2", "0/0 2:3"}, 1, ""},
		{"column missing", named, "y,age\n1,2\n", nil, 0, `column "job" of the training data is missing`},
		{"word for a number", named, "y,job,age\n1,cook,old\n", nil, 0, `a.csv:2:8: column "age": "old" is not a number`},
	} {
		o := Defaults()
		o.Like = throughJSON(t, c.like)
		for _, of := range []int{1, 3} {
			got, err := load("a.csv", []byte(c.text), o, of)
			if c.refused != "" {
				if err == nil || !strings.Contains(err.Error(), c.refused) {
					t.Errorf("%s: got %v, want %s", c.name, err, c.refused)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			checkParts(t, got)
			if d := cmp.Diff(c.want, got.rows()); d != "" || got.info.Dropped != c.dropped || got.info.Features != c.like.Features {
				t.Errorf("%s: %d dropped, %d features, rows (-want +got):\n%s", c.name, got.info.Dropped, got.info.Features, d)
			}
		}
	}
}

func TestCategoricalRefusals(t *testing.T) {
	fixed := withCategorical("a")
	fixed.Features = 2
	for _, c := range []struct {
		name, file, text string
		o                Options
		want             string
	}{
		{"not listed", "a.csv", "y,job\n1,teacher\n", Defaults(), `a.csv:2:3: column "job": "teacher" is not a number: list the column in data.categorical`},
		{"no such column", "a.csv", "y,job\n1,u\n", withCategorical("jbo"), `data.categorical: there is no column "jbo": the nearest is "job" of the columns y, job`},
		{"no such number", "a.csv", "y,job\n1,u\n", withCategorical("#2"), "data.categorical: there is no column 2 (from 0), only 2 columns"},
		{"the label", "a.csv", "y,job\n1,u\n", withCategorical("y"), `data.categorical: column "y" is the label`},
		{"no header", "a.csv", "1,2\n", func() Options { o := withCategorical("job"); o.Label = "#0"; return o }(), `there is no header, so column "job" needs a number`},
		{"two of a name", "a.csv", "y,a,a\n1,u,2\n", withCategorical("a"), `two columns have the name "a": give the number, as "#1"`},
		{"no number", "a.csv", "y,a\n1,u\n", withCategorical("#x"), `categorical "#x": want a column name`},
		{"libsvm", "a.svm", "1 1:1\n", withCategorical("a"), "data.categorical is for columns of CSV, but the format is libsvm"},
		{"not UTF-8", "a.csv", "y,a\n1,\xff\n", withCategorical("a"), `a.csv:2:3: column "a": category "\xff" is longer than 1024 bytes or not UTF-8`},
		{"long", "a.csv", "y,a\n1," + strings.Repeat("x", 1025) + "\n", withCategorical("a"), "is longer than 1024 bytes"},
		{"more than features", "a.csv", "y,a\n1,u\n1,v\n1,w\n", fixed, "the columns make 3 features with their categories, but data.features is 2"},
		{"decimal comma", "a.csv", "y;a\n1;2,5\n", Defaults(), `"2,5" is not a number: write it with a decimal point`},
		{"a missing number", "a.csv", "y,a\n1,\n", Defaults(), `column "a": the value is missing: remove the row, fill the value in, say what stands for it (data.missing)`},
	} {
		if _, err := load(c.file, []byte(c.text), c.o, 1); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
}

// TestManyCategories: an identifier is refused, by the part or by the merge.
func TestManyCategories(t *testing.T) {
	if testing.Short() {
		t.Skip("reads a million categories")
	}
	var s strings.Builder
	s.WriteString("y,id\n")
	for i := range MaxCategories {
		fmt.Fprintf(&s, "1,u%d\n", i)
	}
	for _, of := range []int{1, 2} {
		_, err := load("a.csv", []byte(s.String()+"1,last\n"), withCategorical("id"), of)
		if err == nil || !strings.Contains(err.Error(), `column "id": more than 1048576 categories: is this an identifier?`) {
			t.Errorf("%d parts: got %v, want a refusal", of, err)
		}
	}
	got, err := load("a.csv", []byte(s.String()), withCategorical("id"), 2)
	if err != nil || got.info.Features != MaxCategories {
		t.Fatalf("got %d features, %v, want %d", got.info.Features, err, MaxCategories)
	}
}

// TestBadColumns: columns that came from a damaged file are refused.
func TestBadColumns(t *testing.T) {
	good := mustLoad(t, "a.csv", "y,a,b\n1,u,1\n2,v,1\n", withCategorical("a"), 1).info
	for name, spoil := range map[string]func(*Info){
		"order":          func(i *Info) { i.Columns[0].Categories = []string{"v", "u"} },
		"twice":          func(i *Info) { i.Columns[0].Categories = []string{"u", "u"} },
		"of numbers":     func(i *Info) { i.Columns[0].Categorical = false },
		"count":          func(i *Info) { i.Columns = i.Columns[:1] },
		"categories few": func(i *Info) { i.Columns[0].Categories = []string{"u"} },
	} {
		bad := *throughJSON(t, good)
		spoil(&bad)
		if _, err := (Info{}).Merge(bad); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
	other := *throughJSON(t, good)
	other.Columns[0].Name = "z"
	if _, err := good.Merge(other); err == nil {
		t.Error("another column: got no error")
	}
}

// TestWithNames: names from a file go to data that has none.
func TestWithNames(t *testing.T) {
	bare := mustLoad(t, "a.svm", "1 1:1 3:1\n", Defaults(), 1).info
	named := mustLoad(t, "a.csv", "y,a\n1,2\n", Defaults(), 1).info
	for _, c := range []struct {
		name  string
		info  Info
		names []string
		want  string
	}{
		{"none", bare, nil, ""},
		{"as many", bare, []string{"a", "b", "c"}, "a b c"},
		{"more", bare, []string{"a", "b", "c", "d"}, "a b c"},
		{"less", bare, []string{"a", "b"}, "error: dataset: n.txt has 2 feature names, but there are 3 features"},
		{"none for the named", named, nil, "a"},
		{"some for the named", named, []string{"x"}, "error: dataset: n.txt: the data has feature names of its own: leave data.names out"},
	} {
		info, err := c.info.WithNames(c.names, "n.txt")
		got := strings.Join(info.Names, " ")
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
		if err := info.check(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
