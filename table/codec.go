package table

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"
)

// The messages between a client and a shard. Numbers are unsigned varints unless
// said otherwise; gen is four bytes, little endian, so that a message kept for
// resending can be given a new generation in place.
//
//	client to shard
//	  hello    kind gen origin | life stamp clock nholds (table hold)*   (clock: acknowledged)
//	  hold     kind gen origin | table hold lease set
//	  drop     kind gen origin | table hold
//	  ask      kind gen origin | ticket floor exact
//	  update   kind gen origin | clock sub floor based flags [newest] nblocks block* nreleases (table hold)*
//	  leave    kind gen origin | clock
//	shard to client
//	  answer   kind gen origin | life stamp version clock ticket seen.clock seen.sub by [newest] nblocks (first length block)*
//	  refuse   kind gen origin |
//	  reset    kind gen origin | life
//
//	set    = 0 begin length | 1 count gap*      (gap: distance to the key before, less one)
//	block  = table hold positions [form] value* (width values a position, little endian; of int32 see kernel.AppendInts)
//	positions = 0 | 1 count gap* | 2 byte*      (all held here; gaps; a bitmap)
//
// length and nblocks are four bytes, little endian: they are filled in when what
// they count is there. length is that of the block, so that a client can pass over a
// hold that it dropped meanwhile. by is the origin whose message released the answer: whom it waited for.
// Clocks and floors are zig-zag varints: a floor may lie before clock 0. lease is
// 0 for a shared hold, 1 for one that is only written, whose values are not sent, and
// 2(turn+1) for an exclusive one. first is 1 when the block
// is the first of its hold: keys not in it have their initial value. exact is 1 where the
// answer is to bring what lossy tables keep back, too; form is there for those alone.
// newest, a zig-zag varint, is there where a table weights late updates (LateDyn): in
// an answer the highest clock of the other origins that is in it, in an update that of
// the values that it was computed from.
type kind uint8

const (
	kindHello kind = iota + 1
	kindHold
	kindDrop
	kindAsk
	kindUpdate
	kindLeave
	kindAnswer
	kindRefuse
	kindReset
)

