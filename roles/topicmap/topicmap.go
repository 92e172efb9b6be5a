// Package topicmap shows the topics of a model that counts words in topics. [Read]
// gathers them, [Report.Measure] adds how far the words of each go together in documents;
// [Report.Text] is a table of the topics, [Report.Page] a page for a browser with a map of
// them, [Report.SVG] that map alone, and as JSON a Report is for other programs.
package topicmap

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"petuum/algos/dataset"
	"petuum/algos/lda/topics"
	"petuum/algos/model"
	"petuum/table"
)

// Report is what is known of the topics of a model.
type Report struct {
	Model     string `json:"model"` // directory
	Algorithm string `json:"algorithm"`
	Job       string `json:"job"`

	Tokens int64    `json:"tokens"`
	Words  uint64   `json:"words"` // of the vocabulary
	Seen   int      `json:"words_seen"`
	Beta   *float64 `json:"beta,omitempty"`

	Lambda float64 `json:"lambda"` // of the relevance that the words of topics are sorted by
	// Diversity is the share of different words among the most probable ones of all topics.
	Diversity float64    `json:"diversity"`
	Coherence *Coherence `json:"coherence,omitempty"`
	// Explained is the share of what sets topics apart that x and y show.
	Explained float64 `json:"explained"`

	Topics []Topic `json:"topics"` // the largest first

	top    int
	keys   map[int][]uint64 // of each topic, its most probable words
	data   dataset.Info     // of the training, without classes
	header string
}

// Coherence says how far the words of topics go together in some documents.
type Coherence struct {
	Measure   string   `json:"measure"` // npmi
	Mean      *float64 `json:"mean"`    // over topics; null if none has a value
	Words     int      `json:"words"`   // so many of a topic, the most probable ones
	Documents int64    `json:"documents"`
	Files     []string `json:"files"`
	Dropped   uint64   `json:"dropped"` // values of words that the model does not have
}

// Topic is one topic.
type Topic struct {
	Topic     int      `json:"topic"` // its number in the model, from 0
	Tokens    int64    `json:"tokens"`
	Share     float64  `json:"share"` // of all tokens
	Alpha     *float64 `json:"alpha,omitempty"`
	Coherence *float64 `json:"coherence,omitempty"` // absent as well where its words are in no document
	X         *float64 `json:"x,omitempty"`         // of the largest topics
	Y         *float64 `json:"y,omitempty"`
	Words     []Word   `json:"words"` // the most relevant first

	lists [][]Word // for each of the page's lambdas
}

// Word is a word of a topic.
type Word struct {
	Word        string  `json:"word"`
	Key         uint64  `json:"key"`         // its number
	Count       int32   `json:"count"`       // its tokens in the topic
	Total       int64   `json:"total"`       // its tokens
	Probability float64 `json:"probability"` // of the word in the topic
	Overall     float64 `json:"overall"`     // in all of the data
	Relevance   float64 `json:"relevance"`
}

// Options says what is wanted.
type Options struct {
	Top    int     // words of each topic, from 1
	Lambda float64 // what they are sorted by: 1 is the probability in the topic
	Page   bool    // a page or a map is wanted
}

// pageLambdas are what a reader of the page may sort by.
var pageLambdas = []float64{1, 0.6, 0.3}

const (
	mostDrawn = 500 // topics of the page
	pageWords = 20  // of a topic, at least
)

// Read gathers the topics of the model in dir. It reads the counts of words twice.
func Read(dir string, o Options) (*Report, error) {
	r, err := model.Open(dir)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	m := r.Manifest()
	counts, err := countsOf(r, dir)
	if err != nil {
		return nil, err
	}
	// The first list is the report's own, the second the one that coherence is of.
	want := topics.Options{Top: o.Top, Lambdas: []float64{o.Lambda, 1}, Drawn: mostDrawn}
	if o.Page {
		want.Top, want.Lambdas = max(o.Top, pageWords), append(want.Lambdas, pageLambdas...)
	}
	s, err := topics.Gather(counts, want)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", dir, err)
	}
	p := &Report{Model: dir, Algorithm: m.Algorithm, Job: m.Job, Tokens: s.Tokens, Words: counts.Words, Seen: s.Seen,
		Lambda: o.Lambda, Diversity: s.Diversity(1, o.Top), Explained: s.Explained, top: o.Top, keys: map[int][]uint64{}, data: m.Data, header: m.Source.Header}
	p.data.Numeric, p.data.Classes, p.data.Counts = true, nil, nil
	alpha, err := column(r, "alpha")
	if err != nil {
		return nil, err
	}
	if beta, err := column(r, "beta"); err != nil {
		return nil, err
	} else if len(beta) == 1 {
		p.Beta = &beta[0]
	}
	for k := range s.Topics {
		p.Topics = append(p.Topics, p.topic(&m, s, k))
		if len(alpha) == len(s.Topics) {
			p.Topics[k].Alpha = &alpha[k]
		}
	}
	for _, k := range s.Drawn {
		place := s.Topics[k].Place
		p.Topics[k].X, p.Topics[k].Y = &place.X, &place.Y
	}
	slices.SortStableFunc(p.Topics, func(a, b Topic) int { return cmp.Compare(b.Tokens, a.Tokens) })
	return p, nil
}

