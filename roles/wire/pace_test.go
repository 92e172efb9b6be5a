package wire

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A link is one end of a connection that gives bytes to read at a pace of its own, in
// segments as TCP does.
type link struct {
	net.Conn
	perByte atomic.Int64 // nanoseconds
	read    int
}

const segment = 1448

func (l *link) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p[:min(len(p), segment-l.read%segment)])
	l.read += n
	time.Sleep(time.Duration(int64(n) * l.perByte.Load()))
	return n, err
}

// A stream is a connection over a link at which one side sends and the other echoes
// nothing.
type stream struct {
	from, to *Conn
	link     *link
	came     chan struct{}
	ends     []<-chan error
}

func newStream(t *testing.T, how Compression, perByte int64) *stream {
	na, nb := net.Pipe()
	s := &stream{link: &link{Conn: nb}, came: make(chan struct{})}
	s.from, s.to = pairOver(t, na, s.link, Options{Compression: how}, Options{})
	s.link.perByte.Store(perByte)
	return s
}

func (s *stream) begin() {
	s.ends = []<-chan error{serve(s.from, ignore), serve(s.to, func(Kind, []byte) error { s.came <- struct{}{}; return nil })}
}

// send sends a body n times, one after the other, and returns how many went compressed.
func (s *stream) send(n int, body []byte) int64 {
	before := s.from.Stats().Sent.Compressed
	for range n {
		s.from.Send(kindData, body)
		<-s.came
	}
	synctest.Wait()
	return s.from.Stats().Sent.Compressed - before
}

func (s *stream) end() {
	s.from.Abort()
	s.to.Abort()
	for _, e := range s.ends {
		<-e
	}
}

// shrinking returns n bytes of which half are noise.
func shrinking(n int) []byte {
	b := noise(n)
	copy(b, make([]byte, n/2))
	return b
}

func TestAutoFollowsTheLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStream(t, Auto, 0)
		s.begin()
		body := shrinking(128 << 10)
		if got := s.send(100, body); got != 0 {
			t.Errorf("on a link that takes no time: got %d frames compressed, want 0", got)
		}
		if got := s.to.Stats().Sent.Socket; got > helloBytes() {
			t.Errorf("on a link that takes no time: got %d bytes back, want no word of the pace", got)
		}
		s.link.perByte.Store(80)
		if got := s.send(100, body); got < 90 {
			t.Errorf("at 100 Mbit/s: got %d of 100 frames compressed, want most", got)
		}
		if got := s.send(100, noise(128<<10)); got != 0 {
			t.Errorf("noise at 100 Mbit/s: got %d frames compressed, want 0", got)
		}
		if got := s.send(2000, body); got < 1000 {
			t.Errorf("after noise: got %d of 2000 frames compressed, want most", got)
		}
		s.link.perByte.Store(0)
		s.send(100, body) // until the pace is known
		if got := s.send(100, body); got != 0 {
			t.Errorf("on a link that became fast: got %d frames compressed, want 0", got)
		}
		if got, most := s.to.Stats().Sent.Socket, helloBytes()+40*18; got > most {
			t.Errorf("got %d bytes of paces, want at most %d", got, most)
		}
		s.end()
	})
}

func TestCompressionIsObeyed(t *testing.T) {
	for _, tt := range []struct {
		name    string
		how     Compression
		perByte int64
		want    int64
	}{{"off on a slow link", Off, 80, 0}, {"zstd on a fast link", Zstd, 0, 50}} {
		synctest.Test(t, func(t *testing.T) {
			s := newStream(t, tt.how, tt.perByte)
			s.begin()
			body := shrinking(128 << 10)
			if got := s.send(50, body); got != tt.want {
				t.Errorf("%s: got %d of 50 frames compressed, want %d", tt.name, got, tt.want)
			}
			s.from.SetCompression(Zstd)
			if got := s.send(50, body); got != 50 {
				t.Errorf("%s, then zstd: got %d of 50 frames compressed, want all", tt.name, got)
			}
			s.from.SetCompression(Off)
			if got := s.send(50, body); got != 0 {
				t.Errorf("%s, then off: got %d frames compressed, want 0", tt.name, got)
			}
			s.end()
		})
	}
}

// A peer of the first minor version would take a pace for a violation.
func TestOldPeerIsToldNoPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStream(t, Auto, 80)
		s.to.peer.Minor = paceMinor - 1
		s.begin()
		if got := s.send(50, shrinking(128<<10)); got != 0 {
			t.Errorf("got %d frames compressed, want 0: the pace is not known", got)
		}
		if got := s.to.Stats().Sent.Socket; got > helloBytes() {
			t.Errorf("got %d bytes back, want no word of the pace", got)
		}
		s.end()
	})
}

// While the peer does not read, one pace is queued at most, however it changes.
func TestPacesDoNotFillTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		na, nb := net.Pipe()
		l := &link{Conn: nb}
		accepted := make(chan *Conn)
		go func() {
			c, _ := Accept(l, hello("b"), Options{})
			accepted <- c
		}()
		bare := newConn(na, Options{})
		if _, err := bare.shake(hello("raw"), greet); err != nil {
			t.Fatal(err)
		}
		c := <-accepted
		done := serve(c, ignore)
		frame := plain(kindData, noise(4*paceWindow))
		for i := range 40 {
			l.perByte.Store(int64(i%2) * 80)
			if _, err := na.Write(frame); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if got := c.Stats().QueuedFrames; got > 1 {
			t.Errorf("got %d frames queued, want at most 1", got)
		}
		c.Abort()
		if err := <-done; !errors.Is(err, ErrClosed) {
			t.Errorf("end: got %v", err)
		}
	})
}

// Whatever a peer says its pace is, and however often, this side goes on and says
// nothing about it.
func TestFalsePacesDoNoHarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, nc := raw(t, "pipe", Options{})
		done := serve(c, ignore)
		got := make(chan int)
		go func() {
			n, _ := io.Copy(io.Discard, nc)
			got <- int(n)
		}()
		body := noise(10_000)
		for i := range 3000 {
			b := []byte{0, 0, 0, 0, 0, 0, 0, 0}
			for k := range b {
				b[k] = []byte{0, 0xff, byte(i)}[(i>>k)%3]
			}
			if _, err := nc.Write(plain(kindPace, b)); err != nil {
				t.Fatal(err)
			}
			if err := c.Send(kindData, body); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if s := c.Stats(); s.Sent.Frames != 3000 || s.Sent.Compressed != 0 || s.Received.Frames != 0 {
			t.Errorf("got %+v, want 3000 frames of noise sent as they are, and none received", s)
		}
		c.Abort()
		<-done
		if n, want := <-got, 3000*(10_000+plainHeader); n != want {
			t.Errorf("got %d bytes, want the %d of the frames", n, want)
		}
	})
}

func TestPacesAllocateNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for name, body := range map[string][]byte{"packing": shrinking(100_000), "probing": noise(100_000)} {
		a, b := pair(t, "tcp", Options{}, Options{Compression: Off})
		back := make(chan struct{})
		da := serve(a, func(Kind, []byte) error { back <- struct{}{}; return nil })
		small := noise(10)
		db := serve(b, func(k Kind, _ []byte) error { return b.Send(k, small) })
		link := uint32(0)
		if got := testing.AllocsPerRun(300, func() {
			link += 10_000 // slower each time, so that noise is probed
			a.pace.Store(pace{link: link}.word())
			a.Send(kindData, body)
			<-back
		}); got > 0 {
			t.Errorf("%s: got %v allocations, want 0", name, got)
		}
		a.Close()
		<-da
		<-db
	}
}
