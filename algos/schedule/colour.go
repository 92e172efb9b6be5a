package schedule

import (
	"errors"
	"fmt"
	"slices"
)

// Graph is an undirected graph of what depends on what, as compressed rows: the
// neighbours of v are Edges[Offsets[v]:Offsets[v+1]], in any order. Every edge is in
// the rows of both its ends.
type Graph struct {
	Offsets []int64 // one more than there are vertices, from 0 to len(Edges)
	Edges   []uint32
}

// Consistency is what an update of a vertex may count on, as GraphLab has it.
type Consistency uint8

// The consistencies.
const (
	// Vertex: nobody else updates the vertex. All can go at once.
	Vertex Consistency = iota
	// Edge: nor its neighbours.
	Edge
	// Full: nor theirs, so that an update may write to its neighbours.
	Full
)

// Classes are vertices by colour: those of one colour may be updated together.
type Classes struct {
	order  []uint32 // vertices, colour by colour, ascending in each
	starts []int    // of the colours in order, and the end
}

// Colours is how many there are.
func (c *Classes) Colours() int { return len(c.starts) - 1 }

// Class is the vertices of a colour, ascending. They are not to be changed.
func (c *Classes) Class(colour int) []uint32 { return c.order[c.starts[colour]:c.starts[colour+1]] }

// Colour colours a graph greedily, vertices of most edges first, each with the least
// colour that it may have (Welsh and Powell 1967): at most one colour more than the
// most edges of a vertex; with Full, than their square. It needs 16 bytes a vertex
// beside the graph and, to check that edges go both ways, 4 an edge.
func Colour(g Graph, consistency Consistency) (*Classes, error) {
	if consistency > Full {
		return nil, fmt.Errorf("schedule: there is no consistency %d", consistency)
	}
	if err := g.check(); err != nil {
		return nil, err
	}
	n := len(g.Offsets) - 1
	colour := make([]uint32, n) // 1 + the colour, 0: none yet
	if consistency == Vertex {
		for v := range colour {
			colour[v] = 1
		}
		return classes(colour, min(n, 1)), nil
	}
	var taken []uint32 // by colour, the last vertex, plus 1, that could not have it
	for _, v := range g.byDegree() {
		take := func(u uint32) {
			if c := colour[u]; c > 0 && u != v {
				taken[c-1] = v + 1
			}
		}
		for _, u := range g.row(v) {
			take(u)
			if consistency == Full {
				for _, w := range g.row(u) {
					take(w)
				}
			}
		}
		c := slices.IndexFunc(taken, func(by uint32) bool { return by != v+1 })
		if c < 0 {
			c = len(taken)
			taken = append(taken, 0)
		}
		colour[v] = uint32(c + 1)
	}
	return classes(colour, len(taken)), nil
}

func (g Graph) row(v uint32) []uint32 { return g.Edges[g.Offsets[v]:g.Offsets[v+1]] }

// byDegree is the vertices, those with most edges first, of equals the lowest.
func (g Graph) byDegree() []uint32 {
	n := len(g.Offsets) - 1
	most := 0
	for v := range n {
		most = max(most, len(g.row(uint32(v))))
	}
	starts := make([]int, most+2) // of most - degree, the next place
	for v := range n {
		starts[most-len(g.row(uint32(v)))+1]++
	}
	for i := range starts[1:] {
		starts[i+1] += starts[i]
	}
	order := make([]uint32, n)
	for v := range n {
		at := &starts[most-len(g.row(uint32(v)))]
		order[*at] = uint32(v)
		*at++
	}
	return order
}

// check finds rows that are no graph.
func (g Graph) check() error {
	if len(g.Offsets) == 0 {
		return errors.New("schedule: graph: offsets are one more than vertices, so at least one")
	}
	n := len(g.Offsets) - 1
	if int64(n) >= 1<<32-1 {
		return fmt.Errorf("schedule: graph of %d vertices: their numbers have 32 bits", n)
	}
	if first, last := g.Offsets[0], g.Offsets[n]; first != 0 || last != int64(len(g.Edges)) {
		return fmt.Errorf("schedule: graph: offsets go from %d to %d, with %d edges they go from 0 to that", first, last, len(g.Edges))
	}
	for v := range n {
		if g.Offsets[v] > g.Offsets[v+1] {
			return fmt.Errorf("schedule: graph: the edges of vertex %d end before they begin, at %d and %d", v, g.Offsets[v+1], g.Offsets[v])
		}
	}
	for v := range n {
		for _, u := range g.row(uint32(v)) {
			if int(u) >= n {
				return fmt.Errorf("schedule: graph: vertex %d has an edge to %d of %d vertices", v, u, n)
			}
			if int(u) == v {
				return fmt.Errorf("schedule: graph: vertex %d has an edge to itself", v)
			}
		}
	}
	return g.bothWays()
}

