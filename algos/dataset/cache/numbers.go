package cache

import (
	"encoding/binary"
	"fmt"
	"slices"
	"unsafe"
)

// Number is what sections may hold many of.
type Number interface {
	~uint16 | ~uint32 | ~int32 | ~int64 | ~uint64 | ~float32 | ~float64
}

// native is set where memory has the form of sections, little endian.
var native = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// Bytes returns numbers as a section has them. It is the memory of x and valid as
// long as that is unchanged; a copy where the machine is big endian.
func Bytes[T Number](x []T) []byte {
	if len(x) == 0 {
		return nil
	}
	size := int(unsafe.Sizeof(x[0]))
	b := unsafe.Slice((*byte)(unsafe.Pointer(&x[0])), len(x)*size)
	if !native {
		b = reversed(b, size)
	}
	return b
}

// View returns the numbers of a section, nil if it is empty. They are the memory of
// b and valid as long as that is; a copy where the machine is big endian.
func View[T Number](b []byte) ([]T, error) {
	if len(b) == 0 {
		return nil, nil
	}
	var x T
	size := int(unsafe.Sizeof(x))
	if len(b)%size != 0 {
		return nil, fmt.Errorf("cache: %d bytes are not a number of %T, which have %d", len(b), x, size)
	}
	if !native {
		b = reversed(b, size)
	}
	p := unsafe.Pointer(&b[0])
	if uintptr(p)%unsafe.Alignof(x) != 0 {
		return nil, fmt.Errorf("cache: %T in memory that is not aligned to %d bytes", x, unsafe.Alignof(x))
	}
	return unsafe.Slice((*T)(p), len(b)/size), nil
}

// reversed is a copy of b with the bytes of every number in reverse order.
func reversed(b []byte, size int) []byte {
	words := make([]uint64, (len(b)+7)/8) // for its alignment
	c := unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), len(b))
	copy(c, b)
	for number := range slices.Chunk(c, size) {
		slices.Reverse(number)
	}
	return c
}
