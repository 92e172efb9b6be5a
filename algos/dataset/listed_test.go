package dataset

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// listedOptions are options for data that lists entries.
func listedOptions(format string) Options {
	o := Defaults()
	o.Format, o.Unsupervised = format, true
	return o
}

// TestListed reads entries in any number of parts, plain and compressed.
func TestListed(t *testing.T) {
	for _, c := range []struct {
		name, format, text string
		want               []string
		rows, cols         string // names
	}{
		{"docword", Docword, "4\n5\n4\n1 2 3\n1 5 1\n3 1 7\n3 2 1\n", []string{"? 1:3 4:1", "?", "? 0:7 1:1", "?"}, "", ""},
		{"docword in any order", Docword, " 2 \n3\n\n3\n2 3 1\n1 2 1\n\n1 1 4", []string{"? 0:4 1:1", "? 2:1"}, "", ""},
		{"no entries", Docword, "2\n3\n0\n", []string{"?", "?"}, "", ""},
		{"tabs", Ratings, "7\t30\t2.5\n10\t4\t1\n7\t4\t0.5\n", []string{"? 0:0.5 1:2.5", "? 0:1"}, "7 10", "4 30"},
		{"blanks", Ratings, "7  30 2.5\n 10 4\t1 \n\n7 4 -2 999\n", []string{"? 0:-2 1:2.5", "? 0:1"}, "7 10", "4 30"},
		{"header and commas", Ratings, "userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n1,1029,3,1260759179\n", []string{"? 0:2.5 1:3"}, "1", "31 1029"},
		{"two colons", Ratings, "1::1193::5::978300760\n2::661::3::978302109\n", []string{"? 1:5", "? 0:3"}, "1 2", "661 1193"},
		{"semicolons and quotes", Ratings, "\"User\";\"Book\";\"Rating\"\n\"276725\";\"034545104X\";\"5\"\n", []string{"? 0:5"}, "276725", "034545104X"},
		{"words", Ratings, "bo\tThe Film\t1\nal\tA Film\t2\nbo\tA Film\t3\n", []string{"? 0:2", "? 0:3 1:1"}, "al bo", "A Film The Film"},
		{"words among numbers", Ratings, "10 1 1\n9 2 2\nx 3 3\n007 1 4\n", []string{"? 0:4", "? 0:1", "? 1:2", "? 2:3"}, "007 10 9 x", "1 2 3"},
		{"implicit", Ratings, "1,5\n2,5\n1,4\n", []string{"? 0:1 1:1", "? 1:1"}, "1 2", "4 5"},
		{"large numbers", Ratings, "99999999999 123456789012345678 1\n16777216 3 2\n16777215 3 3\n", []string{"? 0:3", "? 0:2", "? 1:1"}, "16777215 16777216 99999999999", "3 123456789012345678"},
		{"float64", Ratings, "1 1 0.12345678901\n1 2 1\n", []string{"? 0:0.12345678901 1:1"}, "1", "1 2"},
		{"a rating of 0", Ratings, "1 1 0\n1 2 1\n2 1 0\n", []string{"? 0:0 1:1", "? 0:0"}, "1 2", "1 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, of := range []int{1, 2, 6} {
				got := mustLoad(t, "a.txt", c.text, listedOptions(c.format), of)
				if c.name != "a rating of 0" {
					checkParts(t, got)
				}
				packed, err := load("a.txt.gz", gzipped(t, c.text), listedOptions(c.format), of)
				if err != nil {
					t.Fatal(err)
				}
				like := listedOptions(c.format)
				like.Like = throughJSON(t, got.info)
				again := mustLoad(t, "a.txt", c.text, like, of)
				for what, l := range map[string]loaded{"plain": got, "compressed": packed, "like itself": again} {
					if d := cmp.Diff(c.want, l.rows()); d != "" {
						t.Errorf("%s, %d parts (-want +got):\n%s", what, of, d)
					}
					if rows := strings.Join(l.info.RowNames.All(), " "); rows != c.rows || strings.Join(l.info.Names, " ") != c.cols {
						t.Errorf("%s, %d parts: got names %q and %q, want %q and %q", what, of, rows, l.info.Names, c.rows, c.cols)
					}
					if len(l.info.PartRows) != of || l.info.Dropped != 0 || !l.info.Unlabelled {
						t.Errorf("%s, %d parts: got info %+v", what, of, l.info)
					}
				}
			}
			r, err := OpenStream("a", strings.NewReader(c.text), listedOptions(c.format))
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			var rows []string
			for {
				part, err := r.Next(2)
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if part.FirstRow != uint64(len(rows)) {
					t.Errorf("got first row %d, want %d", part.FirstRow, len(rows))
				}
				for i := range part.X.Rows() {
					rows = append(rows, printRow(part, i))
				}
			}
			if d := cmp.Diff(c.want, rows); d != "" {
				t.Errorf("read in batches (-want +got):\n%s", d)
			}
		})
	}
}

