package control

import (
	"context"
	"errors"
	"testing"

	"petuum/roles/wire"
)

// TestUntil checks what ends the wait for several events.
func TestUntil(t *testing.T) {
	const quiet = KindEmitted
	small, large := make([]byte, 10), make([]byte, urgentBytes)
	for _, c := range []struct {
		name   string
		events []Event
		n      int
		ready  bool
	}{
		{"nothing", nil, 1, false},
		{"one of one", []Event{{Kind: quiet, Body: small}}, 1, true},
		{"one of two", []Event{{Kind: quiet, Body: small}}, 2, false},
		{"two of two", []Event{{Kind: quiet, Body: small}, {Kind: quiet}}, 2, true},
		{"a large one", []Event{{Kind: quiet, Body: large}}, 2, true},
		{"another kind", []Event{{Kind: KindFailed}}, 2, true},
		{"an error", []Event{{Kind: quiet, Err: errors.New("died")}}, 2, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, before := range []bool{true, false} {
				ctx, cancel := context.WithCancel(t.Context())
				m := NewMailbox()
				put := func() {
					for _, e := range c.events {
						m.Put(e)
					}
					if !c.ready {
						cancel() // else Until would wait on
					}
				}
				if before {
					put()
				}
				ended := make(chan error, 1)
				go func() { ended <- m.Until(ctx, quiet, c.n) }()
				if !before {
					put()
				}
				if err := <-ended; (err == nil) != c.ready {
					t.Errorf("put before the wait: %t: got %v, want an end of the wait: %t", before, err, c.ready)
				}
				cancel()
				for range c.events { // afterwards each is given out
					if _, err := m.Next(t.Context()); err != nil {
						t.Error(err)
					}
				}
				if e, ok := m.Try(); ok {
					t.Errorf("got %+v of an empty mailbox", e)
				}
				if m.urgent != 0 {
					t.Errorf("%d urgent events in an empty mailbox", m.urgent)
				}
			}
		})
	}
}

// TestPutFrom checks that bodies outlive the memory they came in, and that what is done
// with is used again.
func TestPutFrom(t *testing.T) {
	m := NewMailbox()
	var c wire.Conn // small bodies do not ask it for anything
	frame := []byte("first")
	m.PutFrom(&c, "worker-0", KindEmitted, frame)
	copy(frame, "later")
	first, _ := m.Try()
	if string(first.Body) != "first" || first.From != "worker-0" || first.Kind != KindEmitted {
		t.Errorf("got %+v, want the first frame of worker-0", first)
	}
	m.Done(first)
	if n := testing.AllocsPerRun(100, func() {
		m.PutFrom(&c, "worker-0", KindEmitted, frame)
		e, ok := m.Try()
		if !ok || string(e.Body) != "later" {
			t.Fatalf("got %+v", e)
		}
		m.Done(e)
	}); n != 0 {
		t.Errorf("%v allocations a frame, want none", n)
	}
}
