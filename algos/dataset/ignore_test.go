package dataset

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func withIgnore(label string, names ...string) Options {
	o := Defaults()
	o.Label, o.Ignore = label, names
	return o
}

// TestIgnore: columns that are left out are not read, whatever they hold, in the
// training data and in files like it, with labels or without.
func TestIgnore(t *testing.T) {
	const named = "id,y,name,a,b\nx1,1,Ann,2,3\nx2,0,,4,5\n"
	const bare = "x1,1,Ann,2,3\nx2,0,,4,5\n"
	mixed := withIgnore("y", "id")
	mixed.Categorical = []string{"*"}
	for _, c := range []struct {
		name, text string
		o          Options
		left       string // the ignored columns
		names      string // of the features
		want       []string
		like       string // a file read like the first
		wantLike   []string
	}{
		{"by name", named, withIgnore("y", "name", "id"), "id name", "a b", []string{"1/1 0:2 1:3", "0/0 0:4 1:5"},
			"b,a,y,name,id\n9,8,1,Bob,q\n", []string{"1/1 0:8 1:9"}},
		{"unlabelled", named, withIgnore("y", "name", "id"), "id name", "a b", []string{"1/1 0:2 1:3", "0/0 0:4 1:5"},
			"id,name,a,b\nq,Bob,8,9\n", []string{"? 0:8 1:9"}},
		{"not there", named, withIgnore("y", "#0", "#2"), "id name", "a b", []string{"1/1 0:2 1:3", "0/0 0:4 1:5"},
			"a,y,b\n8,1,9\n", []string{"1/1 0:8 1:9"}},
		{"no header", bare, withIgnore("#1", "#0", "#2"), "#0 #2", "#3 #4", []string{"1/1 0:2 1:3", "0/0 0:4 1:5"},
			"q,0,Bob,8,9\n", []string{"0/0 0:8 1:9"}},
		{"no header, unlabelled", bare, withIgnore("#1", "#0", "#2"), "#0 #2", "#3 #4", []string{"1/1 0:2 1:3", "0/0 0:4 1:5"},
			"q,Bob,8,9\n", []string{"? 0:8 1:9"}},
		{"header for training only", named, withIgnore("y", "id", "name"), "id name", "a b", []string{"1/1 0:2 1:3", "0/0 0:4 1:5"},
			"q,0,Bob,8,9\n", []string{"0/0 0:8 1:9"}},
		{"a column without a name", ",y,a\n0,1,2\n1,0,3\n", withIgnore("y", "#0"), "#0", "a", []string{"1/1 0:2", "0/0 0:3"},
			"a,y\n7,1\n", []string{"1/1 0:7"}},
		{"one of two of a name", "y,a,a\n1,2,x\n0,3,x\n", withIgnore("y", "#2"), "a", "a", []string{"1/1 0:2", "0/0 0:3"},
			"a,a\n7,x\n", []string{"? 0:7"}},
		{"categories", named, mixed, "id", "name= name=Ann a b", []string{"1/1 1:1 2:2 3:3", "0/0 0:1 2:4 3:5"},
			"id,name,a,b\nq,Ann,8,9\n", []string{"? 1:1 2:8 3:9"}},
	} {
		for _, of := range []int{1, 3} {
			got, err := load("a.csv", []byte(c.text), c.o, of)
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			checkParts(t, got)
			info := throughJSON(t, got.info)
			if left := strings.Join(info.IgnoredNames(), " "); left != c.left {
				t.Errorf("%s: got ignored columns %q, want %q", c.name, left, c.left)
			}
			if d := cmp.Diff(c.want, got.rows()); d != "" || strings.Join(featureNames(*info), " ") != c.names {
				t.Errorf("%s: got features %q, want %q, rows (-want +got):\n%s", c.name, featureNames(*info), c.names, d)
			}
			like := Defaults()
			like.Like, like.Unlabelled = info, true
			again, err := load("b.csv", []byte(c.like), like, of)
			if err != nil {
				t.Errorf("%s, like it: %v", c.name, err)
				continue
			}
			if d := cmp.Diff(c.wantLike, again.rows()); d != "" || again.info.Dropped != 0 {
				t.Errorf("%s, like it: got %d dropped, want 0, rows (-want +got):\n%s", c.name, again.info.Dropped, d)
			}
		}
	}
}

