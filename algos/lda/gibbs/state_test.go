package gibbs

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"petuum/algos/dataset"
)

// corpus returns n documents with words of a few topics: the words of topic k are those
// that are k modulo topics, four times of five.
func corpus(seed uint64, n, words, topics, length int) dataset.Matrix {
	r := rand.New(rand.NewPCG(seed, 1))
	ptr, columns, values := []int64{0}, []uint32(nil), []float64(nil)
	for range n {
		counts := map[uint32]float64{}
		mine := []int{r.IntN(topics), r.IntN(topics)}
		for range 1 + r.IntN(2*length) {
			w := r.IntN(words)
			if r.IntN(5) > 0 {
				w = w/topics*topics + mine[r.IntN(2)]
			}
			counts[uint32(min(w, words-1))]++
		}
		for _, w := range sorted(counts) {
			columns, values = append(columns, w), append(values, counts[w])
		}
		ptr = append(ptr, int64(len(columns)))
	}
	return dataset.NewMatrix(words, ptr, columns, values)
}

func sorted(m map[uint32]float64) (keys []uint32) {
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// A model is a state with the counts of a job of which it is the only part.
type model struct {
	*State
	rows   Rows
	totals []int32
}

func newModel(t testing.TB, x dataset.Matrix, o Options, packed bool) *model {
	t.Helper()
	s, err := New(x, x.Cols(), o)
	if err != nil {
		t.Fatal(err)
	}
	m := &model{State: s, totals: make([]int32, o.Topics)}
	if !packed {
		m.rows = Rows{Values: make([]int32, x.Cols()*o.Topics)}
		return m
	}
	m.rows.Offsets = []int{0}
	tokens := frequencies(x)
	for _, n := range tokens {
		m.rows.Offsets = append(m.rows.Offsets, m.rows.Offsets[len(m.rows.Offsets)-1]+s.Form().Capacity(n))
	}
	m.rows.Values = make([]int32, m.rows.Offsets[x.Cols()])
	return m
}

// frequencies returns how often each word is in documents.
func frequencies(x dataset.Matrix) []int64 {
	n := make([]int64, x.Cols())
	for i := range x.Rows() {
		for w, v := range x.Row(i) {
			n[w] += int64(v)
		}
	}
	return n
}

// sweep is one sweep in ranges of words.
func (m *model) sweep(t testing.TB, ranges ...int) {
	t.Helper()
	if err := m.Begin(m.totals); err != nil {
		t.Fatal(err)
	}
	lo := 0
	for _, hi := range append(ranges, m.words) {
		if err := m.Words(lo, hi, m.slice(lo, hi), m.totals); err != nil {
			t.Fatal(err)
		}
		lo = hi
	}
	if err := m.End(); err != nil {
		t.Fatal(err)
	}
}

// slice returns the rows of some words.
func (m *model) slice(lo, hi int) Rows {
	if m.rows.Offsets == nil {
		return Rows{Values: m.rows.Values[lo*m.topics : hi*m.topics]}
	}
	begin, offsets := m.rows.Offsets[lo], []int(nil)
	for _, o := range m.rows.Offsets[lo : hi+1] {
		offsets = append(offsets, o-begin)
	}
	return Rows{Values: m.rows.Values[begin:m.rows.Offsets[hi]], Offsets: offsets}
}

// check tells where the counts are not those of the topics.
func (m *model) check(t testing.TB) {
	t.Helper()
	totals := make([]int32, m.topics)
	want, got := make([]int32, m.topics), make([]int32, m.topics)
	for w := range m.words {
		clear(want)
		clear(got)
		m.Counts(w, want)
		if err := m.form.Add(got, m.rows.row(w, m.topics)); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("word %d: got counts %v, want %v", w, got, want)
		}
		for k, n := range want {
			totals[k] += n
		}
	}
	if !slices.Equal(m.totals, totals) {
		t.Fatalf("got totals %v, want %v", m.totals, totals)
	}
	docs := make([]int32, m.topics)
	tokens := 0
	m.EachDocument(func(d int, topics []uint32, counts []int32) {
		n := 0
		for i, k := range topics {
			docs[k] += counts[i]
			n += int(counts[i])
		}
		if n != m.Length(d) {
			t.Fatalf("document %d: got %d topics, want %d", d, n, m.Length(d))
		}
		tokens += n
	})
	if !slices.Equal(docs, totals) || tokens != m.Tokens() {
		t.Fatalf("got %d topics %v of documents, want %d, %v", tokens, docs, m.Tokens(), totals)
	}
}

func TestCounts(t *testing.T) {
	x := corpus(1, 60, 90, 7, 40)
	for _, name := range Samplers() {
		for _, packed := range []bool{false, true} {
			m := newModel(t, x, Options{Topics: 37, Beta: 0.01, VBeta: 0.9, Seed: 3, Sampler: name}, packed)
			for i := range 6 {
				m.sweep(t, 10*i, 80)
				m.check(t)
				if v, ok := m.sampler.(*visits); ok && packed {
					v.checkZeros(t)
				}
			}
		}
	}
}

