package dataset

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSums: the sums of features do not depend on the parts, and survive JSON.
func TestSums(t *testing.T) {
	for _, c := range []struct {
		name, text string
		format     string
		want       Sums
	}{
		{"a.svm", "1 2:3 4:1\n0 4:2.5\n1 2:-1\n", "", Sums{0, 2, 0, 3.5}},
		{"a.svm", "1 2:3\n0 4:2\n1 1:1\n1 0:7\n", "", Sums{7, 1, 3, 0, 2}}, // the base is known by the last row
		{"a.csv", "y,a,b\n1,2,3\n0,0,1\n", "", Sums{2, 4}},
		{"docword.a.txt", "3\n4\n4\n1 1 2\n2 1 5\n2 3 1\n3 3 1\n", "", Sums{7, 0, 2, 0}},
		{"a.txt", "1 7 2\n2 7 3\n2 9 0.5\n", Ratings, Sums{5, 0.5}},
		{"a.mtx", "%%MatrixMarket matrix coordinate integer general\n2 3 3\n1 1 4\n2 1 5\n2 3 1\n", "", Sums{9, 0, 1}},
	} {
		for _, of := range []int{1, 2, 6} {
			o := Defaults()
			o.Format, o.Unsupervised, o.Sums = c.format, true, true
			got := mustLoad(t, c.name, c.text, o, of)
			if d := cmp.Diff(c.want, got.info.Sums); d != "" {
				t.Errorf("%s in %d parts (-want +got):\n%s", c.name, of, d)
			}
			if d := cmp.Diff(got.info, *throughJSON(t, got.info)); d != "" {
				t.Errorf("%s through JSON:\n%s", c.name, d)
			}
		}
	}
	info := func(seen uint64, sums Sums) Info {
		return Info{Format: LIBSVM, Unlabelled: true, Numeric: true, Seen: seen, Features: seen, Sums: sums}
	}
	for _, c := range []struct{ a, b, want Info }{ // a part without values has no sums when it has travelled
		{info(0, nil), info(2, Sums{1, 2}), info(2, Sums{1, 2})},
		{info(2, Sums{1, 2}), info(0, nil), info(2, Sums{1, 2})},
		{info(2, nil), info(2, Sums{1, 2}), info(2, nil)},
	} {
		if got, err := c.a.Merge(c.b); err != nil || !cmp.Equal(got, c.want) {
			t.Errorf("got %+v, %v, want %+v", got, err, c.want)
		}
	}
	for _, text := range []string{`7`, `""`, `"x"`, `"u!"`, `"fAAA="`, `"f////////////"`, `"u//////////////"`} {
		if err := new(Sums).UnmarshalJSON([]byte(text)); err == nil {
			t.Errorf("%s: got no error", text)
		}
	}
	o := Defaults()
	o.Sums = true
	if _, err := load("a.svm", []byte("1 999999999999:1\n"), o, 1); err == nil {
		t.Error("too many features: got no error")
	}
	o.Categorical = []string{"*"}
	if _, err := load("a.csv", []byte("y,a\n1,x\n"), o, 1); err == nil {
		t.Error("categories: got no error")
	}
}
