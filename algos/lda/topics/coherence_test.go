package topics

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func TestNPMI(t *testing.T) {
	for _, c := range []struct {
		name          string
		n, a, b, both int64
		want          float64
	}{
		{name: "never together", n: 8, a: 2, b: 2, both: 0, want: -1},
		{name: "only together", n: 8, a: 2, b: 2, both: 2, want: 1},
		{name: "independent", n: 8, a: 4, b: 4, both: 2, want: 0},
		{name: "in all", n: 8, a: 8, b: 8, both: 8, want: 1},
		{name: "one is in all", n: 8, a: 8, b: 2, both: 2, want: 0},
		{name: "more often than by chance", n: 16, a: 4, b: 8, both: 4, want: 0.5}, // log 2 of log 4
		{name: "less often", n: 16, a: 8, b: 8, both: 2, want: -1. / 3},            // -log 2 of log 8
	} {
		if got := NPMI(c.n, c.a, c.b, c.both); math.Abs(got-c.want) > 1e-15 {
			t.Errorf("%s: got %g, want %g", c.name, got, c.want)
		}
		if got := NPMI(c.n, c.b, c.a, c.both); math.Abs(got-c.want) > 1e-15 {
			t.Errorf("%s, turned around: got %g, want %g", c.name, got, c.want)
		}
	}
}

// documents adds documents, each a list of words.
func documents(c *Coherence, list [][]uint64) {
	for _, words := range list {
		c.Begin()
		for _, w := range words {
			c.Has(w)
		}
		c.End()
	}
}

func TestCoherence(t *testing.T) {
	c, err := NewCoherence([][]uint64{{7, 3, 5}, {3, 9}, {9, 11}, {}, {5}})
	if err != nil {
		t.Fatal(err)
	}
	documents(c, [][]uint64{{3, 7}, {5, 3, 100}, {7, 3, 9}, {}, {1, 2}, {9, 5}, {5}, {1 << 60}})
	// Of 8 documents 3 have word 3, 2 have 7, 3 have 5, 2 have 9, none has 11.
	// 7 and 3 meet in 2, 3 and 5 in 1, 7 and 5 in none, 3 and 9 in 1.
	first := (math.Log(2*8./(2*3))/math.Log(4) + math.Log(8./9)/math.Log(8) - 1) / 3
	want := []Score{{first, 3, 0}, {math.Log(8./6) / math.Log(8), 1, 0}, {math.NaN(), 0, 1}, {math.NaN(), 0, 0}, {math.NaN(), 0, 0}}
	got := c.Scores()
	for l, w := range want {
		g := got[l]
		if g.Pairs != w.Pairs || g.Missing != w.Missing || math.Abs(g.NPMI-w.NPMI) > 1e-15 || math.IsNaN(g.NPMI) != math.IsNaN(w.NPMI) {
			t.Errorf("list %d: got %+v, want %+v", l, g, w)
		}
	}
	if got, want := Mean(got), (want[0].NPMI+want[1].NPMI)/2; math.Abs(got-want) > 1e-15 || c.Documents() != 8 {
		t.Errorf("got a mean of %g of %d documents, want %g of 8", got, c.Documents(), want)
	}
	if got := Mean(c.Scores()[2:]); !math.IsNaN(got) {
		t.Errorf("got a mean of %g of no scores, want NaN", got)
	}
}

func TestCoherenceBruteForce(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 0))
	lists := make([][]uint64, 6)
	for l := range lists {
		for _, w := range r.Perm(20)[:5] {
			lists[l] = append(lists[l], uint64(w))
		}
	}
	corpus := make([][]uint64, 100)
	in := make([]map[uint64]bool, len(corpus))
	for d := range corpus {
		in[d] = map[uint64]bool{}
		for _, w := range r.Perm(20)[:r.IntN(8)] {
			corpus[d], in[d][uint64(w)] = append(corpus[d], uint64(w)), true
		}
	}
	c, err := NewCoherence(lists)
	if err != nil {
		t.Fatal(err)
	}
	documents(c, corpus)
	for l, s := range c.Scores() {
		sum, pairs := 0.0, 0
		for i, a := range lists[l] {
			for _, b := range lists[l][:i] {
				na, nb, nab := 0., 0., 0.
				for _, d := range in {
					if d[a] {
						na++
					}
					if d[b] {
						nb++
					}
					if d[a] && d[b] {
						nab++
					}
				}
				pairs++
				if nab == 0 {
					sum--
					continue
				}
				n := float64(len(corpus))
				sum += math.Log(nab/n/(na/n*nb/n)) / -math.Log(nab/n)
			}
		}
		if s.Pairs != pairs || math.Abs(s.NPMI-sum/float64(pairs)) > 1e-12 {
			t.Errorf("seed %d: list %d: got %+v, want %g of %d pairs", seed, l, s, sum/float64(pairs), pairs)
		}
	}
}

func TestTooManyPairs(t *testing.T) {
	lists := make([][]uint64, 1<<10)
	for l := range lists {
		lists[l] = make([]uint64, 600)
	}
	if _, err := NewCoherence(lists); err == nil || !strings.Contains(err.Error(), "take fewer words") {
		t.Errorf("got error %v, want take fewer words", err)
	}
}
