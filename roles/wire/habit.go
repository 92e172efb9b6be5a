package wire

import "fmt"

// Compression says which bodies go compressed.
type Compression uint8

// The ways to compress. In all of them a body goes as it is if it is no longer than
// Options.CompressAbove or does not shrink.
const (
	Auto Compression = iota // bodies of a kind that shrink by more than the work costs on this link
	Off                     // none
	Zstd                    // every one
)

// ParseCompression reads the name of a Compression: auto, off or zstd.
func ParseCompression(name string) (Compression, error) {
	for c, n := range [...]string{"auto", "off", "zstd"} {
		if n == name {
			return Compression(c), nil
		}
	}
	return Auto, fmt.Errorf("wire: %q is no way to compress: want auto, off or zstd", name)
}

const (
	probeSoonest = 256 << 10 // bytes of a kind from a probe that did not pay to the next
	probeLatest  = 64 << 20  // the most, after several
	trialMemory  = 1 << 20   // raw bytes that a trial remembers
)

// A trial sums up what compressing has given; what is long ago counts less.
type trial struct {
	raw, packed int64 // bytes before and after
	nanos       int64
}

// add takes in what was compressed just now.
func (t *trial) add(o trial) {
	t.raw, t.packed, t.nanos = t.raw+o.raw, t.packed+o.packed, t.nanos+o.nanos
	for t.raw > trialMemory {
		t.raw, t.packed, t.nanos = t.raw/2, t.packed/2, t.nanos/2
	}
}

// pays says whether bodies arrive earlier compressed. Frames follow each other, so
// that one is encoded while the one before is on the link and a third is decoded: the
// slowest of the three counts, and of the other two a quarter, for the first and the
// last frame and for the processor, which others could have used. To begin, a
// twenty-fifth must be gained, to go on a hundredth.
func (t trial) pays(p pace, already bool) bool {
	encode := 1000 * t.nanos // picoseconds, as the pace
	decode := encode / 2     // while the peer has decoded nothing
	if p.decode > 0 {
		decode = int64(p.decode) * t.raw
	}
	with := max(encode, decode, int64(p.link)*t.packed) + (encode+decode)/4
	without := int64(p.link) * t.raw
	if already {
		return 100*with < 99*without
	}
	return 100*with < 96*without
}

// A habit is what is remembered of the bodies of one kind.
type habit struct {
	packing bool
	trial   trial
	link    uint32 // the pace of the link when it was tried last
	wait    int64  // bytes until the next probe
	backoff int64  // what wait begins with
	packed  int64  // bytes compressed since packing began
}

// due counts the bytes of a body that goes as it is, unless a probe is due: after
// the wait, and as soon as the link is slower than when it was tried last.
func (h *habit) due(p pace, bytes int64) bool {
	if p.link > h.link {
		return true
	}
	h.wait -= bytes
	return h.wait < 0
}

// probe decides by a piece of a body alone, for what was before may be all different.
func (h *habit) probe(p pace, t trial) bool {
	h.link, h.trial, h.packed = p.link, t, 0
	h.packing = t.pays(p, false)
	if !h.packing {
		h.back()
	}
	return h.packing
}

// learn takes in what compressing a body has given, and stops if that does not pay.
func (h *habit) learn(p pace, t trial) {
	h.packed += t.raw
	h.trial.add(t)
	h.goesOn(p)
}

// goesOn says whether packing still pays, and ends it if not.
func (h *habit) goesOn(p pace) bool {
	h.link = p.link
	if h.packing = h.trial.pays(p, true); h.packing {
		return true
	}
	if h.packed > h.backoff { // it was worth its while
		h.backoff = 0
	}
	h.back()
	return false
}

// back makes the wait for the next probe longer.
func (h *habit) back() {
	h.backoff = min(max(2*h.backoff, probeSoonest), probeLatest)
	h.wait = h.backoff
}
