package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"petuum/algos/dataset/columnar"
)

// convert converts a file into one of its own.
func convert(t testing.TB, path string, o Options, parts int, partition string) (string, Converted) {
	t.Helper()
	to := filepath.Join(t.TempDir(), "c.petuum")
	f, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, err := Convert(t.Context(), []string{path}, o, f, parts, partition, nil)
	if err != nil {
		t.Fatalf("%s in %d parts by %s: %v", path, parts, partition, err)
	}
	return to, c
}

// wideText is few rows of many features, the last of which are 0.
func wideText(rows, features int) string {
	r := rand.New(rand.NewPCG(uint64(rows), uint64(features)))
	var b strings.Builder
	for i := range rows {
		fmt.Fprintf(&b, "%d", i%2)
		for j := range features - 3 {
			if r.IntN(4) == 0 {
				fmt.Fprintf(&b, " %d:%.3g", j+1, r.NormFloat64())
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// TestConvert: what is converted, and what is converted again, has the rows of the text,
// and the bytes do not depend on the way.
func TestConvert(t *testing.T) {
	for name, text := range map[string]string{
		"few.svm":   few,
		"wide.svm":  wideText(9, 400),
		"words.csv": "y,age,job\nno,30,nurse\nyes,41,cook\nno,0,nurse\n",
		"three.csv": "1.5,a\n1.5,b\n0,c\n0.25,a\n",
		"m.mm":      "%%MatrixMarket matrix array real general\n3 3\n1\n2\n0\n4\n5.5\n6\n7\n0\n0\n",
	} {
		path := filepath.Join(t.TempDir(), name)
		rewrite(t, path, text)
		o := Defaults()
		if strings.HasSuffix(name, "csv") {
			o.Label, o.Categorical = "#0", []string{"*"}
		}
		if strings.HasSuffix(name, "mm") {
			o.Labels = filepath.Join(t.TempDir(), "y.txt")
			rewrite(t, o.Labels, "7\n8\n9\n")
		}
		want, err := readAll(t, path, o, 100)
		if err != nil {
			t.Fatal(err)
		}
		images := map[string][]byte{}
		for _, parts := range []int{1, 2, 3} {
			for _, partition := range []string{PartitionRows, PartitionColumns} {
				to, c := convert(t, path, o, parts, partition)
				got, err := readAll(t, to, Defaults(), 2)
				if d := cmp.Diff(want, got); err != nil || d != "" {
					t.Errorf("%s in %d parts by %s: %v (-want +got):\n%s", name, parts, partition, err, d)
				}
				if c.ByFeatures != (partition == PartitionColumns) || c.Rounded || c.Info.Rows != uint64(len(want)) {
					t.Errorf("%s: got %+v", name, c)
				}
				key := fmt.Sprint(parts, " ", partition)
				if images[key], err = os.ReadFile(to); err != nil || int64(len(images[key])) != c.Bytes {
					t.Errorf("%s: got %d bytes, %v, want %d", name, c.Bytes, err, len(images[key]))
				}
			}
		}
		for key := range images {
			from := filepath.Join(t.TempDir(), "from.petuum")
			rewrite(t, from, string(images[key]))
			for _, parts := range []int{1, 2, 3} {
				for _, partition := range []string{PartitionRows, PartitionColumns} {
					to, _ := convert(t, from, Defaults(), parts, partition)
					if got, err := os.ReadFile(to); err != nil || !bytes.Equal(got, images[fmt.Sprint(parts, " ", partition)]) {
						t.Errorf("%s: from %s to %d %s: other bytes, %v", name, key, parts, partition, err)
					}
				}
			}
		}
	}
}

// TestByFeatures: parts by features have all rows, each some features, and together what
// the text says, counted once.
func TestByFeatures(t *testing.T) {
	text := filepath.Join(t.TempDir(), "a.svm")
	rewrite(t, text, wideText(9, 401))
	want, err := loadPaths([]string{text}, Defaults(), 1)
	if err != nil {
		t.Fatal(err)
	}
	wantStats, err := Stat([]string{text}, Defaults())
	if err != nil {
		t.Fatal(err)
	}
	all := want.parts[0]
	for _, parts := range []int{1, 2, 7} {
		path, _ := convert(t, text, Defaults(), parts, PartitionColumns)
		o := Defaults()
		if _, err := loadPaths([]string{path}, o, parts); err == nil || !strings.Contains(err.Error(), "--partition rows --parts") {
			t.Errorf("%d parts, refused: got %v", parts, err)
		}
		o.ByFeatures, o.Columns = true, true
		got, err := loadPaths([]string{path}, o, parts)
		if err != nil {
			t.Fatal(err)
		}
		ignore := cmpopts.IgnoreFields(Info{}, "PartRows", "Format", "Files", "ByFeatures")
		if d := cmp.Diff(want.info, got.info, ignore, cmpopts.EquateApprox(1e-12, 0)); d != "" || !got.info.ByFeatures {
			t.Errorf("%d parts: by features %v, info (-text +binary):\n%s", parts, got.info.ByFeatures, d)
		}
		rows := make([]string, len(all.Labels))
		next := uint64(0)
		for _, p := range got.parts {
			if !slices.Equal(p.Labels, all.Labels) || !slices.Equal(p.Class, all.Class) {
				t.Errorf("part %d of %d: got labels %v, classes %v", p.Index, parts, p.Labels, p.Class)
			}
			x := p.ByColumn()
			for j := range p.Positions() {
				key := p.Key(j)
				if at, ok := p.Position(key); key != next || at != j || !ok {
					t.Fatalf("part %d of %d: position %d is of feature %d, which is at %d, %v; want feature %d", p.Index, parts, j, key, at, ok, next)
				}
				next++
				for i, v := range x.Row(j) {
					rows[i] += fmt.Sprintf(" %d:%v", key, v)
				}
			}
			for _, key := range []uint64{p.First - 1, next, 1 << 63} {
				if at, ok := p.Position(key); ok {
					t.Errorf("part %d of %d: feature %d is at %d", p.Index, parts, key, at)
				}
			}
		}
		for i, row := range rows {
			if line := printRow(all, i); next != want.info.Features || !strings.HasSuffix(line, row) {
				t.Errorf("%d parts: row %d of %d features: got %s, want %s", parts, i, next, row, line)
			}
		}
		stats, err := Stat([]string{path}, Defaults())
		if err != nil || stats.Parts != parts {
			t.Fatalf("stat: got %d parts, %v, want %d", stats.Parts, err, parts)
		}
		if d := cmp.Diff(wantStats, stats, ignore, cmpopts.IgnoreFields(Stats{}, "Files", "LargestIndex", "Parts"), cmpopts.EquateApprox(1e-6, 0)); d != "" {
			t.Errorf("%d parts: stat (-text +binary):\n%s", parts, d)
		}
	}
}

// TestMergeByFeatures: parts that are not of the same rows.
func TestMergeByFeatures(t *testing.T) {
	text := filepath.Join(t.TempDir(), "a.svm")
	rewrite(t, text, few)
	path, _ := convert(t, text, Defaults(), 2, PartitionColumns)
	o := Defaults()
	o.ByFeatures = true
	s, err := Scan([]string{path}, o, []int{0, 1}, 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		want   string
		change func(i *Info)
	}{
		{"about the rows", func(i *Info) { i.Rows, i.Weight, i.Counts = 6, 6, []uint64{3, 3} }},
		{"about the labels", func(i *Info) { i.LabelSum++ }},
		{"about the labels", func(i *Info) { i.Counts = []uint64{3, 2} }},
		{"some of the rows", func(i *Info) { i.ByFeatures = false }},
		{"different files", func(i *Info) { i.Files = nil }},
	} {
		b := s.Info(1)
		c.change(&b)
		if _, err := s.Info(0).Merge(b); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
	if m, err := s.Info(0).Merge(s.Info(1)); err != nil || m.Rows != 5 || m.NonZeros != 8 {
		t.Errorf("got %d rows, %d values, %v, want 5, 8", m.Rows, m.NonZeros, err)
	}
}

// TestConvertRefuses: what a binary file cannot be.
func TestConvertRefuses(t *testing.T) {
	for _, c := range []struct {
		text      string
		parts     int
		partition string
		want      string
	}{
		{"1:2 1:1\n1:1 2:1\n", 1, PartitionAuto, "rows have weights"},
		{few, 6, PartitionRows, "6 parts: want 1 to 65536, and no more than the 5 rows"},
		{few, 7, PartitionColumns, "no more than the 6 features"},
		{few, 0, PartitionAuto, "0 parts"},
		{few, 1, "diagonal", `partition "diagonal": want rows, columns or auto`},
		{"1 3:1e300\n", 1, PartitionAuto, "1e+300 in row 0 of feature 2"},
		{"x\n", 1, PartitionAuto, "a.svm"},
	} {
		path := filepath.Join(t.TempDir(), "a.svm")
		rewrite(t, path, c.text)
		if _, err := Convert(t.Context(), []string{path}, Defaults(), &nowhere{}, c.parts, c.partition, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, want %q", c.text, err, c.want)
		}
	}
	path := filepath.Join(t.TempDir(), "a.svm")
	rewrite(t, path, "1 1:1.23456789012345\n0 2:1\n")
	if _, c := convert(t, path, Defaults(), 1, PartitionAuto); !c.Rounded {
		t.Error("nothing says that a number was rounded")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Convert(ctx, []string{path}, Defaults(), &nowhere{}, 1, PartitionAuto, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: got %v", err)
	}
}

type nowhere struct{}

func (nowhere) WriteAt(b []byte, _ int64) (int, error) { return len(b), nil }

// TestAutoPartition: by features where there are few rows, and somebody gains by it.
func TestAutoPartition(t *testing.T) {
	for _, c := range []struct {
		rows, features uint64
		classes, parts int
		want           bool
	}{{10, 160, 0, 2, true}, {10, 159, 0, 2, false}, {10, 160, 2, 2, true}, {10, 160, 3, 2, false}, {10, 160, 0, 1, false}, {0, 0, 0, 2, false}} {
		if got, err := ByFeatures(PartitionAuto, c.rows, c.features, c.classes, c.parts); err != nil || got != c.want {
			t.Errorf("%+v: got %v, %v", c, got, err)
		}
	}
	if n := columnar.MaxParts; n != 1<<16 {
		t.Errorf("MaxParts is %d: the messages above say 65536", n)
	}
}
