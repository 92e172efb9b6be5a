package dataset

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// texts are files whose division has a trap.
func texts() map[string]string {
	var long strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&long, "%d %d:%d %d:1\n", i%3, 1+i%17, i, 20+i)
	}
	return map[string]string{
		"one.libsvm":          "1 1:1\n",
		"no newline.libsvm":   "1 1:1\n2 2:2",
		"crlf.libsvm":         "1 1:1\r\n\r\n2 2:2\r\n",
		"blank.libsvm":        "\n\n\n1 1:1\n\n   \n\t\n2 5:0.5\n\n\n\n",
		"comments.libsvm":     "# a:b\n#\n1 1:1 # x\n  # y\n2 # z\n#\n",
		"index 0.libsvm":      "1 1:1 7:1\n1 2:1\n1 3:1\n-1 0:1 7:2\n",
		"zeros.libsvm":        "1 0:0\n2\n3 9:0\n",
		"ones.libsvm":         "1 1:1\n2 2:1\n3 3:1\n4 4:2\n",
		"far.libsvm":          "1 5:1 9223372036854775807:2\n2 1048577:1 99999999999:3\n1 1048576:1\n",
		"long line.libsvm":    "1 1:1\n2 " + strings.Repeat(" ", 300<<10) + "3:4\n3 1:1\n",
		"long.libsvm":         long.String(),
		"bom.libsvm":          "\xef\xbb\xbf1 1:1\n2 1:1\n",
		"many labels.libsvm":  manyLabels(MaxClasses + 10),
		"max labels.libsvm":   manyLabels(MaxClasses),
		"weights.libsvm":      "1:0.5 1:1\n2:1 3:1\n-1 2:2\n1:0.25\n+1:0 4:1 # x\n-1:3 1:1\n",
		"late weight.libsvm":  "1:1 1:1\n2:1 2:1\n1:1 3:1\n-1:1 2:2\n1:0.25\n",
		"even weights.libsvm": "1:1 1:1\n2:1.0 2:1\n-1 3:1\n",
		"header.csv":          "y,a,b\n1,2,3\n4,5,6\n7,0,1\n",
		"late header.csv":     strings.Repeat("# comment\n", 40) + "\n\na,y,b\n1,p,3\n\n#\n4,q,6\n",
		"bom.csv":             "\xef\xbb\xbfy,a\nm,1\nn,2\n",
		"tabs.tsv":            "a\tlabel\n1\tx\n2\ty\n3\tz\n",
		"mixed labels.csv":    "y,a\n1.0,1\nword,2\n+1,3\n-0,4\n0,5\n",
		"quotes.csv":          "\"y\",\"a\"\"b\"\n\"one, two\",\"1.5\"\n  \"#3\" , 7\r\nx,0\n",
	}
}

func manyLabels(n int) string {
	var s strings.Builder
	for i := range n {
		fmt.Fprintf(&s, "%d.5 1:1\n", i)
	}
	return s.String()
}

// TestDivision: the rows and the info do not depend on the number of parts.
func TestDivision(t *testing.T) {
	for name, text := range texts() {
		t.Run(name, func(t *testing.T) {
			want := mustLoad(t, name, text, Defaults(), 1)
			checkParts(t, want)
			files := map[string][]byte{name: []byte(text), name + ".gz": gzipped(t, text), name + ".zst": zstded(t, text)}
			for file, data := range files {
				for _, of := range []int{1, 2, 3, 4, 5, 7, 16, 61} {
					got, err := load(file, data, Defaults(), of)
					if err != nil {
						t.Fatalf("%s in %d parts: %v", file, of, err)
					}
					checkParts(t, got)
					if d := cmp.Diff(want.rows(), got.rows()); d != "" {
						t.Errorf("%s in %d parts: rows (-1 part +%d parts):\n%s", file, of, of, d)
					}
					if d := cmp.Diff(want.info, got.info, cmpopts.IgnoreFields(Info{}, "PartRows", "Files")); d != "" {
						t.Errorf("%s in %d parts: info (-1 part +%d parts):\n%s", file, of, of, d)
					}
				}
			}
		})
	}
}

