//go:build !(386 || amd64 || amd64p32 || arm || arm64 || loong64 || mips64le || mipsle || ppc64le || riscv64 || wasm)

package kernel

import (
	"encoding/binary"
	"math"
)

// Append appends the values of x to b, little endian.
func Append[T Elem](b []byte, x []T) []byte {
	switch x := any(x).(type) {
	case []float32:
		for _, v := range x {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
	case []float64:
		for _, v := range x {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		}
	case []int32:
		for _, v := range x {
			b = binary.LittleEndian.AppendUint32(b, uint32(v))
		}
	}
	return b
}

// Load reads len(x) little-endian values from b, which must have as many.
func Load[T Elem](x []T, b []byte) {
	switch x := any(x).(type) {
	case []float32:
		for i := range x {
			x[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		}
	case []float64:
		for i := range x {
			x[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
		}
	case []int32:
		for i := range x {
			x[i] = int32(binary.LittleEndian.Uint32(b[4*i:]))
		}
	}
}

// Values returns the n little-endian values that b begins with, which must have
// as many: in b's own memory where that is possible, else in buf's. Do not write
// to them.
func Values[T Elem](b []byte, n int, buf *[]T) []T {
	if cap(*buf) < n {
		*buf = make([]T, n)
	}
	Load((*buf)[:n], b)
	return (*buf)[:n]
}

// Bytes returns the little-endian bytes of x: x's own memory where that is possible,
// else buf's. Do not write to them.
func Bytes[T Elem](x []T, buf *[]byte) []byte {
	*buf = Append((*buf)[:0], x)
	return *buf
}
