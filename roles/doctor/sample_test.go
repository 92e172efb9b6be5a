package doctor

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"petuum/algos/dataset"
	"petuum/algos/registry"
	"petuum/configs"
	"petuum/roles/control"
)

// few are bounds for small files.
var few = bounds{plain: 1 << 20, compressed: 1 << 17, around: 4 << 10, text: 1 << 18}

// rows is LIBSVM of at least so many bytes; line i begins with its label.
func rows(size int64) []byte {
	n := int(size)
	const seed, block = 5, 64 << 10 // far behind each other, they cannot be compressed away
	r := rand.New(rand.NewPCG(seed, 0))
	var b bytes.Buffer
	for i := 0; b.Len() < min(n, block); i++ {
		fmt.Fprintf(&b, "%d %d:%g %d:1\n", 2*(i%2)-1, 1+r.IntN(50), r.Float64(), 60+r.IntN(40))
	}
	return bytes.Repeat(b.Bytes(), (n+b.Len()-1)/b.Len())
}

func file(t *testing.T, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func compressed(t *testing.T, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func near(t *testing.T, what string, got, want uint64) {
	t.Helper()
	if d := float64(got) - float64(want); d > 0.1*float64(want) || d < -0.1*float64(want) {
		t.Errorf("%s: got %d, want about %d", what, got, want)
	}
}

// A look at a large file finds about what is in it.
func TestLook(t *testing.T) {
	text := rows(9 * few.plain / 8)
	lines := uint64(bytes.Count(text, []byte("\n")))
	zipped := compressed(t, text)
	if len(zipped) <= int(few.compressed) {
		t.Fatalf("%d bytes compressed are read as a whole", len(zipped))
	}
	for _, c := range []struct {
		name  string
		text  []byte
		whole bool
	}{
		{"small.libsvm", text[:bytes.LastIndexByte(text[:1<<15], '\n')+1], true},
		{"large.libsvm", text, false},
		{"large.libsvm.gz", zipped, false},
		{"small.gz", compressed(t, text[:bytes.LastIndexByte(text[:1<<15], '\n')+1]), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := file(t, c.name, c.text)
			s, err := few.look([]string{path}, dataset.Defaults(), 5)
			if err != nil {
				t.Fatal(err)
			}
			want := lines
			if c.whole {
				want = uint64(bytes.Count(text[:1<<15], []byte("\n")))
			}
			near(t, "rows", s.Rows, want)
			near(t, "values", s.Cells, 2*want)
			if s.Whole != c.whole || s.Bytes != int64(len(c.text)) || s.Info.Features != 99 || len(s.Info.Classes) != 2 || s.Head == "" {
				t.Errorf("got %+v, want whole %t, %d bytes, 99 features, 2 classes and a digest", s, c.whole, len(c.text))
			}
			if i := s.info(); i.Rows != s.Rows || i.Counts[0]+i.Counts[1] > i.Rows || i.Counts[0]+i.Counts[1]+2 < i.Rows {
				t.Errorf("counts %v of %d rows", i.Counts, i.Rows)
			}
		})
	}
}

// What is wrong around the places where a large file is cut is found, and where.
func TestLookFinds(t *testing.T) {
	text := rows(few.plain + 1000)
	start := func(at int) int { return bytes.LastIndexByte(text[:at], '\n') + 1 }
	const parts = 4
	for _, c := range []struct {
		name string
		at   int // a place in the bad line
		want string
	}{
		{"first line", 3, ":1:"},
		{"before a cut", len(text)/parts - 40, "column 1 of the line at byte " + thousands(uint64(start(len(text)/parts-40)))},
		{"after a cut", 3*len(text)/parts + 40, "column 1 of the line at byte " + thousands(uint64(start(3*len(text)/parts+40)))},
		{"last line", len(text) - 2, "column 1 of the line at byte " + thousands(uint64(start(len(text)-2)))},
	} {
		t.Run(c.name, func(t *testing.T) {
			bad := bytes.Clone(text)
			bad[start(c.at)] = 'x'
			path := file(t, "rows.libsvm", bad)
			_, err := few.look([]string{path}, dataset.Defaults(), parts)
			if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %s and %q", err, path, c.want)
			}
		})
	}
}

func TestLookRefuses(t *testing.T) {
	random := make([]byte, few.compressed+1)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range random {
		random[i] = byte(r.Uint32())
	}
	for _, c := range []struct{ name, want string }{
		{"none.libsvm", "no such file"},
		{".", "directory"},
		{"empty.csv", "empty"},
		{"large.gz", "gzip"},
		{"large.zst", "magic number"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range map[string][]byte{"empty.csv": nil, "large.gz": random, "large.zst": random} {
				if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := few.look([]string{filepath.Join(dir, c.name)}, dataset.Defaults(), 2); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// job is a configuration of logistic regression on a file.
func job(t *testing.T, path string, sets ...string) *configs.Config {
	t.Helper()
	text := fmt.Sprintf("[job]\nalgorithm = \"logreg\"\n[data]\ntrain = %q\n[output]\nmodel = %q\n", path, filepath.Join(t.TempDir(), "model"))
	c, err := configs.Parse("job", []byte(text), overrides(sets...))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCheckTrain(t *testing.T) {
	for _, c := range []struct {
		name, text string
		result     Result
		check      string // of the one that is not ok
	}{
		{"good", "+1 1:1\n-1 2:1\n", OK, ""},
		{"a word", "+1 1:1\n-1 2:x\n", Fail, "training data"},
		{"fewer rows than parts", "+1 1:1\n", Warn, "parts"},
		{"one label", "1 1:1\n1 2:1\n1 1:1\n", Fail, "labels"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := job(t, file(t, "rows.libsvm", []byte(c.text)))
			a, err := control.NewAlgorithm(registry.Algorithms, cfg)
			if err != nil {
				t.Fatal(err)
			}
			l := list{}
			if s := checkTrain(&l, cfg, a); s != nil {
				checkTables(&l, cfg, a, *s)
			}
			for _, g := range l.checks {
				if want := map[bool]Result{true: c.result, false: OK}[g.Name == c.check]; g.Result != want && c.name != "fewer rows than parts" {
					t.Errorf("got %+v, want %s", g, want)
				}
			}
			if n := (Report{l.checks}).Count(c.result); n == 0 {
				t.Errorf("got %+v, want one that is %s", l.checks, c.result)
			}
		})
	}
}

// overrides are those of --set.
func overrides(sets ...string) (list []configs.Override) {
	for _, s := range sets {
		list = append(list, configs.Set(s))
	}
	return list
}