// TestDivisionRandom compares with lines dealt by hand, for random line lengths.
func TestDivisionRandom(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 100 {
		var text strings.Builder
		starts := []int{} // of the lines that hold a row
		for range r.IntN(40) + 1 {
			switch r.IntN(5) {
			case 0:
				text.WriteString("\n")
			case 1:
				text.WriteString("# comment\r\n")
			default:
				starts = append(starts, text.Len())
				fmt.Fprintf(&text, "%d 1:1%s\n", text.Len(), strings.Repeat(" ", r.IntN(30)))
			}
		}
		if len(starts) == 0 {
			continue
		}
		of := 1 + r.IntN(50)
		got := mustLoad(t, "x.libsvm", text.String(), Defaults(), of)
		for p, part := range got.parts {
			var want []float64
			for _, s := range starts {
				if s >= text.Len()*p/of && s < text.Len()*(p+1)/of {
					want = append(want, float64(s))
				}
			}
			if !slices.Equal(part.Labels, want) {
				t.Fatalf("seed %d: part %d of %d of %q: got rows at %v, want %v", seed, p, of, text.String(), part.Labels, want)
			}
		}
	}
}

// TestDealing: block b of 256 lines belongs to part b mod P.
func TestDealing(t *testing.T) {
	var text strings.Builder
	const lines = 256*7 + 100
	for i := range lines {
		fmt.Fprintf(&text, "%d 1:1\n", i)
	}
	got, err := load("x.libsvm.gz", gzipped(t, text.String()), Defaults(), 3)
	if err != nil {
		t.Fatal(err)
	}
	for p, part := range got.parts {
		var want []float64
		for i := range lines {
			if i/256%3 == p {
				want = append(want, float64(i))
			}
		}
		if !slices.Equal(part.Labels, want) {
			t.Errorf("part %d: got %d rows %v..., want %d", p, len(part.Labels), part.Labels[:3], len(want))
		}
	}
}

// TestGroups: a process that reads several parts, in any order, reads the same.
func TestGroups(t *testing.T) {
	text := texts()["long.libsvm"]
	for file, data := range map[string][]byte{"long.libsvm": []byte(text), "long.libsvm.zst": zstded(t, text)} {
		path := filepath.Join(t.TempDir(), file)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		const of = 6
		var scans []*Scanned
		infos := make([]Info, of)
		for _, group := range [][]int{{5, 0, 3}, {}, {2}, {1, 4}} {
			s, err := Scan([]string{path}, Defaults(), group, of)
			if err != nil {
				t.Fatal(err)
			}
			scans = append(scans, s)
			for _, p := range group {
				infos[p] = s.Info(p)
			}
			if got := s.Info(of); got.Format != "" {
				t.Errorf("info of a part that was not scanned: got %+v", got)
			}
		}
		var got loaded
		for _, info := range infos {
			var err error
			if got.info, err = got.info.Merge(info); err != nil {
				t.Fatal(err)
			}
		}
		got.parts = make([]*Part, of)
		for _, s := range scans {
			parts, err := s.Parts(got.info)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range parts {
				got.parts[p.Index] = p
			}
			if len(parts) > 0 {
				if _, err := s.Parts(got.info); err == nil || !strings.Contains(err.Error(), "handed over before") {
					t.Errorf("second call of Parts: got %v, want handed over before", err)
				}
			}
		}
		want, err := load(file, data, Defaults(), of)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want.rows(), got.rows()); d != "" {
			t.Errorf("%s: rows (-alone +grouped):\n%s", file, d)
		}
		if d := cmp.Diff(want.info, got.info); d != "" {
			t.Errorf("%s: info (-alone +grouped):\n%s", file, d)
		}
	}
}
