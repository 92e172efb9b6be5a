// Package topicmap shows the topics of a model that counts words in topics. [Read]
// gathers them, [Report.Measure] adds how far the words of each go together in documents;
// [Report.Text] is a table of the topics, [Report.Page] a page for a browser with a map of
// them, [Report.SVG] that map alone, and as JSON a Report is for other programs.
package topicmap

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"petuum/algos"
	"petuum/algos/dataset"
	"petuum/algos/lda/topics"
	"petuum/algos/model"
	"petuum/algos/registry"
	"petuum/roles/predict"
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
	data   dataset.Info     // of the training
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

// counter is an algorithm whose models count words in topics, which are its components.
type counter interface {
	algos.Mixed
	// Rows reads of a model of data like d the topics that tokens of each of some words
	// have, and how many: each is called with those of one word after another.
	Rows(d dataset.Info, m algos.Model, words []uint64, each func(topics []uint32, counts []float64)) error
}

// Read gathers the topics of the model in dir, whose algorithm is one of list. It reads
// the counts of words twice.
func Read(dir string, list registry.List, o Options) (*Report, error) {
	r, err := predict.OpenModel(dir, list)
	if err != nil && !errors.Is(err, predict.ErrMute) {
		return nil, err
	}
	if err == nil {
		defer r.Close()
		a, err := r.Predictor()
		if err != nil {
			return nil, err
		}
		if c, ok := a.(counter); ok {
			return gather(r, dir, c, o)
		}
	}
	return nil, fmt.Errorf("model %s: it has no topics, which models of lda have: look at it with petuum model show", dir)
}

func gather(r *predict.Model, dir string, a counter, o Options) (*Report, error) {
	m := r.Manifest()
	alpha, err := column(r, "alpha")
	if err != nil {
		return nil, err
	}
	beta, err := column(r, "beta")
	if err != nil {
		return nil, err
	}
	counts := topics.Model{Words: m.Data.Features, Topics: a.Components(m.Data), Rows: rows(r, a)}
	if len(beta) == 1 {
		counts.Beta = beta[0]
	}
	// The first list is the report's own, the second the one that coherence is of.
	want := topics.Options{Top: o.Top, Lambdas: []float64{o.Lambda, 1}, Drawn: mostDrawn}
	if o.Page {
		want.Top, want.Further = max(o.Top, pageWords), pageLambdas
	}
	s, err := topics.Gather(counts, want)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", dir, err)
	}
	p := &Report{Model: dir, Algorithm: m.Algorithm, Job: m.Job, Tokens: s.Tokens, Words: counts.Words, Seen: s.Seen,
		Lambda: o.Lambda, Diversity: s.Diversity(1, o.Top), Explained: s.Explained, top: o.Top, keys: map[int][]uint64{}, data: m.Data, header: m.Source.Header}
	if len(beta) == 1 {
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

// rowWords is how many words a model is asked for at a time.
const rowWords = 1 << 14

// rows is the counts of words, by what the algorithm says.
func rows(r *predict.Model, a counter) func(each func(uint64, []int32, []int32) error) error {
	data := r.Manifest().Data
	var words []uint64
	var found []pair
	var at, nonzero []int32
	return func(each func(uint64, []int32, []int32) error) error {
		for begin := uint64(0); begin < data.Features; begin += rowWords {
			words = words[:0]
			for w := begin; w < min(begin+rowWords, data.Features); w++ {
				words = append(words, w)
			}
			next, failed := begin, error(nil)
			err := a.Rows(data, r, words, func(topics []uint32, counts []float64) {
				found, at, nonzero = found[:0], at[:0], nonzero[:0]
				for i, k := range topics {
					found = append(found, pair{int32(k), int32(counts[i])})
				}
				slices.SortFunc(found, func(a, b pair) int { return cmp.Compare(a.topic, b.topic) })
				for _, p := range found {
					at, nonzero = append(at, p.topic), append(nonzero, p.count)
				}
				if failed == nil && len(found) > 0 {
					failed = each(next, at, nonzero)
				}
				next++
			})
			if err != nil {
				return err
			}
			if failed != nil {
				return failed
			}
		}
		return nil
	}
}

// pair is a topic and its tokens of a word.
type pair struct{ topic, count int32 }

// column is the values of a table of one number a key, nil if the model has none of
// this name.
func column(r *predict.Model, name string) ([]float64, error) {
	m := r.Manifest()
	i := slices.IndexFunc(m.Tables, func(t model.Table) bool { return t.Name == name && t.Width == 1 })
	if i < 0 {
		return nil, nil
	}
	keys := make([]uint64, m.Tables[i].Keys)
	for k := range keys {
		keys[k] = uint64(k)
	}
	return r.Values(name, keys)
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
	return dataset.Options{Header: p.header, Base: like.Base, Unsupervised: true, Like: &like}
}

// batch is how many documents are read at a time.
const batch = 4096

// Measure gives the topics their coherence in documents. If ctx ends so does it.
func (p *Report) Measure(ctx context.Context, d Documents) error {
	lists := make([][]uint64, len(p.Topics))
	for i, t := range p.Topics {
		lists[i] = p.keys[t.Topic]
	}
	c, err := topics.NewCoherence(lists)
	if err != nil {
		return err
	}
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
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
