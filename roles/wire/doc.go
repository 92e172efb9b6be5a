// Package wire is the data plane's connection: one framed TCP stream between
// two Petuum processes.
//
// A [Conn] carries frames, each a [Kind] and a body of bytes, in order and in
// both directions. What the kinds and bodies mean is the application's
// business; wire knows only how to carry them quickly and how to refuse what
// is not well formed.
//
// # Life of a connection
//
// One side calls [Dial], the other [Accept]; both greet, check the other's
// [Hello] and learn of a refusal and its reason. Then each side calls
// [Conn.Serve] once, in a goroutine of its own choice, which hands every frame
// to a function and returns the one reason why the connection ended.
// [Conn.Send] may be called from anywhere at any time and never waits for the
// network; nor does [Conn.SendNow], which saves a last frame the way through
// another goroutine. [Conn.Keep] lets a large body outlive the call it came with.
// [Conn.Close] flushes and says goodbye, [Conn.Abort] does neither.
//
//	Dial/Accept ──► open ──► Serve returns ErrBye      the peer called Close
//	                  │                    ErrClosed   this side called Close or Abort
//	                  │                    ErrLost     the peer died between two frames
//	                  │                    any other   the peer died or misbehaved as named
//	                  └─ Send returns an error from then on
//
// # Invariants
//
//   - The frames of one goroutine arrive in the order in which it sent them.
//   - The read loop never waits for the writer, nor Send for either: two peers
//     that send at each other without reading do not deadlock. The queue has
//     therefore no bound of its own; what bounds it is the application's limit
//     on unanswered messages, and the write deadline, which ends a connection
//     whose peer has stopped reading.
//   - Nothing that arrives is believed. A length is checked before it is used,
//     memory grows with the bytes that really came and not with what was
//     announced, and the first violation ends this connection, with one reason
//     and one log line, and nothing else.
//
// # Format
//
// All numbers are little-endian. Each direction is one hello, one verdict, and
// then frames. The dialing side speaks first: hello; then the accepting side
// answers with its hello and its verdict; then comes the dialing side's
// verdict.
//
//	hello    0        4       6       8        10        14
//	         ┌────────┬───────┬───────┬────────┬─────────┬─────────────────────────────┐
//	         │ "PTUM" │ major │ minor │ length │ crc32c  │ seat i32, job, role, name   │
//	         └────────┴───────┴───────┴────────┴─────────┴─────────────────────────────┘
//	         job, role and name are a length byte and UTF-8 text; what follows them is
//	         ignored, so that a later minor version can append fields
//
//	verdict  0        1        3         7
//	         ┌────────┬────────┬─────────┬──────────────┐
//	         │ status │ length │ crc32c  │ reason       │   status 0: welcome, 1: refused
//	         └────────┴────────┴─────────┴──────────────┘
//
//	frame    0         4        8      9       10        14
//	         ┌─────────┬────────┬──────┬───────┬─ ─ ─ ─ ─┬──────────────┐
//	         │ crc32c  │ length │ kind │ flags │ raw len │ body as sent │
//	         └─────────┴────────┴──────┴───────┴─ ─ ─ ─ ─┴──────────────┘
//	         length is that of the body as sent; the raw length is there only when
//	         flag 1 says that the body is a zstd frame, and must be met exactly
//
// A CRC32C covers all of its hello, verdict or frame but itself and, of a
// hello, the magic. The first 14 bytes of a hello are the same in every
// version for ever, so that any two versions can tell each other apart.
//
// Kinds below [FirstKind] are wire's own: ping (1) and pong (2), whose body is
// the eight bytes of the pinger's clock, bye (3), which is empty, and pace (4), whose
// body is two u32, the picoseconds that a byte as sent and the decompressing of a raw
// byte cost its sender. A pace goes only to a peer whose hello has minor version 1 or
// more; to others it is an unknown kind.
//
// # Compression
//
// With [Auto] a body is compressed only if that saves time: zstd is many times slower
// than loopback, and what numbers shrink by differs. Neither is known beforehand, so
// both are measured, each where it shows:
//
//	sender                                        receiver
//	  probe, habit: bytes before and after,         meter: bytes as sent, and the time for
//	  ns to encode, of each kind                    which it was blocked inside frames
//	    │                                             │
//	    │◄──────────── pace: link, decode ────────────┤  when either has doubled or halved
//	    ▼
//	  compress if  max(encode, ratio * link, decode) + (encode + decode) / 4 < link
//	               for each raw byte: the three go on at the same time
//
// The time blocked inside frames is what the link costs that nothing overlaps, and so
// what fewer bytes save. A frame that is there when the receiver comes to it
// costs nothing, however slow the link.
//
//   - Without a pace, or with one of 1 GB/s or more, nothing is compressed and nothing
//     probed: that is loopback, where the whole costs one comparison for a frame.
//   - A probe compresses 32 KiB of a body. Those that do not pay come
//     after 256 KiB, 512 KiB, ... 64 MiB of their kind, or when the link has become slower.
//   - The pace of the link is the median of 5 windows of 256 KiB or more, so that it takes
//     three slow ones to be slow: one stall of a process on loopback is no slow link.
//   - To begin to compress must save 4 % of the time, to go on 1 %; a
//     kind that ends soon after it began waits longer for the next probe.
//   - A pace is sent after at least 256 KiB of the application's frames, so never while idle;
//     paces, pings and pongs are neither measured nor counted. Of frames that
//     tell the pace at most one is queued.
//   - A pace is believed, but it can only make this side compress for nothing or send
//     more bytes than needed; both are bounded by the other two ways, [Zstd] and [Off].
package wire
