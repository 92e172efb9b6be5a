package wire

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"net"
	"strings"
	"testing"
)

func TestHelloSurvivesTheWire(t *testing.T) {
	long := strings.Repeat("é", 127) + "x"
	for _, want := range []Hello{
		{},
		{Major: 1, Minor: 65535, Job: "j", Role: "server", Name: "server-0", Seat: 3},
		{Major: 1, Job: long, Role: long, Name: long, Seat: -1},
	} {
		b := appendHello(nil, want)
		got, err := readHello(bufio.NewReader(bytes.NewReader(b)), want.Major)
		if err != nil || got != want {
			t.Errorf("hello: got %+v, %v, want %+v", got, err, want)
		}
		b = append(b[:len(b):len(b)], "a later version's fields"...)
		b[8] += 24
		copy(b[10:14], bytes.Repeat([]byte{0}, 4))
		sum := helloSum(b)
		b[10], b[11], b[12], b[13] = byte(sum), byte(sum>>8), byte(sum>>16), byte(sum>>24)
		got, err = readHello(bufio.NewReader(bytes.NewReader(b)), want.Major)
		if err != nil || got != want {
			t.Errorf("longer hello: got %+v, %v, want %+v", got, err, want)
		}
	}
}

func TestDamagedHelloIsRefused(t *testing.T) {
	whole := appendHello(nil, hello("x"))
	for i := range whole {
		_, err := readHello(bufio.NewReader(bytes.NewReader(whole[:i])), 1)
		if !errors.Is(err, ErrLost) && !errors.Is(err, ErrTruncated) {
			t.Errorf("%d of %d bytes: got %v, want ErrLost or ErrTruncated", i, len(whole), err)
		}
		bad := bytes.Clone(whole)
		bad[i] ^= 0x41
		if h, err := readHello(bufio.NewReader(bytes.NewReader(bad)), 1); err == nil {
			t.Errorf("byte %d damaged: got %+v", i, h)
		}
	}
	verdict := appendVerdict(nil, errors.New("no"))
	for i := range verdict {
		if err := readVerdict(bufio.NewReader(bytes.NewReader(verdict[:i]))); errors.Is(err, ErrRefused) || err == nil {
			t.Errorf("%d bytes of a verdict: got %v, want an error of the stream", i, err)
		}
		bad := bytes.Clone(verdict)
		bad[i] ^= 0x41
		if err := readVerdict(bufio.NewReader(bytes.NewReader(bad))); errors.Is(err, ErrRefused) || err == nil {
			t.Errorf("verdict with byte %d damaged: got %v, want another error", i, err)
		}
	}
}

func TestReasonIsCleaned(t *testing.T) {
	err := readVerdict(bufio.NewReader(bytes.NewReader(appendVerdict(nil, errors.New("a\nb\x1b[2J\xff"+strings.Repeat("ü", 2000))))))
	wantError(t, "verdict", err, ErrRefused)
	if text := err.Error(); strings.ContainsFunc(text, unprintable) || len(text) > reasonMax+40 || !strings.Contains(text, "a b [2J?ü") {
		t.Errorf("reason: got %q, want at most %d printable bytes", text, reasonMax)
	}
}

func TestGarbledReasonIsCleaned(t *testing.T) {
	b := appendVerdict(nil, errors.New("a b"))
	b[len(b)-2] = '\n'
	binary.LittleEndian.PutUint32(b[3:], crc32.Update(crc32.Checksum(b[:3], castagnoli), castagnoli, b[verdictHeader:]))
	wantText(t, "verdict", readVerdict(bufio.NewReader(bytes.NewReader(b))), ErrRefused, "peer: a b")
}

func TestHelloThatEndsEarly(t *testing.T) {
	body := appendHello(nil, hello("x"))[helloHeader:]
	for i := range body {
		if h, err := parseHello(Hello{}, body[:i:i]); !errors.Is(err, ErrHello) {
			t.Errorf("%d of %d bytes: got %+v, %v, want ErrHello", i, len(body), h, err)
		}
	}
}

