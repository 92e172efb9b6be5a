package dataset

import (
	"slices"
	"testing"
)

func TestPositive(t *testing.T) {
	paths := writeFiles(t, []file{{"a.csv", []byte("y,x\ncook,1\nnurse,2\ncook,3\nsmith,4\n")}, {"b.csv", []byte("y,x\n1,1\n+1.0,2\n-1,3\n7,4\n")},
		{"c.svm", []byte("1 1:1\n+1.0 1:2\n-1 1:3\n7 1:4\n")}, {"d.mtx", []byte("%%MatrixMarket matrix array real general\n4 1\n1\n2\n3\n4\n")},
		{"e.mtx", []byte("%%MatrixMarket matrix array real general\n4 1\n1\n1\n-1\n7\n")}})
	path, numbers := paths[0], paths[1]
	for _, c := range []struct {
		path, positive string
		quantity       bool
		classes        []string
		labels         []float64
	}{
		{path, "cook", false, []string{"!cook", "cook"}, []float64{1, -1, 1, -1}},
		{path, "cook", true, []string{"!cook", "cook"}, []float64{1, -1, 1, -1}},
		{numbers, "1", false, []string{"!1", "1"}, []float64{1, 1, -1, -1}},
		{paths[2], "1", false, []string{"!1", "1"}, []float64{1, 1, -1, -1}},
		{paths[3], "1", false, []string{"!1", "1"}, []float64{1, 1, -1, -1}},
		{paths[2], "9", true, []string{"!9", "9"}, []float64{-1, -1, -1, -1}},
		{path, "tailor", false, []string{"!tailor", "tailor"}, []float64{-1, -1, -1, -1}},
	} {
		o := Defaults()
		o.Positive, o.Quantity = c.positive, c.quantity
		if c.path == paths[3] {
			o.Labels = paths[4]
		}
		s, err := Scan([]string{c.path}, o, []int{0, 1}, 2)
		if err != nil {
			t.Fatal(err)
		}
		info, err := s.Info(0).Merge(s.Info(1))
		if err != nil {
			t.Fatal(err)
		}
		parts, err := s.Parts(info)
		if err != nil {
			t.Fatal(err)
		}
		labels := slices.Concat(parts[0].Labels, parts[1].Labels)
		if !slices.Equal(info.Classes, c.classes) || !slices.Equal(labels, c.labels) {
			t.Errorf("%s positive: got classes %q and labels %v, want %q and %v", c.positive, info.Classes, labels, c.classes, c.labels)
		}
		other := Defaults() // as test data, whatever its options
		other.Like, other.Labels = &info, o.Labels
		tested, err := Scan([]string{c.path}, other, []int{0}, 1)
		if err != nil {
			t.Fatal(err)
		}
		if got := tested.Info(0); !slices.Equal(got.Classes, c.classes) || !slices.Equal(got.Counts, info.Counts) {
			t.Errorf("%s positive, as test data: got %q %d, want %q %d", c.positive, got.Classes, got.Counts, info.Classes, info.Counts)
		}
	}
	o := Defaults()
	o.Positive = "!!"
	if err := o.Validate(); err == nil {
		t.Error("a positive label of exclamation marks only is not refused")
	}
}