// TestListedLike: test data has the rows of the training data's parts, and what training
// did not have is dropped and counted.
func TestListedLike(t *testing.T) {
	train := "u1 a 1\nu1 b 2\nu1 c 3\nu2 a 4\nu3 b 5\nu4 c 6\nu5 a 7\n"
	for _, of := range []int{1, 2, 3, 7} {
		trained := mustLoad(t, "a.txt", train, listedOptions(Ratings), of)
		o := listedOptions(Ratings)
		o.Like = throughJSON(t, trained.info)
		got := mustLoad(t, "b.txt", "u5 c 1\nu9 a 1\nu2 b 2\nu2 z 3\nu2 a 4\n", o, of)
		if d := cmp.Diff([]string{"?", "? 0:4 1:2", "?", "?", "? 2:1"}, got.rows()); d != "" || got.info.Dropped != 2 {
			t.Errorf("%d parts: %d dropped, want 2 (-want +got):\n%s", of, got.info.Dropped, d)
		}
		strangers := map[Stranger]int{}
		for _, p := range got.parts {
			for _, s := range p.Strangers {
				if s.Row >= 0 {
					s.Row += int(p.FirstRow)
				}
				strangers[s]++
			}
		}
		if d := cmp.Diff(map[Stranger]int{{Row: -1, Key: 0, Value: 1}: 1, {Row: 1, Key: -1, Value: 3}: 1}, strangers); d != "" {
			t.Errorf("%d parts: ratings of users and items that are not known (-want +got):\n%s", of, d)
		}
		if d := cmp.Diff(trained.info.PartRows, got.info.PartRows); d != "" {
			t.Errorf("%d parts: rows of the parts (-training +test):\n%s", of, d)
		}
		for p := range got.parts {
			if got.parts[p].FirstRow != trained.parts[p].FirstRow {
				t.Errorf("part %d of %d: got first row %d, want %d", p, of, got.parts[p].FirstRow, trained.parts[p].FirstRow)
			}
		}
	}
	trained := mustLoad(t, "a.txt", "2\n3\n2\n1 1 1\n2 3 1\n", listedOptions(Docword), 2)
	o := listedOptions(Docword)
	o.Like = throughJSON(t, trained.info)
	got := mustLoad(t, "b.txt", "3\n5\n3\n1 1 1\n1 5 1\n3 2 1\n", o, 2)
	if d := cmp.Diff([]string{"? 0:1", "?", "? 1:1"}, got.rows()); d != "" || got.info.Dropped != 1 || got.info.Features != 3 {
		t.Errorf("documents: %d dropped of %d features, want 1 of 3 (-want +got):\n%s", got.info.Dropped, got.info.Features, d)
	}
}

