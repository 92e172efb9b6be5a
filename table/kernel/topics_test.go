package kernel

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// topicsOf returns the draws of a word of so many tokens in documents whose other
// tokens are at random, some of them not counted.
func topicsOf(seed uint64, rows rowKind, topics, docs, tokens int) *Topics {
	r := rand.New(rand.NewPCG(seed, uint64(topics)))
	stride := (topics + 15) &^ 15
	t := &Topics{
		Phi: make([]float32, stride), Inverse: make([]float32, stride), Alpha: make([]float32, stride),
		Word: make([]int32, topics), Totals: make([]int32, topics),
		Doc: make([]uint32, tokens, tokens+16), Topic: make([]uint32, tokens),
		Sums: make([]float32, 3*stride+256), Beta: 0.01, VBeta: 3, Random: seed, Stride: stride, Shift: 20,
	}
	counts := make([]int32, docs*stride)
	for d := range docs {
		for range r.IntN(60) {
			k := r.IntN(topics) * r.IntN(4) / 3
			counts[d*stride+k]++
			t.Totals[k] += int32(1 + r.IntN(3))
		}
	}
	for i := range t.Doc {
		t.Doc[i], t.Topic[i] = uint32(r.IntN(docs)), NoTopic
		if k := r.IntN(topics); r.IntN(8) > 0 {
			t.Topic[i] = uint32(k)
			t.Word[k]++
			t.Totals[k]++
			counts[int(t.Doc[i])*stride+k]++
		}
	}
	for k := range topics {
		t.Alpha[k] = 0.05 + r.Float32()
		t.Inverse[k] = 1 / (float32(t.Totals[k]) + t.VBeta)
	}
	t.Word[0] -= 3 // another part's counts are late
	t.store(rows, counts, docs)
	return t
}

func (t *Topics) store(rows rowKind, counts []int32, docs int) {
	switch rows {
	case ofBytes:
		t.Rows8 = make([]uint8, len(counts))
		for i, n := range counts {
			t.Rows8[i] = uint8(n)
		}
	case ofShorts:
		t.Rows16 = make([]uint16, len(counts))
		for i, n := range counts {
			t.Rows16[i] = uint16(n)
		}
	default:
		t.Head, t.Entries = make([]uint32, 2*docs), make([]uint32, len(counts)+32)
		for d := range docs {
			first := d * t.Stride
			t.Head[2*d] = uint32(first)
			for k, n := range counts[first : first+t.Stride] {
				if n > 0 {
					t.Entries[first+int(t.Head[2*d+1])] = uint32(k)<<t.Shift | uint32(n)
					t.Head[2*d+1]++
				}
			}
		}
	}
}

// all draws all tokens, and returns how often the topic came from alpha.
func (t *Topics) all(rows rowKind) (alphas int) {
	t.Fill()
	t.At = 0
	for {
		switch state, _ := t.draw(nil, rows); state {
		case Drawn:
			return alphas
		case FromAlpha:
			alphas++
			t.DrawAlpha()
		case Full:
			t.Move(t.Chosen)
		}
		t.At++
	}
}

// TestTopics compares each path with plain Go, to the bit.
func TestTopics(t *testing.T) {
	for _, name := range Paths() {
		for _, rows := range []rowKind{ofBytes, ofShorts, ofLists} {
			for _, topics := range []int{1, 2, 15, 16, 17, 64, 100, 333} {
				run := func(name string) *Topics {
					defer Use(name)()
					x := topicsOf(7, rows, topics, 9, 70)
					for range 20 {
						x.all(rows)
					}
					return x
				}
				got, want := run(name), run("plain")
				if !slices.Equal(got.Topic, want.Topic) || got.Random != want.Random || !slices.Equal(got.Phi, want.Phi) ||
					!slices.Equal(got.Word, want.Word) || !slices.Equal(got.Rows8, want.Rows8) ||
					!slices.Equal(got.Rows16, want.Rows16) || !slices.Equal(got.Entries, want.Entries) {
					t.Errorf("%s, rows %d, %d topics: got topics\n%v, want\n%v", name, rows, topics, got.Topic, want.Topic)
				}
			}
		}
	}
}

