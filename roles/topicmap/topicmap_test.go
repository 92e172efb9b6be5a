package topicmap

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/algos/model"
	"petuum/algos/registry"
	"petuum/table"
)

var rewrite = flag.Bool("rewrite", false, "write testdata anew")

// made is a model to write: counts[word][topic].
type made struct {
	counts [][]int32
	names  []string
	alpha  []float64 // nil: no such table
	beta   float64   // 0: no such table
	job    string

	algorithm string // "": lda
}

// tiny has three topics, one of them without tokens, and a hostile name.
func tiny() made {
	return made{job: `a "job" & <b>co</b>`, names: []string{"tax", `<script>alert(1)</script>`, "war", "peace", "the", "never"},
		alpha: []float64{0.5, 0.25, 0.125}, beta: 0.5,
		counts: [][]int32{{40, 0, 0}, {10, 0, 0}, {0, 0, 20}, {0, 0, 10}, {10, 0, 10}, {0, 0, 0}}}
}

// save writes the model and returns its directory.
func (m made) save(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "model")
	v := uint64(len(m.counts))
	algorithm, parameters := "lda", fmt.Sprintf("topics = %d\n", len(m.counts[0]))
	if m.algorithm != "" {
		algorithm, parameters = m.algorithm, ""
	}
	w, err := model.Create(dir, model.Manifest{Job: m.job, Algorithm: algorithm, Parameters: parameters,
		Data: dataset.Info{Format: dataset.LIBSVM, Rows: 4, NonZeros: 9, Features: v, Seen: v, Names: m.names, Numeric: true, Weight: 4, Unlabelled: true}})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	write := func(spec table.Spec, rows [][]byte) {
		tw, err := w.Table(spec, algos.KeyNames{}, false)
		if err != nil {
			t.Fatal(err)
		}
		for key, row := range rows {
			if err := tw.Append(uint64(key), row); err != nil {
				t.Fatal(err)
			}
		}
	}
	var rows [][]byte
	for _, counts := range m.counts {
		var b []byte
		for _, n := range counts {
			b = binary.LittleEndian.AppendUint32(b, uint32(n))
		}
		rows = append(rows, b)
	}
	write(table.Spec{Name: "words", Keys: v, Width: len(m.counts[0]), Type: table.Int32}, rows)
	numbers := func(name string, values ...float64) {
		var rows [][]byte
		for _, x := range values {
			rows = append(rows, binary.LittleEndian.AppendUint64(nil, math.Float64bits(x)))
		}
		write(table.Spec{Name: name, Keys: uint64(len(values)), Type: table.Float64}, rows)
	}
	if m.alpha != nil {
		numbers("alpha", m.alpha...)
	}
	if m.beta != 0 {
		numbers("beta", m.beta)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func read(t *testing.T, m made, o Options) *Report {
	t.Helper()
	p, err := Read(m.save(t), registry.Algorithms, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// measure reads LIBSVM documents like those of the training.
func measure(t *testing.T, p *Report, text string) error {
	t.Helper()
	r, err := dataset.OpenStream("documents", strings.NewReader(text), p.Like())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	return p.Measure(t.Context(), r)
}

// documents have words by number: tax is 0. Word 9 is none of the model's.
const documents = "3 0:1 1:2\nspam 0:5 1:1 9:1\n0 2:1 3:1\n12 0:1 4:1\n"

func TestRead(t *testing.T) {
	p := read(t, tiny(), Options{Top: 2, Lambda: 1})
	if p.Tokens != 100 || p.Words != 6 || p.Seen != 5 || *p.Beta != 0.5 || p.Diversity != 1 || p.Job != tiny().job {
		t.Errorf("got %+v, want 100 tokens of 5 of 6 words, beta 0.5 and no word in two topics", p)
	}
	var got []string
	for _, topic := range p.Topics {
		line := fmt.Sprint(topic.Topic, topic.Tokens, topic.Share, *topic.Alpha, topic.X != nil)
		for _, w := range topic.Words {
			line += fmt.Sprint("; ", w.Word, " ", w.Key, w.Count, w.Total, math.Round(w.Probability*63000)/63000, w.Overall)
		}
		got = append(got, line)
	}
	want := []string{
		fmt.Sprint("0 60 0.6 0.5 true; tax 0 40 40 ", math.Round(40.5/63*63000)/63000, " 0.4; <script>alert(1)</script> 1 10 10 ", math.Round(10.5/63*63000)/63000, " 0.1"),
		fmt.Sprint("2 40 0.4 0.125 true; war 2 20 20 ", math.Round(20.5/43*63000)/63000, " 0.2; peace 3 10 10 ", math.Round(10.5/43*63000)/63000, " 0.1"),
		"1 0 0 0.25 false",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

// Lower lambdas list what is in no other topic.
func TestLambda(t *testing.T) {
	m := tiny()
	m.counts[4] = []int32{30, 0, 15}
	for lambda, want := range map[float64]string{1: "tax the", 0: "<script>alert(1)</script> tax"} {
		if got := names(read(t, m, Options{Top: 2, Lambda: lambda}).Topics[0].Words); got != want {
			t.Errorf("lambda %g: got %s, want %s", lambda, got, want)
		}
	}
}

func TestMeasure(t *testing.T) {
	p := read(t, tiny(), Options{Top: 3, Lambda: 0})
	if err := measure(t, p, documents); err != nil {
		t.Fatal(err)
	}
	// Of 4 documents tax is in 3, script in 2, the in 1, war and peace in 1. Topic 0 has
	// tax and script in 2, tax and the in 1, script and the in none.
	first := (math.Log(2*4./(3*2))/math.Log(2) + math.Log(4./3)/math.Log(4) - 1) / 3
	const second = -1. / 3 // war and peace come only together, the with neither: 1, -1, -1
	for i, want := range []float64{first, second} {
		if got := p.Topics[i].Coherence; got == nil || math.Abs(*got-want) > 1e-12 {
			t.Errorf("topic %d: got coherence %v, want %g", p.Topics[i].Topic, number(got, 'g', 6), want)
		}
	}
	c := p.Coherence
	if p.Topics[2].Coherence != nil || math.Abs(*c.Mean-(first+second)/2) > 1e-12 || c.Words != 3 || c.Documents != 4 || c.Dropped != 1 || c.Measure != "npmi" {
		t.Errorf("got %+v, want the mean of two topics in 4 documents, one value dropped", c)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Measure(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v when interrupted, want %v", err, context.Canceled)
	}
	if err := measure(t, p, "1 0:1\n1 0:x\n"); err == nil || !strings.Contains(err.Error(), "documents:2") {
		t.Errorf("got error %v, want one that names line 2", err)
	}
}

// Coherence and diversity are of the most probable words, whatever the list is sorted by.
func TestMeasureOfProbable(t *testing.T) {
	m := tiny()
	m.counts[4] = []int32{30, 0, 15}
	p := read(t, m, Options{Top: 2, Lambda: 0})
	if err := measure(t, p, documents); err != nil {
		t.Fatal(err)
	}
	// Of 4 documents tax is in 3, the in 1, both in 1; topic 2 has war and the.
	if got, want := p.Topics[0].Coherence, math.Log(4./3)/math.Log(4); got == nil || math.Abs(*got-want) > 1e-12 || p.Diversity != 0.75 {
		t.Errorf("got coherence %s and diversity %g, want %g of tax and the, and 3 words of 4", number(got, 'g', 6), p.Diversity, want)
	}
}

func TestJSON(t *testing.T) {
	p := read(t, tiny(), Options{Top: 2, Lambda: 1})
	if err := measure(t, p, documents); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Tokens    int
		Coherence struct{ Mean, Words float64 }
		Topics    []map[string]any
	}
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if got.Tokens != 100 || got.Coherence.Words != 2 || len(got.Topics) != 3 {
		t.Fatalf("got %s", b)
	}
	for _, key := range []string{"topic", "tokens", "share", "alpha", "coherence", "x", "y", "words"} {
		if _, ok := got.Topics[0][key]; !ok {
			t.Errorf("topic 0 has no %s: %v", key, got.Topics[0])
		}
	}
	if words, ok := got.Topics[2]["words"].([]any); !ok || len(words) != 0 || got.Topics[2]["x"] != nil {
		t.Errorf("a topic without tokens: got %v, want a list of no words and no place", got.Topics[2])
	}
}

func TestText(t *testing.T) {
	p := read(t, tiny(), Options{Top: 3, Lambda: 1})
	if err := measure(t, p, documents); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := p.Text(&b); err != nil {
		t.Fatal(err)
	}
	want := `topic  share   alpha  coherence  words
0      60.00%  0.5    -0.126     tax <script>alert(1)</script> the
2      40.00%  0.125  -0.333     war peace the
1      0.00%   0.25   -          

3 topics of 100 tokens of 5 words; diversity 0.833; coherence (NPMI of the 3 most probable words, 4 documents) -0.2296
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	m := tiny()
	m.alpha, m.beta = nil, 0
	b.Reset()
	if err := read(t, m, Options{Top: 1, Lambda: 1}).Text(&b); err != nil || !strings.HasPrefix(b.String(), "topic  share   words\n0      60.00%  tax\n") {
		t.Errorf("got error %v and\n%s", err, b.String())
	}
}

func TestRefused(t *testing.T) {
	linear, mute, damaged := tiny(), tiny(), tiny().save(t)
	linear.algorithm, mute.algorithm = "regression", "dml"
	empty := made{counts: [][]int32{{0, 0}}, job: "none"}
	if err := os.WriteFile(filepath.Join(damaged, "words.bin"), []byte("short"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, dir, want string }{
		{"a linear model", linear.save(t), "it has no topics"},
		{"one that does not predict", mute.save(t), "it has no topics"},
		{"no tokens", empty.save(t), "no word has a token"},
		{"damaged", damaged, "words.bin"},
		{"not there", filepath.Join(t.TempDir(), "none"), "none"},
	} {
		if _, err := Read(c.dir, registry.Algorithms, Options{Top: 5, Lambda: 1}); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.dir) {
			t.Errorf("%s: got error %v, want %q and the directory", c.name, err, c.want)
		}
	}
}

// parse reads XML, and calls with each start of an element.
func parse(t *testing.T, text string, each func(xml.StartElement)) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if e, ok := token.(xml.StartElement); ok {
			each(e)
		}
	}
}
