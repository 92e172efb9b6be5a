package topics

import (
	"cmp"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// dense is a model of counts[word][topic].
func dense(beta float64, counts [][]int32) Model {
	return Model{Words: uint64(len(counts)), Topics: len(counts[0]), Beta: beta, Rows: func(each func(uint64, []int32, []int32) error) error {
		var topics, nonzero []int32
		for w, row := range counts {
			topics, nonzero = topics[:0], nonzero[:0]
			for k, n := range row {
				if n != 0 {
					topics, nonzero = append(topics, int32(k)), append(nonzero, n)
				}
			}
			if len(topics) > 0 {
				if err := each(uint64(w), topics, nonzero); err != nil {
					return err
				}
			}
		}
		return nil
	}}
}

// random is counts of words in topics, most of them 0, and word 0 of none.
func random(r *rand.Rand, words, topics int) [][]int32 {
	counts := make([][]int32, words)
	for w := range counts {
		counts[w] = make([]int32, topics)
		for k := range counts[w] {
			if w > 0 && r.IntN(3) == 0 {
				counts[w][k] = 1 + r.Int32N(20)
			}
		}
	}
	return counts
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-12*(1+math.Abs(b)) }

func TestByHand(t *testing.T) {
	s, err := Gather(dense(0.5, [][]int32{{6, 0}, {3, 3}, {0, 0}, {1, 7}}), Options{Top: 2, Lambdas: []float64{1, 0}, Drawn: 2})
	if err != nil {
		t.Fatal(err)
	}
	if s.Tokens != 20 || s.Seen != 3 || s.Topics[0].Tokens != 10 || s.Topics[1].Share != 0.5 {
		t.Errorf("got %+v, want 20 tokens of 3 words, half of them in each topic", s)
	}
	words := func(l []Word) (w []uint64) {
		for _, x := range l {
			w = append(w, x.Word)
		}
		return w
	}
	for _, c := range []struct {
		topic, list int
		want        []uint64
	}{{0, 0, []uint64{0, 1}}, {0, 1, []uint64{0, 1}}, {1, 0, []uint64{3, 1}}, {1, 1, []uint64{3, 1}}} {
		if got := words(s.Topics[c.topic].Lists[c.list]); !slices.Equal(got, c.want) {
			t.Errorf("topic %d, list %d: got words %v, want %v", c.topic, c.list, got, c.want)
		}
	}
	w := s.Topics[1].Lists[1][0]
	if w.Count != 7 || w.All != 8 || !near(w.Given, 7.5/12) || w.Overall != 0.4 || !near(w.Relevance, math.Log(7.5/12/0.4)) {
		t.Errorf("got %+v, want 7 of 8 tokens, p(w|k) 7.5/12, p(w) 0.4 and the logarithm of their ratio", w)
	}
	// P = (.6 .3 0 .1), Q = (0 .3 0 .7), M = (.3 .3 0 .4).
	h := func(p ...float64) (sum float64) {
		for _, x := range p {
			sum -= x * math.Log2(x)
		}
		return sum
	}
	if got, want := s.Apart.At(0, 1), h(.3, .3, .4)-(h(.6, .3, .1)+h(.3, .7))/2; !near(got, want) {
		t.Errorf("got a divergence of %g, want %g", got, want)
	}
	if got, want := s.Topics[0].Place.X-s.Topics[1].Place.X, math.Sqrt(s.Apart.At(0, 1)); !near(math.Abs(got), want) || s.Explained < 1-1e-9 {
		t.Errorf("got places %g apart and %g explained, want %g and 1", got, s.Explained, want)
	}
	if got := s.Diversity(0, 2); got != 0.75 {
		t.Errorf("got a diversity of %g, want 3 words of 4", got)
	}
}

// Lists and distances are those of the definitions.
func TestBruteForce(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 0))
	for range 20 {
		counts := random(r, 2+r.IntN(40), 1+r.IntN(12))
		lambdas, top, beta := []float64{1, 0.6, 0}, 1+r.IntN(8), r.Float64()
		total, tokens := make([]float64, len(counts[0])), 0.0
		for _, row := range counts {
			for k, n := range row {
				total[k], tokens = total[k]+float64(n), tokens+float64(n)
			}
		}
		if tokens == 0 {
			continue
		}
		s, err := Gather(dense(beta, counts), Options{Top: top, Lambdas: lambdas[:1], Further: lambdas[1:], Drawn: 5})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for k, topic := range s.Topics {
			if len(topic.Lists) != 1 && !slices.Contains(s.Drawn, k) || len(topic.Lists) == 1 && slices.Contains(s.Drawn, k) {
				t.Fatalf("seed %d: topic %d has %d lists, drawn are %v", seed, k, len(topic.Lists), s.Drawn)
			}
			for l, lambda := range lambdas[:len(topic.Lists)] {
				var want []Word
				for w, row := range counts {
					all := 0.0
					for _, n := range row {
						all += float64(n)
					}
					if row[k] > 0 {
						given := (float64(row[k]) + beta) / (total[k] + float64(len(counts))*beta)
						want = append(want, Word{uint64(w), row[k], int64(all), given, all / tokens,
							lambda*math.Log(given) + (1-lambda)*math.Log(given/(all/tokens))})
					}
				}
				slices.SortStableFunc(want, func(a, b Word) int { return cmp.Compare(b.Relevance, a.Relevance) })
				got := topic.Lists[l]
				if len(got) != min(top, len(want)) {
					t.Fatalf("seed %d: topic %d: got %d words, want %d of %d", seed, k, len(got), top, len(want))
				}
				for i, g := range got {
					// Words whose relevance is equal but for rounding may change places.
					if !near(g.Relevance, want[i].Relevance) || !slices.ContainsFunc(want, func(w Word) bool {
						return w.Word == g.Word && w.Count == g.Count && w.All == g.All && near(w.Given, g.Given) && near(w.Overall, g.Overall) && near(w.Relevance, g.Relevance)
					}) {
						t.Fatalf("seed %d: topic %d, lambda %g, word %d: got %+v, want %+v", seed, k, lambda, i, g, want[i])
					}
				}
			}
		}
		for a, i := range s.Drawn {
			for b, j := range s.Drawn {
				want := 0.0
				for _, row := range counts {
					p, q := float64(row[i])/total[i], float64(row[j])/total[j]
					for _, x := range []float64{p, q} {
						if x > 0 {
							want += x * math.Log2(2*x/(p+q)) / 2
						}
					}
				}
				if got := s.Apart.At(a, b); math.Abs(got-want) > 1e-12 {
					t.Fatalf("seed %d: topics %d and %d: got a divergence of %g, want %g", seed, i, j, got, want)
				}
			}
			if a > 0 && s.Topics[i].Tokens > s.Topics[s.Drawn[a-1]].Tokens {
				t.Fatalf("seed %d: %v are not the largest", seed, s.Drawn)
			}
		}
	}
}

