package dataset

import (
	"hash/crc32"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// infosOf returns the infos of the parts of a file.
func infosOf(t *testing.T, name, text string, of int) []Info {
	t.Helper()
	o, _ := Defaults().resolved()
	infos := make([]Info, of)
	for p := range of {
		s, err := scan([]*source{newSource(name, strings.NewReader(text), int64(len(text)))}, o, []int{p}, of)
		if err != nil {
			t.Fatal(err)
		}
		infos[p] = s.Info(p)
	}
	return infos
}

// mergeAtRandom merges neighbours in random order.
func mergeAtRandom(t *testing.T, r *rand.Rand, infos []Info) Info {
	t.Helper()
	infos = append([]Info{}, infos...)
	for len(infos) > 1 {
		i := r.IntN(len(infos) - 1)
		m, err := infos[i].Merge(infos[i+1])
		if err != nil {
			t.Fatal(err)
		}
		infos = append(append(infos[:i:i], m), infos[i+2:]...)
	}
	return infos[0]
}

func TestMergeIsAssociative(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for name, text := range texts() {
		infos := infosOf(t, name, text, 12)
		for range 3 {
			insert := r.IntN(len(infos))
			infos = append(infos[:insert:insert], append([]Info{{}}, infos[insert:]...)...) // no part changes nothing
		}
		want := mustLoad(t, name, text, Defaults(), 1).info
		for range 5 {
			got := mergeAtRandom(t, r, infos)
			if d := cmp.Diff(want, got, cmpopts.IgnoreFields(Info{}, "PartRows"), cmpopts.EquateApprox(1e-12, 0)); d != "" {
				t.Errorf("%s: (-one part +merged):\n%s", name, d)
			}
			want.PartRows = got.PartRows
			if d := cmp.Diff(want, got); d != "" && !want.TooMany {
				t.Errorf("%s: sums of listed classes are not equal to the bit:\n%s", name, d)
			}
			if d := cmp.Diff(got, *throughJSON(t, got)); d != "" {
				t.Errorf("%s: (-before +after JSON):\n%s", name, d)
			}
		}
	}
}

func TestInfoFields(t *testing.T) {
	text := "a,class,b\n0,2,1\n3,-1,0\n0,2,0\n"
	got := mustLoad(t, "a.csv", text, Defaults(), 3).info
	want := Info{
		Format: CSV, Files: []File{{"a.csv", 29, crc32.ChecksumIEEE([]byte(text))}}, Rows: 3, PartRows: []uint64{0, 2, 1}, NonZeros: 2, Features: 2, Seen: 2,
		LabelSum: 3, LabelSumSq: 9, LabelMin: -1, LabelMax: 2, Weight: 3,
		Numeric: true, Classes: []string{"-1", "2"}, Counts: []uint64{1, 2},
		Label: "class", LabelColumn: 1, Names: []string{"a", "b"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("numbers (-want +got):\n%s", d)
	}
	text = "1 5:1\n1e200 2:1\n1.5e308\n1.5e308\n"
	got = mustLoad(t, "a.svm", text, Options{Base: -1, Features: 7, Quantity: true}, 2).info
	want = Info{
		Format: LIBSVM, Files: []File{{"a.svm", 32, crc32.ChecksumIEEE([]byte(text))}}, Rows: 4, PartRows: []uint64{2, 2}, NonZeros: 2, Features: 7, Fixed: true, Seen: 5, Base: 1,
		LabelSum: math.MaxFloat64, LabelSumSq: math.MaxFloat64, LabelMin: 1, LabelMax: 1.5e308, Weight: 4, Numeric: true,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("sums that overflow (-want +got):\n%s", d)
	}
	throughJSON(t, got)
	got = mustLoad(t, "a.csv", "y,a\nq,1\np,1\nq,1\n", Defaults(), 1).info
	if got.LabelSum != 1 || got.LabelSumSq != 3 || got.LabelMin != -1 || got.LabelMax != 1 || got.Numeric {
		t.Errorf("words: got %+v, want sum 1, squares 3, -1 to 1", got)
	}
}

// TestMergeWordsAndNumbers: the place of a word among numbers does not matter.
func TestMergeWordsAndNumbers(t *testing.T) {
	for _, c := range []struct {
		numbers int
		ok      bool
	}{{10, true}, {MaxClasses - 1, true}, {MaxClasses, false}, {MaxClasses + 1, false}} {
		rows := strings.SplitAfter(strings.TrimPrefix(manyCSV(c.numbers), "y,a\n"), "\n")
		for _, at := range []int{0, c.numbers / 2, c.numbers} {
			text := "y,a\n" + strings.Join(rows[:at], "") + "word,1\n" + strings.Join(rows[at:], "")
			for _, of := range []int{1, 2, 5} {
				got, err := load("a.csv", []byte(text), Defaults(), of)
				if (err == nil) != c.ok {
					t.Errorf("%d numbers, word at %d, %d parts: got %v, want ok %v", c.numbers, at, of, err, c.ok)
				}
				if err == nil && (len(got.info.Classes) != c.numbers+1 || got.info.Numeric) {
					t.Errorf("%d numbers and a word: got %d classes, numeric %v", c.numbers, len(got.info.Classes), got.info.Numeric)
				}
			}
		}
	}
}

func TestMergeRefuses(t *testing.T) {
	a := mustLoad(t, "a.csv", "y,a\n1,1\n2,1\n", Defaults(), 1).info
	for name, text := range map[string]string{
		"file size": "y,a\n1,1\n2,11\n", "names": "y,b\n1,1\n2,1\n", "label": "a,y\n1,1\n2,1\n",
	} {
		b := mustLoad(t, "b.csv", text, Defaults(), 1).info
		if _, err := a.Merge(b); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
	b := mustLoad(t, "a.svm", "1 1:1\n2 10:1\n", Defaults(), 1).info
	if _, err := a.Merge(b); err == nil {
		t.Error("format: got no error")
	}
	b = mustLoad(t, "a.csv", "y,a\n1,1\n2,1\n", Options{Features: 3}, 1).info
	if _, err := a.Merge(b); err == nil {
		t.Error("features: got no error")
	}
}

// TestPartsRefuses: the info of another file does not panic.
func TestPartsRefuses(t *testing.T) {
	o, _ := Defaults().resolved()
	text := "3 0:1 2:1\n4 7:1\n"
	s, err := scan([]*source{newSource("a.svm", strings.NewReader(text), int64(len(text)))}, o, []int{0, 1}, 2)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := s.Info(0).Merge(s.Info(1))
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Info){
		"size":     func(i *Info) { i.Files[0].Bytes++ },
		"content":  func(i *Info) { i.Files[0].Digest++ },
		"base":     func(i *Info) { i.Base = 1 },
		"features": func(i *Info) { i.Features, i.Seen = 7, 7 },
		"classes":  func(i *Info) { i.Classes[1] = "5" },
		"one part": func(i *Info) { *i = s.Info(0) },
		"none":     func(i *Info) { *i = Info{} },
	} {
		bad := *throughJSON(t, whole)
		spoil(&bad)
		if _, err := s.Parts(bad); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
	parts, err := s.Parts(whole)
	if err != nil {
		t.Fatalf("the right info after wrong ones: %v", err)
	}
	got := loaded{whole, parts}.rows()
	if d := cmp.Diff([]string{"3/0 0:1 2:1", "4/1 7:1"}, got); d != "" {
		t.Errorf("rows after wrong infos (-want +got):\n%s", d)
	}
}

func TestClassLabel(t *testing.T) {
	for _, c := range []struct {
		info Info
		want string
	}{
		{Info{Numeric: true, Classes: []string{"-3", "0.5"}}, "-3 0.5"},
		{Info{Classes: []string{"a"}}, "0"},
		{Info{Classes: []string{"a", "b"}}, "-1 1"},
		{Info{Classes: []string{"a", "b", "c"}}, "0 1 2"},
	} {
		var got []string
		for k := range c.info.Classes {
			got = append(got, strconv.FormatFloat(c.info.classLabel(k), 'g', -1, 64))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%v: got %v, want %s", c.info.Classes, got, c.want)
		}
	}
}
