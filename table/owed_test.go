package table

import (
	"testing"

	"petuum/consistency"
)

// What a part did is kept back by a filter while another of its group still works and
// an answer comes: the part, which waits in Clock, must find it in its view.
func TestKeptBackIsSeenByItsPart(t *testing.T) {
	for _, f := range []Filter{{Significant: 4000}, {Skip: 0.999999}} {
		specs := []Spec{{Name: "w", Keys: 10, Type: Float64, Filter: f}, {Name: "other", Keys: 10, Type: Float64}}
		r := newRig(t, rigJob{specs: specs, parts: []int{2, 1}})
		waits := openView[float64](r, 0, 0, "w", Span(0, 10), Increments)
		openView[float64](r, 0, 1, "w", Span(0, 10), Increments)
		works := openView[float64](r, 0, 1, "other", Span(0, 5), Increments)
		far := openView[float64](r, 1, 0, "w", Span(0, 10), Increments)
		r.start()
		waits.Inc(0, 1)
		r.clients[0].Steps().BeginClock(0)
		far.Inc(0, 5000)
		r.clients[1].Exactly()
		r.clients[1].Steps().BeginClock(0)
		r.pump()
		works.Hold(Span(0, 7)) // the shard answers this client
		r.pump()
		r.clients[0].Steps().BeginClock(1)
		r.pump()
		r.end(0, 0)
		r.end(0, 1)
		r.end(1, 0)
		wantValues(t, f.String(), waits.Values()[:1], 5001)
	}
}

// A shard is restored to a state before a row was written that a client was sent: the
// client begins again, or the row would count twice.
func TestRestoredShardOfALossyTable(t *testing.T) {
	for _, enc := range []Encoding{Exact, Fixed2} {
		r := newRig(t, rigJob{specs: []Spec{{Name: "w", Keys: 10, Type: Float64, Encoding: enc}}, parts: []int{1, 1}, policy: consistency.SSP(5)})
		a := openView[float64](r, 0, 0, "w", Span(0, 10), Increments)
		b := openView[float64](r, 1, 0, "w", Span(0, 10), Increments)
		r.start()
		snapshot := r.shards[0].AppendSnapshot(nil)
		a.Inc(0, 4)
		r.clients[0].Steps().BeginClock(0)
		msg, _ := next(r.up, pair{0, 0})
		if err := r.handle(0, msg); err != nil {
			t.Fatal(err)
		}
		r.cut(pair{0, 0}) // the writer's answer is lost: nothing is acknowledged
		r.clients[1].Steps().BeginSync(0, false)
		r.pump()
		r.clients[1].Steps().End(0)
		wantValues(t, enc.String()+": before", b.Values()[:1], 4)
		r.cut(pair{0, 0})
		r.cut(pair{1, 0})
		options := r.options
		options.Life = rigLife + 1
		s, err := Restore(snapshot, r.specs, options)
		if err != nil {
			t.Fatal(err)
		}
		r.shards[0] = s
		for _, o := range []int{1, 0} { // the reader first: the row is not there yet
			r.connect(o, 0)
			r.pump()
		}
		r.end(0, 0)
		r.clients[1].Steps().BeginClock(0)
		r.pump()
		r.end(1, 0)
		r.sync()
		wantValues(t, enc.String()+": after", b.Values()[:1], 4)
	}
}

// A shard keeps a change back that is not significant, and sends it when the threshold
// has fallen, though the row changes no more.
func TestSignificantComesUpAgain(t *testing.T) {
	r := newRig(t, rigJob{specs: []Spec{{Name: "w", Keys: 10, Type: Float64, Filter: Filter{Significant: 1}}}, parts: []int{1, 1, 1}})
	var views []*View[float64]
	for o := range 3 {
		views = append(views, openView[float64](r, o, 0, "w", Span(0, 10), Increments))
	}
	r.start()
	views[0].Inc(0, 1.25)
	views[1].Inc(0, -1)
	r.clock()
	if got := views[2].Values()[0]; got == 0.25 {
		t.Error("a change of 0.25 was sent in clock 1, where the threshold is 1")
	}
	for range 4 { // to a threshold of 1/5
		r.clock()
	}
	wantValues(t, "who did nothing", views[2].Values()[:1], 0.25)
}