// TestTopicsPairs compares each path with plain Go where two words are drawn in turns.
func TestTopicsPairs(t *testing.T) {
	for _, rows := range []rowKind{ofBytes, ofShorts, ofLists} {
		run := func(name string) (topics, rest []uint32) {
			defer Use(name)()
			a, b := topicsOf(7, rows, 100, 9, 70), topicsOf(8, rows, 100, 9, 50)
			// The counts of the second are of the documents and totals of the first.
			for b.At = range b.Topic {
				b.Topic[b.At] = NoTopic
			}
			b.At = 0
			b.Totals, b.Inverse, b.Alpha = a.Totals, a.Inverse, a.Alpha
			b.Rows8, b.Rows16, b.Entries, b.Head = a.Rows8, a.Rows16, a.Entries, a.Head
			a.Fill()
			b.Fill()
			for {
				state, x := a.draw(b, rows)
				switch state {
				case Drawn:
					if got, want := x.At, len(x.Topic); got != want {
						t.Fatalf("%s: got %d tokens drawn, want %d", name, got, want)
					}
					return slices.Concat(a.Topic, b.Topic), a.Entries
				case FromAlpha:
					x.DrawAlpha()
				}
				x.At++
			}
		}
		want, wantEntries := run("plain")
		for _, name := range Paths() {
			if got, entries := run(name); !slices.Equal(got, want) || !slices.Equal(entries, wantEntries) {
				t.Errorf("%s, rows %d: got topics\n%v, want\n%v", name, rows, got, want)
			}
		}
	}
}

// TestTopicsWeights draws one token again and again, and compares how often it has each
// topic with the formula.
func TestTopicsWeights(t *testing.T) {
	for _, rows := range []rowKind{ofBytes, ofShorts, ofLists} {
		for _, fresh := range []bool{false, true} {
			const topics, draws = 37, 200000
			x := topicsOf(11, rows, topics, 3, 30)
			x.all(rows) // no token is fresh now
			x.Doc, x.Topic = x.Doc[:1], x.Topic[:1]
			counts := x.counts(rows, int(x.Doc[0]))
			z := int(x.Topic[0])
			weight, sum := make([]float64, topics), 0.0
			for k := range weight {
				own := int32(0)
				if k == z {
					own = 1
				}
				weight[k] = (float64(counts[k]-own) + float64(x.Alpha[k])) * (float64(max(0, x.Word[k]-own)) + float64(x.Beta)) /
					(float64(max(0, x.Totals[k]-own)) + float64(x.VBeta))
				sum += weight[k]
			}
			got := make([]float64, topics)
			for range draws {
				if fresh {
					x.forget(rows)
				}
				x.all(rows)
				got[x.Topic[0]]++
			}
			chi := 0.0
			for k, w := range weight {
				want := w / sum * draws
				chi += (got[k] - want) * (got[k] - want) / want
			}
			if chi > 80 { // of 36 degrees of freedom: 1 in 30000
				t.Errorf("rows %d, fresh %t: chi-square %.1f of 36 degrees of freedom", rows, fresh, chi)
			}
		}
	}
}

// counts are n_dk of a document.
func (t *Topics) counts(rows rowKind, doc int) []int32 {
	n := make([]int32, len(t.Word))
	for k := range n {
		switch rows {
		case ofBytes:
			n[k] = int32(t.Rows8[doc*t.Stride+k])
		case ofShorts:
			n[k] = int32(t.Rows16[doc*t.Stride+k])
		}
	}
	if rows == ofLists {
		for _, e := range t.Entries[t.Head[2*doc]:][:t.Head[2*doc+1]] {
			n[e>>t.Shift] += int32(e & uint32(t.mask))
		}
	}
	return n
}

// forget takes the first token out of all counts.
func (t *Topics) forget(rows rowKind) {
	z, doc := t.Topic[0], int(t.Doc[0])
	t.At = 0
	t.Count(int(z), -1)
	if rows != ofLists {
		t.add(doc*t.Stride+int(z), -1)
	} else {
		first := t.Head[2*doc]
		list := t.Entries[first : first+t.Head[2*doc+1]]
		for i := range list {
			if list[i]>>t.Shift == z {
				list[i]--
				if list[i]&uint32(t.mask) == 0 {
					list[i], list[len(list)-1] = list[len(list)-1], 0
					t.Head[2*doc+1]--
				}
				break
			}
		}
	}
	t.Topic[0] = NoTopic
}
