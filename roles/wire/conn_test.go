package wire

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
)

// bodies are of all the sizes at which something changes on the way.
func bodies() map[string][]byte {
	m := map[string][]byte{}
	for _, n := range []int{0, 1, 511, 512, 513, readBuffer - plainHeader, readBuffer - plainHeader + 1, largeBody - 1, largeBody, growStep + 1, 5*growStep + 3} {
		m[fmt.Sprintf("noise %d", n)] = noise(n)
		m[fmt.Sprintf("prose %d", n)] = prose(n)
	}
	return m
}

// ways are those to send a body that is copied.
var ways = map[string]func(*Conn, Kind, []byte) error{"Send": (*Conn).Send, "SendNow": (*Conn).SendNow}

func TestBodiesArriveUnchanged(t *testing.T) {
	for name, send := range ways {
		t.Run(name, func(t *testing.T) { testBodiesArriveUnchanged(t, send) })
	}
}

func testBodiesArriveUnchanged(t *testing.T, send func(*Conn, Kind, []byte) error) {
	for _, network := range networks {
		for _, above := range []int{-1, 0, 1} {
			t.Run(fmt.Sprintf("%s above %d", network, above), func(t *testing.T) {
				a, b := pair(t, network, Options{Compression: Zstd, CompressAbove: above}, Options{})
				done := serve(a, ignore)
				back := make(chan []byte, 1)
				echo := serve(b, func(k Kind, body []byte) error {
					back <- append([]byte{byte(k)}, body...)
					return nil
				})
				for name, body := range bodies() {
					sent := bytes.Clone(body)
					if err := send(a, 200, sent); err != nil {
						t.Fatal(err)
					}
					clear(sent) // it was copied
					if got := <-back; got[0] != 200 || !bytes.Equal(got[1:], body) {
						t.Errorf("%s: got kind %d and %d bytes, want 200 and the %d bytes sent", name, got[0], len(got)-1, len(body))
					}
				}
				if err := a.Close(); err != nil {
					t.Error(err)
				}
				wantError(t, "the end of the closing side", <-done, ErrClosed)
				wantError(t, "the end of the other side", <-echo, ErrBye)
				wantError(t, "sending afterwards", send(a, 200, nil), ErrClosed)
				wantError(t, "sending at the other side", send(b, 200, nil), ErrBye)
				sent, received := a.Stats().Sent, b.Stats().Received
				sent.Coding, sent.Moving, received.Coding, received.Moving = 0, 0, 0, 0
				if received != sent {
					t.Errorf("received: got %+v, want as sent %+v", received, sent)
				}
			})
		}
	}
}

func TestDialOverLoopback(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan *Conn, 1)
	go func() {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		c, _ := Accept(nc, hello("b"), Defaults())
		accepted <- c
	}()
	a, err := Dial(context.Background(), l.Addr().String(), hello("a"), Defaults())
	if err != nil {
		t.Fatal(err)
	}
	b := <-accepted
	defer b.Abort()
	defer a.Abort()
	if got, want := a.Peer(), hello("b"); got != want {
		t.Errorf("the dialing side's peer: got %+v, want %+v", got, want)
	}
	if got, want := b.Peer(), hello("a"); got != want {
		t.Errorf("the accepting side's peer: got %+v, want %+v", got, want)
	}
	if got, want := a.RemoteAddr().String(), l.Addr().String(); got != want {
		t.Errorf("RemoteAddr: got %s, want %s", got, want)
	}

	l.Close()
	if _, err := Dial(context.Background(), l.Addr().String(), hello("a"), Options{}); err == nil {
		t.Error("dial where nobody listens: got no error")
	}
}