// featureNames are the names of features as people see them.
func featureNames(info Info) []string {
	named, err := info.WithNames(nil, "")
	if err == nil && named.Names != nil {
		return named.Names
	}
	var names []string
	for t := range int(info.Features) {
		info.Columns = make([]Column, info.Features)
		names = append(names, info.columnName(t))
	}
	return names
}

func TestIgnoreRefusals(t *testing.T) {
	both := withIgnore("", "a")
	both.Categorical = []string{"a"}
	for _, c := range []struct {
		name, file, text string
		o                Options
		want             string
	}{
		{"no such column", "a.csv", "y,job\n1,u\n", withIgnore("", "jbo"), `data.ignore: there is no column "jbo": the nearest is "job" of the columns y, job`},
		{"several in one", "a.csv", "y,job,id\n1,u,2\n", withIgnore("", "job, id"), `data.ignore: there is no column "job, id": write several as ["job", "id"]`},
		{"no such number", "a.csv", "y,job\n1,u\n", withIgnore("", "#2"), "data.ignore: there is no column 2 (from 0), only 2 columns"},
		{"the label", "a.csv", "y,job\n1,u\n", withIgnore("", "y"), `data.ignore: column "y" is the label`},
		{"no header", "a.csv", "1,2\n", withIgnore("#0", "job"), `there is no header, so column "job" needs a number`},
		{"two of a name", "a.csv", "y,a,a\n1,u,2\n", withIgnore("", "a"), `two columns have the name "a": give the number, as "#1"`},
		{"category, too", "a.csv", "y,a,b\n1,u,2\n", both, `data.categorical: column "a" is in data.ignore, too`},
		{"no number", "a.csv", "y,a\n1,u\n", withIgnore("", "#x"), `ignore "#x": want a column name`},
		{"no name", "a.csv", "y,a\n1,u\n", withIgnore("", ""), `ignore "": want a column name`},
		{"libsvm", "a.svm", "1 1:1\n", withIgnore("", "a"), "data.ignore is for columns of CSV, but the format is libsvm"},
	} {
		if _, err := load(c.file, []byte(c.text), c.o, 1); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
	bad := Info{Format: CSV, Ignored: []Ignored{{Column: 3}, {Column: 3}}}
	if err := bad.check(); err == nil {
		t.Error("ignored columns out of order are not refused")
	}
}

// TestMissing: a number stands for the missing ones, of test data too, and for no word
// or label.
func TestMissing(t *testing.T) {
	o := Defaults()
	o.Missing = new(-2.5)
	const text = "y,a,b\n1,,3\n0,NA,0\n"
	got := mustLoad(t, "a.csv", text, o, 2)
	if d := cmp.Diff([]string{"1/1 0:-2.5 1:3", "0/0 0:-2.5"}, got.rows()); d != "" {
		t.Errorf("rows (-want +got):\n%s", d)
	}
	like := Defaults()
	like.Like = throughJSON(t, got.info)
	if d := cmp.Diff([]string{"1/1 0:4 1:-2.5"}, mustLoad(t, "b.csv", "b,y,a\n,1,4\n", like, 1).rows()); d != "" {
		t.Errorf("like it, rows (-want +got):\n%s", d)
	}
	o.Missing = new(0.0)
	if got := mustLoad(t, "a.csv", text, o, 1); got.info.NonZeros != 1 {
		t.Errorf("0 for missing: got %d values, want 1", got.info.NonZeros)
	}
	for _, c := range []struct{ name, file, text, want string }{
		{"a label", "a.csv", "y,a\n,1\n", "the label is missing"},
		{"a word", "a.csv", "y,a\n1,x\n", `"x" is not a number`},
		{"no CSV", "a.svm", "1 1:1\n", "data.missing is for CSV, but the format is libsvm"},
	} {
		if _, err := load(c.file, []byte(c.text), o, 1); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
	o.Missing = new(math.Inf(1))
	if err := o.Validate(); err == nil {
		t.Error("an infinite number for missing ones is not refused")
	}
}
