package wire

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const kindData = FirstKind

// networks are those that the tests run on; a pipe has no buffer at all.
var networks = []string{"pipe", "tcp"}

func hello(name string) Hello {
	return Hello{Major: 1, Minor: 4, Job: "job-1", Role: "worker", Name: name, Seat: -1}
}

// dialed returns the two ends of a connection.
func dialed(t testing.TB, network string) (a, b net.Conn) {
	t.Helper()
	if network == "pipe" {
		return net.Pipe()
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if a, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if b, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return a, b
}

// pair returns two connected Conns, aborted at the end of the test.
func pair(t testing.TB, network string, oa, ob Options) (a, b *Conn) {
	t.Helper()
	na, nb := dialed(t, network)
	return pairOver(t, na, nb, oa, ob)
}

// pairOver is pair over a connection that is there.
func pairOver(t testing.TB, na, nb net.Conn, oa, ob Options) (a, b *Conn) {
	t.Helper()
	accepted := make(chan error)
	go func() {
		var err error
		b, err = Accept(nb, hello("b"), ob)
		accepted <- err
	}()
	a, err := Client(context.Background(), na, hello("a"), oa)
	if err := errors.Join(err, <-accepted); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		a.Abort()
		b.Abort()
	})
	return a, b
}

// raw returns a Conn and the bare other end of it, past the handshake.
func raw(t testing.TB, network string, o Options) (*Conn, net.Conn) {
	t.Helper()
	na, nb := dialed(t, network)
	shaken := make(chan error)
	go func() {
		bare := newConn(na, Options{})
		_, err := bare.shake(hello("raw"), greet)
		shaken <- err
	}()
	c, err := Accept(nb, hello("conn"), o)
	if err := errors.Join(err, <-shaken); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Abort()
		na.Close()
	})
	return c, na
}

// serve runs Serve in a goroutine and returns its result.
func serve(c *Conn, handle func(Kind, []byte) error) <-chan error {
	done := make(chan error, 1)
	go func() {
		err := c.Serve(handle)
		select {
		case <-c.written:
		default:
			err = errors.New("Serve returned before the writer")
		}
		done <- err
	}()
	return done
}

func ignore(Kind, []byte) error { return nil }

func wantError(t testing.TB, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

// noise returns n bytes that do not compress.
func noise(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{7}).Read(b)
	return b
}

// prose returns n bytes that do.
func prose(n int) []byte {
	return bytes.Repeat([]byte("keys and values, "), n/17+1)[:n]
}

// A journal is a log for tests.
type journal struct {
	mu    sync.Mutex
	bytes bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.bytes.Write(p)
}

func (j *journal) logger() *slog.Logger { return slog.New(slog.NewTextHandler(j, nil)) }

// lines returns the lines at level info and above.
func (j *journal) lines() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.FieldsFunc(j.bytes.String(), func(r rune) bool { return r == '\n' })
}
