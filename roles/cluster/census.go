package cluster

import (
	"maps"
	"slices"
)

// A standing is where a member is in its life; see the picture in the package's comment.
type standing int

const (
	pending standing = iota // a server that does not hold its seat: not announced
	present                 // announced
	doubted                 // announced; gossip misses it, TCP is being asked
)

// A record is what this process knows of another member that has not ended.
type record struct {
	claim
	standing standing
	round    int // counts the doubts, so that the verdict on an earlier one is ignored
}

// A census is who is here, as far as this process knows: a state machine that turns what gossip and
// TCP say into events, each once. It has no goroutine, socket, time or log; its owner locks it.
type census struct {
	self    claim
	records map[string]*record // by node; all but self
	// ended holds the announced incarnations that have left or died, so that late gossip cannot
	// bring them back. False: believed dead, so that it would be news. It grows by a node name per
	// incarnation.
	ended map[string]bool
}

// An outcome is what follows from one thing heard.
type outcome struct {
	events   []Event // in order
	doubt    *doubt  // a death to ask TCP about
	calm     string  // node that is doubted no more
	refused  *claim  // a server that went without getting its seat ...
	holder   *claim  // ... because this one has it
	returned *Member // believed dead, and gossip hears it again
}

// A doubt is a death that gossip reports and TCP has not confirmed.
type doubt struct {
	member Member
	round  int
}

func newCensus(self claim) *census {
	return &census{self: self, records: map[string]*record{}, ended: map[string]bool{}}
}

// introduce takes a member from a list that may be older than events already heard: it adds the
// unknown and changes nothing else.
func (c *census) introduce(a claim) outcome {
	if _, known := c.records[a.Node]; known {
		return outcome{}
	}
	if _, over := c.ended[a.Node]; over {
		return outcome{}
	}
	return c.heard(a)
}

// heard takes a member that gossip sees alive: new, changed, or back from silence.
func (c *census) heard(a claim) (o outcome) {
	if a.Node == c.self.Node || a.Role == Observer {
		return o
	}
	if known, over := c.ended[a.Node]; over {
		if !known {
			c.ended[a.Node] = true
			o.returned = &a.Member
		}
		return o
	}
	if a.bye {
		return c.left(a.Node)
	}
	r := c.records[a.Node]
	if r == nil {
		r = &record{}
		c.records[a.Node] = r
	}
	r.claim = a
	if r.standing == doubted {
		r.standing = present
		o.calm = a.Node
	}
	o.events = c.announce()
	return o
}

// left takes a goodbye: the member's own word, or Serf's.
func (c *census) left(node string) (o outcome) {
	r := c.records[node]
	if r == nil {
		return o
	}
	delete(c.records, node)
	c.ended[node] = true
	switch r.standing {
	case pending:
		o.refused, o.holder = c.refusal(r)
	case doubted:
		o.calm = node
		fallthrough
	default:
		o.events = append(o.events, Event{Left, r.Member})
	}
	o.events = append(o.events, c.announce()...)
	return o
}

// refusal is a server that has gone without being announced, and who has its seat, if anybody.
func (c *census) refusal(r *record) (refused, holder *claim) {
	if h, ok := c.holder(r.claim); ok {
		holder = &h
	}
	return &r.claim, holder
}

// silent takes gossip's report that a member has failed.
func (c *census) silent(node string) (o outcome) {
	r := c.records[node]
	switch {
	case r == nil || r.standing == doubted:
	case r.standing == pending: // never announced: it may come back as if it were new
		delete(c.records, node)
		o.refused, o.holder = c.refusal(r) // a goodbye that arrives out of order looks like this too
		o.events = c.announce()
	default:
		r.standing = doubted
		r.round++
		o.doubt = &doubt{r.Member, r.round}
	}
	return o
}

// dead takes TCP's verdict on a doubt.
func (c *census) dead(d doubt) (o outcome) {
	r := c.records[d.member.Node]
	if r == nil || r.standing != doubted || r.round != d.round {
		return o
	}
	delete(c.records, d.member.Node)
	c.ended[d.member.Node] = false
	o.events = append([]Event{{Failed, r.Member}}, c.announce()...)
	return o
}

// announce lets in whoever waits for nothing any more, in the order of Members.
func (c *census) announce() (events []Event) {
	for _, r := range c.records {
		if r.standing != pending || r.Seat != NoSeat && !r.held {
			continue
		}
		if h, ok := c.holder(r.claim); ok && h.beats(r.claim) {
			continue
		}
		r.standing = present
		events = append(events, Event{Joined, r.Member})
	}
	slices.SortFunc(events, func(a, b Event) int { return compareMembers(a.Member, b.Member) })
	return events
}

// holder returns the best claim on a's seat by anyone but a, if there is one that holds it.
func (c *census) holder(a claim) (claim, bool) {
	best, ok := c.rival(a)
	return best, ok && best.held
}

// rival returns the best claim on a's seat by anyone but a.
func (c *census) rival(a claim) (best claim, ok bool) {
	consider := func(b claim) {
		if a.contends(b) && (!ok || b.beats(best)) {
			best, ok = b, true
		}
	}
	consider(c.self)
	for r := range maps.Values(c.records) {
		consider(r.claim)
	}
	return best, ok
}

// loses returns the rival that beats this process's own claim, if there is one.
func (c *census) loses() (claim, bool) {
	best, ok := c.rival(c.self)
	return best, ok && best.beats(c.self)
}

// members are the live ones, self included unless it only looks, in order.
func (c *census) members() []Member {
	var ms []Member
	if c.self.Role != Observer {
		ms = append(ms, c.self.Member)
	}
	for _, r := range c.records {
		if r.standing != pending {
			ms = append(ms, r.Member)
		}
	}
	sortMembers(ms)
	return ms
}