// TestListedRefused: each of these is an error that names its place.
func TestListedRefused(t *testing.T) {
	head := "2\n3\n2\n"
	for _, c := range []struct{ name, format, text, want string }{
		{"no number", Docword, "x\n3\n2\n", "a.txt:1:1: \"x\" is not the number of documents"},
		{"two in a line", Docword, "2 3 2\n1 1 1\n", "a.txt:1:1:"},
		{"no words", Docword, "2\n", "there is no sample"},
		{"too many documents", Docword, "9999999999\n3\n2\n", "a.txt:3:1: 9999999999 documents"},
		{"much too many documents", Docword, "999999999\n3\n2\n1 1 1\n1 2 1\n", "only 2 entries"},
		{"count 0", Docword, head + "1 1 0\n1 2 1\n", "a.txt:4:5: count \"0\": want 1 to 2147483647"},
		{"negative count", Docword, head + "1 1 1\n1 2 -1\n", "a.txt:5:5: count \"-1\" is no whole number"},
		{"fraction", Docword, head + "1 1 1\n1 2 1.5\n", "a.txt:5:5: count \"1.5\" is no whole number"},
		{"large count", Docword, head + "1 1 99999999999999999999\n1 2 1\n", "a.txt:4:5: count"},
		{"document beyond", Docword, head + "1 1 1\n3 1 1\n", "a.txt:5:1: document \"3\": want 1 to 2"},
		{"document 0", Docword, head + "0 1 1\n1 1 1\n", "a.txt:4:1: document \"0\": want 1 to 2"},
		{"word beyond", Docword, head + "1 4 1\n1 1 1\n", "a.txt:4:3: word \"4\": want 1 to 3"},
		{"no count", Docword, head + "1 1\n1 1 1\n", "a.txt:4:4: the count is missing"},
		{"more", Docword, head + "1 1 1 1\n1 2 1\n", "a.txt:4:7: \"1\" behind the count"},
		{"too few", Docword, head + "1 1 1\n", "there are 1 entries, but the third line promises 2"},
		{"too many", Docword, head + "1 1 1\n1 2 1\n1 3 1\n", "there are 3 entries, but the third line promises 2"},
		{"twice", Docword, "2\n3\n3\n1 1 1\n1 2 1\n1 1 4\n", "a.txt:6:1: the count of word \"1\" in document \"1\" is in line 4 already"},
		{"garbage", Docword, "\x00\x01\xff\n", "a.txt:1:1:"},
		{"no item", Ratings, "5\n6\n", "a.txt:1:1: want user, item and rating"},
		{"no rating", Ratings, "1,2,3\n1,3\n", "a.txt:2:4: the rating is missing"},
		{"empty rating", Ratings, "1,2,3\n1,3,\n", "a.txt:2:5: the rating is missing"},
		{"empty user", Ratings, "1,2,3\n,3,1\n", "a.txt:2:1: the user is missing"},
		{"empty item", Ratings, "1,2,3\n3,,1\n", "a.txt:2:1: the item is missing"},
		{"other separator", Ratings, "1,2,3\n3\t4\t1\n", "a.txt:2:1: the item is missing"},
		{"NaN", Ratings, "1 2 NaN\n", "a.txt:1:5: rating \"NaN\" is not finite"},
		{"infinite", Ratings, "1 2 3\n1 3 1e999\n", "a.txt:2:5: rating \"1e999\" is not finite"},
		{"no number", Ratings, "u i r\n1 2 3\n1 3 x\n", "a.txt:3:5: rating \"x\" is not a number"},
		{"behind implicit", Ratings, "1 2\n1 3 4\n", "a.txt:2:5: \"4\" behind the item"},
		{"twice", Ratings, "1 2 3\n1 3 4\n1 2 3\n", "a.txt:3:1: the rating of item \"2\" by user \"1\" is in line 1 already"},
		{"no UTF-8", Ratings, "1 2 3\n\xff 3 4\n", "a.txt:2:1: \"\\xff\" is longer"},
		{"long name", Ratings, "1 2 3\n1 " + strings.Repeat("x", 300) + " 4\n", "a.txt:2:3:"},
	} {
		t.Run(c.format+" "+c.name, func(t *testing.T) {
			for _, of := range []int{1, 3} {
				_, err := load("a.txt", []byte(c.text), listedOptions(c.format), of)
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%d parts: got %v, want ...%s", of, err, c.want)
				}
			}
			if _, err := load("a.txt.gz", gzipped(t, c.text), listedOptions(c.format), 2); err == nil {
				t.Error("compressed: got no error")
			}
		})
	}
	o := Defaults()
	for _, c := range []struct{ name, text, format, want string }{
		{"docword.x.txt", head, auto, "documents have no labels"},
		{"a.txt", "1 2 3\n", Ratings, "ratings have no labels"},
	} {
		o.Format = c.format
		if _, err := load(c.name, []byte(c.text), o, 1); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want ...%s", c.name, err, c.want)
		}
	}
}

func TestNameList(t *testing.T) {
	for _, names := range [][]string{{}, {"0"}, {"1", "2", "30", "9223372036854775807"}, {"", "a", "ab", "abc", "b"}, {"1", "1x"}, {"10", "9"}} {
		l := newNameList(names)
		o := throughJSON(t, Info{Format: Ratings, Numeric: true, Unlabelled: true, RowNames: l})
		if d := cmp.Diff(names, o.RowNames.All(), cmpopts.EquateEmpty()); d != "" || !o.RowNames.Equal(l) {
			t.Errorf("%q through JSON:\n%s", names, d)
		}
		for i, name := range names {
			if at, ok := l.Find(name); at != i || !ok {
				t.Errorf("%q: got %q at %d, %v, want %d", names, name, at, ok, i)
			}
		}
		if _, ok := l.Find("3x"); ok {
			t.Errorf("%q: found what is not there", names)
		}
	}
	for _, text := range []string{`7`, `"x"`, `"n!"`, `"nAQA="`, `"t/w=="`, `"tAAJhYg=="`, `"tBQFh"`, `"t//////////8BAWE="`, `"n////////////AQ=="`} {
		if err := new(NameList).UnmarshalJSON([]byte(text)); err == nil && text != `"tAAJhYg=="` {
			t.Errorf("%s: got no error", text)
		}
	}
}

