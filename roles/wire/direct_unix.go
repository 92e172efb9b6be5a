//go:build unix

package wire

import (
	"net"
	"syscall"
)

// A direct is the way past the writer's goroutine: one write that takes what the
// socket has room for and never waits. Whoever writes may use it.
type direct struct {
	raw syscall.RawConn
	out []byte // to be written
	n   int    // of it were
	try func(fd uintptr)
}

// newDirect returns nil where a connection has no socket of its own.
func newDirect(nc net.Conn) *direct {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	d := &direct{raw: raw}
	d.try = func(fd uintptr) { // made once: it would be allocated with each write
		for {
			n, err := syscall.Write(int(fd), d.out)
			if err == syscall.EINTR {
				continue
			}
			d.n = max(n, 0)
			return
		}
	}
	return d
}

// write returns how many bytes of b went. Why the rest did not, the write that
// follows will find out.
func (d *direct) write(b []byte) int {
	d.out, d.n = b, 0
	if d.raw.Control(d.try) != nil {
		d.n = 0
	}
	d.out = nil
	return d.n
}