// bothWays finds an edge that only one end has. It turns the rows round: where every
// edge goes both ways, what comes in at a vertex is what goes out, as sets.
func (g Graph) bothWays() error {
	n := len(g.Offsets) - 1
	next := make([]int64, n+1)
	for _, u := range g.Edges {
		next[u+1]++
	}
	for v := range n {
		next[v+1] += next[v]
	}
	in := make([]uint32, len(g.Edges))
	for v := range n {
		for _, u := range g.row(uint32(v)) {
			in[next[u]] = uint32(v)
			next[u]++
		}
	}
	seen := make([]uint32, n) // 1 + the last vertex at which an edge from here came in
	begin := int64(0)
	for v := range n {
		for _, u := range in[begin:next[v]] {
			seen[u] = uint32(v) + 1
		}
		begin = next[v]
		for _, u := range g.row(uint32(v)) {
			if seen[u] != uint32(v)+1 {
				return fmt.Errorf("schedule: graph: vertex %d has an edge to %d, which has none back", v, u)
			}
		}
	}
	return nil
}

// classes sorts vertices by colour.
func classes(colour []uint32, colours int) *Classes {
	c := &Classes{order: make([]uint32, len(colour)), starts: make([]int, colours+1)}
	for _, k := range colour {
		c.starts[k]++
	}
	for k := range colours {
		c.starts[k+1] += c.starts[k]
	}
	next := slices.Clone(c.starts)
	for v, k := range colour {
		c.order[next[k-1]] = uint32(v)
		next[k-1]++
	}
	return c
}

// chromatic gives colour by colour.
type chromatic struct {
	states
	classes *Classes
	block   int
	colour  int
	at      int // in classes.order
	again   []int
}

// Schedule gives the vertices colour by colour, in blocks of at most block of one
// colour, and of the next colour none before all of one are Done: GraphLab's chromatic
// engine. Between colours Next gives none while rounds are in flight.
func (c *Classes) Schedule(block int) (Schedule, error) {
	if block < 1 {
		return nil, fmt.Errorf("schedule: blocks of %d vertices: one is the least", block)
	}
	return &chromatic{states: newStates(len(c.order)), classes: c, block: block}, nil
}

// Next goes on with the colour, or with the next once it is done with.
func (s *chromatic) Next(dst []int) []int {
	if s.quiet() {
		return dst
	}
	room := s.block
	for colours := 0; colours <= s.classes.Colours(); colours++ {
		for len(s.again) > 0 && room > 0 {
			j := s.again[len(s.again)-1]
			s.again = s.again[:len(s.again)-1]
			if s.ready.has(j) {
				s.give(j)
				dst, room = append(dst, j), room-1
			}
		}
		for end := s.classes.starts[s.colour+1]; s.at < end && room > 0; s.at++ {
			if j := int(s.classes.order[s.at]); s.ready.has(j) {
				s.give(j)
				dst, room = append(dst, j), room-1
			}
		}
		if s.out > 0 {
			return dst
		}
		s.colour = (s.colour + 1) % s.classes.Colours()
		s.at = s.classes.starts[s.colour]
	}
	return dst
}

// Done takes vertices back; those left out are given again before the next colour.
func (s *chromatic) Done(o Outcome) {
	for i, j := range o.Variables {
		if s.flight.has(j) {
			s.back(j, &o, i, true)
			if o.left(i) {
				s.again = append(s.again, j)
			}
		}
	}
}

// Renew puts to sleep what promises nothing and is not in use.
func (s *chromatic) Renew(promise []float64) { s.renew(promise) }

var _ Screener = (*chromatic)(nil)
