package worker

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"petuum/algos"
	"petuum/roles/control"
	"petuum/roles/wire"
)

// desk is the scheduler's side: what it has been sent, by round and part.
type desk struct {
	mu     sync.Mutex
	got    map[string]int // "round/part": values
	frames map[clock]int
}

func (d *desk) Send(kind wire.Kind, body []byte) error { return d.SendNow(kind, body) }

func (d *desk) SendNow(kind wire.Kind, body []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if kind != control.KindEmitted {
		return fmt.Errorf("a frame of kind %d", kind)
	}
	var of clock
	err := control.ReadEmitted(body, func(part int, round clock, n int) ([]float64, error) {
		key := fmt.Sprint(round, "/", part)
		if _, ok := d.got[key]; ok {
			return nil, fmt.Errorf("%s comes twice", key)
		}
		d.got[key], of = n, round
		return make([]float64, n), nil
	})
	d.frames[of]++
	return err
}

func newDesk(parts, window int) (*desk, *rounds) {
	d := &desk{got: map[string]int{}, frames: map[clock]int{}}
	runners := map[int]*runner{}
	for p := range parts {
		runners[p] = &runner{}
		runners[p].orders.some.L = &runners[p].orders.mu
	}
	return d, newRounds(d, runners, window)
}

func blocks(round clock, parts ...int) []byte {
	all := make([]algos.Block, slices.Max(parts)+1)
	for p := range all {
		all[p] = algos.Block{Keys: []uint64{uint64(p), uint64(round)}, Values: []float64{float64(round)}}
	}
	return control.AppendBlocks(nil, round, parts, all)
}

// TestRounds has parts work through a window of rounds at speeds of their own: each gets
// its blocks in order, and what they emit for a round goes out in one frame, or in one
// for each large emission and one for the others.
func TestRounds(t *testing.T) {
	const parts, window, until = 3, 4, 60
	d, r := newDesk(parts, window)
	sizes := func(round clock, part int) int { // of what is emitted
		if int(round)%5 == 3 && part == 1 {
			return frameFull / 8
		}
		return rand.New(rand.NewPCG(uint64(round), uint64(part))).IntN(20)
	}
	var working sync.WaitGroup
	done := make(chan clock, parts*until)
	for part := range parts {
		working.Go(func() {
			var scratch []byte
			for round := range clock(until) {
				c, ok := r.runners[part].orders.next()
				if !ok || c.kind != control.KindBlocks || c.until != round || !slices.Equal(c.block.Keys, []uint64{uint64(part), uint64(round)}) || c.block.Values[0] != float64(round) {
					t.Errorf("part %d got %+v (%t) in place of round %d", part, c, ok, round)
				}
				if err := r.emitted(part, round, make([]float64, sizes(round, part)), &scratch); err != nil {
					t.Error(err)
				}
				done <- round
			}
		})
	}
	left := map[clock]int{}
	for next, first := clock(0), clock(0); first < until; {
		for ; next < until && next < first+window; next++ {
			if err := r.deal(blocks(next, 2, 0, 1)); err != nil {
				t.Fatal(err)
			}
			left[next] = parts
		}
		left[<-done]--
		for first < next && left[first] == 0 {
			first++
		}
	}
	working.Wait()
	for round := range clock(until) {
		for part := range parts {
			if got, ok := d.got[fmt.Sprint(round, "/", part)]; !ok || got != sizes(round, part) {
				t.Errorf("round %d: %d values of part %d came (%t), want %d", round, got, part, ok, sizes(round, part))
			}
		}
		want := 1
		if round%5 == 3 {
			want = 2
		}
		if d.frames[round] != want {
			t.Errorf("round %d: %d frames, want %d", round, d.frames[round], want)
		}
	}
}

// prompt is a scheduler that begins the next round as soon as it has a large emission.
type prompt struct {
	*desk
	r    *rounds
	next clock
}

func (p *prompt) Send(kind wire.Kind, body []byte) error {
	if err := p.desk.Send(kind, body); err != nil {
		return err
	}
	p.next++
	return p.r.deal(blocks(p.next, 0))
}

// TestRoundsPrompt: a round may begin before the part that completed the one before it
// is back from sending.
func TestRoundsPrompt(t *testing.T) {
	d, r := newDesk(1, 1)
	r.sched = &prompt{desk: d, r: r}
	if err := r.deal(blocks(0, 0)); err != nil {
		t.Fatal(err)
	}
	var scratch []byte
	for round := range clock(3) {
		if err := r.emitted(0, round, make([]float64, frameFull/8), &scratch); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
	}
	if len(d.got) != 3 {
		t.Errorf("got %d emissions, want 3", len(d.got))
	}
}

func TestRoundsRefused(t *testing.T) {
	_, r := newDesk(2, 2)
	for _, c := range []struct {
		name string
		body []byte
		want string
	}{
		{"garbage", nil, "truncated"},
		{"half of a frame", blocks(0, 0, 1)[:5], "control"},
		{"a part that is elsewhere", blocks(0, 0, 5), "part 5, which is not here"},
		{"a good one", blocks(0, 0, 1), ""},
		{"beyond the window", blocks(2, 0, 1), "round 2 begins while 2 parts have not emitted for round 0, in a window of 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := r.deal(c.body)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got the error %v, want one with %q", err, c.want)
			}
		})
	}
}

// TestOrders checks that orders come in their order, and that none does once they are
// closed, whatever is left.
func TestOrders(t *testing.T) {
	r := &runner{}
	o := &r.orders
	o.some.L = &o.mu
	for i := range 5 {
		o.put(command{stage: i})
	}
	for i := range 3 {
		if c, ok := o.next(); !ok || c.stage != i {
			t.Errorf("got order %d (%t), want %d", c.stage, ok, i)
		}
	}
	o.close()
	o.put(command{stage: 9})
	if c, ok := o.next(); ok {
		t.Errorf("got order %d after the end", c.stage)
	}
}

// Commands that a part has done take no memory, even if some always wait for it.
func TestOrdersKeepNoMore(t *testing.T) {
	var o orders
	o.some.L = &o.mu
	put := clock(0)
	give := func() {
		o.put(command{until: put})
		put++
	}
	for range 5 {
		give()
	}
	for want := range clock(10_000) {
		give()
		if c, ok := o.next(); !ok || c.until != want {
			t.Fatalf("got command %d (%v), want %d", c.until, ok, want)
		}
	}
	if got := cap(o.list); got > 64 {
		t.Errorf("room for %d commands, want about the 5 that wait", got)
	}
}