func TestStatsCount(t *testing.T) {
	a, b := pair(t, "tcp", Options{Compression: Zstd}, Options{})
	done := serve(b, ignore)
	small, squeezed, large := noise(100), prose(100_000), noise(200_000)
	for _, body := range [][]byte{small, squeezed, large} {
		if err := a.Send(kindData, body); err != nil {
			t.Fatal(err)
		}
	}
	a.Close()
	wantError(t, "end", <-done, ErrBye)
	sent, received := a.Stats().Sent, b.Stats().Received
	if got, want := sent.Frames, int64(3); got != want {
		t.Errorf("frames: got %d, want %d", got, want)
	}
	if got, want := sent.Compressed, int64(1); got != want {
		t.Errorf("compressed frames: got %d, want %d", got, want)
	}
	if got, want := sent.Raw, int64(300_100); got != want {
		t.Errorf("raw bytes: got %d, want %d", got, want)
	}
	if got, most := sent.Encoded, int64(210_000); got > most || got < 200_100 {
		t.Errorf("encoded bytes: got %d, want 200100 to %d", got, most)
	}
	if got, want := sent.Socket, sent.Encoded+3*plainHeader+4+plainHeader+helloBytes(); got != want {
		t.Errorf("bytes on the socket: got %d, want %d", got, want)
	}
	if sent.Coding <= 0 || sent.Moving <= 0 || received.Coding <= 0 {
		t.Errorf("times: got %v, %v and %v, want them measured", sent.Coding, sent.Moving, received.Coding)
	}
	sent.Coding, sent.Moving, received.Coding, received.Moving = 0, 0, 0, 0
	if received != sent {
		t.Errorf("received: got %+v, want as sent %+v", received, sent)
	}
}

// helloBytes is what the dialing side's handshake takes.
func helloBytes() int64 { return int64(len(appendHello(nil, hello("a"))) + verdictHeader) }

func TestSendRefuses(t *testing.T) {
	a, _ := pair(t, "tcp", Options{MaxFrame: 1000}, Options{})
	wantError(t, "a kind of wire's own", a.Send(kindBye, nil), ErrKind)
	wantError(t, "a long body", a.Send(kindData, make([]byte, 1001)), ErrTooLarge)
	if err := a.Send(kindData, make([]byte, 1000)); err != nil {
		t.Errorf("the longest body: %v", err)
	}
}

func TestLargestBodyFits(t *testing.T) {
	for _, limit := range []int{1, 600, 3 << 20, 9 << 20} {
		o := Options{MaxFrame: limit, CompressAbove: 1}
		a, b := pair(t, "tcp", o, o)
		var got int
		done := serve(b, func(_ Kind, body []byte) error { got = len(body); return nil })
		if err := a.Send(kindData, make([]byte, limit)); err != nil {
			t.Fatal(err)
		}
		a.Close()
		wantError(t, "end", <-done, ErrBye)
		if got != limit {
			t.Errorf("body: got %d bytes, want %d", got, limit)
		}
	}
}

