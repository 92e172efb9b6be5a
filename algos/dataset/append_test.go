package dataset

import (
	"fmt"
	"slices"
	"testing"
)

// TestAppend: each row has one more value, behind the others, whether it had any.
func TestAppend(t *testing.T) {
	for _, c := range []struct {
		text  string
		value float64
		want  []string
	}{
		{"1 1:2 4:3\n1\n0 2:1\n", 1, []string{"[0:2 2:3 3:1]", "[3:1]", "[1:1 3:1]"}},
		{"1 1:1 4:1\n1\n0 2:1\n", 1, []string{"[0:1 2:1 3:1]", "[3:1]", "[1:1 3:1]"}},
		{"1 1:1 4:1\n1\n0 2:1\n", 7, []string{"[0:1 2:1 3:7]", "[3:7]", "[1:1 3:7]"}},
		{"1\n0\n", 1, []string{"[0:1]", "[0:1]"}},
	} {
		part := mustLoad(t, "a.svm", c.text, Defaults(), 1).parts[0]
		before := fmt.Sprint(part.X)
		old := part.X
		if err := part.Append(9, c.value); err != nil {
			t.Fatal(err)
		}
		var got []string
		for i := range part.X.Rows() {
			got = append(got, fmt.Sprint(rowOf(&part.X, i)))
		}
		if !slices.Equal(got, c.want) || part.Keys[len(part.Keys)-1] != 9 || len(part.Keys) != part.X.Cols() {
			t.Errorf("%q and %g: got %q, keys %d, %d columns, want %q and a last key 9", c.text, c.value, got, part.Keys, part.X.Cols(), c.want)
		}
		if after := fmt.Sprint(old); after != before {
			t.Errorf("%q: the matrix before was changed: %s, want %s", c.text, after, before)
		}
		if err := part.Append(9, 1); err == nil {
			t.Error("a key that is there is not refused")
		}
	}
}
