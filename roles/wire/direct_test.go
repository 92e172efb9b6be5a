package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"
)

func TestSendNowRefuses(t *testing.T) {
	a, _ := pair(t, "tcp", Options{MaxFrame: 1000}, Options{})
	wantError(t, "a kind of wire's own", a.SendNow(kindBye, nil), ErrKind)
	wantError(t, "a long body", a.SendNow(kindData, make([]byte, 1001)), ErrTooLarge)
}

// Frames of several goroutines, sent in either way to a peer that often has no room
// for them, with pings between: none is lost, and each goroutine's are in order.
func TestSendNowKeepsOrder(t *testing.T) {
	const senders, frames = 3, 2000
	a, b := pair(t, "tcp", Options{PingEvery: time.Millisecond}, Options{PingEvery: time.Millisecond})
	next := make([]uint32, senders)
	echo := serve(b, func(k Kind, body []byte) error {
		who := int(k - FirstKind)
		if got := binary.LittleEndian.Uint32(body); got != next[who] {
			return fmt.Errorf("sender %d: got frame %d, want %d", who, got, next[who])
		}
		next[who]++
		return nil
	})
	done := serve(a, ignore)
	var sending sync.WaitGroup
	for who := range senders {
		sending.Go(func() {
			body := noise(30_000)
			for i := range frames {
				binary.LittleEndian.PutUint32(body, uint32(i))
				send := a.SendNow
				if i%7 == who {
					send = a.Send
				}
				if err := send(FirstKind+Kind(who), body[:4+i*37%len(body[4:])]); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	sending.Wait()
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	wantError(t, "end", <-echo, ErrBye)
	<-done
	for who, n := range next {
		if n != frames {
			t.Errorf("sender %d: got %d frames, want %d", who, n, frames)
		}
	}
}

// What the socket does not take waits for the writer, not the caller.
func TestSendNowNeverWaits(t *testing.T) {
	a, peer := raw(t, "tcp", Options{})
	done := serve(a, ignore)
	body := noise(60_000)
	const frames = 500 // far more than the socket's buffers hold
	for range frames {
		if err := a.SendNow(kindData, body); err != nil {
			t.Fatal(err)
		}
	}
	if a.Stats().Sent.Socket >= int64(frames*len(body)) {
		t.Fatal("the sockets hold it all, and this test shows nothing")
	}
	closed := make(chan error, 1)
	go func() { closed <- a.Close() }()
	dec := newConn(peer, Options{}).dec
	for i := range frames {
		f, err := dec.next()
		if err != nil {
			t.Fatalf("frame %d: %v", i, err)
		}
		if f.kind != kindData || !bytes.Equal(f.body, body) {
			t.Fatalf("frame %d: got kind %d with %d bytes, want what was sent", i, f.kind, len(f.body))
		}
	}
	if f, err := dec.next(); f.kind != kindBye || err != nil {
		t.Errorf("then: got kind %d, %v, want bye", f.kind, err)
	}
	peer.Close()
	if err := <-closed; err != nil {
		t.Errorf("Close: %v", err)
	}
	<-done
}

// A peer that stops reading is stuck also if everything was written directly.
func TestSendNowToPeerThatDoesNotRead(t *testing.T) {
	a, _ := raw(t, "tcp", Options{WriteTimeout: 50 * time.Millisecond})
	body := noise(60_000)
	for range 500 { // more than any buffers hold
		if err := a.SendNow(kindData, body); err != nil && !errors.Is(err, ErrStuck) {
			t.Fatal(err)
		}
	}
	wantError(t, "end", a.Serve(ignore), ErrStuck)
}

// A round trip of small bodies allocates nothing, whoever writes them.
func TestRoundTripAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for name, send := range map[string]func(*Conn) func(Kind, []byte) error{
		"Send":    func(c *Conn) func(Kind, []byte) error { return c.Send },
		"SendNow": func(c *Conn) func(Kind, []byte) error { return c.SendNow },
	} {
		a, b := pair(t, "tcp", Options{CompressAbove: -1}, Options{CompressAbove: -1})
		back := make(chan struct{}, 1)
		there := send(a)
		da := serve(a, func(Kind, []byte) error { back <- struct{}{}; return nil })
		db := serve(b, send(b))
		body := noise(2000)
		if n := mallocs(t, func() { there(kindData, body); <-back }); n > 0.01 {
			t.Errorf("%s: got %.3f allocations a round trip, want 0", name, n)
		}
		a.Close()
		<-da
		<-db
	}
}

// mallocs is how often this process allocates in a call of f, on average of many.
func mallocs(t *testing.T, f func()) float64 {
	t.Helper()
	const warm, many = 200, 2000
	for range warm {
		f()
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range many {
		f()
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / many
}

// Bodies that are kept stay as they are while others come, cost no memory once it
// is there, and are only so many at a time.
func TestKeep(t *testing.T) {
	for _, above := range []int{-1, 1} {
		a, b := pair(t, "tcp", Options{Compression: Zstd, CompressAbove: above}, Options{})
		done := serve(a, ignore)
		type frame struct {
			k    Owner
			body []byte
		}
		got := make(chan frame)
		echo := serve(b, func(_ Kind, body []byte) error {
			got <- frame{b.Keep(body), body}
			return nil
		})
		send := func(fill byte) frame {
			body := bytes.Repeat([]byte{fill}, 200_000)
			if err := a.Send(kindData, body); err != nil {
				t.Fatal(err)
			}
			return <-got
		}
		for round := range 3 {
			var all []frame
			for i := range keepFrames {
				all = append(all, send(byte(i+1)))
				if all[i].k == nil {
					t.Fatalf("round %d: body %d was not kept, want %d of them", round, i, keepFrames)
				}
			}
			if over := send(100); over.k != nil {
				t.Errorf("round %d: one more was kept, want no more than %d", round, keepFrames)
			}
			for i, k := range all {
				if want := bytes.Repeat([]byte{byte(i + 1)}, 200_000); !bytes.Equal(k.body, want) {
					t.Errorf("round %d: body %d begins with %d, want it as it was", round, i, k.body[0])
				}
				k.k.Release()
			}
		}
		if err := a.Send(kindData, noise(100)); err != nil {
			t.Fatal(err)
		}
		if small := <-got; small.k != nil {
			t.Error("a small body was kept, want it to stay where it came in")
		}
		if above < 0 && !raceEnabled {
			body := noise(200_000)
			n := mallocs(t, func() {
				a.Send(kindData, body)
				(<-got).k.Release()
			})
			if n > 0.01 {
				t.Errorf("got %.3f allocations for a body that is kept, want 0", n)
			}
		}
		a.Close()
		<-done
		if err := <-echo; !errors.Is(err, ErrBye) {
			t.Errorf("end: got %v, want %v", err, ErrBye)
		}
	}
}

// While SendNow writes, the writer takes nothing, whatever woke it: their frames
// would get into each other.
func TestWriterWaitsForSendNow(t *testing.T) {
	c := newConn(nil, Options{})
	w := &writer{c: c}
	c.queue.push(kindData, []byte("queued"))
	c.ponging, c.inline = true, true
	if last, something := w.take(); last || something || len(c.queue.items) != 1 || len(w.out) > 0 {
		t.Errorf("take: got %v, %v, with %d items left and %d bytes, want nothing taken", last, something, len(c.queue.items), len(w.out))
	}
	if w.rise() {
		t.Error("rise: got true, want no ping in the middle of a frame")
	}
	c.inline = false
	if !w.rise() {
		t.Error("rise afterwards: got false, want a ping")
	}
	if _, something := w.take(); !something || len(w.items) != 1 || len(w.out) == 0 {
		t.Errorf("take afterwards: got %v, %d items and %d bytes, want the frame and the pong", something, len(w.items), len(w.out))
	}
}
