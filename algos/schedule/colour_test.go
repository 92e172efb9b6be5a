package schedule

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// graphOf makes a graph of pairs.
func graphOf(n int, pairs ...[2]int) Graph {
	rows := make([][]uint32, n)
	for _, p := range pairs {
		rows[p[0]] = append(rows[p[0]], uint32(p[1]))
		rows[p[1]] = append(rows[p[1]], uint32(p[0]))
	}
	g := Graph{Offsets: []int64{0}}
	for _, r := range rows {
		g.Edges = append(g.Edges, r...)
		g.Offsets = append(g.Offsets, int64(len(g.Edges)))
	}
	return g
}

// ring is n vertices in a circle.
func ring(n int) Graph {
	var pairs [][2]int
	for v := 0; v < n && n > 2; v++ {
		pairs = append(pairs, [2]int{v, (v + 1) % n})
	}
	return graphOf(n, pairs...)
}

func TestColour(t *testing.T) {
	star := graphOf(5, [2]int{2, 0}, [2]int{2, 1}, [2]int{2, 3}, [2]int{2, 4})
	for _, c := range []struct {
		name        string
		g           Graph
		consistency Consistency
		want        string
	}{
		{"star, vertex", star, Vertex, "[0 1 2 3 4]"},
		{"star, edge", star, Edge, "[2] [0 1 3 4]"},
		{"star, full", star, Full, "[2] [0] [1] [3] [4]"},
		{"ring of 6", ring(6), Edge, "[0 2 4] [1 3 5]"},
		{"ring of 5", ring(5), Edge, "[0 2] [1 3] [4]"},
		{"ring of 6, full", ring(6), Full, "[0 3] [1 4] [2 5]"},
		{"no edges", graphOf(3), Edge, "[0 1 2]"},
		{"nothing", graphOf(0), Full, ""},
	} {
		classes, err := Colour(c.g, c.consistency)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var got []string
		for k := range classes.Colours() {
			got = append(got, fmt.Sprint(classes.Class(k)))
		}
		if got := strings.Join(got, " "); got != c.want {
			t.Errorf("%s: got %s want %s", c.name, got, c.want)
		}
	}
}

// TestColourProper: of random graphs, no two of a colour are too near, and the colours
// are at most one more than the most edges.
func TestColourProper(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 1))
		n := 2 + rng.IntN(60)
		var pairs [][2]int
		degree, most := make([]int, n), 0
		for v := range n {
			for u := range v {
				if rng.IntN(6) == 0 {
					pairs = append(pairs, [2]int{v, u})
					degree[v]++
					degree[u]++
				}
			}
		}
		for _, d := range degree {
			most = max(most, d)
		}
		g := graphOf(n, pairs...)
		for _, consistency := range []Consistency{Edge, Full} {
			classes, err := Colour(g, consistency)
			if err != nil {
				t.Fatal(err)
			}
			if got := classes.Colours(); got > most+1 && consistency == Edge {
				t.Errorf("seed %d: %d colours, want at most %d", seed, got, most+1)
			}
			of := make([]int, n)
			for k := range classes.Colours() {
				for _, v := range classes.Class(k) {
					of[v] = k + 1
				}
			}
			for v := range uint32(n) {
				if of[v] == 0 {
					t.Errorf("seed %d: vertex %d has no colour", seed, v)
				}
				for _, u := range g.row(v) {
					if of[u] == of[v] {
						t.Errorf("seed %d: %d and %d are neighbours of one colour", seed, u, v)
					}
					for _, w := range g.row(u) {
						if consistency == Full && w != v && of[w] == of[v] {
							t.Errorf("seed %d: %d and %d share a neighbour and a colour", seed, w, v)
						}
					}
				}
			}
		}
	}
}

func TestColourRefuses(t *testing.T) {
	for _, c := range []struct {
		g    Graph
		want string
	}{
		{Graph{}, "offsets are one more than vertices"},
		{Graph{Offsets: []int64{0, 1}}, "offsets go from 0 to 1, with 0 edges"},
		{Graph{Offsets: []int64{1, 1}, Edges: []uint32{0}}, "offsets go from 1 to 1"},
		{Graph{Offsets: []int64{0, 3, 2}, Edges: []uint32{1, 0}}, "vertex 1 end before they begin"},
		{Graph{Offsets: []int64{0, 1, 2}, Edges: []uint32{1, 2}}, "vertex 1 has an edge to 2 of 2"},
		{Graph{Offsets: []int64{0, 1, 2}, Edges: []uint32{1, 1}}, "vertex 1 has an edge to itself"},
		{Graph{Offsets: []int64{0, 1, 1}, Edges: []uint32{1}}, "vertex 0 has an edge to 1, which has none back"},
		{Graph{Offsets: []int64{0, -1, 0}, Edges: nil}, "vertex 0 end before they begin"},
		{Graph{Offsets: []int64{0, 5, 2}, Edges: []uint32{1, 0}}, "vertex 1 end before they begin"},
	} {
		if _, err := Colour(c.g, Edge); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: got %v, want %q", c.g, err, c.want)
		}
	}
	if _, err := Colour(ring(3), 3); err == nil {
		t.Error("consistency 3: got no error")
	}
}

// TestClasses: nothing of the next colour comes while one is in flight.
func TestClasses(t *testing.T) {
	classes, err := Colour(ring(6), Edge)
	if err != nil {
		t.Fatal(err)
	}
	s, err := classes.Schedule(2)
	if err != nil {
		t.Fatal(err)
	}
	first, second := s.Next(nil), s.Next(nil)
	if got, want := fmt.Sprint(first, second, s.Next(nil)), "[0 2] [4] []"; got != want {
		t.Fatalf("got %s want %s", got, want)
	}
	s.Done(Outcome{Variables: second})
	if got := s.Next(nil); len(got) > 0 {
		t.Errorf("got %v of the next colour while one is in flight", got)
	}
	s.Done(Outcome{Variables: first, Left: []bool{false, true}})
	again := s.Next(nil)
	if got, want := fmt.Sprint(again, s.Next(nil)), "[2] []"; got != want {
		t.Errorf("got %s want %s", got, want)
	}
	s.Done(Outcome{Variables: again})
	if got, want := fmt.Sprint(s.Next(nil)), "[1 3]"; got != want {
		t.Errorf("got %s want %s", got, want)
	}
}

func TestRotation(t *testing.T) {
	for _, c := range []struct {
		begin, end uint64
		parts      int
	}{{0, 10, 3}, {5, 5, 4}, {7, 9, 4}, {0, math.MaxUint64, 7}, {3, 103, 1}} {
		r, err := NewRotation(c.begin, c.end, c.parts)
		if err != nil {
			t.Fatal(err)
		}
		for clock := range int64(2 * c.parts) {
			at := c.begin
			for slice := range c.parts { // in the order of keys
				p := ((slice-int(clock))%c.parts + c.parts) % c.parts
				begin, end := r.Slice(p, clock)
				size := (c.end - c.begin) / uint64(c.parts)
				if begin != at || end-begin < size || end-begin > size+1 {
					t.Errorf("%v, clock %d, slice %d: got [%d, %d), want from %d, of %d or one more", c, clock, slice, begin, end, at, size)
				}
				at = end
			}
			if at != c.end {
				t.Errorf("%v, clock %d: slices end at %d", c, clock, at)
			}
		}
	}
	if _, err := NewRotation(0, 5, 0); err == nil {
		t.Error("0 parts: got no error")
	}
	if _, err := NewRotation(6, 5, 1); err == nil {
		t.Error("keys 6 to 5: got no error")
	}
}