// checkZeros finds phi after visits of packed rows as it is for a word that is nowhere.
func (v *visits) checkZeros(t *testing.T) {
	t.Helper()
	x := &v.t[0]
	if !v.zeros {
		t.Fatal("no packed row has been visited")
	}
	mass := 0.0
	for k, n := range v.word {
		if want := x.Beta * x.Inverse[k]; n != 0 || x.Phi[k] != want {
			t.Fatalf("topic %d: got count %d, phi %v, want 0, %v", k, n, x.Phi[k], want)
		}
		mass += float64(x.Alpha[k] * x.Phi[k])
	}
	if math.Abs(x.Mass-mass) > 1e-4*mass {
		t.Fatalf("got mass %v, want %v", x.Mass, mass)
	}
}

func TestSave(t *testing.T) {
	x := corpus(2, 40, 50, 5, 30)
	for _, from := range Samplers() {
		m := newModel(t, x, Options{Topics: 20, Beta: 0.01, VBeta: 0.5, Seed: 3, Sampler: from}, false)
		m.sweep(t)
		var b bytes.Buffer
		if err := m.Save(&b); err != nil {
			t.Fatal(err)
		}
		for _, to := range Samplers() {
			r := newModel(t, x, Options{Topics: 20, Beta: 0.01, VBeta: 0.5, Seed: 4, Sampler: to}, false)
			if err := r.Restore(bytes.NewReader(b.Bytes())); err != nil {
				t.Fatalf("from %s to %s: %v", from, to, err)
			}
			r.rows, r.totals = m.rows, m.totals
			r.check(t)
			r.rows.Values, r.totals = slices.Clone(m.rows.Values), slices.Clone(m.totals)
			r.sweep(t, 25)
			r.check(t)
		}
	}
}

func TestRestoreDamaged(t *testing.T) {
	x := corpus(2, 4, 50, 5, 30)
	o := Options{Topics: 20, Beta: 0.01, VBeta: 0.5, Seed: 3, Sampler: "plain"}
	m := newModel(t, x, o, false)
	m.sweep(t)
	var b bytes.Buffer
	if err := m.Save(&b); err != nil {
		t.Fatal(err)
	}
	before := slices.Clone(m.topic)
	for i := range b.Bytes() {
		bad := bytes.Clone(b.Bytes())
		bad[i] ^= 0x41
		if err := m.Restore(bytes.NewReader(bad)); err == nil {
			t.Errorf("byte %d changed: got no error", i)
		}
		if err := m.Restore(bytes.NewReader(b.Bytes()[:i])); err == nil {
			t.Errorf("cut after %d bytes: got no error", i)
		}
	}
	if !slices.Equal(m.topic, before) {
		t.Error("an error has changed topics")
	}
}

func TestErrors(t *testing.T) {
	x := dataset.NewMatrix(3, []int64{0, 1, 2}, []uint32{1, 2}, []float64{1, 2.5})
	o := Options{Topics: 2, Beta: 0.1, VBeta: 0.3}
	if _, err := New(x, 3, o); err == nil || !strings.Contains(err.Error(), "document 1 has word 2 2.5 times") {
		t.Errorf("got error %v", err)
	}
	x = corpus(1, 5, 10, 2, 10)
	for _, o := range []Options{
		{Topics: 0, Beta: 1, VBeta: 10}, {Topics: 2, Beta: 0, VBeta: 10}, {Topics: 2, Beta: 1, VBeta: 0},
		{Topics: MaxTopics + 1, Beta: 1, VBeta: 10}, {Topics: 2, Beta: 1, VBeta: 10, Sampler: "fast"},
	} {
		if _, err := New(x, 10, o); err == nil {
			t.Errorf("%+v: got no error", o)
		}
	}
	s, err := New(x, 10, o)
	if err != nil {
		t.Fatal(err)
	}
	totals := make([]int32, 2)
	if err := s.Words(0, 10, Rows{Values: make([]int32, 20)}, totals); err == nil {
		t.Error("words outside of a sweep: got no error")
	}
	if err := s.Begin(totals[:1]); err == nil {
		t.Error("too few totals: got no error")
	}
	if err := s.Begin(totals); err != nil {
		t.Fatal(err)
	}
	for name, rows := range map[string]Rows{
		"few values":    {Values: make([]int32, 19)},
		"few offsets":   {Values: make([]int32, 20), Offsets: []int{0, 1}},
		"descending":    {Values: make([]int32, 20), Offsets: []int{0, 2, 1, 3, 4, 5, 6, 7, 8, 9, 10}},
		"beyond values": {Values: make([]int32, 2), Offsets: []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}},
	} {
		if err := s.Words(0, 10, rows, totals); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
	if err := s.End(); err == nil {
		t.Error("a sweep without words: got no error")
	}
}

func TestForm(t *testing.T) {
	for _, topics := range []int{1, 2, 37, 1000, 1024, 1025, 1 << 16, 100000, MaxTopics} {
		f := FormOf(topics)
		for _, n := range []int32{1, 7, f.Most()} {
			if k, got := f.Unpack(f.Pack(topics-1, n)); k != topics-1 || got != n {
				t.Errorf("%d topics: got topic %d, count %d, want %d, %d", topics, k, got, topics-1, n)
			}
		}
	}
	counts := make([]int32, 5)
	if err := FormOf(5).Add(counts, []int32{-1, 0}); err == nil {
		t.Error("a topic too large: got no error")
	}
	if err := FormOf(5).Put(make([]int32, 1), []int32{1, 1, 0, 0, 0}); err == nil {
		t.Error("a row too short: got no error")
	}
}