func (k kind) String() string {
	names := [...]string{"none", "hello", "hold", "drop", "ask", "update", "leave", "answer", "refuse", "reset"}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

const (
	flagLast   = 1 << iota // the update ends its clock
	flagNewest             // newest follows
	flagsKnown = 1<<iota - 1
)

// The forms of a set of positions.
const (
	posAll = iota
	posGaps
	posBits
)

const (
	setRange = iota
	setList
)

var errTruncated = errors.New("truncated")

func appendHeader(b []byte, k kind, gen uint32, origin uint32) []byte {
	b = append(b, byte(k))
	b = binary.LittleEndian.AppendUint32(b, gen)
	return binary.AppendUvarint(b, uint64(origin))
}

// setGeneration gives an encoded message another generation.
func setGeneration(msg []byte, gen uint32) { binary.LittleEndian.PutUint32(msg[1:5], gen) }

func appendSet(b []byte, s Set) []byte {
	if s.isRange() {
		b = append(b, setRange)
		b = binary.AppendUvarint(b, s.r.Begin)
		return binary.AppendUvarint(b, s.r.Len())
	}
	b = append(b, setList)
	b = binary.AppendUvarint(b, uint64(len(s.list)))
	next := uint64(0)
	for _, k := range s.list {
		b = binary.AppendUvarint(b, k-next)
		next = k + 1
	}
	return b
}

// places are some of the positions [0, n) of a held set: all, or those listed, in
// ascending order.
type places struct {
	all  bool
	n    int // how many are there, listed or not
	list []int32
}

func allOf(n int) places { return places{all: true, n: n} }

func listed(list []int32) places { return places{n: len(list), list: list} }

// appendPlaces encodes places, of n possible ones, in the shortest form.
func appendPlaces(b []byte, at places, n int) []byte {
	if at.n == n {
		return append(b, posAll)
	}
	positions := at.list
	gaps, last := 0, int32(-1)
	for _, p := range positions {
		gaps += uvarintLen(uint64(p - last - 1))
		last = p
	}
	if gaps <= (n+7)/8 {
		b = append(b, posGaps)
		b = binary.AppendUvarint(b, uint64(len(positions)))
		last = -1
		for _, p := range positions {
			b = binary.AppendUvarint(b, uint64(p-last-1))
			last = p
		}
		return b
	}
	b = append(b, posBits)
	first := len(b)
	b = append(b, make([]byte, (n+7)/8)...)
	for _, p := range positions {
		b[first+int(p)>>3] |= 1 << (p & 7)
	}
	return b
}

func uvarintLen(x uint64) int { return (bits.Len64(x|1) + 6) / 7 }

// reader decodes a message. The first mistake sticks and every later read
// returns zero, so that a decoder checks err once, before it acts.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.b = nil
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail(errTruncated)
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) varint() int64 {
	v := r.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

func appendVarint(b []byte, v int64) []byte {
	return binary.AppendUvarint(b, uint64(v)<<1^uint64(v>>63))
}

// upTo reads a number of at most limit.
func (r *reader) upTo(limit uint64, what string) uint64 {
	v := r.uvarint()
	if v > limit && r.err == nil {
		r.fail(fmt.Errorf("%s %d is above %d", what, v, limit))
		return 0
	}
	return v
}

func (r *reader) bytes(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.fail(errTruncated)
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) byte() byte {
	if b := r.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) u32() uint32 {
	if b := r.bytes(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// u32n reads how many things follow, each of at least size bytes, in four bytes.
func (r *reader) u32n(size int) uint32 {
	n := r.u32()
	if uint64(n) > uint64(len(r.b)/size) {
		r.fail(errTruncated)
		return 0
	}
	return n
}

// set reads a set within a key space of keys, into *buf where it is a list.
func (r *reader) set(keys uint64, buf *[]uint64) Set {
	switch form := r.byte(); form {
	case setRange:
		begin := r.upTo(keys, "the begin of a range")
		n := r.upTo(keys-begin, "the length of a range")
		return Span(begin, begin+n)
	case setList:
		n := r.uvarint()
		if n > uint64(len(r.b)) {
			r.fail(errTruncated) // a key takes at least a byte
			return Keys(nil)
		}
		list := slices.Grow((*buf)[:0], int(n))
		next := uint64(0)
		for range n {
			k, carry := bits.Add64(next, r.uvarint(), 0)
			if r.err != nil {
				break
			}
			if carry != 0 || k >= keys {
				r.fail(fmt.Errorf("key is not within [0, %d)", keys))
				break
			}
			list = append(list, k)
			next = k + 1
		}
		*buf = list
		return Keys(list)
	default:
		r.fail(fmt.Errorf("unknown form %d of a set", form))
		return Keys(nil)
	}
}

// places reads positions below n, at most so many, into *buf where they are listed.
func (r *reader) places(n, most int, buf *[]int32) places {
	list := (*buf)[:0]
	switch form := r.byte(); form {
	case posAll:
		if n > most {
			r.fail(errTruncated) // before anything of the size n is made
			return places{}
		}
		return allOf(n)
	case posGaps:
		count := r.upTo(uint64(min(n, most)), "the number of positions")
		next := uint64(0)
		for range count {
			p := next + r.upTo(uint64(n), "a gap")
			if r.err != nil || p >= uint64(n) {
				r.fail(fmt.Errorf("position %d is not below %d", p, n))
				return places{}
			}
			list = append(list, int32(p))
			next = p + 1
		}
	case posBits:
		bitmap := r.bytes((n + 7) / 8)
		for i, b := range bitmap {
			for ; b != 0; b &= b - 1 {
				p := i*8 + bits.TrailingZeros8(b)
				if p >= n {
					r.fail(fmt.Errorf("position %d is not below %d", p, n))
					return places{}
				}
				list = append(list, int32(p))
			}
		}
	default:
		if r.err == nil {
			r.fail(fmt.Errorf("unknown form %d of positions", form))
		}
	}
	*buf = list
	return listed(list)
}

// header reads what every message begins with.
func (r *reader) header() (k kind, gen, origin uint32) {
	k = kind(r.byte())
	gen = r.u32()
	origin = uint32(r.upTo(math.MaxUint32, "origin"))
	return k, gen, origin
}
