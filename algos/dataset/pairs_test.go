package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// known is training data of the users ann, bob and 7, and the items 3, 5 and 12.
func known(t *testing.T) *Info {
	t.Helper()
	l := must(t, "train.tsv", "7\t12\t1\nbob\t3\t2\nann\t5\t3\n", Options{Format: Ratings, Unlabelled: true}, 1)
	return &l.info
}

func must(t *testing.T, name, text string, o Options, of int) loaded {
	t.Helper()
	l, err := load(name, []byte(text), o, of)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// seenPair is a row as a test sees it.
type seenPair struct {
	row, feature uint64
	label        float64
}

// readPairs reads all pairs, so many at a time, and the error at the end.
func readPairs(t *testing.T, r *Reader, rows int) (all []seenPair, err error) {
	t.Helper()
	first := uint64(0)
	for {
		part, err := r.Next(rows)
		if err != nil {
			return all, err
		}
		n := part.X.Rows()
		if n == 0 || n > rows || len(part.RowOf) != n || part.FirstRow != first || part.Labels != nil && len(part.Labels) != n {
			t.Fatalf("got %d rows from %d on, of %d, with %d labels, want 1 to %d from %d on", n, part.FirstRow, len(part.RowOf), len(part.Labels), rows, first)
		}
		first += uint64(n)
		for i, row := range part.RowOf {
			p := seenPair{row, Unknown, math.NaN()}
			for j, v := range part.X.Row(i) {
				if p.feature = part.Key(j); v != 1 {
					t.Errorf("got value %v of a pair, want 1", v)
				}
			}
			if part.Labels != nil {
				p.label = part.Labels[i]
			}
			all = append(all, p)
		}
	}
}

func TestPairs(t *testing.T) {
	like, none := known(t), math.NaN()
	mm := &Info{Format: MM, Rows: 2, Features: 3, Seen: 3, Numeric: true, Unlabelled: true, Weight: 2}
	sorted := like.RowNames.All()
	if d := cmp.Diff([]string{"7", "ann", "bob"}, sorted); d != "" {
		t.Fatalf("-want +got:\n%s", d)
	}
	for _, c := range []struct {
		name, text string
		like       *Info
		header     string
		want       []seenPair
		dropped    uint64
	}{
		{"order, and some more than once", "bob\t5\t4\nann\t3\t2\nbob\t5\t4\nbob\t3\t1.5\n", like, "", []seenPair{{2, 1, 4}, {1, 0, 2}, {2, 1, 4}, {2, 0, 1.5}}, 0},
		{"unknown", "x\t5\t4\nann\t4\t2\n8\t05\t1\n7\t12\t0\n", like, "", []seenPair{{Unknown, 1, 4}, {1, Unknown, 2}, {Unknown, Unknown, 1}, {0, 2, 0}}, 3},
		{"no ratings", "bob,5\r\n\r\n\"ann\",3\r\n", like, "", []seenPair{{2, 1, none}, {1, 0, none}}, 0},
		{"a line of names", "user::item::rating\nbob::5::1e0::978\n", like, "", []seenPair{{2, 1, 1}}, 0},
		{"names without ratings", "\xef\xbb\xbfuser;item\nbob;5", like, "yes", []seenPair{{2, 1, none}}, 0},
		{"a mark", "\xef\xbb\xbf7 5 2\n", like, "", []seenPair{{0, 1, 2}}, 0},
		{"numbers from 1", "1 1 5\n2 3 5\n0 1 5\n3 4 5\n", mm, "", []seenPair{{0, 0, 5}, {1, 2, 5}, {Unknown, 0, 5}, {Unknown, Unknown, 5}}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			for rows := 1; rows < 6; rows++ {
				r, err := OpenStream("pairs.csv", strings.NewReader(c.text), Options{Pairs: true, Header: c.header, Like: c.like})
				if err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				got, err := readPairs(t, r, rows)
				if err != io.EOF {
					t.Errorf("got error %v, want the end", err)
				}
				if text, want := fmt.Sprint(got), fmt.Sprint(c.want); text != want {
					t.Errorf("%d rows at a time: got %s, want %s", rows, text, want)
				}
				if i := r.Info(); i.Dropped != c.dropped || i.Rows != uint64(len(c.want)) {
					t.Errorf("got %d rows and %d dropped, want %d and %d", i.Rows, i.Dropped, len(c.want), c.dropped)
				}
			}
		})
	}
}

