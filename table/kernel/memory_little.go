//go:build 386 || amd64 || amd64p32 || arm || arm64 || loong64 || mips64le || mipsle || ppc64le || riscv64 || wasm

package kernel

import "unsafe"

// Append appends the values of x to b, little endian.
func Append[T Elem](b []byte, x []T) []byte {
	return append(b, memory(x)...)
}

// Load reads len(x) little-endian values from b, which must have as many.
func Load[T Elem](x []T, b []byte) {
	m := memory(x)
	copy(m, b[:len(m)])
}

// Values returns the n little-endian values that b begins with, which must have
// as many: in b's own memory where that is possible, else in buf's. Do not write
// to them.
func Values[T Elem](b []byte, n int, buf *[]T) []T {
	if n == 0 {
		return nil
	}
	var v T
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b[:n*int(unsafe.Sizeof(v))]))), n)
}

// memory is the bytes of x.
func memory[T Elem](x []T) []byte {
	var v T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), len(x)*int(unsafe.Sizeof(v)))
}

// Bytes returns the little-endian bytes of x: x's own memory where that is possible,
// else buf's. Do not write to them.
func Bytes[T Elem](x []T, buf *[]byte) []byte { return memory(x) }