// topic is topic k, with the names of its words.
func (p *Report) topic(m *model.Manifest, s *topics.Summary, k int) Topic {
	found := s.Topics[k]
	t := Topic{Topic: k, Tokens: found.Tokens, Share: found.Share, lists: make([][]Word, len(found.Lists))}
	features := model.Table{Features: m.Data.Features}
	for l, list := range found.Lists {
		t.lists[l] = make([]Word, 0, len(list))
		for _, w := range list {
			t.lists[l] = append(t.lists[l], Word{m.KeyName(features, w.Word), w.Word, w.Count, w.All, w.Given, w.Overall, w.Relevance})
		}
	}
	for _, w := range first(t.lists[1], p.top) {
		p.keys[k] = append(p.keys[k], w.Key)
	}
	t.Words, t.lists = first(t.lists[0], p.top), t.lists[2:]
	return t
}

// first is the beginning of a list.
func first(list []Word, n int) []Word { return list[:min(n, len(list))] }

// countsOf is the counts of words in a model, which it refuses if they are of no topics.
func countsOf(r *model.Reader, dir string) (topics.Model, error) {
	m := r.Manifest()
	t := m.Tables[max(0, slices.IndexFunc(m.Tables, func(t model.Table) bool { return t.Name == "words" }))]
	if t.Name != "words" || t.Type != table.Int32.String() || t.Keys != m.Data.Features {
		return topics.Model{}, fmt.Errorf("model %s: it has no topics: it is of algorithm %s, and topics are of lda; look at it with petuum model show", dir, m.Algorithm)
	}
	counts := topics.Model{Words: t.Keys, Topics: t.Width}
	if beta, err := column(r, "beta"); err != nil {
		return counts, err
	} else if len(beta) == 1 {
		counts.Beta = beta[0]
	}
	var at, nonzero []int32
	counts.Rows = func(each func(uint64, []int32, []int32) error) error {
		return r.Rows("words", table.Int32, false, func(key uint64, values []byte) error {
			at, nonzero = at[:0], nonzero[:0]
			for k := range len(values) / 4 {
				if n := int32(binary.LittleEndian.Uint32(values[4*k:])); n != 0 {
					at, nonzero = append(at, int32(k)), append(nonzero, n)
				}
			}
			return each(key, at, nonzero)
		})
	}
	return counts, nil
}

// column is the values of a table of numbers, nil if the model has none of this name.
func column(r *model.Reader, name string) (values []float64, err error) {
	m := r.Manifest()
	i := slices.IndexFunc(m.Tables, func(t model.Table) bool { return t.Name == name && t.Type != table.Int32.String() && t.Width == 1 })
	if i < 0 {
		return nil, nil
	}
	err = r.Rows(name, table.Float64, true, func(_ uint64, b []byte) error {
		values = append(values, math.Float64frombits(binary.LittleEndian.Uint64(b)))
		return nil
	})
	return values, err
}

// Documents are rows of words.
type Documents interface {
	// Next returns at most so many more, and io.EOF behind the last one.
	Next(rows int) (*dataset.Part, error)
	Info() dataset.Info
}

// Like says how documents are to be read that are like those of the training. Labels are
// not looked at.
func (p *Report) Like() dataset.Options {
	like := p.data
	return dataset.Options{Header: p.header, Base: like.Base, Quantity: true, Unlabelled: true, Like: &like}
}

// batch is how many documents are read at a time.
const batch = 4096

// Measure gives the topics their coherence in documents.
func (p *Report) Measure(d Documents) error {
	lists := make([][]uint64, len(p.Topics))
	for i, t := range p.Topics {
		lists[i] = p.keys[t.Topic]
	}
	c, err := topics.NewCoherence(lists)
	if err != nil {
		return err
	}
	for {
		part, err := d.Next(batch)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		for i := range part.X.Rows() {
			c.Begin()
			for j := range part.X.Row(i) {
				c.Has(part.Key(j))
			}
			c.End()
		}
	}
	info := d.Info()
	scores := c.Scores()
	for i, s := range scores {
		p.Topics[i].Coherence = finite(s.NPMI)
	}
	p.Coherence = &Coherence{Measure: "npmi", Mean: finite(topics.Mean(scores)), Words: p.top, Documents: c.Documents(), Files: []string{}, Dropped: info.Dropped}
	for _, f := range info.Files {
		p.Coherence.Files = append(p.Coherence.Files, f.Name)
	}
	return nil
}

// finite is a pointer to a number, nil if it is none.
func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// names are those of words, with blanks between them.
func names(words []Word) string {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = w.Word
	}
	return strings.Join(list, " ")
}
