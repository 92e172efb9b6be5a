package dataset

import (
	"fmt"
	"strings"
	"testing"

	cmpdiff "github.com/google/go-cmp/cmp"
)

func TestHash(t *testing.T) {
	city := func(name string) uint64 { return hashOf("city", name) & 15 }
	for _, c := range []struct {
		name, text string
		o          Options
		want       []string
	}{
		{"a.svm", "1 3:1 16:2 19:0.5 35:0.25\n-1 0:1 9223372036854775807:4\n", Options{Base: -1},
			[]string{"1/1 0:2 3:1.75", "-1/0 0:1 15:4"}},
		{"a.svm", "1 1:1 17:2 19:0.5\n-1 16:3\n", Options{Base: 1}, []string{"1/1 0:3 2:0.5", "-1/0 15:3"}},
		{"a.svm", "1 1:1 17:-1 19:0.5\n-1 1:3\n", Options{}, []string{"1/1 3:0.5", "-1/0 1:3"}}, // values that cancel out
		{"a.svm", "1 1:1 17:0.1\n-1 1:3\n", Options{}, []string{fmt.Sprintf("1/1 1:%v", float64(float32(1+float64(float32(0.1))))), "-1/0 1:3"}},
		{"a.svm", "1 1:1 17:0.1\n-1 1:3\n", Options{Float64: true}, []string{"1/1 1:1.1", "-1/0 1:3"}},
		{"a.csv", "y,p,q\n1,2,0\n0,0,3\n", Options{}, []string{"1/1 0:2", "0/0 1:3"}},
		{"a.csv", "y,city\n1,Oslo\n0,\n", Options{Categorical: []string{"city"}},
			[]string{fmt.Sprintf("1/1 %d:1", city("Oslo")), fmt.Sprintf("0/0 %d:1", city(""))}},
	} {
		c.o.Hash = 4
		for _, of := range []int{1, 2, 3} {
			got, err := load(c.name, []byte(c.text), c.o, of)
			if err != nil {
				t.Errorf("%q: %v", c.text, err)
				continue
			}
			checkParts(t, got)
			if d := cmpdiff.Diff(c.want, got.rows()); d != "" {
				t.Errorf("%q in %d parts (-want +got):\n%s", c.text, of, d)
			}
			if got.info.Features != 16 || !got.info.Fixed || got.info.Hash != 4 {
				t.Errorf("%q: got %d features, fixed %v, hash %d, want 16, true, 4", c.text, got.info.Features, got.info.Fixed, got.info.Hash)
			}
			like := Options{Base: -1, Like: &got.info}
			again, err := load(c.name, []byte(c.text), like, 1)
			if err != nil {
				t.Errorf("%q as test data: %v", c.text, err)
			} else if d := cmpdiff.Diff(c.want, again.rows()); d != "" || again.info.Dropped > 0 {
				t.Errorf("%q as test data: %d were dropped (-want +got):\n%s", c.text, again.info.Dropped, d)
			}
		}
	}
}

// The hash of a category is part of every model: it must never change.
func TestHashOf(t *testing.T) {
	// FNV-1a as published, without the mixing.
	for text, want := range map[string]uint64{"": 0xcbf29ce484222325, "a": 0xaf63dc4c8601ec8c, "foobar": 0x85944171f73967e8} {
		if got := fnv1a(fnvOffset, text); got != want {
			t.Errorf("FNV-1a of %q: got %#x, want %#x", text, got, want)
		}
	}
	if got, want := hashOf("city", "Oslo"), uint64(0xdc6533db6a7e244f); got != want {
		t.Errorf("got %#x, want %#x", got, want)
	}
}

// A category that training did not have is a feature all the same, and a test file
// may have its columns in another order.
func TestHashLike(t *testing.T) {
	o := Options{Hash: 20, Categorical: []string{"city", "job"}}
	train, err := load("a.csv", []byte("y,city,age,job\n1,Oslo,30,cook\n0,Rome,40,nurse\n"), o, 2)
	if err != nil {
		t.Fatal(err)
	}
	test, err := load("b.csv", []byte("job,age,city,y\npilot,50,Lima,1\n"), Options{Like: &train.info}, 1)
	if err != nil {
		t.Fatal(err)
	}
	at := func(column, category string) uint64 { return hashOf(column, category) & (1<<20 - 1) }
	want := map[string]bool{"1:50": true, fmt.Sprintf("%d:1", at("city", "Lima")): true, fmt.Sprintf("%d:1", at("job", "pilot")): true}
	got := strings.Fields(test.rows()[0])[1:]
	for _, cell := range got {
		if !want[cell] {
			t.Errorf("got value %s, want none but %v", cell, want)
		}
	}
	if len(got) != len(want) || test.info.Dropped > 0 {
		t.Errorf("got %v, %d dropped, want %v and none", got, test.info.Dropped, want)
	}
}

func TestHashOptions(t *testing.T) {
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Hash: -1}, "hash -1: want 0 (off) to 62"},
		{Options{Hash: 63}, "hash 63: want 0 (off) to 62"},
		{Options{Hash: 4, Features: 5}, "leave data.features out"},
		{Options{Hash: 4}, ""},
		{Options{Hash: 62}, ""},
	} {
		if err := c.o.Validate(); (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got error %v, want %q", c.o, err, c.want)
		}
	}
	for _, info := range []Info{
		{Format: LIBSVM, Numeric: true, Hash: 4, Features: 15, Fixed: true},
		{Format: LIBSVM, Numeric: true, Hash: 4, Features: 16},
		{Format: LIBSVM, Numeric: true, Hash: 70, Features: 16, Fixed: true},
		{Format: CSV, Numeric: true, Hash: 4, Features: 16, Fixed: true, Columns: []Column{{Categorical: true, Categories: []string{"a"}}}},
	} {
		if info.check() == nil {
			t.Errorf("%+v: got no error", info)
		}
	}
}
