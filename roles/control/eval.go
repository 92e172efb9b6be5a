package control

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"

	"petuum/algos"
	"petuum/consistency"
	"petuum/roles/wire"
	"petuum/table/kernel"
)

// pieceFloats is the elements of a piece of a long sum, which is a frame: it should fit
// into the cache of a processor, since it is looked at three times on its way.
const pieceFloats = 64 << 10

// SendEval sends what a part evaluated; scratch is used again. Long sums go in pieces,
// from where they lie: they must not change until owner is released as often as it was
// retained, which is said before each piece is sent.
func SendEval(to Frames, part int, e *algos.Eval, scratch []byte, owner interface {
	wire.Owner
	Retain()
}) ([]byte, error) {
	sums, maxima := e.Parts()
	for _, name := range slices.Sorted(maps.Keys(sums)) {
		v := sums[name]
		if len(v) < pieceFloats {
			continue
		}
		for at := 0; at < len(v); at += pieceFloats {
			piece := v[at:min(at+pieceFloats, len(v))]
			scratch = appendPieceHead(scratch[:0], part, e.Clock, name, len(v), at, len(piece))
			owner.Retain()
			var copied []byte
			if err := to.SendOwned(KindSum, scratch, kernel.Bytes(piece, &copied), owner); err != nil {
				return scratch, err
			}
		}
		delete(sums, name)
	}
	scratch = appendEval(scratch[:0], part, e.Clock, sums, maxima)
	return scratch, to.SendNow(KindEval, scratch)
}

// Piece is a piece of a long sum of a part.
type Piece struct {
	Part   int
	Clock  consistency.Clock
	Name   string
	Len    int // of the sum
	At     int // of the first element
	Values []float64
}

// appendPieceHead encodes what comes before the elements of a piece. It is a multiple of
// eight bytes long, so that they lie where a processor likes them.
func appendPieceHead(b []byte, part int, clock consistency.Clock, name string, n, at, many int) []byte {
	start := len(b)
	b = AppendUints(append(b, 0, 0, 0, 0), uint64(part), uint64(clock))
	b = AppendUints(appendName(b, name), uint64(n), uint64(at), uint64(many))
	for (len(b)-start)%8 != 0 {
		b = append(b, 0)
	}
	binary.LittleEndian.PutUint32(b[start:], uint32(len(b)-start))
	return b
}

// ReadPiece decodes Sum. The values may share the body's memory, or else have buf's.
func ReadPiece(body []byte, buf *[]float64) (p Piece, err error) {
	r := NewReader(body)
	head := r.Bytes(4)
	if head == nil {
		return p, r.Err()
	}
	size := uint64(binary.LittleEndian.Uint32(head))
	if size < 4 || size > uint64(len(body)) {
		return p, fmt.Errorf("control: a piece of %d bytes with a head of %d", len(body), size)
	}
	r.b = body[4:size]
	p.Part, p.Clock = int(r.Uint(math.MaxInt32)), consistency.Clock(r.Uint(maxClock))
	p.Name = string(r.Bytes(r.Count(1)))
	p.Len = int(r.Uint(algos.MaxSum))
	p.At = int(r.Uint(uint64(p.Len)))
	n := int(r.Uint(uint64(p.Len - p.At)))
	if r.err != nil {
		return p, r.err
	}
	if slices.ContainsFunc(r.b, func(b byte) bool { return b != 0 }) || len(r.b) > 7 {
		return p, fmt.Errorf("control: the head of a piece ends in %x, not in up to 7 zeros", r.b)
	}
	if len(body)-int(size) != 8*n {
		return p, fmt.Errorf("control: a piece of %d elements in %d bytes", n, len(body)-int(size))
	}
	p.Values = kernel.Values(body[size:], n, buf)
	return p, nil
}

// appendEval encodes sums and maxima of a part.
func appendEval(b []byte, part int, clock consistency.Clock, sums map[string][]float64, maxima map[string]float64) []byte {
	b = AppendUints(b, uint64(part), uint64(clock), uint64(len(sums)))
	for name, v := range sums {
		b = appendFloats(appendName(b, name), v)
	}
	b = AppendUints(b, uint64(len(maxima)))
	for name, v := range maxima {
		b = binary.LittleEndian.AppendUint64(appendName(b, name), math.Float64bits(v))
	}
	return b
}

func appendName(b []byte, name string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(name))), name...)
}

// ReadEval decodes Eval.
func ReadEval(body []byte) (part int, e *algos.Eval, err error) {
	r := NewReader(body)
	part = int(r.Uint(math.MaxInt32))
	e = algos.NewEval(consistency.Clock(r.Uint(maxClock)))
	seen := map[string]bool{}
	for range r.Each(2) {
		name := string(r.Bytes(r.Count(1)))
		if seen[name] { // with another length it could not be added
			return part, e, fmt.Errorf("control: the sum %q is there twice", name)
		}
		seen[name] = true
		e.Add(name, r.Floats(nil)...)
	}
	for range r.Each(9) {
		name := string(r.Bytes(r.Count(1)))
		e.Max(name, r.Float())
	}
	return part, e, r.Err()
}
