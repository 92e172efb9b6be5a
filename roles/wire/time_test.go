package wire

import (
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// These tests run over pipes and on a clock of their own, which stands still
// while anything runs: to sleep is to let that much time pass and takes none.

func TestSilenceEndsConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := raw(t, "pipe", Options{Silence: 4 * time.Second})
		start := time.Now()
		wantError(t, "end", c.Serve(ignore), ErrSilent)
		if got, want := time.Since(start), 4*time.Second; got != want {
			t.Errorf("time: got %v, want %v", got, want)
		}
	})
}

func TestPingsKeepIdleConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pair(t, "pipe", Defaults(), Defaults())
		da, db := serve(a, ignore), serve(b, ignore)
		time.Sleep(time.Hour)
		for _, c := range []*Conn{a, b} {
			if err := c.Send(kindData, nil); err != nil {
				t.Errorf("Send after an idle hour: %v", err)
			}
			if got, want := c.Stats().Received.Socket, int64(2*3599*18); got < want {
				t.Errorf("bytes received: got %d, want %d or more: a ping and a pong every second", got, want)
			}
			if got := c.Stats().RoundTrip; got < 1 {
				t.Errorf("round trip: got %v, want it measured", got)
			}
		}
		a.Close()
		wantError(t, "end", <-da, ErrClosed)
		wantError(t, "end", <-db, ErrBye)
	})
}

func TestSlowHandlerIsNotSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := Defaults()
		o.WriteTimeout = time.Minute
		a, b := pair(t, "pipe", o, o)
		handled := 0
		da, db := serve(a, ignore), serve(b, func(Kind, []byte) error {
			time.Sleep(20 * time.Second) // longer than Silence, shorter than WriteTimeout
			handled++
			return nil
		})
		a.Send(kindData, nil)
		a.Send(kindData, nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		if handled != 2 {
			t.Errorf("frames: got %d handled, want 2", handled)
		}
		b.Close()
		wantError(t, "end", <-da, ErrBye)
		wantError(t, "end", <-db, ErrClosed)
	})
}

func TestPeerThatDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := raw(t, "pipe", Options{WriteTimeout: 5 * time.Second})
		c.Send(kindData, noise(100))
		start := time.Now()
		wantError(t, "end", c.Serve(ignore), ErrStuck)
		if got, want := time.Since(start), 5*time.Second; got != want {
			t.Errorf("time: got %v, want %v", got, want)
		}
	})
}

func TestQueueIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, nc := raw(t, "pipe", Options{})
		for range 2 {
			c.Send(kindData, noise(10))
			synctest.Wait() // the writer is stuck with the first
			c.Send(kindData, noise(100_000))
			c.Send(kindData, noise(20))
			s := c.Stats()
			if s.QueuedFrames != 2 || s.QueuedBytes != 100_020 {
				t.Errorf("queue: got %d frames with %d bytes, want 2 with 100020", s.QueuedFrames, s.QueuedBytes)
			}
			io.CopyN(io.Discard, nc, 100_030+3*plainHeader)
			synctest.Wait()
		}
	})
}

// A peer that reads slowly is not stuck, but Close does not wait for it.
func TestCloseToSlowReader(t *testing.T) {
	half := make([]byte, 32<<20) // compresses to a half
	for i := 0; i < len(half); i += 128 << 10 {
		copy(half[i:], noise(64<<10))
	}
	for i := range half { // no block like the one before
		half[i] += byte(i >> 17)
	}
	for name, body := range map[string][]byte{"raw": noise(16 << 20), "compressed": half} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { closeToSlowReader(t, body) })
		})
	}
}

func closeToSlowReader(t *testing.T, body []byte) {
	c, nc := raw(t, "pipe", Options{Compression: Zstd, WriteTimeout: 5 * time.Second})
	read := make(chan struct{})
	go func() {
		defer close(read)
		for b := make([]byte, 1<<20); ; time.Sleep(2 * time.Second) {
			if _, err := io.ReadFull(nc, b); err != nil {
				return
			}
		}
	}()
	c.Send(kindData, body)
	time.Sleep(10*time.Second - 1)
	if err := c.Send(kindData, nil); err != nil {
		t.Errorf("Send after 10 s: %v", err)
	}
	start := time.Now()
	wantError(t, "Close", c.Close(), ErrStuck)
	if got, want := time.Since(start), 5*time.Second; got != want {
		t.Errorf("time: got %v, want %v", got, want)
	}
	<-read
}

func TestCloseIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := raw(t, "pipe", Options{WriteTimeout: 5 * time.Second, CompressAbove: -1})
		c.Send(kindData, noise(8<<20))
		time.Sleep(3 * time.Second)
		start := time.Now()
		wantError(t, "Close", c.Close(), ErrStuck)
		if got, most := time.Since(start), 5*time.Second; got > most {
			t.Errorf("time: got %v, want at most %v", got, most)
		}
		wantError(t, "Serve afterwards", c.Serve(ignore), ErrClosed)
	})
}

func TestAbortInterruptsClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := raw(t, "pipe", Options{WriteTimeout: time.Hour})
		start := time.Now()
		closed := make(chan error)
		go func() { closed <- c.Close() }()
		synctest.Wait()
		c.Abort()
		if err := <-closed; err == nil {
			t.Error("Close: got no error, want that not everything was sent")
		}
		if got := time.Since(start); got != 0 {
			t.Errorf("time: got %v, want none", got)
		}
	})
}

func TestSilentHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		na, nb := dialed(t, "pipe")
		defer na.Close()
		start := time.Now()
		_, err := Accept(nb, hello("b"), Options{HandshakeTimeout: 3 * time.Second})
		wantError(t, "Accept", err, ErrSilent)
		if got, want := time.Since(start), 3*time.Second; got != want {
			t.Errorf("time: got %v, want %v", got, want)
		}
	})
}

// Only the last of many pings is answered while the peer does not read.
func TestPingsDoNotFillTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, nc := raw(t, "pipe", Options{})
		done := serve(c, ignore)
		ping := append(appendPlain(nil, kindPing, make([]byte, 8), nil), make([]byte, 8)...)
		for range 1000 {
			if _, err := nc.Write(ping); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		nc.SetReadDeadline(time.Now().Add(time.Second))
		got := 0
		for b := make([]byte, 4096); ; {
			n, err := nc.Read(b)
			if err != nil {
				break
			}
			got += n
		}
		if want := 2 * len(ping); got > want {
			t.Errorf("answers: got %d bytes, want at most %d", got, want)
		}
		c.Abort()
		wantError(t, "end", <-done, ErrClosed)
	})
}