func TestEachSendersOrderIsKept(t *testing.T) {
	const senders, frames = 8, 500
	a, b := pair(t, "tcp", Options{}, Options{})
	sizes := []int{0, 10, 3000, 70_000}
	var next [senders]uint32
	done := serve(b, func(_ Kind, body []byte) error {
		g, i := body[0], binary.LittleEndian.Uint32(body[1:])
		if i != next[g] {
			return fmt.Errorf("sender %d: got frame %d, want %d", g, i, next[g])
		}
		next[g]++
		if got, want := len(body), 5+sizes[int(i)%len(sizes)]; got != want {
			return fmt.Errorf("sender %d, frame %d: got %d bytes, want %d", g, i, got, want)
		}
		return nil
	})
	var wg sync.WaitGroup
	for g := range senders {
		wg.Go(func() {
			for i := range frames {
				body := binary.LittleEndian.AppendUint32([]byte{byte(g)}, uint32(i))
				if err := a.Send(kindData, append(body, prose(sizes[i%len(sizes)])...)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	wantError(t, "end", <-done, ErrBye)
	for g, n := range next {
		if n != frames {
			t.Errorf("sender %d: got %d frames, want %d", g, n, frames)
		}
	}
}

// Both sides send far more than all buffers hold from inside their handlers: a
// read loop that waited for its writer would never end.
func TestTwoFullPipes(t *testing.T) {
	for _, network := range networks {
		t.Run(network, func(t *testing.T) {
			a, b := pair(t, network, Options{CompressAbove: -1}, Options{CompressAbove: -1})
			const frames = 64
			block := noise(1 << 20)
			var ends []<-chan error
			var full sync.WaitGroup
			for _, c := range []*Conn{a, b} {
				full.Add(1)
				got := 0
				ends = append(ends, serve(c, func(k Kind, body []byte) error {
					if k == kindData {
						for range frames {
							if err := c.Send(kindData+1, block); err != nil {
								return err
							}
						}
						return nil
					}
					if got++; got == frames {
						full.Done()
					}
					return nil
				}))
			}
			a.Send(kindData, nil)
			b.Send(kindData, nil)
			full.Wait()
			a.Close()
			for i, end := range ends {
				wantError(t, "end", <-end, []error{ErrClosed, ErrBye}[i])
			}
		})
	}
}

func TestCloseFlushes(t *testing.T) {
	for _, network := range networks {
		t.Run(network, func(t *testing.T) {
			a, b := pair(t, network, Options{CompressAbove: -1}, Options{CompressAbove: -1})
			block := noise(1 << 20)
			for range 8 {
				b.Send(kindData, block)
				a.Send(kindData, block)
			}
			got := 0
			done := serve(b, func(Kind, []byte) error { got++; return nil })
			if err := a.Close(); err != nil {
				t.Error(err)
			}
			wantError(t, "end", <-done, ErrBye)
			if got != 8 {
				t.Errorf("frames: got %d, want 8", got)
			}
			if err := a.Close(); err != nil {
				t.Errorf("Close again: %v", err)
			}
			if err := b.Close(); err != nil {
				t.Errorf("Close after the end: %v", err)
			}
		})
	}
}

// To close a socket with bytes unread resets it, and that must not cost what it
// was still to deliver.
func TestCloseDeliversToSlowReader(t *testing.T) {
	na, nb := dialed(t, "tcp")
	nb.(*net.TCPConn).SetReadBuffer(4 << 10) // so that most of it is still on a's side
	a, b := pairOver(t, na, nb, Options{}, Options{})
	body := noise(100_000)
	b.Send(kindData, nil) // a does not read it
	got := 0
	done := serve(b, func(_ Kind, body []byte) error {
		if got++; got == 1 {
			for a.Stats().Sent.Socket < 100_000 { // all is written, to a's kernel
				if err := b.Send(kindData, nil); err != nil {
					return err
				}
			}
		}
		return nil
	})
	a.Send(kindData, nil)
	a.Send(kindData, body)
	a.Close()
	wantError(t, "end", <-done, ErrBye)
	if got != 2 {
		t.Errorf("frames: got %d, want 2", got)
	}
}

func TestNothingIsHandledAfterClose(t *testing.T) {
	c, nc := raw(t, "tcp", Options{})
	nc.Write(append(plain(kindData, nil), plain(kindData, nil)...))
	handled := 0
	end := c.Serve(func(Kind, []byte) error {
		handled++
		nc.Close()
		c.Close()
		return nil
	})
	wantError(t, "end", end, ErrClosed)
	if handled != 1 {
		t.Errorf("frames: got %d handled, want 1", handled)
	}
}

func TestBothClose(t *testing.T) {
	for _, network := range networks {
		t.Run(network, func(t *testing.T) {
			a, b := pair(t, network, Options{}, Options{})
			da, db := serve(a, ignore), serve(b, ignore)
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() { a.Close() })
				wg.Go(func() { b.Close() })
			}
			wg.Wait()
			for _, err := range []error{<-da, <-db} {
				if !errors.Is(err, ErrClosed) && !errors.Is(err, ErrBye) {
					t.Errorf("end: got %v, want ErrClosed or ErrBye", err)
				}
			}
		})
	}
}

func TestCloseFromHandler(t *testing.T) {
	a, b := pair(t, "tcp", Options{}, Options{})
	why := errors.New("update of another generation")
	last := ""
	done := serve(a, func(_ Kind, body []byte) error { last = string(body); return nil })
	end := serve(b, func(Kind, []byte) error {
		b.Send(kindData, []byte("last words"))
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		return why
	})
	a.Send(kindData, nil)
	wantError(t, "end of the handler's side", <-end, why)
	wantError(t, "end of the other side", <-done, ErrBye)
	if last != "last words" {
		t.Errorf("last frame: got %q, want the last words", last)
	}
}

func TestHandlersErrorEndsConnection(t *testing.T) {
	var log journal
	a, b := pair(t, "tcp", Options{}, Options{Logger: log.logger()})
	why := errors.New("unknown table 7")
	done, end := serve(a, ignore), serve(b, func(Kind, []byte) error { return why })
	a.Send(kindData, nil)
	wantError(t, "end of the handler's side", <-end, why)
	wantError(t, "end of the other side", <-done, ErrLost)
	if got := log.lines(); len(got) != 1 || !strings.Contains(got[0], why.Error()) {
		t.Errorf("log: got %q, want one line with the reason", got)
	}
	if err := b.Serve(ignore); err == nil {
		t.Error("Serve again: got no error")
	}
}

// What a peer sent before it went is handled, even if writing to it has failed
// in the meantime.
func TestFailedWriteDoesNotLoseWhatCame(t *testing.T) {
	a, b := pair(t, "tcp", Options{}, Options{})
	const frames = 50
	busy, goOn := make(chan struct{}), make(chan struct{})
	got := 0
	done := serve(b, func(Kind, []byte) error {
		if got++; got == 1 {
			close(busy)
			<-goOn
		}
		return nil
	})
	for range frames {
		a.Send(kindData, noise(100))
	}
	<-busy
	a.Close()
	for b.Send(kindData, nil) == nil { // until the writer has met the closed socket
	}
	<-b.written
	close(goOn)
	wantError(t, "end", <-done, ErrBye)
	if got != frames {
		t.Errorf("frames: got %d, want %d", got, frames)
	}
}

func TestAbort(t *testing.T) {
	t.Run("between frames", func(t *testing.T) {
		a, b := pair(t, "tcp", Options{}, Options{})
		da, db := serve(a, ignore), serve(b, ignore)
		a.Abort()
		wantError(t, "end of the aborting side", <-da, ErrClosed)
		wantError(t, "end of the other side", <-db, ErrLost)
	})
	t.Run("inside a frame", func(t *testing.T) {
		a, b := pair(t, "tcp", Options{CompressAbove: -1}, Options{})
		block := noise(32 << 20)
		a.Send(kindData, []byte("first"))
		a.Send(kindData, block)
		done := serve(b, func(_ Kind, body []byte) error {
			if string(body) != "first" {
				return fmt.Errorf("a body of %d bytes came whole", len(body))
			}
			for a.Stats().Sent.Socket < 1<<20 { // the second frame is on its way; no buffer holds it all
				b.Stats()
			}
			a.Abort()
			return nil
		})
		wantError(t, "end", <-done, ErrTruncated)
	})
}

func TestSendAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for _, size := range []int{64, 70_000} {
		a, b := pair(t, "tcp", Options{CompressAbove: -1}, Options{CompressAbove: -1})
		back := make(chan struct{})
		da := serve(a, func(Kind, []byte) error { back <- struct{}{}; return nil })
		db := serve(b, func(k Kind, body []byte) error { return b.Send(k, body) })
		body := noise(size)
		if got := testing.AllocsPerRun(1000, func() {
			a.Send(kindData, body)
			<-back
		}); got > 0 {
			t.Errorf("a round trip of %d bytes: got %v allocations, want 0", size, got)
		}
		a.Close()
		<-da
		<-db
	}
}
