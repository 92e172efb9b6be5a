package wire

import (
	"bytes"
	"sync"
	"testing"
)

// owner counts its releases.
type owner struct {
	released chan struct{}
	once     sync.Once
	again    bool
}

func newOwner() *owner { return &owner{released: make(chan struct{})} }

func (o *owner) Release() {
	first := false
	o.once.Do(func() { first = true; close(o.released) })
	o.again = o.again || !first
}

func TestOwnedBodies(t *testing.T) {
	for _, above := range []int{-1, 1} {
		a, b := pair(t, "tcp", Options{Compression: Zstd, CompressAbove: above}, Options{})
		done := serve(a, ignore)
		back := make(chan []byte, 1)
		echo := serve(b, func(_ Kind, body []byte) error {
			back <- bytes.Clone(body)
			return nil
		})
		for name, body := range bodies() {
			head := min(len(body), 100)
			o := newOwner()
			if err := a.SendOwned(200, body[:head], body[head:], o); err != nil {
				t.Fatal(err)
			}
			if err := a.Send(201, []byte("next")); err != nil {
				t.Fatal(err)
			}
			if got := <-back; !bytes.Equal(got, body) {
				t.Errorf("%s: got %d bytes, want the %d sent", name, len(got), len(body))
			}
			if got := <-back; string(got) != "next" {
				t.Errorf("%s: then got %q", name, got)
			}
			<-o.released
			if o.again {
				t.Errorf("%s: released twice", name)
			}
		}
		late := newOwner()
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		wantError(t, "SendOwned afterwards", a.SendOwned(200, nil, noise(largeBody), late), ErrClosed)
		<-late.released
		<-done
		<-echo
	}
}

// What is queued when a connection ends is given back, too.
func TestOwnedBodiesOfALostConnection(t *testing.T) {
	a, _ := raw(t, "pipe", Options{}) // nobody reads
	done := serve(a, ignore)
	var owners []*owner
	for range 5 {
		o := newOwner()
		owners = append(owners, o)
		if err := a.SendOwned(200, []byte("head"), noise(largeBody), o); err != nil {
			t.Fatal(err)
		}
	}
	a.Abort()
	<-done
	for _, o := range owners {
		<-o.released
	}
}

func TestOwnedBodyTooLarge(t *testing.T) {
	a, b := pair(t, "tcp", Options{MaxFrame: 1000}, Options{})
	done, echo := serve(a, ignore), serve(b, ignore)
	o := newOwner()
	wantError(t, "SendOwned", a.SendOwned(200, make([]byte, 10), make([]byte, 991), o), ErrTooLarge)
	<-o.released
	a.Abort()
	b.Abort()
	<-done
	<-echo
}
