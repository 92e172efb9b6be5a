package worker

import (
	"os"
	"path/filepath"
	"testing"

	"petuum/algos/dataset"
)

// TestLeftOut: ratings of users and items that training did not have are told of once,
// whichever parts a worker has.
func TestLeftOut(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	train, test := write("train", "1 1 3\n2 2 4\n3 1 5\n"), write("test", "1 2 3\n9 1 2\n2 9 1\n3 1 4\n9 9 9\n")
	o := dataset.Defaults()
	o.Format, o.Unsupervised = dataset.Ratings, true
	s, err := dataset.Scan([]string{train}, o, []int{0, 1}, 2)
	if err != nil {
		t.Fatal(err)
	}
	info, err := s.Info(0).Merge(s.Info(1))
	if err != nil {
		t.Fatal(err)
	}
	o.Like = &info
	const told = "3 ratings are of users or items that the training data does not have"
	for _, c := range []struct {
		test  string
		parts []int
		want  string
	}{{test, []int{0}, told}, {test, []int{1}, ""}, {test, []int{1, 0}, told}, {train, []int{0, 1}, ""}} {
		parts, err := dataset.ReadTest([]string{c.test}, o, c.parts, 2)
		if err != nil {
			t.Fatal(err)
		}
		if got := leftOut(info.Format, parts); got != c.want {
			t.Errorf("parts %v: got %q, want %q", c.parts, got, c.want)
		}
	}
}