// Many lines, of several files, of numbers that are near together or far apart: longer than a
// block of text, and in their order.
func TestPairsInOrder(t *testing.T) {
	const seed = 5
	t.Logf("seed %d", seed)
	for _, apart := range []uint64{1, 1 << 40} {
		r := rand.New(rand.NewPCG(seed, apart))
		var train strings.Builder
		for k := range uint64(300) {
			fmt.Fprintf(&train, "%d\t%d\t1\n", 1+k*apart, 2+k*apart)
		}
		like := must(t, "train.tsv", train.String(), Options{Format: Ratings, Unlabelled: true}, 1).info
		var paths []string
		var want []seenPair
		for f := range 2 {
			var b bytes.Buffer
			for k := 0; b.Len() < 3*blockSize/2; k++ {
				u, i := r.Uint64N(301), r.Uint64N(301)
				fmt.Fprintf(&b, "%d\t%d\t%d\n", 1+u*apart, 2+i*apart, k)
				p := seenPair{u, i, float64(k)}
				if u == 300 {
					p.row = Unknown
				}
				if i == 300 {
					p.feature = Unknown
				}
				want = append(want, p)
			}
			paths = append(paths, filepath.Join(t.TempDir(), fmt.Sprint(f)))
			if err := os.WriteFile(paths[f], b.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		in, err := Open(paths, Options{Pairs: true, Like: &like})
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		got, err := readPairs(t, in, 8192)
		if err != io.EOF || len(got) != len(want) {
			t.Fatalf("got %d pairs and %v, want %d and the end", len(got), err, len(want))
		}
		for k := range want {
			if got[k] != want[k] {
				t.Fatalf("pair %d: got %v, want %v", k, got[k], want[k])
			}
		}
	}
}

func TestPairsRefused(t *testing.T) {
	like := known(t)
	for _, c := range []struct {
		name, text string
		o          Options
		rows       int // before the error
		want       string
	}{
		{"no training data", "a b 1\n", Options{Pairs: true, Unlabelled: true}, 0, "it is not known which"},
		{"another format", "a b 1\n", Options{Pairs: true, Format: CSV, Like: like}, 0, `format "csv": pairs are a user and an item a line: want ratings`},
		{"nothing", "", Options{Pairs: true, Like: like}, 0, "is empty"},
		{"one word", "ann\n", Options{Pairs: true, Like: like}, 0, "p.tsv:1:1: want user, item and rating"},
		{"no item", "ann\t3\t1\nann\n", Options{Pairs: true, Like: like}, 1, "p.tsv:2:1: the item is missing"},
		{"no rating", "ann\t3\t1\nbob\t3\t2\nann\t3\n", Options{Pairs: true, Like: like}, 2, "p.tsv:3:6: the rating is missing"},
		{"a word", "ann\t3\t1\n\nann\t3\tgood\n", Options{Pairs: true, Like: like}, 1, `p.tsv:3:7: rating "good" is not a number`},
		{"no number", "ann\t3\t1\nann\t3\tNaN\n", Options{Pairs: true, Like: like}, 1, `p.tsv:2:7: rating "NaN" is not finite`},
		{"more fields", "ann\t3\nann\t3\t1\n", Options{Pairs: true, Like: like}, 1, `p.tsv:2:7: "1" behind the item`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := OpenStream("p.tsv", strings.NewReader(c.text), c.o)
			var got []seenPair
			if err == nil {
				defer r.Close()
				got, err = readPairs(t, r, 100)
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || len(got) != c.rows {
				t.Errorf("got %d rows and error %v, want %d and %q", len(got), err, c.rows, c.want)
			}
		})
	}
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	for path, text := range map[string]string{a: "ann 3 1\n", b: "bob 5\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := Open([]string{a, b}, Options{Pairs: true, Like: like})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := readPairs(t, r, 100); len(got) != 1 || err == nil || !strings.Contains(err.Error(), "b: it has no ratings, and the first file has ratings") {
		t.Errorf("got %v and error %v", got, err)
	}
}

func TestFindRows(t *testing.T) {
	like := known(t)
	path := filepath.Join(t.TempDir(), "users.txt")
	for _, c := range []struct {
		text, err string
		want      []uint64
	}{
		{"bob\n\n 7\t\nbob\n", "", []uint64{2, 0, 2}},
		{"", "users.txt is empty", nil},
		{"ann\nAnn\n", `users.txt:2:1: "Ann" is none of the 3 users of the training data: leave it out`, nil},
	} {
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := like.FindRows(path)
		if c.err == "" && (err != nil || !cmp.Equal(got, c.want)) || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%q: got %v and error %v, want %v and %q", c.text, got, err, c.want, c.err)
		}
	}
	if _, err := like.FindRows(path + "x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got error %v, want that there is no such file", err)
	}
}
