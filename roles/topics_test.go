package roles_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// themes are what the documents of a small corpus are about: each of a few words of one
// theme, and some of no meaning.
var themes = [][]string{
	{"war", "army", "battle", "soldier", "weapon"},
	{"tax", "budget", "debt", "revenue", "tariff"},
	{"ship", "harbour", "sailor", "cargo", "storm"},
}

// writeThemes writes a job, its documents and their words to a folder.
func writeThemes(t *testing.T, dir string) (job, documents string) {
	t.Helper()
	var words []string
	for _, theme := range themes {
		words = append(words, theme...)
	}
	words = append(words, "the", "and")
	r := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for d := range 150 {
		counts := make([]int, len(words))
		for range 20 {
			if r.IntN(5) == 0 {
				counts[len(words)-1-r.IntN(2)]++
			} else {
				counts[5*(d%len(themes))+r.IntN(5)]++
			}
		}
		fmt.Fprint(&b, d)
		for w, n := range counts {
			if n > 0 {
				fmt.Fprintf(&b, " %d:%d", w+1, n)
			}
		}
		fmt.Fprintln(&b)
	}
	job, documents = filepath.Join(dir, "themes.toml"), filepath.Join(dir, "themes.libsvm")
	for path, text := range map[string]string{
		documents:                       b.String(),
		filepath.Join(dir, "words.txt"): strings.Join(words, "\n") + "\n",
		job: `[job]
name = "themes"
algorithm = "lda"
[data]
train = "themes.libsvm"
names = "words.txt"
[algorithm]
topics = 3
alpha = 0.1
optimize_alpha = false
[stop]
epochs = 60
[output]
model = "model"
`} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return job, documents
}

// What documents are about is what the topics of a model trained on them are, in whatever
// form it has the counts.
func TestTopics(t *testing.T) {
	for _, c := range []struct{ mode, rows string }{{"data", "dense"}, {"rotate", "dense"}, {"rotate", "packed"}} {
		t.Run(c.mode+" "+c.rows, func(t *testing.T) {
			testTopics(t, "--set", "algorithm.mode="+c.mode, "--set", "algorithm.rows="+c.rows)
		})
	}
}

func testTopics(t *testing.T, args ...string) {
	dir := t.TempDir()
	job, documents := writeThemes(t, dir)
	s := train(t, dir, append(args, "--set", "cluster.workers=2", "--set", "cluster.servers=1", job)...)
	page := filepath.Join(dir, "topics.html")
	out, _ := mustUse(t, "", "model", "topics", s.Model, "--json", "--top", "5", "--lambda", "0", "--data", documents, "--html", page)
	var got struct {
		Tokens    int
		Coherence struct{ Mean float64 }
		Topics    []struct {
			Share, Coherence float64
			Words            []struct{ Word string }
		}
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if got.Tokens != 150*20 || len(got.Topics) != len(themes) || got.Coherence.Mean < 0.3 {
		t.Errorf("got %d tokens in %d topics of mean coherence %g, want 3000 in 3 of more than 0.3", got.Tokens, len(got.Topics), got.Coherence.Mean)
	}
	found := map[int]bool{}
	for _, topic := range got.Topics {
		of := map[int]int{}
		for _, w := range topic.Words {
			for i, theme := range themes {
				if strings.Contains(" "+strings.Join(theme, " ")+" ", " "+w.Word+" ") {
					of[i]++
				}
			}
		}
		for i, n := range of {
			if n == 5 {
				found[i] = true
			}
		}
	}
	if len(found) != len(themes) {
		t.Errorf("got topics that are not the themes of the documents:\n%s", out)
	}
	if html, err := os.ReadFile(page); err != nil || strings.Count(string(html), `<section class="topic"`) != len(themes) || !strings.Contains(string(html), "Topics of themes") {
		t.Errorf("got error %v and a page of %d bytes, want one of 3 topics", err, len(html))
	}
	text, _ := mustUse(t, "", "model", "topics", s.Model)
	if lines := strings.Split(text, "\n"); len(lines) != 7 || !strings.HasPrefix(lines[0], "topic  share") {
		t.Errorf("got\n%s\nwant a table of 3 topics and a line about all", text)
	}
}
