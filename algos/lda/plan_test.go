package lda

import (
	"strings"
	"testing"

	"petuum/algos/dataset"
)

// info is data of so many words and parts, of which word w has 1 + 1000/(w+1) tokens.
func info(words, parts int) dataset.Info {
	d := dataset.Info{Rows: uint64(parts), Features: uint64(words), NonZeros: 1, PartRows: make([]uint64, parts)}
	for w := range words {
		d.Sums = append(d.Sums, float64(1+1000/(w+1)))
	}
	return d
}

func TestPlan(t *testing.T) {
	for _, c := range []struct {
		name         string
		words, parts int
		set          func(*LDA)
		rotates      bool
		packed       bool
		slices       int
	}{
		{"one part", 100, 1, nil, false, false, 1},
		{"more parts", 100, 3, nil, true, false, 6},
		{"data", 100, 3, func(a *LDA) { a.Mode = "data" }, false, false, 3},
		{"slices", 100, 3, func(a *LDA) { a.Slices = 11 }, true, false, 11},
		{"as many slices as words", 5, 5, nil, true, false, 10},
		{"many topics", 30_000, 2, func(a *LDA) { a.Topics = 10_000 }, true, true, 4},
		{"many topics, dense", 30_000, 2, func(a *LDA) { a.Topics, a.RowsKind = 10_000, "dense" }, true, false, 16},
		{"one part that is too large", 30_000, 1, func(a *LDA) { a.Topics, a.RowsKind = 10_000, "dense" }, true, false, 16},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := New()
			if c.set != nil {
				c.set(a)
			}
			p, err := a.newPlan(info(c.words, c.parts))
			if err != nil {
				t.Fatal(err)
			}
			if p.rotates != c.rotates || p.packed() != c.packed || p.slices() != c.slices {
				t.Errorf("got rotates %v, packed %v, %d slices; want %v, %v, %d", p.rotates, p.packed(), p.slices(), c.rotates, c.packed, c.slices)
			}
			if p.cuts[0] != 0 || p.cuts[p.slices()] != c.words {
				t.Errorf("got cuts %v, want them from 0 to %d", p.cuts, c.words)
			}
			for s := range p.slices() {
				if p.cuts[s] > p.cuts[s+1] {
					t.Errorf("got cuts %v, want them to ascend", p.cuts)
				}
			}
			if p.rotates && 2*p.largest() > p.memory {
				t.Errorf("got a slice of %d counts, two of which are to fit into %d", p.largest(), p.memory)
			}
		})
	}
}

func TestPlanRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		d    dataset.Info
		set  func(*LDA)
		want string
	}{
		{"nothing", dataset.Info{}, nil, "empty"},
		{"mode data", info(30_000, 1), func(a *LDA) { a.Topics, a.Mode = 10_000, "data" }, "algorithm.mode"},
		{"too few slices", info(30_000, 2), func(a *LDA) { a.Topics, a.RowsKind, a.Slices = 10_000, "dense", 2 }, "algorithm.slices"},
		{"a word that is too large", info(3, 2), func(a *LDA) { a.Topics, a.Memory = 1_000_000, 1 }, "algorithm.memory"},
		{"packed without sums", dataset.Info{Rows: 1, Features: 3, NonZeros: 1}, func(a *LDA) { a.RowsKind = "packed" }, "algorithm.rows"},
		{"counts below 0", dataset.Info{Rows: 1, Features: 2, NonZeros: 2, Sums: []float64{-5, 3}}, func(a *LDA) { a.RowsKind = "packed" }, "whole numbers"},
		{"halves", dataset.Info{Rows: 1, Features: 2, NonZeros: 2, Sums: []float64{1.5, 3}}, nil, "whole numbers"},
		{"too many tokens", dataset.Info{Rows: 1, Features: 1, NonZeros: 1, Sums: []float64{3e9}}, nil, "too many"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := New()
			if c.set != nil {
				c.set(a)
			}
			if _, err := a.newPlan(c.d); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want one with %q", err, c.want)
			}
		})
	}
}

// At each step parts are at different slices, a part is at every slice once in a sweep, and with two slices
// for each part nobody needs what another has just given back.
func TestRotation(t *testing.T) {
	for _, c := range []struct{ slices, parts int }{{1, 1}, {2, 1}, {3, 3}, {6, 3}, {7, 3}, {12, 6}} {
		r := rotation{plan: &plan{cuts: make([]int, c.slices+1)}, parts: c.parts}
		for step := range 3 * c.slices {
			seen := map[int]int{}
			for p := range c.parts {
				s := r.slice(p, step)
				if q, ok := seen[s]; ok {
					t.Errorf("%+v: parts %d and %d are at slice %d at step %d", c, p, q, s, step)
				}
				seen[s] = p
			}
			for p := range c.parts {
				if q, ok := seen[r.slice(p, step+1)]; ok && p != q && c.slices >= 2*c.parts {
					t.Errorf("%+v: part %d needs at step %d what part %d has the step before", c, p, step+1, q)
				}
			}
		}
		for p := range c.parts {
			seen := map[int]bool{}
			for step := range c.slices {
				seen[r.slice(p, step)] = true
			}
			if len(seen) != c.slices {
				t.Errorf("%+v: part %d is at %d slices in a sweep, want %d", c, p, len(seen), c.slices)
			}
		}
	}
}

// In the last steps of a sweep, each slice is told of by the part that holds it last, and by it alone.
func TestLastOfSweep(t *testing.T) {
	for _, c := range []struct{ slices, parts int }{{1, 1}, {2, 1}, {3, 3}, {6, 3}, {7, 3}, {13, 6}} {
		r := rotation{plan: &plan{cuts: make([]int, c.slices+1)}, parts: c.parts}
		for _, sweep := range []int{0, 4} {
			told := make([]int, c.slices)
			for step := range c.slices {
				for p := range c.parts {
					if s := r.slice(p, step); r.lastOfSweep(s, sweep*c.slices+step) {
						told[s]++
					}
				}
			}
			for s, n := range told {
				if n != 1 {
					t.Errorf("%+v: slice %d is told of by %d parts, want 1", c, s, n)
				}
			}
		}
	}
}
