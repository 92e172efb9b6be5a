package wire

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// A Kind says what the body of a frame is. The application defines kinds from
// FirstKind to 255.
type Kind uint8

// FirstKind is the lowest kind that an application may define.
const FirstKind Kind = 16

// wire's own kinds.
const (
	kindPing Kind = 1 // body: the pinger's clock, 8 bytes
	kindPong Kind = 2 // body: that of the ping
	kindBye  Kind = 3 // no body; nothing follows, and nothing more is read
	kindPace Kind = 4 // body: what bytes cost at the receiver, 8 bytes; since minor version 1
)

// The reasons why a connection ends or does not come about. Test with
// errors.Is; the errors returned say more. [ErrClosed] and [ErrBye] are the
// two orderly ends.
var (
	ErrClosed = errors.New("the connection is closed")               // by this side; also what Send reports after any end
	ErrBye    = errors.New("the peer said bye")                      // it called Close, all that it sent has been handled
	ErrLost   = errors.New("the connection was lost")                // it ended between two frames without a bye: the peer died
	ErrSilent = errors.New("the peer is silent")                     // nothing was heard for Options.Silence or HandshakeTimeout
	ErrStuck  = errors.New("the peer does not read what it is sent") // a write made no progress for Options.WriteTimeout

	ErrNotPeer = errors.New("not a petuum peer")        // its first bytes are something else
	ErrVersion = errors.New("another protocol version") // the major versions differ
	ErrHello   = errors.New("malformed hello")          // a hello or a verdict that does not decode
	ErrRefused = errors.New("refused")                  // by Options.Verify, here or at the peer

	ErrTruncated  = errors.New("the connection ended inside a frame")
	ErrChecksum   = errors.New("bad checksum")
	ErrTooLarge   = errors.New("frame too large")                     // longer than Options.MaxFrame, as sent or decoded
	ErrCompressed = errors.New("compressed body is not as announced") // damaged, or longer or shorter than its raw length
	ErrKind       = errors.New("unknown kind of frame")               // not accepted by Options.Kinds, or unknown to wire
	ErrMalformed  = errors.New("malformed frame")                     // unknown flags, or one of wire's own that is not well formed
)

// A Hello is how a process introduces itself. Each side checks the other's.
// Job, Role and Name are printable UTF-8 of at most 255 bytes each.
type Hello struct {
	Major, Minor uint16 // protocol version of frames and messages together; another Major is refused by both sides
	Job          string // which job the process belongs to
	Role         string // scheduler, server or worker
	Name         string // for people, e.g. "server-0"
	Seat         int32  // a server's place in the placement; -1: none
}

// Options are the limits of a connection. The zero value has every default
// except that it neither pings nor minds silence; [Defaults] does both.
type Options struct {
	// Logger gets one line when a connection ends and one when Accept
	// refuses a peer. Whoever gets the same as an error need not log it
	// again. nil: no log.
	Logger *slog.Logger

	// MaxFrame is the largest body in bytes, as sent and decoded, in both
	// directions. 0: DefaultMaxFrame.
	MaxFrame int

	// Compression says which bodies are compressed. 0: Auto.
	Compression Compression

	// CompressAbove is the size in bytes above which a body may be
	// compressed. 0: DefaultCompressAbove; negative: never.
	CompressAbove int

	// WriteTimeout is how long one write of at most 1 MiB may take, and how
	// long Close may flush. 0: DefaultWriteTimeout.
	WriteTimeout time.Duration

	// HandshakeTimeout bounds the exchange of hellos. 0: DefaultHandshakeTimeout.
	HandshakeTimeout time.Duration

	// PingEvery is the interval of pings: they let the peer know that this
	// side is alive and measure the round trip. On a busy connection a ping
	// queues with everything else. 0: none.
	PingEvery time.Duration

	// Silence is how long Serve waits for any byte before it takes the peer
	// for dead. Choose several of the peer's PingEvery. 0: for ever.
	Silence time.Duration

	// Kinds says which of the application's kinds this side accepts; a frame
	// of another kind ends the connection. It is called from the goroutine of
	// Serve, once for each frame. nil: all.
	Kinds func(Kind) bool

	// Verify is the application's check of the peer's hello. The text of its
	// error is sent to the peer, whose Dial or Accept returns it. The
	// accepting side verifies first: a peer that it accepts may yet refuse.
	// nil: any hello will do.
	Verify func(peer Hello) error
}

// Defaults of Options.
const (
	DefaultMaxFrame         = 256 << 20
	DefaultCompressAbove    = 512
	DefaultWriteTimeout     = 30 * time.Second
	DefaultHandshakeTimeout = 10 * time.Second
	DefaultPingEvery        = time.Second
	DefaultSilence          = 4 * time.Second
)

// Defaults returns the options of a connection that notices a dead host:
// every field at its default, with pings and a limit on silence.
func Defaults() Options {
	return Options{PingEvery: DefaultPingEvery, Silence: DefaultSilence}.filled()
}

// filled returns o with defaults in place of zeros.
func (o Options) filled() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.MaxFrame = cmp.Or(o.MaxFrame, DefaultMaxFrame)
	o.CompressAbove = cmp.Or(o.CompressAbove, DefaultCompressAbove)
	o.WriteTimeout = cmp.Or(o.WriteTimeout, DefaultWriteTimeout)
	o.HandshakeTimeout = cmp.Or(o.HandshakeTimeout, DefaultHandshakeTimeout)
	return o
}

// validate reports options that no connection could work with.
func (o Options) validate() error {
	var errs []error
	if o.Compression > Zstd {
		errs = append(errs, fmt.Errorf("Compression is %d, want Auto, Off or Zstd", o.Compression))
	}
	if o.MaxFrame < 1 || o.MaxFrame > 1<<30 {
		errs = append(errs, fmt.Errorf("MaxFrame is %d bytes, want 1 to 1 GiB", o.MaxFrame))
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"WriteTimeout", o.WriteTimeout}, {"HandshakeTimeout", o.HandshakeTimeout},
		{"PingEvery", o.PingEvery}, {"Silence", o.Silence},
	} {
		if d.value < 0 {
			errs = append(errs, fmt.Errorf("%s is %v, want no negative time", d.name, d.value))
		}
	}
	return errors.Join(errs...)
}

// Stats counts what a connection has done since it began. Frames and bodies
// are the application's; bytes on the socket hold headers, hellos and pings too.
type Stats struct {
	Sent, Received Flow

	RoundTrip    time.Duration // of the last ping that was answered; 0: none yet
	QueuedFrames int64         // handed to Send and not yet taken by the writer
	QueuedBytes  int64         // their bodies
}

// Flow counts one direction of a connection.
type Flow struct {
	Frames     int64 // frames
	Compressed int64 // those that went compressed
	Raw        int64 // bytes of bodies, as the application sees them
	Encoded    int64 // bytes of bodies, as sent: after compression
	Socket     int64 // bytes on the socket

	// Coding is the time spent on checksums, copies and compression. A
	// received frame below 4 KiB that is not compressed is not timed: looking
	// at the clock would cost more than the work.
	Coding time.Duration
	// Moving is the time spent in writes; or in reads after the first byte of
	// a frame, so that waiting for a frame to come does not count.
	Moving time.Duration
}
