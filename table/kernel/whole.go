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
	errWhole      = errors.New("whole numbers of an unknown size")
	errShortWhole = errors.New("truncated")
)

// AppendWhole appends values to b.
func AppendWhole(b []byte, x []int32) []byte {
	b = slices.Grow(b, MostWhole(len(x)))
	n, done := appendWholeFast(b[len(b):cap(b)], x)
	b = b[:len(b)+n]
	for x = x[done:]; len(x) > 0; x = x[min(groupSize, len(x)):] {
		group := x[:min(groupSize, len(x))]
		size := wholeSize(group)
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

// MostWhole is the most bytes that n values take.
func MostWhole(n int) int { return 4*n + (n+groupSize-1)/groupSize }

// WholeIn is how many values n bytes hold at most.
func WholeIn(n int) int { return n * groupSize }

// wholeSize is how many bytes the values of a group take.
func wholeSize(group []int32) int {
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

// SkimWhole returns how many bytes of b the n values are that it begins with.
func SkimWhole(b []byte, n int) (int, error) {
	at := 0
	for ; n > 0; n -= groupSize {
		if at >= len(b) {
			return 0, errShortWhole
		}
		size := int(b[at])
		if size > 4 || size == 3 {
			return 0, errWhole
		}
		at += 1 + size*min(n, groupSize)
	}
	if at > len(b) {
		return 0, errShortWhole
	}
	return at, nil
}

// LoadWhole reads the values of x from b, which SkimWhole has found to hold them.
func LoadWhole(x []int32, b []byte) {
	n, done := loadWholeFast(x, b)
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
