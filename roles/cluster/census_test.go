package cluster

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// A script is a history of what is heard, and what must follow: events as +node, -node (left) and
// !node (failed); ?node is a doubt, ~node the end of one, x<node a refusal, and ^node one that came back.
func TestCensus(t *testing.T) {
	mk := func(node string, seat int, held bool, start int64) claim {
		return claim{Member: Member{Name: node, Node: node, Role: Server, Seat: seat}, held: held, start: start}
	}
	bye := func(a claim) claim { a.bye = true; return a }
	w := func(node string) claim { return mk(node, NoSeat, false, 0) }
	self := mk("self", 9, true, 1)
	type step struct {
		do   func(c *census) outcome
		want string
	}
	hear := func(a claim) func(*census) outcome { return func(c *census) outcome { return c.heard(a) } }
	intro := func(a claim) func(*census) outcome { return func(c *census) outcome { return c.introduce(a) } }
	left := func(n string) func(*census) outcome { return func(c *census) outcome { return c.left(n) } }
	silent := func(n string) func(*census) outcome { return func(c *census) outcome { return c.silent(n) } }
	dead := func(n string, round int) func(*census) outcome {
		return func(c *census) outcome { return c.dead(doubt{Member{Node: n}, round}) }
	}
	for _, tc := range []struct {
		name  string
		steps []step
	}{
		{"each once", []step{{hear(w("a")), "+a"}, {hear(w("a")), ""}, {intro(w("a")), ""}, {left("a"), "-a"}, {left("a"), ""},
			{silent("a"), ""}, {hear(w("a")), ""}, {intro(w("a")), ""}}},
		{"introduced first", []step{{intro(w("a")), "+a"}, {hear(w("a")), ""}}},
		{"self", []step{{hear(self), ""}, {left("self"), ""}, {silent("self"), ""}}},
		{"stranger", []step{{left("a"), ""}, {silent("a"), ""}, {dead("a", 1), ""}}},
		{"death", []step{{hear(w("a")), "+a"}, {silent("a"), "?a"}, {silent("a"), ""}, {dead("a", 1), "!a"}, {dead("a", 1), ""}, {left("a"), ""}}},
		{"back from the dead", []step{{hear(w("a")), "+a"}, {silent("a"), "?a"}, {dead("a", 1), "!a"}, {intro(w("a")), ""},
			{hear(w("a")), "^a"}, {hear(w("a")), ""}, {silent("a"), ""}}},
		{"late leave", []step{{hear(w("a")), "+a"}, {silent("a"), "?a"}, {left("a"), "~a -a"}, {dead("a", 1), ""}}},
		{"goodbye", []step{{hear(w("a")), "+a"}, {hear(bye(w("a"))), "-a"}, {hear(bye(w("a"))), ""}, {silent("a"), ""}, {left("a"), ""}}},
		{"goodbye of a stranger", []step{{intro(bye(w("a"))), ""}, {hear(bye(w("a"))), ""}, {silent("a"), ""}}},
		{"goodbye of a claim", []step{{hear(mk("b", 9, false, 5)), ""}, {hear(bye(mk("b", 9, false, 5))), "x<b"}, {left("b"), ""}}},
		{"goodbye in doubt", []step{{hear(w("a")), "+a"}, {silent("a"), "?a"}, {hear(bye(w("a"))), "~a -a"}, {dead("a", 1), ""}}},
		{"heard again", []step{{hear(w("a")), "+a"}, {silent("a"), "?a"}, {intro(w("a")), ""}, {hear(w("a")), "~a"}, {dead("a", 1), ""},
			{silent("a"), "?a"}, {dead("a", 1), ""}, {dead("a", 2), "!a"}}},
		{"claim then hold", []step{{hear(mk("a", 0, false, 1)), ""}, {hear(mk("a", 0, true, 1)), "+a"}}},
		{"claim in vain", []step{{hear(mk("a", 0, true, 5)), "+a"}, {hear(mk("b", 0, false, 1)), ""}, {left("b"), "x<b"}, {hear(mk("b", 0, false, 1)), ""}}},
		{"claim given up", []step{{hear(mk("b", 0, false, 1)), ""}, {left("b"), "x b"}}},
		{"claim falls silent", []step{{hear(mk("b", 0, false, 1)), ""}, {silent("b"), "x b"}, {left("b"), ""}, {hear(mk("b", 0, true, 1)), "+b"}}},
		{"goodbye out of order", []step{{hear(mk("b", 9, false, 5)), ""}, {silent("b"), "x<b"}, {left("b"), ""}}},
		{"my seat", []step{{hear(mk("b", 9, true, 5)), ""}, {left("b"), "x<b"}}},
		{"successor", []step{{hear(mk("a", 0, true, 1)), "+a"}, {hear(mk("b", 0, true, 2)), ""}, {silent("a"), "?a"},
			{hear(mk("b", 0, true, 2)), ""}, {dead("a", 1), "!a +b"}}},
		{"seat moves", []step{{hear(mk("a", 0, true, 1)), "+a"}, {hear(mk("b", 0, true, 2)), ""}, {hear(mk("a", 1, true, 1)), "+b"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newCensus(self)
			for i, s := range tc.steps {
				if got := show(s.do(c)); got != s.want {
					t.Fatalf("step %d: got %q, want %q", i, got, s.want)
				}
			}
		})
	}
}

func show(o outcome) string {
	var s []string
	if o.calm != "" {
		s = append(s, "~"+o.calm)
	}
	for _, e := range o.events {
		s = append(s, map[EventKind]string{Joined: "+", Left: "-", Failed: "!"}[e.Kind]+e.Member.Node)
	}
	if o.doubt != nil {
		s = append(s, "?"+o.doubt.member.Node)
	}
	if o.refused != nil {
		s = append(s, map[bool]string{true: "x<", false: "x "}[o.holder != nil]+o.refused.Node)
	}
	if o.returned != nil {
		s = append(s, "^"+o.returned.Node)
	}
	return strings.Join(s, " ")
}

// Whatever is heard in whatever order: each incarnation joins at most once and ends at most once, after
// it joined, and Members is what the events add up to.
func TestCensusHistories(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for range 500 {
		c := newCensus(claim{Member: Member{Name: "self", Node: "self", Role: Server, Seat: rng.IntN(3)}, held: true})
		joined, ended := map[string]bool{}, map[string]bool{}
		var doubts []doubt
		for range 200 {
			node := fmt.Sprint("n", rng.IntN(6))
			a := claim{Member: Member{Name: node, Node: node, Role: Server, Seat: rng.IntN(4) - 1}, held: rng.IntN(2) == 0, start: rng.Int64N(3)}
			var o outcome
			switch rng.IntN(12) {
			case 0:
				o = c.left(node)
			case 1, 2, 3:
				o = c.silent(node)
			case 4:
				o = c.introduce(a)
			case 5:
				if len(doubts) > 0 {
					o = c.dead(doubts[rng.IntN(len(doubts))])
				}
			default:
				o = c.heard(a)
			}
			if o.doubt != nil {
				doubts = append(doubts, *o.doubt)
			}
			for _, e := range o.events {
				n := e.Member.Node
				if e.Kind == Joined && joined[n] || e.Kind != Joined && (!joined[n] || ended[n]) {
					t.Fatalf("event %v of %s: joined %v, ended %v before", e.Kind, n, joined[n], ended[n])
				}
				joined[n] = true
				ended[n] = e.Kind != Joined
			}
			live := 1
			for n := range joined {
				if !ended[n] {
					live++
				}
			}
			if got := len(c.members()); got != live {
				t.Fatalf("members: got %d, want %d by the events", got, live)
			}
		}
	}
}

// However views differ while servers race for a seat, exactly one is left when all has been told.
func TestRaceHasOneWinner(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for range 5000 {
		n := 2 + rng.IntN(4)
		real := make([]*census, n) // each server's own view; nil: it has gone
		for i := range real {
			real[i] = newCensus(claim{Member: Member{Node: fmt.Sprint("s", i), Role: Server, Seat: 1}, start: rng.Int64N(3)})
		}
		move := func(i int, holds bool) {
			if real[i] == nil {
				return
			}
			if _, loses := real[i].loses(); loses {
				real[i] = nil
			} else if holds {
				real[i].self.held = true
			}
		}
		tell := func(from, to int) {
			switch {
			case real[to] == nil || from == to:
			case real[from] == nil:
				real[to].left(fmt.Sprint("s", from))
			default:
				real[to].heard(real[from].self)
			}
		}
		for range 30 {
			tell(rng.IntN(n), rng.IntN(n))
			move(rng.IntN(n), rng.IntN(4) == 0)
		}
		for range n + 1 { // now everybody hears of everybody
			for i := range n {
				for j := range n {
					tell(j, i)
				}
				move(i, true)
			}
		}
		left := 0
		for _, c := range real {
			if c != nil {
				left++
			}
		}
		if left != 1 {
			t.Fatalf("%d of %d servers are left, want 1", left, n)
		}
	}
}
