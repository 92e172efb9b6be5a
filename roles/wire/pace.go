package wire

import (
	"encoding/binary"
	"math"
	"slices"
	"time"
)

// paceMinor is the first minor version of the protocol that knows kindPace: the frame
// would end the connection of an older peer, which is told nothing and compresses
// nothing of itself.
const paceMinor = 1

const (
	paceWindow = 256 << 10 // bytes of frames over which the link is timed
	windows    = 5         // of which the link's pace is the median
	maxWindows = 2         // that a frame fills, however long
	paceFast   = 1000      // a link of so many picoseconds a byte or less no zstd can beat: 1 GB/s
)

// A pace is what bytes cost at the receiver, in picoseconds: the time for which it
// was blocked in the middle of frames, for each byte as sent, and what it takes to
// decompress, for each raw byte, 0 if it never did. Any two numbers are a valid pace;
// the worst that a false one does is that this side compresses for nothing, or not.
type pace struct{ link, decode uint32 }

// slow says whether compressing can pay at all.
func (p pace) slow() bool { return p.link > paceFast }

// word makes one number of a pace, and paceOf a pace of that.
func (p pace) word() uint64 { return uint64(p.decode)<<32 | uint64(p.link) }

func paceOf(word uint64) pace { return pace{link: uint32(word), decode: uint32(word >> 32)} }

// differs says whether the sender should hear of q if it was told p last. Fast links
// are all alike, and so is what decoding costs on them.
func (p pace) differs(q pace) bool {
	if twice(max(p.link, paceFast), max(q.link, paceFast)) {
		return true
	}
	if p.slow() && q.link <= paceFast/2 {
		return true
	}
	return q.slow() && twice(p.decode, q.decode)
}

// twice says whether one of two numbers is at least double the other.
func twice(a, b uint32) bool {
	low, high := uint64(min(a, b)), uint64(max(a, b))
	return high >= 2*low && high > 0
}

// perByte is a pace of so many bytes in a time, at least 1 unless it took none.
func perByte(took time.Duration, bytes int64) uint32 {
	if took <= 0 || bytes <= 0 {
		return 0
	}
	return uint32(min(max(1, 1000*float64(took)/float64(bytes)), math.MaxUint32))
}

// A meter measures the pace at which frames come in. It belongs to Serve.
type meter struct {
	now, told pace
	last      [windows]uint32 // the pace of the link in each
	next      int             // of last, to be written
	bytes     int64           // of frames, since the window began
	blocked   time.Duration   // of these
	raw       int64           // bytes decompressed lately
	unpacking time.Duration   // the time that took
}

// frame counts one of the application's frames, of which raw bytes were unpacked, and
// says whether the sender should hear of the pace.
//
// The pace of the link is the median of several windows, of which a long frame fills
// two: on a fast link, too, a process may not run for a while in the middle of a frame.
func (m *meter) frame(bytes int, blocked time.Duration, raw int, unpacking time.Duration) bool {
	if raw > 0 {
		m.raw, m.unpacking = m.raw+int64(raw), m.unpacking+unpacking
		for m.raw > trialMemory {
			m.raw, m.unpacking = m.raw/2, m.unpacking/2
		}
	}
	m.bytes, m.blocked = m.bytes+int64(bytes), m.blocked+blocked
	if m.bytes < paceWindow {
		return false
	}
	got := perByte(m.blocked, m.bytes)
	for range min(m.bytes/paceWindow, maxWindows) {
		m.last[m.next] = got
		m.next = (m.next + 1) % windows
	}
	sorted := m.last
	slices.Sort(sorted[:])
	m.now.link = sorted[windows/2]
	m.now.decode = perByte(m.unpacking, m.raw)
	m.bytes, m.blocked = 0, 0
	return m.told.differs(m.now)
}

// measure counts a frame that came, and tells the peer the pace if it has changed and
// the peer knows what that is. At most one such frame is queued.
func (c *Conn) measure(f frame) {
	raw := 0
	if f.packed {
		raw = len(f.body)
	}
	if !c.meter.frame(f.size, c.dec.moving, raw, c.dec.unpacking) || c.peer.Minor < paceMinor || c.telling.Swap(true) {
		return
	}
	c.meter.told = c.meter.now
	var body [8]byte
	binary.LittleEndian.PutUint64(body[:], c.meter.now.word())
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mutedLocked() != nil {
		return
	}
	c.queue.push(kindPace, body[:])
	c.rouseLocked()
}
