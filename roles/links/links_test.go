package links

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"petuum/consistency"
	"petuum/roles/control"
	"petuum/roles/wire"
	"petuum/table"
	"petuum/table/placement"
)

// far is a server of one shard that is reached without a network: what clients send
// is handled at once, and its answers wait in a batch.
type far struct {
	t     *testing.T
	shard *table.Shard
	out   control.Batch
	sent  [][]byte // bodies of batches
}

func (f *far) Send(_ wire.Kind, body []byte) error {
	f.sent = append(f.sent, slices.Clone(body))
	return nil
}

func (f *far) SendNow(kind wire.Kind, body []byte) error { return f.Send(kind, body) }

func (f *far) SendOwned(kind wire.Kind, head, tail []byte, owner wire.Owner) error {
	defer owner.Release()
	return f.Send(kind, slices.Concat(head, tail))
}

// sender is a client's way to the shard.
type sender struct{ f *far }

func (s sender) Flush() {}

func (s sender) Send(shard int, msg *table.Buffer) {
	err := s.f.shard.Handle(msg.Bytes, func(_ consistency.Origin, b *table.Buffer) {
		if err := s.f.out.Add(shard, b); err != nil {
			s.f.t.Error(err)
		}
	})
	if err != nil {
		s.f.t.Error(err)
	}
}

// TestDeliver passes a batch with answers for two clients to each of them, and
// refuses what is for nobody here.
func TestDeliver(t *testing.T) {
	specs := []table.Spec{{Name: "w", Keys: 8}}
	shard, err := table.NewShard(0, 1, specs, placement.NewRoster(3), table.Options{Policy: consistency.ASP(), Life: 1})
	if err != nil {
		t.Fatal(err)
	}
	f := &far{t: t, shard: shard}
	f.out.To = f
	var clients []*table.Client
	var views []*table.View[float32]
	for o := range 3 {
		c, err := table.NewClient(specs, table.ClientOptions{Origin: consistency.Origin(o), Generation: 1, Policy: consistency.ASP(), Shards: 1, Parts: 1})
		if err != nil {
			t.Fatal(err)
		}
		v, err := table.Open[float32](c, 0, "w", table.Span(0, 8), table.Increments)
		if err != nil {
			t.Fatal(err)
		}
		clients, views = append(clients, c), append(views, v)
	}
	l := New(nil, control.Setup{}, clients[:2], func(err error) { t.Error(err) })
	var scratch []table.Message
	deliver := func() error {
		if err := f.out.Flush(); err != nil {
			t.Fatal(err)
		}
		var errs []error
		for _, body := range f.sent {
			errs = append(errs, l.Deliver(body, &scratch))
		}
		f.sent = f.sent[:0]
		return errors.Join(errs...)
	}
	for _, c := range clients[:2] {
		c.Connect(0, sender{f})
		c.Steps().BeginStart()
	}
	if err := deliver(); err != nil {
		t.Fatal(err)
	}
	for o, c := range clients[:2] {
		if !c.Steps().StartReady() {
			t.Fatalf("client %d waits to start", o)
		}
		c.Steps().End(0)
		if _, ok := l.Last(c.Origin()); !ok {
			t.Errorf("client %d: no arrival is known", o)
		}
	}
	views[0].Inc(3, 5)
	for _, c := range clients[:2] { // one batch with answers for both
		c.Steps().BeginClock(0)
	}
	if err := deliver(); err != nil {
		t.Fatal(err)
	}
	for o, v := range views[:2] {
		clients[o].Steps().End(0)
		if got := v.Values()[3]; got != 5 {
			t.Errorf("client %d: got %v, want 5", o, got)
		}
	}
	// The third client is not one of these links.
	clients[2].Connect(0, sender{f})
	clients[2].Steps().BeginStart()
	if err := deliver(); err == nil || !strings.Contains(err.Error(), "origin 2") {
		t.Errorf("an answer for origin 2: got %v, want an error that names it", err)
	}
	if _, ok := l.Last(2); ok {
		t.Error("an arrival for origin 2 is known")
	}
	if err := l.Deliver([]byte("no batch"), &scratch); err == nil {
		t.Error("what is no batch was taken")
	}
	l.Fail(errors.New("over"))
	for o, c := range clients[:2] {
		if c.Err() == nil {
			t.Errorf("client %d goes on after Fail", o)
		}
	}
}