// Topics without tokens are of no harm, nor is a topic alone.
func TestEmptyTopics(t *testing.T) {
	s, err := Gather(dense(0, [][]int32{{0, 2, 0}, {0, 1, 0}}), Options{Top: 3, Lambdas: []float64{0.5}, Drawn: 3})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.Drawn, []int{1}) || len(s.Topics[0].Lists[0]) != 0 || len(s.Topics[1].Lists[0]) != 2 || s.Topics[1].Place != (Point{}) || s.Explained != 1 {
		t.Errorf("got %+v, want topic 1 alone at (0, 0)", s)
	}
}

func TestRefused(t *testing.T) {
	lost := errors.New("lost")
	row := func(word uint64, topics, counts []int32) Model {
		return Model{Words: 2, Topics: 2, Rows: func(each func(uint64, []int32, []int32) error) error { return each(word, topics, counts) }}
	}
	one := []int32{1}
	for _, c := range []struct {
		name string
		m    Model
		o    Options
		want string
	}{
		{"no topics", Model{Words: 1}, Options{Top: 1}, "0 topics"},
		{"no list", dense(0, [][]int32{{1}}), Options{}, "0 of each"},
		{"beta", dense(math.NaN(), [][]int32{{1}}), Options{Top: 1}, "beta NaN"},
		{"lambda", dense(0, [][]int32{{1}}), Options{Top: 1, Lambdas: []float64{1.5}}, "lambda 1.5"},
		{"a further lambda", dense(0, [][]int32{{1}}), Options{Top: 1, Further: []float64{math.NaN()}}, "lambda NaN"},
		{"nothing learned", dense(0, [][]int32{{0}}), Options{Top: 1}, "no word has a token"},
		{"a word too many", row(2, one, one), Options{Top: 1}, "word 2 of 2"},
		{"a topic too many", row(0, []int32{2}, one), Options{Top: 1}, "topic 2 of 2"},
		{"a negative count", row(0, one, []int32{-4}), Options{Top: 1}, "has -4 tokens"},
		{"topics twice", row(0, []int32{1, 1}, []int32{1, 1}), Options{Top: 1}, "ascending topics"},
		{"lengths", row(0, one, []int32{1, 1}), Options{Top: 1}, "2 counts in 1 topics"},
		{"reading", Model{Words: 1, Topics: 1, Rows: func(func(uint64, []int32, []int32) error) error { return lost }}, Options{Top: 1}, "lost"},
	} {
		if _, err := Gather(c.m, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want %q", c.name, err, c.want)
		}
	}
}
