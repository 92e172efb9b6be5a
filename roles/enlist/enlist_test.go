package enlist

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"petuum/configs"
	"petuum/roles/control"
	"petuum/roles/wire"
)

// faulty is a listener whose first calls of Accept fail.
type faulty struct {
	net.Listener
	fail atomic.Int32
}

func (l *faulty) Accept() (net.Conn, error) {
	if l.fail.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	return l.Listener.Accept()
}

func listen(t *testing.T) (*Place, *faulty) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &faulty{Listener: l}
	return &Place{Role: control.Server, Name: "server-0", Job: "test", Listener: f, Options: Options{Log: slog.New(slog.DiscardHandler)}}, f
}

func TestAcceptGoesOn(t *testing.T) {
	p, f := listen(t)
	f.fail.Store(1)
	served := make(chan string, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.Accept(nil, func(c *wire.Conn) {
			served <- c.Peer().Name
			c.Close()
		})
	}()
	self := wire.Hello{Major: wireMajor, Minor: wireMinor, Role: control.Worker, Name: "worker-0", Seat: -1}
	c, err := wire.Dial(t.Context(), f.Addr().String(), self, wire.Defaults())
	if err != nil {
		t.Fatal(err)
	}
	if got := <-served; got != "worker-0" {
		t.Errorf("served %q, want worker-0", got)
	}
	c.Close()
	f.Close()
	<-ended
}

// Who has connected and says nothing does not hold up the end.
func TestAcceptCutsOff(t *testing.T) {
	p, f := listen(t)
	silent, err := net.Dial("tcp", f.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	go p.Accept(nil, func(*wire.Conn) { t.Error("a silent connection was served") })
	self := wire.Hello{Major: wireMajor, Minor: wireMinor, Job: "other", Role: control.Worker, Name: "worker-0", Seat: -1}
	if _, err := wire.Dial(t.Context(), f.Addr().String(), self, wire.Defaults()); !errors.Is(err, wire.ErrRefused) {
		t.Fatalf("a worker of another job: got %v, want %v", err, wire.ErrRefused)
	} // so that the silent one, which came first, has been accepted
	f.Close()
	ctx, cancel := context.WithTimeout(t.Context(), wire.DefaultHandshakeTimeout/2)
	defer cancel()
	read := make(chan error, 1)
	go func() {
		_, err := silent.Read(make([]byte, 1))
		read <- err
	}()
	select {
	case err := <-read:
		if err == nil {
			t.Error("read a byte, want the end of the connection")
		}
	case <-ctx.Done():
		t.Errorf("the connection is still open after %v", time.Duration(wire.DefaultHandshakeTimeout/2))
	}
}

// The job's compression is for connections that are there as for those to come.
func TestAdopt(t *testing.T) {
	p, f := listen(t)
	adopt := func(how string, conns ...*wire.Conn) error {
		c := configs.Default()
		c.Wire.Compression = how
		return p.Adopt(c, conns...)
	}
	if err := adopt("gzip"); err == nil {
		t.Error("gzip: got no error")
	}
	if err := adopt("zstd"); err != nil {
		t.Fatal(err)
	}
	accepted := make(chan *wire.Conn, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.Accept(nil, func(c *wire.Conn) { accepted <- c })
	}()
	self := wire.Hello{Major: wireMajor, Minor: wireMinor, Role: control.Worker, Name: "worker-0", Seat: -1}
	dialed, err := wire.Dial(t.Context(), f.Addr().String(), self, wire.Options{Compression: wire.Off})
	if err != nil {
		t.Fatal(err)
	}
	served := <-accepted
	f.Close()
	<-ended
	if err := adopt("zstd", dialed); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]*wire.Conn{"accepted": served, "given": dialed} {
		if err := c.Send(control.KindRows, make([]byte, 10_000)); err != nil {
			t.Fatal(err)
		}
		c.Close()
		if got := c.Stats().Sent.Compressed; got != 1 {
			t.Errorf("%s: got %d frames compressed, want 1", name, got)
		}
	}
}

// A server is renamed while workers introduce themselves; for the race detector.
func TestRename(t *testing.T) {
	p, _ := listen(t)
	renamed := make(chan struct{})
	go func() {
		p.Rename("server-3", 3)
		close(renamed)
	}()
	p.Hello()
	<-renamed
	if h := p.Hello(); h.Name != "server-3" || h.Seat != 3 {
		t.Errorf("got %q with seat %d, want server-3 with seat 3", h.Name, h.Seat)
	}
}

// A check-up and a job know each other by the id.
func TestFits(t *testing.T) {
	job, checkup := Options{}, Options{Checkup: true}
	for _, c := range []struct {
		name string
		o    Options
		id   string
		want string
	}{
		{"a job", job, job.NewJob(), ""},
		{"a check-up", checkup, checkup.NewJob(), ""},
		{"a job's role in a check-up", job, checkup.NewJob(), "started by petuum doctor"},
		{"a check-up's role in a job", checkup, job.NewJob(), ErrBusy.Error()},
	} {
		if err := c.o.fits(c.id); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s, %s: got %v, want %q", c.name, c.id, err, c.want)
		}
	}
}

func TestTowards(t *testing.T) {
	for addr, want := range map[string]string{"127.0.0.1:7946": "127.0.0.1", "127.0.0.9:1": "127.0.0.1", "nonsense": "127.0.0.1", "": "127.0.0.1"} {
		if got := towards(addr); got != want {
			t.Errorf("towards %q: got %s, want %s", addr, got, want)
		}
	}
}

func TestListenAdvice(t *testing.T) {
	for _, c := range []struct {
		errno syscall.Errno
		want  string
	}{
		{syscall.EADDRINUSE, "another process has that port"},
		{syscall.EACCES, "below 1024"},
		{syscall.EADDRNOTAVAIL, "an address of this machine"},
	} {
		err := &net.OpError{Op: "listen", Net: "tcp", Err: os.NewSyscallError("bind", c.errno)}
		if got := listenAdvice(err); !strings.Contains(got, c.want) {
			t.Errorf("%v: got %q, want %q in it", err, got, c.want)
		}
	}
}
