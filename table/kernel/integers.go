package kernel

import (
	"encoding/binary"
	"errors"
	"slices"
)

// Whole numbers travel in groups of 64, the last of which may be shorter. Before each is
// a byte that says how many bytes a value of it takes, little endian: 0 (all of them are
// 0), 1, 2 or 4. Counts and what they change by are small, and the few large ones cost
// their group only.
const groupSize = 64

var (
	errInts      = errors.New("whole numbers of an unknown size")
	errShortInts = errors.New("truncated")
)

// AppendInts appends values to b.
func AppendInts(b []byte, x []int32) []byte {
	b = slices.Grow(b, MostInts(len(x)))
	n, done := appendIntsFast(b[len(b):cap(b)], x)
	b = b[:len(b)+n]
	for x = x[done:]; len(x) > 0; x = x[min(groupSize, len(x)):] {
		group := x[:min(groupSize, len(x))]
		size := intSize(group)
		b = append(b, byte(size))
		for _, v := range group {
			switch size {
			case 1:
				b = append(b, byte(v))
			case 2:
				b = binary.LittleEndian.AppendUint16(b, uint16(v))
			case 4:
				b = binary.LittleEndian.AppendUint32(b, uint32(v))
			}
		}
	}
	return b
}

// MostInts is the most bytes that n values take.
func MostInts(n int) int { return 4*n + (n+groupSize-1)/groupSize }

// IntsIn is how many values n bytes hold at most.
func IntsIn(n int) int { return n * groupSize }

// intSize is how many bytes the values of a group take.
func intSize(group []int32) int {
	any, magnitude := int32(0), int32(0)
	for _, v := range group {
		any |= v
		magnitude |= v ^ v>>31
	}
	switch {
	case any == 0:
		return 0
	case magnitude < 1<<7:
		return 1
	case magnitude < 1<<15:
		return 2
	}
	return 4
}

// SkimInts returns how many bytes of b the n values are that it begins with.
func SkimInts(b []byte, n int) (int, error) {
	at := 0
	for ; n > 0; n -= groupSize {
		if at >= len(b) {
			return 0, errShortInts
		}
		size := int(b[at])
		if size > 4 || size == 3 {
			return 0, errInts
		}
		at += 1 + size*min(n, groupSize)
	}
	if at > len(b) {
		return 0, errShortInts
	}
	return at, nil
}

// LoadInts reads the values of x from b, which SkimInts has found to hold them.
func LoadInts(x []int32, b []byte) {
	n, done := loadIntsFast(x, b)
	b = b[n:]
	for x = x[done:]; len(x) > 0; {
		group, size := x[:min(groupSize, len(x))], int(b[0])
		b = b[1:]
		for i := range group {
			switch v := b[i*size:]; size {
			case 0:
				group[i] = 0
			case 1:
				group[i] = int32(int8(v[0]))
			case 2:
				group[i] = int32(int16(binary.LittleEndian.Uint16(v)))
			default:
				group[i] = int32(binary.LittleEndian.Uint32(v))
			}
		}
		b, x = b[size*len(group):], x[len(group):]
	}
}