// Whoever refuses, both sides get an error with the reason in it.
func TestBothSidesLearnTheRefusal(t *testing.T) {
	verify := func(peer Hello) error {
		if peer.Job != "job-1" {
			return errors.New("job " + peer.Job + " is not served here, only job-1")
		}
		return nil
	}
	other, newer, broken := hello("a"), hello("a"), hello("a")
	other.Job, newer.Major, broken.Name = "job-2", 2, "two\nlines"
	for _, tt := range []struct {
		name         string
		dials, waits Hello
		od, ow       Options
		dialErr      error
		dialText     string
		waitErr      error
		waitText     string
	}{
		{"the accepting side refuses", other, hello("b"), Options{}, Options{Verify: verify},
			ErrRefused, "refused by the peer: job job-2 is not served here, only job-1", ErrRefused, "refused: job job-2 is not"},
		{"the dialing side refuses", hello("b"), other, Options{Verify: verify}, Options{},
			ErrRefused, "refused: job job-2 is not", ErrRefused, "refused by the peer: job job-2 is not served"},
		{"another major version", newer, hello("b"), Options{}, Options{},
			ErrVersion, "2.4 here, 1.4 there", ErrVersion, "1.4 here, 2.4 there"},
		{"another major version, the other way", hello("b"), newer, Options{}, Options{},
			ErrVersion, "1.4 here, 2.4 there", ErrVersion, "2.4 here, 1.4 there"},
		{"a garbled name", broken, hello("b"), Options{}, Options{},
			ErrRefused, `refused by the peer: malformed hello: the name "two\nlines"`, ErrHello, "is not printable text"},
		{"a garbled name, the other way", hello("b"), broken, Options{}, Options{},
			ErrHello, "is not printable text", ErrRefused, `refused by the peer: malformed hello: the name "two\nlines"`},
	} {
		for _, network := range networks {
			t.Run(tt.name+" over "+network, func(t *testing.T) {
				na, nb := dialed(t, network)
				accepted := make(chan error)
				go func() { // without the check of a side's own hello, which would find the garbled name
					c := newConn(nb, tt.ow)
					_, err := welcomes(&c.src, c.dec.br, tt.waits, c.opts)
					nb.Close()
					accepted <- err
				}()
				c := newConn(na, tt.od)
				_, err := greet(&c.src, c.dec.br, tt.dials, c.opts)
				na.Close()
				wantText(t, "the dialing side", err, tt.dialErr, tt.dialText)
				wantText(t, "the accepting side", <-accepted, tt.waitErr, tt.waitText)
			})
		}
	}
}

func wantText(t *testing.T, what string, got, want error, text string) {
	t.Helper()
	if !errors.Is(got, want) || !strings.Contains(got.Error(), text) {
		t.Errorf("%s: got %v, want %v with %q", what, got, want, text)
	}
}

func TestStrangersAreNamedAsSuch(t *testing.T) {
	for _, tt := range []struct {
		name, says string
		want       error
	}{
		{"a web browser", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", ErrNotPeer},
		{"a secure shell", "SSH-2.0-OpenSSH_9.2\r\n", ErrNotPeer},
		{"somebody short", "PX", ErrNotPeer},
		{"somebody silent", "", ErrLost},
		{"half a peer", "PTUM\x01\x00", ErrTruncated},
		{"a long hello", "PTUM\x01\x00\x00\x00\xff\xff\x00\x00\x00\x00", ErrHello},
	} {
		t.Run(tt.name, func(t *testing.T) {
			na, nb := dialed(t, "tcp")
			na.Write([]byte(tt.says))
			na.(*net.TCPConn).CloseWrite()
			defer na.Close()
			var log journal
			_, err := Accept(nb, hello("b"), Options{Logger: log.logger()})
			wantError(t, "Accept", err, tt.want)
			if got := log.lines(); len(got) != 1 || !strings.Contains(got[0], tt.want.Error()) {
				t.Errorf("log: got %q, want one line with the reason", got)
			}

			na, nb = dialed(t, "tcp")
			nb.Write([]byte(tt.says))
			nb.(*net.TCPConn).CloseWrite()
			defer nb.Close()
			_, err = Client(context.Background(), na, hello("a"), Options{})
			wantError(t, "Client", err, tt.want)
		})
	}
}

func TestUselessSettingsAreRefused(t *testing.T) {
	for _, tt := range []struct {
		name  string
		self  Hello
		o     Options
		wants string
	}{
		{"long job", Hello{Job: strings.Repeat("j", 256)}, Options{}, "the job has 256 bytes"},
		{"name with a newline", Hello{Name: "a\nb"}, Options{}, "is not printable"},
		{"negative limit", Hello{}, Options{MaxFrame: -1}, "MaxFrame is -1"},
		{"negative time", Hello{}, Options{Silence: -1, PingEvery: -2}, "PingEvery is -2ns"},
	} {
		na, nb := net.Pipe()
		_, err := Client(context.Background(), na, tt.self, tt.o)
		if err == nil || !strings.Contains(err.Error(), tt.wants) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.wants)
		}
		if _, err := nb.Write([]byte("x")); err == nil {
			t.Errorf("%s: the connection is still open", tt.name)
		}
		nb.Close()
	}
}

func TestCancelledHandshake(t *testing.T) {
	na, nb := net.Pipe()
	defer nb.Close()
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		nb.Read(make([]byte, 1)) // the hello has begun
		cancel()
	}()
	_, err := Client(ctx, na, hello("a"), Options{})
	wantError(t, "Client", err, context.Canceled)
}

func FuzzHello(f *testing.F) {
	f.Add(appendHello(nil, hello("server-0")))
	f.Add(append(appendHello(nil, hello("")), appendVerdict(nil, errors.New("no"))...))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		br := bufio.NewReader(bytes.NewReader(b))
		h, err := readHello(br, 1)
		if err == nil {
			again, err := readHello(bufio.NewReader(bytes.NewReader(appendHello(nil, h))), 1)
			if err != nil || again != h {
				t.Errorf("hello %+v: got %+v, %v when sent again", h, again, err)
			}
		}
		if err := readVerdict(br); errors.Is(err, ErrRefused) && strings.ContainsFunc(err.Error(), unprintable) {
			t.Errorf("reason: got %q, want printable text", err)
		}
		readVerdict(bufio.NewReader(bytes.NewReader(b)))
		if h, err := parseHello(Hello{}, b); err == nil && h.validate() != nil {
			t.Errorf("hello: got %+v, which is not in order", h)
		}
	})
}