// TestListedReal: totals of real data are those that are known of it.
func TestListedReal(t *testing.T) {
	for _, c := range []struct {
		path                string
		rows, features, nnz uint64
		sum                 float64
	}{
		{"lda/docword.ap.txt.gz", 2246, 10473, 302031, 435838},
		{"lda/docword.kos.txt.gz", 3430, 6906, 353160, 467714},
		{"lda/docword.sotu.txt.gz", 7273, 10459, 638873, 758188},
		{"ratings/ml-latest-small.train.tsv.gz", 610, 9724, 90753, 0},
		{"ratings/anime.train.tsv.gz", 4701, 7054, 377949, 0},
	} {
		path := filepath.Join("..", "..", "..", "shared", "data", c.path)
		if _, err := os.Stat(path); err != nil {
			t.Skipf("real data is not here: %v", err)
		}
		o := listedOptions(Ratings)
		if strings.HasPrefix(c.path, "lda") {
			o.Format = auto
		}
		for _, of := range []int{1, 3} {
			got, err := loadPaths([]string{path}, o, of)
			if err != nil {
				t.Fatal(err)
			}
			sum := 0.0
			for _, p := range got.parts {
				for i := range p.X.Rows() {
					for _, v := range p.X.Row(i) {
						sum += v
					}
				}
			}
			i := got.info
			if i.Rows != c.rows || c.sum > 0 && i.Features != c.features || i.NonZeros != c.nnz || c.sum > 0 && sum != c.sum {
				t.Errorf("%s in %d parts: got %d x %d, %d values, sum %v, want %+v", c.path, of, i.Rows, i.Features, i.NonZeros, sum, c)
			}
		}
	}
}

func fuzzListed(f *testing.F, format string, seeds ...string) {
	for _, s := range seeds {
		f.Add([]byte(s), uint8(3))
	}
	f.Fuzz(func(t *testing.T, data []byte, of uint8) {
		o := listedOptions(format)
		parts := 1 + int(of%16)
		whole, err := load("x", data, o, 1)
		o.chunk = int64(3*parts - 2)
		divided, dividedErr := load("x", data, o, parts)
		if (err == nil) != (dividedErr == nil) {
			t.Fatalf("1 part: %v\n%d parts: %v", err, parts, dividedErr)
		}
		if err != nil {
			var one, many *SyntaxError
			if errors.As(err, &one) && errors.As(dividedErr, &many) && *one != *many {
				t.Fatalf("1 part: %v\n%d parts: %v", err, parts, dividedErr)
			}
			return
		}
		if d := cmp.Diff(whole.rows(), divided.rows()); d != "" {
			t.Fatalf("rows (-1 part +%d parts):\n%s", parts, d)
		}
		o.Like = throughJSON(t, divided.info)
		again, err := load("x", data, o, parts)
		if err != nil {
			t.Fatalf("like itself: %v", err)
		}
		if d := cmp.Diff(whole.rows(), again.rows()); d != "" {
			t.Fatalf("rows (-itself +like itself):\n%s", d)
		}
	})
}

func FuzzDocword(f *testing.F) {
	fuzzListed(f, Docword, "4\n5\n4\n1 2 3\n1 5 1\n3 1 7\n3 2 1\n", "2\n3\n0\n", "1\n1\n1\n01 1 1\n")
}

func FuzzRatings(f *testing.F) {
	fuzzListed(f, Ratings, "u,i,r\n1,2,3\n1,3,4.5\n", "1::2::3\n", "a b\nc d\n", "1 2 0\n1 02 1e3 x\n", "\"a\";\"b\";1\n", "0,0,")
}

// BenchmarkRatings reads a million ratings of 20,000 users.
func BenchmarkRatings(b *testing.B) {
	path := os.Getenv("PETUUM_RATINGS")
	if path == "" {
		path = filepath.Join(b.TempDir(), "a.txt")
		var text strings.Builder
		r := rand.New(rand.NewPCG(1, 2))
		for i := range 1_000_000 {
			fmt.Fprintf(&text, "%d %d %d\n", r.IntN(20000), i, 1+r.IntN(5))
		}
		if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		begin := time.Now()
		got, err := loadPaths([]string{path}, listedOptions(Ratings), 1)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(got.info.NonZeros)/time.Since(begin).Seconds()/1e6, "Mratings/s")
	}
}

// TestReadTest: a process reads its own parts of test data alone.
func TestReadTest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.txt")
	if err := os.WriteFile(path, []byte("u5 c 1\nu2 b 2\nu2 a 4\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	trained := mustLoad(t, "a.txt", "u1 a 1\nu1 b 2\nu1 c 3\nu2 a 4\nu3 b 5\nu4 c 6\nu5 a 7\n", listedOptions(Ratings), 3)
	o := listedOptions(Ratings)
	o.Like = throughJSON(t, trained.info)
	for p, want := range trained.parts {
		got, err := ReadTest([]string{path}, o, []int{p}, 3)
		if err != nil {
			t.Fatal(err)
		}
		if got[0].Index != p || got[0].FirstRow != want.FirstRow || got[0].X.Rows() != want.X.Rows() {
			t.Errorf("part %d: got part %d with %d rows from %d, want %d from %d", p, got[0].Index, got[0].X.Rows(), got[0].FirstRow, want.X.Rows(), want.FirstRow)
		}
	}
}
